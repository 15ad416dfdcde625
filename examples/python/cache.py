# Answers questions about Debian packages from a semantic cache that two processes share through Redis.
# SPDX-License-Identifier: Apache-2.0
"""Usage: cache.py [URL]

Asks 49 real questions, of which some say the same in other words; then a second process asks them again. The cache lies in a
redis-server that this starts and stops where one is installed, else in the memory of one process; or where URL says.
Exits with 1 where a question that was answered is not found again.
"""

import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import vecstore

DATA = Path(__file__).resolve().parent.parent / "data"
# Stands for the model that would write the answers, which takes a second and more: here they are names of packages.
MODEL_SECONDS = 0.1
# With these embeddings, what means the same is mostly 0.8 to 0.95 similar.
THRESHOLD = 0.8


def main():
    if sys.argv[1:2] == ["--again"]:
        print(json.dumps(ask_all(sys.argv[2], say=lambda line: None)))
        return
    if len(sys.argv) > 2 or sys.argv[1:2] == ["--help"]:
        sys.exit(__doc__)
    with a_redis() if len(sys.argv) == 1 else contextlib.nullcontext(sys.argv[1]) as url:
        where = "a redis-server of its own" if len(sys.argv) == 1 and url != "memory:" else url
        print(f"A semantic cache in {where}. What is asked in other words, and how near it is to what was asked before:\n")
        if url == "memory:":
            with open_cache(url) as cache:
                first, second = ask_all(cache), ask_all(cache, say=lambda line: None)
            other = "the same process" + (" (no redis-server is installed)" if len(sys.argv) == 1 else "")
        else:
            first = ask_all(url)
            command = [sys.executable, __file__, "--again", url]
            second = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            other = "another process"
    report("First time", first)
    report(f"Again, {other}", second)
    saved = (first["hits"] + second["hits"]) * MODEL_SECONDS
    asked = first["questions"] + second["questions"]
    hits = first["hits"] + second["hits"]
    print(f"\nHit rate {hits / asked:.0%}: the model was spared {hits} of {asked} calls, {saved:.1f} s of {asked * MODEL_SECONDS:.1f} s saved.")
    if second["hits"] != second["questions"]:
        sys.exit("cache: a question that was answered is not found again")


def open_cache(url):
    return vecstore.SemanticCache(
        url, namespace="packages", dim=384, model="all-MiniLM-L6-v2", similarity_threshold=THRESHOLD, ttl=3600, guard=True
    )


def ask_all(cache, say=print):
    """Asks all questions of a cache, or of the one that a URL names; returns what came of it."""
    if isinstance(cache, str):
        with open_cache(cache) as opened:
            return ask_all(opened, say)
    questions = (DATA / "asked.txt").read_text(encoding="utf-8").splitlines()
    vectors = np.load(DATA / "asked.f16.npy").astype(np.float32)
    model = Model()
    before = cache.stats()
    times = {"hit": [], "miss": []}
    for question, vector in zip(questions, vectors):
        start = time.perf_counter()
        hit = cache.get(question, vector=vector)
        times["hit" if hit else "miss"].append(time.perf_counter() - start)
        if hit is None:
            cache.set(question, model.answer(vector), vector=vector)
        elif hit.tier == "semantic":
            say(f"  {hit.similarity:.3f}  {question:47}  {hit.prompt}\n         {hit.response}")
    after = cache.stats()
    return {
        "questions": len(questions),
        "hits": after.hits - before.hits,
        "guarded": after.guard_refusals - before.guard_refusals,
        **{name: 1e6 * statistics.median(values) if values else None for name, values in times.items()},
    }


class Model:
    """Answers with packages that are about the question."""

    def __init__(self):
        self._names = [line.split("\t")[0] for line in (DATA / "packages.tsv").read_text(encoding="utf-8").splitlines()]
        self._index = vecstore.Index("flat", dim=384, metric="cosine")
        self._index.add(np.load(DATA / "packages.f16.npy"))

    def answer(self, vector):
        time.sleep(MODEL_SECONDS)
        return ", ".join(self._names[i] for i in self._index.search(vector, k=3).ids[0])


def report(when, what):
    parts = [f"{what['hits']} of {what['questions']} questions are hits"]
    if what["hit"] is not None:
        parts.append(f"{what['hit']:.0f} µs each")
    if what["miss"] is not None:
        parts.append(f"a miss takes {what['miss']:.0f} µs")
    if what["guarded"]:
        parts.append(f"the guard passed over {what['guarded']} near ones that differ in a number, a name or a negation")
    print(f"\n{when}: " + ", ".join(parts) + ".", end="")


@contextlib.contextmanager
def a_redis():
    """The URL of a server that lives as long as the block; "memory:" where none is installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield "memory:"
        return
    with tempfile.TemporaryDirectory() as directory:
        socket = Path(directory, "redis.sock")
        command = [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", directory]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            while not socket.exists():
                if server.poll() is not None:
                    sys.exit("cache: the redis-server does not start")
                time.sleep(0.01)
            yield f"unix://{socket}"
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
