# The functions of the C library about value caches and rate limiters, as Python calls them.
# SPDX-License-Identifier: Apache-2.0
"""Wraps the functions of value caches and rate limiters, one by one, as `_ffi` does for those of indexes.

What comes in is checked already; keys and values are bytes.
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_size_t, c_uint64, c_void_p
from typing import Any, NamedTuple, Optional

from . import _ffi
from ._ffi import (
    RateDecisionStruct,
    RateLimiterOptionsStruct,
    ValueCacheOptionsStruct,
    ValueCacheStatsStruct,
    ValuesView,
    _check,
    _lib,
)
from ._ffi_cache import RedisSettings, check_opened, redis_pointer


class ValueCacheSettings(NamedTuple):
    """How a value cache is opened; 0 is the default of a number, or no bound."""

    name_space: bytes
    ttl: int
    max_entries: int
    max_bytes: int
    local_bytes: int
    local_ttl: int
    fail_closed: bool
    redis: Optional[RedisSettings]


# ----------------------------------------------------------------------------------------------------------------------
# Value caches
# ----------------------------------------------------------------------------------------------------------------------


def open(url: Optional[bytes], settings: ValueCacheSettings) -> int:
    options = ValueCacheOptionsStruct(
        ctypes.sizeof(ValueCacheOptionsStruct),
        settings.fail_closed,
        settings.name_space,
        settings.ttl,
        settings.max_entries,
        settings.max_bytes,
        settings.local_bytes,
        settings.local_ttl,
        redis_pointer(settings.redis),
    )
    handle = c_void_p()
    check_opened(_lib.vecstore_value_cache_open(url, byref(options), byref(handle)), url)
    return handle.value or 0


def close(handle: int, owner: int) -> None:
    """A child of fork has nothing to close: the cache is that of its parent."""
    if os.getpid() == owner:
        _check(_lib.vecstore_value_cache_close(handle))


def close_quietly(handle: int, owner: int) -> None:
    """For caches that nobody closed: there is nobody whom an error would reach."""
    if os.getpid() == owner:
        _lib.vecstore_value_cache_close(handle)


def _texts(texts: Sequence[bytes]) -> tuple[Any, Any]:
    """Addresses and sizes; one more of each, so that there is an address where there are none."""
    count = len(texts)
    sizes = (c_size_t * (count + 1))(*map(len, texts))
    return ctypes.cast((c_char_p * (count + 1))(*texts), ctypes.POINTER(c_void_p)), sizes


def set(handle: int, keys: Sequence[bytes], values: Sequence[bytes], ttl: int) -> None:
    _check(_lib.vecstore_value_cache_set(handle, *_texts(keys), *_texts(values), len(keys), ttl))


def get(handle: int, keys: Sequence[bytes]) -> list[Optional[bytes]]:
    """None for what is not there."""
    found = c_void_p()
    count = len(keys)
    _check(_lib.vecstore_value_cache_get(handle, *_texts(keys), count, byref(found)))
    try:
        view = ValuesView(ctypes.sizeof(ValuesView))
        _check(_lib.vecstore_values_get(found, byref(view)))
        if count == 0:
            return []
        addresses, sizes = view.values[:count], view.sizes[:count]
        text = ctypes.string_at
        return [None if address is None else text(address, size) for address, size in zip(addresses, sizes)]
    finally:
        _lib.vecstore_values_free(found)


def delete(handle: int, keys: Sequence[bytes]) -> int:
    deleted = c_uint64()
    _check(_lib.vecstore_value_cache_delete(handle, *_texts(keys), len(keys), byref(deleted)))
    return deleted.value


def clear(handle: int) -> int:
    deleted = c_uint64()
    _check(_lib.vecstore_value_cache_clear(handle, byref(deleted)))
    return deleted.value


_STATS_NAMES = [field[0] for field in ValueCacheStatsStruct._fields_ if field[0] not in ("struct_size", "reserved")]


def stats(handle: int) -> dict[str, int]:
    filled = ValueCacheStatsStruct(ctypes.sizeof(ValueCacheStatsStruct))
    _check(_lib.vecstore_value_cache_get_stats(handle, byref(filled)))
    return {name: getattr(filled, name) for name in _STATS_NAMES}


def metrics(handles: Sequence[int]) -> str:
    count = len(handles)
    first = (c_void_p * count)(*handles)
    return _ffi._text(
        lambda buffer, size, needed: _lib.vecstore_value_caches_metrics(first, count, buffer, size, needed)
    )


def health(handle: int) -> str:
    return _ffi._text(functools.partial(_lib.vecstore_value_cache_health, handle))


# ----------------------------------------------------------------------------------------------------------------------
# Rate limiters
# ----------------------------------------------------------------------------------------------------------------------


def open_limiter(
    url: Optional[bytes],
    name_space: bytes,
    capacity: float,
    refill_per_second: float,
    fail_closed: bool,
    redis: Optional[RedisSettings],
) -> int:
    options = RateLimiterOptionsStruct(
        ctypes.sizeof(RateLimiterOptionsStruct),
        fail_closed,
        name_space,
        capacity,
        refill_per_second,
        redis_pointer(redis),
    )
    handle = c_void_p()
    check_opened(_lib.vecstore_rate_limiter_open(url, byref(options), byref(handle)), url)
    return handle.value or 0


def close_limiter(handle: int, owner: int) -> None:
    """As `close`."""
    if os.getpid() == owner:
        _check(_lib.vecstore_rate_limiter_close(handle))


def close_limiter_quietly(handle: int, owner: int) -> None:
    """As `close_quietly`."""
    if os.getpid() == owner:
        _lib.vecstore_rate_limiter_close(handle)


def acquire(handle: int, key: bytes, tokens: float) -> tuple[bool, float, int, bool]:
    """Whether they were taken, what is left, milliseconds until they are there, whether this process decided."""
    decision = RateDecisionStruct(ctypes.sizeof(RateDecisionStruct))
    _check(_lib.vecstore_rate_limiter_acquire(handle, key, len(key), tokens, byref(decision)))
    return bool(decision.allowed), decision.remaining, decision.retry_after, bool(decision.local)


def limiter_metrics(handles: Sequence[int]) -> str:
    count = len(handles)
    first = (c_void_p * count)(*handles)
    return _ffi._text(
        lambda buffer, size, needed: _lib.vecstore_rate_limiters_metrics(first, count, buffer, size, needed)
    )


def limiter_health(handle: int) -> str:
    return _ffi._text(functools.partial(_lib.vecstore_rate_limiter_health, handle))
