# Quantizers: short codes of vectors.
# SPDX-License-Identifier: Apache-2.0
"""Turns vectors into codes of a few bytes and back. Any method may be called from any thread; inputs must not be changed
meanwhile."""

from __future__ import annotations

import os
import weakref
from typing import Any, Callable, NamedTuple, NoReturn, Optional, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _arrays, _ffi
from .errors import InvalidArgumentError, InvalidHandleError

__all__ = ["BinaryQuantizer", "ProductQuantizer", "Quantizer", "QuantizerLoss", "ScalarQuantizer"]

_Self = TypeVar("_Self", bound="Quantizer")


class QuantizerLoss(NamedTuple):
    """What codes lose.

    Attributes
    ----------
    mean_squared_error : float
        The mean of ``sum((x - y)**2)`` over the vectors x, where y is decoded from the code of x.
    relative_error : float
        The sum of ``(x - y)**2`` over the sum of ``x**2``.
    """

    mean_squared_error: float
    relative_error: float


class Quantizer:
    """What `ScalarQuantizer`, `ProductQuantizer` and `BinaryQuantizer` have in common: make one of these. `Quantizer.open`
    opens a file of any of them."""

    _handle: int
    _finalizer: weakref.finalize[[int], Quantizer]
    _design: _ffi.QuantizerDesign

    def __init__(self) -> None:
        raise TypeError("a Quantizer is a ScalarQuantizer, ProductQuantizer or BinaryQuantizer: make one of these")

    @classmethod
    def open(cls: type[_Self], path: _ffi.Path) -> _Self:
        """Opens the file of a quantizer. It makes the same codes, vectors and distances as the one that was saved, on machines
        with other instruction sets up to rounding, and can be trained anew.

        Parameters
        ----------
        path : str, bytes or os.PathLike
            A file that `save` wrote. It is read into memory, and every byte is checked.

        Returns
        -------
        ScalarQuantizer, ProductQuantizer or BinaryQuantizer
            Called on one of these classes it opens only its files; `Quantizer.open` opens all.

        Raises
        ------
        InvalidArgumentError
            The file is that of another class, or of an index; the name is empty, longer than 4000 bytes, not UTF-8, or not
            that of a regular file.
        MissingFileError
            There is no such file. It is a `FileNotFoundError`.
        VecstoreIOError
            The file cannot be read. It is an `OSError`.
        CorruptError
            The file is not one of vecstore, or is damaged.
        NewerVersionError
            A newer version of the library wrote it.
        OutOfMemoryError
            Memory ran out.
        """
        handle = _ffi.quantizer_open(path)
        kind = _CLASSES[_ffi.quantizer_design(handle).kind]
        if not (cls is Quantizer or issubclass(cls, kind)):
            _ffi.quantizer_free(handle)
            name = os.fsdecode(path)
            raise InvalidArgumentError(f"path: {name!r} holds a {kind.__name__}, not a {cls.__name__}")
        self = object.__new__(kind if cls is Quantizer else cls)
        self._own(handle)
        return cast(_Self, self)

    def save(self, path: _ffi.Path, *, sync: bool = True) -> None:
        """Writes what training has found to a file, whole or not at all: to a temporary name, which then replaces `path`.

        Parameters
        ----------
        path : str, bytes or os.PathLike
            A file name of at most 4000 bytes.
        sync : bool, default True
            False does not wait for the disk: faster, and still atomic as long as the machine does not lose power.

        Raises
        ------
        InvalidArgumentError
            The quantizer is not trained; the name is empty, longer than 4000 bytes, or not UTF-8.
        MissingFileError, VecstoreIOError
            There is no such directory, or the file cannot be written. Both are an `OSError`.
        """
        _ffi.quantizer_save(self._open_handle(), path, sync)

    def _own(self, handle: int) -> None:
        """Takes a handle over: from now on it is freed exactly once, by `close` or with this object."""
        self._handle = handle
        self._finalizer = weakref.finalize(self, _ffi.quantizer_free, handle)
        # At the end of the process the system takes the memory back, and other threads may still be at work.
        self._finalizer.atexit = False
        self._design = _ffi.quantizer_design(handle)

    def _open_handle(self) -> int:
        if self._handle == 0:
            raise InvalidHandleError("the quantizer is closed")
        return self._handle

    @property
    def dim(self) -> int:
        """Elements of a vector."""
        return self._design.dim

    @property
    def code_size(self) -> int:
        """Bytes of a code."""
        return _ffi.quantizer_code_size(self._open_handle())

    @property
    def is_trained(self) -> bool:
        """Whether `train` has been called."""
        return _ffi.quantizer_is_trained(self._open_handle())

    def _vectors(self, name: str, x: Any, dtype: Optional[DTypeLike]) -> tuple[NDArray[Any], str]:
        array, dim, found = _arrays.block(name, x, dtype)
        if array.shape[0] > 0 and dim != self.dim:
            raise InvalidArgumentError(f"{name}: expected shape (n, {self.dim}), got {np.shape(x)}")
        return array, found

    def _codes(self, codes: ArrayLike) -> NDArray[np.uint8]:
        size = self.code_size
        array = np.asarray(codes)
        if array.dtype != np.uint8:
            raise TypeError(f"codes: expected uint8, got {array.dtype}")
        if array.ndim == 1:
            array = array[np.newaxis]
        if array.ndim != 2 or array.shape[1] != size:
            raise InvalidArgumentError(f"codes: expected shape (n, {size}), got {np.shape(codes)}")
        return np.ascontiguousarray(array)

    def train(
        self,
        x: ArrayLike,
        *,
        threads: int = 0,
        dtype: Optional[DTypeLike] = None,
        progress: Optional[Callable[[int, int], Any]] = None,
    ) -> None:
        """Finds the ranges or centroids that fit some vectors. What was trained before is replaced at the end.

        Parameters
        ----------
        x : array_like, shape (n, dim)
            Vectors of float32, float16, bfloat16, int8 or uint8, one or more; other numbers are taken as float32. Of more
            than training needs (256 for each centroid, or 262,144) so many are drawn at random.
        threads : int, default 0
            0 = the default of the library, 1 = one thread, at most 1024. The result is the same.
        dtype : str or NumPy dtype, optional
            What `x` is; needed for bfloat16 given as uint16.
        progress : callable, optional
            Is called as ``progress(done, total)`` now and then, and once at the end, on a thread of the library. Where it
            returns False the call is cancelled; what it raises comes out of this call.

        Raises
        ------
        TypeError, InvalidArgumentError, UnsupportedError, NotFiniteError, TooLargeError
            An input is not allowed.
        CancelledError
            `progress` returned False. The quantizer is as before.
        """
        if progress is not None and not callable(progress):
            raise TypeError(f"progress: expected a callable, got {type(progress).__name__}")
        array, name = self._vectors("x", x, dtype)
        _ffi.quantizer_train(self._open_handle(), array, name, _arrays.threads_count(threads), progress)

    def encode(self, x: ArrayLike, *, threads: int = 0, dtype: Optional[DTypeLike] = None) -> NDArray[np.uint8]:
        """Makes codes of vectors.

        Parameters
        ----------
        x : array_like, shape (n, dim) or (dim,)
            As for `train`.
        threads : int, default 0
            As for `train`.
        dtype : str or NumPy dtype, optional
            As for `train`.

        Returns
        -------
        ndarray of uint8, shape (n, code_size)
        """
        array, name = self._vectors("x", x, dtype)
        handle = self._open_handle()
        return _ffi.quantizer_encode(handle, array, name, self.code_size, _arrays.threads_count(threads))

    def decode(self, codes: ArrayLike, *, threads: int = 0) -> NDArray[np.float32]:
        """Makes vectors of codes again, as near to those they were made of as codes allow.

        Parameters
        ----------
        codes : array_like of uint8, shape (n, code_size) or (code_size,)
            Any bytes stand for some vector.
        threads : int, default 0
            As for `train`.

        Returns
        -------
        ndarray of float32, shape (n, dim)
        """
        array = self._codes(codes)
        return _ffi.quantizer_decode(self._open_handle(), array, self.dim, _arrays.threads_count(threads))

    def measure(self, x: ArrayLike, *, threads: int = 0, dtype: Optional[DTypeLike] = None) -> QuantizerLoss:
        """Measures what codes lose of vectors.

        Parameters
        ----------
        x, threads, dtype
            As for `encode`.

        Returns
        -------
        QuantizerLoss
        """
        array, name = self._vectors("x", x, dtype)
        found = _ffi.quantizer_measure(self._open_handle(), array, name, _arrays.threads_count(threads))
        return QuantizerLoss(*found)

    def distances(
        self,
        queries: ArrayLike,
        codes: ArrayLike,
        metric: str = "l2sq",
        *,
        threads: int = 0,
        dtype: Optional[DTypeLike] = None,
    ) -> NDArray[np.float32]:
        """The distances of queries from the vectors that codes stand for. Queries are not made into codes.

        Parameters
        ----------
        queries : array_like, shape (nq, dim) or (dim,)
            As for `encode`.
        codes : array_like of uint8, shape (n, code_size)
            As `encode` makes them.
        metric : str, default "l2sq"
            "l2sq" or "ip"; for cosine scale vectors to norm 1 and take "ip".
        threads : int, default 0
            As for `train`.
        dtype : str or NumPy dtype, optional
            What `queries` are.

        Returns
        -------
        ndarray of float32, shape (nq, n)
        """
        array, name = self._vectors("queries", queries, dtype)
        return _ffi.quantizer_distances(
            self._open_handle(),
            array,
            name,
            self._codes(codes),
            _arrays.metric_name(metric),
            _arrays.threads_count(threads),
        )

    def close(self) -> None:
        """Frees the quantizer. Calls that run end well; later ones raise `InvalidHandleError`. Twice is no error."""
        self._handle = 0
        self._finalizer()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be copied or pickled: save it to a file and open that file")


class ScalarQuantizer(Quantizer):
    """Codes that have a number of 8 or 4 bits for each element, between the ends of a range.

    Parameters
    ----------
    dim : int
        Elements of a vector, 1 ... 65536.
    bits : int, default 8
        8 or 4. Codes have dim, or (dim + 1) // 2 bytes.
    uniform : bool, default False
        True: one range for all elements; False: each has its own.
    quantile : float, default 0
        The share of values that may lie beyond each end of a range, below 0.5. 0: from the least to the largest value.

    Raises
    ------
    TypeError, InvalidArgumentError
        An argument is not allowed.

    Examples
    --------
    >>> import numpy as np, vecstore
    >>> x = np.random.default_rng(0).standard_normal((1000, 16)).astype(np.float32)
    >>> quantizer = vecstore.ScalarQuantizer(16)
    >>> quantizer.train(x)
    >>> codes = quantizer.encode(x)
    >>> codes.shape, bool(np.abs(quantizer.decode(codes) - x).max() < 0.02)
    ((1000, 16), True)
    """

    def __init__(self, dim: int, *, bits: int = 8, uniform: bool = False, quantile: float = 0.0) -> None:
        dim = _arrays.integer("dim", dim, 1, _ffi.DIM_MAX)
        bits = _arrays.integer("bits", bits, 1, 2**32 - 1)
        share = 0.0 if quantile == 0 else _arrays.share("quantile", quantile)
        self._own(_ffi.quantizer_create("scalar", dim, bits, uniform=bool(uniform), quantile=share))

    @property
    def bits(self) -> int:
        """Of a number: 8 or 4."""
        return self._design.bits

    @property
    def uniform(self) -> bool:
        """Whether all elements share one range."""
        return self._design.uniform

    @property
    def quantile(self) -> float:
        """The share of values that may lie beyond each end of a range."""
        return self._design.quantile


class ProductQuantizer(Quantizer):
    """Codes that have, for each of some parts of a vector, the number of the nearest of 2**nbits centroids.

    Parameters
    ----------
    dim : int
        Elements of a vector, 1 ... 65536.
    pq_m : int
        Parts, 1 ... dim. They have dim / pq_m elements, or one more.
    nbits : int, default 8
        4, 5, 6, 7, 8, 10 or 12. Codes have (pq_m * nbits + 7) // 8 bytes.
    rotation : str or None, default None
        "opq": vectors are rotated first, so that codes lose least; dim up to 4096. Training takes several times as long.
    seed : int, default 0
        The same vectors, options and seed give the same codes, on any number of threads.

    Raises
    ------
    TypeError, InvalidArgumentError, UnsupportedError
        An argument is not allowed.

    Notes
    -----
    Jégou, Douze, Schmid, Product quantization for nearest neighbor search, 2011; Ge, He, Ke, Sun, Optimized product
    quantization, 2013.

    Examples
    --------
    >>> import numpy as np, vecstore
    >>> x = np.random.default_rng(0).standard_normal((5000, 16)).astype(np.float32)
    >>> quantizer = vecstore.ProductQuantizer(16, pq_m=8)
    >>> quantizer.train(x)
    >>> quantizer.encode(x[:3]).shape, round(quantizer.measure(x).relative_error, 1)
    ((3, 8), 0.0)
    """

    def __init__(
        self, dim: int, *, pq_m: int, nbits: int = 8, rotation: Optional[str] = None, seed: int = 0
    ) -> None:
        dim = _arrays.integer("dim", dim, 1, _ffi.DIM_MAX)
        self._own(
            _ffi.quantizer_create(
                "product",
                dim,
                _arrays.integer("nbits", nbits, 1, 2**32 - 1),
                pq_m=_arrays.integer("pq_m", pq_m, 1, dim),
                rotation=_arrays.rotation_name(rotation),
                seed=_arrays.integer("seed", seed, 0, 2**64 - 1),
            )
        )

    @property
    def pq_m(self) -> int:
        """Parts of a vector."""
        return self._design.pq_m

    @property
    def nbits(self) -> int:
        """Bits of the number of a centroid."""
        return self._design.bits

    @property
    def rotation(self) -> Optional[str]:
        """"opq", or None."""
        return self._design.rotation

    @property
    def seed(self) -> int:
        """Of training."""
        return self._design.seed


class BinaryQuantizer(Quantizer):
    """Codes that have one or a few bits for each element of the rotated vector, and estimate distances without bias.

    Parameters
    ----------
    dim : int
        Elements of a vector, 1 ... 65536.
    bits : int, default 1
        1 ... 8. Codes have (dim * bits + 7) // 8 + 8 bytes.
    seed : int, default 0
        Of the rotation.

    Raises
    ------
    TypeError, InvalidArgumentError
        An argument is not allowed.

    Notes
    -----
    `distances` are estimates of those from the vectors themselves, right on average; `decode` gives the vectors along the
    codes that are the nearest to them. Gao, Long, RaBitQ, arXiv 2405.12497, and its extension, arXiv 2409.09913.

    Examples
    --------
    >>> import numpy as np, vecstore
    >>> x = np.random.default_rng(0).standard_normal((1000, 64)).astype(np.float32)
    >>> quantizer = vecstore.BinaryQuantizer(64, bits=4)
    >>> quantizer.train(x)
    >>> quantizer.encode(x).shape, round(quantizer.measure(x).relative_error, 2)
    ((1000, 40), 0.01)
    """

    def __init__(self, dim: int, *, bits: int = 1, seed: int = 0) -> None:
        dim = _arrays.integer("dim", dim, 1, _ffi.DIM_MAX)
        bits = _arrays.integer("bits", bits, 1, 2**32 - 1)
        self._own(_ffi.quantizer_create("binary", dim, bits, seed=_arrays.integer("seed", seed, 0, 2**64 - 1)))

    @property
    def bits(self) -> int:
        """Of each element."""
        return self._design.bits

    @property
    def seed(self) -> int:
        """Of the rotation."""
        return self._design.seed


_CLASSES: dict[str, type[Quantizer]] = {
    "scalar": ScalarQuantizer,
    "product": ProductQuantizer,
    "binary": BinaryQuantizer,
}
