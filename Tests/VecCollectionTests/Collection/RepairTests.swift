// Checks that find what is damaged, and repairs of what can be made anew.
// SPDX-License-Identifier: Apache-2.0

import CSQLite
import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct RepairTests {
    private let directory: TemporaryDirectory
    private let path: String
    private static let count = 2500

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path("points")
        let collection = try PointCollection.create(
            path, vectors: [VectorSettings(dimension: 8, metric: .l2Squared, kind: .hnsw)], CollectionOptions(durability: .none))
        try collection.createPayloadIndex("text", type: .text, tokenizer: .stems)
        try collection.createPayloadIndex("group", type: .keyword)
        var random = Random(seed: 3)
        try collection.put(
            (0..<RepairTests.count).map { .number(UInt64($0)) }, (0..<RepairTests.count).map { _ in random.vector(8) },
            (0..<RepairTests.count).map { #"{"text":"walking \#($0) word\#($0 % 9)","group":"g\#($0 % 3)"}"# })
        try collection.optimize()
        try collection.close()
    }

    private func open(isReadOnly: Bool = false) throws -> PointCollection {
        try PointCollection.open(path, CollectionOptions(isReadOnly: isReadOnly, durability: .none))
    }

    /// Changes the database without the care that a collection takes.
    private func damage(_ sql: String) throws {
        var handle: OpaquePointer?
        #expect(sqlite3_open("\(path)/collection.db", &handle) == SQLITE_OK)
        #expect(sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK, "\(String(cString: sqlite3_errmsg(handle)))")
        #expect(sqlite3_close(handle) == SQLITE_OK)
    }

    private func change(_ file: String, at place: Int) throws {
        var bytes = try directory.bytes("points/\(file)")
        bytes[place] ^= 0x10
        try directory.write(bytes, "points/\(file)")
    }

    private func file(_ prefix: String) throws -> String { try #require(try fileNames(path).first { $0.hasPrefix(prefix) }) }

    private func check(_ collection: PointCollection) throws {
        try collection.verify()
        #expect(try collection.searchText("word3", k: 1000, TextSearchOptions()).count == 278)
        #expect(try collection.count(where: Array(#"{"must":[{"key":"group","match":{"value":"g1"}}]}"#.utf8)) == 833)
        #expect(collection.current.vectors[0].graph?.count == RepairTests.count)
    }

    /// That `verify` refuses the collection, and what `repair` says of it; nothing is wrong after that.
    private func repair(_ part: Damage.Part, _ words: String) throws {
        for isReadOnly in [true, false] {
            #expect {
                try open(isReadOnly: isReadOnly).verify()
            } throws: { error in
                let error = error as? VecStoreError
                return error?.code == .corrupt && error?.message.contains(words) == true
            }
        }
        do {
            let collection = try open()
            let damages = try collection.repair()
            #expect(damages.map(\.part) == [part] && damages[0].isRepaired, "\(damages)")
            #expect(damages[0].message.contains(words), "\(damages)")
            #expect(try collection.repairReport().json == damages.json)
            try check(collection)
            #expect(try collection.repair().isEmpty)
            #expect(try collection.repairReport().isEmpty)
            try collection.close()
        }
        try check(try open())
        try check(try open(isReadOnly: true))
    }

    @Test func nothingIsFoundWhereNothingIsWrong() throws {
        let collection = try open()
        #expect(try collection.repair().isEmpty)
        try check(collection)
    }

    @Test func wordsThatAreGoneComeBack() throws {
        // A text that nobody wrote in the place of one that somebody did.
        try damage(
            """
            INSERT INTO text_0 (text_0, rowid, text) VALUES ('delete', 7, 'walking 7 word7');
            INSERT INTO text_0 (rowid, text) VALUES (7, 'walking 8 word7');
            """)
        try repair(.text, "the words of 'text'")
    }

    @Test func lengthsOfTextsComeBack() throws {
        try damage("UPDATE text_0_docsize SET sz = x'09' WHERE id = 3")
        try repair(.text, "the words of 'text'")
    }

    @Test func anIndexOfWordsThatCannotBeReadComesBack() throws {
        try damage("DELETE FROM text_0_data WHERE id > 10")
        try repair(.text, "text")
    }

    @Test func anIndexOfTheDatabaseComesBack() throws {
        // The index of ids is made to lack one: SQLite finds it by going through the table.
        try damage(
            """
            PRAGMA writable_schema = ON;
            UPDATE sqlite_master SET sql = replace(sql, '(id)', '(id) WHERE row <> 5') WHERE name = 'points_id';
            """)
        try damage("REINDEX points_id")
        try damage(
            """
            PRAGMA writable_schema = ON;
            UPDATE sqlite_master SET sql = replace(sql, ' WHERE row <> 5', '') WHERE name = 'points_id';
            """)
        for name in try fileNames(path).filter({ IDFile.isOne($0) }) { unlink("\(path)/\(name)") }
        let collection = try open()
        let damages = try collection.repair()
        #expect(damages.contains { $0.part == .database && $0.isRepaired })
        #expect(damages.contains { $0.part == .ids && $0.isRepaired })
        #expect(collection.current.count == RepairTests.count)
        #expect(try collection.get([.number(5)])[0] != nil)
        try check(collection)
    }

    @Test func aGraphIsMadeAnew() throws {
        let graph = try file("graph-")
        try change(graph, at: try directory.bytes("points/\(graph)").count / 2)
        try repair(.graph, "the graph of the vector ''")
    }

    @Test func aGraphThatLacksPointsIsMadeAnew() throws {
        // More rows are said to be in it than there are.
        do {
            let collection = try open()
            var random = Random(seed: 8)
            try collection.put((5000..<5100).map { .number($0) }, (0..<100).map { _ in random.vector(8) })
            try collection.writing { database throws(VecStoreError) in
                let saved = try GraphFile.find(database, 0)
                try GraphFile.enter(saved.map { GraphFile(file: $0.file, rows: RepairTests.count + 100) }, 0, database)
            }
        }
        let collection = try open()
        #expect { try collection.verify() } throws: { "\($0)".contains("row 2500 is not in it") }
        #expect(try collection.repair().map(\.part) == [.graph])
        #expect(collection.current.vectors[0].graph?.count == RepairTests.count + 100)
        try collection.verify()
    }

    @Test func aGraphThatCannotBeOpenedIsToldAndMadeAnew() throws {
        try change(try file("graph-"), at: 0)
        let collection = try open()
        let damages = try collection.repair()
        #expect(damages.map(\.part) == [.graph] && damages[0].isRepaired)
        try check(collection)
    }

    @Test func damagedPointsAreToldAndStay() throws {
        try change("vectors-0.rows", at: RowFile.headerBytes + 40 * 32 + 5)
        try damage(#"UPDATE points SET payload = '{"text":"walking 9 word0","group":"g1"}' WHERE row = 9"#)
        let collection = try open()
        let damages = try collection.repair()
        let points = damages.filter { $0.part == .point }
        #expect(points.map(\.name) == ["9", "40"])
        #expect(!points.contains { $0.isRepaired })
        #expect(try collection.count() == RepairTests.count)
        #expect { try collection.verify() } throws: { "\($0)".contains("the point 9 (row 9)") }
        try collection.remove([.number(9), .number(40)])
        try collection.verify()
    }

    @Test func idsInMemoryThatAreWrongAreReadAnew() throws {
        let collection = try open()
        collection.current.store.points.set(17, .number(99_999))
        #expect { try collection.verify() } throws: { "\($0)".contains("known under another id") }
        let damages = try collection.repair()
        #expect(damages.map(\.part) == [.ids] && damages[0].isRepaired)
        try check(collection)
    }

    @Test func whoReadsAloneCannotRepair() throws {
        #expect { try open(isReadOnly: true).repair() } throws: { ($0 as? VecStoreError)?.code == .readOnly }
    }

    @Test func aDatabaseThatIsLostIsSaidToBe() throws {
        var bytes = try directory.bytes("points/collection.db")
        for page in [3, 5, 8] { for i in 0..<200 { bytes[page * 4096 + 20 + i] = 0xff } }
        try directory.write(bytes, "points/collection.db")
        #expect { try open().repair() } throws: { ($0 as? VecStoreError)?.code == .corrupt }
    }
}
