// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A set of rows below `span`: a bitmap. Bits from `span` on are always 0.
///
/// A row that is not below `span` is in no set: to insert one changes nothing.
final class RowSet: @unchecked Sendable {
    // Safety: a set is changed by who made it, or under the lock of the index that it is a part of. A set that was handed to
    // other threads is not changed any more.

    private(set) var span: Int
    private(set) var words: UnsafeMutablePointer<UInt64>
    private var memory: Buffer
    /// What the graph of each vector knows of the set, where it is used again and changed no more.
    private(set) var slotCaches: [SlotCache] = []

    /// The most rows that there can be.
    static let mostRows = 1 << 32

    init(span: Int, isFull: Bool = false) throws(VecStoreError) {
        memory = try RowSet.memory(span: span)
        words = memory.pointer(UInt64.self)
        self.span = span
        if isFull { fill() }
    }

    private static func memory(span: Int) throws(VecStoreError) -> Buffer {
        guard span >= 0, span <= mostRows else {
            throw VecStoreError(.tooLarge, "a set of \(span) rows: there can be at most \(mostRows)")
        }
        return try allocate(UInt64.self, (span + 63) / 64, for: "a set of \(span) rows")
    }

    var wordCount: Int { (span + 63) / 64 }

    /// Bytes of memory, with what graphs know of the set.
    var bytes: Int { slotCaches.reduce(memory.size) { $0 + $1.bytes } }

    /// Says that the set will not change, and is to be searched with more than once.
    /// - Parameter vectors: The vectors that points have.
    func freeze(vectors: Int) { slotCaches = (0..<vectors).map { _ in SlotCache() } }

    func copy() throws(VecStoreError) -> RowSet {
        let copy = try RowSet(span: span)
        copy.words.update(from: words, count: wordCount)
        return copy
    }

    /// The rows from one on, a multiple of 64, as a set of their own, in which they are that much less.
    /// - Parameter span: Rows below that there can be.
    func tail(from start: Int, span: Int) throws(VecStoreError) -> RowSet {
        let tail = try RowSet(span: span - start)
        let first = start / 64
        if first < wordCount { tail.words.update(from: words + first, count: min(wordCount - first, tail.wordCount)) }
        tail.clearTail()
        return tail
    }

    /// Makes `span` larger. The new rows are not in it.
    func grow(to span: Int) throws(VecStoreError) {
        guard span > self.span else { return }
        if (span + 63) / 64 * 8 > memory.size {
            // Twice as much as before: many small steps cost no more than one large one.
            let next = try RowSet.memory(span: max(span, min(memory.size * 16, RowSet.mostRows)))
            next.pointer(UInt64.self).update(from: words, count: wordCount)
            memory = next
            words = next.pointer(UInt64.self)
        }
        self.span = span
    }

    // MARK: - Single rows

    @inline(__always)
    func contains(_ row: UInt32) -> Bool {
        let row = Int(row)
        return row < span && words[row &>> 6] & (1 &<< UInt64(row & 63)) != 0
    }

    @inline(__always)
    func insert(_ row: UInt32) {
        let row = Int(row)
        if row < span { words[row &>> 6] |= 1 &<< UInt64(row & 63) }
    }

    @inline(__always)
    func remove(_ row: UInt32) {
        let row = Int(row)
        if row < span { words[row &>> 6] &= ~(1 &<< UInt64(row & 63)) }
    }

    // MARK: - Many rows

    /// Inserts those of `rows` that are below `span`.
    func insert(_ rows: Range<Int>) {
        let rows = rows.clamped(to: 0..<span)
        guard !rows.isEmpty else { return }
        let first = rows.lowerBound >> 6
        let last = (rows.upperBound - 1) >> 6
        let from = ~UInt64(0) << UInt64(rows.lowerBound & 63)
        let upTo = ~UInt64(0) >> UInt64(63 - (rows.upperBound - 1) & 63)
        if first == last {
            words[first] |= from & upTo
            return
        }
        words[first] |= from
        (words + first + 1).update(repeating: ~0, count: last - first - 1)
        words[last] |= upTo
    }

    func fill() {
        words.update(repeating: ~0, count: wordCount)
        clearTail()
    }

    func clear() { words.update(repeating: 0, count: wordCount) }

    /// Clears the bits of the last word that stand for no row.
    func clearTail() {
        if span & 63 != 0 { words[span >> 6] &= ~0 >> UInt64(64 - span & 63) }
    }

    // MARK: - Reading

    /// Calls `body` with the rows, in order, until it says false.
    @inline(__always)
    func forEach<E: Error>(_ body: (UInt32) throws(E) -> Bool) throws(E) {
        let words = words
        for i in 0..<wordCount {
            var word = words[i]
            while word != 0 {
                guard try body(UInt32(truncatingIfNeeded: i &* 64 &+ word.trailingZeroBitCount)) else { return }
                word &= word &- 1
            }
        }
    }

    /// The first row of the set that is not below `row`.
    func first(from row: Int) -> UInt32? {
        guard row < span else { return nil }
        let start = max(row, 0)
        var i = start >> 6
        var word = words[i] & (~0 << UInt64(start & 63))
        let end = wordCount
        while word == 0 {
            i += 1
            guard i < end else { return nil }
            word = words[i]
        }
        return UInt32(truncatingIfNeeded: i * 64 + word.trailingZeroBitCount)
    }

    /// Calls `body` with the set as the bytes of a `RowFilter`, and how many bits they have.
    func withBytes<R, E: Error>(_ body: (UnsafePointer<UInt8>, UInt64) throws(E) -> R) throws(E) -> R {
        defer { withExtendedLifetime(self) {} }
        // Words are little endian on every machine that this is built for: bit 0 of byte 0 comes first.
        return try body(UnsafePointer(memory.pointer(UInt8.self)), UInt64(span))
    }
}
