# One store of the suite `collections` in a process of its own: filling it, opening and searching it.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Callable, Optional

import numpy as np

from . import collectionstores, payloads, process, recall

PROJECT = pathlib.Path(__file__).resolve().parents[2]
K = 10
METRIC = "ip"
BATCH = 1000
RECALL = 0.95
# The beams that are tried, until one reaches RECALL.
EF_SEARCH = [10, 12, 14, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 256, 320, 384, 512]
ALL = "all"
WITH_PAYLOAD = "all, with payload"


def fill(request: dict[str, Any]) -> dict[str, Any]:
    """Ingests all points and brings them into the graph; the directory stays."""
    base, made = np.load(request["base"]), _payloads(request)
    every = [made.at(i) for i in range(len(base))]
    kind = collectionstores.KINDS[request["store"]]
    store = collectionstores.make(request["store"])
    store.create(request["path"], base.shape[1])
    meter = process.Meter()
    begin = time.perf_counter()
    for first in range(0, len(base), BATCH):
        store.add(first, base[first : first + BATCH], every[first : first + BATCH])
        if kind.flush_each:
            store.flush()
    if not kind.flush_each:
        store.flush()
    durable = time.perf_counter() - begin
    store.index()
    indexed = time.perf_counter() - begin
    others = meter.stop().others
    if store.indexed() != len(base):
        raise RuntimeError(f"{request['store']}: {store.indexed()} of {len(base)} points are indexed")
    store.close()
    return {
        "durable_seconds": durable,
        "indexed_seconds": indexed,
        "disk_bytes": disk_bytes(request["path"]),
        "others": others,
    }


def search(request: dict[str, Any]) -> dict[str, Any]:
    """Opens a store and searches it in every way; an ef_search that is not given is found first."""
    base, queries = np.load(request["base"], mmap_mode="r"), np.load(request["queries"])
    truth = np.load(request["truth"])
    store = collectionstores.make(request["store"])
    begin = time.perf_counter()
    store.open(request["path"])
    store.search(queries[0], K, EF_SEARCH[0])
    found: dict[str, Any] = {"open_ms": 1e3 * (time.perf_counter() - begin)}
    begin = time.perf_counter()
    store.search(queries[0], K, EF_SEARCH[0], store.filter(payloads.FILTERS[0]))
    found["first_filter_ms"] = 1e3 * (time.perf_counter() - begin)

    def ask(name: str, query: np.ndarray, ef_search: int) -> list[int]:
        if name == WITH_PAYLOAD:
            return [id for id, _ in store.payloads(query, K, ef_search)]
        return store.search(query, K, ef_search, filters.get(name))

    filters = {each.name: store.filter(each) for each in payloads.FILTERS}
    found["searches"] = {}
    for name in [ALL, *filters, WITH_PAYLOAD]:
        answered = ALL if name == WITH_PAYLOAD else name
        known = request["ef_search"].get(name)
        for ef_search in [known] if known else EF_SEARCH:
            # Not timed, and so what warms the store up too.
            ids = as_array([ask(name, query, ef_search) for query in queries], K)
            reached = _recall(base, queries, ids, truth, answered)
            if reached >= RECALL:
                break
        meter = process.Meter()
        done = _ask_for(lambda query: ask(name, query, ef_search), queries, request["seconds"])
        usage = meter.stop()
        found["searches"][name] = {
            "ef_search": ef_search,
            "recall": reached,
            "qps": done / usage.wall,
            "per_cpu_second": done / usage.cpu,
            "others": usage.others,
        }
    store.close()
    if store.module == "vecstore":
        for name, one in found["searches"].items():
            one.update(_from_c(request, queries, one["ef_search"], name == WITH_PAYLOAD, filters.get(name)))
    return found


def _from_c(
    request: dict[str, Any], queries: np.ndarray, ef_search: int, with_payload: bool, filter: Optional[str]
) -> dict[str, float]:
    """The same searches from a C program, which makes no objects of what it finds: see benchmarks/c/points.c."""
    build = PROJECT / "build"
    with tempfile.TemporaryDirectory() as folder:
        program, path = os.path.join(folder, "points"), os.path.join(folder, "queries")
        command = ["cc", "-O2", "-I", PROJECT / "include", PROJECT / "benchmarks/c/points.c", "-o", program]
        subprocess.run([*command, "-L", build, "-lvecstore", f"-Wl,-rpath,{build}"], check=True)
        queries.astype(np.float32).tofile(path)
        numbers = [queries.shape[1], K, ef_search, request["seconds"], int(with_payload)]
        arguments = [program, request["path"], path, *map(str, numbers)]
        done = subprocess.run(
            arguments if filter is None else [*arguments, filter], check=True, stdout=subprocess.PIPE
        )
    told = json.loads(done.stdout)
    return {"c_qps": told["calls"] / told["wall"], "c_per_cpu_second": told["calls"] / told["cpu"]}


def extras(request: dict[str, Any]) -> dict[str, Any]:
    """What only vecstore is asked for: text and hybrid queries, and searching while points come. Changes the store."""
    base, queries, made = np.load(request["base"]), np.load(request["queries"]), _payloads(request)
    store = collectionstores.make(request["store"])
    store.open_to_write(request["path"])
    points = store.points
    begin = time.perf_counter()
    points.create_payload_index("text", "text")
    found: dict[str, Any] = {"text_index_seconds": time.perf_counter() - begin}
    asked = request["query_texts"]
    both = list(zip(queries, asked))
    ef_search = request["ef_search"]
    found["text_ms"] = _median_ms(lambda text: points.search_text(text, K, with_payload=False), asked)
    found["hybrid_ms"] = _median_ms(
        lambda pair: points.search_hybrid(
            *pair, K, candidates=100, ef_search=max(ef_search, 100), with_payload=False, threads=1
        ),
        both,
    )
    points.drop_payload_index("text")

    def ask(query: np.ndarray) -> None:
        store.search(query, K, ef_search)

    begin = time.perf_counter()
    found["qps_at_rest"] = _ask_for(ask, queries, request["busy_seconds"]) / (time.perf_counter() - begin)
    writer = _Writer(points, base, made)
    begin = time.perf_counter()
    writer.start()
    found["qps_while_ingesting"] = _ask_for(ask, queries, request["busy_seconds"]) / (time.perf_counter() - begin)
    found["waiting_at_the_end"] = points.describe()["waiting"]
    found["ingested_per_second"] = writer.stop() / (time.perf_counter() - begin)
    store.close()
    return found


class _Writer:
    """Adds points on a thread of its own, as fast as they can be added. Their payloads are JSON already: while Python
    would make it, it would let no search run."""

    def __init__(self, points: Any, base: np.ndarray, made: payloads.Payloads) -> None:
        self._points, self._base = points, base
        self._payloads = [json.dumps(made.at(i)) for i in range(len(base))]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._written = 0
        self._failure: Optional[Exception] = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> int:
        """Waits for the batch that is being added; returns how many points came, or raises what kept them away."""
        self._stopping.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._written

    def _run(self) -> None:
        try:
            self._add()
            while not self._stopping.is_set():
                self._add()
        except Exception as failure:
            self._failure = failure

    def _add(self) -> None:
        n, size = len(self._base), min(BATCH, len(self._base))
        start = self._written % (n - n % size)
        ids = np.arange(n + self._written, n + self._written + size)
        self._points.upsert(ids, self._base[start : start + size], self._payloads[start : start + size])
        self._written += size


def as_array(found: list[list[int]], k: int) -> np.ndarray:
    """Lists of at most k ids as rows, with -1 for what is missing."""
    ids = np.full((len(found), k), -1, dtype=np.int64)
    for row, some in zip(ids, found):
        row[: len(some)] = some[:k]
    return ids


def disk_bytes(path: str) -> int:
    """What a directory takes on disk, as du says it."""
    files = [file for file in pathlib.Path(path).rglob("*") if file.is_file()]
    return sum(os.stat(file).st_blocks * 512 for file in files)


def _payloads(request: dict[str, Any]) -> payloads.Payloads:
    return payloads.Payloads(**json.loads(pathlib.Path(request["payloads"]).read_text()))


def _recall(base: np.ndarray, queries: np.ndarray, ids: np.ndarray, truth: Any, name: str) -> float:
    right = payloads.only_passing(ids, truth[f"passing {name}"])
    return float(recall.recall(base, queries, right, truth[f"limits {name}"], K, METRIC).mean())


def _ask_for(ask: Callable[[np.ndarray], Any], queries: np.ndarray, seconds: float) -> int:
    """Asks one query after the other for at least so long; returns how many were answered."""
    done = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        ask(queries[done % len(queries)])
        done += 1
    return done


def _median_ms(ask: Callable[[Any], Any], questions: list[Any]) -> float:
    """The median of all questions, each in a call of its own, after a few that are not timed."""
    for question in questions[:20]:
        ask(question)
    times = []
    for question in questions:
        begin = time.perf_counter()
        ask(question)
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times)


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    print(json.dumps({"fill": fill, "search": search, "extras": extras}[asked["command"]](asked)))
