# What becomes of an inverted file whose rows drift.
# SPDX-License-Identifier: Apache-2.0
"""Rows come topic by topic: the nearest of 20 directions decides which. An inverted file is trained on the first fifth of them and
gets the others in batches. Its lists either stay as they are, or are split as they become long, or all are made anew in the end;
the last line is an index that was trained on all rows. Queries are of every topic. Each is searched with the least nprobe that finds
the recall asked for."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import time
from typing import Any, Callable

import numpy as np

from . import child, data, described, recall, tables

K = 10
REPEATS = 25
TOPICS = 20
WAYS = {
    "fixed": "lists of the first fifth",
    "split": "split as rows come",
    "optimize": "all made anew in the end",
    "all": "trained on all rows",
}


def add_arguments(parser: argparse.ArgumentParser, numbers: Callable[[str], list[int]]) -> None:
    parser.add_argument("--quick", action="store_true", help="10,000 rows")
    described.add_data(parser)
    described.add_queries(parser)
    parser.add_argument("--nlist", type=numbers, default=[256], help="lists, such as 256,1024 (default 256)")
    parser.add_argument("--storage", default="binary", help="what lists hold (default binary)")
    parser.add_argument("--recall", type=float, default=0.95, help="recall@10 that is compared at (default 0.95)")
    parser.add_argument("--batch", type=int, default=500, help="rows of one add (default 500)")
    parser.add_argument("--threads", type=int, default=2, help="of the build (default 2)")
    described.add_output(parser)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs everything and returns what the JSON holds."""
    rows = options.rows or (10_000 if options.quick else None)
    dataset = data.prepare(options.data, rows, None, options.queries, options.seed, say)
    results = []
    for nlist in sorted({min(count, dataset.n // 5 // 39) for count in options.nlist}):
        for way, what in WAYS.items():
            say(f"{nlist} lists: {what}")
            request = {
                "folder": str(dataset.folder),
                "truth": str(dataset.truth_file("ip")),
                "way": way,
                "nlist": nlist,
                "storage": options.storage,
                "recall": options.recall,
                "batch": options.batch,
                "threads": options.threads,
            }
            found = child.call("drift", request, child.environment(options.threads))
            results.append({"nlist": nlist, "way": way, **found})
    return described.run("drift", results, dataset, storage=options.storage, recall=options.recall)


def text(run: dict[str, Any], markdown: bool) -> str:
    shape = run["data"]
    heading = (
        f"{shape['n']:,} rows x {shape['dim']} topic by topic, lists of {run['storage']}; {shape['origin']}\n"
        f"{described.heading(run)}\n"
        f"The longest add, the lists, and queries a second on one thread at recall@10 {run['recall']}"
    )
    header = ["nlist", "lists", "add s", "longest ms", "longest list", "imbalance", "nprobe", "recall", "QPS"]
    lines = [
        [str(one["nlist"]), WAYS[one["way"]], f"{one['seconds']:.1f}", f"{one['longest_ms']:.0f}"]
        + [f"{one['longest_list']:,}", f"{one['imbalance']:.2f}", str(one["nprobe"]), f"{one['recall']:.4f}"]
        + [f"{one['qps']:,.0f}"]
        for one in run["results"]
    ]
    return f"{heading}\n\n{tables.table(header, lines, markdown)}"


def topics(base: np.ndarray) -> np.ndarray:
    """The rows in the order of their topics."""
    import vecstore

    return np.argsort(vecstore.kmeans(base, TOPICS, metric="cosine", seed=1).assignments, kind="stable")


def _work(request: dict[str, Any]) -> dict[str, float]:
    """One way, in its own process."""
    import vecstore

    folder = pathlib.Path(request["folder"])
    base = np.ascontiguousarray(np.load(folder / "base.npy"), dtype=np.float32)
    queries = np.load(folder / "queries.npy").astype(np.float32)
    limits = recall.kth_distances(base, queries, np.load(request["truth"]), K, "ip")
    order = topics(base)
    threads, way = request["threads"], request["way"]
    first = len(base) if way == "all" else len(base) // 5
    index = vecstore.Index("ivf", dim=base.shape[1], metric="ip", nlist=request["nlist"], storage=request["storage"])
    # Lists that somebody trained stay as they are; those of an index that trained itself do not.
    if way in ("fixed", "optimize"):
        index.train(base[order[:first]], threads=threads)
    steps = []

    def timed(step: Callable[[], Any]) -> None:
        begin = time.perf_counter()
        step()
        steps.append(time.perf_counter() - begin)

    timed(lambda: index.add(base[order[:first]], ids=order[:first].astype(np.uint64), threads=threads))
    training, steps = steps, []
    for at in range(first, len(order), request["batch"]):
        some = order[at : at + request["batch"]]
        timed(lambda: index.add(base[some], ids=some.astype(np.uint64), threads=threads))
    if way == "optimize":
        timed(lambda: index.optimize(threads=threads))

    def found_by(nprobe: int) -> float:
        ids = index.search(queries, K, nprobe=nprobe, threads=1).ids
        return float(recall.recall(base, queries, ids, limits, K, "ip").mean())

    low, high = 0, 1
    while high < request["nlist"] and found_by(high) < request["recall"]:
        low, high = high, min(2 * high, request["nlist"])
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if found_by(middle) < request["recall"] else (low, middle)
    seconds = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        index.search(queries, K, nprobe=high, threads=1)
        seconds.append(time.perf_counter() - begin)
    stats = index.stats()
    return {
        "seconds": sum(steps) if steps else sum(training),
        "longest_ms": 1000 * max(steps or training),
        "longest_list": stats.longest_list,
        "imbalance": stats.imbalance,
        "nprobe": high,
        "recall": found_by(high),
        "qps": len(queries) / float(np.median(seconds)),
    }


if __name__ == "__main__":
    print(json.dumps(_work(json.load(sys.stdin))))
