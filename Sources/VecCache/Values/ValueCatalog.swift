// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// The tables of a database of values.
enum ValueCatalog {
    /// Says that an SQLite file has values of a cache: "VecV".
    private static let applicationID: Int64 = 0x5665_6356
    private static let version: Int64 = 1

    /// `expires` is in milliseconds since 1970. `used` orders values by their last uses; it changes often, so that values lie in a table
    /// of their own, and `size` has their bytes. `settings` has the namespace, and of all entries their number and the bytes that
    /// bounds count.
    private static let tables = """
        CREATE TABLE settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
        CREATE TABLE entries (
            row INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, expires INTEGER, used INTEGER NOT NULL);
        CREATE TABLE contents (row INTEGER PRIMARY KEY, value BLOB NOT NULL);
        CREATE INDEX entries_expires ON entries (expires) WHERE expires IS NOT NULL;
        CREATE INDEX entries_used ON entries (used);
        """

    /// What bounds count of a row.
    static let size = "length(key) + size + \(ValueLimits.overhead)"

    /// The file of a namespace. No cache of prompts in the same directory has a name with a tilde.
    static func fileName(_ namespace: String) -> String { "\(DirectoryStore.fileName(namespace))~values.db" }

    /// Makes the tables where there are none, and refuses what is something else.
    static func open(_ database: Database, namespace: String) throws(VecStoreError) {
        try useLog(database)
        // What the last process wrote is there when that ends; a loss of power may take the last values.
        try database.run("PRAGMA synchronous = NORMAL")
        try database.transaction { () throws(VecStoreError) in
            let maker = try database.number("PRAGMA application_id"), tableCount = try database.number("SELECT count(*) FROM sqlite_master")
            if maker == 0 && tableCount == 0 {
                try database.run(tables)
                try database.run("PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
                try setTotals(database, Totals(entries: 0, bytes: 0))
                let insert = try database.statement("INSERT INTO settings VALUES ('namespace', ?1)")
                try insert.bind(1, namespace)
                try insert.run()
            }
        }
        try check(database, namespace)
    }

    /// Two processes that make a database at the same moment get into each other's way here, and only here.
    private static func useLog(_ database: Database) throws(VecStoreError) {
        var attempts = 0
        while true {
            do throws(VecStoreError) {
                return try database.run("PRAGMA journal_mode = WAL")
            } catch {
                attempts += 1
                guard error.code == .locked, attempts < 100 else { throw error }
                pause(milliseconds: 10, until: Deadline(milliseconds: 1000))
            }
        }
    }

    private static func check(_ database: Database, _ namespace: String) throws(VecStoreError) {
        guard try database.number("PRAGMA application_id") == applicationID else {
            throw VecStoreError(.corrupt, "'\(database.path)' has no values of a cache: it was made by something else")
        }
        let found = try database.number("PRAGMA user_version")
        guard found <= version else {
            throw VecStoreError(
                .newerVersion, "'\(database.path)' has values of version \(found): this library reads up to \(version)")
        }
        guard found == version else { throw VecStoreError(.corrupt, "'\(database.path)' has values of version \(found)") }
        let select = try database.statement("SELECT value FROM settings WHERE name = 'namespace'")
        defer { select.reset() }
        guard try select.step(), select.text(0).utf8.elementsEqual(namespace.utf8) else {
            throw VecStoreError(.corrupt, "'\(database.path)' is not the namespace '\(namespace)'")
        }
        _ = try totals(database)
    }

    // MARK: - Totals

    /// Of all entries.
    struct Totals: Equatable {
        var entries: Int64
        /// That bounds count.
        var bytes: Int64
    }

    static func totals(_ database: Database) throws(VecStoreError) -> Totals {
        Totals(entries: try number(database, "entries"), bytes: try number(database, "bytes"))
    }

    static func setTotals(_ database: Database, _ totals: Totals) throws(VecStoreError) {
        let statement = try database.statement("INSERT OR REPLACE INTO settings VALUES (?1, ?2)")
        for (name, value) in [("entries", totals.entries), ("bytes", totals.bytes)] {
            try statement.bind(1, name)
            try statement.bind(2, value)
            try statement.run()
        }
    }

    private static func number(_ database: Database, _ name: String) throws(VecStoreError) -> Int64 {
        let statement = try database.statement("SELECT value FROM settings WHERE name = ?1")
        defer { statement.reset() }
        try statement.bind(1, name)
        guard try statement.step(), statement.type(0) == .number else {
            throw VecStoreError(.corrupt, "'\(database.path)' does not say its \(name)")
        }
        return statement.number(0)
    }
}
