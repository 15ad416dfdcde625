# Metrics of several collections, and of several caches.
# SPDX-License-Identifier: Apache-2.0
"""Numbers about collections and caches for programs that watch others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Optional, Union

from . import _ffi_cache, _ffi_collection, _ffi_values, _json
from .async_cache import AsyncSemanticCache
from .async_values import AsyncRateLimiter, AsyncValueCache
from .collection import Collection
from .semantic_cache import SemanticCache
from .values import RateLimiter, ValueCache

__all__ = ["cache_metrics", "metrics"]


def metrics(collections: Union[Mapping[str, Collection], Iterable[Collection]]) -> str:
    """Numbers about some collections for Prometheus, in one text, as its format wants them. See `Collection.metrics`.

    Parameters
    ----------
    collections : iterable of Collection, or dict of str to Collection
        The keys are what stands for the collections in the label ``collection``; without a dict these are the last parts
        of their paths.

    Returns
    -------
    str

    Raises
    ------
    InvalidArgumentError
        Two collections have the same name.
    InvalidHandleError
        One of them is closed.
    VecstoreIOError
        A directory cannot be read.
    """
    if isinstance(collections, Mapping):
        named: list[tuple[Optional[str], Collection]] = list(collections.items())
    else:
        named = [(None, collection) for collection in collections]
    for i, (_, collection) in enumerate(named):
        if not isinstance(collection, Collection):
            raise TypeError(f"collections[{i}]: expected a Collection, got {type(collection).__name__}")
    return _ffi_collection.metrics(
        [collection._open_handle() for _, collection in named],
        [_json.optional_text("the name of a collection", name) for name, _ in named],
    )


_Cache = Union[SemanticCache, AsyncSemanticCache, ValueCache, AsyncValueCache, RateLimiter, AsyncRateLimiter]


def cache_metrics(caches: Iterable[_Cache]) -> str:
    """Numbers about some caches and rate limiters for Prometheus, in one text, as its format wants them.

    Parameters
    ----------
    caches : iterable of SemanticCache, ValueCache and RateLimiter, and of those for asyncio
        Those of one class have different namespaces, which are in the label ``namespace``, or different kinds of
        places. See `SemanticCache.metrics`.

    Returns
    -------
    str

    Raises
    ------
    InvalidArgumentError
        Two of the same class have the same namespace and kind of place.
    InvalidHandleError
        One of them is closed, or not open yet.
    """
    semantic: list[int] = []
    values: list[int] = []
    limiters: list[int] = []
    for i, cache in enumerate(caches):
        if isinstance(cache, (SemanticCache, AsyncSemanticCache)):
            semantic.append(cache._open_handle())
        elif isinstance(cache, (ValueCache, AsyncValueCache)):
            values.append(cache._open_handle())
        elif isinstance(cache, (RateLimiter, AsyncRateLimiter)):
            limiters.append(cache._open_handle())
        else:
            raise TypeError(f"caches[{i}]: expected a cache or a RateLimiter, got {type(cache).__name__}")
    return _ffi_cache.metrics(semantic) + _ffi_values.metrics(values) + _ffi_values.limiter_metrics(limiters)
