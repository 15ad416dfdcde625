// SPDX-License-Identifier: Apache-2.0

/// Two sets may have different spans: rows that one cannot hold are not in it.
extension RowSet {
    func formUnion(_ other: RowSet) {
        let words = words, theirs = other.words
        for i in 0..<min(wordCount, other.wordCount) { words[i] |= theirs[i] }
        clearTail()
    }

    func formIntersection(_ other: RowSet) {
        let words = words, theirs = other.words
        let common = min(wordCount, other.wordCount)
        for i in 0..<common { words[i] &= theirs[i] }
        for i in common..<wordCount { words[i] = 0 }
    }

    func subtract(_ other: RowSet) {
        let words = words, theirs = other.words
        for i in 0..<min(wordCount, other.wordCount) { words[i] &= ~theirs[i] }
    }

    /// The rows below `span` that were not in it.
    func formComplement() {
        let words = words
        for i in 0..<wordCount { words[i] = ~words[i] }
        clearTail()
    }

    var count: Int {
        let words = words
        var sum = 0
        for i in 0..<wordCount { sum &+= words[i].nonzeroBitCount }
        return sum
    }

    /// How many rows are in both.
    func count(in other: RowSet) -> Int {
        let words = words, theirs = other.words
        var sum = 0
        for i in 0..<min(wordCount, other.wordCount) { sum &+= (words[i] & theirs[i]).nonzeroBitCount }
        return sum
    }

    var isEmpty: Bool { first(from: 0) == nil }
}
