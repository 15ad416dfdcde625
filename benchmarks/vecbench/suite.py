# What is run, in which order.
# SPDX-License-Identifier: Apache-2.0
"""A group is all engines under one metric with one number of search threads.

In a group the engines are built one after the other and stay in memory, each in its own process; only one works at a
time. Repeats are interleaved and their order turns (A B C, B C A, C A B), so that the noise of a shared machine hits
all alike.
"""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
from typing import Any, Callable, Iterator, Optional

import numpy as np

from engines.base import Engine

from . import recall, stats
from .child import Child, EngineFailed, EngineNotAvailable
from .data import Dataset

# Queries searched before each timing, so that an engine whose turn it is finds its own data in the caches again.
_WARM_UP = 50


class Group:
    """One metric and one number of search threads: `results`, `failures` and `absent` are what goes into the JSON."""

    def __init__(self, dataset: Dataset, metric: str, threads: int, options: Any, say: Callable[[str], None]) -> None:
        self.dataset = dataset
        self.metric = metric
        self.threads = threads
        self.options = options
        self.say = say
        self.results: list[dict[str, Any]] = []
        self.failures: list[dict[str, str]] = []
        self.absent: list[dict[str, str]] = []
        self.children: list[tuple[Child, dict[str, Any]]] = []

    def run(self, chosen: list[type[Engine]]) -> None:
        """Measures the chosen engines that know the metric."""
        try:
            for engine in chosen:
                if self.metric in engine.metrics:
                    for settings in engine.settings(self.options):
                        self._start(engine, settings)
            self._rebuild()
            self.search()
        finally:
            for child, _ in self.children:
                child.end()

    def search(self) -> None:
        """Searches what was built: recall once, speed as often as asked for."""
        self._answer()
        for repeat in range(self.options.repeats):
            self.say(f"{self.title()}: repeat {repeat + 1} of {self.options.repeats}")
            self._repeat(repeat)
        for result in self.results:
            for point in result["points"]:
                _summarise(point)

    def title(self) -> str:
        return f"{self.dataset.n:,} rows, {self.metric}, threads {self.threads}"

    def _start(self, engine: type[Engine], settings: dict[str, Any]) -> None:
        child = Child(engine, settings, self.threads)
        self.say(f"{self.title()}: building {child.label}")
        result: dict[str, Any] = {
            "label": child.label,
            "engine": engine.name,
            "library": engine.library,
            "ours": engine.ours,
            "settings": settings,
        }
        try:
            result |= child.call(
                "start",
                engine=engine.name,
                settings=settings,
                base=str(self.dataset.folder / "base.npy"),
                queries=str(self.dataset.folder / "queries.npy"),
                metric=self.metric,
                threads=self.threads,
                k=self.options.k,
            )
            first = child.call("build", threads=self.build_threads())
            result["resident_bytes"] = first["resident_bytes"]
            result["build_peak_bytes"] = first["peak_bytes"]
            result["build_threads"] = self.build_threads()
            result["build_seconds"] = [first["usage"]["wall"]]
        except EngineNotAvailable as reason:
            self.say(f"left out {child.label}: {reason}")
            self.absent.append({"label": child.label, "reason": str(reason)})
            child.end()
            return
        except EngineFailed as error:
            self._drop(child, error)
            return
        result["file_bytes"] = self._saved_bytes(child)
        result["points"] = [
            {"point": point, "qps": [], "usage": [], "latencies_us": []} for point in engine.points(self.options)
        ]
        self.results.append(result)
        self.children.append((child, result))

    def _saved_bytes(self, child: Child) -> Optional[int]:
        try:
            return child.call("save")["file_bytes"]
        except EngineFailed as error:
            # A full disk, say: the searches can still be measured. A process that died fails at its next command.
            self.failures.append({"label": child.label, "error": str(error)})
            return None

    def build_threads(self) -> int:
        return self.options.build_threads or self.threads

    def _rebuild(self) -> None:
        for _ in range(self.options.builds - 1):
            for child, result in list(self.children):
                with self.without_failing(child):
                    again = child.call("build", threads=self.build_threads())
                    result["build_seconds"].append(again["usage"]["wall"])

    def _answer(self) -> None:
        """Asks each point once for its results, which also warms everything up, and compares them with the truth."""
        k = self.options.k
        base, queries = self.dataset.base_map(), self.dataset.queries()
        limits = recall.kth_distances(base, queries, self.dataset.truth(self.metric), k, self.metric)
        with tempfile.TemporaryDirectory() as folder:
            path = str(pathlib.Path(folder) / "ids.npy")
            for child, result in list(self.children):
                self.say(f"{self.title()}: recall of {child.label}")
                with self.without_failing(child):
                    for point in result["points"]:
                        answer = child.call("answer", point=point["point"], path=path)
                        shares = recall.recall(base, queries, np.load(path), limits, k, self.metric)
                        point["recall"] = float(shares.mean())
                        point["search_peak_bytes"] = answer["peak_bytes"]

    def _repeat(self, repeat: int) -> None:
        turn = repeat % max(1, len(self.children))
        order = self.children[turn:] + self.children[:turn]
        depth = max((len(result["points"]) for _, result in order), default=0)
        for i in range(depth):
            for child, result in order:
                if i < len(result["points"]) and child.alive:
                    with self.without_failing(child):
                        self._measure(child, result["points"][i], repeat)

    def _measure(self, child: Child, point: dict[str, Any], repeat: int) -> None:
        batch = child.call("time_batch", point=point["point"], seconds=self.options.seconds, warm_up=_WARM_UP)
        point["qps"].append(batch["qps"])
        point["usage"].append(batch["usage"])
        single = child.call(
            "time_single",
            point=point["point"],
            first=repeat * self.options.singles,
            count=self.options.singles,
            warm_up=min(_WARM_UP, self.options.singles // 10),
        )
        point["latencies_us"].append(single["latencies_us"])

    @contextlib.contextmanager
    def without_failing(self, child: Child) -> Iterator[None]:
        """Drops an engine from the group where it fails inside the `with` block."""
        try:
            yield
        except EngineFailed as error:
            self._drop(child, error)

    def _drop(self, child: Child, error: EngineFailed) -> None:
        """Goes on without an engine that failed, and says so."""
        self.say(f"FAILED {child.label}: {error}")
        self.failures.append({"label": child.label, "error": str(error)})
        self.results = [result for result in self.results if result["label"] != child.label]
        self.children = [(other, result) for other, result in self.children if other is not child]
        child.end()


def _summarise(point: dict[str, Any]) -> None:
    """Replaces the raw latencies, which are many, by percentiles, and adds what the tables show."""
    repeats = point.pop("latencies_us")
    together = [value for repeat in repeats for value in repeat]
    point["latency_us"] = {
        "samples": len(together),
        **{f"p{percent}": stats.percentile(together, percent) for percent in (50, 95, 99)},
        "p50_of_repeats": [stats.percentile(repeat, 50) for repeat in repeats],
    }
    # Queries in a second of processor time: other programs that take turns on the processor do not lower it much.
    point["queries_per_cpu_second"] = [
        qps * usage["wall"] / usage["cpu"] for qps, usage in zip(point["qps"], point["usage"], strict=True)
    ]
    wall = sum(usage["wall"] for usage in point["usage"])
    # Processors that the engine itself kept busy: more than its threads would mean that it took more than it was given.
    point["processors_used"] = sum(usage["cpu"] for usage in point["usage"]) / wall
    others = [usage["others"] * usage["wall"] for usage in point["usage"] if usage["others"] is not None]
    point["processors_others"] = sum(others) / wall if others else None
