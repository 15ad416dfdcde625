# Conversion of what callers say about points into what the C library reads.
# SPDX-License-Identifier: Apache-2.0
"""Ids, vectors, payloads and ends of points, checked and in arrays.

Wrong types raise `TypeError`; wrong shapes and values raise `InvalidArgumentError`, as in `_arrays`.
"""

from __future__ import annotations

import datetime
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from . import _arrays, _ffi_collection, _json
from .errors import InvalidArgumentError
from .points import Point

_ID_MOST = 2**64 - 2
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MICROSECOND = datetime.timedelta(microseconds=1)
_TIME_MOST = 2**63 - 1


# ----------------------------------------------------------------------------------------------------------------------
# Ids
# ----------------------------------------------------------------------------------------------------------------------


def ids(name: str, values: Any) -> _ffi_collection.Ids:
    """Ids from integers, strings, UUIDs, or an iterable of these; one of them is one id."""
    if isinstance(values, (str, uuid.UUID)):
        return _ffi_collection.Ids.one(0, _json.ready_text(name, str(values), "a string"))
    if type(values) is int:
        return _ffi_collection.Ids.one(_arrays.integer(name, values, 0, _ID_MOST), None)
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "iu":
            values = values.tolist()
    elif not isinstance(values, (list, tuple, range, int, np.integer)) and isinstance(values, Iterable):
        values = list(values)
    if values is None:
        raise TypeError(f"{name}: expected ids, got None")
    if isinstance(values, (list, tuple)) and any(type(value) is not int for value in values):
        return _mixed_ids(name, values)
    numbers = _arrays.id_array(name, values)
    if len(numbers) and numbers.max() > _ID_MOST:
        raise InvalidArgumentError(f"{name}: expected 0 ... {_ID_MOST}, got {numbers.max()}")
    return _ffi_collection.Ids(numbers)


def last_id(after: Any) -> _ffi_collection.Ids:
    """The id of the last point of a page."""
    found = ids("after", after.id if isinstance(after, Point) else after)
    if found.count != 1:
        raise InvalidArgumentError(f"after: expected one id, got {found.count}")
    return found


def last_place(after: Any) -> tuple[bytes, _ffi_collection.Ids]:
    """The value, as JSON, and the id of the last point of a page in the order of a field."""
    if isinstance(after, Point):
        if after.order_json is None:
            raise InvalidArgumentError(
                "after: expected a point that came in the order of a field, got one without order_value"
            )
        return after.order_json, last_id(after.id)
    if not isinstance(after, tuple) or len(after) != 2:
        raise TypeError(f"after: with order_by expected a Point, or a pair of value and id, got {after!r}")
    return order_value("after[0]", after[0]), last_id(after[1])


def order_value(where: str, value: Any) -> bytes:
    """A value of a field that has an order, as JSON."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, datetime.date, np.number)):
        raise TypeError(f"{where}: expected a number, a string or a time, got {type(value).__name__}")
    try:
        return _json.encode(value)
    except (TypeError, ValueError) as error:
        raise _json.failure(where, error) from None


def _mixed_ids(name: str, values: Sequence[Any]) -> _ffi_collection.Ids:
    numbers = np.zeros(len(values), dtype=np.uint64)
    texts: list[Optional[bytes]] = []
    for i, value in enumerate(values):
        text = None
        if isinstance(value, str):
            text = _json.ready_text(f"{name}[{i}]", value, "a string")
        elif isinstance(value, uuid.UUID):
            text = str(value).encode()
        elif isinstance(value, (int, np.integer)) and not isinstance(value, bool):
            numbers[i] = _arrays.integer(f"{name}[{i}]", value, 0, _ID_MOST)
        else:
            raise TypeError(f"{name}[{i}]: expected an integer, a string or a UUID, got {type(value).__name__}")
        texts.append(text)
    return _ffi_collection.Ids(numbers, texts)


# ----------------------------------------------------------------------------------------------------------------------
# Vectors
# ----------------------------------------------------------------------------------------------------------------------


def vectors(name: str, values: Any, dtype: str, dim: int, count: int) -> _ffi_collection.Vectors:
    """The vectors of one name for `count` points, from an array, or a list with None for a vector that is not there."""
    where = f"vectors[{name!r}]" if name else "vectors"
    present = None
    if isinstance(values, (list, tuple)) and any(value is None for value in values):
        there = np.array([value is not None for value in values])
        rows, found = _arrays.vectors(where, [value for value in values if value is not None], dtype, dim)
        spread = np.zeros((len(values), rows.shape[1]), dtype=rows.dtype)
        spread[there] = rows
        rows, present = spread, there.astype(np.uint8)
    else:
        rows, found = _arrays.vectors(where, values, dtype, dim)
    if len(rows) != count:
        raise InvalidArgumentError(f"{where}: expected {count}, one for each id, got {len(rows)}")
    return _ffi_collection.Vectors(name.encode(), rows, found, present)


# ----------------------------------------------------------------------------------------------------------------------
# Payloads
# ----------------------------------------------------------------------------------------------------------------------


def payloads(values: Any, count: int, point_ids: Any) -> Optional[list[Optional[bytes]]]:
    """JSON for `count` points, or None where there is none; `point_ids` are for messages."""
    if values is None:
        return None
    if isinstance(values, (Mapping, str, bytes)):
        values = [values]
    elif not isinstance(values, (list, tuple)):
        if not isinstance(values, Iterable):
            raise TypeError(f"payloads: expected a list of dicts, got {type(values).__name__}")
        values = list(values)
    if len(values) != count:
        raise InvalidArgumentError(f"payloads: expected {count}, one for each id, got {len(values)}")
    texts: list[Optional[bytes]] = []
    for i, value in enumerate(values):
        try:
            texts.append(None if value is None else _json.encode(value) if type(value) is dict else payload("", value))
        except (TypeError, ValueError) as error:
            raise _json.failure(f"payloads[{i}] (id {_id_at(point_ids, i)!r})", error) from None
    return texts


def payload(where: str, value: Any) -> bytes:
    return _json.object_text(where, value, "a dict, None, or JSON text")


def _id_at(point_ids: Any, i: int) -> Any:
    """The id of a point, for a message."""
    if isinstance(point_ids, np.ndarray):
        return point_ids.ravel()[i].item()
    one = point_ids[i] if isinstance(point_ids, (list, tuple, range)) else point_ids
    return str(one) if isinstance(one, uuid.UUID) else one


# ----------------------------------------------------------------------------------------------------------------------
# Ends
# ----------------------------------------------------------------------------------------------------------------------


def expires(ttl: Any, ends: Any, count: int) -> Optional[NDArray[np.int64]]:
    """When each point ends, in microseconds since 1970, 0 for never; None where none ends."""
    if ttl is not None and ends is not None:
        raise InvalidArgumentError("ttl and expires both say when points end: give one of them")
    if ttl is not None:
        now = time.time_ns() // 1000
        return _each("ttl", ttl, count, lambda where, value: now + _seconds(where, value))
    if ends is not None:
        return _each("expires", ends, count, _moment)
    return None


def _each(name: str, values: Any, count: int, convert: Any) -> NDArray[np.int64]:
    if isinstance(values, (int, float, np.number, datetime.timedelta, datetime.date, str)):
        return np.full(count, _clamped(convert(name, values)), dtype=np.int64)
    if not isinstance(values, Iterable):
        raise TypeError(f"{name}: expected one for all points or a list, got {type(values).__name__}")
    listed = list(values)
    if len(listed) != count:
        raise InvalidArgumentError(f"{name}: expected {count}, one for each id, got {len(listed)}")
    out = np.zeros(count, dtype=np.int64)
    for i, value in enumerate(listed):
        if value is not None:
            out[i] = _clamped(convert(f"{name}[{i}]", value))
    return out


def _clamped(time: int) -> int:
    """0 and less were before there were points: as long gone as 1."""
    return max(1, min(time, _TIME_MOST))


def _seconds(where: str, value: Any) -> int:
    """Microseconds."""
    if isinstance(value, datetime.timedelta):
        microseconds = value // _MICROSECOND
    else:
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
            raise TypeError(f"{where}: expected seconds, or a timedelta, got {type(value).__name__}")
        if not 0 < value < float("inf"):
            raise InvalidArgumentError(f"{where}: expected seconds above 0, got {value}")
        microseconds = int(float(value) * 1e6)
    if microseconds <= 0:
        raise InvalidArgumentError(f"{where}: expected a microsecond or more, got {value}")
    return microseconds


def _moment(where: str, value: Any) -> int:
    if not isinstance(value, datetime.datetime):
        raise TypeError(f"{where}: expected a datetime, got {type(value).__name__}")
    if value.tzinfo is None:
        raise InvalidArgumentError(f"{where}: {value} has no time zone; for instance datetime.timezone.utc")
    return (value - _EPOCH) // _MICROSECOND
