# Generated data and exact truth.
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from vecbench import data


def test_generated_vectors_have_norm_1_and_the_shapes_asked_for():
    base, queries = data.generate(500, 24, 30, seed=3)
    assert base.shape == (500, 24) and queries.shape == (30, 24)
    assert base.dtype == queries.dtype == np.float32
    assert np.linalg.norm(np.vstack([base, queries]), axis=1) == pytest.approx(1.0, abs=1e-5)


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data():
    first, _ = data.generate(100, 8, 5, seed=1)
    again, _ = data.generate(100, 8, 5, seed=1)
    other, _ = data.generate(100, 8, 5, seed=2)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_generated_data_is_clustered():
    base, queries = data.generate(2000, 64, 50, seed=1)
    similarity = np.sort(queries @ base.T, axis=1)
    # The nearest rows are much nearer than rows are on average.
    assert np.median(similarity[:, -1]) > 0.6
    assert abs(np.median(similarity)) < 0.1


@pytest.mark.parametrize("block", [7, 100, 5000])
def test_truth_is_that_of_a_full_sort_whatever_the_block(block):
    base, queries = data.generate(900, 16, 20, seed=5)
    truth = data.exact_truth(base, queries, 10, block=block)
    scores = queries.astype(np.float64) @ base.astype(np.float64).T
    assert np.array_equal(truth, np.argsort(-scores, axis=1, kind="stable")[:, :10])


def test_truth_orders_ties_by_id():
    base = np.repeat(np.eye(2, dtype=np.float32), 5, axis=0)
    assert data.exact_truth(base, base[:1], 3).tolist() == [[0, 1, 2]]


def test_truth_may_be_as_deep_as_the_base():
    base, queries = data.generate(12, 4, 3, seed=1)
    assert np.array_equal(np.sort(data.exact_truth(base, queries, 12), axis=1), np.tile(np.arange(12), (3, 1)))


def test_a_wrong_truth_is_noticed():
    base, queries = data.generate(200, 16, 4, seed=1)
    truth = data.exact_truth(base, queries, 10)
    data.check_truth(base, queries, truth)
    with pytest.raises(SystemExit, match="truth"):
        data.check_truth(base, queries, np.roll(truth, 1, axis=0))


def test_normalised_widens_and_scales():
    found = data.normalised(np.array([[3, 4]], dtype=np.float16))
    assert found.dtype == np.float32
    assert found[0] == pytest.approx([0.6, 0.8])
