# Hits of a search as bytes, for a value cache.
# SPDX-License-Identifier: Apache-2.0
"""Writes lists of hits as bytes, and reads them again. Whoever else wrote what is read: it is checked.

Four bytes say how long the first part is, which is JSON: for each query how many hits it has, and for each hit its id,
distance, score, bytes of its payload (null: it was not asked for) and elements of its vector. Payloads follow, one
after the other, and vectors, float32. All numbers have the least byte first.
"""

from __future__ import annotations

import json
import struct
from itertools import accumulate
from typing import Optional

import numpy as np

from .points import Hit

_SIZE = struct.Struct("<I")
_ELEMENT = np.dtype("<f4")
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_decode = json.JSONDecoder().decode


def encode(found: list[list[Hit]]) -> bytes:
    hits = [hit for each in found for hit in each]
    payloads = [hit._json for hit in hits]
    vectors = [hit.vector for hit in hits]
    head = _encode(
        [
            list(map(len, found)),
            [hit.id for hit in hits],
            [hit.distance for hit in hits],
            [hit.score for hit in hits],
            [None if payload is None else len(payload) for payload in payloads],
            [0 if vector is None else len(vector) for vector in vectors],
        ]
    ).encode()
    parts = [_SIZE.pack(len(head)), head]
    parts += [payload for payload in payloads if payload]
    parts += [vector.astype(_ELEMENT).tobytes() for vector in vectors if vector is not None]
    return b"".join(parts)


def decode(value: bytes) -> Optional[list[list[Hit]]]:
    """None for what `encode` has not made."""
    try:
        end = _SIZE.size + _SIZE.unpack_from(value)[0]
        counts, ids, distances, scores, sizes, dims = _decode(value[_SIZE.size : end].decode())
        n = len(ids)
        if not {*map(type, ids)} <= {int, str} or not {*map(type, distances)} <= {float, type(None)}:
            return None
        if not {*map(type, scores)} <= {float}:
            return None
        if not n == len(distances) == len(scores) == len(sizes) == len(dims) == sum(counts):
            return None
        ends = list(accumulate([size or 0 for size in sizes], initial=end))
        places = list(accumulate([dim * _ELEMENT.itemsize for dim in dims], initial=ends[-1]))
        if places[-1] != len(value) or min(counts + dims + [size or 0 for size in sizes], default=0) < 0:
            return None
        payloads = [None if size is None else value[ends[i] : ends[i + 1]] for i, size in enumerate(sizes)]
        vectors = [
            np.frombuffer(value, _ELEMENT, dim, places[i]).astype(np.float32) if dim else None
            for i, dim in enumerate(dims)
        ]
        hits = list(map(Hit, ids, distances, scores, payloads, vectors))
        return [hits[last - count : last] for count, last in zip(counts, accumulate(counts))]
    except (struct.error, ValueError, TypeError, OverflowError, RecursionError):
        return None
