# SPDX-License-Identifier: Apache-2.0
"""The benchmark of collections fills, opens and searches what it compares, and tells of what it cannot compare."""

import argparse
import json

import pytest

from vecbench import collection, collectionstores, collectionwork, data
from vecbench.__main__ import numbers


def measured(monkeypatch, folder, *more):
    monkeypatch.setattr(data, "KEPT", folder)
    parser = argparse.ArgumentParser()
    collection.add_arguments(parser, numbers)
    few = ["--data", "generated", "--rows", "1500", "--queries", "20", "--seconds", "0.02", "--repeats", "2"]
    return collection.run(parser.parse_args([*few, *more]), lambda text: None)


def test_collections_of_vecstore_find_what_they_should(monkeypatch, tmp_path):
    run = measured(monkeypatch, tmp_path, "--engines", "vecstore")
    assert run["failures"] == {}
    assert [one["store"] for one in run["results"]] == ["vecstore", "vecstore-float16", "vecstore-normal"]
    for one in run["results"]:
        assert one["indexed_seconds"] >= one["durable_seconds"] > 0
        assert one["disk_bytes"] > 1500 * 384 * 2
    for one in run["results"][:2]:
        assert list(one["searches"]) == collection.SEARCHES
        for search in one["searches"].values():
            assert search["recall"] >= collectionwork.RECALL
            assert len(search["qps"]) == 2 and min(search["qps"]) > 0
    assert run["results"][2]["searches"] == {}
    # So few points are compared without a graph, so none wait.
    assert all(value > 0 for name, value in run["extras"].items() if name != "waiting_at_the_end")
    again = json.loads(json.dumps(run))
    for markdown in (False, True):
        assert "range 32%" in collection.text(again, markdown)


def test_a_store_that_fails_is_told_of_and_the_others_go_on(monkeypatch, tmp_path):
    broken = collectionstores.KINDS["vecstore"]._replace(settings={"dtype": "float16"})
    monkeypatch.setattr(collectionstores, "KINDS", {"unknown": broken, "vecstore-float16": broken})
    run = measured(monkeypatch, tmp_path)
    # The process that does the work does not know this name.
    assert list(run["failures"]) == ["unknown"]
    assert [one["store"] for one in run["results"]] == ["vecstore-float16"]
    assert "FAILED: unknown: fill" in collection.text(run, markdown=False)


def test_a_package_that_is_not_installed_is_told_of(monkeypatch, tmp_path):
    monkeypatch.setattr(collectionstores.Zvec, "module", "no_such_package")
    run = measured(monkeypatch, tmp_path, "--engines", "zvec-int8")
    assert run["absent"] == ["zvec-int8", "zvec-int8-one-flush"]
    assert "NOT AVAILABLE: zvec-int8" in collection.text(run, markdown=False)


def test_stores_are_chosen_by_the_beginnings_of_their_names():
    assert collectionstores.chosen("qdrant-fp,vecstore-n") == ["vecstore-normal", "qdrant-fp32"]
    assert "zvec-fp32" not in collectionstores.chosen(None)
    with pytest.raises(SystemExit, match="no store fits"):
        collectionstores.chosen("nothing")


def test_missing_results_are_marked():
    assert collectionwork.as_array([[3, 1], [], [5, 6, 7]], 2).tolist() == [[3, 1], [-1, -1], [5, 6]]


def test_disk_bytes_count_files_in_folders(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"x" * 10_000)
    assert 10_000 <= collectionwork.disk_bytes(tmp_path) <= 20_000
