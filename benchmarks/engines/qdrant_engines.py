# Qdrant Edge: HNSW with float32 rows, and with 8-bit rows that float32 rows rank again.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
import tempfile
from importlib.metadata import version
from typing import Any, Optional

import numpy as np

from .base import GraphEngine, package

_METRICS = {"l2sq": "Euclid", "ip": "Dot", "cosine": "Cosine"}

# Points inserted at a time, as Python lists.
_BATCH = 1000


class _Qdrant(GraphEngine):
    library = "qdrant-edge"
    note = (
        "Qdrant Edge takes queries as Python lists and gives results as objects; the conversion is in its figures."
        " More search threads did not make its batches faster."
    )
    shard: Any = None

    def load(self) -> str:
        self.edge = package("qdrant_edge")
        return version("qdrant-edge-py")

    def quantization(self) -> Optional[Any]:
        """How rows are stored for the walk over the graph; None means as they are."""
        return None

    def build(self, base: np.ndarray, threads: int) -> None:
        edge = self.edge
        if self.shard is not None:
            self.shard.close()
        # Removed with this object.
        self.folder = tempfile.TemporaryDirectory()
        graph = edge.HnswIndexConfig(
            m=self.m,
            ef_construct=self.ef_construction,
            full_scan_threshold=10,  # kilobytes: all searches go through the graph
            max_indexing_threads=threads,
            memory=edge.Memory.Pinned,
        )
        vectors = edge.EdgeVectorParams(
            size=self.dim,
            distance=getattr(edge.Distance, _METRICS[self.metric]),
            memory=edge.Memory.Cached,
            hnsw_config=graph,
            quantization_config=self.quantization(),
        )
        # One segment is one graph: several would be searched one after the other.
        one_segment = edge.EdgeOptimizersConfig(
            default_segment_number=1, indexing_threshold=1, max_segment_size=1_000_000_000
        )
        config = edge.EdgeConfig(
            vectors=vectors,
            hnsw_config=graph,
            optimizers=one_segment,
            max_search_threads=self.threads,
            wal_enabled=False,
        )
        self.shard = edge.EdgeShard.create(self.folder.name, config)
        for start in range(0, len(base), _BATCH):
            rows = enumerate(base[start : start + _BATCH].tolist(), start)
            self.shard.update(edge.UpdateOperation.upsert_points([edge.Point(i, row, {}) for i, row in rows]))
        self.shard.optimize()

    def rescoring(self) -> Optional[Any]:
        """How results are ranked again; None where the graph's rows are the rows."""
        return None

    def use(self, **point: Any) -> None:
        self.point = self.edge.SearchParams(hnsw_ef=point["ef_search"], quantization=self.rescoring())

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        nearest = self.edge.Query.Nearest
        requests = [
            self.edge.QueryRequest(
                limit=k, query=nearest(query), params=self.point, with_payload=False, with_vector=False
            )
            for query in queries.tolist()
        ]
        if len(requests) == 1:
            found = [self.shard.query(requests[0])]
        else:
            found = self.shard.query_batch(self.edge.QueryBatchRequest(requests))
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        for row, points in zip(ids, found):
            row[: len(points)] = [point.id for point in points]
        return ids

    def save(self, path: str) -> bool:
        self.shard.flush()
        shutil.copytree(self.folder.name, path)
        return True


class QdrantFP32(_Qdrant):
    name = "qdrant-fp32"


class QdrantInt8(_Qdrant):
    """Ranking 2 k candidates again found more than ranking k, at the same speed."""

    name = "qdrant-int8"
    note = f"{_Qdrant.note} Scalar quantization in memory, quantile 0.99; results are rescored with oversampling 2."

    def quantization(self) -> Optional[Any]:
        edge = self.edge
        return edge.ScalarQuantizationConfig(type=edge.ScalarType.Int8, quantile=0.99, memory=edge.Memory.Pinned)

    def rescoring(self) -> Optional[Any]:
        return self.edge.QuantizationSearchParams(rescore=True, oversampling=2.0)
