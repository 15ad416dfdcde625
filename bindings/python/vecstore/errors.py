# The exceptions: one class for each status of the C library, chosen by its number and never by its text.
# SPDX-License-Identifier: Apache-2.0
"""Exceptions of vecstore. All derive from :class:`Error`, and from the builtin exception that fits, where one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from .points import ImportResult

__all__ = [
    "AlreadyExistsError",
    "CancelledError",
    "CorruptError",
    "Error",
    "InternalError",
    "InvalidArgumentError",
    "InvalidHandleError",
    "LockedError",
    "MissingFileError",
    "NewerVersionError",
    "NotFiniteError",
    "NotFoundError",
    "OutOfMemoryError",
    "ReadOnlyError",
    "TooLargeError",
    "UnavailableError",
    "UnsupportedError",
    "VecstoreIOError",
    "ZeroVectorError",
]


class Error(Exception):
    """Base of all exceptions of this package. A call that raises one has changed nothing.

    Wrong Python types raise the builtin `TypeError` instead.

    Attributes
    ----------
    code : int
        The status code of the C library. Codes are never renumbered.
    status : str
        The name of the code, such as ``"NOT_FOUND"``.
    imported : ImportResult or None
        How far an import had come, which writes in batches: what was written stays.
    """

    code: int = 0
    status: str = "UNKNOWN"
    imported: Optional[ImportResult] = None

    def __init__(self, message: str = "") -> None:
        super().__init__(message)

    # KeyError and OSError, which some subclasses derive from, would show the message in their own ways.
    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class InvalidArgumentError(Error, ValueError):
    """An argument has the wrong shape, is out of range, or does not go together with another one."""

    code = 1
    status = "INVALID_ARGUMENT"


class InvalidHandleError(Error, ValueError):
    """The index or the collection was closed, or a collection was opened before fork."""

    code = 2
    status = "INVALID_HANDLE"


class UnsupportedError(Error, ValueError):
    """A metric and a dtype that do not go together, or a kind of index that cannot do this."""

    code = 3
    status = "UNSUPPORTED"


class NotFiniteError(Error, ValueError):
    """NaN or infinity in a vector."""

    code = 4
    status = "NOT_FINITE"


class ZeroVectorError(Error, ValueError):
    """A zero vector under the cosine metric, or one to be normalized."""

    code = 5
    status = "ZERO_VECTOR"


class NotFoundError(Error, KeyError):
    """An id that is not in the index, or a field that has no index."""

    code = 6
    status = "NOT_FOUND"


class MissingFileError(NotFoundError, FileNotFoundError):
    """A file that does not exist. ``filename`` has its name."""


class AlreadyExistsError(Error, ValueError):
    """What is there already: an id in an index, or twice in one call; an index of a field; files in a directory."""

    code = 7
    status = "ALREADY_EXISTS"


class ReadOnlyError(Error):
    """A change to an index that maps a file, or to a collection that was opened for reading.

    ``Index.open(path, mmap=False)`` and ``Collection.open(path)`` give one that can be changed.
    """

    code = 8
    status = "READ_ONLY"


class OutOfMemoryError(Error, MemoryError):
    """Memory or address space ran out."""

    code = 9
    status = "OUT_OF_MEMORY"


class VecstoreIOError(Error, OSError):
    """The operating system refused to read or write; the message has its reason, ``filename`` the file."""

    code = 10
    status = "IO"


class CorruptError(Error):
    """A file is not one of vecstore, or is damaged."""

    code = 11
    status = "CORRUPT"


class NewerVersionError(Error):
    """A file was written by a newer version than this library reads."""

    code = 12
    status = "NEWER_VERSION"


class TooLargeError(Error, ValueError):
    """A size overflows or passes a limit of the library, or a value does not fit into the dtype asked for."""

    code = 13
    status = "TOO_LARGE"


class CancelledError(Error):
    """A callback asked to stop."""

    code = 14
    status = "CANCELLED"


class LockedError(Error):
    """Another process, or another object of this one, writes to the collection."""

    code = 15
    status = "LOCKED"


class UnavailableError(Error, ConnectionError):
    """A server cannot be reached, or did not answer in time."""

    code = 16
    status = "UNAVAILABLE"


class InternalError(Error, RuntimeError):
    """A defect of the library. Nothing was changed."""

    code = 99
    status = "INTERNAL"


_CLASSES: dict[int, type[Error]] = {
    cls.code: cls
    for cls in (
        InvalidArgumentError,
        InvalidHandleError,
        UnsupportedError,
        NotFiniteError,
        ZeroVectorError,
        NotFoundError,
        AlreadyExistsError,
        ReadOnlyError,
        OutOfMemoryError,
        VecstoreIOError,
        CorruptError,
        NewerVersionError,
        TooLargeError,
        CancelledError,
        LockedError,
        UnavailableError,
        InternalError,
    )
}


def from_code(code: int, status: str, message: str) -> Error:
    """The exception for a status code. A code of a newer library gives a plain `Error` that carries the code."""
    cls = _CLASSES.get(code)
    if cls is not None:
        return cls(message)
    error = Error(message)
    error.code = code
    error.status = status
    return error
