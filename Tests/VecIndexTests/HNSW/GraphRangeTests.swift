// Range searches of a graph, and settings found by calibration.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Range searches of a graph")
struct GraphRangeTests {
    @Test(
        "nearly all rows within the radius are found, at their exact distances, and none beyond it",
        arguments: [GraphStorage.int8, .int4, .float32], [1, 10, 100, 700])
    func withinRadius(storage: GraphStorage, rank: Int) throws {
        let rows = RealRows.make(2100, .float32).rows
        let queries = RealRows.make(0, .float32).queries
        let index =
            switch storage {
            case .int8: try RealRows.graph.get()
            case .int4: try RealRows.int4Graph.get()
            default: try GraphRangeTests.plain.get()
            }
        let exact = try FlatIndex(rows, metric: .cosine, table: .current)
        var found = 0, all = 0
        for q in 0..<40 {
            let query = queries.picked([q])
            // The radius that just as many rows lie within.
            let radius = try exact.search(query, k: rank)[0][rank - 1].distance
            let truth = try exact.searchRange(query, radius: radius)[0]
            let got = try index.searchRange(query, radius: radius)[0]
            let distances = Dictionary(uniqueKeysWithValues: truth.map { ($0.id, $0.distance) })
            #expect(got.allSatisfy { distances[$0.id]?.bitPattern == $0.distance.bitPattern })
            GraphResultTests.expectInOrder(got)
            found += got.count
            all += truth.count
        }
        #expect(found * 100 >= all * 95, "\(found) of \(all)")
    }

    private static let plain = Result {
        try HNSWIndex(RealRows.make(2100, .float32).rows, metric: .cosine, storage: .float32, m: 12, efConstruction: 64)
    }

    /// What is left lies around a hole in the graph, on all sides of it.
    @Test("rows around a region that was removed are found", arguments: [100, 600])
    func aroundAHole(removed: Int) throws {
        let (rows, queries) = GraphData.lognormal(rows: 2500, queries: 8, dimension: 24, seed: 644)
        let full = try HNSWIndex(rows, metric: .l2Squared, m: 12, efConstruction: 64)
        var found = 0
        for q in 0..<8 {
            let query = queries.picked([q])
            let all = Recall.truth(query, rows, .l2Squared, k: removed + 51)[0]
            let ids = all.prefix(removed).map(\.id)
            let gone = try full.get(ids)
            try full.remove(ids)
            let got = try full.searchRange(query, radius: all[removed + 50].distance)[0]
            found += Set(got.map(\.id)).intersection(all.dropFirst(removed).map(\.id)).count
            try full.add(Vectors(bytes: gone, dimension: 24, type: .float32), ids: ids)
        }
        #expect(found >= 8 * 51 * 95 / 100, "\(found) of \(8 * 51)")
    }

    @Test("a radius that nothing lies within finds nothing, an infinite one everything")
    func extremes() throws {
        let queries = RealRows.make(0, .float32).queries.picked(0..<5)
        let index = try RealRows.graph.get()
        #expect(try index.searchRange(queries, radius: -1) == [[], [], [], [], []])
        #expect(try index.searchRange(queries, radius: Float.infinity).allSatisfy { $0.count == 2100 })
    }
}

@Suite("Calibration of a graph")
struct CalibrationTests {
    @Test(
        "the setting found reaches its recall on other queries too",
        arguments: [(GraphStorage.int8, Float(0.9)), (.int8, 0.97), (.int8, 0.99), (.int4, 0.97)])
    func reaches(storage: GraphStorage, target: Float) throws {
        let (rows, _) = RealRows.make(2100, .float32)
        let strangers = Vectors(
            Array(RealRows.rows[(3000 * 384)..<(3600 * 384)]), dimension: RealRows.dimension, type: .float32)
        let index = try HNSWIndex(rows, metric: .cosine, storage: storage, m: 6, efConstruction: 30)
        let found = try index.calibrate(strangers.picked(0..<300), k: 10, recall: target)
        #expect(found.k == 10 && found.targetRecall == target && found.recall >= target && !found.usesOwnRows)
        let kept = try #require(index.graphStats.calibration)
        #expect(kept.efSearch == found.efSearch && kept.recall == found.recall)
        // Queries that calibration has not seen: the recall of a sample of 300 is sure to some 0.01.
        let fresh = strangers.picked(300..<600)
        let got = try index.search(fresh, k: 10, SearchOptions(targetRecall: target))
        let truth = Recall.truth(fresh, rows, .cosine, k: 10)
        #expect(Recall.of(got, truth) >= Double(target) - 0.02)
        #expect(Results.difference(try index.search(fresh, k: 10, SearchOptions(efSearch: found.efSearch)), got) == nil)
        // The least that does: with a good deal less the target is missed.
        if found.efSearch > 20 {
            let less = try index.search(
                strangers.picked(0..<300), k: 10, SearchOptions(efSearch: found.efSearch * 2 / 3))
            #expect(Recall.of(less, Recall.truth(strangers.picked(0..<300), rows, .cosine, k: 10)) < Double(target))
        }
    }

    @Test("without queries the rows of the index serve, and it says so")
    func ownRows() throws {
        let rows = DataSet.clusters.make(rows: 600, queries: 0, dimension: 16, type: .float32, seed: 641).rows
        let index = try HNSWIndex(rows, metric: .l2Squared)
        let found = try index.calibrate(nil, type: .float32, count: 0, k: 5, recall: 0.9, threads: 1)
        #expect(found.usesOwnRows && found.recall >= 0.9)
    }

    @Test("target_recall needs a calibration, for as much or more")
    func refused() throws {
        let (rows, queries) = DataSet.clusters.make(rows: 400, queries: 50, dimension: 16, type: .float32, seed: 642)
        let index = try HNSWIndex(rows, metric: .l2Squared)
        let message = expectError(.invalidArgument) {
            _ = try index.search(queries, k: 5, SearchOptions(targetRecall: 0.5))
        }
        #expect(message.contains("calibrate"))
        _ = try index.calibrate(queries, k: 5, recall: 0.9)
        #expect(try index.search(queries, k: 5, SearchOptions(targetRecall: 0.8)).allSatisfy { $0.count == 5 })
        expectError(.invalidArgument) { _ = try index.search(queries, k: 5, SearchOptions(targetRecall: 0.95)) }
    }

    @Test("recalls that are none, no queries and an empty index are refused")
    func badArguments() throws {
        let (rows, queries) = DataSet.clusters.make(rows: 100, queries: 5, dimension: 16, type: .float32, seed: 643)
        let index = try HNSWIndex(rows, metric: .l2Squared)
        for recall in [Float(0), -1, 1.01, .nan, .infinity] {
            expectError(.invalidArgument) { _ = try index.calibrate(queries, k: 5, recall: recall) }
        }
        expectError(.invalidArgument) { _ = try index.calibrate(queries.picked(0..<0), k: 5, recall: 0.9) }
        let empty = try HNSWIndex(HNSWOptions(dimension: 16))
        expectError(.invalidArgument) { _ = try empty.calibrate(queries, k: 5, recall: 0.9) }
        #expect(index.graphStats.calibration == nil)
    }
}
