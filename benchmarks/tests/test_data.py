# Data sets and exact truth.
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from vecbench import data, recall, synthetic


@pytest.mark.parametrize("block", [7, 100, 5000])
def test_truth_is_that_of_a_full_sort_whatever_the_block(block):
    base, queries = synthetic.clustered(900, 16, 20, seed=5)
    truth = data.exact_truth(base, queries, 10, block=block)
    scores = queries.astype(np.float64) @ base.astype(np.float64).T
    assert np.array_equal(truth, np.argsort(-scores, axis=1, kind="stable")[:, :10])


def test_truth_orders_ties_by_id():
    base = np.repeat(np.eye(2, dtype=np.float32), 5, axis=0)
    assert data.exact_truth(base, base[:1], 3).tolist() == [[0, 1, 2]]


def test_truth_may_be_as_deep_as_the_base():
    base, queries = synthetic.clustered(12, 4, 3, seed=1)
    assert np.array_equal(np.sort(data.exact_truth(base, queries, 12), axis=1), np.tile(np.arange(12), (3, 1)))


def test_a_wrong_truth_is_noticed():
    base, queries = synthetic.clustered(200, 16, 4, seed=1)
    truth = data.exact_truth(base, queries, 10)
    data.check_truth(base, queries, truth)
    with pytest.raises(SystemExit, match="truth"):
        data.check_truth(base, queries, np.roll(truth, 1, axis=0))


@pytest.mark.parametrize("metric", ["ip", "l2sq", "cosine"])
def test_truth_goes_by_the_metric(metric):
    base, queries = synthetic.uneven_norms(300, 8, 20, seed=2)
    truth = data.exact_truth(base, queries, 10, metric, block=70)
    data.check_truth(base, queries, truth, metric)
    every = recall.distances(base, queries, np.tile(np.arange(300), (20, 1)), metric)
    assert np.array_equal(truth, np.argsort(every, axis=1, kind="stable")[:, :10])


def test_the_truth_of_one_metric_is_not_that_of_another():
    base, queries = synthetic.uneven_norms(300, 8, 20, seed=2)
    truth = data.exact_truth(base, queries, 10, "ip")
    with pytest.raises(SystemExit, match="truth"):
        data.check_truth(base, queries, truth, "l2sq")


@pytest.mark.parametrize("kind", ["generated", "hard", "norms", "duplicates"])
def test_a_data_set_is_made_once_with_the_truth_of_each_metric(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "KEPT", tmp_path)
    made = data.prepare(kind, 150, 8, 4, seed=1)
    assert (made.n, made.dim, made.nq) == (150, 8, 4)
    for metric in ("ip", "l2sq"):
        data.check_truth(made.base(), made.queries(), made.truth(metric), metric)
    said = []
    again = data.prepare(kind, 150, 8, 4, seed=1, say=said.append)
    assert not said and np.array_equal(again.base(), made.base())


def test_packages_have_no_other_dim():
    with pytest.raises(SystemExit, match="packages"):
        data.prepare("packages", 100, 32, 4, seed=1)


def test_normalised_widens_and_scales():
    found = data.normalised(np.array([[3, 4]], dtype=np.float16))
    assert found.dtype == np.float32
    assert found[0] == pytest.approx([0.6, 0.8])
