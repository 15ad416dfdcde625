# What a call of a cache does, step by step, for a caller that waits and for one that awaits.
# SPDX-License-Identifier: Apache-2.0
"""Calls of caches as generators: they yield what may take time, and are sent what came of it.

So `SemanticCache` and `AsyncSemanticCache` run the very same code, and differ only in how they wait.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Callable, NamedTuple, TypeVar, Union

_T = TypeVar("_T")


class Encode(NamedTuple):
    """Asks for the vectors of texts, as an encoder makes them."""

    texts: list[str]


# Anything else is called, and blocks meanwhile.
Steps = Generator[Union[Encode, Callable[[], Any]], Any, _T]


def run(steps: Steps[_T], encode: Callable[[list[str]], Any]) -> _T:
    """Does one step after the other on this thread."""
    answer: Any = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            value: _T = end.value
            return value
        answer = encode(step.texts) if isinstance(step, Encode) else step()
