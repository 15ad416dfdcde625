# faiss-cpu: IndexFlat, IndexFlat with Panorama, HNSW with float32, float16 and 8-bit rows.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from typing import Any, Optional

import numpy as np

from .base import Engine, GraphEngine, ListEngine, with_norm_1

# faiss turns to BLAS from a number of queries on that its default sets far too high (334 at 384 dimensions): on the
# machine this was tried on, BLAS was ahead from about 8 queries. faiss counts queries times dimensions.
_BLAS_FROM_QUERIES = 8

_COSINE_NOTE = "faiss has no cosine metric: rows and queries are scaled to norm 1, and searched by inner product."


class _Faiss(Engine):
    library = "faiss"

    def load(self) -> str:
        import faiss

        self.faiss = faiss
        faiss.omp_set_num_threads(self.threads)
        return f"{faiss.__version__} ({faiss.get_compile_options().strip()})"

    def about(self) -> Optional[dict[str, Any]]:
        return {"OPENBLAS_CORETYPE": os.environ.get("OPENBLAS_CORETYPE", "as detected")}

    def make(self) -> Any:
        """An empty index."""
        raise NotImplementedError

    def metric_code(self) -> int:
        return self.faiss.METRIC_L2 if self.metric == "l2sq" else self.faiss.METRIC_INNER_PRODUCT

    def build(self, base: np.ndarray, threads: int) -> None:
        self.faiss.omp_set_num_threads(threads)
        self.index = None
        self.index = self.make()
        rows = with_norm_1(base) if self.metric == "cosine" else base
        if not self.index.is_trained:
            self.index.train(rows)
        self.index.add(rows)
        self.faiss.omp_set_num_threads(self.threads)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.index.search(with_norm_1(queries) if self.metric == "cosine" else queries, k)[1]

    def save(self, path: str) -> bool:
        self.faiss.write_index(self.index, path)
        return True


class FaissFlat(_Faiss):
    name = "faiss-flat"
    suites = ("exact",)
    note = f"distance_compute_blas_threshold lowered to {_BLAS_FROM_QUERIES} queries, which is faster. {_COSINE_NOTE}"

    def load(self) -> str:
        version = super().load()
        self.faiss.cvar.distance_compute_blas_threshold = _BLAS_FROM_QUERIES * self.dim
        return version

    def make(self) -> Any:
        return self.faiss.IndexFlat(self.dim, self.metric_code())


class FaissFlatSkylakeX(FaissFlat):
    """The OpenBLAS inside the wheel does not know every newer processor; told to use AVX-512, it may be faster."""

    name = "faiss-flat-skylakex"
    needs_flags = ("avx512f", "avx512vl", "avx512bw")
    environment = {"OPENBLAS_CORETYPE": "SkylakeX"}
    note = "faiss-flat with OPENBLAS_CORETYPE=SkylakeX."


class FaissFlatPanorama(_Faiss):
    """Exact search that stops early: after a rotation to principal components it bounds what is left of a distance."""

    name = "faiss-flat-panorama"
    suites = ("exact",)
    metrics = ("l2sq",)
    note = "PCA rotation to all dimensions + IndexFlatL2Panorama with 8 levels: exact, made for small batches."

    def make(self) -> Any:
        rotation = self.faiss.PCAMatrix(self.dim, self.dim)
        return self.faiss.IndexPreTransform(rotation, self.faiss.IndexFlatL2Panorama(self.dim, 8))


class _FaissHNSW(_Faiss, GraphEngine):
    note = _COSINE_NOTE

    def make_graph(self) -> Any:
        raise NotImplementedError

    def make(self) -> Any:
        index = self.make_graph()
        index.hnsw.efConstruction = self.ef_construction
        return index

    def use(self, **point: Any) -> None:
        self.index.hnsw.efSearch = point["ef_search"]


class FaissHNSWFlat(_FaissHNSW):
    name = "faiss-hnsw-flat"
    suites = ("ann", "growth", "filters")
    parameters: Optional[Any] = None

    def make_graph(self) -> Any:
        return self.faiss.IndexHNSWFlat(self.dim, self.m, self.metric_code())

    def allow(self, allowed: np.ndarray) -> None:
        # The selector does not copy the bits: both must stay as long as searches go on.
        self.bits = np.packbits(allowed, bitorder="little")
        self.selector = self.faiss.IDSelectorBitmap(self.bits)
        self.parameters = self.faiss.SearchParametersHNSW(sel=self.selector, efSearch=self.index.hnsw.efSearch)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        if self.parameters is None:
            return super().search(queries, k)
        asked = with_norm_1(queries) if self.metric == "cosine" else queries
        return self.index.search(asked, k, params=self.parameters)[1]


class _FaissHNSWSQ(_FaissHNSW):
    quantizer = ""  # the name of a type of faiss.ScalarQuantizer

    def make_graph(self) -> Any:
        kind = getattr(self.faiss.ScalarQuantizer, self.quantizer)
        return self.faiss.IndexHNSWSQ(self.dim, kind, self.m, self.metric_code())


class FaissHNSWFP16(_FaissHNSWSQ):
    name = "faiss-hnsw-fp16"
    quantizer = "QT_fp16"


class FaissHNSWSQ8(_FaissHNSWSQ):
    name = "faiss-hnsw-sq8"
    quantizer = "QT_8bit"


class FaissHNSWSQ8Refine(_FaissHNSWSQ):
    """Twice k candidates are ranked by float32 rows. More changed the recall by less than it cost in speed."""

    name = "faiss-hnsw-sq8-refine"
    quantizer = "QT_8bit"
    note = f"IndexRefineFlat with k_factor = 2. {_COSINE_NOTE}"

    def make(self) -> Any:
        self.graph = super().make()
        index = self.faiss.IndexRefineFlat(self.graph)
        index.k_factor = 2
        return index

    def use(self, **point: Any) -> None:
        self.graph.hnsw.efSearch = point["ef_search"]


class FaissHNSWSQ8UniformRefine(FaissHNSWSQ8Refine):
    """One range for all elements: coarser than one range for each, and faster to compare."""

    name = "faiss-hnsw-sq8u-refine"
    quantizer = "QT_8bit_uniform"


class FaissIVFPQ(_Faiss, ListEngine):
    """Product codes of 4 bits for each two elements, looked up in registers, and float32 rows to rank by."""

    name = "faiss-ivf-pqfs"
    codes = "PQ{}x4fs"
    note = f"IVF..., PQ...x4fs, RFlat. oversampling is k_factor. {_COSINE_NOTE}"

    def make(self) -> Any:
        codes = self.codes.format(self.dim // 2)
        return self.faiss.index_factory(self.dim, f"IVF{self.nlist},{codes},RFlat", self.metric_code())

    def use(self, **point: Any) -> None:
        self.faiss.extract_index_ivf(self.index).nprobe = point["nprobe"]
        self.index.k_factor = point["oversampling"]


class FaissIVFRaBitQ(FaissIVFPQ):
    """Binary codes."""

    name = "faiss-ivf-rabitqfs"
    codes = "RaBitQfs"
    note = f"IVF..., RaBitQfs, RFlat. oversampling is k_factor. {_COSINE_NOTE}"
