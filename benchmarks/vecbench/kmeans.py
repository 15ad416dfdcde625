# k-means beside faiss.Kmeans: time and objective.
# SPDX-License-Identifier: Apache-2.0
"""Each run is a fresh process, and they take turns. The objective is computed in one way for all: by faiss, over all rows."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any, Callable

import numpy as np

from . import child, data, described, stats, tables

# label: (library, options). The runs of vecstore make as many passes as faiss does, unless their name says otherwise.
ENGINES: dict[str, tuple[str, dict[str, Any]]] = {
    "vecstore": ("vecstore", {}),
    "vecstore random start": ("vecstore", {"start": "random", "tolerance": 0}),
    "vecstore k-means++": ("vecstore", {"start": "kmeans++", "tolerance": 0}),
    "faiss": ("faiss", {}),
}


def add_arguments(parser: argparse.ArgumentParser, numbers: Callable[[str], list[int]]) -> None:
    parser.add_argument("--quick", action="store_true", help="10,000 rows, 64 centroids")
    described.add_data(parser)
    parser.add_argument("--dim", type=int, help="elements of a made vector")
    parser.add_argument("--seed", type=int, default=1, help="of the made data, and of the first run (default 1)")
    parser.add_argument("--centroids", type=numbers, default=None, help="how many, such as 256,1024 (default)")
    parser.add_argument("--iterations", type=int, default=25, help="passes over the rows (default 25)")
    parser.add_argument("--threads", type=numbers, default=[2], help="such as 1,2 (default 2)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, with seeds of their own (default 3)")
    described.add_output(parser)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs everything and returns what the JSON holds."""
    rows = options.rows or (10_000 if options.quick else None)
    dataset = data.prepare(options.data, rows, options.dim, 1000, options.seed, say)
    results = []
    for k in options.centroids or ([64] if options.quick else [256, 1024]):
        for threads in options.threads:
            runs: dict[str, list[dict[str, Any]]] = {label: [] for label in ENGINES}
            for repeat in range(options.repeats):
                for label, (library, settings) in ENGINES.items():
                    say(f"{k} centroids, {threads} threads: {label}, run {repeat + 1} of {options.repeats}")
                    request = {
                        "base": str(dataset.folder / "base.npy"),
                        "library": library,
                        "settings": settings,
                        "k": k,
                        "threads": threads,
                        "iterations": options.iterations,
                        "seed": options.seed + repeat,
                    }
                    runs[label].append(_in_child(request, threads))
            results.append({"k": k, "threads": threads, "runs": runs})
    return described.run("kmeans", results, dataset)


def text(run: dict[str, Any], markdown: bool) -> str:
    """The tables of a run."""
    shape = run["data"]
    parts = [
        f"k-means of {shape['n']:,} rows x {shape['dim']}, l2sq; {shape['origin']}\n"
        f"{described.heading(run)}"
    ]
    for result in run["results"]:
        base = _medians(result["runs"]["faiss"])
        rows = []
        for label, runs in result["runs"].items():
            found = _medians(runs)
            train = stats.spread([one["train_seconds"] for one in runs])
            rows.append(
                [
                    tables.name({"label": label, "ours": label != "faiss"}, markdown),
                    f"{train.median:.2f} ({train.low:.2f}...{train.high:.2f})",
                    f"{found['train_seconds'] / base['train_seconds']:.2f}",
                    f"{found['assign_seconds']:.2f}",
                    f"{found['objective'] / base['objective']:.4f}",
                ]
            )
        header = ["", "train s", "of faiss", "assign s", "objective / faiss"]
        title = f"{result['k']} centroids, {result['threads']} thread(s)"
        parts.append(f"{'### ' if markdown else ''}{title}\n\n{tables.table(header, rows, markdown)}")
    return "\n\n".join(parts)


def _medians(runs: list[dict[str, Any]]) -> dict[str, float]:
    return {name: stats.spread([one[name] for one in runs]).median for name in runs[0]}


def _in_child(request: dict[str, Any], threads: int) -> dict[str, Any]:
    environment = child.environment(threads)
    return child.call("kmeans", request, environment)


def _work(request: dict[str, Any]) -> dict[str, float]:
    """One run, in its own process."""
    import faiss

    base = np.ascontiguousarray(np.load(request["base"]), dtype=np.float32)
    k, seed, iterations = request["k"], request["seed"], request["iterations"]
    faiss.omp_set_num_threads(request["threads"])
    if request["library"] == "vecstore":
        import vecstore

        begin = time.perf_counter()
        found = vecstore.kmeans(
            base, k, seed=seed, max_iterations=iterations, threads=request["threads"], **request["settings"]
        )
        both = time.perf_counter() - begin
        # The call trains and assigns; assigning once more tells how much of it was which.
        begin = time.perf_counter()
        vecstore.kmeans_assign(base, found.centroids, threads=request["threads"])
        assign = time.perf_counter() - begin
        train, centroids = both - assign, found.centroids
    else:
        begin = time.perf_counter()
        kmeans = faiss.Kmeans(base.shape[1], k, niter=iterations, seed=seed, **request["settings"])
        kmeans.train(base)
        train = time.perf_counter() - begin
        begin = time.perf_counter()
        kmeans.index.search(base, 1)
        assign = time.perf_counter() - begin
        centroids = kmeans.centroids
    index = faiss.IndexFlatL2(base.shape[1])
    index.add(centroids)
    objective = float(index.search(base, 1)[0].astype(np.float64).sum())
    return {"train_seconds": train, "assign_seconds": assign, "objective": objective}


if __name__ == "__main__":
    print(json.dumps(_work(json.load(sys.stdin))))
