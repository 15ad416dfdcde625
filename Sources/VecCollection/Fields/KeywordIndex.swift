// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The rows of strings, which are compared byte by byte as UTF-8.
///
/// Not thread-safe: whoever owns it guards it with a readers-writer lock.
final class KeywordIndex {
    private(set) var keys: KeyTable
    /// The rows of each key, by its number.
    private(set) var postings: Column<Posting>
    /// The numbers of the keys of each row.
    let keysOfRows: RowValues<UInt32>
    /// Rows that have a value.
    private let present: RowSet
    let order = KeyOrder()
    /// Keys without rows.
    private var unusedKeys = 0
    /// Rows that have more than one value.
    private var rowsWithMany = 0
    /// What postings take, without the postings themselves.
    private var postingBytes = 0
    /// The keys of the row that is being set.
    private let current: Column<UInt32>

    init() throws(VecStoreError) {
        keys = try KeyTable()
        postings = try Column("the rows of values")
        keysOfRows = try RowValues()
        present = try RowSet(span: 0)
        current = try Column("the values of a row")
    }

    /// That of a file.
    init(_ file: FieldReader) throws(VecStoreError) {
        keys = try KeyTable(file)
        keysOfRows = try RowValues(file)
        postings = try Column("the rows of values", capacity: keys.count)
        present = try RowSet(span: keysOfRows.rowCount)
        current = try Column("the values of a row")
        let rows = try KeyRows(keysOfRows, keyCount: keys.count)
        defer { withExtendedLifetime(rows) {} }
        for key in 0..<keys.count {
            guard let rows = rows[key] else { throw file.damage("a row that has a value twice") }
            try postings.append(try Posting(rows))
            postingBytes += postings.base[key].bytes
            if rows.isEmpty { unusedKeys += 1 }
        }
        for row in 0..<UInt32(truncatingIfNeeded: keysOfRows.rowCount) {
            let count = keysOfRows[row].count
            if count > 0 { present.insert(row) }
            if count > 1 { rowsWithMany += 1 }
        }
    }

    func write(_ file: FieldFileWriter) throws(VecStoreError) {
        try keys.write(file)
        try keysOfRows.write(file)
    }

    var bytes: Int { keys.bytes + postings.bytes + postingBytes + keysOfRows.bytes + present.bytes + order.bytes }

    // MARK: - Changing

    /// Gives a row its values, in the place of those it had. Where it throws, the row has none.
    func set(row: UInt32, values: [String]) throws(VecStoreError) {
        try change(row) { () throws(VecStoreError) in
            for value in values { try withKey(value) { key throws(VecStoreError) in try add(key, row) } }
        }
    }

    func set(row: UInt32, value: String) throws(VecStoreError) {
        try change(row) { () throws(VecStoreError) in
            try withKey(value) { key throws(VecStoreError) in try add(key, row) }
        }
    }

    /// - Parameter utf8: The bytes of one value.
    func set(row: UInt32, utf8: UnsafeBufferPointer<UInt8>) throws(VecStoreError) {
        try change(row) { () throws(VecStoreError) in try add(utf8, row) }
    }

    @inline(__always)
    private func change(_ row: UInt32, _ addValues: () throws(VecStoreError) -> Void) throws(VecStoreError) {
        remove(row: row)
        current.setCount(0)
        do throws(VecStoreError) {
            try present.grow(to: Int(row) + 1)
            try addValues()
            try keysOfRows.set(row, current.elements)
        } catch {
            for key in current.elements { drop(key, row) }
            throw error
        }
        if current.count > 0 { present.insert(row) }
        if current.count > 1 { rowsWithMany += 1 }
    }

    private func add(_ value: UnsafeBufferPointer<UInt8>, _ row: UInt32) throws(VecStoreError) {
        try current.reserve(current.count + 1)
        try postings.reserve(keys.count + 1)
        let key = try keys.add(value)
        if key == postings.count {
            try postings.append(Posting())
            unusedKeys += 1
        }
        let before = postings.base[key].bytes
        guard try postings.base[key].insert(row) else { return }
        postingBytes += postings.base[key].bytes - before
        if postings.base[key].count == 1 { unusedKeys -= 1 }
        try current.append(UInt32(truncatingIfNeeded: key))
    }

    private func drop(_ key: UInt32, _ row: UInt32) {
        let key = Int(key)
        let before = postings.base[key].bytes
        guard postings.base[key].remove(row) else { return }
        postingBytes += postings.base[key].bytes - before
        if postings.base[key].count == 0 { unusedKeys += 1 }
    }

    func remove(row: UInt32) {
        let values = keysOfRows[row]
        guard values.count > 0 else { return }
        for key in values { drop(key, row) }
        if values.count > 1 { rowsWithMany -= 1 }
        keysOfRows.remove(row)
        present.remove(row)
        if unusedKeys > 1024, unusedKeys > keys.count / 2 { try? forgetUnusedKeys() }
    }

    /// Numbers the keys that have rows anew. Where it throws, nothing has changed.
    private func forgetUnusedKeys() throws(VecStoreError) {
        let used = keys.count - unusedKeys
        let nextKeys = try KeyTable(capacity: used)
        let nextPostings = try Column<Posting>("the rows of values", capacity: used)
        let numbers = try Column<UInt32>("numbers of values", capacity: keys.count)
        for key in 0..<keys.count {
            let isUsed = postings.base[key].count > 0
            try numbers.append(isUsed ? UInt32(truncatingIfNeeded: try nextKeys.add(keys[key])) : 0)
            if isUsed { try nextPostings.append(Posting()) }
        }
        for key in 0..<keys.count where postings.base[key].count > 0 {
            swap(&postings.base[key], &nextPostings.base[Int(numbers.base[key])])
        }
        // Values of rows that were removed get some number too; nobody looks at them.
        let values = keysOfRows.values
        for i in 0..<values.count { values.base[i] = numbers.base[Int(values.base[i])] }
        keys = nextKeys
        postings = nextPostings
        unusedKeys = 0
        order.forget()
    }

    // MARK: - Asking

    private func number(of value: String) -> Int? {
        var value = value
        return value.withUTF8 { keys.number(of: $0) }
    }

    func count(equalTo value: String) -> Int { number(of: value).map { postings.base[$0].count } ?? 0 }

    func addRows(equalTo value: String, to set: RowSet) {
        if let key = number(of: value) { postings.base[key].add(to: set) }
    }

    func addRows(withAny values: [String], to set: RowSet) {
        for value in values { addRows(equalTo: value, to: set) }
    }

    /// Rows that have a value which is none of `values`.
    func addRows(withOtherThan values: [String], to set: RowSet) throws(VecStoreError) {
        let excluded = Set(values.compactMap { number(of: $0).map { UInt32(truncatingIfNeeded: $0) } })
        let others = try present.copy()
        for key in excluded {
            if rowsWithMany == 0 {
                postings.base[Int(key)].subtract(from: others)
            } else {
                postings.base[Int(key)].forEach { row in
                    if !keysOfRows[row].contains(where: { !excluded.contains($0) }) { others.remove(row) }
                }
            }
        }
        set.formUnion(others)
    }

    /// Rows that have a value which begins with `prefix`.
    func addRows(withPrefix prefix: String, to set: RowSet) throws(VecStoreError) {
        let numbers = try order.numbers(keys)
        try withKey(prefix) { prefix throws(VecStoreError) in
            var low = 0
            var high = numbers.count
            while low < high {
                let middle = (low + high) / 2
                if isBefore(keys[Int(numbers.base[middle])], prefix) { low = middle + 1 } else { high = middle }
            }
            while low < numbers.count, keys[Int(numbers.base[low])].starts(with: prefix) {
                postings.base[Int(numbers.base[low])].add(to: set)
                low += 1
            }
        }
    }

    private func withKey(
        _ value: String, _ body: (UnsafeBufferPointer<UInt8>) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        var value = value
        var failure: VecStoreError?
        value.withUTF8 { key in
            do throws(VecStoreError) { try body(key) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
