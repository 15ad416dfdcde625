# Points out of a collection into files, and from files and an iterator into another one, with a bar that shows how far it is.
# SPDX-License-Identifier: Apache-2.0
"""Usage: files.py

The bars are those of tqdm, where it is installed (`pip install tqdm`). Exits with 1 where a point is not what it was.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import vecstore

try:
    from tqdm import tqdm
except ImportError:

    class tqdm:
        """What this program uses of it, and shows nothing."""

        n = 0

        def __init__(self, items=(), *_, **__):
            self.items = items

        def __iter__(self):
            return iter(self.items)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def update(self, n):
            pass


DATA = Path(__file__).resolve().parent.parent / "data"


def main():
    if sys.argv[1:]:
        sys.exit(__doc__)
    packages = [line.split("\t") for line in (DATA / "packages.tsv").read_text(encoding="utf-8").splitlines()]
    vectors = np.load(DATA / "packages.f16.npy")
    points = [(name, vector, {"text": text}) for (name, text), vector in zip(packages, vectors)]

    with tempfile.TemporaryDirectory() as directory:
        lines, npy = os.path.join(directory, "packages.jsonl"), os.path.join(directory, "packages.npy")
        with vecstore.Collection.create(os.path.join(directory, "first"), dim=384, dtype="float16") as first:
            first.import_points(tqdm(points, "an iterator"))
            with tqdm(desc="out", total=len(first), unit=" points") as bar:
                first.export(lines, vectors=npy, progress=lambda done, total: bar.update(done - bar.n))
            print(f"{len(first):,} points: {os.path.getsize(lines):,} bytes of lines, {os.path.getsize(npy):,} of vectors.")

            with vecstore.Collection.create(os.path.join(directory, "second"), dim=384, dtype="float16") as second:
                with tqdm(desc="in", total=os.path.getsize(lines), unit="B", unit_scale=True) as bar:
                    done = second.import_file(lines, vectors=npy, progress=lambda done, total: bar.update(done - bar.n))
                print(f"{done.points:,} points came back.")
                for a, b in zip(first.scroll(with_vector=True), second.scroll(with_vector=True)):
                    if a.id != b.id or a.payload_json != b.payload_json or (a.vector != b.vector).any():
                        sys.exit(f"files: {a.id} came back as another one")
                if len(first) != len(second):
                    sys.exit(f"files: {len(second)} of {len(first)} points came back")
                print("Each is what it was.")


if __name__ == "__main__":
    main()
