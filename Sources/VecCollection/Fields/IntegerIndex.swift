// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The rows of whole numbers; and of times, which are microseconds since 1970.
///
/// Not thread-safe: whoever owns it guards it with a readers-writer lock.
final class IntegerIndex {
    let sorted: SortedIndex

    init() throws(VecStoreError) { sorted = try SortedIndex() }

    /// That of a file.
    init(_ file: FieldReader) throws(VecStoreError) { sorted = try SortedIndex(file) }

    var bytes: Int { sorted.bytes }

    // MARK: - Changing

    /// Gives a row its values, in the place of those it had. Where it throws, the row has none.
    func set(row: UInt32, values: [Int64]) throws(VecStoreError) {
        if values.count == 1 {
            try sorted.set(row, SortKey.key(values[0]))
        } else {
            try sorted.set(row, IntegerIndex.keys(values))
        }
    }

    func set(row: UInt32, value: Int64) throws(VecStoreError) { try sorted.set(row, SortKey.key(value)) }

    func remove(row: UInt32) { sorted.remove(row) }

    // MARK: - Asking

    func addRows(equalTo value: Int64, to set: RowSet) { addRows(withAny: [value], to: set) }

    func addRows(withAny values: [Int64], to set: RowSet) {
        sorted.addRows(in: IntegerIndex.keys(values).map { $0...$0 }, to: set)
    }

    /// Rows that have a value which is none of `values`.
    func addRows(withOtherThan values: [Int64], to set: RowSet) {
        sorted.addRows(in: SortedIndex.gaps(between: IntegerIndex.keys(values)), to: set)
    }

    func addRows(in range: Bounds<Int64>, to set: RowSet) {
        if let keys = IntegerIndex.keys(range) { sorted.addRows(in: [keys], to: set) }
    }

    /// Compares the numbers with the bounds as they are, however large.
    func addRows(in range: Bounds<Double>, to set: RowSet) {
        if let range = range.integers { addRows(in: range, to: set) }
    }

    func countEstimate(_ range: Bounds<Int64>) -> Int {
        IntegerIndex.keys(range).map { sorted.countEstimate($0) } ?? 0
    }

    func countEstimate(_ range: Bounds<Double>) -> Int { range.integers.map { countEstimate($0) } ?? 0 }

    func countEstimate(equalTo value: Int64) -> Int {
        let key = SortKey.key(value)
        return sorted.countEstimate(key...key)
    }

    /// Calls `body` with rows and values in the order of values, those of one value in the order of rows; or all of that
    /// reversed.
    /// - Parameters:
    ///   - start: The first value.
    ///   - body: Whether to go on.
    func forEachOrdered(
        from start: Int64? = nil, isDescending: Bool = false,
        _ body: (_ row: UInt32, _ value: Int64) throws(VecStoreError) -> Bool
    ) throws(VecStoreError) {
        try sorted.forEachOrdered(from: start.map(SortKey.key), isDescending: isDescending) { row, key throws(VecStoreError) in
            try body(row, SortKey.int64(key))
        }
    }

    private static func keys(_ values: [Int64]) -> [UInt64] { SortedIndex.distinct(values.map(SortKey.key)) }

    private static func keys(_ range: Bounds<Int64>) -> ClosedRange<UInt64>? {
        range.closed.map { SortKey.key($0.lowerBound)...SortKey.key($0.upperBound) }
    }
}
