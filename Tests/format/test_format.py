# Files of the library, read by docs/file-format.md alone: what was saved is there, byte for byte.
# SPDX-License-Identifier: Apache-2.0
import math
import struct

import numpy as np
import pytest
import xxhash

import read_index
import vecstore

NUMBERS = ("float32", "float16", "bfloat16", "int8", "uint8")
NUMBER_PAIRS = [(metric, dtype) for metric in ("l2sq", "ip", "cosine", "l1") for dtype in NUMBERS]
PAIRS = NUMBER_PAIRS + [("hamming", "bits"), ("jaccard", "bits")]
CODED_PAIRS = [(metric, dtype) for metric in ("l2sq", "ip", "cosine") for dtype in NUMBERS[:3]]
DIM = 37


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def vectors_of(rng, n, dtype, dim=DIM):
    """Random vectors in the form in which Python takes them."""
    if dtype == "bits":
        return vecstore.pack_bits(rng.random((n, dim)) < 0.5)
    if dtype in ("int8", "uint8"):
        low, high = (-128, 128) if dtype == "int8" else (0, 256)
        return rng.integers(low, high, (n, dim)).astype(dtype)
    return vecstore.convert(rng.standard_normal((n, dim)).astype(np.float32), dtype)


def save(path, vectors, ids=None, **options):
    """Saves an index with these rows and reads the file back. Returns the reader."""
    with vecstore.Index("flat", **options) as index:
        index.add(vectors, ids=ids)
        index.save(path)
    return read_index.read(path)


def checksum(data):
    return xxhash.xxh3_64_intdigest(data)


def signed(data):
    """The bytes of a file, with the checksum of the fixed part made right again."""
    return data[:120] + struct.pack("<Q", checksum(data[:120])) + data[128:]


# ---- What is there ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric, dtype", PAIRS)
def test_the_header_says_what_the_index_is(tmp_path, rng, metric, dtype):
    found = save(tmp_path / "index", vectors_of(rng, 5, dtype), [9, 3, 7, 1, 5], dim=DIM, metric=metric, dtype=dtype)
    assert (found.format_version, found.kind, found.dim, found.count) == (1, 1, DIM, 5)
    assert (read_index.METRICS[found.metric], read_index.DTYPES[found.dtype]) == (metric, dtype)
    assert found.next_id == 10


@pytest.mark.parametrize("metric, dtype", PAIRS)
def test_rows_and_ids_come_back_exactly(tmp_path, rng, metric, dtype):
    vectors = vectors_of(rng, 20, dtype)
    ids = rng.permutation(1000)[:20]
    found = save(tmp_path / "index", vectors, ids, dim=DIM, metric=metric, dtype=dtype)
    assert found.sections["rows"] == vectors.tobytes()
    assert found.ids == ids.tolist()
    found.check_ids()


@pytest.mark.parametrize("dtype", [*NUMBERS, "bits"])
def test_elements_have_the_values_that_the_document_gives_them(tmp_path, rng, dtype):
    vectors = vectors_of(rng, 3, dtype)
    metric = "hamming" if dtype == "bits" else "l1"
    found = save(tmp_path / "index", vectors, dim=DIM, metric=metric, dtype=dtype)
    if dtype == "bits":
        expected = vecstore.unpack_bits(vectors, DIM)
    else:
        source = "bfloat16" if dtype == "bfloat16" else None
        expected = vecstore.convert(vectors, "float32", source_dtype=source)
    assert [found.row(i) for i in range(3)] == expected.tolist()


def test_removed_rows_are_not_in_the_file_and_updated_ones_are_there_once(tmp_path, rng):
    vectors = vectors_of(rng, 30, "float32")
    with vecstore.Index("flat", dim=DIM) as index:
        index.add(vectors)
        index.remove([0, 4, 29])
        index.update([7], vectors[:1])
        index.save(tmp_path / "index")
        ids = index.ids()
        expected = index.get(ids)
    found = read_index.read(tmp_path / "index")
    assert found.ids == ids.tolist()
    assert found.sections["rows"] == expected.tobytes()
    assert found.row(found.position(7)) == vectors[0].tolist()
    assert found.position(4) is None
    assert found.next_id == 30


def test_ids_that_ascend_need_no_order(tmp_path, rng):
    found = save(tmp_path / "index", vectors_of(rng, 9, "float32"), range(10, 100, 10), dim=DIM)
    assert found.ids_ascend
    assert "id_order" not in found.sections
    assert [found.position(i) for i in (10, 90, 55)] == [0, 8, None]


def test_other_ids_come_with_their_order(tmp_path, rng):
    ids = [50, 2**64 - 2, 0, 7]
    found = save(tmp_path / "index", vectors_of(rng, 4, "float32"), ids, dim=DIM)
    assert found.id_order == [2, 3, 0, 1]
    assert [found.position(i) for i in ids] == [0, 1, 2, 3]
    assert found.next_id == read_index.NO_ID


@pytest.mark.parametrize("options", [{"metric": "l1"}, {"metric": "cosine", "exact_codes": True}])
def test_an_index_without_rows_is_a_header_alone(tmp_path, options):
    with vecstore.Index("flat", dim=DIM, **options) as index:
        index.save(tmp_path / "index")
    found = read_index.read(tmp_path / "index")
    assert (found.count, found.next_id, found.ids_ascend) == (0, 0, True)
    assert set(found.sections.values()) == {b""}


# ---- The columns beside the rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric, dtype", NUMBER_PAIRS)
def test_norms_are_those_of_the_rows(tmp_path, rng, metric, dtype):
    found = save(tmp_path / "index", vectors_of(rng, 20, dtype), dim=DIM, metric=metric, dtype=dtype)
    squares = [math.fsum(x * x for x in found.row(i)) for i in range(20)]
    relative = (DIM + 1) * 2.0**-24
    assert ("squared_norms" in found.sections) == (metric in ("l2sq", "ip") and dtype not in ("int8", "uint8"))
    assert ("inverse_norms" in found.sections) == (metric == "cosine")
    if "squared_norms" in found.sections:
        assert found.squared_norms == pytest.approx(squares, rel=relative)
    if "inverse_norms" in found.sections:
        assert found.inverse_norms == pytest.approx([1 / math.sqrt(s) for s in squares], rel=relative)


@pytest.mark.parametrize("metric, dtype", CODED_PAIRS)
def test_codes_are_as_near_to_the_rows_as_the_file_says(tmp_path, rng, metric, dtype):
    vectors = vectors_of(rng, 20, dtype)
    found = save(tmp_path / "index", vectors, dim=DIM, metric=metric, dtype=dtype, exact_codes=True)
    for i in range(20):
        row, code = found.row(i), found.code(i)
        if metric == "cosine":
            norm = math.sqrt(math.fsum(x * x for x in row))
            row = [x / norm for x in row]
        distance = math.dist(row, [found.code_scale[i] * c for c in code])
        assert max(map(abs, code)) == 127
        assert 0 < distance <= found.code_error[i]
        assert found.code_error[i] <= 1.01 * distance


def test_codes_are_there_only_where_they_are_kept(tmp_path, rng):
    vectors = vectors_of(rng, 3, "float32")
    without = save(tmp_path / "index", vectors, dim=DIM, exact_codes=False)
    assert not without.has_codes
    assert "codes" not in without.sections


# ---- The rules of the bytes ------------------------------------------------------------------------------------------


def test_sections_begin_at_multiples_of_64_and_follow_one_another(tmp_path, rng):
    found = save(tmp_path / "index", vectors_of(rng, 13, "float32"), rng.permutation(13), dim=DIM)
    assert list(found.sections) == ["rows", "ids", "id_order", "squared_norms", "codes", "code_scale", "code_error"]
    assert all(offset % 64 == 0 for offset in found.offsets.values())
    assert list(found.offsets.values()) == sorted(found.offsets.values())


def test_every_checksum_is_xxh3_of_just_its_bytes(tmp_path, rng):
    path = tmp_path / "index"
    found = save(path, vectors_of(rng, 13, "float16"), dim=DIM, dtype="float16", metric="cosine")
    data = path.read_bytes()
    assert struct.unpack_from("<Q", data, 120)[0] == checksum(data[:120])
    assert struct.unpack_from("<Q", data, 112)[0] == checksum(data[128 : found.header_size])
    for i, section in enumerate(found.sections.values()):
        assert struct.unpack_from("<Q", data, 128 + 32 * i + 24)[0] == checksum(section)


def test_the_same_rows_give_the_same_file(tmp_path, rng):
    vectors = vectors_of(rng, 50, "float32")
    for name, threads in (("one", 1), ("two", 2)):
        with vecstore.Index("flat", dim=DIM) as index:
            index.add(vectors, threads=threads)
            index.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


# ---- The reader and the library refuse the same ----------------------------------------------------------------------


def refused(path, error):
    """Both refuse a file; the library with `error`."""
    with pytest.raises(read_index.FormatError):
        read_index.read(path)
    with pytest.raises(error):
        vecstore.Index.open(path, verify=True)


def test_a_changed_byte_is_refused_wherever_it_is(tmp_path, rng):
    path = tmp_path / "index"
    save(path, vectors_of(rng, 3, "int8"), [2, 1, 0], dim=DIM, dtype="int8")
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
        refused(path, (vecstore.CorruptError, vecstore.NewerVersionError))


def test_a_cut_or_longer_file_is_refused(tmp_path, rng):
    path = tmp_path / "index"
    save(path, vectors_of(rng, 3, "int8"), dim=DIM, dtype="int8")
    good = path.read_bytes()
    for other in (b"", good[:100], good[:-1], good + b"\0"):
        path.write_bytes(other)
        refused(path, vecstore.CorruptError)


@pytest.mark.parametrize(
    "offset, letter, value, error",
    [
        (8, "I", 2, vecstore.NewerVersionError),
        (8, "I", 0, vecstore.CorruptError),
        (12, "I", 0x04030201, vecstore.CorruptError),
        (16, "Q", 1, vecstore.CorruptError),
        (24, "I", 64, vecstore.CorruptError),
        (28, "I", 1, vecstore.CorruptError),
        (32, "I", 2, vecstore.CorruptError),
        (36, "I", 0, vecstore.CorruptError),
        (36, "I", DIM + 1, vecstore.CorruptError),
        (40, "I", 5, vecstore.CorruptError),
        (44, "I", 6, vecstore.CorruptError),
        (48, "Q", 2**63, vecstore.CorruptError),
        (64, "I", 2, vecstore.CorruptError),
        (64, "I", 4, vecstore.CorruptError),
        (68, "I", 1, vecstore.CorruptError),
        (108, "I", 1, vecstore.CorruptError),
        (112, "Q", 0, vecstore.CorruptError),
    ],
)
def test_a_field_that_breaks_its_rule_is_refused_though_its_checksum_is_right(
    tmp_path, rng, offset, letter, value, error
):
    path = tmp_path / "index"
    save(path, vectors_of(rng, 3, "int8"), dim=DIM, dtype="int8")
    data = bytearray(path.read_bytes())
    struct.pack_into("<" + letter, data, offset, value)
    path.write_bytes(signed(bytes(data)))
    refused(path, error)


# ---- A file that the library did not write ---------------------------------------------------------------------------


def test_a_file_made_by_the_document_alone_opens(tmp_path):
    rows = [[3, -4], [0, 0], [127, -128]]
    ids = [7, 5, 6]
    sections = [
        (read_index.ROWS, struct.pack("<6b", *sum(rows, []))),
        (read_index.IDS, struct.pack("<3Q", *ids)),
        (read_index.ID_ORDER, struct.pack("<3I", 1, 2, 0)),
    ]
    table, body, end = b"", b"", 128 + 32 * len(sections)
    for kind, content in sections:
        start = (end + 63) // 64 * 64
        body += b"\0" * (start - end) + content
        table += struct.pack("<IIQQQ", kind, 0, start, len(content), checksum(content))
        end = start + len(content)
    header_size, kind, dim, count, next_id, flags = 128 + len(table), 1, 2, 3, 8, 0
    fixed = struct.pack("<8sIIQII", b"VECSTORE", 1, 0x01020304, end, header_size, len(sections))
    fixed += struct.pack("<IIIIQQI", kind, dim, read_index.L1, read_index.INT8, count, next_id, flags)
    fixed += b"\0" * (112 - len(fixed)) + struct.pack("<Q", checksum(table))
    fixed += struct.pack("<Q", checksum(fixed))
    path = tmp_path / "made"
    path.write_bytes(fixed + table + body)

    for mmap in (True, False):
        with vecstore.Index.open(path, mmap=mmap, verify=True) as index:
            index.verify()
            assert index.stats().next_id == 8
            assert index.get([7, 5, 6]).tolist() == rows
            found, distances = index.search(np.array([1, -1], dtype=np.int8), k=3)
            assert found.tolist() == [[5, 7, 6]]
            assert distances.tolist() == [[2.0, 5.0, 253.0]]
