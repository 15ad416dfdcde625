# The tables and the remarks under them.
# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from vecbench import compare, report


def result(label, qps, recall=1.0, ours=False, processors_used=1.0, processors_others=0.0):
    return {
        "label": label,
        "ours": ours,
        "build_seconds": [1.0],
        "build_threads": 2,
        "resident_bytes": 92_000_000,
        "file_bytes": None,
        "points": [
            {
                "point": {"ef_search": 10},
                "recall": recall,
                "qps": qps,
                "queries_per_cpu_second": qps,
                "latency_us": {"p50": 1000.0, "p95": 2000.0, "p99": 3000.0},
                "search_peak_bytes": 0,
                "processors_used": processors_used,
                "processors_others": processors_others,
            }
        ],
    }


def run(suite, results, failures=()):
    comparison = compare.exact(results) if suite == "exact" else compare.ann(results, [0.9])
    group = {
        "n": 60000,
        "metric": "ip",
        "threads": 1,
        "results": results,
        "comparison": comparison,
        "failures": [{"label": label, "error": error} for label, error in failures],
        "absent": [],
    }
    whole = {
        "suite": suite,
        "date": "2030-01-02 03:04 UTC",
        "command": "benchmarks/run",
        "options": {"k": 10, "repeats": 3, "ef_construction": 200},
        "machine": {
            "cpu": "a processor",
            "processors": 2,
            "memory_bytes": 2**34,
            "caches": ["L2 1M"],
            "system": "a system",
            "kernel": "6",
        },
        "data": {"nq": 1000, "n": 60000, "dim": 384, "origin": "generated: some"},
        "versions": {"library": "1"},
        "interrupted": False,
        "engine_notes": {"peer": "a limitation"},
        "groups": [group],
    }
    return json.loads(json.dumps(whole))


OURS = result("ours", [300, 200, 250], ours=True)
PEER = result("peer", [100, 100, 100])


@pytest.mark.parametrize("suite", ["exact", "ann"])
def test_markdown_rows_have_as_many_cells_as_the_header(suite):
    text = report.text(run(suite, [OURS, PEER]), markdown=True, points=True)
    tables = [block for block in text.split("\n\n") if block.startswith("| engine")]
    assert len(tables) == (1 if suite == "exact" else 2)
    for table in tables:
        assert len({line.count("|") for line in table.split("\n")}) == 1
        assert "**ours**" in table


def test_the_exact_table_shows_spread_and_ratio():
    text = report.text(run("exact", [OURS, PEER]))
    line = next(line for line in text.split("\n") if line.startswith("ours"))
    assert "250 (200...300)" in line and "2.50x" in line and "3.00x" in line and "1.00" in line


def test_the_ann_table_marks_the_best_peer_and_our_ratio_to_it():
    text = report.text(run("ann", [OURS, PEER]))
    assert "250 (2.50x)" in text and "100 *" in text


def test_limitations_of_peers_are_printed():
    assert "peer: a limitation" in report.text(run("exact", [OURS, PEER]))


def test_an_engine_with_more_threads_than_it_was_given_is_called_out():
    text = report.text(run("exact", [OURS, result("greedy", [100], processors_used=1.9)]))
    assert "ATTENTION greedy kept 1.9 processors busy" in text


def test_an_engine_that_should_be_exact_and_is_not_is_called_out():
    text = report.text(run("exact", [OURS, PEER, result("sloppy", [100], recall=0.9)]))
    assert "ATTENTION sloppy is not exact" in text


def test_a_busy_machine_is_called_out():
    busy = result("peer", [100], processors_others=1.0)
    assert "Other programs kept" in report.text(run("exact", [busy]))
    assert "Other programs kept" not in report.text(run("exact", [PEER]))


def test_an_interrupted_run_says_so():
    cut_short = run("exact", [PEER]) | {"interrupted": True}
    assert "interrupted" in report.text(cut_short)


def test_failures_with_one_reason_are_one_line():
    text = report.text(run("exact", [PEER], [("a", "no library"), ("b", "no library"), ("c", "killed")]))
    assert "FAILED a, b: no library" in text and "FAILED c: killed" in text


def test_what_is_not_available_is_told_from_a_failure():
    whole = run("ann", [PEER])
    whole["groups"][0]["absent"] = [{"label": label, "reason": "no such index"} for label in ("x", "y")]
    text = report.text(whole)
    assert "NOT AVAILABLE x, y: no such index" in text and "FAILED" not in text


def test_engines_with_one_limitation_share_a_line():
    whole = run("exact", [PEER]) | {"engine_notes": {"a": "slow", "b": "slow", "c": "small"}}
    text = report.text(whole)
    assert "  a, b: slow" in text and "  c: small" in text


def filter_cell(relation, recall, qps):
    cell = {"selectivity": 0.1, "relation": relation, "rows": 60, "recall": recall, "qps": qps}
    return cell | {"processors_used": 1.0, "processors_others": 0.0}


def test_filters_have_a_row_for_each_cell_and_two_columns_for_each_engine():
    results = [
        {key: value for key, value in each.items() if key != "points"}
        | {"cells": [filter_cell("independent", 0.5, [10, 30, 20]), filter_cell("opposed", 0.25, [5, 5, 5])]}
        for each in (OURS, PEER)
    ]
    whole = run("exact", [OURS, PEER]) | {"suite": "filters"}
    whole["groups"][0]["results"] = results
    whole["options"] |= {"groups": 2, "group_queries": 5, "ef_search": [64]}
    lines = report.text(whole, markdown=True).split("\n")
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 4 and len({line.count("|") for line in table}) == 1
    assert "0.1 % (60)" in table[2] and table[2].count("0.500") == 2 and table[2].count("20") == 2


def test_growth_has_one_table_for_all_sizes():
    small, large = run("ann", [OURS, PEER])["groups"][0], run("ann", [OURS, PEER])["groups"][0]
    small["n"] = 1000
    whole = run("ann", [OURS, PEER]) | {"suite": "growth", "groups": [small, large]}
    whole["options"]["sizes"] = [1000, 60000]
    text = report.text(whole)
    assert "1,000 or 60,000 rows" in text
    lines = [line.split() for line in text.split("\n") if line.startswith("peer ")]
    # Label, rows, seconds, rows a second, bytes a row.
    assert [line[1:5] for line in lines] == [["1,000", "1.0", "1,000", "92,000"], ["60,000", "1.0", "60,000", "1,533"]]


def test_life_shows_every_step():
    stages = [
        {"stage": stage, "memory_bytes": 5_000_000, "points": [{"point": {"ef_search": 64}, "recall": 0.9, "qps": 100}]}
        for stage in ("built", "fresh build")
    ]
    opened = {"way": "mapped", "open_seconds": 0.001, "first_query_seconds": 0.002, "qps": 50, "memory_bytes": 0}
    lived = {
        "point": {"ef_search": 64},
        "churn": {"stages": stages, "rows_per_second": {"update": 1234.0}, "compact_seconds": 0.5, "batch": 1000},
        "files": {
            "save_seconds": 0.5,
            "save_no_sync_seconds": 0.25,
            "file_bytes": 7_000_000,
            "rows": [opened | {"same": False}],
        },
        "threads": {
            "rows": [
                {"threads": 1, "batch_qps": 100, "callers_qps": 80},
                {"threads": 2, "batch_qps": 190, "callers_qps": 120},
            ]
        },
        "calls": {"batch_us": 10.0, "single_us": 12.5, "one_row_us": 2.0},
        "c": {"batch_us": 9.0, "single_us": 9.25, "one_row_us": 1.5, "callers_qps": [100, 195]},
    }
    whole = run("exact", [OURS]) | {"suite": "life"}
    whole["options"]["batch"] = 1000
    whole["groups"][0]["results"] = [{key: value for key, value in OURS.items() if key != "points"} | lived]
    text = report.text(whole)
    assert "ours ef_search=64" in text and "1,234" in text and "7.0 MB" in text
    # Two threads against one, a result that is not the same, and a call of its own.
    assert "1.90x" in text and "1.50x" in text and "NO" in text and "12.5" in text
    assert "195 (1.95x)" in text
    del whole["groups"][0]["results"][0]["churn"]
    text = report.text(whole)
    assert "1,234" not in text and "12.5" in text
