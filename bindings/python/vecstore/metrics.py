# Metrics of several collections, and of several caches.
# SPDX-License-Identifier: Apache-2.0
"""Numbers about collections and caches for programs that watch others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Optional, Union

from . import _ffi_cache, _ffi_collection, _json
from .async_cache import AsyncSemanticCache
from .collection import Collection
from .semantic_cache import SemanticCache

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


def cache_metrics(caches: Iterable[Union[SemanticCache, AsyncSemanticCache]]) -> str:
    """Numbers about some caches for Prometheus, in one text, as its format wants them. See `SemanticCache.metrics`.

    Parameters
    ----------
    caches : iterable of SemanticCache or AsyncSemanticCache
        Of different namespaces, which are in the label ``namespace``, or in different kinds of places.

    Returns
    -------
    str

    Raises
    ------
    InvalidArgumentError
        Two caches have the same namespace and kind of place.
    InvalidHandleError
        One of them is closed, or not open yet.
    """
    handles: list[int] = []
    for i, cache in enumerate(caches):
        if not isinstance(cache, (SemanticCache, AsyncSemanticCache)):
            raise TypeError(f"caches[{i}]: expected a SemanticCache, got {type(cache).__name__}")
        handles.append(cache._open_handle())
    return _ffi_cache.metrics(handles)
