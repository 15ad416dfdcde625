// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension LoadedField {
    /// Calls `body` with rows in the order of the values that the index has: of several values of a row the one counts that comes
    /// first in that order. Rows with the same value come in no order of their own.
    /// - Parameters:
    ///   - start: The first value; nil: from the least or the largest on. Rows whose value comes before it are passed over.
    ///   - extra: Entries that the index does not have, sorted by key: of a field of numbers. Rows that have them count by them
    ///     or by their entries in the index, by what comes first.
    ///   - body: Whether to go on.
    func forEachOrdered(
        from start: OrderKey?, isDescending: Bool, extra: [SortedEntry],
        _ body: (UInt32, OrderKey) throws(VecStoreError) -> Bool
    ) throws(VecStoreError) {
        switch index {
        case .keyword(let index): try index.forEachOrdered(from: start, isDescending: isDescending, body)
        case .integer(let index), .datetime(let index):
            try index.sorted.forEachFirst(from: start, isDescending: isDescending, extra: extra, body)
        case .float(let index): try index.sorted.forEachFirst(from: start, isDescending: isDescending, extra: extra, body)
        default: break
        }
    }
}

extension SortedIndex {
    fileprivate func forEachFirst(
        from start: OrderKey?, isDescending: Bool, extra: [SortedEntry],
        _ body: (UInt32, OrderKey) throws(VecStoreError) -> Bool
    ) throws(VecStoreError) {
        var first: UInt64?
        if case .number(let key) = start { first = key }
        let range = isDescending ? 0...(first ?? .max) : (first ?? 0)...UInt64.max
        var seen: RowSet?
        if hasManyKeys || !extra.isEmpty {
            let rows = try RowSet(span: max(settledRows.span, pendingRows.span, (extra.map { Int($0.row) }.max() ?? -1) + 1))
            // Rows that came before the first value do not come again.
            if isDescending, range.upperBound < .max { addRows(in: [(range.upperBound + 1)...(.max)], to: rows) }
            if !isDescending, range.lowerBound > 0 { addRows(in: [0...(range.lowerBound - 1)], to: rows) }
            for entry in extra where isDescending ? entry.key > range.upperBound : entry.key < range.lowerBound {
                rows.insert(entry.row)
            }
            seen = rows
        }
        let others = extra.filter { range.contains($0.key) }
        var next = 0
        var isDone = false
        func visit(_ row: UInt32, _ key: UInt64) throws(VecStoreError) -> Bool {
            if let seen, !seen.add(Int(row)) { return true }
            isDone = try !body(row, .number(key))
            return !isDone
        }
        func visitOthers(before key: UInt64?) throws(VecStoreError) {
            while next < others.count, !isDone {
                let entry = others[isDescending ? others.count - 1 - next : next]
                if let key, isDescending ? entry.key < key : entry.key > key { return }
                next += 1
                _ = try visit(entry.row, entry.key)
            }
        }
        try forEachOrdered(from: first, isDescending: isDescending) { (row, key) throws(VecStoreError) in
            try visitOthers(before: key)
            if isDone { return false }
            return try visit(row, key)
        }
        try visitOthers(before: nil)
    }

    /// Whether there may be rows with more than one key.
    private var hasManyKeys: Bool {
        if !hasSingles { return true }
        for place in 1..<max(pending.count, 1) where pending.base[place].row == pending.base[place - 1].row { return true }
        return false
    }
}
