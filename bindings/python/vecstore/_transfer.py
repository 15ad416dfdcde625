# Points of an iterator, in batches, and files of vectors.
# SPDX-License-Identifier: Apache-2.0
"""Gathers what callers hand over one by one into what `Collection.upsert` takes."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Callable, NamedTuple, Optional

from . import _ffi_collection, _json
from .errors import CancelledError, InvalidArgumentError
from .points import ImportResult, Point

_KEYS = ("id", "vector", "payload", "expires")


class Batch(NamedTuple):
    """Points, part by part. `vectors` is a list, or a dict of lists with None for a vector that a point does not have."""

    ids: list[Any]
    vectors: Any
    payloads: list[Any]
    expires: Optional[list[Any]]


def write(
    points: Iterable[Any],
    batch_size: int,
    progress: Optional[Callable[[int, int], Any]],
    upsert: Callable[[Batch], None],
) -> int:
    """Calls `upsert` for each batch. Returns how many points there were."""
    total = operator.length_hint(points, 0)
    rest, done = iter(points), 0
    while True:
        items = list(islice(rest, batch_size))
        if not items:
            return done
        try:
            upsert(_gathered(items, done))
        except Exception as error:
            if hasattr(error, "imported"):
                error.imported = ImportResult(done, 0, done + 1)
            raise
        done += len(items)
        if progress is not None and progress(done, max(total, done)) is False:
            cancelled = CancelledError(f"the import was cancelled: {done} points are in")
            cancelled.imported = ImportResult(done, 0, done + 1)
            raise cancelled


def _gathered(items: list[Any], first: int) -> Batch:
    points = [_parts(item, first + i) for i, item in enumerate(items)]
    ends = [expires for _, _, _, expires in points]
    return Batch(
        [id for id, _, _, _ in points],
        _vectors([vector for _, vector, _, _ in points], first),
        [payload for _, _, payload, _ in points],
        None if all(end is None for end in ends) else ends,
    )


def _parts(item: Any, i: int) -> tuple[Any, Any, Any, Any]:
    """Id, vector, payload and end of a point."""
    if isinstance(item, Mapping):
        unknown = [key for key in item if key not in _KEYS]
        if unknown:
            raise InvalidArgumentError(f"points[{i}]: unknown key {unknown[0]!r}; allowed are {', '.join(_KEYS)}")
        if "id" not in item:
            raise InvalidArgumentError(f"points[{i}]: there is no id")
        return item["id"], item.get("vector"), item.get("payload"), item.get("expires")
    if isinstance(item, Point):
        return item.id, item.vector, item.payload_json or None, item.expires
    if isinstance(item, (tuple, list)):
        if not 2 <= len(item) <= 4:
            raise InvalidArgumentError(
                f"points[{i}]: expected an id, a vector, and maybe a payload and an end, got {len(item)} things"
            )
        id, vector, payload, expires = (*item, None, None)[:4]
        return id, vector, payload, expires
    raise TypeError(f"points[{i}]: expected a tuple, a dict or a Point, got {type(item).__name__}")


def _vectors(values: list[Any], first: int) -> Any:
    if not any(isinstance(value, Mapping) for value in values):
        return values
    names: dict[str, None] = {}
    for i, value in enumerate(values):
        if not isinstance(value, Mapping):
            raise InvalidArgumentError(f"points[{first + i}]: expected a dict of vectors by name, as others have it")
        names.update(dict.fromkeys(value))
    return {name: [value.get(name) for value in values] for name in names}


def files(vectors: Any, names: Iterable[str]) -> _ffi_collection.VectorFiles:
    """Files of vectors, from a path, or from paths by name."""
    if vectors is None:
        return _ffi_collection.VectorFiles()
    known = list(names)
    if isinstance(vectors, Mapping):
        for name in vectors:
            if name not in known:
                raise InvalidArgumentError(f"vectors: expected names of {', '.join(map(repr, known))}, got {name!r}")
        return _ffi_collection.VectorFiles([(_json.text("vectors", name), path) for name, path in vectors.items()])
    if len(known) != 1:
        raise InvalidArgumentError(f"vectors: expected a dict of files by the names {', '.join(map(repr, known))}")
    return _ffi_collection.VectorFiles([(known[0].encode(), vectors)])
