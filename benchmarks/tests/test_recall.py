# Recall counts by distance: what is a hit and what is not.
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from vecbench.recall import distances, kth_distances, recall

# On a line, so that the distances to a query at 0 are the squares of the numbers.
LINE = np.array([[0], [1], [2], [3], [-1]], dtype=np.float32)
QUERY = np.zeros((1, 1), dtype=np.float32)
MISSING_UNSIGNED = np.iinfo(np.uint64).max


def line_recall(found, k=2, dtype=np.int64):
    truth = np.array([[0, 1, 4, 2, 3]])
    limits = kth_distances(LINE, QUERY, truth, k, "l2sq")
    return recall(LINE, QUERY, np.array([found], dtype=dtype), limits, k, "l2sq")[0]


def test_all_true_neighbours_are_recall_one():
    assert line_recall([0, 1]) == 1.0


def test_order_does_not_matter():
    assert line_recall([1, 0]) == 1.0


def test_a_row_that_ties_with_the_kth_neighbour_is_a_hit():
    assert line_recall([0, 4]) == 1.0


def test_a_farther_row_is_a_miss():
    assert line_recall([0, 2]) == 0.5


def test_a_row_named_twice_counts_once():
    assert line_recall([0, 0]) == 0.5


def test_missing_results_are_misses():
    assert line_recall([0, -1]) == 0.5
    assert line_recall([0, MISSING_UNSIGNED], dtype=np.uint64) == 0.5
    assert line_recall([-1, -1]) == 0.0


def test_a_missing_result_does_not_hide_row_0():
    assert line_recall([-1, 0]) == 0.5
    assert line_recall([0, -1, 1], k=3) == pytest.approx(2 / 3)


def test_ids_beyond_the_base_are_misses():
    assert line_recall([0, 5]) == 0.5


def test_results_after_the_kth_are_ignored():
    assert line_recall([2, 3, 0, 1]) == 0.0


def test_recall_never_passes_one_when_more_than_k_rows_tie():
    base = np.zeros((4, 3), dtype=np.float32)
    limits = kth_distances(base, base[:1], np.array([[0, 1, 2, 3]]), 2, "l2sq")
    assert recall(base, base[:1], np.array([[2, 3]]), limits, 2, "l2sq")[0] == 1.0


def test_a_difference_of_rounding_is_a_tie_and_a_real_one_is_not():
    base = np.array([[0], [1], [1 + 1e-7], [1.001]], dtype=np.float32)
    limits = kth_distances(base, QUERY, np.array([[0, 1]]), 2, "l2sq")
    assert recall(base, QUERY, np.array([[0, 2]]), limits, 2, "l2sq")[0] == 1.0
    assert recall(base, QUERY, np.array([[0, 3]]), limits, 2, "l2sq")[0] == 0.5


def test_each_query_has_its_own_recall():
    queries = np.array([[0], [3]], dtype=np.float32)
    limits = kth_distances(LINE, queries, np.array([[0], [3]]), 1, "l2sq")
    assert recall(LINE, queries, np.array([[0], [0]]), limits, 1, "l2sq").tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "metric, expected",
    [("l2sq", [2.0, 1.0]), ("ip", [0.0, -2.0]), ("cosine", [1.0, 0.0])],
)
def test_distances_are_smaller_where_rows_are_closer(metric, expected):
    base = np.array([[0, 1], [2, 0]], dtype=np.float32)
    found = distances(base, np.array([[1, 0]], dtype=np.float32), np.array([[0, 1]]), metric)
    assert found[0] == pytest.approx(expected)


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="metric must be"):
        distances(LINE, QUERY, np.array([[0]]), "manhattan")
