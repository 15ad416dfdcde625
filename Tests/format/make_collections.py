#!/usr/bin/env python3
"""Makes collections-1.tar.xz: collections as version 1 of the format has them, which later versions of the library must open.
SPDX-License-Identifier: Apache-2.0

Usage: Tests/format/make_collections.py ARCHIVE, in the environment of the Python tests. The archive that is under version
control was made once
by the first library that wrote version 1, and stays as it is; a new version of the format gets an archive of its own.

    closed    points with two vectors, ids of both sorts, indexes of every type; some were removed and replaced; it was closed
    killed    the same, but its writer was killed: the last writes are in the log of the database
    graph     one vector and a graph over it
"""

import multiprocessing
import os
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

INDEXES = {
    "section": "keyword", "n": "integer", "weight": "float", "old": "bool", "at": "datetime", "place": "geo", "text": "text",
}
GRAPH_POINTS = 2100
# Points with these numbers were removed.
REMOVED = range(40, 50)


def point_id(n: int):
    return f"point-{n}" if n % 5 == 4 else n


def vector(n: int, dim: int) -> np.ndarray:
    """Numbers that float16 has as they are."""
    return (np.arange(dim) * 37 + n * 101) % 1021 / 64 + 0.25


def has_image(n: int) -> bool:
    return n % 3 != 0


def payload(n: int) -> dict:
    if n % 17 == 16:
        return {}
    return {
        "n": n,
        "section": ["net", "doc", "libs"][n % 3],
        "weight": n / 8,
        "old": n % 2 == 0,
        "at": f"2026-01-{n % 28 + 1:02}T12:00:00Z",
        "place": {"lon": n % 90, "lat": n % 45},
        "text": f"point {n} has the word word{n % 7}",
        "nested": {"list": [{"c": n}, {"c": None}]},
    }


def numbers(killed: bool) -> list[int]:
    """The points that are there."""
    return [n for n in range(70 if killed else 60) if n not in REMOVED]


def make_points(path: Path, killed: bool) -> None:
    import vecstore

    collection = vecstore.Collection.create(
        path,
        vectors={
            "text": {"dim": 16, "metric": "cosine", "dtype": "float16", "model": "small", "model_version": "3"},
            "image": {"dim": 4, "metric": "l2sq", "kind": "flat"},
        },
    )
    for field, kind in INDEXES.items():
        collection.create_payload_index(field, kind)

    def put(which):
        collection.upsert(
            [point_id(n) for n in which],
            {"text": [vector(n, 16) for n in which], "image": [vector(n, 4) if has_image(n) else None for n in which]},
            [payload(n) for n in which],
            # One has an end, which is far away.
            ttl=[3e9 if n == 7 else None for n in which],
        )

    put(range(0, 30))
    put(range(10, 60))
    collection.remove([point_id(n) for n in REMOVED])
    if killed:
        collection.optimize()
        put(range(60, 70))
        os._exit(0)
    collection.close()


def make_graph(path: Path) -> None:
    import vecstore

    with vecstore.Collection.create(path, dim=2, metric="l2sq", dtype="float16", kind="hnsw", m=4) as collection:
        collection.upsert(range(GRAPH_POINTS), [[n % 50, n // 50] for n in range(GRAPH_POINTS)])
        collection.optimize()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        steps = [
            (make_points, (work / "closed", False)), (make_points, (work / "killed", True)), (make_graph, (work / "graph",)),
        ]
        for make, arguments in steps:
            process = multiprocessing.get_context("spawn").Process(target=make, args=arguments)
            process.start()
            process.join()
            assert process.exitcode == 0
        with tarfile.open(sys.argv[1], "w:xz") as archive:
            for name in ("closed", "killed", "graph"):
                for file in sorted((work / name).iterdir()):
                    # The index of the log is made anew by whoever opens the database.
                    if not file.name.endswith("-shm"):
                        archive.add(file, f"{name}/{file.name}")


if __name__ == "__main__":
    main()
