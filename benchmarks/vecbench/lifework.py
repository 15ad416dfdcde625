# The steps of the suite `life`, as they run in the engine's process.
# SPDX-License-Identifier: Apache-2.0
"""Each step takes the worker, whose engine has built its index, and returns what goes into the JSON.

The engine needs what those of vecstore have: `index`, `make()` for an empty one, and searches that go to `index`.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import time
import timeit
from typing import Any, Callable, Iterator

import numpy as np

from . import recall, stats


def calls(worker: Any, point: dict, count: int, seconds: float) -> dict:
    """What a call from Python costs: the same queries in one call and in one call each; and one in an index of one row,
    where there is nothing else to do (`c` does that too)."""
    batch = worker.time_batch(point, seconds, warm_up=50)
    single = worker.time_single(point, 0, count, warm_up=50)
    index = worker.engine.make()
    index.add(worker.queries[:1])
    query, k = worker.queries[0], worker.k
    one_row = min(timeit.repeat(lambda: index.search(query, k), number=1000, repeat=20)) * 1000
    index.close()
    return {
        "batch_us": 1e6 / batch["qps"],
        "single_us": stats.percentile(single["latencies_us"], 50),
        "one_row_us": one_row,
    }


def threads(worker: Any, point: dict, counts: list[int], seconds: float) -> dict:
    """How more threads help: inside one call, and as threads of Python that search one query at a time."""
    given = worker.engine.threads
    rows = []
    for count in counts:
        worker.engine.threads = count
        inside = worker.time_batch(point, seconds, warm_up=50)["qps"]
        worker.engine.threads = 1
        rows.append({"threads": count, "batch_qps": inside, "callers_qps": _callers(worker, count, seconds)})
    worker.engine.threads = given
    return {"rows": rows}


def _callers(worker: Any, count: int, seconds: float) -> float:
    """Queries a second of `count` threads of Python, each with one query after the other."""

    def search(first: int, end: float) -> int:
        done = 0
        while time.perf_counter() < end:
            i = (first + done) % len(worker.queries)
            worker.engine.search(worker.queries[i : i + 1], worker.k)
            done += 1
        return done

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        begin = time.perf_counter()
        running = [pool.submit(search, i * 97, begin + seconds) for i in range(count)]
        done = sum(each.result() for each in running)
        return done / (time.perf_counter() - begin)


def files(worker: Any, point: dict, seconds: float) -> dict:
    """Saving, and opening in each way. The file has just been written, so the system has it in memory."""
    engine = worker.engine
    engine.use(**point)
    wanted = engine.search(worker.queries, worker.k)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "index")
        hasty = _seconds(engine.index.save, path, sync=False)
        saved = {"save_seconds": _seconds(engine.index.save, path), "save_no_sync_seconds": hasty}
        rows = []
        for name, options in OPENINGS.items():
            begin = time.perf_counter()
            index = engine.vecstore.Index.open(path, **options)
            opened = time.perf_counter()
            with searching(engine, index):
                engine.search(worker.queries[:1], worker.k)
                answered = time.perf_counter()
                same = bool(np.array_equal(engine.search(worker.queries, worker.k), wanted))
                qps = worker.time_batch(point, seconds, warm_up=50)["qps"]
            memory = index.stats().memory_bytes
            index.close()
            rows.append(
                {
                    "way": name,
                    "open_seconds": opened - begin,
                    "first_query_seconds": answered - opened,
                    "qps": qps,
                    "memory_bytes": memory,
                    "same": same,
                }
            )
        return {**saved, "file_bytes": os.path.getsize(path), "rows": rows}


# How a file is opened, by the name that it has in the table.
OPENINGS: dict[str, dict[str, bool]] = {
    "mapped": {"mmap": True},
    "mapped, prefault": {"mmap": True, "prefault": True},
    "read into memory": {"mmap": False},
}


def churn(worker: Any, points: list[dict], truth: str, metric: str, batch: int, threads: int, seed: int) -> dict:
    """Replaces every row twice in random order: first by update, then by remove and add.

    Afterwards the index holds the same vectors as at first under other ids, so that the truth, which goes by distance,
    stays: place[id] is the row of the base that the id stands for.
    """
    engine = worker.engine
    base, nearest = np.load(worker.base_file), np.load(truth)
    limits = recall.kth_distances(base, worker.queries, nearest, worker.k, metric)
    random = np.random.default_rng(seed)
    place = np.arange(len(base))
    stages = []

    def judge(stage: str) -> None:
        stages.append({"stage": stage, "memory_bytes": engine.index.stats().memory_bytes, "points": []})
        for point in points:
            qps = worker.time_batch(point, seconds=0.2, warm_up=50)["qps"]
            found = engine.search(worker.queries, worker.k).astype(np.int64)
            inside = (found >= 0) & (found < len(place))
            rows = np.where(inside, place[np.where(inside, found, 0)], -1)
            shares = recall.recall(base, worker.queries, rows, limits, worker.k, metric)
            stages[-1]["points"].append({"point": point, "recall": float(shares.mean()), "qps": qps})

    took = {"update": 0.0, "remove": 0.0, "add": 0.0, "compact": 0.0, "build": 0.0}
    engine.index = None
    engine.build(base, threads)
    judge("built")
    for way in ("update", "remove and add"):
        place = random.permutation(len(base))
        order = random.permutation(len(base)).astype(np.uint64)
        for start in range(0, len(order), batch):
            ids = order[start : start + batch]
            rows = base[place[ids]]
            if way == "update":
                took["update"] += _seconds(engine.index.update, ids, rows)
            else:
                took["remove"] += _seconds(engine.index.remove, ids)
                took["add"] += _seconds(engine.index.add, rows, ids=ids, threads=threads)
        judge(f"every row replaced by {way}")
    took["compact"] = _seconds(engine.index.compact)
    judge("after compact")
    took["build"] = _seconds(engine.build, base[place], threads)
    judge("fresh build of the same rows")
    rates = {name: len(base) / seconds for name, seconds in took.items() if name != "compact"}
    return {"stages": stages, "rows_per_second": rates, "compact_seconds": took["compact"], "batch": batch}


PROJECT = pathlib.Path(__file__).resolve().parents[2]


def c(worker: Any, point: dict, seconds: float, threads: int) -> dict:
    """The same from a C program, which has no interpreter to wait for: see benchmarks/c/calls.c."""
    build = PROJECT / "build"
    one = worker.engine.make()
    one.add(worker.queries[:1])
    with tempfile.TemporaryDirectory() as folder:
        program, path, queries = (os.path.join(folder, name) for name in ("calls", "index", "queries"))
        command = ["cc", "-O2", "-I", PROJECT / "include", PROJECT / "benchmarks/c/calls.c", "-o", program]
        subprocess.run([*command, "-L", build, "-lvecstore", f"-Wl,-rpath,{build}", "-lpthread"], check=True)
        worker.queries.astype(np.float32).tofile(queries)

        def run(index: Any, threads: int) -> dict:
            index.save(path, sync=False)
            numbers = [worker.queries.shape[1], worker.k, point["ef_search"], seconds, threads]
            done = subprocess.run([program, path, queries, *map(str, numbers)], check=True, stdout=subprocess.PIPE)
            return json.loads(done.stdout)

        return {**run(worker.engine.index, threads), "one_row_us": run(one, 1)["single_us"]}


STEPS = {"calls": calls, "c": c, "threads": threads, "files": files, "churn": churn}


@contextlib.contextmanager
def searching(engine: Any, index: Any) -> Iterator[None]:
    """Searches go to another index inside the `with` block."""
    own, engine.index = engine.index, index
    try:
        yield
    finally:
        engine.index = own


def _seconds(work: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    begin = time.perf_counter()
    work(*arguments, **options)
    return time.perf_counter() - begin
