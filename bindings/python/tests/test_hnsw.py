# The graph index: what it is made of, what it finds, and how it lives through changes.
# SPDX-License-Identifier: Apache-2.0
import dataclasses

import numpy as np
import pytest

import reference
import vecstore
from vecstore import Filter

DATA = "examples/data"
K = 10


@pytest.fixture(scope="module")
def packages(request):
    """Embeddings of 5,000 texts and of 40 questions."""
    folder = request.path.parents[3] / DATA
    return tuple(np.load(folder / name).astype(np.float32) for name in ("packages.f16.npy", "queries.f16.npy"))


@pytest.fixture(scope="module")
def truth(packages):
    vectors, queries = packages
    return vecstore.knn(queries, vectors, K, "cosine")


@pytest.fixture(scope="module")
def graph(packages):
    """A graph of the texts, for tests that do not change it."""
    with vecstore.Index("hnsw", dim=384, metric="cosine") as index:
        index.add(packages[0])
        yield index


def recall(found, truth):
    """The share of the true results that were found: by distance, so that any of several equals will do."""
    limits = truth.distances[:, -1:] + np.abs(truth.distances[:, -1:]) * 1e-5
    return float((found.distances <= limits).mean())


def small_graph(rng, n=3000, dim=16, **options):
    """A graph of n random rows, which it has trained on where n is 2,048 or more, and the rows."""
    vectors = rng.standard_normal((n, dim)).astype(np.float32)
    index = vecstore.Index("hnsw", dim=dim, **options)
    index.add(vectors)
    return index, vectors


# ---- What it is made of ----------------------------------------------------------------------------------------------


def test_its_kind_is_hnsw(graph):
    assert graph.kind == "hnsw"
    assert repr(graph) == "<vecstore.Index hnsw dim=384 metric=cosine dtype=float32 rows=5000>"


def test_stats_tell_how_it_was_made():
    with vecstore.Index("hnsw", dim=8, m=5, ef_construction=33) as index:
        stats = index.stats()
    assert (stats.kind, stats.m, stats.ef_construction, stats.levels) == ("hnsw", 5, 33, 0)
    assert stats.calibration is None


def test_defaults_are_those_of_the_library():
    with vecstore.Index("hnsw", dim=8) as index:
        stats = index.stats()
    assert (stats.metric, stats.dtype, stats.m, stats.ef_construction) == ("l2sq", "float32", 16, 200)


def test_a_flat_index_has_nothing_of_a_graph(line):
    stats = dataclasses.asdict(line.stats())
    for name in ("m", "ef_construction", "storage", "exact_dtype", "code_loss", "sketched", "levels", "calibration"):
        assert stats[name] is None


def test_how_rows_are_stored_is_decided_once_there_are_2048(rng):
    vectors = rng.standard_normal((2048, 128)).astype(np.float32)
    with vecstore.Index("hnsw", dim=128) as index:
        index.add(vectors[:2047])
        assert (index.stats().storage, index.stats().code_loss) == ("auto", None)
        index.add(vectors[2047:])
        stats = index.stats()
    assert stats.storage in ("int8", "float16", "float32")
    assert stats.exact_dtype == "float32"
    assert 0 <= stats.code_loss <= 1


@pytest.mark.parametrize(
    "storage, rescore, exact",
    [
        ("float32", "default", "float32"),
        ("float32", "float16", "float32"),
        ("float16", "default", "float32"),
        ("bfloat16", "default", "float32"),
        ("float16", None, "float16"),
        ("int8", "default", "float32"),
        ("int8", "float32", "float32"),
        ("int8", "float16", "float16"),
        ("int8", None, None),
        ("int4", "default", "float32"),
        ("int4", "float16", "float16"),
        ("int4", None, None),
    ],
)
def test_storage_and_rescore_are_as_asked_for_and_find_the_rows(packages, truth, storage, rescore, exact):
    vectors, queries = packages
    with vecstore.Index("hnsw", dim=384, metric="cosine", storage=storage, rescore=rescore) as index:
        index.add(vectors)
        assert (index.stats().storage, index.stats().exact_dtype) == (storage, exact)
        found = index.search(queries, K)
    same = [np.intersect1d(a, b).size for a, b in zip(found.ids, truth.ids)]
    assert sum(same) / truth.ids.size >= (0.85 if (storage, rescore) == ("int4", None) else 0.95)


def test_coarser_storage_takes_less_memory(packages):
    sizes = []
    for storage in ("float32", "float16", "int8", "int4"):
        with vecstore.Index("hnsw", dim=384, metric="cosine", storage=storage, rescore=None) as index:
            index.add(packages[0])
            index.compact()
            sizes.append(index.stats().memory_bytes)
    assert sizes[0] > sizes[1] > sizes[2] > sizes[3]


def test_names_of_storage_may_be_numpy_dtypes():
    with vecstore.Index("hnsw", dim=8, storage=np.float16, rescore=np.dtype("float16")) as index:
        assert (index.stats().storage, index.stats().exact_dtype) == ("float16", "float16")


@pytest.mark.parametrize(
    "options, error, allowed",
    [
        ({"kind": "tree"}, vecstore.InvalidArgumentError, "flat, hnsw, ivf"),
        ({"m": 1}, vecstore.InvalidArgumentError, "2 ... 256"),
        ({"m": 257}, vecstore.InvalidArgumentError, "2 ... 256"),
        ({"m": 16.0}, TypeError, "integer"),
        ({"ef_construction": 0}, vecstore.InvalidArgumentError, "1 ... 1048576"),
        ({"ef_construction": 2**32 + 200}, vecstore.InvalidArgumentError, "1 ... 1048576"),
        ({"storage": "int2"}, vecstore.InvalidArgumentError, "auto, float32, float16, bfloat16, int8, int4"),
        ({"storage": "uint8"}, vecstore.InvalidArgumentError, "auto, float32, float16, bfloat16, int8"),
        ({"storage": None}, vecstore.InvalidArgumentError, "auto, float32, float16, bfloat16, int8"),
        ({"rescore": "none"}, vecstore.InvalidArgumentError, "default, float32, float16, or None"),
        ({"rescore": "int8"}, vecstore.InvalidArgumentError, "default, float32, float16, or None"),
        ({"rescore": "float32", "dtype": "float16"}, vecstore.UnsupportedError, "as added, none"),
        ({"storage": "int8", "metric": "l1"}, vecstore.UnsupportedError, "l2sq, ip and cosine"),
        ({"storage": "int4", "metric": "l1"}, vecstore.UnsupportedError, "l2sq, ip and cosine"),
        ({"storage": "pq"}, vecstore.UnsupportedError, "the rows of a walk lie apart"),
        ({"storage": "binary"}, vecstore.UnsupportedError, "the smallest codes of a graph are int4"),
        ({"storage": "float32", "dtype": "int8"}, vecstore.UnsupportedError, "auto"),
        ({"storage": "float32", "dtype": "float16"}, vecstore.UnsupportedError, "auto, float16, int8"),
        ({"seed": -1}, vecstore.InvalidArgumentError, "0 ... "),
        ({"exact_codes": True}, vecstore.InvalidArgumentError, "flat"),
        ({"capacity": 2**31}, vecstore.TooLargeError, "at most"),
        ({"kind": "flat", "m": 16}, vecstore.InvalidArgumentError, "hnsw"),
        ({"kind": "flat", "storage": "int8"}, vecstore.InvalidArgumentError, "hnsw"),
        ({"kind": "flat", "rescore": None}, vecstore.InvalidArgumentError, "hnsw"),
        ({"kind": "flat", "seed": 1}, vecstore.InvalidArgumentError, "hnsw"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_allowed(options, error, allowed):
    with pytest.raises(error) as caught:
        vecstore.Index(**{"kind": "hnsw", "dim": 8, **options})
    assert allowed in str(caught.value)


# ---- What it finds ---------------------------------------------------------------------------------------------------


def test_it_finds_nearly_all_of_the_nearest(graph, packages, truth):
    assert recall(graph.search(packages[1], K), truth) >= 0.95


def test_distances_are_those_of_the_rows_as_they_were_added(graph, packages):
    vectors, queries = packages
    found = graph.search(queries, K)
    exact = vecstore.pairwise(queries, vectors, "cosine")
    np.testing.assert_allclose(found.distances, np.take_along_axis(exact, found.ids.astype(int), 1), atol=1e-6)
    assert (np.diff(found.distances) >= 0).all()


def test_more_rows_in_view_find_more(graph, packages, truth):
    few, many = (recall(graph.search(packages[1], K, ef_search=ef), truth) for ef in (1, 400))
    assert few < many
    assert many >= 0.99


def test_rows_themselves_are_found_and_at_distance_0(graph, packages):
    found = graph.search(packages[0][:500], k=1)
    assert (found.distances[:, 0] == 0).all()


def test_without_rescoring_distances_are_approximate(graph, packages, truth):
    if graph.stats().storage != "int8":
        pytest.skip("the rows are not coded")
    rough = graph.search(packages[1], K, rescore=False)
    assert recall(rough, truth) < 1 or not np.array_equal(rough.distances, truth.distances)
    np.testing.assert_allclose(rough.distances, truth.distances, atol=0.05)


def test_oversampling_may_be_asked_for(graph, packages, truth):
    assert recall(graph.search(packages[1], K, oversampling=4), truth) >= 0.95


def test_the_number_of_threads_does_not_change_results(graph, packages):
    expected = graph.search(packages[1], K, threads=1)
    for threads in (2, 5):
        found = graph.search(packages[1], K, threads=threads)
        np.testing.assert_array_equal(found.ids, expected.ids)
        np.testing.assert_array_equal(found.distances, expected.distances)


def test_a_search_within_a_radius_finds_nearly_all_rows_there(graph, packages):
    vectors, queries = packages
    exact = vecstore.pairwise(queries, vectors, "cosine")
    radius = float(np.quantile(exact, 0.005))
    result = graph.search_range(queries, radius, ef_search=128)
    hits = 0
    for (ids, distances), row in zip(result.queries(), exact):
        assert (distances <= radius).all()
        assert len(set(ids.tolist())) == len(ids)
        np.testing.assert_allclose(distances, row[ids.astype(int)], atol=1e-6)
        hits += len(ids)
    assert hits >= 0.95 * (exact <= radius).sum()


@pytest.mark.parametrize("metric, dtype", reference.PAIRS)
def test_every_metric_and_dtype_is_found_well(rng, metric, dtype):
    vectors, queries = reference.vectors(rng, 600, dtype), reference.vectors(rng, 20, dtype)
    with vecstore.Index("flat", dim=reference.DIM, metric=metric, dtype=dtype) as exact:
        exact.add(vectors)
        truth = exact.search(queries, K)
    with vecstore.Index("hnsw", dim=reference.DIM, metric=metric, dtype=dtype) as index:
        index.add(vectors)
        assert recall(index.search(queries, K, ef_search=128), truth) >= 0.95
        np.testing.assert_array_equal(index.get(range(600)), vectors)
        index.verify()


def test_more_results_than_rows_end_with_none():
    with vecstore.Index("hnsw", dim=2) as index:
        assert index.search([1, 2], k=2).ids.tolist() == [[vecstore.NO_ID] * 2]
        index.add([[1, 2], [3, 4]], ids=[7, 9])
        ids, distances = index.search([1, 2], k=3)
    assert ids.tolist() == [[7, 9, vecstore.NO_ID]]
    assert distances.tolist() == [[0, 8, np.inf]]


@pytest.mark.parametrize(
    "options, error, allowed",
    [
        ({"ef_search": 0}, vecstore.InvalidArgumentError, "1 ... 1048576"),
        ({"ef_search": 2**32}, vecstore.InvalidArgumentError, "1 ... 1048576"),
        ({"ef_search": 50.0}, TypeError, "integer"),
        ({"ef_search": [50]}, TypeError, "integer"),
        ({"target_recall": 0}, vecstore.InvalidArgumentError, "above 0, up to 1"),
        ({"target_recall": 1.1}, vecstore.InvalidArgumentError, "above 0, up to 1"),
        ({"target_recall": float("nan")}, vecstore.InvalidArgumentError, "above 0, up to 1"),
        ({"target_recall": "high"}, TypeError, "number"),
        ({"target_recall": 0.9, "ef_search": 50}, vecstore.InvalidArgumentError, "both"),
        ({"target_recall": 0.9}, vecstore.InvalidArgumentError, "calibrate"),
        ({"oversampling": 0.5}, vecstore.InvalidArgumentError, "1 or more"),
        ({"oversampling": float("inf")}, vecstore.InvalidArgumentError, "1 or more"),
        ({"oversampling": "4"}, TypeError, "number"),
        ({"threads": 1025}, vecstore.InvalidArgumentError, "0 ... 1024"),
    ],
)
def test_settings_of_a_search_that_cannot_be_are_refused(options, error, allowed):
    with vecstore.Index("hnsw", dim=2) as index:
        index.add([[1, 2]])
        for search in (lambda: index.search([1, 2], **options), lambda: index.search_range([1, 2], 1.0, **options)):
            with pytest.raises(error) as caught:
                search()
            assert allowed in str(caught.value)


def test_settings_that_are_equal_but_of_another_type_are_checked_anew(graph, packages):
    query = packages[1][:1]
    assert graph.search(query, ef_search=50).ids.shape == (1, 10)
    with pytest.raises(TypeError):
        graph.search(query, ef_search=50.0)
    assert graph.search(query, ef_search=np.int64(50)).ids.shape == (1, 10)


def test_flat_passes_over_what_is_for_graphs(line):
    found = line.search([0, 0], k=2, ef_search=1, rescore=False, oversampling=2)
    assert found.ids.tolist() == [[0, 1]]


# ---- Filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.1, 0.5, 0.95])
def test_filters_of_every_kind_let_through_what_they_say_and_nothing_is_missed(graph, packages, rng, share):
    vectors, queries = packages
    allowed = rng.random(len(vectors)) < share
    allowed[[17, 4711]] = True
    chosen = np.flatnonzero(allowed)
    truth = vecstore.knn(queries, vectors, K, "cosine", filter=allowed)
    for filter in (
        allowed,
        chosen,
        lambda row_id: allowed[row_id],
        ~Filter.bitmap(~allowed),
        ~Filter.ids(np.flatnonzero(~allowed)),
    ):
        found = graph.search(queries, K, filter=filter)
        there = found.ids != vecstore.NO_ID
        assert (there.sum(1) == min(K, len(chosen))).all(), "as many as there are, up to k"
        assert set(found.ids[there].tolist()) <= set(chosen.tolist())
        assert recall(found, truth) >= 0.95


def test_a_filter_that_lets_nothing_through_finds_nothing(graph, packages):
    assert (graph.search(packages[1], K, filter=[]).ids == vecstore.NO_ID).all()
    assert len(graph.search_range(packages[1], 2.0, filter=[10**9]).ids) == 0


def test_a_range_search_keeps_to_its_filter(graph, packages):
    exact = vecstore.pairwise(packages[1], packages[0], "cosine")
    radius = float(np.quantile(exact, 0.02))
    result = graph.search_range(packages[1], radius, ef_search=128, filter=range(0, 5000, 2))
    assert not (result.ids % 2).any()
    assert len(result.ids) >= 0.95 * (exact[:, ::2] <= radius).sum()


class Refused(Exception):
    pass


def test_what_a_callable_filter_raises_reaches_the_caller(graph, packages):
    def refuse(row_id):
        raise Refused(row_id)

    with pytest.raises(Refused):
        graph.search(packages[1], K, filter=refuse)
    assert graph.search(packages[1][0], k=1).ids.shape == (1, 1)


# ---- Its life --------------------------------------------------------------------------------------------------------


def test_ids_are_assigned_or_given(rng):
    with vecstore.Index("hnsw", dim=2) as index:
        assert index.add([[1, 2], [3, 4]]).tolist() == [0, 1]
        assert index.add([[5, 6]], ids=[100]).tolist() == [100]
        assert index.add([[7, 8]]).tolist() == [101]
        with pytest.raises(vecstore.AlreadyExistsError):
            index.add([[9, 9], [9, 9]], ids=[500, 1])
        assert 500 not in index
        assert sorted(index) == [0, 1, 100, 101]


def test_removed_rows_are_not_found_and_all_others_are(rng):
    index, vectors = small_graph(rng)
    with index:
        gone = rng.permutation(3000)[:1500]
        assert index.remove(gone) == 1500
        assert index.remove(gone) == 0
        left = np.setdiff1d(np.arange(3000), gone)
        found = index.search(vectors[left], k=1, ef_search=200)
        assert (found.ids[:, 0] == left).mean() >= 0.99
        assert not np.isin(index.search(vectors[gone], K).ids, gone).any()
        index.verify()


def test_updated_rows_are_found_where_they_are_now(rng):
    index, vectors = small_graph(rng)
    with index:
        ids = rng.permutation(3000)[:300]
        moved = rng.standard_normal((300, 16)).astype(np.float32)
        index.update(ids, moved)
        found = index.search(moved, k=1)
        assert (found.ids[:, 0] == ids).mean() >= 0.99
        assert (index.search(vectors[ids], k=1).distances > 0).all(), "not where they were"
        np.testing.assert_array_equal(index.get(ids), moved)
        index.verify()


@pytest.mark.parametrize("more", [400, 3000])
def test_rows_that_are_gone_stay_gone_when_the_graph_gets_more_room(rng, more):
    index, vectors = small_graph(rng, n=200)
    with index:
        index.update([0, 1, 2], vectors[:3] + 1)
        index.remove([3, 4])
        index.add(rng.standard_normal((more, 16)).astype(np.float32))
        index.verify()
        assert len(index) == 198 + more
        assert 3 not in index.search(vectors[3], k=20).ids


def test_an_update_of_an_unknown_id_changes_nothing(rng):
    with vecstore.Index("hnsw", dim=2) as index:
        index.add([[1, 2], [3, 4]])
        with pytest.raises(vecstore.NotFoundError):
            index.update([0, 77], [[9, 9], [9, 9]])
        assert index.get([0]).tolist() == [[1, 2]]


def test_all_rows_may_go_and_new_ones_come(rng):
    index, vectors = small_graph(rng)
    with index:
        index.remove(range(3000))
        assert len(index) == 0
        assert (index.search(vectors[:3], K).ids == vecstore.NO_ID).all()
        index.add(vectors[:100])
        assert index.search(vectors[:100], k=1).ids[:, 0].tolist() == list(range(3000, 3100))
        index.verify()


def test_compacting_gives_the_memory_of_removed_rows_back(rng):
    index, vectors = small_graph(rng, n=20_000)
    with index:
        index.remove(range(8_000))
        before = index.stats().memory_bytes
        index.compact()
        stats = index.stats()
        assert stats.memory_bytes < before
        assert stats.removed_count == 0
        found = index.search(vectors[8_000:], k=1)
        assert (found.ids[:, 0] == np.arange(8_000, 20_000)).mean() >= 0.99
        index.verify()


def test_optimizing_changes_neither_ids_nor_rows_nor_results(packages, truth):
    vectors, queries = packages
    with vecstore.Index("hnsw", dim=384, metric="cosine") as index:
        index.add(vectors)
        order = index.ids()
        index.optimize()
        assert not np.array_equal(index.ids(), order), "rows lie in another order"
        np.testing.assert_array_equal(np.sort(index.ids()), np.sort(order))
        np.testing.assert_array_equal(index.get(range(5000)), vectors)
        assert recall(index.search(queries, K), truth) >= 0.95
        index.verify()
        index.add(vectors[:10])
        assert len(index) == 5010


def test_a_flat_index_may_be_optimized_too(line):
    line.remove([0])
    line.optimize()
    assert line.search([0, 0], k=2).ids.tolist() == [[1, 2]]


def test_reserving_changes_no_result(rng):
    index, vectors = small_graph(rng)
    with index:
        expected = index.search(vectors[:50], K)
        index.reserve(10_000)
        np.testing.assert_array_equal(index.search(vectors[:50], K).ids, expected.ids)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("metric, storage", [("l2sq", "auto"), ("cosine", "int8"), ("l2sq", "int4"), ("ip", "float32")])
def test_a_random_life_is_that_of_a_dict(tmp_path, seed, metric, storage):
    rng = np.random.default_rng(seed)
    dim, model = 12, {}

    def vectors(n):
        return rng.standard_normal((n, dim)).astype(np.float32)

    def some_ids(most):
        n = int(rng.integers(0, min(most, len(model)) + 1))
        return rng.choice(sorted(model), n, replace=False).astype(np.uint64) if n else np.empty(0, np.uint64)

    index = vecstore.Index("hnsw", dim=dim, metric=metric, storage=storage, m=8, ef_construction=60)
    for step in range(30):
        change = rng.choice(["add", "add", "add", "add_ids", "update", "remove", "compact", "optimize", "file"])
        if change == "add":
            rows = vectors(int(rng.integers(0, 400)))
            model.update(zip(index.add(rows).tolist(), rows))
        elif change == "add_ids":
            rows = vectors(int(rng.integers(0, 50)))
            ids = 10**6 * (step + 1) + rng.permutation(1000)[: len(rows)]
            index.add(rows, ids=ids)
            model.update(zip(ids.tolist(), rows))
        elif change == "update":
            ids = some_ids(100)
            rows = vectors(len(ids))
            index.update(ids, rows)
            model.update(zip(ids.tolist(), rows))
        elif change == "remove":
            ids = some_ids(len(model) // 2)
            assert index.remove(ids) == len(ids)
            for row_id in ids.tolist():
                del model[row_id]
        elif change == "compact":
            index.compact()
        elif change == "optimize":
            index.optimize()
        else:
            index.save(tmp_path / "index", sync=False)
            index.close()
            index = vecstore.Index.open(tmp_path / "index", mmap=False)
        assert len(index) == len(model)
        assert sorted(index.ids().tolist()) == sorted(model)
        index.verify()
    ids = np.array(sorted(model), dtype=np.uint64)
    rows = np.array([model[row_id] for row_id in ids.tolist()])
    np.testing.assert_array_equal(index.get(ids), rows)
    queries = vectors(50)
    assert recall(index.search(queries, K, ef_search=200), vecstore.knn(queries, rows, K, metric)) >= 0.95
    index.close()


# ---- Calibration -----------------------------------------------------------------------------------------------------


def test_calibration_finds_the_least_setting_that_reaches_a_recall(packages, truth):
    vectors, queries = packages
    with vecstore.Index("hnsw", dim=384, metric="cosine") as index:
        index.add(vectors)
        found = index.calibrate(queries, recall=0.98, k=K)
        assert (found.k, found.target_recall, found.uses_own_rows) == (K, 0.98, False)
        assert found.recall >= 0.98
        assert recall(index.search(queries, K, ef_search=found.ef_search), truth) >= 0.98
        assert index.stats().calibration == found
        for target in (0.98, 0.9):
            by_recall = index.search(queries, K, target_recall=target)
            by_setting = index.search(queries, K, ef_search=found.ef_search)
            np.testing.assert_array_equal(by_recall.ids, by_setting.ids)


def test_rows_of_the_index_serve_where_there_are_no_queries(rng):
    index, _ = small_graph(rng)
    with index:
        found = index.calibrate()
        assert index.stats().calibration == found
    assert (found.k, found.target_recall, found.uses_own_rows) == (10, 0.95, True)
    assert found.recall >= 0.95


def test_a_higher_recall_takes_more_rows_in_view(rng):
    index, _ = small_graph(rng, dim=64)
    queries = rng.standard_normal((200, 64)).astype(np.float32)
    with index:
        low, high = (index.calibrate(queries, recall=recall).ef_search for recall in (0.6, 0.99))
    assert low < high


def test_a_calibration_is_immutable(rng):
    index, _ = small_graph(rng, n=100)
    with index:
        found = index.calibrate()
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.k = 5


def test_a_recall_beyond_the_calibrated_one_is_refused(rng):
    index, vectors = small_graph(rng)
    with index:
        index.calibrate(recall=0.9)
        with pytest.raises(vecstore.InvalidArgumentError, match="calibrated for 0.9"):
            index.search(vectors[:1], target_recall=0.95)


@pytest.mark.parametrize("options", [{"recall": 0}, {"recall": 1.01}, {"k": 0}, {"k": 2**20 + 1}, {"threads": -1}])
def test_calibrations_that_cannot_be_are_refused(rng, options):
    index, _ = small_graph(rng, n=100)
    with index:
        with pytest.raises(vecstore.InvalidArgumentError, match="expected"):
            index.calibrate(**options)
        assert index.stats().calibration is None


def test_there_is_nothing_to_calibrate_in_an_empty_or_a_flat_index(rng, line):
    with vecstore.Index("hnsw", dim=2) as index:
        with pytest.raises(vecstore.InvalidArgumentError, match="empty"):
            index.calibrate()
        index.add([[1, 2]])
        with pytest.raises(vecstore.InvalidArgumentError, match="no queries"):
            index.calibrate(np.empty((0, 2)))
    with pytest.raises(vecstore.UnsupportedError):
        line.calibrate()


# ---- Files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize(
    "storage, rescore",
    [("auto", "default"), ("int8", None), ("int4", "default"), ("int4", None), ("float16", "default")],
)
def test_an_opened_graph_answers_as_the_saved_one(tmp_path, packages, storage, rescore, mmap):
    vectors, queries = packages
    with vecstore.Index("hnsw", dim=384, metric="cosine", storage=storage, rescore=rescore) as index:
        index.add(vectors)
        index.save(tmp_path / "index", sync=False)
        expected, stats = index.search(queries, K), index.stats()
    with vecstore.Index.open(tmp_path / "index", mmap=mmap, prefault=mmap) as opened:
        assert (opened.kind, opened.read_only, len(opened)) == ("hnsw", mmap, 5000)
        found = opened.search(queries, K)
        np.testing.assert_array_equal(found.ids, expected.ids)
        np.testing.assert_array_equal(found.distances, expected.distances)
        opened.verify()
        for name in ("storage", "exact_dtype", "code_loss", "sketched", "m", "ef_construction", "levels", "next_id"):
            assert getattr(opened.stats(), name) == getattr(stats, name), name
        assert (opened.stats().mapped_bytes > 0) is mmap


def test_a_mapped_graph_can_be_read_and_not_changed(tmp_path, rng):
    index, vectors = small_graph(rng)
    with index:
        index.save(tmp_path / "index")
    with vecstore.Index.open(tmp_path / "index") as index:
        for change in (
            lambda: index.add(vectors[:1]),
            lambda: index.update([0], vectors[:1]),
            lambda: index.remove([0]),
            lambda: index.compact(),
            lambda: index.optimize(),
            lambda: index.reserve(10_000),
            lambda: index.calibrate(),
        ):
            with pytest.raises(vecstore.ReadOnlyError):
                change()
        assert index.search(vectors[:100], k=1).ids[:, 0].tolist() == list(range(100))
        assert index.search(vectors[0], k=3, filter=[5, 6]).ids[0, :2].tolist() in ([5, 6], [6, 5])
        np.testing.assert_array_equal(index.get(range(3000)), vectors)


def test_a_loaded_graph_goes_on_where_the_saved_one_stopped(tmp_path, rng):
    index, vectors = small_graph(rng)
    with index:
        index.remove([2999])
        index.save(tmp_path / "index")
    with vecstore.Index.open(tmp_path / "index", mmap=False) as index:
        assert index.add(vectors[:1] + 50).tolist() == [3000]
        assert index.search(vectors[:1] + 50, k=1).ids.tolist() == [[3000]]
        index.remove(range(1000))
        index.verify()


def test_what_calibration_found_is_in_the_file(tmp_path, packages):
    vectors, queries = packages
    with vecstore.Index("hnsw", dim=384, metric="cosine") as index:
        index.add(vectors)
        found = index.calibrate(queries, recall=0.97)
        index.save(tmp_path / "index")
    with vecstore.Index.open(tmp_path / "index") as index:
        assert index.stats().calibration == found
        by_recall = index.search(queries, K, target_recall=0.97)
        np.testing.assert_array_equal(by_recall.ids, index.search(queries, K, ef_search=found.ef_search).ids)


def test_the_seed_decides_the_file_on_one_thread(tmp_path, rng):
    vectors = rng.standard_normal((3000, 16)).astype(np.float32)
    for name, seed in (("first", 5), ("again", 5), ("other", 6)):
        with vecstore.Index("hnsw", dim=16, seed=seed) as index:
            index.add(vectors, threads=1)
            index.save(tmp_path / name, sync=False)
    first, again, other = ((tmp_path / name).read_bytes() for name in ("first", "again", "other"))
    assert first == again
    assert first != other


@pytest.mark.parametrize("part", [0.3, 0.5, 0.7, 0.9])
def test_a_changed_byte_is_found_by_whoever_looks(tmp_path, rng, part):
    path = tmp_path / "index"
    index, _ = small_graph(rng)
    with index:
        index.save(path)
    content = bytearray(path.read_bytes())
    content[int(len(content) * part)] ^= 1
    path.write_bytes(content)
    for options in ({"verify": True}, {"mmap": False}):
        with pytest.raises(vecstore.CorruptError):
            vecstore.Index.open(path, **options)
    with vecstore.Index.open(path) as index, pytest.raises(vecstore.CorruptError):
        index.verify()
