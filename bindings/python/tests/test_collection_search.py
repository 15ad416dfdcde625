# Searches of collections: by vectors, by words, and by both.
# SPDX-License-Identifier: Apache-2.0
import pickle

import numpy as np
import pytest

import vecstore
from vecstore import Collection, Field


def ids(points):
    return [point.id for point in points]


# ----------------------------------------------------------------------------------------------------------------------
# By vectors
# ----------------------------------------------------------------------------------------------------------------------


def test_a_hit_has_all_that_is_known_of_it(spots):
    first, second = spots.search([3.2, 0], 2, with_vector=True)
    assert (first.id, second.id) == (3, 4)
    assert first.distance == pytest.approx(0.04, rel=1e-5) and first.score == -first.distance
    assert first.payload == {"n": 3, "parity": "odd", "text": "spot number 3", "tags": ["a", "b", "c"]}
    assert first.vector.dtype == np.float32 and first.vector.tolist() == [3, 0]
    assert repr(spots.search([9, 0], 1, with_payload=False)[0]) == "Hit(id=9, distance=0, score=-0)"


def test_one_vector_gives_hits_and_many_give_lists_of_them(spots):
    assert ids(spots.search(np.array([3, 0]), 2)) == [3, 2]
    assert [ids(hits) for hits in spots.search([[3, 0]], 2)] == [[3, 2]]
    assert [ids(hits) for hits in spots.search(np.array([[3, 0], [7, 0], [0, 0]], dtype=np.float32), 2)] == [
        [3, 2],
        [7, 6],
        [0, 1],
    ]
    assert spots.search(np.zeros((0, 2)), 2) == []


def test_queries_have_lists_of_different_lengths(spots):
    found = spots.search([[0, 0], [100, 0], [5, 0]], 3, max_distance=1)
    assert [ids(hits) for hits in found] == [[0, 1], [], [5, 4, 6]]


def test_many_queries_may_ask_for_far_more_than_there_is(spots):
    found = spots.search(np.zeros((20_000, 2), dtype=np.float32), vecstore._ffi.K_MAX, with_payload=False)
    assert len(found) == 20_000 and {len(hits) for hits in found} == {10}
    assert len(spots.search([0, 0], vecstore._ffi.K_MAX - 3, offset=3)) == 7


def test_an_empty_collection_has_no_hits(tmp_path):
    with Collection.create(tmp_path / "c", dim=2) as collection:
        assert collection.search([1, 0]) == []
        assert collection.search([[1, 0], [0, 1]]) == [[], []]


def test_hits_bring_along_what_is_asked_for(spots):
    bare = spots.search([3, 0], 1, with_payload=False)[0]
    assert bare.payload is None and bare.payload_json is None and bare.vector is None
    full = spots.search([3, 0], 1)[0]
    assert full.payload["n"] == 3 and full.vector is None


def test_the_best_hits_may_be_left_out(spots):
    everything = ids(spots.search([0, 0], 10))
    assert ids(spots.search([0, 0], 3, offset=4)) == everything[4:7]
    assert spots.search([0, 0], 3, offset=10) == []
    assert ids(spots.search([0, 0], 100, max_distance=4)) == [0, 1, 2]


def test_hits_below_a_threshold_are_left_out(spots, texts):
    everything = spots.search([0, 0], 10)
    assert ids(spots.search([0, 0], 10, threshold=everything[3].score)) == ids(everything[:4])
    assert ids(spots.search([0, 0], 10, threshold=-4, offset=1)) == [1, 2]
    assert ids(spots.search([0, 0], 10, threshold=-4, max_distance=1)) == [0, 1]
    assert [ids(hits) for hits in spots.search([[0, 0], [100, 0]], threshold=-1)] == [[0, 1], []]
    assert ids(spots.recommend([1], threshold=-1)) == [0, 2]
    groups = spots.search_groups([0, 0], "parity", groups=2, group_size=5, threshold=-4)
    assert [(group.value, ids(group.hits)) for group in groups] == [("even", [0, 2]), ("odd", [1])]
    by_words = texts.search_text("network")
    assert by_words[-1].score < by_words[0].score
    assert ids(texts.search_text("network", threshold=by_words[0].score)) == ids(by_words[:1])
    by_both = texts.search_hybrid([1, 0], "network")
    assert by_both[-1].score < by_both[0].score
    assert ids(texts.search_hybrid([1, 0], "network", threshold=by_both[0].score)) == ids(by_both[:1])


@pytest.mark.parametrize("metric", ["cosine", "l2sq", "ip"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_hits_are_those_of_an_exact_search(tmp_path, rng, metric, dtype):
    rows = rng.standard_normal((300, 7)).astype(dtype)
    queries = rng.standard_normal((20, 7)).astype(np.float32)
    with Collection.create(tmp_path / "c", dim=7, metric=metric, dtype=dtype, durability="none") as collection:
        collection.upsert([f"row {i}" for i in range(300)], rows)
        found = collection.search(queries, 10)
    expected = vecstore.knn(queries, rows.astype(np.float32), 10, metric=metric)
    assert [ids(hits) for hits in found] == [[f"row {i}" for i in row] for row in expected.ids]
    distances = np.array([[hit.distance for hit in hits] for hits in found])
    np.testing.assert_allclose(distances, expected.distances, rtol=1e-4, atol=1e-6)
    scores = np.array([[hit.score for hit in hits] for hits in found])
    np.testing.assert_allclose(scores, (1 if metric == "cosine" else 0) - distances, rtol=1e-4, atol=1e-6)


def test_a_graph_finds_what_comparing_finds(tmp_path, rng):
    rows = rng.standard_normal((3000, 16)).astype(np.float32)
    with Collection.create(tmp_path / "c", dim=16, kind="hnsw", durability="none") as collection:
        collection.upsert(np.arange(3000), rows, [{"even": i % 2 == 0} for i in range(3000)])
        collection.optimize()
        exact = [ids(hits) for hits in collection.search(rows[:50], 10, exact=True)]
        found = [ids(hits) for hits in collection.search(rows[:50], 10, ef_search=200, threads=1)]
        assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact, found)]) > 0.95
        even = collection.search(rows[:50], 10, filter=Field("even") == True)  # noqa: E712
        assert all(hit.id % 2 == 0 for hits in even for hit in hits) and all(len(hits) == 10 for hits in even)


def test_a_recall_may_be_asked_for(tmp_path, rng):
    rows = rng.standard_normal((4000, 12)).astype(np.float32)
    with Collection.create(tmp_path / "c", dim=12, kind="hnsw", m=4, ef_construction=20) as collection:
        collection.create_payload_index("text", "text")
        collection.upsert(np.arange(4000), rows, [{"even": i % 2 == 0, "text": "word"} for i in range(4000)])
        collection.optimize()
        told = [collection.explain(rows[0], 10, target_recall=target) for target in (0.7, 0.9, 0.9, 1)]
        assert [one["target_recall"] and one["target_recall"]["cached"] for one in told] == [False, False, True, None]
        low, high = (one["target_recall"]["ef_search"] for one in told[:2])
        assert 10 <= low < high == told[1]["vector"]["graph"]["ef_search"]
        assert told[3]["vector"]["compare"] == {"rows": 4000, "reason": "target_recall is 1"}
        assert told[1]["target_recall"]["target"] == 0.9 <= told[1]["target_recall"]["measured"]
        found = collection.search(rows[:9], 10, target_recall=0.9)
        assert [ids(hits) for hits in found] == [ids(hits) for hits in collection.search(rows[:9], 10, ef_search=high)]
        assert collection.explain(positive=[1], target_recall=0.7)["target_recall"]["ef_search"] >= 10
        assert collection.explain(rows[0], text="word", target_recall=0.7)["target_recall"]["k"] == 100
        assert collection.explain(rows[0], 2, group_by="even", target_recall=0.7)["target_recall"]["k"] == 24


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"k": 0}, ValueError, "k: expected 1"),
        ({"k": 2**21}, ValueError, "k"),
        ({"k": 1.5}, TypeError, "k"),
        ({"ef_search": 0}, ValueError, "ef_search"),
        ({"target_recall": 0}, ValueError, "target_recall: expected above 0"),
        ({"target_recall": 1.5}, ValueError, "target_recall"),
        ({"target_recall": float("nan")}, ValueError, "target_recall"),
        ({"target_recall": "0.9"}, TypeError, "target_recall"),
        ({"target_recall": 0.9, "ef_search": 64}, ValueError, "ef_search and target_recall"),
        ({"offset": -1}, ValueError, "offset"),
        ({"offset": 2**20}, ValueError, "offset"),
        ({"threads": 2000}, ValueError, "threads"),
        ({"threads": []}, TypeError, "threads"),
        ({"max_distance": float("nan")}, ValueError, "max_distance"),
        ({"max_distance": "1"}, TypeError, "max_distance"),
        ({"threshold": float("nan")}, ValueError, "threshold"),
        ({"threshold": "1"}, TypeError, "threshold"),
        ({"explain": True}, TypeError, "explain: expected a callable"),
        ({"vector_name": "x"}, ValueError, "vector_name"),
        ({"vector_name": 3}, TypeError, "vector_name"),
        ({"filter": 3}, TypeError, "filter: expected a Condition"),
        ({"filter": vecstore.Filter.ids([1])}, TypeError, "filter: expected a Condition"),
        ({"filter": "{"}, ValueError, "filter"),
        ({"filter": {"must": [{"key": "a", "match": {"valeu": 3}}]}}, ValueError, "valeu"),
        ({"filter": {"must": [{"key": "a", "match": {"value": {1}}}]}}, TypeError, "filter: .*set"),
        ({"filter": {"must": [{"key": "a", "range": {"gt": float("nan")}}]}}, ValueError, "filter"),
    ],
)
def test_wrong_options_of_a_search_are_told_by_name(spots, options, error, message):
    with pytest.raises(error, match=message):
        spots.search([0, 0], **options)


@pytest.mark.parametrize(
    "vector, error",
    [
        ([1, 2, 3], ValueError),
        ([np.nan, 0], vecstore.NotFiniteError),
        (["a", "b"], TypeError),
        (np.zeros((1, 1, 2)), ValueError),
        (1.5, ValueError),
        (np.array([1 + 2j, 0]), TypeError),
    ],
)
def test_wrong_vectors_are_refused(spots, vector, error):
    with pytest.raises(error):
        spots.search(vector)


def test_hits_may_be_pickled(spots):
    hit = spots.search([3, 0], 1, with_vector=True)[0]
    again = pickle.loads(pickle.dumps(hit))
    assert (again.id, again.distance, again.score, again.payload) == (hit.id, hit.distance, hit.score, hit.payload)
    assert again.vector.tolist() == hit.vector.tolist()


# ----------------------------------------------------------------------------------------------------------------------
# Groups, facets, recommendations, diversity
# ----------------------------------------------------------------------------------------------------------------------


def test_hits_are_grouped_by_the_values_of_a_field(spots):
    odd, even = spots.search_groups([3.2, 0], "parity", 2, 3)
    assert (odd.value, ids(odd.hits)) == ("odd", [3, 5, 1])
    assert (even.value, ids(even.hits)) == ("even", [4, 2, 6])
    assert odd.hits[0].payload["n"] == 3 and odd.hits[0].distance == pytest.approx(0.04, rel=1e-5)
    (only,) = spots.search_groups([3.2, 0], "parity", 1, 1, with_payload=False, with_vector=True)
    assert only.hits[0].payload is None and only.hits[0].vector.tolist() == [3, 0]


def test_a_point_is_in_the_groups_of_all_elements(spots):
    groups = spots.search_groups([0, 0], "tags", 10, 2, filter=Field("n") < 4)
    assert {group.value: ids(group.hits) for group in groups} == {"a": [1, 2], "b": [2, 3], "c": [3]}
    assert [group.value for group in spots.search_groups([0, 0], "n", 3, 1)] == [0, 1, 2]
    assert spots.search_groups([0, 0], "nope") == []


@pytest.mark.parametrize(
    "arguments, error",
    [
        (([0, 0], "n", 0), ValueError),
        (([0, 0], "n", 1, 0), ValueError),
        (([0, 0], "n", 2**20, 2), ValueError),
        (([0, 0], "["), ValueError),
        (([0, 0], 3), TypeError),
        (([[0, 0], [1, 1]], "n"), ValueError),
    ],
)
def test_wrong_groups_are_refused(spots, arguments, error):
    with pytest.raises(error):
        spots.search_groups(*arguments)


@pytest.mark.parametrize("indexed", [False, True])
def test_values_of_a_field_are_counted(spots, indexed):
    if indexed:
        spots.create_payload_index("tags", "keyword")
        spots.create_payload_index("n", "integer")
    assert spots.facet("tags") == [("a", 7), ("b", 4), ("c", 2)]
    assert spots.facet("tags", 1, filter=Field("n") >= 3) == [("a", 5)]
    first = spots.facet("n", 2)[0]
    assert (type(first.value), first.count) == (int, 1)
    assert len(spots.facet("n", 100)) == 10
    assert spots.facet("nope") == []
    for arguments, error in [(("n", 0), ValueError), ((3,), TypeError), (("n", 1.5), TypeError)]:
        with pytest.raises(error):
            spots.facet(*arguments)


def test_a_field_has_different_values(spots):
    assert spots.distinct("parity") == ["even", "odd"]
    assert spots.distinct("tags") == ["a", "b", "c"]
    assert spots.distinct("n", filter=Field("parity") == "odd") == [1, 3, 5, 7, 9]
    assert spots.distinct("tags", limit=1) == ["a"]
    assert spots.distinct("nothing") == []
    spots.upsert([20, 21], [[0, 0]] * 2, [{"n": [True, "x", 2.5]}, {"n": False}])
    assert spots.distinct("n") == [False, True, 0, 1, 2, 2.5, 3, 4, 5, 6, 7, 8, 9, "x"]
    for limit in (0, 2**21):
        with pytest.raises(ValueError, match="limit"):
            spots.distinct("n", limit=limit)


def test_points_are_recommended(spots):
    assert ids(spots.recommend([3], k=3)) == [2, 4, 1]
    assert ids(spots.recommend(5, k=1, filter=Field("parity") == "odd")) == [3]
    assert ids(spots.recommend([2, 4], k=1)) == [3]
    assert ids(spots.recommend([5], [4], 2)) == [6, 7], "nearest to 6"
    assert ids(spots.recommend([3], k=2, offset=1, with_payload=False)) == [4, 1]
    with pytest.raises(vecstore.NotFoundError):
        spots.recommend([99])
    with pytest.raises(vecstore.NotFoundError):
        spots.recommend([1], ["x"])
    with pytest.raises(ValueError):
        spots.recommend([])
    with pytest.raises(TypeError):
        spots.recommend(None)


def test_diversity_takes_hits_that_differ(tmp_path):
    with Collection.create(tmp_path / "c", dim=2) as collection:
        collection.upsert([1, 2, 3], [[1, 0], [1, 0.01], [0.6, 0.8]])
        assert ids(collection.search([1, 0], 2)) == [1, 2]
        assert ids(collection.search([1, 0], 2, diversity=0.7)) == [1, 3]
        assert ids(collection.search([1, 0], 2, diversity=0.7, candidates=2)) == [1, 2]
        for options in ({"diversity": -0.1}, {"diversity": 1.1}, {"diversity": float("nan")}, {"candidates": 0}):
            with pytest.raises(vecstore.InvalidArgumentError, match=next(iter(options))):
                collection.search([1, 0], 2, **options)


# ----------------------------------------------------------------------------------------------------------------------
# By words
# ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def texts(tmp_path):
    documents = {
        1: {"title": "Network tools", "body": "ping and traceroute", "year": 2001},
        2: {"title": "Editors", "body": "text editors for the network age", "year": 2002},
        3: {"title": "Network network", "body": "nothing else", "year": 2003},
        4: {"title": "Café", "body": "coffee and tools", "year": 2004},
    }
    with Collection.create(tmp_path / "texts", dim=2, metric="l2sq") as collection:
        collection.create_payload_index("title", "text")
        collection.create_payload_index("body", "text", tokenizer="stems")
        collection.upsert(list(documents), [[n, 0] for n in documents], list(documents.values()))
        yield collection


# ----------------------------------------------------------------------------------------------------------------------
# Another order
# ----------------------------------------------------------------------------------------------------------------------


def test_a_callable_may_put_hits_in_another_order(spots, texts):
    seen = []

    def farthest_first(hits):
        seen.append(ids(hits))
        return reversed(hits)

    assert ids(spots.search([0, 0], 3, rerank=farthest_first)) == [9, 8, 7]
    assert ids(spots.search([0, 0], 3, rerank=farthest_first, rerank_candidates=5)) == [4, 3, 2]
    assert ids(spots.search([0, 0], 3, offset=1, rerank=farthest_first, rerank_candidates=2)) == [2, 1, 0]
    assert [len(given) for given in seen] == [10, 5, 4]
    found = spots.search([[0, 0], [9, 0]], 1, rerank=farthest_first, rerank_candidates=3)
    assert [ids(hits) for hits in found] == [[2], [7]] and seen[3:] == [[0, 1, 2], [9, 8, 7]]
    by_words = ids(texts.search_text("network"))
    assert ids(texts.search_text("network", 2, rerank=farthest_first)) == by_words[:0:-1]
    by_both = ids(texts.search_hybrid([1, 0], "network"))
    assert ids(texts.search_hybrid([1, 0], "network", 1, rerank=farthest_first)) == by_both[-1:]


def test_a_callable_may_give_hits_other_scores(spots):
    hits = spots.search([0, 0], 4, rerank=lambda hits: np.array([hit.payload["n"] % 3 for hit in hits]))
    assert [(hit.id, hit.score) for hit in hits] == [(2, 2.0), (5, 2.0), (8, 2.0), (1, 1.0)]
    assert hits[0].distance == 4
    assert ids(spots.search([0, 0], rerank=lambda hits: (hit for hit in hits if hit.id > 7))) == [8, 9]
    assert spots.search([0, 0], rerank=lambda hits: []) == []


def test_nobody_is_asked_about_no_hits(spots):
    assert spots.search([0, 0], max_distance=-1, rerank=lambda hits: 1 / 0) == []


@pytest.mark.parametrize(
    "rerank, error, message",
    [
        (lambda hits: None, TypeError, "rerank: expected hits in their new order, or a score for each, got NoneType"),
        (lambda hits: "abc", TypeError, "rerank: expected hits"),
        (lambda hits: [1.0], ValueError, "rerank: expected a score for each of 10 hits, got 1"),
        (lambda hits: [float("nan")] * 10, ValueError, "rerank: the score at 0 is not a number"),
        (lambda hits: [0, "1"] * 5, TypeError, "rerank: the score at 1: expected a number"),
        (lambda hits: [hits[0], 3], TypeError, "rerank: expected hits alone or scores alone, got int at 1"),
        (lambda hits: [hits[3], hits[3]], ValueError, "rerank: the hit at 1, id 3, came before"),
        (lambda hits: [pickle.loads(pickle.dumps(hits[0]))], ValueError, "none of those that were given"),
        (lambda hits: hits[10], IndexError, "list index"),
        (3, TypeError, "rerank: expected a callable"),
    ],
)
def test_wrong_orders_are_refused(spots, rerank, error, message):
    with pytest.raises(error, match=message):
        spots.search([0, 0], rerank=rerank)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"rerank_candidates": 0}, ValueError, "rerank_candidates"),
        ({"rerank_candidates": 2**21}, ValueError, "rerank_candidates"),
        ({"rerank_candidates": 1.5}, TypeError, "rerank_candidates"),
        ({"k": 0}, ValueError, "k"),
        ({"offset": -1}, ValueError, "offset"),
        ({"k": 2**20, "offset": 1}, ValueError, "together"),
        ({"rerank": None, "rerank_candidates": 5}, ValueError, "rerank_candidates goes with rerank"),
    ],
)
def test_wrong_numbers_of_candidates_are_refused(spots, options, error, message):
    options = {"rerank": list, **options}
    with pytest.raises(error, match=message):
        spots.search([0, 0], **options)


def test_searches_tell_what_they_did(spots, texts):
    spots.create_payload_index("parity", "keyword")
    told = spots.explain([0, 0], 3, filter=(Field("parity") == "odd") & (Field("n") > 2))
    assert (told["points"], told["hits"], told["filter"]["matching"], told["filter"]["payloads_read"]) == (10, 3, 4, 5)
    by_index, by_payloads = told["filter"]["conditions"]
    assert by_index == {"at": "must[0]", "key": "parity", "answered_by": "index", "index": "keyword", "rows": 5}
    assert by_payloads["answered_by"] == "payloads" and by_payloads["reason"] == "the field has no index"
    assert told["vector"]["way"] == "compare" and told["vector"]["compare"]["rows"] == 4
    assert 0 < told["milliseconds"]["filter"] < told["milliseconds"]["total"]
    assert spots.explain([[0, 0], [1, 1]], 2, with_payload=False)["vector"]["queries"] == 2
    assert spots.explain([0, 0], 2, group_by="parity", group_size=1)["groups"]["looked_at"] == [8]
    assert spots.explain(positive=[1], k=4)["hits"] == 4
    assert texts.explain(text="network", fields="title")["text"]["matching"] == 2
    assert texts.explain([1, 0], text="network")["fusion"] == {"kind": "rrf", "vector_hits": 4, "text_hits": 3}


def test_hits_come_with_what_their_search_did(spots, texts):
    told = []
    assert ids(spots.search([3, 0], 1, explain=told.append)) == [3]
    spots.search_groups([0, 0], "parity", explain=told.append)
    spots.recommend([1], explain=told.append)
    texts.search_text("network", explain=told.append)
    texts.search_hybrid([1, 0], "network", explain=told.append)
    assert [one["hits"] for one in told] == [1, 6, 9, 3, 4]
    with pytest.raises(ZeroDivisionError):
        spots.search([3, 0], 1, explain=lambda told: 1 / 0)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({}, ValueError, "expected a vector, a text, or both"),
        ({"vector": [0, 0], "positive": [1]}, ValueError, "expected a vector, a text, or both"),
        ({"positive": [1], "group_by": "n"}, ValueError, "group_by goes with a vector alone"),
        ({"vector": [0, 0], "text": "a", "group_by": "n"}, ValueError, "group_by goes with a vector alone"),
        ({"vector": [0, 0], "mode": "all"}, TypeError, "mode"),
        ({"vector": [0, 0], "k": 0}, ValueError, "k"),
    ],
)
def test_wrong_explanations_are_refused(spots, options, error, message):
    with pytest.raises(error, match=message):
        spots.explain(**options)


def test_words_find_points(texts):
    hits = texts.search_text("network")
    assert sorted(ids(hits)) == [1, 2, 3]
    assert all(hit.distance is None and hit.score > 0 and hit.vector is None for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].payload["year"] == 2000 + hits[0].id
    assert texts.search_text("network", with_payload=False)[0].payload is None
    assert texts.search_text("zebra") == []
    assert texts.search_text("") == []


def test_words_are_looked_for_in_fields(texts):
    assert ids(texts.search_text("network", fields="title")) == [3, 1]
    assert ids(texts.search_text("network", fields=["body"])) == [2]
    weighted = texts.search_text("network", fields={"title": 1, "body": 100})
    assert weighted[0].id == 2
    assert ids(texts.search_text("cafe", fields=["title"])) == [4]
    assert ids(texts.search_text("editor", fields=["body"])) == [2], "stems"
    assert texts.search_text("editor", fields=["title"]) == []


@pytest.mark.parametrize(
    "mode, text, expected",
    [
        ("any", "ping coffee", [1, 4]),
        ("all", "tools coffee", [4]),
        ("all", "ping coffee", []),
        ("phrase", "network age", [2]),
        ("phrase", "age network", []),
        ("prefix", "trace", [1]),
    ],
)
def test_modes_say_which_texts_match(texts, mode, text, expected):
    assert sorted(ids(texts.search_text(text, mode=mode, fields=["body"]))) == expected


def test_searches_for_words_have_filters_and_offsets(texts):
    everything = ids(texts.search_text("network"))
    assert ids(texts.search_text("network", 1, offset=1)) == everything[1:2]
    assert ids(texts.search_text("network", filter=Field("year") > 2002)) == [3]


def test_no_sign_has_a_meaning(texts):
    for text in ('"network', "network*", "-network", "network OR (", "title:network", "NEAR(network"):
        assert 3 in ids(texts.search_text(text)), text


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"text": 3}, TypeError, "text: expected a string"),
        ({"text": "a\0b"}, ValueError, "NUL"),
        ({"mode": "some"}, ValueError, "mode: expected one of any, all, phrase, prefix"),
        ({"fields": ["year"]}, ValueError, "year"),
        ({"fields": []}, ValueError, "fields"),
        ({"fields": [3]}, TypeError, r"fields\[0\]"),
        ({"fields": {"title": -1}}, ValueError, "title"),
        ({"fields": {"title": "x"}}, TypeError, "title"),
        ({"k": 0}, ValueError, "k"),
        ({"offset": 2**20, "k": 2**20}, ValueError, "offset"),
        ({"filter": 3}, TypeError, "filter"),
    ],
)
def test_wrong_searches_for_words_are_told_by_name(texts, options, error, message):
    with pytest.raises(error, match=message):
        texts.search_text(**{"text": "network", **options})


def test_words_without_an_index_are_an_error(spots):
    with pytest.raises(vecstore.InvalidArgumentError):
        spots.search_text("spot")


# ----------------------------------------------------------------------------------------------------------------------
# By both
# ----------------------------------------------------------------------------------------------------------------------


def test_by_both_points_that_are_too_far_are_found_by_their_words_alone(texts):
    hits = texts.search_hybrid([3, 0], "network", max_distance=0.5, with_vector=True, fields="title")
    assert {hit.id: hit.distance for hit in hits} == {3: 0, 1: None}
    assert {hit.id: hit.vector.tolist() for hit in hits} == {3: [3, 0], 1: [1, 0]}


@pytest.mark.parametrize("fusion", ["rrf", "weighted", "dbsf"])
def test_both_searches_count(texts, fusion):
    hits = texts.search_hybrid([3, 0], "network", 4, fusion=fusion, fields="title")
    assert sorted(ids(hits)) == [1, 2, 3, 4]
    assert hits[0].id == 3, "nearest, and best by its words"
    assert hits[0].distance == 0 and hits[0].payload["year"] == 2003
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_reciprocal_ranks_are_summed(texts):
    by_vector, by_words = ids(texts.search([1, 0], 10)), ids(texts.search_text("network", 10))
    lists = ((by_vector, 2.0), (by_words, 0.5))
    expected = {
        id: sum(weight / (60 + list.index(id) + 1) for list, weight in lists if id in list) for id in by_vector
    }
    hits = texts.search_hybrid([1, 0], "network", 10, vector_weight=2, text_weight=0.5)
    assert {hit.id: pytest.approx(hit.score, rel=1e-5) for hit in hits} == expected


def test_a_weight_of_zero_silences_a_search(texts):
    assert ids(texts.search_hybrid([4, 0], "network", 1, text_weight=0)) == [4]
    assert ids(texts.search_hybrid([4, 0], "network", 1, vector_weight=0, fields="title")) == [3]


def test_what_words_alone_find_has_no_distance(texts):
    hits = texts.search_hybrid([4, 0], "traceroute", 2, candidates=1, vector_weight=0.5)
    assert {hit.id: hit.distance for hit in hits}[1] in (None, 9.0)
    alone = texts.search_hybrid([4, 0], "traceroute", 1, candidates=1, vector_weight=0.0)
    assert (alone[0].id, alone[0].distance) == (1, None)


def test_both_searches_have_filters_and_offsets(texts):
    everything = ids(texts.search_hybrid([3, 0], "network"))
    assert ids(texts.search_hybrid([3, 0], "network", 2, offset=1)) == everything[1:3]
    assert set(ids(texts.search_hybrid([3, 0], "network", filter=Field("year") < 2003))) == {1, 2}
    assert texts.search_hybrid([3, 0], "network", 1, with_payload=False)[0].payload is None
    assert ids(texts.search_hybrid([3, 0], "ping coffee", 1, mode="all", fields=["body"], text_weight=9)) == [3]


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"fusion": "sum"}, ValueError, "fusion: expected one of rrf, weighted, dbsf"),
        ({"vector_weight": -1}, ValueError, "vector_weight"),
        ({"text_weight": float("nan")}, ValueError, "text_weight"),
        ({"text_weight": "1"}, TypeError, "text_weight"),
        ({"candidates": 0}, ValueError, "candidates"),
        ({"vector": [[1, 0], [2, 0]]}, ValueError, "vector: expected one, got 2"),
        ({"offset": 2**20, "k": 2**20}, ValueError, "offset"),
    ],
)
def test_wrong_searches_by_both_are_told_by_name(texts, options, error, message):
    with pytest.raises(error, match=message):
        texts.search_hybrid(**{"vector": [1, 0], "text": "network", **options})
