# Hits in an order that a caller's own function gives them.
# SPDX-License-Identifier: Apache-2.0
"""Lets a callable look at more hits than are wanted, and checks what it makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Callable, Optional, Union

from . import _arrays, _ffi
from .errors import InvalidArgumentError
from .points import Hit

# Is called with hits, best first; returns them in their new order, or a score for each.
Rerank = Callable[[list[Hit]], Union[Iterable[Hit], Iterable[float]]]

_CANDIDATES = 100


class Reranking:
    """How many hits are fetched, and which of them are wanted in the end."""

    def __init__(self, rerank: Rerank, candidates: Any, k: Any, offset: Any) -> None:
        if not callable(rerank):
            raise TypeError(f"rerank: expected a callable, got {type(rerank).__name__}")
        self._rerank = rerank
        self._offset = _arrays.integer("offset", offset, 0, _ffi.K_MAX)
        self._end = self._offset + _arrays.results_count(k)
        if self._end > _ffi.K_MAX:
            raise InvalidArgumentError(f"k and offset: expected up to {_ffi.K_MAX} together, got {self._end}")
        most = _CANDIDATES if candidates is None else _arrays.integer("rerank_candidates", candidates, 1, _ffi.K_MAX)
        self.count = max(most, self._end)

    def order(self, hits: list[Hit]) -> list[Hit]:
        """The hits that are wanted; where there are none nobody is asked."""
        if not hits:
            return []
        return self._checked(hits, self._rerank(list(hits)))[self._offset : self._end]

    def _checked(self, hits: list[Hit], answer: Any) -> list[Hit]:
        if isinstance(answer, (str, bytes)) or not isinstance(answer, Iterable):
            raise TypeError(
                f"rerank: expected hits in their new order, or a score for each, got {type(answer).__name__}"
            )
        items: list[Any] = list(answer)
        if not any(isinstance(item, Hit) for item in items):
            return self._by_scores(hits, items) if items else []
        left = {id(hit) for hit in hits}
        for i, item in enumerate(items):
            if not isinstance(item, Hit):
                raise TypeError(f"rerank: expected hits alone or scores alone, got {type(item).__name__} at {i}")
            if id(item) not in left:
                raise InvalidArgumentError(
                    f"rerank: the hit at {i}, id {item.id!r}, came before, or is none of those that were given"
                )
            left.remove(id(item))
        return items

    def _by_scores(self, hits: list[Hit], answer: list[Any]) -> list[Hit]:
        if len(answer) != len(hits):
            raise InvalidArgumentError(f"rerank: expected a score for each of {len(hits)} hits, got {len(answer)}")
        scores = [_arrays.real(f"rerank: the score at {i}", score) for i, score in enumerate(answer)]
        for i, score in enumerate(scores):
            if score != score:
                raise InvalidArgumentError(f"rerank: the score at {i} is not a number")
        for hit, score in zip(hits, scores):
            hit.score = score
        return sorted(hits, key=lambda hit: -hit.score)


def reranking(rerank: Optional[Rerank], candidates: Any, k: Any, offset: Any) -> Optional[Reranking]:
    if rerank is not None:
        return Reranking(rerank, candidates, k, offset)
    if candidates is not None:
        raise InvalidArgumentError("rerank_candidates goes with rerank")
    return None
