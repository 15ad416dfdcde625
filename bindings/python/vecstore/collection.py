# The collection: points with ids, vectors and payloads, in a directory.
# SPDX-License-Identifier: Apache-2.0
"""The collection."""

from __future__ import annotations

import datetime
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Callable, NamedTuple, Optional, TypeVar, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arrays, _cache_values, _ffi, _ffi_collection, _ffi_hashes, _hashes, _json, _points, _rerank, _transfer
from . import _collection_options as _options
from ._handles import Opened
from .caches import RedisOptions
from .errors import InvalidArgumentError
from .payload_filters import PayloadFilter, filter_text
from .points import Compaction, Damage, Facet, Group, Hit, ImportResult, Point, found

__all__ = ["Collection"]

_Self = TypeVar("_Self", bound="Collection")
_Id = Union[int, str, uuid.UUID, np.integer[Any]]
_Ids = Union[_Id, NDArray[Any], Iterable[_Id]]
_Payload = Union[Mapping[str, Any], str, bytes, None]
_Ttl = Union[float, datetime.timedelta]
_Progress = Callable[[int, int], Any]
_Explain = Callable[[dict[str, Any]], Any]

_MOST_BYTES = 2**63 - 1


class _Vector(NamedTuple):
    """What calls have to know about a vector."""

    name: str
    dim: int
    dtype: str


class Collection(Opened):
    """Points in a directory: each with an id, one or more vectors, and a payload, which is a JSON object.

    Made by `create` and `open`. Writes are atomic and durable. Points are found by vectors, by words, and by filters
    over their payloads.

    Notes
    -----
    *Ids.* Integers from 0 to 2**64 - 2, or strings of at most 255 bytes; UUIDs are taken as strings. 7 and "7" are two
    ids. Where a method takes ids, it takes an array of integers, a list, any iterable, or one id. They come back as
    `int` and `str`.

    *Vectors.* Arrays of shape (n, dim), or (dim,) for one: float32, float16 and ``ml_dtypes.bfloat16`` as they are,
    anything else that is a real number as float32. NaN and infinity are refused, and so is a zero vector under cosine.

    *Payloads.* Dicts, or JSON text. Times with a time zone, dates and UUIDs become strings, NumPy numbers become
    numbers. What else JSON does not have, NaN too, is refused. Payloads that are read are parsed when they are first
    looked at.

    *Filters.* A condition made with `Field` and its like, a dict in the words of Qdrant, or such a dict as JSON text.
    Without an index of a field a filter looks at every payload; see `create_payload_index`.

    *Threads.* Any method may be called from any thread at any time, and the GIL is released meanwhile. Reads run beside
    each other and beside one writer; each sees the points of one moment. Writes take turns.

    *Processes.* One object writes at a time, of all processes; any number read beside it, with ``read_only=True``. A
    child of `os.fork` cannot use a collection of its parent (`InvalidHandleError`): it opens it for itself.

    *Lifetime.* It is closed by `close`, at the end of a ``with`` block, or with the object. A call that raises has
    changed nothing. What was written is safe without `close`.

    Examples
    --------
    >>> import os, tempfile, numpy as np, vecstore
    >>> path = os.path.join(tempfile.mkdtemp(), "points")
    >>> with vecstore.Collection.create(path, dim=3, metric="l2sq") as points:
    ...     points.upsert([1, "a"], np.eye(2, 3), [{"section": "net"}, {"section": "doc"}])
    ...     hits = points.search([1, 0, 0], 5, filter=vecstore.Field("section") == "net")
    >>> hits
    [Hit(id=1, distance=0, score=-0, payload={'section': 'net'})]
    """

    _noun = "collection"
    _again = "open its directory again, with read_only=True"
    _path: str
    _read_only: bool
    _uuid: str
    _vectors: dict[str, _Vector]
    _only: Optional[_Vector]

    def __init__(self) -> None:
        raise TypeError("Collection: use Collection.create or Collection.open")

    # ------------------------------------------------------------------------------------------------------------------
    # Beginning and end
    # ------------------------------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls: type[_Self],
        path: _ffi.Path,
        *,
        dim: Optional[int] = None,
        metric: str = "cosine",
        dtype: Any = "float32",
        kind: str = "auto",
        storage: Any = "auto",
        m: Optional[int] = None,
        ef_construction: Optional[int] = None,
        model: str = "",
        model_version: str = "",
        vectors: Optional[Mapping[str, Mapping[str, Any]]] = None,
        durability: str = "full",
        index_threads: int = 0,
        memory: str = "mapped",
        memory_budget: int = 0,
    ) -> _Self:
        """Makes a directory with an empty collection, whole or not at all, and opens it for writing.

        Parameters
        ----------
        path : str, bytes or os.PathLike
            Of a directory that does not exist, or is empty.
        dim : int
            Elements of a vector, 1 ... 65536. This and all up to `model_version` are stored.
        metric : str, default "cosine"
            "cosine", "l2sq" or "ip".
        dtype : str or NumPy dtype, default "float32"
            How vectors are stored: "float32", or "float16", which takes half the disk.
        kind : str, default "auto"
            How points are found. "flat" compares all of them. "hnsw" makes a graph from 2,000 points on, "auto" from
            10,000; below they are compared too.
        storage : str or NumPy dtype, default "auto"
            How a graph stores vectors: "auto", "float32", "float16", "bfloat16", "int8", "int4". Hits are ranked by the
            vectors of the collection in any case.
        m : int, optional
            Links of a point in a graph, 2 ... 256; by default 16.
        ef_construction : int, optional
            Points kept in view while links are chosen, 1 ... 1048576; by default 200.
        model, model_version : str, default ""
            The model that makes the vectors, for those who read it.
        vectors : dict of dict, optional
            In place of `dim` and the rest, for points with several vectors: ``{"title": {"dim": 384}, "body": {"dim":
            768, "metric": "l2sq"}}``, with the options above, 1 ... 64 of them.
        durability : str, default "full"
            When a write is safe: "full" = before the call returns, "normal" = soon after (a loss of power may take the
            last writes, whole ones), "none" = when the system gets to it (a loss of power may damage the collection).
        index_threads : int, default 0
            Threads that bring points into graphs in the background: 0 = the default of the library, at most 1024.
        memory : str, default "mapped"
            Where vectors and graphs lie. "mapped" = in mapped files, of which the system keeps what is used; "loaded" =
            all is read by `open`, graphs into memory of the process; "disk" = mapped, and a search lets go of what it
            has read.
        memory_budget : int, default 0
            Most bytes that the collection may ask for, as "memory" of `describe` counts them; 0 = no limit. Where it is
            reached caches and graphs give way, and then `upsert`, `update_vectors` and searches by words raise
            `OutOfMemoryError`. Memory for a call while it runs, pages of SQLite and maps of files do not count.

        Returns
        -------
        Collection

        Raises
        ------
        InvalidArgumentError, TypeError
            An option is not allowed.
        AlreadyExistsError
            There is something in the directory.
        MissingFileError, VecstoreIOError
            There is no such parent directory, or it cannot be written. Both are an `OSError`.
        """
        if vectors is None:
            settings = [
                _options.vector_settings(
                    "",
                    {
                        "dim": dim,
                        "metric": metric,
                        "dtype": dtype,
                        "kind": kind,
                        "storage": storage,
                        "m": m,
                        "ef_construction": ef_construction,
                        "model": model,
                        "model_version": model_version,
                    },
                )
            ]
        else:
            if not isinstance(vectors, Mapping):
                raise TypeError(f"vectors: expected a dict of dicts, got {type(vectors).__name__}")
            if dim is not None:
                raise InvalidArgumentError("dim is for one vector, vectors for several: give one of them")
            settings = [_options.vector_settings(name, options) for name, options in vectors.items()]
        durability = _arrays.one_of("durability", durability, _ffi.DURABILITIES)
        threads = _arrays.integer("index_threads", index_threads, 0, _ffi.THREADS_MAX)
        memory = _arrays.one_of("memory", memory, _ffi.MEMORIES)
        budget = _arrays.integer("memory_budget", memory_budget, 0, _MOST_BYTES)
        return cls._of(path, _ffi_collection.create(path, settings, durability, threads, memory, budget))

    @classmethod
    def open(
        cls: type[_Self],
        path: _ffi.Path,
        *,
        read_only: bool = False,
        durability: str = "full",
        index_threads: int = 0,
        memory: str = "mapped",
        memory_budget: int = 0,
    ) -> _Self:
        """Opens a collection. After a crash at any moment this needs nothing else: what was written is there.

        Parameters
        ----------
        path : str, bytes or os.PathLike
            Of its directory.
        read_only : bool, default False
            True takes no lock and needs no permission to write.
        durability, index_threads, memory, memory_budget
            As for `create`; none of them is stored.

        Returns
        -------
        Collection

        Raises
        ------
        MissingFileError
            There is no such collection. It is a `FileNotFoundError`.
        LockedError
            It is open for writing already, in this process or another one.
        VecstoreIOError, CorruptError, NewerVersionError, OutOfMemoryError
            It cannot be read.

        Notes
        -----
        O(points): some 5 ns for each where the last writer has closed or optimized it and nothing was written since,
        else some 100 ns.
        """
        durability = _arrays.one_of("durability", durability, _ffi.DURABILITIES)
        threads = _arrays.integer("index_threads", index_threads, 0, _ffi.THREADS_MAX)
        memory = _arrays.one_of("memory", memory, _ffi.MEMORIES)
        budget = _arrays.integer("memory_budget", memory_budget, 0, _MOST_BYTES)
        return cls._of(path, _ffi_collection.open(path, bool(read_only), durability, threads, memory, budget))

    @classmethod
    def _of(cls: type[_Self], path: _ffi.Path, handle: int) -> _Self:
        """Takes a handle over: from now on it is closed exactly once, by `close` or with this object."""
        self = cls.__new__(cls)
        # At the end of the process too: what was indexed is saved then.
        self._begin_with(handle, _ffi_collection.close, _ffi_collection.close_quietly)
        self._path = os.fsdecode(path)
        description = self.describe()
        self._read_only = description["read_only"]
        self._uuid = description["uuid"]
        made = [_Vector(vector["name"], vector["dim"], vector["dtype"]) for vector in description["vectors"]]
        self._vectors = {vector.name: vector for vector in made}
        self._only = made[0] if len(made) == 1 else None
        return self

    def close(self) -> None:
        """Saves what was indexed, and closes the collection.

        Later calls raise `InvalidHandleError`; closing twice does nothing. Calls that already run on other threads
        finish. In a child of `os.fork` it only closes this object.

        Raises
        ------
        VecstoreIOError
            The graph could not be saved: it is made again by the next one who opens the collection. No point is lost,
            and the collection is closed all the same.
        """
        super().close()

    # ------------------------------------------------------------------------------------------------------------------
    # What it is
    # ------------------------------------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The directory, as it was given."""
        return self._path

    @property
    def read_only(self) -> bool:
        """Whether it was opened for reading alone."""
        return self._read_only

    @property
    def uuid(self) -> str:
        """What the collection is known by, drawn when it was created. Copies have the same."""
        return self._uuid

    @property
    def vector_names(self) -> list[str]:
        """Names of the vectors that points have; "" is that of the only one where it has no name."""
        return list(self._vectors)

    def describe(self) -> dict[str, Any]:
        """What the collection is and costs.

        Returns
        -------
        dict
            count : points. uuid, revision : as of the property and the method. rows : places used, with those of points that are gone. waiting : places that graphs do not
            have yet, which are found by comparing them. read_only, durability, memory_mode, memory_budget : as it was
            opened. disk_bytes. memory_bytes, and memory : the same by what it is for. resident_bytes : of the files of
            "vectors" and "graphs", how much lies in the memory of this process. vectors : a list of dicts with all options, "count", "indexed" and "graph_bytes".
            payload_indexes : a list of dicts with "path", "type" and "tokenizer". index_error : "" or why the last work
            in the background failed.
        """
        description: dict[str, Any] = json.loads(_ffi_collection.describe(self._open_handle()))
        return description

    def health(self) -> dict[str, Any]:
        """Whether the collection can do its work. Some looks at files; nothing is read through.

        Returns
        -------
        dict
            status : "ok", "degraded" (it works, but something should be done) or "failed". reasons : a list of dicts
            with "code", "status" and "message" for what is not as it should be. Codes: "closed", "forked",
            "directory_gone", "lock_lost", "disk_full", "disk_nearly_full", "index_failing", "graph_damaged",
            "rows_nearly_used", "reader_old", "log_long"; others may come.

        Notes
        -----
        Of a closed collection, and in the child of `os.fork`, it is "failed", where other methods raise.
        """
        if self._handle == 0:
            return self._closed_health()
        health: dict[str, Any] = json.loads(_ffi_collection.health(self._handle))
        return health

    def metrics(self, name: Optional[str] = None) -> str:
        """Numbers about the collection for Prometheus, in its text format.

        Calls by operation and status since the collection was opened, how long they took, points, bytes on disk and in
        memory, filters that were known from before, and work in the background. `vecstore.metrics` has those of several
        collections in one text.

        Parameters
        ----------
        name : str, optional
            What stands for the collection in the label ``collection``; by default the last part of its path.

        Returns
        -------
        str
            Version 0.0.4 of the format: ``text/plain; version=0.0.4``.

        Raises
        ------
        VecstoreIOError
            The directory cannot be read.
        """
        return _ffi_collection.metrics([self._open_handle()], [_json.optional_text("name", name)])

    def __repr__(self) -> str:
        if self._handle == 0:
            return f"<vecstore.Collection {self._path!r}, closed>"
        each = (f"{name!r}: {vector.dim}" if name else str(vector.dim) for name, vector in self._vectors.items())
        return f"<vecstore.Collection {self._path!r}, dim {', '.join(each)}{', read-only' if self._read_only else ''}>"

    def __len__(self) -> int:
        return _ffi_collection.count(self._open_handle(), None)

    def _vector(self, name: Optional[str]) -> _Vector:
        """The vector that a caller means."""
        if name is None:
            if self._only is None:
                raise InvalidArgumentError(f"vector_name: expected one of {self._names}, got None")
            return self._only
        if not isinstance(name, str):
            raise TypeError(f"vector_name: expected a string, got {type(name).__name__}")
        vector = self._vectors.get(name)
        if vector is None:
            raise InvalidArgumentError(f"vector_name: expected one of {self._names}, got {name!r}")
        return vector

    @property
    def _names(self) -> str:
        return ", ".join(map(repr, self._vectors))

    # ------------------------------------------------------------------------------------------------------------------
    # Writing
    # ------------------------------------------------------------------------------------------------------------------

    def upsert(
        self,
        ids: _Ids,
        vectors: Union[ArrayLike, Mapping[str, Any]],
        payloads: Union[_Payload, Iterable[_Payload]] = None,
        *,
        ttl: Union[_Ttl, Iterable[Optional[_Ttl]], None] = None,
        expires: Union[datetime.datetime, Iterable[Optional[datetime.datetime]], None] = None,
    ) -> None:
        """Writes points: all of them or, where it raises, none. When it returns they are found by every search.

        A point whose id is there is replaced whole: a vector or payload that is not given is gone. Where an id comes
        twice, the last one counts.

        Parameters
        ----------
        ids : ids, shape (n,)
            At most 1,048,576.
        vectors : array_like, shape (n, dim), or dict of str to array_like
            By name where there are several. A list in which None stands for a vector that a point does not have is
            allowed; each point has at least one.
        payloads : iterable of dict, JSON text or None, optional
            One for each point, at most 16 MiB and 64 levels.
        ttl : seconds or timedelta, or an iterable of these and None, optional
            How long points are there, for all or for each; None is for ever.
        expires : datetime, or an iterable of datetime and None, optional
            When points end, for all or for each, instead of `ttl`; with a time zone.

        Raises
        ------
        TypeError
            Something has the wrong type; a payload has what JSON does not have.
        InvalidArgumentError
            A shape or a value is not allowed.
        NotFiniteError, ZeroVectorError
            NaN or infinity; a zero vector under cosine.
        TooLargeError
            More than the limits.
        ReadOnlyError, VecstoreIOError, OutOfMemoryError
            It cannot be written.
        """
        handle = self._open_handle()
        if isinstance(ids, Iterable) and not isinstance(ids, (str, np.ndarray, list, tuple, range)):
            ids = list(ids)
        points = _points.ids("ids", ids)
        _ffi_collection.upsert(
            handle,
            points,
            self._batch(vectors, points.count),
            _points.payloads(payloads, points.count, ids),
            _points.expires(ttl, expires, points.count),
        )

    def _batch(self, vectors: Any, count: int) -> list[_ffi_collection.Vectors]:
        if isinstance(vectors, Mapping):
            given = [(self._vector(name), rows) for name, rows in vectors.items()]
        elif self._only is None:
            raise InvalidArgumentError(f"vectors: expected a dict of arrays, by the names {self._names}")
        else:
            given = [(self._only, vectors)]
        return [_points.vectors(vector.name, rows, vector.dtype, vector.dim, count) for vector, rows in given]

    def update_vectors(self, ids: _Ids, vectors: Union[ArrayLike, Mapping[str, Any]]) -> None:
        """Gives points other vectors, all or none. Payloads, and vectors of other names, stay.

        Parameters
        ----------
        ids : ids, shape (n,)
            Points that are there.
        vectors : array_like, shape (n, dim), or dict of str to array_like
            As for `upsert`. None takes the vector of a point away; each keeps at least one.

        Raises
        ------
        NotFoundError
            One of the points is not there.
        TypeError, InvalidArgumentError, NotFiniteError, ZeroVectorError, TooLargeError
            As `upsert`.
        ReadOnlyError, VecstoreIOError, OutOfMemoryError
            It cannot be written.
        """
        handle = self._open_handle()
        points = _points.ids("ids", ids)
        _ffi_collection.update_vectors(handle, points, self._batch(vectors, points.count))

    def remove(self, ids: Optional[_Ids] = None, *, filter: Optional[PayloadFilter] = None) -> int:
        """Removes points: those with these ids, or those that match a filter.

        Parameters
        ----------
        ids : ids, shape (n,), optional
            Ids that are not there are passed over.
        filter : Condition, dict or JSON text, optional
            In place of ids. {} is all points.

        Returns
        -------
        int
            How many were removed.

        Raises
        ------
        InvalidArgumentError
            Neither ids nor a filter is given, or both are; or the filter is not right.
        ReadOnlyError, VecstoreIOError, OutOfMemoryError
            It cannot be written.
        """
        handle = self._open_handle()
        chosen, text = _selection(ids, filter)
        if text is not None:
            return _ffi_collection.remove_matching(handle, text)
        assert chosen is not None
        return _ffi_collection.remove(handle, chosen)

    def set_payload(
        self, payload: _Payload, ids: Optional[_Ids] = None, *, filter: Optional[PayloadFilter] = None
    ) -> int:
        """Gives points this payload in place of the one that they have. Vectors stay.

        Parameters
        ----------
        payload : dict, JSON text or None
            None takes the payload away.
        ids : ids, shape (n,), optional
            Which points; ids that are not there are passed over.
        filter : Condition, dict or JSON text, optional
            Which points, in place of ids.

        Returns
        -------
        int
            How many points there were.

        Raises
        ------
        InvalidArgumentError, TypeError, TooLargeError
            A payload or a filter is not right; neither ids nor a filter is given, or both are.
        ReadOnlyError, VecstoreIOError, OutOfMemoryError
            It cannot be written.
        """
        text = b"" if payload is None else _points.payload("payload", payload)
        return self._change_payload("set", text, ids, filter)

    def merge_payload(
        self, payload: _Payload, ids: Optional[_Ids] = None, *, filter: Optional[PayloadFilter] = None
    ) -> int:
        """Puts the members of a payload over those that points have; other members stay.

        Parameters
        ----------
        payload : dict or JSON text
            Its members, of the outermost level, replace those of the same key.
        ids, filter
            Which points, as for `set_payload`.

        Returns
        -------
        int
            How many points there were.

        Raises
        ------
        InvalidArgumentError, TypeError, TooLargeError, ReadOnlyError, VecstoreIOError, OutOfMemoryError
            As `set_payload`.
        """
        return self._change_payload("merge", _points.payload("payload", payload), ids, filter)

    def delete_payload_keys(
        self, keys: Union[str, Iterable[str]], ids: Optional[_Ids] = None, *, filter: Optional[PayloadFilter] = None
    ) -> int:
        """Takes members out of payloads.

        Parameters
        ----------
        keys : str or iterable of str
            Keys of the outermost level; those that are not there are passed over.
        ids, filter
            Which points, as for `set_payload`.

        Returns
        -------
        int
            How many points there were.

        Raises
        ------
        InvalidArgumentError, TypeError, TooLargeError, ReadOnlyError, VecstoreIOError, OutOfMemoryError
            As `set_payload`.
        """
        listed = [keys] if isinstance(keys, str) else list(keys)
        for i, key in enumerate(listed):
            if not isinstance(key, str):
                raise TypeError(f"keys[{i}]: expected a string, got {type(key).__name__}")
        return self._change_payload("delete_keys", _json.encode(listed), ids, filter)

    def _change_payload(
        self, change: str, text: bytes, ids: Optional[_Ids], filter: Optional[PayloadFilter]
    ) -> int:
        handle = self._open_handle()
        chosen, condition = _selection(ids, filter)
        return _ffi_collection.change_payload(handle, chosen, condition, change, text)

    def create_payload_index(self, path: str, type: str, *, tokenizer: Optional[str] = None) -> None:
        """Makes an index of a field, so that conditions on it need not look at payloads. Filters work without one too.

        Parameters
        ----------
        path : str
            As filters write it: "section", "a.b", "a[].b".
        type : str
            "keyword" (strings), "integer", "float" (any number), "bool", "datetime", "geo", or "text" (words). A field
            may have an index of each type.
        tokenizer : str, optional
            Of "text": "words" (lower case, without accents; the default), "stems" (the same without English endings),
            "trigrams" (every three characters).

        Raises
        ------
        InvalidArgumentError
            A name is not known, or the path is not right.
        AlreadyExistsError
            There is such an index.
        ReadOnlyError, VecstoreIOError, OutOfMemoryError
            It cannot be written.

        Notes
        -----
        O(points).
        """
        _ffi_collection.create_payload_index(
            self._open_handle(),
            _json.text("path", path),
            _json.text("type", type),
            _json.optional_text("tokenizer", tokenizer),
        )

    def drop_payload_index(self, path: str, type: Optional[str] = None) -> None:
        """Removes an index of a field.

        Parameters
        ----------
        path : str
            The field.
        type : str, optional
            The type of the index; by default all of the field.

        Raises
        ------
        NotFoundError
            There is no such index.
        InvalidArgumentError, ReadOnlyError, VecstoreIOError
            As `create_payload_index`.
        """
        _ffi_collection.drop_payload_index(
            self._open_handle(), _json.text("path", path), _json.optional_text("type", type)
        )

    def optimize(self, *, progress: Optional[_Progress] = None) -> None:
        """Brings all points into the graphs, takes out what was removed, and saves them.

        Searches and writes go on meanwhile. Ctrl-C ends it, and so does what `progress` raises; what was indexed stays.

        Parameters
        ----------
        progress : callable, optional
            Is called with how much is done and how much there is, on a thread of its own; False cancels.

        Raises
        ------
        CancelledError
            `progress` returned False.
        ReadOnlyError, VecstoreIOError, OutOfMemoryError
            It cannot be written.
        """
        handle = self._open_handle()
        _ffi_collection.optimize(handle, 0, _checked_progress(progress))

    def compact(self, *, progress: Optional[_Progress] = None) -> Compaction:
        """Gives back the disk of points that were removed or replaced.

        Vectors and graphs are written into new files without gaps, and the database is made as small as what is in it.
        Searches go on meanwhile, and so do writes while vectors are copied; then they wait for the database. Readers in
        other processes go on with what they show. It is done whole or not at all, whatever happens.

        Parameters
        ----------
        progress : callable, optional
            As for `optimize`; it is told of bytes of vectors, and can cancel until they are copied. Ctrl-C ends it too.

        Returns
        -------
        Compaction
            `bytes_before` and `bytes_after`: what the files took on the disk, and take now.

        Raises
        ------
        CancelledError
            `progress` returned False: the collection is as it was.
        ReadOnlyError, VecstoreIOError, CorruptError, OutOfMemoryError
            It cannot be written.

        Notes
        -----
        O(bytes). While it runs the disk has to hold one more copy of the vectors and graphs of the points that there
        are, and up to two of the database, besides one in the directory for temporary files of SQLite.
        """
        return Compaction(*_ffi_collection.compact(self._open_handle(), _checked_progress(progress)))

    def refresh(self) -> bool:
        """Sees what others have written since the collection was opened for reading, or refreshed last.

        One that is open for writing sees everything at once.

        Returns
        -------
        bool
            Whether there was anything new.

        Raises
        ------
        CorruptError, VecstoreIOError, OutOfMemoryError
            It cannot be read.

        Notes
        -----
        O(points) where there was, else O(1).
        """
        return _ffi_collection.refresh(self._open_handle())

    def revision(self) -> int:
        """A number that stands for the points that this object shows.

        It is the same in all objects and processes that show the same points, another one after every write, and another
        one when points have ended. One that has gone does not come again, not even where a snapshot takes the place of the
        collection. So results of searches hold as long as it stays; see `ResultCache`.

        Returns
        -------
        int
            0 ... 2**64 - 1. Numbers have no order.

        Raises
        ------
        VecstoreIOError, OutOfMemoryError
            It cannot be read.

        Notes
        -----
        O(1), some microseconds.
        """
        return _ffi_collection.revision(self._open_handle())

    def snapshot(self, path: _ffi.Path, *, progress: Optional[_Progress] = None) -> None:
        """Writes a copy of the collection as it is at one moment, while searches and writes go on.

        The copy is a collection of its own. It appears whole or not at all, and is on the disk when the call returns.

        Parameters
        ----------
        path : str, bytes or os.PathLike
            Of a directory that does not exist, or is empty.
        progress : callable, optional
            As for `optimize`; it is told of bytes of vectors. Ctrl-C ends it too.

        Raises
        ------
        AlreadyExistsError
            There is something in the directory.
        MissingFileError, VecstoreIOError, OutOfMemoryError
            It cannot be written.
        CancelledError
            `progress` returned False.

        Notes
        -----
        O(bytes).
        """
        _ffi_collection.snapshot(self._open_handle(), path, _checked_progress(progress))

    @staticmethod
    def restore(snapshot: _ffi.Path, path: _ffi.Path, *, progress: Optional[_Progress] = None) -> None:
        """Makes a collection from a snapshot, after checking all of it as `verify` does. `open` opens it.

        Parameters
        ----------
        snapshot : str, bytes or os.PathLike
            A directory that `snapshot` wrote.
        path : str, bytes or os.PathLike
            Of a directory that does not exist, or is empty.
        progress : callable, optional
            As for `snapshot`.

        Raises
        ------
        CorruptError
            The snapshot is damaged.
        AlreadyExistsError, MissingFileError, VecstoreIOError, OutOfMemoryError, CancelledError
            As `open` and `snapshot`.
        """
        _ffi_collection.restore(snapshot, path, _checked_progress(progress))

    def verify(self) -> None:
        """Checks the database, the checksum of every vector, counts, graphs and full text against each other.

        Graphs must have the points that there are, and the words of texts be those of the payloads. Writes wait
        meanwhile. O(bytes).

        Raises
        ------
        CorruptError
            With a message that says what is wrong.
        VecstoreIOError
            It cannot be read.
        """
        _ffi_collection.verify(self._open_handle())

    def repair(self, *, progress: Optional[_Progress] = None) -> list[Damage]:
        """Checks all that `verify` checks, and makes anew what is derived and damaged.

        That is: indexes of the database, the words of texts, graphs, and what is in memory. Searches go on meanwhile;
        writers wait for the checks. Points whose vectors or payload are not what was written stay as they are: they can
        be removed, written again, or taken from a snapshot.

        Parameters
        ----------
        progress : callable, optional
            As for `optimize`.

        Returns
        -------
        list of Damage
            What was damaged, and whether it is in order now; empty where nothing was. Of points the first 1000.

        Raises
        ------
        CorruptError
            The database itself is beyond repair.
        CancelledError, ReadOnlyError, VecstoreIOError, OutOfMemoryError
            As `optimize`.
        """
        report = json.loads(_ffi_collection.repair(self._open_handle(), _checked_progress(progress)))
        return [Damage(**damage) for damage in report]

    # ------------------------------------------------------------------------------------------------------------------
    # Files, and other sources
    # ------------------------------------------------------------------------------------------------------------------

    def import_points(
        self, points: Iterable[Any], *, batch_size: int = 1000, progress: Optional[_Progress] = None
    ) -> int:
        """Writes the points that an iterator gives, in batches. ``import_points(tqdm(points))`` shows how far it is.

        Parameters
        ----------
        points : iterable
            Of tuples ``(id, vector)``, ``(id, vector, payload)`` or ``(id, vector, payload, expires)``, of dicts with
            these keys, or of `Point`. A vector is an array, or a dict of arrays by name where points have several.
        batch_size : int, default 1000
            Points that are written at once, all or none: 1 ... 1048576.
        progress : callable, optional
            Is called after each batch with the points that are in and all that there are, as far as ``len`` knows;
            False cancels.

        Returns
        -------
        int
            How many points there were.

        Raises
        ------
        CancelledError
            `progress` returned False.
        TypeError, InvalidArgumentError
            An item is no point.
        NotFiniteError, ZeroVectorError, TooLargeError, ReadOnlyError, VecstoreIOError, OutOfMemoryError
            As `upsert`. The batches before are in; ``imported.points`` of the error says how many points that are.
        """
        self._open_handle()
        if not isinstance(points, Iterable) or isinstance(points, (str, bytes, Mapping)):
            raise TypeError(f"points: expected an iterable of points, got {type(points).__name__}")
        size = _arrays.integer("batch_size", batch_size, 1, _ffi.K_MAX)
        return _transfer.write(
            points,
            size,
            _checked_progress(progress),
            lambda batch: self.upsert(batch.ids, batch.vectors, batch.payloads, expires=batch.expires),
        )

    def import_file(
        self,
        path: _ffi.Path,
        *,
        vectors: Union[_ffi.Path, Mapping[str, _ffi.Path], None] = None,
        batch_size: int = 1000,
        start_line: int = 1,
        skip_bad: bool = False,
        first_id: Optional[int] = None,
        progress: Optional[_Progress] = None,
    ) -> ImportResult:
        """Writes the points that a file has, in batches: JSON Lines, a point a line.

        ``{"id": 7, "vector": [0.5, 1], "payload": {"section": "net"}, "expires": "2030-01-01T00:00:00Z"}``. "vector" is
        an object of arrays by name where points have several. "payload" and "expires" may be missing.

        Parameters
        ----------
        path : str, bytes or os.PathLike
            Of a regular file in UTF-8. Blank lines are passed over.
        vectors : path, or dict of str to path, optional
            Of files of NumPy (float32 or float16, two axes) with the vectors, which then do not stand in the lines: row
            i is that of the i-th line. By name where there are several. A row of NaN stands for no vector.
        batch_size : int, default 1000
            Points that are written at once, all or none: 1 ... 1048576.
        start_line : int, default 1
            Lines before are passed over: how an import goes on.
        skip_bad : bool, default False
            Whether lines that cannot be points are passed over and counted.
        first_id : int, optional
            Says that a line is a payload and nothing else: the first of the file has this id, each one more.
        progress : callable, optional
            Is called after each batch with bytes of the file that are done and all of them, on a thread of its own;
            False cancels. Ctrl-C does too.

        Returns
        -------
        ImportResult
            `points`, `skipped` and `next_line`.

        Raises
        ------
        InvalidArgumentError, NotFiniteError, ZeroVectorError, TooLargeError
            A line is wrong: the message has its number and the reason. All lines before are in.
        CancelledError
            `progress` returned False.
        MissingFileError, CorruptError, UnsupportedError, ReadOnlyError, VecstoreIOError, OutOfMemoryError
            A file cannot be read, is no such file, or the collection cannot be written. `imported` of each of these
            errors is the `ImportResult`; ``start_line=error.imported.next_line`` goes on.
        """
        handle = self._open_handle()
        done, failure = _ffi_collection.import_file(
            handle,
            path,
            _transfer.files(vectors, self._vectors),
            _arrays.integer("batch_size", batch_size, 1, _ffi.K_MAX),
            _arrays.integer("start_line", start_line, 1, 2**63 - 1),
            bool(skip_bad),
            None if first_id is None else _arrays.integer("first_id", first_id, 0, _ffi.ID_NONE - 1),
            _checked_progress(progress),
        )
        result = ImportResult(*done)
        if failure is not None:
            failure.imported = result
            raise failure
        return result

    def export(
        self,
        path: _ffi.Path,
        *,
        vectors: Union[_ffi.Path, Mapping[str, _ffi.Path], None] = None,
        filter: Optional[PayloadFilter] = None,
        progress: Optional[_Progress] = None,
    ) -> int:
        """Writes points to a file that `import_file` reads, those of one moment, while searches and writes go on.

        They come in the order in which they were written. Nothing of them is lost: numbers have as many digits as it
        takes, payloads are the text that was kept.

        Parameters
        ----------
        path : str, bytes or os.PathLike
            Of the lines. It appears whole or not at all, in place of a file that was there.
        vectors : path, or dict of str to path, optional
            Of files of NumPy for the vectors, which then do not stand in the lines, where they take more space and time.
            By name where there are several.
        filter : Condition, dict or JSON text, optional
            Which points; by default all.
        progress : callable, optional
            Is called with points that are done and all of them, on a thread of its own; False cancels. It must not use
            the collection. Ctrl-C cancels too.

        Returns
        -------
        int
            How many points there were.

        Raises
        ------
        TypeError, InvalidArgumentError
            The filter or a name is not right.
        MissingFileError, VecstoreIOError, OutOfMemoryError
            A file cannot be written.
        CancelledError
            `progress` returned False: no file was written.
        """
        handle = self._open_handle()
        return _ffi_collection.export_file(
            handle,
            path,
            _transfer.files(vectors, self._vectors),
            filter_text(filter),
            _checked_progress(progress),
        )

    # ------------------------------------------------------------------------------------------------------------------
    # Hashes in Redis
    # ------------------------------------------------------------------------------------------------------------------

    def import_redis(
        self,
        url: Optional[str] = None,
        *,
        prefix: str,
        pattern: Optional[str] = None,
        vector_fields: Optional[_hashes.VectorFields] = None,
        dtype: Any = "float32",
        payload_fields: Optional[Iterable[str]] = None,
        json_field: Optional[str] = None,
        values: str = "text",
        batch_size: int = 1000,
        skip_bad: bool = False,
        redis: Optional[RedisOptions] = None,
        progress: Optional[_Progress] = None,
    ) -> ImportResult:
        """Writes a point for each hash that lies in a Redis with its vector as a blob, as search modules have it.

        After ``redis.hset("doc:7", mapping={"embedding": row.tobytes(), "title": "..."})`` the point with the id 7 has
        the payload ``{"title": "..."}``. The id is the key without `prefix`: a number where it is one in plain digits,
        else a string. What is left of a key's time to live is the end of its point. The Redis needs no module.

        Parameters
        ----------
        url : str, optional
            "redis://", "rediss://" or "unix://"; None: the Redis that the environment says.
        prefix : str
            What keys begin with; "" is all keys.
        pattern : str, optional
            Of keys, as ``KEYS`` has them; by default all with the prefix.
        vector_fields : str, or dict of str to str, optional
            The field of the vector; of several, fields by the names of vectors. By default each is in the field of its
            name, and one without a name in "embedding". Vectors that are not named are left out.
        dtype : str or NumPy dtype, default "float32"
            Elements of the blobs, the least byte first: "float32", "float64", "float16" or "bfloat16".
        payload_fields : list of str, optional
            Fields that payloads have; by default all without a vector.
        json_field : str, optional
            A field with a JSON object, whose members become members of the payload.
        values : str, default "text"
            What values of fields become: "text" = strings; "numbers" = numbers where they read as one; "json" = what
            they read as, if they are JSON, else strings.
        batch_size : int, default 1000
            Points that are written at once, 1 ... 1048576.
        skip_bad : bool, default False
            Whether hashes that cannot be points are passed over and counted; the log has the first twenty.
        redis : RedisOptions, optional
            Time-outs, connections, TLS.
        progress : callable, optional
            Is called after each batch with keys that are done and all that the Redis has, on a thread of its own; False
            cancels. Ctrl-C does too.

        Returns
        -------
        ImportResult
            `points` and `skipped`.

        Raises
        ------
        InvalidArgumentError, NotFiniteError, ZeroVectorError, TooLargeError
            A hash is wrong: the message has its key and the reason. What came before is in. Or an argument is.
        UnavailableError, UnsupportedError
            The Redis does not answer; its user may not do it.
        CancelledError
            `progress` returned False.
        ReadOnlyError, VecstoreIOError, OutOfMemoryError
            It cannot be read, or written. `imported` of each of these errors is the `ImportResult`. Doing it again does
            no harm.
        """
        handle = self._open_handle()
        settings = _hashes.settings(
            _hashes.layout(prefix, vector_fields, dtype, json_field),
            pattern,
            batch_size,
            skip_bad,
            redis,
            _hashes.payload_fields(payload_fields),
            values,
        )
        place, tell = _cache_values.url(url), _checked_progress(progress)
        return _hashes.result(_ffi_hashes.import_points(handle, place, settings, tell))

    def export_redis(
        self,
        url: Optional[str] = None,
        *,
        prefix: str,
        vector_fields: Optional[_hashes.VectorFields] = None,
        dtype: Any = "float32",
        json_field: Optional[str] = None,
        filter: Optional[PayloadFilter] = None,
        redis: Optional[RedisOptions] = None,
        progress: Optional[_Progress] = None,
    ) -> int:
        """Writes a hash for each point that `import_redis` reads, those of one moment, while searches and writes go on.

        Each appears whole, in the place of the one that was there. Keys of points that are there no more stay.

        Parameters
        ----------
        url, prefix, vector_fields, dtype, redis
            As for `import_redis`.
        json_field : str, optional
            A field for the whole payload as JSON; by default each member has a field: strings as they are, all else as
            JSON.
        filter : Condition, dict or JSON text, optional
            Which points; by default all.
        progress : callable, optional
            Is called with points that are done and all of them, on a thread of its own; False cancels. It must not use
            the collection. Ctrl-C cancels too.

        Returns
        -------
        int
            How many points there were.

        Raises
        ------
        InvalidArgumentError, TypeError
            An argument or the filter is not right; a payload has a member with the name of a field of a vector; two ids
            have the same key; a key holds something else than a hash.
        TooLargeError
            An element is beyond `dtype`.
        UnavailableError, UnsupportedError, CancelledError, VecstoreIOError, OutOfMemoryError
            As `import_redis`. Some hashes may be written.
        """
        handle = self._open_handle()
        return _ffi_hashes.export_points(
            handle,
            _cache_values.url(url),
            _hashes.layout(prefix, vector_fields, dtype, json_field),
            filter_text(filter),
            _cache_values.optional_redis(redis),
            _checked_progress(progress),
        )

    # ------------------------------------------------------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------------------------------------------------------

    def count(self, filter: Optional[PayloadFilter] = None) -> int:
        """How many points there are, or match a filter.

        Parameters
        ----------
        filter : Condition, dict or JSON text, optional
            By default all points count.

        Returns
        -------
        int
        """
        return _ffi_collection.count(self._open_handle(), filter_text(filter))

    def get(self, ids: _Ids, *, with_vector: Union[bool, str] = False) -> list[Optional[Point]]:
        """Points by their ids.

        Parameters
        ----------
        ids : ids, shape (n,)
            One id gives a list of one.
        with_vector : bool or str, default False
            Whether to bring the vector along; of several the one of this name.

        Returns
        -------
        list of Point or None
            In the order of the ids; None where there is no such point.
        """
        handle = self._open_handle()
        return _ffi_collection.get(handle, _points.ids("ids", ids), self._brought(with_vector), found)

    def __contains__(self, id: object) -> bool:
        if not isinstance(id, (int, str, uuid.UUID, np.integer)) or isinstance(id, bool):
            raise TypeError(f"id: expected an integer, a string or a UUID, got {type(id).__name__}")
        if isinstance(id, (int, np.integer)) and not 0 <= int(id) < _ffi.ID_NONE:
            return False
        return self.get(id)[0] is not None

    def facet(self, path: str, limit: int = 10, *, filter: Optional[PayloadFilter] = None) -> list[Facet]:
        """The values of a field, and how many points have each.

        Parameters
        ----------
        path : str
            The field. Of an array each different element counts.
        limit : int, default 10
            The most values that are wanted, 1 ... 1048576.
        filter : Condition, dict or JSON text, optional
            Which points count; by default all.

        Returns
        -------
        list of Facet
            Each a `value` and a `count`, the most frequent first.

        Raises
        ------
        TypeError, InvalidArgumentError
            The path or the filter is not right.
        VecstoreIOError, OutOfMemoryError
            It cannot be read.
        """
        handle = self._open_handle()
        limit = _arrays.integer("limit", limit, 1, _ffi.K_MAX)
        found = _ffi_collection.facet(handle, _json.text("path", path), filter_text(filter), limit)
        return [Facet(_json.decode(value), count) for value, count in found]

    def distinct(
        self, path: str, *, filter: Optional[PayloadFilter] = None, limit: int = _ffi.K_MAX
    ) -> list[Any]:
        """The different values of a field: booleans, then numbers by their size, then strings by their code points.

        Parameters
        ----------
        path : str
            The field. Of an array each element counts.
        filter : Condition, dict or JSON text, optional
            Which points count; by default all.
        limit : int, default 1048576
            The most values that are wanted: the most frequent ones. `facet` tells how frequent they are.

        Returns
        -------
        list of str, int, float or bool

        Raises
        ------
        TypeError, InvalidArgumentError, VecstoreIOError, OutOfMemoryError
            As `facet`.
        """
        values = [facet.value for facet in self.facet(path, limit, filter=filter)]
        return sorted(values, key=lambda value: (isinstance(value, str), not isinstance(value, bool), value))

    def scroll(
        self,
        filter: Optional[PayloadFilter] = None,
        *,
        order_by: Optional[str] = None,
        descending: bool = False,
        start_from: Union[float, str, datetime.date, None] = None,
        after: Any = None,
        page_size: int = 1000,
        with_vector: Union[bool, str] = False,
    ) -> Iterator[Point]:
        """All points, or those that match a filter, in the order of their ids, or of the values of a field.

        Of ids numbers come first, then strings by their bytes.

        Parameters
        ----------
        filter : Condition, dict or JSON text, optional
            By default all points come.
        order_by : str, optional
            The path of a field with an index of type "integer", "float", "datetime" or "keyword". Numbers and times
            come by their size, strings by their bytes, points with the same value by their ids. Of several values of a
            point the one counts that comes first in the order. Points without a value that the index holds are left
            out.
        descending : bool, default False
            Whether the largest values come first. Ids ascend all the same.
        start_from : float, str, date or datetime, optional
            The first value, with `order_by`.
        after : Point, id, or pair of value and id, optional
            Begins behind a point: one that came before, or its id; with `order_by` its `order_value` and its id. It
            need not be there any more.
        page_size : int, default 1000
            Points that are read at a time, 1 ... 1048576.
        with_vector : bool or str, default False
            As for `get`.

        Returns
        -------
        iterator of Point
            Points that come or go meanwhile move no others: each that is there all the time, with the same value, comes
            exactly once.

        Raises
        ------
        TypeError, InvalidArgumentError
            An argument or the filter is not right; the field of `order_by` has no index with an order.
        VecstoreIOError, OutOfMemoryError
            It cannot be read.
        """
        self._open_handle()
        size = _arrays.integer("page_size", page_size, 1, _ffi.K_MAX)
        vector_name = self._brought(with_vector)
        text = filter_text(filter)
        if order_by is None:
            if descending or start_from is not None:
                raise InvalidArgumentError("descending and start_from go with order_by")
            return self._pages(text, size, vector_name, None if after is None else _points.last_id(after))
        order = (
            _json.text("order_by", order_by),
            bool(descending),
            None if start_from is None else _points.order_value("start_from", start_from),
        )
        return self._ordered_pages(order, text, size, vector_name, None if after is None else _points.last_place(after))

    def _pages(
        self, filter: Optional[bytes], size: int, vector_name: Optional[bytes], after: Optional[_ffi_collection.Ids]
    ) -> Iterator[Point]:
        while True:
            page = _ffi_collection.scroll(self._open_handle(), after, size, filter, vector_name, Point)
            yield from page
            if len(page) < size:
                return
            after = _points.ids("after", page[-1].id)

    def _ordered_pages(
        self,
        order: tuple[bytes, bool, Optional[bytes]],
        filter: Optional[bytes],
        size: int,
        vector_name: Optional[bytes],
        after: Optional[tuple[bytes, _ffi_collection.Ids]],
    ) -> Iterator[Point]:
        while True:
            page = _ffi_collection.scroll_ordered(
                self._open_handle(), *order, after, size, filter, vector_name, Point
            )
            yield from page
            if len(page) < size:
                return
            after = _points.last_place(page[-1])

    def _brought(self, with_vector: Union[bool, str]) -> Optional[bytes]:
        """The name of the vector to bring along, for the library."""
        if with_vector is False:
            return None
        return self._vector(None if with_vector is True else with_vector).name.encode()

    # ------------------------------------------------------------------------------------------------------------------
    # Searching
    # ------------------------------------------------------------------------------------------------------------------

    def _one_vector(self, vector: Any, meant: _Vector) -> tuple[NDArray[Any], str]:
        query, dtype = _arrays.vectors("vector", vector, meant.dtype, meant.dim)
        if len(query) != 1:
            raise InvalidArgumentError(f"vector: expected one, got {len(query)}")
        return query, dtype

    def search(
        self,
        vector: ArrayLike,
        k: int = 10,
        *,
        filter: Optional[PayloadFilter] = None,
        ef_search: Optional[int] = None,
        target_recall: Optional[float] = None,
        exact: bool = False,
        with_payload: bool = True,
        with_vector: bool = False,
        vector_name: Optional[str] = None,
        offset: int = 0,
        max_distance: Optional[float] = None,
        threshold: Optional[float] = None,
        diversity: float = 0.0,
        candidates: Optional[int] = None,
        threads: int = 0,
        rerank: Optional[_rerank.Rerank] = None,
        rerank_candidates: Optional[int] = None,
        explain: Optional[_Explain] = None,
    ) -> Any:
        """The k nearest points.

        Parameters
        ----------
        vector : array_like, shape (dim,) or (nq, dim)
            One query, or many.
        k : int, default 10
            1 ... 1048576. May be larger than the number of points.
        filter : Condition, dict or JSON text, optional
            Which points may be hits. By default all.
        ef_search : int, optional
            Points that a walk over a graph keeps in view, 1 ... 1048576; by default 64. More find more and take longer.
        target_recall : float, optional
            In the place of `ef_search`: the share of the nearest points that is to be found, above 0, up to 1, which
            compares all. The least `ef_search` that reaches it for points of the graph is measured by the first search
            that asks, which takes as long as some hundred exact searches, and again when the graph has become a quarter
            larger or smaller.
        exact : bool, default False
            Compares all points.
        with_payload, with_vector : bool, default True and False
            What hits bring along. Without payloads a search is faster.
        vector_name : str, optional
            Which vector is compared, where points have several.
        offset : int, default 0
            Best hits that are left out.
        max_distance : float, optional
            Leaves out hits that are farther, in the units of the metric.
        threshold : float, optional
            Leaves out hits whose `score` is smaller.
        diversity : float, default 0
            Above 0, up to 1: of the nearest `candidates` those that differ from each other, the more the larger it is
            (maximal marginal relevance, Carbonell & Goldstein 1998).
        candidates : int, optional
            Of `diversity`, 1 ... 1048576; by default 100. At least k are.
        threads : int, default 0
            0 = the default of the library, 1 = only the calling thread, at most 1024.
        rerank : callable, optional
            Is called with a list of the best hits of each query, best first, and returns them in their new order,
            without those that it leaves out; or a number for each, the larger the better, which becomes its `score`.
            The best k of that are the result, after `offset`. What it raises comes out here.
        rerank_candidates : int, optional
            Hits that `rerank` gets, 1 ... 1048576; by default 100. At least k + offset are.
        explain : callable, optional
            Is called with what the search did, and why, as a dict; see `explain`.

        Returns
        -------
        list of Hit, or list of such lists
            For one query its hits, best first; for many a list for each. Fewer than k where there are no more.

        Raises
        ------
        TypeError, InvalidArgumentError
            An argument, or the filter, is not right; the message says where.
        NotFiniteError, ZeroVectorError, TooLargeError
            NaN or infinity; a zero vector under cosine; squares that sum up to more than 2**125.
        VecstoreIOError, OutOfMemoryError
            It cannot be read.
        """
        handle = self._handle or self._open_handle()
        reranking = None
        if rerank is not None or rerank_candidates is not None:
            reranking = _rerank.reranking(rerank, rerank_candidates, k, offset)
            if reranking is not None:
                k, offset = reranking.count, 0
        meant = self._only if vector_name is None and self._only is not None else self._vector(vector_name)
        queries, dtype = _arrays.vectors("vector", vector, meant.dtype, meant.dim)
        # One vector has one axis; the usual array is known without looking at what is in it.
        is_one = vector.ndim == 1 if type(vector) is np.ndarray else np.ndim(vector) == 1
        if (
            with_payload is True
            and ef_search is None
            and with_vector is False
            and exact is False
            and offset == 0
            and max_distance is None
            and threshold is None
            and diversity == 0
            and candidates is None
            and threads == 0
            and explain is None
            and target_recall is None
            and vector_name is None
        ):
            settings = _ffi_collection.DEFAULT_SETTINGS
        else:
            settings = _options.query_settings(
                threads,
                meant.name.encode(),
                offset,
                ef_search,
                exact,
                with_payload,
                with_vector,
                max_distance,
                diversity,
                candidates,
                threshold,
                explain is not None,
                target_recall,
            )
        count = k if type(k) is int and 0 < k <= _ffi.K_MAX else _arrays.results_count(k)
        text = None if filter is None else filter_text(filter)
        hits = _ffi_collection.search(handle, queries, dtype, count, settings, text, Hit, _options.explanation(explain))
        if reranking is not None:
            hits = [reranking.order(found) for found in hits]
        return hits[0] if is_one and len(queries) == 1 else hits

    def search_groups(
        self,
        vector: ArrayLike,
        group_by: str,
        groups: int = 10,
        group_size: int = 3,
        *,
        filter: Optional[PayloadFilter] = None,
        ef_search: Optional[int] = None,
        target_recall: Optional[float] = None,
        exact: bool = False,
        with_payload: bool = True,
        with_vector: bool = False,
        vector_name: Optional[str] = None,
        max_distance: Optional[float] = None,
        threshold: Optional[float] = None,
        threads: int = 0,
        explain: Optional[_Explain] = None,
    ) -> list[Group]:
        """The nearest points by the values of a field: of the nearest values the nearest points each.

        Parameters
        ----------
        vector : array_like, shape (dim,)
            As for `search`; one.
        group_by : str
            The field. A point whose field is an array is in a group for each element, one without the field is in none.
        groups : int, default 10
            The most values that are wanted.
        group_size : int, default 3
            The most points of each; ``groups * group_size`` is at most 1048576.
        filter, ef_search, target_recall, exact, with_payload, with_vector, vector_name, max_distance, threshold,
        threads, explain
            As for `search`.

        Returns
        -------
        list of Group
            Each a `value` and its `hits`; groups and hits best first.

        Raises
        ------
        TypeError, InvalidArgumentError, NotFiniteError, ZeroVectorError, TooLargeError, VecstoreIOError,
        OutOfMemoryError
            As `search`.
        """
        handle = self._open_handle()
        meant = self._vector(vector_name)
        query, dtype = self._one_vector(vector, meant)
        settings = _options.query_settings(
            threads,
            meant.name.encode(),
            0,
            ef_search,
            exact,
            with_payload,
            with_vector,
            max_distance,
            threshold=threshold,
            explain=explain is not None,
            target_recall=target_recall,
        )
        found = _ffi_collection.search_groups(
            handle,
            query,
            dtype,
            _json.text("group_by", group_by),
            _arrays.integer("groups", groups, 1, _ffi.K_MAX),
            _arrays.integer("group_size", group_size, 1, _ffi.K_MAX),
            settings,
            filter_text(filter),
            Hit,
            _options.explanation(explain),
        )
        return [Group(_json.decode(value), hits) for value, hits in found]

    def recommend(
        self,
        positive: _Ids,
        negative: _Ids = (),
        k: int = 10,
        *,
        filter: Optional[PayloadFilter] = None,
        ef_search: Optional[int] = None,
        target_recall: Optional[float] = None,
        exact: bool = False,
        with_payload: bool = True,
        with_vector: bool = False,
        vector_name: Optional[str] = None,
        offset: int = 0,
        max_distance: Optional[float] = None,
        threshold: Optional[float] = None,
        diversity: float = 0.0,
        candidates: Optional[int] = None,
        threads: int = 0,
        explain: Optional[_Explain] = None,
    ) -> list[Hit]:
        """The points that are like some points, and unlike others.

        They are those nearest to twice the mean of the vectors of the first less the mean of those of the others, or to
        the mean of the first where there are no others; under cosine means of directions.

        Parameters
        ----------
        positive : ids
            What hits are to be like; one or more.
        negative : ids, optional
            What they are to be unlike.
        k : int, default 10
            1 ... 1048576.
        filter, ef_search, target_recall, exact, with_payload, with_vector, vector_name, offset, max_distance,
        threshold, diversity, candidates, threads, explain
            As for `search`.

        Returns
        -------
        list of Hit
            Best first. The points that are named are not among them.

        Raises
        ------
        NotFoundError
            One of the points is not there, or has no such vector.
        TypeError, InvalidArgumentError, ZeroVectorError, TooLargeError, VecstoreIOError, OutOfMemoryError
            As `search`.
        """
        handle = self._open_handle()
        settings = _options.query_settings(
            threads,
            self._vector(vector_name).name.encode(),
            offset,
            ef_search,
            exact,
            with_payload,
            with_vector,
            max_distance,
            diversity,
            candidates,
            threshold,
            explain is not None,
            target_recall,
        )
        return _ffi_collection.recommend(
            handle,
            _points.ids("positive", positive),
            _points.ids("negative", negative),
            _arrays.results_count(k),
            settings,
            filter_text(filter),
            Hit,
            _options.explanation(explain),
        )

    def search_text(
        self,
        text: str,
        k: int = 10,
        *,
        fields: Optional[_options.Fields] = None,
        mode: str = "any",
        filter: Optional[PayloadFilter] = None,
        with_payload: bool = True,
        offset: int = 0,
        threshold: Optional[float] = None,
        rerank: Optional[_rerank.Rerank] = None,
        rerank_candidates: Optional[int] = None,
        explain: Optional[_Explain] = None,
    ) -> list[Hit]:
        """The points whose texts have words of `text`, ranked by BM25 (k1 = 1.2, b = 0.75), summed over the fields.

        Parameters
        ----------
        text : str
            Words are all that counts in it: no sign has a meaning.
        k : int, default 10
            1 ... 1048576.
        fields : str, list of str, or dict of str to float, optional
            Paths that have an index of type "text", or what the BM25 of each is multiplied by; by default all that have
            one.
        mode : str, default "any"
            "any" = texts with one of the words, or more; "all" = with all words; "phrase" = with the words one after
            the other; "prefix" = with all words, the last of which may be the beginning of one.
        filter, with_payload, offset, threshold, rerank, rerank_candidates, explain
            As for `search`; the threshold is one of BM25.

        Returns
        -------
        list of Hit
            Best first; the larger `score`, the better. They have no distance.

        Raises
        ------
        TypeError, InvalidArgumentError
            An argument, or the filter, is not right; a field has no index of type "text".
        VecstoreIOError, OutOfMemoryError
            It cannot be read.
        """
        handle = self._open_handle()
        reranking = _rerank.reranking(rerank, rerank_candidates, k, offset)
        if reranking is not None:
            k, offset = reranking.count, 0
        settings = _options.query_settings(
            0,
            b"",
            offset,
            None,
            False,
            with_payload,
            False,
            None,
            threshold=threshold,
            explain=explain is not None,
        )
        hits = _ffi_collection.search_text(
            handle,
            _json.text("text", text),
            _arrays.results_count(k),
            settings,
            filter_text(filter),
            _options.text_settings(fields, mode),
            Hit,
            _options.explanation(explain),
        )
        return hits if reranking is None else reranking.order(hits)

    def search_hybrid(
        self,
        vector: ArrayLike,
        text: str,
        k: int = 10,
        *,
        fusion: str = "rrf",
        vector_weight: float = 1.0,
        text_weight: float = 1.0,
        candidates: int = 100,
        fields: Optional[_options.Fields] = None,
        mode: str = "any",
        filter: Optional[PayloadFilter] = None,
        ef_search: Optional[int] = None,
        target_recall: Optional[float] = None,
        exact: bool = False,
        with_payload: bool = True,
        with_vector: bool = False,
        vector_name: Optional[str] = None,
        offset: int = 0,
        max_distance: Optional[float] = None,
        threshold: Optional[float] = None,
        threads: int = 0,
        rerank: Optional[_rerank.Rerank] = None,
        rerank_candidates: Optional[int] = None,
        explain: Optional[_Explain] = None,
    ) -> list[Hit]:
        """The best points by a vector and by words together.

        Parameters
        ----------
        vector : array_like, shape (dim,)
            As for `search`; one.
        text : str
            As for `search_text`.
        k : int, default 10
            1 ... 1048576.
        fusion : str, default "rrf"
            How the hits of both searches become one list. "rrf" = by their ranks, the sum of weight / (60 + rank);
            "weighted" = by scores, those of each search scaled to 0 ... 1; "dbsf" = by scores, scaled by mean and
            standard deviation.
        vector_weight, text_weight : float, default 1
            What each search counts, 0 or more.
        candidates : int, default 100
            Hits of each search that are fused, 1 ... 1048576; at least k are.
        fields, mode
            As for `search_text`.
        max_distance : float, optional
            Points that are farther than this are found by their words alone.
        filter, ef_search, target_recall, exact, with_payload, with_vector, vector_name, offset, threshold, threads,
        rerank, rerank_candidates, explain
            As for `search`; the threshold is one of the scores that the fusion makes.

        Returns
        -------
        list of Hit
            Best first; the larger `score`, the better. `distance` is None of hits that were found by words alone.

        Raises
        ------
        TypeError, InvalidArgumentError, NotFiniteError, ZeroVectorError, TooLargeError, VecstoreIOError,
        OutOfMemoryError
            As `search` and `search_text`.
        """
        handle = self._open_handle()
        reranking = _rerank.reranking(rerank, rerank_candidates, k, offset)
        if reranking is not None:
            k, offset = reranking.count, 0
        meant = self._vector(vector_name)
        query, dtype = self._one_vector(vector, meant)
        settings = _options.query_settings(
            threads,
            meant.name.encode(),
            offset,
            ef_search,
            exact,
            with_payload,
            with_vector,
            max_distance,
            threshold=threshold,
            explain=explain is not None,
            target_recall=target_recall,
        )
        hits = _ffi_collection.search_hybrid(
            handle,
            query,
            dtype,
            _json.text("text", text),
            _arrays.results_count(k),
            settings,
            filter_text(filter),
            _options.text_settings(fields, mode),
            _arrays.one_of("fusion", fusion, _ffi.FUSIONS),
            _options.weight("vector_weight", vector_weight),
            _options.weight("text_weight", text_weight),
            _arrays.integer("candidates", candidates, 1, _ffi.K_MAX),
            Hit,
            _options.explanation(explain),
        )
        return hits if reranking is None else reranking.order(hits)

    def explain(
        self,
        vector: Optional[ArrayLike] = None,
        k: int = 10,
        *,
        text: Optional[str] = None,
        group_by: Optional[str] = None,
        positive: Optional[_Ids] = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Runs a search, and tells what it did and why.

        Parameters
        ----------
        vector : array_like, optional
            Of `search`, or with `text` of `search_hybrid`, or with `group_by` of `search_groups`.
        k : int, default 10
            Of the search; of `search_groups` it is ``groups``.
        text : str, optional
            Of `search_text`, or with `vector` of `search_hybrid`.
        group_by : str, optional
            Of `search_groups`.
        positive : ids, optional
            Of `recommend`, which has no `vector`.
        **options
            All that the search takes.

        Returns
        -------
        dict
            "points", "hits"; "filter": what answered each condition, how many points match, how many payloads were
            read; "target_recall": what it came to; "vector": whether a graph was walked over or rows were compared, how
            many, and why; "text", "fusion", "diversity", "groups"; "milliseconds" of each part. What there was not is
            None. `libvecstore.h` lists the keys.

        Raises
        ------
        TypeError, InvalidArgumentError
            It is not said what to search for, or an option is not one of that search.
        """
        if (vector is None and text is None) == (positive is None):
            raise InvalidArgumentError("expected a vector, a text, or both; or positive, without them")
        if group_by is not None and (vector is None or text is not None):
            raise InvalidArgumentError("group_by goes with a vector alone")
        told: list[dict[str, Any]] = []
        options["explain"] = told.append
        if positive is not None:
            self.recommend(positive, k=k, **options)
        elif vector is None:
            self.search_text(text or "", k, **options)
        elif text is not None:
            self.search_hybrid(vector, text, k, **options)
        elif group_by is not None:
            self.search_groups(vector, group_by, k, **options)
        else:
            self.search(vector, k, **options)
        return told[0]


def _checked_progress(progress: Optional[_Progress]) -> Optional[_Progress]:
    if progress is not None and not callable(progress):
        raise TypeError(f"progress: expected a callable, got {type(progress).__name__}")
    return progress


def _selection(
    ids: Optional[_Ids], filter: Optional[PayloadFilter]
) -> tuple[Optional[_ffi_collection.Ids], Optional[bytes]]:
    """Which points a change is about: one of the two."""
    if (ids is None) == (filter is None):
        raise InvalidArgumentError(f"expected ids or a filter, got {'neither' if ids is None else 'both'}")
    return (None if ids is None else _points.ids("ids", ids)), filter_text(filter)
