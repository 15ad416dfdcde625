# The index: rows, their ids, and the searches over them.
# SPDX-License-Identifier: Apache-2.0
"""The index."""

from __future__ import annotations

import dataclasses
import functools
import warnings
import weakref
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Callable, NamedTuple, NoReturn, Optional, TypeVar, Union

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _arrays, _cache_values, _ffi, _ffi_hashes, _hashes
from .caches import RedisOptions
from .errors import InvalidArgumentError, InvalidHandleError
from .filters import FilterLike, filter_spec
from .functions import SearchResult
from .points import ImportResult

__all__ = ["Calibration", "Index", "IndexStats", "RangeResult"]

_UINT64_MAX = 2**64 - 1
# From so many rows on a call takes long enough that Ctrl-C should end it.
_INTERRUPTIBLE_ROWS = 1000
_Self = TypeVar("_Self", bound="Index")
_Ids = Union[ArrayLike, Iterable[int]]
_Progress = Callable[[int, int], Any]


class RangeResult(NamedTuple):
    """What a range search found: for each query its rows within the radius, nearest first.

    Attributes
    ----------
    offsets : ndarray of uint64, shape (nq + 1,)
        The results of query i are at ``offsets[i]`` ... ``offsets[i + 1] - 1`` of `ids` and `distances`.
    ids : ndarray of uint64, shape (offsets[-1],)
        Ids of all queries, one query after the other.
    distances : ndarray of float32, shape (offsets[-1],)
        Their distances, in the units of the metric.
    """

    offsets: NDArray[np.uint64]
    ids: NDArray[np.uint64]
    distances: NDArray[np.float32]

    def query(self, i: int) -> SearchResult:
        """The results of one query.

        Parameters
        ----------
        i : int
            Its position; -1 is the last query.

        Returns
        -------
        SearchResult
            ids and distances, each of shape (m,), nearest first. They are views.

        Raises
        ------
        IndexError
            There is no such query.
        """
        i = range(len(self.offsets) - 1)[i]
        start, stop = int(self.offsets[i]), int(self.offsets[i + 1])
        return SearchResult(self.ids[start:stop], self.distances[start:stop])

    def queries(self) -> Iterator[SearchResult]:
        """The results of each query in turn.

        Returns
        -------
        iterator of SearchResult
            As `query` gives them.
        """
        return (self.query(i) for i in range(len(self.offsets) - 1))


@dataclasses.dataclass(frozen=True)
class Calibration:
    """The setting with which an index reached a recall on a sample of queries: see `Index.calibrate`.

    Attributes
    ----------
    k : int
        Results for which it was measured.
    ef_search : int
        What searches of "hnsw" with `target_recall` take from now on; 0 of others.
    nprobe : int
        What searches of "ivf" with `target_recall` take from now on; 0 of others.
    recall : float
        What was measured with this setting: the share of the k nearest rows that searches found.
    target_recall : float
        What was asked for.
    uses_own_rows : bool
        True where rows of the index served as queries, which flatters it.
    """

    k: int
    ef_search: int
    nprobe: int
    recall: float
    target_recall: float
    uses_own_rows: bool


@dataclasses.dataclass(frozen=True)
class IndexStats:
    """What an index is and costs.

    Attributes
    ----------
    kind, metric, dtype : str
        What it was made of.
    dim : int
        Elements of one vector.
    read_only : bool
        True for a map of a file.
    count : int
        Rows.
    removed_count : int
        Rows removed whose memory has not returned yet.
    memory_bytes : int
        Bytes of memory of this process that the index holds, without the map of a file.
    mapped_bytes : int
        Bytes of the file that are mapped.
    next_id : int
        The id that the next row without one will get; `vecstore.NO_ID` where there is none left.
    exact_codes : bool
        Whether 8-bit copies are kept for exact search.
    automatic : bool
        Whether it was made with the kind "auto"; `kind` and all else say what it is now.
    m, ef_construction : int or None
        As the graph was made. These and all up to `calibration` are None where the kind is not "hnsw", but for
        `storage`, `exact_dtype` and `calibration`, which "ivf" has too.
    storage : str or None
        How the rows are stored that the graph compares: "float32", "float16", "bfloat16", "int8", "int4"; "auto" for rows of
        whole numbers or bits, which are stored as they are, and for float rows as long as that is not decided. Of an
        inverted file what its lists hold, as it was asked for.
    exact_dtype : str or None
        The dtype of the rows that results are ranked by; None where there are codes alone.
    code_loss : float or None
        The share of the 10 nearest rows that codes (of 8 bits, or of 4 where they are asked for) were measured to miss
        among 20; None where nothing was measured.
    sketched : bool or None
        Whether walks read 4-bit copies of the rows first.
    levels : int or None
        Of the graph.
    calibration : Calibration or None
        What `Index.calibrate` found, in this process or in the one that wrote the file.
    nlist : int or None
        Lists of an inverted file; 0 where it is not trained and goes by the rows that it will be trained on. This and
        all that follows are None where the kind is not "ivf".
    assignments : int or None
        Lists that each row is in.
    trained_count : int or None
        Vectors that it was trained on; 0 before. Fewer than ``39 * nlist`` fit the sample rather than what is added.
    bytes_per_row : int or None
        What a row takes in all its lists: its slot and its code, with two numbers of four bytes; 0 before training.
    longest_list : int or None
        Rows of the longest list.
    imbalance : float or None
        How many times the work of lists of one length a search has: ``nlist * sum(n**2) / sum(n)**2`` for lists of n
        rows.
    default_nprobe : int or None
        Lists that a search reads where it does not say.
    """

    kind: str
    dim: int
    metric: str
    dtype: str
    read_only: bool
    count: int
    removed_count: int
    memory_bytes: int
    mapped_bytes: int
    next_id: int
    exact_codes: bool
    automatic: bool = False
    m: Optional[int] = None
    ef_construction: Optional[int] = None
    storage: Optional[str] = None
    exact_dtype: Optional[str] = None
    code_loss: Optional[float] = None
    sketched: Optional[bool] = None
    levels: Optional[int] = None
    calibration: Optional[Calibration] = None
    nlist: Optional[int] = None
    assignments: Optional[int] = None
    trained_count: Optional[int] = None
    bytes_per_row: Optional[int] = None
    longest_list: Optional[int] = None
    imbalance: Optional[float] = None
    default_nprobe: Optional[int] = None


def _code_bits(nbits: Any, bits: Any) -> int:
    """Bits of a number of a code, by either name; 0 where none is given."""
    if nbits is None and bits is None:
        return 0
    return _arrays.integer("nbits", nbits, 1, 16) if bits is None else _arrays.integer("bits", bits, 1, 16)


def _settings(
    threads: Any, ef_search: Any, target_recall: Any, rescore: Any, oversampling: Any, nprobe: Any
) -> _ffi.SearchSettings:
    """How a search is done, checked. Searches mostly ask for what others asked for before."""
    if (
        threads == 0
        and ef_search is None
        and target_recall is None
        and rescore is True
        and oversampling is None
        and nprobe is None
    ):
        return _ffi.DEFAULT_SETTINGS
    try:
        return _known_settings(threads, ef_search, target_recall, rescore, oversampling, nprobe)
    except TypeError:  # what cannot be a key: say what is wrong with it instead
        return _new_settings(threads, ef_search, target_recall, rescore, oversampling, nprobe)


def _new_settings(
    threads: Any, ef_search: Any, target_recall: Any, rescore: Any, oversampling: Any, nprobe: Any
) -> _ffi.SearchSettings:
    return _ffi.SearchSettings(
        _arrays.threads_count(threads),
        0 if ef_search is None else _arrays.integer("ef_search", ef_search, 1, _ffi.EF_MOST),
        0.0 if target_recall is None else _arrays.share("target_recall", target_recall),
        not rescore,
        0.0 if oversampling is None else _arrays.factor("oversampling", oversampling),
        0 if nprobe is None else _arrays.integer("nprobe", nprobe, 1, _ffi.LISTS_MOST),
    )


# 1, 1.0 and True are equal, but not all of them are allowed everywhere.
_known_settings = functools.lru_cache(maxsize=64, typed=True)(_new_settings)


# Fewer vectors for each list make lists that fit the sample.
_LEAST_ROWS_PER_LIST = 39


class Index:
    """Rows, each a vector known by a 64-bit id, and the searches over them.

    Parameters
    ----------
    kind : str, default "flat"
        How results are found. "flat" is exact: it compares a query with every row that the filter lets through. "hnsw"
        is approximate: it walks over a graph of near rows, for a small part of the work. "ivf" is approximate and
        small: rows lie in lists around centroids, as they are or as codes, and a search reads the lists nearest to its
        query; for l2sq, ip and cosine. "auto" chooses one of these, and how it stores rows, from the rows that there
        are, `memory_budget` and `target_recall`, and measures how it has to search; see Notes.
    dim : int
        Elements (for bits: bits) of one vector, 1 ... 65536.
    metric : str, default "l2sq"
        How far apart two vectors are; smaller is closer, for every metric. "l2sq" = sum of (a - b)^2, "ip" = minus
        the inner product, "cosine" = 1 - cosine, "l1" = sum of abs(a - b); for bits "hamming" = bits that differ,
        "jaccard" = 1 - bits in both / bits in either.
    dtype : str or NumPy dtype, default "float32"
        How rows are stored: "float32", "float16", "bfloat16", "int8", "uint8", or "bits" (for hamming and jaccard).
    exact_codes : bool, optional
        Flat: whether to keep 8-bit copies of the rows that make exact search faster, for 1 byte more an element;
        possible for float dtypes under l2sq, ip and cosine. By default where they help: float32 rows that are not very
        short.
    capacity : int, default 0
        Rows to reserve memory for. An index grows past it by itself. Auto: rows that are expected.
    m : int, optional
        HNSW: links that a new row gets, 2 ... 256; by default 16. More find more, and cost memory and time.
    ef_construction : int, optional
        HNSW: rows kept in view while links are chosen, 1 ... 1048576; by default 200. More make a better graph, slowly.
    storage : str, default "auto"
        HNSW: how the rows are stored that the graph compares: "float32" (float32 rows), "float16", "bfloat16" (float32
        rows and rows of that dtype), "int8" (8-bit codes trained on the first 2,048 rows or more; float rows under
        l2sq, ip and cosine), "int4" (4-bit codes, trained likewise: half the memory of "int8"). "auto" measures on the
        rows whether 8-bit codes lose neighbours, and takes finer rows where they do; rows of whole numbers and bits
        stay as they are.
        IVF: what lists hold: "auto" (rows as they were added), "float32", "float16", "bfloat16", or codes of float
        rows, relative to the center of their list: "int8" and "int4" (a number for each element), "pq" (product
        codes) or "binary" (one or more bits for each element, rotated at random).
    rescore : str or None, default "default"
        HNSW and IVF: the finer rows that are kept beside coarser storage (of IVF beside codes), to rank results by and
        for `get`. "default" = as they were added; "float32", "float16" (elements below 65,520); None = none, the
        smallest: distances and rows that come out are then approximate.
    seed : int, default 0
        HNSW, IVF and auto: the same rows, options and seed, added with ``threads=1``, give the same file, byte for byte.
    nlist : int, optional
        IVF: lists, 1 ... 1048576. By default by the n rows that it is trained on: a power of two, about ``4 *
        sqrt(n)``, at most ``n / 39`` and 65536.
    pq_m : int, optional
        IVF with "pq": parts of a code, 1 ... dim and with 4 bits at most 16384; by default ``dim // 2``, with more bits
        ``dim // 4``.
    nbits : int, optional
        IVF with "pq": bits of each number of a code, 4 ... 8; by default 4, which are read fastest. 5 and more take a byte.
    rotation : str or None, default None
        IVF with "pq": "opq" makes codes of rotated vectors, which lose less where ``pq_m`` is small (Ge, He, Ke & Sun
        2013); training takes longer. dim up to 4096.
    bits : int, optional
        IVF with "binary": bits for each element, 1 ... 6, or 8; by default 1.
    assignments : int, default 1
        IVF: lists that each row is in: 1, or 2, where the second is chosen to help where the first misleads (SOAR):
        more memory, and fewer lists to read for the same recall.
    memory_budget : int, optional
        Auto: bytes that the index may take, as `memory_bytes` of its statistics counts them; None = any number.
    target_recall : float, optional
        Auto: the share of the 10 nearest rows that searches are to find, above 0, up to 1 (exact search); by default
        0.95.

    Raises
    ------
    TypeError
        An argument has the wrong type.
    InvalidArgumentError
        A name is not known, a number is out of range, or an argument is for another kind.
    UnsupportedError
        The metric does not exist for the dtype, or exact codes, storage or rescore do not.
    TooLargeError, OutOfMemoryError
        The capacity cannot be had.

    Notes
    -----
    *Vectors.* An index of float32, float16 or bfloat16 takes arrays of float32, float16 and ``ml_dtypes.bfloat16`` as
    they are, and anything else that is a real number (float64, integers, lists) as float32. An index of bfloat16
    takes uint16 arrays as bit patterns of bfloat16. An index of int8 or uint8 takes integers of any width that fit.
    An index of bits takes uint8 arrays of shape (n, (dim + 7) // 8), see `pack_bits`, or bool arrays of shape (n,
    dim). A one-dimensional array is one vector. Arrays that are not C-contiguous are copied. NaN and infinity are
    refused (and a float64 beyond the range of float32 counts as infinity), and so is a zero vector under cosine.

    *Ids.* Integers from 0 to 2**64 - 2, as an array of any integer dtype, a list, a set, a range; one integer is one
    id.

    *Threads.* Any method may be called from any thread at any time, and the GIL is released meanwhile. Searches run
    beside each other and beside one change (`train`, `add`, `update`, `remove`, `compact`, `optimize`, `reserve`,
    `calibrate`); further changes wait, but for `add` of "hnsw", of which calls run beside each other. A search of
    "flat" or "ivf" sees the index as it was when the search began; one of "hnsw" sees each row that is there from its
    beginning to its end.
    `close` lets calls that already run finish, and does not wait for them.

    *Auto.* The index begins as "flat". The `add` that makes the rows too many for that (8,192) or for the budget builds
    another index with them, which takes as long as making it anew and memory for a copy of the rows, and measures on
    rows that are not in it yet how it has to search to find `target_recall`. Searches without `ef_search`, `nprobe` and
    `target_recall` go by that. `optimize` chooses again for the rows that there are. `kind` and `stats` say what it is
    now, `explain` says why.

    *Fork.* A child of `os.fork` may go on using an index, provided that no other thread was inside a call at that
    moment.

    *Lifetime.* The memory is freed by `close`, at the end of a ``with`` block, or with the object. A call that raises
    has changed nothing.

    Examples
    --------
    >>> import numpy as np, vecstore
    >>> vectors = np.eye(4, dtype=np.float32)
    >>> with vecstore.Index("flat", dim=4, metric="cosine") as index:
    ...     added = index.add(vectors)
    ...     ids, distances = index.search(vectors[2], k=2)
    >>> ids.tolist(), distances.tolist()
    ([[2, 0]], [[0.0, 1.0]])
    """

    _handle: int
    _finalizer: weakref.finalize[[int], Index]
    _kind: str
    _dim: int
    _metric: str
    _dtype: str
    _read_only: bool
    _may_train: bool
    _automatic: bool

    def __init__(
        self,
        kind: str = "flat",
        *,
        dim: int,
        metric: str = "l2sq",
        dtype: DTypeLike = "float32",
        exact_codes: Optional[bool] = None,
        capacity: int = 0,
        m: Optional[int] = None,
        ef_construction: Optional[int] = None,
        storage: DTypeLike = "auto",
        rescore: Optional[DTypeLike] = "default",
        seed: int = 0,
        nlist: Optional[int] = None,
        pq_m: Optional[int] = None,
        nbits: Optional[int] = None,
        rotation: Optional[str] = None,
        bits: Optional[int] = None,
        assignments: Optional[int] = None,
        memory_budget: Optional[int] = None,
        target_recall: Optional[float] = None,
    ) -> None:
        if nbits is not None and bits is not None:
            raise InvalidArgumentError("nbits is for storage 'pq', bits for 'binary': give one of them")
        self._own(
            _ffi.index_create(
                _arrays.kind_name(kind),
                _arrays.integer("dim", dim, 1, _ffi.DIM_MAX),
                _arrays.metric_name(metric),
                _arrays.dtype_name(dtype),
                exact_codes,
                _arrays.integer("capacity", capacity, 0, _UINT64_MAX),
                0 if m is None else _arrays.integer("m", m, _ffi.M_LEAST, _ffi.M_MOST),
                0 if ef_construction is None else _arrays.integer("ef_construction", ef_construction, 1, _ffi.EF_MOST),
                _arrays.storage_name(storage),
                _arrays.rescore_name(rescore),
                _arrays.integer("seed", seed, 0, _UINT64_MAX),
                0 if nlist is None else _arrays.integer("nlist", nlist, 1, _ffi.LISTS_MOST),
                0 if pq_m is None else _arrays.integer("pq_m", pq_m, 1, _ffi.DIM_MAX),
                _code_bits(nbits, bits),
                0 if assignments is None else _arrays.integer("assignments", assignments, 1, _ffi.ASSIGNMENTS_MOST),
                _arrays.rotation_name(rotation),
                0 if memory_budget is None else _arrays.integer("memory_budget", memory_budget, 1, _UINT64_MAX),
                0.0 if target_recall is None else _arrays.share("target_recall", target_recall),
            )
        )

    @classmethod
    def open(
        cls: type[_Self],
        path: _ffi.Path,
        *,
        mmap: bool = True,
        verify: Optional[bool] = None,
        prefault: bool = False,
    ) -> _Self:
        """Opens the file of an index.

        Parameters
        ----------
        path : str, bytes or os.PathLike
            A file that `save` wrote.
        mmap : bool, default True
            True maps the file, read-only and without copying; many processes may map the same file. False reads it into
            memory, and the index can be changed.
        verify : bool, optional
            True checks every byte against the checksums, False only header, tables and sizes. By default False for a
            map and True otherwise.
        prefault : bool, default False
            Reads the mapped pages in now instead of when they are first needed.

        Returns
        -------
        Index

        Raises
        ------
        InvalidArgumentError
            The name is empty, longer than 4000 bytes, not UTF-8, or not that of a regular file; or the file is that of a
            quantizer.
        MissingFileError
            There is no such file. It is a `FileNotFoundError`.
        VecstoreIOError
            The file cannot be read. It is an `OSError`.
        CorruptError
            The file is not one of vecstore, or is damaged.
        NewerVersionError
            A newer version of the library wrote it.
        OutOfMemoryError
            Memory or address space ran out.

        Notes
        -----
        A mapped file must not be changed in place or cut short while it is open: the system would stop the process.
        Replacing it, as `save` does, is fine. A map opens in O(1) unless `verify` is True.
        """
        self = cls.__new__(cls)
        self._own(_ffi.index_open(path, mmap, verify, prefault))
        return self

    def _own(self, handle: int) -> None:
        """Takes a handle over: from now on it is freed exactly once, by `close` or with this object."""
        self._handle = handle
        self._finalizer = weakref.finalize(self, _ffi.index_free, handle)
        # At the end of the process the system takes the memory back faster.
        self._finalizer.atexit = False
        stats = _ffi.index_stats(handle)
        self._kind = stats["kind"]
        self._automatic = stats["automatic"]
        # Whether the next rows that are added may be trained on: only statistics tell, which take their time.
        self._may_train = self._kind == "ivf" and not self._automatic
        self._dim = stats["dim"]
        self._metric = stats["metric"]
        self._dtype = stats["dtype"]
        self._read_only = stats["read_only"]

    def _open_handle(self) -> int:
        handle = self._handle
        if handle == 0:
            raise InvalidHandleError("the index is closed")
        return handle

    # ------------------------------------------------------------------------------------------------------------------
    # What it is
    # ------------------------------------------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """How results are found, "flat", "hnsw" or "ivf". Readable after `close` too, as are the other properties.

        Of an index made with "auto": what it is now.
        """
        if self._automatic and self._handle != 0:
            self._kind = _ffi.index_stats(self._handle)["kind"]
        return self._kind

    @property
    def dim(self) -> int:
        """Elements (for bits: bits) of one vector."""
        return self._dim

    @property
    def metric(self) -> str:
        """The metric, such as "cosine"."""
        return self._metric

    @property
    def dtype(self) -> str:
        """How rows are stored, such as "float32"."""
        return self._dtype

    @property
    def read_only(self) -> bool:
        """True for a map of a file."""
        return self._read_only

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._handle == 0

    def __len__(self) -> int:
        """How many rows the index has. O(1)."""
        return _ffi.index_count(self._open_handle())

    def stats(self) -> IndexStats:
        """What the index is and costs.

        Returns
        -------
        IndexStats
        """
        fields = _ffi.index_stats(self._open_handle())
        calibration = fields.pop("calibration", None)
        return IndexStats(**fields, calibration=None if calibration is None else Calibration(**calibration))

    def explain(self) -> str:
        """What the index is, in words: some lines.

        Of one made with "auto" also what was chosen, why, what memory it was estimated to take and takes, what its
        calibration found, and what `optimize` would do now.

        Returns
        -------
        str
        """
        return _ffi.index_explain(self._open_handle())

    def __repr__(self) -> str:
        about = f"{self.kind} dim={self._dim} metric={self._metric} dtype={self._dtype}"
        try:
            return f"<vecstore.Index {about} rows={len(self)}>"
        except InvalidHandleError:
            return f"<vecstore.Index {about} closed>"

    # ------------------------------------------------------------------------------------------------------------------
    # Changing rows
    # ------------------------------------------------------------------------------------------------------------------

    def train(
        self,
        vectors: ArrayLike,
        *,
        threads: int = 0,
        progress: Optional[_Progress] = None,
    ) -> None:
        """Trains an index of kind "ivf" that has no rows: finds the centroids of its lists, and codebooks for "pq".

        Without it, the first rows that are added are trained on; and where no ``nlist`` was given and rows are kept, all
        rows again in the call of `add` that makes them so many that there should be four times the lists. An index that
        was not trained by this, or was optimized, also splits and merges lists that drift, where rows are kept: some calls
        of `add` and `update` take longer for that.

        Parameters
        ----------
        vectors : array_like, shape (n, dim)
            Vectors like those to come: ``nlist`` at least, and better ``39 * nlist`` or more; for fewer there is a
            `UserWarning`. Up to ``256 * nlist`` of them, drawn at random, are used.
        threads : int, default 0
            0 = the default of the library, 1 = only the calling thread, at most 1024.
        progress : callable, optional
            As for `add`. A vector counts each time that it is compared with all centroids.

        Raises
        ------
        UnsupportedError
            The index is of another kind, or has rows.
        InvalidArgumentError
            There are too few vectors, or, under ip, too few that are not zero.
        TypeError, NotFiniteError, ZeroVectorError, TooLargeError, ReadOnlyError, OutOfMemoryError, CancelledError
            As `add`.

        Notes
        -----
        O(n * nlist * dim), with n up to ``256 * nlist``. Other changes wait; searches go on. Ctrl-C ends it: the index
        is as before then. It may be called again as long as there are no rows.
        """
        handle = self._open_handle()
        array, dtype = _arrays.vectors("vectors", vectors, self._dtype, self._dim)
        _ffi.index_train(handle, array, dtype, _arrays.threads_count(threads), progress)
        self._warn_of_small_sample()

    def _warn_of_small_sample(self) -> None:
        stats = _ffi.index_stats(self._open_handle())
        nlist, count = stats["nlist"], stats["trained_count"]
        if nlist > 1 and count < _LEAST_ROWS_PER_LIST * nlist:
            warnings.warn(
                f"{count} vectors are few to train {nlist} lists on: give {_LEAST_ROWS_PER_LIST * nlist} or more, or a "
                "smaller nlist",
                stacklevel=3,
            )

    def add(
        self,
        vectors: ArrayLike,
        ids: Optional[_Ids] = None,
        *,
        threads: int = 0,
        progress: Optional[_Progress] = None,
    ) -> NDArray[np.uint64]:
        """Adds rows: all of them, or none where it raises.

        Parameters
        ----------
        vectors : array_like, shape (n, dim) or (dim,)
            See the notes of `Index` for what is taken and how it is converted.
        ids : array_like of int or iterable of int, shape (n,), optional
            New ids, each 0 ... 2**64 - 2. By default the index assigns one more than the largest id it ever had, and so
            on: 0, 1, 2, ... in a new index.
        threads : int, default 0
            0 = the default of the library, 1 = only the calling thread, at most 1024.
        progress : callable, optional
            Is called as ``progress(done, total)`` with numbers of rows now and then, and once at the end, on a thread
            of its own while `add` waits. Returning False cancels the call; None, and whatever else, lets it go on. What
            it raises cancels the call too and comes out of it. It must not use the index.

        Returns
        -------
        ndarray of uint64, shape (n,)
            The ids that the rows have.

        Raises
        ------
        TypeError
            `vectors` or `ids` have the wrong type.
        InvalidArgumentError
            A shape or a value is not allowed.
        AlreadyExistsError
            An id is in the index already, or comes twice.
        NotFiniteError, ZeroVectorError
            NaN or infinity; a zero vector under cosine.
        ReadOnlyError
            The index maps a file.
        TooLargeError
            A number is beyond the dtype of the index, the squares of a vector sum up to more than 2**125, or there are
            too many rows.
        OutOfMemoryError
            Memory ran out.
        CancelledError
            `progress` returned False.

        Notes
        -----
        Flat: O(n * dim); other changes wait. HNSW: O(n * ef_construction * m * dim * log rows) or so; calls of `add`
        run beside each other. IVF: O(n * nlist * dim); other changes wait; the first rows are trained on where `train`
        was not called, with its errors and its warning. All run beside searches. Ctrl-C ends a long call for "hnsw",
        and for "ivf" one that trains: no row is added then.
        """
        handle = self._open_handle()
        array, dtype = _arrays.vectors("vectors", vectors, self._dtype, self._dim)
        id_array = None if ids is None else self._ids_for(array, ids)
        threads = _arrays.threads_count(threads)
        trains = self._may_train and len(array) > 0 and _ffi.index_stats(handle)["trained_count"] == 0
        if trains or self._is_watched(len(array), progress):
            added = _ffi.index_add_watched(handle, array, dtype, id_array, threads, progress)
            if trains:
                self._warn_of_small_sample()
            return added
        self._may_train = self._may_train and len(array) == 0
        return _ffi.index_add(handle, array, dtype, id_array, threads)

    def import_redis(
        self,
        url: Optional[str] = None,
        *,
        prefix: str,
        pattern: Optional[str] = None,
        vector_field: str = "embedding",
        dtype: DTypeLike = "float32",
        batch_size: int = 1000,
        skip_bad: bool = False,
        threads: int = 0,
        redis: Optional[RedisOptions] = None,
        progress: Optional[_Progress] = None,
    ) -> ImportResult:
        """Adds a row for each hash that lies in a Redis with its vector as a blob, or updates the row with its id.

        The id is the key without `prefix`, which has to be a number in plain digits. `Collection.import_redis` has
        payloads and ids that are strings.

        Parameters
        ----------
        url, prefix, pattern, dtype, batch_size, skip_bad, redis, progress
            As for `Collection.import_redis`.
        vector_field : str, default "embedding"
            The field of the vector.
        threads : int, default 0
            As for `add`.

        Returns
        -------
        ImportResult
            `points` is how many rows there were.

        Raises
        ------
        InvalidArgumentError, NotFiniteError, ZeroVectorError, TooLargeError
            A hash is wrong: the message has its key and the reason. What came before is in. Or an argument is.
        UnsupportedError
            The index has rows of int8, uint8 or bits; or the user of the Redis may not do it.
        UnavailableError, CancelledError, ReadOnlyError, VecstoreIOError, OutOfMemoryError
            As `Collection.import_redis`. `imported` of each of these errors is the `ImportResult`.
        """
        handle = self._open_handle()
        if progress is not None and not callable(progress):
            raise TypeError(f"progress: expected a callable, got {type(progress).__name__}")
        if not isinstance(vector_field, str):
            raise TypeError(f"vector_field: expected a string, got {type(vector_field).__name__}")
        settings = _hashes.settings(
            _hashes.layout(prefix, vector_field, dtype, None), pattern, batch_size, skip_bad, redis, threads=threads
        )
        return _hashes.result(_ffi_hashes.import_rows(handle, _cache_values.url(url), settings, progress))

    def update(self, ids: _Ids, vectors: ArrayLike) -> None:
        """Replaces the vectors of rows that exist: all of them, or none where it raises.

        Parameters
        ----------
        ids : array_like of int or iterable of int, shape (n,)
            Different ids of rows.
        vectors : array_like, shape (n, dim) or (dim,)
            Their new vectors.

        Raises
        ------
        NotFoundError
            An id is not in the index.
        AlreadyExistsError
            An id comes twice.
        TypeError, InvalidArgumentError, NotFiniteError, ZeroVectorError, TooLargeError, ReadOnlyError, OutOfMemoryError
            As `add`.

        Notes
        -----
        O(n * dim); IVF: as `remove` and `add`. Runs beside searches; other changes wait.
        """
        handle = self._open_handle()
        array, dtype = _arrays.vectors("vectors", vectors, self._dtype, self._dim)
        _ffi.index_update(handle, self._ids_for(array, ids), array, dtype)

    def remove(self, ids: _Ids) -> int:
        """Removes rows. Ids that are not there are passed over.

        Parameters
        ----------
        ids : array_like of int or iterable of int, shape (n,)
            Ids of rows.

        Returns
        -------
        int
            How many rows were removed.

        Raises
        ------
        TypeError, InvalidArgumentError
            `ids` are not integers, or one is negative.
        ReadOnlyError
            The index maps a file.
        OutOfMemoryError
            Memory ran out.

        Notes
        -----
        O(n), and now and then O(rows moved); IVF: the lists that rows are removed from are copied. Memory returns as
        rows are removed; `compact` returns the rest. Runs beside searches; other changes wait.
        """
        return _ffi.index_remove(self._open_handle(), _arrays.id_array("ids", ids))

    def compact(self) -> None:
        """Rewrites what removed rows left behind and returns the memory. Ids do not change. O(rows * dim).

        Raises
        ------
        ReadOnlyError
            The index maps a file.
        OutOfMemoryError
            Memory ran out.
        """
        _ffi.index_compact(self._open_handle())

    def _is_watched(self, rows: int, progress: Optional[_Progress]) -> bool:
        """Whether a call that works on so many rows tells its progress, or takes long enough that Ctrl-C should end it."""
        if progress is not None and not callable(progress):
            raise TypeError(f"progress: expected a callable, got {type(progress).__name__}")
        return progress is not None or ((self._kind != "flat" or self._automatic) and rows >= _INTERRUPTIBLE_ROWS)

    def optimize(self, *, threads: int = 0, progress: Optional[_Progress] = None) -> None:
        """Makes searches of a graph faster and lets them find more, once most rows are in.

        It chooses the links of every row once more, now that all rows are there, lays rows that are near each other
        side by side, and gives back the memory of rows that were removed. Ids do not change. It costs about as much as
        adding the rows did, and as much memory again meanwhile. "ivf" trains on the rows that there are and puts all of them
        into new lists, where rows are kept: for lists that rows of another kind have filled unevenly (`IndexStats.imbalance`).
        "flat", and "ivf" of codes alone, do what `compact` does.

        Parameters
        ----------
        threads : int, default 0
            0 = the default of the library, 1 = only the calling thread, at most 1024.
        progress : callable, optional
            As for `add`. Cancelled, by Ctrl-C too, it leaves a whole index, part of which is optimized ("ivf": as it was).

        Raises
        ------
        TypeError, InvalidArgumentError
            An argument has the wrong type, or a value that is not allowed.
        ReadOnlyError
            The index maps a file.
        OutOfMemoryError
            Memory ran out.
        CancelledError
            `progress` returned False.
        """
        handle = self._open_handle()
        threads = _arrays.threads_count(threads)
        if self._is_watched(len(self), progress):
            _ffi.index_optimize_watched(handle, threads, progress)
        else:
            _ffi.index_optimize(handle, threads)

    def calibrate(
        self, queries: Optional[ArrayLike] = None, *, recall: float = 0.95, k: int = 10, threads: int = 0
    ) -> Calibration:
        """Finds the least setting with which searches reach a recall, and keeps it in the index and its file.

        The setting is `ef_search` of "hnsw", `nprobe` of "ivf". Searches with `target_recall` take it from then on.
        recall@k is the share of the k nearest rows that a search finds; it is measured against exact search. Of "ivf"
        it goes with the lists that it was measured with: training anew, as `optimize` does, forgets it.

        Parameters
        ----------
        queries : array_like, shape (nq, dim), optional
            Vectors like those that will be searched for, some hundreds (at most 1,000 are used). By default 200 rows of
            the index, which are found more easily than strangers.
        recall : float, default 0.95
            Above 0, up to 1.
        k : int, default 10
            Results of the searches that are measured, 1 ... 1048576.
        threads : int, default 0
            0 = the default of the library, 1 = only the calling thread, at most 1024.

        Returns
        -------
        Calibration

        Raises
        ------
        UnsupportedError
            The kind is "flat", which is exact, or "ivf" of codes alone, which has no rows to measure against; or the
            recall is out of reach: finer rows (`storage`, `rescore`) may help.
        InvalidArgumentError
            A shape or a value is not allowed, or there are no rows or no queries.
        ReadOnlyError
            The index maps a file.
        TypeError, NotFiniteError, ZeroVectorError, TooLargeError, OutOfMemoryError
            As `search`.

        Notes
        -----
        O(nq * rows * dim). Runs beside searches.
        """
        handle = self._open_handle()
        array, dtype = None, self._dtype
        if queries is not None:
            array, dtype = _arrays.vectors("queries", queries, self._dtype, self._dim)
        k, threads = _arrays.results_count(k), _arrays.threads_count(threads)
        return Calibration(**_ffi.index_calibrate(handle, array, dtype, k, _arrays.share("recall", recall), threads))

    def reserve(self, rows: int) -> None:
        """Reserves memory.

        Parameters
        ----------
        rows : int
            Room for this many rows altogether.

        Raises
        ------
        ReadOnlyError
            The index maps a file.
        TooLargeError, OutOfMemoryError
            There is no room.
        """
        _ffi.index_reserve(self._open_handle(), _arrays.integer("rows", rows, 0, _UINT64_MAX))

    def _ids_for(self, vectors: NDArray[Any], ids: _Ids) -> NDArray[np.uint64]:
        array = _arrays.id_array("ids", ids)
        if len(array) != len(vectors):
            raise InvalidArgumentError(f"ids: expected {len(vectors)}, one for each vector, got {len(array)}")
        return array

    # ------------------------------------------------------------------------------------------------------------------
    # Reading rows
    # ------------------------------------------------------------------------------------------------------------------

    def contains(self, ids: _Ids) -> NDArray[np.bool_]:
        """Whether ids are in the index.

        Parameters
        ----------
        ids : array_like of int or iterable of int, shape (n,)
            Ids to look for.

        Returns
        -------
        ndarray of bool, shape (n,)

        Notes
        -----
        O(n); O(n log rows) for a mapped index. ``id in index`` asks for one id.
        """
        return _ffi.index_contains(self._open_handle(), _arrays.id_array("ids", ids))

    def __contains__(self, row_id: object) -> bool:
        number = _arrays.integer("id", row_id, -_UINT64_MAX, _UINT64_MAX)
        return number >= 0 and bool(self.contains([number])[0])

    def get(self, ids: _Ids, *, dtype: Optional[DTypeLike] = None) -> NDArray[Any]:
        """Copies of the vectors of rows, as they are stored. Of codes alone (`rescore=None`) about what they were.

        Parameters
        ----------
        ids : array_like of int or iterable of int, shape (n,)
            Ids of rows; one may come twice.
        dtype : str or NumPy dtype, optional
            By default that of the index; "float32" is possible for float16 and bfloat16 too.

        Returns
        -------
        ndarray, shape (n, dim), for bits (n, (dim + 7) // 8)
            bfloat16 comes as its bit patterns, uint16; bits come packed, uint8.

        Raises
        ------
        NotFoundError
            An id is not in the index.
        UnsupportedError
            The index does not convert to `dtype`.

        Notes
        -----
        O(n * dim).
        """
        handle = self._open_handle()
        name = self._dtype if dtype is None else _arrays.dtype_name(dtype)
        id_array = _arrays.id_array("ids", ids)
        shape = (len(id_array), _arrays.row_width(name, self._dim))
        out = np.empty(shape, dtype=_arrays.storage(name))
        _ffi.index_get(handle, id_array, name, out)
        return out

    def ids(self) -> NDArray[np.uint64]:
        """All ids, in the order in which the rows are stored: the order of adding, until rows are removed or updated.

        Of "ivf" they come list by list.

        Returns
        -------
        ndarray of uint64, shape (len(index),)
            The ids at one moment, whatever other threads change meanwhile.
        """
        return _ffi.index_ids(self._open_handle())

    def __iter__(self) -> Iterator[int]:
        """The ids, as `ids` gives them at this moment, as Python integers."""
        ids = self.ids()
        return (row_id for start in range(0, len(ids), 4096) for row_id in ids[start : start + 4096].tolist())

    # ------------------------------------------------------------------------------------------------------------------
    # Searching
    # ------------------------------------------------------------------------------------------------------------------

    def search(
        self,
        queries: ArrayLike,
        k: int = 10,
        *,
        ef_search: Optional[int] = None,
        target_recall: Optional[float] = None,
        rescore: bool = True,
        oversampling: Optional[float] = None,
        nprobe: Optional[int] = None,
        filter: Optional[FilterLike] = None,
        threads: int = 0,
    ) -> SearchResult:
        """The k nearest rows of each query.

        Parameters
        ----------
        queries : array_like, shape (nq, dim) or (dim,)
            One-dimensional input is one query, and gives results of shape (1, k).
        k : int, default 10
            1 ... 1048576. May be larger than the number of rows.
        ef_search : int, optional
            HNSW: rows kept in view, 1 ... 1048576, at least k; by default 64. More find more and take longer. "flat",
            which is exact, passes over this and the next four; IVF passes over this.
        target_recall : float, optional
            HNSW and IVF: takes the `ef_search` or `nprobe` that `calibrate` found, for a recall up to the one that it
            was called with. Not together with `ef_search`, and of IVF not with `nprobe`.
        rescore : bool, default True
            HNSW and IVF: whether results are ranked by the finer rows, where the index has them. False: by the rows of
            the graph or the codes of lists alone, whose distances are approximate.
        oversampling : float, optional
            HNSW and IVF: ranks at most ``oversampling * k`` rows by the finer rows, and keeps at least as many in view;
            1 or more. By default as many as may be among the best; IVF: at most the larger of ``5 * k`` and ``k + 32``.
        nprobe : int, optional
            IVF: lists that are read, the nearest first, 1 ... 1048576; by default one of 16
            (`IndexStats.default_nprobe`). More find more and take longer. Where they hold, or a filter leaves, fewer
            than k rows, more are read. Other kinds pass over it.
        filter : Filter, array of bool, ids, or callable, optional
            Which rows may be results; see `Filter`. By default all.
        threads : int, default 0
            0 = the default of the library, 1 = only the calling thread, at most 1024. The result is the same.

        Returns
        -------
        SearchResult
            ids (nq, k) uint64 and distances (nq, k) float32, nearest first, ties by id. Where a query has fewer than k
            results, the rest is `vecstore.NO_ID` and infinity.

        Raises
        ------
        TypeError
            `queries` or `filter` have the wrong type.
        InvalidArgumentError
            A shape or a value is not allowed, or the index was not calibrated for the recall.
        NotFiniteError, ZeroVectorError
            NaN or infinity; a zero vector under cosine.
        TooLargeError
            The squares of a query sum up to more than 2**125.
        OutOfMemoryError
            Memory ran out.

        Notes
        -----
        Flat: O(nq * rows * dim). HNSW: approximate, O(nq * ef_search * m * dim * log rows) or so. IVF: approximate,
        O(nq * (nlist + nprobe / nlist * rows) * dim), where rows of codes count for less. Where a filter lets k rows
        through, k results come. Runs beside searches and changes. What a callable filter raises is raised here.
        """
        handle = self._handle or self._open_handle()
        array, dtype = _arrays.vectors("queries", queries, self._dtype, self._dim)
        settings = _settings(threads, ef_search, target_recall, rescore, oversampling, nprobe)
        spec = None if filter is None else filter_spec(filter)
        count = k if type(k) is int and 0 < k <= _ffi.K_MAX else _arrays.results_count(k)
        found = _ffi.index_search(handle, array, dtype, count, settings, spec)
        # SearchResult(*found), without its way through the interpreter.
        return tuple.__new__(SearchResult, found)

    def search_range(
        self,
        queries: ArrayLike,
        radius: float,
        *,
        ef_search: Optional[int] = None,
        target_recall: Optional[float] = None,
        rescore: bool = True,
        oversampling: Optional[float] = None,
        nprobe: Optional[int] = None,
        filter: Optional[FilterLike] = None,
        threads: int = 0,
    ) -> RangeResult:
        """All rows whose distance to a query is at most a radius.

        Parameters
        ----------
        queries : array_like, shape (nq, dim) or (dim,)
            One-dimensional input is one query.
        radius : float
            In the units of the metric (for l2sq the square of a length). Negative radii are for ip, where closer is
            more negative.
        ef_search, target_recall, rescore, oversampling, nprobe
            As for `search`.
        filter : Filter, array of bool, ids, or callable, optional
            As for `search`.
        threads : int, default 0
            As for `search`.

        Returns
        -------
        RangeResult
            offsets (nq + 1,), and ids and distances of all queries one after the other, for each query nearest first;
            ``result.queries()`` goes through them query by query.

        Raises
        ------
        TypeError, InvalidArgumentError, NotFiniteError, ZeroVectorError, TooLargeError, OutOfMemoryError
            As `search`; a radius of NaN is an `InvalidArgumentError`.

        Notes
        -----
        Flat: O(nq * rows * dim). HNSW finds most of the rows: it widens its view until rows in view lie beyond the
        radius. IVF finds those in the `nprobe` lists that it reads, with a filter too. Runs beside searches and
        changes.
        """
        handle = self._open_handle()
        array, dtype = _arrays.vectors("queries", queries, self._dtype, self._dim)
        settings = _settings(threads, ef_search, target_recall, rescore, oversampling, nprobe)
        return RangeResult(*_ffi.index_search_range(handle, array, dtype, float(radius), settings, filter_spec(filter)))

    # ------------------------------------------------------------------------------------------------------------------
    # Files and the end
    # ------------------------------------------------------------------------------------------------------------------

    def save(self, path: _ffi.Path, *, sync: bool = True) -> None:
        """Writes the index to a file, whole or not at all: to a temporary name, which then replaces `path`.

        Parameters
        ----------
        path : str, bytes or os.PathLike
            A file name of at most 4000 bytes. An index that maps the file replaced stays valid.
        sync : bool, default True
            False does not wait for the disk: faster, and still atomic as long as the machine does not lose power.

        Raises
        ------
        MissingFileError, VecstoreIOError
            There is no such directory, or the file cannot be written. Both are an `OSError`.
        InvalidArgumentError
            The name is empty, longer than 4000 bytes, or not UTF-8.

        Notes
        -----
        O(bytes). Runs beside searches, and writes the index as it was when the call began. Changes of "flat" and "ivf"
        go on meanwhile, those of "hnsw" wait.
        """
        _ffi.index_save(self._open_handle(), path, sync)

    def verify(self) -> None:
        """Checks the index against its own checksums and rules.

        For a mapped index it checks every byte of the file; for "hnsw" every link, and that every row can be reached;
        for "ivf" that every row is in its lists, and in no other. O(bytes).

        Raises
        ------
        CorruptError
            With a message that says what is wrong.
        """
        _ffi.index_verify(self._open_handle())

    def close(self) -> None:
        """Frees the index. Later calls raise `InvalidHandleError`; closing twice does nothing.

        Calls that already run on other threads finish first; `close` does not wait for them.
        """
        self._handle = 0
        self._finalizer()

    def __enter__(self: _Self) -> _Self:
        self._open_handle()
        return self

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("an Index cannot be pickled or copied: save it to a file and open that file")
