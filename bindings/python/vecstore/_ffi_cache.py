# The functions of the C library about semantic caches, as Python calls them.
# SPDX-License-Identifier: Apache-2.0
"""Wraps the functions of semantic caches, one by one, as `_ffi` does for those of indexes.

What comes in is checked already, see `_cache_entries` and `_cache_options`; text is bytes.
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_size_t, c_uint64, c_void_p
from typing import Any, Callable, NamedTuple, Optional, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import _ffi
from ._ffi import (
    CacheEntryStruct,
    CacheHitStruct,
    CacheOptionsStruct,
    CacheQueryStruct,
    CacheStatsStruct,
    RedisOptionsStruct,
    _check,
    _lib,
)

_Item = TypeVar("_Item")

# ----------------------------------------------------------------------------------------------------------------------
# What goes in
# ----------------------------------------------------------------------------------------------------------------------


class RedisSettings(NamedTuple):
    """How a Redis is asked, in the terms of the header: milliseconds, and None for text that is not given."""

    connect_timeout: int
    command_timeout: int
    max_connections: int
    health_check_after: int
    no_retries: bool
    breaker_failures: int
    breaker_open_time: int
    cluster: int
    tls_no_verify: bool
    tls_ca_file: Optional[bytes]
    tls_ca_directory: Optional[bytes]
    tls_server_name: Optional[bytes]
    tls_certificate_file: Optional[bytes]
    tls_key_file: Optional[bytes]


class CacheSettings(NamedTuple):
    """How a cache is opened; 0 is the default of a number, or no bound."""

    name_space: bytes
    model: bytes
    threshold: Optional[float]
    ttl: int
    max_entries: int
    max_bytes: int
    eviction: str
    dtype: str
    refresh_on_hit: bool
    guard: bool
    fail_closed: bool
    keep_responses: bool
    queue_limit: int
    log_length: int
    one_per_prompt: bool
    redis: Optional[RedisSettings]


class Entries(NamedTuple):
    """Entries that are to be set, column by column. Each column has one for each entry; ttl is as the header has it."""

    prompts: Sequence[bytes]
    responses: Sequence[bytes]
    vectors: NDArray[np.float32]
    metadata: Optional[Sequence[Optional[bytes]]]
    ttls: Any
    costs: Any


# The struct of an entry as NumPy fills it, a column at a time; addresses are numbers there.
_ENTRY_NAMES = [field[0] for field in CacheEntryStruct._fields_]
_ENTRY: np.dtype[Any] = np.dtype(
    {
        "names": _ENTRY_NAMES,
        "formats": ["u4", "f4", "uintp", "uintp", "uintp", "uintp", "uintp", "uintp", "i8"],
        "offsets": [getattr(CacheEntryStruct, name).offset for name in _ENTRY_NAMES],
        "itemsize": ctypes.sizeof(CacheEntryStruct),
    }
)

# ----------------------------------------------------------------------------------------------------------------------
# Beginning and end
# ----------------------------------------------------------------------------------------------------------------------


def open(url: Optional[bytes], dim: int, settings: CacheSettings) -> int:
    options = CacheOptionsStruct(
        ctypes.sizeof(CacheOptionsStruct),
        dim,
        settings.name_space,
        settings.model,
        settings.threshold is not None,
        0.0 if settings.threshold is None else settings.threshold,
        settings.ttl,
        settings.max_entries,
        settings.max_bytes,
        _ffi.CACHE_EVICTIONS[settings.eviction],
        _ffi.DTYPES[settings.dtype],
        settings.refresh_on_hit,
        settings.guard,
        settings.fail_closed,
        settings.keep_responses,
        settings.queue_limit,
        settings.log_length,
        settings.one_per_prompt,
        0,
    )
    options.redis = redis_pointer(settings.redis)
    handle = c_void_p()
    check_opened(_lib.vecstore_cache_open(url, byref(options), byref(handle)), url)
    return handle.value or 0


def redis_pointer(settings: Optional[RedisSettings]) -> Any:
    if settings is None:
        return None
    return ctypes.pointer(RedisOptionsStruct(ctypes.sizeof(RedisOptionsStruct), *settings))


def check_opened(status: int, url: Optional[bytes]) -> None:
    """Exceptions have the name of a directory, but nothing of another URL: it may hold a password."""
    if url is None or b"://" in url:
        _check(status)
    else:
        _ffi._check_file(status, url)


def close(handle: int, owner: int) -> None:
    """A child of fork has nothing to close: the cache is that of its parent."""
    if os.getpid() == owner:
        _check(_lib.vecstore_cache_close(handle))


def close_quietly(handle: int, owner: int) -> None:
    """For caches that nobody closed: there is nobody whom an error would reach."""
    if os.getpid() == owner:
        _lib.vecstore_cache_close(handle)


# ----------------------------------------------------------------------------------------------------------------------
# Entries
# ----------------------------------------------------------------------------------------------------------------------


def set(handle: int, entries: Entries) -> list[str]:
    """The ids."""
    count = len(entries.prompts)
    # One more, so that there is an address where there are no entries.
    structs: Any = np.zeros(count + 1, dtype=_ENTRY)
    columns = structs[:-1]
    columns["struct_size"] = ctypes.sizeof(CacheEntryStruct)
    columns["cost"] = entries.costs
    columns["ttl"] = entries.ttls
    prompts = _texts(entries.prompts, columns, "prompt")
    responses = _texts(entries.responses, columns, "response")
    metadata: Any = None
    if entries.metadata is not None:
        metadata = (c_char_p * count)(*entries.metadata)
        columns["metadata"] = np.frombuffer(metadata, dtype=np.uintp, count=count)
    vectors = entries.vectors
    columns["vector"] = vectors.ctypes.data + vectors.strides[0] * np.arange(count, dtype=np.uintp)
    ids = ctypes.create_string_buffer(count * _ffi.CACHE_ID_SIZE + 1)
    _check(_lib.vecstore_cache_set(handle, byref(CacheEntryStruct.from_buffer(structs)), count, ids))
    # The addresses in the structs are those of what these hold.
    del prompts, responses, metadata
    text = ids.raw.decode("ascii")
    size = _ffi.CACHE_ID_SIZE
    return [text[start : start + size - 1] for start in range(0, count * size, size)]


def _texts(texts: Sequence[bytes], columns: NDArray[Any], name: str) -> Any:
    """Fills in addresses and sizes; returns what has to live as long as they are used."""
    count = len(texts)
    kept: Any = (c_char_p * count)(*texts)
    columns[name] = np.frombuffer(kept, dtype=np.uintp, count=count)
    columns[name + "_size"] = np.fromiter(map(len, texts), dtype=np.uintp, count=count)
    return kept


def delete(handle: int, ids: Sequence[bytes]) -> int:
    deleted = c_uint64()
    # One more, so that there is an address where there are no ids.
    first = (c_char_p * (len(ids) + 1))(*ids)
    _check(_lib.vecstore_cache_delete(handle, first, len(ids), byref(deleted)))
    return deleted.value


def delete_where(handle: int, filter: bytes, dry_run: bool) -> int:
    deleted = c_uint64()
    _check(_lib.vecstore_cache_delete_where(handle, filter, dry_run, byref(deleted)))
    return deleted.value


def clear(handle: int) -> int:
    deleted = c_uint64()
    _check(_lib.vecstore_cache_clear(handle, byref(deleted)))
    return deleted.value


def feedback(handle: int, id: bytes, vector: Optional[NDArray[np.float32]], wrong: bool) -> None:
    _check(_lib.vecstore_cache_feedback(handle, id, _ffi._address(vector), wrong))


# ----------------------------------------------------------------------------------------------------------------------
# Lookups
# ----------------------------------------------------------------------------------------------------------------------

_QUERY_SIZE = ctypes.sizeof(CacheQueryStruct)
_HIT_SIZE = ctypes.sizeof(CacheHitStruct)
# A hit is unpacked at once, which takes a fifth of the time that its fields take one by one; and texts may hold zeros.
_unpack_hit = struct.Struct("@IIPPNPNPqqfI").unpack_from


def get(
    handle: int,
    prompt: Optional[bytes],
    vector: Optional[NDArray[np.float32]],
    tiers: int,
    threshold: Optional[float],
    filter: Optional[bytes],
    k: int,
    uncounted: bool,
    make: Callable[..., _Item],
) -> list[_Item]:
    """`make` is called with id, tier, prompt, response, metadata (None: there is none), created, expires (0: no end) and
    similarity of each hit, best first."""
    query = CacheQueryStruct(
        _QUERY_SIZE,
        tiers,
        threshold is not None,
        0.0 if threshold is None else threshold,
        prompt,
        0 if prompt is None else len(prompt),
        _ffi._number(vector),
        filter,
        k,
        uncounted,
    )
    hits = c_void_p()
    status = _lib.vecstore_cache_get(handle, byref(query), byref(hits))
    if status != 0:
        raise _ffi._failure(status)
    if not hits.value:
        return []
    try:
        count = c_size_t()
        _check(_lib.vecstore_cache_hits_count(hits, byref(count)))
        return [_hit(hits, i, make) for i in range(count.value)]
    finally:
        _lib.vecstore_cache_hits_free(hits)


def _hit(hits: c_void_p, i: int, make: Callable[..., _Item]) -> _Item:
    hit = CacheHitStruct(_HIT_SIZE)
    _check(_lib.vecstore_cache_hits_get(hits, i, byref(hit)))
    fields = _unpack_hit(hit)
    _, tier, id, prompt, prompt_size, response, response_size, metadata, created, expires, similarity, _ = fields
    text = ctypes.string_at
    return make(
        text(id).decode("ascii"),
        tier,
        text(prompt, prompt_size),
        text(response, response_size),
        text(metadata) if metadata else None,
        created,
        expires,
        similarity,
    )


# ----------------------------------------------------------------------------------------------------------------------
# What it is
# ----------------------------------------------------------------------------------------------------------------------


_STATS_NAMES = [field[0] for field in CacheStatsStruct._fields_ if field[0] not in ("struct_size", "reserved")]


def stats(handle: int) -> dict[str, int]:
    filled = CacheStatsStruct(ctypes.sizeof(CacheStatsStruct))
    _check(_lib.vecstore_cache_get_stats(handle, byref(filled)))
    return {name: getattr(filled, name) for name in _STATS_NAMES}


def metrics(handles: Sequence[int]) -> str:
    count = len(handles)
    first = (c_void_p * count)(*handles)
    return _ffi._text(lambda buffer, size, needed: _lib.vecstore_caches_metrics(first, count, buffer, size, needed))


def health(handle: int) -> str:
    return _ffi._text(functools.partial(_lib.vecstore_cache_health, handle))


def flush(handle: int, timeout: int) -> None:
    _check(_lib.vecstore_cache_flush(handle, timeout))


def optimize(handle: int) -> None:
    _check(_lib.vecstore_cache_optimize(handle))
