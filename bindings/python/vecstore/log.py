# What the library tells of itself.
# SPDX-License-Identifier: Apache-2.0
"""Messages about what no call returns: failures and saves in the background, what a crash had left over, slow calls."""

from __future__ import annotations

import logging
from typing import Any, Callable, Optional, Union

from . import _arrays, _ffi
from .errors import InvalidArgumentError

__all__ = ["set_log_callback", "set_slow_call_threshold", "use_logging"]

_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}


def set_log_callback(callback: Optional[Callable[[str, str], Any]], level: str = "info") -> None:
    """Sets the function that is told what happens, for the whole process. In the beginning there is none.

    Parameters
    ----------
    callback : callable or None
        Is called with a level ("error", "warning", "info", "debug") and a message, one line of text, on any thread, on
        several at once. It may use collections, and take itself away; messages that arise from that are not told. What
        it raises goes to `sys.unraisablehook`, and no further. None: nobody is told.
    level : str, default "info"
        Messages that matter less are not told. "error": work in the background failed, and is tried again. "warning":
        graphs that were damaged, slow calls, lines that an import passes over. "info": what was saved, and what a crash
        had left over. "debug": collections that were opened.

    Raises
    ------
    TypeError, InvalidArgumentError
        An argument is not right.

    Notes
    -----
    When this returns, no call of the function that was set before runs any more, unless that function called this.
    """
    if callback is not None and not callable(callback):
        raise TypeError(f"callback: expected a callable or None, got {type(callback).__name__}")
    _ffi.set_log_listener(callback, _arrays.one_of("level", level, _ffi.LOG_LEVELS))


def use_logging(logger: Union[str, logging.Logger] = "vecstore", level: str = "info") -> None:
    """Tells messages to a logger of the module `logging`. `set_log_callback` with None ends that.

    Parameters
    ----------
    logger : str or logging.Logger, default "vecstore"
        A logger, or the name of one.
    level : str, default "info"
        As for `set_log_callback`; what the logger passes on is its own business.
    """
    if isinstance(logger, str):
        logger = logging.getLogger(logger)
    if not isinstance(logger, logging.Logger):
        raise TypeError(f"logger: expected a name or a Logger, got {type(logger).__name__}")
    target = logger
    set_log_callback(lambda name, message: target.log(_LEVELS[name], "%s", message), level)


def set_slow_call_threshold(seconds: Optional[float]) -> None:
    """Has calls of collections that take this long or longer told as warnings, in the whole process.

    Parameters
    ----------
    seconds : float or None
        A microsecond or more. None: none is told, as in the beginning.
    """
    if seconds is None:
        return _ffi.set_slow_call_threshold(0)
    value = _arrays.real("seconds", seconds)
    if not value >= 1e-6:
        raise InvalidArgumentError(f"seconds: expected a microsecond or more, got {value}")
    _ffi.set_slow_call_threshold(int(min(value * 1e6, 2.0**62)))
