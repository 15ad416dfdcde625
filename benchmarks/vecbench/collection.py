# Collections of points with payloads: vecstore beside Qdrant Edge and zvec.
# SPDX-License-Identifier: Apache-2.0
"""Ingests the same points into each store until they are durable and indexed, and searches with and without filters."""

from __future__ import annotations

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile
from importlib.metadata import version
from typing import Any, Callable, Optional

import numpy as np

from . import child, collectionstores, collectionwork, data, described, payloads, recall, stats, tables

REPEATS = 3
SEARCHES = [collectionwork.ALL, *(each.name for each in payloads.FILTERS), collectionwork.WITH_PAYLOAD]
# What each repeat of a search gives.
_REPEATED = ("qps", "per_cpu_second", "others")
# And of vecstore's, which are made from C too.
_REPEATED_FROM_C = ("c_qps", "c_per_cpu_second")
_PACKAGES = {"qdrant_edge": "qdrant-edge-py", "zvec": "zvec"}


def add_arguments(parser: argparse.ArgumentParser, numbers: Callable[[str], list[int]]) -> None:
    parser.add_argument("--quick", action="store_true", help="12,000 rows, 200 queries, one repeat")
    described.add_data(parser)
    described.add_queries(parser)
    parser.add_argument("--engines", metavar="A,B", help="only stores whose name begins with one of these")
    parser.add_argument("--repeats", type=int, help=f"timings of each store, which take turns (default {REPEATS})")
    parser.add_argument("--seconds", type=float, help="length of one timing (default 1)")
    parser.add_argument("--folder", type=pathlib.Path, help="where collections are made (default: a temporary one)")
    described.add_output(parser)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs everything and returns what the JSON holds."""
    quick = options.quick
    rows = options.rows or (12_000 if quick else None)
    kind = options.data
    if kind == "auto" and data.packages_present() and rows is not None and rows > data.PACKAGES_ROWS:
        kind = "packages-1m"
    kind = data.chosen(kind, rows)
    asked = 200 if quick else options.queries
    dataset = data.prepare(kind, rows, None, asked, options.seed, say)
    texts, query_texts = payloads.texts(kind, dataset.n, dataset.nq, options.seed)
    made = payloads.make(texts, options.seed)
    names = collectionstores.chosen(options.engines)
    absent = [name for name in names if not collectionstores.KINDS[name].available()]
    # Removed with all that is in it, whatever happens.
    with tempfile.TemporaryDirectory(prefix="vecbench-", dir=options.folder) as folder:
        work = _Work(pathlib.Path(folder), dataset, made, options.seconds or (0.2 if quick else 1.0), say)
        for name in names:
            if name not in absent:
                work.fill(name)
        for turn in range(options.repeats or (1 if quick else REPEATS)):
            # A B C, B C A, C A B: noise of a shared machine hits all alike.
            searched = work.searched()
            first = turn % max(1, len(searched))
            for name in searched[first:] + searched[:first]:
                work.search(name)
        if "vecstore" in work.searched():
            work.extras("vecstore", query_texts)
    return described.run(
        "collections",
        list(work.results.values()),
        dataset,
        queries=dataset.nq,
        payload_bytes=made.byte_count(),
        versions={name: version(package) for name, package in _PACKAGES.items() if _is_used(name, work.results)},
        extras=work.extra,
        failures=work.failures,
        absent=absent,
    )


def _is_used(module: str, results: dict[str, Any]) -> bool:
    return any(collectionstores.KINDS[name].store.module == module for name in results)


class _Work:
    """Asks processes of their own to do it, and puts together what they say."""

    def __init__(
        self,
        folder: pathlib.Path,
        dataset: data.Dataset,
        made: payloads.Payloads,
        seconds: float,
        say: Callable[[str], None],
    ) -> None:
        self._folder, self._seconds, self._say = folder, seconds, say
        self._files = {
            "base": str(dataset.folder / "base.npy"),
            "queries": str(dataset.folder / "queries.npy"),
            "payloads": str(folder / "payloads.json"),
            "truth": str(folder / "truth.npz"),
        }
        (folder / "payloads.json").write_text(json.dumps(made._asdict()))
        np.savez(folder / "truth.npz", **_truth(dataset, made))
        self.results: dict[str, dict[str, Any]] = {}
        self.extra: Optional[dict[str, Any]] = None
        self.failures: dict[str, str] = {}

    def searched(self) -> list[str]:
        """The stores that are there to be searched."""
        return [name for name in self.results if collectionstores.KINDS[name].searched and name not in self.failures]

    def fill(self, name: str) -> None:
        self._say(f"{name}: ingesting")
        found = self._call("fill", name, collectionstores.THREADS)
        if found is not None:
            self.results[name] = {"store": name, **found, "opened": [], "searches": {}}
        if found is None or not collectionstores.KINDS[name].searched:
            shutil.rmtree(self._folder / name, ignore_errors=True)

    def search(self, store: str) -> None:
        self._say(f"{store}: searching")
        result = self.results[store]
        chosen = {search: one["ef_search"] for search, one in result["searches"].items()}
        found = self._call("search", store, 1, ef_search=chosen, seconds=self._seconds)
        if found is None:
            return
        result["opened"].append({"open_ms": found["open_ms"], "first_filter_ms": found["first_filter_ms"]})
        for search, one in found["searches"].items():
            repeated = [*_REPEATED, *(name for name in _REPEATED_FROM_C if name in one)]
            known = result["searches"].setdefault(
                search, {"ef_search": one["ef_search"], "recall": one["recall"], **{name: [] for name in repeated}}
            )
            for name in repeated:
                known[name].append(one[name])

    def extras(self, name: str, query_texts: list[str]) -> None:
        self._say(f"{name}: texts, and searching while points come")
        self.extra = self._call(
            "extras",
            name,
            collectionstores.THREADS,
            query_texts=query_texts,
            ef_search=self.results[name]["searches"][collectionwork.ALL]["ef_search"],
            busy_seconds=5 * self._seconds,
        )

    def _call(self, command: str, name: str, threads: int, **more: Any) -> Optional[dict[str, Any]]:
        request = {"command": command, "store": name, "path": str(self._folder / name), **self._files, **more}
        try:
            return child.call("collectionwork", request, child.environment(threads))
        except subprocess.CalledProcessError as error:
            # What it said is on standard error. The others go on without it.
            self.failures[name] = f"{command}: ended with status {error.returncode}"
            self._say(f"{name}: {self.failures[name]}")
            return None


def _truth(dataset: data.Dataset, made: payloads.Payloads) -> dict[str, np.ndarray]:
    """For each filter, and for none, which rows pass, and how far the k-th nearest of them are from the queries."""
    k, metric = collectionwork.K, collectionwork.METRIC
    base, queries = dataset.base(), dataset.queries()
    found = {}
    passing = {collectionwork.ALL: np.ones(dataset.n, dtype=bool)}
    passing |= {each.name: made.mask(each) for each in payloads.FILTERS}
    for name, rows in passing.items():
        nearest = payloads.truth(base, queries, rows, k, metric)
        found[f"passing {name}"] = rows
        found[f"limits {name}"] = recall.kth_distances(base, queries, nearest, k, metric)
    return found


def text(run: dict[str, Any], markdown: bool) -> str:
    """The tables of a run."""
    results = run["results"]
    parts = [_heading(run), tables.table(*_filling(run), markdown)]
    searches = [line for search in SEARCHES for line in _search_lines(search, results)]
    if searches:
        parts.append(
            f"Searches one at a time from Python, on one thread, k = {collectionwork.K}: least ef_search that reaches recall "
            f"{collectionwork.RECALL}; median (slowest...fastest); per cpu s: answers in a second of processor time"
        )
        parts.append(tables.table(["search", "store", "ef_search", "recall", "QPS", "per cpu s"], searches, markdown))
    if run["extras"]:
        parts.append("vecstore alone: ms are medians; points come in batches, as fast as they can, on a second thread")
        parts.append(tables.table(["", "value"], _extra_lines(run["extras"]), markdown))
    parts += [f"NOT AVAILABLE: {name}" for name in run["absent"]]
    parts += [f"FAILED: {name}: {reason}" for name, reason in run["failures"].items()]
    return "\n\n".join(parts)


def _heading(run: dict[str, Any]) -> str:
    shape = run["data"]
    vectors, beside = 4 * shape["n"] * shape["dim"], run["payload_bytes"]
    used = ", ".join(f"{name} {number}" for name, number in run["versions"].items())
    return (
        f"{shape['n']:,} points x {shape['dim']}, {run['queries']:,} queries; {shape['origin']}\n"
        f"{described.heading(run)}\n"
        f"float32 vectors {vectors / 1e6:,.1f} MB and payloads {beside / 1e6:,.1f} MB; disk / raw is to both together, "
        f"to float16 vectors where the store has those\n"
        f"batches of {collectionwork.BATCH:,}; indexed on {collectionstores.THREADS} threads"
        f"{'; ' + used if used else ''}\n"
        f"{_load(run)}"
    )


def _load(run: dict[str, Any]) -> str:
    every = [one["others"] for one in run["results"]]
    every += [others for one in run["results"] for search in one["searches"].values() for others in search["others"]]
    told = [others for others in every if others is not None]
    if not told:
        return "what other programs did meanwhile cannot be told"
    return f"other programs kept {statistics.median(told):.2f} processors busy meanwhile, {max(told):.2f} at most"


def _filling(run: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    header = ["store", "durable", "points/s", "indexed s", "disk MB", "disk / raw", "reopen ms", "first filter ms"]
    lines = []
    for one in run["results"]:
        kind = collectionstores.KINDS[one["store"]]
        width = 2 if kind.settings.get("dtype") == "float16" else 4
        raw = width * run["data"]["n"] * run["data"]["dim"] + run["payload_bytes"]
        lines.append(
            [
                one["store"],
                kind.durable,
                f"{run['data']['n'] / one['durable_seconds']:,.0f}",
                f"{one['indexed_seconds']:.1f}",
                tables.megabytes(one["disk_bytes"]),
                f"{one['disk_bytes'] / raw:.2f}",
                _median(one["opened"], "open_ms"),
                _median(one["opened"], "first_filter_ms"),
            ]
        )
    return header, lines


def _median(opened: list[dict[str, float]], name: str) -> str:
    return f"{statistics.median(each[name] for each in opened):,.1f}" if opened else "-"


def _search_lines(search: str, results: list[dict[str, Any]]) -> list[list[str]]:
    lines = []
    for result in results:
        one = result["searches"].get(search)
        if one:
            lines.append(_search_line(search, result["store"], one, "qps", "per_cpu_second"))
            if "c_qps" in one:
                lines.append(_search_line(search, f"{result['store']}, from C", one, *_REPEATED_FROM_C))
    return lines


def _search_line(search: str, store: str, one: dict[str, Any], qps: str, per_cpu_second: str) -> list[str]:
    return [
        search,
        store,
        str(one["ef_search"]),
        f"{one['recall']:.4f}",
        tables.qps(stats.spread(one[qps])),
        f"{statistics.median(one[per_cpu_second]):,.0f}",
    ]


def _extra_lines(extra: dict[str, float]) -> list[list[str]]:
    return [
        ["text index over all points, s", f"{extra['text_index_seconds']:.1f}"],
        ["text query (BM25, 10 best), ms", f"{extra['text_ms']:.2f}"],
        ["hybrid query (100 by vector, 100 by text, RRF, 10 best), ms", f"{extra['hybrid_ms']:.2f}"],
        ["QPS at rest", f"{extra['qps_at_rest']:,.0f}"],
        ["QPS while points come", f"{extra['qps_while_ingesting']:,.0f}"],
        ["points/s meanwhile", f"{extra['ingested_per_second']:,.0f}"],
        ["points that wait for the graph after that", f"{extra['waiting_at_the_end']:,}"],
    ]
