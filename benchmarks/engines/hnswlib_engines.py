# hnswlib: BFIndex (brute force) and Index (HNSW).
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from importlib.metadata import version
from typing import Any

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

    def build(self, base: np.ndarray, threads: int) -> None:
        self.index = None
        self.index = self.hnswlib.Index(_SPACES[self.metric], self.dim)
        self.index.init_index(len(base), M=self.m, ef_construction=self.ef_construction)
        self.index.add_items(base, num_threads=threads)

    def use(self, **point: Any) -> None:
        self.index.set_ef(point["ef_search"])
