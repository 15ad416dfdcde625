// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The rows of each key, made of the keys of each row: counted, then put where they belong.
struct KeyRows {
    private let rows: Column<UInt32>
    /// Where the rows of a key end.
    private let ends: Column<UInt32>

    /// - Throws: `.corrupt` where a row has a key that there is not.
    init(_ keysOfRows: RowValues<UInt32>, keyCount: Int) throws(VecStoreError) {
        let values = keysOfRows.values
        rows = try Column("the rows of values", capacity: values.count)
        ends = try Column("the places of rows", capacity: keyCount)
        try ends.extend(to: keyCount, with: 0)
        let ends = ends.base, rows = rows.base
        for key in values.elements {
            guard key < keyCount else { throw VecStoreError(.corrupt, "a row has the key \(key) of \(keyCount)") }
            ends[Int(key)] &+= 1
        }
        var start: UInt32 = 0
        for key in 0..<keyCount {
            let count = ends[key]
            ends[key] = start
            start &+= count
        }
        // What was the start of a key becomes its end.
        for row in 0..<UInt32(truncatingIfNeeded: keysOfRows.rowCount) {
            for key in keysOfRows[row] {
                rows[Int(ends[Int(key)])] = row
                ends[Int(key)] &+= 1
            }
        }
        self.rows.setCount(values.count)
    }

    /// The rows of a key, which ascend; nil where one of them comes twice.
    subscript(key: Int) -> UnsafeBufferPointer<UInt32>? {
        let start = key > 0 ? Int(ends.base[key - 1]) : 0
        let found = UnsafeBufferPointer(start: rows.base + start, count: Int(ends.base[key]) - start)
        for i in 1..<max(found.count, 1) where found[i - 1] == found[i] { return nil }
        return found
    }
}
