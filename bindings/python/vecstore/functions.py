# Functions that need no index: distances, nearest neighbours of a block, norms, conversions.
# SPDX-License-Identifier: Apache-2.0
"""Stateless functions. All may run beside each other on any threads; inputs must not be changed meanwhile."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Optional

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _arrays, _ffi
from .errors import InvalidArgumentError
from .filters import FilterLike, filter_spec

__all__ = [
    "SearchResult",
    "build_info",
    "convert",
    "distance",
    "is_supported",
    "knn",
    "normalize",
    "norms",
    "pack_bits",
    "pairwise",
    "row_size",
    "unpack_bits",
]


class SearchResult(NamedTuple):
    """What a search found, nearest first; it unpacks as ``ids, distances``.

    Attributes
    ----------
    ids : ndarray of uint64, shape (nq, k)
        `vecstore.NO_ID` where a query has fewer than k results.
    distances : ndarray of float32, shape (nq, k)
        In the units of the metric; infinity where a query has fewer than k results.
    """

    ids: NDArray[np.uint64]
    distances: NDArray[np.float32]


def knn(
    queries: ArrayLike,
    base: ArrayLike,
    k: int,
    metric: str = "l2sq",
    threads: int = 0,
    *,
    dtype: Optional[DTypeLike] = None,
    filter: Optional[FilterLike] = None,
) -> SearchResult:
    """The k nearest vectors of a block, exactly, without an index. The id of a base vector is its position.

    Parameters
    ----------
    queries : array_like, shape (nq, dim) or (dim,)
        One-dimensional input is one query.
    base : array_like, shape (n, dim)
        The vectors to search.
    k : int
        1 ... 1048576. May be larger than n.
    metric : str, default "l2sq"
        "l2sq", "ip", "cosine", "l1", or for bits "hamming", "jaccard". Smaller is closer, for every metric.
    threads : int, default 0
        0 = the default of the library, 1 = only the calling thread, at most 1024. The result is the same.
    dtype : str or NumPy dtype, optional
        What both blocks are compared as. By default "bits" for the metrics of bits, else the dtype that both blocks
        have, else "float32". bfloat16 given as uint16 needs ``dtype="bfloat16"``.
    filter : Filter, array of bool, ids, or callable, optional
        Which positions of `base` may be results; see `Filter`. By default all.

    Returns
    -------
    SearchResult
        ids (nq, k) uint64 and distances (nq, k) float32, nearest first, ties by id; missing results are `NO_ID` and
        infinity.

    Raises
    ------
    TypeError
        An input is not numeric.
    InvalidArgumentError
        A shape or a value is not allowed.
    UnsupportedError
        The metric does not exist for the dtype.
    NotFiniteError, ZeroVectorError
        NaN or infinity; a zero vector under cosine.
    TooLargeError
        The squares of a vector sum up to more than 2**125.

    Notes
    -----
    O(nq * n * dim). The GIL is released.
    """
    spec = filter_spec(filter)
    k, threads = _arrays.results_count(k), _arrays.threads_count(threads)
    metric = _arrays.metric_name(metric)
    queries_array, base_array, dim, name = _arrays.pair("queries", queries, "base", base, metric, dtype)
    return SearchResult(*_ffi.knn(queries_array, base_array, dim, metric, name, k, threads, spec))


def pairwise(
    queries: ArrayLike,
    base: ArrayLike,
    metric: str = "l2sq",
    *,
    dtype: Optional[DTypeLike] = None,
    threads: int = 0,
) -> NDArray[np.float32]:
    """All distances between two blocks of vectors.

    Parameters
    ----------
    queries : array_like, shape (nq, dim) or (dim,)
        One block.
    base : array_like, shape (n, dim) or (dim,)
        The other.
    metric : str, default "l2sq"
        As for `knn`.
    dtype : str or NumPy dtype, optional
        As for `knn`.
    threads : int, default 0
        As for `knn`.

    Returns
    -------
    ndarray of float32, shape (nq, n)
        The distance of ``queries[i]`` and ``base[j]`` at ``[i, j]``.

    Raises
    ------
    TypeError, InvalidArgumentError, UnsupportedError, NotFiniteError, ZeroVectorError, TooLargeError
        As `knn`.

    Notes
    -----
    O(nq * n * dim). The GIL is released.
    """
    threads = _arrays.threads_count(threads)
    metric = _arrays.metric_name(metric)
    queries_array, base_array, dim, name = _arrays.pair("queries", queries, "base", base, metric, dtype)
    return _ffi.pairwise(queries_array, base_array, dim, metric, name, threads)


def distance(a: ArrayLike, b: ArrayLike, metric: str = "l2sq", *, dtype: Optional[DTypeLike] = None) -> float:
    """The distance of two vectors.

    Parameters
    ----------
    a, b : array_like, shape (dim,)
        One vector each.
    metric : str, default "l2sq"
        As for `knn`.
    dtype : str or NumPy dtype, optional
        As for `knn`.

    Returns
    -------
    float
        In the units of the metric, computed in float32.

    Raises
    ------
    TypeError, InvalidArgumentError, UnsupportedError, NotFiniteError, ZeroVectorError, TooLargeError
        As `knn`.
    """
    metric = _arrays.metric_name(metric)
    a_array, b_array, dim, name = _arrays.pair("a", a, "b", b, metric, dtype)
    if len(a_array) != 1 or len(b_array) != 1:
        raise InvalidArgumentError(f"distance: expected two vectors of shape ({dim},); see vecstore.pairwise")
    return _ffi.distance(a_array, b_array, dim, metric, name)


def norms(vectors: ArrayLike, *, dtype: Optional[DTypeLike] = None) -> NDArray[np.float32]:
    """Euclidean norms.

    Parameters
    ----------
    vectors : array_like, shape (n, dim) or (dim,)
        One-dimensional input is one vector.
    dtype : str or NumPy dtype, optional
        What the vectors are read as: by default the dtype that they have, where it is one of the library, else
        "float32". bfloat16 given as uint16 needs ``dtype="bfloat16"``.

    Returns
    -------
    ndarray of float32, shape (n,)

    Raises
    ------
    TypeError, InvalidArgumentError, NotFiniteError, TooLargeError
        As `knn`.
    UnsupportedError
        Bits have no norm.
    """
    array, dim, name = _arrays.block("vectors", vectors, dtype)
    return _ffi.norms(array, dim, name)


def normalize(vectors: ArrayLike, *, dtype: Optional[DTypeLike] = None) -> NDArray[Any]:
    """Copies of vectors, scaled to norm 1.

    Parameters
    ----------
    vectors : array_like, shape (n, dim) or (dim,)
        They stay as they are.
    dtype : str or NumPy dtype, optional
        The dtype of the result, a float one: by default that of the vectors, where it is one, else "float32".

    Returns
    -------
    ndarray, same shape as `vectors`
        float32, float16, or for bfloat16 its bit patterns as uint16.

    Raises
    ------
    TypeError, InvalidArgumentError, NotFiniteError, TooLargeError
        As `knn`.
    UnsupportedError
        `dtype` is not a float one.
    ZeroVectorError
        A zero vector has no direction.
    """
    source = _arrays.numeric_array("vectors", vectors)
    native = _arrays.native_dtype(source)
    wanted = dtype if dtype is not None else native if native in _arrays.FLOATS else "float32"
    array, dim, name = _arrays.block("vectors", source, wanted)
    scaled = array.copy()
    _ffi.normalize_in_place(scaled, dim, name)
    return scaled.reshape(source.shape) if name != "bits" else scaled


def convert(array: ArrayLike, dtype: DTypeLike, *, source_dtype: Optional[DTypeLike] = None) -> NDArray[Any]:
    """Converts numbers between the dtypes of vectors.

    Values are rounded to the nearest, ties to even. One outside the range of the new dtype is refused.

    Parameters
    ----------
    array : array_like, any shape
        Numbers.
    dtype : str or NumPy dtype
        "float32", "float16", "bfloat16", "int8" or "uint8".
    source_dtype : str or NumPy dtype, optional
        What `array` is: by default its dtype, where it is one of the library, else "float32". ``"bfloat16"`` says that
        uint16 numbers are bit patterns.

    Returns
    -------
    ndarray, same shape as `array`
        Of `dtype`; bfloat16 as uint16 bit patterns.

    Raises
    ------
    TypeError
        The input is not numeric.
    UnsupportedError
        Bits convert from and to nothing else; see `pack_bits`.
    NotFiniteError
        NaN or infinity.
    TooLargeError
        A value outside the range of `dtype`.

    Notes
    -----
    O(n). The GIL is released.
    """
    numbers = _arrays.numeric_array("array", array)
    native = _arrays.native_dtype(numbers)
    source_name = _arrays.dtype_name(source_dtype) if source_dtype is not None else native or "float32"
    target_name = _arrays.dtype_name(dtype)
    source, found = _arrays.elements("array", numbers, source_name)
    out = np.empty(numbers.shape, dtype=_arrays.storage(target_name))
    _ffi.convert(source, found, out, target_name)
    return out


def pack_bits(bits: ArrayLike) -> NDArray[np.uint8]:
    """Packs booleans into the form of the dtype "bits": bit i is bit i % 8, lowest first, of byte i // 8.

    Parameters
    ----------
    bits : array_like of bool, shape (..., dim)
        One vector of bits on the last axis.

    Returns
    -------
    ndarray of uint8, shape (..., (dim + 7) // 8)
        Unused bits of the last byte are 0.

    Raises
    ------
    TypeError
        The input is not boolean.
    """
    array = np.asarray(bits)
    if array.dtype.kind != "b" or array.ndim == 0:
        raise TypeError(f"bits: expected an array of booleans, got shape {array.shape} and dtype {array.dtype}")
    return np.packbits(array, axis=-1, bitorder="little")


def unpack_bits(packed: ArrayLike, dim: int) -> NDArray[np.bool_]:
    """The opposite of `pack_bits`.

    Parameters
    ----------
    packed : array_like of uint8, shape (..., (dim + 7) // 8)
        Vectors of bits.
    dim : int
        Bits of one vector.

    Returns
    -------
    ndarray of bool, shape (..., dim)

    Raises
    ------
    TypeError
        The input is not uint8.
    InvalidArgumentError
        The last axis does not have the length that `dim` asks for.
    """
    array = np.asarray(packed)
    dim = _arrays.integer("dim", dim, 1, _ffi.DIM_MAX)
    if array.dtype != np.uint8:
        raise TypeError(f"packed: expected uint8, got {array.dtype}")
    if array.ndim == 0 or array.shape[-1] != (dim + 7) // 8:
        raise InvalidArgumentError(f"packed: expected shape (..., {(dim + 7) // 8}), got {array.shape}")
    return np.unpackbits(array, axis=-1, count=dim, bitorder="little").astype(np.bool_)


def is_supported(metric: str, dtype: DTypeLike) -> bool:
    """Whether distances by a metric exist for a dtype.

    Parameters
    ----------
    metric : str
        "l2sq", "ip", "cosine", "l1", "hamming" or "jaccard".
    dtype : str or NumPy dtype
        "float32", "float16", "bfloat16", "int8", "uint8" or "bits".

    Returns
    -------
    bool
    """
    return _ffi.is_supported(_arrays.metric_name(metric), _arrays.dtype_name(dtype))


def row_size(dtype: DTypeLike, dim: int) -> int:
    """The size of one vector.

    Parameters
    ----------
    dtype : str or NumPy dtype
        As for `is_supported`.
    dim : int
        Elements (for bits: bits), 1 ... 65536.

    Returns
    -------
    int
        Bytes.
    """
    return _ffi.row_size(_arrays.dtype_name(dtype), _arrays.integer("dim", dim, 1, _ffi.DIM_MAX))


def build_info() -> dict[str, Any]:
    """What the C library is and runs on.

    Returns
    -------
    dict
        "version"; "isa", "isa_available" and "isa_note" (the instruction set in use, all that this processor could run,
        and why the environment variable VECSTORE_ISA was not followed); "blas", "blas_version", "blas_library",
        "blas_recognised_by" and "blas_warning"; "threads" (the default number).
    """
    info: dict[str, Any] = json.loads(_ffi.build_info())
    return info
