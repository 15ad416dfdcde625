# Ways to keep a semantic cache in Redis, each in a process of its own: the commands are those of benchmarks/c/cache.c.
# SPDX-License-Identifier: Apache-2.0
"""Usage: python -m vecbench.cachework WAY URL ROWS QUERIES DIM"""

from __future__ import annotations

import json
import pathlib
import sys
import time
from typing import Any, Callable, Optional

import numpy as np

RESPONSE = "A" * 400
Lookup = Callable[[str, np.ndarray, float], Optional[str]]


def prompt_of(row: int) -> str:
    return f"what is the answer to question number {row} of this benchmark?"


class Vecstore:
    """The binding for Python."""

    def __init__(self, url: str, dim: int) -> None:
        import vecstore

        self._cache = vecstore.SemanticCache(url, namespace="bench", dim=dim)

    def set(self, first: int, vectors: np.ndarray) -> None:
        self._cache.set_many([prompt_of(first + i) for i in range(len(vectors))], [RESPONSE] * len(vectors), vectors)

    def settle(self) -> None:
        self._cache.optimize()

    def get(self, prompt: str, vector: np.ndarray, threshold: float) -> Optional[str]:
        hit = self._cache.get(prompt, vector=vector, threshold=threshold)
        return hit and hit.response


class Hashes:
    """redis-py: a hash for each entry, with the vector as bytes, as programs keep them that have no index."""

    def __init__(self, url: str, dim: int) -> None:
        import redis

        self._redis = redis.Redis.from_url(url)
        self._dim = dim

    def set(self, first: int, vectors: np.ndarray) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for i, vector in enumerate(vectors):
            fields = {"prompt": prompt_of(first + i), "response": RESPONSE, "embedding": vector.tobytes()}
            pipeline.hset(f"entry:{first + i}", mapping=fields)
        pipeline.execute()

    def settle(self) -> None:
        pass

    def _read(self) -> tuple[list[bytes], np.ndarray]:
        """All keys and vectors that there are."""
        keys, vectors = list(self._redis.scan_iter("entry:*", count=1000)), []
        for start in range(0, len(keys), 1000):
            pipeline = self._redis.pipeline(transaction=False)
            for key in keys[start : start + 1000]:
                pipeline.hget(key, "embedding")
            vectors += pipeline.execute()
        return keys, np.frombuffer(b"".join(vectors), dtype=np.float32).reshape(-1, self._dim)

    def _nearest(self, keys: list[bytes], vectors: np.ndarray, vector: np.ndarray, threshold: float) -> Optional[str]:
        similarities = vectors @ vector
        best = int(similarities.argmax())
        if similarities[best] < threshold:
            return None
        response = self._redis.hget(keys[best], "response")
        return response and response.decode()


class Scan(Hashes):
    """Each lookup reads all vectors."""

    def get(self, prompt: str, vector: np.ndarray, threshold: float) -> Optional[str]:
        return self._nearest(*self._read(), vector, threshold)


class Resident(Hashes):
    """The vectors are read once: what others write later is not seen."""

    def __init__(self, url: str, dim: int) -> None:
        super().__init__(url, dim)
        self._keys, self._vectors = self._read()

    def get(self, prompt: str, vector: np.ndarray, threshold: float) -> Optional[str]:
        return self._nearest(self._keys, self._vectors, vector, threshold)


class Server(Hashes):
    """The least that a search inside a server can cost: the vector goes there, a search would take no time, and a hit comes back.
    What would be found the client says: the entry of the prompt."""

    # FT.SEARCH answers with the fields of what it found.
    _SEARCH = "return redis.call('HMGET', KEYS[1], 'prompt', 'response')"

    def __init__(self, url: str, dim: int) -> None:
        super().__init__(url, dim)
        self._search = self._redis.register_script(self._SEARCH)

    def get(self, prompt: str, vector: np.ndarray, threshold: float, row: int = -1) -> Optional[str]:
        response = self._search(keys=[f"entry:{row}"], args=[vector.astype(np.float32).tobytes()])[1]
        return response and response.decode()


WAYS: dict[str, type] = {"vecstore-python": Vecstore, "redis-py-scan": Scan, "redis-py-resident": Resident, "server": Server}


def own_bytes() -> int:
    """Memory of this process that no file is behind."""
    for line in pathlib.Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not tell what memory is anonymous")


class Work:
    def __init__(self, way: type, url: str, rows: str, queries: str, dim: int) -> None:
        self._way, self._url, self._dim = way, url, dim
        self._rows = np.memmap(rows, dtype=np.float32, mode="r").reshape(-1, dim)
        self._queries = np.fromfile(queries, dtype=np.float32).reshape(-1, dim)
        self._store: Any = None
        self._set = 0

    def open(self) -> dict[str, Any]:
        self._before = own_bytes()
        begin = time.perf_counter()
        if self._store is None:
            self._store = self._way(self._url, self._dim)
        return {"seconds": time.perf_counter() - begin}

    def fill(self, count: int, batch: int) -> dict[str, Any]:
        self.open()
        begin = time.perf_counter()
        end = self._set + count
        while self._set < end:
            upto = min(self._set + batch, end)
            self._store.set(self._set, np.asarray(self._rows[self._set : upto]))
            self._set = upto
        return {"seconds": time.perf_counter() - begin}

    def settle(self) -> dict[str, Any]:
        begin = time.perf_counter()
        self._store.settle()
        return {"seconds": time.perf_counter() - begin}

    def memory(self) -> dict[str, Any]:
        return {"own_bytes": own_bytes() - self._before}

    def _look(self, count: int, of: Callable[[int], tuple[int, str, np.ndarray, float]], is_there: bool) -> dict[str, Any]:
        micros, hits = [], 0
        for i in range(count):
            row, prompt, vector, threshold = of(i)
            begin = time.perf_counter()
            if is_there and isinstance(self._store, Server):
                found = self._store.get(prompt, vector, threshold, row)
            else:
                found = self._store.get(prompt, vector, threshold)
            micros.append(1e6 * (time.perf_counter() - begin))
            hits += found == RESPONSE
        return {"micros": micros, "hits": hits}

    def _row(self, i: int) -> int:
        return (i * 7919 + 13) % len(self._rows)

    def misses(self, count: int) -> dict[str, Any]:
        return self._look(count, lambda i: (0, f"what nobody has asked so far {i}", self._queries[i % len(self._queries)], 0.999), False)

    def hits(self, count: int) -> dict[str, Any]:
        return self._look(count, lambda i: (self._row(i), prompt_of(self._row(i)), np.array(self._rows[self._row(i)]), 0.95), True)

    def near(self, count: int) -> dict[str, Any]:
        beside = np.where(np.arange(self._dim) % 2, 0.002, -0.002).astype(np.float32)
        return self._look(
            count, lambda i: (self._row(i), f"what nobody has asked so far {i}", self._rows[self._row(i)] + beside, 0.95), True
        )

    def idle(self, seconds: int) -> dict[str, Any]:
        begin = time.process_time()
        time.sleep(seconds)
        return {"seconds": time.process_time() - begin}


def main() -> None:
    way, url, rows, queries, dim = sys.argv[1:]
    work = Work(WAYS[way], url, rows, queries, int(dim))
    for line in sys.stdin:
        command, *numbers = line.split()
        print(json.dumps(getattr(work, command)(*map(int, numbers))), flush=True)


if __name__ == "__main__":
    main()
