// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// What files have in common that hold what a state takes from the database, for whoever wants it faster. They are good for
/// exactly one state: where the database has gone on, or the file is damaged, the database is asked.
///
/// The database names such a file, in a transaction after that whose state it has: so a file that is named is of this very
/// history, and the number of changes says whether there is anything new in it.
enum DerivedFile {
    /// Fewer rows are read from the database as fast as a file is opened.
    static let leastRows = 2048
    static let headerBytes = 128

    /// What is known beside the state: whose it is, and what holds for it.
    struct Owner {
        var directory: String
        var uuid: CollectionUUID
        var changes: Int64
        var rowCount: Int
    }

    /// What makes the name of a file one that no other has.
    static func stamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return "\(now.tv_sec)\(now.tv_nsec)"
    }

    /// The file that the database names in a setting.
    static func name(_ setting: String, _ database: Database) throws(VecStoreError) -> String? {
        let select = try database.statement("SELECT value FROM settings WHERE name = ?1")
        defer { select.reset() }
        try select.bind(1, setting)
        guard try select.step() else { return nil }
        let name = select.text(0)
        return name.contains("/") ? nil : name
    }

    /// Names another one, or none.
    static func enter(_ name: String?, _ setting: String, _ database: Database) throws(VecStoreError) {
        let change = try database.statement(
            name == nil ? "DELETE FROM settings WHERE name = ?1" : "INSERT OR REPLACE INTO settings VALUES (?1, ?2)")
        try change.bind(1, setting)
        if let name { try change.bind(2, name) }
        try change.run()
    }
}
