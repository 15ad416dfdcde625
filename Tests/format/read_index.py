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
MOST_DIM = 65536
NO_ID = 2**64 - 1

L2SQ, IP, COSINE, L1, HAMMING, JACCARD = range(1, 7)
FLOAT32, FLOAT16, BFLOAT16, INT8, UINT8, BITS = range(1, 7)
METRICS = {L2SQ: "l2sq", IP: "ip", COSINE: "cosine", L1: "l1", HAMMING: "hamming", JACCARD: "jaccard"}
DTYPES = {FLOAT32: "float32", FLOAT16: "float16", BFLOAT16: "bfloat16", INT8: "int8", UINT8: "uint8", BITS: "bits"}
FLOATS = (FLOAT32, FLOAT16, BFLOAT16)

IDS_ASCEND = 1
HAS_CODES = 2

ROWS, IDS, ID_ORDER, SQUARED_NORMS, INVERSE_NORMS, CODES, CODE_SCALE, CODE_ERROR = range(1, 9)
SECTIONS = {
    ROWS: "rows",
    IDS: "ids",
    ID_ORDER: "id_order",
    SQUARED_NORMS: "squared_norms",
    INVERSE_NORMS: "inverse_norms",
    CODES: "codes",
    CODE_SCALE: "code_scale",
    CODE_ERROR: "code_error",
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
        _require(self.kind == 1, f"kind {self.kind} is not known")
        _require(1 <= self.dim <= MOST_DIM, f"dim is {self.dim}")
        _require(self.metric in METRICS and self.dtype in DTYPES, "the metric or the dtype is not known")
        _require((self.metric >= HAMMING) == (self.dtype == BITS), "the metric and the dtype do not go together")
        _require(self.count <= MOST_ROWS, f"{self.count} rows are too many")
        _require(self.flags & ~(IDS_ASCEND | HAS_CODES) == 0, f"flags {self.flags:#x} are not known")
        _require(not any(data[68:112]), "the reserved bytes are not 0")
        may_have_codes = self.dtype in FLOATS and self.metric in (L2SQ, IP, COSINE)
        _require(may_have_codes or not self.has_codes, "there are codes where there can be none")

    @property
    def ids_ascend(self):
        return bool(self.flags & IDS_ASCEND)

    @property
    def has_codes(self):
        return bool(self.flags & HAS_CODES)

    @property
    def row_size(self):
        """Bytes of one row."""
        if self.dtype == BITS:
            return (self.dim + 7) // 8
        return {FLOAT32: 4, FLOAT16: 2, BFLOAT16: 2, INT8: 1, UINT8: 1}[self.dtype] * self.dim

    # ---- The section table -------------------------------------------------------------------------------------------

    def _expected_sections(self):
        """The size of each section that this file must have, in the order of the file."""
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
        """The elements of one row: numbers; for bits 0 and 1."""
        raw = self.sections["rows"][position * self.row_size : (position + 1) * self.row_size]
        if self.dtype == BITS:
            return [raw[i // 8] >> (i % 8) & 1 for i in range(self.dim)]
        if self.dtype == BFLOAT16:  # the upper half of a binary32
            return [struct.unpack("<f", b"\0\0" + raw[2 * i : 2 * i + 2])[0] for i in range(self.dim)]
        letter = {FLOAT32: "f", FLOAT16: "e", INT8: "b", UINT8: "B"}[self.dtype]
        return list(struct.unpack(f"<{self.dim}{letter}", raw))

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
    print(f"flat index: {index.count} rows, dim {index.dim}, {METRICS[index.metric]}, {DTYPES[index.dtype]}")
    print(f"format version {index.format_version}, next id {index.next_id}")
    for name, data in index.sections.items():
        print(f"  {name:14} at byte {index.offsets[name]:>10}, {len(data)} bytes")
    print("checksums are right" if xxhash else "checksums were not checked: the module xxhash is not installed")


if __name__ == "__main__":
    main()
