# The vectors that are searched, and the exact truth about them.
# SPDX-License-Identifier: Apache-2.0
"""Real data where present (../shared/data beside the repository), made data otherwise; see `synthetic`.

Each data set is kept, as float32 rows, in benchmarks/data/<name>/: base.npy (n, dim), queries.npy (nq, dim) and the
truth (nq, 100), the ids of the nearest rows, nearest first. On rows of norm 1 the metrics l2sq, ip and cosine rank
alike, so that one truth.npy serves all three; other data has a truth-<metric>.npy for each metric it is searched by.
"""

from __future__ import annotations

import os
import pathlib
import shutil
from typing import Callable, NamedTuple, Optional

import numpy as np

from . import recall, synthetic

BENCHMARKS = pathlib.Path(__file__).resolve().parents[1]
KEPT = BENCHMARKS / "data"
PACKAGES = BENCHMARKS.parents[1] / "shared" / "data"
PACKAGES_ROWS = 60_000
TRUTH_DEPTH = 100

# Raise it when the data or the truth made here change: data sets of another number are made anew.
_VERSION = 1


class Kind(NamedTuple):
    """A sort of data set; the defaults are for what is not on the command line."""

    origin: str
    rows: int
    dim: int
    metric: Optional[str] = None  # the one it is made for; None: whatever the suite asks for
    norm_1: bool = True


KINDS = {
    "packages": Kind("packages: MiniLM vectors of Debian package descriptions", PACKAGES_ROWS, 384),
    "packages-1m": Kind("packages-1m: mixes of neighbouring MiniLM vectors of Debian packages", 1_000_000, 384),
    "generated": Kind("generated: clustered Gaussian", PACKAGES_ROWS, 384),
    "hard": Kind("hard: principal components of uneven variance, near-duplicates", 200_000, 128, "l2sq", False),
    "norms": Kind("norms: clustered Gaussian with lognormal norms", PACKAGES_ROWS, 384, "ip", False),
    "duplicates": Kind("duplicates: clustered Gaussian, a fifth of the rows equal", 50_000, 384),
}


class Dataset(NamedTuple):
    """A data set on disk."""

    name: str
    folder: pathlib.Path
    n: int
    dim: int
    nq: int
    origin: str
    norm_1: bool = True

    def base(self) -> np.ndarray:
        """The rows, in the memory of this process."""
        return np.load(self.folder / "base.npy")

    def base_map(self) -> np.ndarray:
        """The rows, mapped from the file."""
        return np.load(self.folder / "base.npy", mmap_mode="r")

    def queries(self) -> np.ndarray:
        return np.load(self.folder / "queries.npy")

    def truth(self, metric: str) -> np.ndarray:
        return np.load(self.truth_file(metric))

    def truth_file(self, metric: str) -> pathlib.Path:
        """The file of the truth, which is made here for a metric that asks for it the first time."""
        path = self.folder / ("truth.npy" if self.norm_1 else f"truth-{metric}.npy")
        if not path.is_file():
            base, queries = self.base(), self.queries()
            truth = exact_truth(base, queries, min(TRUTH_DEPTH, self.n), metric)
            check_truth(base, queries, truth, metric)
            half_made = path.with_suffix(f".{os.getpid()}.tmp.npy")
            np.save(half_made, truth)
            half_made.rename(path)
        return path


def chosen(kind: str, rows: Optional[int]) -> str:
    """The kind of data that `auto` means: packages where they are present and large enough."""
    if kind != "auto":
        return kind
    return "packages" if packages_present() and (rows is None or rows <= PACKAGES_ROWS) else "generated"


def packages_present() -> bool:
    return (PACKAGES / "packages-60k.base.f16.npy").is_file()


def prepare(
    kind: str,
    rows: Optional[int],
    dim: Optional[int],
    nq: int,
    seed: int,
    say: Callable[[str], None] = lambda text: None,
) -> Dataset:
    """The data set asked for, made if it is not kept yet.

    kind is one of KINDS, or `auto`. rows and dim of None mean those of the kind.
    """
    kind = chosen(kind, rows)
    about = KINDS[kind]
    rows, dim = rows or about.rows, dim or about.dim
    if kind.startswith("packages"):
        if not packages_present():
            raise SystemExit(f"benchmarks: the packages data is not here, without which there is no {kind}.")
        if dim != about.dim:
            raise SystemExit(f"benchmarks: {kind} has vectors of {about.dim} elements; --dim is for made data.")
    if kind == "packages":
        if rows > PACKAGES_ROWS:
            raise SystemExit(f"benchmarks: packages has {PACKAGES_ROWS} rows; use --data packages-1m for more.")
        name, origin = f"packages-{rows}-{nq}-v{_VERSION}", about.origin
    else:
        name, origin = f"{kind}-{rows}x{dim}-{nq}-seed{seed}-v{_VERSION}", f"{about.origin}, seed {seed}"

    folder = KEPT / name
    if not folder.is_dir():
        say(f"making {name} in benchmarks/data ...")
        _keep(folder, _make(kind, rows, dim, nq, seed))
    shape = np.load(folder / "base.npy", mmap_mode="r").shape
    made = np.load(folder / "queries.npy", mmap_mode="r").shape[0]
    return Dataset(name, folder, shape[0], shape[1], made, origin, about.norm_1)


def _make(kind: str, rows: int, dim: int, nq: int, seed: int) -> dict[str, np.ndarray]:
    """The arrays of a data set, by the names of their files. Where the truth is not among them, it is found later."""
    if kind == "packages":
        return _packages(rows, nq)
    if kind == "packages-1m":
        real = _packages(PACKAGES_ROWS, nq)
        base = synthetic.mixed(real["base"], rows, seed)
        return {"base": base, "queries": synthetic.mixed(real["queries"], nq, seed + 1)}
    make = {
        "generated": synthetic.clustered,
        "hard": synthetic.uneven,
        "norms": synthetic.uneven_norms,
        "duplicates": synthetic.duplicates,
    }[kind]
    base, queries = make(rows, dim, nq, seed)
    return {"base": base, "queries": queries}


def normalised(vectors: np.ndarray) -> np.ndarray:
    """The vectors as contiguous float32 rows of norm 1."""
    wide = np.ascontiguousarray(vectors, dtype=np.float32)
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)


def exact_truth(
    base: np.ndarray, queries: np.ndarray, depth: int, metric: str = "ip", block: int = 65536
) -> np.ndarray:
    """The ids (nq, depth) of the rows nearest to each query, nearest first, ties by id.

    float32 products in blocks find candidates, more than asked for; float64 ranks them.
    """
    keep = min(depth + 28, len(base))
    best_scores = np.empty((len(queries), 0), dtype=np.float32)
    best_ids = np.empty((len(queries), 0), dtype=np.int64)
    for start in range(0, len(base), block):
        scores = closeness(queries, base[start : start + block], metric)
        inside = min(keep, scores.shape[1])
        picked = np.argpartition(-scores, inside - 1, axis=1)[:, :inside]
        best_scores = np.hstack([best_scores, np.take_along_axis(scores, picked, axis=1)])
        best_ids = np.hstack([best_ids, picked + start])
        if best_ids.shape[1] > keep:
            picked = np.argpartition(-best_scores, keep - 1, axis=1)[:, :keep]
            best_scores = np.take_along_axis(best_scores, picked, axis=1)
            best_ids = np.take_along_axis(best_ids, picked, axis=1)
    ids = np.sort(best_ids, axis=1)
    order = np.argsort(recall.distances(base, queries, ids, metric), axis=1, kind="stable")
    return np.take_along_axis(ids, order[:, :depth], axis=1).astype(np.int32)


def closeness(queries: np.ndarray, rows: np.ndarray, metric: str) -> np.ndarray:
    """What is larger for a row that is closer to a query, in the precision of the arguments."""
    scores = queries @ rows.T
    if metric == "l2sq":
        scores *= 2
        scores -= np.einsum("ij,ij->i", rows, rows)
    elif metric == "cosine":
        scores /= np.linalg.norm(rows, axis=1)
    return scores


def check_truth(base: np.ndarray, queries: np.ndarray, truth: np.ndarray, metric: str = "ip", samples: int = 5) -> None:
    """Compares a few rows of the truth with a plain search over everything in float64."""
    for i in np.linspace(0, len(queries) - 1, min(samples, len(queries))).astype(int):
        query = queries[i : i + 1]
        blocks = [np.arange(start, min(start + 65536, len(base))) for start in range(0, len(base), 65536)]
        every = np.concatenate([recall.distances(base, query, ids[None], metric)[0] for ids in blocks])
        wanted = np.sort(every)[: truth.shape[1]]
        given = recall.distances(base, query, truth[i : i + 1], metric)[0]
        if not np.all(np.abs(wanted - given) <= recall.TOLERANCE * np.maximum(1.0, np.abs(wanted))):
            raise SystemExit("benchmarks: the truth is wrong.")


def _packages(rows: int, nq: int) -> dict[str, np.ndarray]:
    arrays = {
        "base": normalised(np.load(PACKAGES / "packages-60k.base.f16.npy")[:rows]),
        "queries": normalised(np.load(PACKAGES / "packages-60k.query.f16.npy")[:nq]),
    }
    if rows == PACKAGES_ROWS:
        # The truth that comes with the data is about all its rows.
        arrays["truth"] = np.load(PACKAGES / "packages-60k.gt100.i32.npy")[:nq]
        check_truth(arrays["base"], arrays["queries"], arrays["truth"])
    return arrays


def _keep(folder: pathlib.Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes a data set whole or not at all."""
    half_made = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    half_made.mkdir(parents=True)
    try:
        for name, array in arrays.items():
            np.save(half_made / f"{name}.npy", array)
        half_made.rename(folder)
    except BaseException:
        shutil.rmtree(half_made)
        raise
