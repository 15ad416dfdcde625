# The C library as Python calls it. This is the only module that touches ctypes.
# SPDX-License-Identifier: Apache-2.0
"""Loads the C library and wraps its functions, one by one.

The functions here take NumPy arrays that are already C-contiguous and of the right dtype, and Python integers that are
already in range: `_arrays` sees to that. They allocate the results and turn a failing status into an exception.
`ctypes.CDLL` releases the GIL for the length of each call.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pathlib
from ctypes import POINTER, byref, c_bool, c_char_p, c_float, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, NamedTuple, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import errors

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]

# ----------------------------------------------------------------------------------------------------------------------
# Constants, structs and signatures of the header
# ----------------------------------------------------------------------------------------------------------------------

ID_NONE = 2**64 - 1
DIM_MAX = 65536
K_MAX = 1048576
THREADS_MAX = 1024

METRICS = {"l2sq": 1, "ip": 2, "cosine": 3, "l1": 4, "hamming": 5, "jaccard": 6}
DTYPES = {"float32": 1, "float16": 2, "bfloat16": 3, "int8": 4, "uint8": 5, "bits": 6}
KINDS = {"flat": 1}
FILTERS = {"none": 0, "bitmap": 1, "ids": 2, "callback": 3}

# The version this file was written against: an older library lacks functions, one with another major number differs.
OLDEST_VERSION = 100

FilterCallback = ctypes.CFUNCTYPE(c_bool, c_uint64, c_void_p)


class FilterStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("bitmap", c_void_p),
        ("bitmap_bits", c_uint64),
        ("ids", c_void_p),
        ("ids_count", c_uint64),
        ("callback", FilterCallback),
        ("payload", c_void_p),
        ("negate", c_uint32),
        ("reserved", c_uint32),
    ]


class SearchOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("threads", c_uint32), ("filter", POINTER(FilterStruct))]


class IndexOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("dim", c_uint32),
        ("metric", c_uint32),
        ("dtype", c_uint32),
        ("exact_codes", c_uint32),
        ("capacity", c_uint64),
    ]


class AddOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("threads", c_uint32)]


class StatsStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("dim", c_uint32),
        ("metric", c_uint32),
        ("dtype", c_uint32),
        ("read_only", c_uint32),
        ("count", c_uint64),
        ("removed_count", c_uint64),
        ("memory_bytes", c_uint64),
        ("mapped_bytes", c_uint64),
        ("next_id", c_uint64),
        ("exact_codes", c_uint32),
        ("reserved", c_uint32),
    ]


class SaveOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("no_sync", c_uint32)]


class OpenOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("load", c_uint32), ("verify", c_uint32), ("prefault", c_uint32)]


STRUCTS: dict[str, type[ctypes.Structure]] = {
    "vecstore_filter": FilterStruct,
    "vecstore_search_options": SearchOptions,
    "vecstore_index_options": IndexOptions,
    "vecstore_add_options": AddOptions,
    "vecstore_index_stats": StatsStruct,
    "vecstore_save_options": SaveOptions,
    "vecstore_open_options": OpenOptions,
}

_STATUS = c_int32
_METRIC = _DTYPE = c_uint32
# An array, passed as the address of its first element.
_ARRAY = c_void_p
_HANDLE = c_void_p

# name: (type of the result, types of the arguments); ctypes cuts pointers short where these are not declared.
SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "vecstore_version_number": (c_uint32, ()),
    "vecstore_version_string": (c_char_p, ()),
    "vecstore_build_info": (c_char_p, ()),
    "vecstore_last_error": (c_char_p, ()),
    "vecstore_status_name": (c_char_p, (_STATUS,)),
    "vecstore_row_size": (c_size_t, (_DTYPE, c_size_t)),
    "vecstore_is_supported": (c_bool, (_METRIC, _DTYPE)),
    "vecstore_distance": (_STATUS, (_ARRAY, _ARRAY, c_size_t, _METRIC, _DTYPE, POINTER(c_float))),
    "vecstore_pairwise": (
        _STATUS,
        (_ARRAY, c_size_t, _ARRAY, c_size_t, c_size_t, _METRIC, _DTYPE, c_uint32, _ARRAY),
    ),
    "vecstore_norms": (_STATUS, (_ARRAY, c_size_t, c_size_t, _DTYPE, _ARRAY)),
    "vecstore_normalize": (_STATUS, (_ARRAY, c_size_t, c_size_t, _DTYPE)),
    "vecstore_convert": (_STATUS, (_ARRAY, _DTYPE, _ARRAY, _DTYPE, c_size_t)),
    "vecstore_knn": (
        _STATUS,
        (
            _ARRAY,
            c_size_t,
            _ARRAY,
            c_size_t,
            c_size_t,
            _METRIC,
            _DTYPE,
            c_size_t,
            POINTER(SearchOptions),
            _ARRAY,
            _ARRAY,
            _ARRAY,
        ),
    ),
    "vecstore_index_create": (_STATUS, (POINTER(IndexOptions), POINTER(_HANDLE))),
    "vecstore_index_free": (None, (_HANDLE,)),
    "vecstore_index_add": (_STATUS, (_HANDLE, _ARRAY, _DTYPE, c_size_t, _ARRAY, POINTER(AddOptions), _ARRAY)),
    "vecstore_index_update": (_STATUS, (_HANDLE, _ARRAY, _ARRAY, _DTYPE, c_size_t)),
    "vecstore_index_remove": (_STATUS, (_HANDLE, _ARRAY, c_size_t, POINTER(c_size_t))),
    "vecstore_index_compact": (_STATUS, (_HANDLE,)),
    "vecstore_index_reserve": (_STATUS, (_HANDLE, c_uint64)),
    "vecstore_index_contains": (_STATUS, (_HANDLE, _ARRAY, c_size_t, _ARRAY)),
    "vecstore_index_get": (_STATUS, (_HANDLE, _ARRAY, c_size_t, _DTYPE, _ARRAY)),
    "vecstore_index_search": (
        _STATUS,
        (_HANDLE, _ARRAY, _DTYPE, c_size_t, c_size_t, POINTER(SearchOptions), _ARRAY, _ARRAY, _ARRAY),
    ),
    "vecstore_index_search_range": (
        _STATUS,
        (_HANDLE, _ARRAY, _DTYPE, c_size_t, c_float, POINTER(SearchOptions), POINTER(_HANDLE)),
    ),
    "vecstore_range_result_free": (None, (_HANDLE,)),
    "vecstore_range_result_get": (
        _STATUS,
        (_HANDLE, POINTER(c_size_t), POINTER(c_void_p), POINTER(c_void_p), POINTER(c_void_p)),
    ),
    "vecstore_index_count": (_STATUS, (_HANDLE, POINTER(c_uint64))),
    "vecstore_index_ids": (_STATUS, (_HANDLE, c_uint64, _ARRAY, c_size_t, POINTER(c_size_t))),
    "vecstore_index_get_stats": (_STATUS, (_HANDLE, POINTER(StatsStruct))),
    "vecstore_index_verify": (_STATUS, (_HANDLE,)),
    "vecstore_index_save": (_STATUS, (_HANDLE, c_char_p, POINTER(SaveOptions))),
    "vecstore_index_open": (_STATUS, (c_char_p, POINTER(OpenOptions), POINTER(_HANDLE))),
}

# ----------------------------------------------------------------------------------------------------------------------
# Loading
# ----------------------------------------------------------------------------------------------------------------------

LIBRARY_NAME = "libvecstore.so.0"


def library_candidates(package: pathlib.Path) -> list[pathlib.Path]:
    """Where the library may be: in the installed package, else in the build directory of the source tree."""
    places = [package / LIBRARY_NAME]
    if package.parent.name == "python" and package.parent.parent.name == "bindings":
        places.append(package.parents[2] / "build" / LIBRARY_NAME)
    return places


def load_library(places: list[pathlib.Path]) -> ctypes.CDLL:
    """Loads the first library that is there and declares its functions; raises ImportError with one sentence."""
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        tried = " nor ".join(str(place) for place in places)
        raise ImportError(
            f"vecstore: its C library is not at {tried}; "
            "run `make` in the source tree, or install the package again with `pip install ./bindings/python`."
        )
    try:
        library = ctypes.CDLL(str(found))
    except OSError as error:
        raise ImportError(load_failure(found, str(error))) from error
    try:
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(library, name)
            function.restype = result
            function.argtypes = arguments
    except AttributeError as error:
        raise ImportError(f"vecstore: {found} lacks a function ({error}); rebuild it.") from error
    number = library.vecstore_version_number()
    if number < OLDEST_VERSION or number // 10000 != OLDEST_VERSION // 10000:
        version = library.vecstore_version_string().decode()
        raise ImportError(f"vecstore: {found} is version {version}, which this package cannot use; rebuild it.")
    return library


def load_failure(library: pathlib.Path, reason: str) -> str:
    """The sentence for a library that the dynamic linker refuses, from the linker's own words."""
    for name, package in (("libblas.so.3", "libopenblas0-pthread"), ("liblapack.so.3", "liblapack3")):
        if reason.startswith(name):
            return f"vecstore: {library} needs {name}, which is not installed; run `apt-get install {package}`."
    return f"vecstore: {library} cannot be loaded: {reason}."


_lib = load_library(library_candidates(pathlib.Path(__file__).resolve().parent))

# ----------------------------------------------------------------------------------------------------------------------
# Helpers
# ----------------------------------------------------------------------------------------------------------------------


def _failure(status: int) -> errors.Error:
    """The exception for a status that is not OK; to be called on the thread that got it, before its next call."""
    text = _lib.vecstore_last_error().decode("utf-8", "replace")
    return errors.from_code(status, status_name(status), text)


def _check(status: int) -> None:
    if status != 0:
        raise _failure(status)


def _check_file(status: int, path: Path) -> None:
    if status == 0:
        return
    error = _failure(status)
    if isinstance(error, errors.NotFoundError):
        error = errors.MissingFileError(str(error))
        error.errno = errno.ENOENT
    if isinstance(error, OSError):
        error.filename = os.fspath(path)
    raise error


def _path_bytes(path: Path) -> bytes:
    """The name as the file system has it: bytes that are not UTF-8 come through as they went in (surrogateescape)."""
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise errors.InvalidArgumentError("path: a file name cannot hold a NUL byte")
    return encoded


def _name(names: dict[str, int], code: int) -> str:
    for name, value in names.items():
        if value == code:
            return name
    return f"unknown ({code})"


def _address(array: Optional[NDArray[Any]]) -> Optional[int]:
    return None if array is None else array.ctypes.data


def _copy(address: Optional[int], count: int, dtype: type[np.generic]) -> NDArray[Any]:
    """A copy of `count` elements at an address of the library."""
    out = np.empty(count, dtype=dtype)
    if address and count:
        ctypes.memmove(out.ctypes.data, address, out.nbytes)
    return out


class FilterSpec(NamedTuple):
    """Which rows may be results, in the terms of the header. It must not change during a call."""

    kind: str
    bitmap: Optional[NDArray[np.uint8]] = None
    bitmap_bits: int = 0
    ids: Optional[NDArray[np.uint64]] = None
    predicate: Optional[Callable[[int], Any]] = None
    negate: bool = False


class _Predicate:
    """A Python callable that C may call: C cannot pass exceptions on, so the first one is kept for later."""

    def __init__(self, accepts: Callable[[int], Any]) -> None:
        self._accepts = accepts
        self.error: Optional[BaseException] = None

    def __call__(self, row_id: int, payload: Optional[int]) -> bool:
        if self.error is not None:
            return False
        try:
            return bool(self._accepts(row_id))
        except BaseException as error:  # KeyboardInterrupt too: it must reach the caller of the search
            self.error = error
            return False


class _Search:
    """The options of one search, and everything that they point to."""

    def __init__(self, threads: int, spec: Optional[FilterSpec]) -> None:
        self.options = SearchOptions(ctypes.sizeof(SearchOptions), threads, None)
        self._spec = spec
        self._predicate: Optional[_Predicate] = None
        if spec is None:
            return
        struct = FilterStruct(ctypes.sizeof(FilterStruct), FILTERS[spec.kind])
        struct.bitmap = _address(spec.bitmap)
        struct.bitmap_bits = spec.bitmap_bits
        struct.ids = _address(spec.ids)
        struct.ids_count = 0 if spec.ids is None else len(spec.ids)
        if spec.predicate is not None:
            self._predicate = _Predicate(spec.predicate)
            struct.callback = FilterCallback(self._predicate)
        struct.negate = spec.negate
        self.options.filter = ctypes.pointer(struct)

    def raise_predicate_error(self) -> None:
        """Raises what the predicate raised, if anything."""
        if self._predicate is None or self._predicate.error is None:
            return
        error, self._predicate.error = self._predicate.error, None
        try:
            raise error
        finally:
            del error  # its traceback holds this frame


# ----------------------------------------------------------------------------------------------------------------------
# What the library is
# ----------------------------------------------------------------------------------------------------------------------


def version_string() -> str:
    return str(_lib.vecstore_version_string().decode())


def build_info() -> str:
    return str(_lib.vecstore_build_info().decode())


def status_name(code: int) -> str:
    return str(_lib.vecstore_status_name(code).decode())


# ----------------------------------------------------------------------------------------------------------------------
# Vectors and distances
# ----------------------------------------------------------------------------------------------------------------------


def row_size(dtype: str, dim: int) -> int:
    return int(_lib.vecstore_row_size(DTYPES[dtype], dim))


def is_supported(metric: str, dtype: str) -> bool:
    return bool(_lib.vecstore_is_supported(METRICS[metric], DTYPES[dtype]))


def distance(a: NDArray[Any], b: NDArray[Any], dim: int, metric: str, dtype: str) -> float:
    out = c_float()
    _check(_lib.vecstore_distance(_address(a), _address(b), dim, METRICS[metric], DTYPES[dtype], byref(out)))
    return out.value


def pairwise(
    queries: NDArray[Any], base: NDArray[Any], dim: int, metric: str, dtype: str, threads: int
) -> NDArray[np.float32]:
    nq, n = len(queries), len(base)
    out = np.empty((nq, n), dtype=np.float32)
    _check(
        _lib.vecstore_pairwise(
            _address(queries), nq, _address(base), n, dim, METRICS[metric], DTYPES[dtype], threads, _address(out)
        )
    )
    return out


def norms(vectors: NDArray[Any], dim: int, dtype: str) -> NDArray[np.float32]:
    out = np.empty(len(vectors), dtype=np.float32)
    _check(_lib.vecstore_norms(_address(vectors), len(vectors), dim, DTYPES[dtype], _address(out)))
    return out


def normalize_in_place(vectors: NDArray[Any], dim: int, dtype: str) -> None:
    _check(_lib.vecstore_normalize(_address(vectors), len(vectors), dim, DTYPES[dtype]))


def convert(source: NDArray[Any], source_dtype: str, target: NDArray[Any], target_dtype: str) -> None:
    _check(
        _lib.vecstore_convert(
            _address(source), DTYPES[source_dtype], _address(target), DTYPES[target_dtype], source.size
        )
    )


def knn(
    queries: NDArray[Any],
    base: NDArray[Any],
    dim: int,
    metric: str,
    dtype: str,
    k: int,
    threads: int,
    spec: Optional[FilterSpec],
) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    nq, n = len(queries), len(base)
    ids = np.empty((nq, k), dtype=np.uint64)
    distances = np.empty((nq, k), dtype=np.float32)
    search = _Search(threads, spec)
    status = _lib.vecstore_knn(
        _address(queries),
        nq,
        _address(base),
        n,
        dim,
        METRICS[metric],
        DTYPES[dtype],
        k,
        byref(search.options),
        _address(ids),
        _address(distances),
        None,
    )
    search.raise_predicate_error()
    _check(status)
    return ids, distances


# ----------------------------------------------------------------------------------------------------------------------
# Index
# ----------------------------------------------------------------------------------------------------------------------


def index_create(kind: str, dim: int, metric: str, dtype: str, exact_codes: Optional[bool], capacity: int) -> int:
    options = IndexOptions(
        struct_size=ctypes.sizeof(IndexOptions),
        kind=KINDS[kind],
        dim=dim,
        metric=METRICS[metric],
        dtype=DTYPES[dtype],
        exact_codes=0 if exact_codes is None else 1 if exact_codes else 2,
        capacity=capacity,
    )
    handle = c_void_p()
    _check(_lib.vecstore_index_create(byref(options), byref(handle)))
    return handle.value or 0


def index_open(path: Path, mmap: bool, verify: Optional[bool], prefault: bool) -> int:
    options = OpenOptions(
        struct_size=ctypes.sizeof(OpenOptions),
        load=not mmap,
        verify=0 if verify is None else 2 if verify else 1,
        prefault=prefault,
    )
    handle = c_void_p()
    _check_file(_lib.vecstore_index_open(_path_bytes(path), byref(options), byref(handle)), path)
    return handle.value or 0


def index_save(handle: int, path: Path, sync: bool) -> None:
    options = SaveOptions(ctypes.sizeof(SaveOptions), not sync)
    _check_file(_lib.vecstore_index_save(handle, _path_bytes(path), byref(options)), path)


def index_free(handle: int) -> None:
    _lib.vecstore_index_free(handle)


def index_add(
    handle: int, vectors: NDArray[Any], dtype: str, ids: Optional[NDArray[np.uint64]], threads: int
) -> NDArray[np.uint64]:
    n = len(vectors)
    out = np.empty(n, dtype=np.uint64)
    options = AddOptions(ctypes.sizeof(AddOptions), threads)
    _check(
        _lib.vecstore_index_add(
            handle, _address(vectors), DTYPES[dtype], n, _address(ids), byref(options), _address(out)
        )
    )
    return out


def index_update(handle: int, ids: NDArray[np.uint64], vectors: NDArray[Any], dtype: str) -> None:
    _check(_lib.vecstore_index_update(handle, _address(ids), _address(vectors), DTYPES[dtype], len(ids)))


def index_remove(handle: int, ids: NDArray[np.uint64]) -> int:
    removed = c_size_t()
    _check(_lib.vecstore_index_remove(handle, _address(ids), len(ids), byref(removed)))
    return removed.value


def index_compact(handle: int) -> None:
    _check(_lib.vecstore_index_compact(handle))


def index_reserve(handle: int, rows: int) -> None:
    _check(_lib.vecstore_index_reserve(handle, rows))


def index_contains(handle: int, ids: NDArray[np.uint64]) -> NDArray[np.bool_]:
    found = np.empty(len(ids), dtype=np.uint8)
    _check(_lib.vecstore_index_contains(handle, _address(ids), len(ids), _address(found)))
    return found.astype(np.bool_)


def index_get(handle: int, ids: NDArray[np.uint64], dtype: str, out: NDArray[Any]) -> None:
    _check(_lib.vecstore_index_get(handle, _address(ids), len(ids), DTYPES[dtype], _address(out)))


def index_search(
    handle: int, queries: NDArray[Any], dtype: str, k: int, threads: int, spec: Optional[FilterSpec]
) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    nq = len(queries)
    ids = np.empty((nq, k), dtype=np.uint64)
    distances = np.empty((nq, k), dtype=np.float32)
    search = _Search(threads, spec)
    status = _lib.vecstore_index_search(
        handle,
        _address(queries),
        DTYPES[dtype],
        nq,
        k,
        byref(search.options),
        _address(ids),
        _address(distances),
        None,
    )
    search.raise_predicate_error()
    _check(status)
    return ids, distances


def index_search_range(
    handle: int, queries: NDArray[Any], dtype: str, radius: float, threads: int, spec: Optional[FilterSpec]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.float32]]:
    search = _Search(threads, spec)
    result = c_void_p()
    status = _lib.vecstore_index_search_range(
        handle, _address(queries), DTYPES[dtype], len(queries), radius, byref(search.options), byref(result)
    )
    try:
        search.raise_predicate_error()
        _check(status)
        return _range_arrays(result)
    finally:
        _lib.vecstore_range_result_free(result)


def _range_arrays(result: c_void_p) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.float32]]:
    """Copies of the arrays of a range result, which may be freed afterwards."""
    nq, offsets_at, ids_at, distances_at = c_size_t(), c_void_p(), c_void_p(), c_void_p()
    _check(_lib.vecstore_range_result_get(result, byref(nq), byref(offsets_at), byref(ids_at), byref(distances_at)))
    offsets = _copy(offsets_at.value, nq.value + 1, np.uint64)
    total = int(offsets[-1])
    return offsets, _copy(ids_at.value, total, np.uint64), _copy(distances_at.value, total, np.float32)


def index_count(handle: int) -> int:
    count = c_uint64()
    _check(_lib.vecstore_index_count(handle, byref(count)))
    return count.value


def index_ids(handle: int) -> NDArray[np.uint64]:
    """All ids, as they are at one moment: the listing is repeated with more room where rows were added meanwhile."""
    capacity = index_count(handle) + 1
    while True:
        ids = np.empty(capacity, dtype=np.uint64)
        written = c_size_t()
        _check(_lib.vecstore_index_ids(handle, 0, _address(ids), capacity, byref(written)))
        if written.value < capacity:
            return ids[: written.value].copy()
        capacity *= 2


def index_stats(handle: int) -> dict[str, Any]:
    """The fields of `vecstore_index_stats` by name, with words for the numbers that stand for words."""
    stats = StatsStruct(struct_size=ctypes.sizeof(StatsStruct))
    _check(_lib.vecstore_index_get_stats(handle, byref(stats)))
    return {
        "kind": _name(KINDS, stats.kind),
        "dim": stats.dim,
        "metric": _name(METRICS, stats.metric),
        "dtype": _name(DTYPES, stats.dtype),
        "read_only": bool(stats.read_only),
        "count": stats.count,
        "removed_count": stats.removed_count,
        "memory_bytes": stats.memory_bytes,
        "mapped_bytes": stats.mapped_bytes,
        "next_id": stats.next_id,
        "exact_codes": bool(stats.exact_codes),
    }


def index_verify(handle: int) -> None:
    _check(_lib.vecstore_index_verify(handle))
