# Values by exact keys, and tokens by keys, which processes share.
# SPDX-License-Identifier: Apache-2.0
"""The value cache and the rate limiter."""

from __future__ import annotations

import datetime
import functools
import json
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional, TypeVar, Union

from . import _arrays, _cache_values, _ffi, _ffi_values, _json, _steps
from ._ffi_cache import RedisSettings
from ._handles import Opened
from ._steps import Sleep, Steps
from .caches import RedisOptions
from .errors import InvalidArgumentError

__all__ = ["RateDecision", "RateLimiter", "ValueCache", "ValueCacheStats"]

_Text = Union[str, bytes]
_Ttl = Union[float, datetime.timedelta]
_SelfCache = TypeVar("_SelfCache", bound="ValueCache")
_SelfLimiter = TypeVar("_SelfLimiter", bound="RateLimiter")

_MOST_BYTES = 2**63 - 1
_MOST_TOKENS = 1e12
_LEAST_TOKENS = 1e-6
# Times of buckets are whole milliseconds.
_SHORTEST_SLEEP = 0.001


@dataclass(frozen=True)
class ValueCacheStats:
    """What a value cache has, and what was done through this object so far.

    Attributes
    ----------
    entries, bytes : int
        In memory or in the directory; of Redis what this process keeps for itself.
    hits, local_hits, misses, unanswered : int
        Keys that were found, those of them that needed no round trip to Redis, keys that were not found, and those of
        them that were not because Redis did not answer.
    sets, dropped : int
        Values that were set, and those that were not because Redis did not answer.
    deletes, evictions, expired : int
        Values that were deleted, that had to go for others, and whose end had come.
    store_errors : int
        Calls with errors of the store, whether these surfaced or not.
    last_error : datetime in UTC, or None
        When the last of them was.
    """

    entries: int
    bytes: int
    hits: int
    local_hits: int
    misses: int
    unanswered: int
    sets: int
    dropped: int
    deletes: int
    evictions: int
    expired: int
    store_errors: int
    last_error: Optional[datetime.datetime]

    @property
    def hit_rate(self) -> float:
        """Hits per key that was asked for, 0 ... 1; 0 where there were none."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


class ValueCache(Opened):
    """Bytes by exact keys, each with an end: in memory, in a directory, or in a Redis that processes share.

    Parameters
    ----------
    url : str or os.PathLike, optional
        "memory:", the path of a directory, "redis://", "rediss://" or "unix://"; None = the Redis that the environment
        says.
    namespace : str
        Part of every key: 1 ... 128 bytes without spaces, braces and control characters.
    ttl : float or timedelta, optional
        Seconds that values live that do not say it, a millisecond or more; None: for ever.
    max_entries : int, default 1000000
        Of memory and directories: the values go first that were not used for the longest time.
    max_bytes : int, optional
        Likewise: of keys and values, and 160 for each entry; None: no bound.
    local_bytes : int, default 0
        Of Redis: values that this process keeps for itself, so that they need no round trip; 0: none.
    local_ttl : float or timedelta, default 1
        Seconds for which it does: as old may a value be that another process has changed.
    fail_closed : bool, default False
        True: calls raise `UnavailableError` while Redis does not answer. False: keys are missed, values dropped.
    redis : RedisOptions, optional
        Time-outs, connections, TLS.

    Raises
    ------
    InvalidArgumentError, TypeError
        An option is not allowed.
    UnavailableError
        Redis does not answer; with `fail_closed` alone.
    LockedError, UnsupportedError, VecstoreIOError, CorruptError, NewerVersionError, OutOfMemoryError
        It cannot be opened.

    Notes
    -----
    Keys and values are bytes; text is taken as UTF-8. Values come back as bytes. Any method may be called from any
    thread. A child of `os.fork` cannot use a cache of its parent (`InvalidHandleError`): it opens it for itself.

    Examples
    --------
    >>> import vecstore
    >>> with vecstore.ValueCache("memory:", namespace="pages", ttl=60) as values:
    ...     values.set("a", b"1")
    ...     values.get("a"), values.get("b"), values.get_many(["b", "a"])
    (b'1', None, [None, b'1'])
    """

    _noun = "cache"

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
    ) -> None:
        self._open(
            value_opening(url, namespace, ttl, max_entries, max_bytes, local_bytes, local_ttl, fail_closed, redis)
        )

    @classmethod
    def _of(cls: type[_SelfCache], opening: ValueOpening) -> _SelfCache:
        self = cls.__new__(cls)
        self._open(opening)
        return self

    def _open(self, opening: ValueOpening) -> None:
        url, settings = opening
        self._namespace = settings.name_space.decode()
        self._place = _cache_values.place(url)
        self._begin_with(_ffi_values.open(url, settings), _ffi_values.close, _ffi_values.close_quietly)

    @property
    def namespace(self) -> str:
        """The namespace, as it was given."""
        return self._namespace

    def __repr__(self) -> str:
        return f"<vecstore.ValueCache {self._namespace!r} in {self._place}{', closed' if self.closed else ''}>"

    def get(self, key: _Text) -> Optional[bytes]:
        """The value of a key, or None.

        Parameters
        ----------
        key : str or bytes
            Up to 1 MiB, not empty.

        Raises
        ------
        UnavailableError
            Redis does not answer; with ``fail_closed`` alone.
        """
        return _ffi_values.get(self._open_handle(), [_cache_values.text("key", key)])[0]

    def get_many(self, keys: Iterable[_Text]) -> list[Optional[bytes]]:
        """The values of keys in their order, with None for those that have none; of Redis in one round trip.

        Parameters
        ----------
        keys : list of str or bytes
            As for `get`.
        """
        return _ffi_values.get(self._open_handle(), _keys(keys))

    def set(self, key: _Text, value: _Text, ttl: Optional[_Ttl] = None) -> None:
        """Sets a value, in the place of the one with the same key.

        Parameters
        ----------
        key : str or bytes
            As for `get`.
        value : str or bytes
            An empty one is a value.
        ttl : float or timedelta, optional
            Seconds until its end; None: that of the cache; `vecstore.FOREVER`: it has none.

        Raises
        ------
        UnavailableError
            Redis does not answer; with ``fail_closed`` alone. Otherwise the value is dropped, which `stats` counts.
        VecstoreIOError, OutOfMemoryError, LockedError
            It could not be written.
        """
        keys, values = [_cache_values.text("key", key)], [_cache_values.text("value", value)]
        _ffi_values.set(self._open_handle(), keys, values, _cache_values.entry_ttl("ttl", ttl))

    def set_many(self, keys: Iterable[_Text], values: Iterable[_Text], ttl: Optional[_Ttl] = None) -> None:
        """Sets values, as `set` does; of Redis in one round trip.

        Parameters
        ----------
        keys, values : list of str or bytes
            As many values as keys. Of a key that comes twice the last one counts.
        ttl : float or timedelta, optional
            As for `set`, of all.
        """
        named = _keys(keys)
        given = _cache_values.texts("values", _cache_values.listed("values", values))
        if len(given) != len(named):
            raise InvalidArgumentError(f"values: expected {len(named)}, one for each key, got {len(given)}")
        _ffi_values.set(self._open_handle(), named, given, _cache_values.entry_ttl("ttl", ttl))

    def delete(self, keys: Union[_Text, Iterable[_Text]]) -> int:
        """Deletes the values of keys; those that have none are passed over.

        Parameters
        ----------
        keys : str, bytes, or list of these

        Returns
        -------
        int
            How many there were.
        """
        named = [_cache_values.text("keys", keys)] if isinstance(keys, (str, bytes)) else _keys(keys)
        return _ffi_values.delete(self._open_handle(), named)

    def clear(self) -> int:
        """Deletes all values of the namespace, for all processes.

        Returns
        -------
        int
            How many there were.
        """
        return _ffi_values.clear(self._open_handle())

    def stats(self) -> ValueCacheStats:
        """What the cache has, and what was done through this object so far.

        Returns
        -------
        ValueCacheStats
            With ``hit_rate``.
        """
        counts: dict[str, Any] = dict(_ffi_values.stats(self._open_handle()))
        counts["last_error"] = _cache_values.optional_moment(counts["last_error"])
        return ValueCacheStats(**counts)

    def metrics(self) -> str:
        """Numbers about the cache for Prometheus, in its text format.

        Returns
        -------
        str
            Version 0.0.4 of the format: ``text/plain; version=0.0.4``.
        """
        return _ffi_values.metrics([self._open_handle()])

    def health(self) -> dict[str, Any]:
        """Whether the cache can do its work, as `SemanticCache.health`. Nobody is asked for it."""
        if self._handle == 0:
            return self._closed_health()
        health: dict[str, Any] = json.loads(_ffi_values.health(self._handle))
        return health


def _keys(keys: Any) -> list[bytes]:
    return _cache_values.texts("keys", _cache_values.listed("keys", keys))


class ValueOpening(NamedTuple):
    """What it takes to open a value cache."""

    url: Optional[bytes]
    settings: _ffi_values.ValueCacheSettings


def value_opening(
    url: Any,
    namespace: Any,
    ttl: Any,
    max_entries: Any,
    max_bytes: Any,
    local_bytes: Any,
    local_ttl: Any,
    fail_closed: Any,
    redis: Any,
) -> ValueOpening:
    settings = _ffi_values.ValueCacheSettings(
        name_space=_json.text("namespace", namespace),
        ttl=max(0, _cache_values.entry_ttl("ttl", ttl)),
        max_entries=_arrays.integer("max_entries", max_entries, 1, _ffi.CACHE_ENTRIES_MOST),
        max_bytes=0 if max_bytes is None else _arrays.integer("max_bytes", max_bytes, 1, _MOST_BYTES),
        local_bytes=_arrays.integer("local_bytes", local_bytes, 0, _MOST_BYTES),
        local_ttl=_cache_values.milliseconds("local_ttl", local_ttl, _cache_values.MOST_MILLISECONDS),
        fail_closed=bool(fail_closed),
        redis=_cache_values.optional_redis(redis),
    )
    return ValueOpening(_cache_values.url(url), settings)


@dataclass(frozen=True)
class RateDecision:
    """Whether tokens were taken. It is true where they were, and false otherwise.

    Attributes
    ----------
    allowed : bool
    remaining : float
        Tokens that are left in the bucket.
    retry_after : float
        Seconds until there are as many as were asked for; 0 where they were taken.
    local : bool
        Whether a bucket of this process decided, because Redis does not answer.
    """

    allowed: bool
    remaining: float
    retry_after: float
    local: bool

    def __bool__(self) -> bool:
        return self.allowed


class RateLimiter(Opened):
    """A bucket of tokens for each key, which processes share through a Redis.

    A bucket begins full, gets tokens at a steady rate until it is full, and each call takes some, or none where there
    are not as many. `acquire` does not wait for tokens, `wait` does.

    Parameters
    ----------
    url : str, optional
        "memory:" = buckets of this process; "redis://", "rediss://", "unix://" = shared; None = the Redis that the
        environment says. Not a directory.
    namespace : str
        Part of every key, as for `SemanticCache`.
    capacity : float
        Tokens of a full bucket, 0.000001 ... 10**12.
    refill_per_second : float
        Tokens, 0.000001 ... 10**12.
    fail_closed : bool, default False
        True: calls raise `UnavailableError` while Redis does not answer. False: buckets of this process serve, which
        begin full.
    redis : RedisOptions, optional
        Time-outs, connections, TLS.

    Raises
    ------
    InvalidArgumentError, TypeError
        An option is not allowed.
    UnsupportedError, VecstoreIOError
        It cannot be opened.

    Examples
    --------
    >>> import vecstore
    >>> with vecstore.RateLimiter("memory:", namespace="api", capacity=2, refill_per_second=0.1) as limiter:
    ...     [bool(limiter.acquire("somebody")) for _ in range(3)]
    [True, True, False]
    """

    _noun = "rate limiter"

    def __init__(
        self,
        url: Optional[str] = None,
        *,
        namespace: str,
        capacity: float,
        refill_per_second: float,
        fail_closed: bool = False,
        redis: Optional[RedisOptions] = None,
    ) -> None:
        self._open(limiter_opening(url, namespace, capacity, refill_per_second, fail_closed, redis))

    @classmethod
    def _of(cls: type[_SelfLimiter], opening: LimiterOpening) -> _SelfLimiter:
        self = cls.__new__(cls)
        self._open(opening)
        return self

    def _open(self, opening: LimiterOpening) -> None:
        self._namespace = opening.name_space.decode()
        self._place = _cache_values.place(opening.url)
        handle = _ffi_values.open_limiter(*opening)
        self._begin_with(handle, _ffi_values.close_limiter, _ffi_values.close_limiter_quietly)

    @property
    def namespace(self) -> str:
        """The namespace, as it was given."""
        return self._namespace

    def __repr__(self) -> str:
        return f"<vecstore.RateLimiter {self._namespace!r} in {self._place}{', closed' if self.closed else ''}>"

    def acquire(self, key: _Text, tokens: float = 1.0) -> RateDecision:
        """Takes tokens from the bucket of a key, all or none.

        Parameters
        ----------
        key : str or bytes
            1 ... 1024 bytes.
        tokens : float, default 1
            0 ... capacity; 0 only asks.

        Returns
        -------
        RateDecision
            True where they were taken. Otherwise ``retry_after`` says when there will be as many.

        Raises
        ------
        UnavailableError
            Redis does not answer; with ``fail_closed`` alone.
        """
        taken, remaining, wait, local = _ffi_values.acquire(
            self._open_handle(), _cache_values.text("key", key), _tokens("tokens", tokens, 0)
        )
        return RateDecision(taken, remaining, wait / 1000, local)

    def wait(self, key: _Text, tokens: float = 1.0, timeout: Optional[_Ttl] = None) -> RateDecision:
        """Takes tokens as `acquire` does, and waits for them where there are not as many.

        Who waits has no place in a line: of several that wait for the same tokens one gets them, and the others go on
        waiting.

        Parameters
        ----------
        key, tokens
            As for `acquire`.
        timeout : float or timedelta, optional
            Seconds, 0 or more; None: as long as it takes.

        Returns
        -------
        RateDecision
            False where there will not be as many within the timeout, which is told as soon as it is known.

        Raises
        ------
        UnavailableError
            Redis does not answer; with ``fail_closed`` alone.
        """
        return _steps.run(self._waiting(key, tokens, timeout))

    def _waiting(self, key: Any, tokens: Any, timeout: Any) -> Steps[RateDecision]:
        end = math.inf if timeout is None else time.monotonic() + _seconds("timeout", timeout)
        while True:
            decision: RateDecision = yield functools.partial(self.acquire, key, tokens)
            if decision or time.monotonic() + decision.retry_after > end:
                return decision
            yield Sleep(max(decision.retry_after, _SHORTEST_SLEEP))

    def metrics(self) -> str:
        """Numbers about the limiter for Prometheus, in its text format.

        Returns
        -------
        str
            Version 0.0.4 of the format: ``text/plain; version=0.0.4``.
        """
        return _ffi_values.limiter_metrics([self._open_handle()])

    def health(self) -> dict[str, Any]:
        """Whether the limiter can do its work, as `SemanticCache.health`. Nobody is asked for it."""
        if self._handle == 0:
            return self._closed_health()
        health: dict[str, Any] = json.loads(_ffi_values.limiter_health(self._handle))
        return health


class LimiterOpening(NamedTuple):
    """What it takes to open a rate limiter."""

    url: Optional[bytes]
    name_space: bytes
    capacity: float
    refill_per_second: float
    fail_closed: bool
    redis: Optional[RedisSettings]


def limiter_opening(
    url: Any, namespace: Any, capacity: Any, refill_per_second: Any, fail_closed: Any, redis: Any
) -> LimiterOpening:
    return LimiterOpening(
        _cache_values.url(url),
        _json.text("namespace", namespace),
        _tokens("capacity", capacity, _LEAST_TOKENS),
        _tokens("refill_per_second", refill_per_second, _LEAST_TOKENS),
        bool(fail_closed),
        _cache_values.optional_redis(redis),
    )


def _seconds(name: str, value: Any) -> float:
    number = value.total_seconds() if isinstance(value, datetime.timedelta) else _arrays.real(name, value)
    if not number >= 0:
        raise InvalidArgumentError(f"{name}: expected 0 seconds or more, got {number}")
    return number


def _tokens(name: str, value: Any, least: float) -> float:
    number = _arrays.real(name, value)
    if not least <= number <= _MOST_TOKENS:
        raise InvalidArgumentError(f"{name}: expected {least:f} ... 10**12, got {number}")
    return number
