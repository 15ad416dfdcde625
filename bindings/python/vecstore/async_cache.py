# The semantic cache for asyncio.
# SPDX-License-Identifier: Apache-2.0
"""The semantic cache, with coroutines."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Iterable
from typing import Any, Callable, Literal, Optional, TypeVar, Union, overload

from numpy.typing import ArrayLike

from . import _awaited, _cache_values, _ffi
from ._awaited import Awaited
from ._cache_calls import Found, Maker, Opening
from ._flights import AsyncFlights
from .caches import CacheHit, CacheStats, RedisOptions
from .payload_filters import PayloadFilter
from .semantic_cache import SemanticCache, _Metadata, _Row, _Text, _Ttl

__all__ = ["AsyncSemanticCache"]

_Self = TypeVar("_Self", bound="AsyncSemanticCache")
AsyncEncoder = Callable[[list[str]], Union[ArrayLike, Awaitable[ArrayLike]]]
_Make = Callable[[Any], Union[_Text, Awaitable[_Text]]]


class AsyncSemanticCache(Awaited[SemanticCache]):
    """A `SemanticCache` whose methods are coroutines.

    It runs the code of `SemanticCache` on threads of its own, so that both find the same, and the event loop goes on
    meanwhile. What goes wrong is raised where it is awaited.

    Parameters
    ----------
    url, namespace, dim, model, similarity_threshold, distance_threshold, ttl, max_entries, max_bytes, eviction, dtype,
    refresh_on_hit, guard, fail_closed, keep_responses, queue_limit, log_length, one_per_prompt, redis
        As for `SemanticCache`.
    encoder : callable, optional
        As for `SemanticCache`, a coroutine function too. One that is none is called on a thread of the event loop.
    threads : int, default 4
        Calls of the library that may run at once, 1 ... 1024.

    Raises
    ------
    InvalidArgumentError, TypeError
        An option is not allowed. All else that `SemanticCache` raises comes from `open`.

    Notes
    -----
    *Opening.* The first call opens the cache, or ``async with``, or ``await cache.open()``.

    *Event loops.* It may be used from several, one after the other or at once.

    *Cancellation.* A call that is cancelled may have been done all the same. It leaves nothing half done.

    *Lifetime.* It is closed by `close`, at the end of an ``async with`` block, or with the object.

    Examples
    --------
    >>> import asyncio, vecstore
    >>> async def main():
    ...     async with vecstore.AsyncSemanticCache("memory:", namespace="support-bot", dim=3) as cache:
    ...         await cache.set("How do I reset my password?", "By mail.", vector=[1, 0, 0])
    ...         return await cache.get("I forgot my password", vector=[1, 0.1, 0])
    >>> asyncio.run(main()).response
    'By mail.'
    """

    _type = SemanticCache
    _plan: Optional[Opening]

    def __init__(
        self,
        url: Optional[_ffi.Path] = None,
        *,
        namespace: str,
        dim: Optional[int] = None,
        model: str = "",
        similarity_threshold: Optional[float] = None,
        distance_threshold: Optional[float] = None,
        ttl: Optional[_Ttl] = None,
        encoder: Optional[AsyncEncoder] = None,
        max_entries: int = 1_000_000,
        max_bytes: Optional[int] = None,
        eviction: str = "lru",
        dtype: Any = "float32",
        refresh_on_hit: bool = False,
        guard: bool = False,
        fail_closed: bool = False,
        keep_responses: bool = False,
        queue_limit: int = 10_000,
        log_length: int = 10_000,
        one_per_prompt: bool = False,
        redis: Optional[RedisOptions] = None,
        threads: int = 4,
    ) -> None:
        settings = _cache_values.settings(
            namespace,
            model,
            similarity_threshold,
            distance_threshold,
            ttl,
            max_entries,
            max_bytes,
            eviction,
            dtype,
            refresh_on_hit,
            guard,
            fail_closed,
            keep_responses,
            queue_limit,
            log_length,
            one_per_prompt,
            redis,
        )
        self._begin(Opening(url, dim, settings, encoder), None, threads)

    @classmethod
    def over(cls: type[_Self], cache: SemanticCache, *, threads: int = 4) -> _Self:
        """The same cache for asyncio: a program has one cache for both kinds of code, with one index.

        Parameters
        ----------
        cache : SemanticCache
            It may be used as before. Closing one of the two closes both.
        threads : int, default 4
            As for the class.
        """
        self = cls.__new__(cls)
        self._begin(None, _awaited.checked("cache", cache, SemanticCache), threads)
        return self

    def _begin(self, plan: Optional[Opening], cache: Optional[SemanticCache], threads: Any) -> None:
        encoder = plan.encoder if plan is not None else cache._encoder if cache is not None else None
        make = None if plan is None else functools.partial(SemanticCache._of, plan)
        self._start(make, cache, encoder, threads)
        self._plan = plan
        self._flights: AsyncFlights[_Text] = AsyncFlights()

    async def _prepare(self) -> None:
        plan = self._plan
        if plan is not None and plan.dim is None:
            plan.learn_dim(await self._call(self._encoder, plan.probe))

    # ------------------------------------------------------------------------------------------------------------------
    # The calls of SemanticCache
    # ------------------------------------------------------------------------------------------------------------------

    async def set(
        self,
        prompt: _Text,
        response: _Text,
        vector: Optional[ArrayLike] = None,
        metadata: Optional[_Metadata] = None,
        ttl: Optional[_Ttl] = None,
        cost: Optional[float] = None,
    ) -> str:
        """As `SemanticCache.set` with prompt, response, vector, metadata, ttl and cost."""
        return await self._do(lambda cache: cache._setting(prompt, response, vector, metadata, ttl, cost))

    async def set_many(
        self,
        prompts: Iterable[_Text],
        responses: Iterable[_Text],
        vectors: Optional[ArrayLike] = None,
        metadata: Union[_Metadata, Iterable[Optional[_Metadata]], None] = None,
        ttl: Union[_Ttl, Iterable[Optional[_Ttl]], None] = None,
        cost: Union[float, Iterable[Optional[float]], None] = None,
    ) -> list[str]:
        """As `SemanticCache.set_many` with prompts, responses, vectors, metadata, ttl and cost."""
        return await self._do(lambda cache: cache._setting_many(prompts, responses, vectors, metadata, ttl, cost))

    @overload
    async def get(
        self,
        prompt: Optional[_Text] = None,
        vector: Optional[ArrayLike] = None,
        *,
        threshold: Optional[float] = None,
        distance: Optional[float] = None,
        filter: Optional[PayloadFilter] = None,
        k: Literal[1] = 1,
        tiers: str = "both",
    ) -> Optional[CacheHit]: ...

    @overload
    async def get(
        self,
        prompt: Optional[_Text] = None,
        vector: Optional[ArrayLike] = None,
        *,
        threshold: Optional[float] = None,
        distance: Optional[float] = None,
        filter: Optional[PayloadFilter] = None,
        k: int,
        tiers: str = "both",
    ) -> Union[CacheHit, list[CacheHit], None]: ...

    async def get(
        self,
        prompt: Optional[_Text] = None,
        vector: Optional[ArrayLike] = None,
        *,
        threshold: Optional[float] = None,
        distance: Optional[float] = None,
        filter: Optional[PayloadFilter] = None,
        k: int = 1,
        tiers: str = "both",
    ) -> Union[CacheHit, list[CacheHit], None]:
        """As `SemanticCache.get` with prompt, vector, threshold, distance, filter, k and tiers."""
        found: Found = await self._do(
            lambda cache: cache._looking(prompt, vector, threshold, distance, filter, k, tiers)
        )
        return found.best(k)

    async def get_similar(
        self,
        prompt: Optional[_Text] = None,
        *,
        vector: Optional[ArrayLike] = None,
        k: int = 10,
        threshold: Optional[float] = None,
        distance: Optional[float] = None,
        filter: Optional[PayloadFilter] = None,
    ) -> list[CacheHit]:
        """As `SemanticCache.get_similar` with prompt, vector, k, threshold, distance and filter."""
        found: Found = await self._do(
            lambda cache: cache._looking(prompt, vector, threshold, distance, filter, k, "semantic")
        )
        return found.hits

    async def get_or_set(
        self,
        prompt: _Text,
        make: _Make,
        *,
        vector: Optional[ArrayLike] = None,
        metadata: Optional[_Metadata] = None,
        ttl: Optional[_Ttl] = None,
        cost: Optional[float] = None,
        threshold: Optional[float] = None,
        distance: Optional[float] = None,
        filter: Optional[PayloadFilter] = None,
    ) -> _Text:
        """As `SemanticCache.get_or_set`: tasks that want the response to the same prompt wait for the one that makes it.

        Parameters
        ----------
        prompt, vector, metadata, ttl, cost, threshold, distance, filter
            As for `SemanticCache.get_or_set`.
        make : callable
            A coroutine function too; one that is none is called on a thread of the event loop. It is cancelled where
            all who wait for it are.
        """
        cache = await self._opened()
        maker = Maker(cache, prompt, make, vector, metadata, ttl, cost, threshold, distance, filter)
        found: Found = await self._do(lambda _: maker.looking())
        if found.hits:
            return found.hits[0].response
        return await self._flights.run(maker.key, functools.partial(self._make, maker, found.vector))

    async def _make(self, maker: Maker, vector: Optional[_Row]) -> _Text:
        known = await self._do(lambda _: maker.known())
        if known is not None:
            return known
        response = await self._call(maker.make, maker.prompt)
        return await self._do(lambda _: maker.keeping(response, vector))

    def cached(
        self,
        *,
        metadata: Optional[_Metadata] = None,
        ttl: Optional[_Ttl] = None,
        cost: Optional[float] = None,
        threshold: Optional[float] = None,
        distance: Optional[float] = None,
        filter: Optional[PayloadFilter] = None,
    ) -> Callable[[_Make], Callable[[Any], Awaitable[_Text]]]:
        """As `SemanticCache.cached`, with metadata, ttl, cost, threshold, distance and filter, for a function whose calls are
        awaited."""

        def decorate(make: _Make) -> Callable[[Any], Awaitable[_Text]]:
            @functools.wraps(make)
            async def answer(prompt: Any) -> _Text:
                return await self.get_or_set(
                    prompt,
                    make,
                    metadata=metadata,
                    ttl=ttl,
                    cost=cost,
                    threshold=threshold,
                    distance=distance,
                    filter=filter,
                )

            return answer

        return decorate

    async def delete(self, ids: Union[str, CacheHit, Iterable[Union[str, CacheHit]]]) -> int:
        """As `SemanticCache.delete` with ids."""
        return await self._simply(SemanticCache.delete, ids)

    async def delete_where(self, filter: PayloadFilter, dry_run: bool = False) -> int:
        """As `SemanticCache.delete_where` with filter and dry_run."""
        return await self._simply(SemanticCache.delete_where, filter, dry_run)

    async def clear(self) -> int:
        """As `SemanticCache.clear`."""
        return await self._simply(SemanticCache.clear)

    async def feedback(
        self, hit: Union[CacheHit, str], *, wrong: bool = True, vector: Optional[ArrayLike] = None
    ) -> None:
        """As `SemanticCache.feedback` with hit, wrong and vector."""
        cache = await self._opened()
        await self._in_thread(cache, functools.partial(cache.feedback, hit, wrong=wrong, vector=vector))

    async def stats(self) -> CacheStats:
        """As `SemanticCache.stats`."""
        return await self._simply(SemanticCache.stats)

    async def metrics(self) -> str:
        """As `SemanticCache.metrics`."""
        return await self._simply(SemanticCache.metrics)

    async def health(self) -> dict[str, Any]:
        """As `SemanticCache.health`."""
        return await self._simply(SemanticCache.health)

    async def flush(self, timeout: _Ttl = 5.0) -> None:
        """As `SemanticCache.flush` with timeout."""
        await self._simply(SemanticCache.flush, timeout)

    async def optimize(self) -> None:
        """As `SemanticCache.optimize`."""
        await self._simply(SemanticCache.optimize)
