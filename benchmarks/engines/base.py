# What the benchmarks need to know of an engine.
# SPDX-License-Identifier: Apache-2.0
"""The adapter between the runner and a library.

The class itself is read by the runner, which must not load the library: import it in load(), which runs in the engine's
own process after the environment is set.
"""

from __future__ import annotations

import importlib
from typing import Any, Callable, Optional, Sequence

import numpy as np


class NotAvailable(Exception):
    """What an engine needs is not here. The run goes on without it, says so, and does not fail."""


def package(name: str) -> Any:
    """Imports the package of a peer that has no wheel for every system."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise NotAvailable(f"the package {error.name} is not installed") from error


class Engine:
    """One way of one library to find the nearest rows."""

    name = ""  # in tables and for --engines; classes without one are not run
    library = ""  # engines of one library share a colour in plots
    ours = False  # part of this project: peers are compared with it
    suites: tuple[str, ...] = ()  # "exact", "ann", "ivf", "filters", "growth", "life"
    metrics: tuple[str, ...] = ("l2sq", "ip", "cosine")
    keeps_base = False  # searches the caller's array in place, so that it must stay
    needs_flags: tuple[str, ...] = ()  # flags of the processor without which it is left out
    environment: dict[str, str] = {}  # variables of its process
    note = ""  # a limitation that readers of the results must know

    @classmethod
    def settings(cls, options: Any) -> list[dict[str, Any]]:
        """The ways to build it, as keyword arguments of the constructor: each is measured by itself."""
        return [{}]

    @classmethod
    def points(cls, options: Any) -> list[dict[str, Any]]:
        """The ways to search it, as keyword arguments of use(): the points of its recall-QPS curve."""
        return [{}]

    @classmethod
    def label(cls, settings: dict[str, Any]) -> str:
        """The name that a way to build it has in tables and plots."""
        return " ".join([cls.name, *(f"{name}={value}" for name, value in settings.items())])

    def __init__(self, dim: int, metric: str, threads: int) -> None:
        self.dim = dim
        self.metric = metric
        self.threads = threads  # of a search

    def load(self) -> str:
        """Imports the library and sets its search threads; returns its version. Raises NotAvailable where it lacks."""
        raise NotImplementedError

    def about(self) -> Optional[dict[str, Any]]:
        """What the library says of itself, for the JSON."""
        return None

    def build(self, base: np.ndarray, threads: int) -> None:
        """Takes in the rows (n, dim), float32; row i has the id i. Replaces what was built before."""
        raise NotImplementedError

    def use(self, **point: Any) -> None:
        """Sets how the next searches are done."""

    def allow(self, allowed: np.ndarray) -> None:
        """Lets only rows i with allowed[i] be results of the next searches. For the suite `filters`."""
        raise NotImplementedError

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """The ids (nq, k) of the rows nearest to each query, nearest first; where there are fewer, ids of no row."""
        raise NotImplementedError

    def save(self, path: str) -> bool:
        """Writes the index to a file or a folder; False where the engine has none."""
        return False


class GraphEngine(Engine):
    """An HNSW graph: built with m and ef_construction, searched with ef_search."""

    suites = ("ann", "growth")

    @classmethod
    def settings(cls, options: Any) -> list[dict[str, Any]]:
        return [{"m": m, "ef_construction": options.ef_construction} for m in options.m]

    @classmethod
    def points(cls, options: Any) -> list[dict[str, Any]]:
        # A beam narrower than k cannot hold the results; libraries silently widen it.
        return [{"ef_search": ef} for ef in options.ef_search if ef >= options.k]

    @classmethod
    def label(cls, settings: dict[str, Any]) -> str:
        # ef_construction is the same for all graphs of a run.
        return f"{cls.name} m={settings['m']}"

    def __init__(self, dim: int, metric: str, threads: int, m: int, ef_construction: int) -> None:
        super().__init__(dim, metric, threads)
        self.m = m
        self.ef_construction = ef_construction


class ListEngine(Engine):
    """An inverted file with codes and float32 rows to rank by: built with nlist, searched with nprobe and oversampling."""

    suites = ("ivf",)

    @classmethod
    def settings(cls, options: Any) -> list[dict[str, Any]]:
        return [{"nlist": nlist} for nlist in options.nlist]

    @classmethod
    def points(cls, options: Any) -> list[dict[str, Any]]:
        return [
            {"nprobe": nprobe, "oversampling": oversampling}
            for nprobe in options.nprobe
            for oversampling in options.oversampling
        ]

    def __init__(self, dim: int, metric: str, threads: int, nlist: int) -> None:
        super().__init__(dim, metric, threads)
        self.nlist = nlist


def one_by_one(queries: np.ndarray, k: int, search: Callable[[np.ndarray], Sequence[int]]) -> np.ndarray:
    """The ids (nq, k) by a library that takes one query at a time and may return fewer results."""
    ids = np.full((len(queries), k), -1, dtype=np.int64)
    for row, query in zip(ids, queries):
        found = search(query)
        row[: len(found)] = found
    return ids


def with_norm_1(vectors: np.ndarray) -> np.ndarray:
    """A copy scaled to norm 1: how a library without the cosine metric is used for it."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
