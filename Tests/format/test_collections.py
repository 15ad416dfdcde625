"""Collections of each version of the format that there was are opened, read, written to and verified; later ones are refused.
SPDX-License-Identifier: Apache-2.0
"""

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import vecstore
from make_collections import GRAPH_POINTS, INDEXES, REMOVED, has_image, numbers, payload, point_id, vector
from vecstore import Collection

HERE = Path(__file__).parent
VERSIONS = [1]


@pytest.fixture(params=VERSIONS)
def kept(request, tmp_path):
    """The collections of a version, to be changed."""
    with tarfile.open(HERE / f"collections-{request.param}.tar.xz") as archive:
        archive.extractall(tmp_path)
    return tmp_path


def check_points(collection, killed):
    there = numbers(killed)
    assert len(collection) == len(there)
    for n, text, image in zip(
        there,
        collection.get([point_id(n) for n in there], with_vector="text"),
        collection.get([point_id(n) for n in there], with_vector="image"),
    ):
        assert text.id == point_id(n) and text.payload == payload(n)
        np.testing.assert_array_equal(text.vector, vector(n, 16))
        if has_image(n):
            np.testing.assert_array_equal(image.vector, vector(n, 4))
        else:
            assert image.vector is None
    assert collection.get([point_id(n) for n in REMOVED]) == [None] * len(REMOVED)
    described = collection.describe()
    assert {index["path"]: index["type"] for index in described["payload_indexes"]} == INDEXES
    assert [v["model"] for v in described["vectors"]] == ["small", ""]


def check_searches(collection, killed):
    there = [n for n in numbers(killed) if payload(n)]

    def having(condition):
        return sum(1 for n in there if condition(payload(n)))

    assert collection.count(vecstore.Field("section") == "net") == having(lambda p: p["section"] == "net")
    assert collection.count(vecstore.Field("n") < 20) == having(lambda p: p["n"] < 20)
    assert collection.count({"must": [{"key": "weight", "range": {"gt": 4}}]}) == having(lambda p: p["weight"] > 4)
    assert collection.count({"must": [{"key": "old", "match": {"value": True}}]}) == having(lambda p: p["old"])
    dates = {"must": [{"key": "at", "range": {"lt": "2026-01-10T00:00:00Z"}}]}
    assert collection.count(dates) == having(lambda p: p["at"] < "2026-01-10T00:00:00Z")
    assert len(collection.search_text("word3", 100)) == having(lambda p: p["n"] % 7 == 3)
    hit = collection.search(vector(13, 4), 1, vector_name="image")[0]
    assert (hit.id, hit.distance) == (13, 0)
    hit = collection.search(vector(24, 16), 1, vector_name="text")[0]
    assert hit.id == "point-24" and hit.distance == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", ["closed", "killed"])
@pytest.mark.parametrize("read_only", [False, True])
def test_what_was_written_is_read(kept, name, read_only):
    with Collection.open(kept / name, read_only=read_only) as collection:
        check_points(collection, name == "killed")
        check_searches(collection, name == "killed")
        collection.verify()


@pytest.mark.parametrize("name", ["closed", "killed"])
def test_it_is_written_to_and_compacted(kept, name):
    with Collection.open(kept / name) as collection:
        collection.upsert([1000], {"text": [vector(1000, 16)]}, [payload(1000)])
        collection.merge_payload({"more": 1}, [3])
        collection.remove([1000])
        collection.set_payload(payload(3), [3])
        collection.compact()
        check_points(collection, name == "killed")
        collection.verify()
    with Collection.open(kept / name) as collection:
        check_points(collection, name == "killed")
        check_searches(collection, name == "killed")


def test_a_copy_of_it_is_one_of_today(kept):
    Collection.restore(kept / "closed", kept / "again")
    with Collection.open(kept / "again") as collection:
        check_points(collection, False)


def test_its_graph_is_used(kept):
    with Collection.open(kept / "graph") as collection:
        described = collection.describe()["vectors"][0]
        assert (described["indexed"], described["graph_error"], described["m"]) == (GRAPH_POINTS, "", 4)
        collection.verify()
        queries = np.array([[n % 50, n // 50] for n in range(0, GRAPH_POINTS, 100)], dtype=np.float32)
        found = collection.search(queries, 1, ef_search=200)
        assert [hits[0].id for hits in found] == list(range(0, GRAPH_POINTS, 100))
        collection.upsert([5000], [[0.5, 0.5]])
        collection.remove([0])
        collection.optimize()
        collection.verify()
        assert collection.search([0, 0], 1)[0].id == 5000


def test_a_later_version_is_refused_by_name(kept):
    with closing(sqlite3.connect(kept / "closed" / "collection.db")) as database:
        database.execute("PRAGMA user_version = 2")
    for read_only in (False, True):
        with pytest.raises(vecstore.NewerVersionError, match="is a collection of version 2: this library reads up to 1"):
            Collection.open(kept / "closed", read_only=read_only)


def test_vectors_of_a_later_version_are_refused_by_name(kept):
    with open(kept / "closed" / "vectors-1.rows", "r+b") as file:
        file.seek(8)
        file.write((7).to_bytes(4, "little"))
    with pytest.raises(vecstore.NewerVersionError, match="vectors-1.rows' is of version 7: this library reads up to 1"):
        Collection.open(kept / "closed")


def test_a_graph_of_a_later_version_is_made_anew(kept):
    (graph,) = (kept / "graph").glob("graph-*")
    with open(graph, "r+b") as file:
        file.seek(8)
        file.write((99).to_bytes(4, "little"))
    with Collection.open(kept / "graph", read_only=True) as collection:
        described = collection.describe()["vectors"][0]
        assert described["indexed"] == 0 and "99" in described["graph_error"]
        assert collection.search([3, 4], 1)[0].id == 203
    with Collection.open(kept / "graph") as collection:
        collection.optimize()
        assert collection.describe()["vectors"][0]["indexed"] == GRAPH_POINTS
        collection.verify()
