# JSON as payloads and filters are written in it.
# SPDX-License-Identifier: Apache-2.0
"""Makes JSON of Python values, or says what is wrong with them."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from .errors import InvalidArgumentError


def time_text(value: datetime.datetime) -> str:
    """A time as RFC 3339 has it."""
    if value.tzinfo is None:
        raise InvalidArgumentError(f"the time {value} has no time zone; for instance datetime.timezone.utc")
    return value.isoformat()


def _stand_in(value: Any) -> Any:
    """What stands for a value that JSON does not have."""
    if isinstance(value, datetime.datetime):
        return time_text(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, (np.integer, np.floating, np.bool_)):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"JSON has nothing for a value of type {type(value).__name__}")


# Once made, an encoder and a decoder serve every call.
_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_stand_in).encode
_decode = json.JSONDecoder().decode


def encode(value: Any) -> bytes:
    """UTF-8. Raises `TypeError` or `ValueError`, whose text says what is wrong, but not where."""
    try:
        return _encode(value).encode()
    except RecursionError:
        raise InvalidArgumentError("nested too deep for JSON") from None
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"text that is not Unicode: {error.reason}") from None


def decode(text: bytes) -> Any:
    return _decode(text.decode())


def failure(where: str, error: Exception) -> Exception:
    """The exception for what `encode` raised, with the place in it."""
    kind = TypeError if isinstance(error, TypeError) else InvalidArgumentError
    return kind(f"{where}: {error}")


def object_text(where: str, value: Any, expected: str) -> bytes:
    """A JSON object, from a mapping, or from JSON text that is left as it is."""
    if isinstance(value, Mapping):
        try:
            return encode(value if type(value) is dict else dict(value))
        except (TypeError, ValueError) as error:
            raise failure(where, error) from None
    return ready_text(where, value, expected)


def ready_text(where: str, value: Any, expected: str) -> bytes:
    """Text as the library takes it: UTF-8, without a zero, at which it would end."""
    if isinstance(value, str):
        try:
            value = value.encode()
        except UnicodeEncodeError as error:
            raise InvalidArgumentError(f"{where}: text that is not Unicode: {error.reason}") from None
    elif not isinstance(value, bytes):
        raise TypeError(f"{where}: expected {expected}, got {type(value).__name__}")
    if b"\0" in value:
        raise InvalidArgumentError(f"{where}: text with a NUL character")
    return bytes(value)


def optional_text(where: str, value: Optional[str]) -> Optional[bytes]:
    return None if value is None else text(where, value)


def text(where: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError(f"{where}: expected a string, got {type(value).__name__}")
    return ready_text(where, value, "a string")
