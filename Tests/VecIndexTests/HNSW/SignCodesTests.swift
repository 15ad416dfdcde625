// The signs of rows that searches under a filter have come for before.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Signs of codes")
struct SignCodesTests {
    private static let metrics = [Metric.l2Squared, .innerProduct, .cosine]
    private static let dimension = 200
    private static let count = 4000

    private static func index(_ rows: Vectors, _ metric: Metric, rescore: RescoreRows = .asAdded) throws -> HNSWIndex {
        try HNSWIndex(rows, metric: metric, storage: .int4, rescore: rescore, m: 6, efConstruction: 24)
    }

    private static func normal(seed: UInt64, middle: Float = 0.3) -> (rows: Vectors, queries: Vectors) {
        var random = Random(seed: seed)
        func vectors(_ count: Int) -> Vectors {
            Vectors(GraphData.normal(count * dimension, &random).map { $0 + middle }, dimension: dimension, type: .float32)
        }
        return (vectors(count), vectors(50))
    }

    /// Searches twice so that signs are made, and returns what comes after that.
    private static func searchWithSigns(
        _ index: HNSWIndex, _ queries: Vectors, k: Int, _ wanted: [Bool], _ cache: SlotCache = SlotCache(), threads: Int = 1
    ) throws -> [[Hit]] {
        try GraphFilterTests.withFilter(.bitmap, wanted, negated: false) { filter in
            let filter = RowFilter(filter.kind, cache: cache)
            for _ in 0..<2 { _ = try index.search(queries.picked([0]), k: 1, filter: filter) }
            return try index.search(queries, k: k, filter: filter, threads: threads)
        }
    }

    @Test("estimates are right on average, and off by as much as the spread says", arguments: metrics)
    func estimates(metric: Metric) throws {
        let (rows, queries) = SignCodesTests.normal(seed: 651)
        let index = try SignCodesTests.index(rows, metric)
        let slots = (0..<UInt32(index.store.usedSlots)).map { $0 }
        let signs = try slots.withUnsafeBufferPointer { slots in
            try SignCodes(try #require(slots.baseAddress), slots.count, index.store)
        }
        #expect(abs(signs.spread - 0.6) < 0.05, "of normally distributed elements")
        let scratch = try WalkScratch(index.store.shape, rows: index.store.capacity, width: 64)
        let walk = try GraphWalk(index.store, index.table, scratch)
        let scan = SignScan(walk, signs, margin: 0)
        var sum = 0.0, squares = 0.0, n = 0.0
        for q in 0..<queries.count {
            let floats = queries.picked([q]).values.map { Float($0) }
            let norm = floats.reduce(0) { $0 + $1 * $1 }
            let query = floats.withUnsafeBytes { walk.prepare($0.baseAddress!, squaredNorm: norm) }
            scan.forEachEstimate(query) { (slot, estimate, deviation) in
                let error = Double(estimate - walk.distance(query, slot)) / Double(deviation)
                sum += error
                squares += error * error
                n += 1
            }
        }
        #expect(Int(n) == queries.count * slots.count)
        #expect(abs(sum / n) < 0.05, "\(sum / n) standard deviations")
        #expect(abs((squares / n).squareRoot() - 1) < 0.1, "\((squares / n).squareRoot())")
    }

    @Test("the nearest of the rows that match are found as without signs", arguments: metrics, [RescoreRows.asAdded, .none])
    func recall(metric: Metric, rescore: RescoreRows) throws {
        let (rows, queries) = SignCodesTests.normal(seed: 652)
        let index = try SignCodesTests.index(rows, metric, rescore: rescore)
        // The last block of signs is full, has one row, and lacks one.
        for matching in [512, 1025, 2047, SignCodesTests.count] {
            let wanted = (0..<SignCodesTests.count).map { $0 >= SignCodesTests.count - matching }
            let plain = try GraphFilterTests.withFilter(.bitmap, wanted, negated: false) {
                try index.search(queries, k: 10, filter: $0)
            }
            let found = try SignCodesTests.searchWithSigns(index, queries, k: 10, wanted)
            #expect(found.allSatisfy { $0.count == 10 && $0.allSatisfy { wanted[Int($0.id)] } })
            for hits in found { GraphResultTests.expectInOrder(hits) }
            #expect(Recall.of(found, plain) >= 0.99, "\(matching) rows")
        }
    }

    @Test("the nearest of real rows are found, however many are wanted", arguments: [1, 10, 100, 700])
    func realRows(k: Int) throws {
        let (rows, queries) = RealRows.make(2100, .float32)
        let index = try RealRows.int4Graph.get()
        let wanted = (0..<2100).map { $0 % 3 != 0 }
        let truth = Recall.truth(queries, rows, .cosine, k: k, wanted: wanted)
        let found = try SignCodesTests.searchWithSigns(index, queries, k: k, wanted)
        #expect(Recall.of(found, truth) >= 0.99)
    }

    @Test("rows whose signs are all the same are told apart by their codes")
    func groups() throws {
        let (rows, queries) = GraphData.groups(3, rows: 3000, queries: 30, dimension: SignCodesTests.dimension, seed: 653)
        let index = try SignCodesTests.index(rows, .l2Squared)
        let wanted = [Bool](repeating: true, count: 3000)
        let plain = try GraphFilterTests.withFilter(.bitmap, wanted, negated: false) {
            try index.search(queries, k: 10, filter: $0)
        }
        #expect(Recall.of(try SignCodesTests.searchWithSigns(index, queries, k: 10, wanted), plain) >= 0.99)
    }

    @Test("queries at once, on several threads, have the results of one at a time")
    func threads() throws {
        let (rows, queries) = SignCodesTests.normal(seed: 654)
        let index = try SignCodesTests.index(rows, .cosine)
        let wanted = (0..<SignCodesTests.count).map { $0 % 2 == 0 }
        let cache = SlotCache()
        let together = try SignCodesTests.searchWithSigns(index, queries, k: 10, wanted, cache, threads: 3)
        for q in 0..<queries.count {
            let alone = try SignCodesTests.searchWithSigns(index, queries.picked([q]), k: 10, wanted, cache)
            #expect(Results.difference(alone, [together[q]]) == nil)
        }
    }

    @Test("signs are made once a filter comes again, and counted as memory")
    func whenMade() throws {
        let (rows, queries) = SignCodesTests.normal(seed: 655)
        let index = try SignCodesTests.index(rows, .cosine)
        let wanted = (0..<SignCodesTests.count).map { $0 % 4 == 0 }
        let cache = SlotCache()
        var bytes: [Int] = []
        try GraphFilterTests.withFilter(.bitmap, wanted, negated: false) { filter in
            for _ in 0..<4 {
                _ = try index.search(queries, k: 10, filter: RowFilter(filter.kind, cache: cache))
                bytes.append(cache.bytes)
            }
        }
        #expect(bytes[0] > 0)
        // 26 bytes of signs, in blocks of 32 rows and groups of 16 elements, two numbers and a slot.
        #expect(bytes[1] - bytes[0] == 1024 * (26 + 12))
        #expect(bytes[2] == bytes[1] && bytes[3] == bytes[1])
    }

    @Test("rows that are removed, changed and added are gone, changed and there, with signs as without")
    func changes() throws {
        let (rows, queries) = SignCodesTests.normal(seed: 656)
        let index = try SignCodesTests.index(rows.picked(0..<3500), .l2Squared)
        let wanted = (0..<SignCodesTests.count).map { $0 % 3 != 0 }
        let cache = SlotCache()
        var random = Random(seed: 657)
        func expectSame() throws {
            let plain = try GraphFilterTests.withFilter(.bitmap, wanted, negated: false) {
                try index.search(queries, k: 10, filter: $0)
            }
            let found = try SignCodesTests.searchWithSigns(index, queries, k: 10, wanted, cache)
            #expect(found.map(\.count) == plain.map(\.count))
            #expect(Recall.of(found, plain) >= 0.99)
        }
        try expectSame()
        try index.remove((0..<3500).filter { _ in random.below(3) == 0 }.map { UInt64($0) })
        try expectSame()
        try index.add(rows.picked(3500..<4000), ids: (3500..<4000).map { UInt64($0) })
        try expectSame()
        let moved = index.ids().filter { _ in random.below(3) == 0 }
        try index.update(moved, rows.picked(moved.map { 3999 - Int($0) }))
        try expectSame()
    }

    @Test("rows that are equal, zero, or far longer than the others do no harm", arguments: metrics)
    func oddRows(metric: Metric) throws {
        let (rows, queries) = SignCodesTests.normal(seed: 658)
        var floats = rows.values.map { Float($0) }
        for i in 0..<1000 { for d in 0..<SignCodesTests.dimension { floats[i * SignCodesTests.dimension + d] = 0.25 } }
        for d in 0..<SignCodesTests.dimension { floats[1000 * SignCodesTests.dimension + d] = metric == .cosine ? 1e-12 : 0 }
        for d in 0..<SignCodesTests.dimension { floats[1001 * SignCodesTests.dimension + d] *= 1000 }
        let odd = Vectors(floats, dimension: SignCodesTests.dimension, type: .float32)
        let index = try SignCodesTests.index(odd, metric)
        let wanted = (0..<SignCodesTests.count).map { $0 < 2000 }
        let truth = Recall.truth(queries, odd, metric, k: 10, wanted: wanted)
        let found = try SignCodesTests.searchWithSigns(index, queries, k: 10, wanted)
        #expect(found.allSatisfy { $0.count == 10 })
        #expect(Recall.of(found, truth) >= 0.95)
    }
}
