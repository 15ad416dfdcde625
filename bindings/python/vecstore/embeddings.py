# Vectors of texts that were encoded before, and vectors by keys.
# SPDX-License-Identifier: Apache-2.0
"""The embeddings cache and the vector cache: thin faces of the value cache and of the semantic cache."""

from __future__ import annotations

import datetime
from types import TracebackType
from typing import Any, NamedTuple, Optional, TypeVar, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _cache_values, _json
from ._cache_calls import encode_now
from .collection import Collection
from .errors import InvalidArgumentError
from .payload_filters import PayloadFilter
from .semantic_cache import Encoder, SemanticCache
from .values import ValueCache

__all__ = ["EmbeddingsCache", "SimilarVector", "VectorCache"]

_Self = TypeVar("_Self", bound="VectorCache")
_Key = Union[str, bytes]
_Ttl = Union[float, datetime.timedelta]
_ELEMENT = np.dtype("<f4")


class EmbeddingsCache:
    """An encoder that remembers: texts that it has encoded before, or another process has, are not encoded again.

    It is called like the encoder: with a list of texts, for an array of shape (n, dim). So it may be the `encoder` of a
    `SemanticCache`.

    Parameters
    ----------
    encoder : callable
        Is called with the list of those texts that are not known, each once.
    model : str
        The model that makes the vectors, not empty: vectors of another one are not taken for its own.
    cache : ValueCache
        Where vectors are kept, 4 bytes for an element. It stays the caller's to close.
    ttl : float or timedelta, optional
        Seconds that a vector is kept; None: as the cache says.

    Examples
    --------
    >>> import numpy as np, vecstore
    >>> def encode(texts):
    ...     print("encoding", texts)
    ...     return np.array([[len(text), 1] for text in texts])
    >>> cache = vecstore.ValueCache("memory:", namespace="embeddings")
    >>> remembering = vecstore.EmbeddingsCache(encode, "lengths", cache)
    >>> remembering(["a", "bb", "a"]).tolist()
    encoding ['a', 'bb']
    [[1.0, 1.0], [2.0, 1.0], [1.0, 1.0]]
    >>> remembering(["bb"]).tolist()
    [[2.0, 1.0]]
    """

    def __init__(self, encoder: Encoder, model: str, cache: ValueCache, *, ttl: Optional[_Ttl] = None) -> None:
        if not callable(encoder):
            raise TypeError(f"encoder: expected a callable, got {type(encoder).__name__}")
        if not isinstance(cache, ValueCache):
            raise TypeError(f"cache: expected a ValueCache, got {type(cache).__name__}")
        _cache_values.entry_ttl("ttl", ttl)
        self._prefix = _json.text("model", model) + b"\0"
        if len(self._prefix) == 1:
            raise InvalidArgumentError("model: expected the name of a model, got an empty one")
        self._encoder = encoder
        self._cache = cache
        self._ttl = ttl
        self._dim: Optional[int] = None

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        listed = [_cache_values.encodable(f"texts[{i}]", text) for i, text in enumerate(_cache_values.listed("texts", texts))]
        if not listed:
            raise InvalidArgumentError("texts: expected one or more")
        unique = list(dict.fromkeys(listed))
        keys = [self._prefix + _cache_values.text("texts", text) for text in unique]
        rows: dict[str, NDArray[np.float32]] = {}
        for text, value in zip(unique, self._cache.get_many(keys)):
            if value is not None and self._is_row(value):
                rows[text] = np.frombuffer(value, dtype=_ELEMENT).astype(np.float32)
        new = [text for text in unique if text not in rows]
        if new:
            made = self._encode(new)
            if any(len(row) != made.shape[1] for row in rows.values()):
                # Of another model that has the same name.
                new = unique
                made = self._encode(new)
            self._dim = made.shape[1]
            self._cache.set_many(
                [self._prefix + _cache_values.text("texts", text) for text in new],
                [row.astype(_ELEMENT).tobytes() for row in made],
                self._ttl,
            )
            rows.update(zip(new, made))
        return np.stack([rows[text] for text in listed])

    def _encode(self, texts: list[str]) -> NDArray[np.float32]:
        return _cache_values.encoded(encode_now(self._encoder, texts), None, len(texts))

    def _is_row(self, value: bytes) -> bool:
        elements, rest = divmod(len(value), _ELEMENT.itemsize)
        if rest or not elements:
            return False
        if self._dim is None:
            self._dim = elements
        return elements == self._dim


class SimilarVector(NamedTuple):
    """A vector that a search found.

    Attributes
    ----------
    key : str or bytes
    similarity : float
        Cosine similarity, -1 ... 1.
    metadata : dict
    """

    key: Union[str, bytes]
    similarity: float
    metadata: dict[str, Any]


class VectorCache:
    """Vectors by keys, with metadata and an end, found again by key or by vectors that are near.

    It is a `SemanticCache` whose prompts are the keys, and lives where that may live.

    Parameters
    ----------
    url : str or os.PathLike, optional
        As for `SemanticCache`.
    namespace : str
    dim : int
    source : Collection, optional
        Where all vectors are, by the same keys as ids, of one vector under cosine: then this keeps what was asked for, for a
        while (cache-aside). `get` asks the source for a key that is not here and keeps it, `store` and `delete` change both, and
        `search_similar` searches the source. What others change there is seen when the ttl here is over.
    **options
        All else that `SemanticCache` takes, such as ``ttl``.

    Examples
    --------
    >>> import vecstore
    >>> vectors = vecstore.VectorCache("memory:", namespace="docs", dim=2)
    >>> vectors.store("doc_123", [1, 0], metadata={"title": "Example"}, ttl=3600)
    >>> vectors.get("doc_123")
    {'title': 'Example'}
    >>> [(found.key, found.metadata) for found in vectors.search_similar([1, 0.1], limit=10)]
    [('doc_123', {'title': 'Example'})]
    """

    def __init__(
        self,
        url: Optional[Any] = None,
        *,
        namespace: str,
        dim: int,
        source: Optional[Collection] = None,
        **options: Any,
    ) -> None:
        self._source = source
        self._cache = SemanticCache(url, namespace=namespace, dim=dim, one_per_prompt=True, **options)

    @property
    def cache(self) -> SemanticCache:
        """The cache where they are, for all else: `SemanticCache.stats`, `SemanticCache.delete_where`."""
        return self._cache

    def store(
        self, key: _Key, vector: ArrayLike, metadata: Optional[Any] = None, ttl: Optional[_Ttl] = None
    ) -> None:
        """Sets the vector of a key, in the place of the one that it had.

        Parameters
        ----------
        key : str or bytes
        vector : array_like, shape (dim,)
        metadata : dict or JSON text, optional
        ttl : float or timedelta, optional
            Seconds until its end, as for `SemanticCache.set`. In the source it has none.
        """
        if self._source is not None:
            self._source.upsert([_id(key)], np.asarray(vector)[None], [metadata])
        self._cache.set(key, b"", vector, metadata, ttl)

    def get(self, key: _Key) -> Optional[dict[str, Any]]:
        """The metadata of a key, {} where it has none; None where there is no such key.

        Parameters
        ----------
        key : str or bytes
        """
        hit = self._cache.get(key, tiers="exact")
        if hit is not None:
            return hit.metadata
        point = None if self._source is None else self._source.get([_id(key)], with_vector=True)[0]
        if point is None:
            return None
        if point.vector is not None:
            self._cache.set(key, b"", point.vector, point.payload or None)
        return point.payload

    def search_similar(
        self,
        vector: ArrayLike,
        limit: int = 10,
        *,
        threshold: float = -1.0,
        filter: Optional[PayloadFilter] = None,
    ) -> list[SimilarVector]:
        """The nearest vectors, nearest first.

        Parameters
        ----------
        vector : array_like, shape (dim,)
        limit : int, default 10
            Most of them, up to 1000.
        threshold : float, default -1
            The least similarity, -1 ... 1.
        filter : Condition, dict or JSON text, optional
            What their metadata have to be like.

        Returns
        -------
        list of SimilarVector
        """
        if self._source is not None:
            points = self._source.search(vector, limit, threshold=threshold, filter=filter)
            return [SimilarVector(str(point.id), point.score, point.payload or {}) for point in points]
        hits = self._cache.get_similar(vector=vector, k=limit, threshold=threshold, filter=filter)
        return [SimilarVector(hit.prompt, hit.similarity, hit.metadata) for hit in hits]

    def delete(self, key: _Key) -> bool:
        """Deletes a key. Returns whether it was there.

        Parameters
        ----------
        key : str or bytes
        """
        hit = self._cache.get(key, tiers="exact")
        was_cached = hit is not None and self._cache.delete(hit) > 0
        if self._source is None:
            return was_cached
        return self._source.remove([_id(key)]) > 0

    def __len__(self) -> int:
        return len(self._cache)

    def close(self) -> None:
        """As `SemanticCache.close`."""
        self._cache.close()

    def __enter__(self: _Self) -> _Self:
        self._cache.__enter__()
        return self

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()


def _id(key: _Key) -> str:
    """A key as the id of a point."""
    try:
        return key if isinstance(key, str) else key.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(f"key: ids of a collection are UTF-8, {key!r} is not") from error
