# vecstore: the flat index, the HNSW index and the stateless knn.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from .base import Engine, GraphEngine, ListEngine, NotAvailable


class _Vecstore(Engine):
    library = "vecstore"
    ours = True

    def load(self) -> str:
        import vecstore

        self.vecstore = vecstore
        return str(vecstore.build_info()["version"])

    def about(self) -> Optional[dict[str, Any]]:
        return self.vecstore.build_info()


class _VecstoreIndex(_Vecstore):
    filter: Optional[Any] = None

    def make(self) -> Any:
        """An empty index."""
        raise NotImplementedError

    def build(self, base: np.ndarray, threads: int) -> None:
        self.index = None
        self.index = self.make()
        self.index.add(base, threads=threads)

    def allow(self, allowed: np.ndarray) -> None:
        self.filter = self.vecstore.Filter.bitmap(allowed)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.index.search(queries, k, filter=self.filter, threads=self.threads)[0]

    def save(self, path: str) -> bool:
        self.index.save(path)
        return True


class VecstoreFlat(_VecstoreIndex):
    name = "vecstore-flat"
    suites = ("exact", "ann", "filters", "life")

    @classmethod
    def settings(cls, options: Any) -> list[dict[str, Any]]:
        # Without the 8-bit copies of its rows the index is smaller and slower.
        return [{}, {"exact_codes": False}] if options.suite == "exact" else [{}]

    def __init__(self, dim: int, metric: str, threads: int, **options: Any) -> None:
        super().__init__(dim, metric, threads)
        self.options = options

    def make(self) -> Any:
        return self.vecstore.Index("flat", dim=self.dim, metric=self.metric, dtype="float32", **self.options)


class VecstoreHNSW(GraphEngine, _VecstoreIndex):
    """The index as it is by default: it chooses itself how the graph's rows are stored."""

    name = "vecstore-hnsw"
    suites = ("ann", "filters", "growth", "life")
    storage = "auto"
    more: Mapping[str, Any] = {}

    def load(self) -> str:
        version = super().load()
        try:
            self.make().close()
        except (TypeError, self.vecstore.InvalidArgumentError, self.vecstore.UnsupportedError) as error:
            raise NotAvailable(f"this vecstore has no hnsw index with storage {self.storage} ({error})") from error
        return version

    def make(self) -> Any:
        return self.vecstore.Index(
            "hnsw",
            dim=self.dim,
            metric=self.metric,
            m=self.m,
            ef_construction=self.ef_construction,
            storage=self.storage,
            **self.more,
        )

    def use(self, **point: Any) -> None:
        self.ef_search = point["ef_search"]

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        found = self.index.search(queries, k, ef_search=self.ef_search, filter=self.filter, threads=self.threads)
        return found[0]


class VecstoreHNSWFloat32(VecstoreHNSW):
    name = "vecstore-hnsw-float32"
    suites = ("ann",)
    storage = "float32"


class VecstoreHNSWFloat16(VecstoreHNSW):
    name = "vecstore-options-float16"
    suites = ("ann",)
    storage = "float16"


class VecstoreHNSWInt8(VecstoreHNSW):
    name = "vecstore-hnsw-int8"
    suites = ("ann",)
    storage = "int8"


class VecstoreHNSWInt8Rescore16(VecstoreHNSWInt8):
    name = "vecstore-options-rescore-float16"
    more = {"rescore": "float16"}


class VecstoreHNSWInt8Codes(VecstoreHNSWInt8):
    """Codes alone: distances are approximate, and so are results."""

    name = "vecstore-options-rescore-none"
    more = {"rescore": None}


class VecstoreHNSWInt4(VecstoreHNSW):
    name = "vecstore-hnsw-int4"
    suites = ("ann",)
    storage = "int4"


class VecstoreHNSWInt4Rescore16(VecstoreHNSWInt4):
    name = "vecstore-options-int4-rescore-float16"
    more = {"rescore": "float16"}


class VecstoreHNSWInt4Codes(VecstoreHNSWInt4):
    """Codes of 4 bits alone: distances are approximate, and so are results."""

    name = "vecstore-options-int4-rescore-none"
    more = {"rescore": None}


class VecstoreHNSWInt8Optimized(VecstoreHNSWInt8):
    name = "vecstore-options-optimized"

    def build(self, base: np.ndarray, threads: int) -> None:
        super().build(base, threads)
        self.index.optimize(threads=threads)


class VecstoreIVFBinary(ListEngine, _VecstoreIndex):
    """Lists of binary codes; rows in one list, or in two."""

    name = "vecstore-ivf-binary"
    storage = "binary"

    @classmethod
    def settings(cls, options: Any) -> list[dict[str, Any]]:
        return [
            {"nlist": nlist, "assignments": assignments} for nlist in options.nlist for assignments in options.assignments
        ]

    def __init__(self, dim: int, metric: str, threads: int, nlist: int, assignments: int) -> None:
        super().__init__(dim, metric, threads, nlist)
        self.assignments = assignments

    def make(self) -> Any:
        return self.vecstore.Index(
            "ivf",
            dim=self.dim,
            metric=self.metric,
            nlist=self.nlist,
            storage=self.storage,
            assignments=self.assignments,
        )

    def build(self, base: np.ndarray, threads: int) -> None:
        self.index = None
        self.index = self.make()
        self.index.train(base, threads=threads)
        self.index.add(base, threads=threads)

    def use(self, **point: Any) -> None:
        self.point = point

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.index.search(queries, k, threads=self.threads, **self.point)[0]


class VecstoreIVFPQ(VecstoreIVFBinary):
    """Lists of product codes, a number of 4 bits for each two elements."""

    name = "vecstore-ivf-pq"
    storage = "pq"


class VecstoreKnn(_Vecstore):
    name = "vecstore-knn"
    suites = ("exact",)
    keeps_base = True
    note = "vecstore.knn searches the caller's array: it has no index to build or save."

    def build(self, base: np.ndarray, threads: int) -> None:
        self.base = base

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.vecstore.knn(queries, self.base, k, metric=self.metric, threads=self.threads)[0]
