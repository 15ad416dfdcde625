# Finds Debian packages by what a question means: index, search, graph, save, map back, filter.
# SPDX-License-Identifier: Apache-2.0
"""Usage: demo.py [--all]

Prints the answers to the first dozen questions of examples/data; with --all, to all of them.
Exits with 1 where the mapped file does not answer exactly as the index in memory.
"""

import os
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np
import vecstore

DATA = Path(__file__).resolve().parent.parent / "data"
WIDTH = 100
K = 3
SHOWN = 12


def main():
    if sys.argv[1:] not in ([], ["--all"]):
        sys.exit(__doc__)
    packages = [line.split("\t") for line in (DATA / "packages.tsv").read_text(encoding="utf-8").splitlines()]
    vectors = np.load(DATA / "packages.f16.npy")
    questions = (DATA / "queries.txt").read_text(encoding="utf-8").splitlines()
    queries = np.load(DATA / "queries.f16.npy")

    # The id of a package is its line number, because ids are assigned from 0 in the order of adding.
    index = vecstore.Index("flat", dim=384, metric="cosine", dtype="float32")
    start = time.perf_counter()
    index.add(vectors)
    took = time.perf_counter() - start
    print(f"{len(index):,} package descriptions of Debian 12 indexed in {took * 1e3:.1f} ms.")
    print("Distance 0: the same meaning. Distance 1: nothing in common.\n")

    shown = len(questions) if sys.argv[1:] else SHOWN
    for question, query in zip(questions[:shown], queries):
        (ids, distances), micros = timed(lambda: index.search(query, k=K))
        show(question, f"{micros:.0f} µs", ids[0], distances[0], packages)

    (ids, distances), micros = timed(lambda: index.search(queries, k=K))
    print(f"All {len(questions)} questions in one call: {micros / len(questions):.0f} µs each.\n")

    show_graph(vectors, queries, ids, timed(lambda: index.search(queries[0], k=K))[1])

    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "packages.vecstore")
        index.save(path)
        size = os.path.getsize(path)
        start = time.perf_counter()
        with vecstore.Index.open(path, mmap=True) as mapped:
            took = time.perf_counter() - start
            mapped_ids, mapped_distances = mapped.search(queries, k=K)
    if not (np.array_equal(ids, mapped_ids) and np.array_equal(distances, mapped_distances)):
        sys.exit("demo: the mapped file answers differently from the index in memory")
    print(f"Saved to a file of {size / 1e6:.1f} MB, mapped back in {took * 1e3:.2f} ms:")
    print(f"the same {len(questions)} answers, to the last bit.\n")

    graphical = [row for row, (_, text) in enumerate(packages) if "graphical" in text.lower() or "GUI" in text]
    print(f"With a filter, only the {len(graphical)} packages that call themselves graphical:\n")
    question = questions.index("compare two files byte by byte")
    (ids, distances), micros = timed(lambda: index.search(queries[question], k=K, filter=graphical))
    show(questions[question], f"{micros:.0f} µs", ids[0], distances[0], packages)

    print("Try next:")
    print("  .venv/bin/python examples/python/demo.py --all   every question of examples/data")
    print("  examples/README.md                               the same program in C and in Swift")
    print("  make bench                                       how fast the library is on this machine")


def show_graph(vectors, queries, exact_ids, exact_micros):
    """The same rows as a graph, which looks at few of them."""
    graph = vecstore.Index("hnsw", dim=384, metric="cosine", dtype="float32")
    start = time.perf_counter()
    graph.add(vectors)
    took = time.perf_counter() - start
    _, micros = timed(lambda: graph.search(queries[0], k=K))
    ids, _ = graph.search(queries, k=K)
    found = sum(len(set(a) & set(b)) for a, b in zip(ids.tolist(), exact_ids.tolist()))
    print(f"As a graph (hnsw), built in {took:.2f} s, a question takes {micros:.0f} µs instead of {exact_micros:.0f} µs")
    print(f"and finds {found} of these {exact_ids.size} answers. The more rows, the more it saves.\n")


def timed(search):
    """The result of a search, and the microseconds of the fastest of five calls."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        result = search()
        times.append(time.perf_counter() - start)
    return result, min(times) * 1e6


def show(question, note, ids, distances, packages):
    """One question and its hits, wrapped to WIDTH columns."""
    print(f"  {style(f'{question:<{WIDTH - 14}}', BOLD)}{style(f'{note:>10}', DIM)}")
    for row, distance in zip(ids, distances):
        if row == vecstore.NO_ID:
            break
        name, text = packages[int(row)]
        first, *rest = textwrap.wrap(text, WIDTH - 37)
        print(f"    {style(f'{distance:.3f}', DIM)}  {style(f'{name:<24}', GREEN)}  {first}")
        for line in rest:
            print(" " * 37 + line)
    print()


BOLD, DIM, GREEN = "1", "2", "32"
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def style(text, code):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


if __name__ == "__main__":
    main()
