# The results as text: tables for a terminal or for Markdown, and what a reader must know of them.
# SPDX-License-Identifier: Apache-2.0
"""Works on what lies in the JSON, so that tables can be printed again from a file."""

from __future__ import annotations

from typing import Any, Optional

from . import compare, stats, suite_tables, tables

# More than this share of one processor taken by other programs makes medians doubtful.
_NOISE = 0.1


def text(run: dict[str, Any], markdown: bool = False, points: bool = False) -> str:
    """Everything about one run. `points` adds each point of the curves of `ann` and `growth`."""
    parts = [_heading(run, markdown)]
    groups = run["groups"]
    if run["suite"] == "growth":
        # Its groups also differ in the number of rows, which is what one table compares.
        for metric, threads in dict.fromkeys((group["metric"], group["threads"]) for group in groups):
            same = [group for group in groups if (group["metric"], group["threads"]) == (metric, threads)]
            parts.append(_title(run, same[0], markdown))
            parts.append(suite_tables.growth(run, same, markdown))
    else:
        for group in groups:
            parts.append(_title(run, group, markdown))
            # Where every engine failed or is not available, there is nothing but the notes.
            parts.append(_TABLES[run["suite"]](run, group, markdown) if group["results"] else "")
    if points and run["suite"] in ("ann", "ivf", "growth"):
        for group in groups:
            if len(groups) > 1:
                parts.append(f"{_title(run, group, markdown)}, {group['n']:,} rows")
            parts.append(_points_table(run, group, markdown))
    parts.append("\n".join(("- " if markdown else "  ") + line for line in _notes(run)))
    return "\n\n".join(part for part in parts if part)


def _title(run: dict[str, Any], group: dict[str, Any], markdown: bool) -> str:
    return ("### " if markdown else "") + f"{run['suite']}: {group['metric']}, search threads {group['threads']}"


def _heading(run: dict[str, Any], markdown: bool) -> str:
    machine, shape = run["machine"], run["data"]
    rows = " or ".join(f"{n:,}" for n in run["options"].get("sizes") or [shape["n"]])
    lines = [
        f"{shape['nq']:,} queries x {rows} rows x {shape['dim']}, float32, k = {run['options']['k']};"
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
                tables.name(result, markdown),
                tables.qps(stats.spread(point["qps"])),
                tables.ratio(ratios and ratios["median_ratio"][result["label"]]),
                tables.ratio(ratios and ratios["best_ratio"][result["label"]]),
                f"{stats.spread(point['queries_per_cpu_second']).median:,.0f}",
                f"{point['recall']:.4f}",
                *(f"{latency[name] / 1000:.2f}" for name in ("p50", "p95", "p99")),
                f"{stats.spread(result['build_seconds']).median:.2f}",
                tables.megabytes(result["resident_bytes"]),
                tables.megabytes(point["search_peak_bytes"]),
                tables.megabytes(result["file_bytes"]),
            ]
        )
    return tables.table(header, rows, markdown)


def _ann_table(run: dict[str, Any], group: dict[str, Any], markdown: bool) -> str:
    header = ["engine", "build s", "memory MB", "file MB", "highest recall"]
    header += [f"QPS at {row['recall']:g}" for row in group["comparison"]]
    rows = []
    for result in group["results"]:
        cells = [
            tables.name(result, markdown),
            f"{stats.spread(result['build_seconds']).median:.1f}",
            tables.megabytes(result["resident_bytes"]),
            tables.megabytes(result["file_bytes"]),
            f"{max(point['recall'] for point in result['points']):.4f}",
        ]
        for row in group["comparison"]:
            qps = row["qps"][result["label"]]
            cell = "-" if qps is None else f"{qps:,.0f}"
            if qps is not None and result["ours"] and row["best_peer"]:
                cell += f" ({tables.ratio(qps / row['qps'][row['best_peer']])})"
            elif result["label"] == row["best_peer"]:
                cell += " *"
            cells.append(cell)
        rows.append(cells)
    return tables.table(header, rows, markdown)


_TABLES = {
    "exact": _exact_table,
    "ann": _ann_table,
    "ivf": _ann_table,
    "filters": suite_tables.filters,
    "life": suite_tables.life,
}


def _points_table(run: dict[str, Any], group: dict[str, Any], markdown: bool) -> str:
    header = [
        "engine", "searched with", f"recall@{run['options']['k']}", "QPS median (min...max)",
        "p50 us", "p95 us", "p99 us",
    ]  # fmt: skip
    rows = [
        [
            tables.name(result, markdown),
            " ".join(f"{name}={value}" for name, value in point["point"].items()) or "-",
            f"{point['recall']:.4f}",
            tables.qps(stats.spread(point["qps"])),
            *(f"{point['latency_us'][name]:,.0f}" for name in ("p50", "p95", "p99")),
        ]
        for result in group["results"]
        for point in result["points"]
    ]
    return tables.table(header, rows, markdown)


def _notes(run: dict[str, Any]) -> list[str]:
    """What the columns mean, and everything that limits the figures."""
    lines = _meanings(run)
    lines += _by_reason("", list(run["engine_notes"].items()))
    for group in run["groups"]:
        lines += _attention(run, group)
    if run["interrupted"]:
        lines.append("The run was interrupted: groups are missing.")
    reasons = [(absent["label"], absent["reason"]) for group in run["groups"] for absent in group["absent"]]
    lines += _by_reason("NOT AVAILABLE", reasons)
    return lines + _by_reason(
        "FAILED", [(failure["label"], failure["error"]) for group in run["groups"] for failure in group["failures"]]
    )


def _meanings(run: dict[str, Any]) -> list[str]:
    """What the columns mean."""
    options, suite = run["options"], run["suite"]
    repeats = options["repeats"]
    builds = sorted({result["build_threads"] for group in run["groups"] for result in group["results"]})
    graphs = (
        f"Graphs were built with ef_construction = {options.get('ef_construction')}"
        f" on {' and '.join(map(str, builds))} thread(s)."
    )
    memory = (
        "memory: growth of resident memory by the build, over the loaded float32 rows;"
        " an engine that searches the rows in place adds little."
    )
    if suite == "filters":
        return [
            f"{options['groups']} groups of {options['group_queries']} queries that are near each other, each group"
            f" with its own filter. QPS: one group in one call, median of {repeats} repeats, engines taking turns.",
            "independent: rows at random; correlated: the rows nearest to the middle of the group; opposed: the rows"
            " farthest from it. Making the filter is not in the time.",
            f"recall is that of exact filtered search. Graphs are searched with ef_search ="
            f" {options['ef_search'][0]}. {graphs}",
        ]
    if suite == "life":
        return [
            "churn: the same vectors, under other ids in the end, so that recall compares with the same truth."
            f" Changes came in calls of {options['batch']:,} rows; a fresh build took all rows in one call. {graphs}",
            "file: freshly written, so the system has it in memory; memory is what the index itself says.",
            "QPS of as many callers: threads of Python that search one query after the other, each on one thread.",
        ]
    speed = f"QPS: all queries in one call, {repeats} repeats, engines taking turns."
    single = "p50, p95, p99: one query at a time, called from Python."
    if suite == "exact":
        return [
            speed,
            single,
            memory,
            "x best peer: ratio of medians; best of each: fastest repeat against the peer's fastest repeat.",
            "per cpu s: queries in a second of processor time, median; taking turns with others hardly lowers it.",
            "search +MB: the most that a batch search adds for its own work.",
        ]
    at_recall = "QPS at a recall: interpolated between measured points"
    if suite == "ann":
        at_recall += "; * is the best peer, to which ratios compare"
        return [speed, single, memory, f"{at_recall}. {graphs}"]
    if suite == "ivf":
        at_recall += "; * is the best peer, to which ratios compare"
        return [
            speed,
            single,
            memory,
            f"{at_recall}. Trained and built on {' and '.join(map(str, builds))} thread(s); all rank by float32 rows.",
        ]
    return [speed, memory.replace("memory", "bytes/row", 1), f"{at_recall}. {graphs}"]


def _attention(run: dict[str, Any], group: dict[str, Any]) -> list[str]:
    """What in a group makes its figures doubtful."""
    lines = []
    where = f"({group['metric']}, threads {group['threads']}{_rows(run, group)})"
    for result in group["results"]:
        used = max((point["processors_used"] for point in _points(result)), default=0)
        if used > 1.1 * group["threads"]:
            lines.append(f"ATTENTION {result['label']} kept {used:.1f} processors busy {where}.")
        if run["suite"] == "exact" and result["points"][0]["recall"] < compare.EXACT_RECALL:
            recall = result["points"][0]["recall"]
            lines.append(f"ATTENTION {result['label']} is not exact: recall {recall:.4f} {where}.")
    noise = _noise(group)
    if noise is not None and noise > _NOISE:
        lines.append(
            f"Other programs kept {noise:.2f} of {run['machine']['processors']} processors busy during the timings"
            f" {where}: trust the best of the repeats more than the median."
            + (" Engines whose threads wait for each other suffer most." if group["threads"] > 1 else "")
        )
    return lines


def _rows(run: dict[str, Any], group: dict[str, Any]) -> str:
    """Tells groups apart that differ in their number of rows."""
    return f", {group['n']:,} rows" if run["suite"] == "growth" else ""


def _points(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What was measured of an engine while only it worked; `life` uses several processors on purpose."""
    return result.get("points") or result.get("cells") or []


def _by_reason(word: str, labels_and_reasons: list[tuple[str, str]]) -> list[str]:
    """One line for each reason, with all that it applies to."""
    reasons: dict[str, list[str]] = {}
    for label, reason in labels_and_reasons:
        labels = reasons.setdefault(reason, [])
        if label not in labels:
            labels.append(label)
    return [f"{word} {', '.join(labels)}: {reason}".lstrip() for reason, labels in reasons.items()]


def _noise(group: dict[str, Any]) -> Optional[float]:
    values = [point["processors_others"] for result in group["results"] for point in _points(result)]
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else None


def _fastest_first(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(results, key=lambda result: -stats.spread(result["points"][0]["qps"]).median)
