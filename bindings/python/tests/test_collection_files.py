# Points of iterators and files.
# SPDX-License-Identifier: Apache-2.0
import datetime
import gc
import json
import weakref

import numpy as np
import pytest

import vecstore
from vecstore import Collection, Field, ImportResult


@pytest.fixture
def empty(tmp_path):
    with Collection.create(tmp_path / "empty", dim=2, metric="l2sq", durability="normal") as collection:
        yield collection


@pytest.fixture
def named(tmp_path):
    vectors = {"title": {"dim": 2, "metric": "l2sq"}, "body": {"dim": 3, "metric": "l2sq", "dtype": "float16"}}
    with Collection.create(tmp_path / "named", vectors=vectors) as collection:
        yield collection


def content(collection, *names):
    return [
        (point.id, point.payload_json, [None if vector is None else vector.tolist() for vector in vectors])
        for point in collection.scroll()
        for vectors in [[collection.get(point.id, with_vector=name)[0].vector for name in names or ("",)]]
    ]


# ----------------------------------------------------------------------------------------------------------------------
# Iterators
# ----------------------------------------------------------------------------------------------------------------------


def test_points_come_from_tuples_dicts_and_points(empty, spots):
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    points = [
        (1, [1, 0]),
        ("two", np.array([2, 0]), {"n": 2}),
        (3, [3, 0], None, later),
        {"id": 4, "vector": [4, 0], "payload": '{"n": 4}', "expires": later},
        {"id": 5, "vector": [5, 0]},
        *spots.get([6, 7], with_vector=True),
    ]
    assert empty.import_points(iter(points), batch_size=2) == 7
    assert [point.id for point in empty.scroll()] == [1, 3, 4, 5, 6, 7, "two"]
    assert empty.get("two")[0].payload == {"n": 2}
    assert empty.get(6, with_vector=True)[0].vector.tolist() == [6, 0]
    assert empty.get(7)[0].payload_json == spots.get(7)[0].payload_json


def test_points_of_several_vectors_come_by_name(named):
    points = [(1, {"title": [1, 1]}), (2, {"body": [2, 2, 2], "title": [2, 2]}), (3, {"title": [3, 3], "body": None})]
    assert named.import_points(points) == 3
    assert [vectors for _, _, vectors in content(named, "title", "body")] == [
        [[1, 1], None],
        [[2, 2], [2, 2, 2]],
        [[3, 3], None],
    ]


def test_progress_is_told_after_each_batch(empty):
    points, told = [(i, [i, 0]) for i in range(10)], []
    empty.import_points(points, batch_size=4, progress=lambda *call: told.append(call))
    assert told == [(4, 10), (8, 10), (10, 10)]
    told.clear()
    empty.import_points((point for point in points), batch_size=4, progress=lambda *call: told.append(call))
    assert told == [(4, 4), (8, 8), (10, 10)], "a generator does not say how long it is"


def test_an_import_of_points_can_be_cancelled(empty):
    with pytest.raises(vecstore.CancelledError) as caught:
        empty.import_points([(i, [i, 0]) for i in range(10)], batch_size=3, progress=lambda done, total: done < 6)
    assert caught.value.imported == ImportResult(6, 0, 7)
    assert len(empty) == 6


@pytest.mark.parametrize(
    "item, error, reason",
    [
        (7, TypeError, r"points\[4\]: expected a tuple"),
        ((1,), ValueError, r"points\[4\]: expected an id"),
        ((1, [1, 0], None, None, 5), ValueError, "5 things"),
        ({"vector": [1, 0]}, ValueError, "no id"),
        ({"id": 1, "vektor": [1, 0]}, ValueError, "unknown key 'vektor'"),
        ((1, [1, 0, 0]), ValueError, None),
        ((1, None), ValueError, None),
        ((1.5, [1, 0]), TypeError, None),
        ((1, [float("nan"), 0]), vecstore.NotFiniteError, None),
        ((1, {"x": [1, 0]}), ValueError, None),
        ((1, [1, 0], {"a": float("nan")}), ValueError, None),
    ],
)
def test_what_is_no_point_ends_the_import(empty, item, error, reason):
    points = [(i, [i, 0]) for i in range(10, 14)] + [item]
    with pytest.raises(error, match=reason) as caught:
        empty.import_points(points, batch_size=2)
    assert len(empty) == 4, "the batches before are in"
    if isinstance(caught.value, vecstore.Error):
        assert caught.value.imported == ImportResult(4, 0, 5)


def test_what_an_iterator_raises_comes_through(empty):
    def points():
        yield 1, [1, 0]
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        empty.import_points(points(), batch_size=1)
    assert len(empty) == 1


@pytest.mark.parametrize("points", [5, "text", {"id": 1}, None])
def test_points_are_an_iterable(empty, points):
    with pytest.raises(TypeError):
        empty.import_points(points)


# ----------------------------------------------------------------------------------------------------------------------
# Files
# ----------------------------------------------------------------------------------------------------------------------


def test_a_collection_comes_back_from_its_file(spots, empty, tmp_path):
    spots.upsert(["é", 2**64 - 2], [[0.1, 1 / 3], [1e-30, -3e18]], ['{ "n": 1.0,\n "x": "\\u00e9" }', None])
    assert spots.export(tmp_path / "points.jsonl") == 12
    assert empty.import_file(tmp_path / "points.jsonl") == ImportResult(12, 0, 13)
    assert content(empty) == content(spots)
    lines = (tmp_path / "points.jsonl").read_text().splitlines()
    assert json.loads(lines[3]) == {"id": 3, "vector": [3, 0], "payload": spots.get(3)[0].payload}


def test_vectors_may_lie_in_a_file_of_numpy(spots, empty, tmp_path):
    spots.export(tmp_path / "points.jsonl", vectors=tmp_path / "points.npy", filter=Field("n") >= 5)
    rows = np.load(tmp_path / "points.npy")
    assert rows.dtype == np.float32 and rows.tolist() == [[n, 0] for n in range(5, 10)]
    assert "vector" not in (tmp_path / "points.jsonl").read_text()
    empty.import_file(tmp_path / "points.jsonl", vectors=tmp_path / "points.npy", batch_size=2)
    assert content(empty) == content(spots)[5:]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("dtype", ["<f4", "<f2"])
def test_what_numpy_writes_is_read(empty, tmp_path, version, dtype):
    rows = np.array([[0.5, 1], [2, 3.25]], dtype=dtype)
    with open(tmp_path / "v.npy", "wb") as file:
        np.lib.format.write_array(file, rows, version=version)
    (tmp_path / "p.jsonl").write_text('{"id": 1}\n{"id": 2}\n')
    empty.import_file(tmp_path / "p.jsonl", vectors=tmp_path / "v.npy")
    assert [vectors for _, _, vectors in content(empty)] == [[row] for row in rows.tolist()]


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2)), np.zeros((2, 2), ">f4"), np.zeros((2, 3), "f4"), np.zeros(4, "f4"), np.zeros((2, 2), "f4", "F")]
)
def test_arrays_of_another_kind_are_refused(empty, tmp_path, array):
    np.save(tmp_path / "v.npy", array)
    (tmp_path / "p.jsonl").write_text('{"id": 1}\n{"id": 2}\n')
    with pytest.raises((vecstore.UnsupportedError, vecstore.InvalidArgumentError)):
        empty.import_file(tmp_path / "p.jsonl", vectors=tmp_path / "v.npy")
    assert len(empty) == 0


def test_several_vectors_have_several_files(named, tmp_path):
    named.upsert([1, 2], {"title": [[1, 2], None], "body": [[1, 2, 3], [0.1, 5, 6]]})
    paths = {"title": tmp_path / "title.npy", "body": tmp_path / "body.npy"}
    for vectors in (None, paths, {"body": tmp_path / "b.npy"}):
        named.export(tmp_path / "p.jsonl", vectors=vectors)
        options = {"title": {"dim": 2, "metric": "l2sq"}, "body": {"dim": 3, "metric": "l2sq", "dtype": "float16"}}
        with Collection.create(tmp_path / f"copy{len(vectors or ())}", vectors=options) as copy:
            copy.import_file(tmp_path / "p.jsonl", vectors=vectors)
            assert content(copy, "title", "body") == content(named, "title", "body")
    assert np.isnan(np.load(paths["title"])[1]).all()
    assert np.load(paths["body"]).dtype == np.float16


def test_lines_may_be_payloads_alone(empty, tmp_path):
    np.save(tmp_path / "v.npy", np.eye(2, dtype="f4"))
    (tmp_path / "p.jsonl").write_text('{"id": "mine"}\n{"text": "two"}')
    empty.import_file(tmp_path / "p.jsonl", vectors=tmp_path / "v.npy", first_id=0)
    assert content(empty) == [(0, '{"id": "mine"}', [[1, 0]]), (1, '{"text": "two"}', [[0, 1]])]


def test_a_bad_line_is_told_and_the_import_goes_on(empty, tmp_path):
    lines = [json.dumps({"id": i, "vector": [i, 0]}) for i in range(10)]
    lines[7] = '{"id": 7, "vector": [1, 0], "payload": {"a": }}'
    path = tmp_path / "p.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(vecstore.InvalidArgumentError, match=r"line 8 of .*payload") as caught:
        empty.import_file(path, batch_size=3)
    assert caught.value.imported == ImportResult(7, 0, 8)
    assert len(empty) == 7
    result = empty.import_file(path, start_line=caught.value.imported.next_line, skip_bad=True)
    assert result == ImportResult(2, 1, 11)
    assert len(empty) == 9


def test_progress_of_files_is_told_in_bytes_and_points(spots, empty, tmp_path):
    told = []
    spots.export(tmp_path / "p.jsonl", progress=lambda *call: told.append(call))
    assert told[-1] == (10, 10)
    told.clear()
    empty.import_file(tmp_path / "p.jsonl", batch_size=4, progress=lambda *call: told.append(call))
    size = (tmp_path / "p.jsonl").stat().st_size
    assert told[-1] == (size, size) and told == sorted(told) and len(told) == 3


def test_imports_and_exports_of_files_can_be_cancelled(spots, empty, tmp_path):
    with pytest.raises(vecstore.CancelledError):
        spots.export(tmp_path / "p.jsonl", progress=lambda done, total: False)
    assert not (tmp_path / "p.jsonl").exists()
    spots.export(tmp_path / "p.jsonl")
    with pytest.raises(vecstore.CancelledError) as caught:
        empty.import_file(tmp_path / "p.jsonl", batch_size=4, progress=lambda done, total: False)
    assert caught.value.imported == ImportResult(4, 0, 5)
    with pytest.raises(ZeroDivisionError):
        empty.import_file(tmp_path / "p.jsonl", progress=lambda done, total: 1 / 0)


def test_a_reader_exports_and_imports_nothing(spots, tmp_path):
    with Collection.open(spots.path, read_only=True) as reader:
        assert reader.export(tmp_path / "p.jsonl") == 10
        with pytest.raises(vecstore.ReadOnlyError):
            reader.import_file(tmp_path / "p.jsonl")


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"batch_size": 2**20 + 1},
        {"start_line": 0},
        {"first_id": -1},
        {"vectors": {"x": "v.npy"}},
        {"batch_size": "many"},
        {"progress": 5},
    ],
)
def test_wrong_options_are_refused(empty, tmp_path, options):
    (tmp_path / "p.jsonl").write_text("")
    with pytest.raises((TypeError, ValueError)):
        empty.import_file(tmp_path / "p.jsonl", **options)


def test_files_that_are_not_there_are_told(empty, tmp_path):
    with pytest.raises(vecstore.MissingFileError):
        empty.import_file(tmp_path / "none.jsonl")
    with pytest.raises(vecstore.MissingFileError):
        empty.export(tmp_path / "no" / "directory.jsonl")
    with pytest.raises(vecstore.InvalidArgumentError):
        empty.import_file(tmp_path)


def test_several_vectors_need_names_of_files(named, tmp_path):
    with pytest.raises(vecstore.InvalidArgumentError, match="'title', 'body'"):
        named.export(tmp_path / "p.jsonl", vectors=tmp_path / "v.npy")


def test_callables_are_let_go_of(spots, tmp_path):
    class Watcher:
        def __call__(self, done, total):
            return True

    watcher = Watcher()
    gone = weakref.ref(watcher)
    spots.export(tmp_path / "p.jsonl", progress=watcher)
    del watcher
    gc.collect()
    assert gone() is None
