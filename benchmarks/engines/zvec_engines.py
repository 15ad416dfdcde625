# zvec: HNSW with float32, float16 and 8-bit rows.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
import tempfile
from importlib.metadata import version
from typing import Any

import numpy as np

from .base import GraphEngine, one_by_one, package

_METRICS = {"l2sq": "L2", "ip": "IP", "cosine": "COSINE"}

# Documents inserted at a time.
_BATCH = 1000


class _Zvec(GraphEngine):
    library = "zvec"
    note = (
        "zvec searches one query at a time and holds the GIL: a batch is a loop in Python on one thread."
        " It runs by its fastest way: a read-only collection in memory, queried for internal ids."
    )
    quantize_type = "UNDEFINED"
    refine: dict[str, Any] = {}
    collection: Any = None
    started = False

    def load(self) -> str:
        self.zvec = package("zvec")
        return version("zvec")

    def build(self, base: np.ndarray, threads: int) -> None:
        zvec = self.zvec
        if self.collection is not None:
            self.collection.close()
        if not self.started:
            # Possible only once in a process.
            zvec.init(query_threads=self.threads, optimize_threads=threads, log_level=zvec.LogLevel.ERROR)
            self.started = True
        # Removed with this object; a collection lives in files even where it is searched in memory.
        self.folder = tempfile.TemporaryDirectory()
        path = f"{self.folder.name}/collection"
        graph = zvec.HnswIndexParam(
            metric_type=getattr(zvec.MetricType, _METRICS[self.metric]),
            m=self.m,
            ef_construction=self.ef_construction,
            quantize_type=getattr(zvec.QuantizeType, self.quantize_type),
            use_contiguous_memory=True,
        )
        field = zvec.VectorSchema("vector", zvec.DataType.VECTOR_FP32, self.dim, index_param=graph)
        schema = zvec.CollectionSchema("rows", vectors=field)
        growing = zvec.create_and_open(path, schema, zvec.CollectionOption(read_only=False, enable_mmap=True))
        for start in range(0, len(base), _BATCH):
            rows = enumerate(base[start : start + _BATCH], start)
            for status in growing.insert([zvec.Doc(id=str(i), vectors={"vector": row}) for i, row in rows]):
                if not status.ok():
                    raise RuntimeError(f"zvec: {status}")
        growing.optimize(zvec.OptimizeOption(concurrency=threads))
        growing.close()
        self.collection = zvec.open(path, zvec.CollectionOption(read_only=True, enable_mmap=False))
        # Rows inserted in order get their place as internal id; asked for, not assumed.
        if self.collection.resolve_internal_ids(np.arange(len(base))) != [str(i) for i in range(len(base))]:
            raise RuntimeError("zvec: the internal ids are not the order of the rows")

    def use(self, **point: Any) -> None:
        self.point = self.zvec.HnswQueryParam(ef=point["ef_search"], **self.refine)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        ask, ids = self.zvec.Query, self.collection.query_internal_ids
        return one_by_one(queries, k, lambda query: ids(ask("vector", vector=query, param=self.point), topk=k))

    def save(self, path: str) -> bool:
        shutil.copytree(self.collection.path, path)
        return True


class ZvecFP32(_Zvec):
    name = "zvec-fp32"


class ZvecFP16(_Zvec):
    name = "zvec-fp16"
    quantize_type = "FP16"


class ZvecInt8(_Zvec):
    """Twice k candidates are ranked by float32 rows: its default of ef candidates is slower and finds no more."""

    name = "zvec-int8"
    note = f"{_Zvec.note} Its refiner ranks 2 k candidates."
    quantize_type = "INT8"
    refine = {"is_using_refiner": True, "scale_factor": 2.0}
