// Compacting: what it gives back, what stays as it was, and who may be at work meanwhile.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct CompactTests {
    private let directory: TemporaryDirectory
    private let collection: PointCollection

    init() throws {
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(
            directory.path("points"), vectors: [VectorSettings(dimension: 64, metric: .l2Squared, kind: .hnsw)],
            CollectionOptions(durability: .none))
    }

    /// The first elements of a vector are the number of its point, and of its version.
    private static func vector(_ id: UInt64, _ version: Int) -> [Float] {
        var random = Random(seed: id * 31 + UInt64(version))
        return [Float(id), Float(version)] + random.vector(62)
    }

    private static func payload(_ id: UInt64, _ version: Int) -> String {
        #"{"id":\#(id),"version":\#(version),"group":"g\#(id % 7)","text":"point\#(id) version\#(version)"}"#
    }

    private static func fill(_ collection: PointCollection, _ ids: Range<UInt64>, version: Int = 0) throws {
        try collection.put(ids.map { .number($0) }, ids.map { vector($0, version) }, ids.map { payload($0, version) })
    }

    private func makeIndexes() throws {
        try collection.createPayloadIndex("text", type: .text)
        try collection.createPayloadIndex("group", type: .keyword)
        try collection.createPayloadIndex("version", type: .integer)
    }

    /// That all is there which was written, and nothing else.
    private static func check(_ collection: PointCollection, _ versions: [UInt64: Int]) throws {
        try collection.verify()
        #expect(try collection.count() == versions.count)
        let ids = versions.keys.sorted()
        for (id, point) in zip(ids, try collection.get(ids.map { .number($0) })) {
            let version = versions[id] ?? -1
            #expect(point?.vectors[""] == vector(id, version))
            #expect(point.map { String(decoding: $0.payload, as: UTF8.self) } == payload(id, version))
        }
        let group = try collection.count(where: Array(#"{"must":[{"key":"group","match":{"value":"g3"}}]}"#.utf8))
        #expect(group == ids.filter { $0 % 7 == 3 }.count)
        for id in stride(from: 0, to: ids.count, by: max(ids.count / 20, 1)).map({ ids[$0] }) {
            let hits = try collection.near(vector(id, versions[id] ?? -1), 3) { $0.isExact = true }
            #expect(hits.numbers.first == id && hits.first?.distance == 0)
            #expect(try collection.near(vector(id, versions[id] ?? -1), 3) { $0.efSearch = 200 }.numbers.first == id)
            if collection.current.fields.fields.contains(where: { $0.type == .text }) {
                #expect(try collection.searchText("point\(id)", k: 5, TextSearchOptions()).numbers == [id])
            }
        }
    }

    private static func versions(_ ids: Range<UInt64>, _ version: Int) -> [UInt64: Int] {
        Dictionary(uniqueKeysWithValues: ids.map { ($0, version) })
    }

    @Test func theDiskOfPointsThatAreGoneComesBack() throws {
        try makeIndexes()
        for version in 0..<4 { try CompactTests.fill(collection, 0..<4000, version: version) }
        try collection.remove((1000..<4000).map { .number($0) })
        try collection.optimize()
        let disk = try collection.compact()
        #expect(disk.after < disk.before / 6)
        #expect(try disk.after == collection.diskBytes())
        #expect(collection.current.rowCount == 1000)
        #expect(collection.current.dead == nil)
        try CompactTests.check(collection, CompactTests.versions(0..<1000, 3))
    }

    @Test func aGraphIsWrittenAnewAndNotMadeAnew() throws {
        try CompactTests.fill(collection, 0..<6000)
        try collection.remove(stride(from: 0, to: 6000, by: 2).map { .number($0) })
        try collection.compact()
        let vector = collection.current.vectors[0]
        #expect(vector.graph?.count == 3000 && vector.indexedRows == 3000 && vector.hiddenInGraph == 0)
        #expect(vector.graph?.isReadOnly == true)
        try CompactTests.check(
            collection, Dictionary(uniqueKeysWithValues: stride(from: 1, to: 6000, by: 2).map { ($0, 0) }))
    }

    @Test func pointsAreWrittenAndFoundAfterThat() throws {
        try makeIndexes()
        try CompactTests.fill(collection, 0..<3000)
        try collection.remove((0..<500).map { .number($0) })
        try collection.compact()
        try CompactTests.fill(collection, 100..<600, version: 1)
        var versions = CompactTests.versions(100..<3000, 0)
        for id in 100..<600 { versions[UInt64(id)] = 1 }
        // While they wait for the graph, and when they are in it.
        try CompactTests.check(collection, versions)
        try collection.optimize()
        try CompactTests.check(collection, versions)
        try collection.close()
        let path = directory.path("points")
        try CompactTests.check(try PointCollection.open(path), versions)
        let names = try fileNames(path)
        #expect(names.filter { $0.hasPrefix("vectors-") }.count == 1)
        #expect(names.filter { $0.hasPrefix("graph-") }.count == 1)
    }

    @Test func aCollectionThatIsCompactStaysAsItIs() throws {
        try CompactTests.fill(collection, 0..<100)
        let store = collection.current.store
        try collection.compact()
        #expect(collection.current.store === store)
        try collection.compact()
        try CompactTests.check(collection, CompactTests.versions(0..<100, 0))
    }

    @Test func anEmptyCollectionCanBeCompacted() throws {
        try collection.compact()
        try CompactTests.fill(collection, 0..<50)
        try collection.remove((0..<50).map { .number($0) })
        try collection.compact()
        #expect(collection.current.rowCount == 0)
        try CompactTests.fill(collection, 7..<9)
        try CompactTests.check(collection, CompactTests.versions(7..<9, 0))
    }

    @Test func aSearchGoesOnInTheStateThatItHas() throws {
        try CompactTests.fill(collection, 0..<3000)
        try collection.optimize()
        let before = collection.current
        try collection.moment { (state, database) throws(VecStoreError) in
            do {
                try collection.remove((0..<2000).map { .number($0) })
                try collection.compact()
            } catch {
                Issue.record("\(error)")
            }
            #expect(state === before)
            // The rows, and what the database says of them, are those of before.
            for row in [0, 1999, 2999] {
                #expect(state.store.points.id(row) == UInt64(row))
                let vector = try collection.storedVector(UInt32(row), 0, state.store)
                #expect(vector == CompactTests.vector(UInt64(row), 0))
                #expect(try collection.row(.number(UInt64(row)), database) == UInt32(row))
            }
        }
        try CompactTests.check(collection, CompactTests.versions(2000..<3000, 0))
    }

    @Test func aReaderShowsItsMomentUntilItRefreshes() throws {
        try makeIndexes()
        try CompactTests.fill(collection, 0..<3000)
        try collection.optimize()
        let reader = try PointCollection.open(directory.path("points"), CollectionOptions(isReadOnly: true))
        try collection.remove((0..<2500).map { .number($0) })
        try collection.compact()
        try CompactTests.check(reader, CompactTests.versions(0..<3000, 0))
        #expect(try reader.refresh())
        try CompactTests.check(reader, CompactTests.versions(2500..<3000, 0))
        #expect(reader.current.vectors[0].graph?.count == 500)
        #expect(try !reader.refresh())
        // The log, which the reader held up, is brought in now.
        #expect(try collection.compact().after < 500 * (64 * 4 + 2000) + 100_000)
    }

    @Test func aRefreshThatFailsLeavesTheReaderAsItWas() throws {
        try CompactTests.fill(collection, 0..<100)
        let reader = try PointCollection.open(directory.path("points"), CollectionOptions(isReadOnly: true))
        try collection.remove((0..<50).map { .number($0) })
        try collection.compact()
        let name = try #require(try fileNames(directory.path("points")).first { $0.hasPrefix("vectors-") })
        try FileManager.default.moveItem(atPath: directory.path("points/\(name)"), toPath: directory.path("away"))
        #expect(throws: VecStoreError.self) { try reader.refresh() }
        try CompactTests.check(reader, CompactTests.versions(0..<100, 0))
        try FileManager.default.moveItem(atPath: directory.path("away"), toPath: directory.path("points/\(name)"))
        #expect(try reader.refresh())
        try CompactTests.check(reader, CompactTests.versions(50..<100, 0))
    }

    @Test func cancellingLeavesTheCollectionAsItWas() throws {
        try CompactTests.fill(collection, 0..<3000)
        try collection.optimize()
        try collection.remove((0..<1000).map { .number($0) })
        let names = Set(try fileNames(directory.path("points")).filter { $0.hasPrefix("vectors-") })
        // While graphs are brought up to date, and while vectors are copied.
        for isFirst in [true, false] {
            #expect {
                try collection.compact { (_, total) in !isFirst && total == 1 }
            } throws: { ($0 as? VecStoreError)?.code == .cancelled }
        }
        #expect(Set(try fileNames(directory.path("points")).filter { $0.hasPrefix("vectors-") }) == names)
        try CompactTests.check(collection, CompactTests.versions(1000..<3000, 0))
    }

    @Test func progressTellsBytesOfVectors() throws {
        try CompactTests.fill(collection, 0..<1000)
        try collection.remove((0..<500).map { .number($0) })
        let last = Last()
        try collection.compact { (done, total) in
            if total > 1 { last.set(done, total) }
            return true
        }
        #expect(last.both == (500 * 256, 500 * 256))
    }

    @Test func pointsWithoutSomeVectorsKeepWhatTheyHave() throws {
        let path = directory.path("two")
        let two = try PointCollection.create(
            path, vectors: [VectorSettings(name: "a", dimension: 512), VectorSettings(name: "b", dimension: 512)],
            CollectionOptions(durability: .none))
        let rows: [Float] = (0..<(512 * 200)).map { Float($0 % 97 + 1) }
        var present = [UInt8](repeating: 0, count: 200)
        for i in 150..<200 { present[i] = 1 }
        try rows.withUnsafeBytes { bytes in
            try present.withUnsafeBufferPointer { present in
                let base = try #require(bytes.baseAddress)
                try two.upsert(
                    PointBatch(
                        ids: (0..<200).map { .number($0) },
                        vectors: [
                            PointBatch.Vectors(name: "a", rows: base, type: .float32),
                            PointBatch.Vectors(name: "b", rows: base, type: .float32, present: present.baseAddress),
                        ], payloads: nil))
            }
        }
        try two.remove((0..<100).map { .number($0) })
        let disk = try two.compact()
        // 100 rows of one vector and 50 of the other.
        #expect(disk.after < 150 * 2048 + 120_000)
        try two.verify()
        let points = try two.get([.number(120), .number(160)])
        #expect(points[0]?.vectors.keys.sorted() == ["a"])
        #expect(points[1]?.vectors.keys.sorted() == ["a", "b"])
        #expect(points[1]?.vectors["b"] == Array(rows[(160 * 512)..<(161 * 512)]))
    }

    @Test func pointsThatHaveEndedStayHidden() throws {
        try collection.put(
            (0..<20).map { .number($0) }, (0..<20).map { CompactTests.vector($0, 0) }, (0..<20).map { CompactTests.payload($0, 0) },
            expires: (0..<20).map { $0 < 5 ? 1 : ($0 < 10 ? now() + 300_000 : 0) })
        try collection.remove([.number(19)])
        try collection.compact()
        #expect(try collection.count() == 14)
        usleep(350_000)
        try CompactTests.check(collection, CompactTests.versions(10..<19, 0))
    }

    @Test func whoReadsAloneCannotCompact() throws {
        let reader = try PointCollection.open(directory.path("points"), CollectionOptions(isReadOnly: true))
        #expect { try reader.compact() } throws: { ($0 as? VecStoreError)?.code == .readOnly }
    }

    @Test func filesOfCompactingThatDidNotEndAreRemoved() throws {
        try CompactTests.fill(collection, 0..<10)
        try collection.close()
        for name in ["vectors-0-123.rows", "graph-0-123.vecstore"] { try directory.write([1, 2, 3], "points/\(name)") }
        try CompactTests.check(try PointCollection.open(directory.path("points")), CompactTests.versions(0..<10, 0))
        #expect(try !fileNames(directory.path("points")).contains { $0.contains("-123.") })
    }
}

private final class Last: @unchecked Sendable {
    // Safety: touched by one thread.
    private(set) var both = (0, 0)

    func set(_ a: Int, _ b: Int) { both = (a, b) }
}
