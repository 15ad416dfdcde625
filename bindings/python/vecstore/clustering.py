# k-means: centroids of vectors.
# SPDX-License-Identifier: Apache-2.0
"""Clustering. All functions may run beside each other on any threads; inputs must not be changed meanwhile."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _arrays, _ffi
from .errors import InvalidArgumentError

__all__ = ["Assignment", "KMeansResult", "kmeans", "kmeans_assign"]


class KMeansResult(NamedTuple):
    """What k-means found; it unpacks as ``centroids, assignments, objective``.

    Attributes
    ----------
    centroids : ndarray of float32, shape (k, dim)
        Of norm 1 under cosine.
    assignments : ndarray of uint32, shape (n,)
        The number of the nearest centroid of each vector, the first of those that tie.
    objective : float
        The sum of the distances of all vectors, each to its nearest centroid.
    """

    centroids: NDArray[np.float32]
    assignments: NDArray[np.uint32]
    objective: float


class Assignment(NamedTuple):
    """The nearest centroids of vectors; it unpacks as ``assignments, distances``.

    Attributes
    ----------
    assignments : ndarray of uint32, shape (n,)
        The number of the nearest centroid of each vector, the first of those that tie.
    distances : ndarray of float32, shape (n,)
        To that centroid, in the units of the metric.
    """

    assignments: NDArray[np.uint32]
    distances: NDArray[np.float32]


def kmeans(
    x: ArrayLike,
    k: int,
    *,
    metric: str = "l2sq",
    start: str = "kmeans++",
    max_iterations: int = 25,
    tolerance: float = 1e-4,
    seed: int = 0,
    sample: Optional[int] = None,
    batch_size: Optional[int] = None,
    restarts: int = 1,
    threads: int = 0,
    dtype: Optional[DTypeLike] = None,
    progress: Optional[Callable[[int, int], Any]] = None,
) -> KMeansResult:
    """k centroids such that the sum of the distances of all vectors, each to its nearest centroid, is small.

    Parameters
    ----------
    x : array_like, shape (n, dim)
        Vectors of float32, float16, bfloat16, int8 or uint8; other numbers are taken as float32.
    k : int
        1 ... n.
    metric : str, default "l2sq"
        "l2sq", or "cosine" for spherical k-means: vectors and centroids count by their direction.
    start : str, default "kmeans++"
        "kmeans++": begins with vectors far from each other, of at most ``max(16 * k, 16384)`` drawn at random.
        "random": with any.
    max_iterations : int, default 25
        Passes over the vectors.
    tolerance : float, default 1e-4
        Ends where a pass lowers the sum of the distances by less than this share. 0: only where nothing changes.
    seed : int, default 0
        The same vectors, options and seed give the same centroids, on any number of threads.
    sample : int, optional
        Trains on at most so many vectors, drawn at random. At least k; by default ``256 * k``.
    batch_size : int, optional
        Mini-batch k-means with steps of so many vectors, drawn at random of all: for vectors that are mapped from a file
        and do not fit in memory. By default each step takes the whole sample (Lloyd).
    restarts : int, default 1
        Runs with different starts, of which the best counts.
    threads : int, default 0
        0 = the default of the library, 1 = one thread, at most 1024. The result is the same.
    dtype : str or NumPy dtype, optional
        What `x` is; needed for bfloat16 given as uint16.
    progress : callable, optional
        Is called as ``progress(done, total)`` with numbers of vectors compared now and then, and once at the end, on a
        thread of the library. Where it returns False the call is cancelled; what it raises comes out of this call.

    Returns
    -------
    KMeansResult
        ``centroids, assignments, objective``, over all of `x`.

    Raises
    ------
    TypeError
        An input is not numeric.
    InvalidArgumentError
        A shape or a value is not allowed; k is larger than n.
    UnsupportedError
        Another metric, or bits.
    NotFiniteError, ZeroVectorError
        NaN or infinity; a zero vector under cosine.
    TooLargeError
        The squares of a vector sum up to more than 2**125.
    CancelledError
        `progress` returned False.

    Notes
    -----
    O(max_iterations * sample * k * dim + n * k * dim). The GIL is released, and Ctrl-C ends the call. A centroid that loses
    all its vectors takes one that is far from its own; where there are fewer different vectors than k, some centroids are
    equal. Lloyd, Least squares quantization in PCM, 1982; Arthur, Vassilvitskii, k-means++, 2007; Sculley, Web-scale
    k-means clustering, 2010; Dhillon, Modha, Concept decompositions for large sparse text data using clustering, 2001.
    """
    if progress is not None and not callable(progress):
        raise TypeError(f"progress: expected a callable, got {type(progress).__name__}")
    array, dim, name = _arrays.block("x", x, dtype)
    least = _arrays.tolerance("tolerance", tolerance)
    return KMeansResult(
        *_ffi.kmeans_train(
            array,
            dim,
            name,
            _arrays.integer("k", k, 1, max(len(array), 1)),
            _arrays.metric_name(metric),
            _arrays.kmeans_start(start),
            _arrays.integer("max_iterations", max_iterations, 1, 2**32 - 1),
            # The library takes 0 for its default.
            least if least > 0 else -1.0,
            _arrays.integer("seed", seed, 0, 2**64 - 1),
            0 if sample is None else _arrays.integer("sample", sample, 1, 2**63 - 1),
            0 if batch_size is None else _arrays.integer("batch_size", batch_size, 1, 2**63 - 1),
            _arrays.integer("restarts", restarts, 1, 2**32 - 1),
            _arrays.threads_count(threads),
            progress,
        )
    )


def kmeans_assign(
    x: ArrayLike,
    centroids: ArrayLike,
    *,
    metric: str = "l2sq",
    threads: int = 0,
    dtype: Optional[DTypeLike] = None,
) -> Assignment:
    """The nearest centroid of each vector, exactly.

    Parameters
    ----------
    x : array_like, shape (n, dim) or (dim,)
        As for `kmeans`.
    centroids : array_like, shape (k, dim)
        Such as `kmeans` returned.
    metric : str, default "l2sq"
        "l2sq" or "cosine".
    threads : int, default 0
        As for `kmeans`.
    dtype : str or NumPy dtype, optional
        As for `kmeans`.

    Returns
    -------
    Assignment
        ``assignments, distances``.

    Raises
    ------
    TypeError, InvalidArgumentError, UnsupportedError, NotFiniteError, ZeroVectorError, TooLargeError
        As `kmeans`.

    Notes
    -----
    O(n * k * dim). The GIL is released.
    """
    array, dim, name = _arrays.block("x", x, dtype)
    table, _, found = _arrays.block("centroids", centroids, "float32")
    table = _arrays.in_dtype(table, found, "float32")
    if table.shape[1] != dim:
        raise InvalidArgumentError(f"centroids: expected shape (k, {dim}), got {table.shape}")
    return Assignment(
        *_ffi.kmeans_assign(array, dim, name, table, _arrays.metric_name(metric), _arrays.threads_count(threads))
    )
