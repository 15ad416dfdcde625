# Made vectors.
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from vecbench import synthetic

MAKERS = [synthetic.clustered, synthetic.uneven, synthetic.uneven_norms, synthetic.duplicates]


@pytest.mark.parametrize("make", MAKERS)
def test_the_shapes_are_those_asked_for_and_the_seed_decides(make):
    base, queries = make(501, 24, 31, seed=3)
    again, _ = make(501, 24, 31, seed=3)
    other, _ = make(501, 24, 31, seed=4)
    assert base.shape == (501, 24) and queries.shape == (31, 24)
    assert base.dtype == queries.dtype == np.float32
    assert np.array_equal(base, again) and not np.array_equal(base, other)


@pytest.mark.parametrize("make", [synthetic.clustered, synthetic.duplicates])
def test_these_have_norm_1(make):
    base, queries = make(500, 24, 30, seed=3)
    assert np.linalg.norm(np.vstack([base, queries]), axis=1) == pytest.approx(1.0, abs=1e-5)


def test_clustered_data_is_clustered():
    base, queries = synthetic.clustered(2000, 64, 50, seed=1)
    similarity = np.sort(queries @ base.T, axis=1)
    # The nearest rows are much nearer than rows are on average.
    assert np.median(similarity[:, -1]) > 0.6
    assert abs(np.median(similarity)) < 0.1


def test_uneven_deviations_fall_with_the_element():
    base, _ = synthetic.uneven(4000, 32, 10, seed=1)
    deviations = base.std(axis=0)
    assert deviations[0] / deviations[9] == pytest.approx(10, rel=0.2)
    assert deviations[0] / deviations[31] == pytest.approx(32, rel=0.2)


def test_half_of_the_uneven_rows_have_a_near_duplicate():
    base, _ = synthetic.uneven(1000, 16, 10, seed=1)
    squares = np.square(base[:, None] - base[None]).sum(axis=2)
    np.fill_diagonal(squares, np.inf)
    near = np.sqrt(squares.min(axis=1)) < 10
    # Copies, and the rows that were copied.
    assert 0.5 < near.mean() < 1


def test_uneven_norms_are_lognormal():
    base, _ = synthetic.uneven_norms(4000, 16, 10, seed=1)
    logarithms = np.log(np.linalg.norm(base, axis=1))
    assert logarithms.mean() == pytest.approx(0, abs=0.05)
    assert logarithms.std() == pytest.approx(0.5, abs=0.05)


def test_a_fifth_of_the_rows_is_equal_and_some_queries_are_beside_them():
    base, queries = synthetic.duplicates(500, 16, 40, seed=1)
    rows, counts = np.unique(base, axis=0, return_counts=True)
    assert counts.max() == 100 and (counts > 1).sum() == 1
    same = rows[counts.argmax()]
    assert (queries[:4] @ same).min() > 0.9


def test_mixed_rows_lie_near_real_ones():
    real, _ = synthetic.clustered(300, 32, 1, seed=1)
    rows = synthetic.mixed(real, 1000, seed=2)
    assert rows.shape == (1000, 32) and rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)
    nearest = (rows @ real.T).max(axis=1)
    assert np.median(nearest) > 0.8
    # None is a copy.
    assert nearest.max() < 0.9999
    assert np.array_equal(rows, synthetic.mixed(real, 1000, seed=2))


def test_neighbours_are_those_of_a_full_sort():
    rows, _ = synthetic.clustered(200, 16, 1, seed=1)
    scores = rows @ rows.T
    np.fill_diagonal(scores, -np.inf)
    wanted = np.sort(np.argsort(-scores, axis=1)[:, :5], axis=1)
    assert np.array_equal(np.sort(synthetic._neighbours(rows, 5), axis=1), wanted)
