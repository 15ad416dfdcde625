// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// Copies rows into another file, where they lie without gaps.
final class RowCompactor {
    private let source: RowFile
    private let target: RowFile
    private let buffer: Buffer
    private let most: Int
    /// Rows in the buffer, and the number of the first.
    private var count = 0
    private var first = 0

    private static let bufferBytes = 4 << 20

    init(_ source: RowFile, to target: RowFile) throws(VecStoreError) {
        self.source = source
        self.target = target
        most = max(RowCompactor.bufferBytes / source.stride, 1)
        buffer = try allocate(UInt8.self, most * source.stride, for: "rows to copy")
    }

    /// Copies those of some rows that are kept.
    /// - Parameter tell: Is told how many bytes went by; may throw.
    func copy(
        _ rows: Range<Int>, _ numbers: RowNumbering, _ tell: (Int) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        var passed = 0
        try numbers.forEach(in: rows) { (old, new) throws(VecStoreError) in
            passed += source.stride
            if count == most || (count > 0 && new != first + count) {
                try flush()
                try tell(passed)
                passed = 0
            }
            let row = source.row(old)
            // Of a point without this vector there is a hole, which takes no disk, here and there.
            if isZero(row) {
                try flush()
                return
            }
            if count == 0 { first = new }
            (buffer.base + count * source.stride).copyMemory(from: row, byteCount: source.stride)
            count += 1
        }
        try flush()
        try tell(passed)
    }

    private func flush() throws(VecStoreError) {
        if count > 0 { try target.write(buffer.base, count: count, at: first) }
        count = 0
    }

    private func isZero(_ row: UnsafeRawPointer) -> Bool {
        var place = 0
        while place + 8 <= source.stride {
            if row.loadUnaligned(fromByteOffset: place, as: UInt64.self) != 0 { return false }
            place += 8
        }
        while place < source.stride {
            if row.load(fromByteOffset: place, as: UInt8.self) != 0 { return false }
            place += 1
        }
        return true
    }
}
