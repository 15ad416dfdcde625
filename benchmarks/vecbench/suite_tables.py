# The tables of the suites filters, growth and life.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from . import stats, tables


def filters(run: dict[str, Any], group: dict[str, Any], markdown: bool) -> str:
    """A row for each selectivity and relation; the recall and the speed of each engine."""
    results = group["results"]
    header = ["rows let through", "relation to query"]
    for result in results:
        header += [f"{tables.name(result, markdown)} recall", "QPS"]
    rows = []
    for cells in zip(*(result["cells"] for result in results), strict=True):
        row = [f"{cells[0]['selectivity']:g} % ({cells[0]['rows']:,})", cells[0]["relation"]]
        for cell in cells:
            row += [f"{cell['recall']:.3f}", f"{stats.spread(cell['qps']).median:,.0f}"]
        rows.append(row)
    return tables.table(header, rows, markdown)


def growth(run: dict[str, Any], groups: list[dict[str, Any]], markdown: bool) -> str:
    """A row for each engine and number of rows, over groups that differ in their number of rows only."""
    header = ["engine", "rows", "build s", "rows/s built", "bytes/row", "file bytes/row", "highest recall"]
    header += [f"QPS at {row['recall']:g}" for row in groups[0]["comparison"]]
    labels = list(dict.fromkeys(result["label"] for group in groups for result in group["results"]))
    rows = []
    for label in labels:
        for group in groups:
            for result in group["results"]:
                if result["label"] == label:
                    rows.append(_growth_row(group, result, markdown))
    return tables.table(header, rows, markdown)


def _growth_row(group: dict[str, Any], result: dict[str, Any], markdown: bool) -> list[str]:
    seconds = stats.spread(result["build_seconds"]).median
    speeds = [row["qps"][result["label"]] for row in group["comparison"]]
    return [
        tables.name(result, markdown),
        f"{group['n']:,}",
        f"{seconds:,.1f}",
        f"{group['n'] / seconds:,.0f}",
        f"{result['resident_bytes'] / group['n']:,.0f}",
        "-" if result["file_bytes"] is None else f"{result['file_bytes'] / group['n']:,.0f}",
        f"{max(point['recall'] for point in result['points']):.4f}",
        *("-" if speed is None else f"{speed:,.0f}" for speed in speeds),
    ]


def life(run: dict[str, Any], group: dict[str, Any], markdown: bool) -> str:
    """The tables of each engine, one for each step."""
    parts = []
    for result in group["results"]:
        parts.append(f"{tables.name(result, markdown)} {_point(result['point'])}".strip())
        # A run may have left some of them out.
        if "churn" in result:
            parts.append("Every row replaced twice")
            parts.append(_churn(result["churn"], markdown))
            rates = [[way, f"{rate:,.0f}"] for way, rate in result["churn"]["rows_per_second"].items()]
            parts.append(tables.table(["change", "rows/s"], rates, markdown))
        if "files" in result:
            parts.append("Files")
            parts.append(_files(result["files"], markdown))
        if "threads" in result:
            parts.append("Search threads")
            parts.append(_threads(result["threads"]["rows"], markdown))
        if "calls" in result:
            parts.append("Calls from Python")
            parts.append(_calls(result["calls"], markdown))
        if "c" in result:
            parts.append("Calls from C")
            parts.append(_c(result["c"], markdown))
    return "\n\n".join(parts)


def _churn(churn: dict[str, Any], markdown: bool) -> str:
    points = [entry["point"] for entry in churn["stages"][0]["points"]]
    header = ["stage", "memory MB"]
    for point in points:
        header += [f"recall {_point(point)}".strip(), "QPS"]
    rows = []
    for stage in churn["stages"]:
        row = [stage["stage"], tables.megabytes(stage["memory_bytes"])]
        for entry in stage["points"]:
            row += [f"{entry['recall']:.4f}", f"{entry['qps']:,.0f}"]
        rows.append(row)
    return tables.table(header, rows, markdown)


def _files(files: dict[str, Any], markdown: bool) -> str:
    header = ["opened", "open ms", "first query ms", "QPS", "memory MB", "same results"]
    rows = [
        [
            row["way"],
            f"{row['open_seconds'] * 1000:.2f}",
            f"{row['first_query_seconds'] * 1000:.2f}",
            f"{row['qps']:,.0f}",
            tables.megabytes(row["memory_bytes"]),
            "yes" if row["same"] else "NO",
        ]
        for row in files["rows"]
    ]
    saved = (
        f"Saved {tables.megabytes(files['file_bytes'])} MB in {files['save_seconds']:.2f} s,"
        f" or {files['save_no_sync_seconds']:.2f} s without waiting for the disk."
    )
    return f"{saved}\n\n{tables.table(header, rows, markdown)}"


def _threads(rows: list[dict[str, Any]], markdown: bool) -> str:
    header = ["threads", "QPS of one call", "x", "QPS of as many callers", "x"]
    first = rows[0]
    cells = [
        [
            str(row["threads"]),
            f"{row['batch_qps']:,.0f}",
            tables.ratio(row["batch_qps"] / first["batch_qps"]),
            f"{row['callers_qps']:,.0f}",
            tables.ratio(row["callers_qps"] / first["callers_qps"]),
        ]
        for row in rows
    ]
    return tables.table(header, cells, markdown)


def _calls(calls: dict[str, Any], markdown: bool) -> str:
    rows = [
        ["a query in a batch", f"{calls['batch_us']:.1f}"],
        ["a query in a call of its own, p50", f"{calls['single_us']:.1f}"],
        ["a call that searches one row", f"{calls['one_row_us']:.1f}"],
    ]
    return tables.table(["call", "us"], rows, markdown)


def _c(found: dict[str, Any], markdown: bool) -> str:
    rows = [
        ["us of a query in a batch", f"{found['batch_us']:.1f}"],
        ["us of a query in a call of its own", f"{found['single_us']:.1f}"],
        ["us of a call that searches one row", f"{found['one_row_us']:.1f}"],
    ]
    first = found["callers_qps"][0]
    for i, qps in enumerate(found["callers_qps"]):
        rows.append([f"queries/s of {i + 1} threads with one in each call", f"{qps:,.0f} ({tables.ratio(qps / first)})"])
    return tables.table(["calls", ""], rows, markdown)


def _point(point: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in point.items())
