# What callers say about hashes in Redis, checked.
# SPDX-License-Identifier: Apache-2.0
"""Converts how hashes lie in a Redis, and how they are read, into what the C library takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Optional, Union

import numpy as np

from . import _arrays, _cache_values, _ffi, _ffi_hashes, _json
from .errors import Error, InvalidArgumentError
from .points import ImportResult

# The field of the only vector, or fields by the names of vectors.
VectorFields = Union[str, Mapping[str, str]]


def layout(prefix: Any, vector_fields: Any, dtype: Any, json_field: Any) -> _ffi_hashes.Layout:
    return _ffi_hashes.Layout(
        _json.text("prefix", prefix),
        _vector_fields(vector_fields),
        _arrays.one_of("dtype", dtype if isinstance(dtype, str) else np.dtype(dtype).name, _ffi.BLOB_TYPES),
        _json.optional_text("json_field", json_field),
    )


def _vector_fields(value: Any) -> list[tuple[bytes, bytes]]:
    """Pairs of a field and the name of its vector; none: as the library has it."""
    if value is None:
        return []
    if isinstance(value, str):
        return [(_json.text("vector_fields", value), b"")]
    if not isinstance(value, Mapping):
        raise TypeError(f"vector_fields: expected a string, or a dict of fields by vectors, got {type(value).__name__}")
    if not value:
        raise InvalidArgumentError("vector_fields: expected one or more, got none")
    return [
        (_json.text(f"vector_fields[{name!r}]", field), _json.text("vector_fields", name))
        for name, field in value.items()
    ]


def payload_fields(value: Any) -> Optional[list[bytes]]:
    """Names of fields; None: all."""
    if value is None:
        return None
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise TypeError(f"payload_fields: expected a list of strings, got {type(value).__name__}")
    return [_json.text(f"payload_fields[{i}]", field) for i, field in enumerate(value)]


def settings(
    layout: _ffi_hashes.Layout,
    pattern: Any,
    batch_size: Any,
    skip_bad: Any,
    redis: Any,
    payload_fields: Optional[list[bytes]] = None,
    values: Any = "text",
    threads: Any = 0,
) -> _ffi_hashes.ImportSettings:
    return _ffi_hashes.ImportSettings(
        layout,
        _arrays.integer("batch_size", batch_size, 1, _ffi.K_MAX),
        bool(skip_bad),
        _cache_values.optional_redis(redis),
        _json.optional_text("pattern", pattern),
        payload_fields,
        _arrays.one_of("values", values, _ffi.FIELD_VALUES),
        _arrays.threads_count(threads),
    )


def result(found: tuple[tuple[int, int], Optional[Error]]) -> ImportResult:
    """What an import came to, or the error that it ended with, which says the same."""
    (points, skipped), failure = found
    done = ImportResult(points, skipped)
    if failure is not None:
        failure.imported = done
        raise failure
    return done
