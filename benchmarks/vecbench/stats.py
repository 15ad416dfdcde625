# The arithmetic of repeated measurements.
# SPDX-License-Identifier: Apache-2.0
"""Medians and spreads, percentiles, and the speed of a recall-QPS curve at a given recall."""

from __future__ import annotations

import math
import statistics
from typing import NamedTuple, Optional, Sequence


class Spread(NamedTuple):
    """What repeats of one measurement gave."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Median, least and greatest of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of the values lie, interpolated between the two nearest."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    above = math.ceil(place)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The (recall, qps) points that no other point beats in both, by rising recall and so by falling qps."""
    best: list[tuple[float, float]] = []
    for recall, qps in sorted(points, reverse=True):
        if not best or qps > best[-1][1]:
            best.append((recall, qps))
    return best[::-1]


def qps_at_recall(points: Sequence[tuple[float, float]], recall: float) -> Optional[float]:
    """The speed of a curve where it reaches `recall`; None where it never does.

    Between two measured points the logarithm of the speed is taken to be linear in the recall. Below the lowest
    measured recall the answer is the fastest point: it is at least as good as asked for.
    """
    curve = front(points)
    if not curve or recall > curve[-1][0]:
        return None
    if recall <= curve[0][0]:
        return curve[0][1]
    for (low, fast), (high, slow) in zip(curve, curve[1:]):
        if recall <= high:
            share = (recall - low) / (high - low)
            return math.exp(math.log(fast) + (math.log(slow) - math.log(fast)) * share)
    raise AssertionError("the curve ends at its highest recall")
