// What the results of a graph look like, whatever it finds.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Results of a graph")
struct GraphResultTests {
    /// With every row in view, a graph compares all: what is left to differ is how.
    @Test("with all rows in view, results are those of a flat index, bit for bit", arguments: Setting.all)
    func sameAsFlat(setting: Setting) throws {
        for kind in [DataSet.clusters, .nearDuplicates] {
            // Queries of float32: flat indexes compare those of bfloat16 in another order of additions.
            var (rows, queries) = kind.make(rows: 150, queries: 10, dimension: 33, type: setting.type, seed: 611)
            if setting.type.isFloat { queries = Vectors(queries.values.map { Float($0) }, dimension: 33, type: .float32) }
            let graph = try HNSWIndex(rows, metric: setting.metric, table: setting.table)
            let flat = try FlatIndex(rows, metric: setting.metric, table: setting.table)
            let all = try graph.search(queries, k: 200)
            #expect(Results.difference(all, try flat.search(queries, k: 200)) == nil, "\(kind.rawValue)")
        }
    }

    @Test(
        "without rescoring, and where only codes are kept, distances are near the true ones",
        arguments: [Metric.l2Squared, .innerProduct, .cosine], [(GraphStorage.int8, 0.02 as Float, 0.9), (.int4, 0.08, 0.85)])
    func approximateDistances(metric: Metric, one: (storage: GraphStorage, error: Float, recall: Double)) throws {
        let (rows, queries) = RealRows.make(2100, .float32)
        let flat = try FlatIndex(rows, metric: metric, table: .current)
        let exact = try flat.search(queries, k: rows.count)
        let full = try HNSWIndex(rows, metric: metric, storage: one.storage, m: 6, efConstruction: 24)
        let bare = try HNSWIndex(rows, metric: metric, storage: one.storage, rescore: .none, m: 6, efConstruction: 24)
        #expect(bare.graphStats.exactType == nil)
        #expect(bare.stats().memoryBytes < full.stats().memoryBytes / 2)
        for index in [full, bare] {
            let got = try index.search(queries, k: 10, SearchOptions(efSearch: 200, rescores: false))
            #expect(Recall.ofIDs(got, exact.map { Array($0.prefix(10)) }) >= one.recall)
            for (q, hits) in got.enumerated() {
                GraphResultTests.expectInOrder(hits)
                let distances = Dictionary(uniqueKeysWithValues: exact[q].map { ($0.id, $0.distance) })
                for hit in hits {
                    let truth = try #require(distances[hit.id])
                    #expect(abs(hit.distance - truth) <= one.error, "query \(q): \(hit), not \(truth)")
                }
            }
        }
    }

    static func expectInOrder(_ hits: [Hit], sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(Set(hits.map(\.id)).count == hits.count, "an id comes twice", sourceLocation: sourceLocation)
        let isSorted = zip(hits, hits.dropFirst()).allSatisfy {
            $0.distance < $1.distance || ($0.distance == $1.distance && $0.id < $1.id)
        }
        #expect(isSorted, "out of order", sourceLocation: sourceLocation)
    }

    @Test("results are in order of distance, then of id, each once, however many are asked for", arguments: [1, 10, 64, 65, 700])
    func order(k: Int) throws {
        for kind in [DataSet.clusters, .duplicates, .nearDuplicates] {
            let (rows, queries) = kind.make(rows: 600, queries: 10, dimension: 16, type: .float32, seed: 612)
            let index = try HNSWIndex(rows, metric: .l2Squared)
            for hits in try index.search(queries, k: k) {
                #expect(hits.count == min(k, 600), "\(kind.rawValue)")
                GraphResultTests.expectInOrder(hits)
            }
        }
    }

    @Test("an empty index has no results, under any filter")
    func empty() throws {
        let index = try HNSWIndex(HNSWOptions(dimension: 8))
        let queries = DataSet.scattered.make(rows: 0, queries: 3, dimension: 8, type: .float32, seed: 613).queries
        #expect(try index.search(queries, k: 5) == [[], [], []])
        #expect(try index.search(queries, k: 5, filter: RowFilter(.callback { _ in true })) == [[], [], []])
        #expect(try index.searchRange(queries, radius: .infinity) == [[], [], []])
        #expect(index.ids() == [])
        try index.verify()
    }

    @Test("one row is found by every search", arguments: Setting.all)
    func oneRow(setting: Setting) throws {
        let (rows, queries) = DataSet.scattered.make(rows: 1, queries: 4, dimension: 20, type: setting.type, seed: 614)
        let index = try HNSWIndex(rows, metric: setting.metric, ids: [77])
        for hits in try index.search(queries, k: 3) { #expect(hits.map(\.id) == [77]) }
        for hits in try index.searchRange(queries, radius: .infinity) { #expect(hits.map(\.id) == [77]) }
        try index.verify()
    }

    @Test("no queries, no results")
    func noQueries() throws {
        let (rows, queries) = DataSet.scattered.make(rows: 10, queries: 0, dimension: 8, type: .float32, seed: 615)
        let index = try HNSWIndex(rows, metric: .l2Squared)
        #expect(try index.search(queries, k: 3) == [])
        #expect(try index.searchRange(queries, radius: 1) == [])
    }

    @Test("threads change no result", arguments: [GraphStorage.float32, .int8, .int4])
    func threads(storage: GraphStorage) throws {
        let (rows, queries) = RealRows.make(2100, .float32)
        let index =
            switch storage {
            case .int8: try RealRows.graph.get()
            case .int4: try RealRows.int4Graph.get()
            default: try HNSWIndex(rows.picked(0..<500), metric: .cosine)
            }
        let one = try index.search(queries, k: 10)
        for threads in [2, 3, 16] {
            #expect(Results.difference(try index.search(queries, k: 10, threads: threads), one) == nil)
        }
        let near = try index.searchRange(queries, radius: 0.4)
        #expect(Results.difference(try index.searchRange(queries, radius: 0.4, threads: 3), near) == nil)
    }

    @Test("ef_search below k is raised to it, and one that is none is refused")
    func efSearch() throws {
        let (rows, queries) = DataSet.clusters.make(rows: 500, queries: 5, dimension: 16, type: .float32, seed: 616)
        let index = try HNSWIndex(rows, metric: .l2Squared)
        #expect(try index.search(queries, k: 50, SearchOptions(efSearch: 1)).allSatisfy { $0.count == 50 })
        for ef in [0, -1, Limits.k + 1] {
            expectError(.invalidArgument) { _ = try index.search(queries, k: 5, SearchOptions(efSearch: ef)) }
        }
    }

    @Test("oversampling ranks only so many rows by the finer ones")
    func oversampling() throws {
        let (rows, queries) = RealRows.make(2100, .float32)
        let index = try RealRows.graph.get()
        let all = try index.search(queries, k: 10, SearchOptions(efSearch: 200))
        let one = try index.search(queries, k: 10, SearchOptions(efSearch: 200, oversampling: 1))
        let four = try index.search(queries, k: 10, SearchOptions(efSearch: 200, oversampling: 4))
        let truth = Recall.truth(queries, rows, .cosine, k: 10)
        #expect(one.allSatisfy { $0.count == 10 })
        #expect(Recall.of(one, truth) <= Recall.of(four, truth))
        #expect(Recall.of(four, truth) <= Recall.of(all, truth) + 0.001)
        #expect(Recall.of(one, truth) >= 0.9)
        // More than the places in view widens the view.
        let many = try index.search(queries, k: 10, SearchOptions(efSearch: 10, oversampling: 20))
        #expect(Recall.of(many, truth) >= 0.99)
    }
}
