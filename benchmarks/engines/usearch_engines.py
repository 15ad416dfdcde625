# usearch: exact search over an array, and its HNSW index with float32, float16 and 8-bit rows.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from importlib.metadata import version
from typing import Any, Optional

import numpy as np

from .base import Engine, GraphEngine

_METRICS = {"l2sq": "l2sq", "ip": "ip", "cosine": "cos"}


class _Usearch(Engine):
    library = "usearch"

    def load(self) -> str:
        import usearch.index

        self.usearch = usearch.index
        return version("usearch")

    def keys(self, matches: Any, k: int) -> np.ndarray:
        """The ids of a batch, with -1 where there are fewer than k; one query comes as a batch of its own shape."""
        if matches.keys.ndim == 1:
            found = matches.keys[None, :].astype(np.int64)
            return np.pad(found, ((0, 0), (0, k - found.shape[1])), constant_values=-1)
        if np.all(matches.counts == k):
            return matches.keys
        return np.where(np.arange(k) < matches.counts[:, None], matches.keys.astype(np.int64), -1)


class UsearchExact(_Usearch):
    name = "usearch-exact"
    suites = ("exact",)
    keeps_base = True
    note = "usearch.index.search(exact=True) searches the caller's array: it has no index to build or save."

    def build(self, base: np.ndarray, threads: int) -> None:
        self.base = base
        kinds = self.usearch.MetricKind
        self.kind = {"l2sq": kinds.L2sq, "ip": kinds.IP, "cosine": kinds.Cos}[self.metric]

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        found = self.usearch.search(self.base, queries, k, self.kind, exact=True, threads=self.threads)
        return self.keys(found, k)


class _UsearchGraph(_Usearch, GraphEngine):
    dtype = ""

    def about(self) -> Optional[dict[str, Any]]:
        index = self.usearch.Index(ndim=self.dim, metric=_METRICS[self.metric], dtype=self.dtype)
        return {"hardware_acceleration": index.hardware_acceleration}

    def build(self, base: np.ndarray, threads: int) -> None:
        self.index = None
        self.index = self.usearch.Index(
            ndim=self.dim,
            metric=_METRICS[self.metric],
            dtype=self.dtype,
            connectivity=self.m,
            expansion_add=self.ef_construction,
            enable_key_lookups=False,
        )
        self.index.add(np.arange(len(base), dtype=np.uint64), base, threads=threads)

    def use(self, **point: Any) -> None:
        self.index.expansion_search = point["ef_search"]

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.keys(self.index.search(queries, k, threads=self.threads), k)

    def save(self, path: str) -> bool:
        self.index.save(path)
        return True


class UsearchF32(_UsearchGraph):
    name = "usearch-f32"
    dtype = "f32"


class UsearchF16(_UsearchGraph):
    name = "usearch-f16"
    dtype = "f16"


class UsearchI8(_UsearchGraph):
    name = "usearch-i8"
    note = "usearch's i8 is for rows of norm 1: by l2sq and ip it finds little among rows of other norms."
    dtype = "i8"
