# What a result cache saves: searches of a collection beside the same ones from a value cache.
# SPDX-License-Identifier: Apache-2.0
"""Usage: PYTHONPATH=benchmarks .venv/bin/python -m vecbench.resultcache [--rows N] [--redis URL]

Prints medians in microseconds for single calls from Python: the search, the search through a cache that does not have
it, and the search through a cache that does, in memory and in a Redis. Rows are made, in 64 clusters.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import vecstore

DIM = 384
QUERIES = 200
WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu".split()

Search = Callable[[Any, Any, int], Any]
SEARCHES: dict[str, Search] = {
    "k = 10": lambda searched, query, i: searched.search(query, 10),
    "ef_search = 256": lambda searched, query, i: searched.search(query, 10, ef_search=256),
    "filter, indexed": lambda searched, query, i: searched.search(query, 10, filter=vecstore.Field("section") == "s7"),
    "exact": lambda searched, query, i: searched.search(query, 10, exact=True),
    "words": lambda searched, query, i: searched.search_text(f"w{i} alpha beta", 10),
    "vector and words": lambda searched, query, i: searched.search_hybrid(query, f"w{i} alpha beta", 10),
}


def fill(points: vecstore.Collection, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Writes the points, and returns queries beside some of them."""
    centers = rng.standard_normal((64, DIM)).astype(np.float32)
    queries = []
    for start in range(0, rows, 10_000):
        ids = range(start, min(start + 10_000, rows))
        vectors = centers[rng.integers(64, size=len(ids))]
        vectors += 0.7 * rng.standard_normal(vectors.shape, dtype=np.float32)
        texts = (" ".join(WORDS[(7 * n + j * j) % 12] for j in range(12)) + f" w{n % 1000}" for n in ids)
        points.upsert(ids, vectors, [{"n": n, "section": f"s{n % 50}", "text": text} for n, text in zip(ids, texts)])
        queries.append(vectors[: QUERIES * 10_000 // rows + 1])
    points.create_payload_index("text", "text")
    points.create_payload_index("section", "keyword")
    points.optimize()
    near = np.concatenate(queries)[:QUERIES]
    return near + 0.3 * rng.standard_normal(near.shape, dtype=np.float32)


def median(search: Search, searched: Any, queries: np.ndarray) -> float:
    times = []
    for i, query in enumerate(queries):
        start = time.perf_counter()
        search(searched, query, i)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--redis", metavar="URL", help="measure with this one too; what is left there ends soon")
    arguments = parser.parse_args()
    namespace = f"vecbench-{time.time_ns()}"
    caches = {"memory": vecstore.ValueCache("memory:", namespace=namespace)}
    if arguments.redis:
        caches["redis"] = vecstore.ValueCache(arguments.redis, namespace=namespace, ttl=60)
    with tempfile.TemporaryDirectory() as directory:
        points = vecstore.Collection.create(Path(directory) / "points", dim=DIM, durability="none")
        queries = fill(points, arguments.rows, np.random.default_rng(1))
        columns = ["search", *(f"{name} {what}" for name in caches for what in ("miss", "hit"))]
        print(f"{'':20}" + "".join(f"{column:>14}" for column in columns))
        for name, search in SEARCHES.items():
            line = [median(search, points, queries)]
            for cache in caches.values():
                results = vecstore.ResultCache(points, cache)
                line += [median(search, results, queries) for _ in range(2)]
            print(f"{name:20}" + "".join(f"{value:14.0f}" for value in line))
        points.close()


if __name__ == "__main__":
    main()
