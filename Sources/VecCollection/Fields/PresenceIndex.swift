// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// How many values a field has in each row, and whether it is null there. A row that was never set, or was removed, has no
/// values.
///
/// Not thread-safe: whoever owns it guards it with a readers-writer lock.
final class PresenceIndex {
    private let counts: Column<UInt32>
    private let present: RowSet
    private let null: RowSet

    init() throws(VecStoreError) {
        counts = try Column("the numbers of values")
        present = try RowSet(span: 0)
        null = try RowSet(span: 0)
    }

    /// That of a file.
    init(_ file: FieldReader) throws(VecStoreError) {
        counts = try file.rowColumn("the numbers of values")
        null = try file.set()
        present = try RowSet(span: counts.count)
        for row in 0..<counts.count where counts.base[row] > 0 { present.insert(UInt32(truncatingIfNeeded: row)) }
    }

    func write(_ file: FieldFileWriter) throws(VecStoreError) {
        try file.append(counts)
        try file.append(null)
    }

    var bytes: Int { counts.bytes + present.bytes + null.bytes }

    /// - Parameter isNull: Whether the field is there and null.
    func set(row: UInt32, count: Int, isNull: Bool) throws(VecStoreError) {
        remove(row: row)
        guard count > 0 || isNull else { return }
        try counts.extend(to: Int(row) + 1, with: 0)
        try present.grow(to: Int(row) + 1)
        try null.grow(to: Int(row) + 1)
        counts.base[Int(row)] = UInt32(clamping: count)
        if count > 0 { present.insert(row) }
        if isNull { null.insert(row) }
    }

    func remove(row: UInt32) {
        if Int(row) < counts.count { counts.base[Int(row)] = 0 }
        present.remove(row)
        null.remove(row)
    }

    func count(row: UInt32) -> Int { Int(row) < counts.count ? Int(counts.base[Int(row)]) : 0 }

    /// Adds the rows that have a value.
    func addPresentRows(to set: RowSet) { set.formUnion(present) }

    /// Adds the rows where the field is null.
    func addNullRows(to set: RowSet) { set.formUnion(null) }

    /// Adds the rows with so many values. Where no values are enough, all rows below the span of `set` that have none are among
    /// them, those that are no points of the collection too.
    func addRows(withCount range: Bounds<Int64>, to set: RowSet) {
        guard let range = range.closed, range.upperBound >= 0 else { return }
        let low = UInt32(clamping: range.lowerBound)
        let width = UInt32(clamping: range.upperBound) - low
        let counted = min(counts.count, set.span)
        for start in stride(from: 0, to: counted, by: 64) {
            var word: UInt64 = 0
            for i in start..<min(start + 64, counted) {
                word |= (counts.base[i] &- low <= width ? 1 : 0) << UInt64(i & 63)
            }
            set.words[start >> 6] |= word
        }
        if low == 0 { set.insert(counted..<set.span) }
    }
}
