# What an index goes through in its life: calls, threads, files, and the change of all its rows.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from .suite import Group


class LifeGroup(Group):
    """Does the steps one after the other; the last, churn, leaves another index behind."""

    def search(self) -> None:
        options = self.options
        for child, result in list(self.children):
            points = [entry["point"] for entry in result.pop("points")]
            # Where there is a choice: neither the narrowest nor the widest beam.
            point = points[len(points) // 2]
            steps: dict[str, dict[str, Any]] = {
                "calls": {"point": point, "count": options.singles, "seconds": options.seconds},
                "c": {"point": point, "seconds": options.seconds, "threads": max(options.scale)},
                "threads": {"point": point, "counts": options.scale, "seconds": options.seconds},
                "files": {"point": point, "seconds": options.seconds},
                "churn": {
                    "points": points,
                    "truth": str(self.dataset.truth_file(self.metric)),
                    "metric": self.metric,
                    "batch": options.batch,
                    "threads": self.build_threads(),
                    "seed": options.seed,
                },
            }
            result["point"] = point
            for step in options.steps:
                arguments = steps[step]
                self.say(f"{self.title()}: {step} of {child.label}")
                with self.without_failing(child):
                    if child.alive:
                        result[step] = child.call("life", step=step, **arguments)
