# Reads the file of a quantizer with nothing but docs/file-format.md. It shares no code with the library.
# SPDX-License-Identifier: Apache-2.0
"""Usage: read_quantizer.py FILE

Prints what the file of a quantizer holds. Checks everything that docs/file-format.md asks of a reader; the checksums only
where the module `xxhash` is installed.
"""

import math
import struct
import sys

import read_index
from read_index import FLOAT32, L2SQ, MEAN, PART_CENTROIDS, QUANTIZER_FILE, RANGES, ROTATION, _require

SCALAR, PRODUCT, BINARY = 1, 2, 3
QUANTIZERS = {SCALAR: "scalar", PRODUCT: "product", BINARY: "binary"}
BITS = {SCALAR: (4, 8), PRODUCT: (4, 5, 6, 7, 8, 10, 12), BINARY: range(1, 9)}
MOST_ROTATED = 4096
LEAST_STEP, MOST = 2.0**-70, 2.0**63
FACTORS_SIZE = 8


class QuantizerFile(read_index.IndexFile):
    """A quantizer as its file describes it."""

    KINDS = (QUANTIZER_FILE,)
    KNOWN_FLAGS = {QUANTIZER_FILE: 0}
    FIELDS_END = {QUANTIZER_FILE: 100}

    def __init__(self, data):
        super().__init__(data)
        {SCALAR: self._read_ranges, PRODUCT: self._read_parts, BINARY: self._read_mean}[self.quantizer]()

    def _read_fixed_part(self):
        super()._read_fixed_part()
        fields = struct.unpack_from("<IIIQIIf", self._data, 68)
        self.quantizer, self.bits, self.pq_m, self.seed, self.is_rotated, self.is_uniform, self.quantile = fields
        _require((self.metric, self.dtype) == (L2SQ, FLOAT32), "the metric or the dtype is not that of a quantizer")
        _require((self.count, self.next_id) == (0, 0), "a quantizer has rows")
        _require(self.quantizer in QUANTIZERS, f"quantizer {self.quantizer} is not known")
        _require(self.bits in BITS[self.quantizer], f"codes have {self.bits} bits")
        if self.quantizer == PRODUCT:
            _require(1 <= self.pq_m <= self.dim, f"there are {self.pq_m} parts")
            _require(self.is_rotated <= 1, f"rotation {self.is_rotated} is not known")
            _require(not self.is_rotated or self.dim <= MOST_ROTATED, "there are too many elements for a rotation")
        else:
            _require((self.pq_m, self.is_rotated) == (0, 0), "there are parts or a rotation")
        if self.quantizer == SCALAR:
            _require(self.seed == 0, "there is a seed")
            _require(self.is_uniform <= 1, f"uniform {self.is_uniform} is not known")
            _require(0 <= self.quantile < 0.5, "the quantile cannot be")
        else:
            _require((self.is_uniform, self.quantile) == (0, 0), "there are ranges")

    def _expected_sections(self):
        dim = self.dim
        if self.quantizer == SCALAR:
            return {RANGES: dim * 8}
        if self.quantizer == BINARY:
            return {MEAN: dim * 4}
        sizes = {PART_CENTROIDS: 2**self.bits * dim * 4}
        if self.is_rotated:
            sizes[ROTATION] = dim * dim * 4
        return sizes

    # ---- What training found -----------------------------------------------------------------------------------------

    def _floats(self, name):
        content = self.sections[name]
        floats = list(struct.unpack(f"<{len(content) // 4}f", content))
        _require(all(map(math.isfinite, floats)), f"there is something in {name} that is no number")
        return floats

    def _read_ranges(self):
        floats = self._floats("ranges")
        self.centers, self.steps = floats[: self.dim], floats[self.dim :]
        for center, step in zip(self.centers, self.steps):
            _require(step >= LEAST_STEP, "a step cannot be")
            _require(abs(center) + self.middle * step <= MOST, "the end of a range cannot be")

    def _read_parts(self):
        floats, self.parts = self._floats("part_centroids"), []
        for part in range(self.pq_m):
            first, end = self.part_range(part)
            base, size = 2**self.bits * first, end - first
            centroids = [floats[base + i * size : base + (i + 1) * size] for i in range(2**self.bits)]
            _require(all(math.hypot(*centroid) <= MOST for centroid in centroids), "a centroid cannot be")
            self.parts.append(centroids)
        if not self.is_rotated:
            return
        floats = self._floats("rotation")
        self.matrix = [floats[i * self.dim : (i + 1) * self.dim] for i in range(self.dim)]
        for row in self.matrix:
            _require(abs(product(row, row) - 1) <= 2.0**-6, "the rotation changes lengths")

    def _read_mean(self):
        self.mean = self._floats("mean")
        _require(math.hypot(*self.mean) <= MOST, "the mean cannot be")

    def part_range(self, part):
        """The elements that a part of a code stands for: from the first to before the last."""
        return part * self.dim // self.pq_m, (part + 1) * self.dim // self.pq_m

    # ---- Codes -------------------------------------------------------------------------------------------------------

    @property
    def middle(self):
        """The middle of the numbers of a code."""
        return (2**self.bits - 1) / 2

    @property
    def number_count(self):
        return self.pq_m if self.quantizer == PRODUCT else self.dim

    @property
    def code_size(self):
        numbers = (self.number_count * self.bits + 7) // 8
        return numbers + (FACTORS_SIZE if self.quantizer == BINARY else 0)

    def numbers(self, code):
        """The numbers of a code, the lowest bits first."""
        _require(len(code) == self.code_size, f"a code has {len(code)} bytes")
        bits = int.from_bytes(code[: (self.number_count * self.bits + 7) // 8], "little")
        return [bits >> (i * self.bits) & (2**self.bits - 1) for i in range(self.number_count)]

    def factors(self, code):
        """The norm and the factor of a binary code; what no code has counts as 0."""
        return [x if 0 <= x < MOST else 0.0 for x in struct.unpack_from("<2f", code, self.code_size - FACTORS_SIZE)]

    def prepared(self, vector):
        """The vector as codes are made of it: rotated, and for binary codes less the mean before."""
        if self.quantizer == BINARY:
            return self.rotated([x - m for x, m in zip(vector, self.mean)])
        if self.quantizer == PRODUCT and self.is_rotated:
            return [product(row, vector) for row in self.matrix]
        return list(vector)

    def decoded(self, code):
        """The vector that a code stands for."""
        numbers = self.numbers(code)
        if self.quantizer == SCALAR:
            return [c + (n - self.middle) * step for n, c, step in zip(numbers, self.centers, self.steps)]
        if self.quantizer == PRODUCT:
            joined = [x for part, number in zip(self.parts, numbers) for x in part[number]]
            if self.is_rotated:
                joined = [product(column, joined) for column in zip(*self.matrix)]
            return joined
        norm, factor = self.factors(code)
        v = [n - self.middle for n in numbers]
        length = math.hypot(*v)
        scale = min(norm * norm / factor / length**2, norm / length) if factor > 0 else 0.0
        return [m + x for m, x in zip(self.mean, self.rotated_back([scale * x for x in v]))]

    def estimate(self, query, code, metric):
        """The distance of a query from a vector, by its code."""
        if self.quantizer != BINARY:
            decoded = self.decoded(code)
            if metric == "ip":
                return -product(query, decoded)
            return math.fsum((x - y) ** 2 for x, y in zip(query, decoded))
        norm, factor = self.factors(code)
        v = [n - self.middle for n in self.numbers(code)]
        if metric == "ip":
            return -product(query, self.mean) - factor * product(v, self.rotated(query))
        from_mean = [x - m for x, m in zip(query, self.mean)]
        return product(from_mean, from_mean) + norm**2 - 2 * factor * product(v, self.rotated(from_mean))


def product(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


def read(path):
    """Reads a whole file."""
    with open(path, "rb") as file:
        return QuantizerFile(file.read())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = read(sys.argv[1])
    print(f"{QUANTIZERS[found.quantizer]} quantizer: dim {found.dim}, {found.bits} bits, {found.code_size} bytes a code")
    read_index.print_sections(found)


if __name__ == "__main__":
    main()
