# Filters over payloads, written with Python's operators.
# SPDX-License-Identifier: Apache-2.0
"""Conditions on points of a collection, as an alternative to JSON."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, Optional, Union

import numpy as np

from . import _json
from .errors import InvalidArgumentError

__all__ = ["Condition", "Field", "PayloadFilter", "at_least", "has_id", "has_vector"]

_LonLat = tuple[float, float]
_Value = Union[str, int, float, bool, uuid.UUID, datetime.date, None]


class Condition:
    """What points have to be like. Made by `Field`, `has_id`, `has_vector` and `at_least`; it never changes.

    ``a & b`` holds where both do, ``a | b`` where one does, ``~a`` where `a` does not. Wherever a filter of a
    collection is expected, a condition, a dict in the words of Qdrant, and such a dict as JSON text are all the same.

    Examples
    --------
    >>> from vecstore import Field
    >>> wanted = (Field("section") == "net") & ~(Field("size") > 1000)
    >>> wanted.to_dict()["must"][0]
    {'key': 'section', 'match': {'value': 'net'}}
    """

    __slots__ = ("_clause", "_json", "_parts")

    # One of "must", "should" and "must_not" with its conditions, or "" with one condition as a dict.
    _clause: str
    _parts: tuple[Any, ...]
    _json: Optional[bytes]

    def __init__(self) -> None:
        raise TypeError("Condition: use Field, has_id, has_vector or at_least")

    @classmethod
    def _of(cls, clause: str, *parts: Any) -> Condition:
        self = object.__new__(cls)
        self._clause = clause
        self._parts = parts
        self._json = None
        return self

    def __and__(self, other: Condition) -> Condition:
        return _joined("must", self, other)

    def __or__(self, other: Condition) -> Condition:
        return _joined("should", self, other)

    def __invert__(self) -> Condition:
        if self._clause == "must_not" and len(self._parts) == 1:
            inner: Condition = self._parts[0]
            return inner
        return Condition._of("must_not", self)

    def __bool__(self) -> NoReturn:
        raise TypeError("a Condition is neither true nor false: write & for and, | for or, ~ for not, and between()")

    def to_dict(self) -> dict[str, Any]:
        """The filter as a dict, in the words of Qdrant.

        Returns
        -------
        dict
            With "must", "should" or "must_not"; ``json.dumps`` makes the text of it that the C library takes.
        """
        return {"must": [self._node()]} if self._clause == "" else self._node()

    def _node(self) -> dict[str, Any]:
        if self._clause == "":
            node: dict[str, Any] = self._parts[0]
            return node
        return {self._clause: [part._node() for part in self._parts]}

    def _text(self) -> bytes:
        """As JSON, made once."""
        if self._json is None:
            self._json = _json.object_text("filter", self.to_dict(), "a dict")
        return self._json

    def __repr__(self) -> str:
        return f"Condition({self.to_dict()!r})"


def _joined(clause: str, a: Condition, b: Condition) -> Condition:
    """One list for a chain of the same operator: filters may not be nested deep."""
    if not isinstance(b, Condition):
        return NotImplemented
    parts: list[Condition] = []
    for part in (a, b):
        parts.extend(part._parts if part._clause == clause else (part,))
    return Condition._of(clause, *parts)


class Field:
    """A field of payloads, in conditions.

    ``==``, ``!=``, ``<``, ``<=``, ``>`` and ``>=`` with a value, and the methods, make a `Condition`. A field that is
    an array meets a condition where one of its elements does. ``!=`` and ``~`` hold for points without the field too.

    Parameters
    ----------
    path : str
        "section"; "a.b" is the member b of the object a, "a[].b" that of each element of the array a.

    Examples
    --------
    >>> from vecstore import Field
    >>> (Field("size") >= 10).to_dict()
    {'must': [{'key': 'size', 'range': {'gte': 10}}]}
    """

    __slots__ = ("path",)

    path: str

    def __init__(self, path: str) -> None:
        if not isinstance(path, str):
            raise TypeError(f"path: expected a string, got {type(path).__name__}")
        self.path = path

    def _condition(self, test: str, value: Any) -> Condition:
        return Condition._of("", {"key": self.path, test: value})

    # ------------------------------------------------------------------------------------------------------------------
    # Values
    # ------------------------------------------------------------------------------------------------------------------

    def __eq__(self, value: _Value) -> Condition:  # type: ignore[override]
        value = _plain(value)
        if value is None:
            return self.is_null()
        # Real numbers and times are compared by what they are, not by how they are written.
        if isinstance(value, (float, datetime.date)):
            return self.between(gte=value, lte=value)
        return self._condition("match", {"value": value})

    def __ne__(self, value: _Value) -> Condition:  # type: ignore[override]
        return ~(self == value)

    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, value: Union[float, str, datetime.date]) -> Condition:
        return self.between(lt=value)

    def __le__(self, value: Union[float, str, datetime.date]) -> Condition:
        return self.between(lte=value)

    def __gt__(self, value: Union[float, str, datetime.date]) -> Condition:
        return self.between(gt=value)

    def __ge__(self, value: Union[float, str, datetime.date]) -> Condition:
        return self.between(gte=value)

    def between(
        self,
        *,
        gt: Union[float, str, datetime.date, None] = None,
        gte: Union[float, str, datetime.date, None] = None,
        lt: Union[float, str, datetime.date, None] = None,
        lte: Union[float, str, datetime.date, None] = None,
    ) -> Condition:
        """A number, or a time, within bounds.

        Parameters
        ----------
        gt, gte, lt, lte : float, str, date or datetime, optional
            Greater than, at least, less than, at most: numbers, or times as `datetime` with a time zone, `date`, or
            RFC 3339 text.

        Raises
        ------
        InvalidArgumentError
            There is no bound.
        """
        bounds = {"gt": gt, "gte": gte, "lt": lt, "lte": lte}
        given = {name: _bound(name, value) for name, value in bounds.items() if value is not None}
        if not given:
            raise InvalidArgumentError("between: expected one of gt, gte, lt, lte or more")
        return self._condition("range", given)

    def any_of(self, values: Iterable[_Value]) -> Condition:
        """One of several values.

        Parameters
        ----------
        values : iterable of str, int, float, bool, UUID, date or None
            Values as for ``==``. None of them: no point.
        """
        listed = _list(values)
        if _is_of_one_kind(listed):
            return self._condition("match", {"any": listed})
        return Condition._of("should", *(self == value for value in listed))

    def none_of(self, values: Iterable[_Value]) -> Condition:
        """None of several values: the opposite of `any_of`, so it holds for points without the field too.

        Parameters
        ----------
        values : iterable of str, int, float, bool, UUID, date or None
            Values as for ``==``.
        """
        return ~self.any_of(values)

    # ------------------------------------------------------------------------------------------------------------------
    # Words
    # ------------------------------------------------------------------------------------------------------------------

    def text(self, words: str) -> Condition:
        """Text with all of these words, in any order.

        Parameters
        ----------
        words : str
            As the tokenizer of the index of the field takes them apart, where it has one.
        """
        return self._condition("match", {"text": words})

    def text_any(self, words: str) -> Condition:
        """Text with one of these words, or more.

        Parameters
        ----------
        words : str
            As for `text`.
        """
        return self._condition("match", {"text_any": words})

    def phrase(self, words: str) -> Condition:
        """Text with these words, one after the other.

        Parameters
        ----------
        words : str
            As for `text`.
        """
        return self._condition("match", {"phrase": words})

    def prefix(self, beginning: str) -> Condition:
        """Text that begins like this, letter for letter.

        Parameters
        ----------
        beginning : str
            The first characters.
        """
        return self._condition("match", {"prefix": beginning})

    # ------------------------------------------------------------------------------------------------------------------
    # Presence
    # ------------------------------------------------------------------------------------------------------------------

    def is_empty(self) -> Condition:
        """There is no such field, or it is null or an empty array."""
        return Condition._of("", {"is_empty": {"key": self.path}})

    def is_null(self) -> Condition:
        """The field is there, and null."""
        return Condition._of("", {"is_null": {"key": self.path}})

    def count(
        self,
        *,
        gt: Optional[int] = None,
        gte: Optional[int] = None,
        lt: Optional[int] = None,
        lte: Optional[int] = None,
    ) -> Condition:
        """How many values the field has: of an array its elements.

        Parameters
        ----------
        gt, gte, lt, lte : int, optional
            Greater than, at least, less than, at most.

        Raises
        ------
        InvalidArgumentError
            There is no bound.
        """
        bounds = {"gt": gt, "gte": gte, "lt": lt, "lte": lte}
        given = {name: value for name, value in bounds.items() if value is not None}
        if not given:
            raise InvalidArgumentError("count: expected one of gt, gte, lt, lte or more")
        return self._condition("values_count", given)

    def nested(self, condition: Condition) -> Condition:
        """One element of an array of objects meets all of a condition, whose fields are those of the element.

        Parameters
        ----------
        condition : Condition
            Without `has_id` and `has_vector`, which are about points.
        """
        if not isinstance(condition, Condition):
            raise TypeError(f"condition: expected a Condition, got {type(condition).__name__}")
        return Condition._of("", {"nested": {"key": self.path, "filter": condition.to_dict()}})

    # ------------------------------------------------------------------------------------------------------------------
    # Places: fields such as {"lon": 13.4, "lat": 52.5}
    # ------------------------------------------------------------------------------------------------------------------

    def near(self, lon: float, lat: float, radius: float) -> Condition:
        """A place within a circle.

        Parameters
        ----------
        lon, lat : float
            Its center, in degrees.
        radius : float
            In metres.
        """
        return self._condition("geo_radius", {"center": {"lon": lon, "lat": lat}, "radius": radius})

    def in_box(self, top_left: _LonLat, bottom_right: _LonLat) -> Condition:
        """A place within a box. One whose left is east of its right crosses the date line.

        Parameters
        ----------
        top_left, bottom_right : (lon, lat)
            Two corners, in degrees.
        """
        corners = {"top_left": _place(top_left), "bottom_right": _place(bottom_right)}
        return self._condition("geo_bounding_box", corners)

    def in_polygon(self, exterior: Sequence[_LonLat], interiors: Sequence[Sequence[_LonLat]] = ()) -> Condition:
        """A place within a polygon.

        Parameters
        ----------
        exterior : sequence of (lon, lat)
            Its corners, in degrees; the last is the first again.
        interiors : sequence of such sequences, optional
            Holes.
        """
        polygon: dict[str, Any] = {"exterior": _ring(exterior)}
        if interiors:
            polygon["interiors"] = [_ring(ring) for ring in interiors]
        return self._condition("geo_polygon", polygon)

    def __repr__(self) -> str:
        return f"Field({self.path!r})"


def has_id(ids: Union[int, str, uuid.UUID, Iterable[Union[int, str, uuid.UUID]]]) -> Condition:
    """Points with one of these ids.

    Parameters
    ----------
    ids : int, str, UUID, or iterable of these
        Ids that no point has do no harm.
    """
    listed = [_plain(ids)] if isinstance(ids, (int, str, uuid.UUID, np.integer)) else _list(ids)
    return Condition._of("", {"has_id": listed})


def has_vector(name: str) -> Condition:
    """Points that have a vector of this name.

    Parameters
    ----------
    name : str
        A name that the collection was made with.
    """
    return Condition._of("", {"has_vector": name})


def at_least(count: int, conditions: Iterable[Condition]) -> Condition:
    """Points that meet so many of several conditions, or more.

    Parameters
    ----------
    count : int
        1 ... the number of conditions.
    conditions : iterable of Condition
        Any of them.
    """
    nodes = [condition._node() for condition in conditions]
    return Condition._of("", {"min_should": {"conditions": nodes, "min_count": count}})


PayloadFilter = Union[Condition, Mapping[str, Any], str, bytes]


def filter_text(value: Optional[PayloadFilter]) -> Optional[bytes]:
    """What `filter=` means, as JSON."""
    if value is None:
        return None
    if isinstance(value, Condition):
        return value._text()
    return _json.object_text("filter", value, "a Condition, a dict, or JSON text")


def _plain(value: Any) -> Any:
    """A value as JSON has it, but for times."""
    if value is None or isinstance(value, (str, bool, int, float, datetime.date)):
        return value
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, (np.integer, np.floating, np.bool_)):
        return value.item()
    raise TypeError(
        f"expected a string, number, boolean, UUID, time or None, got {type(value).__name__}; see any_of for lists"
    )


def _list(values: Iterable[Any]) -> list[Any]:
    if isinstance(values, (str, bytes)):
        raise TypeError("expected a list of values, got one: write == for it")
    return [_plain(value) for value in values]


def _is_of_one_kind(values: list[Any]) -> bool:
    """Whether the library takes them as one list: all strings, or all integers."""
    return all(isinstance(value, str) for value in values) or all(type(value) is int for value in values)


def _bound(name: str, value: Any) -> Any:
    value = _plain(value)
    if isinstance(value, bool):
        raise TypeError(f"{name}: expected a number or a time, got bool")
    if isinstance(value, datetime.datetime):
        return _json.time_text(value)
    return value.isoformat() if isinstance(value, datetime.date) else value


def _place(place: _LonLat) -> dict[str, float]:
    lon, lat = place
    return {"lon": lon, "lat": lat}


def _ring(places: Sequence[_LonLat]) -> dict[str, Any]:
    return {"points": [_place(place) for place in places]}
