# Conversion of what callers say about caches and their entries into what the C library reads.
# SPDX-License-Identifier: Apache-2.0
"""Options, texts, vectors, thresholds and times of caches, checked.

Wrong types raise `TypeError`; wrong shapes and values raise `InvalidArgumentError`, as in `_arrays`.
"""

from __future__ import annotations

import datetime
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import _arrays, _ffi, _ffi_cache, _json
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from .caches import RedisOptions

_MOST_BYTES = 2**63 - 1
_MOST_32 = 2**32 - 1
# Longer times have no end that a clock could show.
MOST_MILLISECONDS = 2**62
_MILLISECOND = datetime.timedelta(milliseconds=1)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_LATEST = datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)

_DTYPES = ("float32", "float16")
_TIERS = {"both": 3, **_ffi.CACHE_TIERS}

# ----------------------------------------------------------------------------------------------------------------------
# Options
# ----------------------------------------------------------------------------------------------------------------------


def url(value: Any) -> Optional[bytes]:
    """Where a cache lives. Messages do not repeat it: it may hold a password."""
    if value is None:
        return None
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"url: expected a string or the path of a directory, got {type(value).__name__}")
    try:
        encoded = os.fsencode(value)
    except UnicodeEncodeError:
        raise InvalidArgumentError("url: text that is not Unicode") from None
    if b"\0" in encoded:
        raise InvalidArgumentError("url: text with a NUL character")
    return encoded


def settings(
    namespace: Any,
    model: Any,
    similarity_threshold: Any,
    distance_threshold: Any,
    ttl: Any,
    max_entries: Any,
    max_bytes: Any,
    eviction: Any,
    dtype: Any,
    refresh_on_hit: Any,
    guard: Any,
    fail_closed: Any,
    keep_responses: Any,
    queue_limit: Any,
    log_length: Any,
    one_per_prompt: Any,
    redis: Any,
) -> _ffi_cache.CacheSettings:
    return _ffi_cache.CacheSettings(
        name_space=_json.text("namespace", namespace),
        model=_json.text("model", model),
        threshold=threshold(
            "similarity_threshold", similarity_threshold, "distance_threshold", distance_threshold
        ),
        # Without an end is what the library does without a ttl.
        ttl=max(0, entry_ttl("ttl", ttl)),
        max_entries=_arrays.integer("max_entries", max_entries, 1, _ffi.CACHE_ENTRIES_MOST),
        max_bytes=0 if max_bytes is None else _arrays.integer("max_bytes", max_bytes, 1, _MOST_BYTES),
        eviction=_arrays.one_of("eviction", eviction, _ffi.CACHE_EVICTIONS),
        dtype=_arrays.one_of("dtype", dtype if isinstance(dtype, str) else np.dtype(dtype).name, _DTYPES),
        refresh_on_hit=bool(refresh_on_hit),
        guard=bool(guard),
        fail_closed=bool(fail_closed),
        keep_responses=bool(keep_responses),
        queue_limit=_arrays.integer("queue_limit", queue_limit, 1, _MOST_32),
        log_length=_arrays.integer("log_length", log_length, 1, _MOST_32),
        one_per_prompt=bool(one_per_prompt),
        redis=optional_redis(redis),
    )


def place(url: Optional[bytes]) -> str:
    """Where something lives, without what has to stay secret."""
    if url is None or b"://" in url:
        return "Redis"
    return "memory" if url == b"memory:" else repr(os.fsdecode(url))


def optional_redis(options: Any) -> Optional[_ffi_cache.RedisSettings]:
    from .caches import RedisOptions

    if options is None:
        return None
    if not isinstance(options, RedisOptions):
        raise TypeError(f"redis: expected RedisOptions, got {type(options).__name__}")
    return redis_settings(options)


def redis_settings(options: RedisOptions) -> _ffi_cache.RedisSettings:
    cluster = options.cluster
    if cluster is not None and not isinstance(cluster, bool):
        raise TypeError(f"cluster: expected a boolean or None, got {type(cluster).__name__}")
    return _ffi_cache.RedisSettings(
        connect_timeout=milliseconds("connect_timeout", options.connect_timeout, _MOST_32),
        command_timeout=milliseconds("command_timeout", options.command_timeout, _MOST_32),
        max_connections=_arrays.integer("max_connections", options.max_connections, 1, 10_000),
        health_check_after=milliseconds("health_check_after", options.health_check_after, _MOST_32),
        no_retries=not options.retries,
        breaker_failures=_arrays.integer("breaker_failures", options.breaker_failures, 1, _MOST_32),
        breaker_open_time=milliseconds("breaker_open_time", options.breaker_open_time, _MOST_32),
        cluster=0 if cluster is None else 1 if cluster else 2,
        tls_no_verify=not options.tls_verify,
        tls_ca_file=_path("tls_ca_file", options.tls_ca_file),
        tls_ca_directory=_path("tls_ca_directory", options.tls_ca_directory),
        tls_server_name=_json.optional_text("tls_server_name", options.tls_server_name),
        tls_certificate_file=_path("tls_certificate_file", options.tls_certificate_file),
        tls_key_file=_path("tls_key_file", options.tls_key_file),
    )


def _path(name: str, value: Any) -> Optional[bytes]:
    if value is None:
        return None
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"{name}: expected the path of a file, got {type(value).__name__}")
    return _json.ready_text(name, os.fsencode(value), "the path of a file")


# ----------------------------------------------------------------------------------------------------------------------
# Thresholds
# ----------------------------------------------------------------------------------------------------------------------


def threshold(similarity_name: str, similarity: Any, distance_name: str, distance: Any) -> Optional[float]:
    """The least similarity of a hit, from that or from the largest distance; None: neither is said. 0 is a value of both."""
    if similarity is not None and distance is not None:
        raise InvalidArgumentError(
            f"{similarity_name} and {distance_name} both say how near a hit has to be: give one of them"
        )
    if distance is not None:
        return 1.0 - _within(distance_name, distance, 0, 2, "a cosine distance")
    if similarity is not None:
        return _within(similarity_name, similarity, -1, 1, "a cosine similarity")
    return None


def _within(name: str, value: Any, low: int, high: int, what: str) -> float:
    number = _arrays.real(name, value)
    if not low <= number <= high:
        raise InvalidArgumentError(f"{name}: expected {low} ... {high}, {what}; got {number}")
    return number


def tiers(value: Any) -> int:
    return _TIERS[_arrays.one_of("tiers", value, _TIERS)]


# ----------------------------------------------------------------------------------------------------------------------
# Texts
# ----------------------------------------------------------------------------------------------------------------------


def text(name: str, value: Any) -> bytes:
    """A prompt or a response: text, or any bytes."""
    if type(value) is str:
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise InvalidArgumentError(f"{name}: text that is not Unicode: {error.reason}") from None
    if isinstance(value, str):
        return text(name, str(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{name}: expected a string or bytes, got {type(value).__name__}")


def prompt(name: str, value: Any) -> bytes:
    """An empty one would be taken for one whose end has to be looked for."""
    encoded = text(name, value)
    if not encoded:
        raise InvalidArgumentError(f"{name}: expected a text, got an empty one")
    return encoded


def texts(name: str, values: Sequence[Any]) -> list[bytes]:
    try:
        # Text alone, as it mostly is, at a tenth of the cost.
        return list(map(str.encode, values))
    except (TypeError, UnicodeEncodeError):
        return [text(f"{name}[{i}]", value) for i, value in enumerate(values)]


def prompts(values: Sequence[Any]) -> list[bytes]:
    encoded = texts("prompts", values)
    if not all(encoded):
        return [prompt(f"prompts[{i}]", value) for i, value in enumerate(encoded)]
    return encoded


def encodable(name: str, value: Any) -> str:
    """A prompt that an encoder takes."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a string, which an encoder takes, got {type(value).__name__}")
    return value


def listed(name: str, values: Any) -> list[Any]:
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise TypeError(f"{name}: expected a list, got {type(values).__name__}")
    return list(values)


def readable(value: bytes) -> Union[str, bytes]:
    """Text where it is UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


# ----------------------------------------------------------------------------------------------------------------------
# Columns of entries: one value for all, or one for each
# ----------------------------------------------------------------------------------------------------------------------


def metadata(values: Any, count: int) -> Optional[list[Optional[bytes]]]:
    if values is None:
        return None
    if isinstance(values, (Mapping, str, bytes)):
        return [entry_metadata("metadata", values)] * count
    each = _each("metadata", values, count)
    return [None if value is None else entry_metadata(f"metadata[{i}]", value) for i, value in enumerate(each)]


def entry_metadata(name: str, value: Any) -> bytes:
    return _json.object_text(name, value, "a dict, None, or JSON text")


def ttls(values: Any, count: int) -> Any:
    """Milliseconds, as an entry of the header has them."""
    if values is None or isinstance(values, (int, float, np.number, datetime.timedelta)):
        return entry_ttl("ttl", values)
    each = _each("ttl", values, count)
    return [entry_ttl(f"ttl[{i}]", value) for i, value in enumerate(each)]


def costs(values: Any, count: int) -> Any:
    if values is None or isinstance(values, (int, float, np.number)):
        return entry_cost("cost", values)
    return [entry_cost(f"cost[{i}]", value) for i, value in enumerate(_each("cost", values, count))]


def entry_cost(name: str, value: Any) -> float:
    """0 is the default of the library."""
    if value is None:
        return 0.0
    number = _arrays.real(name, value)
    if not 2.0**-126 <= number <= 2.0**127:
        raise InvalidArgumentError(f"{name}: expected a number above 0, got {number}")
    return number


def _each(name: str, values: Any, count: int) -> Sequence[Any]:
    each = listed(name, values)
    if len(each) != count:
        raise InvalidArgumentError(f"{name}: expected {count}, one for each prompt, got {len(each)}")
    return each


# ----------------------------------------------------------------------------------------------------------------------
# Vectors
# ----------------------------------------------------------------------------------------------------------------------


def vectors(name: str, values: Any, dim: int, count: int) -> NDArray[np.float32]:
    """Shape (count, dim)."""
    rows, dtype = _arrays.vectors(name, values, "float32", dim)
    if len(rows) != count:
        raise InvalidArgumentError(f"{name}: expected {count}, one for each prompt, got {len(rows)}")
    return _arrays.in_dtype(rows, dtype, "float32")


def vector(name: str, values: Any, dim: int) -> NDArray[np.float32]:
    """Shape (dim,)."""
    rows, dtype = _arrays.vectors(name, values, "float32", dim)
    if len(rows) != 1:
        raise InvalidArgumentError(f"{name}: expected one, got {len(rows)}")
    row: NDArray[np.float32] = _arrays.in_dtype(rows, dtype, "float32")[0]
    return row


def encoded(values: Any, dim: Optional[int], count: int) -> NDArray[np.float32]:
    """What an encoder made of a list of texts: shape (count, dim)."""
    array = _arrays.numeric_array("encoder", values)
    if array.ndim != 2 or len(array) != count or array.shape[1] != (dim or array.shape[1]):
        raise InvalidArgumentError(
            f"encoder: expected an array of shape ({count}, {'dim' if dim is None else dim}) for a list of {count} "
            f"{'text' if count == 1 else 'texts'}, got {array.shape}"
        )
    return vectors("encoder", array, array.shape[1], count)


# ----------------------------------------------------------------------------------------------------------------------
# Times
# ----------------------------------------------------------------------------------------------------------------------


def entry_ttl(name: str, value: Any) -> int:
    """Milliseconds; 0: nothing is said; -1: for ever."""
    if value is None:
        return 0
    if isinstance(value, (float, np.floating)) and value == math.inf:
        return _ffi.CACHE_TTL_NONE
    return milliseconds(name, value, MOST_MILLISECONDS)


def milliseconds(name: str, value: Any, most: int) -> int:
    """Of seconds, or a timedelta. What is longer than the most is taken for that."""
    if isinstance(value, datetime.timedelta):
        number = value / _MILLISECOND
    elif isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name}: expected seconds, or a timedelta, got {type(value).__name__}")
    else:
        number = float(min(value, most)) * 1000
    if not number >= 1:
        raise InvalidArgumentError(f"{name}: expected a millisecond or more, got {value}")
    return min(round(min(number, float(most))), most)


def moment(milliseconds: int) -> datetime.datetime:
    """Of milliseconds since 1970; what no datetime can be is the latest."""
    try:
        return _EPOCH + datetime.timedelta(milliseconds=milliseconds)
    except OverflowError:
        return _LATEST


def optional_moment(milliseconds: int) -> Optional[datetime.datetime]:
    return None if milliseconds == 0 else moment(milliseconds)
