# Payloads of collections: what goes in, what comes out, and how they change.
# SPDX-License-Identifier: Apache-2.0
import collections
import datetime
import json
import types
import uuid

import numpy as np
import pytest

import vecstore
from vecstore import Collection


@pytest.fixture
def empty(tmp_path):
    with Collection.create(tmp_path / "empty", dim=1, metric="l2sq") as collection:
        yield collection


def stored(collection, payload):
    collection.upsert([7], [[0]], [payload])
    return collection.get(7)[0].payload


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"a": 1, "b": 2.5, "c": True, "d": None, "e": "text", "f": [1, "x", None], "g": {"h": {"i": []}}},
        {"ü": "😀", "quote": '"\\\n\t', "": "empty key"},
        {"large": 2**63 - 1, "small": -(2**63), "tiny": 1e-300},
    ],
)
def test_what_goes_in_comes_out(empty, payload):
    assert stored(empty, payload) == payload


def test_a_point_without_a_payload_has_an_empty_one(empty):
    assert stored(empty, None) == {}
    empty.upsert([8], [[0]])
    assert empty.get(8)[0].payload == {}
    assert empty.search([0], 1)[0].payload == {}


@pytest.mark.parametrize("text", ['{"a": [1, 2], "b": "ü"}', '{"a": [1, 2], "b": "ü"}'.encode()])
def test_ready_json_is_taken_as_it_is(empty, text):
    assert stored(empty, text) == {"a": [1, 2], "b": "ü"}


def test_what_json_does_not_have_becomes_what_stands_for_it(empty):
    moment = datetime.datetime(2024, 1, 31, 10, 0, 0, 250000, tzinfo=datetime.timezone.utc)
    one = uuid.UUID(int=1)
    payload = {
        "time": moment,
        "day": datetime.date(2024, 1, 31),
        "uuid": one,
        "int": np.int64(3),
        "float": np.float32(0.5),
        "bool": np.bool_(True),
        "tuple": (1, 2),
        "mapping": types.MappingProxyType({"x": 1}),
    }
    assert stored(empty, payload) == {
        "time": "2024-01-31T10:00:00.250000+00:00",
        "day": "2024-01-31",
        "uuid": str(one),
        "int": 3,
        "float": 0.5,
        "bool": True,
        "tuple": [1, 2],
        "mapping": {"x": 1},
    }
    assert empty.count(vecstore.Field("time") == moment) == 1
    assert stored(empty, collections.OrderedDict(a=1)) == {"a": 1}


def nested(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "payload, error, message",
    [
        ({"x": float("nan")}, ValueError, "JSON"),
        ({"x": float("inf")}, ValueError, "JSON"),
        ({"x": np.float32("nan")}, ValueError, "JSON"),
        ({"x": {1, 2}}, TypeError, "set"),
        ({"x": b"bytes"}, TypeError, "bytes"),
        ({"x": np.zeros(2)}, TypeError, "ndarray"),
        ({(1, 2): 3}, TypeError, "keys"),
        ({"x": "\ud800"}, ValueError, "Unicode"),
        ({"x": "a\0b"}, ValueError, "U\\+0000"),
        ({"x": datetime.datetime(2024, 1, 1)}, ValueError, "time zone"),
        ({"x": nested(64)}, ValueError, "64"),
        ({"x": nested(100_000)}, ValueError, "deep"),
        ([1, 2], TypeError, "expected a dict, None, or JSON text, got list"),
        (3, TypeError, "got int"),
        ("[1]", ValueError, "object"),
        ('{"a": }', ValueError, "payload"),
        ('{"a": 1}\0', ValueError, "NUL"),
        (b"\xff", ValueError, "payload"),
        ("", None, None),
    ],
)
def test_a_wrong_payload_is_told_with_its_place_and_id(empty, payload, error, message):
    call = lambda: empty.upsert(["first", "second"], [[0], [1]], [{}, payload])  # noqa: E731
    if error is None:
        call()
        return
    with pytest.raises(error, match=message) as raised:
        call()
    assert "second" in str(raised.value) and "1" in str(raised.value)
    assert len(empty) == 0


def test_a_payload_that_holds_itself_is_refused(empty):
    payload = {}
    payload["self"] = payload
    with pytest.raises(ValueError, match=r"payloads\[0\] \(id 1\)"):
        empty.upsert([1], [[0]], [payload])


@pytest.mark.parametrize("ids", [[5, 6], np.array([5, 6]), range(5, 7), ("5", "6"), {5: 0, 6: 0}])
def test_the_id_of_a_wrong_payload_is_told_for_all_that_ids_may_be(empty, ids):
    with pytest.raises(TypeError, match=r"payloads\[1\] \(id '?6'?\)"):
        empty.upsert(ids, [[0], [1]], [{}, {"x": object()}])


def test_there_is_a_payload_for_each_point(empty):
    for payloads in ([{}], [{}, {}, {}], {}, "{}"):
        with pytest.raises(ValueError, match="payloads: expected 2, one for each id"):
            empty.upsert([1, 2], [[0], [1]], payloads)
    with pytest.raises(TypeError, match="payloads"):
        empty.upsert([1, 2], [[0], [1]], 5)
    empty.upsert([1, 2], [[0], [1]], ({"n": n} for n in range(2)))
    assert [point.payload for point in empty.get([1, 2])] == [{"n": 0}, {"n": 1}]


def test_a_payload_is_parsed_when_it_is_looked_at_and_once(spots, monkeypatch):
    parsed = []
    decode = vecstore._json.decode
    monkeypatch.setattr(vecstore._json, "decode", lambda text: parsed.append(text) or decode(text))
    hits = spots.search([3, 0], 3)
    assert parsed == []
    assert hits[0].payload is hits[0].payload
    assert len(parsed) == 1
    assert json.loads(hits[1].payload_json)["n"] == hits[1].id
    assert len(parsed) == 1


# ----------------------------------------------------------------------------------------------------------------------
# Changes
# ----------------------------------------------------------------------------------------------------------------------


def payloads(collection, ids):
    return [point.payload for point in collection.get(ids)]


@pytest.fixture
def three(empty):
    empty.upsert([1, 2, 3], [[0], [1], [2]], [{"a": 1, "b": {"c": 1}}, {"a": 2}, None])
    return empty


def test_a_payload_is_replaced(three):
    assert three.set_payload({"z": 0}, [1, 3, 99]) == 2
    assert payloads(three, [1, 2, 3]) == [{"z": 0}, {"a": 2}, {"z": 0}]
    assert three.set_payload(None, 1) == 1
    assert payloads(three, [1]) == [{}]
    assert three.search([0], 1)[0].id == 1


def test_a_payload_is_merged_at_its_outermost_level(three):
    assert three.merge_payload({"b": {"d": 2}, "e": 5}, [1, 3]) == 2
    assert payloads(three, [1, 2, 3]) == [{"a": 1, "b": {"d": 2}, "e": 5}, {"a": 2}, {"b": {"d": 2}, "e": 5}]
    assert three.merge_payload('{"a": 7}', filter=vecstore.Field("a") >= 1) == 2
    assert [payload.get("a") for payload in payloads(three, [1, 2, 3])] == [7, 7, None]


def test_keys_are_deleted(three):
    assert three.delete_payload_keys(["a", "nope"], filter={"must": [{"key": "a", "match": {"value": 1}}]}) == 1
    assert payloads(three, [1, 2]) == [{"b": {"c": 1}}, {"a": 2}]
    assert three.delete_payload_keys("b", [1]) == 1
    assert payloads(three, [1]) == [{}]
    with pytest.raises(TypeError, match=r"keys\[1\]"):
        three.delete_payload_keys(["a", 3], [1])


def test_wrong_changes_change_nothing(three):
    for bad, error in [({"x": float("nan")}, ValueError), ([1], TypeError), ("[1]", ValueError), ("{", ValueError)]:
        for change in (three.set_payload, three.merge_payload):
            with pytest.raises(error):
                change(bad, [1, 2])
    with pytest.raises(TypeError):
        three.merge_payload(None, [1])
    assert payloads(three, [1, 2, 3]) == [{"a": 1, "b": {"c": 1}}, {"a": 2}, {}]


# ----------------------------------------------------------------------------------------------------------------------
# Indexes
# ----------------------------------------------------------------------------------------------------------------------


def test_indexes_of_fields_come_and_go_and_change_no_answer(spots):
    odd = vecstore.Field("parity") == "odd"
    before = spots.count(odd)
    spots.create_payload_index("parity", "keyword")
    spots.create_payload_index("text", "text", tokenizer="stems")
    assert spots.describe()["payload_indexes"] == [
        {"path": "parity", "type": "keyword"},
        {"path": "text", "type": "text", "tokenizer": "stems"},
    ]
    assert spots.count(odd) == before == 5
    with pytest.raises(vecstore.AlreadyExistsError):
        spots.create_payload_index("parity", "keyword")
    spots.drop_payload_index("parity")
    spots.drop_payload_index("text", "text")
    assert spots.describe()["payload_indexes"] == []
    assert spots.count(odd) == 5
    with pytest.raises(vecstore.NotFoundError):
        spots.drop_payload_index("parity")


@pytest.mark.parametrize(
    "arguments, error",
    [
        (("a", "words"), ValueError),
        (("a", 3), TypeError),
        ((3, "keyword"), TypeError),
        (("", "keyword"), ValueError),
        (("a[", "keyword"), ValueError),
        (("a\0", "keyword"), ValueError),
    ],
)
def test_wrong_indexes_are_refused(spots, arguments, error):
    with pytest.raises(error):
        spots.create_payload_index(*arguments)
    with pytest.raises(ValueError, match="words, stems, trigrams"):
        spots.create_payload_index("text", "text", tokenizer="letters")
