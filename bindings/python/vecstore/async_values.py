# Value caches and rate limiters for asyncio.
# SPDX-License-Identifier: Apache-2.0
"""The value cache and the rate limiter, with coroutines."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, Optional, TypeVar, Union

from . import _awaited, _ffi, values
from ._awaited import Awaited
from .caches import RedisOptions
from .values import RateDecision, RateLimiter, ValueCache, ValueCacheStats, _Text, _Ttl

__all__ = ["AsyncRateLimiter", "AsyncValueCache"]

_SelfCache = TypeVar("_SelfCache", bound="AsyncValueCache")
_SelfLimiter = TypeVar("_SelfLimiter", bound="AsyncRateLimiter")


class AsyncValueCache(Awaited[ValueCache]):
    """A `ValueCache` whose methods are coroutines. It runs the code of that on threads of its own.

    The first call opens the cache, or ``async with``. What is said of event loops and of cancellation for
    `AsyncSemanticCache` holds here too.

    Parameters
    ----------
    url, namespace, ttl, max_entries, max_bytes, local_bytes, local_ttl, fail_closed, redis
        As for `ValueCache`.
    threads : int, default 4
        Calls of the library that may run at once, 1 ... 1024.

    Raises
    ------
    InvalidArgumentError, TypeError
        An option is not allowed. All else that `ValueCache` raises comes from `open`.

    Examples
    --------
    >>> import asyncio, vecstore
    >>> async def main():
    ...     async with vecstore.AsyncValueCache("memory:", namespace="pages") as values:
    ...         await values.set("a", b"1")
    ...         return await values.get_many(["b", "a"])
    >>> asyncio.run(main())
    [None, b'1']
    """

    _type = ValueCache

    def __init__(
        self,
        url: Optional[_ffi.Path] = None,
        *,
        namespace: str,
        ttl: Optional[_Ttl] = None,
        max_entries: int = 1_000_000,
        max_bytes: Optional[int] = None,
        local_bytes: int = 0,
        local_ttl: _Ttl = 1.0,
        fail_closed: bool = False,
        redis: Optional[RedisOptions] = None,
        threads: int = 4,
    ) -> None:
        opening = values.value_opening(
            url, namespace, ttl, max_entries, max_bytes, local_bytes, local_ttl, fail_closed, redis
        )
        self._start(functools.partial(ValueCache._of, opening), None, None, threads)

    @classmethod
    def over(cls: type[_SelfCache], cache: ValueCache, *, threads: int = 4) -> _SelfCache:
        """The same cache for asyncio.

        Parameters
        ----------
        cache : ValueCache
            It may be used as before. Closing one of the two closes both.
        threads : int, default 4
            As for the class.
        """
        self = cls.__new__(cls)
        self._start(None, _awaited.checked("cache", cache, ValueCache), None, threads)
        return self

    async def get(self, key: _Text) -> Optional[bytes]:
        """As `ValueCache.get` with key."""
        return await self._simply(ValueCache.get, key)

    async def get_many(self, keys: Iterable[_Text]) -> list[Optional[bytes]]:
        """As `ValueCache.get_many` with keys."""
        return await self._simply(ValueCache.get_many, keys)

    async def set(self, key: _Text, value: _Text, ttl: Optional[_Ttl] = None) -> None:
        """As `ValueCache.set` with key, value and ttl."""
        await self._simply(ValueCache.set, key, value, ttl)

    async def set_many(self, keys: Iterable[_Text], values: Iterable[_Text], ttl: Optional[_Ttl] = None) -> None:
        """As `ValueCache.set_many` with keys, values and ttl."""
        await self._simply(ValueCache.set_many, keys, values, ttl)

    async def delete(self, keys: Union[_Text, Iterable[_Text]]) -> int:
        """As `ValueCache.delete` with keys."""
        return await self._simply(ValueCache.delete, keys)

    async def clear(self) -> int:
        """As `ValueCache.clear`."""
        return await self._simply(ValueCache.clear)

    async def stats(self) -> ValueCacheStats:
        """As `ValueCache.stats`."""
        return await self._simply(ValueCache.stats)

    async def metrics(self) -> str:
        """As `ValueCache.metrics`."""
        return await self._simply(ValueCache.metrics)

    async def health(self) -> dict[str, Any]:
        """As `ValueCache.health`."""
        return await self._simply(ValueCache.health)


class AsyncRateLimiter(Awaited[RateLimiter]):
    """A `RateLimiter` whose methods are coroutines. It runs the code of that on threads of its own.

    Parameters
    ----------
    url, namespace, capacity, refill_per_second, fail_closed, redis
        As for `RateLimiter`.
    threads : int, default 4
        Calls of the library that may run at once, 1 ... 1024. Who waits for tokens needs none meanwhile.

    Raises
    ------
    InvalidArgumentError, TypeError
        An option is not allowed. All else that `RateLimiter` raises comes from `open`.

    Examples
    --------
    >>> import asyncio, vecstore
    >>> async def main():
    ...     async with vecstore.AsyncRateLimiter("memory:", namespace="api", capacity=1, refill_per_second=50) as limiter:
    ...         return [bool(await limiter.wait("somebody")) for _ in range(3)]
    >>> asyncio.run(main())
    [True, True, True]
    """

    _type = RateLimiter

    def __init__(
        self,
        url: Optional[str] = None,
        *,
        namespace: str,
        capacity: float,
        refill_per_second: float,
        fail_closed: bool = False,
        redis: Optional[RedisOptions] = None,
        threads: int = 4,
    ) -> None:
        opening = values.limiter_opening(url, namespace, capacity, refill_per_second, fail_closed, redis)
        self._start(functools.partial(RateLimiter._of, opening), None, None, threads)

    @classmethod
    def over(cls: type[_SelfLimiter], limiter: RateLimiter, *, threads: int = 4) -> _SelfLimiter:
        """The same limiter for asyncio.

        Parameters
        ----------
        limiter : RateLimiter
            It may be used as before. Closing one of the two closes both.
        threads : int, default 4
            As for the class.
        """
        self = cls.__new__(cls)
        self._start(None, _awaited.checked("limiter", limiter, RateLimiter), None, threads)
        return self

    async def acquire(self, key: _Text, tokens: float = 1.0) -> RateDecision:
        """As `RateLimiter.acquire` with key and tokens."""
        return await self._simply(RateLimiter.acquire, key, tokens)

    async def wait(self, key: _Text, tokens: float = 1.0, timeout: Optional[_Ttl] = None) -> RateDecision:
        """As `RateLimiter.wait` with key, tokens and timeout. Other tasks go on meanwhile."""
        return await self._do(lambda limiter: limiter._waiting(key, tokens, timeout))

    async def metrics(self) -> str:
        """As `RateLimiter.metrics`."""
        return await self._simply(RateLimiter.metrics)

    async def health(self) -> dict[str, Any]:
        """As `RateLimiter.health`."""
        return await self._simply(RateLimiter.health)
