# The semantic cache: responses by the prompts that got them, and by prompts that mean the same.
# SPDX-License-Identifier: Apache-2.0
"""The semantic cache."""

from __future__ import annotations

import datetime
import functools
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, Callable, Literal, Optional, TypeVar, Union, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arrays, _cache_values, _ffi, _ffi_cache, _steps
from ._cache_calls import Found, Maker, Opening, encode_now, entry_id, found_hit
from ._flights import Flights
from ._handles import Opened
from ._steps import Encode, Steps
from .caches import CacheHit, CacheStats, RedisOptions
from .errors import InvalidArgumentError
from .payload_filters import PayloadFilter, filter_text

__all__ = ["SemanticCache"]

_Self = TypeVar("_Self", bound="SemanticCache")
_Text = Union[str, bytes]
_Metadata = Union[Mapping[str, Any], str, bytes]
_Ttl = Union[float, datetime.timedelta]
_Row = NDArray[np.float32]
Encoder = Callable[[list[str]], ArrayLike]

_EXACT, _SEMANTIC = _ffi.CACHE_TIERS["exact"], _ffi.CACHE_TIERS["semantic"]


class SemanticCache(Opened):
    """Responses by the prompts that got them, found again for the same prompt, and for prompts that mean the same.

    Prompts mean the same where their vectors have a cosine similarity of at least a threshold. Entries live where the
    URL says. Each process has the vectors and prompts of all in an index of its own: a lookup that misses asks no
    server, a hit asks once.

    Parameters
    ----------
    url : str or os.PathLike, optional
        "memory:" = in this process, as long as the cache is open. A path = in a directory, durable, of one process at a
        time. "redis://", "rediss://" (TLS), "unix://" = in a Redis from version 5 on, shared by all that open the same
        namespace there. None = the Redis that the environment says (REDIS_URL, REDIS_HOST, ...).
    namespace : str
        Part of every key: 1 ... 128 bytes without spaces, braces and control characters.
    dim : int, optional
        Elements of a vector, 1 ... 65536. With an `encoder` it may be left out: one text is encoded to see.
    model : str, default ""
        The model that makes the vectors. Entries of another one are refused.
    similarity_threshold : float, default 0.85
        The least similarity of a hit, -1 ... 1. 0 is a value like others.
    distance_threshold : float, optional
        The same said as the largest distance, 1 - similarity, 0 ... 2. One of the two.
    ttl : float or timedelta, optional
        Seconds that entries live that do not say it, a millisecond or more; None: for ever.
    encoder : callable, optional
        Makes vectors of texts, where none are given: it is called with a list of `str` and returns an array of shape
        (n, dim), always, for one text too.
    max_entries : int, default 1000000
        Most entries, 1 ... 1073741823.
    max_bytes : int, optional
        Most bytes of memory that entries take; None: no bound.
    eviction : str, default "lru"
        Which entry goes where there are too many: "lru" = not used for the longest time, "lfu" = used the least, "cost"
        = whose uses save the least for its size, by the `cost` of entries.
    dtype : str or NumPy dtype, default "float32"
        How vectors are kept: "float32", or "float16", which takes half the memory.
    refresh_on_hit : bool, default False
        Whether a hit begins the ttl of its entry anew.
    guard : bool, default False
        Whether prompts whose numbers, negations or names differ are no semantic hits of each other.
    fail_closed : bool, default False
        True: lookups raise `UnavailableError` while the store does not answer. False: they go on from what this process
        has, and are misses where that is not enough.
    keep_responses : bool, default False
        Of Redis: responses are in the memory of this process too, and a hit asks nobody.
    queue_limit : int, default 10000
        Of Redis: changes that wait for it at most while it is away.
    log_length : int, default 10000
        Of Redis: about how many changes its stream keeps for other processes.
    one_per_prompt : bool, default False
        Whether an entry takes the place of the one with the same prompt, whatever its metadata: all processes of a namespace
        must say the same. Else other metadata make another entry.
    redis : RedisOptions, optional
        Time-outs, connections, TLS.

    Raises
    ------
    InvalidArgumentError, TypeError
        An option is not allowed, or the entries of the namespace have another dim or model.
    LockedError
        The directory is open already.
    UnavailableError
        Redis does not answer; with `fail_closed` alone. Otherwise the cache opens empty, and fills when it does.
    UnsupportedError, VecstoreIOError, CorruptError, NewerVersionError, OutOfMemoryError
        It cannot be opened.

    Notes
    -----
    *Texts.* Prompts and responses are strings, or any bytes. They come back as `str` where they are UTF-8.

    *Vectors.* Arrays of shape (dim,), or (n, dim) where there are several, of any norm but 0.

    *Metadata.* Dicts, or JSON text. Filters over them are those of a `Collection`: conditions made with `Field`, dicts
    in the words of Qdrant, JSON text. An entry is known by its prompt and its metadata: other metadata make another one.

    *Threads.* Any method may be called from any thread at any time, and the GIL is released meanwhile. What a call has
    written the next one finds; processes that share a Redis see it some milliseconds later.

    *Lifetime.* It is closed by `close`, at the end of a ``with`` block, or with the object. A child of `os.fork` cannot
    use a cache of its parent (`InvalidHandleError`): it opens it for itself.

    Examples
    --------
    >>> import numpy as np, vecstore
    >>> cache = vecstore.SemanticCache("memory:", namespace="support-bot", dim=3, similarity_threshold=0.85, ttl=3600)
    >>> id = cache.set("How do I reset my password?", "By mail.", vector=[1, 0, 0], metadata={"tenant": "a"})
    >>> hit = cache.get("I forgot my password", vector=[1, 0.1, 0])
    >>> hit.response, hit.tier, round(hit.similarity, 3)
    ('By mail.', 'semantic', 0.995)
    >>> cache.get("Where is my parcel?", vector=[0, 1, 0]) is None
    True
    """

    _noun = "cache"
    _namespace: str
    _place: str
    _dim: int
    _fail_closed: bool
    _encoder: Optional[Callable[[list[str]], Any]]
    _flights: Flights[_Text]

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
        encoder: Optional[Encoder] = None,
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
        plan = Opening(url, dim, settings, encoder)
        if plan.dim is None:
            plan.learn_dim(encode_now(encoder, plan.probe))
        self._begin(plan)

    @classmethod
    def _of(cls: type[_Self], plan: Opening) -> _Self:
        self = cls.__new__(cls)
        self._begin(plan)
        return self

    def _begin(self, plan: Opening) -> None:
        """Takes a handle over: from now on it is closed exactly once, by `close` or with this object."""
        self._begin_with(plan.open(), _ffi_cache.close, _ffi_cache.close_quietly)
        self._namespace = plan.settings.name_space.decode()
        self._place = _cache_values.place(plan.url)
        self._dim = plan.dim or 0
        self._fail_closed = plan.settings.fail_closed
        self._encoder = plan.encoder
        self._flights = Flights()

    def close(self) -> None:
        """Writes what waits for Redis, within the command time-out, and closes the cache.

        Later calls raise `InvalidHandleError`; closing twice does nothing. Calls that already run on other threads
        finish. In a child of `os.fork` it only closes this object.

        Raises
        ------
        UnavailableError, VecstoreIOError
            Changes could not be written and are lost. The cache is closed all the same.
        """
        super().close()

    def _run(self, steps: Steps[Any]) -> Any:
        return _steps.run(steps, functools.partial(encode_now, self._encoder))

    # ------------------------------------------------------------------------------------------------------------------
    # What it is
    # ------------------------------------------------------------------------------------------------------------------

    @property
    def namespace(self) -> str:
        """The namespace, as it was given."""
        return self._namespace

    @property
    def dim(self) -> int:
        """Elements of a vector."""
        return self._dim

    def __len__(self) -> int:
        return self.stats().entries

    def __repr__(self) -> str:
        state = ", closed" if self._handle == 0 else ""
        return f"<vecstore.SemanticCache {self._namespace!r} in {self._place}, dim {self._dim}{state}>"

    def stats(self) -> CacheStats:
        """What the cache has, and what was done through this object so far.

        Returns
        -------
        CacheStats
            With ``hit_rate``.
        """
        counts: dict[str, Any] = dict(_ffi_cache.stats(self._open_handle()))
        counts["last_error"] = _cache_values.optional_moment(counts["last_error"])
        return CacheStats(**counts)

    def metrics(self) -> str:
        """Numbers about the cache for Prometheus, in its text format. `vecstore.cache_metrics` has those of several.

        Returns
        -------
        str
            Version 0.0.4 of the format: ``text/plain; version=0.0.4``.
        """
        return _ffi_cache.metrics([self._open_handle()])

    def health(self) -> dict[str, Any]:
        """Whether the cache can do its work. Nobody is asked for it.

        Returns
        -------
        dict
            status : "ok", "degraded" (it works, but not as it should) or "failed". reasons : a list of dicts with
            "code", "status" and "message" for what is not as it should be.

        Notes
        -----
        Of a closed cache, and in the child of `os.fork`, it is "failed", where other methods raise.
        """
        if self._handle == 0:
            return self._closed_health()
        health: dict[str, Any] = json.loads(_ffi_cache.health(self._handle))
        return health

    # ------------------------------------------------------------------------------------------------------------------
    # Setting entries
    # ------------------------------------------------------------------------------------------------------------------

    def set(
        self,
        prompt: _Text,
        response: _Text,
        vector: Optional[ArrayLike] = None,
        metadata: Optional[_Metadata] = None,
        ttl: Optional[_Ttl] = None,
        cost: Optional[float] = None,
    ) -> str:
        """Sets an entry, in the place of the one with the same prompt and metadata.

        Parameters
        ----------
        prompt, response : str or bytes
            A prompt of up to 1 MiB, not empty; a response of up to 8 MiB.
        vector : array_like, shape (dim,), optional
            Of the prompt; by default the encoder makes it.
        metadata : dict or JSON text, optional
            Up to 64 KiB.
        ttl : float or timedelta, optional
            Seconds until its end; None: that of the cache; `vecstore.FOREVER`: it has none.
        cost : float, optional
            What it takes to make the response again, in any unit, for ``eviction="cost"``; by default 1.

        Returns
        -------
        str
            Its id.

        Raises
        ------
        InvalidArgumentError, NotFiniteError, ZeroVectorError, TooLargeError
            Something is not allowed.
        UnavailableError
            Redis is away, and as many changes wait for it as may.
        VecstoreIOError, OutOfMemoryError
            It could not be written.
        """
        id: str = self._run(self._setting(prompt, response, vector, metadata, ttl, cost))
        return id

    def set_many(
        self,
        prompts: Iterable[_Text],
        responses: Iterable[_Text],
        vectors: Optional[ArrayLike] = None,
        metadata: Union[_Metadata, Iterable[Optional[_Metadata]], None] = None,
        ttl: Union[_Ttl, Iterable[Optional[_Ttl]], None] = None,
        cost: Union[float, Iterable[Optional[float]], None] = None,
    ) -> list[str]:
        """Sets entries, as `set` does. All are checked before the first is written.

        Parameters
        ----------
        prompts, responses : list of str or bytes
            As many responses as prompts, up to 1048576.
        vectors : array_like, shape (n, dim), optional
            Of the prompts; by default the encoder makes them, in one call.
        metadata, ttl, cost
            As for `set`, one for all entries, or a list with one or None for each.

        Returns
        -------
        list of str
            Their ids. Of entries with the same prompt and metadata the last one counts.

        Raises
        ------
        InvalidArgumentError, NotFiniteError, ZeroVectorError, TooLargeError
            Something is not allowed; the message says which entry.
        UnavailableError, VecstoreIOError, OutOfMemoryError
            As for `set`.
        """
        ids: list[str] = self._run(self._setting_many(prompts, responses, vectors, metadata, ttl, cost))
        return ids

    def _setting(self, *entry: Any) -> Steps[str]:
        prompt, response, vector, metadata, ttl, cost = entry
        self._open_handle()
        if vector is None:
            vector = (yield from self._encoding("vector", [_cache_values.encodable("prompt", prompt)]))[0]
        id: str = yield functools.partial(self._set, prompt, response, vector, metadata, ttl, cost)
        return id

    def _setting_many(self, *columns: Any) -> Steps[list[str]]:
        prompts, responses, vectors, metadata, ttl, cost = columns
        self._open_handle()
        prompts = _cache_values.listed("prompts", prompts)
        responses = _cache_values.listed("responses", responses)
        if len(responses) != len(prompts):
            raise InvalidArgumentError(
                f"responses: expected {len(prompts)}, one for each prompt, got {len(responses)}"
            )
        if not prompts:
            return []
        if vectors is None:
            texts = [_cache_values.encodable(f"prompts[{i}]", prompt) for i, prompt in enumerate(prompts)]
            vectors = yield from self._encoding("vectors", texts)
        ids: list[str] = yield functools.partial(
            self._set_many, prompts, responses, vectors, metadata, ttl, cost
        )
        return ids

    def _set(self, prompt: Any, response: Any, vector: Any, metadata: Any, ttl: Any, cost: Any) -> str:
        entries = _ffi_cache.Entries(
            [_cache_values.prompt("prompt", prompt)],
            [_cache_values.text("response", response)],
            _cache_values.vector("vector", vector, self._dim)[None],
            None if metadata is None else [_cache_values.entry_metadata("metadata", metadata)],
            _cache_values.entry_ttl("ttl", ttl),
            _cache_values.entry_cost("cost", cost),
        )
        return _ffi_cache.set(self._open_handle(), entries)[0]

    def _set_many(
        self, prompts: Any, responses: Any, vectors: Any, metadata: Any, ttl: Any, cost: Any
    ) -> list[str]:
        count = len(prompts)
        entries = _ffi_cache.Entries(
            _cache_values.prompts(prompts),
            _cache_values.texts("responses", responses),
            _cache_values.vectors("vectors", vectors, self._dim, count),
            _cache_values.metadata(metadata, count),
            _cache_values.ttls(ttl, count),
            _cache_values.costs(cost, count),
        )
        return _ffi_cache.set(self._open_handle(), entries)

    def _encoding(self, name: str, texts: list[str]) -> Steps[_Row]:
        """The vectors of texts: shape (n, dim)."""
        if self._encoder is None:
            raise InvalidArgumentError(f"{name}: there is none, and the cache has no encoder to make it")
        rows = yield Encode(texts)
        return _cache_values.encoded(rows, self._dim, len(texts))

    # ------------------------------------------------------------------------------------------------------------------
    # Finding entries
    # ------------------------------------------------------------------------------------------------------------------

    @overload
    def get(
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
    def get(
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

    def get(
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
        """Looks for the entry with the same prompt, or else for the one whose vector is the nearest and near enough.

        Parameters
        ----------
        prompt : str or bytes, optional
            Without one nothing is found by it, and nothing guarded.
        vector : array_like, shape (dim,), optional
            Of the prompt. Without one the encoder makes it, unless there is an entry with the same prompt; without an
            encoder nothing is found by it.
        threshold : float, optional
            The least similarity of a hit, -1 ... 1; by default that of the cache. 0 is a value like others.
        distance : float, optional
            The same said as the largest distance, 0 ... 2. One of the two.
        filter : Condition, dict or JSON text, optional
            What the metadata of hits have to be like.
        k : int, default 1
            Most hits, up to 1000.
        tiers : str, default "both"
            How entries are found: "exact" = by the same prompt, "semantic" = by a vector, or "both".

        Returns
        -------
        CacheHit or None
            With k above 1 a list, best first, which may be empty.

        Raises
        ------
        InvalidArgumentError, NotFiniteError, ZeroVectorError
            Something is not allowed, or there is nothing to look for.
        UnavailableError, VecstoreIOError
            The store does not answer; with ``fail_closed`` alone.
        """
        found: Found = self._run(self._looking(prompt, vector, threshold, distance, filter, k, tiers))
        return found.best(k)

    def get_similar(
        self,
        prompt: Optional[_Text] = None,
        *,
        vector: Optional[ArrayLike] = None,
        k: int = 10,
        threshold: Optional[float] = None,
        distance: Optional[float] = None,
        filter: Optional[PayloadFilter] = None,
    ) -> list[CacheHit]:
        """The entries whose vectors are the nearest and near enough, nearest first.

        Parameters
        ----------
        prompt, vector, threshold, distance, filter
            As for `get`; a vector or an encoder is needed.
        k : int, default 10
            Most hits, up to 1000.

        Returns
        -------
        list of CacheHit
        """
        found: Found = self._run(self._looking(prompt, vector, threshold, distance, filter, k, "semantic"))
        return found.hits

    def _looking(
        self, prompt: Any, vector: Any, threshold: Any, distance: Any, filter: Any, k: Any, tiers: Any
    ) -> Steps[Found]:
        self._open_handle()
        words = None if prompt is None else _cache_values.prompt("prompt", prompt)
        row = None if vector is None else _cache_values.vector("vector", vector, self._dim)
        least = _cache_values.threshold("threshold", threshold, "distance", distance)
        wanted = filter_text(filter)
        count = _arrays.integer("k", k, 1, _ffi.CACHE_HITS_MOST)
        which = _cache_values.tiers(tiers)
        if row is None and prompt is not None and self._encoder is not None and which & _SEMANTIC:
            if which & _EXACT and count == 1:
                # An encoder takes longer than all else: there is no need for it where the prompt is known.
                hits = yield functools.partial(self._get, words, None, _EXACT, least, wanted, 1, True)
                if hits:
                    return Found(hits, None)
            row = (yield from self._encoding("vector", [_cache_values.encodable("prompt", prompt)]))[0]
        hits = yield functools.partial(self._get, words, row, which, least, wanted, count, False)
        return Found(hits, row)

    def _get(
        self,
        prompt: Optional[bytes],
        vector: Optional[_Row],
        tiers: int,
        threshold: Optional[float],
        filter: Optional[bytes],
        k: int,
        uncounted: bool,
    ) -> list[CacheHit]:
        make = functools.partial(found_hit, vector, time.time())
        return _ffi_cache.get(self._open_handle(), prompt, vector, tiers, threshold, filter, k, uncounted, make)

    # ------------------------------------------------------------------------------------------------------------------
    # Finding or making
    # ------------------------------------------------------------------------------------------------------------------

    def get_or_set(
        self,
        prompt: _Text,
        make: Callable[[Any], _Text],
        *,
        vector: Optional[ArrayLike] = None,
        metadata: Optional[_Metadata] = None,
        ttl: Optional[_Ttl] = None,
        cost: Optional[float] = None,
        threshold: Optional[float] = None,
        distance: Optional[float] = None,
        filter: Optional[PayloadFilter] = None,
    ) -> _Text:
        """The response to a prompt: of an entry, or else made, and set for the next one.

        Threads that want the response to the same prompt at once wait for the one that makes it. What `make` raises
        comes out of all their calls, and nothing is set.

        Parameters
        ----------
        prompt : str or bytes
        make : callable
            Is called with the prompt and returns the response.
        vector : array_like, shape (dim,), optional
            Of the prompt; by default the encoder makes it, once for both.
        metadata, ttl, cost
            What an entry that is set gets, as for `set`.
        threshold, distance, filter
            Which entries may answer, as for `get`. Metadata are no filter: where they tell tenants apart, give both.

        Returns
        -------
        str or bytes
            As hits have it.

        Notes
        -----
        A response that was made comes back although Redis or the disk would not take it, unless the cache fails closed:
        ``stats().store_errors`` counts that.
        """
        maker = Maker(self, prompt, make, vector, metadata, ttl, cost, threshold, distance, filter)
        found: Found = self._run(maker.looking())
        if found.hits:
            return found.hits[0].response
        return self._flights.run(maker.key, functools.partial(self._make, maker, found.vector))

    def _make(self, maker: Maker, vector: Optional[_Row]) -> _Text:
        known: Optional[_Text] = self._run(maker.known())
        if known is not None:
            return known
        response: _Text = self._run(maker.keeping(maker.make(maker.prompt), vector))
        return response

    def cached(
        self,
        *,
        metadata: Optional[_Metadata] = None,
        ttl: Optional[_Ttl] = None,
        cost: Optional[float] = None,
        threshold: Optional[float] = None,
        distance: Optional[float] = None,
        filter: Optional[PayloadFilter] = None,
    ) -> Callable[[Callable[[Any], _Text]], Callable[[Any], _Text]]:
        """A decorator for a function from a prompt to a response: it is called where no entry answers.

        Parameters
        ----------
        metadata, ttl, cost, threshold, distance, filter
            As for `get_or_set`. The cache needs an encoder.

        Examples
        --------
        >>> import numpy as np, vecstore
        >>> cache = vecstore.SemanticCache("memory:", namespace="n", encoder=lambda texts: np.ones((len(texts), 4)))
        >>> @cache.cached(ttl=3600)
        ... def answer(prompt):
        ...     print("made")
        ...     return prompt.upper()
        >>> answer("hello"), answer("hello")
        made
        ('HELLO', 'HELLO')
        """

        def decorate(make: Callable[[Any], _Text]) -> Callable[[Any], _Text]:
            @functools.wraps(make)
            def answer(prompt: Any) -> _Text:
                return self.get_or_set(
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

    # ------------------------------------------------------------------------------------------------------------------
    # Deleting, and saying what was wrong
    # ------------------------------------------------------------------------------------------------------------------

    def delete(self, ids: Union[str, CacheHit, Iterable[Union[str, CacheHit]]]) -> int:
        """Deletes entries; those that are not there are passed over.

        Parameters
        ----------
        ids : str, CacheHit, or iterable of these
            What `set` returned, or hits.

        Returns
        -------
        int
            How many this process knew.
        """
        listed = [ids] if isinstance(ids, (str, CacheHit)) else _cache_values.listed("ids", ids)
        return _ffi_cache.delete(self._open_handle(), [entry_id(f"ids[{i}]", id) for i, id in enumerate(listed)])

    def delete_where(self, filter: PayloadFilter, dry_run: bool = False) -> int:
        """Deletes the entries whose metadata match a filter.

        Parameters
        ----------
        filter : Condition, dict or JSON text
            {} matches all.
        dry_run : bool, default False
            True only counts them.

        Returns
        -------
        int
            How many there were.
        """
        if filter is None:
            raise TypeError("filter: expected a Condition, a dict, or JSON text, got None; {} matches all")
        return _ffi_cache.delete_where(self._open_handle(), filter_text(filter) or b"", bool(dry_run))

    def clear(self) -> int:
        """Deletes all entries of the namespace, for all processes.

        Returns
        -------
        int
            How many this process knew.
        """
        return _ffi_cache.clear(self._open_handle())

    def feedback(
        self, hit: Union[CacheHit, str], *, wrong: bool = True, vector: Optional[ArrayLike] = None
    ) -> None:
        """Says of a hit whether it was right, for all processes.

        A wrong one is passed over from then on by queries that are nearer to this one than to its entry. Where the
        query is not known, or has the vector of the entry itself, the entry is deleted. A right one takes back what was
        said of queries like this.

        Parameters
        ----------
        hit : CacheHit or str
            A hit remembers the vector that found it; an id does not.
        wrong : bool, default True
        vector : array_like, shape (dim,), optional
            Of the prompt that got the hit, in the place of the one that the hit remembers.

        Raises
        ------
        NotFoundError
            There is no such entry.
        """
        if vector is not None:
            row: Optional[_Row] = _cache_values.vector("vector", vector, self._dim)
        else:
            row = hit._vector if isinstance(hit, CacheHit) else None
        _ffi_cache.feedback(self._open_handle(), entry_id("hit", hit), row, bool(wrong))

    # ------------------------------------------------------------------------------------------------------------------
    # Upkeep
    # ------------------------------------------------------------------------------------------------------------------

    def flush(self, timeout: _Ttl = 5.0) -> None:
        """Waits until all changes of this object are in Redis, or in the directory.

        Parameters
        ----------
        timeout : float or timedelta, default 5
            Seconds that it waits at most, a millisecond or more.

        Raises
        ------
        UnavailableError
            Some still wait.
        """
        _ffi_cache.flush(self._open_handle(), _cache_values.milliseconds("timeout", timeout, 2**32 - 1))

    def optimize(self) -> None:
        """Brings all entries into the graph now, which is done in the background otherwise.

        Entries that wait for it are compared one by one, so that every lookup sees every entry.
        """
        _ffi_cache.optimize(self._open_handle())
