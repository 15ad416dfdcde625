// SPDX-License-Identifier: Apache-2.0

extension RowSet {
    /// Becomes what another set is; rows beyond its span are not in it.
    func take(_ other: RowSet?) {
        guard let other else { return }
        words.update(from: other.words, count: min(wordCount, other.wordCount))
        clearTail()
    }

    /// Whether the row was not in it.
    func add(_ row: Int) -> Bool {
        let row = UInt32(truncatingIfNeeded: row)
        if contains(row) { return false }
        insert(row)
        return true
    }

    /// Takes out all rows below one.
    func remove(below end: Int) {
        let end = min(max(end, 0), span)
        words.update(repeating: 0, count: end / 64)
        if end % 64 != 0 { words[end / 64] &= ~0 << UInt64(end % 64) }
    }

    /// Takes out all rows from one on.
    func remove(from start: Int) {
        guard start < span else { return }
        let start = max(start, 0)
        if start % 64 != 0 { words[start / 64] &= (1 << UInt64(start % 64)) - 1 }
        let first = (start + 63) / 64
        if first < wordCount { (words + first).update(repeating: 0, count: wordCount - first) }
    }

    /// How many rows below `end` are in it.
    func count(below end: Int) -> Int { count(in: 0..<end) }

    /// How many rows of a range are in it.
    func count(in range: Range<Int>) -> Int {
        let end = min(range.upperBound, span)
        guard range.lowerBound < end else { return 0 }
        var sum = 0
        let skipped = UInt64(range.lowerBound % 64)
        if skipped != 0 { sum &-= (words[range.lowerBound / 64] & ((1 << skipped) - 1)).nonzeroBitCount }
        for i in (range.lowerBound / 64)..<(end / 64) { sum &+= words[i].nonzeroBitCount }
        if end % 64 != 0 { sum &+= (words[end / 64] & ((1 << UInt64(end % 64)) - 1)).nonzeroBitCount }
        return sum
    }
}
