# The functions of the C library about hashes in Redis, as Python calls them.
# SPDX-License-Identifier: Apache-2.0
"""Wraps the transfers from and to hashes in Redis, one by one, as `_ffi` does for the functions of indexes.

What comes in is checked already, see `_hashes`; text is bytes of UTF-8 without a zero.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_uint64
from typing import Any, Callable, NamedTuple, Optional

from . import _ffi
from ._ffi import RedisExportOptions, RedisImportOptions, RedisImportResult, VectorField, _lib
from ._ffi_cache import RedisSettings, redis_pointer
from .errors import Error

_Tell = Optional[Callable[[int, int], Any]]


class Layout(NamedTuple):
    """How hashes lie in a Redis: what keys begin with, and which fields have what."""

    prefix: bytes
    vector_fields: Sequence[tuple[bytes, bytes]]
    blob_type: str
    json_field: Optional[bytes]

    def vector_structs(self) -> Any:
        return (VectorField * len(self.vector_fields))(*(VectorField(*pair) for pair in self.vector_fields))


class ImportSettings(NamedTuple):
    """What is read, and how."""

    layout: Layout
    batch_size: int
    skip_bad: bool
    redis: Optional[RedisSettings]
    pattern: Optional[bytes]
    payload_fields: Optional[Sequence[bytes]] = None
    values: str = "text"
    threads: int = 0

    def options(self, progress: Any) -> RedisImportOptions:
        layout, fields = self.layout, self.payload_fields
        return RedisImportOptions(
            ctypes.sizeof(RedisImportOptions),
            self.batch_size,
            redis_pointer(self.redis),
            layout.prefix,
            self.pattern,
            layout.vector_structs(),
            len(layout.vector_fields),
            # One more, so that there is an address where there are no fields.
            None if fields is None else (c_char_p * (len(fields) + 1))(*fields),
            0 if fields is None else len(fields),
            layout.json_field,
            _ffi.BLOB_TYPES[layout.blob_type],
            _ffi.FIELD_VALUES[self.values],
            self.skip_bad,
            self.threads,
            progress,
        )


def import_points(
    handle: int, url: Optional[bytes], settings: ImportSettings, tell: _Tell
) -> tuple[tuple[int, int], Optional[Error]]:
    """Points, and keys that were passed over; and what it ended with, where that is an error. Ctrl-C ends it."""
    return _import(_lib.vecstore_collection_import_redis, handle, url, settings, tell)


def import_rows(
    handle: int, url: Optional[bytes], settings: ImportSettings, tell: _Tell
) -> tuple[tuple[int, int], Optional[Error]]:
    """As `import_points`, of an index."""
    return _import(_lib.vecstore_index_import_redis, handle, url, settings, tell)


def _import(
    function: Any, handle: int, url: Optional[bytes], settings: ImportSettings, tell: _Tell
) -> tuple[tuple[int, int], Optional[Error]]:
    result = RedisImportResult(ctypes.sizeof(RedisImportResult))
    failure: Optional[Error] = None
    try:
        _ffi._watched(lambda options: function(handle, url, options, byref(result)), settings.options, tell)
    except Error as error:
        failure = error
    return (result.points, result.skipped), failure


def export_points(
    handle: int,
    url: Optional[bytes],
    layout: Layout,
    filter: Optional[bytes],
    redis: Optional[RedisSettings],
    tell: _Tell,
) -> int:
    """How many points there were. Ctrl-C ends it."""
    points = c_uint64()
    _ffi._watched(
        lambda options: _lib.vecstore_collection_export_redis(handle, url, options, byref(points)),
        lambda progress: RedisExportOptions(
            ctypes.sizeof(RedisExportOptions),
            _ffi.BLOB_TYPES[layout.blob_type],
            redis_pointer(redis),
            layout.prefix,
            filter,
            layout.vector_structs(),
            len(layout.vector_fields),
            layout.json_field,
            progress,
        ),
        tell,
    )
    return points.value
