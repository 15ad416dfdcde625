# What a collection gives: points, and points that a search found.
# SPDX-License-Identifier: Apache-2.0
"""Points and hits."""

from __future__ import annotations

import datetime
import reprlib
from typing import Any, NamedTuple, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import _json

__all__ = ["Compaction", "Damage", "Facet", "Group", "Hit", "ImportResult", "Point"]

PointId = Union[int, str]

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

_short = reprlib.Repr()
_short.maxdict = 6
_short.maxstring = _short.maxother = 60


class _Payload:
    """Has a payload, which is parsed when somebody looks at it."""

    __slots__ = ("_json", "_parsed")

    _json: Optional[bytes]
    _parsed: Optional[dict[str, Any]]

    @property
    def payload(self) -> Optional[dict[str, Any]]:
        """The payload, parsed once. {} where the point has none, None where it was not asked for."""
        if self._json is not None and self._parsed is None:
            self._parsed = _json.decode(self._json) if self._json else {}
        return self._parsed

    @property
    def payload_json(self) -> Optional[str]:
        """The payload as JSON text, as it is stored. "" where the point has none, None where it was not asked for."""
        return None if self._json is None else self._json.decode()

    def _tail(self, vector: Optional[NDArray[np.float32]]) -> str:
        text = "" if self._json is None else f", payload={_short.repr(self.payload)}"
        return text if vector is None else f"{text}, vector=<{len(vector)} elements>"


class Hit(_Payload):
    """A point that a search found.

    Attributes
    ----------
    id : int or str
        What the point is known by.
    distance : float or None
        To the query, in the units of the metric; smaller is closer. None where it was found by words alone.
    score : float
        Larger is better: ``1 - distance`` under cosine, ``-distance`` otherwise; of words BM25; of both what their
        fusion makes of it.
    payload : dict or None
        Parsed when it is first looked at. {} where the point has none; None with ``with_payload=False``.
    payload_json : str or None
        The same as JSON text.
    vector : ndarray of float32, shape (dim,), or None
        With ``with_vector=True``, of points that have it.
    """

    __slots__ = ("distance", "id", "score", "vector")

    def __init__(
        self,
        id: PointId,
        distance: Optional[float],
        score: float,
        payload_json: Optional[bytes],
        vector: Optional[NDArray[np.float32]],
    ) -> None:
        self.id = id
        self.distance = distance
        self.score = score
        self.vector = vector
        self._json = payload_json
        self._parsed = None

    def __repr__(self) -> str:
        distance = "None" if self.distance is None else f"{self.distance:.6g}"
        return f"Hit(id={self.id!r}, distance={distance}, score={self.score:.6g}{self._tail(self.vector)})"


class Point(_Payload):
    """A point of a collection.

    Attributes
    ----------
    id : int or str
        What it is known by.
    payload : dict
        Parsed when it is first looked at. {} where the point has none.
    payload_json : str
        The same as JSON text.
    vector : ndarray of float32, shape (dim,), or None
        With ``with_vector``, of points that have it.
    expires : datetime in UTC, or None
        From when on it is not found any more; None where it has no end.
    order_value : int, float, str or None
        The value that gave it its place, with ``scroll(order_by=...)``.
    """

    __slots__ = ("_expires", "order_json", "id", "vector")

    _expires: int
    order_json: Optional[bytes]

    def __init__(
        self,
        id: PointId,
        payload_json: Optional[bytes],
        vector: Optional[NDArray[np.float32]],
        expires: int = 0,
        order_json: Optional[bytes] = None,
    ) -> None:
        self.id = id
        self.vector = vector
        self._expires = expires
        self.order_json = order_json
        self._json = payload_json
        self._parsed = None

    @property
    def expires(self) -> Optional[datetime.datetime]:
        """From when on it is not found any more, in UTC; None where it has no end."""
        if self._expires == 0:
            return None
        try:
            return _EPOCH + datetime.timedelta(microseconds=self._expires)
        except OverflowError:  # later than any datetime
            return datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)

    @property
    def order_value(self) -> Any:
        """The value that gave it its place in an order; else None."""
        return None if self.order_json is None else _json.decode(self.order_json)

    def __repr__(self) -> str:
        return f"Point(id={self.id!r}{self._tail(self.vector)})"


class Group(NamedTuple):
    """Hits that have the same value of a field.

    Attributes
    ----------
    value : str, int, float or bool
        The value.
    hits : list of Hit
        Best first.
    """

    value: Any
    hits: list[Hit]


class Compaction(NamedTuple):
    """What `Collection.compact` did.

    Attributes
    ----------
    bytes_before, bytes_after : int
        What the files of the collection took on the disk, and take now.
    """

    bytes_before: int
    bytes_after: int


class Damage(NamedTuple):
    """Something that `Collection.repair` has found damaged.

    Attributes
    ----------
    part : str
        "database", "point", "ids", "graph" or "text".
    name : str
        Of the vector, the field, or the point.
    message : str
    repaired : bool
        Whether it is in order now. Points are not: what was written is lost.
    """

    part: str
    name: str
    message: str
    repaired: bool


class Facet(NamedTuple):
    """A value of a field, and how many points have it.

    Attributes
    ----------
    value : str, int, float or bool
        The value.
    count : int
        Points.
    """

    value: Any
    count: int  # type: ignore[assignment]


class ImportResult(NamedTuple):
    """What an import came to.

    Attributes
    ----------
    points : int
        Points that were written.
    skipped : int
        Lines, or hashes, that were passed over because they were wrong.
    next_line : int
        Of a file: all lines before are done. The ``start_line`` of an import that goes on. Of a Redis 0.
    """

    points: int
    skipped: int
    next_line: int = 0


def found(
    id: PointId, payload_json: Optional[bytes], vector: Optional[NDArray[np.float32]], expires: int, _: None
) -> Optional[Point]:
    """The point for an id that was looked up; None where there is none."""
    return None if payload_json is None else Point(id, payload_json, vector, expires)
