# The vectors that are searched, and the exact truth about them.
# SPDX-License-Identifier: Apache-2.0
"""Real data where present (../shared/data beside the repository), clustered random data otherwise.

Each data set is kept, as float32 rows of norm 1, in benchmarks/data/<name>/: base.npy (n, dim), queries.npy (nq, dim)
and truth.npy (nq, 100), the ids of the nearest rows, nearest first. On rows of norm 1 the metrics l2sq, ip and cosine
rank alike, so that one truth serves all three.
"""

from __future__ import annotations

import os
import pathlib
import shutil
from typing import NamedTuple, Optional

import numpy as np

from . import recall

BENCHMARKS = pathlib.Path(__file__).resolve().parents[1]
KEPT = BENCHMARKS / "data"
PACKAGES = BENCHMARKS.parents[1] / "shared" / "data"
PACKAGES_ROWS = 60_000
TRUTH_DEPTH = 100

# Raise it when the data or the truth made here change: data sets of another number are made anew.
_VERSION = 1


class Dataset(NamedTuple):
    """A data set on disk."""

    name: str
    folder: pathlib.Path
    n: int
    dim: int
    nq: int
    origin: str

    def base(self) -> np.ndarray:
        """The rows, in the memory of this process."""
        return np.load(self.folder / "base.npy")

    def base_map(self) -> np.ndarray:
        """The rows, mapped from the file."""
        return np.load(self.folder / "base.npy", mmap_mode="r")

    def queries(self) -> np.ndarray:
        return np.load(self.folder / "queries.npy")

    def truth(self) -> np.ndarray:
        return np.load(self.folder / "truth.npy")


def prepare(kind: str, rows: Optional[int], dim: int, nq: int, seed: int, say=lambda text: None) -> Dataset:
    """The data set asked for, made if it is not kept yet.

    kind is `packages`, `generated`, or `auto`: packages where they are present and large enough. rows None means
    60,000. dim and seed are for generated data.
    """
    present = (PACKAGES / "packages-60k.base.f16.npy").is_file()
    if kind == "auto":
        kind = "packages" if present and (rows is None or rows <= PACKAGES_ROWS) else "generated"
    rows = rows or PACKAGES_ROWS
    if kind == "packages":
        if not present:
            raise SystemExit("benchmarks: the packages data is not here; use --data generated.")
        if rows > PACKAGES_ROWS:
            raise SystemExit(f"benchmarks: the packages data has {PACKAGES_ROWS} rows; use --data generated for more.")
        name = f"packages-{rows}-{nq}-v{_VERSION}"
        origin = "packages: MiniLM vectors of Debian package descriptions"
    else:
        name = f"generated-{rows}x{dim}-{nq}-seed{seed}-v{_VERSION}"
        origin = f"generated: clustered Gaussian, seed {seed}"

    folder = KEPT / name
    if not folder.is_dir():
        say(f"making {name} in benchmarks/data ...")
        if kind == "packages":
            base, queries, truth = _packages(rows, nq)
        else:
            base, queries = generate(rows, dim, nq, seed)
            truth = None
        if truth is None:
            truth = exact_truth(base, queries, min(TRUTH_DEPTH, rows))
        check_truth(base, queries, truth)
        _keep(folder, base, queries, truth)
    shape = np.load(folder / "base.npy", mmap_mode="r").shape
    return Dataset(name, folder, shape[0], shape[1], np.load(folder / "queries.npy", mmap_mode="r").shape[0], origin)


def normalised(vectors: np.ndarray) -> np.ndarray:
    """The vectors as contiguous float32 rows of norm 1."""
    wide = np.ascontiguousarray(vectors, dtype=np.float32)
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)


def generate(n: int, dim: int, nq: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
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
    # In blocks, so that a large base does not need its memory several times.
    for start in range(0, n + nq, 65536):
        block = out[start : start + 65536]
        which = random.integers(0, clusters, len(block))
        inner = centres[which] + np.float32(0.7) * random.standard_normal((len(block), directions), dtype=np.float32)
        np.matmul(inner, matrix, out=block)
        block += np.float32(0.2) * random.standard_normal(block.shape, dtype=np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return out[:n], out[n:]


def exact_truth(base: np.ndarray, queries: np.ndarray, depth: int, block: int = 65536) -> np.ndarray:
    """The ids (nq, depth) of the rows nearest to each query by inner product, nearest first, ties by id.

    float32 products in blocks find candidates, more than asked for; float64 ranks them.
    """
    keep = min(depth + 28, len(base))
    best_scores = np.empty((len(queries), 0), dtype=np.float32)
    best_ids = np.empty((len(queries), 0), dtype=np.int64)
    for start in range(0, len(base), block):
        scores = queries @ base[start : start + block].T
        inside = min(keep, scores.shape[1])
        picked = np.argpartition(-scores, inside - 1, axis=1)[:, :inside]
        best_scores = np.hstack([best_scores, np.take_along_axis(scores, picked, axis=1)])
        best_ids = np.hstack([best_ids, picked + start])
        if best_ids.shape[1] > keep:
            picked = np.argpartition(-best_scores, keep - 1, axis=1)[:, :keep]
            best_scores = np.take_along_axis(best_scores, picked, axis=1)
            best_ids = np.take_along_axis(best_ids, picked, axis=1)
    ids = np.sort(best_ids, axis=1)
    order = np.argsort(recall.distances(base, queries, ids, "ip"), axis=1, kind="stable")
    return np.take_along_axis(ids, order[:, :depth], axis=1).astype(np.int32)


def check_truth(base: np.ndarray, queries: np.ndarray, truth: np.ndarray, samples: int = 5) -> None:
    """Compares a few rows of the truth with a plain search over everything in float64."""
    picked = np.linspace(0, len(queries) - 1, min(samples, len(queries))).astype(int)
    some = queries[picked].astype(np.float64)
    every = np.hstack([-(some @ base[i : i + 65536].astype(np.float64).T) for i in range(0, len(base), 65536)])
    wanted = np.sort(every, axis=1)[:, : truth.shape[1]]
    given = recall.distances(base, some, truth[picked], "ip")
    if not np.allclose(wanted, given, rtol=0, atol=recall.TOLERANCE):
        raise SystemExit("benchmarks: the truth is wrong.")


def _packages(rows: int, nq: int) -> tuple[np.ndarray, np.ndarray, Optional[np.ndarray]]:
    base = normalised(np.load(PACKAGES / "packages-60k.base.f16.npy")[:rows])
    queries = normalised(np.load(PACKAGES / "packages-60k.query.f16.npy")[:nq])
    # The truth that comes with the data is about all its rows.
    truth = np.load(PACKAGES / "packages-60k.gt100.i32.npy")[:nq] if rows == PACKAGES_ROWS else None
    return base, queries, truth


def _keep(folder: pathlib.Path, base: np.ndarray, queries: np.ndarray, truth: np.ndarray) -> None:
    """Writes a data set whole or not at all."""
    half_made = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    half_made.mkdir(parents=True)
    try:
        np.save(half_made / "base.npy", base)
        np.save(half_made / "queries.npy", queries)
        np.save(half_made / "truth.npy", truth)
        half_made.rename(folder)
    except BaseException:
        shutil.rmtree(half_made)
        raise
