# What callers may pass as vectors, ids and numbers, how it is converted, and what is refused.
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

import vecstore
from reference import bfloat16_numbers

NUMBERS = np.array([[1.0, -2.5, 3.0], [0.5, 4.0, -8.0]])


def stored(dtype, vectors, **options):
    """What an index of `dtype` holds after these vectors were added."""
    dim = options.pop("dim", 3)
    metric = "hamming" if dtype == "bits" else "l2sq"
    with vecstore.Index("flat", dim=dim, metric=metric, dtype=dtype) as index:
        return index.get(index.add(vectors))


@pytest.mark.parametrize(
    "vectors",
    [
        NUMBERS,
        NUMBERS.astype(np.float32),
        NUMBERS.astype(np.float16),
        NUMBERS.astype(np.longdouble),
        NUMBERS.astype(">f4"),
        NUMBERS.tolist(),
        [tuple(row) for row in NUMBERS],
        np.asfortranarray(NUMBERS.astype(np.float32)),
        np.repeat(NUMBERS.astype(np.float32), 2, axis=1)[:, ::2],
        NUMBERS.astype(np.float32)[::-1][::-1],
    ],
    ids=[
        "float64",
        "float32",
        "float16",
        "longdouble",
        "big-endian",
        "lists",
        "tuples",
        "fortran",
        "strided",
        "reversed",
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_any_real_array_goes_into_a_float_index(dtype, vectors):
    rows = stored(dtype, vectors)
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows, NUMBERS)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.uint64, np.bool_])
def test_integers_go_into_a_float_index_as_numbers(dtype):
    vectors = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    np.testing.assert_array_equal(stored("float32", vectors), vectors.astype(np.float32))


def test_arrays_that_are_not_aligned_are_taken():
    raw = np.zeros(2 * 3 * 4 + 1, dtype=np.uint8)
    shifted = raw[1:].view(np.float32).reshape(2, 3)
    shifted[:] = NUMBERS
    assert not shifted.flags.aligned
    np.testing.assert_array_equal(stored("float32", shifted), NUMBERS)


def test_the_input_stays_as_it_is():
    vectors = NUMBERS.astype(np.float32)
    vectors.flags.writeable = False
    stored("float32", vectors)
    np.testing.assert_array_equal(vectors, NUMBERS)


def test_bfloat16_takes_floats_and_bit_patterns():
    patterns = (NUMBERS.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    for vectors in (NUMBERS, NUMBERS.astype(np.float16), patterns, patterns.astype(">u2")):
        rows = stored("bfloat16", vectors)
        assert rows.dtype == np.uint16
        np.testing.assert_array_equal(bfloat16_numbers(rows), NUMBERS)


def test_bfloat16_of_ml_dtypes_is_known_by_its_name():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    vectors = NUMBERS.astype(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(bfloat16_numbers(stored("bfloat16", vectors)), NUMBERS)
    np.testing.assert_array_equal(stored("float32", vectors), NUMBERS)
    assert vecstore.Index("flat", dim=3, dtype=ml_dtypes.bfloat16).dtype == "bfloat16"


def test_uint16_is_a_number_for_every_other_dtype():
    np.testing.assert_array_equal(stored("float32", np.array([[1, 2, 16256]], dtype=np.uint16)), [[1, 2, 16256]])


@pytest.mark.parametrize("dtype, low, high", [("int8", -128, 127), ("uint8", 0, 255)])
def test_integers_that_fit_go_into_an_integer_index(dtype, low, high):
    for vectors in (
        [[low, 0, high]],
        np.array([[low, 0, high]], dtype=np.int64),
        np.array([[low, 0, high]], dtype=dtype),
    ):
        rows = stored(dtype, vectors)
        assert rows.dtype == dtype
        np.testing.assert_array_equal(rows, [[low, 0, high]])
    for bad in (low - 1, high + 1):
        with pytest.raises(ValueError, match=f"{low} ... {high}"):
            stored(dtype, [[0, 0, bad]])


def test_floats_do_not_go_into_an_integer_index():
    with pytest.raises(TypeError, match="expected integers.*float64"):
        stored("int8", [[1.0, 2.0, 3.0]])


def test_bits_are_packed_bytes_or_booleans():
    bits = np.array([[True, False] * 5 + [True]])
    packed = vecstore.pack_bits(bits)
    np.testing.assert_array_equal(packed, [[0b01010101, 0b101]])
    for vectors in (bits, bits.tolist(), packed, packed.astype(np.int64), packed.tolist()):
        np.testing.assert_array_equal(stored("bits", vectors, dim=11), packed)


def test_bits_beyond_dim_are_refused():
    with pytest.raises(vecstore.InvalidArgumentError):
        stored("bits", np.array([[0, 0b1000]], dtype=np.uint8), dim=11)


def test_packing_and_unpacking_are_opposites(rng):
    bits = rng.random((2, 5, 19)) < 0.5
    packed = vecstore.pack_bits(bits)
    assert packed.shape == (2, 5, 3)
    np.testing.assert_array_equal(vecstore.unpack_bits(packed, 19), bits)


def test_packing_refuses_what_is_not_bits():
    with pytest.raises(TypeError, match="booleans"):
        vecstore.pack_bits([[0, 1]])
    with pytest.raises(TypeError, match="uint8"):
        vecstore.unpack_bits(np.array([1, 2]), 16)
    with pytest.raises(ValueError, match=r"\(\.\.\., 2\)"):
        vecstore.unpack_bits(np.zeros((4, 3), dtype=np.uint8), 16)


@pytest.mark.parametrize(
    "vectors",
    [
        NUMBERS.astype(complex),
        [["a", "b", "c"]],
        np.array([[1, 2, None]]),
        np.array([[b"a", b"b", b"c"]]),
        None,
        {1: 2},
    ],
    ids=["complex", "str", "object", "bytes", "None", "dict"],
)
@pytest.mark.parametrize("dtype", ["float32", "int8", "bits"])
def test_what_is_no_number_is_a_type_error(dtype, vectors):
    with pytest.raises(TypeError, match="vectors: expected an array of real numbers, got dtype"):
        stored(dtype, vectors)


def test_dates_are_a_type_error():
    with pytest.raises(TypeError, match="datetime64"):
        stored("float32", np.zeros((1, 3), dtype="datetime64[s]"))


@pytest.mark.parametrize("shape", [(2, 4), (2, 2), (4,), (1, 2, 3), (), (3, 0)])
def test_a_wrong_shape_is_a_value_error_that_tells_both_shapes(shape):
    with vecstore.Index("flat", dim=3) as index:
        with pytest.raises(ValueError) as caught:
            index.add(np.zeros(shape))
        assert str(caught.value) == f"vectors: expected shape (n, 3), got {shape}"
        with pytest.raises(vecstore.InvalidArgumentError, match="queries: expected shape"):
            index.search(np.zeros(shape))


def test_a_wrong_width_of_bits_tells_the_bytes():
    with pytest.raises(ValueError, match=r"expected shape \(n, 2\), got \(1, 11\)"):
        stored("bits", np.zeros((1, 11), dtype=np.uint8), dim=11)
    with pytest.raises(ValueError, match=r"expected shape \(n, 11\), got \(1, 16\)"):
        stored("bits", np.zeros((1, 16), dtype=bool), dim=11)


def test_one_vector_may_be_one_dimensional(line):
    assert line.add([3.5, 0]).tolist() == [10]
    ids, distances = line.search([3.5, 0], k=1)
    assert (ids.shape, distances.shape) == ((1, 1), (1, 1))
    assert ids[0, 0] == 10


@pytest.mark.parametrize("nothing", [[], np.empty((0, 2)), np.empty((0, 2), dtype=np.float32)])
def test_no_vectors_is_success(line, nothing):
    assert line.add(nothing).shape == (0,)
    assert len(line) == 10
    ids, distances = line.search(nothing, k=4)
    assert (ids.shape, distances.shape) == ((0, 4), (0, 4))
    offsets, ids, distances = line.search_range(nothing, 1.0)
    assert (offsets.tolist(), len(ids), len(distances)) == ([0], 0, 0)


@pytest.mark.parametrize(
    "ids",
    [
        [5, 3],
        (5, 3),
        np.array([5, 3], dtype=np.int8),
        np.array([5, 3], dtype=np.uint64),
        np.array([5, 3], dtype=">i4"),
        np.array([5, 0, 3, 0], dtype=np.uint64)[::2],
        range(5, 2, -2),
        iter([5, 3]),
        (number for number in (5, 3)),
        {5: "a", 3: "b"},
        [np.uint64(5), 3],
    ],
    ids=["list", "tuple", "int8", "uint64", "big-endian", "strided", "range", "iterator", "generator", "keys", "mixed"],
)
def test_ids_of_any_integers(ids):
    with vecstore.Index("flat", dim=2) as index:
        added = index.add([[5, 5], [3, 3]], ids=ids)
        assert added.dtype == np.uint64
        assert added.tolist() == [5, 3]
        np.testing.assert_array_equal(index.get([5, 3]), [[5, 5], [3, 3]])


def test_sets_are_ids(line):
    assert line.remove({3, 5}) == 2
    assert line.remove(frozenset([4])) == 1


def test_one_integer_is_one_id(line):
    assert line.contains(3).tolist() == [True]
    assert line.get(3).tolist() == [[3, 0]]
    assert line.remove(np.int32(3)) == 1


@pytest.mark.parametrize(
    "ids", [[2**64 - 2, 1], [2**63, 2], [2**63 - 1, 2**63], np.array([2**64 - 2, 7], dtype=np.uint64), {2**63, 1}]
)
def test_ids_beyond_signed_64_bits_are_exact(ids):
    with vecstore.Index("flat", dim=1) as index:
        added = index.add([[1], [2]], ids=ids)
        assert set(added.tolist()) == {int(number) for number in ids}
        assert all(int(number) in index for number in ids)


def test_the_largest_number_is_not_an_id(line):
    with pytest.raises(vecstore.InvalidArgumentError):
        line.add([[1, 1]], ids=[vecstore.NO_ID])
    assert vecstore.NO_ID not in line


@pytest.mark.parametrize("ids", [[-1], np.array([-1, 2]), [2**64], [-1, 2**63], range(-2, 2)])
def test_ids_out_of_range_are_a_value_error(line, ids):
    with pytest.raises(vecstore.InvalidArgumentError, match="ids"):
        line.contains(ids)


@pytest.mark.parametrize(
    "ids", [[1.0], np.array([1.0]), 2.5, ["1"], "1", [True], np.array([True]), [None], None, [1j], [2**63, 1.5]]
)
def test_ids_that_are_no_integers_are_a_type_error(line, ids):
    with pytest.raises(TypeError, match="ids: expected integers"):
        line.contains(ids)


def test_ids_have_one_dimension(line):
    with pytest.raises(ValueError, match=r"ids: expected shape \(n,\), got \(1, 2\)"):
        line.get([[1, 2]])


def test_there_are_as_many_ids_as_vectors(line):
    with pytest.raises(ValueError, match="ids: expected 2, one for each vector, got 1"):
        line.add([[1, 1], [2, 2]], ids=[20])
    with pytest.raises(ValueError, match="ids: expected 1, one for each vector, got 2"):
        line.update([1, 2], [[1, 1]])


@pytest.mark.parametrize("k", [0, -1, 2**20 + 1, 2**64 + 1])
def test_k_out_of_range_is_a_value_error(line, k):
    with pytest.raises(vecstore.InvalidArgumentError, match="k: expected 1 ... 1048576"):
        line.search([0, 0], k=k)
    with pytest.raises(vecstore.InvalidArgumentError, match="k: expected"):
        vecstore.knn([[0, 0]], [[0, 0]], k)


@pytest.mark.parametrize("k", [1.0, "1", None])
def test_k_that_is_no_integer_is_a_type_error(line, k):
    with pytest.raises(TypeError, match="k: expected an integer"):
        line.search([0, 0], k=k)


@pytest.mark.parametrize("threads", [-1, 1025, 2**32])
def test_threads_out_of_range_are_a_value_error(line, threads):
    for call in (
        lambda: line.search([0, 0], threads=threads),
        lambda: line.search_range([0, 0], 1, threads=threads),
        lambda: line.add([0, 0], threads=threads),
        lambda: vecstore.knn([[0, 0]], [[0, 0]], 1, "l2sq", threads),
        lambda: vecstore.pairwise([[0, 0]], [[0, 0]], threads=threads),
    ):
        with pytest.raises(vecstore.InvalidArgumentError, match="threads: expected 0 ... 1024"):
            call()


def test_a_radius_is_a_number_but_not_nan(line):
    with pytest.raises(vecstore.InvalidArgumentError):
        line.search_range([0, 0], float("nan"))
    with pytest.raises((TypeError, ValueError)):
        line.search_range([0, 0], "far")


def test_names_that_are_not_known_are_told_what_is_allowed():
    with pytest.raises(ValueError, match="kind: expected one of flat.*'tree'"):
        vecstore.Index("tree", dim=2)
    with pytest.raises(ValueError, match="metric: expected one of l2sq, ip, cosine, l1, hamming, jaccard; got 'l2'"):
        vecstore.Index("flat", dim=2, metric="l2")
    with pytest.raises(ValueError, match="dtype: expected one of float32.*'float64'"):
        vecstore.Index("flat", dim=2, dtype=np.float64)
    with pytest.raises(TypeError, match="metric: expected a string, got int"):
        vecstore.Index("flat", dim=2, metric=1)


@pytest.mark.parametrize("dtype", ["float16", np.float16, np.dtype("float16")])
def test_a_dtype_is_a_name_or_a_numpy_dtype(dtype):
    assert vecstore.Index("flat", dim=2, dtype=dtype).dtype == "float16"


def test_the_numbers_of_an_index_are_checked():
    for options in ({"dim": 65537}, {"dim": -1}, {"dim": 2, "capacity": -1}, {"dim": 2, "capacity": 2**64}):
        with pytest.raises(vecstore.InvalidArgumentError):
            vecstore.Index("flat", **options)
    with pytest.raises(TypeError):
        vecstore.Index("flat", dim=2.0)
    with pytest.raises(TypeError):
        vecstore.Index("flat")
