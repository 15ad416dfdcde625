# Made vectors: the usual, and those that are hard for an index.
# SPDX-License-Identifier: Apache-2.0
"""Each function gives base and queries of one distribution as float32; the same seed gives the same vectors."""

from __future__ import annotations

import numpy as np

# Rows made at a time, so that a large base does not need its memory several times.
_BLOCK = 65536


def clustered(n: int, dim: int, nq: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Base and queries of one distribution, of norm 1.

    Like embeddings, the rows crowd in clusters and have far fewer free directions than elements: each is a cluster
    centre plus Gaussian noise in a space of 48 directions, turned into `dim` elements by a random matrix, plus a little
    noise in every element.
    """
    random = np.random.default_rng(seed)
    directions = min(48, dim)
    clusters = max(1, round(n**0.5))
    centres = random.standard_normal((clusters, directions), dtype=np.float32)
    matrix = random.standard_normal((directions, dim), dtype=np.float32) / np.float32(directions**0.5)
    out = np.empty((n + nq, dim), dtype=np.float32)
    for start in range(0, n + nq, _BLOCK):
        block = out[start : start + _BLOCK]
        which = random.integers(0, clusters, len(block))
        inner = centres[which] + np.float32(0.7) * random.standard_normal((len(block), directions), dtype=np.float32)
        np.matmul(inner, matrix, out=block)
        block += np.float32(0.2) * random.standard_normal(block.shape, dtype=np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return out[:n], out[n:]


def mixed(real: np.ndarray, n: int, seed: int) -> np.ndarray:
    """n rows of norm 1 made from fewer real ones of norm 1.

    Each is a real row, mixed with another at a weight of 0.1 to 0.5 (in four of five cases one of the ten rows nearest
    to the first, else any row), plus Gaussian noise that has a tenth of its norm. So rows lie between and around real
    ones and share their clusters, but crowd more than as many real ones would.
    """
    random = np.random.default_rng(seed)
    near = _neighbours(real, min(10, len(real) - 1))
    out = np.empty((n, real.shape[1]), dtype=np.float32)
    for start in range(0, n, _BLOCK):
        block = out[start : start + _BLOCK]
        first = random.integers(0, len(real), len(block))
        neighbour = near[first, random.integers(0, near.shape[1], len(block))]
        anyone = random.integers(0, len(real), len(block))
        second = np.where(random.random(len(block)) < 0.8, neighbour, anyone)
        share = random.uniform(0.1, 0.5, (len(block), 1)).astype(np.float32)
        np.multiply(real[first], 1 - share, out=block)
        block += share * real[second]
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        block += np.float32(0.1 / real.shape[1] ** 0.5) * random.standard_normal(block.shape, dtype=np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return out


def _neighbours(rows: np.ndarray, count: int) -> np.ndarray:
    """For each of the rows of norm 1, `count` of the others that are nearest, in no order."""
    found = np.empty((len(rows), count), dtype=np.int64)
    for start in range(0, len(rows), 1024):
        scores = rows[start : start + 1024] @ rows.T
        own = np.arange(len(scores))
        scores[own, start + own] = -np.inf
        found[start : start + 1024] = np.argpartition(scores, len(rows) - count, axis=1)[:, -count:]
    return found


def uneven(n: int, dim: int, nq: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Like principal components of image patches: what one range for all elements, or 8 bits, resolve badly.

    The variance of element i falls with i^-2, and the contrast of a row, a factor of all its elements, is lognormal.
    Half of the rows, and of the queries, are near-duplicates of rows of the other half: copies with noise of 2 % of
    the deviation of each element.
    """
    random = np.random.default_rng(seed)
    deviations = (100 / np.arange(1, dim + 1)).astype(np.float32)

    def fresh(count: int) -> np.ndarray:
        contrast = random.lognormal(0, 0.5, (count, 1)).astype(np.float32)
        return contrast * deviations * random.standard_normal((count, dim), dtype=np.float32)

    def near(rows: np.ndarray, count: int) -> np.ndarray:
        noise = np.float32(0.02) * deviations * random.standard_normal((count, dim), dtype=np.float32)
        return rows[random.integers(0, len(rows), count)] + noise

    originals = fresh((n + 1) // 2)
    base = np.vstack([originals, near(originals, n // 2)])[random.permutation(n)]
    return base, np.vstack([fresh((nq + 1) // 2), near(originals, nq // 2)])[random.permutation(nq)]


def uneven_norms(n: int, dim: int, nq: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of clustered() with lognormal norms: by inner product, few long rows are near to many queries."""
    base, queries = clustered(n, dim, nq, seed)
    random = np.random.default_rng(seed + 1)
    base *= random.lognormal(0, 0.5, (n, 1)).astype(np.float32)
    queries *= random.lognormal(0, 0.5, (nq, 1)).astype(np.float32)
    return base, queries


def duplicates(n: int, dim: int, nq: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of clustered(), of which a fifth, anywhere among them, is one and the same; so is a tenth of the queries
    but for some noise. Links that all lead to equal rows cut a graph into pieces."""
    base, queries = clustered(n, dim, nq, seed)
    random = np.random.default_rng(seed + 1)
    same = random.permutation(n)[: n // 5]
    base[same] = base[same[:1]]
    beside = queries[: nq // 10]
    noise = random.standard_normal(beside.shape, dtype=np.float32) / np.float32(dim**0.5)
    beside[:] = base[same[:1]] + np.float32(0.3) * noise
    beside /= np.linalg.norm(beside, axis=1, keepdims=True)
    return base, queries
