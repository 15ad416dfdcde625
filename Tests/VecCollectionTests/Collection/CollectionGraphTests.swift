// Collections that are large enough for a graph: points come into it in the background, and out of it, and nobody notices.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecIndex
import VecKernelTypes

@testable import VecCollection

struct CollectionGraphTests {
    private static let dimension = 8
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func make(_ type: ElementType = .float32, _ metric: Metric = .cosine) throws -> PointCollection {
        try PointCollection.create(
            directory.path("points"),
            vectors: [VectorSettings(dimension: CollectionGraphTests.dimension, metric: metric, type: type, kind: .hnsw)],
            CollectionOptions(durability: .none))
    }

    private func vectors(_ count: Int, seed: UInt64) -> [[Float]] {
        var random = Random(seed: seed)
        return (0..<count).map { _ in random.vector(CollectionGraphTests.dimension) }
    }

    /// The share of the 10 nearest by comparing all that a plain search finds.
    private func recall(_ collection: PointCollection) throws -> Double {
        var found = 0
        for query in vectors(50, seed: 99) {
            let exact = try collection.near(query) { $0.isExact = true }.map(\.distance)
            let near = try collection.near(query).map(\.distance)
            found += near.filter { $0 <= exact.last ?? 0 }.count
        }
        return Double(found) / 500
    }

    private func indexed(_ collection: PointCollection) -> Int { collection.current.vectors[0].graph?.count ?? 0 }

    @Test("a graph finds what comparing all finds", arguments: [ElementType.float32, .float16], [Metric.cosine, .l2Squared, .innerProduct])
    func graphs(type: ElementType, metric: Metric) throws {
        let collection = try make(type, metric)
        try collection.put((0..<5000).map { .number($0) }, vectors(5000, seed: 1))
        try collection.optimize()
        #expect(indexed(collection) == 5000)
        #expect(try recall(collection) >= 0.97)
        // Distances are those of the stored rows.
        let query = vectors(1, seed: 5)[0]
        let exact = try collection.near(query) { $0.isExact = true }
        #expect(try collection.near(query).first?.distance == exact.first?.distance)
    }

    @Test func pointsAreFoundWhileTheyWaitForTheGraph() throws {
        let collection = try make()
        let all = vectors(6000, seed: 2)
        for part in 0..<12 {
            let range = part * 500..<(part + 1) * 500
            try collection.put(range.map { .number(UInt64($0)) }, Array(all[range]))
            // Each of them is its own nearest at once, whether the thread in the background has come to it or not.
            for i in stride(from: range.lowerBound, to: range.upperBound, by: 50) {
                #expect(try collection.near(all[i], 1).numbers == [UInt64(i)])
            }
        }
        #expect(try recall(collection) >= 0.97)
    }

    @Test func rowsThatCameIntoTheGraphLaterAreNotFoundInAnEarlierState() throws {
        let collection = try make()
        let all = vectors(4000, seed: 12)
        try collection.put((0..<2500).map { .number($0) }, Array(all[..<2500]))
        try collection.optimize()
        let before = collection.current
        try collection.put((2500..<4000).map { .number($0) }, Array(all[2500...]))
        try collection.optimize()
        for query in vectors(20, seed: 13) {
            let rows = try query.withUnsafeBytes { raw in
                let found = try NearestRows(collection, before, 0).find(
                    raw.baseAddress!, type: .float32, count: 1, k: 10, wanted: nil, VectorSearchOptions())
                return (0..<Int(found.counts[0])).map { found.rows[$0] }
            }
            #expect(rows.count == 10 && rows.allSatisfy { $0 < 2500 })
        }
    }

    @Test func replacedAndRemovedPointsAreNotFound() throws {
        let collection = try make()
        let first = vectors(4000, seed: 3), second = vectors(4000, seed: 4)
        try collection.put((0..<4000).map { .number($0) }, first)
        try collection.optimize()
        try collection.put((0..<2000).map { .number($0) }, Array(second[..<2000]))
        try collection.remove((3000..<4000).map { .number($0) })
        for i in stride(from: 0, to: 2000, by: 97) {
            #expect(try collection.near(second[i], 1).numbers == [UInt64(i)])
            #expect(try (collection.near(first[i], 1).first?.distance ?? 0) > 0)
        }
        #expect(try !collection.near(first[3500], 4000).numbers.contains { $0 >= 3000 })
        try collection.optimize()
        #expect(indexed(collection) == 3000)
        #expect(try recall(collection) >= 0.97)
        try collection.verify()
    }

    @Test("a saved graph is mapped, and goes on", arguments: [ElementType.float32, .float16], [Metric.cosine, .l2Squared])
    func mapped(type: ElementType, metric: Metric) throws {
        var collection = try make(type, metric)
        let all = vectors(5000, seed: 6)
        try collection.put((0..<4000).map { .number($0) }, Array(all[..<4000]))
        try collection.optimize()
        try collection.close()
        collection = try PointCollection.open(directory.path("points"), CollectionOptions(durability: .none))
        #expect(collection.current.vectors[0].graphFailure == nil)
        #expect(collection.current.vectors[0].graph?.isReadOnly == true)
        #expect(try recall(collection) >= 0.97)
        try collection.remove((0..<100).map { .number($0) })
        try collection.put((4000..<5000).map { .number($0) }, Array(all[4000...]))
        #expect(try recall(collection) >= 0.97)
        try collection.optimize()
        #expect(indexed(collection) == 4900)
        try collection.verify()
    }

    @Test func aLostOrDamagedGraphIsMadeAnew() throws {
        for isLost in [true, false] {
            let path = directory.path("points-\(isLost)")
            var collection = try PointCollection.create(
                path, vectors: [VectorSettings(dimension: CollectionGraphTests.dimension, kind: .hnsw)],
                CollectionOptions(durability: .none))
            try collection.put((0..<3000).map { .number($0) }, vectors(3000, seed: 7))
            try collection.optimize()
            try collection.close()
            let name = try #require(try fileNames(path).first { $0.hasPrefix("graph-") })
            if isLost { unlink("\(path)/\(name)") } else { truncate("\(path)/\(name)", 1000) }
            collection = try PointCollection.open(path, CollectionOptions(durability: .none))
            #expect(try recall(collection) >= 0.97)
            try collection.optimize()
            #expect(indexed(collection) == 3000)
            try collection.verify()
        }
    }

    @Test func filtersHoldInGraphsToo() throws {
        let collection = try make()
        let all = vectors(4000, seed: 8)
        try collection.put(
            (0..<4000).map { .number($0) }, all, (0..<4000).map { #"{"part":\#($0 % 10),"odd":\#($0 % 2 == 1)}"# })
        try collection.createPayloadIndex("part", type: .integer)
        try collection.optimize()
        for (filter, test) in [
            (#"{"must":[{"key":"part","match":{"value":3}}]}"#, { (id: UInt64) in id % 10 == 3 }),
            (#"{"must":[{"key":"part","range":{"lt":7}}],"must_not":[{"key":"odd","match":{"value":true}}]}"#, { $0 % 10 < 7 && $0 % 2 == 0 }),
        ] {
            for i in 0..<20 {
                let exact = try collection.near(all[i], 10, filter: filter) { $0.isExact = true }
                let near = try collection.near(all[i], 10, filter: filter)
                #expect(near.count == 10 && near.numbers.allSatisfy(test))
                #expect(near.filter { $0.distance <= exact.last?.distance ?? 0 }.count >= 9)
            }
        }
    }
}
