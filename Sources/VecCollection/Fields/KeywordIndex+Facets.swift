// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A value and how many rows have it.
package struct FacetCount: Equatable, Sendable {
    package let value: String
    package let count: Int
}

extension KeywordIndex {
    /// How many of the rows have each value: values that none has are left out. The most frequent come first, then the values
    /// that come first byte by byte.
    /// - Parameters:
    ///   - set: nil: all rows.
    ///   - limit: At most so many values.
    func counts(among set: RowSet?, limit: Int = .max) throws(VecStoreError) -> [FacetCount] {
        let counts = try Column<UInt32>("counts of values")
        try counts.extend(to: keys.count, with: 0)
        count(set, into: counts.base)
        let found = try Column<UInt32>("counts of values", capacity: keys.count)
        for key in 0..<keys.count where counts.base[key] > 0 { try found.append(UInt32(truncatingIfNeeded: key)) }
        let limit = min(max(limit, 0), found.count)
        found.sort { a, b in
            let first = counts.base[Int(a)], second = counts.base[Int(b)]
            return first != second ? first > second : isBefore(keys[Int(a)], keys[Int(b)])
        }
        return found.elements.prefix(limit).map {
            FacetCount(value: String(decoding: keys[Int($0)], as: UTF8.self), count: Int(counts.base[Int($0)]))
        }
    }

    private func count(_ set: RowSet?, into counts: UnsafeMutablePointer<UInt32>) {
        guard let set else {
            for key in 0..<keys.count { counts[key] = UInt32(truncatingIfNeeded: postings.base[key].count) }
            return
        }
        // Either by value or by row, whichever looks at less. A row costs more: its values lie elsewhere.
        var cost = 0
        for key in 0..<keys.count { cost += postings.base[key].cost }
        if cost < set.count * 4 {
            for key in 0..<keys.count { counts[key] = UInt32(truncatingIfNeeded: postings.base[key].count(in: set)) }
        } else {
            set.forEach { row in
                for key in keysOfRows[row] { counts[Int(key)] &+= 1 }
                return true
            }
        }
    }
}
