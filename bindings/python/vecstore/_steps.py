# What a call of a cache does, step by step, for a caller that waits and for one that awaits.
# SPDX-License-Identifier: Apache-2.0
"""Calls of caches as generators: they yield what may take time, and are sent what came of it.

So a cache or a limiter and its face for asyncio run the very same code, and differ only in how they wait.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, Callable, NamedTuple, Optional, TypeVar, Union

_T = TypeVar("_T")


class Encode(NamedTuple):
    """Asks for the vectors of texts, as an encoder makes them."""

    texts: list[str]


class Sleep(NamedTuple):
    """Asks to go on later."""

    seconds: float


# Anything else is called, and blocks meanwhile.
Steps = Generator[Union[Encode, Sleep, Callable[[], Any]], Any, _T]


def run(steps: Steps[_T], encode: Optional[Callable[[list[str]], Any]] = None) -> _T:
    """Does one step after the other on this thread. Steps that ask for vectors need an encoder."""
    answer: Any = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            value: _T = end.value
            return value
        if isinstance(step, Encode):
            answer = None if encode is None else encode(step.texts)
        elif isinstance(step, Sleep):
            time.sleep(step.seconds)
            answer = None
        else:
            answer = step()
