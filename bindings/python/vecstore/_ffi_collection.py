# The functions of the C library about collections, as Python calls them.
# SPDX-License-Identifier: Apache-2.0
"""Wraps the functions of collections, one by one, as `_ffi` does for those of indexes.

What comes in is checked already, see `_points`; text is bytes of UTF-8 without a zero.
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Iterable, Sequence
from ctypes import byref, c_bool, c_char_p, c_float, c_int64, c_size_t, c_uint64, c_void_p
from itertools import repeat
from typing import Any, Callable, NamedTuple, Optional, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import _ffi
from ._ffi import (
    DTYPES,
    BatchVectors,
    CollectionOptions,
    HitsView,
    HybridOptions,
    IdStruct,
    OrderOptions,
    Path,
    QueryOptions,
    TextOptions,
    VectorOptions,
    WorkOptions,
    _check,
    _lib,
)
from .errors import Error

_Item = TypeVar("_Item")
# Is called with what a query did and why, as JSON; its settings ask for that.
Tell = Callable[[bytes], Any]

# ----------------------------------------------------------------------------------------------------------------------
# What goes in
# ----------------------------------------------------------------------------------------------------------------------


class Ids:
    """Ids as the library reads them: structs of a number and a string, which is kept here too."""

    __slots__ = ("_structs", "_texts", "count", "first", "struct")

    _structs: Any
    _texts: Any
    count: int
    first: Any
    struct: Any

    def __init__(self, numbers: NDArray[np.uint64], texts: Optional[Sequence[Optional[bytes]]] = None) -> None:
        self.count = len(numbers)
        # One more, so that there is an address where there are no ids.
        self._structs = np.zeros((self.count + 1, 2), dtype=np.uint64)
        self._structs[:-1, 0] = numbers
        self._texts = None
        if texts is not None and self.count:
            self._texts = (c_char_p * self.count)(*texts)
            self._structs[:-1, 1] = np.frombuffer(self._texts, dtype=np.uintp)
        self.struct = IdStruct.from_buffer(self._structs)
        self.first = byref(self.struct)

    @classmethod
    def one(cls, number: int, text: Optional[bytes]) -> Ids:
        """A single id, in a tenth of the time."""
        self = cls.__new__(cls)
        self.count = 1
        self.struct = IdStruct(number, text)
        self.first = byref(self.struct)
        return self


class Vectors(NamedTuple):
    """The vectors of one name for the points of a batch."""

    name: bytes
    rows: NDArray[Any]
    dtype: str
    present: Optional[NDArray[np.uint8]]


class VectorSettings(NamedTuple):
    """What is said about one vector of a collection that is made; 0 is the default of a number."""

    name: bytes
    dim: int
    metric: str
    dtype: str
    kind: str
    storage: str
    m: int
    ef_construction: int
    model: bytes
    model_version: bytes


class QuerySettings:
    """How a query is done, in the terms of the header. It never changes, so many searches may share it."""

    __slots__ = ("_struct", "plain")

    def __init__(
        self,
        threads: int = 0,
        vector_name: bytes = b"",
        offset: int = 0,
        ef_search: int = 0,
        exact: bool = False,
        with_payload: bool = True,
        with_vector: bool = False,
        max_distance: Optional[float] = None,
        diversity: float = 0.0,
        candidates: int = 0,
        threshold: Optional[float] = None,
        explain: bool = False,
        target_recall: float = 0.0,
    ) -> None:
        self._struct = QueryOptions(
            ctypes.sizeof(QueryOptions),
            threads,
            vector_name,
            None,
            offset,
            ef_search,
            exact,
            with_payload,
            with_vector,
            max_distance is not None,
            0.0 if max_distance is None else max_distance,
            diversity,
            candidates,
            threshold is not None,
            0.0 if threshold is None else threshold,
            explain,
            target_recall,
        )
        # Without a filter.
        self.plain = byref(self._struct)

    def filtered(self, filter: bytes) -> Any:
        options = QueryOptions.from_buffer_copy(self._struct)
        options.filter = filter
        return byref(options)


DEFAULT_SETTINGS = QuerySettings()


def _options_of(settings: QuerySettings, filter: Optional[bytes]) -> Any:
    return settings.plain if filter is None else settings.filtered(filter)


class TextSettings(NamedTuple):
    """How words are searched for; no fields are all fields."""

    mode: str
    fields: Optional[tuple[bytes, ...]] = None
    weights: Optional[tuple[float, ...]] = None

    def options(self) -> Any:
        options = TextOptions(ctypes.sizeof(TextOptions), _ffi.TEXT_MODES[self.mode])
        if self.fields is not None:
            options.n_fields = len(self.fields)
            options.fields = (c_char_p * len(self.fields))(*self.fields)
        if self.weights is not None:
            # The struct has the address alone; the array has to live as long.
            options.kept_weights = (c_float * len(self.weights))(*self.weights)
            options.weights = ctypes.addressof(options.kept_weights)
        return options


# ----------------------------------------------------------------------------------------------------------------------
# Beginning and end
# ----------------------------------------------------------------------------------------------------------------------


def create(
    path: Path, vectors: Sequence[VectorSettings], durability: str, index_threads: int, memory: str, memory_budget: int
) -> int:
    structs = (VectorOptions * len(vectors))(
        *(
            VectorOptions(
                ctypes.sizeof(VectorOptions),
                vector.dim,
                vector.name,
                _ffi.METRICS[vector.metric],
                DTYPES[vector.dtype],
                _ffi.KINDS[vector.kind],
                _ffi.STORAGES[vector.storage],
                vector.m,
                vector.ef_construction,
                vector.model,
                vector.model_version,
            )
            for vector in vectors
        )
    )
    options = _collection_options(False, durability, index_threads, memory, memory_budget)
    handle = c_void_p()
    status = _lib.vecstore_collection_create(
        _ffi._path_bytes(path), structs, len(vectors), byref(options), byref(handle)
    )
    _ffi._check_file(status, path)
    return handle.value or 0


def open(
    path: Path, read_only: bool, durability: str, index_threads: int, memory: str, memory_budget: int
) -> int:
    options = _collection_options(read_only, durability, index_threads, memory, memory_budget)
    handle = c_void_p()
    status = _lib.vecstore_collection_open(_ffi._path_bytes(path), byref(options), byref(handle))
    _ffi._check_file(status, path)
    return handle.value or 0


def _collection_options(
    read_only: bool, durability: str, index_threads: int, memory: str, memory_budget: int
) -> CollectionOptions:
    return CollectionOptions(
        struct_size=ctypes.sizeof(CollectionOptions),
        read_only=read_only,
        durability=_ffi.DURABILITIES[durability],
        index_threads=index_threads,
        memory=_ffi.MEMORIES[memory],
        memory_budget=memory_budget,
    )


def close(handle: int, owner: int) -> None:
    """A child of fork has nothing to close: the collection is that of its parent."""
    if os.getpid() == owner:
        _check(_lib.vecstore_collection_close(handle))


def close_quietly(handle: int, owner: int) -> None:
    """For collections that nobody closed: there is nobody whom an error would reach."""
    if os.getpid() == owner:
        _lib.vecstore_collection_close(handle)


# ----------------------------------------------------------------------------------------------------------------------
# Writing
# ----------------------------------------------------------------------------------------------------------------------


def upsert(
    handle: int,
    ids: Ids,
    vectors: Sequence[Vectors],
    payloads: Optional[Sequence[Optional[bytes]]],
    expires: Optional[NDArray[np.int64]],
) -> None:
    texts = None if payloads is None else (c_char_p * len(payloads))(*payloads)
    _check(
        _lib.vecstore_collection_upsert(
            handle, ids.first, ids.count, _batch(vectors), len(vectors), texts, _ffi._address(expires)
        )
    )


def update_vectors(handle: int, ids: Ids, vectors: Sequence[Vectors]) -> None:
    _check(
        _lib.vecstore_collection_update_vectors(handle, ids.first, ids.count, _batch(vectors), len(vectors))
    )


def _batch(vectors: Sequence[Vectors]) -> Any:
    """Structs that point to arrays of the caller; one more, so that there is an address where there are no vectors."""
    structs = (
        BatchVectors(vector.name, _ffi._number(vector.rows), DTYPES[vector.dtype], 0, _ffi._number(vector.present))
        for vector in vectors
    )
    return (BatchVectors * (len(vectors) + 1))(*structs)


def remove(handle: int, ids: Ids) -> int:
    removed = c_size_t()
    _check(_lib.vecstore_collection_remove(handle, ids.first, ids.count, byref(removed)))
    return removed.value


def remove_matching(handle: int, filter: bytes) -> int:
    removed = c_size_t()
    _check(_lib.vecstore_collection_remove_matching(handle, filter, byref(removed)))
    return removed.value


def change_payload(handle: int, ids: Optional[Ids], filter: Optional[bytes], change: str, json: bytes) -> int:
    changed = c_size_t()
    first, count = (None, 0) if ids is None else (ids.first, ids.count)
    _check(
        _lib.vecstore_collection_change_payload(
            handle, first, count, filter, _ffi.PAYLOAD_CHANGES[change], json, byref(changed)
        )
    )
    return changed.value


def create_payload_index(handle: int, path: bytes, type: bytes, tokenizer: Optional[bytes]) -> None:
    _check(_lib.vecstore_collection_create_payload_index(handle, path, type, tokenizer))


def drop_payload_index(handle: int, path: bytes, type: Optional[bytes]) -> None:
    _check(_lib.vecstore_collection_drop_payload_index(handle, path, type))


def optimize(handle: int, threads: int, tell: Optional[Callable[[int, int], Any]]) -> None:
    """Tells its progress, and what a signal handler raises (Ctrl-C) ends it."""
    _ffi._watched(
        lambda options: _lib.vecstore_collection_optimize(handle, options),
        lambda progress: WorkOptions(ctypes.sizeof(WorkOptions), threads, progress),
        tell,
    )


def compact(handle: int, tell: Optional[Callable[[int, int], Any]]) -> tuple[int, int]:
    """As `optimize`."""
    before, after = c_uint64(), c_uint64()
    _ffi._watched(
        lambda options: _lib.vecstore_collection_compact(handle, options, byref(before), byref(after)),
        lambda progress: WorkOptions(ctypes.sizeof(WorkOptions), 0, progress),
        tell,
    )
    return before.value, after.value


def refresh(handle: int) -> bool:
    changed = c_bool()
    _check(_lib.vecstore_collection_refresh(handle, byref(changed)))
    return changed.value


def revision(handle: int) -> int:
    number = c_uint64()
    _check(_lib.vecstore_collection_revision(handle, byref(number)))
    return number.value


def snapshot(handle: int, path: Path, tell: Optional[Callable[[int, int], Any]]) -> None:
    """As `optimize`."""
    target = _ffi._path_bytes(path)
    _watched_file(lambda options: _lib.vecstore_collection_snapshot(handle, target, options), path, tell)


def restore(snapshot: Path, path: Path, tell: Optional[Callable[[int, int], Any]]) -> None:
    """As `optimize`."""
    source, target = _ffi._path_bytes(snapshot), _ffi._path_bytes(path)
    _watched_file(lambda options: _lib.vecstore_collection_restore(source, target, options), path, tell)


def _work_options(progress: Any) -> ctypes.Structure:
    return WorkOptions(ctypes.sizeof(WorkOptions), 0, progress)


def _watched_file(
    call: Callable[[Any], int],
    path: Path,
    tell: Optional[Callable[[int, int], Any]],
    options_with: Callable[[Any], ctypes.Structure] = _work_options,
) -> None:
    try:
        _ffi._watched(call, options_with, tell)
    except Error as error:
        raise _ffi._file_failure(error, path) from None


# ----------------------------------------------------------------------------------------------------------------------
# Files
# ----------------------------------------------------------------------------------------------------------------------


class VectorFiles(NamedTuple):
    """Files of vectors by the names of the vectors."""

    files: Sequence[tuple[bytes, Path]] = ()

    def structs(self) -> Any:
        """One more, so that there is an address where there are no files."""
        return (_ffi.VectorFile * (len(self.files) + 1))(
            *(_ffi.VectorFile(name, _ffi._path_bytes(path)) for name, path in self.files)
        )


def import_file(
    handle: int,
    path: Path,
    files: VectorFiles,
    batch_size: int,
    start_line: int,
    skip_bad: bool,
    first_id: Optional[int],
    tell: Optional[Callable[[int, int], Any]],
) -> tuple[tuple[int, int, int], Optional[Error]]:
    """Points, lines that were passed over, the next line; and what it ended with, where that is an error.

    As `optimize`.
    """
    source, structs = _ffi._path_bytes(path), files.structs()
    result = _ffi.ImportResultStruct(ctypes.sizeof(_ffi.ImportResultStruct))
    failure: Optional[Error] = None
    try:
        _watched_file(
            lambda options: _lib.vecstore_collection_import(handle, source, options, byref(result)),
            path,
            tell,
            lambda progress: _ffi.ImportOptions(
                struct_size=ctypes.sizeof(_ffi.ImportOptions),
                batch_size=batch_size,
                vector_files=structs,
                n_vector_files=len(files.files),
                start_line=start_line,
                skip_bad=skip_bad,
                bare_payloads=first_id is not None,
                first_id=first_id or 0,
                progress=progress,
            ),
        )
    except Error as error:
        failure = error
    return (result.points, result.skipped, result.next_line), failure


def export_file(
    handle: int,
    path: Path,
    files: VectorFiles,
    filter: Optional[bytes],
    tell: Optional[Callable[[int, int], Any]],
) -> int:
    """As `optimize`. Returns how many points there were."""
    target, structs, points = _ffi._path_bytes(path), files.structs(), c_uint64()
    _watched_file(
        lambda options: _lib.vecstore_collection_export(handle, target, options, byref(points)),
        path,
        tell,
        lambda progress: _ffi.ExportOptions(
            struct_size=ctypes.sizeof(_ffi.ExportOptions),
            filter=filter,
            vector_files=structs,
            n_vector_files=len(files.files),
            progress=progress,
        ),
    )
    return points.value


# ----------------------------------------------------------------------------------------------------------------------
# Reading
# ----------------------------------------------------------------------------------------------------------------------


def count(handle: int, filter: Optional[bytes]) -> int:
    found = c_uint64()
    _check(_lib.vecstore_collection_count(handle, filter, byref(found)))
    return found.value


def verify(handle: int) -> None:
    _check(_lib.vecstore_collection_verify(handle))


def repair(handle: int, tell: Optional[Callable[[int, int], Any]]) -> str:
    """As `optimize`. Returns the report."""
    _ffi._watched(
        lambda options: _lib.vecstore_collection_repair(handle, options, None),
        lambda progress: WorkOptions(ctypes.sizeof(WorkOptions), 0, progress),
        tell,
    )
    return _ffi._text(functools.partial(_lib.vecstore_collection_repair_report, handle))


def describe(handle: int) -> str:
    return _ffi._text(functools.partial(_lib.vecstore_collection_describe, handle))


def health(handle: int) -> str:
    return _ffi._text(functools.partial(_lib.vecstore_collection_health, handle))


def metrics(handles: Sequence[int], names: Sequence[Optional[bytes]]) -> str:
    """Of some collections, in one text; None is the last part of a path."""
    count = len(handles)
    first, texts = (c_void_p * count)(*handles), (c_char_p * count)(*names)
    return _ffi._text(
        lambda buffer, size, needed: _lib.vecstore_collections_metrics(first, texts, count, buffer, size, needed)
    )


def get(handle: int, ids: Ids, vector_name: Optional[bytes], make: Callable[..., _Item]) -> list[_Item]:
    """`make` is called with id, payload (None: there is no such point), vector, end (0: none) and None."""
    hits = c_void_p()
    _check(_lib.vecstore_collection_get(handle, ids.first, ids.count, vector_name, byref(hits)))
    return _points(hits, make)


def scroll(
    handle: int,
    after: Optional[Ids],
    limit: int,
    filter: Optional[bytes],
    vector_name: Optional[bytes],
    make: Callable[..., _Item],
) -> list[_Item]:
    """As `get`."""
    hits = c_void_p()
    first = None if after is None else after.first
    _check(_lib.vecstore_collection_scroll(handle, first, limit, filter, vector_name, byref(hits)))
    return _points(hits, make)


def scroll_ordered(
    handle: int,
    order_by: bytes,
    descending: bool,
    start_from: Optional[bytes],
    after: Optional[tuple[bytes, Ids]],
    limit: int,
    filter: Optional[bytes],
    vector_name: Optional[bytes],
    make: Callable[..., _Item],
) -> list[_Item]:
    """As `get`; the last that `make` gets is the value, as JSON. `after` is the value and the id of the last one before."""
    order = OrderOptions(ctypes.sizeof(OrderOptions), descending, order_by, start_from)
    if after is not None:
        order.after_value = after[0]
        order.after = ctypes.pointer(after[1].struct)
    hits = c_void_p()
    _check(
        _lib.vecstore_collection_scroll_ordered(handle, byref(order), limit, filter, vector_name, byref(hits))
    )
    return _points(hits, make)


def search(
    handle: int,
    queries: NDArray[Any],
    dtype: str,
    k: int,
    settings: QuerySettings,
    filter: Optional[bytes],
    make: Callable[..., _Item],
    tell: Optional[Tell] = None,
) -> list[list[_Item]]:
    """A list for each query. `make` is called with id, distance, score, payload and vector of each hit."""
    hits = c_void_p()
    nq = len(queries)
    start: Any
    try:
        start = _ffi._start_of(queries)
    except (TypeError, ValueError):
        start = c_void_p(queries.ctypes.data)
    status = _search(
        c_void_p(handle),
        start,
        _ffi._CODES[dtype],
        _ffi._SIZES[nq] if nq < len(_ffi._SIZES) else c_size_t(nq),
        _ffi._SIZES[k] if k < len(_ffi._SIZES) else c_size_t(k),
        _options_of(settings, filter),
        byref(hits),
    )
    if status != 0:
        raise _ffi._failure(status)
    return _hits(hits, make, tell=tell)


def search_groups(
    handle: int,
    query: NDArray[Any],
    dtype: str,
    group_by: bytes,
    groups: int,
    group_size: int,
    settings: QuerySettings,
    filter: Optional[bytes],
    make: Callable[..., _Item],
    tell: Optional[Tell] = None,
) -> list[tuple[bytes, list[_Item]]]:
    """Each group with its value, as JSON."""
    hits = c_void_p()
    options = _options_of(settings, filter)
    _check(
        _lib.vecstore_collection_search_groups(
            handle, _ffi._address(query), DTYPES[dtype], group_by, groups, group_size, options, byref(hits)
        )
    )
    try:
        view = _view(hits)
        found = list(zip(_texts(view[_GROUPS], view[_NQ]), _hit_lists(view, make)))
        _tell(view, tell)
        return found
    finally:
        _hits_free(hits)


def recommend(
    handle: int,
    positive: Ids,
    negative: Ids,
    k: int,
    settings: QuerySettings,
    filter: Optional[bytes],
    make: Callable[..., _Item],
    tell: Optional[Tell] = None,
) -> list[_Item]:
    hits = c_void_p()
    options = _options_of(settings, filter)
    _check(
        _lib.vecstore_collection_recommend(
            handle, positive.first, positive.count, negative.first, negative.count, k, options, byref(hits)
        )
    )
    return _hits(hits, make, tell=tell)[0]


def facet(handle: int, path: bytes, filter: Optional[bytes], limit: int) -> list[tuple[bytes, int]]:
    """Values, as JSON, with the numbers of points that have them."""
    hits = c_void_p()
    _check(_lib.vecstore_collection_facet(handle, path, filter, limit, byref(hits)))
    try:
        view = _view(hits)
        n = _ends(view)[-1]
        return list(zip(_texts(view[_GROUPS], n), _ids(view[_IDS], n))) if n else []
    finally:
        _hits_free(hits)


def search_text(
    handle: int,
    text: bytes,
    k: int,
    settings: QuerySettings,
    filter: Optional[bytes],
    words: TextSettings,
    make: Callable[..., _Item],
    tell: Optional[Tell] = None,
) -> list[_Item]:
    hits = c_void_p()
    options = _options_of(settings, filter)
    _check(
        _lib.vecstore_collection_search_text(handle, text, k, options, byref(words.options()), byref(hits))
    )
    return _hits(hits, make, by_words=True, tell=tell)[0]


def search_hybrid(
    handle: int,
    query: NDArray[Any],
    dtype: str,
    text: bytes,
    k: int,
    settings: QuerySettings,
    filter: Optional[bytes],
    words: TextSettings,
    fusion: str,
    vector_weight: float,
    text_weight: float,
    candidates: int,
    make: Callable[..., _Item],
    tell: Optional[Tell] = None,
) -> list[_Item]:
    hits = c_void_p()
    options = _options_of(settings, filter)
    hybrid = HybridOptions(
        ctypes.sizeof(HybridOptions), _ffi.FUSIONS[fusion], vector_weight, text_weight, candidates
    )
    _check(
        _lib.vecstore_collection_search_hybrid(
            handle,
            _ffi._address(query),
            DTYPES[dtype],
            text,
            k,
            options,
            byref(words.options()),
            byref(hybrid),
            byref(hits),
        )
    )
    return _hits(hits, make, by_words=True, tell=tell)[0]


# ----------------------------------------------------------------------------------------------------------------------
# What comes out
# ----------------------------------------------------------------------------------------------------------------------

# As `_ffi._index_search`: without argument types, which ctypes would go by each time.
_search = _lib["vecstore_collection_search"]
_hits_get = _lib["vecstore_hits_get"]
_hits_free = _lib["vecstore_hits_free"]
_search.restype = _hits_get.restype = _ffi._STATUS
_hits_free.restype = None

# A view is read as one list of words of 8 bytes, of which the first holds two numbers. That takes a fifth of the time
# that the fields of a struct take one by one.
_ViewWords = c_uint64 * (ctypes.sizeof(HitsView) // 8)
_VIEW_SIZE = ctypes.sizeof(HitsView)


_NQ, _OFFSETS, _IDS, _GROUPS, _EXPIRES, _EXPLANATION = 1, 2, 3, 9, 10, 11


def _view(hits: c_void_p) -> list[int]:
    words = _ViewWords(_VIEW_SIZE)
    _check(_hits_get(hits, words))
    return words[:]


def _hits(
    hits: c_void_p, make: Callable[..., _Item], by_words: bool = False, tell: Optional[Tell] = None
) -> list[list[_Item]]:
    """`by_words`: some may have no distance, which is NaN in the library and None here."""
    try:
        view = _view(hits)
        found = _hit_lists(view, make, by_words)
        _tell(view, tell)
        return found
    finally:
        _hits_free(hits)


def _tell(view: list[int], tell: Optional[Tell]) -> None:
    if tell is not None:
        tell(ctypes.string_at(view[_EXPLANATION]))


def _hit_lists(view: list[int], make: Callable[..., _Item], by_words: bool = False) -> list[list[_Item]]:
    ends = _ends(view)
    n = ends[-1] if ends else 0
    if n == 0:
        return [[] for _ in ends]
    ids_at, distances_at, scores_at, payloads_at, vectors_at, dim = view[_IDS:_GROUPS]
    distances: Sequence[Optional[float]] = (c_float * n).from_address(distances_at)[:]
    if by_words:
        distances = [None if distance != distance else distance for distance in distances]
    items = list(
        map(
            make,
            _ids(ids_at, n),
            distances,
            (c_float * n).from_address(scores_at)[:],
            _payloads(payloads_at, n),
            _vectors(vectors_at, n, dim),
        )
    )
    if len(ends) == 1:
        return [items]
    return [items[start:end] for start, end in zip([0, *ends], ends)]


def _ends(view: list[int]) -> list[int]:
    """Where the hits of each query end."""
    ends: list[int] = (c_uint64 * view[_NQ]).from_address(view[_OFFSETS] + 8)[:]
    return ends


def _points(hits: c_void_p, make: Callable[..., _Item]) -> list[_Item]:
    try:
        view = _view(hits)
        ids_at, _, _, payloads_at, vectors_at, dim = view[_IDS:_GROUPS]
        n = _ends(view)[0]
        if n == 0:
            return []
        expires = (c_int64 * n).from_address(view[_EXPIRES])[:]
        values = _texts(view[_GROUPS], n) if view[_GROUPS] else repeat(None)
        columns = _ids(ids_at, n), _payloads(payloads_at, n), _vectors(vectors_at, n, dim), expires, values
        return list(map(make, *columns))
    finally:
        _hits_free(hits)


def _ids(address: int, n: int) -> list[Any]:
    words = (c_uint64 * (2 * n)).from_address(address)[:]
    numbers = words[0::2]
    if not any(words[1::2]):
        return numbers
    texts = (c_char_p * (2 * n)).from_address(address)[1::2]
    return [number if text is None else text.decode() for number, text in zip(numbers, texts)]


def _payloads(address: int, n: int) -> Iterable[Optional[bytes]]:
    return _texts(address, n) if address else repeat(None)


def _texts(address: int, n: int) -> list[Any]:
    texts: list[Any] = (c_char_p * n).from_address(address)[:] if n else []
    return texts


def _vectors(address: int, n: int, dim: int) -> Iterable[Optional[NDArray[np.float32]]]:
    """Copies of vectors; None for points that have none, whose elements are NaN."""
    if not address:
        return repeat(None)
    rows = _ffi._copy(address, n * dim, np.float32).reshape(n, dim)
    return [None if is_missing else row for row, is_missing in zip(rows, np.isnan(rows[:, 0]).tolist())]
