# Work that several callers want at once, done once.
# SPDX-License-Identifier: Apache-2.0
"""Lets one of several callers do what all of them want, and gives its result to all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Hashable
from concurrent.futures import Future
from typing import Any, Callable, Generic, TypeVar

_T = TypeVar("_T")


class _AbandonedError(Exception):
    """Whoever did the work was interrupted: one of those who wait does it instead."""


class _Flight(Generic[_T]):
    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.future: Future[_T] = Future()


class Flights(Generic[_T]):
    """Of threads. What fails with an exception fails for all who waited for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Hashable, _Flight[_T]] = {}

    def run(self, key: Hashable, work: Callable[[], _T]) -> _T:
        while True:
            with self._lock:
                running = self._running.get(key)
                flight = self._running.setdefault(key, _Flight()) if running is None else running
            if running is None:
                return self._lead(key, flight, work)
            if flight.thread == threading.get_ident():
                return work()  # The work wants itself: to wait for it would have no end.
            try:
                return flight.future.result()
            except _AbandonedError:
                pass

    def _lead(self, key: Hashable, flight: _Flight[_T], work: Callable[[], _T]) -> _T:
        try:
            result = work()
        except BaseException as error:
            self._end(key)
            # An interrupt is for this thread alone.
            flight.future.set_exception(error if isinstance(error, Exception) else _AbandonedError())
            raise
        self._end(key)
        flight.future.set_result(result)
        return result

    def _end(self, key: Hashable) -> None:
        with self._lock:
            del self._running[key]


class _AsyncFlight(Generic[_T]):
    def __init__(self, task: asyncio.Task[_T]) -> None:
        self.task = task
        self.waiting = 0


class AsyncFlights(Generic[_T]):
    """Of tasks, those of each event loop for themselves. The work ends where the last one who waits is cancelled."""

    def __init__(self) -> None:
        self._running: dict[Any, _AsyncFlight[_T]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[_T]]) -> _T:
        place = (asyncio.get_running_loop(), key)
        flight = self._running.get(place)
        if flight is None:

            async def lead() -> _T:
                try:
                    return await work()
                finally:
                    del self._running[place]

            flight = self._running[place] = _AsyncFlight(asyncio.ensure_future(lead()))
        elif flight.task is asyncio.current_task():
            return await work()  # The work wants itself: to wait for it would have no end.
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not flight.task.done():
                flight.task.cancel()
