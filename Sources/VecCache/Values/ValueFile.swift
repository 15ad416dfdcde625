// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// The values of a namespace in an SQLite database, for one thread at a time.
final class ValueFile {
    private let database: Database
    private let note: OpenFiles.Note
    private let maxEntries: Int64
    private let maxBytes: Int64
    /// Rows that were used since this was last written, in the order of their last uses.
    private var used: [Int64: UInt64] = [:]
    private var uses: UInt64 = 0
    /// Of the transaction: what there is by now, and the number of the next use.
    private var totals = ValueCatalog.Totals(entries: 0, bytes: 0)
    private var nextUse: Int64 = 0

    /// Uses that are gathered at most, before they are written.
    private static let mostUsed = 4096
    /// Rows that are taken out at a time.
    private static let portion = 256

    init(_ path: String, namespace: String, maxEntries: Int?, maxBytes: Int?) throws(VecStoreError) {
        (database, note) = try OpenFiles.shared.open(path) { () throws(VecStoreError) in try Database(path, .create) }
        self.maxEntries = Int64(maxEntries ?? .max)
        self.maxBytes = Int64(maxBytes ?? .max)
        try ValueCatalog.open(database, namespace: namespace)
    }

    // MARK: - Reading

    func get(_ keys: [[UInt8]], now: Int64) throws(VecStoreError) -> [[UInt8]?] {
        var values: [[UInt8]?] = []
        values.reserveCapacity(keys.count)
        try database.reading { () throws(VecStoreError) in
            let select = try database.statement(
                "SELECT row, value FROM entries JOIN contents USING (row) WHERE key = ?1 AND (expires IS NULL OR expires > ?2)")
            defer { select.reset() }
            for key in keys {
                select.reset()
                try bind(select, 1, key)
                try select.bind(2, now)
                guard try select.step() else {
                    values.append(nil)
                    continue
                }
                values.append(Array(select.blob(1)))
                uses &+= 1
                used[select.number(0)] = uses
            }
        }
        if used.count >= ValueFile.mostUsed { writeUsesNow() }
        return values
    }

    /// A process that only reads writes what it used, too. It decides only which values go: where somebody is in the way, it is forgotten.
    private func writeUsesNow() {
        database.setPatience(milliseconds: 0)
        defer { database.setPatience(milliseconds: Database.patience) }
        try? flush()
        used = [:]
    }

    /// Writes what was used.
    func flush() throws(VecStoreError) { if !used.isEmpty { try changing { () throws(VecStoreError) in } } }

    func size(now: Int64) throws(VecStoreError) -> (entries: Int, bytes: Int) {
        try database.reading { () throws(VecStoreError) in
            let all = try ValueCatalog.totals(database)
            let gone = try database.statement("SELECT count(*), total(\(ValueCatalog.size)) FROM entries WHERE expires <= ?1")
            defer { gone.reset() }
            try gone.bind(1, now)
            guard try gone.step() else { return (0, 0) }
            return (Int(clamping: all.entries &- gone.number(0)), Int(clamping: all.bytes &- gone.number(1)))
        }
    }

    // MARK: - Changing

    /// - Returns: How many had to go because their end had come, and for want of room.
    func set(_ values: [NewValue], end: Int64?, now: Int64) throws(VecStoreError) -> (expired: Int, evicted: Int) {
        try changing { () throws(VecStoreError) in
            let expired = try removeExpired(now)
            for value in values { try insert(value, end) }
            return (expired, try removeOldest())
        }
    }

    /// - Returns: How many there were.
    func delete(_ keys: [[UInt8]], now: Int64) throws(VecStoreError) -> Int {
        try changing { () throws(VecStoreError) in
            try removeExpired(now)
            var count = 0
            for key in keys where try remove(key) { count += 1 }
            return count
        }
    }

    /// - Returns: How many there were.
    func clear(now: Int64) throws(VecStoreError) -> Int {
        try changing { () throws(VecStoreError) in
            try removeExpired(now)
            let count = totals.entries
            try database.run("DELETE FROM entries; DELETE FROM contents")
            totals = ValueCatalog.Totals(entries: 0, bytes: 0)
            return Int(clamping: count)
        }
    }

    /// Runs a change in a transaction, after what was used is written.
    private func changing<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        let result = try database.transaction { () throws(VecStoreError) in
            let before = try ValueCatalog.totals(database)
            totals = before
            // Uses are counted, not timed: so their order is known, whatever the clocks of processes say.
            nextUse = try database.number("SELECT max(used) FROM entries") &+ 1
            try writeUses()
            let result = try body()
            if totals != before { try ValueCatalog.setTotals(database, totals) }
            return result
        }
        used = [:]
        return result
    }

    // MARK: - In a transaction

    private func writeUses() throws(VecStoreError) {
        let update = try database.statement("UPDATE entries SET used = ?2 WHERE row = ?1")
        for (row, _) in used.sorted(by: { $0.value < $1.value }) {
            try update.bind(1, row)
            try update.bind(2, nextUse)
            try update.run()
            nextUse &+= 1
        }
    }

    private func insert(_ value: NewValue, _ end: Int64?) throws(VecStoreError) {
        _ = try remove(value.key)
        let entry = try database.statement("INSERT INTO entries (key, size, expires, used) VALUES (?1, ?2, ?3, ?4)")
        try bind(entry, 1, value.key)
        try entry.bind(2, Int64(value.value.count))
        if let end { try entry.bind(3, end) } else { try entry.bindNull(3) }
        try entry.bind(4, nextUse)
        try entry.run()
        entry.reset()
        let content = try database.statement("INSERT OR REPLACE INTO contents VALUES (last_insert_rowid(), ?1)")
        try bind(content, 1, value.value)
        try content.run()
        content.reset()
        nextUse &+= 1
        totals.entries &+= 1
        totals.bytes &+= Int64(value.size)
    }

    /// - Returns: Whether it was there.
    private func remove(_ key: [UInt8]) throws(VecStoreError) -> Bool {
        let select = try database.statement("SELECT row, \(ValueCatalog.size) FROM entries WHERE key = ?1")
        try bind(select, 1, key)
        return try removeRows(select) { false } > 0
    }

    /// - Returns: How many there were.
    @discardableResult
    private func removeExpired(_ now: Int64) throws(VecStoreError) -> Int {
        var count = 0
        while true {
            let select = try database.statement(
                "SELECT row, \(ValueCatalog.size) FROM entries WHERE expires <= ?1 LIMIT \(ValueFile.portion)")
            try select.bind(1, now)
            let removed = try removeRows(select) { false }
            count += removed
            if removed < ValueFile.portion { return count }
        }
    }

    /// Makes room, where there is more than there may be.
    /// - Returns: How many had to go.
    private func removeOldest() throws(VecStoreError) -> Int {
        var count = 0
        while isTooMuch {
            let select = try database.statement(
                "SELECT row, \(ValueCatalog.size) FROM entries ORDER BY used LIMIT \(ValueFile.portion)")
            let removed = try removeRows(select) { !isTooMuch }
            if removed == 0 { break }
            count += removed
        }
        return count
    }

    private var isTooMuch: Bool { totals.entries > maxEntries || totals.bytes > maxBytes }

    /// Removes the rows that a statement gives, with their sizes, until it is enough.
    private func removeRows(
        _ select: Statement, until isEnough: () -> Bool
    ) throws(VecStoreError) -> Int {
        defer { select.reset() }
        var rows: [(row: Int64, size: Int64)] = []
        while try select.step() { rows.append((select.number(0), select.number(1))) }
        select.reset()
        var count = 0
        for (row, size) in rows {
            if isEnough() { break }
            for table in ["entries", "contents"] {
                let delete = try database.statement("DELETE FROM \(table) WHERE row = ?1")
                try delete.bind(1, row)
                try delete.run()
            }
            totals.entries &-= 1
            totals.bytes &-= size
            count += 1
        }
        return count
    }

    private func bind(_ statement: Statement, _ place: Int32, _ bytes: [UInt8]) throws(VecStoreError) {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(VecStoreError) in try statement.bind(place, blob: bytes) }
        }
        try result.get()
    }
}
