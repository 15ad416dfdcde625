# The steps of the suite `life`, with an index that is a dictionary.
# SPDX-License-Identifier: Apache-2.0
import types

import numpy as np
import pytest

from vecbench import data, lifework, synthetic
from vecbench.worker import Worker


class Rows:
    """An exact index. With `forgets`, updates do not reach it: what churn must show."""

    def __init__(self, forgets=False):
        self.rows = {}
        self.forgets = forgets

    def add(self, rows, ids=None, threads=0):
        ids = range(len(self.rows), len(self.rows) + len(rows)) if ids is None else ids.tolist()
        assert not set(ids) & set(self.rows)
        self.rows.update(zip(ids, rows))

    def update(self, ids, rows):
        assert set(ids.tolist()) <= set(self.rows)
        if not self.forgets:
            self.rows.update(zip(ids.tolist(), rows))

    def remove(self, ids):
        for row_id in ids.tolist():
            del self.rows[row_id]

    def search(self, query, k):
        return list(self.rows)[:k]

    def compact(self):
        pass

    def close(self):
        pass

    def stats(self):
        return types.SimpleNamespace(memory_bytes=len(self.rows))


class Exact:
    threads = 1

    def __init__(self, forgets=False):
        self.forgets = forgets

    def make(self):
        return Rows(self.forgets)

    def build(self, base, threads):
        self.index = self.make()
        self.index.add(base)

    def use(self, **point):
        pass

    def search(self, queries, k):
        ids = np.array(list(self.index.rows), dtype=np.uint64)
        scores = queries @ np.array(list(self.index.rows.values())).T
        return ids[np.argsort(-scores, axis=1)[:, :k]]


def a_worker(tmp_path, forgets=False):
    base, queries = synthetic.clustered(60, 8, 5, seed=1)
    np.save(tmp_path / "base.npy", base)
    np.save(tmp_path / "truth.npy", data.exact_truth(base, queries, 10))
    worker = Worker()
    worker.base_file, worker.queries, worker.k = str(tmp_path / "base.npy"), queries, 3
    worker.engine = Exact(forgets)
    worker.engine.build(base, 1)
    return worker


def churn(tmp_path, forgets=False):
    return lifework.churn(
        a_worker(tmp_path, forgets),
        points=[{}],
        truth=str(tmp_path / "truth.npy"),
        metric="ip",
        batch=7,
        threads=1,
        seed=1,
    )


def test_an_exact_index_keeps_its_recall_through_churn(tmp_path):
    found = churn(tmp_path)
    assert [stage["points"][0]["recall"] for stage in found["stages"]] == [1.0] * 5
    assert set(found["rows_per_second"]) == {"update", "remove", "add", "build"}


def test_churn_shows_an_index_that_loses_updates(tmp_path):
    stages = churn(tmp_path, forgets=True)["stages"]
    assert stages[0]["points"][0]["recall"] == 1.0
    assert stages[1]["points"][0]["recall"] < 0.5


def test_calls_leaves_the_index_in_its_place(tmp_path):
    worker = a_worker(tmp_path)
    index = worker.engine.index
    found = lifework.calls(worker, {}, count=5, seconds=0.01)
    assert worker.engine.index is index and all(value > 0 for value in found.values())


def test_threads_gives_the_engine_its_threads_back(tmp_path):
    worker = a_worker(tmp_path)
    found = lifework.threads(worker, {}, counts=[1, 2], seconds=0.01)
    assert worker.engine.threads == 1
    assert [row["threads"] for row in found["rows"]] == [1, 2]
    assert all(row["callers_qps"] > 0 for row in found["rows"])


def test_searches_return_to_the_index_after_an_error(tmp_path):
    worker = a_worker(tmp_path)
    index = worker.engine.index
    with pytest.raises(ZeroDivisionError), lifework.searching(worker.engine, Rows()):
        _ = 1 / 0
    assert worker.engine.index is index
