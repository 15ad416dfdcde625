# What each code of an inverted file's lists finds: alone, and with rows to rank by.
# SPDX-License-Identifier: Apache-2.0
"""One inverted file for each code, all with the same lists. Each is searched twice with the same lists read: by its codes alone,
and ranked by float32 rows; then once more by its codes alone with all lists read, which says what the codes are worth."""

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
REPEATS = 5
Code = dict[str, Any]


def codes(dim: int) -> list[Code]:
    """From fine to coarse."""
    found: list[Code] = [{"storage": "int8"}, {"storage": "int4"}]
    found += [{"storage": "binary", "bits": bits} for bits in (8, 6, 4, 3, 2, 1)]
    for parts in (2, 4, 12):
        if dim // parts > 0:
            code = {"storage": "pq", "pq_m": dim // parts}
            found.append(code)
            # Short parts have little to gain.
            if parts >= 4:
                found.append({**code, "rotation": "opq"})
    for parts in (4, 8, 24):
        if dim // parts > 0:
            code = {"storage": "pq", "pq_m": dim // parts, "nbits": 8}
            found.append(code)
            if parts >= 8:
                found.append({**code, "rotation": "opq"})
    return found


def name(code: Code) -> str:
    return " ".join([code["storage"], *(f"{key}={value}" for key, value in code.items() if key != "storage")])


def add_arguments(parser: argparse.ArgumentParser, numbers: Callable[[str], list[int]]) -> None:
    parser.add_argument("--quick", action="store_true", help="10,000 rows")
    described.add_data(parser)
    described.add_queries(parser)
    parser.add_argument("--nlist", type=int, default=256, help="lists (default 256)")
    parser.add_argument("--nprobe", type=int, default=64, help="lists that are read (default 64)")
    parser.add_argument("--threads", type=int, default=2, help="of the build (default 2)")
    described.add_output(parser)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs everything and returns what the JSON holds."""
    rows = options.rows or (10_000 if options.quick else None)
    dataset = data.prepare(options.data, rows, None, options.queries, options.seed, say)
    nlist = min(options.nlist, dataset.n // 39)
    results = []
    for code in codes(dataset.dim):
        say(name(code))
        request = {
            "folder": str(dataset.folder),
            "truth": str(dataset.truth_file("ip")),
            "code": code,
            "nlist": nlist,
            "nprobe": min(options.nprobe, nlist),
            "threads": options.threads,
        }
        results.append({"code": name(code), **child.call("listcodes", request, child.environment(options.threads))})
    return described.run("listcodes", results, dataset, nlist=nlist, nprobe=min(options.nprobe, nlist))


def text(run: dict[str, Any], markdown: bool) -> str:
    shape = run["data"]
    heading = (
        f"{shape['n']:,} rows x {shape['dim']} in {run['nlist']} lists; {shape['origin']}\n"
        f"{described.heading(run)}\n"
        f"Bytes of a row in its list; recall@10 and queries a second of {run['nprobe']} lists, and of all"
    )
    header = ["code", "bytes", "train s", "add s", "alone, all lists", "alone", "QPS", "ranked", "QPS"]
    lines = [
        [one["code"], f"{one['bytes']:.0f}", f"{one['train_seconds']:.1f}", f"{one['add_seconds']:.2f}"]
        + [f"{one['recall_of_all']:.4f}", f"{one['recall_alone']:.4f}", f"{one['qps_alone']:,.0f}"]
        + [f"{one['recall_ranked']:.4f}", f"{one['qps_ranked']:,.0f}"]
        for one in run["results"]
    ]
    return f"{heading}\n\n{tables.table(header, lines, markdown)}"


def _work(request: dict[str, Any]) -> dict[str, float]:
    """One code, in its own process."""
    import vecstore

    folder = pathlib.Path(request["folder"])
    base = np.ascontiguousarray(np.load(folder / "base.npy"), dtype=np.float32)
    queries = np.load(folder / "queries.npy").astype(np.float32)
    limits = recall.kth_distances(base, queries, np.load(request["truth"]), K, "ip")
    index = vecstore.Index("ivf", dim=base.shape[1], metric="ip", nlist=request["nlist"], **request["code"])
    begin = time.perf_counter()
    index.train(base, threads=request["threads"])
    train = time.perf_counter() - begin
    begin = time.perf_counter()
    index.add(base, threads=request["threads"])
    add = time.perf_counter() - begin
    found: dict[str, float] = {"bytes": index.stats().bytes_per_row or 0, "train_seconds": train, "add_seconds": add}

    def measure(key: str, repeats: int, **settings: Any) -> None:
        seconds = []
        for _ in range(repeats):
            begin = time.perf_counter()
            ids = index.search(queries, K, threads=1, **settings).ids
            seconds.append(time.perf_counter() - begin)
        found[f"recall_{key}"] = float(recall.recall(base, queries, ids, limits, K, "ip").mean())
        found[f"qps_{key}"] = len(queries) / float(np.median(seconds))

    measure("of_all", 1, nprobe=request["nlist"], rescore=False)
    measure("alone", REPEATS, nprobe=request["nprobe"], rescore=False)
    measure("ranked", REPEATS, nprobe=request["nprobe"])
    return found


if __name__ == "__main__":
    print(json.dumps(_work(json.load(sys.stdin))))
