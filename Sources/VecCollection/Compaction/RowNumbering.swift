// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The numbers that rows get when those between them go: 0, 1, 2 and so on, in the order that they have.
struct RowNumbering {
    /// Rows that get a number.
    private let kept: RowSet
    /// How many rows are kept before each word of the set.
    private var ranks: Column<UInt32>
    private(set) var count = 0

    /// - Parameter span: Rows that there are. `keep` decides which of them are kept.
    init(span: Int) throws(VecStoreError) {
        kept = try RowSet(span: span)
        ranks = try Column("the new numbers of rows")
    }

    var span: Int { kept.span }

    func contains(_ row: Int) -> Bool { kept.contains(UInt32(truncatingIfNeeded: row)) }

    /// Rows from the first on that is not kept: those before it keep their numbers.
    var firstMoved: Int {
        var row = 0
        while row < span, contains(row) { row += 1 }
        return row
    }

    /// Makes room for rows that came meanwhile.
    func grow(to span: Int) throws(VecStoreError) { try kept.grow(to: span) }

    /// Of a row below the span.
    func keep(_ row: UInt32) { kept.insert(row) }

    /// Counts: after rows were kept, before their numbers are asked for. Rows behind those counted before change no number.
    mutating func settle() throws(VecStoreError) {
        let wordCount = kept.wordCount
        let next = try Column<UInt32>("the new numbers of rows", capacity: wordCount + 1)
        var sum: UInt32 = 0
        for i in 0..<wordCount {
            next.base[i] = sum
            sum += UInt32(kept.words[i].nonzeroBitCount)
        }
        next.setCount(wordCount)
        ranks = next
        count = Int(sum)
    }

    /// The new number of a row; nil of one that is not kept.
    subscript(row: Int) -> Int? {
        guard row >= 0, row < span, contains(row) else { return nil }
        return count(below: row)
    }

    /// How many rows below one are kept.
    func count(below row: Int) -> Int {
        guard row < span else { return count }
        let below = kept.words[row >> 6] & ((1 << UInt64(row & 63)) - 1)
        return Int(ranks.base[row >> 6]) + below.nonzeroBitCount
    }

    /// Calls `body` with the rows of a range that are kept, and their new numbers, in order.
    func forEach<E: Error>(in rows: Range<Int>, _ body: (_ old: Int, _ new: Int) throws(E) -> Void) throws(E) {
        var next = kept.first(from: rows.lowerBound)
        while let row = next, Int(row) < rows.upperBound {
            if let new = self[Int(row)] { try body(Int(row), new) }
            next = kept.first(from: Int(row) + 1)
        }
    }
}
