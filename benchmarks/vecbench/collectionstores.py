# What the suite `collections` compares: vecstore collections, Qdrant Edge and zvec, each behind the same calls.
# SPDX-License-Identifier: Apache-2.0
"""Ids are the numbers of rows. Vectors have norm 1 and are compared by inner product; graphs have m = 16 and
ef_construction = 200, and are built on THREADS threads. `section` and `size` have an index in every store."""

from __future__ import annotations

import importlib.util
import json
from typing import Any, NamedTuple, Optional

import numpy as np

from .payloads import Filter

M = 16
EF_CONSTRUCTION = 200
THREADS = 2


class Store:
    """A directory with points. The names of the methods say what they do; `flush` makes what was added durable."""

    module: str

    def create(self, path: str, dim: int) -> None:
        raise NotImplementedError

    def open(self, path: str) -> None:
        """Opens it for searching."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def add(self, first: int, vectors: np.ndarray, payloads: list[dict[str, Any]]) -> None:
        """Adds points with the ids from `first` on."""
        raise NotImplementedError

    def flush(self) -> None:
        raise NotImplementedError

    def index(self) -> None:
        """Brings all points into the graph and saves it."""
        raise NotImplementedError

    def indexed(self) -> int:
        """How many points are in the graph, or are compared without one because they are few."""
        raise NotImplementedError

    def filter(self, chosen: Filter) -> Any:
        """The filter as searches take it."""
        raise NotImplementedError

    def search(self, query: np.ndarray, k: int, ef_search: int, filter: Any = None) -> list[int]:
        """The ids of the nearest points."""
        raise NotImplementedError

    def payloads(self, query: np.ndarray, k: int, ef_search: int) -> list[tuple[int, str]]:
        """The ids and texts of the nearest points, whose whole payloads are read."""
        raise NotImplementedError


class Vecstore(Store):
    module = "vecstore"

    def __init__(self, dtype: str = "float32", durability: str = "full") -> None:
        import vecstore

        self._vecstore = vecstore
        self._dtype = dtype
        self._durability = durability

    def create(self, path: str, dim: int) -> None:
        self.points = self._vecstore.Collection.create(
            path,
            dim=dim,
            metric="ip",
            dtype=self._dtype,
            m=M,
            ef_construction=EF_CONSTRUCTION,
            durability=self._durability,
            index_threads=THREADS,
        )
        self.points.create_payload_index("section", "keyword")
        self.points.create_payload_index("size", "integer")

    def open(self, path: str) -> None:
        self.points = self._vecstore.Collection.open(path, read_only=True)

    def open_to_write(self, path: str) -> None:
        self.points = self._vecstore.Collection.open(path, durability=self._durability, index_threads=THREADS)

    def close(self) -> None:
        self.points.close()

    def add(self, first: int, vectors: np.ndarray, payloads: list[dict[str, Any]]) -> None:
        self.points.upsert(np.arange(first, first + len(vectors)), vectors, payloads)

    def flush(self) -> None:
        """Nothing is left to do: what was added is as durable as the collection was made for."""

    def index(self) -> None:
        self.points.optimize()

    def indexed(self) -> int:
        return len(self.points) - self.points.describe()["waiting"]

    def filter(self, chosen: Filter) -> Any:
        if chosen.section is not None:
            condition: dict[str, Any] = {"key": "section", "match": {"value": chosen.section}}
        else:
            condition = {"key": "size", "range": {"gte": chosen.low, "lt": chosen.high}}
        return json.dumps({"must": condition})  # text: a dict would be made into it again for each search

    def search(self, query: np.ndarray, k: int, ef_search: int, filter: Any = None) -> list[int]:
        found = self.points.search(query, k, filter=filter, ef_search=ef_search, with_payload=False, threads=1)
        return [hit.id for hit in found]

    def payloads(self, query: np.ndarray, k: int, ef_search: int) -> list[tuple[int, str]]:
        found = self.points.search(query, k, ef_search=ef_search, threads=1)
        return [(hit.id, hit.payload["text"]) for hit in found]


class Qdrant(Store):
    """One segment, so one graph, in memory, with a write-ahead log."""

    module = "qdrant_edge"

    def __init__(self, int8: bool = True) -> None:
        import qdrant_edge

        self._edge = qdrant_edge
        self._int8 = int8

    def create(self, path: str, dim: int) -> None:
        edge = self._edge
        graph = edge.HnswIndexConfig(
            m=M,
            ef_construct=EF_CONSTRUCTION,
            full_scan_threshold=10_000,  # kilobytes, its default: fewer rows that match are compared without the graph
            max_indexing_threads=THREADS,
            memory=edge.Memory.Pinned,
        )
        quantization = edge.ScalarQuantizationConfig(
            type=edge.ScalarType.Int8, quantile=0.99, memory=edge.Memory.Pinned
        )
        vectors = edge.EdgeVectorParams(
            size=dim,
            distance=edge.Distance.Dot,
            memory=edge.Memory.Cached,
            hnsw_config=graph,
            quantization_config=quantization if self._int8 else None,
        )
        one_segment = edge.EdgeOptimizersConfig(
            default_segment_number=1, indexing_threshold=1, max_segment_size=1_000_000_000
        )
        config = edge.EdgeConfig(
            vectors=vectors,
            hnsw_config=graph,
            optimizers=one_segment,
            max_search_threads=1,
            payload_memory=edge.Memory.Cached,
            wal_enabled=True,
        )
        self._shard = edge.EdgeShard.create(path, config)
        keyword = edge.KeywordIndexParams(memory=edge.Memory.Pinned)
        integer = edge.IntegerIndexParams(lookup=True, range=True, memory=edge.Memory.Pinned)
        self._shard.update(edge.UpdateOperation.create_field_index("section", keyword))
        self._shard.update(edge.UpdateOperation.create_field_index("size", integer))

    def open(self, path: str) -> None:
        self._shard = self._edge.EdgeShard.load(path)

    def close(self) -> None:
        self._shard.close()

    def add(self, first: int, vectors: np.ndarray, payloads: list[dict[str, Any]]) -> None:
        rows = enumerate(zip(vectors.tolist(), payloads), first)
        points = [self._edge.Point(id, row, payload) for id, (row, payload) in rows]
        self._shard.update(self._edge.UpdateOperation.upsert_points(points))

    def flush(self) -> None:
        self._shard.flush()

    def index(self) -> None:
        self._shard.optimize()
        self._shard.flush()

    def indexed(self) -> int:
        return self._shard.info().indexed_vectors_count

    def filter(self, chosen: Filter) -> Any:
        edge = self._edge
        if chosen.section is not None:
            condition = edge.FieldCondition("section", match=edge.MatchValue(chosen.section))
        else:
            condition = edge.FieldCondition("size", range=edge.RangeFloat(gte=chosen.low, lt=chosen.high))
        return edge.Filter(must=[condition])

    def search(self, query: np.ndarray, k: int, ef_search: int, filter: Any = None) -> list[int]:
        return [point.id for point in self._query(query, k, ef_search, filter, False)]

    def payloads(self, query: np.ndarray, k: int, ef_search: int) -> list[tuple[int, str]]:
        return [(point.id, point.payload["text"]) for point in self._query(query, k, ef_search, None, True)]

    def _query(self, query: np.ndarray, k: int, ef_search: int, filter: Any, with_payload: bool) -> Any:
        edge = self._edge
        rescoring = edge.QuantizationSearchParams(rescore=True, oversampling=2.0) if self._int8 else None
        request = edge.QueryRequest(
            limit=k,
            query=edge.Query.Nearest(query.tolist()),
            filter=filter,
            params=edge.SearchParams(hnsw_ef=ef_search, quantization=rescoring),
            with_payload=with_payload,
            with_vector=False,
        )
        return self._shard.query(request)


class Zvec(Store):
    """In contiguous memory, and searched without memory maps."""

    module = "zvec"

    def __init__(self, int8: bool = True) -> None:
        import zvec

        self._zvec = zvec
        self._int8 = int8
        zvec.init(query_threads=1, optimize_threads=THREADS, log_level=zvec.LogLevel.ERROR)

    def create(self, path: str, dim: int) -> None:
        zvec = self._zvec
        graph = zvec.HnswIndexParam(
            metric_type=zvec.MetricType.IP,
            m=M,
            ef_construction=EF_CONSTRUCTION,
            quantize_type=zvec.QuantizeType.INT8 if self._int8 else zvec.QuantizeType.UNDEFINED,
            use_contiguous_memory=True,
        )
        fields = [
            zvec.FieldSchema("section", zvec.DataType.STRING, index_param=zvec.InvertIndexParam()),
            zvec.FieldSchema(
                "size", zvec.DataType.INT64, index_param=zvec.InvertIndexParam(enable_range_optimization=True)
            ),
            zvec.FieldSchema("text", zvec.DataType.STRING),
        ]
        vectors = zvec.VectorSchema("vector", zvec.DataType.VECTOR_FP32, dim, index_param=graph)
        schema = zvec.CollectionSchema("points", fields=fields, vectors=vectors)
        self._points = zvec.create_and_open(path, schema, zvec.CollectionOption(read_only=False, enable_mmap=True))

    def open(self, path: str) -> None:
        self._points = self._zvec.open(path, self._zvec.CollectionOption(read_only=True, enable_mmap=False))

    def close(self) -> None:
        self._points.close()

    def add(self, first: int, vectors: np.ndarray, payloads: list[dict[str, Any]]) -> None:
        rows = enumerate(zip(vectors, payloads), first)
        points = [self._zvec.Doc(id=str(id), vectors={"vector": row}, fields=payload) for id, (row, payload) in rows]
        for status in self._points.insert(points):
            if not status.ok():
                raise RuntimeError(f"zvec: {status}")

    def flush(self) -> None:
        self._points.flush()

    def index(self) -> None:
        self._points.optimize(self._zvec.OptimizeOption(concurrency=THREADS))
        self._points.flush()

    def indexed(self) -> int:
        about = self._points.stats
        return round(about.doc_count * about.index_completeness["vector"])

    def filter(self, chosen: Filter) -> Any:
        if chosen.section is not None:
            return f"section = '{chosen.section}'"
        return f"size >= {chosen.low} and size < {chosen.high}"

    def search(self, query: np.ndarray, k: int, ef_search: int, filter: Any = None) -> list[int]:
        found = self._points.query_internal_ids(self._asked(query, ef_search), topk=k, filter=filter)
        return [int(id) for id in self._points.resolve_internal_ids(found) if id is not None]

    def payloads(self, query: np.ndarray, k: int, ef_search: int) -> list[tuple[int, str]]:
        found = self._points.query(self._asked(query, ef_search), topk=k)
        return [(int(point.id), point.field("text")) for point in found]

    def _asked(self, query: np.ndarray, ef_search: int) -> Any:
        refining = {"is_using_refiner": True, "scale_factor": 2.0} if self._int8 else {}
        param = self._zvec.HnswQueryParam(ef=ef_search, **refining)
        return self._zvec.Query("vector", vector=query, param=param)


class Kind(NamedTuple):
    """A store with its settings."""

    store: type[Store]
    settings: dict[str, Any]
    flush_each: bool = True  # after each batch; else once, after the last
    searched: bool = True
    usual: bool = True  # whether it runs where nobody chose stores
    durable: str = "each batch, by flush"

    def available(self) -> bool:
        return self.store is Vecstore or importlib.util.find_spec(self.store.module) is not None


KINDS = {
    "vecstore": Kind(Vecstore, {}, durable="each batch (full)"),
    "vecstore-float16": Kind(Vecstore, {"dtype": "float16"}, durable="each batch (full)"),
    "vecstore-normal": Kind(Vecstore, {"durability": "normal"}, searched=False, durable="soon after (normal)"),
    "qdrant-int8": Kind(Qdrant, {}),
    "qdrant-int8-one-flush": Kind(Qdrant, {}, flush_each=False, searched=False, durable="at the end, by flush"),
    "qdrant-fp32": Kind(Qdrant, {"int8": False}, usual=False),
    "zvec-int8": Kind(Zvec, {}),
    "zvec-int8-one-flush": Kind(Zvec, {}, flush_each=False, searched=False, durable="at the end, by flush"),
    "zvec-fp32": Kind(Zvec, {"int8": False}, usual=False),
}


def make(name: str) -> Any:
    """A store, with its library loaded."""
    return KINDS[name].store(**KINDS[name].settings)


def chosen(prefixes: Optional[str]) -> list[str]:
    """The names of the stores that were asked for."""
    if prefixes is None:
        return [name for name, kind in KINDS.items() if kind.usual]
    found = [name for name in KINDS if name.startswith(tuple(prefixes.split(",")))]
    if not found:
        raise SystemExit(f"benchmarks: no store fits; there are {', '.join(KINDS)}.")
    return found
