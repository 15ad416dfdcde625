# Groups of queries, their filters, and recall under a filter.
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from vecbench import filters


def test_groups_are_of_different_queries_that_are_near_each_other():
    # Three crowds of ten, far apart.
    queries = np.repeat(np.eye(3, dtype=np.float32) * 100, 10, axis=0)
    queries += np.random.default_rng(1).standard_normal(queries.shape).astype(np.float32)
    groups = filters.query_groups(queries, 3, 10, np.random.default_rng(2))
    assert sorted(np.concatenate(groups).tolist()) == list(range(30))
    assert all(len(set(members // 10)) == 1 for members in groups)


def allowed(relation, closeness=(5.0, 1.0, 4.0, 2.0, 3.0), count=2):
    random = np.random.default_rng(1)
    return np.flatnonzero(filters.allowed_rows(relation, np.array(closeness), count, random)).tolist()


def test_a_correlated_filter_lets_the_closest_rows_through():
    assert allowed("correlated") == [0, 2]


def test_an_opposed_filter_lets_the_farthest_rows_through():
    assert allowed("opposed") == [1, 3]


@pytest.mark.parametrize("relation", filters.RELATIONS)
def test_a_filter_lets_as_many_rows_through_as_asked_for(relation):
    closeness = np.random.default_rng(3).random(1000)
    assert len(allowed(relation, closeness, 350)) == 350
    assert len(allowed(relation, closeness, 1000)) == 1000


def test_an_independent_filter_does_not_look_at_the_query():
    assert allowed("independent") == allowed("independent", (1.0, 5.0, 2.0, 4.0, 3.0))


def test_an_unknown_relation_is_refused():
    with pytest.raises(ValueError, match="relation must be"):
        allowed("sideways")


def line_truth():
    """Rows at 0...9 and a query at 0, where only even rows may be results."""
    base = np.arange(10, dtype=np.float32)[:, None]
    return filters.Truth(base, np.zeros((1, 1), dtype=np.float32), np.arange(10) % 2 == 0, 2, "l2sq")


def test_the_nearest_rows_that_are_allowed_are_recall_one():
    assert line_truth().recall(np.array([[2, 0]])).tolist() == [1.0]


def test_a_nearer_row_that_is_not_allowed_is_a_miss():
    assert line_truth().recall(np.array([[0, 1]])).tolist() == [0.5]


def test_missing_results_are_misses_whatever_their_type():
    missing = np.iinfo(np.uint64).max
    assert line_truth().recall(np.array([[0, missing]], dtype=np.uint64)).tolist() == [0.5]
    assert line_truth().recall(np.array([[0, -1]])).tolist() == [0.5]
    assert line_truth().recall(np.array([[0, 99]])).tolist() == [0.5]


@pytest.mark.parametrize("metric", ["ip", "l2sq", "cosine"])
def test_closeness_orders_rows_as_their_distances_do(metric):
    from vecbench import recall

    random = np.random.default_rng(4)
    base = random.standard_normal((50, 8)).astype(np.float32)
    query = random.standard_normal(8).astype(np.float32)
    found = filters.closeness_to(query, base, metric, block=7)
    distances = recall.distances(base, query[None], np.arange(50)[None], metric)[0]
    assert np.argsort(-found).tolist() == np.argsort(distances).tolist()
