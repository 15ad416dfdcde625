# Filters of every kind, their opposites, and what a callable may do.
# SPDX-License-Identifier: Apache-2.0
import gc
import weakref

import numpy as np
import pytest

import vecstore
from vecstore import Filter


def found(index, filter):
    """The ids that pass, by a search and by a range search alike."""
    ids = index.search([0, 0], k=10, filter=filter).ids[0]
    within = index.search_range([0, 0], float("inf"), filter=filter).ids
    assert ids[ids != vecstore.NO_ID].tolist() == within.tolist()
    return within.tolist()


def test_none_lets_every_row_through(line):
    assert found(line, None) == list(range(10))


@pytest.mark.parametrize(
    "allowed",
    [
        np.array([False, True, False, True]),
        [False, True, False, True],
        (False, True, False, True),
        np.array([False, True, False, True] + [False] * 90),
        np.repeat([False, True, False, True], 2)[::2],
    ],
    ids=["array", "list", "tuple", "longer", "strided"],
)
def test_booleans_allow_the_ids_of_their_positions(line, allowed):
    assert found(line, allowed) == [1, 3]
    assert found(line, Filter.bitmap(allowed)) == [1, 3]
    assert found(line, ~Filter.bitmap(allowed)) == [0, 2, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("length", [1, 7, 8, 9, 10])
def test_ids_beyond_the_booleans_do_not_pass(line, length):
    assert found(line, np.ones(length, dtype=bool)) == list(range(length))


@pytest.mark.parametrize(
    "ids",
    [
        [7, 2, 2, 500],
        (7, 2),
        {2, 7},
        frozenset([2, 7]),
        np.array([7, 2]),
        np.array([7, 2], dtype=np.uint8),
        range(2, 8, 5),
    ],
    ids=["list", "tuple", "set", "frozenset", "int64", "uint8", "range"],
)
def test_integers_allow_these_ids(line, ids):
    assert found(line, ids) == [2, 7]
    assert found(line, Filter.ids(ids)) == [2, 7]
    assert found(line, ~Filter.ids(ids)) == [0, 1, 3, 4, 5, 6, 8, 9]


@pytest.mark.parametrize("nothing", [[], (), set(), range(0), np.array([], dtype=int), np.array([], dtype=bool)])
def test_nothing_allows_no_row(line, nothing):
    assert found(line, nothing) == []


def test_the_opposite_of_nothing_is_everything(line):
    assert found(line, ~Filter.ids([])) == list(range(10))
    assert found(line, ~Filter.bitmap([])) == list(range(10))


def test_a_callable_decides_row_by_row(line):
    assert found(line, lambda row_id: row_id >= 8) == [8, 9]
    assert found(line, ~Filter.where(lambda row_id: row_id >= 2)) == [0, 1]
    assert found(line, {3: "kept", 4: ""}.get) == [3]


def test_a_callable_is_asked_once_for_each_row_and_not_for_each_query(line):
    asked = []
    line.search(np.zeros((5, 2)), k=3, filter=lambda row_id: asked.append(row_id) or True)
    assert sorted(asked) == list(range(10))
    assert all(type(row_id) is int for row_id in asked)


def test_the_opposite_of_the_opposite_is_the_same(line):
    chosen = Filter.ids([1, 2])
    assert found(line, ~~chosen) == [1, 2]
    assert found(line, chosen) == [1, 2]


def test_a_filter_serves_many_searches_and_does_not_follow_its_input(line):
    ids, allowed = np.array([1, 2], dtype=np.uint64), np.array([True, False])
    by_ids, by_bitmap = Filter.ids(ids), Filter.bitmap(allowed)
    ids[:] = 9
    allowed[:] = True
    for _ in range(2):
        assert found(line, by_ids) == [1, 2]
        assert found(line, by_bitmap) == [0]


def test_ids_of_any_size_can_be_filtered():
    with vecstore.Index("flat", dim=1) as index:
        index.add([[1], [2], [3]], ids=[2**64 - 2, 5, 2**63])
        assert index.search([0.0], k=1, filter=[2**63, 5]).ids.tolist() == [[5]]
        assert index.search([0.0], k=1, filter=[True] * 6).ids.tolist() == [[5]]
        assert index.search([0.0], k=1, filter=lambda row_id: row_id > 2**63).ids.tolist() == [[2**64 - 2]]


class Refused(Exception):
    pass


def test_what_a_callable_raises_reaches_the_caller(line):
    asked = []

    def refuse(row_id):
        asked.append(row_id)
        raise Refused(row_id)

    for search in (
        lambda: line.search([0, 0], filter=refuse),
        lambda: line.search_range([0, 0], 1.0, filter=refuse),
        lambda: vecstore.knn([[0, 0]], [[1, 1], [2, 2]], 1, filter=refuse),
    ):
        asked.clear()
        with pytest.raises(Refused) as caught:
            search()
        assert caught.value.args == (asked[0],)
        assert len(asked) == 1, "after an exception the callable is not asked again"
    assert line.search([0, 0], k=1).ids.tolist() == [[0]]


def test_even_an_exit_reaches_the_caller(line):
    def leave(row_id):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        line.search([0, 0], filter=leave)


def test_an_exception_does_not_keep_the_callable_alive(line):
    class Refuse:
        def __call__(self, row_id):
            raise Refused

    refuse = Refuse()
    alive = weakref.ref(refuse)
    with pytest.raises(Refused):
        line.search([0, 0], filter=refuse)
    del refuse
    gc.collect()
    assert alive() is None


def test_a_callable_may_search_the_same_index(line):
    def nearest_is_even(row_id):
        return line.search(line.get([row_id]), k=1).ids[0, 0] % 2 == 0

    assert found(line, nearest_is_even) == [0, 2, 4, 6, 8]


def test_filters_work_on_mapped_and_removed_rows(tmp_path, line):
    line.remove([1])
    line.save(tmp_path / "index")
    with vecstore.Index.open(tmp_path / "index") as mapped:
        for index in (line, mapped):
            assert found(index, [1, 2]) == [2]
            assert found(index, ~Filter.ids([2])) == [0, 3, 4, 5, 6, 7, 8, 9]
            assert found(index, [True] * 3) == [0, 2]
            assert found(index, lambda row_id: row_id < 3) == [0, 2]


@pytest.mark.parametrize("bad", ["1", b"1", 1.5, [1.5], ["a"], [None], np.array([1.0]), object()])
def test_what_is_no_filter_is_a_type_error(line, bad):
    with pytest.raises(TypeError, match="filter: expected"):
        line.search([0, 0], filter=bad)


def test_filters_have_one_dimension(line):
    with pytest.raises(ValueError):
        line.search([0, 0], filter=np.ones((2, 2), dtype=bool))
    with pytest.raises(ValueError):
        line.search([0, 0], filter=[[1, 2]])
    with pytest.raises(ValueError):
        line.search([0, 0], filter=[-1])


def test_constructors_take_their_own_kind_only():
    with pytest.raises(TypeError, match="booleans"):
        Filter.bitmap([1, 0])
    with pytest.raises(TypeError, match="integers"):
        Filter.ids([True, False])
    with pytest.raises(TypeError, match="callable"):
        Filter.where([1])
    with pytest.raises(TypeError, match="Filter.bitmap, Filter.ids or Filter.where"):
        Filter()


def test_its_text_tells_what_it_is():
    assert repr(Filter.bitmap([True, False])) == "Filter.bitmap(<2 bits>)"
    assert repr(~Filter.ids([1, 2, 3])) == "~Filter.ids(<3 ids>)"
    assert repr(Filter.where(len)) == "Filter.where(<built-in function len>)"
