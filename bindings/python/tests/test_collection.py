# Collections: writing points, and reading them back.
# SPDX-License-Identifier: Apache-2.0
import datetime
import json
import pickle
import time
import uuid

import numpy as np
import pytest

import vecstore
from vecstore import Collection


def ids(points):
    return [point.id for point in points]


@pytest.fixture
def empty(tmp_path):
    with Collection.create(tmp_path / "empty", dim=2, metric="l2sq") as collection:
        yield collection


# ----------------------------------------------------------------------------------------------------------------------
# Making and opening
# ----------------------------------------------------------------------------------------------------------------------


def test_options_of_a_vector_are_stored(tmp_path):
    path = tmp_path / "c"
    options = {
        "dim": 3,
        "metric": "ip",
        "dtype": "float16",
        "kind": "hnsw",
        "storage": "int8",
        "m": 8,
        "ef_construction": 50,
        "model": "small",
        "model_version": "2",
    }
    with Collection.create(path, **options):
        pass
    with Collection.open(path) as collection:
        (vector,) = collection.describe()["vectors"]
    assert {key: vector[key] for key in options} == options
    assert vector["name"] == ""


def test_several_vectors_have_options_of_their_own(tmp_path):
    with Collection.create(
        tmp_path / "c", vectors={"title": {"dim": 2}, "body": {"dim": 3, "metric": "l2sq", "dtype": np.float16}}
    ) as collection:
        title, body = collection.describe()["vectors"]
        assert collection.vector_names == ["title", "body"]
    assert (title["name"], title["dim"], title["metric"], title["dtype"]) == ("title", 2, "cosine", "float32")
    assert (body["name"], body["dim"], body["metric"], body["dtype"]) == ("body", 3, "l2sq", "float16")


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({}, ValueError, "dim is missing"),
        ({"dim": 0}, ValueError, "dim: expected 1"),
        ({"dim": "3"}, TypeError, "dim"),
        ({"dim": 3, "metric": "l1"}, ValueError, "metric: expected one of cosine, l2sq, ip"),
        ({"dim": 3, "dtype": "int8"}, ValueError, "dtype: expected one of float32, float16"),
        ({"dim": 3, "kind": "ivf"}, ValueError, "kind"),
        ({"dim": 3, "storage": "pq"}, ValueError, "storage"),
        ({"dim": 3, "m": 1}, ValueError, "m: expected 2"),
        ({"dim": 3, "model": 4}, TypeError, "model: expected a string"),
        ({"dim": 3, "vectors": {"a": {"dim": 3}}}, ValueError, "give one of them"),
        ({"vectors": {"a": {"dim": 3, "size": 4}}}, ValueError, "vectors\\['a'\\]: unknown option 'size'"),
        ({"vectors": {"a": {}}}, ValueError, "vectors\\['a'\\]: dim is missing"),
        ({"vectors": {"a": 3}}, TypeError, "vectors\\['a'\\]: expected a dict"),
        ({"vectors": {"a\0b": {"dim": 3}}}, ValueError, "NUL"),
        ({"vectors": [3]}, TypeError, "vectors: expected a dict of dicts"),
        ({"vectors": {}}, ValueError, "n_vectors|vectors"),
        ({"dim": 3, "durability": "some"}, ValueError, "durability: expected one of full, normal, none"),
        ({"dim": 3, "index_threads": -1}, ValueError, "index_threads"),
    ],
)
def test_wrong_options_are_told_by_name_and_make_nothing(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        Collection.create(tmp_path / "c", **options)
    assert not (tmp_path / "c").exists()


def test_a_collection_is_made_by_create_or_open_alone():
    with pytest.raises(TypeError, match=r"Collection\.create or Collection\.open"):
        Collection()


def test_a_directory_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(vecstore.AlreadyExistsError):
        Collection.create(tmp_path, dim=2)
    assert (tmp_path / "file").read_text() == "mine"


def test_what_is_not_there_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError) as raised:
        Collection.open(tmp_path / "nothing")
    assert isinstance(raised.value, vecstore.NotFoundError)
    assert str(raised.value.filename).endswith("nothing")
    with pytest.raises(FileNotFoundError):
        Collection.create(tmp_path / "no" / "parent", dim=2)


def test_one_object_writes_at_a_time_and_others_read(spots):
    with pytest.raises(vecstore.LockedError):
        Collection.open(spots.path)
    with Collection.open(spots.path, read_only=True) as reader:
        assert reader.read_only and not spots.read_only
        assert len(reader) == 10
        with pytest.raises(vecstore.ReadOnlyError):
            reader.upsert(1, [0, 0])
        with pytest.raises(vecstore.ReadOnlyError):
            reader.remove([1])
        with pytest.raises(vecstore.ReadOnlyError):
            reader.create_payload_index("n", "integer")


@pytest.mark.parametrize("durability", ["full", "normal", "none"])
def test_points_are_there_when_it_is_opened_again(tmp_path, durability):
    with Collection.create(tmp_path / "c", dim=2, durability=durability) as collection:
        assert collection.describe()["durability"] == durability
        collection.upsert(["a", 7], [[1, 0], [0, 1]], [{"x": 1}, None])
    with Collection.open(tmp_path / "c") as collection:
        a, seven = collection.get(["a", 7], with_vector=True)
        collection.verify()
    assert (a.id, a.payload, a.vector.tolist()) == ("a", {"x": 1}, [1, 0])
    assert (seven.id, seven.payload, seven.vector.tolist()) == (7, {}, [0, 1])


def test_a_collection_says_what_it_is(spots):
    assert repr(spots) == f"<vecstore.Collection {spots.path!r}, dim 2>"
    description = spots.describe()
    assert (description["count"], description["read_only"], description["index_error"]) == (10, False, "")
    assert description["uuid"] == spots.uuid == str(uuid.UUID(spots.uuid))
    assert description["revision"] == spots.revision()


def test_a_revision_stands_for_the_points_that_are_shown(spots):
    before = spots.revision()
    spots.search([0, 0])
    spots.optimize()
    with Collection.open(spots.path, read_only=True) as reader:
        assert reader.revision() == spots.revision() == before
        spots.upsert(0, [0, 0])
        assert spots.revision() != before == reader.revision()
        reader.refresh()
        assert reader.revision() == spots.revision()


def test_a_point_that_ends_makes_another_revision(spots):
    spots.upsert([10, 11], [[1, 1], [2, 2]], ttl=[0.4, 60])
    before = spots.revision()
    time.sleep(0.41)
    assert spots.revision() != before


# ----------------------------------------------------------------------------------------------------------------------
# Ids
# ----------------------------------------------------------------------------------------------------------------------

UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    "given, expected",
    [
        ([1, 2], [1, 2]),
        (np.array([5, 6], dtype=np.int8), [5, 6]),
        (np.array([5, 2**64 - 2], dtype=np.uint64), [5, 2**64 - 2]),
        ([0, 2**64 - 2], [0, 2**64 - 2]),
        ([2**63, 1], [2**63, 1]),
        (range(3, 5), [3, 4]),
        ((np.int32(1), np.uint8(2)), [1, 2]),
        ({8: "a", 9: "b"}, [8, 9]),
        ((n for n in (1, "x")), [1, "x"]),
        (["a", "ü😀"], ["a", "ü😀"]),
        (np.array(["a", "b"]), ["a", "b"]),
        ([7, "7"], [7, "7"]),
        ([UUID, 0], [str(UUID), 0]),
        (["x" * 255, "y"], ["x" * 255, "y"]),
    ],
)
def test_ids_are_integers_strings_or_uuids(empty, given, expected):
    empty.upsert(given, [[1, 0], [0, 1]], [{"i": 0}, {"i": 1}])
    points = empty.get(expected)
    assert ids(points) == expected
    assert [type(point.id) for point in points] == [type(id) for id in expected]
    assert [point.payload["i"] for point in points] == [0, 1]
    assert ids(empty.search([1, 0], 2)) == expected


@pytest.mark.parametrize("one", [7, "seven", UUID, np.int64(7)])
def test_one_id_needs_no_list(empty, one):
    empty.upsert(one, [1, 2], {"x": 1})
    assert one in empty
    (point,) = empty.get(one)
    assert point.payload == {"x": 1}
    assert empty.merge_payload({"y": 2}, one) == 1
    assert empty.remove(one) == 1
    assert one not in empty


@pytest.mark.parametrize(
    "bad, error, message",
    [
        ([-1], ValueError, "ids"),
        (np.array([-1]), ValueError, "ids"),
        (2**64 - 1, ValueError, "ids"),
        ([2**64 - 1], ValueError, "ids"),
        (np.array([2**64 - 1], dtype=np.uint64), ValueError, "ids"),
        ([1.5], TypeError, r"ids\[0\].*float"),
        (["a", 2.0], TypeError, r"ids\[1\].*float"),
        ([True], TypeError, r"ids\[0\].*bool"),
        (np.array([1.5]), TypeError, "ids"),
        ([b"a"], TypeError, "bytes"),
        (["a\0b"], ValueError, "NUL"),
        ("a\0b", ValueError, "NUL"),
        (["\ud800"], ValueError, "not Unicode"),
        ([""], ValueError, "empty|1 to 255|bytes"),
        (["x" * 256], ValueError, "255"),
        (None, TypeError, "ids"),
        (np.zeros((1, 1), dtype=int), (TypeError, ValueError), "ids"),
    ],
)
def test_what_is_no_id_is_refused_by_place(empty, bad, error, message):
    with pytest.raises(error, match=message):
        empty.upsert(bad, [[1, 0]])
    assert len(empty) == 0


def test_the_last_of_two_points_with_one_id_counts(empty):
    empty.upsert([1, 2, 1], [[0, 0], [1, 0], [2, 0]], [{"v": "old"}, None, {"v": "new"}])
    assert len(empty) == 2
    (point,) = empty.get(1, with_vector=True)
    assert (point.payload, point.vector.tolist()) == ({"v": "new"}, [2, 0])


def test_asking_for_what_is_no_id_is_a_type_error_and_for_what_cannot_be_there_is_false(spots):
    assert 3 in spots and 99 not in spots and -1 not in spots and 2**70 not in spots and "3" not in spots
    for bad in (1.0, None, True, b"a"):
        with pytest.raises(TypeError, match="id: expected"):
            bad in spots


# ----------------------------------------------------------------------------------------------------------------------
# Vectors
# ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "int32"])
def test_arrays_of_real_numbers_are_vectors(empty, dtype):
    empty.upsert([1, 2], np.array([[1, 2], [3, 4]], dtype=dtype))
    assert [point.vector.tolist() for point in empty.get([1, 2], with_vector=True)] == [[1, 2], [3, 4]]


def test_arrays_that_are_not_in_a_row_or_not_writable_are_vectors_too(empty):
    rows = np.arange(8, dtype=np.float32).reshape(2, 4)
    empty.upsert([1, 2], rows[:, ::2])
    rows.flags.writeable = False
    empty.upsert([3], rows[:1, :2])
    assert [point.vector.tolist() for point in empty.get([1, 2, 3], with_vector=True)] == [[0, 2], [4, 6], [0, 1]]
    assert empty.search(rows[0, :2], 1)[0].id == 3


def test_wrong_vectors_write_nothing(empty):
    for bad, error in [
        ([[1, 2, 3]], vecstore.InvalidArgumentError),
        ([[1, 2], [3, 4]], vecstore.InvalidArgumentError),
        ([[1, np.nan]], vecstore.NotFiniteError),
        ([[1, 1e300]], vecstore.NotFiniteError),
        ([["a", "b"]], TypeError),
        ({"nope": [[1, 2]]}, vecstore.InvalidArgumentError),
    ]:
        with pytest.raises(error):
            empty.upsert([1], bad)
    assert len(empty) == 0


def test_a_zero_vector_has_no_cosine(tmp_path):
    with Collection.create(tmp_path / "c", dim=2) as collection:
        with pytest.raises(vecstore.ZeroVectorError):
            collection.upsert([1], [[0, 0]])
        with pytest.raises(vecstore.ZeroVectorError):
            collection.search([0, 0])


def test_nothing_may_be_written(empty):
    empty.upsert([], [])
    empty.upsert(np.array([], dtype=np.int64), np.zeros((0, 2)), [])
    assert len(empty) == 0 and empty.get([]) == [] and empty.remove([]) == 0


@pytest.fixture
def pages(tmp_path):
    """Points with two vectors: 1 has both, 2 a title alone, 3 a body alone."""
    with Collection.create(
        tmp_path / "pages", vectors={"title": {"dim": 2, "metric": "l2sq"}, "body": {"dim": 3, "metric": "l2sq"}}
    ) as collection:
        collection.upsert([1, 2, 3], {"title": [[1, 0], [0, 0], None], "body": [[1, 2, 3], None, [0, 0, 0]]})
        yield collection


def test_a_point_may_lack_vectors(pages):
    titles = [point.vector for point in pages.get([1, 2, 3, 4], with_vector="title")[:3]]
    assert [None if title is None else title.tolist() for title in titles] == [[1, 0], [0, 0], None]
    bodies = [point.vector for point in pages.scroll(with_vector="body")]
    assert [None if body is None else body.tolist() for body in bodies] == [[1, 2, 3], None, [0, 0, 0]]
    assert ids(pages.search([0, 0], vector_name="title")) == [2, 1]
    assert ids(pages.search([0, 0, 0], vector_name="body", with_vector=True)) == [3, 1]
    assert pages.count(vecstore.has_vector("body")) == 2


def test_a_whole_vector_may_be_left_out(pages):
    pages.upsert([9], {"body": [[5, 5, 5]]})
    assert ids(pages.search([5, 5, 5], 1, vector_name="body")) == [9]
    assert pages.get(9, with_vector="title")[0].vector is None


def test_vectors_change_and_the_rest_stays(pages):
    pages.merge_payload({"kept": True}, [1])
    pages.update_vectors([1, 3], {"title": [[7, 7], [8, 8]]})
    one, three = pages.get([1, 3], with_vector="title")
    assert (one.vector.tolist(), one.payload, three.vector.tolist()) == ([7, 7], {"kept": True}, [8, 8])
    assert pages.get(1, with_vector="body")[0].vector.tolist() == [1, 2, 3]
    assert ids(pages.search([7, 7], 1, vector_name="title")) == [1]
    with pytest.raises(vecstore.NotFoundError):
        pages.update_vectors([1, 99], {"title": [[0, 0], [0, 0]]})
    with pytest.raises(vecstore.InvalidArgumentError):
        pages.update_vectors([1], [[0, 0]])
    assert pages.get(1, with_vector="title")[0].vector.tolist() == [7, 7], "all or none"
    pages.verify()


def test_a_vector_has_to_be_named_where_there_are_several(pages):
    for call in (
        lambda: pages.search([0, 0]),
        lambda: pages.get(1, with_vector=True),
        lambda: pages.upsert([1], [[0, 0]]),
        lambda: pages.search([0, 0], vector_name="nope"),
        lambda: pages.scroll(with_vector="nope"),
    ):
        with pytest.raises(vecstore.InvalidArgumentError, match="'title', 'body'"):
            call()
    with pytest.raises(vecstore.InvalidArgumentError, match=r"vectors\['title'\]"):
        pages.upsert([1], {"title": [[1, 2, 3]]})


def test_a_point_without_any_vector_is_refused(pages):
    for vectors in ({"title": [None], "body": [None]}, {}):
        with pytest.raises(vecstore.InvalidArgumentError):
            pages.upsert([1], vectors)


# ----------------------------------------------------------------------------------------------------------------------
# Ends
# ----------------------------------------------------------------------------------------------------------------------


def test_points_end(empty):
    now = datetime.datetime.now(datetime.timezone.utc)
    hour = datetime.timedelta(hours=1)
    empty.upsert([1, 2, 3], [[0, 0]] * 3, expires=[now - hour, now + hour, None])
    empty.upsert([4, 5], [[0, 0]] * 2, ttl=3600)
    empty.upsert([6, 7, 8], [[0, 0]] * 3, ttl=[0.05, None, hour])
    assert ids(empty.get([2, 3, 4, 5, 7, 8])) == [2, 3, 4, 5, 7, 8]
    assert 1 not in empty
    time.sleep(0.1)
    assert [point.id for point in empty.scroll()] == [2, 3, 4, 5, 7, 8]
    assert len(empty) == 6 and sorted(ids(empty.search([0, 0], 10))) == [2, 3, 4, 5, 7, 8]


@pytest.mark.parametrize(
    "ends, error, message",
    [
        ({"ttl": 0}, ValueError, "ttl: expected seconds above 0"),
        ({"ttl": -1}, ValueError, "ttl"),
        ({"ttl": float("nan")}, ValueError, "ttl"),
        ({"ttl": float("inf")}, ValueError, "ttl"),
        ({"ttl": "3"}, TypeError, "ttl"),
        ({"ttl": [1, 2]}, ValueError, "ttl: expected 1"),
        ({"ttl": ["a"]}, TypeError, r"ttl\[0\]"),
        ({"ttl": datetime.timedelta(-1)}, ValueError, "ttl"),
        ({"expires": datetime.datetime(2030, 1, 1)}, ValueError, "time zone"),
        ({"expires": 5}, TypeError, "expires: expected a datetime"),
        ({"expires": [5]}, TypeError, r"expires\[0\]: expected a datetime"),
        ({"ttl": 5, "expires": datetime.datetime.now(datetime.timezone.utc)}, ValueError, "give one of them"),
    ],
)
def test_wrong_ends_are_refused(empty, ends, error, message):
    with pytest.raises(error, match=message):
        empty.upsert([1], [[0, 0]], **ends)
    assert len(empty) == 0


def test_points_say_when_they_end(empty):
    end = datetime.datetime(2100, 5, 4, 3, 2, 1, 987654, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    empty.upsert([1, 2], [[0, 0]] * 2, expires=[end, None])
    empty.upsert([3], [[0, 0]], ttl=1e300)
    ends = [point.expires for point in empty.get([1, 2, 3])]
    assert ends == [end, None, datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)]
    assert ends[0].tzinfo is datetime.timezone.utc
    assert [point.expires for point in empty.scroll()] == ends
    assert pickle.loads(pickle.dumps(empty.get(1)[0])).expires == end


def test_an_end_beyond_all_times_is_for_ever(empty):
    empty.upsert([1], [[0, 0]], ttl=1e300)
    empty.upsert([2], [[0, 0]], expires=datetime.datetime.max.replace(tzinfo=datetime.timezone.utc))
    assert len(empty) == 2


def test_the_oldest_time_has_passed(empty):
    empty.upsert([1], [[0, 0]], expires=datetime.datetime.fromtimestamp(0, datetime.timezone.utc))
    empty.upsert([2], [[0, 0]], expires=datetime.datetime(1, 1, 1, tzinfo=datetime.timezone.utc))
    assert len(empty) == 0


# ----------------------------------------------------------------------------------------------------------------------
# Removing and reading
# ----------------------------------------------------------------------------------------------------------------------


def test_points_are_removed_by_id_or_by_filter(spots):
    assert spots.remove([1, 99, "x"]) == 1
    assert spots.remove(filter={"must": [{"key": "parity", "match": {"value": "even"}}]}) == 5
    assert ids(spots.scroll()) == [3, 5, 7, 9]
    assert spots.remove(filter={}) == 4
    assert len(spots) == 0


def test_ids_and_a_filter_exclude_each_other(spots):
    for call in (spots.remove, lambda *a, **b: spots.merge_payload({}, *a, **b)):
        with pytest.raises(vecstore.InvalidArgumentError, match="neither"):
            call()
        with pytest.raises(vecstore.InvalidArgumentError, match="both"):
            call([1], filter={})
    assert len(spots) == 10


@pytest.mark.parametrize("page_size", [1, 3, 10, 1000])
def test_scrolling_goes_through_all_points_in_the_order_of_ids(spots, page_size):
    spots.upsert(["b", "a", 2**63, 2**64 - 2], np.zeros((4, 2)))
    expected = [*range(10), 2**63, 2**64 - 2, "a", "b"]
    assert ids(spots.scroll(page_size=page_size)) == expected
    odd = vecstore.Field("parity") == "odd"
    assert ids(spots.scroll(odd, page_size=page_size)) == [1, 3, 5, 7, 9]


def test_points_that_come_and_go_while_scrolling_move_no_others(spots):
    seen = []
    for point in spots.scroll(page_size=2):
        seen.append(point.id)
        if point.id == 3:
            spots.remove([0, 1, 2, 3, 6])
            spots.upsert(["late"], [[0, 0]])
    assert seen == [0, 1, 2, 3, 4, 5, 7, 8, 9, "late"]


def test_scrolling_tells_what_is_wrong_before_the_first_point(spots):
    wrong = [({"page_size": 0}, ValueError), ({"page_size": 2**21}, ValueError), ({"filter": 3}, TypeError)]
    for options, error in wrong:
        with pytest.raises(error):
            spots.scroll(**options)


@pytest.fixture
def goods(empty):
    for path, type in (("price", "float"), ("name", "keyword"), ("made", "datetime")):
        empty.create_payload_index(path, type)
    payloads = [
        {"price": 3, "name": "pen", "made": "2024-05-01T00:00:00.5Z"},
        {"price": 2.5, "name": "ink", "made": "2024-01-01"},
        {"price": [9, 1], "name": "ink"},
        {"name": "cap", "made": "2023-01-01"},
    ]
    empty.upsert([1, 2, 3, "four"], [[0, 0]] * 4, payloads)
    return empty


@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_points_come_in_the_order_of_a_field(goods, page_size):
    def scroll(order_by, **options):
        points = goods.scroll(order_by=order_by, page_size=page_size, **options)
        return [(point.order_value, point.id) for point in points]

    assert scroll("price") == [(1, 3), (2.5, 2), (3, 1)]
    assert scroll("price", descending=True) == [(9, 3), (3, 1), (2.5, 2)]
    assert scroll("name") == [("cap", "four"), ("ink", 2), ("ink", 3), ("pen", 1)]
    assert scroll("name", descending=True) == [("pen", 1), ("ink", 2), ("ink", 3), ("cap", "four")]
    assert [id for _, id in scroll("made")] == ["four", 2, 1]
    assert scroll("made")[2][0] == "2024-05-01T00:00:00.5Z"
    assert scroll("price", start_from=np.float32(2.5)) == [(2.5, 2), (3, 1)]
    assert scroll("name", start_from="d", filter=vecstore.Field("price") < 3) == [("ink", 2), ("ink", 3)]
    january = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    assert [id for _, id in scroll("made", start_from=january)] == [2, 1]
    assert [id for _, id in scroll("made", start_from=datetime.date(2024, 2, 1), descending=True)] == [2, "four"]


def test_an_order_goes_on_behind_a_point_that_came_before(goods):
    first = next(goods.scroll(order_by="name", start_from="ink"))
    assert (first.order_value, first.id) == ("ink", 2)
    assert ids(goods.scroll(order_by="name", after=first)) == [3, 1]
    goods.remove([2])
    assert ids(goods.scroll(order_by="name", after=("ink", 2))) == [3, 1]
    assert ids(goods.scroll(order_by="price", after=(1.5, "x"))) == [1]
    assert ids(goods.scroll(after=1)) == [3, "four"]
    assert ids(goods.scroll(after=goods.get(3)[0])) == ["four"]
    assert goods.get(3)[0].order_value is None


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"order_by": "nothing"}, ValueError, "order_by 'nothing' has no index: an order needs"),
        ({"order_by": "a["}, ValueError, "order_by 'a\\['"),
        ({"order_by": 3}, TypeError, "order_by"),
        ({"order_by": "price", "start_from": "cheap"}, ValueError, "start_from is a string"),
        ({"order_by": "price", "start_from": float("nan")}, ValueError, "start_from"),
        ({"order_by": "price", "start_from": True}, TypeError, "start_from: expected a number"),
        ({"order_by": "price", "start_from": [1]}, TypeError, "start_from: expected a number"),
        ({"order_by": "made", "start_from": datetime.datetime(2024, 1, 1)}, ValueError, "time zone"),
        ({"order_by": "price", "after": 3}, TypeError, "pair of value and id"),
        ({"order_by": "price", "after": (3,)}, TypeError, "pair of value and id"),
        ({"order_by": "price", "after": (3, [1, 2])}, ValueError, "after: expected one id"),
        ({"descending": True}, ValueError, "go with order_by"),
        ({"start_from": 3}, ValueError, "go with order_by"),
        ({"after": [1, 2]}, ValueError, "after: expected one id"),
    ],
)
def test_wrong_orders_are_told(goods, options, error, message):
    with pytest.raises(error, match=message):
        list(goods.scroll(**options))
    with pytest.raises(ValueError, match="without order_value"):
        goods.scroll(order_by="price", after=goods.get(1)[0])


def test_points_show_themselves(spots):
    (point,) = spots.get(3, with_vector=True)
    assert repr(point) == (
        "Point(id=3, payload={'n': 3, 'parity': 'odd', 'tags': ['a', 'b', 'c'], 'text': 'spot number 3'}, "
        "vector=<2 elements>)"
    )
    assert json.loads(point.payload_json) == point.payload
    with pytest.raises(AttributeError):
        point.other = 1


def test_vectors_of_points_are_copies(spots):
    first, second = spots.get([1, 1], with_vector=True)
    first.vector[:] = 9
    assert second.vector.tolist() == [1, 0]
    assert spots.get(1, with_vector=True)[0].vector.tolist() == [1, 0]


def test_optimizing_tells_its_progress_and_may_be_cancelled(tmp_path, rng):
    with Collection.create(tmp_path / "c", dim=8, kind="hnsw", durability="none") as collection:
        rows = rng.standard_normal((6000, 8)).astype(np.float32)
        collection.upsert(np.arange(6000), rows)
        told = []
        collection.optimize(progress=lambda done, total: told.append((done, total)))
        description = collection.describe()
        assert description["vectors"][0]["indexed"] == 6000 and description["waiting"] == 0
        collection.verify()
        assert np.mean([hits[0].id == i for i, hits in enumerate(collection.search(rows, 1))]) > 0.95
        with pytest.raises(TypeError):
            collection.optimize(progress=3)
        collection.optimize()


def test_compacting_gives_the_disk_of_points_that_are_gone_back(tmp_path, rng):
    with Collection.create(tmp_path / "c", dim=64, durability="none") as collection:
        rows = rng.standard_normal((4000, 64)).astype(np.float32)
        collection.upsert(range(4000), rows, [{"n": n, "text": "word " * 20} for n in range(4000)])
        collection.remove(range(3800))
        with pytest.raises(TypeError):
            collection.compact(progress=3)
        compaction = collection.compact()
        assert compaction.bytes_after < compaction.bytes_before / 4
        assert compaction.bytes_after == collection.describe()["disk_bytes"]
        assert collection.describe()["rows"] == len(collection) == 200
        collection.verify()
        assert [collection.search(rows[i], 1)[0].payload["n"] for i in (3800, 3999)] == [3800, 3999]


def test_a_collection_that_is_only_read_is_not_compacted(spots):
    with Collection.open(spots.path, read_only=True) as reader, pytest.raises(vecstore.ReadOnlyError):
        reader.compact()


def test_repairing_makes_a_damaged_graph_anew_and_tells_damaged_points(tmp_path, rng):
    rows = rng.standard_normal((2500, 8)).astype(np.float32)
    with Collection.create(tmp_path / "c", dim=8, kind="hnsw", durability="none") as collection:
        collection.upsert(range(2500), rows)
        collection.optimize()
        assert collection.repair() == []
    (graph,) = (tmp_path / "c").glob("graph-*")
    with open(graph, "r+b") as file:
        file.seek(graph.stat().st_size // 2)
        file.write(b"something else")
    with open(tmp_path / "c" / "vectors-0.rows", "r+b") as file:
        file.seek(4096 + 7 * 32)
        file.write(b"x")
    with Collection.open(tmp_path / "c") as collection:
        with pytest.raises(vecstore.CorruptError):
            collection.verify()
        with pytest.raises(TypeError):
            collection.repair(progress=3)
        point, graph = sorted(collection.repair(), key=lambda damage: damage.part == "graph")
        assert isinstance(point, vecstore.Damage)
        assert (point.part, point.name, point.repaired) == ("point", "7", False)
        assert (graph.part, graph.repaired) == ("graph", True)
        collection.upsert([7], rows[7])
        collection.verify()
        assert collection.repair() == []
        assert collection.search(rows[2400], 1)[0].id == 2400


@pytest.mark.parametrize("memory", ["mapped", "loaded", "disk"])
def test_memory_can_be_chosen_and_limited(tmp_path, rng, memory):
    rows = rng.standard_normal((3000, 8)).astype(np.float32)
    with Collection.create(tmp_path / "c", dim=8, kind="hnsw", durability="none", memory=memory) as collection:
        collection.upsert(range(3000), rows)
        collection.optimize()
        assert collection.search(rows[5], 1)[0].id == 5
        described = collection.describe()
        assert described["memory_mode"] == memory and described["memory_budget"] == 0
        assert sum(described["memory"].values()) == described["memory_bytes"]
        assert set(described["resident_bytes"]) == {"vectors", "graphs"}
    with Collection.open(tmp_path / "c", memory=memory, memory_budget=1_000_000) as collection:
        with pytest.raises(vecstore.OutOfMemoryError, match="memory_budget is 1000000 bytes"):
            collection.upsert(range(10_000, 210_000), np.zeros((200_000, 8), dtype=np.float32) + 1)
        assert len(collection) == 3000
        assert collection.search(rows[5], 1)[0].id == 5
    with pytest.raises(vecstore.InvalidArgumentError, match="memory"):
        Collection.open(tmp_path / "c", memory="here")
    with pytest.raises(vecstore.InvalidArgumentError):
        Collection.open(tmp_path / "c", memory_budget=-1)
