# Whether an index that chooses by itself keeps what it promises.
# SPDX-License-Identifier: Apache-2.0
"""Indexes of kind "auto" over data sets of every sort, with several budgets and recalls. Each is filled, searched with queries that
it has not seen and without any setting, and held against exact search: it must find `target_recall`, less what a sample of
queries cannot tell, and stay within its budget. Codes alone cannot promise a recall: theirs is shown."""

from __future__ import annotations

import argparse
import time
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from . import data, described, tables

K = 10
# Of what may be missed: a sample of 300 queries tells the recall of others to about so much, and calibration aims higher by a
# third of it.
TOLERANCE = 0.25
# Bytes of memory for each row: so many times the row, and what is kept beside it.
BUDGETS: list[Optional[float]] = [None, 1.0, 0.6, 0.3, 0.15]
BESIDE = 250


class Case(NamedTuple):
    metric: str
    dtype: str
    dim: int
    make: Callable[[np.random.Generator, int], np.ndarray]
    most: int = 10**9


def _gauss(dim: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda rng, n: rng.standard_normal((n, dim)).astype(np.float32)


def _clusters(dim: int, spread: float = 1.0) -> Callable[[np.random.Generator, int], np.ndarray]:
    def make(rng: np.random.Generator, n: int) -> np.ndarray:
        centers = 2 * rng.standard_normal((100, dim))
        # Uneven along the axes, as what people embed is.
        axes = spread / np.sqrt(1 + np.arange(dim) / 8)
        return (centers[rng.integers(0, 100, n)] + axes * rng.standard_normal((n, dim))).astype(np.float32)

    return make


def _norms(rng: np.random.Generator, n: int) -> np.ndarray:
    rows = _clusters(96)(rng, n)
    return (rows * rng.lognormal(0, 0.4, (n, 1)) / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _bytes(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.clip(_clusters(128)(rng, n) * 20 + 128, 0, 255).astype(np.uint8)


def _bits(rng: np.random.Generator, n: int) -> np.ndarray:
    centers = rng.integers(0, 2, (200, 256), dtype=np.uint8)
    flips = rng.random((n, 256)) < 0.2
    return np.packbits(centers[rng.integers(0, 200, n)] ^ flips, axis=1, bitorder="little")


def _packages(rng: np.random.Generator, n: int) -> np.ndarray:
    kept = data.PACKAGES / "packages-60k.base.f16.npy"
    if not kept.is_file():
        return _clusters(384)(rng, n)
    rows = np.concatenate([np.load(kept), np.load(data.PACKAGES / "packages-60k.query.f16.npy")])
    # Strangers last: the queries that come with the rows.
    return rows[-n:].astype(np.float32)


CASES = {
    "packages": Case("cosine", "float32", 384, _packages, 61_000),
    "gauss": Case("l2sq", "float32", 64, _gauss(64)),
    "clusters": Case("l2sq", "float32", 128, _clusters(128)),
    "norms": Case("ip", "float32", 96, _norms),
    "half": Case("cosine", "float16", 100, lambda rng, n: _clusters(100)(rng, n).astype(np.float16)),
    "bytes": Case("l2sq", "uint8", 128, _bytes),
    "bits": Case("hamming", "bits", 256, _bits),
    "low": Case("l2sq", "float32", 16, _gauss(16)),
    "city blocks": Case("l1", "float32", 32, _clusters(32)),
    "few": Case("cosine", "float32", 64, _clusters(64), 4_000),
}


def add_arguments(parser: argparse.ArgumentParser, numbers: Callable[[str], list[int]]) -> None:
    parser.add_argument("--quick", action="store_true", help="12,000 rows")
    parser.add_argument("--rows", type=int, help="rows (default 60,000)")
    described.add_queries(parser)
    parser.add_argument("--cases", help=f"some of {', '.join(CASES)}, with commas between them")
    parser.add_argument("--targets", default="0.9,0.95,0.99", help="recalls, with commas between them (default 0.9,0.95,0.99)")
    parser.add_argument("--batch", type=numbers, default=[100_000], help="rows of one add (default all)")
    parser.add_argument("--threads", type=int, default=2, help="of the build (default 2)")
    described.add_output(parser)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs everything and returns what the JSON holds."""
    import vecstore

    rows_wanted = options.rows or (12_000 if options.quick else 60_000)
    names = options.cases.split(",") if options.cases else list(CASES)
    results = []
    for name in names:
        case = CASES[name]
        n = min(rows_wanted + options.queries, case.most)
        everything = case.make(np.random.default_rng(options.seed), n)
        rows, queries = everything[: n - options.queries], everything[n - options.queries :]
        say(f"{name}: exact search")
        with vecstore.Index("flat", dim=case.dim, metric=case.metric, dtype=case.dtype) as flat:
            flat.add(rows)
            limits = flat.search(queries, K).distances[:, -1:]
        for share in BUDGETS:
            budget = None if share is None else int((share * rows[0].nbytes + BESIDE) * len(rows))
            for target in map(float, options.targets.split(",")):
                say(f"{name}: target {target}, budget {budget}")
                results.append(_one(vecstore, name, case, rows, queries, limits, budget, target, options))
    return described.run("auto", results)


def _one(
    vecstore: Any,
    name: str,
    case: Case,
    rows: np.ndarray,
    queries: np.ndarray,
    limits: np.ndarray,
    budget: Optional[int],
    target: float,
    options: argparse.Namespace,
) -> dict[str, Any]:
    made = {"metric": case.metric, "dtype": case.dtype, "capacity": len(rows), "target_recall": target}
    asked = {"case": name, "rows": len(rows), "target": target, "budget": budget}
    try:
        index = vecstore.Index("auto", dim=case.dim, memory_budget=budget, **made)
    except vecstore.InvalidArgumentError:
        # Nothing is so small.
        return {**asked, "chosen": "refused", "recall": None, "memory": None, "build_seconds": None, "qps": None, "ok": True}
    with index:
        begin = time.perf_counter()
        (batch,) = options.batch
        for start in range(0, len(rows), batch):
            index.add(rows[start : start + batch], threads=options.threads)
        built = time.perf_counter()
        ids, distances = index.search(queries, K, threads=1)
        searched = time.perf_counter()
        stats = index.stats()
        chosen = index.explain().splitlines()[0].rpartition("automatically: ")[2]
        promises = not chosen.endswith("rescore none")
        if promises:
            # Of rows that are equally far any will do; narrower rows are off by a little.
            slack = 1e-3 if "16" in chosen else 1e-5
            found = float((distances <= limits + slack * np.abs(limits)).sum(1).clip(0, K).mean() / K)
        else:
            exact = [vecstore.pairwise(q[None], rows[i.astype(np.int64)], case.metric)[0] for q, i in zip(queries, ids)]
            found = float((np.stack(exact) <= limits + 1e-5 * np.abs(limits)).mean())
    least = target - TOLERANCE * (1 - target)
    return {
        **asked,
        "chosen": chosen,
        "recall": found,
        "memory": stats.memory_bytes,
        "build_seconds": built - begin,
        "qps": len(queries) / (searched - built),
        "ok": (not promises or found >= least) and (budget is None or stats.memory_bytes <= budget),
    }


def text(run: dict[str, Any], markdown: bool) -> str:
    """The table of a run."""
    heading = f"{described.heading(run)}\nBytes for each row; QPS on one thread"
    header = ["data", "rows", "budget", "target", "chosen", "bytes", "recall@10", "QPS", "build s", ""]
    lines = []
    for one in run["results"]:
        n = one["rows"]
        columns = (("memory", 1 / n, 0), ("recall", 1, 4), ("qps", 1, 0), ("build_seconds", 1, 1))
        lines.append(
            [one["case"], f"{n:,}", "-" if one["budget"] is None else f"{one['budget'] / n:,.0f}", f"{one['target']}"]
            + [one["chosen"]]
            + ["-" if one[key] is None else f"{one[key] * scale:,.{digits}f}" for key, scale, digits in columns]
            + ["" if one["ok"] else "MISSED"]
        )
    kept = sum(one["ok"] for one in run["results"])
    return f"{heading}\n\n{tables.table(header, lines, markdown)}\n\n{kept} of {len(lines)} keep what was asked for"

