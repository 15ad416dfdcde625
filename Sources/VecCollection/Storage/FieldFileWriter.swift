// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Writes the body of a field's file.
struct FieldFileWriter {
    private let file: ChecksumWriter
    /// Rows of the state.
    let rowCount: Int

    init(_ file: ChecksumWriter, rowCount: Int) {
        self.file = file
        self.rowCount = rowCount
    }

    /// How many elements there are, and these.
    func append<Element: BitwiseCopyable>(_ column: Column<Element>) throws(VecStoreError) {
        var count = UInt64(column.count).littleEndian
        try file.append(&count, 8)
        try file.append(column.base, column.count * MemoryLayout<Element>.stride)
    }

    /// A set of rows, which may end before the rows do.
    func append(_ set: RowSet) throws(VecStoreError) {
        let whole = try RowSet(span: rowCount)
        whole.take(set)
        try file.append(whole.words, 8 * whole.wordCount)
    }
}
