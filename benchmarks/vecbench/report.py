# The results as text: tables for a terminal or for Markdown, and what a reader must know of them.
# SPDX-License-Identifier: Apache-2.0
"""Works on what lies in the JSON, so that tables can be printed again from a file."""

from __future__ import annotations

from typing import Any, Optional

from . import compare, stats

# More than this share of one processor taken by other programs makes medians doubtful.
_NOISE = 0.1


def text(run: dict[str, Any], markdown: bool = False, points: bool = False) -> str:
    """Everything about one run. `points` adds each point of the curves of `ann`."""
    parts = [_heading(run, markdown)]
    for group in run["groups"]:
        title = f"{run['suite']}: {group['metric']}, search threads {group['threads']}"
        parts.append(("### " if markdown else "") + title)
        if run["suite"] == "exact":
            parts.append(_exact_table(run, group, markdown))
        else:
            parts.append(_ann_table(run, group, markdown))
            if points:
                parts.append(_points_table(run, group, markdown))
    parts.append("\n".join(("- " if markdown else "  ") + line for line in _notes(run)))
    return "\n\n".join(part for part in parts if part)


def _heading(run: dict[str, Any], markdown: bool) -> str:
    machine, shape = run["machine"], run["data"]
    lines = [
        f"{shape['nq']:,} queries x {shape['n']:,} rows x {shape['dim']}, float32, k = {run['options']['k']};"
        f" {shape['origin']}",
        f"{machine['cpu']}, {machine['processors']} processors, {machine['memory_bytes'] / 2**30:.0f} GiB,"
        f" {' '.join(machine['caches'])}; {machine['system']}, Linux {machine['kernel']}; {run['date']}",
        "; ".join(f"{library} {version}" for library, version in run["versions"].items()),
        f"`{run['command']}`" if markdown else run["command"],
    ]
    return "\n".join(("- " if markdown else "") + line for line in lines)


def _exact_table(run: dict[str, Any], group: dict[str, Any], markdown: bool) -> str:
    ratios = group["comparison"]
    header = [
        "engine", "QPS median (min...max)", "x best peer", "best of each",
        "per cpu s", f"recall@{run['options']['k']}",
        "p50 ms", "p95 ms", "p99 ms", "build s", "memory MB", "search +MB", "file MB",
    ]  # fmt: skip
    rows = []
    for result in _fastest_first(group["results"]):
        point = result["points"][0]
        latency = point["latency_us"]
        rows.append(
            [
                _name(result, markdown),
                _qps(stats.spread(point["qps"])),
                _ratio(ratios and ratios["median_ratio"][result["label"]]),
                _ratio(ratios and ratios["best_ratio"][result["label"]]),
                f"{stats.spread(point['queries_per_cpu_second']).median:,.0f}",
                f"{point['recall']:.4f}",
                *(f"{latency[name] / 1000:.2f}" for name in ("p50", "p95", "p99")),
                f"{stats.spread(result['build_seconds']).median:.2f}",
                _megabytes(result["resident_bytes"]),
                _megabytes(point["search_peak_bytes"]),
                _megabytes(result["file_bytes"]),
            ]
        )
    return _table(header, rows, markdown)


def _ann_table(run: dict[str, Any], group: dict[str, Any], markdown: bool) -> str:
    header = ["engine", "build s", "memory MB", "file MB", "highest recall"]
    header += [f"QPS at {row['recall']:g}" for row in group["comparison"]]
    rows = []
    for result in group["results"]:
        cells = [
            _name(result, markdown),
            f"{stats.spread(result['build_seconds']).median:.1f}",
            _megabytes(result["resident_bytes"]),
            _megabytes(result["file_bytes"]),
            f"{max(point['recall'] for point in result['points']):.4f}",
        ]
        for row in group["comparison"]:
            qps = row["qps"][result["label"]]
            cell = "-" if qps is None else f"{qps:,.0f}"
            if qps is not None and result["ours"] and row["best_peer"]:
                cell += f" ({_ratio(qps / row['qps'][row['best_peer']])})"
            elif result["label"] == row["best_peer"]:
                cell += " *"
            cells.append(cell)
        rows.append(cells)
    return _table(header, rows, markdown)


def _points_table(run: dict[str, Any], group: dict[str, Any], markdown: bool) -> str:
    header = [
        "engine", "searched with", f"recall@{run['options']['k']}", "QPS median (min...max)",
        "p50 us", "p95 us", "p99 us",
    ]  # fmt: skip
    rows = [
        [
            _name(result, markdown),
            " ".join(f"{name}={value}" for name, value in point["point"].items()) or "-",
            f"{point['recall']:.4f}",
            _qps(stats.spread(point["qps"])),
            *(f"{point['latency_us'][name]:,.0f}" for name in ("p50", "p95", "p99")),
        ]
        for result in group["results"]
        for point in result["points"]
    ]
    return _table(header, rows, markdown)


def _notes(run: dict[str, Any]) -> list[str]:
    """What the columns mean, and everything that limits the figures."""
    repeats = run["options"]["repeats"]
    lines = [
        f"QPS: all queries in one call, {repeats} repeats, engines taking turns.",
        "p50, p95, p99: one query at a time, called from Python.",
        "memory: growth of resident memory by the build, over the loaded float32 rows;"
        " an engine that searches the rows in place adds little.",
    ]
    if run["suite"] == "exact":
        lines.append("x best peer: ratio of medians; best of each: fastest repeat against the peer's fastest repeat.")
        lines.append(
            "per cpu s: queries in a second of processor time, median; taking turns with others hardly lowers it."
        )
        lines.append("search +MB: the most that a batch search adds for its own work.")
    else:
        threads = sorted({result["build_threads"] for group in run["groups"] for result in group["results"]})
        lines.append(
            "QPS at a recall: interpolated between measured points; * is the best peer, to which ratios compare."
            f" Graphs were built with ef_construction = {run['options']['ef_construction']}"
            f" on {' and '.join(map(str, threads))} thread(s)."
        )
    lines += [f"{name}: {note}" for name, note in run["engine_notes"].items()]

    for group in run["groups"]:
        where = f"({group['metric']}, threads {group['threads']})"
        for result in group["results"]:
            points = result["points"]
            used = max(point["processors_used"] for point in points)
            if used > 1.1 * group["threads"]:
                lines.append(f"ATTENTION {result['label']} kept {used:.1f} processors busy {where}.")
            if run["suite"] == "exact" and points[0]["recall"] < compare.EXACT_RECALL:
                lines.append(f"ATTENTION {result['label']} is not exact: recall {points[0]['recall']:.4f} {where}.")
        noise = _noise(group)
        if noise is not None and noise > _NOISE:
            lines.append(
                f"Other programs kept {noise:.2f} of {run['machine']['processors']} processors busy during the timings"
                f" {where}: trust the best of the repeats more than the median."
                + (" Engines whose threads wait for each other suffer most." if group["threads"] > 1 else "")
            )
    if run["interrupted"]:
        lines.append("The run was interrupted: groups are missing.")
    return lines + _failures(run)


def _failures(run: dict[str, Any]) -> list[str]:
    """One line for each reason, with all that failed for it."""
    reasons: dict[str, list[str]] = {}
    for group in run["groups"]:
        for failure in group["failures"]:
            labels = reasons.setdefault(failure["error"], [])
            if failure["label"] not in labels:
                labels.append(failure["label"])
    return [f"FAILED {', '.join(labels)}: {error}" for error, labels in reasons.items()]


def _noise(group: dict[str, Any]) -> Optional[float]:
    values = [point["processors_others"] for result in group["results"] for point in result["points"]]
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else None


def _fastest_first(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(results, key=lambda result: -stats.spread(result["points"][0]["qps"]).median)


def _name(result: dict[str, Any], markdown: bool) -> str:
    return f"**{result['label']}**" if markdown and result["ours"] else result["label"]


def _qps(speed: stats.Spread) -> str:
    return f"{speed.median:,.0f} ({speed.low:,.0f}...{speed.high:,.0f})"


def _ratio(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:.2f}x"


def _megabytes(value: Optional[int]) -> str:
    return "-" if value is None else f"{max(0, value) / 1e6:,.1f}"


def _table(header: list[str], rows: list[list[str]], markdown: bool) -> str:
    """The first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(cells: list[str]) -> str:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
        padded[0] = cells[0].ljust(widths[0])
        return f"| {' | '.join(padded)} |" if markdown else "  ".join(padded)

    if markdown:
        rule = "|" + "|".join("-" * (width + 1) + ("-" if i == 0 else ":") for i, width in enumerate(widths)) + "|"
    else:
        rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(header), rule, *(line(row) for row in rows)])
