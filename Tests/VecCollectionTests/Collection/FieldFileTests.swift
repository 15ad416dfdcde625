// The files from which values of fields are read: that they say what payloads say, and are used for their own state alone.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct FieldFileTests {
    private let directory: TemporaryDirectory
    private let path: String
    private static let count = UInt64(DerivedFile.leastRows) + 500
    private static let fields: [(String, FieldIndexType)] = [
        ("k", .keyword), ("i", .integer), ("f", .float), ("b", .bool), ("d", .datetime), ("g", .geo),
    ]

    /// Points with values of all kinds, some of which no index can hold. Some are removed, some have other payloads, some have ended.
    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path("points")
        let collection = try PointCollection.create(
            path, vectors: [VectorSettings(dimension: 2, metric: .l2Squared)], CollectionOptions(durability: .none))
        for (path, type) in FieldFileTests.fields { try collection.createPayloadIndex(path, type: type) }
        try collection.createPayloadIndex("k", type: .text)
        let numbers = 0..<FieldFileTests.count
        try collection.put(
            numbers.map { .number($0) }, numbers.map { [Float($0), 1] }, numbers.map(FieldFileTests.payload),
            expires: numbers.map { $0 % 100 == 50 ? 1 : 0 })
        _ = try answers(collection)
        try change(collection)
        try collection.close()
    }

    private static func payload(_ n: UInt64) -> String {
        let lon = Double(n % 360) - 180, lat = Double(n % 170) - 85
        switch n % 11 {
        case 0: return ""
        case 1: return #"{"k":null,"i":[],"f":"x","b":[true,false],"d":null,"g":null}"#
        case 2:
            return #"""
                {"k":["a\#(n % 7)","b\#(n % 3)","a\#(n % 7)"],"i":[\#(n),\#(n % 5),-3],"f":[0.5,-0.0,\#(n)],"b":[null,false],
                "d":["2024-01-0\#(1 + n % 9)T00:00:00Z","1999-01-01"],"g":[{"lon":\#(lon),"lat":\#(lat)},{"lon":0,"lat":1}]}
                """#
        case 3: return #"{"k":7,"i":1.5,"f":9007199254740993,"b":"yes","d":"no time","g":"nowhere"}"#
        case 4: return #"{"k":"only\#(n)","i":-\#(n),"b":null}"#
        default:
            return #"""
                {"k":"\#(n % 2 == 0 ? "many\(n % 5)" : "few\(n % 400)")","i":\#(n * 37 % 1000),"f":\#(n % 900).25,"b":\#(n % 3 == 0),
                "d":"2024-0\#(1 + n % 9)-11T00:00:00Z","g":{"lon":\#(lon),"lat":\#(lat)}}
                """#
        }
    }

    private func change(_ collection: PointCollection) throws {
        try collection.remove((100..<200).map { .number($0) })
        try collection.changePayload(.ids((300..<340).map { .number($0) }), .merge(Array(#"{"k":"other","i":5}"#.utf8)))
        try collection.changePayload(.ids((340..<350).map { .number($0) }), .deleteKeys(["k", "g"]))
    }

    private func open(isReadOnly: Bool = false, budget: Int? = nil) throws -> PointCollection {
        try PointCollection.open(
            path, CollectionOptions(isReadOnly: isReadOnly, durability: .none, memoryBudget: budget))
    }

    private var fileNames: [String] { get throws { try VecCollection.fileNames(path).filter { FieldFile.isOne($0) } } }

    private static let conditions = [
        #"{"key":"k","match":{"value":"many2"}}"#, #"{"key":"k","match":{"value":"few7"}}"#, #"{"key":"k","match":{"value":"only15"}}"#,
        #"{"key":"k","match":{"value":7}}"#, #"{"key":"k","match":{"any":["other","a3","b1"]}}"#,
        #"{"key":"k","match":{"except":["many2","a3","b1"]}}"#, #"{"is_null":{"key":"k"}}"#, #"{"is_empty":{"key":"k"}}"#,
        #"{"key":"k","values_count":{"gte":2}}"#, #"{"key":"i","match":{"value":5}}"#, #"{"key":"i","match":{"except":[-3,5]}}"#,
        #"{"key":"i","range":{"gte":-500,"lt":40}}"#, #"{"key":"f","range":{"gt":0.25,"lte":300.25}}"#,
        #"{"key":"f","range":{"gt":9007199254740992}}"#, #"{"is_empty":{"key":"f"}}"#, #"{"key":"b","match":{"value":true}}"#,
        #"{"key":"b","match":{"value":false}}"#, #"{"is_null":{"key":"b"}}"#,
        #"{"key":"d","range":{"gte":"2024-03-01T00:00:00Z","lt":"2024-05-01T00:00:00Z"}}"#, #"{"is_empty":{"key":"d"}}"#,
        #"{"key":"g","geo_radius":{"center":{"lon":0.5,"lat":1.5},"radius":900000}}"#,
        #"{"key":"g","geo_bounding_box":{"top_left":{"lon":-20,"lat":40},"bottom_right":{"lon":30,"lat":-10}}}"#,
    ]

    /// What a collection says to filters.
    private func matches(_ collection: PointCollection) throws -> [String] {
        try FieldFileTests.conditions.map { condition in
            let hits = try collection.near([0, 0], 4000, filter: #"{"must":[\#(condition)]}"#) { $0.withPayload = false }
            return "\(condition) \(hits.numbers)"
        }
    }

    /// What a collection says about all fields.
    private func answers(_ collection: PointCollection) throws -> [String] {
        var answers = try matches(collection)
        for facet in try collection.facet("k", filter: nil, limit: 1000) {
            answers.append("\(String(decoding: facet.value, as: UTF8.self)) \(facet.count)")
        }
        for path in ["k", "i", "f", "d"] {
            var order = ScrollOrder(path: path)
            order.isDescending = path == "i"
            let page = try collection.scroll(by: order, limit: 3000, filter: nil)
            answers.append("\(path) \(page.map { "\($0.point.id) \(String(decoding: $0.value, as: UTF8.self))" })")
        }
        return answers
    }

    /// Whether all values came from files, in a collection that was asked about them and was not closed.
    private func areFromFiles(_ collection: PointCollection) -> Bool {
        let state = collection.current
        return state.fields.fields.allSatisfy { $0.type == .text || ($0.loaded != nil && $0.savedChanges == state.changes) }
    }

    /// What payloads say.
    private func expected() throws -> [String] {
        let copy = directory.path("copy-\(UInt64.random(in: 0...(.max)))")
        try open(isReadOnly: true).snapshot(copy)
        return try answers(try PointCollection.open(copy, CollectionOptions(isReadOnly: true)))
    }

    @Test func whatWasClosedIsReadFromFiles() throws {
        #expect(try fileNames.count == FieldFileTests.fields.count)
        let collection = try open(isReadOnly: true)
        let found = try answers(collection)
        #expect(areFromFiles(collection))
        #expect(try found == expected())
        // A place in the test that asks for nothing would find nothing wrong.
        #expect(!found.contains { $0.hasSuffix("[]") })
    }

    @Test func whatIsWrittenAfterThatChangesWhatWasRead() throws {
        let collection = try open()
        _ = try answers(collection)
        #expect(areFromFiles(collection))
        try collection.remove((400..<420).map { .number($0) })
        try collection.put((0..<40).map { .number($0) }, (0..<40).map { [Float($0), 1] }, (3..<43).map(FieldFileTests.payload))
        try collection.put((9000..<9100).map { .number($0) }, (9000..<9100).map { [Float($0), 1] }, (9000..<9100).map(FieldFileTests.payload))
        try collection.changePayload(.ids((500..<540).map { .number($0) }), .merge(Array(#"{"k":["many2","new"],"b":true}"#.utf8)))
        let found = try answers(collection)
        #expect(try found == expected())
        try collection.close()
        let again = try open(isReadOnly: true)
        #expect(try answers(again) == found)
        #expect(areFromFiles(again))
    }

    @Test func filesOfAnEarlierStateAreNotUsedAndGo() throws {
        let collection = try open()
        try collection.remove([.number(7)])
        let reader = try open(isReadOnly: true)
        #expect(try answers(reader) == expected())
        #expect(reader.current.fields.fields.allSatisfy { $0.savedChanges == -1 })
        try collection.close()
        #expect(try fileNames.isEmpty)
        #expect(try FieldFile.names(Database("\(path)/\(Catalog.fileName)", .readOnly)).isEmpty)
    }

    @Test func whatIsNotInMemoryKeepsTheFileOfItsState() throws {
        let before = try Set(fileNames)
        try open().close()
        #expect(try Set(fileNames) == before)
        let collection = try open()
        _ = try collection.count(where: Array(#"{"must":[{"key":"i","match":{"value":5}}]}"#.utf8))
        try collection.close()
        #expect(try Set(fileNames) == before)
    }

    @Test func ofFieldsAskedForAfterAWriteThereAreFiles() throws {
        let collection = try open()
        try collection.remove([.number(7)])
        _ = try collection.count(where: Array(#"{"must":[{"key":"i","match":{"value":5}}]}"#.utf8))
        try collection.close()
        #expect(try fileNames.map { $0.prefix(8) } == ["field-1-"])
        #expect(try answers(try open(isReadOnly: true)) == expected())
    }

    @Test func aReaderSeesItsOwnStateWhileAWriterGoesOn() throws {
        let before = try open(isReadOnly: true), late = try open(isReadOnly: true)
        let found = try answers(before)
        let collection = try open()
        try collection.remove([.number(7)])
        _ = try answers(collection)
        try collection.close()
        // Its files are not there any more.
        #expect(try answers(late) == found)
        #expect(!areFromFiles(late))
        try late.refresh()
        #expect(try answers(late) != found)
        #expect(areFromFiles(late))
    }

    @Test func filesThatAreDamagedAreNotUsed() throws {
        let right = try expected()
        for name in try fileNames {
            let bytes = try directory.bytes("points/\(name)")
            func isUsed(_ changed: [UInt8]) throws -> Bool {
                try directory.write(changed, "points/\(name)")
                let collection = try open(isReadOnly: true)
                let field = try #require(collection.current.fields.fields.first { name.hasPrefix("field-\($0.place)-") })
                try collection.load(field)
                return field.savedChanges >= 0
            }
            for place in [3, 9, 13, 20, 30, 35, 45, 60, 70, 90, 122, 130, bytes.count / 2, bytes.count - 1] {
                var changed = bytes
                changed[place] ^= 4
                #expect(try !isUsed(changed), "\(name), byte \(place)")
            }
            for length in [0, 100, 128, bytes.count - 8, bytes.count - 1] {
                #expect(try !isUsed(Array(bytes.prefix(length))), "\(name), \(length) bytes")
            }
            #expect(try !isUsed(bytes + [0]))
            #expect(try isUsed(bytes))
            try directory.write(Array(bytes.dropLast(9)), "points/\(name)")
        }
        #expect(try answers(try open(isReadOnly: true)) == right)
        // Who writes makes them anew.
        let collection = try open()
        _ = try answers(collection)
        try collection.close()
        let again = try open(isReadOnly: true)
        #expect(try answers(again) == right)
        #expect(areFromFiles(again))
    }

    /// Somebody may have made the checksums right.
    @Test func nothingThatAFileSaysIsBelieved() throws {
        var random = Random(seed: 5)
        var read = 0, refused = 0
        let collection = try open(isReadOnly: true)
        for field in collection.current.fields.fields where field.type != .text {
            let name = try #require(try fileNames.first { $0.hasPrefix("field-\(field.place)-") })
            let body = Array(try directory.bytes("points/\(name)").dropFirst(DerivedFile.headerBytes))
            for attempt in 0..<800 {
                var changed = body
                for _ in 0..<(1 + random.below(3)) {
                    let place = random.below(changed.count)
                    switch attempt % 4 {
                    case 0: changed[place] = UInt8(truncatingIfNeeded: random.next())
                    case 1: changed[place] = random.below(2) == 0 ? 0 : 255
                    case 2: for i in place..<min(place + 8, changed.count) { changed[i] = UInt8(truncatingIfNeeded: random.next()) }
                    default: changed.removeLast(min(random.below(20), changed.count - 1))
                    }
                }
                let memory = try #require(Buffer(size: changed.count))
                memory.base.copyMemory(from: changed, byteCount: changed.count)
                let rowCount = collection.current.rowCount - (attempt % 7 == 0 ? 600 : 0)
                guard let loaded = try? LoadedField(field, FieldReader(memory, changed.count, rowCount: rowCount)) else {
                    refused += 1
                    continue
                }
                read += 1
                try ask(loaded)
                for row in stride(from: UInt32(0), to: 3000, by: 3) { loaded.remove(row) }
                try loaded.index?.settle()
                try ask(loaded)
            }
        }
        #expect(read > 100 && refused > 100, "\(read) of them were read, \(refused) refused")
    }

    private func ask(_ loaded: LoadedField) throws {
        for condition in FieldFileTests.conditions {
            let filter = try Array(#"{"must":[\#(condition)]}"#.utf8).withUnsafeBufferPointer { try Filter(json: $0) }
            guard case .field(_, let test)? = filter.must.first else { continue }
            _ = try FieldQuery(loaded).add(test, to: try RowSet(span: 3000))
        }
        if case .keyword(let index) = loaded.index { _ = try index.counts(among: nil) }
        try loaded.forEachOrdered(from: nil, isDescending: true, extra: []) { (_, key) throws(VecStoreError) in
            _ = key.json(.float)
            return true
        }
    }

    @Test func ofAFieldThatIsDroppedThereIsNone() throws {
        let collection = try open()
        try collection.dropPayloadIndex("g", type: nil)
        #expect(try !fileNames.contains { $0.hasPrefix("field-5-") })
        // Another one may get its place.
        try collection.createPayloadIndex("i", type: .float)
        let filter = Array(#"{"must":[{"key":"i","range":{"lt":0.5}}]}"#.utf8)
        let count = try collection.count(where: filter)
        try collection.close()
        let again = try open(isReadOnly: true)
        #expect(try again.count(where: filter) == count)
        #expect(try answers(again) == expected())
    }

    @Test func optimizeAndCompactWriteThoseOfAllFields() throws {
        let collection = try open()
        try collection.remove([.number(7)])
        try collection.optimize()
        #expect(try fileNames.count == FieldFileTests.fields.count)
        #expect(collection.current.fields.fields.allSatisfy { $0.loaded == nil })
        let optimized = try open(isReadOnly: true)
        let found = try answers(optimized)
        #expect(areFromFiles(optimized))
        #expect(try found == expected())
        // Rows get other numbers.
        try collection.compact()
        #expect(try fileNames.count == FieldFileTests.fields.count)
        let compacted = try open(isReadOnly: true)
        #expect(try answers(compacted) == expected())
        #expect(areFromFiles(compacted))
        #expect(try answers(collection) == answers(compacted))
    }

    @Test func repairMakesThemAnew() throws {
        let collection = try open()
        try collection.repair()
        #expect(try fileNames.isEmpty)
        let found = try answers(collection)
        try collection.close()
        #expect(try fileNames.count == FieldFileTests.fields.count)
        let again = try open(isReadOnly: true)
        #expect(try answers(again) == found)
        #expect(areFromFiles(again))
    }

    @Test func valuesThatDoNotFitHaveNoNewFile() throws {
        let before = try Set(fileNames)
        let used = try open(isReadOnly: true).memoryUse(try open(isReadOnly: true).current).total
        let collection = try open(budget: used + 20_000)
        #expect(try matches(collection) == matches(try open(isReadOnly: true)))
        let left = collection.current.fields.fields.filter(\.isTooLarge)
        #expect(!left.isEmpty)
        try collection.optimize()
        #expect(try Set(fileNames) == before)
        try collection.remove([.number(7)])
        try collection.close()
        for field in left { #expect(try !fileNames.contains { $0.hasPrefix("field-\(field.place)-") }) }
    }

    @Test func rowsThatASearchStillGoesByAreInNoFile() throws {
        let collection = try open()
        _ = try answers(collection)
        let held = collection.current
        try collection.remove((0..<50).map { .number($0) })
        try collection.close()
        withExtendedLifetime(held) {}
        let again = try open(isReadOnly: true)
        #expect(try answers(again) == expected())
        #expect(again.current.fields.fields.allSatisfy { $0.savedChanges == -1 })
    }

    @Test func fewPointsHaveNoFile() throws {
        let collection = try open()
        try collection.remove((0..<2000).map { .number($0) })
        _ = try answers(collection)
        try collection.compact()
        try collection.close()
        #expect(try fileNames.isEmpty)
        #expect(try answers(try open(isReadOnly: true)) == expected())
    }

    @Test func aCopyReadsPayloads() throws {
        let copy = directory.path("copy")
        try open().snapshot(copy)
        #expect(try !VecCollection.fileNames(copy).contains { FieldFile.isOne($0) })
        #expect(try FieldFile.names(Database("\(copy)/\(Catalog.fileName)", .readOnly)).isEmpty)
    }

    @Test func aFileThatTheDatabaseDoesNotNameIsRemoved() throws {
        try directory.write([1, 2, 3], "points/field-3-17.values")
        try open().close()
        #expect(try fileNames.count == FieldFileTests.fields.count)
    }

    @Test func aFileThatIsGoneIsNotNeeded() throws {
        let right = try expected()
        for name in try fileNames { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
        #expect(try answers(try open()) == right)
    }
}
