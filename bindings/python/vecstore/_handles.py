# Objects that hold a handle of the C library.
# SPDX-License-Identifier: Apache-2.0
"""How a handle begins and ends with the object that has it."""

from __future__ import annotations

import os
import weakref
from types import TracebackType
from typing import Any, Callable, NoReturn, Optional, TypeVar

from .errors import InvalidHandleError

_Self = TypeVar("_Self", bound="Opened")


class Opened:
    """Closes its handle exactly once: by `close`, at the end of a ``with`` block, or with the object."""

    _noun = "object"
    # What to do in the place of pickling it.
    _again = "open it again with the same namespace"
    _handle: int
    _owner: int
    _finalizer: weakref.finalize[[int, int], Any]
    _close: Callable[[int, int], None]

    def _begin_with(
        self, handle: int, close: Callable[[int, int], None], close_quietly: Callable[[int, int], None]
    ) -> None:
        self._handle = handle
        self._owner = os.getpid()
        self._close = close
        # At the end of the process too: what waits is written then.
        self._finalizer = weakref.finalize(self, close_quietly, handle, self._owner)

    def _open_handle(self) -> int:
        handle = self._handle
        if handle == 0:
            raise InvalidHandleError(f"the {self._noun} is closed")
        return handle

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._handle == 0

    def close(self) -> None:
        """Lets go of what it holds.

        Later calls raise `InvalidHandleError`; closing twice does nothing. Calls that already run on other threads
        finish. In a child of `os.fork` it only closes this object.
        """
        handle, self._handle = self._handle, 0
        if self._finalizer.detach() is not None:
            self._close(handle, self._owner)

    def __enter__(self: _Self) -> _Self:
        self._open_handle()
        return self

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be pickled or copied: {self._again}")

    def _closed_health(self) -> dict[str, Any]:
        reason = {"code": "closed", "status": "failed", "message": f"the {self._noun} is closed"}
        return {"status": "failed", "reasons": [reason]}
