# The C library as Python calls it. Only this module, `_ffi_collection` and `_ffi_cache` touch ctypes.
# SPDX-License-Identifier: Apache-2.0
"""Loads the C library and wraps its functions, one by one.

The functions here take NumPy arrays that are already C-contiguous and of the right dtype, and Python integers that are
already in range: `_arrays` sees to that. They allocate the results and turn a failing status into an exception.
`ctypes.CDLL` releases the GIL for the length of each call.
"""

from __future__ import annotations

import _thread
import atexit
import ctypes
import errno
import functools
import os
import pathlib
import threading
from ctypes import (
    POINTER,
    byref,
    c_bool,
    c_char_p,
    c_double,
    c_float,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, Callable, NamedTuple, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import errors

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]

# ----------------------------------------------------------------------------------------------------------------------
# Constants, structs and signatures of the header
# ----------------------------------------------------------------------------------------------------------------------

ID_NONE = 2**64 - 1
DIM_MAX = 65536
K_MAX = 1048576
THREADS_MAX = 1024

METRICS = {"l2sq": 1, "ip": 2, "cosine": 3, "l1": 4, "hamming": 5, "jaccard": 6}
DTYPES = {"float32": 1, "float16": 2, "bfloat16": 3, "int8": 4, "uint8": 5, "bits": 6}
KINDS = {"flat": 1, "hnsw": 2, "ivf": 3, "auto": 4}
STORAGES = {"auto": 0, "float32": 1, "float16": 2, "bfloat16": 3, "int8": 4, "int4": 5, "pq": 6, "binary": 7}
RESCORES = {"default": 0, "none": 1, "float32": 2, "float16": 3}
QUANTIZERS = {"scalar": 1, "product": 2, "binary": 3}
ROTATIONS = {"none": 0, "opq": 1}
KMEANS_STARTS = {"kmeans++": 1, "random": 2}
FILTERS = {"none": 0, "bitmap": 1, "ids": 2, "callback": 3}
DURABILITIES = {"full": 1, "normal": 2, "none": 3}
MEMORIES = {"mapped": 1, "loaded": 2, "disk": 3}
PAYLOAD_CHANGES = {"set": 1, "merge": 2, "delete_keys": 3}
TEXT_MODES = {"any": 1, "all": 2, "phrase": 3, "prefix": 4}
FUSIONS = {"rrf": 1, "weighted": 2, "dbsf": 3}
LOG_LEVELS = {"error": 1, "warning": 2, "info": 3, "debug": 4}
CACHE_EVICTIONS = {"lru": 1, "lfu": 2, "cost": 3}
CACHE_TIERS = {"exact": 1, "semantic": 2}
BLOB_TYPES = {"float32": 1, "float64": 2, "float16": 3, "bfloat16": 4}
FIELD_VALUES = {"text": 0, "numbers": 1, "json": 2}

# The version this file was written against: an older library lacks functions, one with another major number differs.
OLDEST_VERSION = 100

# Limits of a graph that the header gives in words.
M_LEAST, M_MOST = 2, 256
EF_MOST = K_MAX
# And those of an inverted file.
LISTS_MOST = 1048576
ASSIGNMENTS_MOST = 2
# And those of a semantic cache.
CACHE_ENTRIES_MOST = 2**30 - 1
CACHE_HITS_MOST = 1000
CACHE_ID_SIZE = 33
CACHE_TTL_NONE = -1

FilterCallback = ctypes.CFUNCTYPE(c_bool, c_uint64, c_void_p)
ProgressCallback = ctypes.CFUNCTYPE(c_bool, c_uint64, c_uint64, c_void_p)
LogCallback = ctypes.CFUNCTYPE(None, c_uint32, c_char_p, c_void_p)


class FilterStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("bitmap", c_void_p),
        ("bitmap_bits", c_uint64),
        ("ids", c_void_p),
        ("ids_count", c_uint64),
        ("callback", FilterCallback),
        ("payload", c_void_p),
        ("negate", c_uint32),
        ("reserved", c_uint32),
    ]


class SearchOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("threads", c_uint32),
        ("filter", POINTER(FilterStruct)),
        ("ef_search", c_uint32),
        ("target_recall", c_float),
        ("no_rescore", c_uint32),
        ("oversampling", c_float),
        ("nprobe", c_uint32),
        ("reserved", c_uint32),
    ]


class IndexOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("dim", c_uint32),
        ("metric", c_uint32),
        ("dtype", c_uint32),
        ("exact_codes", c_uint32),
        ("capacity", c_uint64),
        ("m", c_uint32),
        ("ef_construction", c_uint32),
        ("storage", c_uint32),
        ("rescore", c_uint32),
        ("seed", c_uint64),
        ("nlist", c_uint32),
        ("pq_m", c_uint32),
        ("bits", c_uint32),
        ("assignments", c_uint32),
        ("rotation", c_uint32),
        ("target_recall", c_float),
        ("memory_budget", c_uint64),
    ]


class WorkOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("threads", c_uint32),
        ("progress", ProgressCallback),
        ("payload", c_void_p),
    ]


class KMeansOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("threads", c_uint32),
        ("metric", c_uint32),
        ("start", c_uint32),
        ("max_iterations", c_uint32),
        ("restarts", c_uint32),
        ("seed", c_uint64),
        ("sample", c_uint64),
        ("batch_size", c_uint64),
        ("tolerance", c_float),
        ("reserved", c_uint32),
        ("progress", ProgressCallback),
        ("payload", c_void_p),
    ]


class KMeansResultStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("iterations", c_uint32),
        ("converged", c_uint32),
        ("reserved", c_uint32),
        ("trained_count", c_uint64),
        ("objective", c_double),
    ]


class QuantizerOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("dim", c_uint32),
        ("bits", c_uint32),
        ("pq_m", c_uint32),
        ("rotation", c_uint32),
        ("uniform", c_uint32),
        ("quantile", c_float),
        ("seed", c_uint64),
    ]


class QuantizerLossStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("mean_squared_error", c_double),
        ("relative_error", c_double),
    ]


class CalibrateOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("threads", c_uint32), ("k", c_uint32), ("recall", c_float)]


class CalibrationStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("k", c_uint32),
        ("ef_search", c_uint32),
        ("uses_own_rows", c_uint32),
        ("target_recall", c_float),
        ("recall", c_float),
        ("nprobe", c_uint32),
    ]


class StatsStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("dim", c_uint32),
        ("metric", c_uint32),
        ("dtype", c_uint32),
        ("read_only", c_uint32),
        ("count", c_uint64),
        ("removed_count", c_uint64),
        ("memory_bytes", c_uint64),
        ("mapped_bytes", c_uint64),
        ("next_id", c_uint64),
        ("exact_codes", c_uint32),
        ("reserved", c_uint32),
        ("m", c_uint32),
        ("ef_construction", c_uint32),
        ("storage", c_uint32),
        ("exact_dtype", c_uint32),
        ("code_loss", c_float),
        ("sketched", c_uint32),
        ("levels", c_uint32),
        ("calibrated_k", c_uint32),
        ("calibrated_ef_search", c_uint32),
        ("calibrated_recall", c_float),
        ("calibrated_target", c_float),
        ("calibrated_by_own_rows", c_uint32),
        ("nlist", c_uint32),
        ("assignments", c_uint32),
        ("trained_count", c_uint64),
        ("bytes_per_row", c_uint32),
        ("longest_list", c_uint32),
        ("imbalance", c_float),
        ("default_nprobe", c_uint32),
        ("calibrated_nprobe", c_uint32),
        ("automatic", c_uint32),
    ]


class SaveOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("no_sync", c_uint32)]


class OpenOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("load", c_uint32), ("verify", c_uint32), ("prefault", c_uint32)]


class IdStruct(ctypes.Structure):
    _fields_ = [("number", c_uint64), ("text", c_char_p)]


class VectorOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("dim", c_uint32),
        ("name", c_char_p),
        ("metric", c_uint32),
        ("dtype", c_uint32),
        ("kind", c_uint32),
        ("storage", c_uint32),
        ("m", c_uint32),
        ("ef_construction", c_uint32),
        ("model", c_char_p),
        ("model_version", c_char_p),
    ]


class CollectionOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("read_only", c_uint32),
        ("durability", c_uint32),
        ("index_threads", c_uint32),
        ("memory", c_uint32),
        ("reserved", c_uint32),
        ("memory_budget", c_uint64),
    ]


class BatchVectors(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("vectors", c_void_p),
        ("dtype", c_uint32),
        ("reserved", c_uint32),
        ("present", c_void_p),
    ]


class HitsView(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("nq", c_size_t),
        ("offsets", c_void_p),
        ("ids", POINTER(IdStruct)),
        ("distances", c_void_p),
        ("scores", c_void_p),
        ("payloads", POINTER(c_char_p)),
        ("vectors", c_void_p),
        ("dim", c_size_t),
        ("groups", POINTER(c_char_p)),
        ("expires", c_void_p),
        ("explanation", c_char_p),
    ]


class QueryOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("threads", c_uint32),
        ("vector_name", c_char_p),
        ("filter", c_char_p),
        ("offset", c_uint64),
        ("ef_search", c_uint32),
        ("exact", c_uint32),
        ("with_payload", c_uint32),
        ("with_vector", c_uint32),
        ("has_max_distance", c_uint32),
        ("max_distance", c_float),
        ("diversity", c_float),
        ("candidates", c_uint32),
        ("has_threshold", c_uint32),
        ("threshold", c_float),
        ("explain", c_uint32),
        ("target_recall", c_float),
    ]


class OrderOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("descending", c_uint32),
        ("order_by", c_char_p),
        ("start_from", c_char_p),
        ("after_value", c_char_p),
        ("after", POINTER(IdStruct)),
    ]


class TextOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("mode", c_uint32),
        ("fields", POINTER(c_char_p)),
        ("weights", c_void_p),
        ("n_fields", c_size_t),
    ]


class HybridOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("fusion", c_uint32),
        ("vector_weight", c_float),
        ("text_weight", c_float),
        ("candidates", c_uint32),
        ("reserved", c_uint32),
    ]


class VectorFile(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("path", c_char_p)]


class ImportOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("batch_size", c_uint32),
        ("vector_files", POINTER(VectorFile)),
        ("n_vector_files", c_size_t),
        ("start_line", c_uint64),
        ("skip_bad", c_uint32),
        ("bare_payloads", c_uint32),
        ("first_id", c_uint64),
        ("reserved", c_uint32),
        ("progress", ProgressCallback),
        ("payload", c_void_p),
    ]


class ImportResultStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("points", c_uint64),
        ("skipped", c_uint64),
        ("next_line", c_uint64),
    ]


class ExportOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("filter", c_char_p),
        ("vector_files", POINTER(VectorFile)),
        ("n_vector_files", c_size_t),
        ("progress", ProgressCallback),
        ("payload", c_void_p),
    ]


class RedisOptionsStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("connect_timeout", c_uint32),
        ("command_timeout", c_uint32),
        ("max_connections", c_uint32),
        ("health_check_after", c_uint32),
        ("no_retries", c_uint32),
        ("breaker_failures", c_uint32),
        ("breaker_open_time", c_uint32),
        ("cluster", c_uint32),
        ("tls_no_verify", c_uint32),
        ("tls_ca_file", c_char_p),
        ("tls_ca_directory", c_char_p),
        ("tls_server_name", c_char_p),
        ("tls_certificate_file", c_char_p),
        ("tls_key_file", c_char_p),
    ]


class CacheOptionsStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("dim", c_uint32),
        ("name_space", c_char_p),
        ("model", c_char_p),
        ("has_threshold", c_uint32),
        ("similarity_threshold", c_float),
        ("ttl", c_uint64),
        ("max_entries", c_uint64),
        ("max_bytes", c_uint64),
        ("eviction", c_uint32),
        ("dtype", c_uint32),
        ("refresh_on_hit", c_uint32),
        ("guard", c_uint32),
        ("fail_closed", c_uint32),
        ("keep_responses", c_uint32),
        ("queue_limit", c_uint32),
        ("log_length", c_uint32),
        ("one_per_prompt", c_uint32),
        ("reserved", c_uint32),
        ("redis", POINTER(RedisOptionsStruct)),
    ]


class CacheEntryStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("cost", c_float),
        ("prompt", c_char_p),
        ("prompt_size", c_size_t),
        ("response", c_char_p),
        ("response_size", c_size_t),
        ("metadata", c_char_p),
        ("vector", c_void_p),
        ("ttl", c_int64),
    ]


class CacheQueryStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("tiers", c_uint32),
        ("has_threshold", c_uint32),
        ("similarity_threshold", c_float),
        ("prompt", c_char_p),
        ("prompt_size", c_size_t),
        ("vector", c_void_p),
        ("filter", c_char_p),
        ("k", c_size_t),
        ("uncounted_miss", c_uint32),
        ("reserved", c_uint32),
    ]


class CacheHitStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("tier", c_uint32),
        ("id", c_char_p),
        ("prompt", c_char_p),
        ("prompt_size", c_size_t),
        ("response", c_char_p),
        ("response_size", c_size_t),
        ("metadata", c_char_p),
        ("created", c_int64),
        ("expires", c_int64),
        ("similarity", c_float),
        ("reserved", c_uint32),
    ]


class CacheStatsStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("entries", c_uint64),
        ("bytes", c_uint64),
        ("index_bytes", c_uint64),
        ("exact_hits", c_uint64),
        ("semantic_hits", c_uint64),
        ("misses", c_uint64),
        ("failures", c_uint64),
        ("sets", c_uint64),
        ("deletes", c_uint64),
        ("evictions", c_uint64),
        ("expired", c_uint64),
        ("guard_refusals", c_uint64),
        ("feedback_refusals", c_uint64),
        ("gone", c_uint64),
        ("feedbacks", c_uint64),
        ("store_errors", c_uint64),
        ("last_error", c_int64),
    ]


class ValueCacheOptionsStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("fail_closed", c_uint32),
        ("name_space", c_char_p),
        ("ttl", c_uint64),
        ("max_entries", c_uint64),
        ("max_bytes", c_uint64),
        ("local_bytes", c_uint64),
        ("local_ttl", c_uint64),
        ("redis", POINTER(RedisOptionsStruct)),
    ]


class ValuesView(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("n", c_size_t),
        ("values", POINTER(c_void_p)),
        ("sizes", POINTER(c_size_t)),
    ]


class ValueCacheStatsStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("entries", c_uint64),
        ("bytes", c_uint64),
        ("hits", c_uint64),
        ("local_hits", c_uint64),
        ("misses", c_uint64),
        ("unanswered", c_uint64),
        ("sets", c_uint64),
        ("dropped", c_uint64),
        ("deletes", c_uint64),
        ("evictions", c_uint64),
        ("expired", c_uint64),
        ("store_errors", c_uint64),
        ("last_error", c_int64),
    ]


class RateLimiterOptionsStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("fail_closed", c_uint32),
        ("name_space", c_char_p),
        ("capacity", c_double),
        ("refill_per_second", c_double),
        ("redis", POINTER(RedisOptionsStruct)),
    ]


class RateDecisionStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("allowed", c_uint32),
        ("remaining", c_double),
        ("retry_after", c_int64),
        ("local", c_uint32),
        ("reserved", c_uint32),
    ]


class VectorField(ctypes.Structure):
    _fields_ = [("field", c_char_p), ("vector_name", c_char_p)]


class RedisImportOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("batch_size", c_uint32),
        ("redis", POINTER(RedisOptionsStruct)),
        ("prefix", c_char_p),
        ("pattern", c_char_p),
        ("vector_fields", POINTER(VectorField)),
        ("n_vector_fields", c_size_t),
        ("payload_fields", POINTER(c_char_p)),
        ("n_payload_fields", c_size_t),
        ("json_field", c_char_p),
        ("blob_type", c_uint32),
        ("values", c_uint32),
        ("skip_bad", c_uint32),
        ("threads", c_uint32),
        ("progress", ProgressCallback),
        ("payload", c_void_p),
    ]


class RedisImportResult(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("reserved", c_uint32), ("points", c_uint64), ("skipped", c_uint64)]


class RedisExportOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("blob_type", c_uint32),
        ("redis", POINTER(RedisOptionsStruct)),
        ("prefix", c_char_p),
        ("filter", c_char_p),
        ("vector_fields", POINTER(VectorField)),
        ("n_vector_fields", c_size_t),
        ("json_field", c_char_p),
        ("progress", ProgressCallback),
        ("payload", c_void_p),
    ]


STRUCTS: dict[str, type[ctypes.Structure]] = {
    "vecstore_kmeans_options": KMeansOptions,
    "vecstore_kmeans_result": KMeansResultStruct,
    "vecstore_quantizer_options": QuantizerOptions,
    "vecstore_quantizer_loss": QuantizerLossStruct,
    "vecstore_filter": FilterStruct,
    "vecstore_search_options": SearchOptions,
    "vecstore_index_options": IndexOptions,
    "vecstore_work_options": WorkOptions,
    "vecstore_calibrate_options": CalibrateOptions,
    "vecstore_calibration": CalibrationStruct,
    "vecstore_index_stats": StatsStruct,
    "vecstore_save_options": SaveOptions,
    "vecstore_open_options": OpenOptions,
    "vecstore_id": IdStruct,
    "vecstore_vector_options": VectorOptions,
    "vecstore_collection_options": CollectionOptions,
    "vecstore_batch_vectors": BatchVectors,
    "vecstore_hits_view": HitsView,
    "vecstore_query_options": QueryOptions,
    "vecstore_order_options": OrderOptions,
    "vecstore_text_options": TextOptions,
    "vecstore_hybrid_options": HybridOptions,
    "vecstore_vector_file": VectorFile,
    "vecstore_import_options": ImportOptions,
    "vecstore_import_result": ImportResultStruct,
    "vecstore_export_options": ExportOptions,
    "vecstore_redis_options": RedisOptionsStruct,
    "vecstore_cache_options": CacheOptionsStruct,
    "vecstore_cache_entry": CacheEntryStruct,
    "vecstore_cache_query": CacheQueryStruct,
    "vecstore_cache_hit": CacheHitStruct,
    "vecstore_cache_stats": CacheStatsStruct,
    "vecstore_value_cache_options": ValueCacheOptionsStruct,
    "vecstore_values_view": ValuesView,
    "vecstore_value_cache_stats": ValueCacheStatsStruct,
    "vecstore_rate_limiter_options": RateLimiterOptionsStruct,
    "vecstore_rate_decision": RateDecisionStruct,
    "vecstore_vector_field": VectorField,
    "vecstore_redis_import_options": RedisImportOptions,
    "vecstore_redis_import_result": RedisImportResult,
    "vecstore_redis_export_options": RedisExportOptions,
}

_STATUS = c_int32
_METRIC = _DTYPE = c_uint32
# An array, passed as the address of its first element.
_ARRAY = c_void_p
_HANDLE = c_void_p

# name: (type of the result, types of the arguments); ctypes cuts pointers short where these are not declared.
SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "vecstore_version_number": (c_uint32, ()),
    "vecstore_version_string": (c_char_p, ()),
    "vecstore_build_info": (c_char_p, ()),
    "vecstore_last_error": (c_char_p, ()),
    "vecstore_status_name": (c_char_p, (_STATUS,)),
    "vecstore_set_log_callback": (_STATUS, (LogCallback, c_void_p, c_uint32)),
    "vecstore_set_slow_call_threshold": (None, (c_uint64,)),
    "vecstore_row_size": (c_size_t, (_DTYPE, c_size_t)),
    "vecstore_is_supported": (c_bool, (_METRIC, _DTYPE)),
    "vecstore_distance": (_STATUS, (_ARRAY, _ARRAY, c_size_t, _METRIC, _DTYPE, POINTER(c_float))),
    "vecstore_pairwise": (
        _STATUS,
        (_ARRAY, c_size_t, _ARRAY, c_size_t, c_size_t, _METRIC, _DTYPE, c_uint32, _ARRAY),
    ),
    "vecstore_norms": (_STATUS, (_ARRAY, c_size_t, c_size_t, _DTYPE, _ARRAY)),
    "vecstore_normalize": (_STATUS, (_ARRAY, c_size_t, c_size_t, _DTYPE)),
    "vecstore_convert": (_STATUS, (_ARRAY, _DTYPE, _ARRAY, _DTYPE, c_size_t)),
    "vecstore_kmeans_train": (
        _STATUS,
        (
            _ARRAY,
            _DTYPE,
            c_size_t,
            c_size_t,
            c_size_t,
            POINTER(KMeansOptions),
            _ARRAY,
            _ARRAY,
            POINTER(KMeansResultStruct),
        ),
    ),
    "vecstore_kmeans_assign": (
        _STATUS,
        (_ARRAY, _DTYPE, c_size_t, c_size_t, _ARRAY, c_size_t, _METRIC, c_uint32, _ARRAY, _ARRAY),
    ),
    "vecstore_quantizer_create": (_STATUS, (POINTER(QuantizerOptions), POINTER(_HANDLE))),
    "vecstore_quantizer_free": (None, (_HANDLE,)),
    "vecstore_quantizer_train": (_STATUS, (_HANDLE, _ARRAY, _DTYPE, c_size_t, POINTER(WorkOptions))),
    "vecstore_quantizer_is_trained": (_STATUS, (_HANDLE, POINTER(c_bool))),
    "vecstore_quantizer_code_size": (_STATUS, (_HANDLE, POINTER(c_size_t))),
    "vecstore_quantizer_get_options": (_STATUS, (_HANDLE, POINTER(QuantizerOptions))),
    "vecstore_quantizer_encode": (_STATUS, (_HANDLE, _ARRAY, _DTYPE, c_size_t, c_uint32, _ARRAY)),
    "vecstore_quantizer_decode": (_STATUS, (_HANDLE, _ARRAY, c_size_t, c_uint32, _ARRAY)),
    "vecstore_quantizer_measure": (
        _STATUS,
        (_HANDLE, _ARRAY, _DTYPE, c_size_t, c_uint32, POINTER(QuantizerLossStruct)),
    ),
    "vecstore_quantizer_distances": (
        _STATUS,
        (_HANDLE, _ARRAY, _DTYPE, c_size_t, _ARRAY, c_size_t, _METRIC, c_uint32, _ARRAY),
    ),
    "vecstore_knn": (
        _STATUS,
        (
            _ARRAY,
            c_size_t,
            _ARRAY,
            c_size_t,
            c_size_t,
            _METRIC,
            _DTYPE,
            c_size_t,
            POINTER(SearchOptions),
            _ARRAY,
            _ARRAY,
            _ARRAY,
        ),
    ),
    "vecstore_index_create": (_STATUS, (POINTER(IndexOptions), POINTER(_HANDLE))),
    "vecstore_index_free": (None, (_HANDLE,)),
    "vecstore_index_train": (_STATUS, (_HANDLE, _ARRAY, _DTYPE, c_size_t, POINTER(WorkOptions))),
    "vecstore_index_add": (_STATUS, (_HANDLE, _ARRAY, _DTYPE, c_size_t, _ARRAY, POINTER(WorkOptions), _ARRAY)),
    "vecstore_index_update": (_STATUS, (_HANDLE, _ARRAY, _ARRAY, _DTYPE, c_size_t)),
    "vecstore_index_remove": (_STATUS, (_HANDLE, _ARRAY, c_size_t, POINTER(c_size_t))),
    "vecstore_index_compact": (_STATUS, (_HANDLE,)),
    "vecstore_index_optimize": (_STATUS, (_HANDLE, POINTER(WorkOptions))),
    "vecstore_index_reserve": (_STATUS, (_HANDLE, c_uint64)),
    "vecstore_index_contains": (_STATUS, (_HANDLE, _ARRAY, c_size_t, _ARRAY)),
    "vecstore_index_get": (_STATUS, (_HANDLE, _ARRAY, c_size_t, _DTYPE, _ARRAY)),
    "vecstore_index_search": (
        _STATUS,
        (_HANDLE, _ARRAY, _DTYPE, c_size_t, c_size_t, POINTER(SearchOptions), _ARRAY, _ARRAY, _ARRAY),
    ),
    "vecstore_index_search_range": (
        _STATUS,
        (_HANDLE, _ARRAY, _DTYPE, c_size_t, c_float, POINTER(SearchOptions), POINTER(_HANDLE)),
    ),
    "vecstore_index_calibrate": (
        _STATUS,
        (_HANDLE, _ARRAY, _DTYPE, c_size_t, POINTER(CalibrateOptions), POINTER(CalibrationStruct)),
    ),
    "vecstore_range_result_free": (None, (_HANDLE,)),
    "vecstore_range_result_get": (
        _STATUS,
        (_HANDLE, POINTER(c_size_t), POINTER(c_void_p), POINTER(c_void_p), POINTER(c_void_p)),
    ),
    "vecstore_index_count": (_STATUS, (_HANDLE, POINTER(c_uint64))),
    "vecstore_index_ids": (_STATUS, (_HANDLE, c_uint64, _ARRAY, c_size_t, POINTER(c_size_t))),
    "vecstore_index_get_stats": (_STATUS, (_HANDLE, POINTER(StatsStruct))),
    "vecstore_index_explain": (_STATUS, (_HANDLE, c_char_p, c_size_t, POINTER(c_size_t))),
    "vecstore_index_verify": (_STATUS, (_HANDLE,)),
    "vecstore_index_save": (_STATUS, (_HANDLE, c_char_p, POINTER(SaveOptions))),
    "vecstore_index_open": (_STATUS, (c_char_p, POINTER(OpenOptions), POINTER(_HANDLE))),
    "vecstore_quantizer_save": (_STATUS, (_HANDLE, c_char_p, POINTER(SaveOptions))),
    "vecstore_quantizer_open": (_STATUS, (c_char_p, POINTER(_HANDLE))),
    "vecstore_collection_create": (
        _STATUS,
        (c_char_p, POINTER(VectorOptions), c_size_t, POINTER(CollectionOptions), POINTER(_HANDLE)),
    ),
    "vecstore_collection_open": (_STATUS, (c_char_p, POINTER(CollectionOptions), POINTER(_HANDLE))),
    "vecstore_collection_close": (_STATUS, (_HANDLE,)),
    "vecstore_collection_upsert": (
        _STATUS,
        (_HANDLE, POINTER(IdStruct), c_size_t, POINTER(BatchVectors), c_size_t, POINTER(c_char_p), _ARRAY),
    ),
    "vecstore_collection_update_vectors": (
        _STATUS,
        (_HANDLE, POINTER(IdStruct), c_size_t, POINTER(BatchVectors), c_size_t),
    ),
    "vecstore_collection_remove": (_STATUS, (_HANDLE, POINTER(IdStruct), c_size_t, POINTER(c_size_t))),
    "vecstore_collection_remove_matching": (_STATUS, (_HANDLE, c_char_p, POINTER(c_size_t))),
    "vecstore_collection_change_payload": (
        _STATUS,
        (_HANDLE, POINTER(IdStruct), c_size_t, c_char_p, c_uint32, c_char_p, POINTER(c_size_t)),
    ),
    "vecstore_collection_create_payload_index": (_STATUS, (_HANDLE, c_char_p, c_char_p, c_char_p)),
    "vecstore_collection_drop_payload_index": (_STATUS, (_HANDLE, c_char_p, c_char_p)),
    "vecstore_collection_revision": (_STATUS, (_HANDLE, POINTER(c_uint64))),
    "vecstore_collection_count": (_STATUS, (_HANDLE, c_char_p, POINTER(c_uint64))),
    "vecstore_hits_get": (_STATUS, (_HANDLE, POINTER(HitsView))),
    "vecstore_hits_free": (None, (_HANDLE,)),
    "vecstore_collection_get": (_STATUS, (_HANDLE, POINTER(IdStruct), c_size_t, c_char_p, POINTER(_HANDLE))),
    "vecstore_collection_scroll_ordered": (
        _STATUS,
        (_HANDLE, POINTER(OrderOptions), c_size_t, c_char_p, c_char_p, POINTER(_HANDLE)),
    ),
    "vecstore_collection_scroll": (
        _STATUS,
        (_HANDLE, POINTER(IdStruct), c_size_t, c_char_p, c_char_p, POINTER(_HANDLE)),
    ),
    "vecstore_collection_search": (
        _STATUS,
        (_HANDLE, _ARRAY, _DTYPE, c_size_t, c_size_t, POINTER(QueryOptions), POINTER(_HANDLE)),
    ),
    "vecstore_collection_search_groups": (
        _STATUS,
        (_HANDLE, _ARRAY, _DTYPE, c_char_p, c_size_t, c_size_t, POINTER(QueryOptions), POINTER(_HANDLE)),
    ),
    "vecstore_collection_recommend": (
        _STATUS,
        (
            _HANDLE,
            POINTER(IdStruct),
            c_size_t,
            POINTER(IdStruct),
            c_size_t,
            c_size_t,
            POINTER(QueryOptions),
            POINTER(_HANDLE),
        ),
    ),
    "vecstore_collection_facet": (_STATUS, (_HANDLE, c_char_p, c_char_p, c_size_t, POINTER(_HANDLE))),
    "vecstore_collection_search_text": (
        _STATUS,
        (_HANDLE, c_char_p, c_size_t, POINTER(QueryOptions), POINTER(TextOptions), POINTER(_HANDLE)),
    ),
    "vecstore_collection_search_hybrid": (
        _STATUS,
        (
            _HANDLE,
            _ARRAY,
            _DTYPE,
            c_char_p,
            c_size_t,
            POINTER(QueryOptions),
            POINTER(TextOptions),
            POINTER(HybridOptions),
            POINTER(_HANDLE),
        ),
    ),
    "vecstore_collection_optimize": (_STATUS, (_HANDLE, POINTER(WorkOptions))),
    "vecstore_collection_compact": (
        _STATUS,
        (_HANDLE, POINTER(WorkOptions), POINTER(c_uint64), POINTER(c_uint64)),
    ),
    "vecstore_collection_refresh": (_STATUS, (_HANDLE, POINTER(c_bool))),
    "vecstore_collection_snapshot": (_STATUS, (_HANDLE, c_char_p, POINTER(WorkOptions))),
    "vecstore_collection_repair": (_STATUS, (_HANDLE, POINTER(WorkOptions), POINTER(c_size_t))),
    "vecstore_collection_repair_report": (_STATUS, (_HANDLE, c_char_p, c_size_t, POINTER(c_size_t))),
    "vecstore_collection_restore": (_STATUS, (c_char_p, c_char_p, POINTER(WorkOptions))),
    "vecstore_collection_verify": (_STATUS, (_HANDLE,)),
    "vecstore_collection_describe": (_STATUS, (_HANDLE, c_char_p, c_size_t, POINTER(c_size_t))),
    "vecstore_collection_metrics": (_STATUS, (_HANDLE, c_char_p, c_char_p, c_size_t, POINTER(c_size_t))),
    "vecstore_collection_health": (_STATUS, (_HANDLE, c_char_p, c_size_t, POINTER(c_size_t))),
    "vecstore_collections_metrics": (
        _STATUS,
        (POINTER(_HANDLE), POINTER(c_char_p), c_size_t, c_char_p, c_size_t, POINTER(c_size_t)),
    ),
    "vecstore_collection_import": (
        _STATUS,
        (_HANDLE, c_char_p, POINTER(ImportOptions), POINTER(ImportResultStruct)),
    ),
    "vecstore_collection_export": (_STATUS, (_HANDLE, c_char_p, POINTER(ExportOptions), POINTER(c_uint64))),
    "vecstore_cache_open": (_STATUS, (c_char_p, POINTER(CacheOptionsStruct), POINTER(_HANDLE))),
    "vecstore_cache_close": (_STATUS, (_HANDLE,)),
    "vecstore_cache_set": (_STATUS, (_HANDLE, POINTER(CacheEntryStruct), c_size_t, c_char_p)),
    "vecstore_cache_get": (_STATUS, (_HANDLE, POINTER(CacheQueryStruct), POINTER(_HANDLE))),
    "vecstore_cache_hits_count": (_STATUS, (_HANDLE, POINTER(c_size_t))),
    "vecstore_cache_hits_get": (_STATUS, (_HANDLE, c_size_t, POINTER(CacheHitStruct))),
    "vecstore_cache_hits_free": (None, (_HANDLE,)),
    "vecstore_cache_delete": (_STATUS, (_HANDLE, POINTER(c_char_p), c_size_t, POINTER(c_uint64))),
    "vecstore_cache_delete_where": (_STATUS, (_HANDLE, c_char_p, c_uint32, POINTER(c_uint64))),
    "vecstore_cache_clear": (_STATUS, (_HANDLE, POINTER(c_uint64))),
    "vecstore_cache_feedback": (_STATUS, (_HANDLE, c_char_p, _ARRAY, c_uint32)),
    "vecstore_cache_get_stats": (_STATUS, (_HANDLE, POINTER(CacheStatsStruct))),
    "vecstore_caches_metrics": (
        _STATUS,
        (POINTER(_HANDLE), c_size_t, c_char_p, c_size_t, POINTER(c_size_t)),
    ),
    "vecstore_cache_health": (_STATUS, (_HANDLE, c_char_p, c_size_t, POINTER(c_size_t))),
    "vecstore_cache_flush": (_STATUS, (_HANDLE, c_uint32)),
    "vecstore_cache_optimize": (_STATUS, (_HANDLE,)),
    "vecstore_value_cache_open": (_STATUS, (c_char_p, POINTER(ValueCacheOptionsStruct), POINTER(_HANDLE))),
    "vecstore_value_cache_close": (_STATUS, (_HANDLE,)),
    "vecstore_value_cache_set": (
        _STATUS,
        (_HANDLE, POINTER(c_void_p), POINTER(c_size_t), POINTER(c_void_p), POINTER(c_size_t), c_size_t, c_int64),
    ),
    "vecstore_value_cache_get": (
        _STATUS,
        (_HANDLE, POINTER(c_void_p), POINTER(c_size_t), c_size_t, POINTER(_HANDLE)),
    ),
    "vecstore_values_get": (_STATUS, (_HANDLE, POINTER(ValuesView))),
    "vecstore_values_free": (None, (_HANDLE,)),
    "vecstore_value_cache_delete": (
        _STATUS,
        (_HANDLE, POINTER(c_void_p), POINTER(c_size_t), c_size_t, POINTER(c_uint64)),
    ),
    "vecstore_value_cache_clear": (_STATUS, (_HANDLE, POINTER(c_uint64))),
    "vecstore_value_cache_get_stats": (_STATUS, (_HANDLE, POINTER(ValueCacheStatsStruct))),
    "vecstore_value_caches_metrics": (
        _STATUS,
        (POINTER(_HANDLE), c_size_t, c_char_p, c_size_t, POINTER(c_size_t)),
    ),
    "vecstore_value_cache_health": (_STATUS, (_HANDLE, c_char_p, c_size_t, POINTER(c_size_t))),
    "vecstore_rate_limiter_open": (_STATUS, (c_char_p, POINTER(RateLimiterOptionsStruct), POINTER(_HANDLE))),
    "vecstore_rate_limiter_close": (_STATUS, (_HANDLE,)),
    "vecstore_rate_limiter_acquire": (
        _STATUS,
        (_HANDLE, _ARRAY, c_size_t, c_double, POINTER(RateDecisionStruct)),
    ),
    "vecstore_rate_limiters_metrics": (
        _STATUS,
        (POINTER(_HANDLE), c_size_t, c_char_p, c_size_t, POINTER(c_size_t)),
    ),
    "vecstore_rate_limiter_health": (_STATUS, (_HANDLE, c_char_p, c_size_t, POINTER(c_size_t))),
    "vecstore_collection_import_redis": (
        _STATUS,
        (_HANDLE, c_char_p, POINTER(RedisImportOptions), POINTER(RedisImportResult)),
    ),
    "vecstore_index_import_redis": (
        _STATUS,
        (_HANDLE, c_char_p, POINTER(RedisImportOptions), POINTER(RedisImportResult)),
    ),
    "vecstore_collection_export_redis": (
        _STATUS,
        (_HANDLE, c_char_p, POINTER(RedisExportOptions), POINTER(c_uint64)),
    ),
}

# ----------------------------------------------------------------------------------------------------------------------
# Loading
# ----------------------------------------------------------------------------------------------------------------------

LIBRARY_NAME = "libvecstore.so.0"


def library_candidates(package: pathlib.Path) -> list[pathlib.Path]:
    """Where the library may be: in the installed package, else in the build directory of the source tree."""
    places = [package / LIBRARY_NAME]
    if package.parent.name == "python" and package.parent.parent.name == "bindings":
        places.append(package.parents[2] / "build" / LIBRARY_NAME)
    return places


def load_library(places: list[pathlib.Path]) -> ctypes.CDLL:
    """Loads the first library that is there and declares its functions; raises ImportError with one sentence."""
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        tried = " nor ".join(str(place) for place in places)
        raise ImportError(
            f"vecstore: its C library is not at {tried}; "
            "run `make` in the source tree, or install the package again with `pip install ./bindings/python`."
        )
    try:
        library = ctypes.CDLL(str(found))
    except OSError as error:
        raise ImportError(load_failure(found, str(error))) from error
    try:
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(library, name)
            function.restype = result
            function.argtypes = arguments
    except AttributeError as error:
        raise ImportError(f"vecstore: {found} lacks a function ({error}); rebuild it.") from error
    number = library.vecstore_version_number()
    if number < OLDEST_VERSION or number // 10000 != OLDEST_VERSION // 10000:
        version = library.vecstore_version_string().decode()
        raise ImportError(f"vecstore: {found} is version {version}, which this package cannot use; rebuild it.")
    return library


def load_failure(library: pathlib.Path, reason: str) -> str:
    """The sentence for a library that the dynamic linker refuses, from the linker's own words."""
    for name, package in (("libblas.so.3", "libopenblas0-pthread"), ("liblapack.so.3", "liblapack3")):
        if reason.startswith(name):
            return f"vecstore: {library} needs {name}, which is not installed; run `apt-get install {package}`."
    return f"vecstore: {library} cannot be loaded: {reason}."


_lib = load_library(library_candidates(pathlib.Path(__file__).resolve().parent))

# ----------------------------------------------------------------------------------------------------------------------
# Helpers
# ----------------------------------------------------------------------------------------------------------------------


def _failure(status: int) -> errors.Error:
    """The exception for a status that is not OK; to be called on the thread that got it, before its next call."""
    text = _lib.vecstore_last_error().decode("utf-8", "replace")
    return errors.from_code(status, status_name(status), text)


def _check(status: int) -> None:
    if status != 0:
        raise _failure(status)


def _check_file(status: int, path: Path) -> None:
    if status != 0:
        raise _file_failure(_failure(status), path)


def _file_failure(error: errors.Error, path: Path) -> errors.Error:
    """The exception for what went wrong with a file."""
    if isinstance(error, errors.NotFoundError):
        error = errors.MissingFileError(str(error))
        error.errno = errno.ENOENT
    if isinstance(error, OSError):
        error.filename = os.fspath(path)
    return error


_log_names = {code: name for name, code in LOG_LEVELS.items()}
_log_listener: Optional[Callable[[str, str], Any]] = None


class _LogState(threading.local):
    """Whether a thread works for a listener: what is told meanwhile is dropped, because it would have no end."""

    is_listening = False


_log_state = _LogState()


def _told(level: int, message: Optional[bytes], payload: Optional[int]) -> None:
    """Is what the library calls. What a listener raises goes no further: ctypes gives it to `sys.unraisablehook`."""
    listener = _log_listener
    if listener is None or _log_state.is_listening:
        return
    _log_state.is_listening = True
    try:
        listener(_log_names.get(level, str(level)), (message or b"").decode("utf-8", "replace"))
    except KeyboardInterrupt:
        # It is for the main thread, as soon as that runs Python again.
        _thread.interrupt_main()
    finally:
        _log_state.is_listening = False


# One function for the life of the process: a listener may take itself away while it runs.
_log_function = LogCallback(_told)


def set_log_listener(listener: Optional[Callable[[str, str], Any]], level: str) -> None:
    """When this returns no call of the listener before runs any more, unless it was called by that."""
    global _log_listener
    if listener is not None:
        # Without one first: what the one before is told is not told to this one.
        _check(_lib.vecstore_set_log_callback(LogCallback(0), None, 0))
        _log_listener = listener
        _check(_lib.vecstore_set_log_callback(_log_function, None, LOG_LEVELS[level]))
    else:
        _check(_lib.vecstore_set_log_callback(LogCallback(0), None, 0))
        _log_listener = None


def set_slow_call_threshold(microseconds: int) -> None:
    _lib.vecstore_set_slow_call_threshold(microseconds)


@atexit.register
def _tell_nobody() -> None:
    """Threads of the library may outlive the interpreter."""
    _lib.vecstore_set_log_callback(LogCallback(0), None, 0)


def _path_bytes(path: Path) -> bytes:
    """The name as the file system has it: bytes that are not UTF-8 come through as they went in (surrogateescape)."""
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise errors.InvalidArgumentError("path: a file name cannot hold a NUL byte")
    return encoded


def _name(names: dict[str, int], code: int) -> str:
    for name, value in names.items():
        if value == code:
            return name
    return f"unknown ({code})"


def _short(value: float) -> float:
    """The shortest number that is this float32: 0.95 rather than 0.949999988079071."""
    return float(str(np.float32(value)))


_Start = Union[int, "ctypes.Array[ctypes.c_char]", None]
_start_of: Callable[[Any], _Start] = (ctypes.c_char * 0).from_buffer


def _address(array: Optional[NDArray[Any]]) -> _Start:
    """An array as an argument of a C function."""
    if array is None:
        return None
    try:
        # A third of the time that `array.ctypes.data` takes, but not for what may not be written.
        return _start_of(array)
    except (TypeError, ValueError):
        return array.ctypes.data


def _number(array: Optional[NDArray[Any]]) -> Optional[int]:
    """The address of an array as a number: for fields of structs."""
    return None if array is None else array.ctypes.data


def _copy(address: Optional[int], count: int, dtype: type[np.generic]) -> NDArray[Any]:
    """A copy of `count` elements at an address of the library."""
    out = np.empty(count, dtype=dtype)
    if address and count:
        ctypes.memmove(out.ctypes.data, address, out.nbytes)
    return out


class FilterSpec(NamedTuple):
    """Which rows may be results, in the terms of the header. It must not change during a call."""

    kind: str
    bitmap: Optional[NDArray[np.uint8]] = None
    bitmap_bits: int = 0
    ids: Optional[NDArray[np.uint64]] = None
    predicate: Optional[Callable[[int], Any]] = None
    negate: bool = False


class _Callback:
    """A Python callable that C may call: C cannot pass exceptions on, so the first one is kept for later."""

    def __init__(self) -> None:
        self._error: Optional[BaseException] = None

    def _ask(self, question: Callable[[], bool]) -> bool:
        if self._error is not None:
            return False
        try:
            return question()
        except BaseException as error:  # KeyboardInterrupt too: it must reach the caller
            self._error = error
            return False

    def raise_error(self) -> None:
        """Raises what the callable raised, if anything."""
        if self._error is None:
            return
        error, self._error = self._error, None
        try:
            raise error
        finally:
            del error  # its traceback holds this frame


class _Predicate(_Callback):
    """Decides whether a row may be a result."""

    def __init__(self, accepts: Callable[[int], Any]) -> None:
        super().__init__()
        self._accepts = accepts

    def __call__(self, row_id: int, payload: Optional[int]) -> bool:
        return self._ask(lambda: bool(self._accepts(row_id)))


class _Progress(_Callback):
    """Is told how far a call has come. Only False cancels: what else a callable returns is no answer."""

    def __init__(self, tell: Optional[Callable[[int, int], Any]]) -> None:
        super().__init__()
        self._tell = tell
        self.is_cancelled = False

    def __call__(self, done: int, total: int, payload: Optional[int]) -> bool:
        return self._ask(lambda: self._goes_on(done, total))

    def _goes_on(self, done: int, total: int) -> bool:
        if self.is_cancelled:
            return False
        return self._tell is None or not _is_false(self._tell(done, total))


def _is_false(answer: Any) -> bool:
    return isinstance(answer, (bool, np.bool_)) and not answer


class SearchSettings:
    """How a search is done, in the terms of the header: 0 is the default of each. It never changes."""

    __slots__ = ("_values", "plain")

    plain: Any

    def __init__(
        self,
        threads: int = 0,
        ef_search: int = 0,
        target_recall: float = 0.0,
        no_rescore: bool = False,
        oversampling: float = 0.0,
        nprobe: int = 0,
    ) -> None:
        self._values = (threads, ef_search, target_recall, no_rescore, oversampling, nprobe)
        # Without a filter. The library only reads options, so all searches may share them.
        self.plain = byref(self._options(None)) if any(self._values) else None

    def filtered(self, filter: FilterStruct) -> Any:
        return byref(self._options(ctypes.pointer(filter)))

    def _options(self, filter: Any) -> SearchOptions:
        threads, *others = self._values
        return SearchOptions(ctypes.sizeof(SearchOptions), threads, filter, *others)


DEFAULT_SETTINGS = SearchSettings()


class _Search:
    """The options of one search, and everything that they point to."""

    def __init__(self, settings: SearchSettings, spec: Optional[FilterSpec]) -> None:
        self._spec = spec
        self._predicate: Optional[_Predicate] = None
        if spec is None:
            self.options = settings.plain
            return
        struct = FilterStruct(ctypes.sizeof(FilterStruct), FILTERS[spec.kind])
        struct.bitmap = _number(spec.bitmap)
        struct.bitmap_bits = spec.bitmap_bits
        struct.ids = _number(spec.ids)
        struct.ids_count = 0 if spec.ids is None else len(spec.ids)
        if spec.predicate is not None:
            self._predicate = _Predicate(spec.predicate)
            struct.callback = FilterCallback(self._predicate)
        struct.negate = spec.negate
        self.options = settings.filtered(struct)

    def check(self, status: int) -> None:
        """Raises what the predicate raised, or else what the library says."""
        if self._predicate is not None:
            self._predicate.raise_error()
        _check(status)


# ----------------------------------------------------------------------------------------------------------------------
# What the library is
# ----------------------------------------------------------------------------------------------------------------------


def version_string() -> str:
    return str(_lib.vecstore_version_string().decode())


def build_info() -> str:
    return str(_lib.vecstore_build_info().decode())


def status_name(code: int) -> str:
    return str(_lib.vecstore_status_name(code).decode())


# ----------------------------------------------------------------------------------------------------------------------
# Vectors and distances
# ----------------------------------------------------------------------------------------------------------------------


def row_size(dtype: str, dim: int) -> int:
    return int(_lib.vecstore_row_size(DTYPES[dtype], dim))


def is_supported(metric: str, dtype: str) -> bool:
    return bool(_lib.vecstore_is_supported(METRICS[metric], DTYPES[dtype]))


def distance(a: NDArray[Any], b: NDArray[Any], dim: int, metric: str, dtype: str) -> float:
    out = c_float()
    _check(_lib.vecstore_distance(_address(a), _address(b), dim, METRICS[metric], DTYPES[dtype], byref(out)))
    return out.value


def pairwise(
    queries: NDArray[Any], base: NDArray[Any], dim: int, metric: str, dtype: str, threads: int
) -> NDArray[np.float32]:
    nq, n = len(queries), len(base)
    out = np.empty((nq, n), dtype=np.float32)
    _check(
        _lib.vecstore_pairwise(
            _address(queries), nq, _address(base), n, dim, METRICS[metric], DTYPES[dtype], threads, _address(out)
        )
    )
    return out


def norms(vectors: NDArray[Any], dim: int, dtype: str) -> NDArray[np.float32]:
    out = np.empty(len(vectors), dtype=np.float32)
    _check(_lib.vecstore_norms(_address(vectors), len(vectors), dim, DTYPES[dtype], _address(out)))
    return out


def normalize_in_place(vectors: NDArray[Any], dim: int, dtype: str) -> None:
    _check(_lib.vecstore_normalize(_address(vectors), len(vectors), dim, DTYPES[dtype]))


def convert(source: NDArray[Any], source_dtype: str, target: NDArray[Any], target_dtype: str) -> None:
    _check(
        _lib.vecstore_convert(
            _address(source), DTYPES[source_dtype], _address(target), DTYPES[target_dtype], source.size
        )
    )


def knn(
    queries: NDArray[Any],
    base: NDArray[Any],
    dim: int,
    metric: str,
    dtype: str,
    k: int,
    threads: int,
    spec: Optional[FilterSpec],
) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    nq, n = len(queries), len(base)
    ids = np.empty((nq, k), dtype=np.uint64)
    distances = np.empty((nq, k), dtype=np.float32)
    search = _Search(SearchSettings(threads), spec)
    status = _lib.vecstore_knn(
        _address(queries),
        nq,
        _address(base),
        n,
        dim,
        METRICS[metric],
        DTYPES[dtype],
        k,
        search.options,
        _address(ids),
        _address(distances),
        None,
    )
    search.check(status)
    return ids, distances


# ----------------------------------------------------------------------------------------------------------------------
# Clustering
# ----------------------------------------------------------------------------------------------------------------------


def kmeans_train(
    vectors: NDArray[Any],
    dim: int,
    dtype: str,
    k: int,
    metric: str,
    start: str,
    max_iterations: int,
    tolerance: float,
    seed: int,
    sample: int,
    batch_size: int,
    restarts: int,
    threads: int,
    tell: Optional[Callable[[int, int], Any]],
) -> tuple[NDArray[np.float32], NDArray[np.uint32], float]:
    """k-means. It may take long: it tells its progress, and what a signal handler raises (Ctrl-C) ends it."""
    centroids = np.empty((k, dim), dtype=np.float32)
    assignments = np.empty(len(vectors), dtype=np.uint32)
    result = KMeansResultStruct(ctypes.sizeof(KMeansResultStruct))
    _watched(
        lambda options: _lib.vecstore_kmeans_train(
            _address(vectors),
            DTYPES[dtype],
            len(vectors),
            dim,
            k,
            options,
            _address(centroids),
            _address(assignments),
            byref(result),
        ),
        lambda progress: KMeansOptions(
            struct_size=ctypes.sizeof(KMeansOptions),
            threads=threads,
            metric=METRICS[metric],
            start=KMEANS_STARTS[start],
            max_iterations=max_iterations,
            restarts=restarts,
            seed=seed,
            sample=sample,
            batch_size=batch_size,
            tolerance=tolerance,
            progress=progress,
        ),
        tell,
    )
    return centroids, assignments, float(result.objective)


def kmeans_assign(
    vectors: NDArray[Any], dim: int, dtype: str, centroids: NDArray[np.float32], metric: str, threads: int
) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    n = len(vectors)
    assignments = np.empty(n, dtype=np.uint32)
    distances = np.empty(n, dtype=np.float32)
    _check(
        _lib.vecstore_kmeans_assign(
            _address(vectors),
            DTYPES[dtype],
            n,
            dim,
            _address(centroids),
            len(centroids),
            METRICS[metric],
            threads,
            _address(assignments),
            _address(distances),
        )
    )
    return assignments, distances


# ----------------------------------------------------------------------------------------------------------------------
# Quantizers
# ----------------------------------------------------------------------------------------------------------------------


def quantizer_create(
    kind: str,
    dim: int,
    bits: int,
    *,
    pq_m: int = 0,
    rotation: str = "none",
    uniform: bool = False,
    quantile: float = 0.0,
    seed: int = 0,
) -> int:
    options = QuantizerOptions(
        struct_size=ctypes.sizeof(QuantizerOptions),
        kind=QUANTIZERS[kind],
        dim=dim,
        bits=bits,
        pq_m=pq_m,
        rotation=ROTATIONS[rotation],
        uniform=uniform,
        quantile=quantile,
        seed=seed,
    )
    handle = c_void_p()
    _check(_lib.vecstore_quantizer_create(byref(options), byref(handle)))
    return handle.value or 0


def quantizer_open(path: Path) -> int:
    handle = c_void_p()
    _check_file(_lib.vecstore_quantizer_open(_path_bytes(path), byref(handle)), path)
    return handle.value or 0


def quantizer_save(handle: int, path: Path, sync: bool) -> None:
    options = SaveOptions(ctypes.sizeof(SaveOptions), not sync)
    _check_file(_lib.vecstore_quantizer_save(handle, _path_bytes(path), byref(options)), path)


class QuantizerDesign(NamedTuple):
    """How a quantizer was made."""

    kind: str
    dim: int
    bits: int
    pq_m: int
    rotation: Optional[str]
    uniform: bool
    quantile: float
    seed: int


def quantizer_design(handle: int) -> QuantizerDesign:
    options = QuantizerOptions(ctypes.sizeof(QuantizerOptions))
    _check(_lib.vecstore_quantizer_get_options(handle, byref(options)))
    return QuantizerDesign(
        _name(QUANTIZERS, options.kind),
        options.dim,
        options.bits,
        options.pq_m,
        _name(ROTATIONS, options.rotation) if options.rotation else None,
        bool(options.uniform),
        _short(options.quantile),
        options.seed,
    )


def quantizer_free(handle: int) -> None:
    _lib.vecstore_quantizer_free(handle)


def quantizer_train(
    handle: int, vectors: NDArray[Any], dtype: str, threads: int, tell: Optional[Callable[[int, int], Any]]
) -> None:
    """It may take long: it tells its progress, and what a signal handler raises (Ctrl-C) ends it."""
    _watched(
        lambda options: _lib.vecstore_quantizer_train(handle, _address(vectors), DTYPES[dtype], len(vectors), options),
        lambda progress: WorkOptions(ctypes.sizeof(WorkOptions), threads, progress),
        tell,
    )


def quantizer_is_trained(handle: int) -> bool:
    trained = c_bool()
    _check(_lib.vecstore_quantizer_is_trained(handle, byref(trained)))
    return trained.value


def quantizer_code_size(handle: int) -> int:
    size = c_size_t()
    _check(_lib.vecstore_quantizer_code_size(handle, byref(size)))
    return size.value


def quantizer_encode(
    handle: int, vectors: NDArray[Any], dtype: str, code_size: int, threads: int
) -> NDArray[np.uint8]:
    codes = np.empty((len(vectors), code_size), dtype=np.uint8)
    _check(
        _lib.vecstore_quantizer_encode(
            handle, _address(vectors), DTYPES[dtype], len(vectors), threads, _address(codes)
        )
    )
    return codes


def quantizer_decode(handle: int, codes: NDArray[np.uint8], dim: int, threads: int) -> NDArray[np.float32]:
    vectors = np.empty((len(codes), dim), dtype=np.float32)
    _check(_lib.vecstore_quantizer_decode(handle, _address(codes), len(codes), threads, _address(vectors)))
    return vectors


def quantizer_measure(handle: int, vectors: NDArray[Any], dtype: str, threads: int) -> tuple[float, float]:
    loss = QuantizerLossStruct(ctypes.sizeof(QuantizerLossStruct))
    _check(
        _lib.vecstore_quantizer_measure(handle, _address(vectors), DTYPES[dtype], len(vectors), threads, byref(loss))
    )
    return float(loss.mean_squared_error), float(loss.relative_error)


def quantizer_distances(
    handle: int, queries: NDArray[Any], dtype: str, codes: NDArray[np.uint8], metric: str, threads: int
) -> NDArray[np.float32]:
    out = np.empty((len(queries), len(codes)), dtype=np.float32)
    _check(
        _lib.vecstore_quantizer_distances(
            handle,
            _address(queries),
            DTYPES[dtype],
            len(queries),
            _address(codes),
            len(codes),
            METRICS[metric],
            threads,
            _address(out),
        )
    )
    return out


# ----------------------------------------------------------------------------------------------------------------------
# Index
# ----------------------------------------------------------------------------------------------------------------------


def index_create(
    kind: str,
    dim: int,
    metric: str,
    dtype: str,
    exact_codes: Optional[bool],
    capacity: int,
    m: int,
    ef_construction: int,
    storage: str,
    rescore: str,
    seed: int,
    nlist: int,
    pq_m: int,
    bits: int,
    assignments: int,
    rotation: str,
    memory_budget: int,
    target_recall: float,
) -> int:
    options = IndexOptions(
        struct_size=ctypes.sizeof(IndexOptions),
        kind=KINDS[kind],
        dim=dim,
        metric=METRICS[metric],
        dtype=DTYPES[dtype],
        exact_codes=0 if exact_codes is None else 1 if exact_codes else 2,
        capacity=capacity,
        m=m,
        ef_construction=ef_construction,
        storage=STORAGES[storage],
        rescore=RESCORES[rescore],
        seed=seed,
        nlist=nlist,
        pq_m=pq_m,
        bits=bits,
        assignments=assignments,
        rotation=ROTATIONS[rotation],
        memory_budget=memory_budget,
        target_recall=target_recall,
    )
    handle = c_void_p()
    _check(_lib.vecstore_index_create(byref(options), byref(handle)))
    return handle.value or 0


def index_open(path: Path, mmap: bool, verify: Optional[bool], prefault: bool) -> int:
    options = OpenOptions(
        struct_size=ctypes.sizeof(OpenOptions),
        load=not mmap,
        verify=0 if verify is None else 2 if verify else 1,
        prefault=prefault,
    )
    handle = c_void_p()
    _check_file(_lib.vecstore_index_open(_path_bytes(path), byref(options), byref(handle)), path)
    return handle.value or 0


def index_save(handle: int, path: Path, sync: bool) -> None:
    options = SaveOptions(ctypes.sizeof(SaveOptions), not sync)
    _check_file(_lib.vecstore_index_save(handle, _path_bytes(path), byref(options)), path)


def index_free(handle: int) -> None:
    _lib.vecstore_index_free(handle)


def index_train(
    handle: int, vectors: NDArray[Any], dtype: str, threads: int, tell: Optional[Callable[[int, int], Any]]
) -> None:
    """Tells its progress, and what a signal handler raises (Ctrl-C) ends it."""
    _watched(
        lambda options: _lib.vecstore_index_train(handle, _address(vectors), DTYPES[dtype], len(vectors), options),
        lambda progress: WorkOptions(ctypes.sizeof(WorkOptions), threads, progress),
        tell,
    )


def index_add(
    handle: int, vectors: NDArray[Any], dtype: str, ids: Optional[NDArray[np.uint64]], threads: int
) -> NDArray[np.uint64]:
    n = len(vectors)
    out = np.empty(n, dtype=np.uint64)
    options = WorkOptions(ctypes.sizeof(WorkOptions), threads)
    _check(
        _lib.vecstore_index_add(
            handle, _address(vectors), DTYPES[dtype], n, _address(ids), byref(options), _address(out)
        )
    )
    return out


def index_add_watched(
    handle: int,
    vectors: NDArray[Any],
    dtype: str,
    ids: Optional[NDArray[np.uint64]],
    threads: int,
    tell: Optional[Callable[[int, int], Any]],
) -> NDArray[np.uint64]:
    """As `index_add`, but it tells its progress, and what a signal handler raises (Ctrl-C) ends it."""
    n = len(vectors)
    out = np.empty(n, dtype=np.uint64)
    _watched(
        lambda options: _lib.vecstore_index_add(
            handle, _address(vectors), DTYPES[dtype], n, _address(ids), options, _address(out)
        ),
        lambda progress: WorkOptions(ctypes.sizeof(WorkOptions), threads, progress),
        tell,
    )
    return out


def index_optimize_watched(handle: int, threads: int, tell: Optional[Callable[[int, int], Any]]) -> None:
    """As `index_optimize`, but it tells its progress, and what a signal handler raises (Ctrl-C) ends it."""
    _watched(
        lambda options: _lib.vecstore_index_optimize(handle, options),
        lambda progress: WorkOptions(ctypes.sizeof(WorkOptions), threads, progress),
        tell,
    )


def _watched(
    call: Callable[[Any], int],
    options_with: Callable[[Any], ctypes.Structure],
    tell: Optional[Callable[[int, int], Any]],
) -> None:
    """Makes a long call of the library, which may be cancelled, with options that hold the callback for it.

    Python handles signals on the main thread, while that runs Python. In a callback the exception would come up before
    the first line of it, where nothing can catch it. So the library works on another thread, and this one waits.
    """
    progress = _Progress(tell)
    options = options_with(ProgressCallback(progress))
    failure: Optional[errors.Error] = None
    is_listening = _log_state.is_listening

    def work() -> None:
        nonlocal failure
        _log_state.is_listening = is_listening
        status = call(byref(options))
        if status != 0:
            failure = _failure(status)

    interruption = _beside(work, progress)
    try:
        if interruption is not None:
            raise interruption
        progress.raise_error()
        if failure is not None:
            raise failure
    finally:
        del interruption, failure  # their tracebacks hold this frame


def _beside(work: Callable[[], None], progress: _Progress) -> Optional[BaseException]:
    """Runs `work` on another thread to its end. Returns what a signal handler raised meanwhile, which cancels it."""
    finished = threading.Event()

    def run() -> None:
        try:
            work()
        finally:
            finished.set()

    thread = threading.Thread(target=run, name="vecstore work", daemon=True)
    interruption = None
    thread.start()
    while not finished.is_set():
        try:
            finished.wait()
        except BaseException as error:
            interruption = interruption or error
            progress.is_cancelled = True
    return interruption


def index_update(handle: int, ids: NDArray[np.uint64], vectors: NDArray[Any], dtype: str) -> None:
    _check(_lib.vecstore_index_update(handle, _address(ids), _address(vectors), DTYPES[dtype], len(ids)))


def index_remove(handle: int, ids: NDArray[np.uint64]) -> int:
    removed = c_size_t()
    _check(_lib.vecstore_index_remove(handle, _address(ids), len(ids), byref(removed)))
    return removed.value


def index_compact(handle: int) -> None:
    _check(_lib.vecstore_index_compact(handle))


def index_optimize(handle: int, threads: int) -> None:
    options = WorkOptions(ctypes.sizeof(WorkOptions), threads)
    _check(_lib.vecstore_index_optimize(handle, byref(options)))


def index_reserve(handle: int, rows: int) -> None:
    _check(_lib.vecstore_index_reserve(handle, rows))


def index_contains(handle: int, ids: NDArray[np.uint64]) -> NDArray[np.bool_]:
    found = np.empty(len(ids), dtype=np.uint8)
    _check(_lib.vecstore_index_contains(handle, _address(ids), len(ids), _address(found)))
    return found.astype(np.bool_)


def index_get(handle: int, ids: NDArray[np.uint64], dtype: str, out: NDArray[Any]) -> None:
    _check(_lib.vecstore_index_get(handle, _address(ids), len(ids), DTYPES[dtype], _address(out)))


def index_search(
    handle: int, queries: NDArray[Any], dtype: str, k: int, settings: SearchSettings, spec: Optional[FilterSpec]
) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    nq = len(queries)
    ids = _empty((nq, k), _UINT64)
    distances = _empty((nq, k), _FLOAT32)
    start: Any
    try:
        start = _start_of(queries)
    except (TypeError, ValueError):
        start = c_void_p(queries.ctypes.data)
    search = None if spec is None else _Search(settings, spec)
    status = _index_search(
        c_void_p(handle),
        start,
        _CODES[dtype],
        _SIZES[nq] if nq < len(_SIZES) else c_size_t(nq),
        _SIZES[k] if k < len(_SIZES) else c_size_t(k),
        settings.plain if search is None else search.options,
        _start_of(ids),
        _start_of(distances),
        None,
    )
    if search is not None:
        search.check(status)
    elif status != 0:
        raise _failure(status)
    return ids, distances


# A search of a small index takes no longer than some dozen look-ups and conversions do. So what it needs is made once, and
# the function is one without argument types, which ctypes would go by each time: all its arguments are C values already.
_index_search = _lib["vecstore_index_search"]
_index_search.restype = _STATUS
_CODES = {name: _DTYPE(code) for name, code in DTYPES.items()}
_SIZES = tuple(map(c_size_t, range(129)))
_empty, _UINT64, _FLOAT32 = np.empty, np.dtype(np.uint64), np.dtype(np.float32)


def index_search_range(
    handle: int, queries: NDArray[Any], dtype: str, radius: float, settings: SearchSettings, spec: Optional[FilterSpec]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.float32]]:
    search = _Search(settings, spec)
    result = c_void_p()
    status = _lib.vecstore_index_search_range(
        handle, _address(queries), DTYPES[dtype], len(queries), radius, search.options, byref(result)
    )
    try:
        search.check(status)
        return _range_arrays(result)
    finally:
        _lib.vecstore_range_result_free(result)


def index_calibrate(
    handle: int, queries: Optional[NDArray[Any]], dtype: str, k: int, recall: float, threads: int
) -> dict[str, Any]:
    """The fields of `vecstore_calibration` by name."""
    options = CalibrateOptions(ctypes.sizeof(CalibrateOptions), threads, k, recall)
    found = CalibrationStruct(ctypes.sizeof(CalibrationStruct))
    nq = 0 if queries is None else len(queries)
    _check(
        _lib.vecstore_index_calibrate(
            handle, _address(queries), DTYPES[dtype], nq, byref(options), byref(found)
        )
    )
    return {
        "k": found.k,
        "ef_search": found.ef_search,
        "nprobe": found.nprobe,
        "target_recall": _short(found.target_recall),
        "recall": _short(found.recall),
        "uses_own_rows": bool(found.uses_own_rows),
    }


def _range_arrays(result: c_void_p) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.float32]]:
    """Copies of the arrays of a range result, which may be freed afterwards."""
    nq, offsets_at, ids_at, distances_at = c_size_t(), c_void_p(), c_void_p(), c_void_p()
    _check(_lib.vecstore_range_result_get(result, byref(nq), byref(offsets_at), byref(ids_at), byref(distances_at)))
    offsets = _copy(offsets_at.value, nq.value + 1, np.uint64)
    total = int(offsets[-1])
    return offsets, _copy(ids_at.value, total, np.uint64), _copy(distances_at.value, total, np.float32)


def index_count(handle: int) -> int:
    count = c_uint64()
    _check(_lib.vecstore_index_count(handle, byref(count)))
    return count.value


def index_ids(handle: int) -> NDArray[np.uint64]:
    """All ids, as they are at one moment: the listing is repeated with more room where rows were added meanwhile."""
    capacity = index_count(handle) + 1
    while True:
        ids = np.empty(capacity, dtype=np.uint64)
        written = c_size_t()
        _check(_lib.vecstore_index_ids(handle, 0, _address(ids), capacity, byref(written)))
        if written.value < capacity:
            return ids[: written.value].copy()
        capacity *= 2


def index_stats(handle: int) -> dict[str, Any]:
    """The fields of `vecstore_index_stats` by name, with words for the numbers that stand for words.

    What is peculiar to some kinds is not there for others.
    """
    stats = StatsStruct(struct_size=ctypes.sizeof(StatsStruct))
    _check(_lib.vecstore_index_get_stats(handle, byref(stats)))
    kind = _name(KINDS, stats.kind)
    fields: dict[str, Any] = {
        "kind": kind,
        "dim": stats.dim,
        "metric": _name(METRICS, stats.metric),
        "dtype": _name(DTYPES, stats.dtype),
        "read_only": bool(stats.read_only),
        "count": stats.count,
        "removed_count": stats.removed_count,
        "memory_bytes": stats.memory_bytes,
        "mapped_bytes": stats.mapped_bytes,
        "next_id": stats.next_id,
        "exact_codes": bool(stats.exact_codes),
        "automatic": bool(stats.automatic),
    }
    if kind == "hnsw":
        fields["m"] = stats.m
        fields["ef_construction"] = stats.ef_construction
        fields["storage"] = _name(STORAGES, stats.storage)
        fields["exact_dtype"] = _name(DTYPES, stats.exact_dtype) if stats.exact_dtype else None
        fields["code_loss"] = _short(stats.code_loss) if stats.code_loss >= 0 else None
        fields["sketched"] = bool(stats.sketched)
        fields["levels"] = stats.levels
    if kind == "ivf":
        fields["storage"] = _name(STORAGES, stats.storage)
        fields["exact_dtype"] = _name(DTYPES, stats.exact_dtype) if stats.exact_dtype else None
        fields["nlist"] = stats.nlist
        fields["assignments"] = stats.assignments
        fields["trained_count"] = stats.trained_count
        fields["bytes_per_row"] = stats.bytes_per_row
        fields["longest_list"] = stats.longest_list
        fields["imbalance"] = _short(stats.imbalance)
        fields["default_nprobe"] = stats.default_nprobe
    if stats.calibrated_k:
        fields["calibration"] = {
            "k": stats.calibrated_k,
            "ef_search": stats.calibrated_ef_search,
            "nprobe": stats.calibrated_nprobe,
            "recall": _short(stats.calibrated_recall),
            "target_recall": _short(stats.calibrated_target),
            "uses_own_rows": bool(stats.calibrated_by_own_rows),
        }
    return fields


def index_explain(handle: int) -> str:
    return _text(functools.partial(_lib.vecstore_index_explain, handle))


def _text(write: Callable[..., int]) -> str:
    """The whole text, as it is at one moment: it is asked for with more room where it has grown meanwhile."""
    size = 2048
    while True:
        buffer, needed = ctypes.create_string_buffer(size), c_size_t()
        _check(write(buffer, size, byref(needed)))
        if needed.value < size:
            return buffer.value.decode()
        size = 2 * needed.value


def index_verify(handle: int) -> None:
    _check(_lib.vecstore_index_verify(handle))
