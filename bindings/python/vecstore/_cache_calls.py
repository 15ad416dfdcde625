# What the calls of a semantic cache have in common, whether their caller waits or awaits.
# SPDX-License-Identifier: Apache-2.0
"""Opening a cache, finding or making a response, and what comes out of a lookup."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import _arrays, _cache_values, _ffi, _ffi_cache, _json
from ._steps import Steps
from .caches import CacheHit
from .errors import InvalidArgumentError, OutOfMemoryError, UnavailableError, VecstoreIOError
from .payload_filters import filter_text

if TYPE_CHECKING:
    from .semantic_cache import SemanticCache

_Row = NDArray[np.float32]
_Text = Union[str, bytes]

_EXACT = _ffi.CACHE_TIERS["exact"]
_TIER_NAMES = {code: name for name, code in _ffi.CACHE_TIERS.items()}


class Found(NamedTuple):
    """What a lookup found, and the vector that it had or made."""

    hits: list[CacheHit]
    vector: Optional[_Row]

    def best(self, k: int) -> Union[CacheHit, list[CacheHit], None]:
        """What `get` returns."""
        return self.hits if k > 1 else self.hits[0] if self.hits else None


class Opening:
    """What it takes to open a cache."""

    def __init__(
        self,
        url: Any,
        dim: Any,
        settings: _ffi_cache.CacheSettings,
        encoder: Optional[Callable[[list[str]], Any]],
    ) -> None:
        self.url = _cache_values.url(url)
        self.dim: Optional[int] = None if dim is None else _arrays.integer("dim", dim, 1, _ffi.DIM_MAX)
        self.settings = settings
        self.encoder = encoder
        if encoder is not None and not callable(encoder):
            raise TypeError(f"encoder: expected a callable, got {type(encoder).__name__}")
        if dim is None and encoder is None:
            raise InvalidArgumentError("dim is missing: only with an encoder it may be left out")

    @property
    def probe(self) -> list[str]:
        """What is encoded to see how long vectors are, where nobody has said it."""
        return ["dim"]

    def learn_dim(self, rows: Any) -> None:
        self.dim = _cache_values.encoded(rows, None, 1).shape[1]

    def open(self) -> int:
        """The handle; the dim is known."""
        return _ffi_cache.open(self.url, self.dim or 0, self.settings)


class Maker:
    """The response to a prompt, which is looked for, or else made and set."""

    def __init__(
        self,
        cache: SemanticCache,
        prompt: Any,
        make: Any,
        vector: Any,
        metadata: Any,
        ttl: Any,
        cost: Any,
        threshold: Any,
        distance: Any,
        filter: Any,
    ) -> None:
        if not callable(make):
            raise TypeError(f"make: expected a callable, got {type(make).__name__}")
        if vector is None and cache._encoder is None:
            raise InvalidArgumentError("vector: there is none, and the cache has no encoder to make it")
        words = _cache_values.prompt("prompt", prompt)
        # What is wrong with an entry is told before a response is made for it.
        described = None if metadata is None else _cache_values.entry_metadata("metadata", metadata)
        _cache_values.entry_ttl("ttl", ttl)
        _cache_values.entry_cost("cost", cost)
        self.prompt = prompt
        self.make = make
        self._cache = cache
        self._query = (threshold, distance, filter)
        self._vector = vector
        self._entry = (metadata, ttl, cost)
        self.key: Hashable = (words, described, threshold, distance, filter_text(filter))

    def looking(self) -> Steps[Found]:
        return self._cache._looking(self.prompt, self._vector, *self._query, 1, "both")

    def known(self) -> Steps[Optional[_Text]]:
        """Another caller may have ended between the lookup and now."""
        threshold, distance, filter = self._query
        least = _cache_values.threshold("threshold", threshold, "distance", distance)
        words = _cache_values.prompt("prompt", self.prompt)
        hits: list[CacheHit] = yield functools.partial(
            self._cache._get, words, None, _EXACT, least, filter_text(filter), 1, True
        )
        return hits[0].response if hits else None

    def keeping(self, response: Any, vector: Optional[_Row]) -> Steps[_Text]:
        encoded = _cache_values.text("what make returned", response)
        row = self._vector if vector is None else vector
        yield functools.partial(self._keep, encoded, row)
        return _cache_values.readable(encoded)

    def _keep(self, response: bytes, vector: Any) -> None:
        try:
            self._cache._set(self.prompt, response, vector, *self._entry)
        except (UnavailableError, VecstoreIOError, OutOfMemoryError):
            if self._cache._fail_closed:
                raise


def encode_now(encoder: Optional[Callable[[list[str]], Any]], texts: list[str]) -> Any:
    answer = None if encoder is None else encoder(texts)
    if inspect.isawaitable(answer):
        if inspect.iscoroutine(answer):
            answer.close()
        raise TypeError("encoder: it is asynchronous: AsyncSemanticCache takes it")
    return answer


def found_hit(
    vector: Optional[_Row],
    now: float,
    id: str,
    tier: int,
    prompt: bytes,
    response: bytes,
    metadata: Optional[bytes],
    created: int,
    expires: int,
    similarity: float,
) -> CacheHit:
    return CacheHit(
        id,
        _cache_values.readable(prompt),
        _cache_values.readable(response),
        similarity,
        _json.decode(metadata) if metadata else {},
        _cache_values.moment(created),
        max(0.0, now - created / 1000),
        _cache_values.optional_moment(expires),
        _TIER_NAMES.get(tier, str(tier)),
        vector,
    )


def entry_id(name: str, value: Any) -> bytes:
    if isinstance(value, CacheHit):
        value = value.id
    return _json.ready_text(name, value, "an id or a CacheHit")
