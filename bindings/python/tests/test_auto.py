# Indexes that choose by themselves: over data of every sort they find what was asked for, and stay within their budget.
# SPDX-License-Identifier: Apache-2.0
import threading

import numpy as np
import pytest

import vecstore

K = 10
# What a sample of queries cannot tell of the recall, as a share of what may be missed.
TOLERANCE = 0.4


def clusters(rng, n, dim):
    """Around a few centers, with uneven axes."""
    centers = 2 * np.random.default_rng(5).standard_normal((40, dim))
    axes = 1 / np.sqrt(1 + np.arange(dim) / 8)
    return (centers[rng.integers(0, 40, n)] + axes * rng.standard_normal((n, dim))).astype(np.float32)


def bits(rng, n, dim):
    centers = np.random.default_rng(5).integers(0, 2, (40, dim), dtype=np.uint8)
    return np.packbits(centers[rng.integers(0, 40, n)] ^ (rng.random((n, dim)) < 0.2), axis=1, bitorder="little")


def unequal(rng, n, dim):
    return (clusters(rng, n, dim) * rng.lognormal(0, 0.4, (n, 1))).astype(np.float32)


# name: metric, dtype, dim, rows, how they are made
SORTS = {
    "directions": ("cosine", "float32", 96, 9500, clusters),
    "no structure": ("l2sq", "float32", 24, 9500, lambda rng, n, dim: rng.standard_normal((n, dim)).astype(np.float32)),
    "groups": ("l2sq", "float32", 48, 9500, clusters),
    "unequal norms": ("ip", "float32", 48, 9500, unequal),
    "half": ("cosine", "float16", 64, 9500, lambda rng, n, dim: clusters(rng, n, dim).astype(np.float16)),
    "bytes": (
        "l2sq",
        "uint8",
        64,
        9500,
        lambda rng, n, dim: np.clip(20 * clusters(rng, n, dim) + 128, 0, 255).astype(np.uint8),
    ),
    "bits": ("hamming", "bits", 128, 9500, bits),
    "few dimensions": ("l2sq", "float32", 8, 9500, clusters),
    "city blocks": ("l1", "float32", 24, 9500, clusters),
    "few rows": ("cosine", "float32", 32, 1500, clusters),
}


@pytest.mark.parametrize("share", [None, 0.7])
@pytest.mark.parametrize("sort", SORTS)
def test_plain_searches_find_what_was_asked_for_within_the_budget(rng, sort, share):
    metric, dtype, dim, n, make = SORTS[sort]
    vectors, queries = make(rng, n, dim), make(np.random.default_rng(99), 300, dim)
    budget = None if share is None else int((share * vectors[0].nbytes + 280) * n)
    with vecstore.Index("flat", dim=dim, metric=metric, dtype=dtype) as flat:
        flat.add(vectors)
        limits = flat.search(queries, K).distances[:, -1:]
    made = {"capacity": n, "memory_budget": budget, "target_recall": 0.9}
    with vecstore.Index("auto", dim=dim, metric=metric, dtype=dtype, **made) as index:
        for start in range(0, n, 2500):
            index.add(vectors[start : start + 2500])
            assert budget is None or index.stats().memory_bytes <= budget
        found = index.search(queries, K).distances
        assert len(index) == n
        index.verify()
        assert "chosen automatically" in index.explain()
        assert index.kind == index.stats().kind
    # Rows of 16 bits are a little nearer or farther.
    recall = (found <= limits + 1e-3 * np.abs(limits)).sum(axis=1).mean() / K
    assert recall >= 0.9 - TOLERANCE * 0.1


def test_it_explains_what_it_is_and_what_it_would_become(rng):
    vectors = clusters(rng, 9000, 16)
    with vecstore.Index("auto", dim=16, target_recall=0.9) as index:
        assert "flat" in index.explain()
        index.add(vectors)
        text = dict(line.split(": ", 1) for line in index.explain().splitlines())
        assert text["kind"].startswith("hnsw")
        assert text["rows"].startswith("9000 of 16 elements of float32")
        assert text["because"].startswith("a graph is the fastest")
        assert "ef_search" in text["target_recall"]
        assert text["optimize"] == "keeps it"
        index.remove(range(100, 9000))
        assert "makes it flat" in index.explain()
        index.optimize()
        assert (index.kind, len(index)) == ("flat", 100)
        np.testing.assert_array_equal(index.get(range(100)), vectors[:100])


@pytest.mark.parametrize("kind", ["flat", "hnsw", "ivf"])
def test_other_kinds_say_that_they_were_asked_for(kind, rng):
    with vecstore.Index(kind, dim=8) as index:
        index.add(clusters(rng, 500, 8))
        assert index.explain().startswith(f"kind: {kind} ")
        assert "as it was asked for" in index.explain()
        assert not index.stats().automatic


def test_a_file_keeps_what_was_chosen_and_goes_on_choosing(tmp_path, rng):
    vectors = clusters(rng, 9000, 16)
    with vecstore.Index("auto", dim=16, target_recall=0.8, seed=4) as index:
        index.add(vectors[:300])
        index.save(tmp_path / "index")
    with vecstore.Index.open(tmp_path / "index", mmap=False) as index:
        assert (index.kind, index.stats().automatic) == ("flat", True)
        index.add(vectors[300:])
        assert index.kind == "hnsw"
        index.save(tmp_path / "index")
    with vecstore.Index.open(tmp_path / "index") as index:
        assert (index.kind, index.read_only, index.stats().automatic) == ("hnsw", True, True)
        assert "0.8" in index.explain()


def test_what_cannot_be_is_refused():
    with pytest.raises(vecstore.InvalidArgumentError, match="take at least"):
        vecstore.Index("auto", dim=16, capacity=10**6, memory_budget=10**6)
    with pytest.raises(vecstore.InvalidArgumentError, match="which chooses them"):
        vecstore.Index("auto", dim=16, m=8)
    with pytest.raises(vecstore.InvalidArgumentError, match=r"kind 4 \(auto\)"):
        vecstore.Index("hnsw", dim=16, memory_budget=10**9)
    for options in ({"target_recall": 0}, {"target_recall": 1.1}, {"memory_budget": 0}, {"memory_budget": -1}):
        with pytest.raises(vecstore.InvalidArgumentError):
            vecstore.Index("auto", dim=16, **options)


def test_an_add_beyond_the_budget_adds_nothing(rng):
    vectors = clusters(rng, 5000, 32)
    with vecstore.Index("auto", dim=32, memory_budget=300_000) as index:
        index.add(vectors[:500])
        before = len(index)
        with pytest.raises(vecstore.TooLargeError, match="memory_budget"):
            index.add(vectors[500:])
        assert len(index) == before


def test_rows_of_zeros_do_not_count_for_lists(rng):
    vectors = unequal(rng, 3000, 32)
    vectors[100:] = 0
    with vecstore.Index("auto", dim=32, metric="ip", capacity=3000, memory_budget=600_000) as index:
        index.add(vectors)
        assert (index.kind, len(index)) == ("ivf", 3000)
        assert index.search(vectors[:100], k=1).distances.max() < 0


def test_rows_are_found_while_another_kind_takes_over(rng):
    vectors = clusters(rng, 9600, 16)
    with vecstore.Index("auto", dim=16) as index:
        index.add(vectors[:8000])
        failures, is_done = [], threading.Event()

        def search():
            while not is_done.is_set():
                ids, _ = index.search(vectors[:5], k=1, threads=1)
                if ids[:, 0].tolist() != [0, 1, 2, 3, 4]:
                    failures.append(ids)

        def add(start):
            for first in range(start, start + 800, 100):
                index.add(vectors[first : first + 100], ids=range(first, first + 100), threads=1)

        searcher = threading.Thread(target=search)
        adders = [threading.Thread(target=add, args=(start,)) for start in (8000, 8800)]
        for thread in [searcher, *adders]:
            thread.start()
        for thread in adders:
            thread.join()
        is_done.set()
        searcher.join()
        assert not failures
        assert sorted(index.ids().tolist()) == list(range(9600))
        assert index.kind == "hnsw"
        index.verify()
