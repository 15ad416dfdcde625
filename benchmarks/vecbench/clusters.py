# How much of the truth graphs find where rows lie in groups far apart.
# SPDX-License-Identifier: Apache-2.0
"""Each group is a point of a cube of 100 dimensions with rows around it, a hundredth as wide as the cube. Rows come in any order,
or one group after the other, to a graph of vecstore and one of hnswlib with the same parameters; queries are of every group."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Callable

import numpy as np

from . import child, described, tables

K = 10
DIM = 100
WIDTH = 0.01
# Rows and groups.
SIZES = [(3000, 8), (3000, 30), (3000, 100), (20_000, 60), (20_000, 300), (20_000, 2000)]
M, EF_CONSTRUCTION = 8, 40
SORTED = "one after the other"


def add_arguments(parser: argparse.ArgumentParser, numbers: Callable[[str], list[int]]) -> None:
    parser.add_argument("--quick", action="store_true", help="the sets of 3,000 rows")
    parser.add_argument("--ef-search", type=int, default=128, help="rows in view (default 128)")
    parser.add_argument("--sets", type=int, default=3, help="sets of each size (default 3)")
    parser.add_argument("--queries", type=int, default=300, help="queries (default 300)")
    parser.add_argument("--seed", type=int, default=1, help="of the first set (default 1)")
    described.add_output(parser)


def made(n: int, groups: int, queries: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, the group of each, and queries."""
    rng = np.random.default_rng(seed)
    centers = rng.uniform(-1, 1, (groups, DIM))

    def some(count: int) -> tuple[np.ndarray, np.ndarray]:
        group = rng.integers(0, groups, count)
        return (centers[group] + WIDTH * rng.uniform(-1, 1, (count, DIM))).astype(np.float32), group

    rows, group = some(n)
    return rows, group, some(queries)[0]


def vecstore_finds(rows: np.ndarray, queries: np.ndarray, ef_search: int) -> np.ndarray:
    import vecstore

    with vecstore.Index("hnsw", dim=DIM, metric="l2sq", m=M, ef_construction=EF_CONSTRUCTION) as index:
        index.add(rows, threads=1)
        return index.search(queries, K, ef_search=ef_search).ids


def hnswlib_finds(rows: np.ndarray, queries: np.ndarray, ef_search: int) -> np.ndarray:
    import hnswlib

    index = hnswlib.Index("l2", DIM)
    index.init_index(len(rows), M=M, ef_construction=EF_CONSTRUCTION)
    index.add_items(rows, num_threads=1)
    index.set_ef(ef_search)
    return index.knn_query(queries, K)[0]


ENGINES = {"vecstore": vecstore_finds, "hnswlib": hnswlib_finds}


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs everything and returns what the JSON holds."""
    results = []
    for n, groups in SIZES:
        if options.quick and n > 3000:
            continue
        for order in ("any", SORTED):
            say(f"{n:,} rows in {groups:,} groups, order: {order}")
            request = {"n": n, "groups": groups, "order": order, "queries": options.queries, "ef_search": options.ef_search}
            found = [
                child.call("clusters", {**request, "seed": seed}, child.environment(1))
                for seed in range(options.seed, options.seed + options.sets)
            ]
            recalls = {name: [one[name] for one in found] for name in ENGINES}
            results.append({"n": n, "groups": groups, "order": order, "recall": recalls})
    return described.run("clusters", results, ef_search=options.ef_search)


def text(run: dict[str, Any], markdown: bool) -> str:
    heading = (
        f"Rows in groups far apart: recall@{K} at ef_search {run['ef_search']} of graphs with m {M}, ef_construction "
        f"{EF_CONSTRUCTION}; the mean and the least of some sets\n{described.heading(run)}"
    )
    lines = [
        [f"{one['n']:,}", f"{one['groups']:,}", one["order"]]
        + [f"{np.mean(found):.3f} ({min(found):.3f})" for found in one["recall"].values()]
        for one in run["results"]
    ]
    return f"{heading}\n\n{tables.table(['rows', 'groups', 'order', *ENGINES], lines, markdown)}"


def _work(request: dict[str, Any]) -> dict[str, float]:
    """The recall of each engine for one set, in a process of its own."""
    import vecstore

    rows, group, queries = made(request["n"], request["groups"], request["queries"], request["seed"])
    if request["order"] == SORTED:
        rows = rows[np.argsort(group, kind="stable")]
    with vecstore.Index("flat", dim=DIM, metric="l2sq") as exact:
        exact.add(rows)
        truth = exact.search(queries, K).ids
    recalls = {}
    for name, finds in ENGINES.items():
        found = finds(rows, queries, request["ef_search"])
        hits = sum(len(set(one) & set(wanted)) for one, wanted in zip(found.tolist(), truth.tolist()))
        recalls[name] = hits / truth.size
    return recalls


if __name__ == "__main__":
    print(json.dumps(_work(json.load(sys.stdin))))
