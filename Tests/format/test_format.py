# Files of the library, read by docs/file-format.md alone: what was saved is there, byte for byte.
# SPDX-License-Identifier: Apache-2.0
import math
import struct
import warnings

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


def save(path, vectors, ids=None, kind="flat", **options):
    """Saves an index with these rows and reads the file back. Returns the reader."""
    with vecstore.Index(kind, **options) as index:
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
        (8, "I", 2, vecstore.CorruptError),
        (8, "I", 3, vecstore.NewerVersionError),
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


def file_of(kind, metric, dtype, dim, count, next_id, flags, fields, sections):
    """The bytes of a file with these sections, each a number and its content."""
    table, body, end = b"", b"", 128 + 32 * len(sections)
    for number, content in sections:
        start = (end + 63) // 64 * 64
        body += b"\0" * (start - end) + content
        table += struct.pack("<IIQQQ", number, 0, start, len(content), checksum(content))
        end = start + len(content)
    fixed = struct.pack("<8sIIQII", b"VECSTORE", 1, 0x01020304, end, 128 + len(table), len(sections))
    fixed += struct.pack("<IIIIQQI", kind, dim, metric, dtype, count, next_id, flags) + fields
    fixed += b"\0" * (112 - len(fixed)) + struct.pack("<Q", checksum(table))
    fixed += struct.pack("<Q", checksum(fixed))
    return fixed + table + body


def test_a_file_made_by_the_document_alone_opens(tmp_path):
    rows = [[3, -4], [0, 0], [127, -128]]
    ids = [7, 5, 6]
    sections = [
        (read_index.ROWS, struct.pack("<6b", *sum(rows, []))),
        (read_index.IDS, struct.pack("<3Q", *ids)),
        (read_index.ID_ORDER, struct.pack("<3I", 1, 2, 0)),
    ]
    kind, dim, count, next_id, flags = read_index.FLAT, 2, 3, 8, 0
    data = file_of(kind, read_index.L1, read_index.INT8, dim, count, next_id, flags, b"", sections)
    path = tmp_path / "made"
    path.write_bytes(data)

    for mmap in (True, False):
        with vecstore.Index.open(path, mmap=mmap, verify=True) as index:
            index.verify()
            assert index.stats().next_id == 8
            assert index.get([7, 5, 6]).tolist() == rows
            found, distances = index.search(np.array([1, -1], dtype=np.int8), k=3)
            assert found.tolist() == [[5, 7, 6]]
            assert distances.tolist() == [[2.0, 5.0, 253.0]]


# ---- Graphs ----------------------------------------------------------------------------------------------------------


def save_graph(path, vectors, ids=None, **options):
    return save(path, vectors, ids, kind="hnsw", **options)


def like_texts(rng, n, dim):
    """Vectors that crowd as embeddings do: their spread lies in few directions."""
    return (rng.standard_normal((n, 8)) @ rng.standard_normal((8, dim)) + 0.3).astype(np.float32)


def scaled(row):
    """A row of norm 1."""
    norm = math.sqrt(math.fsum(x * x for x in row))
    return [x / norm for x in row]


@pytest.mark.parametrize("metric, dtype", PAIRS)
def test_a_graph_has_a_header_its_ids_and_its_rows(tmp_path, rng, metric, dtype):
    vectors = vectors_of(rng, 60, dtype)
    ids = rng.permutation(1000)[:60]
    with vecstore.Index("hnsw", dim=DIM, metric=metric, dtype=dtype, m=5) as index:
        index.add(vectors, ids)
        index.save(tmp_path / "index")
    found = read_index.read(tmp_path / "index")
    assert (found.format_version, found.kind, found.dim, found.count, found.m) == (1, 2, DIM, 60, 5)
    assert (read_index.METRICS[found.metric], read_index.DTYPES[found.dtype]) == (metric, dtype)
    assert (found.storage, found.full_dtype) == (read_index.AS_ADDED, 0)
    assert sorted(found.ids) == sorted(ids.tolist())
    found.check_ids()
    found.check_graph()
    raw = dict(zip(ids.tolist(), vectors))
    for position, row_id in enumerate(found.ids):
        start = position * found.walk_stride
        stored = found.sections["walk_rows"][start : start + found.walk_stride]
        assert stored[: found.row_size] == raw[row_id].tobytes()
        assert not any(stored[found.row_size :]), "zeros up to the next row"


@pytest.mark.parametrize(
    "dtype, storage, rescore, stored, full",
    [
        ("float32", "float32", "default", 0, 0),
        ("float32", "float32", "float16", 0, 0),
        ("float32", "float16", "default", 2, 1),
        ("float32", "bfloat16", "default", 3, 1),
        ("float32", "bfloat16", "float16", 3, 2),
        ("float32", "float16", None, 2, 0),
        ("float16", "float16", "default", 0, 0),
        ("float32", "int8", "default", 4, 1),
        ("float32", "int8", "float16", 4, 2),
        ("float32", "int8", None, 4, 0),
        ("float16", "int8", "default", 4, 2),
        ("bfloat16", "int8", "default", 4, 3),
        ("float32", "int4", "default", 5, 1),
        ("float32", "int4", None, 5, 0),
        ("float16", "int4", "default", 5, 2),
        ("bfloat16", "int4", None, 5, 0),
    ],
)
def test_rows_of_a_graph_are_stored_as_the_header_says(tmp_path, rng, dtype, storage, rescore, stored, full):
    vectors = vectors_of(rng, 2100, dtype)
    with vecstore.Index("hnsw", dim=DIM, dtype=dtype, storage=storage, rescore=rescore) as index:
        index.add(vectors)
        index.save(tmp_path / "index")
        expected = index.get(range(0, 2100, 100), dtype=None if dtype == "float32" else "float32")
    found = read_index.read(tmp_path / "index")
    assert (found.storage, found.full_dtype) == (stored, full)
    assert found.decided_storage == {"int8": read_index.AS_INT8, "int4": read_index.AS_INT4}.get(storage)
    for row_id, row in zip(range(0, 2100, 100), expected):
        assert found.row(found.position(row_id)) == pytest.approx(row.tolist(), rel=1e-6, abs=1e-6)


def assert_nearest(codes, decoded, row, steps, largest):
    """No other code says more of an element; those beyond the ends have the first code or the last."""
    for code, near, x, step in zip(codes, decoded, row, steps):
        is_cut = (code == 0 and x < near) or (code == largest and x > near)
        assert is_cut or abs(x - near) <= step * 0.501


@pytest.mark.parametrize("metric, dtype", CODED_PAIRS)
def test_codes_of_a_graph_are_the_nearest_that_there_are(tmp_path, rng, metric, dtype):
    found = save_graph(
        tmp_path / "index", vectors_of(rng, 2100, dtype), dim=DIM, metric=metric, dtype=dtype, storage="int8"
    )
    _, steps = found.ranges("quantizer")
    for position in range(0, 2100, 50):
        row = scaled(found.row(position)) if metric == "cosine" else found.row(position)
        assert_nearest(found.walk_codes(position), found.walk_row(position), row, steps, largest=255)
    used = {code for position in range(0, 2100, 50) for code in found.walk_codes(position)}
    assert len(used) > 128, "the codes make use of their range"


@pytest.mark.parametrize("metric", ["l2sq", "ip", "cosine"])
def test_factors_of_codes_are_their_squares_around_the_centers(tmp_path, rng, metric):
    found = save_graph(tmp_path / "index", vectors_of(rng, 2100, "float32"), dim=DIM, metric=metric, storage="int8")
    assert ("walk_factors" in found.sections) == (metric == "l2sq")
    if metric != "l2sq":
        return
    centers, _ = found.ranges("quantizer")
    for position in range(0, 2100, 50):
        squares = math.fsum((x - c) ** 2 for x, c in zip(found.walk_row(position), centers))
        assert found.walk_factors[position] == pytest.approx(squares, rel=1e-5)


@pytest.mark.parametrize("metric", ["l2sq", "ip", "cosine"])
@pytest.mark.parametrize("dim, power", [(96, 1), (130, 3)])
def test_codes_of_4_bits_are_the_nearest_and_have_a_sum_and_a_scale(tmp_path, rng, metric, dim, power):
    vectors = like_texts(rng, 2100, dim) if power == 1 else rng.standard_normal((2100, dim)).astype(np.float32) ** power
    found = save_graph(tmp_path / "index", vectors, dim=dim, metric=metric, storage="int4", seed=5)
    assert not found.has_sketches
    assert found.is_rotated == (power == 3), "even steps do not fit elements that are small or very large"
    centers, steps = found.ranges("quantizer")
    for position in range(0, 2100, 50):
        row = scaled(found.row(position)) if metric == "cosine" else found.row(position)
        row = found.rotated(row) if found.is_rotated else row
        decoded = found.walk_row(position)
        own = [x - c for x, c in zip(row, centers)]
        coded = [x - c for x, c in zip(decoded, centers)]
        length = math.sqrt(math.fsum(step * step for step in steps)) / 0.3352
        stretch = length / math.sqrt(math.fsum(x * x for x in own))
        of_one_length = [c + x * stretch for x, c in zip(own, centers)]
        assert_nearest(found.walk_codes(position), decoded, of_one_length, steps, largest=15)
        squares, shared = math.fsum(x * x for x in own), math.fsum(x * y for x, y in zip(own, coded))
        along = math.fsum(x * c for x, c in zip(own, centers))
        scale = min(squares / shared, 1.25 * shared / math.fsum(y * y for y in coded))
        assert found.packed_factors(position) == pytest.approx(
            (squares if metric == "l2sq" else -along, scale), rel=1e-4, abs=1e-5
        )


@pytest.mark.parametrize("dtype", NUMBERS)
def test_norms_of_a_graph_are_those_of_its_rows(tmp_path, rng, dtype):
    found = save_graph(tmp_path / "index", vectors_of(rng, 50, dtype), dim=DIM, metric="cosine", dtype=dtype)
    expected = [1 / math.sqrt(math.fsum(x * x for x in found.row(i))) for i in range(50)]
    assert found.inverse_norms == pytest.approx(expected, rel=(DIM + 1) * 2.0**-24)
    assert found.walk_factors == pytest.approx(expected, rel=(DIM + 2) * 2.0**-24)


def test_norms_are_those_of_the_finest_rows_and_not_there_without(tmp_path, rng):
    vectors = vectors_of(rng, 2100, "float32")
    fine = save_graph(tmp_path / "fine", vectors, dim=DIM, metric="cosine", storage="int8", rescore="float16")
    expected = [1 / math.sqrt(math.fsum(x * x for x in fine.row(i))) for i in range(0, 2100, 50)]
    assert fine.inverse_norms[::50] == pytest.approx(expected, rel=(DIM + 1) * 2.0**-24)
    coarse = save_graph(tmp_path / "coarse", vectors, dim=DIM, metric="cosine", storage="int8", rescore=None)
    assert "inverse_norms" not in coarse.sections


@pytest.mark.parametrize("metric", ["l2sq", "ip", "cosine"])
@pytest.mark.parametrize("dim", [96, 130])
def test_sketches_are_the_nearest_of_sixteen_levels(tmp_path, rng, metric, dim):
    found = save_graph(tmp_path / "index", like_texts(rng, 2100, dim), dim=dim, metric=metric, storage="int8")
    assert found.has_sketches
    assert ("sketch_factors" in found.sections) == (metric == "l2sq")
    centers, steps = found.ranges("sketcher")
    for position in range(0, 2100, 100):
        row = scaled(found.row(position)) if metric == "cosine" else found.row(position)
        assert_nearest(found.sketch_codes(position), found.sketch(position), row, steps, largest=15)
        if metric == "l2sq":
            squares = math.fsum((x - c) ** 2 for x, c in zip(row, centers))
            assert found.sketch_factors[position] == pytest.approx(squares, rel=1e-5)


def test_sketches_are_not_there_without_finer_rows(tmp_path, rng):
    found = save_graph(tmp_path / "index", like_texts(rng, 2100, 96), dim=96, storage="int8", rescore=None)
    assert not found.has_sketches
    assert not {"sketcher", "sketches", "sketch_factors"} & set(found.sections)


def test_links_lead_to_what_is_near(tmp_path, rng):
    """A search by the document alone: from the entry to the nearest neighbour, level by level, then with 50 in view."""
    vectors = vectors_of(rng, 2100, "float32", 16)
    found = save_graph(tmp_path / "index", vectors, dim=16, storage="float32")
    found.check_graph()
    rows = np.array([found.row(i) for i in range(2100)])
    assert found.entry_level >= 1

    def nearest(query):
        def distance(row):
            return float(((rows[row] - query) ** 2).sum())

        at = found.entry_row
        for level in range(found.entry_level, 0, -1):
            while True:
                best = min((other for other, _ in found.links(at, level)), key=distance, default=at)
                if distance(best) >= distance(at):
                    break
                at = best
        view, seen, expanded = {at: distance(at)}, {at}, set()
        while waiting := sorted((d, row) for row, d in view.items() if row not in expanded):
            row = waiting[0][1]
            expanded.add(row)
            for other, _ in found.links(row):
                if other not in seen:
                    seen.add(other)
                    view[other] = distance(other)
            view = dict(sorted(view.items(), key=lambda item: item[1])[:50])
        return list(view)[:10]

    queries = vectors_of(rng, 20, "float32", 16)
    truth = [set(np.argsort(((rows - query) ** 2).sum(1))[:10].tolist()) for query in queries]
    hits = sum(len(truth[i] & set(nearest(query))) for i, query in enumerate(queries))
    assert hits >= 0.95 * 200


def test_the_notes_say_how_a_graph_was_made_and_what_was_found(tmp_path, rng):
    vectors = vectors_of(rng, 2100, "float32")
    with vecstore.Index("hnsw", dim=DIM, ef_construction=77, seed=2**63 + 5, rescore="float16") as index:
        index.add(vectors)
        index.remove([0, 1])
        calibration = index.calibrate(vectors[:100], recall=0.9, k=7)
        index.save(tmp_path / "index")
        loss = index.stats().code_loss
    found = read_index.read(tmp_path / "index")
    assert (found.ef_construction, found.seed, found.insertions) == (77, 2**63 + 5, 2100)
    assert (found.asked_storage, found.asked_rescore) == (0, 3)
    assert found.decided_storage is not None
    assert found.code_loss == pytest.approx(loss)
    assert (found.calibrated_k, found.calibrated_ef_search) == (7, calibration.ef_search)
    assert found.calibrated_target == pytest.approx(0.9)
    assert found.calibrated_recall == pytest.approx(calibration.recall)
    assert found.calibrated_by_own_rows == 0
    assert len(found.sections["graph_notes"]) == 1152
    assert not any(found.sections["graph_notes"][76:128])


def test_the_notes_name_the_rows_where_walks_begin(tmp_path, rng):
    some = save_graph(tmp_path / "some", vectors_of(rng, 10, "float32"), dim=DIM)
    assert (some.landmarks, some.landmark_radius) == (tuple(range(1, 10)), float("-inf"))
    many = save_graph(tmp_path / "many", vectors_of(rng, 1000, "float32"), dim=DIM)
    assert 128 <= len(many.landmarks) == len(set(many.landmarks)) <= 256
    assert 0 < many.landmark_radius < float("inf")


def test_what_was_not_decided_or_measured_yet_is_marked_in_the_notes(tmp_path, rng):
    found = save_graph(tmp_path / "index", vectors_of(rng, 10, "float32"), dim=DIM)
    assert found.decided_storage is None
    assert found.code_loss == -1
    assert (found.calibrated_k, found.calibrated_ef_search, found.calibrated_recall) == (0, 0, 0)


def test_a_graph_that_has_changed_has_no_gaps_in_its_file(tmp_path, rng):
    vectors = vectors_of(rng, 1000, "float32")
    with vecstore.Index("hnsw", dim=DIM, m=4) as index:
        index.add(vectors)
        index.remove(range(0, 500, 3))
        index.update([1, 2, 4], vectors[:3])
        index.add(vectors[:5])
        index.save(tmp_path / "index")
        ids = index.ids()
        expected = dict(zip(ids.tolist(), index.get(ids).tolist()))
    found = read_index.read(tmp_path / "index")
    found.check_ids()
    found.check_graph()
    assert found.count == len(expected) == 1000 - 167 + 5
    assert {row_id: found.row(position) for position, row_id in enumerate(found.ids)} == expected
    assert found.list_count == sum(found.levels)
    assert found.next_id == 1005


def test_an_optimized_graph_keeps_its_rules(tmp_path, rng):
    with vecstore.Index("hnsw", dim=DIM, metric="cosine") as index:
        index.add(vectors_of(rng, 2100, "float32"))
        index.optimize()
        index.save(tmp_path / "index")
    found = read_index.read(tmp_path / "index")
    assert not found.ids_ascend
    found.check_ids()
    found.check_graph()


def test_a_graph_without_rows_has_its_notes_alone(tmp_path):
    with vecstore.Index("hnsw", dim=DIM) as index:
        index.save(tmp_path / "index")
    found = read_index.read(tmp_path / "index")
    assert (found.count, found.entry, found.root) == (0, read_index.NO_ENTRY, read_index.NO_ROW)
    assert {name for name, content in found.sections.items() if content} == {"graph_notes"}
    found.check_graph()


def test_the_same_rows_on_one_thread_give_the_same_graph(tmp_path, rng):
    vectors = like_texts(rng, 2100, 130)
    for name in ("first", "second"):
        with vecstore.Index("hnsw", dim=130) as index:
            index.add(vectors, threads=1)
            index.save(tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def moved_outside(data):
    """The file of a graph without its finer rows, and these in the order of their ids."""
    found = read_index.IndexFile(data)
    numbers = {name: number for number, name in read_index.SECTIONS.items()}
    kept = {name: content for name, content in found.sections.items() if name != "full_rows"}
    size = len(found.sections["full_rows"]) // found.count
    outside = bytearray(size * (max(found.ids) + 1))
    for position, row_id in enumerate(found.ids):
        row = found.sections["full_rows"][position * size : (position + 1) * size]
        outside[row_id * size : (row_id + 1) * size] = row
    body = bytes(128 + 32 * len(kept))
    table = b""
    for name, content in kept.items():
        body += bytes(-len(body) % 64)
        table += struct.pack("<IIQQQ", numbers[name], 0, len(body), len(content), checksum(content))
        body += content
    fixed = bytearray(data[:128])
    struct.pack_into("<I", fixed, 8, 2)
    struct.pack_into("<QII", fixed, 16, len(body), 128 + len(table), len(kept))
    struct.pack_into("<I", fixed, 64, found.flags | read_index.HAS_ROWS_OUTSIDE)
    struct.pack_into("<Q", fixed, 112, checksum(table))
    return signed(bytes(fixed) + table + body[128 + len(table) :]), bytes(outside)


@pytest.mark.parametrize("metric, rescore", [("l2sq", "default"), ("cosine", "float16")])
def test_a_graph_whose_rows_lie_outside_is_the_same_without_them(tmp_path, rng, metric, rescore):
    path = tmp_path / "index"
    vectors = vectors_of(rng, 2100, "float32")
    inside = save_graph(path, vectors, rng.permutation(2200)[:2100], dim=DIM, metric=metric, storage="int8", rescore=rescore)
    data, outside = moved_outside(path.read_bytes())
    path.write_bytes(data)
    found = read_index.read(path, outside)
    found.check_ids()
    found.check_graph()
    assert found.has_rows_outside and "full_rows" not in found.sections
    assert all(found.row(position) == inside.row(position) for position in range(0, 2100, 100))
    with pytest.raises(read_index.FormatError):
        read_index.read(path, outside[: len(outside) // 2]).check_ids()
    with pytest.raises(vecstore.InvalidArgumentError, match="part of a collection"):
        vecstore.Index.open(path)
    for offset, letter, value in [
        (8, "I", 1),
        (40, "I", 4),
        (44, "I", 4),
        (64, "I", found.flags & ~read_index.HAS_ROWS_OUTSIDE),
        (64, "I", found.flags | read_index.IS_AUTOMATIC),
    ]:
        bad = bytearray(data)
        struct.pack_into("<" + letter, bad, offset, value)
        path.write_bytes(signed(bytes(bad)))
        refused(path, vecstore.CorruptError)


def test_a_changed_byte_of_a_graph_is_refused_wherever_it_is(tmp_path, rng):
    path = tmp_path / "index"
    save_graph(path, vectors_of(rng, 3, "int8"), [2, 1, 0], dim=DIM, dtype="int8", m=2)
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
        refused(path, (vecstore.CorruptError, vecstore.NewerVersionError))


@pytest.mark.parametrize(
    "offset, letter, value",
    [
        (32, "I", 1),
        (32, "I", 3),
        (48, "Q", 2**31),
        (64, "I", 2),
        (64, "I", 4),
        (64, "I", 8),
        (68, "I", 1),
        (68, "I", 257),
        (72, "I", 1),
        (72, "I", 4),
        (72, "I", 5),
        (76, "I", 1),
        (76, "I", 7),
        (80, "Q", 2**63),
        (88, "Q", 3),
        (88, "Q", 2**36),
        (88, "Q", 2**64 - 1),
        (96, "I", 3),
        (100, "I", 1),
        (108, "I", 1),
    ],
)
def test_a_field_of_a_graph_that_breaks_its_rule_is_refused(tmp_path, rng, offset, letter, value):
    path = tmp_path / "index"
    save_graph(path, vectors_of(rng, 3, "int8"), dim=DIM, dtype="int8", m=2)
    data = bytearray(path.read_bytes())
    struct.pack_into("<" + letter, data, offset, value)
    path.write_bytes(signed(bytes(data)))
    refused(path, vecstore.CorruptError)


def forged(data, found, name, at, letter, value):
    """The bytes of a file with another value in a section, and all checksums made right again."""
    data = bytearray(data)
    struct.pack_into("<" + letter, data, found.offsets[name] + at, value)
    start = found.offsets[name]
    entry = 128 + 32 * list(found.sections).index(name)
    struct.pack_into("<Q", data, entry + 24, checksum(bytes(data[start : start + len(found.sections[name])])))
    struct.pack_into("<Q", data, 112, checksum(bytes(data[128 : found.header_size])))
    return signed(bytes(data))


# Rows 0, 1 and 2 with m = 2: the root is row 0, and each list of level 0 has 16 bytes.
@pytest.mark.parametrize(
    "name, at, letter, value",
    [
        ("links", 16, "I", 3),
        ("links", 16, "I", 1),
        ("links", 20, "I", 0),
        ("links", 16, "I", read_index.NO_ROW),
        ("links", 0, "I", 1),
        ("links", 16, "I", 2 | read_index.TREE_BIT),
        ("parents", 0, "I", 1),
        ("parents", 4, "I", 2),
        ("levels", 0, "B", 0),
        ("levels", 1, "B", 16),
        ("levels", 1, "B", 128),
    ],
)
def test_a_graph_that_breaks_a_rule_is_refused_though_its_checksums_are_right(tmp_path, name, at, letter, value):
    path = tmp_path / "made"
    path.write_bytes(made_graph())
    found = read_index.read(path)
    found.check_graph()
    path.write_bytes(forged(path.read_bytes(), found, name, at, letter, value))
    with pytest.raises(read_index.FormatError):
        read_index.read(path).check_graph()
    with pytest.raises(vecstore.CorruptError):
        vecstore.Index.open(path, verify=True)
    with pytest.raises(vecstore.CorruptError):
        vecstore.Index.open(path, mmap=False)


@pytest.mark.parametrize(
    "at, letter, value",
    [
        (0, "I", 0),
        (0, "I", 2**20 + 1),
        (4, "I", 6),
        (8, "I", 4),
        (12, "I", 6),
        (12, "I", 7),
        (24, "Q", 2**62),
        (36, "f", float("nan")),
        (60, "f", -1.0),
        (64, "I", 1),
        (68, "I", 257),
        (72, "f", float("nan")),
        (128, "I", 3),
    ],
)
def test_notes_that_break_a_rule_are_refused(tmp_path, at, letter, value):
    path = tmp_path / "made"
    path.write_bytes(made_graph())
    path.write_bytes(forged(path.read_bytes(), read_index.read(path), "graph_notes", at, letter, value))
    refused(path, vecstore.CorruptError)


ROWS_MADE = [[3, -4], [0, 0], [127, -128]]
IDS_MADE = [7, 5, 6]


def made_graph():
    """The bytes of a graph of three rows, by the document alone: row 0 is on level 1, and the parent of the others."""
    child, none = read_index.TREE_BIT, read_index.NO_ROW
    links = [[1 | child, 2 | child, none, none], [0, 2, none, none], [0, 1, none, none]]
    sections = [
        (read_index.IDS, struct.pack("<3Q", *IDS_MADE)),
        (read_index.ID_ORDER, struct.pack("<3I", 1, 2, 0)),
        (read_index.GRAPH_NOTES, struct.pack("<IIIIQQf32xIf52xI1020x", 200, 0, 0, 0, 0, 3, -1.0, 1, 9.0, 2)),
        (read_index.WALK_ROWS, b"".join(struct.pack("<2b14x", *row) for row in ROWS_MADE)),
        (read_index.LINKS, struct.pack("<12I", *sum(links, []))),
        (read_index.PARENTS, struct.pack("<3I", 0, 0, 0)),
        (read_index.LEVELS, bytes([1, 0, 0])),
        (read_index.UPPER_PLACES, struct.pack("<3I", 0, 0, 0)),
        (read_index.UPPER_LINKS, struct.pack("<2I", none, none)),
    ]
    m, storage, full_dtype, lists, entry, root = 2, 0, 0, 1, 1 << 32 | 0, 0
    fields = struct.pack("<IIIQQI", m, storage, full_dtype, lists, entry, root)
    return file_of(read_index.HNSW, read_index.L1, read_index.INT8, 2, 3, 8, 0, fields, sections)


def test_a_graph_made_by_the_document_alone_opens(tmp_path):
    path = tmp_path / "made"
    path.write_bytes(made_graph())
    for mmap in (True, False):
        with vecstore.Index.open(path, mmap=mmap, verify=True) as index:
            index.verify()
            assert (index.kind, index.stats().levels, index.stats().next_id) == ("hnsw", 2, 8)
            assert index.get(IDS_MADE).tolist() == ROWS_MADE
            found, distances = index.search(np.array([1, -1], dtype=np.int8), k=3)
            assert found.tolist() == [[5, 7, 6]]
            assert distances.tolist() == [[2.0, 5.0, 253.0]]
            if not mmap:
                assert index.add(np.array([[1, -1]], dtype=np.int8)).tolist() == [8]
                index.verify()


# ---- Inverted files --------------------------------------------------------------------------------------------------

LIST_METRICS = ("l2sq", "ip", "cosine")
LIST_PAIRS = [(metric, dtype) for metric in LIST_METRICS for dtype in NUMBERS]
NLIST = 6


def crowds(rng, n, dim=DIM):
    """Vectors of different lengths around a few others."""
    centers = 2 * rng.standard_normal((NLIST, dim))
    return (centers[rng.integers(0, NLIST, n)] + rng.standard_normal((n, dim))).astype(np.float32)


def save_lists(path, vectors, ids=None, **options):
    """As `save`, of an inverted file with six lists."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return save(path, vectors, ids, kind="ivf", **{"nlist": NLIST, **options})


def near(a, b, relative=1e-5):
    """That vectors are the same but for rounding."""
    return math.dist(a, b) <= relative * (1 + math.hypot(*a))


@pytest.mark.parametrize("metric, dtype", LIST_PAIRS)
@pytest.mark.parametrize("assignments", [1, 2])
def test_an_inverted_file_has_a_header_its_ids_and_its_rows(tmp_path, rng, metric, dtype, assignments):
    vectors = vectors_of(rng, 100, dtype)
    ids = rng.permutation(1000)[:100]
    found = save_lists(
        tmp_path / "index", vectors, ids, dim=DIM, metric=metric, dtype=dtype, assignments=assignments
    )
    assert (found.format_version, found.kind, found.dim, found.count) == (1, 3, DIM, 100)
    assert (read_index.METRICS[found.metric], read_index.DTYPES[found.dtype]) == (metric, dtype)
    assert (found.list_count, found.assignments, found.storage, found.numbers) == (NLIST, assignments, 0, 0)
    assert found.row_dtype == found.dtype
    assert sorted(found.ids) == sorted(ids.tolist())
    found.check_ids()
    found.check_lists()
    raw = dict(zip(ids.tolist(), vectors))
    size = found.row_size
    for position, row_id in enumerate(found.ids):
        assert found.sections["full_rows"][position * size : (position + 1) * size] == raw[row_id].tobytes()
    if metric == "cosine":
        expected = [1 / math.sqrt(math.fsum(x * x for x in found.row(i))) for i in range(100)]
        assert found.inverse_norms == pytest.approx(expected, rel=(DIM + 1) * 2.0**-24)


@pytest.mark.parametrize(
    "dtype, storage, rescore, stored, rows",
    [
        ("float32", "auto", "default", 0, 1),
        ("float32", "float32", "default", 1, 1),
        ("float32", "float16", "default", 2, 2),
        ("float32", "bfloat16", "default", 3, 3),
        ("float16", "float16", "default", 2, 2),
        ("int8", "auto", "default", 0, 4),
        ("float32", "pq", "default", 6, 1),
        ("float32", "pq", "float16", 6, 2),
        ("float32", "pq", None, 6, 0),
        ("float16", "pq", "default", 6, 2),
        ("bfloat16", "binary", "default", 7, 3),
        ("float32", "binary", "float32", 7, 1),
        ("float16", "binary", None, 7, 0),
    ],
)
def test_rows_of_an_inverted_file_are_stored_as_the_header_says(tmp_path, rng, dtype, storage, rescore, stored, rows):
    with vecstore.Index("ivf", dim=DIM, dtype=dtype, nlist=2, storage=storage, rescore=rescore) as index:
        index.add(vectors_of(rng, 200, dtype))
        index.save(tmp_path / "index")
        expected = index.get(range(0, 200, 10), dtype="float32" if dtype in ("float16", "bfloat16") else None)
    found = read_index.read(tmp_path / "index")
    assert (found.storage, found.row_dtype) == (stored, rows)
    assert ("full_rows" in found.sections) == (rows != 0)
    for row_id, row in zip(range(0, 200, 10), expected):
        allowed = 1e-2 if dtype == "float16" and rows == 0 else 1e-5
        assert near(found.row(found.position(row_id)), row.tolist(), allowed)


def as_listed(found, position):
    """A row as lists see it: under cosine of norm 1."""
    return scaled(found.row(position)) if found.metric == read_index.COSINE else found.row(position)


def negated_product(a, b):
    return -math.fsum(x * y for x, y in zip(a, b))


def squared_distance(a, b):
    return math.fsum((x - y) ** 2 for x, y in zip(a, b))


@pytest.mark.parametrize("metric", LIST_METRICS)
@pytest.mark.parametrize("assignments", [1, 2])
def test_each_row_is_in_the_list_of_the_nearest_centroid(tmp_path, rng, metric, assignments):
    found = save_lists(tmp_path / "index", crowds(rng, 400), dim=DIM, metric=metric, assignments=assignments)
    distance = squared_distance if metric == "l2sq" else negated_product
    centroids = [found.centroid(number) for number in range(NLIST)]
    if metric != "l2sq":
        assert [math.hypot(*centroid) for centroid in centroids] == pytest.approx([1] * NLIST, rel=1e-5)
    for position in range(400):
        row = as_listed(found, position)
        homes = found.homes(position)
        distances = [distance(row, centroid) for centroid in centroids]
        assert distances[homes[0]] == pytest.approx(min(distances), rel=1e-5, abs=1e-5)
        if assignments == 2:
            assert homes[1] == second_list(found, row, homes[0])
    firsts = [found.homes(position)[0] for position in range(400)]
    assert firsts == sorted(firsts), "rows lie in the order of their first lists"


def second_list(found, row, home):
    """The list that helps most where the first one misleads: by the loss of SOAR."""
    residual = [x - c for x, c in zip(row, found.center(home))]

    def loss(number):
        other = [x - c for x, c in zip(row, found.center(number))]
        along = math.fsum(a * b for a, b in zip(residual, other))
        return math.fsum(x * x for x in other) + 2 * along**2 / math.fsum(x * x for x in residual)

    return min((number for number in range(NLIST) if number != home), key=loss)


@pytest.mark.parametrize("metric", LIST_METRICS)
def test_lists_have_the_radius_and_the_reach_of_their_rows(tmp_path, rng, metric):
    """All rows are trained on here, so the numbers are those of the rows in the file."""
    found = save_lists(tmp_path / "index", crowds(rng, 400), dim=DIM, metric=metric)
    for number in range(NLIST):
        rows = [as_listed(found, position) for position in found.rows_of_list(number)]
        along = [-negated_product(row, found.centroid(number)) for row in rows]
        norms = [math.hypot(*row) for row in rows]
        assert found.radii[number] == pytest.approx(1 if metric == "l2sq" else sum(along) / len(rows), rel=1e-4)
        assert found.reaches[number] == pytest.approx(sum(norms) / len(rows) if metric == "ip" else 1, rel=1e-4)
    everything = [math.hypot(*found.row(position)) for position in range(400)]
    if metric == "ip":
        assert found.mean_norm == pytest.approx(sum(everything) / 400, rel=1e-4)
    else:
        assert found.mean_norm == 1 or metric == "l2sq"


def each_place(found):
    """(list, place, row) of every row in every list."""
    for number in range(found.list_count):
        for place, position in enumerate(found.rows_of_list(number)):
            yield number, place, position


@pytest.mark.parametrize("metric", LIST_METRICS)
@pytest.mark.parametrize(
    "nbits, pq_m, rotation",
    [(4, None, None), (None, 5, None), (4, 37, None), (4, 5, "opq"), (5, None, None), (6, 5, "opq"), (8, 3, None)],
)
def test_product_codes_of_lists_are_the_nearest_that_there_are(tmp_path, rng, metric, nbits, pq_m, rotation):
    options = {"dim": DIM, "metric": metric, "storage": "pq", "nbits": nbits, "pq_m": pq_m, "rotation": rotation}
    found = save_lists(tmp_path / "index", crowds(rng, 400), **options)
    assert found.has_rotation == (rotation is not None)
    assert found.numbers == (pq_m or (DIM // 4 if nbits == 5 else DIM // 2))
    assert found.has_wide_numbers == (nbits in (5, 6, 8))
    lost = 0.0
    others = [as_listed(found, position) for position in range(400)]
    for number, place, position in each_place(found):
        row = as_listed(found, position)
        residual = [x - c for x, c in zip(row, found.center(number))]
        turned = found.turned(residual)
        assert math.hypot(*turned) == pytest.approx(math.hypot(*residual), rel=1e-4)
        for part, choice in enumerate(found.list_code(number, place)):
            start, end = found.part_range(part)
            distances = [squared_distance(turned[start:end], choices) for choices in found.codebooks[part]]
            assert distances[choice] == pytest.approx(min(distances), rel=1e-4, abs=1e-6)
        stretch = abs(found.factor(number, place)) / (2 if metric == "l2sq" else 1)
        away = [x - c for x, c in zip(others[(7 * position + 200) % 400], found.center(number))]
        code = found.direction(number, place)
        missed = math.fsum(x * (y / stretch - v) for x, y, v in zip(away, residual, code))
        lost += missed**2 / math.fsum(x * x for x in away)
    # Over other pairs than in training.
    assert 0.6 < math.sqrt(lost / 400) / found.code_spread < 1.7


@pytest.mark.parametrize("metric", LIST_METRICS)
@pytest.mark.parametrize("dim", [1, 3, 32, 37, 130])
def test_binary_codes_of_lists_are_the_signs_of_the_rotated_residual(tmp_path, rng, metric, dim):
    options = {"dim": dim, "metric": metric, "storage": "binary", "seed": 2**63 + 9}
    found = save_lists(tmp_path / "index", crowds(rng, 60, dim), **options)
    assert found.numbers == -(-dim // 4)
    for number, place, position in each_place(found):
        row = as_listed(found, position)
        residual = [x - c for x, c in zip(row, found.center(number))]
        rotated = found.rotated(residual)
        assert math.hypot(*rotated) == pytest.approx(math.hypot(*residual))
        assert near(found.rotated_back(rotated), residual)
        for d, x in enumerate(rotated):
            sign = found.list_code(number, place)[d // 4] >> (d % 4) & 1
            assert sign == (x >= 0) or abs(x) < 1e-5 * (1 + math.hypot(*row))


@pytest.mark.parametrize("metric", LIST_METRICS)
@pytest.mark.parametrize("bits", [2, 3, 6, 8])
def test_binary_codes_of_more_bits_point_the_way_of_the_rotated_residual(tmp_path, rng, metric, bits):
    options = {"dim": DIM, "metric": metric, "storage": "binary", "bits": bits, "seed": 5}
    found = save_lists(tmp_path / "index", crowds(rng, 60), **options)
    assert found.has_wide_numbers == (bits == 8)
    least = 1.0
    for number, place, position in each_place(found):
        residual = [x - c for x, c in zip(as_listed(found, position), found.center(number))]
        direction = found.direction(number, place)
        lengths = math.hypot(*residual) * math.hypot(*direction)
        least = min(least, -negated_product(residual, direction) / lengths)
        assert near(found.turned_back(found.turned(residual)), residual)
    # The squared sine of the angle is what such a grid loses of normal values, or twice that for the worst of them.
    assert 1 - least**2 < 2 * read_index.GRID_LOSSES[bits - 1]


@pytest.mark.parametrize("metric", LIST_METRICS)
@pytest.mark.parametrize("storage", ["int8", "int4"])
def test_scalar_codes_of_lists_are_the_nearest_values_of_grids_that_fit(tmp_path, rng, metric, storage):
    found = save_lists(tmp_path / "index", crowds(rng, 400), dim=DIM, metric=metric, storage=storage)
    assert (found.numbers, found.has_wide_numbers) == (DIM, storage == "int8")
    residuals = []
    for number, place, position in each_place(found):
        residual = [x - c for x, c in zip(as_listed(found, position), found.center(number))]
        residuals.append(residual)
        middle = (2**found.code_bits - 1) / 2
        code = found.list_code(number, place)
        for x, value, m, step in zip(residual, code, found.middles, found.steps):
            wanted = min(max((x - m) / step + middle, 0), 2 * middle)
            assert abs(value - wanted) <= 0.5 + 1e-3
    spread = 0.04 if storage == "int8" else 0.3352
    for d, (m, step) in enumerate(zip(found.middles, found.steps)):
        column = np.array([residual[d] for residual in residuals])
        assert m == pytest.approx(column.mean(), abs=1e-3 * column.std())
        assert step == pytest.approx(spread * column.std(), rel=1e-3)


LIST_CODES = [
    {"storage": "int8"},
    {"storage": "int4"},
    {"storage": "pq"},
    {"storage": "pq", "pq_m": 7, "rotation": "opq"},
    {"storage": "binary"},
    {"storage": "binary", "bits": 3},
    {"storage": "binary", "bits": 8},
]


@pytest.mark.parametrize("metric", LIST_METRICS)
@pytest.mark.parametrize("code", LIST_CODES, ids=lambda code: "-".join(map(str, code.values())))
@pytest.mark.parametrize("assignments", [1, 2])
def test_factors_and_offsets_make_estimates_right_along_the_residual(tmp_path, rng, metric, code, assignments):
    storage = code["storage"]
    found = save_lists(
        tmp_path / "index", crowds(rng, 200), dim=DIM, metric=metric, assignments=assignments, **code
    )
    for number, place, position in each_place(found):
        row, center = as_listed(found, position), found.center(number)
        residual = [x - c for x, c in zip(row, center)]
        direction = found.direction(number, place)
        square = math.fsum(x * x for x in residual)
        reached = -negated_product(direction, residual)
        scale = square / reached if storage == "binary" or reached > square / 4 else 1
        shared = scale * -negated_product(direction, center)
        if metric == "l2sq":
            factor, offset = -2 * scale, square + 2 * shared
        else:
            factor, offset = -scale, shared + negated_product(residual, center)
        assert found.factor(number, place) == pytest.approx(factor, rel=1e-3)
        assert found.offset(number, place) == pytest.approx(offset, rel=1e-3, abs=1e-3)
        if metric == "l2sq":
            assert found.estimate(row, number, place) == pytest.approx(0, abs=1e-3 * square) or scale == 1


def table_error(found, query, number, place):
    """What sums may be off by: half a step for each table, where the widest table has 255 steps; or where numbers are
    bytes, half a 127th of the largest element of the query for each."""
    query, unscale = found.prepared(query)
    turned = found.turned(query)
    numbers = found.list_code(number, place)
    if found.has_wide_numbers:
        steps = found.steps if found.storage == read_index.AS_INT8 else [1] * found.dim
        step = max(abs(x * s) for x, s in zip(turned, steps)) / 126.9
        error = step / 2 * sum(abs(value - 128) for value in numbers)
    else:
        if found.storage == read_index.AS_PQ:
            tables = []
            for part, codebook in enumerate(found.codebooks):
                start, end = found.part_range(part)
                tables.append([-negated_product(turned[start:end], choice) for choice in codebook])
            widest = max(max(table) - min(table) for table in tables)
        elif found.storage == read_index.AS_INT4:
            widest = max(15 * abs(x * s) for x, s in zip(turned, found.steps))
        else:
            absolute = [abs(x) for x in turned]
            widest = max(sum(absolute[start : start + 4]) for start in range(0, found.dim, 4)) * 2 ** (found.code_bits - 1)
        error = found.numbers * widest / 255 / 2
    return error * abs(found.factor(number, place)) * unscale


@pytest.mark.parametrize("metric", LIST_METRICS)
@pytest.mark.parametrize("code", LIST_CODES, ids=lambda code: "-".join(map(str, code.values())))
@pytest.mark.parametrize("assignments", [1, 2])
def test_estimates_are_the_distances_that_searches_without_rescore_give(tmp_path, rng, metric, code, assignments):
    n = 300
    vectors = crowds(rng, n)
    options = {"metric": metric, "assignments": assignments, "seed": 3, **code}
    with vecstore.Index("ivf", dim=DIM, nlist=NLIST, **options) as index:
        index.add(vectors)
        index.save(tmp_path / "index")
        queries = crowds(rng, 3) * np.float32(3)
        ids, distances = index.search(queries, n, nprobe=NLIST, rescore=False)
    found = read_index.read(tmp_path / "index")
    for i, query in enumerate(queries.tolist()):
        estimates = {}
        for number, place, position in each_place(found):
            error = table_error(found, query, number, place)
            estimate = found.estimate(query, number, place)
            estimates.setdefault(found.ids[position], []).append((found.remoteness(query, number), estimate, error))
        for row_id, distance in zip(ids[i].tolist(), distances[i].tolist()):
            _, estimate, error = min(estimates[row_id])
            assert distance == pytest.approx(estimate, rel=1e-4, abs=error + 1e-4)


@pytest.mark.parametrize("trained", [False, True])
def test_an_inverted_file_without_rows_has_its_notes_and_what_training_found(tmp_path, rng, trained):
    with vecstore.Index("ivf", dim=DIM, storage="pq", nlist=2, seed=7) as index:
        if trained:
            index.train(crowds(rng, 100))
        index.save(tmp_path / "index")
    found = read_index.read(tmp_path / "index")
    assert (found.count, found.list_count, found.asked_nlist, found.seed) == (0, 2 if trained else 0, 2, 7)
    assert found.trained_count == (100 if trained else 0)
    learned = {"centroids", "list_numbers", "codebooks", "list_counts"} if trained else set()
    assert {name for name, content in found.sections.items() if content} == {"list_notes"} | learned
    found.check_lists()


def test_the_notes_of_an_inverted_file_say_what_calibration_found(tmp_path, rng):
    vectors = crowds(rng, 300)
    with vecstore.Index("ivf", dim=DIM, nlist=7) as index:
        index.add(vectors)
        calibration = index.calibrate(vectors[:100], recall=0.9, k=7)
        index.save(tmp_path / "index")
    found = read_index.read(tmp_path / "index")
    assert (found.calibrated_k, found.calibrated_nprobe) == (7, calibration.nprobe)
    assert found.calibrated_target == pytest.approx(0.9)
    assert found.calibrated_recall == pytest.approx(calibration.recall)
    assert found.calibrated_by_own_rows == 0
    assert not any(found.sections["list_notes"][64:])


def test_the_notes_of_an_inverted_file_say_how_it_was_made(tmp_path, rng):
    found = save_lists(
        tmp_path / "index", crowds(rng, 300), dim=DIM, storage="pq", pq_m=9, nbits=4, rescore="float16", seed=2**63 + 5
    )
    assert (found.asked_nlist, found.asked_rescore, found.asked_pq_m, found.asked_bits) == (NLIST, 3, 9, 4)
    assert (found.seed, found.trained_count) == (2**63 + 5, 300)
    assert len(found.sections["list_notes"]) == 128
    assert found.own_training == 1
    assert (found.calibrated_k, found.calibrated_nprobe, found.calibrated_recall) == (0, 0, 0)
    assert not any(found.sections["list_notes"][44:])
    found = save_lists(tmp_path / "index", crowds(rng, 300), dim=DIM, nlist=None)
    assert (found.asked_nlist, found.list_count, found.asked_pq_m, found.asked_bits) == (0, 4, 0, 0)
    assert (found.asked_rescore, found.code_spread) == (0, 0)


@pytest.mark.parametrize("storage", ["auto", "pq", "binary"])
@pytest.mark.parametrize("assignments", [1, 2])
def test_an_inverted_file_that_has_changed_has_no_gaps(tmp_path, rng, storage, assignments):
    vectors = crowds(rng, 500)
    with vecstore.Index("ivf", dim=DIM, nlist=NLIST, storage=storage, assignments=assignments) as index:
        index.add(vectors)
        index.remove(range(0, 250, 3))
        index.update([1, 2, 4], vectors[:3])
        index.add(vectors[:5])
        index.save(tmp_path / "index")
        expected = dict(zip(index.ids().tolist(), index.get(index.ids()).tolist()))
    found = read_index.read(tmp_path / "index")
    found.check_ids()
    found.check_lists()
    assert found.count == len(expected) == 500 - 84 + 5
    assert {row_id: found.row(position) for position, row_id in enumerate(found.ids)} == expected
    assert found.next_id == 505


@pytest.mark.parametrize(
    "options, dim",
    [
        ({"dtype": "int8", "metric": "cosine"}, 5),
        ({"storage": "pq", "assignments": 2}, 3),
        ({"storage": "binary", "rescore": None}, 9),
    ],
)
def test_a_changed_byte_of_an_inverted_file_is_refused_wherever_it_is(tmp_path, rng, options, dim):
    path = tmp_path / "index"
    save_lists(path, vectors_of(rng, 3, options.get("dtype", "float32"), dim), [2, 1, 0], dim=dim, nlist=2, **options)
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
        refused(path, (vecstore.CorruptError, vecstore.NewerVersionError))
        with pytest.raises((vecstore.CorruptError, vecstore.NewerVersionError)):
            vecstore.Index.open(path, mmap=False)


def test_a_cut_or_longer_inverted_file_is_refused(tmp_path, rng):
    path = tmp_path / "index"
    save_lists(path, vectors_of(rng, 40, "float32"), dim=DIM, storage="pq", nlist=2)
    good = path.read_bytes()
    for other in (good[:100], good[:200], good[: len(good) // 2], good[:-1], good + b"\0"):
        path.write_bytes(other)
        refused(path, vecstore.CorruptError)


@pytest.mark.parametrize("metric", ["l2sq", "ip", "cosine"])
def test_many_lists_have_a_graph_over_their_centroids(tmp_path, rng, metric):
    vectors = rng.standard_normal((5000, 6)).astype(np.float32)
    found = save_lists(tmp_path / "index", vectors, dim=6, metric=metric, nlist=4096)
    graph = found.graph
    graph.check_ids()
    graph.check_graph()
    assert sorted(graph.ids) == list(range(4096))
    for position in range(0, 4096, 16):
        number = graph.ids[position]
        reach = found.reaches[number] if metric == "ip" else 1
        assert near([reach * x for x in found.centroid(number)], graph.row(position), 0.05)
    assert save_lists(tmp_path / "index", vectors, dim=6, metric=metric, nlist=4095).graph is None


@pytest.mark.parametrize(
    "offset, letter, value",
    [
        (32, "I", 1),
        (32, "I", 2),
        (32, "I", 4),
        (40, "I", 4),
        (44, "I", 4),
        (44, "I", 6),
        (48, "Q", 2**31),
        (48, "Q", 2),
        (64, "I", 2),
        (64, "I", 4),
        (68, "I", 0),
        (68, "I", 3),
        (68, "I", 2**20 + 1),
        (72, "I", 0),
        (72, "I", 4),
        (72, "I", 5),
        (72, "I", 7),
        (72, "I", 8),
        (76, "I", 0),
        (76, "I", 2),
        (76, "I", 7),
        (80, "Q", 1),
        (80, "Q", 2**63),
        (88, "I", 0),
        (88, "I", 2),
        (88, "I", 3),
        (92, "I", 0),
        (92, "I", 17),
        (92, "I", 2**31),
        (96, "Q", 1),
        (96, "Q", 2**63),
        (104, "I", 1),
        (108, "I", 1),
    ],
)
def test_a_field_of_an_inverted_file_that_breaks_its_rule_is_refused(tmp_path, rng, offset, letter, value):
    path = tmp_path / "index"
    save_lists(path, vectors_of(rng, 3, "float32"), dim=DIM, storage="pq", nlist=2)
    data = bytearray(path.read_bytes())
    struct.pack_into("<" + letter, data, offset, value)
    path.write_bytes(signed(bytes(data)))
    refused(path, vecstore.CorruptError)


@pytest.mark.parametrize(
    "at, letter, value",
    [
        (0, "I", 3),
        (4, "I", 1),
        (4, "I", 4),
        (8, "I", 17),
        (8, "I", 38),
        (12, "I", 1),
        (12, "I", 8),
        (24, "Q", 0),
        (24, "Q", 2**40),
        (32, "f", float("nan")),
        (32, "f", -1.0),
        (36, "f", float("inf")),
        (36, "f", -1.0),
        (44, "I", 2**20 + 1),
        (48, "I", 0),
        (48, "I", 2**20 + 1),
        (52, "f", float("nan")),
        (56, "f", 1.5),
        (60, "I", 2),
    ],
)
def test_notes_of_an_inverted_file_that_break_a_rule_are_refused(tmp_path, rng, at, letter, value):
    path = tmp_path / "index"
    with vecstore.Index("ivf", dim=DIM, storage="pq", nlist=2) as index:
        index.add(vectors_of(rng, 100, "float32"))
        index.calibrate(recall=0.5)
        index.save(path)
    found = read_index.read(path)
    path.write_bytes(forged(path.read_bytes(), found, "list_notes", at, letter, value))
    refused(path, vecstore.CorruptError)


ROWS_OF_LISTS = [[-8, 3], [-8, 4], [7, 0], [8, 0]]


def made_lists():
    """The bytes of an inverted file of two lists with two rows each, by the document alone."""
    sections = [
        (read_index.IDS, struct.pack("<4Q", 10, 11, 5, 6)),
        (read_index.ID_ORDER, struct.pack("<4I", 2, 3, 0, 1)),
        (read_index.FULL_ROWS, struct.pack("<8b", *sum(ROWS_OF_LISTS, []))),
        (read_index.LIST_NOTES, struct.pack("<IIIIQQff", 0, 0, 0, 0, 0, 4, 1.0, 0.0) + bytes(88)),
        (read_index.CENTROIDS, struct.pack("<4f", -8, 3.5, 7.5, 0)),
        (read_index.LIST_NUMBERS, struct.pack("<4f", 1, 1, 1, 1)),
        (read_index.LIST_COUNTS, struct.pack("<2I", 2, 2)),
        (read_index.LIST_BLOCKS, struct.pack("<2I120x2I120x", 0, 1, 2, 3)),
        (read_index.HOMES, struct.pack("<4I", 0, 0, 1, 1)),
    ]
    nlist, storage, row_dtype, blocks, assignments, tables = 2, 0, read_index.INT8, 2, 1, 0
    fields = struct.pack("<IIIQII", nlist, storage, row_dtype, blocks, assignments, tables)
    return file_of(read_index.IVF, read_index.L2SQ, read_index.INT8, 2, 4, 12, 0, fields, sections)


def test_an_inverted_file_made_by_the_document_alone_opens(tmp_path):
    path = tmp_path / "made"
    path.write_bytes(made_lists())
    found = read_index.read(path)
    found.check_ids()
    found.check_lists()
    for mmap in (True, False):
        with vecstore.Index.open(path, mmap=mmap, verify=True) as index:
            index.verify()
            assert (index.kind, index.stats().nlist, index.stats().next_id) == ("ivf", 2, 12)
            assert index.ids().tolist() == [10, 11, 5, 6]
            assert index.get([10, 11, 5, 6]).tolist() == ROWS_OF_LISTS
            found, distances = index.search(np.array([8, 1], dtype=np.int8), k=2, nprobe=1)
            assert (found.tolist(), distances.tolist()) == ([[6, 5]], [[1.0, 2.0]])
            found, distances = index.search(np.array([8, 1], dtype=np.int8), k=3, nprobe=2)
            assert (found.tolist(), distances.tolist()) == ([[6, 5, 10]], [[1.0, 2.0, 260.0]])
            if not mmap:
                assert index.add(np.array([[1, -1]], dtype=np.int8)).tolist() == [12]
                index.verify()


@pytest.mark.parametrize(
    "name, at, letter, value",
    [
        ("list_blocks", 0, "I", 1),
        ("list_blocks", 0, "I", 2),
        ("list_blocks", 4, "I", 4),
        ("list_blocks", 128, "I", 2**32 - 1),
        ("homes", 0, "I", 1),
        ("homes", 12, "I", 2),
        ("list_counts", 0, "I", 1),
        ("list_counts", 0, "I", 3),
        ("list_counts", 4, "I", 2**32 - 1),
        ("list_numbers", 0, "f", float("nan")),
        ("list_numbers", 4, "f", float("inf")),
        ("list_numbers", 8, "f", -1.0),
    ],
)
def test_an_inverted_file_that_breaks_a_rule_is_refused_though_its_checksums_are_right(
    tmp_path, name, at, letter, value
):
    path = tmp_path / "made"
    path.write_bytes(made_lists())
    found = read_index.read(path)
    path.write_bytes(forged(path.read_bytes(), found, name, at, letter, value))
    with pytest.raises(read_index.FormatError):
        read_index.read(path).check_lists()
    with pytest.raises(vecstore.CorruptError):
        vecstore.Index.open(path, verify=True).verify()
    with pytest.raises(vecstore.CorruptError):
        vecstore.Index.open(path, mmap=False)


@pytest.mark.parametrize(
    "n, budget, kind, rule", [(300, None, 1, 1), (8300, None, 2, 2), (1200, 360_000, 3, 4)]
)
def test_an_index_that_was_chosen_says_by_what(tmp_path, rng, n, budget, kind, rule):
    made = {"capacity": n, "memory_budget": budget, "target_recall": 0.75, "seed": 2**63 + 5}
    with vecstore.Index("auto", dim=64, **made) as index:
        ids = index.add(crowds(rng, n, 64))
        index.save(tmp_path / "index")
    found = read_index.read(tmp_path / "index")
    assert (found.kind, found.count, found.rule) == (kind, n, rule)
    assert (found.memory_budget, found.capacity, found.auto_seed) == (budget or 0, n, 2**63 + 5)
    assert found.target_recall == 0.75
    assert (found.chosen_rows, found.rows_calibrated) == ((0, 0) if kind == 1 else (n, n))
    assert sorted(found.ids) == sorted(ids.tolist())
    assert list(found.sections)[-1] == "auto_notes"


@pytest.mark.parametrize(
    "at, letter, value",
    [
        (0, "Q", 2**63),
        (8, "Q", 2**32),
        (24, "Q", 2**32),
        (32, "Q", 2**40),
        (40, "f", 0.0),
        (40, "f", float("nan")),
        (40, "f", 1.5),
        (44, "I", 0),
        (44, "I", 2),
        (44, "I", 11),
        (44, "I", 12),
        (48, "I", 2**20 + 1),
        (52, "f", 0.5),
        (52, "f", float("inf")),
        (56, "f", -1.0),
        (60, "I", 1),
    ],
)
def test_notes_of_a_choice_that_break_a_rule_are_refused(tmp_path, rng, at, letter, value):
    path = tmp_path / "index"
    with vecstore.Index("auto", dim=DIM) as index:
        index.add(vectors_of(rng, 3, "float32"))
        index.save(path)
    found = read_index.read(path)
    path.write_bytes(forged(path.read_bytes(), found, "auto_notes", at, letter, value))
    refused(path, vecstore.CorruptError)
