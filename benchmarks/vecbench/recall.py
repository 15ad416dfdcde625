# Recall of search results against exact truth.
# SPDX-License-Identifier: Apache-2.0
"""A result counts by its distance, not by its id: rows that tie with the k-th true neighbour are as good as it."""

from __future__ import annotations

import numpy as np

# Distances that differ by less than float32 arithmetic can tell apart are a tie; relative, and absolute below 1.
TOLERANCE = 1e-6


# Queries whose rows are gathered at a time, to bound the memory.
_BLOCK = 256


def distances(base: np.ndarray, queries: np.ndarray, ids: np.ndarray, metric: str) -> np.ndarray:
    """The distances (nq, m) of each query to its own rows `ids` (nq, m), in float64; smaller is closer."""
    if metric not in ("l2sq", "ip", "cosine"):
        raise ValueError(f"metric must be l2sq, ip or cosine, not {metric!r}")
    out = np.empty(ids.shape, dtype=np.float64)
    for start in range(0, len(queries), _BLOCK):
        some = slice(start, start + _BLOCK)
        rows = np.asarray(base[ids[some]], dtype=np.float64)
        block = np.asarray(queries[some], dtype=np.float64)[:, None, :]
        if metric == "l2sq":
            out[some] = np.square(rows - block).sum(axis=2)
        elif metric == "ip":
            out[some] = -(rows * block).sum(axis=2)
        else:
            norms = np.linalg.norm(rows, axis=2) * np.linalg.norm(block, axis=2)
            out[some] = 1.0 - (rows * block).sum(axis=2) / norms
    return out


def kth_distances(base: np.ndarray, queries: np.ndarray, truth: np.ndarray, k: int, metric: str) -> np.ndarray:
    """The distances (nq,) of the k-th true neighbours. `truth` (nq, k or more) has all of them, nearest first."""
    return distances(base, queries, truth[:, :k], metric).max(axis=1)


def recall(
    base: np.ndarray, queries: np.ndarray, found: np.ndarray, limits: np.ndarray, k: int, metric: str
) -> np.ndarray:
    """For each query the share of its k results that are right.

    `found` (nq, k) has the ids of the results; ids below 0 or beyond the base stand for missing results. `limits` (nq,)
    are the distances of the k-th true neighbours. A row named twice counts once.
    """
    found = found[:, :k]
    missing = (found < 0) | (found >= base.shape[0])
    # Missing results look like row 0 from here on, sorted behind the real row 0, so that it still counts.
    ids = np.where(missing, 0, found).astype(np.int64)
    order = np.lexsort((missing, ids), axis=1)
    ids = np.take_along_axis(ids, order, axis=1)
    counts = ~np.take_along_axis(missing, order, axis=1)
    counts[:, 1:] &= ids[:, 1:] != ids[:, :-1]
    slack = TOLERANCE * np.maximum(1.0, np.abs(limits))
    near = distances(base, queries, ids, metric) <= (limits + slack)[:, None]
    return np.minimum((near & counts).sum(axis=1), k) / k
