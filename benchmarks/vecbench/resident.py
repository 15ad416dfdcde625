# What of a mapped inverted file lies in memory while it is searched.
# SPDX-License-Identifier: Apache-2.0
"""An index of binary codes with float32 rows beside them is written to a file. A fresh process maps the file and searches it with
more and more lists until the recall is reached; then the system is asked which pages of the map this process has, section by
section. Pages of rows that were ranked are the system's cache: it takes them back when it needs memory."""

from __future__ import annotations

import argparse
import itertools
import json
import pathlib
import struct
import sys
import tempfile
import time
from typing import Any, Callable

import numpy as np

from . import child, data, described, recall, tables

K = 10
PAGE = 4096
SECTIONS = {2: "ids", 3: "ids", 20: "rows", 33: "centroids", 37: "codes", 38: "ids"}


def add_arguments(parser: argparse.ArgumentParser, numbers: Callable[[str], list[int]]) -> None:
    parser.add_argument("--quick", action="store_true", help="10,000 rows")
    described.add_data(parser, "packages-1m")
    described.add_queries(parser)
    parser.add_argument("--recall", type=float, default=0.95, help="recall@10 to reach (default 0.95)")
    parser.add_argument("--assignments", type=numbers, default=[1, 2], help="lists of a row (default 1,2)")
    parser.add_argument("--nlist", type=numbers, default=[4096, 1024], help="lists (default 4096,1024)")
    parser.add_argument("--threads", type=int, default=2, help="of the build (default 2)")
    described.add_output(parser)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs everything and returns what the JSON holds."""
    kind = "auto" if options.quick and options.data == "packages-1m" else options.data
    dataset = data.prepare(kind, options.rows or (10_000 if options.quick else None), None, options.queries, options.seed, say)
    results = []
    for assignments, nlist in itertools.product(options.assignments, options.nlist):
        with tempfile.TemporaryDirectory() as folder:
            request = {
                "base": str(dataset.folder / "base.npy"),
                "queries": str(dataset.folder / "queries.npy"),
                "path": str(pathlib.Path(folder) / "index"),
                "ids": str(pathlib.Path(folder) / "ids.npy"),
                "assignments": assignments,
                "nlist": min(nlist, dataset.n // 39),
                "threads": options.threads,
            }
            say(f"building with rows in {assignments} of {nlist} lists")
            built = _call("build", request)
            say("searching the map")
            found: dict[str, Any] = {}
            base, queries = dataset.base_map(), dataset.queries()
            limits = recall.kth_distances(base, queries, dataset.truth("ip"), K, "ip")
            nprobe = 1
            while nprobe <= built["nlist"]:
                found = _call("search", {**request, "nprobe": nprobe})
                found["recall"] = float(recall.recall(base, queries, np.load(request["ids"]), limits, K, "ip").mean())
                if found["recall"] >= options.recall:
                    break
                nprobe += max(1, nprobe // 4)
            results.append({"assignments": assignments, **built, **found})
    return described.run("resident", results, dataset)


def _call(step: str, request: dict[str, Any]) -> dict[str, Any]:
    return child.call("resident", {"step": step, **request}, child.environment(request["threads"]))


def text(run: dict[str, Any], markdown: bool) -> str:
    """The table of a run, in bytes for each row."""
    shape = run["data"]
    heading = (
        f"{shape['n']:,} rows x {shape['dim']} in a mapped file; {shape['origin']}\n"
        f"{described.heading(run)}\n"
        "Bytes in memory for each row, after all queries"
    )
    header = ["lists of a row", "nlist", "nprobe", "recall@10", "codes", "centroids", "ids and homes", "of its own", "sum"]
    header += ["rows that were ranked", "file", "QPS"]
    lines = []
    for one in run["results"]:
        kept = {name: pages * PAGE / shape["n"] for name, pages in one["pages"].items()}
        own = one["own_bytes"] / shape["n"]
        parts = [kept.get(name, 0) for name in ("codes", "centroids", "ids")] + [own]
        lines.append(
            [f"{one['assignments']}", f"{one['nlist']:,}", f"{one['nprobe']}", f"{one['recall']:.4f}"]
            + [f"{part:.1f}" for part in [*parts, sum(parts), kept.get("rows", 0), one["file_bytes"] / shape["n"]]]
            + [f"{one['qps']:,.0f}"]
        )
    return f"{heading}\n\n{tables.table(header, lines, markdown)}"


def _work(request: dict[str, Any]) -> dict[str, Any]:
    """One step, in its own process."""
    import vecstore

    if request["step"] == "build":
        base = np.ascontiguousarray(np.load(request["base"]), dtype=np.float32)
        index = vecstore.Index(
            "ivf",
            dim=base.shape[1],
            metric="ip",
            storage="binary",
            nlist=request["nlist"],
            assignments=request["assignments"],
        )
        index.train(base, threads=request["threads"])
        index.add(base, threads=request["threads"])
        index.save(request["path"], sync=False)
        return {"nlist": index.stats().nlist, "file_bytes": pathlib.Path(request["path"]).stat().st_size}
    queries = np.load(request["queries"]).astype(np.float32)
    before = _own_bytes()
    index = vecstore.Index.open(request["path"])
    index.search(queries[:1], K, threads=1)
    begin = time.perf_counter()
    ids = index.search(queries, K, nprobe=request["nprobe"], threads=1).ids
    seconds = time.perf_counter() - begin
    np.save(request["ids"], ids)
    return {
        "nprobe": request["nprobe"],
        "qps": len(queries) / seconds,
        "own_bytes": max(0, _own_bytes() - before),
        "pages": _pages(request["path"]),
    }


def _own_bytes() -> int:
    """Memory of this process that no file is behind."""
    for line in pathlib.Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not tell what memory is anonymous")


def _pages(path: str) -> dict[str, int]:
    """Pages of the map of a file that this process has, by what they hold."""
    with open(path, "rb") as file:
        head = file.read(128)
        (count,) = struct.unpack_from("<I", head, 28)
        entries = [struct.unpack("<IIQQQ", file.read(32)) for _ in range(count)]
    span = next(line for line in pathlib.Path("/proc/self/maps").read_text().splitlines() if line.endswith(path))
    start, end = (int(part, 16) for part in span.split()[0].split("-"))
    with open("/proc/self/pagemap", "rb") as file:
        file.seek(start // PAGE * 8)
        present = np.frombuffer(file.read((end - start) // PAGE * 8), dtype=np.uint64) >> np.uint64(63) == 1
    found: dict[str, int] = {}
    for kind, _, offset, size, _ in entries:
        name = SECTIONS.get(kind, "ids")
        pages = int(present[offset // PAGE : (offset + size + PAGE - 1) // PAGE].sum())
        found[name] = found.get(name, 0) + pages
    return found


if __name__ == "__main__":
    json.dump(_work(json.load(sys.stdin)), sys.stdout)
