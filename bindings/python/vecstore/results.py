# Results of searches that were asked for before.
# SPDX-License-Identifier: Apache-2.0
"""The result cache: a face of a collection and of a value cache."""

from __future__ import annotations

import datetime
import hashlib
import uuid
from typing import Any, Callable, Optional, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arrays, _cache_values, _found_hits, _json, _rerank
from .collection import Collection
from .errors import CorruptError, LockedError, OutOfMemoryError, TooLargeError, VecstoreIOError
from .payload_filters import filter_text
from .points import Hit
from .values import ValueCache

__all__ = ["ResultCache"]

_Ttl = Union[float, datetime.timedelta]
# What stands between a search and its cache is no reason to fail: the cache counts it.
_STORE_ERRORS = (VecstoreIOError, CorruptError, LockedError, OutOfMemoryError, TooLargeError)


class ResultCache:
    """Searches of a collection whose hits come from a value cache where the same was asked of the same points before.

    A key has the collection's `Collection.uuid` and its `Collection.revision`: after any write, and when a point has
    ended, other keys are asked for. So hits are those that the collection would find now, whichever process has found
    them, and nothing has to be deleted. What is not asked for any more goes at its end, or where the cache has no room.

    Parameters
    ----------
    collection : Collection
        It stays the caller's to close, as the cache does.
    cache : ValueCache
        Where hits are kept: some 50 bytes each, their payloads, and vectors where these are asked for. Give it an end,
        or bounds.
    ttl : float or timedelta, optional
        Seconds that hits are kept; None: as the cache says.

    Notes
    -----
    *Worth.* A hit takes some 30 microseconds with "memory:", and a round trip more with a Redis; a miss takes some 80
    more than the search, and two round trips with a Redis. So it is for searches of a millisecond and more: by words,
    exact, of many queries at once. A collection that is written to all the time has new keys all the time.

    *Threads.* It may be used from any thread.

    *Graphs.* A search over a graph may find other neighbours in another process, whose graph is not the same. The hits
    that came first stay for a revision.

    *Errors.* What goes wrong in the directory or in the Redis of the cache is counted there, and the collection is
    searched; with `fail_closed` of the cache an `UnavailableError` comes out.

    Examples
    --------
    >>> import os, tempfile, numpy as np, vecstore
    >>> points = vecstore.Collection.create(os.path.join(tempfile.mkdtemp(), "points"), dim=3, metric="l2sq")
    >>> points.upsert([1, 2], np.eye(2, 3))
    >>> results = vecstore.ResultCache(points, vecstore.ValueCache("memory:", namespace="results"), ttl=600)
    >>> [hit.id for _ in range(2) for hit in results.search([1, 0, 0], k=1)], results.cache.stats().hits
    ([1, 1], 1)
    >>> points.upsert(3, [1, 0, 0])
    >>> sorted(hit.id for hit in results.search([1, 0, 0], k=2))
    [1, 3]
    """

    def __init__(self, collection: Collection, cache: ValueCache, *, ttl: Optional[_Ttl] = None) -> None:
        if not isinstance(collection, Collection):
            raise TypeError(f"collection: expected a Collection, got {type(collection).__name__}")
        if not isinstance(cache, ValueCache):
            raise TypeError(f"cache: expected a ValueCache, got {type(cache).__name__}")
        _cache_values.entry_ttl("ttl", ttl)
        self._collection = collection
        self._cache = cache
        self._ttl = ttl
        self._uuid = uuid.UUID(collection.uuid).bytes

    @property
    def collection(self) -> Collection:
        """The collection that is searched."""
        return self._collection

    @property
    def cache(self) -> ValueCache:
        """The cache that has the hits: `ValueCache.stats` counts how many searches it answered."""
        return self._cache

    def __repr__(self) -> str:
        return f"<vecstore.ResultCache of {self._collection!r} in {self._cache!r}>"

    def search(self, vector: ArrayLike, k: int = 10, **options: Any) -> Any:
        """As `Collection.search`.

        Parameters
        ----------
        vector, k, **options
            As for `Collection.search`. Hits are kept as they are before `rerank`, which is called each time. With
            `explain`, and with an option that JSON does not have, the collection is searched.

        Returns
        -------
        list of Hit, or list of such lists
            As `Collection.search`.
        """
        queries, dtype = self._queries(vector, options)
        is_one = np.ndim(vector) == 1 and len(queries) == 1

        def find(k: int, options: dict[str, Any]) -> list[list[Hit]]:
            found: Any = self._collection.search(vector, k, **options)
            return [found] if is_one else found

        hits = self._find("search", find, k, options, queries, dtype, b"")
        return hits[0] if is_one else hits

    def search_text(self, text: str, k: int = 10, **options: Any) -> list[Hit]:
        """As `Collection.search_text`.

        Parameters
        ----------
        text, k, **options
            As for `Collection.search_text`, and `search`.

        Returns
        -------
        list of Hit
        """
        words = _json.text("text", text)
        return self._find(
            "search_text",
            lambda k, options: [self._collection.search_text(text, k, **options)],
            k,
            options,
            np.empty((0, 0), np.float32),
            "",
            words,
        )[0]

    def search_hybrid(self, vector: ArrayLike, text: str, k: int = 10, **options: Any) -> list[Hit]:
        """As `Collection.search_hybrid`.

        Parameters
        ----------
        vector, text, k, **options
            As for `Collection.search_hybrid`, and `search`.

        Returns
        -------
        list of Hit
        """
        queries, dtype = self._queries(vector, options)
        return self._find(
            "search_hybrid",
            lambda k, options: [self._collection.search_hybrid(vector, text, k, **options)],
            k,
            options,
            queries,
            dtype,
            _json.text("text", text),
        )[0]

    def _queries(self, vector: Any, options: dict[str, Any]) -> tuple[NDArray[Any], str]:
        """The queries as the collection takes them, so that the same ones have the same bytes."""
        meant = self._collection._vector(options.get("vector_name"))
        return _arrays.vectors("vector", vector, meant.dtype, meant.dim)

    def _find(
        self,
        kind: str,
        find: Callable[[int, dict[str, Any]], list[list[Hit]]],
        k: Any,
        options: dict[str, Any],
        queries: NDArray[Any],
        dtype: str,
        text: bytes,
    ) -> list[list[Hit]]:
        if options.get("explain") is not None:
            # It is told what a search does: there has to be one.
            return find(k, options)
        rerank, candidates = options.pop("rerank", None), options.pop("rerank_candidates", None)
        reranking = _rerank.reranking(rerank, candidates, k, options.get("offset", 0))
        if reranking is not None:
            k, options["offset"] = reranking.count, 0
        revision = self._collection.revision()
        key = self._key(revision, [kind, _arrays.results_count(k), dtype, queries.shape], options, queries, text)
        hits = None if key is None else self._known(key, kind, queries)
        if hits is None:
            hits = find(k, options)
            # Of points that came or went meanwhile nobody knows whether it saw them.
            if key is not None and self._collection.revision() == revision:
                self._keep(key, hits)
        return hits if reranking is None else [reranking.order(found) for found in hits]

    def _key(
        self, revision: int, head: list[Any], options: dict[str, Any], queries: NDArray[Any], text: bytes
    ) -> Optional[bytes]:
        """The same bytes for the same query of the same points alone; None: it has none."""
        filter = filter_text(options.get("filter"))
        said = sorted((name, value) for name, value in options.items() if name not in ("filter", "explain"))
        try:
            described = _json.encode([*head, said, None if filter is None else len(filter), len(text)])
        except (TypeError, ValueError):
            return None
        digest = hashlib.blake2b(described, digest_size=32)
        digest.update(self._uuid + revision.to_bytes(8, "little"))
        digest.update((filter or b"") + text)
        digest.update(queries.tobytes())
        return digest.digest()

    def _known(self, key: bytes, kind: str, queries: NDArray[Any]) -> Optional[list[list[Hit]]]:
        try:
            value = self._cache.get(key)
        except _STORE_ERRORS:
            return None
        hits = None if value is None else _found_hits.decode(value)
        return hits if hits is not None and len(hits) == (len(queries) if kind == "search" else 1) else None

    def _keep(self, key: bytes, hits: list[list[Hit]]) -> None:
        try:
            self._cache.set(key, _found_hits.encode(hits), self._ttl)
        except _STORE_ERRORS:
            return
