# What a semantic cache does, wherever its entries live.
# SPDX-License-Identifier: Apache-2.0
import datetime
import time

import numpy as np
import pytest
from reference import direction

import vecstore
from vecstore import FOREVER, Field, SemanticCache


def prompts(hits):
    return [hit.prompt for hit in hits]


def test_answers_the_same_prompt_without_a_vector(cache):
    id = cache.set("How do I reset my password?", "By mail.", direction(0))
    hit = cache.get("How do I reset my password?")
    assert (hit.id, hit.response, hit.tier, hit.similarity, hit.distance) == (id, "By mail.", "exact", 1.0, 0.0)
    assert cache.get("How do I reset my PIN?") is None
    assert len(id) == 32 and int(id, 16) >= 0


def test_answers_a_prompt_that_means_the_same(cache):
    cache.set("How do I reset my password?", "By mail.", vector=direction(0), metadata={"b": 1, "a": "x"})
    hit = cache.get("I forgot my password", direction(10))
    assert (hit.prompt, hit.response, hit.tier) == ("How do I reset my password?", "By mail.", "semantic")
    assert hit.similarity == pytest.approx(0.9848, abs=1e-4) and hit.distance == pytest.approx(0.0152, abs=1e-4)
    assert hit.metadata == {"a": "x", "b": 1}
    assert cache.get("Where is my parcel?", vector=direction(90)) is None


def test_tells_when_an_entry_was_set_and_when_it_ends(cache):
    before = datetime.datetime.now(datetime.timezone.utc)
    cache.set("a", "1", direction(0), ttl=60)
    cache.set("b", "2", direction(90))
    time.sleep(0.02)
    hit = cache.get("a")
    assert abs(hit.created - before) < datetime.timedelta(seconds=5)
    assert 0.01 <= hit.age < 5
    assert hit.expires - hit.created == datetime.timedelta(seconds=60)
    assert hit.created.tzinfo == datetime.timezone.utc == hit.expires.tzinfo
    assert cache.get("b").expires is None and cache.get("b").metadata == {}


def test_finds_the_nearest_of_several(cache):
    for degrees in range(0, 60, 5):
        cache.set(str(degrees), "", direction(degrees))
    assert cache.get(vector=direction(31)).prompt == "30"
    assert prompts(cache.get(vector=direction(31), k=3)) == ["30", "35", "25"]
    assert prompts(cache.get_similar(vector=direction(31), threshold=0.99)) == ["30", "35", "25"]
    assert prompts(cache.get_similar("31", vector=direction(31), k=2)) == ["30", "35"]
    assert cache.get(vector=direction(180), k=3) == [] == cache.get_similar(vector=direction(180))


def test_the_same_prompt_comes_before_what_is_near(cache):
    cache.set("a", "1", direction(0))
    cache.set("b", "2", direction(5))
    found = cache.get("b", direction(0), k=5)
    assert [(hit.prompt, hit.tier) for hit in found] == [("b", "exact"), ("a", "semantic")]


def test_finds_by_the_tiers_that_are_asked_for(cache):
    cache.set("a", "1", direction(0))
    assert cache.get("a", direction(90), tiers="semantic") is None
    assert cache.get("b", direction(0), tiers="exact") is None
    assert cache.get("a", direction(0), tiers="semantic").tier == "semantic"
    assert cache.get("a", direction(0), tiers="both").tier == "exact"


def test_an_entry_is_set_again_in_its_place(cache):
    first = cache.set("prompt", "old", direction(0))
    assert cache.set("prompt", "new", direction(45)) == first
    assert len(cache) == 1
    assert cache.get("prompt").response == "new" and cache.get(vector=direction(0)) is None


def test_sets_many_at_once(cache):
    names = [f"prompt {i}" for i in range(300)]
    rows = np.array([direction(i / 2) for i in range(300)])
    ids = cache.set_many(names, [name.upper() for name in names], rows, [{"n": i} for i in range(300)])
    assert len(set(ids)) == 300 == len(cache)
    hit = cache.get("prompt 7")
    assert (hit.id, hit.response, hit.metadata) == (ids[7], "PROMPT 7", {"n": 7})
    assert cache.get(vector=direction(100.1)).prompt == "prompt 200"
    assert cache.set_many([], []) == []


def test_columns_are_for_all_entries_or_for_each(cache):
    cache.set_many(["a", "b"], ["", ""], np.eye(2), {"tenant": 1}, ttl=60, cost=2)
    assert [cache.get(p).metadata for p in "ab"] == [{"tenant": 1}] * 2
    assert all(cache.get(p).expires is not None for p in "ab")
    cache.set_many(["c", "d", "e"], ["", "", ""], np.ones((3, 2)), [None, "{}", {"x": 1}], [None, FOREVER, 60], [1, None, 3])
    assert [cache.get(p).metadata for p in "cde"] == [{}, {}, {"x": 1}]
    assert [cache.get(p).expires is None for p in "cde"] == [True, True, False]


def test_all_entries_are_checked_before_the_first_is_written(cache):
    for bad in ([[1, 0], [0, 0]], [[1, 0], [np.nan, 0]]):
        with pytest.raises(ValueError, match="1"):
            cache.set_many(["a", "b"], ["", ""], bad)
    assert len(cache) == 0


@pytest.mark.parametrize("text", ["größer, 大, 🙂", "a\0b\0", 'quotes " \\ and\nlines', "x" * 100_000])
def test_keeps_any_text(cache, text):
    cache.set(text, text, direction(0))
    hit = cache.get(text)
    assert (hit.prompt, hit.response) == (text, text)
    assert cache.get(vector=direction(0)).prompt == text


def test_bytes_come_back_as_text_where_they_are_utf_8(cache):
    raw = bytes(range(256)) * 3
    cache.set(raw, raw, direction(0))
    cache.set(b"text", bytearray("größer".encode()), direction(90))
    assert (cache.get(raw).prompt, cache.get(raw).response) == (raw, raw)
    assert cache.get("text").response == "größer" == cache.get(b"text").response


def test_an_empty_response_is_a_response(cache):
    cache.set("a", "", direction(0))
    assert cache.get("a").response == ""


def test_takes_arrays_of_any_real_kind(cache):
    rows = [[3, 0], (3.0, 0.0), np.array([3, 0]), np.array([3, 0], np.float16), np.array([9, 3, 9, 0])[1::2], np.ones((1, 2))]
    for i, row in enumerate(rows[:-1]):
        cache.set("a", str(i), row)
        assert cache.get(vector=row).response == str(i)
        assert cache.get(vector=[1, 0]).similarity == pytest.approx(1)
    cache.set("a", "last", rows[-1])
    assert cache.get(vector=rows[-1]).response == "last"


# ----------------------------------------------------------------------------------------------------------------------
# Thresholds
# ----------------------------------------------------------------------------------------------------------------------


def test_0_is_a_threshold(place, namespace):
    """As a similarity it lets in all that is not opposed, as a distance nothing but the same."""
    with SemanticCache(place, namespace=namespace, dim=2, similarity_threshold=0) as near:
        near.set("a", "", direction(0))
        assert near.get(vector=direction(80)).prompt == "a"
        assert near.get(vector=direction(100)) is None
        assert near.get(vector=direction(80), threshold=0.9) is None
    if place != "memory:":
        with SemanticCache(place, namespace=namespace, dim=2, distance_threshold=0) as same:
            assert same.get(vector=direction(0)).prompt == "a"
            assert same.get(vector=direction(1)) is None
            assert same.get(vector=direction(100), threshold=-1).prompt == "a"


def test_a_distance_is_1_minus_a_similarity(cache):
    cache.set("a", "", direction(0))
    for degrees in (5, 20, 45, 85, 95, 175):
        similarity = cache.get(vector=direction(degrees), threshold=-1).similarity
        distance = 1 - similarity
        assert cache.get(vector=direction(degrees), threshold=similarity - 1e-6).prompt == "a"
        assert cache.get(vector=direction(degrees), distance=distance + 1e-6).prompt == "a"
        assert cache.get(vector=direction(degrees), threshold=similarity + 1e-6) is None
        assert cache.get(vector=direction(degrees), distance=distance - 1e-6) is None
        assert cache.get_similar(vector=direction(degrees), distance=distance - 1e-6) == []


def test_the_threshold_is_that_of_the_cache_where_none_is_given(place, namespace):
    with SemanticCache(place, namespace=namespace, dim=2) as default:
        default.set("a", "", direction(0))
        assert default.get(vector=direction(31)).similarity > 0.85
        assert default.get(vector=direction(32)) is None


# ----------------------------------------------------------------------------------------------------------------------
# Metadata and filters
# ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "filter",
    [
        Field("tenant") == "b",
        {"must": [{"key": "tenant", "match": {"value": "b"}}]},
        '{"must":[{"key":"tenant","match":{"value":"b"}}]}',
    ],
    ids=["condition", "dict", "text"],
)
def test_filters_are_those_of_collections(cache, filter):
    cache.set("question", "of a", direction(0), {"tenant": "a"})
    cache.set("question", "of b", direction(5), {"tenant": "b"})
    assert cache.get("question", filter=filter).response == "of b"
    assert cache.get(vector=direction(0), filter=filter).response == "of b"
    assert [hit.response for hit in cache.get_similar(vector=direction(0), filter=filter)] == ["of b"]
    assert cache.get("question", direction(0), filter=Field("tenant") == "c") is None


def test_other_metadata_make_another_entry(cache):
    ids = {cache.set("a", str(n), direction(0), metadata) for n, metadata in enumerate([None, {}, {"n": 1}, '{"n":2}'])}
    assert len(ids) == 3 == len(cache), "no metadata and empty ones are the same"


def test_metadata_are_what_payloads_are(cache):
    when = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
    cache.set("a", "", direction(0), {"n": np.int64(3), "when": when, "tags": ["x", "y"], "in": {"deep": None}})
    assert cache.get("a", filter=Field("tags") == "y").metadata == {
        "n": 3,
        "when": "2026-01-02T00:00:00+00:00",
        "tags": ["x", "y"],
        "in": {"deep": None},
    }
    assert cache.get("a", filter=Field("when") >= when) is not None


# ----------------------------------------------------------------------------------------------------------------------
# Ends
# ----------------------------------------------------------------------------------------------------------------------


def test_an_entry_is_not_found_after_its_end(cache):
    cache.set("a", "", direction(0), ttl=0.05)
    cache.set("b", "", direction(90), ttl=datetime.timedelta(milliseconds=50))
    cache.set("c", "", direction(180), ttl=FOREVER)
    time.sleep(0.06)
    assert cache.get("a", direction(0)) is None and cache.get("b", direction(90)) is None
    assert cache.get("c", direction(180)).expires is None


def test_the_ttl_is_that_of_the_cache_where_none_is_given(place, namespace):
    with SemanticCache(place, namespace=namespace, dim=2, ttl=datetime.timedelta(hours=1)) as hourly:
        hourly.set("a", "", direction(0))
        hourly.set("b", "", direction(0), ttl=1.5)
        hourly.set("c", "", direction(0), ttl=FOREVER)
        lives = [hit.expires and (hit.expires - hit.created).total_seconds() for hit in map(hourly.get, "abc")]
        assert lives == [3600, 1.5, None]


def test_a_hit_begins_the_ttl_anew_only_where_that_is_asked_for(place, namespace):
    for refreshes, name in ((False, namespace), (True, namespace + "-refreshed")):
        where = place + name if "/" in place and "://" not in place else place
        with SemanticCache(where, namespace=name, dim=2, refresh_on_hit=refreshes) as cache:
            cache.set("a", "", direction(0), ttl=60)
            end = cache.get("a").expires
            time.sleep(0.02)
            assert (cache.get("a").expires > end) == refreshes


# ----------------------------------------------------------------------------------------------------------------------
# Deleting, feedback
# ----------------------------------------------------------------------------------------------------------------------


def test_deletes_by_ids_and_hits(cache):
    ids = cache.set_many([*"abcd"], [*"abcd"], np.array([direction(90 * i) for i in range(4)]))
    assert cache.delete(ids[0]) == 1
    assert cache.delete(ids[0]) == 0
    assert cache.delete([ids[1], cache.get("c"), "0" * 32]) == 2
    assert cache.delete([]) == 0
    assert len(cache) == 1 and cache.get("d") is not None


def test_deletes_what_a_filter_matches(cache):
    cache.set_many([*"abcd"], [*"abcd"], np.array([direction(90 * i) for i in range(4)]), [{"n": i} for i in range(4)])
    assert cache.delete_where(Field("n") >= 2, dry_run=True) == 2
    assert len(cache) == 4
    assert cache.delete_where(Field("n") >= 2) == 2
    assert len(cache) == 2 and cache.get("c") is None
    assert cache.delete_where({}) == 2


def test_clears_all(cache):
    cache.set_many([*"abcd"], [*"abcd"], np.array([direction(90 * i) for i in range(4)]))
    assert cache.clear() == 4
    assert len(cache) == 0 and cache.get("a", direction(0)) is None
    cache.set("a", "again", direction(0))
    assert cache.get("a").response == "again"


def test_a_wrong_hit_is_passed_over_by_queries_like_that(cache):
    cache.set("a", "", direction(0))
    hit = cache.get("b", direction(20))
    cache.feedback(hit)
    assert cache.get("b", direction(20)) is None
    assert cache.get("a", direction(2)).prompt == "a", "it is still right for those that are nearer to it"
    cache.feedback(hit, wrong=False)
    assert cache.get("b", direction(20)) is not None


def test_an_id_takes_feedback_with_a_vector(cache):
    id = cache.set("a", "", direction(0))
    cache.feedback(id, vector=direction(20))
    assert cache.get(vector=direction(20)) is None and cache.get(vector=direction(1)) is not None
    cache.feedback(id)
    assert len(cache) == 0, "nobody knows for which queries it was wrong"
    with pytest.raises(vecstore.NotFoundError):
        cache.feedback(id)


# ----------------------------------------------------------------------------------------------------------------------
# Options
# ----------------------------------------------------------------------------------------------------------------------


def test_entries_are_bounded(place, namespace):
    with SemanticCache(place, namespace=namespace, dim=2, max_entries=10) as small:
        small.set("kept", "", direction(0))
        for i in range(30):
            small.set(str(i), "", direction(i))
            assert small.get("kept") is not None
        assert len(small) == 10 and small.stats().evictions == 21


def test_bytes_are_bounded(namespace):
    with SemanticCache("memory:", namespace=namespace, dim=2, max_bytes=100_000) as small:
        for i in range(100):
            small.set(str(i), "x" * 5000, direction(i))
        assert small.stats().bytes <= 100_000 and 5 < len(small) < 100


@pytest.mark.parametrize("eviction, kept", [("lru", "b"), ("lfu", "a"), ("cost", "a")])
def test_what_goes_first_is_an_option(namespace, eviction, kept):
    with SemanticCache("memory:", namespace=namespace, dim=2, max_entries=2, eviction=eviction) as small:
        small.set("a", "", direction(0), cost=1000)
        for _ in range(5):
            small.get("a")
        small.set("b", "", direction(90), cost=1)
        small.get("b")
        small.set("c", "", direction(180), cost=1000)
        assert (small.get(kept) is not None, len(small)) == (True, 2)


def test_the_guard_keeps_numbers_and_negations_apart(place, namespace):
    with SemanticCache(place, namespace=namespace, dim=2, guard=True) as guarded:
        guarded.set("How do I cancel order 17?", "", direction(0))
        assert guarded.get("How do I cancel order 18?", direction(1)) is None
        assert guarded.get("How can I cancel order 17?", direction(1)) is not None
        assert guarded.stats().guard_refusals == 1


def test_vectors_may_take_half_the_memory(place, namespace):
    with SemanticCache(place, namespace=namespace, dim=2, dtype=np.float16) as half:
        half.set("a", "", direction(3))
        assert half.get(vector=direction(3)).similarity == pytest.approx(1, abs=1e-3)


def test_another_dim_or_model_is_refused(place, namespace):
    with SemanticCache(place, namespace=namespace, dim=2, model="mini") as cache:
        cache.set("a", "", direction(0))
    for options in ({"dim": 3, "model": "mini"}, {"dim": 2, "model": "maxi"}):
        if place == "memory:":
            SemanticCache(place, namespace=namespace, **options).close()  # Nobody else sees what is there.
            continue
        with pytest.raises(vecstore.InvalidArgumentError, match=f"'{namespace}'"):
            SemanticCache(place, namespace=namespace, **options)
    with SemanticCache(place, namespace=namespace, dim=2, model="mini") as again:
        assert (again.get("a") is None) == (place == "memory:")


# ----------------------------------------------------------------------------------------------------------------------
# What it tells
# ----------------------------------------------------------------------------------------------------------------------


def test_counts_what_was_done(cache):
    assert cache.stats().hit_rate == 0
    ids = cache.set_many([*"abc"], [*"abc"], np.array([direction(90 * i) for i in range(3)]))
    cache.get("a", direction(0))
    cache.get("x", direction(91))
    cache.get("x", direction(45))
    cache.delete(ids[:1])
    stats = cache.stats()
    assert (stats.entries, stats.sets, stats.deletes) == (2, 3, 1)
    assert (stats.exact_hits, stats.semantic_hits, stats.misses, stats.failures) == (1, 1, 1, 0)
    assert (stats.hits, stats.lookups, stats.hit_rate) == (2, 3, 2 / 3)
    assert stats.bytes > 0 and stats.last_error is None and stats.store_errors == 0


def test_is_well(cache):
    assert cache.health() == {"status": "ok", "reasons": []}


def test_flushes_and_optimizes(cache):
    cache.set("a", "", direction(0))
    cache.flush()
    cache.flush(timeout=datetime.timedelta(seconds=1))
    cache.optimize()
    assert cache.get("a") is not None


def test_tells_what_it_is(cache, place, namespace):
    assert (cache.namespace, cache.dim, cache.closed) == (namespace, 2, False)
    where = {"m": "memory", "r": "Redis"}.get(place[0], repr(place))
    assert repr(cache) == f"<vecstore.SemanticCache {namespace!r} in {where}, dim 2>"
    hit = cache.get(cache.set("a", "b", direction(0)) and "a")
    assert repr(hit).startswith(f"CacheHit(id={hit.id!r}, prompt='a', response='b', similarity=1.0, metadata={{}}")
