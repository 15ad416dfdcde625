# Slow and obvious distances in float64, the truth that the library is compared with.
# SPDX-License-Identifier: Apache-2.0
import numpy as np

import vecstore

DIM = 37
FLOAT_METRICS = ("l2sq", "ip", "cosine", "l1")
BIT_METRICS = ("hamming", "jaccard")
NUMBER_DTYPES = ("float32", "float16", "bfloat16", "int8", "uint8")
PAIRS = [(metric, dtype) for metric in FLOAT_METRICS for dtype in NUMBER_DTYPES]
PAIRS += [(metric, "bits") for metric in BIT_METRICS]


def bfloat16_numbers(patterns):
    """The numbers that bfloat16 bit patterns stand for."""
    return (patterns.astype(np.uint32) << 16).view(np.float32)


def vectors(rng, n, dtype, dim=DIM):
    """n random vectors in the form in which the library takes them."""
    if dtype == "bits":
        return vecstore.pack_bits(rng.random((n, dim)) < 0.5)
    if dtype == "int8":
        return rng.integers(-128, 128, (n, dim), dtype=np.int8)
    if dtype == "uint8":
        return rng.integers(0, 256, (n, dim), dtype=np.uint8)
    numbers = rng.standard_normal((n, dim)).astype(np.float32)
    if dtype == "bfloat16":
        return (numbers.view(np.uint32) >> 16).astype(np.uint16)
    return numbers.astype(dtype)


def numbers(array, dtype, dim=DIM):
    """The same vectors as float64, or as bool for bits."""
    if dtype == "bits":
        return np.unpackbits(array, axis=-1, count=dim, bitorder="little").astype(bool)
    if dtype == "bfloat16":
        array = bfloat16_numbers(array)
    return array.astype(np.float64)


def distances(queries, base, metric):
    """All distances of float64 (or bool) vectors, and the error that float32 is allowed, each (nq, n).

    A term is rounded where it is made, three times at most, and a sum once for each addition.
    """
    a, b = queries[:, None, :], base[None, :, :]
    if metric == "hamming":
        return (a != b).sum(-1).astype(np.float64), 0.0
    if metric == "jaccard":
        either = (a | b).sum(-1)
        return np.where(either == 0, 0.0, 1 - (a & b).sum(-1) / np.maximum(either, 1)), 2.0**-23
    terms = {"l2sq": (a - b) ** 2, "l1": np.abs(a - b), "ip": -a * b, "cosine": a * b}[metric]
    allowed = (queries.shape[1] + 2) * 2.0**-24 * np.abs(terms).sum(-1)
    if metric != "cosine":
        return terms.sum(-1), allowed
    scale = np.linalg.norm(queries, axis=-1)[:, None] * np.linalg.norm(base, axis=-1)[None, :]
    return 1 - terms.sum(-1) / scale, allowed / scale + 2.0**-22


def assert_nearest(ids, found, truth, allowed):
    """That `ids` (k,) and distances `found` are the k smallest of `truth` (n,), nearest first, within the error."""
    k = len(ids)
    allowed = np.broadcast_to(allowed, truth.shape)
    assert len(set(ids.tolist())) == k
    rows = ids.astype(np.int64)
    assert (np.abs(found - truth[rows]) <= allowed[rows]).all()
    assert (np.diff(found) >= 0).all()
    assert (np.abs(found - np.sort(truth)[:k]) <= allowed.max()).all()
    tied = np.diff(found) == 0
    assert (np.diff(rows)[tied] > 0).all(), "ties are ordered by id"


def direction(degrees):
    """A vector of two elements whose cosine to another is that of the angle between them."""
    return [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]
