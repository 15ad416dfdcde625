# Recall-QPS plots.
# SPDX-License-Identifier: Apache-2.0
"""One PNG for each group: recall across, queries per second upwards, logarithmic. Up and to the right is better."""

from __future__ import annotations

import pathlib
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from . import stats

# Colours that differ for colour-blind eyes too; a library keeps its colour, its engines differ in marker and line.
_COLOURS = {"vecstore": "#000000", "faiss": "#0072b2", "hnswlib": "#d55e00", "usearch": "#009e73", "numpy": "#cc79a7"}
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
            color=_COLOURS.get(result["library"], "#56b4e9"),
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
