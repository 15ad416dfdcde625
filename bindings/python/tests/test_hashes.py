# Vectors that programs with a search module keep in hashes of a Redis: into collections and indexes, and back.
# SPDX-License-Identifier: Apache-2.0
import time

import numpy as np
import pytest

import vecstore
from vecstore import Collection, Field, ImportResult, Index, RedisOptions

Invalid = vecstore.InvalidArgumentError
QUICK = RedisOptions(connect_timeout=0.3, command_timeout=0.3)


@pytest.fixture
def rows(rng):
    return rng.standard_normal((20, 4)).astype(np.float32)


@pytest.fixture
def documents(redis, rows):
    """Twenty hashes: doc:0 ... doc:19."""
    for n, row in enumerate(rows):
        redis.hset(f"doc:{n}", {"embedding": row.tobytes(), "title": f"title {n}", "n": n})
    return redis


@pytest.fixture
def empty(tmp_path):
    with Collection.create(tmp_path / "empty", dim=4, metric="l2sq", durability="normal") as collection:
        yield collection


def content(collection):
    return [(point.id, point.payload, point.vector.tolist()) for point in collection.scroll(with_vector=True)]


def test_hashes_become_points(documents, empty, rows):
    documents.hset("doc:a b", {"embedding": rows[0].tobytes(), "title": "größer"})
    documents.hset("other:1", {"embedding": rows[0].tobytes()})
    assert empty.import_redis(documents.url, prefix="doc:") == ImportResult(21, 0)
    assert [point.id for point in empty.scroll()] == [*range(20), "a b"]
    (point,) = empty.get(7, with_vector=True)
    assert point.payload == {"title": "title 7", "n": "7"} and (point.vector == rows[7]).all()
    assert empty.get("a b")[0].payload == {"title": "größer"}


def test_what_is_read_can_be_chosen(documents, empty, rows):
    fields = {"n": "7", "title": "9", "more": '{"tags": ["a"]}', "flag": "true"}
    documents.hset("doc:20", {"v": rows[0].tobytes(), **fields})
    only = {"prefix": "doc:", "pattern": "doc:20", "vector_fields": "v"}
    assert empty.import_redis(documents.url, **only, values="numbers", json_field="more") == ImportResult(1, 0)
    assert empty.get(20)[0].payload == {"n": 7, "title": 9, "flag": "true", "tags": ["a"]}
    empty.import_redis(documents.url, **only, values="json", payload_fields=["flag", "none"])
    assert empty.get(20)[0].payload == {"flag": True}
    empty.import_redis(documents.url, **only, payload_fields=[])
    assert empty.get(20)[0].payload == {}


@pytest.mark.parametrize("dtype", ["float64", np.float16])
def test_blobs_have_other_elements(redis, empty, rows, dtype):
    redis.hset("doc:1", {"embedding": rows[1].astype(dtype).tobytes()})
    empty.import_redis(redis.url, prefix="doc:", dtype=dtype)
    assert (empty.get(1, with_vector=True)[0].vector == rows[1].astype(dtype)).all()
    with pytest.raises(Invalid, match="doc:1"):
        empty.import_redis(redis.url, prefix="doc:")


def test_points_of_several_vectors_have_several_fields(redis, tmp_path):
    vectors = {"title": {"dim": 2, "metric": "l2sq"}, "body": {"dim": 3, "metric": "l2sq"}}
    a, b = np.array([1, 2], np.float32), np.array([3, 4, 5], np.float32)
    redis.hset("doc:1", {"title": a.tobytes(), "b": b.tobytes()})
    fields = {"title": "title", "body": "b"}
    with Collection.create(tmp_path / "named", vectors=vectors) as named:
        named.import_redis(redis.url, prefix="doc:", vector_fields=fields)
        (title,), (body,) = (named.get(1, with_vector=name) for name in vectors)
        assert title.vector.tolist() == [1, 2] and body.vector.tolist() == [3, 4, 5]
        assert named.export_redis(redis.url, prefix="copy:", vector_fields=fields) == 1
        with pytest.raises(Invalid, match="the field 'x'"):
            named.import_redis(redis.url, prefix="doc:", vector_fields={"none": "x"})
    assert redis.hgetall("copy:1") == redis.hgetall("doc:1")


def test_a_time_to_live_becomes_the_end_of_a_point(documents, empty):
    documents.send("PEXPIRE", "doc:3", 60_000)
    empty.import_redis(documents.url, prefix="doc:")
    (point,) = empty.get(3)
    assert 0 < point.expires.timestamp() - time.time() <= 60 and empty.get(4)[0].expires is None
    empty.export_redis(documents.url, prefix="copy:")
    assert 0 < documents.send("PTTL", "copy:3") <= 60_000 and documents.send("PTTL", "copy:4") == -1


def test_points_come_back_from_hashes(redis, spots, tmp_path):
    spots.upsert(["a:b", 2**64 - 2], [[0.1, 2], [3, 4]], [{"text": "größer", "deep": {"x": [1.5, None]}}, None])
    expected = content(spots)
    for options in ({"json_field": "payload"}, {}):
        assert spots.export_redis(redis.url, prefix="spot:", **options) == 12
        assert spots.export_redis(redis.url, prefix="spot:", **options) == 12
        with Collection.create(tmp_path / f"copy-{len(options)}", dim=2, metric="l2sq") as copy:
            done = copy.import_redis(redis.url, prefix="spot:", values="json", batch_size=5, **options)
            assert done == ImportResult(12, 0)
            assert content(copy) == expected
    assert spots.export_redis(redis.url, prefix="odd:", filter=Field("parity") == "odd") == 5
    assert redis.hgetall("odd:3") == {
        "embedding": np.array([3, 0], np.float32).tobytes(),
        "n": b"3",
        "parity": b"odd",
        "text": b"spot number 3",
        "tags": b'["a","b","c"]',
    }


def test_a_bad_hash_ends_the_import_or_is_counted(documents, empty, rows):
    documents.hset("doc:bad", {"embedding": rows[0].tobytes()[:-1]})
    documents.hset("doc:nan", {"embedding": np.array([1, 2, 3, np.nan], np.float32).tobytes()})
    documents.send("SET", "doc:text", "no hash")
    with pytest.raises(vecstore.Error, match="doc:(bad|nan|text)") as caught:
        empty.import_redis(documents.url, prefix="doc:", batch_size=1)
    assert caught.value.imported.points == len(empty) and caught.value.imported.skipped == 0
    assert empty.import_redis(documents.url, prefix="doc:", skip_bad=True) == ImportResult(20, 3)
    assert len(empty) == 20


def test_progress_is_told_and_can_cancel(documents, empty):
    told = []
    empty.import_redis(documents.url, prefix="doc:", batch_size=7, progress=lambda *call: told.append(call))
    assert told[-1] == (20, 20) and [done for done, _ in told] == sorted(done for done, _ in told)
    for options in ({"progress": lambda done, total: False}, {"progress": lambda done, total: done < 5}):
        empty.remove(filter={})
        with pytest.raises(vecstore.CancelledError) as caught:
            empty.import_redis(documents.url, prefix="doc:", batch_size=2, **options)
        assert caught.value.imported.points == len(empty) < 20
    empty.import_redis(documents.url, prefix="doc:")
    told.clear()
    empty.export_redis(documents.url, prefix="copy:", progress=lambda *call: told.append(call))
    assert told[-1] == (20, 20)
    with pytest.raises(vecstore.CancelledError):
        empty.export_redis(documents.url, prefix="copy:", progress=lambda done, total: False)

    def failing(done, total):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        empty.import_redis(documents.url, prefix="doc:", progress=failing)


def test_an_export_leaves_what_is_no_hash(redis, spots):
    redis.send("SET", "spot:3", "mine")
    with pytest.raises(vecstore.Error, match="spot:3"):
        spots.export_redis(redis.url, prefix="spot:")
    assert redis.send("GET", "spot:3") == b"mine"
    with pytest.raises(Invalid, match="'n'|\"n\""):
        spots.export_redis(redis.url, prefix="x:", vector_fields="n")


def test_hashes_become_rows_of_an_index(documents, rows):
    with Index("flat", dim=4) as index:
        for _ in range(2):
            assert index.import_redis(documents.url, prefix="doc:", batch_size=6) == ImportResult(20, 0)
        assert len(index) == 20 and (index.get([17])[0] == rows[17]).all()
        documents.hset("doc:x", {"embedding": rows[0].tobytes()})
        with pytest.raises(Invalid, match="doc:x") as caught:
            index.import_redis(documents.url, prefix="doc:", batch_size=1)
        assert caught.value.imported.skipped == 0
        assert index.import_redis(documents.url, prefix="doc:", skip_bad=True) == ImportResult(20, 1)
        with pytest.raises(vecstore.CancelledError):
            index.import_redis(documents.url, prefix="doc:", progress=lambda done, total: False)
    with Index("flat", dim=32, metric="hamming", dtype="bits") as bits, pytest.raises(vecstore.UnsupportedError):
        bits.import_redis(documents.url, prefix="doc:")


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"prefix": 3}, TypeError, "prefix"),
        ({"prefix": "a\0"}, Invalid, "prefix"),
        ({"pattern": 3}, TypeError, "pattern"),
        ({"vector_fields": 3}, TypeError, "vector_fields"),
        ({"vector_fields": {}}, Invalid, "vector_fields"),
        ({"vector_fields": {"": 3}}, TypeError, "vector_fields"),
        ({"dtype": "int8"}, Invalid, "dtype"),
        ({"dtype": np.int32}, Invalid, "dtype"),
        ({"payload_fields": "title"}, TypeError, "payload_fields"),
        ({"payload_fields": [3]}, TypeError, r"payload_fields\[0\]"),
        ({"json_field": 3}, TypeError, "json_field"),
        ({"values": "csv"}, Invalid, "values"),
        ({"batch_size": 0}, Invalid, "batch_size"),
        ({"redis": 3}, TypeError, "redis"),
        ({"progress": 3}, TypeError, "progress"),
        ({"url": 3}, TypeError, "url"),
        ({"url": "http://localhost"}, Invalid, "URL"),
    ],
    ids=str,
)
def test_refuses_what_is_wrong(empty, options, error, words):
    options = {"url": "redis://localhost:1", "prefix": "", **options}
    with pytest.raises(error, match=words):
        empty.import_redis(options.pop("url"), **options)


def test_a_redis_that_is_away_is_told_without_its_password(redis, empty):
    redis.kill()
    url = redis.url.replace("redis://", "redis://:hunter2@")
    for call in (empty.import_redis, empty.export_redis):
        empty.upsert(1, [1, 2, 3, 4])
        with pytest.raises(vecstore.UnavailableError) as caught:
            call(url, prefix="", redis=QUICK)
        assert "hunter2" not in str(caught.value)
    redis.start()


def test_a_reader_imports_nothing_and_exports(documents, spots):
    with Collection.open(spots.path, read_only=True) as reader:
        with pytest.raises(vecstore.ReadOnlyError):
            reader.import_redis(documents.url, prefix="doc:")
        assert reader.export_redis(documents.url, prefix="copy:") == 10
