# Reads the file of an index with nothing but docs/file-format.md. It shares no code with the library.
# SPDX-License-Identifier: Apache-2.0
"""Usage: read_index.py FILE

Prints what a file holds. Checks everything that docs/file-format.md asks of a reader; the checksums only where the
module `xxhash` is installed.
"""

import math
import struct
import sys

try:
    import xxhash
except ImportError:
    xxhash = None

MAGIC = b"VECSTORE"
FORMAT_VERSION = 2
FIXED_SIZE = 128
ENTRY_SIZE = 32
ALIGNMENT = 64
MOST_ROWS = 2**32 - 2
MOST_GRAPH_ROWS = 2**31 - 2
MOST_LEVELS = 16
MOST_DIM = 65536
NO_ID = 2**64 - 1

FLAT, HNSW, IVF = 1, 2, 3
KINDS = {FLAT: "flat", HNSW: "hnsw", IVF: "ivf"}
QUANTIZER_FILE = 64
L2SQ, IP, COSINE, L1, HAMMING, JACCARD = range(1, 7)
FLOAT32, FLOAT16, BFLOAT16, INT8, UINT8, BITS = range(1, 7)
METRICS = {L2SQ: "l2sq", IP: "ip", COSINE: "cosine", L1: "l1", HAMMING: "hamming", JACCARD: "jaccard"}
DTYPES = {FLOAT32: "float32", FLOAT16: "float16", BFLOAT16: "bfloat16", INT8: "int8", UINT8: "uint8", BITS: "bits"}
FLOATS = (FLOAT32, FLOAT16, BFLOAT16)

SIZES = {FLOAT32: 4, FLOAT16: 2, BFLOAT16: 2, INT8: 1, UINT8: 1}

IDS_ASCEND = 1
HAS_CODES = 2
HAS_SKETCHES = 4
HAS_WIDE_NUMBERS = 8
HAS_ROTATION = 16
IS_AUTOMATIC = 32
HAS_ROWS_OUTSIDE = 64

# How the rows of a graph are stored.
AS_ADDED, AS_FLOAT32, AS_FLOAT16, AS_BFLOAT16, AS_INT8, AS_INT4 = range(6)
STORAGE_DTYPES = {AS_FLOAT32: FLOAT32, AS_FLOAT16: FLOAT16, AS_BFLOAT16: BFLOAT16}
NO_ROW = 2**32 - 1
NO_ENTRY = 2**64 - 1
TREE_BIT = 2**31
NOTES_SIZE = 128
MOST_LANDMARKS = 256
GRAPH_NOTES_SIZE = 128 + 4 * MOST_LANDMARKS
AUTO_NOTES_SIZE = 64
CODE_STEPS, NIBBLE_STEPS = 255, 15

# How the lists of an inverted file hold rows, beside those that graphs have; and the finer rows beside codes.
AS_INT4, AS_PQ, AS_BINARY = 5, 6, 7
LIST_CODES = (AS_INT8, AS_INT4, AS_PQ, AS_BINARY)
LIST_STORAGES = (AS_ADDED, AS_FLOAT32, AS_FLOAT16, AS_BFLOAT16, *LIST_CODES)
# What an even grid of 1 to 8 bits loses of normal values.
GRID_LOSSES = (0.3634, 0.1188, 0.03744, 0.01154, 0.003495, 0.00104, 0.000304, 0.0000877)
RESCORE_AS_ADDED, RESCORE_NONE, RESCORE_FLOAT32, RESCORE_FLOAT16 = range(4)
MOST_LISTS = 2**20
MOST_RESULTS = 2**20
MOST_TABLES = 16384
BLOCK_ROWS = 32
CHOICES = 16
ROUNDS = 4

# What was chosen automatically, by the kind.
RULES = {1: (1, 6), 2: (2, 3, 10, 11), 3: (4, 5, 7, 8, 9, 12)}
FLOAT_RULES = (3, 4, 7, 8, 9, 10, 11, 12)

ROWS, IDS, ID_ORDER, SQUARED_NORMS, INVERSE_NORMS, CODES, CODE_SCALE, CODE_ERROR = range(1, 9)
GRAPH_NOTES, QUANTIZER, WALK_ROWS, WALK_FACTORS, FULL_ROWS, LINKS, PARENTS, LEVELS = range(16, 24)
UPPER_PLACES, UPPER_LINKS, SKETCHER, SKETCHES, SKETCH_FACTORS = range(24, 29)
LIST_NOTES, CENTROIDS, LIST_NUMBERS, CODEBOOKS, LIST_COUNTS, LIST_BLOCKS, HOMES, LIST_GRAPH = range(32, 40)
RANGES, PART_CENTROIDS, ROTATION, MEAN = range(48, 52)
AUTO_NOTES = 56
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
    LIST_NOTES: "list_notes",
    CENTROIDS: "centroids",
    LIST_NUMBERS: "list_numbers",
    CODEBOOKS: "codebooks",
    LIST_COUNTS: "list_counts",
    LIST_BLOCKS: "list_blocks",
    HOMES: "homes",
    LIST_GRAPH: "list_graph",
    RANGES: "ranges",
    PART_CENTROIDS: "part_centroids",
    ROTATION: "rotation",
    MEAN: "mean",
    AUTO_NOTES: "auto_notes",
}


class FormatError(Exception):
    """The file breaks a rule of the format."""


class NewerVersion(FormatError):
    """The file has a format version that this reader does not know."""


class IndexFile:
    """An index as its file describes it.

    `sections` has the bytes of each section by its name; `rows`, `ids` and so on give them meaning. `outside` has the
    rows that lie outside of the file, one behind the other, if it is of that kind and somebody has them.
    """

    KINDS = tuple(KINDS)
    KNOWN_FLAGS = {
        FLAT: IDS_ASCEND | IS_AUTOMATIC | HAS_CODES,
        HNSW: IDS_ASCEND | IS_AUTOMATIC | HAS_SKETCHES | HAS_ROWS_OUTSIDE,
        IVF: IDS_ASCEND | IS_AUTOMATIC | HAS_WIDE_NUMBERS | HAS_ROTATION,
    }
    FIELDS_END = {FLAT: 68, HNSW: 100, IVF: 108}

    def __init__(self, data, outside=None):
        self._data = data
        self._outside = outside
        self._read_fixed_part()
        self._read_table()
        self._check_padding()
        if self.kind == HNSW:
            self._read_notes()
        if self.kind == IVF:
            self._read_list_notes()
            self._read_lists()
            self.graph = self._read_list_graph()
        if self.flags & IS_AUTOMATIC:
            self._read_auto_notes()

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
        _require(self.kind in self.KINDS, f"kind {self.kind} is not one that is read here")
        _require(1 <= self.dim <= MOST_DIM, f"dim is {self.dim}")
        _require(self.metric in METRICS and self.dtype in DTYPES, "the metric or the dtype is not known")
        _require((self.metric >= HAMMING) == (self.dtype == BITS), "the metric and the dtype do not go together")
        _require(self.count <= MOST_ROWS, f"{self.count} rows are too many")
        _require(self.flags & ~self.KNOWN_FLAGS[self.kind] == 0, f"flags {self.flags:#x} are not known")
        has_rows_outside = bool(self.flags & HAS_ROWS_OUTSIDE)
        _require(has_rows_outside == (self.format_version == 2), "the format version does not go with the flags")
        _require(not (has_rows_outside and self.flags & IS_AUTOMATIC), "what was chosen has its rows inside")
        _require(not any(data[self.FIELDS_END[self.kind] : 112]), "the reserved bytes are not 0")
        may_have_codes = self.dtype in FLOATS and self.metric in (L2SQ, IP, COSINE)
        _require(may_have_codes or not self.has_codes, "there are codes where there can be none")
        if self.kind == HNSW:
            self._read_graph_fields()
        if self.kind == IVF:
            self._read_list_fields()

    def _read_list_fields(self):
        fields = struct.unpack_from("<IIIQIIQI", self._data, 68)
        self.list_count, self.storage, self.row_dtype, self.block_count, self.assignments, self.numbers = fields[:-2]
        self.graph_size, self.part_bits = fields[-2:]
        _require(self.graph_size == 0 or self.list_count > 0, "there is a graph of no lists")
        _require(self.list_count <= MOST_LISTS, f"{self.list_count} lists are too many")
        _require(self.count <= MOST_GRAPH_ROWS, f"{self.count} rows are too many for an inverted file")
        _require(self.list_count > 0 or self.count == 0, "there are rows and no lists")
        _require(self.metric in (L2SQ, IP, COSINE), "an inverted file cannot have this metric")
        _require(self.assignments in (1, 2), f"a row is in {self.assignments} lists")
        _require(self.storage in LIST_STORAGES, f"storage {self.storage} is not known")
        _require(self.storage == AS_ADDED or self.dtype in FLOATS, "storage does not go with the dtype")
        if self.storage in STORAGE_DTYPES:
            _require(self.dtype in (FLOAT32, STORAGE_DTYPES[self.storage]), "storage does not go with the dtype")
        _require(self.row_dtype == 0 or self.row_dtype in SIZES, f"there are rows of dtype {self.row_dtype}")
        _require(self.has_list_codes == (self.numbers > 0), f"there are codes of {self.numbers} numbers")
        _require(self.has_list_codes or not self.has_wide_numbers, "there are no numbers to be bytes")
        has_wide_parts = self.storage == AS_PQ and self.has_wide_numbers
        _require(self.part_bits in ((5, 6, 7, 8) if has_wide_parts else (0,)), f"parts have {self.part_bits} bits")
        _require(self.storage == AS_PQ or not self.has_rotation, "there are no product codes to be rotated")
        most = self.count * self.assignments // BLOCK_ROWS + self.list_count
        _require(self.block_count <= most, f"there are {self.block_count} blocks, more than there can be")

    @property
    def has_list_codes(self):
        """Whether the lists of an inverted file hold codes."""
        return self.kind == IVF and self.storage in LIST_CODES

    @property
    def has_wide_numbers(self):
        """Whether the numbers of codes are bytes."""
        return bool(self.flags & HAS_WIDE_NUMBERS)

    @property
    def has_rotation(self):
        """Whether product codes are of rotated vectors."""
        return bool(self.flags & HAS_ROTATION)

    def _read_graph_fields(self):
        fields = struct.unpack_from("<IIIQQI", self._data, 68)
        self.m, self.storage, self.full_dtype, self.list_count, self.entry, self.root = fields
        _require(2 <= self.m <= 256, f"m is {self.m}")
        _require(self.count <= MOST_GRAPH_ROWS, f"{self.count} rows are too many for a graph")
        _require(self.storage <= AS_INT4, f"storage {self.storage} is not known")
        _require(self.storage == AS_ADDED or self.dtype in FLOATS, "storage does not go with the dtype")
        _require(not self.is_coded or self.metric != L1, "storage does not go with the metric")
        if self.storage in STORAGE_DTYPES:
            _require(self.dtype in (FLOAT32, STORAGE_DTYPES[self.storage]), "storage does not go with the dtype")
        _require(self.full_dtype == 0 or {self.full_dtype, self.dtype} <= set(FLOATS), "there can be no finer rows")
        may_be_outside = self.dtype in FLOATS and self.metric in (L2SQ, IP, COSINE)
        _require(may_be_outside or not self.has_rows_outside, "there are rows outside that cannot lie there")
        _require(self.storage == AS_INT8 or not self.has_sketches, "there are sketches of rows without 8-bit codes")
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
        """Whether the rows that a search compares are codes."""
        return self.kind == HNSW and self.storage in (AS_INT8, AS_INT4)

    @property
    def is_packed(self):
        """Whether these are codes of 4 bits, two to a byte."""
        return self.is_coded and self.storage == AS_INT4

    @property
    def has_sketches(self):
        return bool(self.flags & HAS_SKETCHES)

    @property
    def has_rows_outside(self):
        """Whether the finer rows are not in the file: they are found by their ids."""
        return bool(self.flags & HAS_ROWS_OUTSIDE)

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
        if self.is_packed:
            return self.sketch_stride
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
        if self.kind == IVF:
            return self._expected_list_sections()
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

    @property
    def _factor_size(self):
        """Bytes of what is kept of a row beside what a search compares."""
        if self.is_packed:
            return 8
        return 4 if self.metric == (L2SQ if self.is_coded else COSINE) else 0

    def _expected_graph_sections(self):
        n, dim = self.count, self.dim
        sizes = {
            IDS: n * 8,
            ID_ORDER: None if self.ids_ascend else n * 4,
            INVERSE_NORMS: n * 8 if self.metric == COSINE and self.exact_dtype else None,
            GRAPH_NOTES: GRAPH_NOTES_SIZE,
            QUANTIZER: dim * 8 if self.is_coded else None,
            WALK_ROWS: n * self.walk_stride,
            WALK_FACTORS: n * self._factor_size or None,
            FULL_ROWS: n * self._size_of(self.full_dtype) if self.full_dtype and not self.has_rows_outside else None,
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

    def _expected_list_sections(self):
        n, dim, nlist = self.count, self.dim, self.list_count
        sizes = {
            IDS: n * 8,
            ID_ORDER: None if self.ids_ascend else n * 4,
            INVERSE_NORMS: n * 8 if self.metric == COSINE and self.row_dtype else None,
            FULL_ROWS: n * self._size_of(self.row_dtype) if self.row_dtype else None,
            LIST_NOTES: NOTES_SIZE,
            CENTROIDS: nlist * dim * 4 if nlist else None,
            LIST_NUMBERS: nlist * 8 if nlist else None,
            CODEBOOKS: self._codebook_size() if nlist else None,
            LIST_COUNTS: nlist * 4 if nlist else None,
            LIST_BLOCKS: self.block_count * self.block_size if nlist else None,
            HOMES: n * self.assignments * 4,
            LIST_GRAPH: self.graph_size or None,
        }
        return {kind: size for kind, size in sizes.items() if size is not None}

    def _codebook_size(self):
        if self.storage == AS_PQ:
            return 4 * self.dim * (self.choices + (self.dim if self.has_rotation else 0))
        return 8 * self.dim if self.storage in (AS_INT8, AS_INT4) else None

    @property
    def choices(self):
        """The centroids of a part of product codes."""
        return 2**self.part_bits if self.part_bits else CHOICES

    @property
    def codes_size(self):
        """Bytes of the codes in a block: 16 for each number of 4 bits, in fours of them, or bytes row by row."""
        return BLOCK_ROWS * self.numbers if self.has_wide_numbers else -(-self.numbers // 4) * 64

    @property
    def block_size(self):
        """Bytes of a block: codes, offsets, factors and slots, or slots alone."""
        return self.codes_size + (3 if self.numbers else 1) * 4 * BLOCK_ROWS

    def _read_table(self):
        data = self._data
        expected = self._expected_sections()
        if self.flags & IS_AUTOMATIC:
            expected[AUTO_NOTES] = AUTO_NOTES_SIZE
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
        if self.kind == IVF:
            return self._list_row(position)
        if self.full_dtype and self.has_rows_outside:
            size = self._size_of(self.full_dtype)
            row_id = self.ids[position]
            raw = (self._outside or b"")[row_id * size : (row_id + 1) * size]
            _require(len(raw) == size, f"the row with the id {row_id} lies outside, and is not there")
            return self._numbers(raw, self.full_dtype)
        if self.full_dtype:
            return self._elements("full_rows", self.full_dtype, position, self._size_of(self.full_dtype))
        if self.is_packed:
            centers, _ = self.ranges("quantizer")
            _, scale = self.packed_factors(position)
            row = [center + scale * (x - center) for x, center in zip(self.walk_row(position), centers)]
            return self.rotated_back(row) if self.is_rotated else row
        return self.walk_row(position)

    def _elements(self, name, dtype, position, stride):
        return self._numbers(self._item(name, position, stride)[: self._size_of(dtype)], dtype)

    def _numbers(self, raw, dtype):
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
        if self.has_rows_outside and self._outside is not None and self.full_dtype:
            most = len(self._outside) // self._size_of(self.full_dtype)
            _require(all(row_id < most for row_id in ids), "a row that lies outside is not there")

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
            self.is_rotated,
            landmark_count,
            self.landmark_radius,
        ) = struct.unpack_from("<IIIIQQffIIffIfIIf", self.sections["graph_notes"])
        self.decided_storage = decided - 1 if decided else None
        _require(1 <= self.ef_construction <= 2**20, f"ef_construction is {self.ef_construction}")
        _require(self.asked_storage <= AS_INT4 and self.asked_rescore <= 3, "the options of the graph are not known")
        _require(self.decided_storage in (None, 1, 2, 3, 4, 5), f"storage {decided} was decided, which does not exist")
        may_be_int4 = self.asked_storage == AS_INT4 or (self.asked_storage == AS_ADDED and self.has_rows_outside)
        _require(self.decided_storage != AS_INT4 or may_be_int4, "int4 was decided, and not asked for")
        if self.has_rows_outside:
            _require(self.asked_storage in (AS_ADDED, AS_INT8, AS_INT4), "rows lie outside that are those of the walk")
            _require(self.asked_rescore != RESCORE_NONE, "rows lie outside that were not asked for")
        _require(self.insertions < 2**62, f"{self.insertions} rows were never inserted")
        _require(0 <= self.typical_code_error < float("inf"), "the error of the codes cannot be")
        _require(0 <= self.typical_sketch_error < float("inf"), "the error of the sketches cannot be")
        _require(self.is_rotated <= (self.decided_storage == AS_INT4), "rows are rotated that cannot be")
        _require(landmark_count <= MOST_LANDMARKS, f"{landmark_count} rows are landmarks")
        _require(self.landmark_radius == self.landmark_radius, "the radius of landmarks cannot be")
        listed = struct.unpack_from(f"<{MOST_LANDMARKS}I", self.sections["graph_notes"], 128)
        self.landmarks, unused = listed[:landmark_count], listed[landmark_count:]
        _require(all(row < self.count for row in self.landmarks), "a landmark is no row")
        _require(not any(unused), "places of landmarks are not 0")

    def ranges(self, name):
        """The centers and the steps of "quantizer" or "sketcher"."""
        numbers = struct.unpack(f"<{2 * self.dim}f", self.sections[name])
        centers, steps = numbers[: self.dim], numbers[self.dim :]
        _require(all(abs(center) <= 2.0**63 for center in centers), f"a center of the {name} cannot be")
        _require(all(0 < step <= 2.0**63 for step in steps), f"a step of the {name} cannot be")
        return centers, steps

    def walk_codes(self, position):
        """The codes of a row, 0 to 255, or of 4 bits, 0 to 15."""
        if self.is_packed:
            return self._nibbles("walk_rows", position)
        return list(self._item("walk_rows", position, self.walk_stride)[: self.dim])

    def walk_row(self, position):
        """The row that a search compares: its elements, or what its codes stand for."""
        if not self.is_coded:
            return self._elements("walk_rows", self.walk_dtype, position, self.walk_stride)
        return self._decode("quantizer", NIBBLE_STEPS if self.is_packed else CODE_STEPS, self.walk_codes(position))

    def sketch_codes(self, position):
        """The 4-bit codes of the sketch of a row, 0 to 15."""
        return self._nibbles("sketches", position)

    def _nibbles(self, name, position):
        """Codes of 4 bits: 64 bytes hold 128 elements, the first 64 in their lower halves."""
        raw = self._item(name, position, self.sketch_stride)
        codes = []
        for start in range(0, len(raw), 64):
            block = raw[start : start + 64]
            codes += [byte & 15 for byte in block] + [byte >> 4 for byte in block]
        _require(not any(codes[self.dim :]), f"there is something behind a row of {name}")
        return codes[: self.dim]

    def sketch(self, position):
        """What the sketch of a row stands for."""
        return self._decode("sketcher", NIBBLE_STEPS, self.sketch_codes(position))

    def _decode(self, name, most, codes):
        centers, steps = self.ranges(name)
        return [center + (code - most / 2) * step for code, center, step in zip(codes, centers, steps)]

    @property
    def walk_factors(self):
        return self._column("walk_factors", "f")

    def packed_factors(self, position):
        """What is kept of a row beside its 4-bit codes: a sum and a scale."""
        return struct.unpack("<ff", self._item("walk_factors", position, 8))

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


    # ---- Of an index that was chosen automatically ------------------------------------------------------------------

    def _read_auto_notes(self):
        """What it was to be chosen by, and what was chosen."""
        (
            self.memory_budget,
            self.capacity,
            self.auto_seed,
            self.chosen_rows,
            self.rows_calibrated,
            self.target_recall,
            self.rule,
            self.auto_setting,
            self.auto_oversampling,
            self.auto_recall,
            reserved,
        ) = struct.unpack_from("<QQQQQfIIffI", self.sections["auto_notes"])
        _require(self.memory_budget < 2**63, "the memory budget cannot be")
        rows = (self.capacity, self.chosen_rows, self.rows_calibrated)
        _require(max(rows) <= MOST_ROWS, "there are more rows than there can be")
        _require(0 < self.target_recall <= 1, "the recall cannot be")
        _require(self.rule in RULES.get(self.kind, ()), f"rule {self.rule} is for another kind")
        means = self.dtype != BITS and self.metric in (L2SQ, IP, COSINE)
        _require(self.rule not in FLOAT_RULES or (means and self.dtype in FLOATS), "the rule does not go with the dtype")
        _require(self.rule != 3 or self.dtype == FLOAT32, "the rule does not go with the dtype")
        _require(self.rule != 5 or (means and self.dtype not in FLOATS), "the rule does not go with the dtype")
        _require(self.auto_setting <= MOST_RESULTS, "the setting cannot be")
        _require(self.auto_oversampling == 0 or 1 <= self.auto_oversampling <= 1000, "oversampling cannot be")
        _require(0 <= self.auto_recall <= 1 and reserved == 0, "the notes cannot be")

    # ---- Of an inverted file -----------------------------------------------------------------------------------------

    def _read_list_notes(self):
        """How the inverted file was made, and what training found."""
        (
            self.asked_nlist,
            self.asked_rescore,
            self.asked_pq_m,
            self.asked_bits,
            self.seed,
            self.trained_count,
            self.mean_norm,
            self.code_spread,
            self.own_training,
            self.calibrated_k,
            self.calibrated_nprobe,
            self.calibrated_target,
            self.calibrated_recall,
            self.calibrated_by_own_rows,
        ) = struct.unpack_from("<IIIIQQffIIIffI", self.sections["list_notes"])
        is_asked = self.asked_nlist in (0, self.list_count) or self.list_count == 0
        _require(is_asked, "there are not as many lists as were asked for")
        _require(self.asked_nlist <= MOST_LISTS, f"{self.asked_nlist} lists were asked for")
        _require(self.asked_rescore <= RESCORE_FLOAT16, f"rescore {self.asked_rescore} is not known")
        _require(self.trained_count <= MOST_ROWS, "it was trained on more rows than there can be")
        _require(self.trained_count > 0 or self.list_count == 0, "there are lists that were not trained")
        _require(0 <= self.mean_norm <= 2.0**63, "the norm of the rows cannot be")
        _require(0 <= self.code_spread <= 2.0**65, "the error of the codes cannot be")
        _require(self.own_training <= 1, f"training {self.own_training} is not known")
        _require(self.calibrated_k <= MOST_RESULTS, f"it was calibrated for {self.calibrated_k} results")
        _require((self.calibrated_k > 0) == (self.calibrated_nprobe > 0), "a calibration has no lists")
        _require(self.calibrated_nprobe <= MOST_LISTS, f"it was calibrated to {self.calibrated_nprobe} lists")
        _require(0 <= self.calibrated_target <= 1 and 0 <= self.calibrated_recall <= 1, "a recall cannot be")
        _require(self.calibrated_by_own_rows <= 1, "the queries of a calibration are not known")
        is_pq = self.storage == AS_PQ
        _require(self.asked_pq_m == 0 or is_pq, "there are parts of codes that are not there")
        bits = {AS_PQ: (4, 5, 6, 7, 8), AS_BINARY: (1, 2, 3, 4, 5, 6, 8)}.get(self.storage, ())
        _require(self.asked_bits in (0, *bits), "the bits of the codes cannot be")
        self.code_bits = self.asked_bits or {AS_INT8: 8, AS_INT4: 4, AS_PQ: 4, AS_BINARY: 1}.get(self.storage, 0)
        is_wide = self.code_bits == 8 or (is_pq and self.code_bits > 4)
        _require(self.has_wide_numbers == is_wide, "the numbers of codes are as wide as they cannot be")
        numbers = 0
        if is_pq:
            _require(not is_wide or self.part_bits == self.code_bits, "parts have other bits than was asked for")
            numbers = self.asked_pq_m or (max(1, self.dim // 4) if is_wide else min(max(1, self.dim // 2), MOST_TABLES))
            _require(numbers <= self.dim, f"codes have {numbers} parts")
        elif is_wide or self.storage == AS_INT4:
            numbers = self.dim
        elif self.storage == AS_BINARY:
            numbers = self.code_bits * ((self.dim + 3) // 4)
        _require(is_wide or numbers <= MOST_TABLES, f"codes have {numbers} numbers")
        _require(self.numbers == numbers, f"codes have {self.numbers} numbers, not {numbers}")
        _require(self.row_dtype == self._wanted_row_dtype(), f"rows of dtype {self.row_dtype} were not asked for")

    def _wanted_row_dtype(self):
        if not self.has_list_codes:
            _require(self.asked_rescore == RESCORE_AS_ADDED, "there can be no finer rows")
            return STORAGE_DTYPES.get(self.storage, self.dtype)
        if self.asked_rescore == RESCORE_FLOAT32:
            _require(self.dtype == FLOAT32, "there can be no finer rows")
        if self.asked_rescore == RESCORE_FLOAT16:
            _require(self.dtype in (FLOAT32, FLOAT16), "there can be no finer rows")
        return {
            RESCORE_AS_ADDED: self.dtype,
            RESCORE_NONE: 0,
            RESCORE_FLOAT32: FLOAT32,
            RESCORE_FLOAT16: FLOAT16,
        }[self.asked_rescore]

    def _read_lists(self):
        """Where each list begins, and the numbers of training."""
        self.list_sizes, self._first_blocks = [], []
        self.radii, self.reaches, self.codebooks = [], [], []
        if self.list_count == 0:
            return
        n = self.list_count
        self.list_sizes = list(struct.unpack(f"<{n}I", self.sections["list_counts"]))
        used = 0
        for size in self.list_sizes:
            self._first_blocks.append(used)
            used += -(-size // BLOCK_ROWS)
        _require(used == self.block_count, f"the lists have {used} blocks, not {self.block_count}")
        _require(sum(self.list_sizes) == self.count * self.assignments, "the lists do not have each row")
        numbers = struct.unpack(f"<{2 * n}f", self.sections["list_numbers"])
        self.radii, self.reaches = list(numbers[:n]), list(numbers[n:])
        _require(all(abs(radius) <= 2.0**63 for radius in self.radii), "a list is at a distance that cannot be")
        _require(all(0 <= reach <= 2.0**63 for reach in self.reaches), "a list has a reach that cannot be")
        if self._codebook_size():
            floats = struct.unpack(f"<{self._codebook_size() // 4}f", self.sections["codebooks"])
            _require(all(abs(x) <= 2.0**65 for x in floats), "a codebook cannot be")
            if self.storage == AS_PQ:
                self.codebooks = [self._codebook(floats, part) for part in range(self.numbers)]
                matrix = floats[self.choices * self.dim :]
                self.matrix = [matrix[i : i + self.dim] for i in range(0, len(matrix), self.dim)]
            else:
                self.middles, self.steps = floats[: self.dim], floats[self.dim :]
                _require(all(step >= 2.0**-80 for step in self.steps), "a grid has a step that cannot be")

    def _read_list_graph(self):
        """The graph over the centroids: a file of its own."""
        if self.graph_size == 0:
            return None
        graph = IndexFile(self.sections["list_graph"])
        _require(graph.kind == HNSW and graph.dim == self.dim, "the graph of lists is not of centroids")
        _require(graph.metric == (IP if self.metric == IP else L2SQ), "the graph of lists has another metric")
        _require(graph.dtype == FLOAT32 and graph.count == self.list_count, "the graph of lists has other rows")
        return graph

    def _codebook(self, floats, part):
        start, end = self.part_range(part)
        base, size = self.choices * start, end - start
        return [floats[base + i * size : base + (i + 1) * size] for i in range(self.choices)]

    def part_range(self, part):
        """The elements that a part of a product code stands for: from the first to before the last."""
        return part * self.dim // self.numbers, (part + 1) * self.dim // self.numbers

    def centroid(self, number):
        return list(struct.unpack_from(f"<{self.dim}f", self.sections["centroids"], 4 * self.dim * number))

    def center(self, number):
        """What the rows of a list are relative to."""
        return [self.radii[number] * x for x in self.centroid(number)]

    def homes(self, position):
        """The lists that a row is in."""
        return list(struct.unpack(f"<{self.assignments}I", self._item("homes", position, 4 * self.assignments)))

    def _block(self, number, place):
        """The block that has a place of a list, and where the place is in it."""
        block = self._first_blocks[number] + place // BLOCK_ROWS
        return self._item("list_blocks", block, self.block_size), place % BLOCK_ROWS

    def _column_of_block(self, number, place, column, letter):
        block, row = self._block(number, place)
        return struct.unpack_from("<" + letter, block, self.codes_size + 4 * BLOCK_ROWS * column + 4 * row)[0]

    def slot(self, number, place):
        """The position of the row at a place of a list."""
        return self._column_of_block(number, place, 2 if self.numbers else 0, "I")

    def offset(self, number, place):
        return self._column_of_block(number, place, 0, "f")

    def factor(self, number, place):
        return self._column_of_block(number, place, 1, "f")

    def rows_of_list(self, number):
        """The positions of the rows of a list, in their order there."""
        return [self.slot(number, place) for place in range(self.list_sizes[number])]

    def list_code(self, number, place):
        """The numbers of the code of a row. Of 0 to 15: rows 16 to 31 of a block are in the upper halves of its bytes."""
        block, row = self._block(number, place)
        if self.has_wide_numbers:
            return list(block[row * self.numbers : (row + 1) * self.numbers])
        shift = 4 * (row // 16)
        numbers = [block[16 * table + row % 16] >> shift & 15 for table in range(self.codes_size // 16)]
        _require(not any(numbers[self.numbers :]), "there is something behind a code")
        return numbers[: self.numbers]

    def values(self, code):
        """What the numbers of a binary code say of each element, from 0 on."""
        if self.has_wide_numbers:
            return code
        plane = (self.dim + 3) // 4
        return [
            sum((code[bit * plane + d // 4] >> (d % 4) & 1) << bit for bit in range(self.code_bits)) for d in range(self.dim)
        ]

    def turned(self, vector):
        """A vector as codes are made of it."""
        if self.storage == AS_BINARY:
            return self.rotated(vector)
        if self.has_rotation:
            return [math.fsum(m * x for m, x in zip(row, vector)) for row in self.matrix]
        return list(vector)

    def turned_back(self, vector):
        if self.storage == AS_BINARY:
            return self.rotated_back(vector)
        if self.has_rotation:
            return [math.fsum(row[d] * x for row, x in zip(self.matrix, vector)) for d in range(self.dim)]
        return list(vector)

    def direction(self, number, place):
        """What the code of a row says of the row less its center, but for its length."""
        code = self.list_code(number, place)
        if self.storage == AS_PQ:
            vector = [x for part, choice in enumerate(code) for x in self.codebooks[part][choice]]
        else:
            middle = (2**self.code_bits - 1) / 2
            if self.storage == AS_BINARY:
                vector = [value - middle for value in self.values(code)]
            else:
                vector = [m + s * (number - middle) for m, s, number in zip(self.middles, self.steps, code)]
        return self.turned_back(vector)

    def decoded(self, number, place):
        """The row that its code stands for; under cosine the row of norm 1."""
        length = 1.0
        if self.storage == AS_BINARY:
            scale = abs(self.factor(number, place)) / (2 if self.metric == L2SQ else 1)
            length = scale * (1 - GRID_LOSSES[self.code_bits - 1])
        return [c + length * x for c, x in zip(self.center(number), self.direction(number, place))]

    def _list_row(self, position):
        if self.row_dtype:
            return self._elements("full_rows", self.row_dtype, position, self._size_of(self.row_dtype))
        home = self.homes(position)[0]
        return self.decoded(home, self.rows_of_list(home).index(position))

    def prepared(self, query):
        """A query as it is compared with codes, and what estimates are to be multiplied with."""
        if self.metric == L2SQ:
            return list(query), 1.0
        norm = math.sqrt(math.fsum(x * x for x in query))
        wanted = 1.0 if self.metric == COSINE else self.mean_norm
        if norm <= 2.0**-60 or wanted <= 2.0**-60:
            return list(query), 1.0
        return [x * wanted / norm for x in query], norm / wanted if self.metric == IP else 1.0

    def remoteness(self, query, number):
        """The order in which lists are read for a query: the least first."""
        centroid = self.centroid(number)
        product = math.fsum(x * c for x, c in zip(query, centroid))
        if self.metric == L2SQ:
            return math.fsum(c * c for c in centroid) - 2 * product
        return -self.reaches[number] * product

    def estimate(self, query, number, place):
        """The distance of a row from a query, by its code in a list."""
        query, unscale = self.prepared(query)
        center = self.center(number)
        if self.metric == L2SQ:
            base = math.fsum((x - c) ** 2 for x, c in zip(query, center))
        else:
            base = (1.0 if self.metric == COSINE else 0.0) - math.fsum(x * c for x, c in zip(query, center))
        product = math.fsum(x * y for x, y in zip(query, self.direction(number, place)))
        return (base + self.offset(number, place) + self.factor(number, place) * product) * unscale

    def _signs(self):
        """For each round of the rotation a sign for each element: from the highest bits of SplitMix64."""
        state, signs = self.seed, []
        for _ in range(ROUNDS * self.dim):
            state = (state + 0x9E3779B97F4A7C15) % 2**64
            z = state
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
            z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
            signs.append(-1.0 if (z ^ z >> 31) >> 63 else 1.0)
        return [signs[round * self.dim : (round + 1) * self.dim] for round in range(ROUNDS)]

    def rotated(self, vector):
        for round, signs in enumerate(self._signs()):
            vector = [x * sign for x, sign in zip(vector, signs)]
            vector = self._mixed(self._transformed(vector, round))
        return vector

    def rotated_back(self, vector):
        for round, signs in reversed(list(enumerate(self._signs()))):
            vector = self._transformed(self._mixed(vector), round)
            vector = [x * sign for x, sign in zip(vector, signs)]
        return vector

    def _transformed(self, vector, round):
        """The Walsh-Hadamard transform of the first elements, or of the last: as many as the largest power of two."""
        width = 1 << self.dim.bit_length() - 1
        start = 0 if round % 2 == 0 else self.dim - width
        part, half = vector[start : start + width], 1
        while half < width:
            for low in range(width):
                if low & half == 0:
                    part[low], part[low + half] = part[low] + part[low + half], part[low] - part[low + half]
            half *= 2
        return vector[:start] + [x / math.sqrt(width) for x in part] + vector[start + width :]

    def _mixed(self, vector):
        """Sums and differences of both halves, without the element in the middle; nothing for a power of two."""
        if self.dim & (self.dim - 1) == 0:
            return vector
        half, scale = self.dim // 2, math.sqrt(0.5)
        low, high = vector[:half], vector[self.dim - half :]
        sums = [(a + b) * scale for a, b in zip(low, high)]
        differences = [(a - b) * scale for a, b in zip(low, high)]
        return sums + vector[half : self.dim - half] + differences

    def check_lists(self):
        """Each row is in the lists that are its own, and in no other; what is behind the last row of a list is 0."""
        places = [set() for _ in range(self.count)]
        for number, size in enumerate(self.list_sizes):
            for place, row in enumerate(self.rows_of_list(number)):
                _require(row < self.count, f"list {number} has a row that is not there")
                _require(number in self.homes(row), f"list {number} has row {row}, which is not in it")
                _require(number not in places[row], f"list {number} has row {row} twice")
                places[row].add(number)
            for place in range(size, -(-size // BLOCK_ROWS) * BLOCK_ROWS):
                _require(self.slot(number, place) == 0, f"list {number} has something behind its rows")
                if self.numbers:
                    empty = (self.offset(number, place), self.factor(number, place), any(self.list_code(number, place)))
                    _require(empty == (0, 0, False), f"list {number} has something behind its rows")
        _require(all(len(own) == self.assignments for own in places), "a row is not in all of its lists")


def _require(condition, message):
    if not condition:
        raise FormatError(message)


def _check(data, checksum, what):
    if xxhash is not None:
        _require(xxhash.xxh3_64_intdigest(data, seed=0) == checksum, f"the checksum of {what} is wrong")


def read(path, outside=None):
    """Reads a whole file."""
    with open(path, "rb") as file:
        return IndexFile(file.read(), outside)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    index = read(sys.argv[1])
    index.check_ids()
    if index.kind == HNSW:
        index.check_graph()
    if index.kind == IVF:
        index.check_lists()
    metric, dtype = METRICS[index.metric], DTYPES[index.dtype]
    print(f"{KINDS[index.kind]} index: {index.count} rows, dim {index.dim}, {metric}, {dtype}")
    print(f"format version {index.format_version}, next id {index.next_id}")
    print_sections(index)


def print_sections(file):
    for name, data in file.sections.items():
        print(f"  {name:14} at byte {file.offsets[name]:>10}, {len(data)} bytes")
    print("checksums are right" if xxhash else "checksums were not checked: the module xxhash is not installed")


if __name__ == "__main__":
    main()
