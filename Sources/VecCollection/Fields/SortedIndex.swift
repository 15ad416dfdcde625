// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The rows of keys, in the order of keys: a large sorted part, the *settled* entries, and a small part of rows that were set
/// since, the *pending* entries. Of a row at most one of them counts; which one, two sets of rows say.
///
/// Not thread-safe: whoever owns it guards it with a readers-writer lock.
final class SortedIndex {
    /// Sorted by key, those of one key by row. Entries of rows that are not in `settledRows` do not count.
    private(set) var keys: Column<UInt64>
    private(set) var rows: Column<UInt32>
    let settledRows: RowSet
    /// Sorted by row, those of one row by key. Entries of rows that are not in `pendingRows` do not count.
    let pending: Column<SortedEntry>
    let pendingRows: RowSet
    /// Rows with settled entries that do not count.
    private var dropped = 0
    /// Whether no row has two of the settled entries.
    private(set) var hasSingles = true

    init() throws(VecStoreError) {
        keys = try Column("sorted keys")
        rows = try Column("the rows of sorted keys")
        settledRows = try RowSet(span: 0)
        pending = try Column("pending keys")
        pendingRows = try RowSet(span: 0)
    }

    /// That of a file.
    init(_ file: FieldReader) throws(VecStoreError) {
        keys = try file.column("sorted keys")
        rows = try file.column("the rows of sorted keys")
        settledRows = try RowSet(span: file.rowCount)
        pending = try Column("pending keys")
        pendingRows = try RowSet(span: 0)
        var isSorted = keys.count == rows.count
        for i in 1..<max(min(keys.count, rows.count), 1) {
            let (key, before) = (keys.base[i], keys.base[i - 1])
            isSorted = isSorted && (before < key || (before == key && rows.base[i - 1] < rows.base[i]))
        }
        guard isSorted, rows.elements.allSatisfy({ $0 < file.rowCount }) else { throw file.damage("sorted keys") }
        for row in rows.elements { settledRows.insert(row) }
        hasSingles = settledRows.count == keys.count
    }

    /// All that counts is settled then.
    func write(_ file: FieldFileWriter) throws(VecStoreError) {
        try settle()
        try file.append(keys)
        try file.append(rows)
    }

    var bytes: Int { keys.bytes + rows.bytes + settledRows.bytes + pending.bytes + pendingRows.bytes }

    // MARK: - Changing

    /// Sets the one key of a row. Where it throws, the row has none.
    func set(_ row: UInt32, _ key: UInt64) throws(VecStoreError) {
        remove(row)
        let entry = SortedEntry(key: key, row: row)
        try pendingRows.grow(to: Int(row) + 1)
        if pending.count == 0 || pending.base[pending.count - 1].row < row {
            try pending.append(entry)
        } else {
            try withUnsafePointer(to: entry) { entry throws(VecStoreError) in
                try replacePending(row, UnsafeBufferPointer(start: entry, count: 1))
            }
        }
        pendingRows.insert(row)
        settleIfLarge()
    }

    /// Sets the keys of a row, which ascend and differ. Where it throws, the row has none.
    func set(_ row: UInt32, _ new: [UInt64]) throws(VecStoreError) {
        if new.count == 1 {
            try set(row, new[0])
            return
        }
        remove(row)
        guard !new.isEmpty else { return }
        try pendingRows.grow(to: Int(row) + 1)
        if pending.count == 0 || pending.base[pending.count - 1].row < row {
            try pending.reserve(pending.count + new.count)
            for key in new { try pending.append(SortedEntry(key: key, row: row)) }
        } else {
            let entries = try Column<SortedEntry>("the keys of a row", capacity: new.count)
            for key in new { try entries.append(SortedEntry(key: key, row: row)) }
            try replacePending(row, entries.elements)
        }
        pendingRows.insert(row)
        settleIfLarge()
    }

    /// Puts entries in the place of those that the row has among the pending ones.
    private func replacePending(_ row: UInt32, _ new: UnsafeBufferPointer<SortedEntry>) throws(VecStoreError) {
        try pending.reserve(pending.count + new.count)
        let start = pendingPlace(row)
        var end = start
        while end < pending.count, pending.base[end].row == row { end += 1 }
        pending.replace(start..<end, with: new)
    }

    /// The first place whose row is not below `row`.
    private func pendingPlace(_ row: UInt32) -> Int {
        var low = 0
        var high = pending.count
        while low < high {
            let middle = (low + high) / 2
            if pending.base[middle].row < row { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func remove(_ row: UInt32) {
        pendingRows.remove(row)
        if settledRows.contains(row) {
            settledRows.remove(row)
            dropped += 1
            settleIfLarge()
        }
    }

    /// Whether the row has keys.
    func contains(_ row: UInt32) -> Bool { settledRows.contains(row) || pendingRows.contains(row) }

    // MARK: - Settling

    private func settleIfLarge() {
        let limit = max(4096, keys.count / 8)
        // Where there is no memory for it everything stays as it is, and as right.
        if pending.count > limit || dropped > 2 * limit { try? settle() }
    }

    /// The pending entries that count, sorted by key, those of one key by row.
    /// - Parameter range: The keys that are asked for.
    func sortedPending(_ range: ClosedRange<UInt64> = 0...(.max)) throws(VecStoreError) -> Column<SortedEntry> {
        let entries = try Column<SortedEntry>("entries to sort", capacity: pending.count)
        var count = 0
        for i in 0..<pending.count {
            let entry = pending.base[i]
            entries.base[count] = entry
            count &+= range.contains(entry.key) && pendingRows.contains(entry.row) ? 1 : 0
        }
        entries.setCount(count)
        return try entries.sortedByKey()
    }

    /// Merges pending entries into the settled ones, and drops what does not count. Where it throws, nothing has changed.
    func settle() throws(VecStoreError) {
        guard pending.count > 0 || dropped > 0 else { return }
        let new = try sortedPending()
        let total = keys.count + new.count
        let mergedKeys = try Column<UInt64>("sorted keys", capacity: total)
        let mergedRows = try Column<UInt32>("the rows of sorted keys", capacity: total)
        try settledRows.grow(to: pendingRows.span)
        let count = merge(new.elements, mergedKeys.base, mergedRows.base)
        mergedKeys.setCount(count)
        mergedRows.setCount(count)
        keys = mergedKeys
        rows = mergedRows
        settledRows.formUnion(pendingRows)
        pendingRows.clear()
        pending.setCount(0)
        pending.shrink()
        dropped = 0
        hasSingles = settledRows.count == count
        keys.shrink()
        rows.shrink()
    }

    private func merge(
        _ new: UnsafeBufferPointer<SortedEntry>, _ toKeys: UnsafeMutablePointer<UInt64>, _ toRows: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let fromKeys = keys.base, fromRows = rows.base, fromCount = keys.count
        let settled = settledRows.words
        var place = 0
        var from = 0
        if dropped == 0, let first = new.first {
            // What comes before the first new key is copied as it is: all of it where keys ascend with rows.
            from = keys.elements.lowerBound(first.key)
            toKeys.update(from: fromKeys, count: from)
            toRows.update(from: fromRows, count: from)
            place = from
        }
        for entry in new {
            while from < fromCount,
                fromKeys[from] < entry.key || (fromKeys[from] == entry.key && fromRows[from] < entry.row)
            {
                let row = Int(fromRows[from])
                toKeys[place] = fromKeys[from]
                toRows[place] = fromRows[from]
                // Every row of a settled entry lies below the span of the set.
                place &+= Int((settled[row &>> 6] &>> UInt64(row & 63)) & 1)
                from &+= 1
            }
            toKeys[place] = entry.key
            toRows[place] = entry.row
            place &+= 1
        }
        while from < fromCount {
            let row = Int(fromRows[from])
            toKeys[place] = fromKeys[from]
            toRows[place] = fromRows[from]
            place &+= Int((settled[row &>> 6] &>> UInt64(row & 63)) & 1)
            from &+= 1
        }
        return place
    }
}
