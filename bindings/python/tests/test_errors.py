# Every exception: what raises it, what it is, what it carries.
# SPDX-License-Identifier: Apache-2.0
import inspect
import pickle

import numpy as np
import pytest

import vecstore
from vecstore import errors


def saved(path, n=20):
    with vecstore.Index("flat", dim=4) as index:
        index.add(np.arange(n * 4).reshape(n, 4))
        index.save(path)
    return path


def test_a_dim_of_zero_is_an_invalid_argument():
    with pytest.raises(vecstore.InvalidArgumentError):
        vecstore.Index("flat", dim=0)


def test_a_metric_that_the_dtype_lacks_is_unsupported():
    with pytest.raises(vecstore.UnsupportedError) as caught:
        vecstore.Index("flat", dim=8, metric="hamming", dtype="float32")
    assert (caught.value.code, caught.value.status) == (3, "UNSUPPORTED")
    assert str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_not_finite(line, value):
    with pytest.raises(vecstore.NotFiniteError):
        line.add([[0.0, value]])
    with pytest.raises(vecstore.NotFiniteError):
        line.search([[value, 0.0]])


def test_a_float64_beyond_float32_is_not_finite(line):
    with pytest.raises(vecstore.NotFiniteError):
        line.add([[1e39, 0.0]])


def test_a_zero_vector_is_refused_under_cosine():
    with vecstore.Index("flat", dim=2, metric="cosine") as index:
        with pytest.raises(vecstore.ZeroVectorError):
            index.add([[0, 0]])
        with pytest.raises(vecstore.ZeroVectorError):
            index.search([0, 0])


def test_an_unknown_id_is_not_found(line):
    with pytest.raises(vecstore.NotFoundError) as caught:
        line.get([3, 77])
    assert isinstance(caught.value, KeyError)
    with pytest.raises(vecstore.NotFoundError):
        line.update([77], [[1, 1]])


def test_an_id_that_is_taken_already_exists(line):
    with pytest.raises(vecstore.AlreadyExistsError):
        line.add([[1, 1]], ids=[3])
    with pytest.raises(vecstore.AlreadyExistsError):
        line.add([[1, 1], [2, 2]], ids=[20, 20])
    with pytest.raises(vecstore.AlreadyExistsError):
        line.update([3, 3], [[1, 1], [2, 2]])


def test_a_call_that_raises_changes_nothing(line):
    with pytest.raises(vecstore.AlreadyExistsError):
        line.add([[1, 1], [2, 2]], ids=[100, 3])
    assert len(line) == 10
    assert 100 not in line


def test_a_mapped_index_is_read_only(tmp_path):
    with vecstore.Index.open(saved(tmp_path / "index")) as index:
        for change in (
            lambda: index.add([[1, 1, 1, 1]]),
            lambda: index.update([0], [[1, 1, 1, 1]]),
            lambda: index.remove([0]),
            lambda: index.compact(),
            lambda: index.reserve(100),
        ):
            with pytest.raises(vecstore.ReadOnlyError):
                change()


def test_a_missing_file_is_a_file_not_found_error(tmp_path):
    path = tmp_path / "absent"
    with pytest.raises(FileNotFoundError) as caught:
        vecstore.Index.open(path)
    assert isinstance(caught.value, vecstore.NotFoundError)
    assert caught.value.filename == str(path)
    assert caught.value.status == "NOT_FOUND"


def test_saving_into_a_missing_directory_is_an_os_error(tmp_path, line):
    path = tmp_path / "absent" / "index"
    with pytest.raises(OSError) as caught:
        line.save(path)
    assert isinstance(caught.value, vecstore.Error)
    assert caught.value.filename == str(path)


def test_a_name_too_long_for_the_file_system_is_an_io_error(tmp_path, line):
    path = tmp_path / ("x" * 300)
    with pytest.raises(vecstore.VecstoreIOError) as caught:
        line.save(path)
    assert isinstance(caught.value, OSError)
    assert caught.value.filename == str(path)
    assert str(path) not in [str(left) for left in tmp_path.iterdir()]


def test_a_foreign_file_is_corrupt(tmp_path):
    path = tmp_path / "text"
    path.write_text("this is no index\n" * 100)
    with pytest.raises(vecstore.CorruptError):
        vecstore.Index.open(path)


@pytest.mark.parametrize("mmap", [True, False])
def test_a_file_cut_short_is_corrupt(tmp_path, mmap):
    path = saved(tmp_path / "index")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(vecstore.CorruptError):
        vecstore.Index.open(path, mmap=mmap)


def test_a_capacity_beyond_the_address_space_is_too_large_or_out_of_memory():
    with pytest.raises((vecstore.TooLargeError, vecstore.OutOfMemoryError)):
        vecstore.Index("flat", dim=4, capacity=2**62)


def test_a_value_that_the_target_dtype_cannot_hold_is_too_large():
    with pytest.raises(vecstore.TooLargeError):
        vecstore.convert([1.0, 300.0], "uint8")
    with vecstore.Index("flat", dim=1, dtype="float16") as index, pytest.raises(vecstore.TooLargeError):
        index.add([[1e6]])


def test_a_vector_whose_squares_overflow_is_too_large(line):
    with pytest.raises(vecstore.TooLargeError):
        line.add([[3e38, 3e38]])
    with pytest.raises(vecstore.TooLargeError):
        line.search([[3e38, 3e38]])


def test_a_closed_index_is_an_invalid_handle(line):
    line.close()
    with pytest.raises(vecstore.InvalidHandleError, match="closed"):
        line.search([0, 0])


def test_every_exception_is_an_error_and_the_builtin_that_fits():
    builtins = {
        "InvalidArgumentError": ValueError,
        "InvalidHandleError": ValueError,
        "UnsupportedError": ValueError,
        "NotFiniteError": ValueError,
        "ZeroVectorError": ValueError,
        "NotFoundError": KeyError,
        "MissingFileError": FileNotFoundError,
        "AlreadyExistsError": ValueError,
        "OutOfMemoryError": MemoryError,
        "VecstoreIOError": OSError,
        "TooLargeError": ValueError,
        "UnavailableError": ConnectionError,
        "InternalError": RuntimeError,
    }
    for name in errors.__all__:
        assert issubclass(getattr(vecstore, name), vecstore.Error)
        assert issubclass(getattr(vecstore, name), builtins.get(name, Exception))


def test_the_code_alone_chooses_the_class():
    for code, cls in errors._CLASSES.items():
        error = errors.from_code(code, cls.status, "out of memory: not found, corrupt")
        assert type(error) is cls
        assert (error.code, error.status) == (code, cls.status)
        assert str(error) == "out of memory: not found, corrupt"


def test_a_code_of_a_newer_library_is_a_plain_error():
    error = errors.from_code(55, "UNKNOWN", "something new")
    assert type(error) is vecstore.Error
    assert (error.code, error.status, str(error)) == (55, "UNKNOWN", "something new")


def test_exceptions_survive_pickling():
    for cls in [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, vecstore.Error)]:
        copy = pickle.loads(pickle.dumps(cls("why")))
        assert type(copy) is cls
        assert str(copy) == "why"
        assert copy.code == cls.code
