// The life of a graph: rows come, change and go, and after each change the graph is whole.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Life of a graph")
struct GraphLifeTests {
    static let settings = [
        Setting(metric: .l2Squared, type: .float32), Setting(metric: .cosine, type: .float16),
        Setting(metric: .innerProduct, type: .float32), Setting(metric: .l1, type: .bfloat16),
        Setting(metric: .l2Squared, type: .int8), Setting(metric: .hamming, type: .bits),
    ]

    private static let seeds: [UInt64] = Sanitizer.isAddress ? [1] : [1, 2, 3]

    @Test("random changes leave what a dictionary holds, and a whole graph", arguments: settings, seeds)
    func model(setting: Setting, seed: UInt64) throws {
        var random = Random(seed: 650 + seed)
        let kind = [DataSet.scattered, .clusters, .duplicates][Int(seed) % 3]
        let source = kind.make(rows: 1000, queries: 5, dimension: 24, type: setting.type, seed: seed).rows
        let index = try HNSWIndex(
            HNSWOptions(
                dimension: 24, metric: setting.metric, type: setting.type, m: 2 + random.below(6), efConstruction: 20,
                seed: seed))
        var model = RowModel(idLimit: 3000)
        for step in 0..<80 {
            let n = 1 + random.below(step % 7 == 0 ? 120 : 12)
            let vectors = source.picked((0..<n).map { _ in random.below(1000) })
            let action = random.below(12)
            switch action {
            case 0..<3: try model.apply(.add, to: index, vectors, &random)
            case 3..<5: try model.apply(.addWithIDs, to: index, vectors, &random)
            case 5..<7: try model.apply(.update, to: index, vectors, &random)
            case 7..<10: try model.apply(.remove, to: index, vectors, &random)
            case 10: try index.compact()
            default: if step % 2 == 0 { try index.optimize() } else { try index.reserve(index.count + random.below(500)) }
            }
            try requireWhole(index, model, "step \(step), action \(action)")
        }
    }

    private func requireWhole(_ index: HNSWIndex, _ model: RowModel, _ what: String) throws {
        try model.requireHeld(by: index, what)
        try #require(try index.verifyGraph().rows == model.rows.count, "\(what)")
        // With all in view, all are found.
        let ids = model.rows.keys.sorted()
        if let first = ids.first {
            let query = Vectors(bytes: try index.get([first]), dimension: index.dimension, type: index.elementType)
            let found = try index.search(query, k: ids.count + 5)[0]
            try #require(found.map(\.id).sorted() == ids, "\(what)")
        }
    }

    /// How good a graph is that has been through a lot, beside a fresh one of the same rows.
    private func expectAsGoodAsFresh(_ index: HNSWIndex, _ rows: Vectors, _ queries: Vectors) throws {
        let truth = Recall.truth(queries, rows, index.metric, k: 10)
        let fresh = try HNSWIndex(
            rows, metric: index.metric, m: index.options.m, efConstruction: index.options.efConstruction)
        #expect(try index.verifyGraph().links >= fresh.verifyGraph().links, "lists have grown thinner")
        for ef in [32, 64] {
            let before = Recall.of(try fresh.search(queries, k: 10, SearchOptions(efSearch: ef)), truth)
            let after = Recall.of(try index.search(queries, k: 10, SearchOptions(efSearch: ef)), truth)
            #expect(after >= before - 0.01, "ef \(ef)")
        }
    }

    private static let churned = GraphData.lognormal(rows: 2500, queries: 300, dimension: 24, seed: 661)

    @Test("replacing every row twice costs hardly any recall and no memory for long", arguments: ["remove and add", "update"])
    func churn(way: String) throws {
        let n = 800
        let rows = Vectors(Array(RealRows.rows.dropLast(200 * RealRows.dimension)), dimension: RealRows.dimension, type: .float32)
        let queries = Vectors(
            RealRows.questions + RealRows.rows.suffix(200 * RealRows.dimension), dimension: RealRows.dimension, type: .float32)
        var random = Random(seed: 662)
        // Each id has a row of the first half, then one of the second, then the first again.
        let index = try HNSWIndex(rows.picked(0..<n), metric: .cosine, m: 16, efConstruction: 64)
        let least = index.stats().memoryBytes
        for round in 1...2 {
            let order = (0..<n).shuffled(using: &random)
            for from in stride(from: 0, to: n, by: 100) {
                let part = Array(order[from..<(from + 100)])
                let ids = part.map { UInt64($0) }, next = rows.picked(part.map { $0 + (round % 2) * n })
                if way == "update" {
                    try index.update(ids, next)
                } else {
                    #expect(try index.remove(ids) == 100)
                    try index.add(next, ids: ids, threads: 2)
                }
                #expect(index.stats().memoryBytes < 4 * least)
                #expect(index.stats().removedCount <= n + 4096)
            }
            try index.verifyGraph()
        }
        try expectAsGoodAsFresh(index, rows.picked(0..<n), queries)
    }

    @Test("rows that go one by one leave a graph as good as one that never had them")
    func removedOneByOne() throws {
        let n = 2500
        let (rows, queries) = (GraphLifeTests.churned.rows.picked(0..<n), GraphLifeTests.churned.queries)
        let index = try HNSWIndex(rows, metric: .l2Squared, m: 12, efConstruction: 64)
        var random = Random(seed: 663)
        let order = (0..<n).map { UInt64($0) }.shuffled(using: &random)
        for id in order.prefix(1000) { try index.remove([id]) }
        let left = order.dropFirst(1000).sorted()
        let ids = Recall.truth(queries, rows.picked(left.map { Int($0) }), .l2Squared, k: 10, ids: left)
        try index.verifyGraph()
        let recall = Recall.of(try index.search(queries, k: 10), ids)
        let fresh = try HNSWIndex(rows.picked(left.map { Int($0) }), metric: .l2Squared, m: 12, efConstruction: 64, ids: left)
        #expect(recall >= Recall.of(try fresh.search(queries, k: 10), ids) - 0.01)
    }

    /// All around a query goes: what is left there is far away, behind a hole in the graph.
    @Test("where the nearest rows go, the next ones are found", arguments: [1, 50, 600])
    func hole(batch: Int) throws {
        let rows = GraphLifeTests.churned.rows.picked(0..<2500)
        let index = try HNSWIndex(rows, metric: .l2Squared, m: 12, efConstruction: 64, threads: 1)
        let query = GraphLifeTests.churned.queries.picked([0])
        let all = Recall.truth(query, rows, .l2Squared, k: 2500)[0]
        for from in stride(from: 0, to: 600, by: batch) {
            try index.remove(all[from..<min(from + batch, 600)].map(\.id))
        }
        try index.verifyGraph()
        let hits = try index.search(query, k: 10)[0]
        #expect(hits.count == 10)
        #expect(Recall.of([hits], [Array(all[600..<610])]) >= 0.7)
    }

    @Test("the entry, the root and the rows of the upper levels can go, again and again", arguments: [1, 7])
    func entryAndRoot(batch: Int) throws {
        let rows = DataSet.clusters.make(rows: 600, queries: 0, dimension: 8, type: .float32, seed: 664).rows
        let index = try HNSWIndex(rows, metric: .l2Squared, m: 4, efConstruction: 20)
        while index.count > 0 {
            let store = index.store
            let entry = store.id(UInt32(truncatingIfNeeded: store.entry.load(ordering: .acquiring)))
            let root = store.id(store.root.load(ordering: .acquiring))
            let highest = (0..<UInt32(store.usedSlots)).filter { store.isLinked($0) }
                .sorted { store.level($0) > store.level($1) }.prefix(batch).map { store.id($0) }
            let gone = Set([entry, root] + highest)
            #expect(try index.remove(Array(gone)) == gone.count)
            try index.verifyGraph()
        }
        #expect(index.graphStats.levels == 0)
    }

    @Test("removing everything gives the memory back, and rows can come again", arguments: [1, 64, 5000])
    func emptied(batch: Int) throws {
        let rows = DataSet.scattered.make(rows: 2200, queries: 5, dimension: 32, type: .float32, seed: 665)
        let index = try HNSWIndex(HNSWOptions(dimension: 32, m: 4, efConstruction: 10))
        let empty = index.stats().memoryBytes
        try index.add(rows.rows, threads: 2)
        let full = index.stats().memoryBytes
        #expect(full > 2200 * 32 * 4)
        for from in stride(from: 0, to: 2200, by: batch) {
            try index.remove((from..<min(from + batch, 2200)).map { UInt64($0) })
        }
        #expect(index.count == 0)
        #expect(index.ids() == [])
        #expect(index.stats().memoryBytes < empty + 5000)
        #expect(try index.search(rows.queries, k: 3).allSatisfy { $0.isEmpty })
        try index.verifyGraph()
        #expect(try index.add(rows.rows.picked(0..<10)) == (2200..<2210).map { UInt64($0) })
        #expect(try index.search(rows.rows.picked([4]), k: 1)[0].map(\.id) == [2204])
        try index.verifyGraph()
    }

    @Test("slots of rows that went are used again, and compacting gives back what is left over")
    func slotsUsedAgain() throws {
        let source = DataSet.scattered.make(rows: 4000, queries: 0, dimension: 16, type: .float32, seed: 666).rows
        let index = try HNSWIndex(source.picked(0..<2000), metric: .l2Squared, storage: .float32, m: 4, efConstruction: 10)
        try index.compact()
        let least = index.stats().memoryBytes
        for round in 0..<8 {
            let ids = Array(index.ids().prefix(500))
            try index.remove(ids)
            try index.add(source.picked((round * 500)..<(round * 500 + 500)), threads: 2)
            #expect(index.stats().removedCount <= 1500, "round \(round)")
        }
        try index.verifyGraph()
        try index.remove(Array(index.ids().prefix(900)))
        #expect(index.stats().removedCount > 0)
        try index.compact()
        #expect(index.stats().removedCount == 0)
        #expect(index.stats().memoryBytes < least)
        #expect(index.count == 1100)
        try index.verifyGraph()
    }

    @Test("compacting and reordering change no id, no row and no distance", arguments: [GraphStorage.int8, .int4])
    func reordering(storage: GraphStorage) throws {
        let (rows, queries) = RealRows.make(2100, .float32)
        let index = try HNSWIndex(rows, metric: .cosine, storage: storage, m: 6, efConstruction: 40)
        try index.remove((0..<200).map { UInt64($0 * 7) })
        let ids = index.ids().sorted()
        let truth = Recall.truth(queries, rows.picked(ids.map { Int($0) }), .cosine, k: 10, ids: ids)
        for change in [{ try index.compact() }, { try index.optimize() }, { try index.reserve(9000) }] {
            try change()
            try index.verifyGraph()
            #expect(index.ids().sorted() == ids)
            #expect(try index.get(ids) == rows.picked(ids.map { Int($0) }).bytes)
            #expect(Recall.of(try index.search(queries, k: 10), truth) >= 0.95)
            #expect(Results.difference(try index.search(queries, k: 1900, SearchOptions(efSearch: 1900)),
                Recall.truth(queries, rows.picked(ids.map { Int($0) }), .cosine, k: 1900, ids: ids)) == nil)
        }
    }

    @Test("where codes alone are kept, rows come, change and go as ever", arguments: [GraphStorage.int8, .int4])
    func codesAlone(storage: GraphStorage) throws {
        let (all, queries) = RealRows.make(2600, .float32)
        var rows = all.picked(0..<2300)
        let index = try HNSWIndex(rows, metric: .cosine, storage: storage, rescore: .none, m: 6, efConstruction: 40)
        // The last rows come in the place of the first ones.
        try index.update((0..<300).map { UInt64($0) }, all.picked(2300..<2600))
        rows = all.picked(Array(2300..<2600) + Array(300..<2300))
        try index.remove((2000..<2300).map { UInt64($0) })
        rows = rows.picked(0..<2000)
        let truth = Recall.truth(queries, rows, .cosine, k: 10)
        for change in [{}, { try index.compact() }, { try index.optimize() }, { try index.reserve(9000) }] {
            try change()
            try index.verifyGraph()
            #expect(index.ids().sorted() == (0..<2000).map { UInt64($0) })
            let got = try index.search(queries, k: 10, SearchOptions(efSearch: 200))
            #expect(Recall.ofIDs(got, truth) >= (storage == .int8 ? 0.95 : 0.85))
        }
    }

    @Test("adding, removing and updating nothing change nothing")
    func nothing() throws {
        let rows = DataSet.scattered.make(rows: 5, queries: 0, dimension: 8, type: .float32, seed: 667).rows
        let index = try HNSWIndex(rows, metric: .l2Squared)
        #expect(try index.add(rows.picked(0..<0)) == [])
        #expect(try index.remove([]) == 0)
        #expect(try index.remove([77, noID]) == 0)
        try index.update([], rows.picked(0..<0))
        #expect(index.ids() == [0, 1, 2, 3, 4])
        try index.verifyGraph()
    }
}
