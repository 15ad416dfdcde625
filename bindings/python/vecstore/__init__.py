# The package vecstore: vector search inside your own process.
# SPDX-License-Identifier: Apache-2.0
"""Vector search inside your own process.

>>> import numpy as np, vecstore
>>> index = vecstore.Index("flat", dim=3, metric="l2sq")
>>> index.add(np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0]], dtype=np.float32)).tolist()
[0, 1, 2]
>>> ids, distances = index.search([0, 0, 0.1], k=2)
>>> ids.tolist()
[[0, 1]]

`Index` searches vectors in memory or in a file. `Collection` keeps points with ids, vectors and payloads in a directory.
`SemanticCache` keeps responses to prompts, and shares them between processes through a Redis.

Arrays go in and come out as NumPy arrays. Smaller distances are closer, for every metric. Any function may be called
from any thread, and the GIL is released while the C library works.
"""

from __future__ import annotations

from typing import Final

from . import _ffi
from .async_cache import AsyncSemanticCache
from .async_values import AsyncRateLimiter, AsyncValueCache
from .caches import FOREVER, CacheHit, CacheStats, RedisOptions
from .clustering import Assignment, KMeansResult, kmeans, kmeans_assign
from .collection import Collection
from .embeddings import EmbeddingsCache, SimilarVector, VectorCache
from .errors import (
    AlreadyExistsError,
    CancelledError,
    CorruptError,
    Error,
    InternalError,
    InvalidArgumentError,
    InvalidHandleError,
    LockedError,
    MissingFileError,
    NewerVersionError,
    NotFiniteError,
    NotFoundError,
    OutOfMemoryError,
    ReadOnlyError,
    TooLargeError,
    UnavailableError,
    UnsupportedError,
    VecstoreIOError,
    ZeroVectorError,
)
from .filters import Filter
from .functions import (
    SearchResult,
    build_info,
    convert,
    distance,
    is_supported,
    knn,
    normalize,
    norms,
    pack_bits,
    pairwise,
    row_size,
    unpack_bits,
)
from .index import Calibration, Index, IndexStats, RangeResult
from .log import set_log_callback, set_slow_call_threshold, use_logging
from .metrics import cache_metrics, metrics
from .payload_filters import Condition, Field, at_least, has_id, has_vector
from .points import Compaction, Damage, Facet, Group, Hit, ImportResult, Point
from .quantizers import BinaryQuantizer, ProductQuantizer, Quantizer, QuantizerLoss, ScalarQuantizer
from .results import ResultCache
from .semantic_cache import SemanticCache
from .values import RateDecision, RateLimiter, ValueCache, ValueCacheStats

__version__ = "0.1.0"

NO_ID: Final[int] = _ffi.ID_NONE
"""The id of a missing result, 2**64 - 1; no row can have it."""

__all__ = [
    "FOREVER",
    "NO_ID",
    "AlreadyExistsError",
    "Assignment",
    "AsyncRateLimiter",
    "AsyncSemanticCache",
    "AsyncValueCache",
    "BinaryQuantizer",
    "CacheHit",
    "CacheStats",
    "Calibration",
    "CancelledError",
    "Collection",
    "Condition",
    "CorruptError",
    "Error",
    "Compaction",
    "Damage",
    "EmbeddingsCache",
    "Facet",
    "Field",
    "Filter",
    "Group",
    "Hit",
    "ImportResult",
    "Index",
    "IndexStats",
    "InternalError",
    "InvalidArgumentError",
    "InvalidHandleError",
    "KMeansResult",
    "LockedError",
    "MissingFileError",
    "NewerVersionError",
    "NotFiniteError",
    "NotFoundError",
    "OutOfMemoryError",
    "Point",
    "ProductQuantizer",
    "Quantizer",
    "QuantizerLoss",
    "RangeResult",
    "RateDecision",
    "RateLimiter",
    "ReadOnlyError",
    "RedisOptions",
    "ResultCache",
    "ScalarQuantizer",
    "SearchResult",
    "SemanticCache",
    "SimilarVector",
    "TooLargeError",
    "UnavailableError",
    "UnsupportedError",
    "ValueCache",
    "ValueCacheStats",
    "VecstoreIOError",
    "VectorCache",
    "ZeroVectorError",
    "__version__",
    "at_least",
    "build_info",
    "cache_metrics",
    "convert",
    "distance",
    "has_id",
    "has_vector",
    "is_supported",
    "kmeans",
    "kmeans_assign",
    "knn",
    "metrics",
    "normalize",
    "norms",
    "pack_bits",
    "pairwise",
    "row_size",
    "set_log_callback",
    "set_slow_call_threshold",
    "unpack_bits",
    "use_logging",
]
