// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The body of a field's file in memory, read from its beginning to its end. Its checksum was right; still nothing that it says is
/// believed before it was compared with what there is.
final class FieldReader {
    private let memory: Buffer
    private let bytes: Int
    private var offset = 0
    /// Rows of the state: those that the file speaks of lie below.
    let rowCount: Int

    init(_ memory: Buffer, _ bytes: Int, rowCount: Int) {
        self.memory = memory
        self.bytes = bytes
        self.rowCount = rowCount
    }

    func damage(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "the values of a field: \(what)") }

    private func take(_ target: UnsafeMutableRawPointer, _ count: Int) throws(VecStoreError) {
        guard count <= bytes - offset else { throw damage("they end too early") }
        target.copyMemory(from: memory.base + offset, byteCount: count)
        offset += count
    }

    /// How many elements there are, and these.
    func column<Element: BitwiseCopyable>(_ name: StaticString) throws(VecStoreError) -> Column<Element> {
        var number: UInt64 = 0
        try take(&number, 8)
        guard let count = Int(exactly: UInt64(littleEndian: number)), let size = product(count, MemoryLayout<Element>.stride),
            size <= bytes - offset
        else { throw damage("they end too early") }
        let column = try Column<Element>(name, capacity: max(count, 1))
        try take(column.base, size)
        column.setCount(count)
        return column
    }

    /// A column of which each row has an element, from the first row on.
    func rowColumn<Element: BitwiseCopyable>(_ name: StaticString) throws(VecStoreError) -> Column<Element> {
        let column: Column<Element> = try column(name)
        guard column.count <= rowCount else { throw damage("there are more than rows") }
        return column
    }

    /// A set of rows.
    func set() throws(VecStoreError) -> RowSet {
        let set = try RowSet(span: rowCount)
        try take(set.words, 8 * set.wordCount)
        set.clearTail()
        return set
    }

    /// A set of rows, for the rows of a value.
    func posting() throws(VecStoreError) -> Posting {
        let set = try set()
        let rows = try Column<UInt32>("the rows of a value", capacity: set.count)
        try set.forEach { row throws(VecStoreError) in
            try rows.append(row)
            return true
        }
        defer { withExtendedLifetime(rows) {} }
        return try Posting(rows.elements)
    }

    /// After the last part.
    func finish() throws(VecStoreError) { if offset != bytes { throw damage("there is more than values") } }
}

extension UnsafeBufferPointer where Element: FixedWidthInteger {
    /// Whether no element is below 0 or the one before, and the last is `end`, or there is none and `end` is 0.
    func isAscending(upTo end: Element) -> Bool {
        var before: Element = 0
        for element in self {
            if element < before { return false }
            before = element
        }
        return before == end
    }
}
