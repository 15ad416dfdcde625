# Reads the file of an index with nothing but docs/file-format.md. It shares no code with the library.
# SPDX-License-Identifier: Apache-2.0
"""Usage: read_index.py FILE

Prints what a file holds. Checks everything that docs/file-format.md asks of a reader; the checksums only where the
module `xxhash` is installed.
"""

import struct
import sys

try:
    import xxhash
except ImportError:
    xxhash = None

MAGIC = b"VECSTORE"
FORMAT_VERSION = 1
FIXED_SIZE = 128
ENTRY_SIZE = 32
ALIGNMENT = 64
MOST_ROWS = 2**32 - 2
MOST_GRAPH_ROWS = 2**31 - 2
MOST_LEVELS = 16
MOST_DIM = 65536
NO_ID = 2**64 - 1

FLAT, HNSW = 1, 2
KINDS = {FLAT: "flat", HNSW: "hnsw"}
L2SQ, IP, COSINE, L1, HAMMING, JACCARD = range(1, 7)
FLOAT32, FLOAT16, BFLOAT16, INT8, UINT8, BITS = range(1, 7)
METRICS = {L2SQ: "l2sq", IP: "ip", COSINE: "cosine", L1: "l1", HAMMING: "hamming", JACCARD: "jaccard"}
DTYPES = {FLOAT32: "float32", FLOAT16: "float16", BFLOAT16: "bfloat16", INT8: "int8", UINT8: "uint8", BITS: "bits"}
FLOATS = (FLOAT32, FLOAT16, BFLOAT16)

SIZES = {FLOAT32: 4, FLOAT16: 2, BFLOAT16: 2, INT8: 1, UINT8: 1}

IDS_ASCEND = 1
HAS_CODES = 2
HAS_SKETCHES = 4

# How the rows of a graph are stored.
AS_ADDED, AS_FLOAT32, AS_FLOAT16, AS_BFLOAT16, AS_INT8 = range(5)
STORAGE_DTYPES = {AS_FLOAT32: FLOAT32, AS_FLOAT16: FLOAT16, AS_BFLOAT16: BFLOAT16}
NO_ROW = 2**32 - 1
NO_ENTRY = 2**64 - 1
TREE_BIT = 2**31
NOTES_SIZE = 128
CODE_STEPS, SKETCH_STEPS = 255, 15

ROWS, IDS, ID_ORDER, SQUARED_NORMS, INVERSE_NORMS, CODES, CODE_SCALE, CODE_ERROR = range(1, 9)
GRAPH_NOTES, QUANTIZER, WALK_ROWS, WALK_FACTORS, FULL_ROWS, LINKS, PARENTS, LEVELS = range(16, 24)
UPPER_PLACES, UPPER_LINKS, SKETCHER, SKETCHES, SKETCH_FACTORS = range(24, 29)
SECTIONS = {
    ROWS: "rows",
    IDS: "ids",
    ID_ORDER: "id_order",
    SQUARED_NORMS: "squared_norms",
    INVERSE_NORMS: "inverse_norms",
    CODES: "codes",
    CODE_SCALE: "code_scale",
    CODE_ERROR: "code_error",
    GRAPH_NOTES: "graph_notes",
    QUANTIZER: "quantizer",
    WALK_ROWS: "walk_rows",
    WALK_FACTORS: "walk_factors",
    FULL_ROWS: "full_rows",
    LINKS: "links",
    PARENTS: "parents",
    LEVELS: "levels",
    UPPER_PLACES: "upper_places",
    UPPER_LINKS: "upper_links",
    SKETCHER: "sketcher",
    SKETCHES: "sketches",
    SKETCH_FACTORS: "sketch_factors",
}


class FormatError(Exception):
    """The file breaks a rule of the format."""


class NewerVersion(FormatError):
    """The file has a format version that this reader does not know."""


class IndexFile:
    """An index as its file describes it.

    `sections` has the bytes of each section by its name; `rows`, `ids` and so on give them meaning.
    """

    def __init__(self, data):
        self._data = data
        self._read_fixed_part()
        self._read_table()
        self._check_padding()
        if self.kind == HNSW:
            self._read_notes()

    # ---- The fixed part ----------------------------------------------------------------------------------------------

    def _read_fixed_part(self):
        data = self._data
        _require(len(data) >= FIXED_SIZE, "the file is shorter than its fixed part")
        _require(data[:8] == MAGIC, "the file does not begin with VECSTORE")
        (
            self.format_version,
            byte_order,
            file_size,
            self.header_size,
            self.section_count,
            self.kind,
            self.dim,
            self.metric,
            self.dtype,
            self.count,
            self.next_id,
            self.flags,
        ) = struct.unpack_from("<IIQIIIIIIQQI", data, 8)
        self.table_checksum, header_checksum = struct.unpack_from("<QQ", data, 112)
        _check(data[:120], header_checksum, "the fixed part")
        _require(byte_order == 0x01020304, "the byte order mark is wrong")
        if self.format_version > FORMAT_VERSION:
            raise NewerVersion(f"format version {self.format_version}: this reader knows {FORMAT_VERSION}")
        _require(self.format_version >= 1, "format version 0 does not exist")
        _require(file_size == len(data), f"the file has {len(data)} bytes, its header says {file_size}")
        _require(self.kind in KINDS, f"kind {self.kind} is not known")
        _require(1 <= self.dim <= MOST_DIM, f"dim is {self.dim}")
        _require(self.metric in METRICS and self.dtype in DTYPES, "the metric or the dtype is not known")
        _require((self.metric >= HAMMING) == (self.dtype == BITS), "the metric and the dtype do not go together")
        _require(self.count <= MOST_ROWS, f"{self.count} rows are too many")
        known_flags = IDS_ASCEND | (HAS_CODES if self.kind == FLAT else HAS_SKETCHES)
        _require(self.flags & ~known_flags == 0, f"flags {self.flags:#x} are not known")
        _require(not any(data[68 if self.kind == FLAT else 100 : 112]), "the reserved bytes are not 0")
        may_have_codes = self.dtype in FLOATS and self.metric in (L2SQ, IP, COSINE)
        _require(may_have_codes or not self.has_codes, "there are codes where there can be none")
        if self.kind == HNSW:
            self._read_graph_fields()

    def _read_graph_fields(self):
        fields = struct.unpack_from("<IIIQQI", self._data, 68)
        self.m, self.storage, self.full_dtype, self.list_count, self.entry, self.root = fields
        _require(2 <= self.m <= 256, f"m is {self.m}")
        _require(self.count <= MOST_GRAPH_ROWS, f"{self.count} rows are too many for a graph")
        _require(self.storage <= AS_INT8, f"storage {self.storage} is not known")
        _require(self.storage == AS_ADDED or self.dtype in FLOATS, "storage does not go with the dtype")
        _require(self.storage != AS_INT8 or self.metric != L1, "storage does not go with the metric")
        if self.storage in STORAGE_DTYPES:
            _require(self.dtype in (FLOAT32, STORAGE_DTYPES[self.storage]), "storage does not go with the dtype")
        _require(self.full_dtype == 0 or {self.full_dtype, self.dtype} <= set(FLOATS), "there can be no finer rows")
        _require(self.is_coded or not self.has_sketches, "there are sketches of rows without codes")
        _require(self.list_count <= max(self.count, 1) * MOST_LEVELS, "there are too many lists")
        if self.count == 0:
            _require((self.entry, self.root) == (NO_ENTRY, NO_ROW), "there is an entry and no rows")
        else:
            _require(self.entry_row < self.count and self.root < self.count, "the entry is no row")
            _require(self.entry_level < MOST_LEVELS, "the entry is above all levels")

    @property
    def entry_row(self):
        """Where a search begins, in a graph with rows."""
        return self.entry & 0xFFFFFFFF

    @property
    def entry_level(self):
        """The highest level of the graph."""
        return self.entry >> 32

    @property
    def is_coded(self):
        """Whether the rows that a search compares are 8-bit codes."""
        return self.kind == HNSW and self.storage == AS_INT8

    @property
    def has_sketches(self):
        return bool(self.flags & HAS_SKETCHES)

    @property
    def walk_dtype(self):
        """The dtype of the rows that a search compares, where they are not codes."""
        return STORAGE_DTYPES.get(self.storage, self.dtype)

    @property
    def exact_dtype(self):
        """The dtype of the finest rows; 0 where there are codes alone."""
        return self.full_dtype or (0 if self.is_coded else self.walk_dtype)

    @property
    def walk_stride(self):
        """Bytes from one row that a search compares to the next."""
        size = self.dim if self.is_coded else self._size_of(self.walk_dtype)
        to_64, to_16 = (-(-size // unit) * unit for unit in (64, 16))
        return to_64 if to_64 - size <= size // 16 else to_16

    @property
    def sketch_stride(self):
        return -(-self.dim // 128) * 64

    @property
    def ids_ascend(self):
        return bool(self.flags & IDS_ASCEND)

    @property
    def has_codes(self):
        return bool(self.flags & HAS_CODES)

    @property
    def row_size(self):
        """Bytes of one row."""
        return self._size_of(self.dtype)

    def _size_of(self, dtype):
        return (self.dim + 7) // 8 if dtype == BITS else SIZES[dtype] * self.dim

    # ---- The section table -------------------------------------------------------------------------------------------

    def _expected_sections(self):
        """The size of each section that this file must have, in the order of the file."""
        if self.kind == HNSW:
            return self._expected_graph_sections()
        n = self.count
        sizes = {ROWS: n * self.row_size, IDS: n * 8}
        if not self.ids_ascend:
            sizes[ID_ORDER] = n * 4
        if self.dtype in FLOATS and self.metric in (L2SQ, IP):
            sizes[SQUARED_NORMS] = n * 4
        if self.metric == COSINE:
            sizes[INVERSE_NORMS] = n * 8
        if self.has_codes:
            sizes[CODES] = n * self.dim
            sizes[CODE_SCALE] = n * 4
            sizes[CODE_ERROR] = n * 4
        return sizes

    def _expected_graph_sections(self):
        n, dim = self.count, self.dim
        sizes = {
            IDS: n * 8,
            ID_ORDER: None if self.ids_ascend else n * 4,
            INVERSE_NORMS: n * 8 if self.metric == COSINE and self.exact_dtype else None,
            GRAPH_NOTES: NOTES_SIZE,
            QUANTIZER: dim * 8 if self.is_coded else None,
            WALK_ROWS: n * self.walk_stride,
            WALK_FACTORS: n * 4 if self.metric == (L2SQ if self.is_coded else COSINE) else None,
            FULL_ROWS: n * self._size_of(self.full_dtype) if self.full_dtype else None,
            LINKS: n * 2 * self.m * 4,
            PARENTS: n * 4,
            LEVELS: n,
            UPPER_PLACES: n * 4,
            UPPER_LINKS: self.list_count * self.m * 4,
            SKETCHER: dim * 8 if self.has_sketches else None,
            SKETCHES: n * self.sketch_stride if self.has_sketches else None,
            SKETCH_FACTORS: n * 4 if self.has_sketches and self.metric == L2SQ else None,
        }
        return {kind: size for kind, size in sizes.items() if size is not None}

    def _read_table(self):
        data = self._data
        expected = self._expected_sections()
        _require(self.section_count == len(expected), f"there are {self.section_count} sections, not {len(expected)}")
        _require(self.header_size == FIXED_SIZE + ENTRY_SIZE * self.section_count, "the size of the header is wrong")
        _require(self.header_size <= len(data), "the section table is cut short")
        _check(data[FIXED_SIZE : self.header_size], self.table_checksum, "the section table")
        self.sections = {}
        self.offsets = {}
        end = self.header_size
        for i, (kind, size) in enumerate(expected.items()):
            entry = struct.unpack_from("<IIQQQ", data, FIXED_SIZE + ENTRY_SIZE * i)
            found_kind, zero, found_start, found_size, checksum = entry
            name = SECTIONS[kind]
            start = -(-end // ALIGNMENT) * ALIGNMENT
            _require((found_kind, zero) == (kind, 0), f"entry {i} is not that of {name}")
            _require((found_start, found_size) == (start, size), f"{name} is not where it must be")
            end = start + size
            _require(end <= len(data), f"{name} is cut short")
            _check(data[start:end], checksum, name)
            self.sections[name] = data[start:end]
            self.offsets[name] = start
        _require(end == len(data), "there are bytes behind the last section")

    def _check_padding(self):
        end = self.header_size
        for name, offset in self.offsets.items():
            _require(not any(self._data[end:offset]), f"the bytes before {name} are not 0")
            end = offset + len(self.sections[name])

    # ---- What the sections mean --------------------------------------------------------------------------------------

    def row(self, position):
        """The elements of one row: numbers; for bits 0 and 1. Of a graph the finest that there are."""
        if self.kind == FLAT:
            return self._elements("rows", self.dtype, position, self.row_size)
        if self.full_dtype:
            return self._elements("full_rows", self.full_dtype, position, self._size_of(self.full_dtype))
        return self.walk_row(position)

    def _elements(self, name, dtype, position, stride):
        raw = self._item(name, position, stride)[: self._size_of(dtype)]
        if dtype == BITS:
            return [raw[i // 8] >> (i % 8) & 1 for i in range(self.dim)]
        if dtype == BFLOAT16:  # the upper half of a binary32
            return [struct.unpack("<f", b"\0\0" + raw[2 * i : 2 * i + 2])[0] for i in range(self.dim)]
        letter = {FLOAT32: "f", FLOAT16: "e", INT8: "b", UINT8: "B"}[dtype]
        return list(struct.unpack(f"<{self.dim}{letter}", raw))

    def _item(self, name, position, size):
        return self.sections[name][position * size : (position + 1) * size]

    def code(self, position):
        """The 8-bit copy of one row, as numbers from -127 to 127."""
        raw = self.sections["codes"][position * self.dim : (position + 1) * self.dim]
        return [byte - 128 for byte in raw]

    @property
    def ids(self):
        return self._column("ids", "Q")

    @property
    def id_order(self):
        """The positions of the rows in the order of their ids."""
        return list(range(self.count)) if self.ids_ascend else self._column("id_order", "I")

    @property
    def squared_norms(self):
        return self._column("squared_norms", "f")

    @property
    def inverse_norms(self):
        return self._column("inverse_norms", "d")

    @property
    def code_scale(self):
        return self._column("code_scale", "f")

    @property
    def code_error(self):
        return self._column("code_error", "f")

    def position(self, wanted):
        """The position of the row with an id, or None: a binary search, as in the file of any size."""
        ids, order = self.ids, self.id_order
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            if ids[order[middle]] < wanted:
                low = middle + 1
            else:
                high = middle
        return order[low] if low < self.count and ids[order[low]] == wanted else None

    def check_ids(self):
        """Each id is there once, none is the missing one, and the order of the ids is right."""
        ids, order = self.ids, self.id_order
        _require(sorted(order) == list(range(self.count)), "the order of the ids does not name each row once")
        ordered = [ids[position] for position in order]
        _require(all(a < b for a, b in zip(ordered, ordered[1:])), "the ids are out of order, or one is there twice")
        _require(NO_ID not in ids, "a row has the id that no row can have")

    def _column(self, name, letter):
        raw = self.sections[name]
        return list(struct.unpack(f"<{self.count}{letter}", raw))

    # ---- Of a graph --------------------------------------------------------------------------------------------------

    def _read_notes(self):
        """How the graph was made, and what training and calibration found."""
        (
            self.ef_construction,
            self.asked_storage,
            self.asked_rescore,
            decided,
            self.seed,
            self.insertions,
            self.code_loss,
            self.typical_code_error,
            self.calibrated_k,
            self.calibrated_ef_search,
            self.calibrated_target,
            self.calibrated_recall,
            self.calibrated_by_own_rows,
            self.typical_sketch_error,
        ) = struct.unpack_from("<IIIIQQffIIffIf", self.sections["graph_notes"])
        self.decided_storage = decided - 1 if decided else None
        _require(1 <= self.ef_construction <= 2**20, f"ef_construction is {self.ef_construction}")
        _require(self.asked_storage <= AS_INT8 and self.asked_rescore <= 3, "the options of the graph are not known")
        _require(self.decided_storage in (None, 1, 2, 3, 4), f"storage {decided} was decided, which does not exist")
        _require(self.insertions < 2**62, f"{self.insertions} rows were never inserted")
        _require(0 <= self.typical_code_error < float("inf"), "the error of the codes cannot be")
        _require(0 <= self.typical_sketch_error < float("inf"), "the error of the sketches cannot be")

    def ranges(self, name):
        """The centers and the steps of "quantizer" or "sketcher"."""
        numbers = struct.unpack(f"<{2 * self.dim}f", self.sections[name])
        centers, steps = numbers[: self.dim], numbers[self.dim :]
        _require(all(abs(center) <= 2.0**63 for center in centers), f"a center of the {name} cannot be")
        _require(all(0 < step <= 2.0**63 for step in steps), f"a step of the {name} cannot be")
        return centers, steps

    def walk_codes(self, position):
        """The 8-bit codes of a row, 0 to 255."""
        return list(self._item("walk_rows", position, self.walk_stride)[: self.dim])

    def walk_row(self, position):
        """The row that a search compares: its elements, or what its codes stand for."""
        if not self.is_coded:
            return self._elements("walk_rows", self.walk_dtype, position, self.walk_stride)
        return self._decode("quantizer", CODE_STEPS, self.walk_codes(position))

    def sketch_codes(self, position):
        """The 4-bit codes of a row, 0 to 15: 64 bytes hold 128 elements, the first 64 in their lower halves."""
        raw = self._item("sketches", position, self.sketch_stride)
        codes = []
        for start in range(0, len(raw), 64):
            block = raw[start : start + 64]
            codes += [byte & 15 for byte in block] + [byte >> 4 for byte in block]
        _require(not any(codes[self.dim :]), "there is something behind a sketch")
        return codes[: self.dim]

    def sketch(self, position):
        """What the sketch of a row stands for."""
        return self._decode("sketcher", SKETCH_STEPS, self.sketch_codes(position))

    def _decode(self, name, most, codes):
        centers, steps = self.ranges(name)
        return [center + (code - most / 2) * step for code, center, step in zip(codes, centers, steps)]

    @property
    def walk_factors(self):
        return self._column("walk_factors", "f")

    @property
    def sketch_factors(self):
        return self._column("sketch_factors", "f")

    @property
    def parents(self):
        return self._column("parents", "I")

    @property
    def levels(self):
        return self._column("levels", "B")

    @property
    def upper_places(self):
        return self._column("upper_places", "I")

    def links(self, position, level=0):
        """The links of a row on one of its levels, as pairs: a row, and whether it is a child in the tree."""
        if level == 0:
            raw = self._item("links", position, 8 * self.m)
        else:
            (place,) = struct.unpack("<I", self._item("upper_places", position, 4))
            raw = self._item("upper_links", place + level - 1, 4 * self.m)
        numbers = struct.unpack(f"<{len(raw) // 4}I", raw)
        used = numbers.index(NO_ROW) if NO_ROW in numbers else len(numbers)
        _require(set(numbers[used:]) <= {NO_ROW}, f"a list of row {position} has a gap")
        return [(number & ~TREE_BIT, bool(number & TREE_BIT)) for number in numbers[:used]]

    def check_graph(self):
        """Each row has its lists, each link leads to another row of the level, and the tree reaches every row."""
        if self.count == 0:
            return
        levels, places, parents = self.levels, self.upper_places, self.parents
        _require(levels[self.entry_row] == self.entry_level == max(levels), "the entry is not on the highest level")
        taken = set()
        for row, level in enumerate(levels):
            lists = set(range(places[row], places[row] + level))
            _require(level < MOST_LEVELS, f"row {row} is above all levels")
            _require(all(place < self.list_count for place in lists), f"row {row} has a list that is not there")
            _require(not taken & lists, f"row {row} has a list of another row")
            taken |= lists
            for at in range(level + 1):
                self._check_links(row, at, levels, parents)
        self._check_tree(parents)

    def _check_links(self, row, level, levels, parents):
        links = self.links(row, level)
        _require(len({other for other, _ in links}) == len(links), f"row {row} has a link twice")
        for other, is_child in links:
            _require(other < self.count and other != row, f"row {row} has a link to {other}")
            _require(levels[other] >= level, f"row {row} has a link to {other}, which is not on level {level}")
            _require(not is_child or (level == 0 and parents[other] == row), f"row {other} is no child of {row}")

    def _check_tree(self, parents):
        _require(parents[self.root] == self.root, "the root has a parent")
        reached, waiting = {self.root}, [self.root]
        while waiting:
            children = {other for other, is_child in self.links(waiting.pop()) if is_child} - reached
            reached |= children
            waiting += children
        _require(len(reached) == self.count, f"{self.count - len(reached)} rows cannot be reached")


def _require(condition, message):
    if not condition:
        raise FormatError(message)


def _check(data, checksum, what):
    if xxhash is not None:
        _require(xxhash.xxh3_64_intdigest(data, seed=0) == checksum, f"the checksum of {what} is wrong")


def read(path):
    """Reads a whole file."""
    with open(path, "rb") as file:
        return IndexFile(file.read())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    index = read(sys.argv[1])
    index.check_ids()
    if index.kind == HNSW:
        index.check_graph()
    metric, dtype = METRICS[index.metric], DTYPES[index.dtype]
    print(f"{KINDS[index.kind]} index: {index.count} rows, dim {index.dim}, {metric}, {dtype}")
    print(f"format version {index.format_version}, next id {index.next_id}")
    for name, data in index.sections.items():
        print(f"  {name:14} at byte {index.offsets[name]:>10}, {len(data)} bytes")
    print("checksums are right" if xxhash else "checksums were not checked: the module xxhash is not installed")


if __name__ == "__main__":
    main()
