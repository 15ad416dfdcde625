# What a collection says of its health.
# SPDX-License-Identifier: Apache-2.0
import os

from vecstore import Collection


def codes(collection):
    return [reason["code"] for reason in collection.health()["reasons"]]


def test_a_collection_that_works_is_well(spots):
    assert spots.health() == {"status": "ok", "reasons": []}
    with Collection.open(spots.path, read_only=True) as reader:
        assert reader.health() == {"status": "ok", "reasons": []}


def test_a_closed_one_has_failed(tmp_path):
    c = Collection.create(tmp_path / "c", dim=2)
    c.close()
    assert c.health()["status"] == "failed"
    assert codes(c) == ["closed"]


def test_a_lock_that_was_lost_is_told(spots):
    os.unlink(os.path.join(spots.path, "lock"))
    (reason,) = spots.health()["reasons"]
    assert reason["code"] == "lock_lost" and reason["status"] == "failed" and "another process" in reason["message"]


def test_a_directory_that_is_gone_is_told(spots):
    os.rename(spots.path, spots.path + "-away")
    try:
        assert codes(spots) == ["directory_gone"]
    finally:
        os.rename(spots.path + "-away", spots.path)
    assert codes(spots) == []


def test_a_child_of_fork_is_told_that_it_is_one(spots):
    child = os.fork()
    if child == 0:
        os._exit(0 if codes(spots) == ["forked"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_damaged_graph_is_told(tmp_path):
    with Collection.create(tmp_path / "c", dim=2, metric="l2sq", kind="hnsw") as c:
        c.upsert(range(2500), [[n, 0] for n in range(2500)])
        c.optimize()
    (graph,) = (tmp_path / "c").glob("graph-*")
    content = bytearray(graph.read_bytes())
    content[20] ^= 0xFF
    graph.write_bytes(content)
    with Collection.open(tmp_path / "c", read_only=True) as reader:
        assert reader.health()["status"] == "degraded"
        assert codes(reader) == ["graph_damaged"]
