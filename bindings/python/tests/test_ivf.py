# The inverted file: how it is trained, what it finds, and how it lives through changes.
# SPDX-License-Identifier: Apache-2.0
import dataclasses
import functools
import itertools
import threading
import warnings

import numpy as np
import pytest

import reference
import vecstore
from vecstore import Filter

DIM = 32
ROWS = 4000
NLIST = 32
K = 10
METRICS = ("l2sq", "ip", "cosine")
PLAIN = ("auto", "float32", "float16", "bfloat16")
CODED = ("int8", "int4", "pq", "binary")


class Stopped(Exception):
    pass


@functools.lru_cache(maxsize=None)
def data():
    """Rows in 60 clusters, each spread in eight directions of its own, and 100 queries like them."""
    rng = np.random.default_rng(5)
    centers = 2 * rng.standard_normal((60, DIM))
    directions = 0.3 * rng.standard_normal((60, DIM, 8))

    def drawn(n):
        of = rng.integers(0, 60, n)
        spread = np.einsum("ndk,nk->nd", directions[of], rng.standard_normal((n, 8)))
        return (centers[of] + spread + 0.15 * rng.standard_normal((n, DIM))).astype(np.float32)

    return drawn(ROWS), drawn(100)


@functools.lru_cache(maxsize=None)
def truth(metric):
    rows, queries = data()
    return vecstore.knn(queries, rows, K, metric)


@functools.lru_cache(maxsize=None)
def shared(metric="l2sq", storage="auto", assignments=1, rescore="default"):
    """An index of the rows, for tests that do not change it."""
    index = vecstore.Index(
        "ivf", dim=DIM, metric=metric, nlist=NLIST, storage=storage, assignments=assignments, rescore=rescore
    )
    index.add(data()[0])
    return index


def changeable(**options):
    """An index of the rows, for tests that change it."""
    index = vecstore.Index("ivf", dim=DIM, **{"nlist": NLIST, **options})
    index.add(data()[0])
    return index


def recall(found, metric):
    """The share of the true results that were found."""
    pairs = zip(found.ids, truth(metric).ids)
    return sum(np.intersect1d(a, b).size for a, b in pairs) / truth(metric).ids.size


def same(a, b):
    return a.ids.tolist() == b.ids.tolist() and a.distances.tolist() == b.distances.tolist()


def each_once(ids):
    """That no query has an id twice."""
    return all(len(set(row)) == len(row) for row in ids.tolist())


# ---- What it is made of ----------------------------------------------------------------------------------------------


def test_its_kind_is_ivf():
    index = shared()
    assert index.kind == "ivf"
    assert repr(index) == "<vecstore.Index ivf dim=32 metric=l2sq dtype=float32 rows=4000>"


def test_stats_before_and_after_training():
    rows, _ = data()
    with vecstore.Index("ivf", dim=DIM) as index:
        before = index.stats()
        index.train(rows)
        after = index.stats()
    assert (before.nlist, before.trained_count, before.assignments, before.default_nprobe) == (0, 0, 1, 1)
    assert (after.nlist, after.trained_count, after.count, after.longest_list) == (64, ROWS, 0, 0)
    assert after.default_nprobe == 4, "one list of 16"
    assert after.memory_bytes >= 64 * DIM * 4


@pytest.mark.parametrize("storage, code", [("auto", 0), ("float16", 0), ("pq", 8 + 8), ("binary", 4 + 8), ("int4", 16 + 8), ("int8", 32 + 8)])
@pytest.mark.parametrize("assignments", [1, 2])
def test_a_row_takes_its_slot_and_its_code_with_two_numbers_in_each_list(storage, code, assignments):
    stats = shared(storage=storage, assignments=assignments).stats()
    assert stats.bytes_per_row == (4 + code) * assignments
    assert (stats.storage, stats.assignments, stats.nlist) == (storage, assignments, NLIST)


def test_stats_tell_how_uneven_lists_are():
    rows, _ = data()
    with vecstore.Index("ivf", dim=DIM, nlist=2) as index:
        index.train(np.vstack([np.zeros((50, DIM)), np.ones((50, DIM))]))
        index.add(np.zeros((30, DIM)))
        index.add(np.ones((10, DIM)))
        stats = index.stats()
    assert stats.longest_list == 30
    assert stats.imbalance == pytest.approx(2 * (30**2 + 10**2) / 40**2)


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_others_have_nothing_of_it(kind):
    with vecstore.Index(kind, dim=4) as index:
        stats = dataclasses.asdict(index.stats())
    own = ("nlist", "assignments", "trained_count", "bytes_per_row", "longest_list", "imbalance", "default_nprobe")
    assert [stats[name] for name in own] == [None] * len(own)


def test_it_has_nothing_of_a_graph():
    stats = dataclasses.asdict(shared().stats())
    for name in ("m", "ef_construction", "code_loss", "sketched", "levels", "calibration"):
        assert stats[name] is None


@pytest.mark.parametrize(
    "dtype, storage, rescore, exact",
    [
        ("float32", "auto", "default", "float32"),
        ("float32", "float16", "default", "float16"),
        ("float32", "bfloat16", "default", "bfloat16"),
        ("float16", "auto", "default", "float16"),
        ("int8", "auto", "default", "int8"),
        ("uint8", "auto", "default", "uint8"),
        ("float32", "pq", "default", "float32"),
        ("float32", "pq", "float16", "float16"),
        ("float32", "binary", None, None),
        ("float16", "binary", "default", "float16"),
        ("bfloat16", "pq", "default", "bfloat16"),
    ],
)
def test_exact_dtype_is_that_of_the_rows_that_results_are_ranked_by(dtype, storage, rescore, exact):
    with vecstore.Index("ivf", dim=8, dtype=dtype, storage=storage, rescore=rescore) as index:
        assert index.stats().exact_dtype == exact


@pytest.mark.parametrize(
    "options, error, allowed",
    [
        ({"metric": "l1"}, vecstore.UnsupportedError, "l2sq, ip and cosine"),
        ({"metric": "hamming", "dtype": "bits"}, vecstore.UnsupportedError, "l2sq, ip and cosine"),
        ({"nlist": 0}, vecstore.InvalidArgumentError, "1 ... 1048576"),
        ({"nlist": 2**20 + 1}, vecstore.InvalidArgumentError, "1 ... 1048576"),
        ({"nlist": 16.0}, TypeError, "integer"),
        ({"assignments": 0}, vecstore.InvalidArgumentError, "1 ... 2"),
        ({"assignments": 3}, vecstore.InvalidArgumentError, "1 ... 2"),
        ({"assignments": 2, "nlist": 1}, vecstore.InvalidArgumentError, "no other list"),
        ({"storage": "pq", "dtype": "int8"}, vecstore.UnsupportedError, "float types"),
        ({"storage": "float32", "dtype": "float16"}, vecstore.UnsupportedError, "auto, float16, int8, int4, pq, binary"),
        ({"storage": "float16", "dtype": "int8"}, vecstore.UnsupportedError, "auto"),
        ({"rescore": "float16"}, vecstore.UnsupportedError, "pq, binary"),
        ({"storage": "float16", "rescore": None}, vecstore.UnsupportedError, "pq, binary"),
        ({"storage": "pq", "rescore": "float32", "dtype": "float16"}, vecstore.UnsupportedError, "as added, none"),
        ({"pq_m": 4}, vecstore.InvalidArgumentError, "storage pq"),
        ({"storage": "binary", "pq_m": 4}, vecstore.InvalidArgumentError, "storage pq"),
        ({"storage": "pq", "pq_m": 9}, vecstore.InvalidArgumentError, "1 to 8"),
        ({"storage": "pq", "nbits": 12}, vecstore.UnsupportedError, "4 to 8"),
        ({"storage": "pq", "nbits": 3}, vecstore.InvalidArgumentError, "4 to 8"),
        ({"storage": "binary", "bits": 7}, vecstore.UnsupportedError, "1 to 6, and 8"),
        ({"storage": "binary", "bits": 9}, vecstore.InvalidArgumentError, "1 to 6, and 8"),
        ({"storage": "binary", "bits": 0}, vecstore.InvalidArgumentError, "1 ... 16"),
        ({"storage": "pq", "nbits": 4, "bits": 4}, vecstore.InvalidArgumentError, "give one of them"),
        ({"storage": "binary", "rotation": "opq"}, vecstore.InvalidArgumentError, "storage pq"),
        ({"storage": "pq", "rotation": "pca"}, vecstore.InvalidArgumentError, "opq or None"),
        ({"nbits": 4}, vecstore.InvalidArgumentError, "pq and binary"),
        ({"m": 16}, vecstore.InvalidArgumentError, "hnsw"),
        ({"ef_construction": 100}, vecstore.InvalidArgumentError, "hnsw"),
        ({"exact_codes": True}, vecstore.InvalidArgumentError, "flat"),
        ({"capacity": 2**31}, vecstore.TooLargeError, "at most"),
        ({"seed": -1}, vecstore.InvalidArgumentError, "0 ... "),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_allowed(options, error, allowed):
    with pytest.raises(error) as caught:
        vecstore.Index("ivf", **{"dim": 8, **options})
    assert allowed in str(caught.value)


@pytest.mark.parametrize("options", [{"storage": "binary"}, {"rescore": None}])
def test_a_flat_index_has_no_codes_and_says_what_has(options):
    with pytest.raises(vecstore.InvalidArgumentError, match="nlist 1 searches all rows by codes"):
        vecstore.Index("flat", dim=8, **options)


def test_lists_that_drift_are_split_unless_train_made_them(rng):
    first = rng.standard_normal((600, DIM), dtype=np.float32)
    later = 0.3 * rng.standard_normal((1400, DIM), dtype=np.float32) + 2
    imbalance = {}
    for trained in (False, True):
        with vecstore.Index("ivf", dim=DIM, nlist=12) as index:
            if trained:
                index.train(first)
            index.add(first)
            for at in range(0, len(later), 100):
                index.add(later[at : at + 100])
            index.verify()
            imbalance[trained] = index.stats().imbalance
            np.testing.assert_array_equal(index.get(range(2000)), np.concatenate([first, later]))
    assert imbalance[False] < 0.7 * imbalance[True]


@pytest.mark.parametrize("storage", CODED)
def test_one_list_is_a_search_of_all_rows_by_codes(storage):
    with changeable(nlist=1, storage=storage) as index:
        assert recall(index.search(data()[1], K), "l2sq") >= 0.95


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
@pytest.mark.parametrize("options", [{"nlist": 4}, {"pq_m": 4}, {"nbits": 4}, {"bits": 4}, {"rotation": "opq"}, {"assignments": 1}])
def test_its_options_are_for_it_alone(kind, options):
    with pytest.raises(vecstore.InvalidArgumentError, match=r"kind 3 \(ivf\)"):
        vecstore.Index(kind, dim=8, **options)


@pytest.mark.parametrize("storage", ["pq", "binary"])
def test_a_graph_has_no_such_codes(storage):
    with pytest.raises(vecstore.UnsupportedError, match=r"kind 3 \(ivf\)"):
        vecstore.Index("hnsw", dim=8, storage=storage)


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_others_are_not_trained_and_pass_over_nprobe(kind):
    rows, queries = data()
    with vecstore.Index(kind, dim=DIM) as index:
        with pytest.raises(vecstore.UnsupportedError, match=r"kind 3 \(ivf\)"):
            index.train(rows)
        index.add(rows[:100])
        assert same(index.search(queries, nprobe=3), index.search(queries))


def test_calibration_finds_the_lists_that_reach_a_recall(tmp_path):
    rows, queries = data()
    with vecstore.Index("ivf", dim=DIM, nlist=40) as index:
        index.add(rows)
        with pytest.raises(vecstore.InvalidArgumentError, match="calibrate first"):
            index.search(queries, target_recall=0.9)
        found = index.calibrate(queries, recall=0.9)
        assert found.recall >= 0.9
        assert (found.ef_search, found.uses_own_rows) == (0, False)
        assert 1 <= found.nprobe <= 40
        assert index.stats().calibration == found
        by_recall, by_lists = index.search(queries, target_recall=0.9), index.search(queries, nprobe=found.nprobe)
        assert same(by_recall, by_lists)
        with pytest.raises(vecstore.InvalidArgumentError, match="nprobe and target_recall"):
            index.search(queries, target_recall=0.9, nprobe=3)
        index.save(tmp_path / "index")
        with vecstore.Index.open(tmp_path / "index") as mapped:
            assert mapped.stats().calibration == found
        index.optimize()
        assert index.stats().calibration is None


def test_codes_alone_have_nothing_to_calibrate_by():
    rows, queries = data()
    with vecstore.Index("ivf", dim=DIM, storage="binary", rescore=None) as index:
        index.add(rows)
        with pytest.raises(vecstore.UnsupportedError, match="no rows to measure"):
            index.calibrate(queries)


# ---- Training --------------------------------------------------------------------------------------------------------


def test_the_first_rows_train_it_and_later_ones_go_by_that_until_there_are_many():
    rows, _ = data()
    with vecstore.Index("ivf", dim=DIM) as index:
        index.add(rows[:1000])
        index.add(rows[1000:1500])
        stats = index.stats()
        assert (stats.nlist, stats.trained_count, stats.count) == (16, 1000, 1500)
        index.add(rows[1500:])
        stats = index.stats()
        assert (stats.nlist, stats.trained_count, stats.count) == (64, ROWS, ROWS)


@pytest.mark.parametrize("n, nlist", [(1, 1), (77, 1), (78, 2), (1000, 16), (ROWS, 64)])
def test_lists_go_by_the_rows_trained_on(n, nlist):
    rows, _ = data()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with vecstore.Index("ivf", dim=DIM) as index:
            index.train(rows[:n])
            assert index.stats().nlist == nlist


@pytest.mark.parametrize("trains", [True, False])
def test_a_small_sample_is_warned_of_where_it_is_given(trains):
    rows, _ = data()
    with vecstore.Index("ivf", dim=DIM, nlist=10) as index:
        with pytest.warns(UserWarning, match="100 vectors are few to train 10 lists on: give 390 or more") as caught:
            (index.train if trains else index.add)(rows[:100])
        assert caught[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            index.add(rows[100:200])


def test_a_sample_is_drawn_of_many_vectors():
    rows, _ = data()
    with vecstore.Index("ivf", dim=DIM, nlist=4) as index:
        index.train(rows)
        assert index.stats().trained_count == 4 * 256


@pytest.mark.parametrize("n", [0, 7])
def test_too_few_vectors_do_not_train_it(n):
    rows, _ = data()
    with vecstore.Index("ivf", dim=DIM, nlist=8) as index:
        with pytest.raises(vecstore.InvalidArgumentError):
            index.train(rows[:n])
        if n:
            with pytest.raises(vecstore.InvalidArgumentError):
                index.add(rows[:n])
        assert (len(index), index.stats().trained_count) == (0, 0)


@pytest.mark.parametrize("metric", ["ip", "cosine"])
def test_vectors_of_no_direction_do_not_train_it(metric):
    vectors = np.zeros((20, DIM), dtype=np.float32)
    with vecstore.Index("ivf", dim=DIM, metric=metric, nlist=8) as index:
        with pytest.raises(ValueError):
            index.train(vectors)
        assert index.stats().trained_count == 0


def test_equal_vectors_train_it():
    with vecstore.Index("ivf", dim=DIM, nlist=4, storage="pq", assignments=2) as index, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        index.add(np.ones((50, DIM)))
        found = index.search(np.ones(DIM), K, nprobe=4)
    assert (found.distances == 0).all() and each_once(found.ids)


def test_one_with_rows_keeps_what_it_was_trained_to():
    rows, _ = data()
    index = shared()
    with pytest.raises(vecstore.UnsupportedError, match="before rows are added"):
        index.train(rows)


def test_it_can_be_trained_again_while_it_has_no_rows():
    rows, queries = data()
    with vecstore.Index("ivf", dim=DIM, nlist=NLIST) as index:
        index.train(rows[:1500] + 100)
        index.train(rows)
        index.add(rows)
        assert same(index.search(queries, K), shared().search(queries, K))


@pytest.mark.parametrize("bad, error", [(np.nan, vecstore.NotFiniteError), (0.0, vecstore.ZeroVectorError)])
def test_training_takes_what_add_takes(bad, error):
    rows = data()[0][:400].copy()
    rows[70] = bad
    with vecstore.Index("ivf", dim=DIM, metric="cosine") as index:
        for call in (index.train, index.add):
            with pytest.raises(error):
                call(rows)
        assert (len(index), index.stats().trained_count) == (0, 0)


@pytest.mark.parametrize("call", ["train", "add"])
@pytest.mark.parametrize("trained", [True, False])
def test_progress_grows_to_one_total(call, trained):
    rows, _ = data()
    told = []
    with vecstore.Index("ivf", dim=DIM, storage="pq") as index:
        if trained:
            index.train(rows)
        getattr(index, call)(rows, progress=lambda done, total: told.append((done, total)))
    assert len({total for _, total in told}) == 1
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize("call", ["train", "add"])
def test_false_cancels_and_leaves_it_untrained(call):
    rows, queries = data()
    with vecstore.Index("ivf", dim=DIM, nlist=NLIST) as index:
        with pytest.raises(vecstore.CancelledError):
            getattr(index, call)(rows, progress=lambda done, total: False)
        assert (len(index), index.stats().trained_count) == (0, 0)
        assert (index.search(queries, 1).ids == vecstore.NO_ID).all()
        index.verify()
        index.add(rows)
        assert same(index.search(queries, K), shared().search(queries, K))


def test_what_progress_raises_cancels_and_reaches_the_caller():
    def refuse(done, total):
        raise Stopped

    with vecstore.Index("ivf", dim=DIM) as index:
        with pytest.raises(Stopped):
            index.train(data()[0], progress=refuse)
        assert index.stats().trained_count == 0


def test_a_cancelled_batch_leaves_what_was_there():
    rows, queries = data()
    with vecstore.Index("ivf", dim=DIM, storage="pq", nlist=NLIST) as index:
        index.train(rows)
        index.add(rows[:2000])
        before = index.search(queries, K)
        with pytest.raises(vecstore.CancelledError):
            index.add(rows[2000:], progress=lambda done, total: False)
        assert same(index.search(queries, K), before)
        index.add(rows[2000:])
        index.verify()
        assert len(index) == ROWS


# ---- What it finds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("storage", ["auto", "float32"])
@pytest.mark.parametrize("assignments", [1, 2])
def test_rows_as_they_are_in_all_lists_are_found_exactly(metric, storage, assignments):
    found = shared(metric, storage, assignments).search(data()[1], K, nprobe=NLIST)
    assert same(found, truth(metric))


# What is found in 4 of 32 lists: ranked by rows, and by codes alone.
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    "storage, ranked, estimated", [(name, 0.98, 0.98) for name in PLAIN] + [("pq", 0.98, 0.72), ("binary", 0.98, 0.5), ("int4", 0.98, 0.8), ("int8", 0.98, 0.97)]
)
@pytest.mark.parametrize("assignments", [1, 2])
def test_most_of_the_nearest_are_found(metric, storage, ranked, estimated, assignments):
    index = shared(metric, storage, assignments)
    for rescore, least in ((True, ranked), (False, estimated)):
        found = index.search(data()[1], K, nprobe=4, rescore=rescore)
        assert recall(found, metric) >= least
        assert each_once(found.ids)
        assert (np.diff(found.distances) >= 0).all()


@pytest.mark.parametrize("metric", METRICS)
def test_more_bits_of_an_element_find_more(metric):
    found = []
    for bits in (1, 2, 4, 8):
        with changeable(metric=metric, storage="binary", bits=bits, rescore=None) as index:
            found.append(recall(index.search(data()[1], K, nprobe=NLIST), metric))
            assert index.stats().bytes_per_row == DIM * bits / 8 + 12
    assert found == sorted(found)
    assert found[-1] >= 0.97


@pytest.mark.parametrize("metric", METRICS)
def test_product_codes_of_rotated_vectors_find_more_where_few_directions_matter(metric):
    rng = np.random.default_rng(6)
    mixed = rng.standard_normal((DIM, DIM)) * 0.8 ** np.arange(DIM)
    rows, queries = (rng.standard_normal((n, DIM)) @ mixed.T for n in (ROWS, 100))
    best = vecstore.knn(queries, rows, K, metric).ids
    found = []
    for rotation in (None, "opq"):
        options = {"nlist": 8, "pq_m": 8, "rotation": rotation, "rescore": None}
        with vecstore.Index("ivf", dim=DIM, metric=metric, storage="pq", **options) as index:
            index.add(rows)
            ids = index.search(queries, K, nprobe=8).ids
        found.append(sum(np.intersect1d(a, b).size for a, b in zip(ids, best)) / best.size)
    assert found[1] > found[0] + 0.1


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("storage", CODED)
def test_distances_of_ranked_results_are_exact(metric, storage):
    rows, queries = data()
    found = shared(metric, storage).search(queries, K)
    exact = vecstore.pairwise(queries, rows, metric)
    assert (found.distances == np.take_along_axis(exact, found.ids.astype(np.int64), 1)).all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("storage", CODED)
@pytest.mark.parametrize("assignments", [1, 2])
def test_an_index_of_codes_alone_finds_what_the_codes_of_another_find(metric, storage, assignments):
    queries = data()[1]
    alone = shared(metric, storage, assignments, rescore=None)
    beside_rows = shared(metric, storage, assignments)
    assert same(alone.search(queries, K), beside_rows.search(queries, K, rescore=False))
    assert alone.stats().memory_bytes <= beside_rows.stats().memory_bytes - 4 * DIM * ROWS


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("storage, most", [("pq", 0.1), ("binary", 0.25), ("int4", 0.05), ("int8", 0.005)])
def test_estimates_are_near_to_the_distances(metric, storage, most):
    rows, queries = data()
    exact = vecstore.pairwise(queries, rows, metric)
    found = shared(metric, storage).search(queries, K, rescore=False, nprobe=NLIST)
    off = np.abs(found.distances - np.take_along_axis(exact, found.ids.astype(np.int64), 1))
    assert 0 < off.mean() < most * exact.std()


@pytest.mark.parametrize("metric, power", [("ip", 1), ("cosine", 0)])
@pytest.mark.parametrize("storage", CODED)
@pytest.mark.parametrize("rescore", [True, False])
def test_a_longer_query_finds_the_same(metric, power, storage, rescore):
    queries = data()[1]
    index = shared(metric, storage)
    found = index.search(queries, K, rescore=rescore)
    longer = index.search(queries * np.float32(16), K, rescore=rescore)
    assert longer.ids.tolist() == found.ids.tolist()
    assert longer.distances == pytest.approx(found.distances * 16**power, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("storage", CODED)
def test_codes_are_scaled_to_be_right_about_their_own_row(storage):
    """So they are for queries near the row, which are those that it matters for."""
    rows, _ = data()
    found = shared("l2sq", storage).search(rows[:200], 1, rescore=False, nprobe=NLIST)
    typical = np.median(truth("l2sq").distances[:, -1])
    assert np.abs(np.median(found.distances)) < 0.1 * typical


@pytest.mark.parametrize("storage", ["auto", "pq"])
def test_more_lists_find_more(storage):
    index = shared("l2sq", storage)
    found = [recall(index.search(data()[1], K, nprobe=n), "l2sq") for n in (1, 2, NLIST)]
    assert found == sorted(found)
    assert found[0] < found[-1]
    assert same(index.search(data()[1], K), index.search(data()[1], K, nprobe=NLIST // 16))


def test_a_second_list_finds_more_in_as_many():
    found = [recall(shared("l2sq", "auto", a).search(data()[1], K, nprobe=1), "l2sq") for a in (1, 2)]
    assert found[0] < found[1]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("storage", CODED)
def test_more_lists_lose_nothing_of_what_codes_of_two_lists_find(metric, storage):
    """A row in two lists that are read counts by the nearer one, not by the one that is off by more."""
    index = shared(metric, storage, 2)
    few, all_of_them = (recall(index.search(data()[1], K, rescore=False, nprobe=n), metric) for n in (1, NLIST))
    assert all_of_them >= few - 0.02


def test_more_lists_than_there_are_are_all_of_them():
    index, queries = shared(), data()[1]
    assert same(index.search(queries, K, nprobe=2**20), index.search(queries, K, nprobe=NLIST))


@pytest.mark.parametrize(
    "nprobe, error", [(0, ValueError), (-1, ValueError), (2**20 + 1, ValueError), (2.0, TypeError)]
)
def test_lists_are_counted_from_one(nprobe, error):
    with pytest.raises(error, match="nprobe"):
        shared().search(data()[1], K, nprobe=nprobe)
    with pytest.raises(error, match="nprobe"):
        shared().search_range(data()[1], 1.0, nprobe=nprobe)


def test_ranking_more_rows_finds_more():
    index = shared("l2sq", "binary")
    found = [recall(index.search(data()[1], K, nprobe=NLIST, oversampling=o), "l2sq") for o in (1, 2, 5)]
    assert found == sorted(found)
    assert found[0] < found[-1]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("storage, assignments", list(itertools.product(["auto", *CODED], [1, 2])))
def test_threads_change_nothing(metric, storage, assignments):
    index, queries = shared(metric, storage, assignments), data()[1]
    assert same(index.search(queries, K, threads=1), index.search(queries, K, threads=3))
    one_by_one = [index.search(query, K, threads=1) for query in queries[:20]]
    assert [found.ids[0].tolist() for found in one_by_one] == index.search(queries[:20], K).ids.tolist()


@pytest.mark.parametrize("storage", ["auto", *CODED])
@pytest.mark.parametrize("assignments", [1, 2])
def test_all_rows_may_be_asked_for(storage, assignments):
    index = shared("l2sq", storage, assignments)
    found = index.search(data()[1][:3], ROWS + 5, nprobe=NLIST, oversampling=1)
    assert (np.sort(found.ids[:, :ROWS]) == np.arange(ROWS)).all()
    assert (found.ids[:, ROWS:] == vecstore.NO_ID).all()
    assert np.isinf(found.distances[:, ROWS:]).all()


def test_equal_rows_come_by_id():
    rows, _ = data()
    with vecstore.Index("ivf", dim=DIM, nlist=4) as index:
        index.train(rows)
        index.add(np.repeat(rows[:1], 50, axis=0), ids=np.arange(50)[::-1])
        assert index.search(rows[0], 50, nprobe=4).ids[0].tolist() == list(range(50))


@pytest.mark.parametrize("k", [1, 3])
def test_an_index_without_rows_finds_nothing(k):
    rows, queries = data()
    with vecstore.Index("ivf", dim=DIM) as index:
        for _ in range(2):
            found = index.search(queries, k)
            assert (found.ids == vecstore.NO_ID).all() and np.isinf(found.distances).all()
            assert len(index.search_range(queries, 5.0).ids) == 0
            index.train(rows)


@pytest.mark.parametrize("dtype", reference.NUMBER_DTYPES)
@pytest.mark.parametrize("metric", METRICS)
def test_rows_of_every_dtype_are_found_exactly_in_all_lists(rng, dtype, metric):
    rows = reference.vectors(rng, 500, dtype)
    with vecstore.Index("ivf", dim=reference.DIM, metric=metric, dtype=dtype, nlist=8, assignments=2) as index:
        index.add(rows)
        queries = reference.vectors(rng, 20, dtype)
        found = index.search(queries, K, nprobe=8)
        stored = index.get(range(500))
    assert stored.tobytes() == rows.tobytes()
    exact, allowed = reference.distances(
        reference.numbers(queries, dtype), reference.numbers(rows, dtype), metric
    )
    allowed = np.broadcast_to(allowed, exact.shape)
    for i in range(20):
        reference.assert_nearest(found.ids[i], found.distances[i], exact[i], allowed[i])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("storage", CODED)
@pytest.mark.parametrize("metric", METRICS)
def test_codes_of_narrow_floats_find_what_those_of_float32_do(dtype, storage, metric):
    rows, queries = data()
    with vecstore.Index("ivf", dim=DIM, metric=metric, dtype=dtype, nlist=NLIST, storage=storage) as index:
        index.add(rows)
        assert recall(index.search(queries, K, nprobe=4), metric) >= 0.95


@pytest.mark.parametrize("dim", [1, 2, 3, 5, 17, 37, 63, 130])
@pytest.mark.parametrize("storage", ["auto", *CODED])
def test_any_dim_will_do(rng, dim, storage):
    rows = rng.standard_normal((300, dim)).astype(np.float32)
    with vecstore.Index("ivf", dim=dim, nlist=4, storage=storage, assignments=2) as index:
        index.add(rows)
        # Codes of few elements tell little: every row is ranked.
        found = index.search(rows, 1, nprobe=4, oversampling=300)
        index.verify()
    assert found.ids[:, 0].tolist() == list(range(300))


def test_product_codes_of_the_longest_vectors_can_be_saved(rng, tmp_path):
    dim = 40_000
    rows = rng.standard_normal((40, dim)).astype(np.float32)
    with vecstore.Index("ivf", dim=dim, nlist=1, storage="pq", rescore=None) as index:
        index.add(rows)
        index.save(tmp_path / "index")
        expected = index.search(rows[:3], 2)
    with vecstore.Index.open(tmp_path / "index") as opened:
        assert same(opened.search(rows[:3], 2), expected)


def test_rows_beyond_float16_are_refused_where_they_are_kept_so():
    rows = data()[0][:400].copy()
    rows[9, 3] = 65_520
    for options in ({"storage": "float16"}, {"storage": "pq", "rescore": "float16"}):
        with vecstore.Index("ivf", dim=DIM, nlist=4, **options) as index:
            with pytest.raises(vecstore.TooLargeError):
                index.add(rows)
            assert len(index) == 0


# ---- Ranges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("storage, least", [("auto", 1), ("pq", 0.99), ("binary", 0.99)])
@pytest.mark.parametrize("assignments", [1, 2])
def test_a_range_is_what_lies_within_in_the_lists_that_are_read(metric, storage, least, assignments):
    rows, queries = data()
    exact = vecstore.pairwise(queries, rows, metric)
    radius = float(np.sort(exact, axis=1)[:, 30].mean())
    found = shared(metric, storage, assignments).search_range(queries, radius, nprobe=NLIST)
    hits = 0
    for i, (ids, distances) in enumerate(found.queries()):
        assert len(set(ids.tolist())) == len(ids)
        assert (distances == exact[i, ids.astype(np.int64)]).all()
        assert (distances <= radius).all() and (np.diff(distances) >= 0).all()
        hits += len(ids)
    assert hits >= least * (exact <= radius).sum()
    fewer = shared(metric, storage, assignments).search_range(queries, radius, nprobe=1)
    assert 0.8 * hits < len(fewer.ids) <= hits


@pytest.mark.parametrize("storage", CODED)
@pytest.mark.parametrize("assignments", [1, 2])
def test_a_range_by_codes_alone_is_about_that(storage, assignments):
    rows, queries = data()
    exact = vecstore.pairwise(queries, rows, "l2sq")
    radius = float(np.sort(exact, axis=1)[:, 30].mean())
    index = shared("l2sq", storage, assignments)
    found = index.search_range(queries, radius, nprobe=8, rescore=False)
    right = sum((exact[i, ids.astype(np.int64)] <= radius).sum() for i, (ids, _) in enumerate(found.queries()))
    assert right >= 0.7 * len(found.ids) and right >= 0.7 * (exact <= radius).sum()
    assert all(len(set(ids.tolist())) == len(ids) for ids, _ in found.queries())


def test_a_range_goes_by_a_filter():
    queries = data()[1]
    found = shared("l2sq", "pq", 2).search_range(queries, 20.0, filter=lambda i: i % 2 == 0)
    every = shared("l2sq", "pq", 2).search_range(queries, 20.0)
    assert len(every.ids) > 0
    assert sorted(found.ids.tolist()) == sorted(i for i in every.ids.tolist() if i % 2 == 0)


# ---- Filters ---------------------------------------------------------------------------------------------------------


def kinds_of_filter(allowed):
    """The same filter in each form."""
    bits = np.zeros(ROWS, dtype=bool)
    bits[allowed] = True
    others = np.flatnonzero(~bits)
    chosen = set(allowed)
    return (bits, allowed, lambda i: i in chosen, ~Filter.ids(others), ~Filter.bitmap(~bits))


@pytest.mark.parametrize("storage", ["auto", *CODED])
@pytest.mark.parametrize("assignments", [1, 2])
def test_every_form_of_a_filter_says_the_same(storage, assignments):
    index, queries = shared("l2sq", storage, assignments), data()[1][:20]
    allowed = list(range(0, ROWS, 3))
    found = [index.search(queries, K, filter=form) for form in kinds_of_filter(allowed)[:4]]
    assert all(same(other, found[0]) for other in found[1:])
    assert (found[0].ids % 3 == 0).all()
    # Beyond the array nothing passes it, so turned round all of that passes.
    assert same(index.search(queries, K, filter=kinds_of_filter(allowed)[4]), found[0])


@pytest.mark.parametrize("storage", ["auto", *CODED])
@pytest.mark.parametrize("assignments", [1, 2])
@pytest.mark.parametrize("count", [K, 50])
def test_a_selective_filter_still_gives_k_rows(storage, assignments, count):
    index, queries = shared("l2sq", storage, assignments), data()[1]
    allowed = np.random.default_rng(1).permutation(ROWS)[:count]
    found = index.search(queries, K, nprobe=1, filter=allowed)
    assert np.isin(found.ids, allowed).all()
    assert each_once(found.ids)


@pytest.mark.parametrize("assignments", [1, 2])
def test_fewer_rows_than_k_all_come(assignments):
    index, queries = shared("l2sq", "pq", assignments), data()[1]
    found = index.search(queries, K, nprobe=1, filter=[5, 77, 3999, 10**9])
    assert (np.sort(found.ids[:, :3]) == [5, 77, 3999]).all()
    assert (found.ids[:, 3:] == vecstore.NO_ID).all()


def test_a_callable_is_asked_once_for_each_row():
    asked = []

    def ask(row_id):
        asked.append(row_id)
        return True

    shared("l2sq", "pq", 2).search(data()[1], K, filter=ask, threads=2)
    assert sorted(asked) == list(range(ROWS))


# ---- Changing rows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", ["auto", *CODED])
@pytest.mark.parametrize("assignments", [1, 2])
def test_rows_come_and_go(storage, assignments):
    rows, queries = data()
    with changeable(storage=storage, assignments=assignments) as index:
        assert index.remove(range(0, ROWS, 2)) == ROWS // 2
        assert index.remove([0, 2, 4]) == 0
        index.verify()
        assert len(index) == ROWS // 2
        assert sorted(index.ids().tolist()) == list(range(1, ROWS, 2))
        assert index.contains([0, 1, ROWS]).tolist() == [False, True, False]
        found = index.search(queries, K, nprobe=NLIST)
        assert (found.ids % 2 == 1).all() and each_once(found.ids)
        back = index.add(rows[::2], ids=range(0, ROWS, 2))
        assert back.tolist() == list(range(0, ROWS, 2))
        index.verify()
        assert recall(index.search(queries, K, nprobe=NLIST), "l2sq") >= 0.98
        assert index.add(rows[:1]).tolist() == [ROWS]
        index.compact()
        index.verify()
        assert index.stats().removed_count == 0
        assert len(index) == ROWS + 1


@pytest.mark.parametrize("storage", ["auto", *CODED])
@pytest.mark.parametrize("assignments", [1, 2])
def test_updated_rows_are_found_where_they_are_now(storage, assignments):
    rows, _ = data()
    with changeable(storage=storage, assignments=assignments) as index:
        index.update([1, 2, 3], rows[[1000, 2000, 3000]])
        index.verify()
        assert len(index) == ROWS
        assert index.get([1, 2, 3]).tolist() == rows[[1000, 2000, 3000]].tolist()
        found = index.search(rows[[1000, 2000, 3000]], 2)
        assert found.ids.tolist() == [[1, 1000], [2, 2000], [3, 3000]]
        assert (found.distances == 0).all()
        assert (index.search(rows[1], 1).ids != 1).all()


@pytest.mark.parametrize("storage", ["auto", *CODED])
def test_changes_are_whole_or_not_at_all(storage):
    rows, queries = data()
    with changeable(storage=storage) as index:
        before = index.search(queries, K)
        with pytest.raises(vecstore.NotFoundError):
            index.update([1, ROWS], rows[:2])
        with pytest.raises(vecstore.AlreadyExistsError):
            index.update([1, 1], rows[:2])
        with pytest.raises(vecstore.AlreadyExistsError):
            index.add(rows[:2], ids=[ROWS, 5])
        with pytest.raises(vecstore.AlreadyExistsError):
            index.add(rows[:2], ids=[ROWS, ROWS])
        with pytest.raises(vecstore.NotFiniteError):
            index.add(np.full((2, DIM), np.nan))
        index.verify()
        assert same(index.search(queries, K), before)
        assert index.stats().next_id == ROWS


def test_a_row_at_a_time_gives_the_same_as_all_at_once():
    rows, queries = data()
    with vecstore.Index("ivf", dim=DIM, nlist=NLIST, storage="pq", assignments=2) as index:
        index.train(rows)
        for i in range(300):
            index.add(rows[i])
        index.add(rows[300:])
        index.verify()
        assert same(index.search(queries, K), shared("l2sq", "pq", 2).search(queries, K))


@pytest.mark.parametrize("storage", ["auto", *CODED])
def test_the_last_row_may_go(storage):
    rows, queries = data()
    with changeable(storage=storage) as index:
        assert index.remove(index.ids()) == ROWS
        index.verify()
        assert (len(index), index.ids().tolist()) == (0, [])
        assert (index.search(queries, K).ids == vecstore.NO_ID).all()
        index.compact()
        assert index.add(rows[:3]).tolist() == [ROWS, ROWS + 1, ROWS + 2]
        assert index.search(rows[:3], 1).ids[:, 0].tolist() == [ROWS, ROWS + 1, ROWS + 2]


def test_memory_of_removed_rows_returns():
    with changeable(storage="pq") as index:
        before = index.stats()
        index.remove(range(3500))
        index.compact()
        after = index.stats()
    assert after.removed_count == 0
    assert after.memory_bytes < before.memory_bytes / 2


def test_optimize_lays_rows_in_the_order_of_lists_and_changes_no_result():
    queries = data()[1]
    told = []
    with changeable(storage="pq", assignments=2) as index:
        before = index.search(queries, K)
        index.optimize(progress=lambda done, total: told.append((done, total)))
        assert same(index.search(queries, K), before)
        index.verify()
    assert told[-1] == (ROWS, ROWS)


def test_searches_run_beside_changes():
    """A search sees the index as it was when it began: each batch whole or not at all."""
    rows, _ = data()
    with vecstore.Index("ivf", dim=DIM, nlist=8, storage="pq", assignments=2) as index:
        index.train(rows)
        index.add(rows[:1000], ids=range(1000))
        failures = []
        done = threading.Event()

        def look():
            while not done.is_set():
                near = index.search(rows[:1], 2000, nprobe=8, threads=1).ids[0]
                near = near[near != vecstore.NO_ID]
                moved = int((near >= 10_000).sum())
                if len(near) not in (1000, 1500) or moved not in (0, 500) or len(set(near.tolist())) != len(near):
                    failures.append((len(near), moved))

        thread = threading.Thread(target=look)
        thread.start()
        try:
            for _ in range(20):
                index.add(rows[1000:1500], ids=range(10_000, 10_500))
                index.update(range(100), rows[200:300])
                index.remove(range(10_000, 10_500))
        finally:
            done.set()
            thread.join()
        index.verify()
    assert failures == []


# ---- Reading rows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage, dtype", [("float16", np.float16), ("bfloat16", None), ("auto", np.float32)])
def test_rows_come_back_as_they_are_kept(storage, dtype):
    rows, _ = data()
    index = shared("l2sq", storage)
    ids = [7, 7, 3999, 0]
    if dtype is None:
        expected = reference.bfloat16_numbers(vecstore.convert(rows[ids], "bfloat16"))
    else:
        expected = rows[ids].astype(dtype).astype(np.float32)
    assert index.get(ids).tolist() == expected.tolist()
    assert index.get([]).shape == (0, DIM)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("storage, least", [("pq", 0.9), ("binary", 0.7)])
@pytest.mark.parametrize("assignments", [1, 2])
def test_of_codes_alone_rows_come_back_about(metric, storage, least, assignments):
    rows, _ = data()
    if metric == "cosine":
        rows = vecstore.normalize(rows)
    got = shared(metric, storage, assignments, rescore=None).get(range(500))
    assert got.dtype == np.float32
    within = rows - np.mean(rows, axis=0)
    lost = np.linalg.norm(got - rows[:500], axis=1) ** 2
    assert 1 - lost.mean() / (np.linalg.norm(within, axis=1) ** 2).mean() >= least


def test_get_raises_for_an_id_that_is_not_there():
    with pytest.raises(vecstore.NotFoundError):
        shared().get([1, ROWS])
    with pytest.raises(vecstore.NotFoundError):
        shared("l2sq", "pq", 1, rescore=None).get([ROWS])
    with vecstore.Index("ivf", dim=DIM) as index, pytest.raises(vecstore.NotFoundError):
        index.get([0])


@pytest.mark.parametrize("assignments", [1, 2])
def test_every_id_is_listed_once(assignments):
    index = shared("l2sq", "auto", assignments)
    assert sorted(index) == list(range(ROWS))
    assert 17 in index and ROWS not in index


# ---- Files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    "storage, rescore",
    [
        ("auto", "default"),
        ("float16", "default"),
        ("pq", "default"),
        ("pq", None),
        ("binary", "float16"),
        ("binary", None),
    ],
)
@pytest.mark.parametrize("assignments", [1, 2])
def test_a_file_gives_the_same_results(tmp_path, metric, storage, rescore, assignments):
    rows, queries = data()
    index = shared(metric, storage, assignments, rescore)
    index.save(tmp_path / "index")
    stats = index.stats()
    for mmap in (True, False):
        with vecstore.Index.open(tmp_path / "index", mmap=mmap, verify=True) as opened:
            opened.verify()
            assert (opened.kind, opened.read_only, len(opened)) == ("ivf", mmap, ROWS)
            assert same(opened.search(queries, K), index.search(queries, K))
            assert same(opened.search(queries, K, rescore=False), index.search(queries, K, rescore=False))
            assert same(opened.search(queries, K, filter=range(50)), index.search(queries, K, filter=range(50)))
            ranges = [each.search_range(queries, float(truth(metric).distances.mean())) for each in (opened, index)]
            assert ranges[0].ids.tolist() == ranges[1].ids.tolist()
            assert opened.get(range(100)).tobytes() == index.get(range(100)).tobytes()
            for name in ("nlist", "assignments", "trained_count", "storage", "exact_dtype", "longest_list", "next_id"):
                assert getattr(opened.stats(), name) == getattr(stats, name)


def test_a_map_is_read_only_and_a_loaded_file_goes_on(tmp_path):
    rows, queries = data()
    with vecstore.Index("ivf", dim=DIM, nlist=NLIST, storage="pq", assignments=2) as index:
        index.train(rows)
        index.add(rows[:3000])
        index.save(tmp_path / "index")
    with vecstore.Index.open(tmp_path / "index") as mapped:
        assert mapped.stats().mapped_bytes == (tmp_path / "index").stat().st_size
        for change in (
            lambda: mapped.add(rows[:1]),
            lambda: mapped.update([0], rows[:1]),
            lambda: mapped.remove([0]),
            lambda: mapped.train(rows),
            mapped.compact,
            mapped.optimize,
            lambda: mapped.reserve(10),
        ):
            with pytest.raises(vecstore.ReadOnlyError):
                change()
    with vecstore.Index.open(tmp_path / "index", mmap=False) as loaded:
        loaded.add(rows[3000:])
        loaded.verify()
        assert same(loaded.search(queries, K), shared("l2sq", "pq", 2).search(queries, K))


@pytest.mark.parametrize("trained", [True, False])
def test_an_index_without_rows_can_be_saved(tmp_path, trained):
    rows, queries = data()
    with vecstore.Index("ivf", dim=DIM, nlist=NLIST, storage="pq") as index:
        if trained:
            index.train(rows)
        index.save(tmp_path / "index")
    for mmap in (True, False):
        with vecstore.Index.open(tmp_path / "index", mmap=mmap) as opened:
            assert len(opened) == 0
            assert opened.stats().trained_count == (ROWS if trained else 0)
            assert (opened.search(queries, 1).ids == vecstore.NO_ID).all()
            if not mmap:
                opened.add(rows)
                assert same(opened.search(queries, K), shared("l2sq", "pq").search(queries, K))


@pytest.mark.parametrize("storage", ["auto", *CODED])
def test_the_same_rows_and_seed_on_one_thread_give_the_same_file(tmp_path, storage):
    rows, _ = data()
    for name, seed in (("first", 1), ("second", 1), ("third", 2)):
        with vecstore.Index("ivf", dim=DIM, storage=storage, assignments=2, seed=seed) as index:
            index.add(rows, threads=1)
            index.save(tmp_path / name)
    files = [(tmp_path / name).read_bytes() for name in ("first", "second", "third")]
    assert files[0] == files[1]
    assert files[0] != files[2]


def test_a_changed_file_is_saved_without_what_is_gone(tmp_path):
    queries = data()[1]
    with changeable(storage="binary", assignments=2) as index:
        index.remove(range(0, ROWS, 3))
        index.update([1], queries[:1])
        expected = index.search(queries, K)
        index.save(tmp_path / "index")
        count = len(index)
    with vecstore.Index.open(tmp_path / "index", verify=True) as opened:
        assert len(opened) == count
        assert same(opened.search(queries, K), expected)
