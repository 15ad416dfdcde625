# Engines against the best peer.
# SPDX-License-Identifier: Apache-2.0
"""A peer is an engine that is not part of this project. Works on the results of one group, as they lie in the JSON."""

from __future__ import annotations

from typing import Any, Optional

from . import stats

# An exact engine may lose a tie to rounding, but not more.
EXACT_RECALL = 0.9999


def exact(results: list[dict[str, Any]]) -> Optional[dict[str, Any]]:
    """The fastest exact peer, by the median and by the best of the repeats, and each engine's ratio to it.

    None where no peer was exact.
    """
    peers = [result for result in results if not result["ours"] and result["points"][0]["recall"] >= EXACT_RECALL]
    if not peers:
        return None
    speeds = {result["label"]: stats.spread(result["points"][0]["qps"]) for result in results}
    median_peer = max((peer["label"] for peer in peers), key=lambda label: speeds[label].median)
    best_peer = max((peer["label"] for peer in peers), key=lambda label: speeds[label].high)
    return {
        "median_peer": median_peer,
        "best_peer": best_peer,
        "median_ratio": {label: speed.median / speeds[median_peer].median for label, speed in speeds.items()},
        "best_ratio": {label: speed.high / speeds[best_peer].high for label, speed in speeds.items()},
    }


def ann(results: list[dict[str, Any]], targets: list[float]) -> list[dict[str, Any]]:
    """For each recall aimed at: the speed of every engine there, and the fastest peer."""
    rows = []
    for target in targets:
        qps = {result["label"]: stats.qps_at_recall(_curve(result), target) for result in results}
        peers = {result["label"]: qps[result["label"]] or 0.0 for result in results if not result["ours"]}
        best = max(peers, key=lambda label: peers[label], default=None)
        if best is not None and not peers[best]:
            best = None
        rows.append({"recall": target, "qps": qps, "best_peer": best})
    return rows


def _curve(result: dict[str, Any]) -> list[tuple[float, float]]:
    return [(point["recall"], stats.spread(point["qps"]).median) for point in result["points"]]
