# Conversion of what callers pass into arrays that the C library reads.
# SPDX-License-Identifier: Apache-2.0
"""Turns array-likes into C-contiguous arrays of a dtype that the library knows, or says what is wrong with them.

Wrong types raise `TypeError`; wrong shapes and values raise `InvalidArgumentError`, which is a `ValueError`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from . import _ffi
from .errors import InvalidArgumentError

FLOATS = ("float32", "float16", "bfloat16")
_STORAGE: dict[str, type[np.generic]] = {
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": np.uint16,
    "int8": np.int8,
    "uint8": np.uint8,
    "bits": np.uint8,
}


# ----------------------------------------------------------------------------------------------------------------------
# Names and numbers
# ----------------------------------------------------------------------------------------------------------------------


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a string, got {type(value).__name__}")
    if value not in allowed:
        raise InvalidArgumentError(f"{name}: expected one of {', '.join(allowed)}; got {value!r}")
    return value


def metric_name(metric: Any) -> str:
    return one_of("metric", metric, _ffi.METRICS)


def kind_name(kind: Any) -> str:
    return one_of("kind", kind, _ffi.KINDS)


def dtype_name(dtype: Any) -> str:
    """The name of a dtype, given by that name or as a NumPy dtype or scalar type."""
    if not isinstance(dtype, str):
        dtype = np.dtype(dtype).name
    return one_of("dtype", dtype, _ffi.DTYPES)


def kmeans_start(start: Any) -> str:
    return one_of("start", start, _ffi.KMEANS_STARTS)


def rotation_name(rotation: Any) -> str:
    """The word of the library for `rotation=`, of which None is one."""
    if rotation is None:
        return "none"
    if rotation != "opq":
        raise InvalidArgumentError(f"rotation: expected opq or None; got {rotation!r}")
    return "opq"


def storage_name(storage: Any) -> str:
    return one_of("storage", storage if isinstance(storage, str) else np.dtype(storage).name, _ffi.STORAGES)


def rescore_name(rescore: Any) -> str:
    """The word of the library for `rescore=`, of which None is one."""
    if rescore is None:
        return "none"
    name = rescore if isinstance(rescore, str) else np.dtype(rescore).name
    if name == "none" or name not in _ffi.RESCORES:
        raise InvalidArgumentError(f"rescore: expected one of default, float32, float16, or None; got {rescore!r}")
    return name


def integer(name: str, value: Any, low: int, high: int) -> int:
    """A Python integer from low to high; C would cut a larger one short without a word."""
    if type(value) is int and low <= value <= high:
        return value
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {type(value).__name__}") from None
    if not low <= number <= high:
        raise InvalidArgumentError(f"{name}: expected {low} ... {high}, got {number}")
    return number


def threads_count(threads: Any) -> int:
    return integer("threads", threads, 0, _ffi.THREADS_MAX)


def share(name: str, value: Any) -> float:
    """A number above 0, up to 1. What float32 would take for 0 is not above it."""
    number = real(name, value)
    if not 2.0**-126 <= number <= 1:
        raise InvalidArgumentError(f"{name}: expected above 0, up to 1; got {number}")
    return number


def factor(name: str, value: Any) -> float:
    """A number of 1 or more."""
    number = real(name, value)
    if not 1 <= number <= 2.0**127:
        raise InvalidArgumentError(f"{name}: expected 1 or more, got {number}")
    return number


def tolerance(name: str, value: Any) -> float:
    """A number that float32 can tell from 0, or 0 itself."""
    number = real(name, value)
    if number != 0 and not 2.0**-126 <= number <= 1:
        raise InvalidArgumentError(f"{name}: expected 0 ... 1, got {number}")
    return number


def real(name: str, value: Any) -> float:
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}") from None


def results_count(k: Any) -> int:
    return integer("k", k, 1, _ffi.K_MAX)


# ----------------------------------------------------------------------------------------------------------------------
# Vectors
# ----------------------------------------------------------------------------------------------------------------------


def storage(dtype: str) -> type[np.generic]:
    """The NumPy type that holds one element of a dtype (for bits: eight of them)."""
    return _STORAGE[dtype]


def row_width(dtype: str, dim: int) -> int:
    """How many elements of the NumPy type one vector takes."""
    return (dim + 7) // 8 if dtype == "bits" else dim


def numeric_array(name: str, values: Any) -> NDArray[Any]:
    """An array of real numbers, or a `TypeError`."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise TypeError(f"{name}: expected an array of real numbers, got dtype {array.dtype}")
    return array


def native_dtype(array: NDArray[Any]) -> Optional[str]:
    """The dtype of the library that an array already has, if any. uint8 is uint8, never bits."""
    name = array.dtype.name
    return name if name in _STORAGE and array.dtype.isnative else None


def _contiguous(array: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    # Range of float64 beyond that of float32 becomes infinity here, which the library refuses.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=dtype)


def _integers(name: str, array: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Integers of another width, where all of them fit."""
    if array.dtype.kind not in "iub":
        raise TypeError(f"{name}: expected integers for dtype {dtype}, got {array.dtype}; see vecstore.convert")
    target = _STORAGE[dtype]
    low, high = (-128, 127) if dtype == "int8" else (0, 255)
    if array.dtype != target and array.size and (array.min() < low or array.max() > high):
        raise InvalidArgumentError(f"{name}: expected values {low} ... {high} for dtype {dtype}")
    return _contiguous(array, target)


def elements(name: str, array: NDArray[Any], dtype: str) -> tuple[NDArray[Any], str]:
    """The array in a form that a dtype takes, and the dtype it then has: any float dtype goes for any other."""
    if dtype not in FLOATS:
        if dtype == "bits" and array.dtype.kind == "b":
            return np.packbits(array, axis=-1, bitorder="little"), dtype
        return _integers(name, array, dtype), dtype
    if dtype == "bfloat16" and array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return _contiguous(array, np.uint16), dtype
    native = native_dtype(array)
    if native == "bfloat16":
        return np.ascontiguousarray(array).view(np.uint16), native
    if native == "float16":
        return np.ascontiguousarray(array), native
    return _contiguous(array, np.float32), "float32"


# Arrays that an index of a dtype takes as they are, by the commonest type alone: the short way in.
_AS_THEY_ARE = {name: np.dtype(_STORAGE[name]) for name in ("float32", "float16", "int8", "uint8")}


def vectors(name: str, values: Any, dtype: str, dim: int) -> tuple[NDArray[Any], str]:
    """Shape (n, dim), or for bits (n, (dim + 7) // 8), from an array-like; shape (dim,) is one vector, (0,) is none."""
    if type(values) is np.ndarray and values.dtype is _AS_THEY_ARE.get(dtype) and values.flags.c_contiguous:
        shape = values.shape
        if shape == (dim,):
            return values[None], dtype
        if len(shape) == 2 and shape[1] == dim:
            return values, dtype
    array = numeric_array(name, values)
    width = dim if array.dtype.kind == "b" else row_width(dtype, dim)
    if array.shape == (0,):
        array = array.reshape(0, width)
    elif array.ndim == 1:
        array = array[np.newaxis]
    if array.ndim != 2 or array.shape[1] != width:
        raise InvalidArgumentError(f"{name}: expected shape (n, {width}), got {np.shape(values)}")
    return elements(name, array, dtype)


def pair(
    a_name: str, a: Any, b_name: str, b: Any, metric: str, dtype: Any
) -> tuple[NDArray[Any], NDArray[Any], int, str]:
    """Two blocks of vectors in one dtype, their dim, and that dtype.

    Without `dtype` it is bits for the metrics of bits, else the dtype that both already have, else float32.
    """
    a, b = numeric_array(a_name, a), numeric_array(b_name, b)
    native = native_dtype(a)
    if dtype is not None:
        wanted = dtype_name(dtype)
    elif metric in ("hamming", "jaccard"):
        wanted = "bits"
    else:
        wanted = native if native is not None and native == native_dtype(b) else "float32"
    dim = _dim(a_name, a, wanted) if a.dtype.kind == "b" else _dim(b_name, b, wanted)
    a, a_dtype = vectors(a_name, a, wanted, dim)
    b, b_dtype = vectors(b_name, b, wanted, dim)
    return in_dtype(a, a_dtype, wanted), in_dtype(b, b_dtype, wanted), dim, wanted


def block(name: str, values: Any, dtype: Any) -> tuple[NDArray[Any], int, str]:
    """One block of vectors, its dim and its dtype: as given, else the one that it already has, else float32."""
    array = numeric_array(name, values)
    wanted = dtype_name(dtype) if dtype is not None else native_dtype(array) or "float32"
    dim = _dim(name, array, wanted)
    array, found = vectors(name, array, wanted, dim)
    return in_dtype(array, found, wanted), dim, wanted


def _dim(name: str, array: NDArray[Any], dtype: str) -> int:
    if array.ndim not in (1, 2) or array.shape[-1] == 0:
        raise InvalidArgumentError(f"{name}: expected shape (n, dim) with dim at least 1, got {array.shape}")
    width: int = array.shape[-1]
    return width * 8 if dtype == "bits" and array.dtype.kind != "b" else width


def in_dtype(array: NDArray[Any], dtype: str, target: str) -> NDArray[Any]:
    """The same numbers in another dtype, rounded to the nearest."""
    if dtype == target:
        return array
    out = np.empty(array.shape, dtype=_STORAGE[target])
    _ffi.convert(array, dtype, out, target)
    return out


# ----------------------------------------------------------------------------------------------------------------------
# Ids
# ----------------------------------------------------------------------------------------------------------------------


def id_array(name: str, ids: Any) -> NDArray[np.uint64]:
    """Shape (n,), uint64, from integers of any width, a range, or any iterable; one integer is one id."""
    if isinstance(ids, range):
        ids = np.arange(ids.start, ids.stop, ids.step) if ids else []
    elif isinstance(ids, Iterable) and not isinstance(ids, (str, bytes, list, tuple)) and not hasattr(ids, "__array__"):
        ids = list(ids)
    array = np.asarray(ids)
    if array.ndim == 0:
        array = array.reshape(1)
    if array.ndim != 1:
        raise InvalidArgumentError(f"{name}: expected shape (n,), got {array.shape}")
    if array.size == 0 and array.dtype.kind in "fiu":  # an empty list is an array of float64
        return np.empty(0, dtype=np.uint64)
    if array.dtype.kind not in "iu":
        array = _from_integers(name, array, ids)
    elif array.dtype.kind == "i" and array.min() < 0:
        raise InvalidArgumentError(f"{name}: expected no negative ids, got {array.min()}")
    return np.require(array, dtype=np.uint64, requirements=["C", "A"])


def _from_integers(name: str, array: NDArray[Any], ids: Any) -> NDArray[np.uint64]:
    """Python integers of which NumPy made floats or objects, because no signed 64-bit integer holds the largest."""
    if array.dtype.kind in "fO" and not isinstance(ids, np.ndarray):
        values = list(ids) if isinstance(ids, Iterable) else [ids]
        if all(isinstance(value, (int, np.integer)) and not isinstance(value, bool) for value in values):
            numbers = [integer(name, value, 0, _ffi.ID_NONE) for value in values]
            return np.array(numbers, dtype=np.uint64)
    raise TypeError(f"{name}: expected integers, got dtype {array.dtype}")


def bool_array(name: str, values: Any) -> NDArray[np.bool_]:
    """Shape (n,), bool."""
    array = np.asarray(values)
    if array.dtype.kind != "b" and not (array.size == 0 and array.dtype.kind == "f"):
        raise TypeError(f"{name}: expected booleans, got dtype {array.dtype}")
    if array.ndim != 1:
        raise InvalidArgumentError(f"{name}: expected shape (n,), got {array.shape}")
    return array.astype(np.bool_, copy=False)
