# What finding the nearest of many lists costs: vecstore, and faiss with and without a graph over the centroids.
# SPDX-License-Identifier: Apache-2.0
"""One inverted file of many lists for each library, whose codes are ranked by float32 rows. Queries come one by one, each in a call
of its own, and all at once; on one thread."""

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
REPEATS = 3
OVERSAMPLING = 4
ENGINES = ["vecstore", "faiss", "faiss HNSW32"]


def add_arguments(parser: argparse.ArgumentParser, numbers: Callable[[str], list[int]]) -> None:
    parser.add_argument("--quick", action="store_true", help="10,000 rows in 4,096 lists")
    described.add_data(parser)
    described.add_queries(parser)
    parser.add_argument("--nlist", type=int, help="lists (default 16,384)")
    parser.add_argument("--train", type=int, help="rows to train on (default: all)")
    parser.add_argument("--nprobe", type=numbers, default=[16, 64, 256], help="lists that are read (default 16,64,256)")
    parser.add_argument("--threads", type=int, default=2, help="of the build (default 2)")
    described.add_output(parser)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs everything and returns what the JSON holds."""
    rows = options.rows or (10_000 if options.quick else None)
    dataset = data.prepare(options.data, rows, None, options.queries, options.seed, say)
    nlist = options.nlist or (4096 if options.quick else 16_384)
    results = []
    for engine in ENGINES:
        say(engine)
        request = {
            "folder": str(dataset.folder),
            "truth": str(dataset.truth_file("ip")),
            "engine": engine,
            "nlist": nlist,
            "train": options.train or dataset.n,
            "nprobe": options.nprobe,
            "threads": options.threads,
        }
        results.append({"engine": engine, **child.call("manylists", request, child.environment(options.threads))})
    return described.run("manylists", results, dataset, nlist=nlist, train=options.train or dataset.n)


def text(run: dict[str, Any], markdown: bool) -> str:
    shape = run["data"]
    heading = (
        f"{shape['n']:,} rows x {shape['dim']} in {run['nlist']:,} lists, trained on {run['train']:,}; {shape['origin']}\n"
        f"{described.heading(run)}\n"
        f"recall@{K}; microseconds of a query in a call of its own (median), and of one among many, on one thread"
    )
    lines = [
        [one["engine"], f"{one['train_seconds']:.0f}", f"{one['add_seconds']:.1f}", str(point["nprobe"])]
        + [f"{point['recall']:.4f}", f"{point['alone_us']:,.0f}", f"{point['together_us']:,.0f}"]
        for one in run["results"]
        for point in one["points"]
    ]
    header = ["", "train s", "add s", "nprobe", "recall", "alone us", "among many us"]
    return f"{heading}\n\n{tables.table(header, lines, markdown)}"


class _Vecstore:
    def __init__(self, dim: int, nlist: int) -> None:
        import vecstore

        self._index = vecstore.Index("ivf", dim=dim, metric="ip", nlist=nlist, storage="pq", pq_m=dim // 2)

    def train(self, rows: np.ndarray, threads: int) -> None:
        self._index.train(rows, threads=threads)

    def add(self, rows: np.ndarray, threads: int) -> None:
        self._index.add(rows, threads=threads)

    def use(self, nprobe: int) -> None:
        self._nprobe = nprobe

    def search(self, queries: np.ndarray) -> np.ndarray:
        return self._index.search(queries, K, nprobe=self._nprobe, oversampling=OVERSAMPLING, threads=1).ids


class _Faiss:
    def __init__(self, dim: int, nlist: int, coarse: str = "") -> None:
        import faiss

        self._faiss = faiss
        name = f"IVF{nlist}{coarse},PQ{dim // 2}x4fs,RFlat"
        self._index = faiss.index_factory(dim, name, faiss.METRIC_INNER_PRODUCT)
        self._index.k_factor = OVERSAMPLING
        self._coarse = coarse

    def train(self, rows: np.ndarray, threads: int) -> None:
        self._faiss.omp_set_num_threads(threads)
        self._index.train(rows)

    def add(self, rows: np.ndarray, threads: int) -> None:
        self._index.add(rows)
        self._faiss.omp_set_num_threads(1)

    def use(self, nprobe: int) -> None:
        lists = self._faiss.extract_index_ivf(self._index)
        lists.nprobe = nprobe
        if self._coarse:
            # As wide as the walk of vecstore.
            self._faiss.downcast_index(lists.quantizer).hnsw.efSearch = max(2 * nprobe, 128)

    def search(self, queries: np.ndarray) -> np.ndarray:
        return self._index.search(queries, K)[1]


def _engine(name: str, dim: int, nlist: int) -> Any:
    if name == "vecstore":
        return _Vecstore(dim, nlist)
    return _Faiss(dim, nlist, "_HNSW32" if name.endswith("HNSW32") else "")


def _timed(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _work(request: dict[str, Any]) -> dict[str, Any]:
    """One engine, in its own process."""
    folder = pathlib.Path(request["folder"])
    base = np.ascontiguousarray(np.load(folder / "base.npy"), dtype=np.float32)
    queries = np.load(folder / "queries.npy").astype(np.float32)
    limits = recall.kth_distances(base, queries, np.load(request["truth"]), K, "ip")
    engine = _engine(request["engine"], base.shape[1], request["nlist"])
    some = np.random.default_rng(1).permutation(len(base))[: request["train"]]
    sample = np.ascontiguousarray(base[np.sort(some)])
    found: dict[str, Any] = {"train_seconds": _timed(lambda: engine.train(sample, request["threads"]))}
    found["add_seconds"] = _timed(lambda: engine.add(base, request["threads"]))
    found["points"] = []
    for nprobe in request["nprobe"]:
        engine.use(nprobe)
        together = [_timed(lambda: engine.search(queries)) for _ in range(REPEATS)]
        alone = [_timed(lambda: engine.search(queries[i : i + 1])) for _ in range(REPEATS) for i in range(len(queries))]
        ids = engine.search(queries)
        found["points"].append(
            {
                "nprobe": nprobe,
                "recall": float(recall.recall(base, queries, ids, limits, K, "ip").mean()),
                "alone_us": 1e6 * float(np.median(alone)),
                "together_us": 1e6 * float(np.median(together)) / len(queries),
            }
        )
    return found


if __name__ == "__main__":
    print(json.dumps(_work(json.load(sys.stdin))))
