// How a graph stores rows, and how it decides that.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Storage of a graph")
struct GraphStorageTests {
    @Test("auto decides once there are 2,048 rows, whether they come at once or one by one", arguments: [1, 500, 2100])
    func whenDecided(batch: Int) throws {
        let rows = RealRows.make(2100, .float32).rows
        let index = try HNSWIndex(HNSWOptions(dimension: RealRows.dimension, metric: .cosine, m: 4, efConstruction: 10))
        var n = 0
        while n < 2100 {
            let next = min(n + batch, 2100)
            try index.add(rows.picked(n..<next), threads: 2)
            n = next
            if n < 2048 {
                #expect(index.graphStats.storage == .auto)
                #expect(index.graphStats.codeLoss == nil)
                #expect(index.graphStats.exactType == .float32)
            }
        }
        #expect(index.graphStats.storage == .int8)
        #expect(index.graphStats.isSketched)
        let loss = try #require(index.graphStats.codeLoss)
        #expect(loss >= 0 && loss <= 0.005)
        // Rows from before are encoded too, and come out as they went in.
        #expect(try index.get((0..<2100).map { UInt64($0) }) == rows.bytes)
        try index.verify()
    }

    @Test("auto takes finer rows where codes lose neighbours, and says so", arguments: [Metric.l2Squared, .innerProduct])
    func hardOnCodes(metric: Metric) throws {
        let (rows, queries) = GraphData.hardOnCodes(rows: 2100, queries: 50, dimension: 32, seed: 621)
        let index = try HNSWIndex(rows, metric: metric, m: 16, efConstruction: 100)
        let stats = index.graphStats
        #expect(stats.storage == .float16 || stats.storage == .float32)
        #expect(try #require(stats.codeLoss) > 0.005)
        #expect(!stats.isSketched)
        #expect(stats.exactType == .float32)
        let truth = Recall.truth(queries, rows, metric, k: 10)
        let recall = Recall.of(try index.search(queries, k: 10, SearchOptions(efSearch: 200)), truth)
        #expect(recall >= 0.95)
    }

    @Test("where float16 has no range for the rows, auto keeps them as they are")
    func beyondFloat16() throws {
        let source = GraphData.hardOnCodes(rows: 2100, queries: 20, dimension: 16, seed: 622).rows
        let rows = Vectors(source.values.map { Float($0) * 1e6 }, dimension: 16, type: .float32)
        let index = try HNSWIndex(rows, metric: .l2Squared)
        #expect(index.graphStats.storage == .float32)
        try index.verify()
    }

    @Test("types and metrics without codes are stored as they are", arguments: Setting.all)
    func withoutCodes(setting: Setting) throws {
        let rows = DataSet.clusters.make(rows: 2100, queries: 0, dimension: 16, type: setting.type, seed: 623).rows
        let index = try HNSWIndex(rows, metric: setting.metric, m: 4, efConstruction: 10)
        let stats = index.graphStats
        if setting.type.isFloat && setting.metric != .l1 {
            #expect(stats.storage != .auto && stats.codeLoss != nil)
        } else {
            #expect(stats.codeLoss == nil && !stats.isSketched)
        }
        #expect(stats.exactType == setting.type)
        #expect(try index.get([0, 5, 2099]) == rows.picked([0, 5, 2099]).bytes)
    }

    @Test("rows come out as they were added, however they are stored", arguments: GraphStorage.allCases)
    func get(storage: GraphStorage) throws {
        let rows = DataSet.scattered.make(rows: 2100, queries: 0, dimension: 20, type: .float32, seed: 624).rows
        let index = try HNSWIndex(rows, metric: .cosine, storage: storage, m: 4, efConstruction: 10)
        let ids: [UInt64] = [0, 2099, 7, 7]
        #expect(try index.get(ids) == rows.picked(ids.map { Int($0) }).bytes)
        expectError(.notFound) { _ = try index.get([0, 2100]) }
        expectError(.unsupported) { _ = try index.get([0], as: .int8) }
        if storage.codeBits > 0 {
            let bare = try HNSWIndex(rows, metric: .l2Squared, storage: storage, rescore: .none, m: 4, efConstruction: 10)
            let got = Vectors(bytes: try bare.get([3]), dimension: 20, type: .float32)
            // One of 256 or 16 steps from −1 to 1.
            let step = storage == .int8 ? 2.0 / 255 : 2.0 / 15
            for d in 0..<20 { #expect(abs(got.values[d] - rows.values[3 * 20 + d]) <= step) }
        }
    }

    @Test("finer rows are kept as asked for", arguments: [GraphStorage.int8, .int4])
    func rescoreRows(storage: GraphStorage) throws {
        let rows = DataSet.scattered.make(rows: 2100, queries: 0, dimension: 64, type: .float32, seed: 625).rows
        func index(_ rescore: RescoreRows) throws -> HNSWIndex {
            try HNSWIndex(rows, metric: .l2Squared, storage: storage, rescore: rescore, m: 4, efConstruction: 10)
        }
        let full = try index(.asAdded), half = try index(.float16), none = try index(.none)
        #expect(full.graphStats.exactType == .float32)
        #expect(half.graphStats.exactType == .float16)
        #expect(none.graphStats.exactType == nil)
        #expect(full.stats().memoryBytes > half.stats().memoryBytes)
        #expect(half.stats().memoryBytes > none.stats().memoryBytes)
        let halves = Vectors(rows.picked([9]).values.map { Float($0) }, dimension: 64, type: .float16)
        #expect(Vectors(bytes: try half.get([9]), dimension: 64, type: .float32).values == halves.values)
    }

    @Test("4-bit codes take half the memory of 8-bit codes, and no 8-bit codes are beside them", arguments: [RescoreRows.none, .asAdded])
    func smallCodes(rescore: RescoreRows) throws {
        let rows = RealRows.make(2100, .float32).rows
        func index(_ storage: GraphStorage) throws -> HNSWIndex {
            try HNSWIndex(rows, metric: .cosine, storage: storage, rescore: rescore, m: 2, efConstruction: 4)
        }
        let four = try index(.int4), eight = try index(.int8)
        #expect(four.graphStats.storage == .int4 && !four.graphStats.isSketched)
        #expect(try #require(four.graphStats.codeLoss) <= 0.01)
        // A byte an element, and where there are finer rows a sketch of half a byte, against half a byte and two numbers.
        let saved = rescore == .none ? 384 - (192 + 8) : 384 + 192 - (192 + 8)
        let bytes = eight.stats().memoryBytes - four.stats().memoryBytes
        #expect(abs(bytes - 2100 * saved) < 2100 * 16)
    }

    @Test("rows that 4-bit codes would not fit are rotated, and only those", arguments: [Metric.l2Squared, .innerProduct, .cosine])
    func rotated(metric: Metric) throws {
        // Cubes of normally distributed numbers: most are small, a few very large.
        var random = Random(seed: 627)
        func cubes(_ count: Int) -> Vectors {
            Vectors(GraphData.normal(count * 64, &random).map { $0 * $0 * $0 + 5 }, dimension: 64, type: .float32)
        }
        let rows = cubes(2100), queries = cubes(50)
        let index = try HNSWIndex(rows, metric: metric, storage: .int4, m: 12, efConstruction: 50)
        #expect(index.knowledge.current.isRotated)
        #expect(try #require(index.graphStats.codeLoss) <= 0.02)
        let truth = Recall.truth(queries, rows, metric, k: 10)
        #expect(Recall.of(try index.search(queries, k: 10, SearchOptions(efSearch: 300)), truth) >= 0.95)
        let directory = try TemporaryDirectory()
        try index.save(to: directory.path(), sync: false)
        for load in [false, true] {
            let opened = try HNSWIndex.open(directory.path(), OpenOptions(load: load, verify: true))
            #expect(Results.difference(try opened.search(queries, k: 10), try index.search(queries, k: 10)) == nil)
        }
        #expect(try !RealRows.int4Graph.get().knowledge.current.isRotated)
    }

    @Test("options that do not go together are refused")
    func badOptions() {
        func refuse(_ code: VecStoreError.Code, _ options: HNSWOptions, sourceLocation: SourceLocation = #_sourceLocation) {
            expectError(code, sourceLocation: sourceLocation) { _ = try HNSWIndex(options) }
        }
        refuse(.invalidArgument, HNSWOptions(dimension: 0))
        refuse(.invalidArgument, HNSWOptions(dimension: 65_537))
        refuse(.invalidArgument, HNSWOptions(dimension: 8, m: 1))
        refuse(.invalidArgument, HNSWOptions(dimension: 8, m: 257))
        refuse(.invalidArgument, HNSWOptions(dimension: 8, efConstruction: 0))
        refuse(.unsupported, HNSWOptions(dimension: 8, metric: .hamming))
        refuse(.unsupported, HNSWOptions(dimension: 8, metric: .l1, storage: .int8))
        refuse(.unsupported, HNSWOptions(dimension: 8, metric: .l1, storage: .int4))
        refuse(.unsupported, HNSWOptions(dimension: 8, type: .int8, storage: .int4))
        refuse(.unsupported, HNSWOptions(dimension: 8, type: .int8, storage: .float16))
        refuse(.unsupported, HNSWOptions(dimension: 8, type: .float16, storage: .float32))
        refuse(.unsupported, HNSWOptions(dimension: 8, type: .float16, storage: .int8, rescore: .float32))
        refuse(.tooLarge, HNSWOptions(dimension: 8, capacity: Limits.graphRows + 1))
    }

    @Test("float16 rows refuse what they cannot hold", arguments: [(GraphStorage.float16, RescoreRows.asAdded), (.int8, .float16), (.int4, .float16)])
    func halfRange(storage: GraphStorage, rescore: RescoreRows) throws {
        let index = try HNSWIndex(HNSWOptions(dimension: 2, storage: storage, rescore: rescore))
        try index.add(Vectors([65_519, -65_519], dimension: 2, type: .float32))
        expectError(.tooLarge) { try index.add(Vectors([1, -65_520], dimension: 2, type: .float32)) }
        #expect(index.count == 1)
    }

    @Test("lists of every width work", arguments: [2, 3, 16, 64, 256])
    func widths(m: Int) throws {
        let (rows, queries) = DataSet.clusters.make(rows: 700, queries: 20, dimension: 16, type: .float32, seed: 626)
        let index = try HNSWIndex(rows, metric: .l2Squared, m: m, efConstruction: 40)
        try index.verifyGraph()
        let truth = Recall.truth(queries, rows, .l2Squared, k: 10)
        // Lists of four links, half of which keep rows reachable, are the fewest there are.
        let least = m == 2 ? 0.85 : 0.95
        #expect(Recall.of(try index.search(queries, k: 10, SearchOptions(efSearch: 400)), truth) >= least)
    }

    @Test("the same rows, options and seed on one thread give the same file", arguments: [GraphStorage.auto, .float32, .int4])
    func sameBytes(storage: GraphStorage) throws {
        let directory = try TemporaryDirectory()
        let rows = RealRows.make(2300, .float32).rows
        func bytes(_ name: String, seed: UInt64) throws -> [UInt8] {
            let index = try HNSWIndex(HNSWOptions(dimension: RealRows.dimension, metric: .cosine, storage: storage, m: 6, efConstruction: 20, seed: seed))
            // In parts, so that some rows are there before training.
            for from in stride(from: 0, to: 2300, by: 575) { try index.add(rows.picked(from..<(from + 575)), threads: 1) }
            try index.remove((0..<100).map { UInt64($0 * 3) })
            try index.add(rows.picked(0..<50), threads: 1)
            try index.save(to: directory.path(name), sync: false)
            return try directory.bytes(name)
        }
        let first = try bytes("first", seed: 5)
        #expect(try bytes("second", seed: 5) == first)
        #expect(try bytes("other", seed: 6) != first)
    }
}
