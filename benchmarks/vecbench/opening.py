# How long opening a large collection takes.
# SPDX-License-Identifier: Apache-2.0
"""A collection is made once and kept. Processes of their own open it, for reading and for writing in turns, and search it once; the
system has the files in memory by then. It is opened after it was closed, and after its writer was killed: what only closing
writes is not there then."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import sys
import time
from typing import Any, Callable

import numpy as np

from . import child, data, described, stats, tables

REPEATS = 7
_BATCH = 20_000
# Collections that must not be closed by being forgotten.
_held: list[Any] = []
_STEPS = {"read only": True, "for writing": False}


def add_arguments(parser: argparse.ArgumentParser, numbers: Callable[[str], list[int]]) -> None:
    parser.add_argument("--quick", action="store_true", help="20,000 points")
    parser.add_argument("--rows", type=int, help="points (default 1000000)")
    parser.add_argument("--dim", type=int, default=384, help="elements of a vector, float16 (default 384)")
    parser.add_argument(
        "--ids", choices=["numbers", "shuffled", "strings"], default="shuffled", help="what ids are (default shuffled numbers)"
    )
    parser.add_argument("--kind", choices=["flat", "auto"], default="auto", help="auto: with a graph (default)")
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"openings of each sort (default {REPEATS})")
    parser.add_argument("--folder", type=pathlib.Path, default=data.BENCHMARKS / "data", help="where the collection is kept")
    described.add_output(parser)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs everything and returns what the JSON holds."""
    rows = options.rows or (20_000 if options.quick else 1_000_000)
    path = options.folder / f"opening-{rows}x{options.dim}-{options.ids}-{options.kind}-v1"
    request = {"path": str(path), "rows": rows, "dim": options.dim, "ids": options.ids, "kind": options.kind}
    if not path.exists():
        say(f"making a collection of {rows:,} points")
        options.folder.mkdir(parents=True, exist_ok=True)
        making = path.with_name(f"{path.name}.tmp")
        shutil.rmtree(making, ignore_errors=True)
        _call("make", {**request, "path": str(making)})
        making.rename(path)
    results = []
    for before in ("closed", "killed"):
        say(f"opening what was {before}")
        # Writes a point, and ends.
        _call(before, request)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in _STEPS}
        for _ in range(options.repeats):
            for name, read_only in _STEPS.items():
                found[name].append(_call("open", {**request, "read_only": read_only, "closes": before == "closed"}))
        results += [{"before": before, "how": name, "times": times} for name, times in found.items()]
    return described.run("opening", results, shape=request)


def _call(step: str, request: dict[str, Any]) -> dict[str, Any]:
    return child.call("opening", {"step": step, **request}, child.environment(os.cpu_count() or 1))


def text(run: dict[str, Any], markdown: bool) -> str:
    """The table of a run."""
    shape = run["shape"]
    heading = (
        f"{shape['rows']:,} points x {shape['dim']} float16, ids {shape['ids']}, {shape['kind']}; milliseconds\n"
        f"{described.heading(run)}"
    )
    header = ["last writer", "opened", "open", "first search", "memory MB"]
    lines = []
    for one in run["results"]:
        opened = stats.spread([each["open_ms"] for each in one["times"]])
        searched = stats.spread([each["search_ms"] for each in one["times"]])
        memory = stats.spread([each["own_bytes"] for each in one["times"]])
        lines.append(
            [one["before"], one["how"]]
            + [f"{each.median:,.1f} ({each.low:,.1f}...{each.high:,.1f})" for each in (opened, searched)]
            + [tables.megabytes(int(memory.median))]
        )
    return f"{heading}\n\n{tables.table(header, lines, markdown)}"


def _ids(request: dict[str, Any]) -> Any:
    numbers = np.arange(request["rows"], dtype=np.uint64)
    if request["ids"] != "numbers":
        numbers = np.random.default_rng(1).permutation(numbers)
    return [f"point-{number}" for number in numbers.tolist()] if request["ids"] == "strings" else numbers


def _work(request: dict[str, Any]) -> dict[str, Any]:
    """One step, in its own process."""
    import vecstore

    generator = np.random.default_rng(2)
    if request["step"] == "make":
        ids = _ids(request)
        settings = {"dim": request["dim"], "dtype": "float16", "kind": request["kind"], "durability": "none"}
        with vecstore.Collection.create(request["path"], **settings) as collection:
            for start in range(0, request["rows"], _BATCH):
                end = min(start + _BATCH, request["rows"])
                vectors = generator.standard_normal((end - start, request["dim"]), dtype=np.float32).astype(np.float16)
                payloads = [{"n": n, "text": "some words of a point, as many as there may be in a title"} for n in range(start, end)]
                collection.upsert(ids[start:end], vectors, payloads)
            collection.optimize()
        return {}
    query = generator.standard_normal(request["dim"], dtype=np.float32)
    if request["step"] in ("closed", "killed"):
        collection = vecstore.Collection.open(request["path"])
        collection.merge_payload({"again": True}, [next(iter(collection.scroll(page_size=1))).id])
        if request["step"] == "closed":
            collection.close()
        _held.append(collection)
        return {}
    before = _own_bytes()
    begin = time.perf_counter()
    collection = vecstore.Collection.open(request["path"], read_only=request["read_only"])
    opened = time.perf_counter()
    collection.search(query, 10)
    searched = time.perf_counter()
    own_bytes = max(0, _own_bytes() - before)
    if request["closes"]:
        collection.close()
    _held.append(collection)
    return {
        "open_ms": 1e3 * (opened - begin),
        "search_ms": 1e3 * (searched - opened),
        "own_bytes": own_bytes,
    }


def _own_bytes() -> int:
    """Memory of this process that no file is behind."""
    for line in pathlib.Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not tell what memory is anonymous")


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump(_work(asked), sys.stdout)
    sys.stdout.flush()
    # As if it were killed: what is open is not closed.
    os._exit(0)
