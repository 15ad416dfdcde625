# The process of one engine: does what the runner tells it, one command at a time.
# SPDX-License-Identifier: Apache-2.0
"""Started as `python -m vecbench.worker` with its environment already set; see `child` for the other end.

Commands and answers are lines of JSON on standard input and on what was standard output. Everything that a library
prints goes to standard error instead.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
import traceback
from typing import Any

import numpy as np

import engines
from engines.base import NotAvailable

from . import lifework, process


class Worker:
    """An engine with its data. Each public method is a command; its arguments and its result go through JSON."""

    def __init__(self) -> None:
        self.base_file = ""
        self.base = None

    def start(self, engine: str, settings: dict, base: str, queries: str, metric: str, threads: int, k: int) -> dict:
        """Loads the library and the queries."""
        self.base_file = base
        self.queries = np.load(queries)
        self.k = k
        dim = self.queries.shape[1]
        self.engine = engines.all_engines()[engine](dim=dim, metric=metric, threads=threads, **settings)
        version = self.engine.load()
        return {"version": version, "about": self.engine.about()}

    def build(self, threads: int) -> dict:
        """Builds from the base, again where it was built before."""
        self.base = np.load(self.base_file)
        before = process.resident_bytes()
        process.forget_peak()
        meter = process.Meter()
        self.engine.build(self.base, threads)
        usage = meter.stop()
        peak = process.peak_bytes() - before
        resident = process.resident_bytes() - before
        if not self.engine.keeps_base:
            self.base = None
        return {"usage": usage._asdict(), "resident_bytes": resident, "peak_bytes": max(peak, resident)}

    def answer(self, point: dict, path: str) -> dict:
        """Searches all queries once, untimed: writes the ids to a file and measures the memory that it takes."""
        self.engine.use(**point)
        before = process.resident_bytes()
        process.forget_peak()
        ids = self.engine.search(self.queries, self.k)
        peak = process.peak_bytes() - before
        np.save(path, ids)
        return {"peak_bytes": max(0, peak)}

    def time_batch(self, point: dict, seconds: float, warm_up: int) -> dict:
        """Searches all queries at once, again and again until `seconds` have passed."""
        self.engine.use(**point)
        self.engine.search(self.queries[:warm_up], self.k)
        usage, calls = self._repeat(self.queries, seconds)
        return {"qps": calls * len(self.queries) / usage.wall, "calls": calls, "usage": usage._asdict()}

    def _repeat(self, queries: np.ndarray, seconds: float) -> tuple[process.Usage, int]:
        """Searches the queries at once, again and again until `seconds` have passed; how often, and what it took."""
        calls = 0
        meter = process.Meter()
        end = time.perf_counter() + seconds
        while calls == 0 or time.perf_counter() < end:
            self.engine.search(queries, self.k)
            calls += 1
        return meter.stop(), calls

    def time_single(self, point: dict, first: int, count: int, warm_up: int) -> dict:
        """Searches `count` queries one at a time, beginning at the query `first` and going round."""
        self.engine.use(**point)
        singles = [self.queries[i : i + 1] for i in (np.arange(first, first + count) % len(self.queries))]
        for query in singles[:warm_up]:
            self.engine.search(query, self.k)
        nanoseconds = []
        for query in singles:
            begin = time.perf_counter_ns()
            self.engine.search(query, self.k)
            nanoseconds.append(time.perf_counter_ns() - begin)
        return {"latencies_us": [value / 1000 for value in nanoseconds]}

    def save(self) -> dict:
        """The size of the saved file; None where there is none."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "index")
            if not self.engine.save(path):
                return {"file_bytes": None}
            # Not every library notices a full disk and says so: this does.
            with open(os.path.join(folder, "more"), "wb") as more:
                more.write(bytes(1 << 20))
            return {"file_bytes": size_of(path)}

    def filtered(self, point: dict, allowed: str, queries: list[int], ids: str, seconds: float) -> dict:
        """Searches some of the queries among the rows that the array in the file `allowed` lets through: writes the ids
        to the file `ids`, and repeats the search until `seconds` have passed. The first search warms up and is not
        timed, unless it alone took so long that this makes no difference."""
        self.engine.use(**point)
        begin = time.perf_counter()
        self.engine.allow(np.load(allowed))
        allow_seconds = time.perf_counter() - begin
        some = self.queries[queries]
        meter = process.Meter()
        np.save(ids, self.engine.search(some, self.k))
        usage, calls = meter.stop(), 1
        if usage.wall < seconds:
            usage, calls = self._repeat(some, seconds)
        return {"query_seconds": usage.wall / (calls * len(some)), "allow_seconds": allow_seconds, **usage._asdict()}

    def life(self, step: str, **arguments: Any) -> dict:
        """Does one step of the suite `life`."""
        return lifework.STEPS[step](self, **arguments)


COMMANDS = ("start", "build", "answer", "time_batch", "time_single", "save", "filtered", "life")


def size_of(path: str) -> int:
    """Bytes of a file, or of all files in a folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


def main() -> None:
    # Ctrl-C reaches all processes of a terminal; the runner reports what is finished and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        message: dict[str, Any] = json.loads(line)
        command = message.pop("command")
        try:
            if command not in COMMANDS:
                raise ValueError(f"no such command: {command}")
            answer = {"ok": getattr(worker, command)(**message)}
        except NotAvailable as reason:
            answer = {"not_available": str(reason)}
        except Exception as error:  # whatever a library throws is an answer, not the end of the run
            answer = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
