# Semantic caches that share their entries through Redis.
# SPDX-License-Identifier: Apache-2.0
"""Entries lie in a throw-away redis-server on the loopback device. Each way to use them runs in a process of its own: it writes,
opens what another one wrote, asks for what is not there, and for what is. The server counts the commands that each lookup costs."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from . import child, data, described, stats, tables
from .redisserver import RedisServer

PROJECT = data.BENCHMARKS.parent
IDLE_SECONDS = 3


class Way(NamedTuple):
    """One way to keep a cache in Redis."""

    name: str
    ours: bool
    note: str
    # Lookups that are made, where each takes long.
    most_lookups: Optional[int] = None
    singles: int = 2000


WAYS = {
    "vecstore-c": Way("vecstore from C", True, "responses in Redis: a hit fetches its own"),
    "vecstore-c-kept": Way("vecstore from C, keep_responses", True, "responses in memory too"),
    "vecstore-python": Way("vecstore from Python", True, "responses in Redis"),
    "redis-py-resident": Way("redis-py + numpy, vectors in memory", False, "hashes; the vectors are read once, and multiplied for each lookup"),
    "redis-py-scan": Way("redis-py + numpy, scan", False, "hashes; each lookup reads all vectors", most_lookups=5),
    "server": Way("a server that searches in no time", False, "the shape of RedisVL and its like, whose module for searching is no part of a plain Redis: a lookup sends the vector and gets a hit back; a script stands for the search, and counts as a command of its own"),
}


def add_arguments(parser: argparse.ArgumentParser, numbers: Callable[[str], list[int]]) -> None:
    parser.add_argument("--quick", action="store_true", help="10,000 entries")
    described.add_data(parser)
    described.add_queries(parser)
    parser.add_argument("--ways", help=f"comma-separated beginnings of {', '.join(WAYS)} (default all)")
    parser.add_argument("--lookups", type=int, default=5000, help="lookups of each sort (default 5000)")
    described.add_output(parser)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs everything and returns what the JSON holds."""
    rows = options.rows or (10_000 if options.quick else 100_000)
    kind = data.chosen(options.data, options.rows)
    kind = "packages-1m" if kind == "packages" and rows > data.PACKAGES_ROWS else kind
    dataset = data.prepare(kind, rows, None, options.queries, options.seed, say)
    wanted = (options.ways or "").split(",")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        files = {"rows": os.path.join(folder, "rows"), "queries": os.path.join(folder, "queries")}
        np.load(dataset.folder / "base.npy", mmap_mode="r")[:rows].astype(np.float32).tofile(files["rows"])
        np.load(dataset.folder / "queries.npy").astype(np.float32).tofile(files["queries"])
        program = _compile(folder)
        for key, way in WAYS.items():
            if any(key.startswith(beginning) for beginning in wanted):
                say(f"{way.name}: {rows:,} entries")
                command = _command(key, program, files, dataset.dim)
                with RedisServer() as server:
                    results.append({"way": key, "label": way.name, "ours": way.ours, **_measure(way, server, command, rows, options.lookups)})
    return described.run("cache", results, dataset, shape={"rows": rows, "lookups": options.lookups})


def _compile(folder: str) -> str:
    program, build = os.path.join(folder, "cache"), PROJECT / "build"
    command = ["cc", "-O2", "-I", PROJECT / "include", PROJECT / "benchmarks/c/cache.c", "-o", program]
    subprocess.run([*command, "-L", build, "-lvecstore", f"-Wl,-rpath,{build}"], check=True)
    return program


def _command(key: str, program: str, files: dict[str, str], dim: int) -> list[str]:
    """What starts a process of a way: the URL comes in the place of {}."""
    if key.startswith("vecstore-c"):
        return [program, "{}", files["rows"], files["queries"], str(dim), str(int(key.endswith("kept")))]
    return [sys.executable, "-m", "vecbench.cachework", key, "{}", files["rows"], files["queries"], str(dim)]


class _Process:
    """A process of a way, which does one command after the other."""

    def __init__(self, command: list[str], server: RedisServer) -> None:
        self._process = subprocess.Popen(
            [part.replace("{}", server.url) for part in command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=child.environment(os.cpu_count() or 1),
        )
        self._server = server

    def call(self, *words: Any) -> dict[str, Any]:
        """What it answers; "commands" are those that the server did meanwhile."""
        before = self._server.commands()
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{words}: the process ended with status {self._process.wait()}")
        return {**json.loads(line), "commands": self._server.commands() - before}

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=60)


def _measure(way: Way, server: RedisServer, command: list[str], rows: int, lookups: int) -> dict[str, Any]:
    lookups = min(lookups, way.most_lookups or lookups)
    found: dict[str, Any] = {}
    writer = _Process(command, server)
    singles = min(way.singles, rows // 10)
    found["singles_per_second"] = singles / writer.call("fill", singles, 1)["seconds"]
    found["batches_per_second"] = (rows - singles) / writer.call("fill", rows - singles, 1000)["seconds"]
    writer.end()
    found["redis_bytes"] = server.used_memory() / rows
    reader = _Process(command, server)
    opened = reader.call("open")
    found["open_seconds"] = opened["seconds"]
    found["settle_seconds"] = reader.call("settle")["seconds"]
    found["own_bytes"] = reader.call("memory")["own_bytes"] / rows
    for sort in ("misses", "hits", "near"):
        reader.call(sort, min(100, lookups))
        asked = reader.call(sort, lookups)
        found[sort] = {
            "median": stats.percentile(asked["micros"], 50),
            "p99": stats.percentile(asked["micros"], 99),
            "hit_rate": asked["hits"] / lookups,
            "commands": asked["commands"] / lookups,
        }
    found["idle_cpu"] = reader.call("idle", IDLE_SECONDS)["seconds"] / IDLE_SECONDS
    if command[0] != sys.executable:
        seen = reader.call("seen", min(lookups, 1000))["micros"]
        found["seen"] = {"median": stats.percentile(seen, 50), "p99": stats.percentile(seen, 99), "most": max(seen)}
    reader.end()
    return found


def text(run: dict[str, Any], markdown: bool) -> str:
    """The tables of a run."""
    shape = run["shape"]
    heading = f"{shape['rows']:,} entries x {run['data']['dim']}, {run['data']['name']}; loopback Redis\n{described.heading(run)}"
    lookups = [["way", "miss us", "p99", "commands", "hit us", "p99", "commands", "near us", "p99", "commands", "near found"]]
    others = [["way", "opens in s", "graph s", "sets/s, one by one", "in 1,000s", "KB here", "KB in Redis", "idle CPU ms/s"]]
    for one in run["results"]:
        cells = [tables.name(one, markdown)]
        for sort in ("misses", "hits", "near"):
            cells += [f"{one[sort]['median']:,.1f}", f"{one[sort]['p99']:,.1f}", f"{one[sort]['commands']:,.2f}"]
        lookups.append([*cells, f"{one['near']['hit_rate']:.3f}"])
        others.append(
            [
                tables.name(one, markdown), f"{one['open_seconds']:.2f}", f"{one['settle_seconds']:.1f}",
                f"{one['singles_per_second']:,.0f}", f"{one['batches_per_second']:,.0f}", f"{one['own_bytes'] / 1e3:.1f}",
                f"{one['redis_bytes'] / 1e3:.1f}", f"{1e3 * one['idle_cpu']:.2f}",
            ]
        )
    seen = [
        f"- {one['label']}: what one handle has set another one finds after {one['seen']['median']:,.0f} us "
        f"(p99 {one['seen']['p99']:,.0f}, most {one['seen']['most']:,.0f})."
        for one in run["results"] if "seen" in one
    ]
    notes = "\n".join(f"- {WAYS[one['way']].name}: {WAYS[one['way']].note}." for one in run["results"])
    notes = "\n".join([notes, *seen])
    return "\n\n".join([heading, *(tables.table(rows[0], rows[1:], markdown) for rows in (lookups, others)), notes])
