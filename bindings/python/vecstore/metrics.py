# Metrics of several collections.
# SPDX-License-Identifier: Apache-2.0
"""Numbers about collections for programs that watch others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Optional, Union

from . import _ffi_collection, _json
from .collection import Collection

__all__ = ["metrics"]


def metrics(collections: Union[Mapping[str, Collection], Iterable[Collection]]) -> str:
    """Numbers about some collections for Prometheus, in one text, as its format wants them. See `Collection.metrics`.

    Parameters
    ----------
    collections : iterable of Collection, or dict of str to Collection
        The keys are what stands for the collections in the label ``collection``; without a dict these are the last parts
        of their paths.

    Returns
    -------
    str

    Raises
    ------
    InvalidArgumentError
        Two collections have the same name.
    InvalidHandleError
        One of them is closed.
    VecstoreIOError
        A directory cannot be read.
    """
    if isinstance(collections, Mapping):
        named: list[tuple[Optional[str], Collection]] = list(collections.items())
    else:
        named = [(None, collection) for collection in collections]
    for i, (_, collection) in enumerate(named):
        if not isinstance(collection, Collection):
            raise TypeError(f"collections[{i}]: expected a Collection, got {type(collection).__name__}")
    return _ffi_collection.metrics(
        [collection._open_handle() for _, collection in named],
        [_json.optional_text("the name of a collection", name) for name, _ in named],
    )
