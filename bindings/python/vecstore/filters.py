# Filters: which rows may be results of a search.
# SPDX-License-Identifier: Apache-2.0
"""Filters of a search."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Callable, Optional, Union

import numpy as np
from numpy.typing import ArrayLike

from . import _arrays, _ffi

__all__ = ["Filter", "FilterLike"]


class Filter:
    """Which rows may be results of a search.

    Made by :meth:`bitmap`, :meth:`ids` or :meth:`where`; ``~f`` is the opposite of ``f``. A filter never changes, so
    one can serve many searches and threads; it copies what it is made of.

    Wherever a filter is expected, a boolean array stands for :meth:`bitmap`, an array, list, tuple, set or range of
    integers for :meth:`ids`, and a callable for :meth:`where`.

    Examples
    --------
    >>> from vecstore import Filter
    >>> not_these = ~Filter.ids([3, 5])
    >>> index.search(queries, 10, filter=not_these)  # doctest: +SKIP
    """

    __slots__ = ("_spec",)

    _spec: _ffi.FilterSpec

    def __init__(self) -> None:
        raise TypeError("Filter: use Filter.bitmap, Filter.ids or Filter.where")

    @classmethod
    def _of(cls, spec: _ffi.FilterSpec) -> Filter:
        self = object.__new__(cls)
        self._spec = spec
        return self

    @classmethod
    def bitmap(cls, allowed: ArrayLike) -> Filter:
        """Rows whose id is a position of True.

        Parameters
        ----------
        allowed : array_like of bool, shape (n,)
            ``allowed[id]`` says whether the row may be a result. Ids of n and more may not. It is kept as n / 8 bytes.

        Raises
        ------
        TypeError
            `allowed` is not boolean.
        InvalidArgumentError
            `allowed` is not one-dimensional.
        """
        bools = _arrays.bool_array("allowed", allowed)
        return cls._of(_ffi.FilterSpec("bitmap", np.packbits(bools, bitorder="little"), len(bools)))

    @classmethod
    def ids(cls, ids: Union[ArrayLike, Iterable[int]]) -> Filter:
        """Rows with one of these ids.

        Parameters
        ----------
        ids : array_like of int or iterable of int, shape (n,)
            In any order; repeats, and ids that no row has, do no harm. Kept as 8 n bytes.

        Raises
        ------
        TypeError
            `ids` are not integers.
        InvalidArgumentError
            `ids` is not one-dimensional, or an id is negative.
        """
        return cls._of(_ffi.FilterSpec("ids", ids=_arrays.id_array("ids", ids).copy()))

    @classmethod
    def where(cls, accepts: Callable[[int], object]) -> Filter:
        """Rows for which a callable returns something true.

        Parameters
        ----------
        accepts : callable
            Gets the id of a row, an `int`. It is called once for each row and search, not for each query, on the thread
            that called the search, before the distances are computed. It holds the GIL meanwhile and costs about a
            microsecond a row, so a bitmap or ids are better where there is a choice. It may search the index, but must
            not change it. What it raises is raised by the search.
        """
        if not callable(accepts):
            raise TypeError(f"accepts: expected a callable, got {type(accepts).__name__}")
        return cls._of(_ffi.FilterSpec("callback", predicate=accepts))

    def __invert__(self) -> Filter:
        return self._of(self._spec._replace(negate=not self._spec.negate))

    def __repr__(self) -> str:
        spec = self._spec
        if spec.bitmap is not None:
            text = f"Filter.bitmap(<{spec.bitmap_bits} bits>)"
        elif spec.ids is not None:
            text = f"Filter.ids(<{len(spec.ids)} ids>)"
        else:
            text = f"Filter.where({spec.predicate!r})"
        return "~" + text if spec.negate else text


FilterLike = Union[Filter, Callable[[int], object], ArrayLike, Iterable[int]]


def filter_spec(value: Optional[FilterLike]) -> Optional[_ffi.FilterSpec]:
    """What `filter=` means, in the terms of the C library."""
    if value is None:
        return None
    if isinstance(value, Filter):
        return value._spec
    if isinstance(value, (str, bytes)):
        raise TypeError("filter: expected a Filter, a boolean array, ids or a callable, got text")
    if callable(value):
        return Filter.where(value)._spec
    if _is_bools(value):
        return Filter.bitmap(value)._spec  # type: ignore[arg-type]
    return _ffi.FilterSpec("ids", ids=_arrays.id_array("filter", value))


def _is_bools(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) > 0 and isinstance(value[0], (bool, np.bool_))
    dtype = getattr(value, "dtype", None)
    return dtype is not None and np.dtype(dtype).kind == "b"
