# Quantizers beside those of faiss: training, encoding, and what codes of one size still find.
# SPDX-License-Identifier: Apache-2.0
"""Each run is a fresh process. Recall is that of the k rows whose decoded vectors are the nearest by squared distance, which
numpy's products find, in one way for all; then that of the best of the 100 nearest, ranked by exact rows. Of RaBitQ, whose
distances are estimates that decoded vectors do not give, it is that of the k rows with the least estimates, which each
library makes itself."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import time
from typing import Any, Callable

import numpy as np

from . import child, data, described, recall, tables

# How codes are made: for vecstore "pq", "sq" or "binary" and the arguments of the quantizer, for faiss the name of an index in
# its factory ("np": centroids are not put in an order for polysemous codes, which takes many times as long).
Way = tuple[str, dict[str, Any]]
K = 10
# Rows that codes choose for ranking by exact distances.
RANKED = 100
LIBRARIES = ("vecstore", "faiss")
KINDS = ("PQ x8", "PQ x4", "OPQ x8", "SQ4", "SQ8", "RaBitQ")


def ways(dim: int, size: int, kinds: list[str]) -> list[tuple[str, str, Way]]:
    """(kind, library, way) of codes of `size` bytes; whatever is not possible is left out."""
    found: list[tuple[str, str, Way]] = []

    def add(kind: str, library: str, name: str, **settings: Any) -> None:
        if kind in kinds:
            found.append((kind, library, (name, settings)))

    if dim % size == 0:
        add("PQ x8", "vecstore", "pq", pq_m=size, nbits=8)
        add("PQ x8", "faiss", f"PQ{size}x8np")
    # Short parts have little to gain, and minutes to spend.
    if dim % size == 0 and dim // size >= 4:
        add("OPQ x8", "vecstore", "pq", pq_m=size, nbits=8, rotation="opq")
        add("OPQ x8", "faiss", f"OPQ{size},PQ{size}x8np")
    if dim % (2 * size) == 0 and 2 * size <= dim:
        add("PQ x4", "vecstore", "pq", pq_m=2 * size, nbits=4)
        add("PQ x4", "faiss", f"PQ{2 * size}x4np")
    if size == dim // 2:
        # 16 even steps lose least of normal values where so many of them lie beyond each end (Max, 1960).
        add("SQ4", "vecstore", "sq", bits=4, quantile=0.004)
        add("SQ4", "faiss", "SQ4")
    if size == dim:
        add("SQ8", "vecstore", "sq", bits=8)
        add("SQ8", "faiss", "SQ8")
    # Two floats beside the bits.
    bits = (size - 8) * 8 // dim
    if 1 <= bits <= 8 and (dim * bits + 7) // 8 + 8 == size:
        add("RaBitQ", "vecstore", "binary", bits=bits)
        add("RaBitQ", "faiss", f"RaBitQ{bits}" if bits > 1 else "RaBitQ")
    return found


def add_arguments(parser: argparse.ArgumentParser, numbers: Callable[[str], list[int]]) -> None:
    parser.add_argument("--quick", action="store_true", help="10,000 rows, 16 and 48 bytes, without OPQ")
    described.add_data(parser)
    parser.add_argument("--dim", type=int, help="elements of a made vector")
    described.add_queries(parser)
    parser.add_argument("--sizes", type=numbers, help="bytes of a code (default 8,16,32,48,96,192,384, and those of RaBitQ)")
    parser.add_argument("--kinds", default=None, help="such as 'PQ x8,SQ8' (default: all)")
    parser.add_argument("--libraries", default=",".join(LIBRARIES), help="such as 'vecstore', for codes that faiss trains for minutes")
    parser.add_argument("--training-seed", type=int, default=0, help="of vecstore's training (default 0)")
    parser.add_argument("--threads", type=int, default=2, help="default 2")
    described.add_output(parser)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs everything and returns what the JSON holds."""
    rows = options.rows or (10_000 if options.quick else None)
    dataset = data.prepare(options.data, rows, options.dim, options.queries, options.seed, say)
    kinds = list(KINDS)
    if options.kinds:
        kinds = options.kinds.split(",")
    elif options.quick:
        kinds.remove("OPQ x8")
    results = []
    for size in options.sizes or ([16, 48] if options.quick else _sizes(dataset.dim)):
        for kind, library, (name, settings) in ways(dataset.dim, size, kinds):
            if library not in options.libraries.split(","):
                continue
            if name == "pq":
                settings = {**settings, "seed": options.training_seed}
            say(f"{size} bytes: {kind} of {library}")
            request = {
                "folder": str(dataset.folder),
                "truth": str(dataset.truth_file("l2sq")),
                "library": library,
                "name": name,
                "settings": settings,
                "threads": options.threads,
            }
            found = child.call("codes", request, child.environment(options.threads))
            # Some take many minutes: what is done is not lost where the rest is stopped.
            say("  " + ", ".join(f"{name} {value:.4f}" for name, value in found.items()))
            results.append({"size": size, "kind": kind, "library": library, **found})
    return described.run("codes", results, dataset, threads=options.threads)


def _sizes(dim: int) -> list[int]:
    """The usual ones, and those of binary codes of 1, 2, 3, 4 and 8 bits."""
    return sorted({8, 16, 32, 48, 96, 192, 384, *((dim * bits + 7) // 8 + 8 for bits in (1, 2, 3, 4, 8))})


def text(run: dict[str, Any], markdown: bool) -> str:
    """The table of a run: a line for vecstore and faiss together."""
    shape = run["data"]
    heading = (
        f"codes of {shape['n']:,} rows x {shape['dim']}; {shape['origin']}; {run['threads']} thread(s)\n"
        f"{described.heading(run)}"
    )
    header = ["bytes", "code", "recall@10", "of faiss", f"of {RANKED} ranked", "of faiss", "error", "of faiss"]
    header += ["train s", "of faiss", "encode s", "of faiss"]
    lines = []
    for key in dict.fromkeys((one["size"], one["kind"]) for one in run["results"]):
        found = {one["library"]: one for one in run["results"] if (one["size"], one["kind"]) == key}
        line = [f"{key[0]}", key[1]]
        shares = [(name, 4) for name in ("recall", "ranked_recall", "error")]
        for name, digits in [*shares, ("train_seconds", 2), ("encode_seconds", 2)]:
            line += [f"{found[library][name]:.{digits}f}" if library in found else "-" for library in LIBRARIES]
        lines.append(line)
    return f"{heading}\n\n{tables.table(header, lines, markdown)}"


def _work(request: dict[str, Any]) -> dict[str, float]:
    """One run, in its own process."""
    folder = pathlib.Path(request["folder"])
    base = np.ascontiguousarray(np.load(folder / "base.npy"), dtype=np.float32)
    queries = np.load(folder / "queries.npy")
    threads = request["threads"]
    if request["library"] == "vecstore":
        import vecstore

        kinds = {
            "pq": vecstore.ProductQuantizer,
            "sq": vecstore.ScalarQuantizer,
            "binary": vecstore.BinaryQuantizer,
        }
        quantizer = kinds[request["name"]](base.shape[1], **request["settings"])
        begin = time.perf_counter()
        quantizer.train(base, threads=threads)
        train = time.perf_counter() - begin
        begin = time.perf_counter()
        codes = quantizer.encode(base, threads=threads)
        encode = time.perf_counter() - begin
        decoded = quantizer.decode(codes)
        if request["name"] == "binary":
            estimates = [quantizer.distances(queries[i : i + 100], codes) for i in range(0, len(queries), 100)]
            found = _least(np.concatenate(estimates))
        else:
            found = _nearest(queries, decoded)
    else:
        import faiss

        faiss.omp_set_num_threads(threads)
        index = faiss.index_factory(base.shape[1], request["name"])
        begin = time.perf_counter()
        index.train(base)
        train = time.perf_counter() - begin
        begin = time.perf_counter()
        codes = index.sa_encode(base)
        encode = time.perf_counter() - begin
        decoded = index.sa_decode(codes)
        if request["name"].startswith("RaBitQ"):
            index.add(base)
            found = index.search(queries, RANKED)[1]
        else:
            found = _nearest(queries, decoded)
    error = float(((decoded - base) ** 2).sum(dtype=np.float64) / (base**2).sum(dtype=np.float64))
    limits = recall.kth_distances(base, queries, np.load(request["truth"]), K, "l2sq")
    exact = recall.distances(base, queries, found, "l2sq")
    ranked = np.take_along_axis(found, np.argsort(exact, axis=1)[:, :K], axis=1)
    return {
        "train_seconds": train,
        "encode_seconds": encode,
        "error": error,
        "recall": float(recall.recall(base, queries, found[:, :K], limits, K, "l2sq").mean()),
        "ranked_recall": float(recall.recall(base, queries, ranked, limits, K, "l2sq").mean()),
    }


def _nearest(queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The nearest rows of each query by squared distance."""
    squares = (rows.astype(np.float64) ** 2).sum(axis=1).astype(np.float32)
    parts = [_least(squares - 2 * (queries[i : i + 100] @ rows.T)) for i in range(0, len(queries), 100)]
    return np.concatenate(parts)


def _least(distances: np.ndarray) -> np.ndarray:
    """The numbers of the least of each line, in order."""
    most = min(RANKED, distances.shape[1])
    some = np.argpartition(distances, most - 1, axis=1)[:, :most]
    return np.take_along_axis(some, np.argsort(np.take_along_axis(distances, some, axis=1), axis=1), axis=1)


if __name__ == "__main__":
    print(json.dumps(_work(json.load(sys.stdin))))
