# The stateless functions against NumPy.
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

import reference
import vecstore


@pytest.mark.parametrize("metric, dtype", reference.PAIRS)
@pytest.mark.parametrize("dim", [1, 37, 128])
def test_pairwise_equals_numpy(rng, metric, dtype, dim):
    queries = reference.vectors(rng, 7, dtype, dim)
    base = reference.vectors(rng, 23, dtype, dim)
    if metric == "cosine":  # small integers may be zero, which cosine refuses
        queries, base = np.maximum(queries, 1), np.maximum(base, 1)
    truth, allowed = reference.distances(
        reference.numbers(queries, dtype, dim), reference.numbers(base, dtype, dim), metric
    )
    found = vecstore.pairwise(queries, base, metric, dtype=dtype)
    assert found.dtype == np.float32
    assert found.shape == (7, 23)
    assert (np.abs(found - truth) <= allowed).all()


@pytest.mark.parametrize("metric, dtype", reference.PAIRS)
@pytest.mark.parametrize("k", [1, 5, 200])
def test_knn_equals_numpy(rng, metric, dtype, k):
    queries, base = reference.vectors(rng, 5, dtype), reference.vectors(rng, 200, dtype)
    truth, allowed = reference.distances(reference.numbers(queries, dtype), reference.numbers(base, dtype), metric)
    allowed = np.broadcast_to(allowed, truth.shape)
    ids, distances = vecstore.knn(queries, base, k, metric, dtype=dtype)
    assert (ids.dtype, distances.dtype) == (np.uint64, np.float32)
    assert ids.shape == distances.shape == (5, k)
    for i in range(5):
        reference.assert_nearest(ids[i], distances[i], truth[i], allowed[i])


@pytest.mark.parametrize("metric, dtype", reference.PAIRS)
def test_the_distance_of_two_vectors_is_that_of_pairwise(rng, metric, dtype):
    a, b = reference.vectors(rng, 1, dtype)[0], reference.vectors(rng, 1, dtype)[0]
    one = vecstore.distance(a, b, metric, dtype=dtype)
    assert isinstance(one, float)
    assert one == vecstore.pairwise(a, b, metric, dtype=dtype)[0, 0]


@pytest.mark.parametrize("metric", ["l2sq", "l1", "cosine"])
def test_the_distance_of_a_vector_to_itself_is_zero(rng, metric):
    base = reference.vectors(rng, 300, "float32")
    ids, distances = vecstore.knn(base, base, 1, metric)
    np.testing.assert_array_equal(ids[:, 0], np.arange(300))
    assert (distances == 0).all()


def test_fewer_than_k_results_end_in_no_id_and_infinity():
    ids, distances = vecstore.knn([[0.0]], [[2.0], [1.0]], 4)
    assert ids.tolist() == [[1, 0, vecstore.NO_ID, vecstore.NO_ID]]
    assert distances.tolist() == [[1.0, 4.0, np.inf, np.inf]]
    assert (ids[0, 2:] == vecstore.NO_ID).all()


def test_an_empty_base_has_no_results():
    ids, distances = vecstore.knn([[0.0, 1.0]], np.empty((0, 2)), 3)
    assert ids.tolist() == [[vecstore.NO_ID] * 3]
    assert vecstore.pairwise([[0.0, 1.0]], np.empty((0, 2))).shape == (1, 0)


def test_knn_takes_filters():
    base = np.arange(10.0)[:, None]
    assert vecstore.knn([[0.0]], base, 2, filter=[4, 7]).ids.tolist() == [[4, 7]]
    assert vecstore.knn([[0.0]], base, 2, filter=~vecstore.Filter.ids([0])).ids.tolist() == [[1, 2]]
    assert vecstore.knn([[0.0]], base, 2, filter=base[:, 0] > 5).ids.tolist() == [[6, 7]]
    assert vecstore.knn([[0.0]], base, 2, filter=lambda row: row % 3 == 2).ids.tolist() == [[2, 5]]


@pytest.mark.parametrize("threads", [1, 2, 3, 64])
def test_results_do_not_depend_on_the_number_of_threads(rng, threads):
    queries, base = reference.vectors(rng, 33, "float32"), reference.vectors(rng, 5000, "float32")
    for metric in reference.FLOAT_METRICS:
        one = vecstore.knn(queries, base, 10, metric, threads=1)
        many = vecstore.knn(queries, base, 10, metric, threads=threads)
        np.testing.assert_array_equal(one.ids, many.ids)
        np.testing.assert_array_equal(one.distances, many.distances)
        np.testing.assert_array_equal(
            vecstore.pairwise(queries, base, metric, threads=1),
            vecstore.pairwise(queries, base, metric, threads=threads),
        )


def test_two_different_dtypes_meet_in_float32(rng):
    base = reference.vectors(rng, 20, "float16")
    queries = reference.vectors(rng, 3, "float32")
    np.testing.assert_array_equal(
        vecstore.pairwise(queries, base, "ip"), vecstore.pairwise(queries, base.astype(np.float32), "ip")
    )
    signed, unsigned = reference.vectors(rng, 3, "int8"), reference.vectors(rng, 20, "uint8")
    truth, _ = reference.distances(signed.astype(np.float64), unsigned.astype(np.float64), "l1")
    np.testing.assert_array_equal(vecstore.pairwise(signed, unsigned, "l1"), truth)


def test_bits_may_be_booleans_on_either_side(rng):
    bits = rng.random((6, 11)) < 0.5
    packed = vecstore.pack_bits(bits)
    truth = (bits[:, None] != bits[None]).sum(-1)
    for queries, base in ((bits, bits), (bits, packed), (packed, bits), (packed, packed)):
        np.testing.assert_array_equal(vecstore.pairwise(queries, base, "hamming"), truth)


def test_the_blocks_must_have_one_dim():
    with pytest.raises(ValueError, match=r"queries: expected shape \(n, 3\), got \(1, 2\)"):
        vecstore.pairwise([[1, 2]], [[1, 2, 3]])
    with pytest.raises(ValueError, match=r"base: expected shape \(n, dim\)"):
        vecstore.knn([[1, 2]], np.zeros((2, 3, 4)), 1)
    with pytest.raises(ValueError, match="dim at least 1"):
        vecstore.pairwise(np.empty((2, 0)), np.empty((2, 0)))
    with pytest.raises(ValueError, match="expected two vectors"):
        vecstore.distance([[1, 2], [3, 4]], [[1, 2], [3, 4]])


def test_a_metric_of_numbers_has_no_bits():
    with pytest.raises(vecstore.UnsupportedError):
        vecstore.pairwise([[1]], [[1]], "hamming", dtype="uint8")
    with pytest.raises(vecstore.UnsupportedError):
        vecstore.pairwise(np.array([[1]], dtype=np.uint8), np.array([[1]], dtype=np.uint8), "l2sq", dtype="bits")


@pytest.mark.parametrize("dtype", reference.NUMBER_DTYPES)
def test_norms_equal_numpy(rng, dtype):
    vectors = reference.vectors(rng, 9, dtype)
    truth = np.linalg.norm(reference.numbers(vectors, dtype), axis=1)
    found = vecstore.norms(vectors, dtype=dtype)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, truth, rtol=1e-5)


def test_norms_of_lists_and_of_one_vector():
    assert vecstore.norms([[3, 4], [0, 0]]).tolist() == [5, 0]
    assert vecstore.norms([3.0, 4.0]).tolist() == [5]


def test_bits_have_no_norm():
    with pytest.raises(vecstore.UnsupportedError):
        vecstore.norms(np.zeros((2, 3), dtype=np.uint8), dtype="bits")


@pytest.mark.parametrize("dtype, precision", [("float32", 1e-6), ("float16", 2e-3), ("bfloat16", 1e-2)])
def test_normalized_copies_have_norm_one(rng, dtype, precision):
    vectors = reference.vectors(rng, 9, dtype)
    before = vectors.copy()
    scaled = vecstore.normalize(vectors, dtype=dtype)
    assert (scaled.dtype, scaled.shape) == (vectors.dtype, vectors.shape)
    np.testing.assert_allclose(vecstore.norms(scaled, dtype=dtype), 1, rtol=precision)
    np.testing.assert_array_equal(vectors, before)


def test_normalizing_keeps_the_shape_and_takes_integers():
    np.testing.assert_allclose(vecstore.normalize([3, 4]), [0.6, 0.8], rtol=1e-6)
    assert vecstore.normalize(np.array([[3, 4]], dtype=np.int8)).dtype == np.float32


def test_what_cannot_be_normalized_is_refused():
    with pytest.raises(vecstore.ZeroVectorError):
        vecstore.normalize([[1.0, 2.0], [0.0, 0.0]])
    with pytest.raises(vecstore.NotFiniteError):
        vecstore.normalize([[1.0, np.nan]])
    with pytest.raises(vecstore.UnsupportedError):
        vecstore.normalize([[1, 2]], dtype="int8")


def test_converting_rounds_to_the_nearest_and_ties_to_even():
    assert vecstore.convert([0.5, 1.5, 2.5, -0.5, -1.5, 2.4], "int8").tolist() == [0, 2, 2, 0, -2, 2]
    numbers = np.array([1.0, 1.0 + 2.0**-11, 1.0 + 3 * 2.0**-11, -3.25], dtype=np.float32)
    np.testing.assert_array_equal(vecstore.convert(numbers, "float16"), numbers.astype(np.float16))
    patterns = vecstore.convert([1.0, 1.0 + 2.0**-8, 1.0 + 3 * 2.0**-8], "bfloat16")
    assert patterns.dtype == np.uint16
    assert reference.bfloat16_numbers(patterns).tolist() == [1.0, 1.0, 1.0 + 2.0**-6]


@pytest.mark.parametrize("dtype", reference.NUMBER_DTYPES)
def test_converting_to_float32_and_back_changes_nothing(rng, dtype):
    vectors = reference.vectors(rng, 20, dtype)
    there = vecstore.convert(vectors, "float32", source_dtype=dtype)
    np.testing.assert_array_equal(there, reference.numbers(vectors, dtype))
    back = vecstore.convert(there, dtype)
    assert (back.dtype, back.shape) == (vectors.dtype, vectors.shape)
    np.testing.assert_array_equal(back, vectors)


def test_converting_refuses_what_does_not_fit():
    with pytest.raises(vecstore.TooLargeError):
        vecstore.convert([-1.0], "uint8")
    with pytest.raises(vecstore.TooLargeError):
        vecstore.convert([1e6], "float16")
    with pytest.raises(vecstore.NotFiniteError):
        vecstore.convert([np.nan], "float16")
    with pytest.raises(vecstore.UnsupportedError):
        vecstore.convert([1.0], "bits")
    with pytest.raises(TypeError):
        vecstore.convert(["a"], "int8")


def test_supported_pairs_are_those_of_the_table():
    for metric in reference.FLOAT_METRICS + reference.BIT_METRICS:
        for dtype in reference.NUMBER_DTYPES + ("bits",):
            assert vecstore.is_supported(metric, dtype) == ((metric, dtype) in reference.PAIRS)


def test_row_sizes_are_in_bytes():
    assert vecstore.row_size("float32", 384) == 1536
    assert vecstore.row_size(np.float16, 384) == 768
    assert vecstore.row_size("bits", 11) == 2
    with pytest.raises(vecstore.InvalidArgumentError):
        vecstore.row_size("float32", 0)


def test_build_info_tells_what_runs():
    info = vecstore.build_info()
    assert info["version"] == vecstore.__version__
    assert info["threads"] >= 1
    assert {"isa", "isa_available", "isa_note", "blas", "blas_version", "blas_library", "blas_warning"} <= set(info)
