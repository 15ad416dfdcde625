# hnswlib: BFIndex (brute force) and Index (HNSW).
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from importlib.metadata import version
from typing import Any, Callable, Optional

import numpy as np

from .base import Engine, GraphEngine

_SPACES = {"l2sq": "l2", "ip": "ip", "cosine": "cosine"}


class _Hnswlib(Engine):
    library = "hnswlib"

    def load(self) -> str:
        import hnswlib

        self.hnswlib = hnswlib
        return f"{version('hnswlib')} (compiled here with -march=native)"

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.index.knn_query(queries, k, num_threads=self.threads)[0]

    def save(self, path: str) -> bool:
        self.index.save_index(path)
        return True


class HnswlibBruteForce(_Hnswlib):
    name = "hnswlib-bf"
    suites = ("exact",)
    note = "hnswlib's BFIndex compares rows one by one; it has no batch kernel, and adds rows on one thread."

    def build(self, base: np.ndarray, threads: int) -> None:
        self.index = None
        self.index = self.hnswlib.BFIndex(_SPACES[self.metric], self.dim)
        self.index.init_index(len(base))
        self.index.add_items(base)


class HnswlibGraph(_Hnswlib, GraphEngine):
    name = "hnswlib"
    suites = ("ann", "growth", "filters")
    note = "hnswlib's binding filters by a Python callable only, whose calls are most of its time in filtered search."
    accepts: Optional[Callable[[int], bool]] = None

    def build(self, base: np.ndarray, threads: int) -> None:
        self.index = None
        self.index = self.hnswlib.Index(_SPACES[self.metric], self.dim)
        self.index.init_index(len(base), M=self.m, ef_construction=self.ef_construction)
        self.index.add_items(base, num_threads=threads)

    def use(self, **point: Any) -> None:
        self.index.set_ef(point["ef_search"])

    def allow(self, allowed: np.ndarray) -> None:
        # Of the callables, the method of a list that looks an element up is about the cheapest.
        self.accepts = allowed.tolist().__getitem__

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        if self.accepts is None:
            return super().search(queries, k)
        try:
            # A callable is called under the GIL: more threads would only wait for each other.
            return self.index.knn_query(queries, k, num_threads=1, filter=self.accepts)[0]
        except RuntimeError:
            # It finds k rows for every query or raises: the queries that fail have no results.
            return np.vstack([self._one(query, k) for query in queries])

    def _one(self, query: np.ndarray, k: int) -> np.ndarray:
        try:
            return self.index.knn_query(query[None], k, num_threads=1, filter=self.accepts)[0].astype(np.int64)
        except RuntimeError:
            return np.full((1, k), -1, dtype=np.int64)
