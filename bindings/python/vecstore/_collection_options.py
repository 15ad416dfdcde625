# Options of collections and of their searches, checked.
# SPDX-License-Identifier: Apache-2.0
"""Turns what callers say about a collection and a search into the terms of the C library, or says what is wrong."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional, Union

import numpy as np

from . import _arrays, _ffi, _ffi_collection, _json
from .errors import InvalidArgumentError

Fields = Union[str, Sequence[str], Mapping[str, float]]

_KINDS = ("auto", "flat", "hnsw")
_DTYPES = ("float32", "float16")
_METRICS = ("cosine", "l2sq", "ip")
_STORAGES = ("auto", "float32", "float16", "bfloat16", "int8", "int4")
_VECTOR_OPTIONS = ("dim", "metric", "dtype", "kind", "storage", "m", "ef_construction", "model", "model_version")


def _new_query_settings(
    threads: Any,
    vector_name: bytes,
    offset: Any,
    ef_search: Any,
    exact: Any,
    with_payload: Any,
    with_vector: Any,
    max_distance: Any,
    diversity: Any = 0.0,
    candidates: Any = None,
    threshold: Any = None,
    explain: bool = False,
    target_recall: Any = None,
) -> _ffi_collection.QuerySettings:
    return _ffi_collection.QuerySettings(
        _arrays.threads_count(threads),
        vector_name,
        _arrays.integer("offset", offset, 0, _ffi.K_MAX),
        0 if ef_search is None else _arrays.integer("ef_search", ef_search, 1, _ffi.EF_MOST),
        bool(exact),
        bool(with_payload),
        bool(with_vector),
        None if max_distance is None else _not_nan("max_distance", max_distance),
        _diversity(diversity),
        0 if candidates is None else _arrays.integer("candidates", candidates, 1, _ffi.K_MAX),
        None if threshold is None else _not_nan("threshold", threshold),
        explain,
        0.0 if target_recall is None else _recall(target_recall, ef_search),
    )


# Searches mostly ask for what others asked for before. 1, 1.0 and True are equal, but not all are allowed everywhere.
_known_query_settings = functools.lru_cache(maxsize=64, typed=True)(_new_query_settings)


def query_settings(*values: Any, **named: Any) -> _ffi_collection.QuerySettings:
    try:
        return _known_query_settings(*values, **named)
    except TypeError:  # what cannot be a key: say what is wrong with it instead
        return _new_query_settings(*values, **named)


def explanation(explain: Optional[Callable[[dict[str, Any]], Any]]) -> Optional[_ffi_collection.Tell]:
    """What passes an explanation on to a caller who asks for one."""
    if explain is None:
        return None
    if not callable(explain):
        raise TypeError(f"explain: expected a callable, got {type(explain).__name__}")
    return lambda text: explain(_json.decode(text))


def _not_nan(name: str, value: Any) -> float:
    number = _arrays.real(name, value)
    if math.isnan(number):
        raise InvalidArgumentError(f"{name}: not a number")
    return number


def _recall(value: Any, ef_search: Any) -> float:
    number = _arrays.real("target_recall", value)
    if not 0 < number <= 1:
        raise InvalidArgumentError(f"target_recall: expected above 0, up to 1, got {number}")
    if ef_search is not None:
        raise InvalidArgumentError("ef_search and target_recall both say how far a walk looks: give one of them")
    return number


def _diversity(value: Any) -> float:
    number = _arrays.real("diversity", value)
    if not 0 <= number <= 1:
        raise InvalidArgumentError(f"diversity: expected 0 ... 1, got {number}")
    return number


def weight(name: str, value: Any) -> float:
    number = _arrays.real(name, value)
    if not 0 <= number <= 2.0**127:
        raise InvalidArgumentError(f"{name}: expected 0 or more, got {number}")
    return number


def vector_settings(name: Any, options: Any) -> _ffi_collection.VectorSettings:
    where = "" if name == "" else f"vectors[{name!r}]: "
    if not isinstance(options, Mapping):
        raise TypeError(f"{where}expected a dict of options, got {type(options).__name__}")
    unknown = [key for key in options if key not in _VECTOR_OPTIONS]
    if unknown:
        raise InvalidArgumentError(f"{where}unknown option {unknown[0]!r}; allowed are {', '.join(_VECTOR_OPTIONS)}")
    if options.get("dim") is None:
        raise InvalidArgumentError(f"{where}dim is missing")

    def number(key: str, low: int, high: int) -> int:
        value = options.get(key)
        return 0 if value is None else _arrays.integer(where + key, value, low, high)

    def word(key: str, default: str, allowed: tuple[str, ...]) -> str:
        value = options.get(key, default)
        if key in ("dtype", "storage") and not isinstance(value, str):
            value = np.dtype(value).name
        return _arrays.one_of(where + key, value, allowed)

    return _ffi_collection.VectorSettings(
        _json.text("the name of a vector", name),
        number("dim", 1, _ffi.DIM_MAX),
        word("metric", "cosine", _METRICS),
        word("dtype", "float32", _DTYPES),
        word("kind", "auto", _KINDS),
        word("storage", "auto", _STORAGES),
        number("m", _ffi.M_LEAST, _ffi.M_MOST),
        number("ef_construction", 1, _ffi.EF_MOST),
        _json.text(where + "model", options.get("model", "")),
        _json.text(where + "model_version", options.get("model_version", "")),
    )


def text_settings(fields: Optional[Fields], mode: str) -> _ffi_collection.TextSettings:
    mode = _arrays.one_of("mode", mode, _ffi.TEXT_MODES)
    if fields is None:
        return _ffi_collection.TextSettings(mode)
    if isinstance(fields, str):
        fields = [fields]
    paths = tuple(_json.text(f"fields[{i}]", field) for i, field in enumerate(fields))
    if not paths:
        raise InvalidArgumentError("fields: expected one or more; None searches all that have an index of type text")
    if not isinstance(fields, Mapping):
        return _ffi_collection.TextSettings(mode, paths)
    weights = tuple(weight(f"fields[{field!r}]", factor) for field, factor in fields.items())
    return _ffi_collection.TextSettings(mode, paths, weights)
