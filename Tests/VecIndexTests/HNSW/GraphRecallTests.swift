// How much of the truth a graph finds, on the rows of the examples.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Recall of a graph")
struct GraphRecallTests {
    /// A metric with a way to store rows, or with a type of rows.
    struct Case: CustomTestStringConvertible, Sendable {
        var metric: Metric
        var type = ElementType.float32
        var storage = GraphStorage.auto

        var testDescription: String { "\(metric.name) of \(type.name), stored as \(storage.name)" }

        static let stored: [Case] = [Metric.l2Squared, .innerProduct, .cosine].flatMap { metric in
            [GraphStorage.auto, .float32, .float16, .int8, .int4].map { Case(metric: metric, storage: $0) }
        }
        static let typed: [Case] = [
            Case(metric: .l2Squared, type: .int8), Case(metric: .cosine, type: .int8),
            Case(metric: .innerProduct, type: .uint8), Case(metric: .l2Squared, type: .uint8),
            Case(metric: .hamming, type: .bits), Case(metric: .jaccard, type: .bits), Case(metric: .l1),
            Case(metric: .cosine, type: .float16), Case(metric: .l2Squared, type: .bfloat16),
        ]
    }

    @Test(
        "nearly all of the ten nearest are found by default, all but a few with more in view, at their exact distances",
        arguments: Case.stored)
    func stored(one: Case) throws {
        // Codes are trained once there are 2,048 rows.
        let isTrained = one.storage == .auto || one.storage.codeBits > 0
        let (rows, queries) = RealRows.make(isTrained ? 2100 : 1000, .float32)
        let index = try HNSWIndex(rows, metric: one.metric, storage: one.storage, m: 12, efConstruction: 50)
        try expectRecall(index, rows, queries)
        // What finds rows may be coarse; those that were added rank them, by the same kernels as in a flat index.
        #expect(index.graphStats.exactType == .float32)
        let exact = try FlatIndex(rows, metric: one.metric, table: .current).search(queries, k: rows.count)
        for (q, hits) in try index.search(queries, k: 10).enumerated() {
            let distances = Dictionary(uniqueKeysWithValues: exact[q].map { ($0.id, $0.distance) })
            #expect(hits.allSatisfy { distances[$0.id]?.bitPattern == $0.distance.bitPattern }, "query \(q)")
        }
    }

    @Test("the same holds for every type of rows", arguments: Case.typed)
    func typed(one: Case) throws {
        let (rows, queries) = RealRows.make(1000, one.type)
        let index = try HNSWIndex(rows, metric: one.metric, m: 12, efConstruction: 64)
        try expectRecall(index, rows, queries)
    }

    private func expectRecall(_ index: HNSWIndex, _ rows: Vectors, _ queries: Vectors) throws {
        let truth = Recall.truth(queries, rows, index.metric, k: 10)
        let usual = Recall.of(try index.search(queries, k: 10), truth)
        let wide = Recall.of(try index.search(queries, k: 10, SearchOptions(efSearch: 400)), truth)
        #expect(usual >= 0.95)
        #expect(wide >= 0.998)
    }

    /// Norms that differ by a factor of a hundred: under the inner product a few rows are near to everything.
    /// Under inner product nearly all rows link to the few longest: these must not take up all those that nobody else does.
    @Test("the links that keep rows reachable leave room for good ones", arguments: [Metric.innerProduct, .cosine])
    func roomForLinks(metric: Metric) throws {
        let (rows, queries) = GraphData.lognormal(rows: 3000, queries: 100, dimension: 48, seed: 602)
        let index = try HNSWIndex(rows, metric: metric, m: 8, efConstruction: 64)
        let store = index.store
        let children = (0..<UInt32(store.usedSlots)).map { slot in
            let list = store.list(slot, 0)
            return (0..<list.count).count { list[$0] & treeBit != 0 }
        }
        #expect(children.reduce(0, +) == rows.count - 1)
        #expect(children.max() == 2)
        let truth = Recall.truth(queries, rows, metric, k: 10)
        let recall = Recall.of(try index.search(queries, k: 10, SearchOptions(efSearch: 32)), truth)
        #expect(recall >= 0.9, "ef_search 32")
    }

    /// A row whose neighbours are all of its own group leads nowhere else, and where one group comes after the other, the first
    /// of each have few others to link to. A walk that begins in another group than the query's finds nothing.
    @Test("rows in groups far apart are found, also where one group comes after the other", arguments: [8, 30, 100])
    func groups(count: Int) throws {
        for seed in 620..<623 as Range<UInt64> {
            let (rows, queries) = GraphData.groups(count, rows: 2000, queries: 100, dimension: 100, seed: seed)
            let index = try HNSWIndex(rows, metric: .l2Squared, m: 8, efConstruction: 40, threads: 1)
            let truth = Recall.truth(queries, rows, .l2Squared, k: 10)
            let recall = Recall.of(try index.search(queries, k: 10, SearchOptions(efSearch: 128)), truth)
            // Without landmarks it is 0.83 to 0.98.
            #expect(recall >= 0.98, "seed \(seed)")
        }
    }

    @Test("groups far apart are found when the rows at which walks begin are gone")
    func groupsWithoutLandmarks() throws {
        let (rows, queries) = GraphData.groups(100, rows: 2000, queries: 100, dimension: 100, seed: 630)
        let index = try HNSWIndex(rows, metric: .l2Squared, m: 8, efConstruction: 40, threads: 1)
        for _ in 0..<3 {
            let store = index.store
            try index.remove(Set((0..<store.landmarks.count).map { store.id(store.landmarks[$0]) }).sorted())
            try index.verifyGraph()
        }
        let left = index.ids()
        #expect(left.count < 1800)
        let truth = Recall.truth(queries, Vectors(bytes: try index.get(left), dimension: 100, type: .float32), .l2Squared, k: 10, ids: left)
        #expect(Recall.of(try index.search(queries, k: 10, SearchOptions(efSearch: 128)), truth) >= 0.97)
    }

    @Test("rows with norms of all sizes are found", arguments: [Metric.l2Squared, .innerProduct, .cosine], [GraphStorage.auto, .float32, .int4])
    func unevenNorms(metric: Metric, storage: GraphStorage) throws {
        let (rows, queries) = GraphData.lognormal(rows: 2100, queries: 100, dimension: 32, seed: 601)
        let index = try HNSWIndex(rows, metric: metric, storage: storage, m: 16, efConstruction: 64)
        let truth = Recall.truth(queries, rows, metric, k: 10)
        let usual = Recall.of(try index.search(queries, k: 10), truth)
        let wide = Recall.of(try index.search(queries, k: 10, SearchOptions(efSearch: 1000)), truth)
        #expect(usual >= 0.93)
        #expect(wide >= 0.99)
    }

    @Test("a thousand equal rows hide none of the others")
    func duplicatesAmongOthers() throws {
        let others = DataSet.scattered.make(rows: 500, queries: 51, dimension: 12, type: .float32, seed: 602)
        let one = others.queries.picked([50]).values.map { Float($0) }
        let equal = Vectors((0..<1000).flatMap { _ in one }, dimension: 12, type: .float32)
        for order in [0, 1, 2] {
            let index = try HNSWIndex(HNSWOptions(dimension: 12, m: 8, efConstruction: 50))
            let otherIDs = (0..<500).map { UInt64($0) }, equalIDs = (500..<1500).map { UInt64($0) }
            switch order {
            case 0:
                try index.add(others.rows, ids: otherIDs)
                try index.add(equal, ids: equalIDs)
            case 1:
                try index.add(equal, ids: equalIDs)
                try index.add(others.rows, ids: otherIDs)
            default:
                for from in stride(from: 0, to: 500, by: 100) {
                    try index.add(equal.picked((2 * from)..<(2 * from + 200)), ids: Array(equalIDs[(2 * from)..<(2 * from + 200)]))
                    try index.add(others.rows.picked(from..<(from + 100)), ids: Array(otherIDs[from..<(from + 100)]))
                }
            }
            try index.verifyGraph()
            // Each of the others finds itself.
            let found = try index.search(others.rows, k: 1)
            let missed = found.enumerated().filter { $0.element.first?.id != UInt64($0.offset) }.count
            #expect(missed <= 25, "order \(order)")
            // And what is nearest to a stranger is found, be it equal rows or others.
            let all = Vectors(bytes: others.rows.bytes + equal.bytes, dimension: 12, type: .float32)
            let truth = Recall.truth(others.queries, all, .l2Squared, k: 10)
            let recall = Recall.of(try index.search(others.queries, k: 10), truth)
            #expect(recall >= 0.95, "order \(order)")
            // As many of the equal ones as are asked for.
            let query = Vectors(one, dimension: 12, type: .float32)
            let hits = try index.search(query, k: 100)[0]
            #expect(hits.count == 100 && hits.allSatisfy { $0.distance == 0 }, "order \(order)")
        }
    }
}
