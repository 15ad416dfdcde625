// SPDX-License-Identifier: Apache-2.0

import CSQLite
import Glibc
import VecIndex

/// A connection to an SQLite database, for one thread at a time.
///
/// Statements are compiled once and kept. Values are bound, never written into SQL.
package final class Database {
    let handle: OpaquePointer
    package let path: String
    private var statements: [String: Statement] = [:]
    private let owner = getpid()
    private var reader: PhraseReader?

    /// Milliseconds for which a call waits for others.
    package static let patience: Int32 = 10_000

    package enum Mode {
        case create, readWrite, readOnly
        /// Read-only, of a file that nobody changes: where not even a lock can be taken.
        case immutable
    }

    package init(_ path: String, _ mode: Mode) throws(VecStoreError) {
        self.path = path
        var flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE
        var name = path
        switch mode {
        case .create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        case .readWrite: flags |= SQLITE_OPEN_READWRITE
        case .readOnly: flags |= SQLITE_OPEN_READONLY
        case .immutable:
            flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
            name = "file:\(Database.escaped(path))?immutable=1"
        }
        var opened: OpaquePointer?
        let result = sqlite3_open_v2(name, &opened, flags, nil)
        guard result == SQLITE_OK, let opened else {
            let error = Database.error(result, opened, "open", path)
            sqlite3_close_v2(opened)
            throw error
        }
        handle = opened
        sqlite3_extended_result_codes(opened, 1)
        setPatience(milliseconds: Database.patience)
        // What a damaged or hostile file may make SQLite do.
        _ = vs_set_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1)
        _ = vs_set_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        _ = vs_set_config(opened, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        _ = vs_set_config(opened, SQLITE_DBCONFIG_ENABLE_VIEW, 0)
    }

    deinit {
        // SQLite must not be touched in the child of a fork: closing there would write to the file of the parent.
        guard getpid() == owner else { return }
        for statement in statements.values { statement.finish() }
        sqlite3_close_v2(handle)
    }

    /// A path as a part of a URI.
    private static func escaped(_ path: String) -> String {
        var result = ""
        let hex = Array("0123456789abcdef".unicodeScalars)
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result.unicodeScalars.append("%")
                result.unicodeScalars.append(hex[Int(byte >> 4)])
                result.unicodeScalars.append(hex[Int(byte & 15)])
            }
        }
        return result
    }

    /// How long a call waits for others who have the file locked.
    package func setPatience(milliseconds: Int32) { sqlite3_busy_timeout(handle, milliseconds) }

    /// Leaves the write-ahead log where it is when the last connection goes: without it, who may only read cannot open the file.
    func keepLog() { _ = vs_keep_log(handle) }

    /// Brings the log into the database, and makes it as short as can be.
    /// - Returns: Whether the database has all of it. Where others read an older state it has a part.
    @discardableResult
    func emptyLog() throws(VecStoreError) -> Bool {
        setPatience(milliseconds: 200)
        defer { setPatience(milliseconds: Database.patience) }
        let checkpoint = try statement("PRAGMA wal_checkpoint(TRUNCATE)")
        defer { checkpoint.reset() }
        // Whether somebody was in the way, pages in the log, and those of them that the database has.
        return try checkpoint.step() && checkpoint.number(1) == checkpoint.number(2)
    }

    /// Waits until the disk has what was written so far, by whatever connection.
    func synchronize() throws(VecStoreError) {
        // SQLite opens the log when it first reads.
        _ = try number("PRAGMA schema_version")
        try check(vs_sync_files(handle), "sync")
    }

    // MARK: - Running

    /// Runs statements that have no values and give no rows.
    package func run(_ sql: String) throws(VecStoreError) {
        try check(sqlite3_exec(handle, sql, nil, nil, nil), "change")
    }

    /// The statement of some SQL, compiled at the first time, without values of an earlier use.
    package func statement(_ sql: String) throws(VecStoreError) -> Statement {
        if let known = statements[sql] {
            known.reset()
            return known
        }
        var compiled: OpaquePointer?
        let result = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &compiled, nil)
        do throws(VecStoreError) {
            try check(result, "read")
        } catch {
            // All SQL is ours: where a table or a column is not there, the database is not what it was made as.
            throw error.code == .internalError ? VecStoreError(.corrupt, error.message) : error
        }
        guard let compiled else { throw VecStoreError(.internalError, "there is nothing to run in '\(sql)'") }
        let statement = Statement(compiled, self)
        statements[sql] = statement
        return statement
    }

    /// Lets go of all statements: before a table that they use is dropped, and in a connection that is to be idle.
    func forgetStatements() {
        for statement in statements.values { statement.finish() }
        statements = [:]
    }

    /// Runs `body` in a transaction, which is taken back where it throws.
    package func transaction<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        try run("BEGIN IMMEDIATE")
        do throws(VecStoreError) {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            // SQLite may have done it by itself, where the disk was full.
            endTransaction()
            throw error
        }
    }

    /// Takes the transaction back, where there is one.
    func endTransaction() { if sqlite3_get_autocommit(handle) == 0 { _ = sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) } }

    /// Runs `body` over one state of the database, whatever others write meanwhile: that of the transaction, where there is one.
    package func reading<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        if sqlite3_get_autocommit(handle) == 0 { return try body() }
        try run("BEGIN")
        defer { _ = sqlite3_exec(handle, "COMMIT", nil, nil, nil) }
        return try body()
    }

    /// The number that a pragma or a query of one value gives.
    package func number(_ sql: String) throws(VecStoreError) -> Int64 {
        let statement = try statement(sql)
        defer { statement.reset() }
        return try statement.step() ? statement.number(0) : 0
    }

    /// Reads phrases of full-text queries.
    func phraseReader() throws(VecStoreError) -> PhraseReader {
        if let reader { return reader }
        let new = try PhraseReader(handle)
        reader = new
        return new
    }

    // MARK: - Errors

    func check(_ result: Int32, _ verb: String) throws(VecStoreError) {
        if result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE { return }
        throw Database.error(result, handle, verb, path)
    }

    /// What went wrong last.
    func failure(_ verb: String) -> VecStoreError { Database.error(sqlite3_extended_errcode(handle), handle, verb, path) }

    private static func error(_ result: Int32, _ handle: OpaquePointer?, _ verb: String, _ path: String) -> VecStoreError {
        let reason = handle.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(result)
        let text = reason.flatMap { String(validatingCString: $0) } ?? "error \(result)"
        let code: VecStoreError.Code =
            switch result & 0xff {
            case SQLITE_NOMEM: .outOfMemory
            case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
            case SQLITE_READONLY: .readOnly
            case SQLITE_BUSY, SQLITE_LOCKED: .locked
            case SQLITE_TOOBIG: .tooLarge
            case SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_PERM: .io
            default: .internalError
            }
        return VecStoreError(code, "cannot \(verb) '\(path)': \(text)")
    }
}
