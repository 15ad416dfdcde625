// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension SortedIndex {
    /// The places of the settled entries with keys in `range`, those that do not count among them.
    func places(_ range: ClosedRange<UInt64>) -> Range<Int> {
        let lower = keys.elements.lowerBound(range.lowerBound)
        return lower..<max(lower, keys.elements.upperBound(range.upperBound))
    }

    /// About how many entries have keys in `range`. Looks at no row.
    func countEstimate(_ range: ClosedRange<UInt64>) -> Int {
        guard keys.count > 0 else { return pending.count }
        let settled = Double(places(range).count)
        return Int(settled * (1 + Double(pending.count) / Double(keys.count)))
    }

    /// Adds the rows that have a key in one of `ranges` to `set`.
    /// - Parameter ranges: In their order, each behind the one before.
    func addRows(in ranges: [ClosedRange<UInt64>], to set: RowSet) {
        for range in ranges { addSettled(places(range), to: set) }
        if pending.count > 0 { addPending(ranges, to: set) }
    }

    private func addSettled(_ places: Range<Int>, to set: RowSet) {
        if hasSingles, places.count > keys.count / 2, let all = try? settledRows.copy() {
            // The rows of the other entries are fewer: they are taken out of all. Without memory it goes the slower way.
            for place in 0..<places.lowerBound { all.remove(rows.base[place]) }
            for place in places.upperBound..<keys.count { all.remove(rows.base[place]) }
            set.formUnion(all)
            return
        }
        let rows = rows.base
        let settled = settledRows.words
        if settledRows.span <= set.span {
            let words = set.words
            for place in places {
                let row = Int(rows[place])
                words[row &>> 6] |= settled[row &>> 6] & (1 &<< UInt64(row & 63))
            }
        } else {
            for place in places where settledRows.contains(rows[place]) { set.insert(rows[place]) }
        }
    }

    private func addPending(_ ranges: [ClosedRange<UInt64>], to set: RowSet) {
        if ranges.count > 8 {
            for i in 0..<pending.count {
                let entry = pending.base[i]
                var low = 0
                var high = ranges.count
                while low < high {
                    let middle = (low + high) / 2
                    if ranges[middle].upperBound < entry.key { low = middle + 1 } else { high = middle }
                }
                if low < ranges.count, ranges[low].contains(entry.key), pendingRows.contains(entry.row) { set.insert(entry.row) }
            }
            return
        }
        for range in ranges {
            let low = range.lowerBound
            let width = range.upperBound - low
            for i in 0..<pending.count {
                let entry = pending.base[i]
                if entry.key &- low <= width, pendingRows.contains(entry.row) { set.insert(entry.row) }
            }
        }
    }

    /// Keys in their order, each once.
    static func distinct(_ keys: [UInt64]) -> [UInt64] {
        guard keys.count > 1 else { return keys }
        var result: [UInt64] = []
        for key in keys.sorted() where key != result.last { result.append(key) }
        return result
    }

    /// Ranges of the keys that are none of `keys`, which ascend and differ.
    static func gaps(between keys: [UInt64]) -> [ClosedRange<UInt64>] {
        var gaps: [ClosedRange<UInt64>] = []
        var start: UInt64 = 0
        for key in keys {
            if key > start { gaps.append(start...(key - 1)) }
            if key == .max { return gaps }
            start = key + 1
        }
        gaps.append(start...(.max))
        return gaps
    }

    /// Calls `body` with the entries that count, in the order of keys, those of one key in the order of rows; or all of that
    /// reversed. A row comes as often as it has keys.
    /// - Parameters:
    ///   - start: The first key; nil: from the least or the largest on.
    ///   - body: Whether to go on.
    func forEachOrdered(
        from start: UInt64?, isDescending: Bool, _ body: (_ row: UInt32, _ key: UInt64) throws(VecStoreError) -> Bool
    ) throws(VecStoreError) {
        let range = isDescending ? 0...(start ?? .max) : (start ?? 0)...UInt64.max
        let new = try sortedPending(range)
        let places = places(range)
        var old = places.lowerBound
        var oldEnd = places.upperBound
        var next = 0
        var nextEnd = new.count
        while true {
            if isDescending {
                while old < oldEnd, !settledRows.contains(rows.base[oldEnd - 1]) { oldEnd -= 1 }
            } else {
                while old < oldEnd, !settledRows.contains(rows.base[old]) { old += 1 }
            }
            let takesOld: Bool
            if old == oldEnd {
                if next == nextEnd { return }
                takesOld = false
            } else if next == nextEnd {
                takesOld = true
            } else {
                let place = isDescending ? oldEnd - 1 : old
                let entry = new.base[isDescending ? nextEnd - 1 : next]
                takesOld = ((keys.base[place], rows.base[place]) < (entry.key, entry.row)) != isDescending
            }
            let row: UInt32, key: UInt64
            if takesOld {
                let place = isDescending ? oldEnd - 1 : old
                (row, key) = (rows.base[place], keys.base[place])
                if isDescending { oldEnd -= 1 } else { old += 1 }
            } else {
                let entry = new.base[isDescending ? nextEnd - 1 : next]
                (row, key) = (entry.row, entry.key)
                if isDescending { nextEnd -= 1 } else { next += 1 }
            }
            guard try body(row, key) else { return }
        }
    }
}

// MARK: - Entries whose rows are looked at by somebody else

extension SortedIndex {
    /// Calls `body` with the rows of settled entries with keys in `range`.
    @inline(__always)
    func forEachSettled(in range: ClosedRange<UInt64>, _ body: (UInt32) -> Void) {
        for place in places(range) {
            let row = rows.base[place]
            if settledRows.contains(row) { body(row) }
        }
    }

    /// Calls `body` with the rows of all pending entries.
    @inline(__always)
    func forEachPending(_ body: (UInt32) -> Void) {
        for place in 0..<pending.count {
            let row = pending.base[place].row
            if pendingRows.contains(row) { body(row) }
        }
    }
}
