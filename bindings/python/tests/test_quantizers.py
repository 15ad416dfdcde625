# Quantizers against NumPy.
# SPDX-License-Identifier: Apache-2.0
import copy
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import reference
import vecstore

DIM = 20

MAKERS = {
    "scalar": lambda: vecstore.ScalarQuantizer(DIM),
    "scalar-4": lambda: vecstore.ScalarQuantizer(DIM, bits=4),
    "scalar-uniform": lambda: vecstore.ScalarQuantizer(DIM, uniform=True, quantile=0.01),
    "pq": lambda: vecstore.ProductQuantizer(DIM, pq_m=5),
    "pq-6": lambda: vecstore.ProductQuantizer(DIM, pq_m=7, nbits=6),
    "binary": lambda: vecstore.BinaryQuantizer(DIM),
    "binary-5": lambda: vecstore.BinaryQuantizer(DIM, bits=5),
    "opq": lambda: vecstore.ProductQuantizer(DIM, pq_m=5, nbits=4, rotation="opq"),
}


@pytest.fixture
def rows(rng):
    return rng.standard_normal((700, DIM)).astype(np.float32)


@pytest.fixture(params=MAKERS)
def trained(request, rows):
    quantizer = MAKERS[request.param]()
    quantizer.train(rows)
    yield quantizer
    quantizer.close()


def test_codes_decode_to_vectors_near_by(trained, rows):
    codes = trained.encode(rows)
    assert (codes.dtype, codes.shape) == (np.uint8, (700, trained.code_size))
    decoded = trained.decode(codes)
    assert (decoded.dtype, decoded.shape) == (np.float32, (700, DIM))
    loss = trained.measure(rows)
    errors = ((rows.astype(np.float64) - decoded) ** 2).sum(axis=1)
    assert loss.mean_squared_error == pytest.approx(errors.mean(), rel=1e-5)
    assert loss.relative_error == pytest.approx(errors.sum() / (rows.astype(np.float64) ** 2).sum(), rel=1e-5)
    assert loss.relative_error < 0.5


@pytest.mark.parametrize("metric", ["l2sq", "ip"])
def test_distances_are_those_from_the_decoded_vectors(trained, rows, metric):
    if isinstance(trained, vecstore.BinaryQuantizer):
        pytest.skip("its distances are estimates")
    codes = trained.encode(rows[:60])
    truth, _ = reference.distances(rows[60:64].astype(np.float64), trained.decode(codes).astype(np.float64), metric)
    np.testing.assert_allclose(trained.distances(rows[60:64], codes, metric), truth, atol=1e-4)


@pytest.mark.parametrize("metric", ["l2sq", "ip"])
@pytest.mark.parametrize("bits", [1, 4, 6])
def test_distances_from_binary_codes_are_right_on_average(rng, metric, bits):
    x = rng.standard_normal((400, 128)).astype(np.float32)
    quantizer = vecstore.BinaryQuantizer(128, bits=bits)
    quantizer.train(x)
    truth, _ = reference.distances(x[:50].astype(np.float64), x[50:].astype(np.float64), metric)
    errors = quantizer.distances(x[:50], quantizer.encode(x[50:]), metric) - truth
    spread = errors.std()
    assert abs(errors.mean()) < 0.1 * spread
    assert spread < (0.1 if bits == 1 else 0.1 / 2 ** (bits - 1)) * 128 * (2 if metric == "l2sq" else 1)


def test_code_sizes():
    assert vecstore.BinaryQuantizer(21).code_size == 3 + 8
    assert vecstore.BinaryQuantizer(21, bits=3).code_size == 8 + 8
    assert vecstore.ScalarQuantizer(21).code_size == 21
    assert vecstore.ScalarQuantizer(21, bits=4).code_size == 11
    assert vecstore.ProductQuantizer(21, pq_m=6).code_size == 6
    assert vecstore.ProductQuantizer(21, pq_m=7, nbits=5).code_size == 5
    assert vecstore.ProductQuantizer(21, pq_m=3, nbits=12).code_size == 5


@pytest.mark.parametrize("bits, levels", [(8, 256), (4, 16)])
def test_scalar_codes_are_numbers_of_steps(rows, bits, levels):
    quantizer = vecstore.ScalarQuantizer(DIM, bits=bits)
    quantizer.train(rows)
    codes = quantizer.encode(rows)
    if bits == 4:  # the lower half of a byte comes first
        codes = np.stack([codes & 15, codes >> 4], axis=-1).reshape(700, -1)[:, :DIM]
    low, high = rows.min(axis=0), rows.max(axis=0)
    want = (rows - low) / ((high - low) / (levels - 1))
    assert np.abs(codes - want).max() <= 0.51
    assert codes.max() == levels - 1
    assert codes.min() == 0


def test_threads_change_nothing(trained, rows):
    codes = trained.encode(rows)
    trained.train(rows, threads=1)
    np.testing.assert_array_equal(trained.encode(rows, threads=1), codes)
    trained.train(rows, threads=3)
    np.testing.assert_array_equal(trained.encode(rows, threads=3), codes)


@pytest.mark.parametrize("dtype", reference.NUMBER_DTYPES)
def test_every_dtype_of_numbers(rng, dtype):
    x = reference.vectors(rng, 300, dtype, DIM)
    floats = reference.numbers(x, dtype, DIM).astype(np.float32)
    quantizer = vecstore.ProductQuantizer(DIM, pq_m=4, nbits=4)
    quantizer.train(x, dtype=dtype)
    codes = quantizer.encode(x, dtype=dtype)
    quantizer.train(floats)
    np.testing.assert_array_equal(quantizer.encode(floats), codes)
    assert quantizer.measure(x, dtype=dtype).relative_error < 1
    assert quantizer.distances(x[:2], codes, dtype=dtype).shape == (2, 300)


def test_one_vector_is_a_row(trained, rows):
    code = trained.encode(rows[0])
    assert code.shape == (1, trained.code_size)
    assert trained.decode(code[0]).shape == (1, DIM)
    assert trained.distances(rows[0], code).shape == (1, 1)


def test_nothing_makes_nothing(trained):
    none = np.empty((0, DIM), np.float32)
    assert trained.encode(none).shape == (0, trained.code_size)
    assert trained.decode(trained.encode(none)).shape == (0, DIM)


def test_what_is_not_trained_is_refused(rows):
    quantizer = vecstore.ProductQuantizer(DIM, pq_m=4)
    assert not quantizer.is_trained
    for call in (
        lambda: quantizer.encode(rows),
        lambda: quantizer.decode(np.zeros((1, 4), np.uint8)),
        lambda: quantizer.measure(rows),
        lambda: quantizer.distances(rows, np.zeros((1, 4), np.uint8)),
    ):
        with pytest.raises(vecstore.InvalidArgumentError, match="train it first"):
            call()
    quantizer.train(rows)
    assert quantizer.is_trained


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: vecstore.ScalarQuantizer(0), vecstore.InvalidArgumentError, "dim"),
        (lambda: vecstore.ScalarQuantizer(8, bits=5), vecstore.InvalidArgumentError, "allowed are 8 and 4"),
        (lambda: vecstore.ScalarQuantizer(8, quantile=0.5), vecstore.InvalidArgumentError, "quantile"),
        (lambda: vecstore.ScalarQuantizer(8, quantile=-1), vecstore.InvalidArgumentError, "quantile"),
        (lambda: vecstore.ProductQuantizer(8, pq_m=9), vecstore.InvalidArgumentError, "pq_m"),
        (lambda: vecstore.ProductQuantizer(8, pq_m=0), vecstore.InvalidArgumentError, "pq_m"),
        (lambda: vecstore.ProductQuantizer(8, pq_m=2, nbits=9), vecstore.InvalidArgumentError, "4, 5, 6, 7, 8, 10, 12"),
        (lambda: vecstore.ProductQuantizer(8, pq_m=2, rotation="pca"), vecstore.InvalidArgumentError, "opq or None"),
        (lambda: vecstore.ProductQuantizer(8, pq_m=2, seed=-1), vecstore.InvalidArgumentError, "seed"),
        (lambda: vecstore.ProductQuantizer(5000, pq_m=2, rotation="opq"), vecstore.UnsupportedError, "4096"),
        (lambda: vecstore.ProductQuantizer(8.5, pq_m=2), TypeError, "dim"),
        (lambda: vecstore.BinaryQuantizer(8, bits=9), vecstore.InvalidArgumentError, "1 to 8"),
        (lambda: vecstore.BinaryQuantizer(8, seed=2**64), vecstore.InvalidArgumentError, "seed"),
    ],
)
def test_bad_designs_are_refused_with_the_reason(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_bad_input_is_refused(trained, rows):
    with pytest.raises(vecstore.InvalidArgumentError, match="expected shape"):
        trained.encode(rows[:, :5])
    with pytest.raises(vecstore.InvalidArgumentError, match="expected shape"):
        trained.decode(np.zeros((3, trained.code_size + 1), np.uint8))
    with pytest.raises(TypeError, match="uint8"):
        trained.decode(np.zeros((3, trained.code_size), np.int32))
    with pytest.raises(vecstore.UnsupportedError, match="take ip"):
        trained.distances(rows, trained.encode(rows), "cosine")
    with pytest.raises(vecstore.NotFiniteError, match="vector 1"):
        trained.encode([rows[0], rows[1] * np.nan])
    with pytest.raises(vecstore.InvalidArgumentError):
        trained.train(np.empty((0, DIM), np.float32))


def test_cancelled_training_leaves_what_was_there(trained, rows, rng):
    codes = trained.encode(rows)
    with pytest.raises(vecstore.CancelledError):
        trained.train(rng.standard_normal((300, DIM)), progress=lambda done, total: False)
    np.testing.assert_array_equal(trained.encode(rows), codes)


def test_progress_ends_at_the_total(rows):
    told = []
    quantizer = vecstore.ProductQuantizer(DIM, pq_m=10, nbits=4)
    quantizer.train(rows, threads=1, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (10, 10)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_what_progress_raises_comes_out(rows):
    def fail(done, total):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        vecstore.ProductQuantizer(DIM, pq_m=10, nbits=4).train(rows, progress=fail)


def test_after_close_every_call_is_refused(rows):
    quantizer = vecstore.ScalarQuantizer(DIM)
    quantizer.train(rows)
    quantizer.close()
    quantizer.close()
    for call in (lambda: quantizer.encode(rows), lambda: quantizer.train(rows), lambda: quantizer.code_size):
        with pytest.raises(vecstore.InvalidHandleError):
            call()


def test_a_quantizer_cannot_be_copied(trained):
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=f"a {type(trained).__name__} cannot be copied or pickled: save it"):
            attempt(trained)


def test_quantizer_is_no_quantizer_itself():
    with pytest.raises(TypeError, match="ScalarQuantizer, ProductQuantizer or BinaryQuantizer"):
        vecstore.Quantizer()


@pytest.mark.parametrize(
    "quantizer, attributes",
    [
        (vecstore.ScalarQuantizer(DIM), {"dim": DIM, "bits": 8, "uniform": False, "quantile": 0.0}),
        (
            vecstore.ScalarQuantizer(DIM, bits=4, uniform=True, quantile=0.01),
            {"dim": DIM, "bits": 4, "uniform": True, "quantile": 0.01},
        ),
        (
            vecstore.ProductQuantizer(DIM, pq_m=5),
            {"dim": DIM, "pq_m": 5, "nbits": 8, "rotation": None, "seed": 0},
        ),
        (
            vecstore.ProductQuantizer(DIM, pq_m=4, nbits=6, rotation="opq", seed=2**64 - 1),
            {"dim": DIM, "pq_m": 4, "nbits": 6, "rotation": "opq", "seed": 2**64 - 1},
        ),
        (vecstore.BinaryQuantizer(DIM), {"dim": DIM, "bits": 1, "seed": 0}),
        (vecstore.BinaryQuantizer(DIM, bits=3, seed=9), {"dim": DIM, "bits": 3, "seed": 9}),
    ],
)
def test_attributes_are_those_it_was_made_with_and_come_out_of_the_file(tmp_path, rows, quantizer, attributes):
    assert {name: getattr(quantizer, name) for name in attributes} == attributes
    quantizer.train(rows)
    quantizer.save(tmp_path / "file")
    opened = vecstore.Quantizer.open(tmp_path / "file")
    assert type(opened) is type(quantizer)
    assert {name: getattr(opened, name) for name in attributes} == attributes
    with pytest.raises(AttributeError):
        opened.dim = 3


def test_an_opened_quantizer_does_what_the_saved_one_does(tmp_path, trained, rows):
    trained.save(tmp_path / "file", sync=False)
    for open_file in (type(trained).open, vecstore.Quantizer.open):
        opened = open_file(tmp_path / "file")
        assert opened.is_trained
        assert opened.code_size == trained.code_size
        codes = trained.encode(rows)
        np.testing.assert_array_equal(opened.encode(rows), codes)
        np.testing.assert_array_equal(opened.decode(codes), trained.decode(codes))
        for metric in ("l2sq", "ip"):
            np.testing.assert_array_equal(
                opened.distances(rows[:9], codes, metric), trained.distances(rows[:9], codes, metric)
            )
        assert opened.measure(rows) == trained.measure(rows)
        opened.close()
    assert os.listdir(tmp_path) == ["file"]


def test_an_opened_quantizer_is_trained_anew(tmp_path, trained, rows, rng):
    codes = trained.encode(rows)
    trained.train(rng.standard_normal((100, DIM)))
    trained.save(tmp_path / "file")
    opened = vecstore.Quantizer.open(tmp_path / "file")
    opened.train(rows)
    np.testing.assert_array_equal(opened.encode(rows), codes)


def test_a_class_refuses_the_files_of_others_and_names_both(tmp_path, trained, rows):
    path = tmp_path / "file"
    trained.save(path)
    own = type(trained)
    for other in (vecstore.ScalarQuantizer, vecstore.ProductQuantizer, vecstore.BinaryQuantizer):
        if other is own:
            continue
        with pytest.raises(vecstore.InvalidArgumentError, match=f"{own.__name__}, not a {other.__name__}") as error:
            other.open(path)
        assert str(path) in str(error.value)


def test_a_subclass_opens_as_itself(tmp_path, rows):
    class Mine(vecstore.ProductQuantizer):
        pass

    quantizer = Mine(DIM, pq_m=4, nbits=4)
    quantizer.train(rows)
    quantizer.save(tmp_path / "file")
    assert type(Mine.open(tmp_path / "file")) is Mine
    assert type(vecstore.Quantizer.open(tmp_path / "file")) is vecstore.ProductQuantizer


def test_an_index_is_no_quantizer_and_a_quantizer_no_index(tmp_path, line, trained):
    line.save(tmp_path / "index")
    for kind in (vecstore.Quantizer, type(trained)):
        with pytest.raises(vecstore.InvalidArgumentError, match=r"an index \(flat, dim 2, 10 rows\), not a quantizer"):
            kind.open(tmp_path / "index")
    trained.save(tmp_path / "file")
    with pytest.raises(vecstore.InvalidArgumentError, match=r"a quantizer \(\w+, dim 20\), not an index"):
        vecstore.Index.open(tmp_path / "file")


def test_what_is_not_trained_is_not_saved(tmp_path):
    with pytest.raises(vecstore.InvalidArgumentError, match="not trained"):
        vecstore.BinaryQuantizer(DIM).save(tmp_path / "file")
    assert os.listdir(tmp_path) == []


def test_a_changed_byte_is_found(tmp_path, trained):
    path = tmp_path / "file"
    trained.save(path)
    content = path.read_bytes()
    for at in (0, 40, 72, 130, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(vecstore.CorruptError):
            vecstore.Quantizer.open(path)
    path.write_bytes(content[:-1])
    with pytest.raises(vecstore.CorruptError):
        vecstore.Quantizer.open(path)


def test_paths_of_quantizers(tmp_path, trained):
    path = tmp_path / "übung"
    for form in (str(path), os.fsencode(path), path):
        trained.save(form)
        assert vecstore.Quantizer.open(form).dim == DIM
    with pytest.raises(FileNotFoundError):
        vecstore.Quantizer.open(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        trained.save(tmp_path / "none" / "file")
    for bad in ("", "a\0b", "x" * 5000, tmp_path):
        with pytest.raises(vecstore.InvalidArgumentError):
            vecstore.Quantizer.open(bad)
        with pytest.raises(vecstore.InvalidArgumentError):
            trained.save(bad)
    with pytest.raises(TypeError):
        vecstore.Quantizer.open(3.5)


def test_saving_after_close_is_refused(tmp_path, trained):
    trained.close()
    with pytest.raises(vecstore.InvalidHandleError):
        trained.save(tmp_path / "file")


def test_saved_while_it_is_trained_it_is_whole(tmp_path, rows):
    quantizer = vecstore.ProductQuantizer(DIM, pq_m=5, nbits=4)
    expected = []
    for half in (rows[:350], rows[350:]):
        quantizer.train(half)
        expected.append(quantizer.encode(rows).tobytes())

    def is_whole(_):
        quantizer.save(tmp_path / "file", sync=False)
        return vecstore.Quantizer.open(tmp_path / "file").encode(rows).tobytes() in expected

    with ThreadPoolExecutor(3) as pool:
        saved = [pool.submit(is_whole, number) for number in range(30)]
        for _ in range(5):
            quantizer.train(rows[:350])
            quantizer.train(rows[350:])
        assert all(future.result() for future in saved)
