# The semantic cache for asyncio.
# SPDX-License-Identifier: Apache-2.0
"""The semantic cache, with coroutines."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import threading
from collections.abc import Awaitable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Callable, Literal, Optional, TypeVar, Union, overload

from numpy.typing import ArrayLike

from . import _arrays, _cache_values, _ffi
from ._cache_calls import Found, Maker, Opening
from ._flights import AsyncFlights
from ._steps import Encode, Steps
from .caches import CacheHit, CacheStats, RedisOptions
from .errors import InvalidHandleError
from .payload_filters import PayloadFilter
from .semantic_cache import SemanticCache, _Metadata, _Row, _Text, _Ttl

__all__ = ["AsyncSemanticCache"]

_Self = TypeVar("_Self", bound="AsyncSemanticCache")
_T = TypeVar("_T")
AsyncEncoder = Callable[[list[str]], Union[ArrayLike, Awaitable[ArrayLike]]]
_Make = Callable[[Any], Union[_Text, Awaitable[_Text]]]


class AsyncSemanticCache:
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

    _plan: Optional[Opening]
    _cache: Optional[SemanticCache]
    _encoder: Optional[Callable[[list[str]], Any]]
    _opening: Optional[Future[SemanticCache]]

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
        self._start(Opening(url, dim, settings, encoder), None, threads)

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
        if not isinstance(cache, SemanticCache):
            raise TypeError(f"cache: expected a SemanticCache, got {type(cache).__name__}")
        self = cls.__new__(cls)
        self._start(None, cache, threads)
        return self

    def _start(self, plan: Optional[Opening], cache: Optional[SemanticCache], threads: Any) -> None:
        count = _arrays.integer("threads", threads, 1, _ffi.THREADS_MAX)
        self._plan = plan
        self._cache = cache
        encoder = plan.encoder if plan is not None else cache._encoder if cache is not None else None
        self._encoder = encoder
        self._lock = threading.Lock()
        self._opening = None
        self._closed = False
        self._owner = os.getpid()
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="vecstore-cache")
        self._flights: AsyncFlights[_Text] = AsyncFlights()

    # ------------------------------------------------------------------------------------------------------------------
    # Beginning and end
    # ------------------------------------------------------------------------------------------------------------------

    async def open(self: _Self) -> _Self:
        """Opens the cache now, where the first call would do it otherwise.

        Returns
        -------
        AsyncSemanticCache
            This one.

        Raises
        ------
        Error
            As for `SemanticCache`. The next call tries again.
        """
        (await self._opened())._open_handle()
        return self

    async def _opened(self) -> SemanticCache:
        if self._cache is not None:
            return self._cache
        plan = self._plan
        if plan is not None and plan.dim is None and not self._closed:
            plan.learn_dim(await self._call(self._encoder, plan.probe))
        with self._lock:
            if self._closed or plan is None:
                raise InvalidHandleError("the cache is closed")
            # One opening, for all tasks of all event loops; a new one after one that failed.
            opening = self._opening
            if opening is None or (opening.done() and opening.exception() is not None):
                opening = self._opening = self._threads.submit(self._open_now, plan)
        # Whoever is cancelled meanwhile is not alone with it.
        return await asyncio.shield(asyncio.wrap_future(opening))

    def _open_now(self, plan: Opening) -> SemanticCache:
        cache = self._cache = SemanticCache._of(plan)
        return cache

    async def close(self) -> None:
        """Writes what waits for Redis, within the command time-out, and closes the cache, as `SemanticCache.close`."""
        with self._lock:
            self._closed = True
            opening = self._opening
        try:
            if opening is not None:
                # What an opening raises is told to those who wanted it.
                await asyncio.wait([asyncio.wrap_future(opening)])
            if self._cache is not None:
                await self._in_thread(self._cache, self._cache.close)
        finally:
            self._threads.shutdown(wait=False)

    async def __aenter__(self: _Self) -> _Self:
        return await self.open()

    async def __aexit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        if self._cache is not None:
            return repr(self._cache).replace("SemanticCache", "AsyncSemanticCache", 1)
        return f"<vecstore.AsyncSemanticCache, {'closed' if self._closed else 'not open yet'}>"

    def _open_handle(self) -> int:
        if self._cache is None:
            raise InvalidHandleError("the cache is closed" if self._closed else "the cache is not open yet")
        return self._cache._open_handle()

    # ------------------------------------------------------------------------------------------------------------------
    # How calls are done
    # ------------------------------------------------------------------------------------------------------------------

    async def _do(self, steps_of: Callable[[SemanticCache], Steps[_T]]) -> _T:
        """The steps of a call, each without blocking the event loop."""
        cache = await self._opened()
        steps = steps_of(cache)
        answer: Any = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                value: _T = end.value
                return value
            if isinstance(step, Encode):
                answer = await self._call(self._encoder, step.texts)
            else:
                answer = await self._in_thread(cache, step)

    async def _in_thread(self, cache: SemanticCache, call: Callable[[], _T]) -> _T:
        # The threads are those of the process that opened the cache; and without a cache nothing takes time.
        if cache.closed or os.getpid() != cache._owner:
            return call()
        try:
            running = asyncio.get_running_loop().run_in_executor(self._threads, call)
        except RuntimeError:  # closed in this moment
            return call()
        return await running

    async def _call(self, function: Any, argument: Any) -> Any:
        """An encoder, or a maker of responses, of the program: awaited, or on a thread of the event loop."""
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):
            return await function(argument)
        answer = await asyncio.to_thread(function, argument)
        return await answer if inspect.isawaitable(answer) else answer

    async def _simply(self, method: Callable[..., _T], *arguments: Any) -> _T:
        """A method of `SemanticCache` that has one step."""
        cache = await self._opened()
        return await self._in_thread(cache, functools.partial(method, cache, *arguments))

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
