# Filters over payloads: conditions written with operators against the dicts that they stand for.
# SPDX-License-Identifier: Apache-2.0
import datetime
import uuid

import numpy as np
import pytest

import vecstore
from vecstore import Collection, Condition, Field, at_least, has_id, has_vector

UTC = datetime.timezone.utc
NOON = datetime.datetime(2024, 1, 31, 12, tzinfo=UTC)
UUID = uuid.UUID(int=5)
TRIANGLE = [(0, 0), (1, 0), (1, 1), (0, 0)]
A = {"key": "a", "match": {"value": 1}}
B = {"key": "b", "match": {"value": 2}}
C = {"key": "c", "match": {"value": 3}}
a, b, c = Field("a") == 1, Field("b") == 2, Field("c") == 3


def key(**test):
    return {"key": "f", **test}


@pytest.mark.parametrize(
    "condition, node",
    [
        (Field("f") == "net", key(match={"value": "net"})),
        (Field("f") == 5, key(match={"value": 5})),
        (Field("f") == np.int64(5), key(match={"value": 5})),
        (Field("f") == True, key(match={"value": True})),  # noqa: E712
        (Field("f") == UUID, key(match={"value": str(UUID)})),
        (Field("f") == 0.5, key(range={"gte": 0.5, "lte": 0.5})),
        (Field("f") == np.float32(0.5), key(range={"gte": 0.5, "lte": 0.5})),
        (Field("f") == NOON, key(range={"gte": NOON.isoformat(), "lte": NOON.isoformat()})),
        (Field("f") == None, {"is_null": {"key": "f"}}),  # noqa: E711
        (Field("f") < 5, key(range={"lt": 5})),
        (Field("f") <= 5.5, key(range={"lte": 5.5})),
        (Field("f") > "2024-01-31T12:00:00Z", key(range={"gt": "2024-01-31T12:00:00Z"})),
        (Field("f") >= NOON, key(range={"gte": "2024-01-31T12:00:00+00:00"})),
        (5 > Field("f"), key(range={"lt": 5})),
        (Field("f").between(gte=1, lt=5), key(range={"gte": 1, "lt": 5})),
        (Field("f").between(gt=datetime.date(2024, 1, 31)), key(range={"gt": "2024-01-31"})),
        (Field("f").any_of(["x", "y"]), key(match={"any": ["x", "y"]})),
        (Field("f").any_of(np.array([1, 2])), key(match={"any": [1, 2]})),
        (Field("f").any_of([UUID]), key(match={"any": [str(UUID)]})),
        (Field("f").any_of([]), key(match={"any": []})),
        (Field("f").text("some words"), key(match={"text": "some words"})),
        (Field("f").text_any("some words"), key(match={"text_any": "some words"})),
        (Field("f").phrase("some words"), key(match={"phrase": "some words"})),
        (Field("f").prefix("som"), key(match={"prefix": "som"})),
        (Field("f").is_empty(), {"is_empty": {"key": "f"}}),
        (Field("f").is_null(), {"is_null": {"key": "f"}}),
        (Field("f").count(gte=2), key(values_count={"gte": 2})),
        (Field("f").nested(a & b), {"nested": {"key": "f", "filter": {"must": [A, B]}}}),
        (Field("f").nested(a), {"nested": {"key": "f", "filter": {"must": [A]}}}),
        (Field("f").near(13.4, 52.5, 1000), key(geo_radius={"center": {"lon": 13.4, "lat": 52.5}, "radius": 1000})),
        (
            Field("f").in_box((13, 53), (14, 52)),
            key(geo_bounding_box={"top_left": {"lon": 13, "lat": 53}, "bottom_right": {"lon": 14, "lat": 52}}),
        ),
        (
            Field("f").in_polygon(TRIANGLE),
            key(geo_polygon={"exterior": {"points": [{"lon": x, "lat": y} for x, y in TRIANGLE]}}),
        ),
        (has_id([1, "x", UUID]), {"has_id": [1, "x", str(UUID)]}),
        (has_id(7), {"has_id": [7]}),
        (has_id("x"), {"has_id": ["x"]}),
        (has_vector("title"), {"has_vector": "title"}),
        (at_least(2, [a, b, c]), {"min_should": {"conditions": [A, B, C], "min_count": 2}}),
    ],
)
def test_a_condition_stands_for_a_dict(condition, node):
    assert condition.to_dict() == {"must": [node]}


@pytest.mark.parametrize(
    "condition, expected",
    [
        (a & b, {"must": [A, B]}),
        (a & b & c, {"must": [A, B, C]}),
        (a & (b & c), {"must": [A, B, C]}),
        (a | b | c, {"should": [A, B, C]}),
        (~a, {"must_not": [A]}),
        (~~a, {"must": [A]}),
        (~~(a & b), {"must": [A, B]}),
        (~(a | b), {"must_not": [{"should": [A, B]}]}),
        (a & (b | c), {"must": [A, {"should": [B, C]}]}),
        (a | b & c, {"should": [A, {"must": [B, C]}]}),
        (a & ~b, {"must": [A, {"must_not": [B]}]}),
        (Field("a") != 1, {"must_not": [A]}),
        (Field("a").none_of([1, 2]), {"must_not": [{"key": "a", "match": {"any": [1, 2]}}]}),
        (Field("a").any_of([1, "x"]), {"should": [A, {"key": "a", "match": {"value": "x"}}]}),
    ],
)
def test_operators_join_conditions(condition, expected):
    assert condition.to_dict() == expected


def test_a_condition_is_neither_true_nor_false():
    for use in (lambda: a and b, lambda: not a, lambda: 1 < Field("a") < 5, lambda: Field("a") in [1]):
        with pytest.raises(TypeError, match="neither true nor false"):
            use()


@pytest.mark.parametrize(
    "make",
    [
        Condition,
        lambda: Field(3),
        lambda: Field("a") == [1, 2],
        lambda: Field("a") == b"x",
        lambda: Field("a") > True,
        lambda: Field("a").any_of("abc"),
        lambda: Field("a").nested({"must": []}),
        lambda: a & {"must": []},
        lambda: a | None,
        lambda: has_id([1.5, []]),
    ],
)
def test_what_makes_no_condition_is_a_type_error(make):
    with pytest.raises(TypeError):
        make()


def test_bounds_have_to_be_there():
    for bounds in (Field("a").between, Field("a").count):
        with pytest.raises(ValueError, match="expected one of gt, gte, lt, lte"):
            bounds()
    with pytest.raises(ValueError, match="time zone"):
        Field("a") > datetime.datetime(2024, 1, 1)  # noqa: B015


def test_conditions_show_themselves():
    assert repr(a) == f"Condition({{'must': [{A!r}]}})"
    assert repr(Field("a.b[]")) == "Field('a.b[]')"


# ----------------------------------------------------------------------------------------------------------------------
# What they find
# ----------------------------------------------------------------------------------------------------------------------

PAYLOADS = {
    1: {"s": "net", "n": 1, "r": 0.5, "t": "2024-01-31T12:00:00Z", "tags": ["x", "y"], "ok": True},
    2: {"s": "doc", "n": 2, "r": 1.5, "t": "2024-02-01T12:00:00Z", "tags": [], "ok": False, "null": None},
    3: {"s": "net", "n": 30, "words": "Some Words here", "place": {"lon": 13.4, "lat": 52.5}, "mixed": 5},
    4: {"list": [{"a": 1, "b": 2}, {"a": 3, "b": 4}], "mixed": "five"},
    5: None,
}


INDEXES = {
    "s": "keyword",
    "n": "integer",
    "r": "float",
    "t": "datetime",
    "tags": "keyword",
    "words": "text",
    "ok": "bool",
    "place": "geo",
    "list[].a": "integer",
}


@pytest.fixture(scope="module", params=["without indexes", "with indexes"])
def points(request, tmp_path_factory):
    with Collection.create(tmp_path_factory.mktemp("points") / "c", dim=1, metric="l2sq") as collection:
        if request.param == "with indexes":
            for path, type in INDEXES.items():
                collection.create_payload_index(path, type)
        collection.upsert(list(PAYLOADS), [[n] for n in PAYLOADS], list(PAYLOADS.values()))
        yield collection


@pytest.mark.parametrize(
    "condition, expected",
    [
        (Field("s") == "net", [1, 3]),
        (Field("s") != "net", [2, 4, 5]),
        (Field("n") == 2, [2]),
        (Field("n") > 1, [2, 3]),
        (Field("n").between(gte=1, lt=30), [1, 2]),
        (Field("r") == 0.5, [1]),
        (Field("r") == 1.5, [2]),
        (Field("n").any_of([1, 30]), [1, 3]),
        (Field("n").none_of([1, 30]), [2, 4, 5]),
        (Field("ok") == True, [1]),  # noqa: E712
        (Field("t") == NOON, [1]),
        (Field("t") > NOON, [2]),
        (Field("t") <= datetime.date(2024, 1, 31), []),
        (Field("tags") == "y", [1]),
        (Field("tags").count(gte=2), [1]),
        (Field("tags").is_empty(), [2, 3, 4, 5]),
        (Field("null").is_null(), [2]),
        (Field("null") == None, [2]),  # noqa: E711
        (Field("words").text("words some"), [3]),
        (Field("words").text_any("words nothing"), [3]),
        (Field("words").phrase("some words"), [3]),
        (Field("words").phrase("words some"), []),
        (Field("words").prefix("Some"), [3]),
        (Field("place").near(13.4, 52.5, 10), [3]),
        (Field("place").near(14.4, 52.5, 10), []),
        (Field("place").in_box((13, 53), (14, 52)), [3]),
        (Field("place").in_polygon([(13, 52), (14, 52), (14, 53), (13, 53), (13, 52)]), [3]),
        (
            Field("place").in_polygon(
                [(13, 52), (14, 52), (14, 53), (13, 53), (13, 52)],
                [[(13.3, 52.4), (13.5, 52.4), (13.5, 52.6), (13.3, 52.6), (13.3, 52.4)]],
            ),
            [],
        ),
        (Field("list[].a") == 3, [4]),
        (Field("list").nested((Field("a") == 1) & (Field("b") == 2)), [4]),
        (Field("list").nested((Field("a") == 1) & (Field("b") == 4)), []),
        (Field("mixed").any_of([5, "five"]), [3, 4]),
        (has_id([1, 4, 99, "1"]), [1, 4]),
        (~has_id([1, 4]), [2, 3, 5]),
        (at_least(2, [Field("s") == "net", Field("n") > 1, Field("ok") == False]), [2, 3]),  # noqa: E712
        ((Field("s") == "net") & (Field("n") > 1) | (Field("n") == 2), [2, 3]),
        (~((Field("s") == "net") | (Field("s") == "doc")), [4, 5]),
    ],
)
def test_conditions_find_points(points, condition, expected):
    assert [point.id for point in points.scroll(condition)] == expected
    for same in (condition.to_dict(), vecstore._json.encode(condition.to_dict()), condition):
        assert points.count(same) == len(expected)
    assert sorted(hit.id for hit in points.search([0], 10, filter=condition)) == expected


def test_a_dict_may_hold_what_json_does_not_have(points):
    at_noon = {"key": "t", "range": {"gte": NOON, "lte": NOON}}
    assert points.count({"must": [at_noon, {"key": "n", "match": {"value": np.int64(1)}}]}) == 1


def test_a_long_chain_is_no_deep_filter(points):
    everything = Field("n") == 0
    for n in range(1, 500):
        everything = everything | (Field("n") == n)
    assert points.count(everything) == 3


def test_a_condition_that_json_cannot_hold_is_told(points):
    with pytest.raises(ValueError, match="filter"):
        points.count(Field("r") > float("nan"))
