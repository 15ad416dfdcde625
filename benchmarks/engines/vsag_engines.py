# vsag: its HNSW index, and HGraph with float32 rows and with 8-bit rows that float32 rows rank again.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import numpy as np

from .base import GraphEngine, one_by_one, package

_METRICS = {"l2sq": "l2", "ip": "ip", "cosine": "cosine"}


class _Vsag(GraphEngine):
    library = "vsag"
    note = "pyvsag searches one query at a time and holds the GIL: a batch is a loop in Python on one thread."
    index_type = "hgraph"

    def load(self) -> str:
        self.pyvsag = package("pyvsag")
        self.pyvsag.set_logger_off()
        return self.pyvsag.__version__

    def parameters(self, threads: int) -> dict[str, Any]:
        """What the index is made of: the JSON that vsag takes."""
        raise NotImplementedError

    def build(self, base: np.ndarray, threads: int) -> None:
        self.index = None
        common = {"dtype": "float32", "metric_type": _METRICS[self.metric], "dim": self.dim}
        self.index = self.pyvsag.Index(self.index_type, json.dumps(common | self.parameters(threads)))
        self.index.build(base.ravel(), np.arange(len(base), dtype=np.int64), len(base), self.dim)

    def use(self, **point: Any) -> None:
        self.point = json.dumps({self.index_type: point})

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return one_by_one(queries, k, lambda query: self.index.knn_search(query, k, self.point)[0])

    def save(self, path: str) -> bool:
        self.index.save(path)
        return True


class VsagHNSW(_Vsag):
    name = "vsag-hnsw"
    note = f"{_Vsag.note} Its hnsw index builds on one thread."
    index_type = "hnsw"

    def parameters(self, threads: int) -> dict[str, Any]:
        return {"hnsw": {"max_degree": self.m, "ef_construction": self.ef_construction}}


class VsagHGraph(_Vsag):
    name = "vsag-hgraph-fp32"
    rows: dict[str, Any] = {"base_quantization_type": "fp32"}

    def parameters(self, threads: int) -> dict[str, Any]:
        # max_degree counts the links of the lowest level, which has 2 m of them in HNSW.
        graph = {"max_degree": 2 * self.m, "ef_construction": self.ef_construction, "build_thread_count": threads}
        return {"index_param": graph | self.rows}


class VsagHGraphSQ8(VsagHGraph):
    name = "vsag-hgraph-sq8"
    rows = {"base_quantization_type": "sq8", "use_reorder": True, "precise_quantization_type": "fp32"}


class VsagHGraphSQ8Uniform(VsagHGraph):
    name = "vsag-hgraph-sq8u"
    rows = {"base_quantization_type": "sq8_uniform", "use_reorder": True, "precise_quantization_type": "fp32"}
