# Saving, mapping, loading.
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib

import numpy as np
import pytest

import reference
import vecstore


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("metric, dtype", reference.PAIRS)
def test_an_opened_index_answers_as_the_saved_one(tmp_path, rng, metric, dtype, mmap):
    vectors, queries = reference.vectors(rng, 200, dtype), reference.vectors(rng, 7, dtype)
    path = tmp_path / "index"
    with vecstore.Index("flat", dim=reference.DIM, metric=metric, dtype=dtype) as index:
        ids = index.add(vectors, ids=rng.permutation(1000)[:200])
        index.remove(ids[:20])
        expected = index.search(queries, k=15)
        index.save(path)
    with vecstore.Index.open(path, mmap=mmap) as opened:
        assert (opened.kind, opened.dim, opened.metric, opened.dtype) == ("flat", reference.DIM, metric, dtype)
        assert opened.read_only is mmap
        assert len(opened) == 180
        np.testing.assert_array_equal(np.sort(opened.ids()), np.sort(ids[20:]))
        np.testing.assert_array_equal(opened.get(ids[20:]), vectors[20:])
        found = opened.search(queries, k=15)
        np.testing.assert_array_equal(found.ids, expected.ids)
        np.testing.assert_array_equal(found.distances, expected.distances)
        opened.verify()


def test_mapping_is_the_default_and_takes_no_copy(tmp_path, line):
    line.save(tmp_path / "index")
    with vecstore.Index.open(tmp_path / "index") as index:
        stats = index.stats()
        assert index.read_only
        assert stats.mapped_bytes > 0


def test_a_loaded_index_can_be_changed_and_goes_on_counting_ids(tmp_path, line):
    line.remove([9])
    line.save(tmp_path / "index")
    with vecstore.Index.open(tmp_path / "index", mmap=False) as index:
        assert index.stats().mapped_bytes == 0
        assert index.add([[20, 0]]).tolist() == [10]
        index.update([0], [[30, 0]])
        assert index.search([30, 0], k=1).ids.tolist() == [[0]]
    with vecstore.Index.open(tmp_path / "index") as index:
        assert index.search([0, 0], k=1).ids.tolist() == [[0]]


def test_an_empty_index_can_be_saved(tmp_path):
    with vecstore.Index("flat", dim=3, metric="ip") as index:
        index.save(tmp_path / "index")
    for mmap in (True, False):
        with vecstore.Index.open(tmp_path / "index", mmap=mmap) as index:
            assert (len(index), index.metric) == (0, "ip")


def test_saving_replaces_the_file_and_an_open_map_stays_valid(tmp_path, line):
    path = tmp_path / "index"
    line.save(path)
    with vecstore.Index.open(path) as old:
        line.remove([0])
        line.save(path, sync=False)
        assert old.search([0, 0], k=1).ids.tolist() == [[0]]
        with vecstore.Index.open(path) as new:
            assert new.search([0, 0], k=1).ids.tolist() == [[1]]
    assert os.listdir(tmp_path) == ["index"]


@pytest.mark.parametrize("name", ["plain", "with space", "übung-日本", "%s%n"])
def test_paths_may_be_str_bytes_or_path(tmp_path, line, name):
    path = tmp_path / name
    for form in (str(path), os.fsencode(path), path, pathlib.PurePosixPath(path)):
        line.save(form)
        assert path.stat().st_size > 0
        with vecstore.Index.open(form) as index:
            assert len(index) == 10
        path.unlink()


def test_a_name_that_is_not_utf8_is_refused_whatever_its_form(tmp_path, line):
    raw = os.fsencode(tmp_path) + b"/caf\xe9"
    for path in (raw, os.fsdecode(raw), pathlib.Path(os.fsdecode(raw))):
        with pytest.raises(vecstore.InvalidArgumentError):
            line.save(path)
        with pytest.raises(vecstore.InvalidArgumentError):
            vecstore.Index.open(path)
    assert os.listdir(tmp_path) == []


def test_paths_that_cannot_be_are_refused(line):
    with pytest.raises(vecstore.InvalidArgumentError, match="NUL"):
        line.save("a\0b")
    with pytest.raises(vecstore.InvalidArgumentError, match="NUL"):
        vecstore.Index.open("a\0b")
    with pytest.raises(TypeError):
        vecstore.Index.open(3.5)
    for path in ("", "x" * 5000):
        with pytest.raises(vecstore.InvalidArgumentError):
            line.save(path)
        with pytest.raises(vecstore.InvalidArgumentError):
            vecstore.Index.open(path)


def test_what_is_no_regular_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(vecstore.InvalidArgumentError):
            vecstore.Index.open(path)


def test_a_directory_is_not_replaced_by_an_index(tmp_path, line):
    (tmp_path / "folder").mkdir()
    with pytest.raises(vecstore.Error):
        line.save(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("mmap, verify", [(True, True), (False, True), (False, None)])
def test_one_changed_byte_of_the_rows_is_found_where_all_is_checked(tmp_path, rng, mmap, verify):
    path = tmp_path / "index"
    vectors = rng.standard_normal((50, 16)).astype(np.float32)
    with vecstore.Index("flat", dim=16, exact_codes=False) as index:
        index.add(vectors)
        index.save(path)
    content = bytearray(path.read_bytes())
    content[content.index(vectors[25].tobytes()) + 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(vecstore.CorruptError):
        vecstore.Index.open(path, mmap=mmap, verify=verify)


def test_a_quick_open_leaves_the_bytes_to_verify(tmp_path, rng):
    path = tmp_path / "index"
    vectors = rng.standard_normal((50, 16)).astype(np.float32)
    with vecstore.Index("flat", dim=16, exact_codes=False) as index:
        index.add(vectors)
        index.save(path)
    content = bytearray(path.read_bytes())
    content[content.index(vectors[25].tobytes()) + 1] ^= 1
    path.write_bytes(content)
    for verify in (None, False):
        with vecstore.Index.open(path, verify=verify) as index:
            with pytest.raises(vecstore.CorruptError):
                index.verify()


def test_pages_can_be_read_in_at_once(tmp_path, line):
    line.save(tmp_path / "index")
    with vecstore.Index.open(tmp_path / "index", prefault=True) as index:
        assert index.search([4, 0], k=1).ids.tolist() == [[4]]


def test_a_subclass_opens_as_itself(tmp_path, line):
    class Texts(vecstore.Index):
        pass

    line.save(tmp_path / "index")
    with Texts.open(tmp_path / "index") as index:
        assert type(index) is Texts
