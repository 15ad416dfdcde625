// What a collection says about itself in numbers.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct CollectionMetricsTests {
    private let directory: TemporaryDirectory
    private let collection: PointCollection

    init() throws {
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(directory.path("points"), vectors: [VectorSettings(dimension: 2, metric: .l2Squared)])
    }

    private func text(_ name: String? = nil) throws -> String {
        try CollectionMetrics.text([CollectionMetrics(collection, name: name)])
    }

    @Test func aCallIsCountedOnceWhateverItIsMadeOf() throws {
        try collection.put([.number(1), .number(2)], [[1, 0], [2, 0]])
        _ = try collection.recommend(positive: [.number(1)], negative: [], k: 1, VectorSearchOptions())
        #expect(collection.calls.calls(.recommend).count == 1)
        #expect(collection.calls.calls(.search).count == 0)
        #expect(collection.calls.calls(.get).count == 0)
    }

    @Test func aCallThatFailsIsCountedWithItsCode() throws {
        #expect(throws: VecStoreError.self) { try collection.put(1, [.nan, 0]) }
        let calls = collection.calls.calls(.upsert)
        #expect(calls.ends[CallEnd(.notFinite).place] == 1)
        #expect(calls.ends[CallEnd.ok.place] == 0)
        #expect(try text().contains(#"calls_total{collection="points",operation="upsert",status="not_finite"} 1"#))
    }

    @Test func isNamedByTheLastPartOfThePath() throws {
        #expect(collection.name == "points")
        #expect(try text().contains(#"vecstore_collection_points{collection="points"} 0"#))
        #expect(try text("a\"b\\c\nd").contains(#"vecstore_collection_points{collection="a\"b\\c\nd"} 0"#))
    }

    @Test func everyFamilyComesOnceAndSaysWhatItIs() throws {
        let other = try PointCollection.create(directory.path("other"), vectors: [VectorSettings(dimension: 2)])
        try collection.put(1, [1, 1])
        let metrics = try [CollectionMetrics(collection, name: nil), CollectionMetrics(other, name: nil)]
        let lines = try CollectionMetrics.text(metrics).split(separator: "\n")
        let types = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
        let helps = lines.filter { $0.hasPrefix("# HELP ") }.map { $0.split(separator: " ")[2] }
        #expect(types == helps)
        #expect(Set(types).count == types.count)
        // The samples of a family are under its lines, and all of its kind are named as that wants it.
        var family: Substring = ""
        for line in lines {
            if line.hasPrefix("# TYPE ") { family = line.split(separator: " ")[2] }
            if !line.hasPrefix("#") { #expect(line.hasPrefix(family)) }
        }
        try other.close()
    }

    @Test func aClosedCollectionHasNone() throws {
        try collection.close()
        #expect(throws: VecStoreError.self) { try CollectionMetrics(collection, name: nil) }
    }

    @Test func filesAreToldByWhatTheyBelongTo() {
        let parts = [
            "vectors-0.rows": DiskPart.vectors, "collection.db": .database, "collection.db-wal": .wal, "collection.db-shm": .other,
            "graph-0-5-17.vecstore": .graphs, "lock": .other,
        ]
        for (name, part) in parts { #expect(DiskPart(file: name) == part, "\(name)") }
    }
}
