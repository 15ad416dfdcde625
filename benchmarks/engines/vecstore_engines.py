# vecstore: the flat index and the stateless knn.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any, Optional

import numpy as np

from .base import Engine


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
    kind = ""

    def __init__(self, dim: int, metric: str, threads: int, **options: Any) -> None:
        super().__init__(dim, metric, threads)
        self.options = options

    def build(self, base: np.ndarray, threads: int) -> None:
        self.index = None
        self.index = self.vecstore.Index(self.kind, dim=self.dim, metric=self.metric, dtype="float32", **self.options)
        self.index.add(base, threads=threads)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.index.search(queries, k, threads=self.threads)[0]

    def save(self, path: str) -> bool:
        self.index.save(path)
        return True


class VecstoreFlat(_VecstoreIndex):
    name = "vecstore-flat"
    kind = "flat"
    suites = ("exact", "ann")

    @classmethod
    def settings(cls, options: Any) -> list[dict[str, Any]]:
        # Without the 8-bit copies of its rows the index is smaller and slower.
        return [{}, {"exact_codes": False}] if options.suite == "exact" else [{}]


class VecstoreKnn(_Vecstore):
    name = "vecstore-knn"
    suites = ("exact",)
    keeps_base = True
    note = "vecstore.knn searches the caller's array: it has no index to build or save."

    def build(self, base: np.ndarray, threads: int) -> None:
        self.base = base

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.vecstore.knn(queries, self.base, k, metric=self.metric, threads=self.threads)[0]
