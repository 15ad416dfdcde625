# Recall-QPS plots.
# SPDX-License-Identifier: Apache-2.0
"""`draw`: one PNG for each group: recall across, queries per second upwards, logarithmic; up and right is better.
`draw_growth`: one PNG for a run, over the number of rows."""

from __future__ import annotations

import pathlib
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from . import stats

# Colours that differ for colour-blind eyes too; a library keeps its colour, its engines differ in marker and line.
_COLOURS = {
    "vecstore": "#000000",
    "faiss": "#0072b2",
    "hnswlib": "#d55e00",
    "usearch": "#009e73",
    "numpy": "#cc79a7",
    "vsag": "#e69f00",
    "zvec": "#56b4e9",
    "qdrant-edge": "#8c6d31",
}
_MARKERS = "osD^vPX"
_LINES = ("-", "--", ":", "-.")
# The part of the recall axis that people choose from.
_LEAST_RECALL = 0.8


def draw(run: dict[str, Any], group: dict[str, Any], path: pathlib.Path) -> None:
    """Writes the plot of one group."""
    figure, axes = plt.subplots(figsize=(9, 6), dpi=130)
    names: dict[str, list[str]] = {}
    settings: dict[str, list[str]] = {}
    for result in group["results"]:
        engines = names.setdefault(result["library"], [])
        if result["engine"] not in engines:
            engines.append(result["engine"])
        ways = settings.setdefault(result["engine"], [])
        ways.append(result["label"])
        measured = sorted((point["recall"], stats.spread(point["qps"])) for point in result["points"])
        recalls = [recall for recall, _ in measured]
        medians = [speed.median for _, speed in measured]
        below = [speed.median - speed.low for _, speed in measured]
        above = [speed.high - speed.median for _, speed in measured]
        axes.errorbar(
            recalls,
            medians,
            yerr=[below, above],
            label=result["label"],
            color=_COLOURS.get(result["library"], "#999999"),
            marker=_MARKERS[engines.index(result["engine"]) % len(_MARKERS)],
            linestyle=_LINES[(len(ways) - 1) % len(_LINES)],
            markersize=5,
            linewidth=2.2 if result["ours"] else 1.3,
            elinewidth=0.8,
        )
    lowest = min((point["recall"] for result in group["results"] for point in result["points"]), default=0)
    axes.set_xlim(max(_LEAST_RECALL, lowest - 0.005), 1.003)
    axes.set_yscale("log")
    for show in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        show(lambda value, _: f"{value:,.0f}" if f"{value:.0f}"[0] in "125" else "")
    axes.set_xlabel(f"recall@{run['options']['k']}")
    axes.set_ylabel(f"queries per second, {group['threads']} search thread(s), batch of {run['data']['nq']:,}")
    axes.set_title(
        f"{run['data']['n']:,} x {run['data']['dim']} ({run['data']['origin'].split(':')[0]}), {group['metric']}\n"
        f"{run['machine']['cpu']}, {run['date'][:10]}",
        fontsize=10,
    )
    axes.grid(True, which="both", linewidth=0.3)
    axes.legend(fontsize=8, loc="best")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def draw_growth(run: dict[str, Any], groups: list[dict[str, Any]], path: pathlib.Path) -> None:
    """Writes what becomes of building, searching and memory, over groups that differ in their rows only."""
    recall = groups[0]["comparison"][0]["recall"]

    def speeds(group: dict[str, Any]) -> dict[str, Any]:
        return group["comparison"][0]["qps"]

    panels = {
        "seconds to build": lambda group, result: stats.spread(result["build_seconds"]).median,
        f"queries per second at recall {recall:g}": lambda group, result: speeds(group)[result["label"]],
        "bytes of memory per row": lambda group, result: result["resident_bytes"] / group["n"],
    }
    figure, all_axes = plt.subplots(1, 3, figsize=(15, 5), dpi=130)
    for axes, (title, value) in zip(all_axes, panels.items()):
        lines: dict[str, list[tuple[int, float]]] = {}
        libraries: dict[str, str] = {}
        for group in groups:
            for result in group["results"]:
                libraries[result["label"]] = result["library"]
                y = value(group, result)
                if y is not None:
                    lines.setdefault(result["label"], []).append((group["n"], y))
        for i, (label, points) in enumerate(lines.items()):
            colour = _COLOURS.get(libraries[label], "#999999")
            axes.plot(*zip(*points), label=label, color=colour, marker=_MARKERS[i % len(_MARKERS)])
        axes.set_xscale("log")
        axes.set_yscale("linear" if "memory" in title else "log")
        axes.set_xlabel("rows")
        axes.set_title(title, fontsize=10)
        axes.grid(True, which="both", linewidth=0.3)
    all_axes[0].legend(fontsize=8, loc="best")
    figure.suptitle(f"{run['data']['origin'].split(':')[0]}; {run['machine']['cpu']}, {run['date'][:10]}", fontsize=10)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
