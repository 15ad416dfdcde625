# What semantic caches give and take: hits, counts, options of Redis.
# SPDX-License-Identifier: Apache-2.0
"""Hits, statistics and options of semantic caches."""

from __future__ import annotations

import datetime
import math
import os
from dataclasses import dataclass, field
from typing import Any, Final, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import _cache_values

__all__ = ["FOREVER", "CacheHit", "CacheStats", "RedisOptions"]

FOREVER: Final[float] = math.inf
"""The ttl of an entry that has no end."""


@dataclass(frozen=True)
class CacheHit:
    """An entry of a cache that a lookup found.

    Attributes
    ----------
    id : str
        What the entry is known by: 32 hexadecimal digits.
    prompt, response : str or bytes
        As they were set. Bytes that are UTF-8 come back as `str`, others as `bytes`.
    similarity : float
        Cosine similarity of the vectors, -1 ... 1; 1 where the prompt is the same.
    metadata : dict
        {} where the entry has none.
    created : datetime in UTC
        When it was set.
    age : float
        Seconds from then until it was found.
    expires : datetime in UTC, or None
        From when on it is not found any more; None where it has no end.
    tier : str
        How it was found: "exact" (by the same prompt) or "semantic" (by a vector that is near enough).
    """

    id: str
    prompt: Union[str, bytes]
    response: Union[str, bytes]
    similarity: float
    metadata: dict[str, Any]
    created: datetime.datetime
    age: float
    expires: Optional[datetime.datetime]
    tier: str
    # The vector that found it: feedback is about both.
    _vector: Optional[NDArray[np.float32]] = field(default=None, repr=False, compare=False)

    @property
    def distance(self) -> float:
        """1 - similarity, 0 ... 2."""
        return 1.0 - self.similarity


@dataclass(frozen=True)
class CacheStats:
    """What a cache has, and what was done through this object so far.

    Attributes
    ----------
    entries : int
    bytes, index_bytes : int
        Of memory that entries take, as ``max_bytes`` counts them, and that the index of their vectors takes.
    exact_hits, semantic_hits, misses, failures : int
        Lookups by what came of them. Failures are errors.
    sets, deletes, feedbacks : int
        Entries that were set and deleted, hits that were said to be right or wrong.
    evictions, expired : int
        Entries that had to go for others, and those whose end has come.
    guard_refusals, feedback_refusals, gone : int
        Entries that were near enough and were passed over: by the guard, by feedback, or because the store did not have
        them any more.
    store_errors : int
        Errors of Redis or the disk, whether they surfaced or not.
    last_error : datetime in UTC, or None
        When the last of them was. `SemanticCache.health` has its message.
    """

    entries: int
    bytes: int
    index_bytes: int
    exact_hits: int
    semantic_hits: int
    misses: int
    failures: int
    sets: int
    deletes: int
    evictions: int
    expired: int
    guard_refusals: int
    feedback_refusals: int
    gone: int
    feedbacks: int
    store_errors: int
    last_error: Optional[datetime.datetime]

    @property
    def hits(self) -> int:
        """Lookups that found an entry."""
        return self.exact_hits + self.semantic_hits

    @property
    def lookups(self) -> int:
        """Lookups that were answered, by a hit or a miss."""
        return self.hits + self.misses

    @property
    def hit_rate(self) -> float:
        """Hits per lookup, 0 ... 1; 0 where there were none."""
        return self.hits / self.lookups if self.lookups else 0.0


_Duration = Union[float, datetime.timedelta]


@dataclass(frozen=True)
class RedisOptions:
    """How a Redis is asked. Where it is says the URL of the cache.

    Parameters
    ----------
    connect_timeout : float or timedelta, default 5
        Seconds that connecting takes at most. Durations are of a millisecond or more.
    command_timeout : float or timedelta, default 5
        Seconds that a call takes at most, with all that it tries.
    max_connections : int, default 8
        To one server, 1 ... 10000.
    health_check_after : float or timedelta, default 30
        A connection that was idle for so many seconds is asked whether it is alive.
    retries : bool, default True
        Whether what failed is sent again, twice at most, where doing it twice is safe.
    breaker_failures : int, default 5
        Failures in a row after which nobody waits for the server any more.
    breaker_open_time : float or timedelta, default 1
        Seconds until it is tried again; twice as many after each failure, 30 at most.
    cluster : bool, optional
        Whether the server is one of a cluster; by default it is asked.
    tls_verify : bool, default True
        False does not look at the certificate: anybody on the way may read and change all.
    tls_ca_file, tls_ca_directory : str or os.PathLike, optional
        PEM file, or directory, of the authorities to trust; by default those that the system trusts.
    tls_server_name : str, optional
        What the certificate must be for; by default the host of the URL.
    tls_certificate_file, tls_key_file : str or os.PathLike, optional
        PEM files of the client's own; both or neither.

    Raises
    ------
    InvalidArgumentError, TypeError
        An option is not allowed.
    """

    connect_timeout: _Duration = 5.0
    command_timeout: _Duration = 5.0
    max_connections: int = 8
    health_check_after: _Duration = 30.0
    retries: bool = True
    breaker_failures: int = 5
    breaker_open_time: _Duration = 1.0
    cluster: Optional[bool] = None
    tls_verify: bool = True
    tls_ca_file: Optional[Union[str, os.PathLike[str]]] = None
    tls_ca_directory: Optional[Union[str, os.PathLike[str]]] = None
    tls_server_name: Optional[str] = None
    tls_certificate_file: Optional[Union[str, os.PathLike[str]]] = None
    tls_key_file: Optional[Union[str, os.PathLike[str]]] = None

    def __post_init__(self) -> None:
        # What is wrong is told where it is written.
        _cache_values.redis_settings(self)
