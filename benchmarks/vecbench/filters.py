# Search among the rows that a filter lets through.
# SPDX-License-Identifier: Apache-2.0
"""A cell of the table is one selectivity (the share of rows let through) and one relation of filter and queries.

Queries come in groups of queries that are near each other, each with a filter of its own: rows at random, the rows
nearest to the middle of the group, or the rows farthest from it. A filter that is opposed to the query is the hard
case for a graph: the walk arrives where nothing may be returned.
"""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

import numpy as np

from . import data, recall, stats
from .suite import Group

RELATIONS = ("independent", "correlated", "opposed")


def query_groups(queries: np.ndarray, groups: int, size: int, random: np.random.Generator) -> list[np.ndarray]:
    """Groups of different queries, by their places: each is a random query, which comes first, and those near it."""
    left = np.arange(len(queries))
    found = []
    for _ in range(groups):
        centre = queries[random.choice(left)]
        order = np.argsort(np.square(queries[left] - centre).sum(axis=1), kind="stable")
        found.append(left[order[:size]])
        left = np.delete(left, order[:size])
    return found


def allowed_rows(relation: str, closeness: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """A filter (n,) that lets `count` rows through. closeness (n,) is larger for rows closer to the queries."""
    if relation == "independent":
        picked = random.permutation(len(closeness))[:count]
    elif relation == "correlated":
        picked = np.argpartition(-closeness, count - 1)[:count]
    elif relation == "opposed":
        picked = np.argpartition(closeness, count - 1)[:count]
    else:
        raise ValueError(f"relation must be one of {', '.join(RELATIONS)}, not {relation!r}")
    allowed = np.zeros(len(closeness), dtype=bool)
    allowed[picked] = True
    return allowed


class Truth:
    """What the queries of a group should find among the rows that a filter lets through."""

    def __init__(self, base: np.ndarray, queries: np.ndarray, allowed: np.ndarray, k: int, metric: str) -> None:
        self.base, self.queries, self.allowed, self.k, self.metric = base, queries, allowed, k, metric
        rows = base[np.flatnonzero(allowed)]
        nearest = data.exact_truth(rows, queries, k, metric)
        self.limits = recall.kth_distances(rows, queries, nearest, k, metric)

    def recall(self, found: np.ndarray) -> np.ndarray:
        """The recall of each query. A result that the filter does not let through is a miss."""
        found = found.astype(np.int64)
        inside = (found >= 0) & (found < len(self.allowed))
        inside &= self.allowed[np.where(inside, found, 0)]
        return recall.recall(self.base, self.queries, np.where(inside, found, -1), self.limits, self.k, self.metric)


class FilterGroup(Group):
    """Searches what was built once for each cell, group of queries and repeat, engines taking turns."""

    def search(self) -> None:
        options = self.options
        random = np.random.default_rng(options.seed)
        base, queries = self.dataset.base_map(), self.dataset.queries()
        groups = query_groups(queries, options.groups, options.group_queries, random)
        for _, result in self.children:
            # There is no curve: what varies is the filter.
            result["point"] = result.pop("points")[0]["point"]
            result["cells"] = []
        with tempfile.TemporaryDirectory() as folder:
            self.folder = pathlib.Path(folder)
            for share in options.selectivities:
                count = max(options.k, round(self.dataset.n * share / 100))
                for relation in options.relations:
                    self.say(f"{self.title()}: {share:g} % of the rows, {relation}")
                    self._cell(base, queries, groups, relation, share, count, random)

    def _cell(
        self,
        base: np.ndarray,
        queries: np.ndarray,
        groups: list[np.ndarray],
        relation: str,
        share: float,
        count: int,
        random: np.random.Generator,
    ) -> None:
        recalls: dict[str, list[float]] = {child.label: [] for child, _ in self.children}
        runs: dict[str, list[list[dict[str, Any]]]] = {child.label: [] for child, _ in self.children}
        for members in groups:
            allowed = allowed_rows(relation, closeness_to(queries[members[0]], base, self.metric), count, random)
            truth = Truth(base, queries[members], allowed, self.options.k, self.metric)
            np.save(self.folder / "allowed.npy", allowed)
            for label in runs:
                runs[label].append([])
            for repeat in range(self.options.repeats):
                turn = repeat % max(1, len(self.children))
                for child, result in self.children[turn:] + self.children[:turn]:
                    with self.without_failing(child):
                        run = child.call(
                            "filtered",
                            point=result["point"],
                            allowed=str(self.folder / "allowed.npy"),
                            queries=members.tolist(),
                            ids=str(self.folder / "ids.npy"),
                            seconds=self.options.seconds,
                        )
                        runs[child.label][-1].append(run)
                        if repeat == 0:
                            recalls[child.label].append(float(truth.recall(np.load(self.folder / "ids.npy")).mean()))
        for child, result in self.children:
            of_groups = runs[child.label]
            every = [run for group in of_groups for run in group]
            result["cells"].append(
                {
                    "selectivity": share,
                    "relation": relation,
                    "rows": count,
                    "recall": float(np.mean(recalls[child.label])),
                    # Groups have equally many queries: the speed of all is that of their mean time.
                    "qps": [1 / float(np.mean([run["query_seconds"] for run in repeat])) for repeat in zip(*of_groups)],
                    "allow_seconds": stats.spread([run["allow_seconds"] for run in every]).median,
                    "processors_used": sum(run["cpu"] for run in every) / sum(run["wall"] for run in every),
                    "processors_others": _mean([run["others"] for run in every if run["others"] is not None]),
                }
            )


def closeness_to(query: np.ndarray, base: np.ndarray, metric: str, block: int = 65536) -> np.ndarray:
    """What is larger for a row (n,) that is closer to the query."""
    parts = [data.closeness(query[None], base[i : i + block], metric)[0] for i in range(0, len(base), block)]
    return np.concatenate(parts)


def _mean(values: list[float]) -> Any:
    return float(np.mean(values)) if values else None
