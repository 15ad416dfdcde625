# numpy: matrix products in blocks of queries, then argpartition.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np

from .base import Engine, with_norm_1

# Rows and queries multiplied at a time: the products of a block stay small enough to be reused memory.
_ROWS = 4096
_QUERIES = 1024


class NumpyExact(Engine):
    name = "numpy"
    library = "numpy"
    suites = ("exact",)
    keeps_base = True
    note = "numpy selects with argpartition, on one thread; only the matrix product uses more."

    def load(self) -> str:
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{np.__version__} ({blas['name']} {blas['version']})"

    def build(self, base: np.ndarray, threads: int) -> None:
        self.base = with_norm_1(base) if self.metric == "cosine" else base
        self.squares = np.einsum("ij,ij->i", base, base) if self.metric == "l2sq" else None

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return np.vstack([self._nearest(queries[i : i + _QUERIES], k) for i in range(0, len(queries), _QUERIES)])

    def _nearest(self, queries: np.ndarray, k: int) -> np.ndarray:
        """Takes the best of each block of rows, then the best of those."""
        ids, scores = [], []
        # One query is searched in one block: a matrix-vector product is bound by memory in any case.
        step = len(self.base) if len(queries) == 1 else _ROWS
        for start in range(0, len(self.base), step):
            block = self._scores(queries, slice(start, start + step))
            kept = min(k, block.shape[1])
            picked = np.argpartition(block, kept - 1, axis=1)[:, :kept]
            ids.append(picked + start)
            scores.append(np.take_along_axis(block, picked, axis=1))
        order = np.argsort(np.hstack(scores), axis=1, kind="stable")[:, :k]
        return np.take_along_axis(np.hstack(ids), order, axis=1)

    def _scores(self, queries: np.ndarray, rows: slice) -> np.ndarray:
        """What orders rows as their distances do; smaller is closer. A query's own norm changes no order."""
        base = self.base[rows]
        scores = (base @ queries[0])[None, :] if len(queries) == 1 else queries @ base.T
        if self.squares is None:
            return np.negative(scores, out=scores)
        scores *= -2
        scores += self.squares[rows]
        return scores
