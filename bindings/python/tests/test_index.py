# The index: rows in, rows out, searches.
# SPDX-License-Identifier: Apache-2.0
import dataclasses

import numpy as np
import pytest

import reference
import vecstore


def test_ids_are_assigned_from_zero_and_returned(line):
    assert line.ids().tolist() == list(range(10))
    assert line.add([[50, 0], [51, 0]]).tolist() == [10, 11]


def test_assigned_ids_follow_the_largest_one_ever_given():
    with vecstore.Index("flat", dim=1) as index:
        assert index.add([[1], [2]], ids=[100, 7]).tolist() == [100, 7]
        assert index.add([[3]]).tolist() == [101]
        index.remove([101])
        assert index.add([[4]]).tolist() == [102]


def test_an_index_counts_its_rows(line):
    assert len(line) == 10
    line.remove([0, 1])
    assert len(line) == 8


def test_removing_tells_how_many_were_there(line):
    assert line.remove([1, 2, 77]) == 2
    assert line.remove([1]) == 0
    assert line.remove([]) == 0
    assert line.contains([0, 1, 2, 3]).tolist() == [True, False, False, True]


def test_removed_rows_are_not_found_again(line):
    line.remove([0, 1])
    assert line.search([0, 0], k=2).ids.tolist() == [[2, 3]]
    line.compact()
    assert line.search([0, 0], k=2).ids.tolist() == [[2, 3]]


def test_updating_replaces_vectors(line):
    line.update([9, 0], [[0, 0], [9, 0]])
    assert line.search([0, 0], k=1).ids.tolist() == [[9]]
    assert line.get([0]).tolist() == [[9, 0]]
    assert len(line) == 10


def test_membership(line):
    assert 3 in line
    assert np.uint64(3) in line
    assert 10 not in line
    assert -1 not in line
    found = line.contains([3, 10, 0])
    assert (found.dtype, found.tolist()) == (np.bool_, [True, False, True])
    with pytest.raises(TypeError):
        "3" in line


def test_get_copies_rows_in_the_order_asked_for(line):
    rows = line.get([7, 2, 7])
    assert (rows.dtype, rows.shape) == (np.float32, (3, 2))
    assert rows.tolist() == [[7, 0], [2, 0], [7, 0]]
    rows[:] = 100
    assert line.get([7]).tolist() == [[7, 0]]


@pytest.mark.parametrize("dtype", reference.NUMBER_DTYPES + ("bits",))
def test_rows_come_back_as_they_went_in(rng, dtype):
    vectors = reference.vectors(rng, 12, dtype)
    metric = "hamming" if dtype == "bits" else "l2sq"
    with vecstore.Index("flat", dim=reference.DIM, metric=metric, dtype=dtype) as index:
        rows = index.get(index.add(vectors))
        assert rows.dtype == vectors.dtype
        np.testing.assert_array_equal(rows, vectors)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_short_floats_come_back_as_float32_on_request(rng, dtype):
    vectors = reference.vectors(rng, 12, dtype)
    with vecstore.Index("flat", dim=reference.DIM, dtype=dtype) as index:
        rows = index.get(index.add(vectors), dtype="float32")
        assert rows.dtype == np.float32
        np.testing.assert_array_equal(rows, reference.numbers(vectors, dtype))
        with pytest.raises(vecstore.UnsupportedError):
            index.get([0], dtype="int8")


def test_iterating_gives_the_ids_as_integers(line):
    assert list(line) == list(range(10))
    assert all(type(row_id) is int for row_id in line)


def test_iterating_keeps_to_the_ids_of_its_beginning(line):
    seen = []
    for row_id in line:
        line.remove([row_id])
        seen.append(row_id)
    assert seen == list(range(10))
    assert len(line) == 0
    assert list(line) == []


def test_iterating_over_many_rows():
    with vecstore.Index("flat", dim=1) as index:
        index.add(np.zeros((10_001, 1), dtype=np.float32))
        assert list(index) == list(range(10_001))


@pytest.mark.parametrize("metric, dtype", reference.PAIRS)
def test_search_equals_numpy(rng, metric, dtype):
    queries, base = reference.vectors(rng, 6, dtype), reference.vectors(rng, 300, dtype)
    truth, allowed = reference.distances(reference.numbers(queries, dtype), reference.numbers(base, dtype), metric)
    allowed = np.broadcast_to(allowed, truth.shape)
    with vecstore.Index("flat", dim=reference.DIM, metric=metric, dtype=dtype) as index:
        index.add(base)
        ids, distances = index.search(queries, k=20)
        assert (ids.dtype, distances.dtype) == (np.uint64, np.float32)
        assert ids.shape == distances.shape == (6, 20)
        for i in range(6):
            reference.assert_nearest(ids[i], distances[i], truth[i], allowed[i])


@pytest.mark.parametrize("metric, dtype", reference.PAIRS)
def test_range_search_equals_numpy(rng, metric, dtype):
    queries, base = reference.vectors(rng, 6, dtype), reference.vectors(rng, 300, dtype)
    truth, allowed = reference.distances(reference.numbers(queries, dtype), reference.numbers(base, dtype), metric)
    allowed = np.broadcast_to(allowed, truth.shape)
    radius = float(np.float32(np.quantile(truth, 0.1)))
    with vecstore.Index("flat", dim=reference.DIM, metric=metric, dtype=dtype) as index:
        index.add(base)
        result = index.search_range(queries, radius)
    assert result.offsets.shape == (7,)
    for i, (ids, distances) in enumerate(result.queries()):
        assert set(np.flatnonzero(truth[i] < radius - allowed[i])) <= set(ids.tolist())
        assert set(ids.tolist()) <= set(np.flatnonzero(truth[i] <= radius + allowed[i]))
        reference.assert_nearest(ids, distances, truth[i], allowed[i])


def test_a_range_result_is_three_arrays_and_goes_query_by_query(line):
    result = line.search_range([[0, 0], [100, 0], [9, 0]], 1.0)
    offsets, ids, distances = result
    assert offsets.tolist() == [0, 2, 2, 4]
    assert ids.tolist() == [0, 1, 9, 8]
    assert distances.tolist() == [0, 1, 0, 1]
    assert (offsets.dtype, ids.dtype, distances.dtype) == (np.uint64, np.uint64, np.float32)
    assert [found.tolist() for found, _ in result.queries()] == [[0, 1], [], [9, 8]]
    assert result.query(2).distances.tolist() == [0, 1]
    assert result.query(-1).ids.tolist() == [9, 8]
    with pytest.raises(IndexError):
        result.query(3)


def test_the_radius_is_part_of_the_range(line):
    assert line.search_range([0, 0], 4.0).ids.tolist() == [0, 1, 2]
    assert line.search_range([0, 0], np.nextafter(np.float32(4), np.float32(0))).ids.tolist() == [0, 1]
    assert line.search_range([0, 0], -1.0).ids.tolist() == []
    assert len(line.search_range([0, 0], float("inf")).ids) == 10


def test_radii_under_ip_may_be_negative():
    with vecstore.Index("flat", dim=1, metric="ip") as index:
        index.add([[1], [2], [3]])
        assert index.search_range([1.0], -2.0).ids.tolist() == [2, 1]


def test_a_search_result_has_names_and_unpacks(line):
    result = line.search([[0, 0], [9, 0]], k=2)
    assert result.ids.tolist() == [[0, 1], [9, 8]]
    assert result.distances.tolist() == [[0, 1], [0, 1]]
    ids, distances = result
    assert ids is result.ids
    assert distances is result.distances


def test_k_defaults_to_ten_and_may_be_more_than_there_are_rows(line):
    assert line.search([0, 0]).ids.shape == (1, 10)
    ids, distances = line.search([0, 0], k=12)
    assert ids[0, 10:].tolist() == [vecstore.NO_ID] * 2
    assert distances[0, 10:].tolist() == [np.inf] * 2


def test_an_empty_index_finds_nothing():
    with vecstore.Index("flat", dim=2) as index:
        assert index.search([1, 2], k=1).ids.tolist() == [[vecstore.NO_ID]]
        assert index.search_range([1, 2], 1e9).offsets.tolist() == [0, 0]
        assert len(index) == 0
        assert index.ids().shape == (0,)


def test_ties_are_ordered_by_id():
    with vecstore.Index("flat", dim=1) as index:
        index.add([[1], [1], [1], [1]], ids=[9, 3, 7, 5])
        assert index.search([1.0], k=3).ids.tolist() == [[3, 5, 7]]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_searches_and_adds_do_not_depend_on_the_number_of_threads(rng, threads):
    vectors, queries = reference.vectors(rng, 4000, "float32"), reference.vectors(rng, 40, "float32")
    with vecstore.Index("flat", dim=reference.DIM, metric="cosine") as index:
        index.add(vectors, threads=threads)
        found = index.search(queries, k=10, threads=threads)
        within = index.search_range(queries, 0.8, threads=threads)
    expected = vecstore.knn(queries, vectors, 10, "cosine", threads=1)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.distances, expected.distances)
    for (ids, distances), all_distances in zip(within.queries(), vecstore.pairwise(queries, vectors, "cosine")):
        np.testing.assert_array_equal(np.sort(ids), np.flatnonzero(all_distances <= np.float32(0.8)))
        np.testing.assert_array_equal(distances, np.sort(all_distances[all_distances <= np.float32(0.8)]))


@pytest.mark.parametrize("exact_codes", [None, True, False])
@pytest.mark.parametrize("metric", ["l2sq", "ip", "cosine"])
def test_exact_codes_do_not_change_results(rng, metric, exact_codes):
    vectors, queries = reference.vectors(rng, 2000, "float32", 384), reference.vectors(rng, 20, "float32", 384)
    expected = vecstore.knn(queries, vectors, 10, metric)
    with vecstore.Index("flat", dim=384, metric=metric, exact_codes=exact_codes) as index:
        index.add(vectors)
        assert index.stats().exact_codes == (exact_codes is not False)
        found = index.search(queries, k=10)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.distances, expected.distances)


def test_exact_codes_of_whole_numbers_are_unsupported():
    with pytest.raises(vecstore.UnsupportedError):
        vecstore.Index("flat", dim=384, dtype="int8", exact_codes=True)


def test_properties_tell_what_it_was_made_of():
    with vecstore.Index("flat", dim=16, metric="jaccard", dtype="bits", capacity=100) as index:
        assert (index.kind, index.dim, index.metric, index.dtype) == ("flat", 16, "jaccard", "bits")
        assert index.read_only is False
        for name in ("kind", "dim", "metric", "dtype", "read_only"):
            with pytest.raises(AttributeError):
                setattr(index, name, 1)


def test_defaults_are_squared_distance_of_float32():
    with vecstore.Index(dim=3) as index:
        assert (index.kind, index.metric, index.dtype) == ("flat", "l2sq", "float32")


def test_stats_tell_what_it_costs(line):
    stats = line.stats()
    assert (stats.kind, stats.dim, stats.metric, stats.dtype) == ("flat", 2, "l2sq", "float32")
    assert (stats.count, stats.next_id, stats.read_only, stats.mapped_bytes) == (10, 10, False, 0)
    assert stats.memory_bytes >= 10 * 2 * 4
    assert stats.removed_count >= 0
    assert dataclasses.asdict(stats)["count"] == 10


def test_reserving_changes_no_result(line):
    line.reserve(100_000)
    assert len(line) == 10
    line.add([[10, 0]])
    assert line.search([10, 0], k=1).ids.tolist() == [[10]]


def test_verify_is_quiet_where_all_is_well(line):
    assert line.verify() is None


def test_its_text_tells_what_it_is(line):
    assert repr(line) == "<vecstore.Index flat dim=2 metric=l2sq dtype=float32 rows=10>"
