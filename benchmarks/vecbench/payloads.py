# Payloads of the points that collections are compared on, the filters over them, and the exact truth about both.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import json
from typing import Any, NamedTuple, Optional

import numpy as np

from . import data

# How many of a hundred rows are in each section.
SECTIONS = {"libs": 35.0, "net": 30.0, "doc": 20.0, "games": 13.7, "math": 1.3}
SIZES = 10_000

_WORDS = "stone river cloud paper wheel light garden metal window forest copper bridge".split()
_DATA_WITH_TEXTS = ("packages", "packages-1m")


class Filter(NamedTuple):
    """The rows of one section, or those whose size is from `low` up to but not including `high`."""

    name: str
    section: Optional[str] = None
    low: int = 0
    high: int = SIZES


FILTERS = [
    Filter("keyword 35%", section="libs"),
    Filter("keyword 1.3%", section="math"),
    Filter("range 32%", low=1000, high=4200),
    Filter("range 5%", low=7000, high=7500),
]


class Payloads(NamedTuple):
    """The payload of each row, field by field."""

    sections: list[str]
    sizes: list[int]
    texts: list[str]

    def at(self, row: int) -> dict[str, Any]:
        """The payload of a row. A row beyond the last begins again with the first."""
        row %= len(self.texts)
        return {"section": self.sections[row], "size": self.sizes[row], "text": self.texts[row]}

    def byte_count(self) -> int:
        """Bytes of all payloads as JSON without spaces."""
        compact = (json.dumps(self.at(i), ensure_ascii=False, separators=(",", ":")) for i in range(len(self.texts)))
        return sum(len(text.encode()) for text in compact)

    def mask(self, chosen: Filter) -> np.ndarray:
        """Which rows a filter lets through."""
        sizes = np.asarray(self.sizes)
        passes = (sizes >= chosen.low) & (sizes < chosen.high)
        return passes if chosen.section is None else passes & (np.asarray(self.sections) == chosen.section)


def make(texts: list[str], seed: int) -> Payloads:
    """Payloads with these texts. Sections have their shares to the row, and have nothing to do with the vectors."""
    n = len(texts)
    random = np.random.default_rng(seed)
    ends = np.rint(np.cumsum(list(SECTIONS.values())) / 100 * n).astype(int)
    names = np.repeat(list(SECTIONS), np.diff(ends, prepend=0))
    return Payloads(random.permutation(names).tolist(), random.integers(0, SIZES, n).tolist(), texts)


def texts(kind: str, rows: int, queries: int, seed: int) -> tuple[list[str], list[str]]:
    """The texts of the rows and of the queries: those of the packages, repeated where there are more, or made ones."""
    if kind in _DATA_WITH_TEXTS:
        with gzip.open(data.PACKAGES / "packages-60k.jsonl.gz", "rt") as lines:
            known = [json.loads(line)["text"] for line in lines]
        asked = json.loads((data.PACKAGES / "packages-60k.queries.json").read_text())
        return _as_many(known, rows), _as_many(asked, queries)
    random = np.random.default_rng(seed)
    return _sentences(rows, 20, random), _sentences(queries, 4, random)


def truth(base: np.ndarray, queries: np.ndarray, passing: np.ndarray, depth: int, metric: str) -> np.ndarray:
    """The ids (nq, depth) of the nearest rows among those that pass, nearest first."""
    ids = np.flatnonzero(passing)
    if len(ids) < depth:
        raise SystemExit(f"benchmarks: a filter lets {len(ids)} rows through, fewer than {depth}; take more --rows.")
    return ids[data.exact_truth(base[ids], queries, depth, metric)]


def only_passing(found: np.ndarray, passing: np.ndarray) -> np.ndarray:
    """The ids found, with -1 for those that a filter should have kept out, so that they are no results."""
    inside = (found >= 0) & (found < len(passing))
    return np.where(inside & passing[np.where(inside, found, 0)], found, -1)


def _as_many(known: list[str], wanted: int) -> list[str]:
    return [known[i % len(known)] for i in range(wanted)]


def _sentences(count: int, words: int, random: np.random.Generator) -> list[str]:
    return [" ".join(line) for line in random.choice(_WORDS, (count, words)).tolist()]
