# Objects whose calls are awaited.
# SPDX-License-Identifier: Apache-2.0
"""Runs the methods of an object on threads of its own, so that an event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Callable, ClassVar, Generic, Optional, TypeVar

from . import _arrays, _ffi
from ._handles import Opened
from ._steps import Encode, Sleep, Steps
from .errors import InvalidHandleError

_Self = TypeVar("_Self", bound="Awaited[Any]")
_O = TypeVar("_O", bound=Opened)
_T = TypeVar("_T")


class Awaited(Generic[_O]):
    """Opens an object when it is first used, and closes it."""

    _type: ClassVar[type[Opened]]
    _opens: Optional[Callable[[], _O]]
    _object: Optional[_O]
    _opening: Optional[Future[_O]]
    # Of the program, for steps that want vectors of texts.
    _encoder: Optional[Callable[[list[str]], Any]]

    def _start(
        self,
        opens: Optional[Callable[[], _O]],
        opened: Optional[_O],
        encoder: Optional[Callable[[list[str]], Any]],
        threads: Any,
    ) -> None:
        count = _arrays.integer("threads", threads, 1, _ffi.THREADS_MAX)
        self._opens = opens
        self._object = opened
        self._encoder = encoder
        self._lock = threading.Lock()
        self._opening = None
        self._closed = False
        self._owner = os.getpid()
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="vecstore-calls")

    # ------------------------------------------------------------------------------------------------------------------
    # Beginning and end
    # ------------------------------------------------------------------------------------------------------------------

    async def open(self: _Self) -> _Self:
        """Opens it now, where the first call would do it otherwise.

        Returns
        -------
        This object.

        Raises
        ------
        Error
            As for the class without "Async". The next call tries again.
        """
        (await self._opened())._open_handle()
        return self

    async def _prepare(self) -> None:
        """What has to be known before it is opened."""

    async def _opened(self) -> _O:
        if self._object is not None:
            return self._object
        if not self._closed:
            await self._prepare()
        with self._lock:
            if self._closed or self._opens is None:
                raise InvalidHandleError(f"the {self._type._noun} is closed")
            # One opening, for all tasks of all event loops; a new one after one that failed.
            opening = self._opening
            if opening is None or (opening.done() and opening.exception() is not None):
                opening = self._opening = self._threads.submit(self._open_now, self._opens)
        # Whoever is cancelled meanwhile is not alone with it.
        return await asyncio.shield(asyncio.wrap_future(opening))

    def _open_now(self, opens: Callable[[], _O]) -> _O:
        opened = self._object = opens()
        return opened

    async def close(self) -> None:
        """Closes it, as the class without "Async" does."""
        with self._lock:
            self._closed = True
            opening = self._opening
        try:
            if opening is not None:
                # What an opening raises is told to those who wanted it.
                await asyncio.wait([asyncio.wrap_future(opening)])
            if self._object is not None:
                await self._in_thread(self._object, self._object.close)
        finally:
            self._threads.shutdown(wait=False)

    async def __aenter__(self: _Self) -> _Self:
        return await self.open()

    async def __aexit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        if self._object is not None:
            return repr(self._object).replace(self._type.__name__, type(self).__name__, 1)
        return f"<vecstore.{type(self).__name__}, {'closed' if self._closed else 'not open yet'}>"

    def _open_handle(self) -> int:
        if self._object is None:
            raise InvalidHandleError(f"the {self._type._noun} is {'closed' if self._closed else 'not open yet'}")
        return self._object._open_handle()

    # ------------------------------------------------------------------------------------------------------------------
    # How calls are done
    # ------------------------------------------------------------------------------------------------------------------

    async def _do(self, steps_of: Callable[[_O], Steps[_T]]) -> _T:
        """The steps of a call, each without blocking the event loop."""
        opened = await self._opened()
        steps = steps_of(opened)
        answer: Any = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                value: _T = end.value
                return value
            if isinstance(step, Encode):
                answer = await self._call(self._encoder, step.texts)
            elif isinstance(step, Sleep):
                await asyncio.sleep(step.seconds)
                answer = None
            else:
                answer = await self._in_thread(opened, step)

    async def _in_thread(self, opened: _O, call: Callable[[], _T]) -> _T:
        # The threads are those of the process that opened it; and what is closed takes no time.
        if opened.closed or os.getpid() != opened._owner:
            return call()
        try:
            running = asyncio.get_running_loop().run_in_executor(self._threads, call)
        except RuntimeError:  # closed in this moment
            return call()
        return await running

    async def _call(self, function: Any, argument: Any) -> Any:
        """An encoder, or a maker of responses, of the program: awaited, or on a thread of the event loop."""
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):
            return await function(argument)
        answer = await asyncio.to_thread(function, argument)
        return await answer if inspect.isawaitable(answer) else answer

    async def _simply(self, method: Callable[..., _T], *arguments: Any) -> _T:
        """A method that has one step."""
        opened = await self._opened()
        return await self._in_thread(opened, functools.partial(method, opened, *arguments))


def checked(name: str, value: Any, expected: type[_O]) -> _O:
    """An object that is open already."""
    if not isinstance(value, expected):
        article = "an" if expected.__name__[0] in "AEIOU" else "a"
        raise TypeError(f"{name}: expected {article} {expected.__name__}, got {type(value).__name__}")
    return value
