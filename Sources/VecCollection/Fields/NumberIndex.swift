// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The rows of numbers with fractions.
///
/// Not thread-safe: whoever owns it guards it with a readers-writer lock.
final class NumberIndex {
    let sorted: SortedIndex

    init() throws(VecStoreError) { sorted = try SortedIndex() }

    /// That of a file.
    init(_ file: FieldReader) throws(VecStoreError) {
        sorted = try SortedIndex(file)
        let numbers = SortKey.key(-Double.infinity)...SortKey.key(Double.infinity)
        guard sorted.keys.elements.allSatisfy(numbers.contains) else { throw file.damage("what is no number") }
    }

    var bytes: Int { sorted.bytes }

    // MARK: - Changing

    /// Gives a row its values, in the place of those it had. Where it throws, the row has none.
    func set(row: UInt32, values: [Double]) throws(VecStoreError) {
        sorted.remove(row)
        for value in values { try NumberIndex.check(value) }
        try sorted.set(row, SortedIndex.distinct(values.map(SortKey.key)))
    }

    func set(row: UInt32, value: Double) throws(VecStoreError) {
        sorted.remove(row)
        try NumberIndex.check(value)
        try sorted.set(row, SortKey.key(value))
    }

    func remove(row: UInt32) { sorted.remove(row) }

    private static func check(_ value: Double) throws(VecStoreError) {
        guard !value.isNaN else { throw VecStoreError(.notFinite, "NaN is no value of a field: it has no place among numbers") }
    }

    // MARK: - Asking

    /// A NaN as a bound lets nothing through.
    func addRows(in range: Bounds<Double>, to set: RowSet) {
        if let keys = range.keys { sorted.addRows(in: [keys], to: set) }
    }

    func countEstimate(_ range: Bounds<Double>) -> Int { range.keys.map { sorted.countEstimate($0) } ?? 0 }

    /// Calls `body` with rows and values in the order of values, those of one value in the order of rows; or all of that
    /// reversed.
    /// - Parameters:
    ///   - start: The first value. There is none from a NaN on.
    ///   - body: Whether to go on.
    func forEachOrdered(
        from start: Double? = nil, isDescending: Bool = false,
        _ body: (_ row: UInt32, _ value: Double) throws(VecStoreError) -> Bool
    ) throws(VecStoreError) {
        if let start, start.isNaN { return }
        try sorted.forEachOrdered(from: start.map(SortKey.key), isDescending: isDescending) { row, key throws(VecStoreError) in
            try body(row, SortKey.double(key))
        }
    }
}
