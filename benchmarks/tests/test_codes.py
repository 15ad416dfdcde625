# The benchmark of quantizers: which codes go together, its table, and one small run.
# SPDX-License-Identifier: Apache-2.0
from vecbench import codes
from vecbench.__main__ import command_line

ALL = list(codes.KINDS)


def test_codes_of_one_size_are_compared():
    names = {(kind, library): way for kind, library, way in codes.ways(384, 48, ALL)}
    assert names["PQ x8", "vecstore"] == ("pq", {"pq_m": 48, "nbits": 8})
    assert names["PQ x8", "faiss"] == ("PQ48x8np", {})
    assert names["PQ x4", "vecstore"] == ("pq", {"pq_m": 96, "nbits": 4})
    assert names["PQ x4", "faiss"] == ("PQ96x4np", {})
    assert names["OPQ x8", "faiss"] == ("OPQ48,PQ48x8np", {})
    assert ("SQ4", "vecstore") not in names
    assert {kind for kind, _, _ in codes.ways(384, 192, ALL)} == {"PQ x8", "PQ x4", "SQ4"}
    assert {kind for kind, _, _ in codes.ways(384, 384, ALL)} == {"PQ x8", "SQ8"}
    assert [way for _, _, way in codes.ways(384, 56, ALL)] == [("binary", {"bits": 1}), ("RaBitQ", {})]
    assert [way for _, _, way in codes.ways(384, 200, ALL)] == [("binary", {"bits": 4}), ("RaBitQ4", {})]
    assert codes.ways(384, 7, ALL) == []


def test_a_line_of_the_table_has_both_libraries():
    one = {"size": 16, "kind": "SQ4", "recall": 0.5, "ranked_recall": 0.75, "error": 0.25}
    one |= {"train_seconds": 1.0, "encode_seconds": 2.0}
    run = {
        "data": {"n": 10, "dim": 2, "origin": "made"},
        "machine": {"cpu": "a processor", "processors": 2},
        "date": "today",
        "command": "benchmarks/run codes",
        "threads": 2,
        "results": [
            {**one, "library": "vecstore"},
            {**one, "library": "faiss", "recall": 0.4},
            {**one, "library": "vecstore", "kind": "SQ8"},
        ],
    }
    lines = [line for line in codes.text(run, markdown=True).splitlines() if line.startswith("| 16")]
    assert [line.split("|")[2].strip() for line in lines] == ["SQ4", "SQ8"]
    # A library that was left out has no figures.
    assert [cell.strip() for cell in lines[1].split("|")[4:-1:2]] == ["-"] * 5
    cells = [cell.strip() for cell in lines[0].split("|")[1:-1]]
    assert cells == ["16", "SQ4", "0.5000", "0.4000", "0.7500", "0.7500", "0.2500", "0.2500", "1.00", "1.00", "2.00", "2.00"]


def test_a_small_run_finds_rows():
    arguments = ["codes", "--data", "generated", "--rows", "600", "--dim", "32", "--queries", "20", "--sizes", "12,16,32"]
    found = codes.run(command_line().parse_args([*arguments, "--kinds", "PQ x4,SQ4,SQ8,RaBitQ"]), lambda text: None)
    assert {one["kind"] for one in found["results"]} == {"RaBitQ", "PQ x4", "SQ4", "SQ8"}
    assert [one["library"] for one in found["results"]] == ["vecstore", "faiss"] * (len(found["results"]) // 2)
    assert all(one["recall"] > 0.2 for one in found["results"])
    # Exact distances put the rows right that codes have found.
    assert all(one["ranked_recall"] >= one["recall"] for one in found["results"])
    assert codes.text(found, False).count("\n") > 5
    alone = codes.run(
        command_line().parse_args([*arguments, "--kinds", "PQ x4", "--libraries", "vecstore", "--training-seed", "3"]), lambda text: None)
    assert {one["library"] for one in alone["results"]} == {"vecstore"}
