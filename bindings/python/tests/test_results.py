# Hits of searches that were asked for before: the same as the collection would find, and never older.
# SPDX-License-Identifier: Apache-2.0
import datetime
import time

import numpy as np
import pytest

import vecstore
from vecstore import Collection, Field, Hit, ResultCache, ValueCache, _found_hits


@pytest.fixture
def results(spots, place, namespace):
    spots.create_payload_index("text", "text")
    with ValueCache(place, namespace=namespace) as cache:
        yield ResultCache(spots, cache)


def known(results):
    return results.cache.stats().hits


def content(hits):
    return [
        (hit.id, hit.distance, hit.score, hit.payload_json, None if hit.vector is None else hit.vector.tolist())
        for hit in hits
    ]


def all_searches(searched, **options):
    yield content(searched.search([3, 0.3], 4, **options))
    yield content(searched.search(np.array([3, 0.3], np.float32), k=4, **options))
    yield from map(content, searched.search([[3, 0.3], [9, 0.1]], 2, **options))
    yield content(searched.search([0.2, 0], with_vector=True, with_payload=False, **options))
    yield content(searched.search_hybrid([3, 0.3], "number 7", 5, **options))
    yield content(searched.search_text("spot 4", 3, **options))


def test_finds_what_the_collection_finds(results):
    results.collection.upsert(["a", "b"], [[3, 0], [4, 0]], [{"text": "größer", "n": 0.1}, None])
    for options in ({}, {"filter": Field("n") < 5}, {"offset": 1}, {"threshold": -3.0}):
        expected = list(all_searches(results.collection, **options))
        for _ in range(2):
            assert list(all_searches(results, **options)) == expected
    # The list and the array of one query are the same query.
    assert known(results) == 4 * (2 * 6 - 5)
    assert content(results.search([0.2, 0], k=3))[0][3] is not None


def test_every_argument_counts(results):
    queries = [
        ([3, 0], 4, {}),
        ([3, 0.5], 4, {}),
        ([[3, 0]], 4, {"exact": True}),
        ([3, 0], 5, {}),
        ([3, 0], 4, {"exact": True, "ef_search": 10}),
        ([3, 0], 4, {"filter": Field("parity") == "odd"}),
        ([3, 0], 4, {"filter": Field("parity") == "even"}),
        ([3, 0], 4, {"max_distance": 1}),
        ([3, 0], 4, {"max_distance": 1.5}),
        ([3, 0], 4, {"with_payload": False}),
    ]
    for vector, k, options in queries:
        results.search(vector, k, **options)
    results.search_text("spot", 4)
    results.search_text("spot", 4, mode="all")
    results.search_text("spot", 4, fields={"text": 2.0})
    results.search_text("number", 4)
    results.search_hybrid([3, 0], "spot", 4)
    results.search_hybrid([3, 0], "number", 4)
    assert known(results) == 0


def test_a_write_is_seen_at_once(results):
    points = results.collection
    for change, expected in [
        (lambda: points.upsert(20, [3, 0]), [20, 3]),
        (lambda: points.remove([3]), [20, 2]),
        (lambda: points.merge_payload({"a": 1}, [20]), [20, 2]),
        (lambda: points.update_vectors([20], [[2.9, 0]]), [20, 2]),
    ]:
        results.search([3, 0], 2)
        change()
        before = known(results)
        hits = results.search([3, 0], 2)
        assert sorted(hit.id for hit in hits) == sorted(expected) and known(results) == before
        assert content(hits) == content(points.search([3, 0], 2))


def test_a_point_that_has_ended_is_in_no_result(results):
    points = results.collection
    points.upsert(20, [3, 0], ttl=0.2)
    for _ in range(2):
        assert sorted(hit.id for hit in results.search([3, 0], 2)) == [3, 20]
    while 20 in points:
        time.sleep(0.001)
    assert [hit.id for hit in results.search([3, 0], 1)] == [3]


def test_processes_share_results_of_the_same_points(results):
    points = results.collection
    expected = content(results.search([3, 0], 2))
    with Collection.open(points.path, read_only=True) as reader:
        others = ResultCache(reader, results.cache)
        assert content(others.search([3, 0], 2)) == expected and known(results) == 1
        points.remove([3])
        assert content(results.search([3, 0], 2)) != expected
        # A reader has the results of what it shows.
        assert content(others.search([3, 0], 2)) == expected and known(results) == 2
        reader.refresh()
        assert content(others.search([3, 0], 2)) != expected and known(results) == 3


def test_copies_do_not_get_each_others_results(results, tmp_path):
    results.collection.snapshot(tmp_path / "copy")
    with Collection.open(tmp_path / "copy") as copy:
        others = ResultCache(copy, results.cache)
        assert copy.uuid == results.collection.uuid
        results.collection.upsert(20, [3, 0])
        copy.upsert(21, [3, 0])
        assert 20 in [hit.id for hit in results.search([3, 0], 2)]
        assert 21 in [hit.id for hit in others.search([3, 0], 2)]


def test_results_of_points_that_change_meanwhile_are_not_kept(results, monkeypatch):
    points, search = results.collection, Collection.search

    def slow(self, *arguments, **options):
        hits = search(self, *arguments, **options)
        points.remove([3])
        return hits

    monkeypatch.setattr(Collection, "search", slow)
    assert results.search([3, 0], 1)[0].id == 3
    monkeypatch.undo()
    assert results.search([3, 0], 1)[0].id in (2, 4)
    assert results.cache.stats().sets == 1


def test_a_rerank_is_called_each_time_with_hits_of_before(results):
    asked = []

    def farthest(hits):
        asked.append(len(hits))
        return [hit.distance for hit in hits]

    options = {"rerank": farthest, "rerank_candidates": 5, "offset": 1}
    expected = [content(results.collection.search([3, 0], 2, **options)) for _ in range(2)]
    assert [content(results.search([3, 0], 2, **options)) for _ in range(2)] == expected
    assert asked == [5] * 4 and known(results) == 1
    ours, theirs = (searched.search([[3, 0], [8, 0]], 2, **options) for searched in (results, results.collection))
    assert list(map(content, ours)) == list(map(content, theirs)) and len(ours) == 2


def test_what_cannot_be_kept_is_searched_for(results):
    told = []
    for _ in range(2):
        results.search([3, 0], 2, explain=told.append)
    assert [explanation["hits"] for explanation in told] == [2, 2] and results.cache.stats().sets == 0
    for bad, error in [
        ({"k": 0}, ValueError),
        ({"ef_search": object()}, TypeError),
        ({"none": 1}, TypeError),
        ({"filter": {"none": 1}}, ValueError),
        ({"vector_name": "x"}, ValueError),
        ({"max_distance": float("nan")}, ValueError),
    ]:
        for searched in (results, results.collection):
            with pytest.raises(error):
                searched.search([3, 0], **bad)
    for vector in ([1, 2, 3], [[np.nan, 0]], "x"):
        for searched in (results, results.collection):
            with pytest.raises((ValueError, TypeError)):
                searched.search(vector)
    assert results.cache.stats().sets == 0


def test_results_end(spots, namespace):
    with ValueCache("memory:", namespace=namespace) as cache:
        results = ResultCache(spots, cache, ttl=datetime.timedelta(milliseconds=50))
        results.search([3, 0])
        time.sleep(0.06)
        results.search([3, 0])
        assert known(results) == 0 and cache.stats().sets == 2


def test_goes_on_while_redis_is_away(redis, spots, namespace):
    quick = vecstore.RedisOptions(connect_timeout=0.3, command_timeout=0.3)
    with ValueCache(redis.url, namespace=namespace, redis=quick) as cache:
        with ValueCache(redis.url, namespace=namespace, redis=quick, fail_closed=True) as closed:
            expected = content(ResultCache(spots, cache).search([3, 0]))
            redis.kill()
            assert content(ResultCache(spots, cache).search([3, 0])) == expected
            with pytest.raises(vecstore.UnavailableError):
                ResultCache(spots, closed).search([3, 0])
            redis.start()


def test_refuses_what_is_no_collection_or_cache(spots, tmp_path):
    with ValueCache("memory:", namespace="n") as cache:
        with pytest.raises(TypeError, match="collection"):
            ResultCache(cache, cache)
        with pytest.raises(TypeError, match="cache"):
            ResultCache(spots, spots)
        with pytest.raises(ValueError, match="ttl"):
            ResultCache(spots, cache, ttl=0)
        results = ResultCache(spots, cache)
        assert repr(results).startswith("<vecstore.ResultCache of <vecstore.Collection")
    with pytest.raises(vecstore.InvalidHandleError, match="the cache is closed"):
        results.search([3, 0])
    spots.close()
    with pytest.raises(vecstore.InvalidHandleError, match="the collection is closed"):
        results.search([3, 0])


# ----------------------------------------------------------------------------------------------------------------------
# What is kept
# ----------------------------------------------------------------------------------------------------------------------


def test_hits_come_back_bit_for_bit(rng):
    vectors = rng.standard_normal((3, 7)).astype(np.float32)
    hits = [
        Hit(0, float(np.float32(0.1)), 1e-45, b'{"a":"gr\xc3\xb6\xc3\x9fer"}', vectors[0]),
        Hit(2**64 - 2, None, -0.0, b"", None),
        Hit("größer\n", 3.4e38, 7.25, None, vectors[2]),
    ]
    for found in ([hits], [hits[:1], [], hits[1:]], [[]], []):
        back = _found_hits.decode(_found_hits.encode(found))
        assert [content(each) for each in back] == [content(each) for each in found]


def test_what_others_wrote_is_no_result(rng):
    vector = rng.standard_normal(3).astype(np.float32)
    good = _found_hits.encode([[Hit(1, 0.5, 0.5, b'{"a":1}', vector), Hit("b", None, 1.0, b"", None)]])
    for end in range(len(good)):
        assert _found_hits.decode(good[:end]) is None
    assert _found_hits.decode(good + b"x") is None
    for _ in range(3000):
        damaged = bytearray(good)
        damaged[rng.integers(len(good))] = rng.integers(256)
        found = _found_hits.decode(bytes(damaged))
        assert found is None or all(isinstance(hit, Hit) for hits in found for hit in hits)
    heads = [b"[]", b"7", b"{}", b"[[1],[{}],[1.0],[1.0],[0],[0]]", b'[["x"],[1],[0.5],[0.5],[0],[0]]']
    heads += [b"[[1],[1],[0.5],[0.5],[1e9],[0]]", b"[[1],[1],[0.5],[0.5],[0],[-1]]", b"[" * 100_000]
    for head in heads:
        assert _found_hits.decode(len(head).to_bytes(4, "little") + head) is None


def test_a_damaged_value_is_searched_for_anew(results):
    keys = []
    get = results.cache.get
    results.cache.get = lambda key: keys.append(key) or get(key)
    expected = content(results.search([3, 0]))
    results.cache.set(keys[0], b"\x05\0\0\0hello")
    assert content(results.search([3, 0])) == expected == content(results.search([3, 0]))
    assert known(results) == 2 and results.cache.stats().sets == 3
