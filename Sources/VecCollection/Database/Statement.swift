// SPDX-License-Identifier: Apache-2.0

import CSQLite
import VecIndex

/// A compiled statement of a database. Places of values count from 1, columns from 0, as in SQLite.
package final class Statement {
    private let handle: OpaquePointer
    private unowned let database: Database
    private var isFinished = false

    init(_ handle: OpaquePointer, _ database: Database) {
        self.handle = handle
        self.database = database
    }

    /// Only the database calls this.
    func finish() {
        if !isFinished { sqlite3_finalize(handle) }
        isFinished = true
    }

    // MARK: - Values

    package func bind(_ place: Int32, _ number: Int64) throws(VecStoreError) {
        try database.check(sqlite3_bind_int64(handle, place, number), "read")
    }

    func bind(_ place: Int32, _ number: Double) throws(VecStoreError) {
        try database.check(sqlite3_bind_double(handle, place, number), "read")
    }

    package func bindNull(_ place: Int32) throws(VecStoreError) {
        try database.check(sqlite3_bind_null(handle, place), "read")
    }

    package func bind(_ place: Int32, _ text: String) throws(VecStoreError) {
        var text = text
        let result = text.withUTF8 { utf8 in
            utf8.withMemoryRebound(to: CChar.self) { vs_bind_text(handle, place, $0.baseAddress ?? emptyText, UInt64($0.count)) }
        }
        try database.check(result, "read")
    }

    func bind(_ place: Int32, utf8: [UInt8]) throws(VecStoreError) {
        let result = utf8.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { vs_bind_text(handle, place, $0.baseAddress ?? emptyText, UInt64($0.count)) }
        }
        try database.check(result, "read")
    }

    /// Binds text that stays where it is until the statement is reset.
    func lend(_ place: Int32, _ text: UnsafeBufferPointer<UInt8>) throws(VecStoreError) {
        let result = text.withMemoryRebound(to: CChar.self) {
            vs_lend_text(handle, place, $0.baseAddress ?? emptyText, UInt64($0.count))
        }
        try database.check(result, "read")
    }

    package func bind(_ place: Int32, blob: UnsafeRawBufferPointer) throws(VecStoreError) {
        try database.check(vs_bind_blob(handle, place, blob.baseAddress ?? UnsafeRawPointer(emptyText), UInt64(blob.count)), "read")
    }

    // MARK: - Running

    /// Whether there is a row, or another one.
    package func step() throws(VecStoreError) -> Bool {
        let result = sqlite3_step(handle)
        if result == SQLITE_ROW { return true }
        if result == SQLITE_DONE { return false }
        // What went wrong is told before the reset, which keeps the message.
        do throws(VecStoreError) {
            try database.check(result, sqlite3_stmt_readonly(handle) != 0 ? "read" : "change")
        } catch {
            sqlite3_reset(handle)
            throw error
        }
        return false
    }

    /// Runs a statement that gives no rows.
    package func run() throws(VecStoreError) {
        _ = try step()
        sqlite3_reset(handle)
    }

    /// Makes it ready for the next use. Its values are gone.
    package func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    // MARK: - Columns of a row

    package enum ColumnType { case null, number, real, text, blob }

    package func type(_ column: Int32) -> ColumnType {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: .number
        case SQLITE_FLOAT: .real
        case SQLITE_TEXT: .text
        case SQLITE_BLOB: .blob
        default: .null
        }
    }

    package func number(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func real(_ column: Int32) -> Double { sqlite3_column_double(handle, column) }

    /// The bytes of a text, which live until the next step.
    func bytes(_ column: Int32) -> UnsafeBufferPointer<UInt8> {
        let start = sqlite3_column_text(handle, column)
        return UnsafeBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column)))
    }

    package func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

    package func blob(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(handle, column)
        return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column)))
    }
}

/// Something to point at where a text is empty: NULL would be no text.
nonisolated(unsafe) private let emptyText = UnsafePointer<CChar>(UnsafeMutablePointer<CChar>.allocate(capacity: 1))
