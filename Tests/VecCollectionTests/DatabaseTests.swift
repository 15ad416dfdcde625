// The connection to SQLite: values, transactions, and errors that say what was wrong.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct DatabaseTests {
    private let directory: TemporaryDirectory
    private let database: Database

    init() throws {
        directory = try TemporaryDirectory()
        database = try Database(directory.path("db"), .create)
        try database.run("CREATE TABLE t (a INTEGER PRIMARY KEY, b)")
    }

    @Test func valuesComeBackAsTheyWent() throws {
        let insert = try database.statement("INSERT INTO t VALUES (?1, ?2)")
        try insert.bind(1, Int64.min)
        try insert.bind(2, "Grüße\0und mehr")
        try insert.run()
        let select = try database.statement("SELECT a, b FROM t")
        #expect(try select.step())
        #expect(select.number(0) == .min)
        #expect(select.text(1) == "Grüße\0und mehr")
        #expect(try !select.step())
    }

    @Test func emptyTextIsNotNull() throws {
        let insert = try database.statement("INSERT INTO t VALUES (1, ?1)")
        try insert.bind(1, "")
        try insert.run()
        let select = try database.statement("SELECT b FROM t")
        #expect(try select.step())
        #expect(select.type(0) == .text)
    }

    @Test func aTransactionThatThrowsChangesNothing() throws {
        do throws(VecStoreError) {
            try database.transaction { () throws(VecStoreError) in
                try database.run("INSERT INTO t VALUES (1, 'one')")
                try database.run("INSERT INTO t VALUES (1, 'again')")
            }
            Issue.record("a key came twice")
        } catch {
            #expect(error.message.contains("UNIQUE"))
        }
        #expect(try database.number("SELECT count(*) FROM t") == 0)
    }

    @Test func aFileThatIsNoDatabaseIsCorrupt() throws {
        try directory.write([UInt8](repeating: 7, count: 5000), "other")
        do throws(VecStoreError) {
            _ = try Database(directory.path("other"), .readOnly).number("SELECT count(*) FROM sqlite_schema")
            Issue.record("it was taken for a database")
        } catch {
            #expect(error.code == .corrupt)
            #expect(error.message.contains("other"))
        }
    }

    @Test func aMissingFileIsNotMade() throws {
        do throws(VecStoreError) {
            _ = try Database(directory.path("missing"), .readWrite)
            Issue.record("it was opened")
        } catch {
            #expect(error.code == .io)
        }
        #expect(directory.names.contains("missing") == false)
    }
}
