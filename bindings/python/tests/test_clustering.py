# k-means against NumPy.
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

import reference
import vecstore


@pytest.fixture
def rows(rng):
    return rng.standard_normal((800, 20)).astype(np.float32)


def distances(x, centroids, metric):
    found, _ = reference.distances(x.astype(np.float64), centroids.astype(np.float64), metric)
    return found


@pytest.mark.parametrize("metric", ["l2sq", "cosine"])
@pytest.mark.parametrize("options", [{}, {"start": "random"}, {"batch_size": 200}, {"sample": 300}, {"restarts": 3}])
def test_rows_go_to_their_nearest_centroid_and_the_objective_is_the_sum(rows, metric, options):
    centroids, assignments, objective = vecstore.kmeans(rows, 15, metric=metric, **options)
    assert (centroids.shape, centroids.dtype) == ((15, 20), np.float32)
    assert (assignments.shape, assignments.dtype) == ((800,), np.uint32)
    truth = distances(rows, centroids, metric)
    np.testing.assert_allclose(truth[np.arange(800), assignments], truth.min(axis=1), atol=1e-5)
    assert objective == pytest.approx(truth.min(axis=1).sum(), rel=1e-5)


def test_where_it_ends_by_itself_centroids_are_means(rows):
    centroids, assignments, _ = vecstore.kmeans(rows, 8, tolerance=0, max_iterations=1000)
    for c in range(8):
        np.testing.assert_allclose(centroids[c], rows[assignments == c].mean(axis=0), atol=1e-5)


def test_the_result_has_names(rows):
    found = vecstore.kmeans(rows, 3)
    assert found.centroids is found[0]
    assert found.assignments is found[1]
    assert found.objective == found[2]


@pytest.mark.parametrize("batch_size", [None, 100])
def test_threads_change_nothing_and_seeds_do(rows, batch_size):
    first = vecstore.kmeans(rows, 10, seed=4, threads=1, batch_size=batch_size)
    again = vecstore.kmeans(rows, 10, seed=4, threads=3, batch_size=batch_size)
    other = vecstore.kmeans(rows, 10, seed=5, batch_size=batch_size)
    np.testing.assert_array_equal(first.centroids, again.centroids)
    np.testing.assert_array_equal(first.assignments, again.assignments)
    assert first.objective == again.objective
    assert not np.array_equal(first.centroids, other.centroids)


@pytest.mark.parametrize("dtype", reference.NUMBER_DTYPES)
def test_every_dtype_of_numbers_can_be_clustered(rng, dtype):
    x = reference.vectors(rng, 200, dtype)
    floats = reference.numbers(x, dtype).astype(np.float32)
    found = vecstore.kmeans(x, 6, dtype=dtype)
    np.testing.assert_array_equal(found.assignments, vecstore.kmeans(floats, 6).assignments)
    np.testing.assert_array_equal(
        vecstore.kmeans_assign(x, found.centroids, dtype=dtype).assignments, found.assignments
    )


def test_equal_rows_and_more_centroids_than_different_rows():
    found = vecstore.kmeans(np.ones((50, 3)), 4)
    assert found.objective == 0
    np.testing.assert_array_equal(found.centroids, np.ones((4, 3)))
    two = vecstore.kmeans(np.repeat([[0.0, 1.0], [5.0, 5.0]], 10, axis=0), 6)
    assert two.objective == 0


@pytest.mark.parametrize("metric", ["l2sq", "cosine"])
def test_assign_finds_the_nearest_centroid(rng, rows, metric):
    centroids = rng.standard_normal((70, 20)).astype(np.float32)
    assignments, found = vecstore.kmeans_assign(rows, centroids, metric=metric)
    truth = distances(rows, centroids, metric)
    np.testing.assert_array_equal(assignments, truth.argmin(axis=1))
    np.testing.assert_allclose(found, truth.min(axis=1), rtol=1e-5, atol=1e-6)


def test_of_centroids_that_tie_the_first_counts():
    assert vecstore.kmeans_assign([[0.0]], [[1.0], [-1.0], [1.0]]).assignments.tolist() == [0]


def test_no_rows_are_assigned_to_nothing():
    found = vecstore.kmeans_assign(np.empty((0, 4), np.float32), np.ones((2, 4)))
    assert found.assignments.shape == found.distances.shape == (0,)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"k": 0}, vecstore.InvalidArgumentError, "k: expected 1"),
        ({"k": 801}, vecstore.InvalidArgumentError, "k: expected 1"),
        ({"metric": "ip"}, vecstore.UnsupportedError, "allowed are l2sq"),
        ({"metric": "hamming"}, vecstore.UnsupportedError, "allowed are l2sq"),
        ({"start": "first"}, vecstore.InvalidArgumentError, "kmeans\\+\\+, random"),
        ({"sample": 4}, vecstore.InvalidArgumentError, "sample is 4"),
        ({"sample": 100, "batch_size": 10}, vecstore.InvalidArgumentError, "both given"),
        ({"tolerance": -1}, vecstore.InvalidArgumentError, "tolerance"),
        ({"tolerance": float("nan")}, vecstore.InvalidArgumentError, "tolerance"),
        ({"max_iterations": 0}, vecstore.InvalidArgumentError, "max_iterations"),
        ({"restarts": 0}, vecstore.InvalidArgumentError, "restarts"),
        ({"batch_size": 0}, vecstore.InvalidArgumentError, "batch_size"),
        ({"seed": -1}, vecstore.InvalidArgumentError, "seed"),
        ({"k": 2.5}, TypeError, "k: expected an integer"),
        ({"progress": 3}, TypeError, "progress"),
    ],
)
def test_bad_options_are_refused_with_the_reason(rows, options, error, message):
    with pytest.raises(error, match=message):
        vecstore.kmeans(rows, **{"k": 5, **options})


def test_bits_are_refused(rng):
    with pytest.raises(vecstore.UnsupportedError, match="bits"):
        vecstore.kmeans(reference.vectors(rng, 50, "bits"), 2, dtype="bits")


def test_bad_vectors_are_refused(rows):
    bad = rows.copy()
    bad[700, 3] = np.nan
    with pytest.raises(vecstore.NotFiniteError, match="vector 700"):
        vecstore.kmeans(bad, 2, sample=10)
    bad[700] = 0
    with pytest.raises(vecstore.ZeroVectorError):
        vecstore.kmeans(bad, 2, metric="cosine")
    with pytest.raises(vecstore.InvalidArgumentError):
        vecstore.kmeans(np.empty((0, 3), np.float32), 1)
    with pytest.raises(vecstore.InvalidArgumentError, match="centroids"):
        vecstore.kmeans_assign(rows, np.ones((2, 19)))
    with pytest.raises(vecstore.InvalidArgumentError):
        vecstore.kmeans_assign(rows, np.empty((0, 20)))


def test_progress_grows_up_to_the_end(rows):
    told = []
    vecstore.kmeans(rows, 10, progress=lambda done, total: told.append((done, total)))
    assert len({total for _, total in told}) == 1
    done = [done for done, _ in told]
    assert done == sorted(done)
    assert done[-1] == told[-1][1]


def test_false_cancels(rows):
    with pytest.raises(vecstore.CancelledError):
        vecstore.kmeans(rows, 10, progress=lambda done, total: False)


def test_what_progress_raises_comes_out(rows):
    def fail(done, total):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        vecstore.kmeans(rows, 10, progress=fail)
