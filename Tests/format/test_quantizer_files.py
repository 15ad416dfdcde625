# Files of quantizers, read by docs/file-format.md alone: what they say is what the library does.
# SPDX-License-Identifier: Apache-2.0
import math
import struct

import numpy as np
import pytest
import xxhash

import read_index
import read_quantizer
import vecstore

DIM = 11
SCALARS = [{"bits": bits, "uniform": uniform, "quantile": 0.02} for bits in (8, 4) for uniform in (False, True)]
PRODUCTS = [{"pq_m": 3, "nbits": bits, "seed": 6} for bits in (4, 5, 6, 7, 8, 10, 12)]
PRODUCTS += [{"pq_m": 11, "nbits": 4}, {"pq_m": 1, "nbits": 4}]
PRODUCTS += [{"pq_m": 4, "nbits": bits, "rotation": "opq"} for bits in (4, 5, 8)]
BINARIES = [{"bits": bits, "seed": 2**64 - bits} for bits in range(1, 9)]


@pytest.fixture
def rng():
    return np.random.default_rng(12)


def make(kind, dim=DIM, **options):
    return {
        "scalar": vecstore.ScalarQuantizer,
        "product": vecstore.ProductQuantizer,
        "binary": vecstore.BinaryQuantizer,
    }[kind](dim, **options)


ALL = [("scalar", options) for options in SCALARS]
ALL += [("product", options) for options in PRODUCTS]
ALL += [("binary", options) for options in BINARIES]
# One for each set of sections that there can be.
FEW = [
    ("scalar", {}),
    ("product", {"pq_m": 2, "nbits": 4}),
    ("product", {"pq_m": 1, "nbits": 4, "rotation": "opq"}),
    ("binary", {"bits": 3}),
]


def save(path, rng, kind, options, dim=DIM, n=120):
    """Trains a quantizer and saves it. Returns it with the reader of its file, and the vectors."""
    vectors = (rng.standard_normal((n, dim)) + np.arange(dim) / 4).astype(np.float32)
    quantizer = make(kind, dim, **options)
    quantizer.train(vectors)
    quantizer.save(path)
    return quantizer, read_quantizer.read(path), vectors


def checksum(data):
    return xxhash.xxh3_64_intdigest(data)


def signed(data):
    """The bytes of a file, with the checksum of the fixed part made right again."""
    return data[:120] + struct.pack("<Q", checksum(data[:120])) + data[128:]


def forged(data, found, name, at, letter, value):
    """The bytes of a file with another value in a section, and all checksums made right again."""
    data = bytearray(data)
    start = found.offsets[name]
    struct.pack_into("<" + letter, data, start + at, value)
    entry = 128 + 32 * list(found.sections).index(name)
    struct.pack_into("<Q", data, entry + 24, checksum(bytes(data[start : start + len(found.sections[name])])))
    struct.pack_into("<Q", data, 112, checksum(bytes(data[128 : found.header_size])))
    return signed(bytes(data))


def refused(path, error):
    """Both refuse a file; the library with `error`."""
    with pytest.raises(read_index.FormatError):
        read_quantizer.read(path)
    with pytest.raises(error):
        vecstore.Quantizer.open(path)


# ---- What is there ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, options", ALL)
def test_the_header_says_how_a_quantizer_was_made(tmp_path, rng, kind, options):
    quantizer, found, _ = save(tmp_path / "file", rng, kind, options)
    assert (found.format_version, found.kind, found.dim) == (1, 64, DIM)
    assert read_quantizer.QUANTIZERS[found.quantizer] == kind
    assert found.bits == options.get("bits", options.get("nbits"))
    assert found.pq_m == options.get("pq_m", 0)
    assert found.seed == options.get("seed", 0)
    assert (found.is_rotated, found.is_uniform) == (options.get("rotation") == "opq", options.get("uniform", False))
    assert found.quantile == pytest.approx(options.get("quantile", 0))
    assert found.code_size == quantizer.code_size
    sections = {"scalar": ["ranges"], "product": ["part_centroids"], "binary": ["mean"]}[kind]
    assert list(found.sections) == sections + (["rotation"] if found.is_rotated else [])


@pytest.mark.parametrize("kind, options", ALL)
@pytest.mark.parametrize("dim", [11, 32])
def test_codes_stand_for_the_vectors_that_the_library_decodes(tmp_path, rng, kind, options, dim):
    quantizer, found, vectors = save(tmp_path / "file", rng, kind, options, dim)
    # Codes of vectors, and any bytes.
    codes = np.concatenate([quantizer.encode(vectors[:10]), rng.integers(0, 256, (5, found.code_size), dtype=np.uint8)])
    if kind == "binary":
        codes[10:, -8:] = codes[:5, -8:]  # factors that may be
        codes[14, -4:] = np.frombuffer(struct.pack("<f", -1), np.uint8)
    expected = [found.decoded(code.tobytes()) for code in codes]
    np.testing.assert_allclose(quantizer.decode(codes), expected, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("kind, options", ALL)
@pytest.mark.parametrize("metric", ["l2sq", "ip"])
def test_distances_are_those_that_the_document_gives(tmp_path, rng, kind, options, metric):
    quantizer, found, vectors = save(tmp_path / "file", rng, kind, options)
    codes = quantizer.encode(vectors[:12])
    expected = [[found.estimate(query, code.tobytes(), metric) for code in codes] for query in vectors[12:15].tolist()]
    np.testing.assert_allclose(quantizer.distances(vectors[12:15], codes, metric), expected, rtol=1e-4, atol=1e-4)


# ---- How codes are made ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", SCALARS)
def test_scalar_codes_are_the_nearest_numbers_of_steps(tmp_path, rng, options):
    quantizer, found, vectors = save(tmp_path / "file", rng, "scalar", options)
    for vector, code in zip(vectors.tolist(), quantizer.encode(vectors)):
        for x, number, center, step in zip(vector, found.numbers(code.tobytes()), found.centers, found.steps):
            wanted = (x - center) / step + found.middle
            assert abs(number - min(max(wanted, 0), 2 * found.middle)) <= 0.5 + 1e-4
    if options["uniform"]:
        assert len(set(found.centers)) == len(set(found.steps)) == 1


@pytest.mark.parametrize("options", PRODUCTS)
def test_product_codes_are_the_numbers_of_the_nearest_centroids(tmp_path, rng, options):
    quantizer, found, vectors = save(tmp_path / "file", rng, "product", options)
    for vector, code in zip(vectors[:25].tolist(), quantizer.encode(vectors[:25])):
        prepared = found.prepared(vector)
        for part, number in enumerate(found.numbers(code.tobytes())):
            first, end = found.part_range(part)
            distances = [math.dist(prepared[first:end], centroid) for centroid in found.parts[part]]
            assert distances[number] <= min(distances) + 1e-3


def test_a_rotation_is_orthogonal(tmp_path, rng):
    _, found, _ = save(tmp_path / "file", rng, "product", {"pq_m": 4, "nbits": 4, "rotation": "opq"})
    np.testing.assert_allclose(np.array(found.matrix) @ np.transpose(found.matrix), np.eye(DIM), atol=1e-5)


@pytest.mark.parametrize("options", BINARIES)
@pytest.mark.parametrize("dim", [1, 11, 32])
def test_binary_codes_point_in_the_direction_of_the_rotated_vector(tmp_path, rng, options, dim):
    quantizer, found, vectors = save(tmp_path / "file", rng, "binary", options, dim)
    np.testing.assert_allclose(found.mean, vectors.astype(np.float64).mean(axis=0), rtol=1e-5, atol=1e-6)
    for vector, code in zip(vectors[:12].tolist(), quantizer.encode(vectors[:12])):
        r = found.prepared(vector)
        v = [number - found.middle for number in found.numbers(code.tobytes())]
        if options["bits"] == 1:
            assert all(number == (0.5 if x >= 0 else -0.5) for number, x in zip(v, r) if abs(x) > 1e-5)
        norm, factor = found.factors(code.tobytes())
        product = read_quantizer.product(r, v)
        assert norm == pytest.approx(math.hypot(*r), rel=1e-5)
        assert factor == pytest.approx(norm**2 / product, rel=1e-4)
        assert product > (0.5 if options["bits"] == 1 else 0.8) * norm * math.hypot(*v)


def test_the_code_of_the_mean_is_0(tmp_path):
    quantizer = make("binary", 4, bits=2)
    quantizer.train(np.array([[1, 2, 3, 4]], np.float32))
    quantizer.save(tmp_path / "file")
    code = quantizer.encode(np.array([[1, 2, 3, 4]], np.float32))
    assert not code.any()
    assert read_quantizer.read(tmp_path / "file").decoded(code.tobytes()) == [1, 2, 3, 4]


# ---- The reader and the library refuse the same ----------------------------------------------------------------------


@pytest.mark.parametrize("kind, options", FEW)
def test_a_changed_byte_is_refused_wherever_it_is(tmp_path, rng, kind, options):
    path = tmp_path / "file"
    save(path, rng, kind, options, 3)
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
        refused(path, vecstore.CorruptError)


@pytest.mark.parametrize("kind, options", FEW)
def test_a_cut_or_longer_file_is_refused(tmp_path, rng, kind, options):
    path = tmp_path / "file"
    save(path, rng, kind, options, 3)
    good = path.read_bytes()
    for other in (b"", good[:100], good[:128], good[:170], good[: len(good) // 2], good[:-1], good + b"\0"):
        path.write_bytes(other)
        refused(path, vecstore.CorruptError)


# Of each kind: its fields, and that those of other kinds are 0.
SHARED_FIELDS = [
    (8, "I", 0),
    (12, "I", 0x04030201),
    (24, "I", 128),
    (28, "I", 0),
    (32, "I", 1),
    (32, "I", 3),
    (32, "I", 65),
    (36, "I", 0),
    (36, "I", 4),
    (36, "I", 65537),
    (40, "I", 0),
    (40, "I", 2),
    (44, "I", 0),
    (44, "I", 2),
    (48, "Q", 1),
    (56, "Q", 1),
    (64, "I", 1),
    (64, "I", 2),
    (68, "I", 0),
    (68, "I", 4),
    (72, "I", 0),
    (72, "I", 9),
    (100, "I", 1),
    (108, "I", 1),
]
OWN_FIELDS = {
    "scalar": [(76, "I", 1), (80, "Q", 1), (88, "I", 1), (92, "I", 2), (96, "f", 0.5), (96, "f", math.nan)],
    "product": [(68, "I", 1), (76, "I", 0), (76, "I", 4), (88, "I", 2), (92, "I", 1), (96, "f", 0.1)],
    "binary": [(68, "I", 2), (76, "I", 1), (88, "I", 1), (92, "I", 1), (96, "f", 0.1)],
}


@pytest.mark.parametrize("kind, options", FEW)
def test_a_field_that_breaks_its_rule_is_refused_though_its_checksum_is_right(tmp_path, rng, kind, options):
    path = tmp_path / "file"
    save(path, rng, kind, options, 3)
    good = path.read_bytes()
    for offset, letter, value in SHARED_FIELDS + OWN_FIELDS[kind]:
        data = bytearray(good)
        struct.pack_into("<" + letter, data, offset, value)
        path.write_bytes(signed(bytes(data)))
        refused(path, vecstore.CorruptError)
    data = bytearray(good)
    struct.pack_into("<I", data, 8, 3)
    path.write_bytes(signed(bytes(data)))
    refused(path, vecstore.NewerVersionError)


@pytest.mark.parametrize(
    "number, name, at, value",
    [
        *((0, "ranges", at, value) for at in (0, 8) for value in (math.nan, math.inf, -(2.0**64))),
        *((0, "ranges", at, value) for at in (12, 20) for value in (math.nan, math.inf, 2.0**57, 0, -1.0, 2.0**-71)),
        *((1, "part_centroids", at, value) for at in (0, 100) for value in (math.nan, -math.inf, 2.0**63.5)),
        *((2, "rotation", at, value) for at in (0, 32) for value in (math.nan, math.inf, 2.0, -(2.0**100))),
        *((3, "mean", at, value) for at in (0, 8) for value in (math.nan, math.inf, 2.0**64)),
    ],
)
def test_numbers_that_cannot_be_are_refused_though_their_checksums_are_right(tmp_path, rng, number, name, at, value):
    path = tmp_path / "file"
    _, found, _ = save(path, rng, *FEW[number], 3)
    path.write_bytes(forged(path.read_bytes(), found, name, at, "f", value))
    refused(path, vecstore.CorruptError)


def test_the_reader_of_one_kind_of_file_does_not_read_the_other(tmp_path, rng):
    save(tmp_path / "quantizer", rng, "scalar", {})
    with vecstore.Index("flat", dim=DIM) as index:
        index.save(tmp_path / "index")
    for read, name in ((read_index.read, "quantizer"), (read_quantizer.read, "index")):
        with pytest.raises(read_index.FormatError, match="not one that is read here"):
            read(tmp_path / name)


# ---- Files that the library did not write ----------------------------------------------------------------------------


def made(dim, fields, sections):
    """The bytes of the file of a quantizer with these sections, each a number and its floats."""
    table, body, end = b"", b"", 128 + 32 * len(sections)
    for number, floats in sections:
        content = struct.pack(f"<{len(floats)}f", *floats)
        start = (end + 63) // 64 * 64
        body += b"\0" * (start - end) + content
        table += struct.pack("<IIQQQ", number, 0, start, len(content), checksum(content))
        end = start + len(content)
    fixed = struct.pack("<8sIIQII", b"VECSTORE", 1, 0x01020304, end, 128 + len(table), len(sections))
    fixed += struct.pack("<IIIIQQI", 64, dim, 1, 1, 0, 0, 0) + struct.pack("<IIIQIIf", *fields)
    fixed += b"\0" * (112 - len(fixed)) + struct.pack("<Q", checksum(table))
    return signed(fixed + bytes(8) + table + body)


def test_a_scalar_quantizer_made_by_the_document_alone_opens(tmp_path):
    path = tmp_path / "made"
    path.write_bytes(made(3, (1, 4, 0, 0, 0, 0, 0.25), [(48, [7.5, 75, 0, 1, 10, 0.125])]))
    quantizer = vecstore.ScalarQuantizer.open(path)
    assert (quantizer.dim, quantizer.bits, quantizer.uniform, quantizer.quantile) == (3, 4, False, 0.25)
    codes = quantizer.encode([[0, 150, 0.0625], [3.2, 71, -9]])
    assert codes.tolist() == [[0xF0, 0x08], [0x73, 0x00]]
    assert quantizer.decode(codes).tolist() == [[0, 150, 0.0625], [3, 70, -0.9375]]


def test_a_product_quantizer_made_by_the_document_alone_opens(tmp_path):
    path = tmp_path / "made"
    # Parts of one element and of two; the rotation turns the elements round.
    centroids = [float(i) for i in range(16)] + [x for i in range(16) for x in (10.0 * i, 1.0)]
    path.write_bytes(made(3, (2, 4, 2, 9, 1, 0, 0), [(49, centroids), (50, [0, 0, 1, 1, 0, 0, 0, 1, 0])]))
    quantizer = vecstore.ProductQuantizer.open(path)
    found = (quantizer.dim, quantizer.pq_m, quantizer.nbits, quantizer.rotation, quantizer.seed)
    assert found == (3, 2, 4, "opq", 9)
    codes = quantizer.encode([[41, 3, 6.2]])
    assert codes.tolist() == [[0x46]]
    assert quantizer.decode(codes).tolist() == [[40, 1, 6]]


def test_a_binary_quantizer_made_by_the_document_alone_opens(tmp_path):
    path = tmp_path / "made"
    path.write_bytes(made(2, (3, 1, 0, 5, 0, 0, 0), [(51, [100, -100])]))
    quantizer = vecstore.BinaryQuantizer.open(path)
    assert (quantizer.dim, quantizer.bits, quantizer.seed) == (2, 1, 5)
    code = np.frombuffer(b"\0" + struct.pack("<2f", 0, 0), np.uint8)
    assert quantizer.decode(code).tolist() == [[100, -100]]
    # Of all four codes one points along each vector.
    for vector in ([103, -100], [100, -103]):
        decoded = quantizer.decode(quantizer.encode([vector]))[0]
        assert np.linalg.norm(decoded - vector) <= 3 * math.sin(math.pi / 4) + 1e-5
