# A durable collection of Debian packages: filters, search by words and meaning, groups, and a writer that is killed.
# SPDX-License-Identifier: Apache-2.0
"""Usage: points.py

Exits with 1 where a search finds nothing, where a write that was acknowledged is gone after the writer was killed, or
where a check of the collection fails.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import vecstore

DATA = Path(__file__).resolve().parent.parent / "data"
BATCH = 50
# The writer is killed after so many batches, in the middle of the next.
KILLED_AFTER = 20


def main():
    if sys.argv[1:2] == ["--write"]:
        return write_until_killed(sys.argv[2])
    if sys.argv[1:]:
        sys.exit(__doc__)
    packages = [line.split("\t") for line in (DATA / "packages.tsv").read_text(encoding="utf-8").splitlines()]
    vectors = np.load(DATA / "packages.f16.npy")
    questions = (DATA / "queries.txt").read_text(encoding="utf-8").splitlines()
    queries = np.load(DATA / "queries.f16.npy")

    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "packages")
        with vecstore.Collection.create(path, dim=384, metric="cosine") as points:
            points.create_payload_index("text", "text", tokenizer="stems")
            points.create_payload_index("family", "keyword")
            start = time.perf_counter()
            points.upsert([name for name, _ in packages], vectors, [payload(name, text) for name, text in packages])
            took = time.perf_counter() - start
            print(f"{len(points):,} packages with their texts are in a collection, and on the disk: {took:.2f} s.\n")

            question = "A tool for managing large Git repositories"
            query = queries[questions.index(question)]
            show(f'"{question}", by meaning:', points.search(query, 3))
            show("The same among packages for Vim:", points.search(query, 3, filter=vecstore.Field("family") == "vim"))
            show("By words:", points.search_text(question, 3))
            show("By both:", points.search_hybrid(query, question, 3))
            groups = points.search_groups(query, "family", groups=3, group_size=2)
            show("By families of packages, two of each at most:", [hit for group in groups for hit in group.hits])
            show("Like vbindiff, which compares binary files:", points.recommend(["vbindiff"], k=3))
            families = points.facet("family", limit=5)
            print("The largest families:", ", ".join(f"{name} ({count})" for name, count in families), "\n")
        kill_a_writer(path)


def payload(name, text):
    return {"family": name.split("-")[0], "text": text}


def write_until_killed(path):
    """The writer: tells of each batch after the call has returned, and never ends by itself."""
    with vecstore.Collection.open(path) as points:
        vectors = np.random.default_rng(0).standard_normal((BATCH, 384), dtype=np.float32)
        batch = 0
        while True:
            points.upsert(range(batch * BATCH, (batch + 1) * BATCH), vectors, [{"batch": batch}] * BATCH)
            print(batch, flush=True)
            batch += 1


def kill_a_writer(path):
    writer = subprocess.Popen([sys.executable, __file__, "--write", path], stdout=subprocess.PIPE, text=True)
    acknowledged = -1
    for line in writer.stdout:
        acknowledged = int(line)
        if acknowledged + 1 == KILLED_AFTER:
            writer.send_signal(signal.SIGKILL)
            break
    # What it had told before the signal came is acknowledged too.
    for line in writer.stdout:
        acknowledged = int(line)
    writer.wait()
    with vecstore.Collection.open(path) as points:
        points.verify()
        sizes = [points.count(vecstore.Field("batch") == batch) for batch in range(acknowledged + 2)]
    if any(size != BATCH for size in sizes[:-1]) or sizes[-1] not in (0, BATCH):
        sys.exit(f"points: of {acknowledged + 1} batches that were acknowledged these points are left: {sizes}")
    last = "there whole" if sizes[-1] else "not there at all"
    print(f"A writer was killed while it wrote its batch {acknowledged + 2}. The collection opens, and passes its check.")
    print(f"The {acknowledged + 1} batches that were acknowledged are there, {sum(sizes[:-1]):,} points.")
    print(f"The last one is {last}.")


def show(title, hits):
    if not hits:
        sys.exit(f"points: nothing was found. {title}")
    print(title)
    for hit in hits:
        print(f"    {hit.score:6.3f}  {hit.id:<28} {hit.payload['text'][:64]}")
    print()


if __name__ == "__main__":
    main()
