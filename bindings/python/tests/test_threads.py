# Python threads beside each other, and fork.
# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import reference
import vecstore


def ticks_during(call):
    """How often another Python thread woke up during a call; each time it needs the GIL anew."""
    ticks, stop = [0], threading.Event()

    def tick():
        while not stop.is_set():
            ticks[0] += 1
            time.sleep(0.0005)

    ticker = threading.Thread(target=tick)
    ticker.start()
    try:
        before = ticks[0]
        call()
        return ticks[0] - before
    finally:
        stop.set()
        ticker.join()


def ticks_during_a_long_call(call):
    """As above; the call gets more work until there are many ticks or the work is far more than needed."""
    for size in (1, 4, 16, 64, 256):
        ticks = ticks_during(lambda: call(size))
        if ticks >= 50:
            break
    return ticks


def test_other_python_threads_run_during_a_search(rng):
    queries = rng.standard_normal((200, 256)).astype(np.float32)
    with vecstore.Index("flat", dim=256) as index:
        index.add(rng.standard_normal((5000, 256)).astype(np.float32))
        ticks = ticks_during_a_long_call(lambda size: index.search(np.tile(queries, (size, 1)), k=10, threads=1))
    assert ticks >= 50


def test_other_python_threads_run_during_stateless_calls(rng):
    queries = rng.standard_normal((200, 256)).astype(np.float32)
    base = rng.standard_normal((2000, 256)).astype(np.float32)
    ticks = ticks_during_a_long_call(lambda size: vecstore.pairwise(np.tile(queries, (size, 1)), base, "l1", threads=1))
    assert ticks >= 50


def test_two_threads_search_one_index_at_the_same_time(line):
    """Each search waits, in its filter, until the other one is inside the library too."""
    together = threading.Barrier(2, timeout=60)
    met = set()

    def wait_once(name):
        def accepts(row_id):
            if name not in met:
                together.wait()
                met.add(name)
            return True

        return accepts

    with ThreadPoolExecutor(2) as pool:
        searches = [pool.submit(line.search, [0, 0], k=3, filter=wait_once(name)) for name in ("first", "second")]
        results = [search.result().ids.tolist() for search in searches]
    assert met == {"first", "second"}
    assert results == [[[0, 1, 2]], [[0, 1, 2]]]


def test_many_threads_get_the_same_answers(rng):
    vectors, queries = reference.vectors(rng, 3000, "float32"), reference.vectors(rng, 64, "float32")
    with vecstore.Index("flat", dim=reference.DIM) as index:
        index.add(vectors)
        expected = index.search(queries, k=5)
        with ThreadPoolExecutor(8) as pool:
            for found in pool.map(lambda _: index.search(queries, k=5), range(40)):
                np.testing.assert_array_equal(found.ids, expected.ids)
                np.testing.assert_array_equal(found.distances, expected.distances)


def test_searches_run_beside_changes(rng):
    """Rows 0 ... 9 stay; whatever else comes and goes, they are found, and nothing else is nearer."""
    with vecstore.Index("flat", dim=2) as index:
        index.add([[x, 0] for x in range(10)])

        def change(seed):
            for i in range(50):
                ids = index.add(np.full((20, 2), 1000.0 + seed))
                index.update(ids[:5], np.full((5, 2), 2000.0))
                index.remove(ids)
                if i % 10 == 0:
                    index.compact()

        def search(_):
            for _ in range(100):
                assert index.search([0, 0], k=10).ids.tolist() == [list(range(10))]
                assert index.contains(range(10)).all()
                assert set(range(10)) <= set(index.ids().tolist())

        with ThreadPoolExecutor(6) as pool:
            list(
                pool.map(lambda job: job[0](job[1]), [(change, 1), (change, 2), (search, 0), (search, 0), (search, 0)])
            )
        assert len(index) == 10


def test_threads_add_without_losing_a_row():
    with vecstore.Index("flat", dim=1) as index:
        with ThreadPoolExecutor(4) as pool:
            batches = list(pool.map(lambda n: index.add(np.full((50, 1), float(n))), range(40)))
        ids = np.concatenate(batches)
        assert sorted(ids.tolist()) == list(range(2000))
        for n, batch in enumerate(batches):
            assert (index.get(batch) == n).all()


def test_closing_beside_searches_ends_them_cleanly(rng):
    vectors = reference.vectors(rng, 2000, "float32")
    index = vecstore.Index("flat", dim=reference.DIM)
    index.add(vectors)
    expected = index.search(vectors[:4], k=3).ids.tolist()
    started = threading.Barrier(5)

    def search_until_closed():
        started.wait()
        answers = []
        while True:
            try:
                answers.append(index.search(vectors[:4], k=3).ids.tolist())
            except vecstore.InvalidHandleError:
                return answers

    with ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(search_until_closed) for _ in range(4)]
        started.wait()
        index.close()
        for search in searches:
            assert all(answer == expected for answer in search.result())


def test_other_python_threads_run_while_a_graph_is_built(rng):
    rows = rng.standard_normal((2000, 64)).astype(np.float32)

    def build(size):
        with vecstore.Index("hnsw", dim=64) as index:
            index.add(np.tile(rows, (size, 1)), threads=1)

    assert ticks_during_a_long_call(build) >= 50


def test_threads_add_to_a_graph_at_the_same_time_without_losing_a_row(rng):
    vectors = rng.standard_normal((6000, 16)).astype(np.float32)
    with vecstore.Index("hnsw", dim=16) as index:
        with ThreadPoolExecutor(4) as pool:
            parts = np.array_split(np.arange(6000), 60)
            batches = list(pool.map(lambda part: index.add(vectors[part], threads=1), parts))
        assert sorted(np.concatenate(batches).tolist()) == list(range(6000)), "each id is given once"
        for part, ids in zip(parts, batches):
            np.testing.assert_array_equal(index.get(ids), vectors[part])
        index.verify()
        row_of_id = np.empty(6000, dtype=int)
        row_of_id[np.concatenate(batches).astype(int)] = np.concatenate(parts)
        found = index.search(vectors, k=1, ef_search=200)
        assert (row_of_id[found.ids[:, 0].astype(int)] == np.arange(6000)).mean() >= 0.99


def test_only_one_of_two_threads_adds_an_id(rng):
    rows = rng.standard_normal((50, 16)).astype(np.float32)
    with vecstore.Index("hnsw", dim=16) as index, ThreadPoolExecutor(4) as pool:

        def add(_):
            try:
                return len(index.add(rows, ids=range(50)))
            except vecstore.AlreadyExistsError:
                return 0

        assert sorted(pool.map(add, range(8))) == [0] * 7 + [50]
        assert sorted(index) == list(range(50))
        index.verify()


def search_beside(changed, changers, searchers):
    """Calls each function with its number on a thread of its own; sets `changed` when the changers are done.

    Returns what the searchers return.
    """
    with ThreadPoolExecutor(len(changers) + len(searchers)) as pool:
        searches = [pool.submit(search, i) for i, search in enumerate(searchers)]
        changes = [pool.submit(change, i) for i, change in enumerate(changers)]
        try:
            for one in changes:
                one.result()
        finally:
            changed.set()
        return [one.result() for one in searches]


def test_a_graph_is_searched_while_it_changes(rng):
    """Rows 0 ... 499 stay; whatever else comes and goes beside them, searches go on finding them."""
    vectors = rng.standard_normal((500, 16)).astype(np.float32)
    with vecstore.Index("hnsw", dim=16) as index:
        index.add(vectors)
        changed = threading.Event()

        def change(seed):
            own = np.random.default_rng(seed)
            for _ in range(15):
                ids = index.add(own.standard_normal((300, 16)), threads=1)
                index.update(ids[:20], own.standard_normal((20, 16)))
                index.remove(ids[:280])
            return index.optimize()

        def search(_):
            shares = []
            while not changed.is_set() or not shares:
                found = index.search(vectors, k=1, ef_search=100, threads=1)
                assert (found.ids != vecstore.NO_ID).all()
                shares.append((found.ids[:, 0] == np.arange(500)).mean())
                allowed = index.search(vectors[:20], k=5, filter=range(500), threads=1)
                assert (allowed.ids < 500).all()
            return min(shares)

        assert min(search_beside(changed, [change] * 3, [search] * 2)) >= 0.95
        assert len(index) == 500 + 3 * 15 * 20
        index.verify()


def test_a_graph_is_searched_while_all_of_it_goes_and_comes_again(rng):
    vectors = rng.standard_normal((500, 16)).astype(np.float32)
    with vecstore.Index("hnsw", dim=16) as index:
        changed = threading.Event()

        def change(_):
            for i in range(60):
                ids = index.add(vectors[: 100 + i], threads=1)
                index.remove(index.ids() if i % 2 else ids)

        def search(_):
            while not changed.is_set():
                ids, distances = index.search(vectors[:20], k=100, threads=1)
                for row_ids, row_distances in zip(ids, distances):
                    there = row_ids != vecstore.NO_ID
                    assert len(set(row_ids[there].tolist())) == there.sum()
                    assert (np.diff(row_distances[there]) >= 0).all()
                    assert np.isinf(row_distances[~there]).all()

        search_beside(changed, [change] * 2, [search] * 3)
        index.verify()


def test_a_graph_is_calibrated_while_rows_come_and_go(rng):
    vectors = rng.standard_normal((500, 16)).astype(np.float32)
    with vecstore.Index("hnsw", dim=16) as index:
        index.add(vectors)
        changed = threading.Event()

        def change():
            while not changed.is_set():
                index.remove(index.add(vectors, threads=1))

        with ThreadPoolExecutor(1) as pool:
            changes = pool.submit(change)
            try:
                for _ in range(100):
                    assert index.calibrate(recall=0.5, threads=1).ef_search >= 1
            finally:
                changed.set()
            changes.result()


def test_a_cancelled_add_does_not_touch_those_of_other_threads(rng):
    vectors = rng.standard_normal((4000, 16)).astype(np.float32)
    with vecstore.Index("hnsw", dim=16) as index:

        def cancelled(_):
            try:
                index.add(vectors, threads=1, progress=lambda done, total: False)
            except vecstore.CancelledError:
                return []

        with ThreadPoolExecutor(4) as pool:
            given_up = [pool.submit(cancelled, i) for i in range(2)]
            added = [pool.submit(index.add, part, threads=1) for part in np.array_split(vectors, 20)]
            ids = np.concatenate([one.result() for one in added])
            assert [one.result() for one in given_up] == [[], []]
        assert sorted(index) == sorted(ids.tolist())
        np.testing.assert_array_equal(index.get(ids), vectors)
        index.verify()


def test_closing_beside_adds_ends_them_cleanly(rng):
    rows = rng.standard_normal((100, 16)).astype(np.float32)
    index = vecstore.Index("hnsw", dim=16)
    started = threading.Barrier(4)

    def add_until_closed(_):
        started.wait()
        while True:
            try:
                index.add(rows, threads=1)
            except vecstore.InvalidHandleError:
                return "closed"

    with ThreadPoolExecutor(3) as pool:
        adds = [pool.submit(add_until_closed, i) for i in range(3)]
        started.wait()
        time.sleep(0.05)
        index.close()
        assert [one.result() for one in adds] == ["closed"] * 3


def test_errors_belong_to_their_thread(line):
    def provoke(i):
        for _ in range(200):
            try:
                line.get([100 + i]) if i % 2 else line.add([[np.nan, 0]])
            except vecstore.Error as error:
                assert type(error) is (vecstore.NotFoundError if i % 2 else vecstore.NotFiniteError)
            else:
                raise AssertionError("no error")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(provoke, range(4)))


FORK = """
    import os, sys
    import numpy as np
    import vecstore

    path = sys.argv[1]
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((20000, 32)).astype(np.float32)
    index = vecstore.Index(sys.argv[2], dim=32)
    index.add(vectors, threads=2)
    index.save(path)
    mapped = vecstore.Index.open(path)
    expected = index.search(vectors[:50], k=5, threads=2)

    def same(found):
        return (found.ids == expected.ids).all() and (found.distances == expected.distances).all()

    child = os.fork()
    if child == 0:
        good = same(index.search(vectors[:50], k=5, threads=2)) and same(mapped.search(vectors[:50], k=5, threads=2))
        index.add(vectors[:10])
        good = good and len(index) == 20010
        index.close()
        os._exit(0 if good else 1)
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, status
    assert len(index) == 20000
    assert same(index.search(vectors[:50], k=5, threads=2))
    print("same")
"""


@pytest.mark.parametrize("kind", ["flat", "hnsw", "ivf"])
def test_a_forked_child_gets_the_same_answers(tmp_path, package_environment, kind):
    script = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(FORK)]
    run = subprocess.run(
        [*script, str(tmp_path / "index"), kind],
        env=package_environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "same\n", "")
