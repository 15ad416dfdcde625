# How long an index lives, and that nothing outlives it.
# SPDX-License-Identifier: Apache-2.0
import copy
import gc
import pickle
import resource

import numpy as np
import pytest

import vecstore
from vecstore import _ffi


def uses(index, path):
    """Every call that needs an open index."""
    return {
        "len": lambda: len(index),
        "add": lambda: index.add([[1, 1]]),
        "update": lambda: index.update([0], [[1, 1]]),
        "remove": lambda: index.remove([0]),
        "import_redis": lambda: index.import_redis("redis://localhost:1", prefix=""),
        "compact": index.compact,
        "reserve": lambda: index.reserve(10),
        "contains": lambda: index.contains([0]),
        "in": lambda: 0 in index,
        "get": lambda: index.get([0]),
        "ids": index.ids,
        "iter": lambda: iter(index),
        "search": lambda: index.search([0, 0]),
        "search_range": lambda: index.search_range([0, 0], 1),
        "stats": index.stats,
        "verify": index.verify,
        "save": lambda: index.save(path),
        "with": index.__enter__,
    }


def test_a_closed_index_refuses_every_use(tmp_path, line):
    line.close()
    for name, use in uses(line, tmp_path / "index").items():
        with pytest.raises(vecstore.InvalidHandleError, match="^the index is closed$"):
            use()
            pytest.fail(name)


def test_closing_twice_does_nothing(line):
    assert line.closed is False
    line.close()
    line.close()
    assert line.closed is True


def test_properties_and_text_outlive_closing(line):
    line.close()
    assert (line.dim, line.metric, line.dtype, line.kind, line.read_only) == (2, "l2sq", "float32", "flat", False)
    assert repr(line) == "<vecstore.Index flat dim=2 metric=l2sq dtype=float32 closed>"


def test_a_with_block_closes_even_after_an_exception():
    with pytest.raises(RuntimeError):
        with vecstore.Index("flat", dim=1) as index:
            raise RuntimeError
    assert index.closed


def test_the_handle_is_freed_with_the_object():
    index = vecstore.Index("flat", dim=1)
    handle = index._handle
    assert _ffi.index_count(handle) == 0
    del index
    gc.collect()
    with pytest.raises(vecstore.InvalidHandleError):
        _ffi.index_count(handle)


def test_closing_frees_the_handle_and_only_that_one():
    first, second = vecstore.Index("flat", dim=1), vecstore.Index("flat", dim=1)
    handle = first._handle
    first.close()
    with pytest.raises(vecstore.InvalidHandleError):
        _ffi.index_count(handle)
    assert len(second) == 0


def test_closing_does_not_wait_for_a_search_that_runs(line):
    """The filter closes the index in the middle of its own search, which still ends as if nothing had happened."""

    def close(row_id):
        line.close()
        return True

    assert line.search([0, 0], k=2, filter=close).ids.tolist() == [[0, 1]]
    assert line.closed


def test_results_outlive_the_index(line):
    ids, distances = line.search([0, 0], k=3)
    within = line.search_range([0, 0], 4.0)
    rows = line.get([1, 2])
    line.close()
    assert ids.tolist() == [[0, 1, 2]]
    assert distances.tolist() == [[0, 1, 4]]
    assert within.ids.tolist() == [0, 1, 2]
    assert rows.tolist() == [[1, 0], [2, 0]]


def test_inputs_may_change_after_the_call():
    vectors = np.array([[1.0, 2.0]], dtype=np.float32)
    with vecstore.Index("flat", dim=2) as index:
        index.add(vectors)
        vectors[:] = 9
        assert index.get([0]).tolist() == [[1, 2]]


@pytest.mark.parametrize("copying", [pickle.dumps, copy.copy, copy.deepcopy])
def test_an_index_cannot_be_pickled_or_copied(line, copying):
    with pytest.raises(TypeError, match="save it to a file"):
        copying(line)


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def growth(call, times):
    """How much the resident memory grows over many calls, after as many as it takes to warm up."""
    for _ in range(times // 10):
        call()
    gc.collect()
    before = resident_bytes()
    for _ in range(times):
        call()
    gc.collect()
    return resident_bytes() - before


BOUND = 4 << 20


def test_a_hundred_thousand_searches_leave_no_memory_behind(line):
    query = np.array([[3.0, 0.0]], dtype=np.float32)
    assert growth(lambda: line.search(query, k=3), 100_000) < BOUND


def test_filters_ranges_and_errors_leave_no_memory_behind(line):
    query = np.array([[3.0, 0.0]], dtype=np.float32)
    chosen = vecstore.Filter.ids([1, 2, 3])

    def calls():
        line.search(query, k=3, filter=chosen)
        line.search(query, k=3, filter=lambda row_id: row_id > 3)
        line.search_range(query, 4.0)
        for bad in (lambda: line.get([99]), lambda: line.search(query, k=3, filter=lambda row_id: 1 // 0)):
            with pytest.raises((vecstore.NotFoundError, ZeroDivisionError)):
                bad()

    assert growth(calls, 20_000) < BOUND


def test_indexes_that_come_and_go_leave_no_memory_behind():
    vectors = np.ones((10, 8), dtype=np.float32)

    def make():
        index = vecstore.Index("flat", dim=8)
        index.add(vectors)
        index.remove([0])

    assert growth(make, 10_000) < BOUND


def test_adding_and_removing_leaves_no_memory_behind(line):
    def add_and_remove():
        line.remove(line.add([[1, 2]]))

    assert growth(add_and_remove, 20_000) < BOUND
