// What searches of an inverted file find, against exact truth.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes
import VecKernels

@testable import VecIndex

/// A way to make an inverted file.
struct ListSetting: CustomTestStringConvertible, Sendable {
    var metric: Metric
    var storage: ListStorage
    var bits: Int?
    var isRotated = false
    var rescore = RescoreRows.asAdded
    var assignments = 1
    var isa = KernelTable.current.isa

    var table: KernelTable { KernelTable.table(for: isa) }
    var testDescription: String {
        let code = storage.name + (bits.map { " of \($0) bits" } ?? "") + (isRotated ? " rotated" : "")
        return "\(metric.name), \(code), rescore \(rescore.name), \(assignments) lists a row, \(isa.name)"
    }

    static let metrics: [Metric] = [.l2Squared, .innerProduct, .cosine]

    /// Rows and the shortest codes under every metric, in one list and in two; without rows to rank by, and with narrower ones.
    /// Other codes under one metric: `codesAlone` has them under all.
    static let all: [ListSetting] =
        metrics.flatMap { metric in
            [ListStorage.auto, .pq, .binary].flatMap { storage in
                [1, 2].map { ListSetting(metric: metric, storage: storage, assignments: $0) }
            } + [ListStorage.pq, .binary].map { ListSetting(metric: metric, storage: $0, rescore: .none, assignments: 2) }
        } + finer(.innerProduct, .asAdded) + [
            ListSetting(metric: .l2Squared, storage: .float32), ListSetting(metric: .innerProduct, storage: .float16),
            ListSetting(metric: .cosine, storage: .bfloat16),
            ListSetting(metric: .l2Squared, storage: .pq, rescore: .none),
            ListSetting(metric: .cosine, storage: .binary, rescore: .none),
            ListSetting(metric: .cosine, storage: .pq, rescore: .float16),
            ListSetting(metric: .cosine, storage: .pq, bits: 8, rescore: .none),
            ListSetting(metric: .l2Squared, storage: .pq, bits: 6, assignments: 2),
            ListSetting(metric: .l2Squared, storage: .binary, rescore: .float16, assignments: 2),
        ]

    /// Codes of more bits, and of rotated rows.
    static func finer(_ metric: Metric, _ rescore: RescoreRows) -> [ListSetting] {
        [
            ListSetting(metric: metric, storage: .int8, rescore: rescore),
            ListSetting(metric: metric, storage: .int4, rescore: rescore),
            ListSetting(metric: metric, storage: .pq, isRotated: true, rescore: rescore),
            ListSetting(metric: metric, storage: .pq, bits: 8, rescore: rescore),
            ListSetting(metric: metric, storage: .pq, bits: 5, isRotated: true, rescore: rescore),
            ListSetting(metric: metric, storage: .binary, bits: 3, rescore: rescore),
            ListSetting(metric: metric, storage: .binary, bits: 8, rescore: rescore),
        ]
    }

    /// Every code, without rows to rank by.
    static func codesAlone(_ metric: Metric) -> [ListSetting] {
        finer(metric, .none) + [ListStorage.pq, .binary].map { ListSetting(metric: metric, storage: $0, rescore: .none) }
    }

    /// Codes on every instruction set of this processor.
    static let codes: [ListSetting] = metrics.flatMap { metric in
        ([ListStorage.pq, .binary, .int8].map { ListSetting(metric: metric, storage: $0) }
            + [ListSetting(metric: metric, storage: .binary, bits: 6), ListSetting(metric: metric, storage: .pq, bits: 8)]).flatMap { setting in
            Sanitizer.instructionSets.map { isa in
                var setting = setting
                setting.isa = isa
                return setting
            }
        }
    }

    /// The least share of the 10 nearest rows that codes alone find: what they lose differs by a hundred times and more.
    var leastRecall: Double {
        switch (storage, bits) {
        case (.int8, _), (.binary, 8): 0.96
        case (.int4, _), (.binary, 3): 0.8
        default: 0.45
        }
    }

    func index(_ rows: Vectors, nlist: Int? = nil, ids: [UInt64]? = nil) throws -> IVFIndex {
        try IVFIndex(
            rows, metric: metric, nlist: nlist, storage: storage, rescore: rescore, bits: bits, isRotated: isRotated,
            assignments: assignments, table: table, ids: ids)
    }
}

@Suite("Results of inverted files")
struct IVFResultTests {
    /// The first 160 elements of real rows: enough to be like them, and half the time.
    private static let data: (rows: Vectors, queries: Vectors) = {
        let whole = RealRows.make(900, .float32)
        return (shortened(whole.rows), shortened(whole.queries))
    }()

    private static func shortened(_ vectors: Vectors) -> Vectors {
        let floats = vectors.floats, dimension = vectors.dimension
        return Vectors(
            (0..<vectors.count).flatMap { floats[($0 * dimension)..<($0 * dimension + 160)] }, dimension: 160, type: .float32)
    }

    private static let truths = ListSetting.metrics.map { Recall.truth(data.queries, data.rows, $0, k: 10) }

    private static func truth(_ metric: Metric) -> [[Hit]] {
        truths[ListSetting.metrics.firstIndex(of: metric) ?? 0]
    }

    @Test("all lists together hold the truth, a few of them nearly all of it", arguments: ListSetting.all)
    func recall(setting: ListSetting) throws {
        let index = try setting.index(IVFResultTests.data.rows, nlist: 30)
        let truth = IVFResultTests.truth(setting.metric)
        let all = try index.search(IVFResultTests.data.queries, k: 10, SearchOptions(nprobe: 30, oversampling: 10))
        let some = try index.search(IVFResultTests.data.queries, k: 10, SearchOptions(nprobe: 10, oversampling: 10))
        for hits in all + some {
            #expect(Set(hits.map(\.id)).count == hits.count)
            #expect(hits.count == 10)
            #expect(zip(hits, hits.dropFirst()).allSatisfy { $0.distance <= $1.distance })
        }
        let isExact = !setting.storage.isCoded || setting.rescore != .none
        let isNarrow = setting.rescore == .float16 || setting.storage == .float16 || setting.storage == .bfloat16
        #expect(Recall.ofIDs(all, truth) >= (isExact ? (isNarrow ? 0.93 : 0.985) : setting.leastRecall))
        #expect(Recall.ofIDs(some, truth) >= (isExact ? 0.85 : 0.4))
        if isExact && !isNarrow {
            let flat = try FlatIndex(IVFResultTests.data.rows, metric: setting.metric, table: setting.table)
            let exact = try flat.search(IVFResultTests.data.queries, k: 10)
            for (hits, best) in zip(all, exact) where hits.map(\.id) == best.map(\.id) {
                // The distances are those of a flat index, to the last bits.
                for (a, b) in zip(hits, best) { #expect(abs(a.distance - b.distance) <= 1e-5 * max(1, abs(b.distance))) }
            }
        }
    }

    @Test("codes find the same on every instruction set, or nearly", arguments: ListSetting.codes)
    func instructionSets(setting: ListSetting) throws {
        let index = try setting.index(IVFResultTests.data.rows, nlist: 20)
        let found = try index.search(IVFResultTests.data.queries, k: 10, SearchOptions(nprobe: 20, oversampling: 10))
        #expect(Recall.ofIDs(found, IVFResultTests.truth(setting.metric)) >= 0.985)
    }

    @Test(
        "results do not depend on threads, nor on how many queries come at once",
        arguments: ListSetting.all.filter { $0.assignments == 2 && $0.rescore != .float16 })
    func batches(setting: ListSetting) throws {
        let index = try setting.index(IVFResultTests.data.rows, nlist: 30)
        let queries = IVFResultTests.data.queries
        for nprobe in [1, 7, 30] {
            let together = try index.search(queries, k: 10, SearchOptions(threads: 1, nprobe: nprobe))
            #expect(try index.search(queries, k: 10, SearchOptions(threads: 3, nprobe: nprobe)) == together)
            let single = try (0..<queries.count).flatMap {
                try index.search(queries.picked($0..<($0 + 1)), k: 10, SearchOptions(threads: 1, nprobe: nprobe))
            }
            #expect(single == together)
        }
    }

    @Test("codes alone find what their bits are good for", arguments: ListSetting.metrics.flatMap(ListSetting.codesAlone))
    func recallOfCodes(setting: ListSetting) throws {
        let index = try setting.index(IVFResultTests.data.rows, nlist: 20)
        let found = try index.search(IVFResultTests.data.queries, k: 10, SearchOptions(nprobe: 20))
        #expect(Recall.ofIDs(found, IVFResultTests.truth(setting.metric)) >= setting.leastRecall)
    }

    @Test("estimates are off by no more than their margins say", arguments: ListSetting.metrics.flatMap(ListSetting.codesAlone))
    func estimates(setting: ListSetting) throws {
        let rows = IVFResultTests.data.rows, queries = IVFResultTests.data.queries
        let index = try setting.index(rows, nlist: 20)
        let found = try index.search(queries, k: 200, SearchOptions(nprobe: 20))
        var error = 0.0, spread = 0.0, count = 0.0
        for (q, hits) in found.enumerated() {
            let exact = Dictionary(
                uniqueKeysWithValues: Reference.nearest(
                    q, of: queries, rows, ids: (0..<rows.count).map { UInt64($0) }, wanted: nil, k: rows.count,
                    setting.metric, .current
                ).map { ($0.id, Double($0.distance)) })
            let distances = exact.values.sorted()
            for hit in hits {
                let wanted = try #require(exact[hit.id])
                error += (Double(hit.distance) - wanted) * (Double(hit.distance) - wanted)
                count += 1
            }
            spread += distances[distances.count / 2] - distances[0]
        }
        // Off by a small part of how far apart the nearest row and one in the middle are.
        #expect((error / count).squareRoot() <= 0.15 * spread / Double(found.count))
    }

    @Test("a filter finds k rows wherever they lie", arguments: [ListStorage.auto, .pq, .binary])
    func filters(storage: ListStorage) throws {
        let rows = IVFResultTests.data.rows, queries = IVFResultTests.data.queries
        let index = try ListSetting(metric: .l2Squared, storage: storage).index(rows, nlist: 30)
        let wanted = (0..<rows.count).map { $0 % 151 == 0 }
        let truth = Recall.truth(queries, rows, .l2Squared, k: 5, wanted: wanted)
        let ids = wanted.indices.filter { wanted[$0] }.map { UInt64($0) }
        var bitmap = [UInt8](repeating: 0, count: (rows.count + 7) / 8)
        for id in ids { bitmap[Int(id) / 8] |= 1 << UInt8(id % 8) }
        try ids.withUnsafeBufferPointer { ids in
            try bitmap.withUnsafeBufferPointer { bitmap in
                let idBase = try #require(ids.baseAddress), bits = try #require(bitmap.baseAddress)
                for filter in [
                    RowFilter(.ids(idBase, count: ids.count)), RowFilter(.bitmap(bits, count: UInt64(rows.count))),
                    RowFilter(.callback { wanted[Int($0)] }), RowFilter(.callback { !wanted[Int($0)] }, isNegated: true),
                ] {
                    let found = try index.search(queries, k: 5, SearchOptions(filter: filter, nprobe: 2))
                    for hits in found {
                        #expect(hits.count == 5)
                        #expect(hits.allSatisfy { wanted[Int($0.id)] })
                    }
                    let all = try index.search(queries, k: 5, SearchOptions(filter: filter, nprobe: 30))
                    #expect(Recall.ofIDs(all, truth) == 1)
                }
            }
        }
        let none = try index.search(queries, k: 5, SearchOptions(filter: RowFilter(.none, isNegated: true)))
        #expect(none.allSatisfy { $0.isEmpty })
    }

    @Test("a range search finds the rows within, each once", arguments: ListSetting.all.filter { $0.rescore == .asAdded })
    func range(setting: ListSetting) throws {
        let rows = IVFResultTests.data.rows, queries = IVFResultTests.data.queries
        let index = try setting.index(rows, nlist: 30)
        let truth = Recall.truth(queries, rows, setting.metric, k: 60)
        let radius = truth[0][40].distance
        let flat = try FlatIndex(rows, metric: setting.metric, table: .current)
        let wanted = try flat.searchRange(queries, radius: radius)
        let found = try index.searchRange(
            queries.bytes, type: .float32, count: queries.count, radius: radius, options: SearchOptions(nprobe: 30)
        ).hits
        #expect(found.allSatisfy { Set($0.map(\.id)).count == $0.count })
        #expect(found.allSatisfy { $0.allSatisfy { $0.distance <= radius } })
        let isNarrow = setting.storage == .float16 || setting.storage == .bfloat16
        #expect(Recall.ofIDs(found, wanted) >= (isNarrow ? 0.9 : 0.97))
    }

    @Test("k results come though the lists that are asked for hold fewer rows", arguments: ListSetting.all)
    func shortLists(setting: ListSetting) throws {
        let rows = IVFResultTests.data.rows, queries = IVFResultTests.data.queries
        let index = try setting.index(rows, nlist: 60)
        let found = try index.search(queries, k: 200, SearchOptions(nprobe: 1))
        #expect(found.allSatisfy { Set($0.map(\.id)).count == 200 })
        // As when they come alone.
        let alone = try index.search(queries.picked([3]), k: 200, SearchOptions(nprobe: 1))
        #expect(alone[0].map(\.id) == found[3].map(\.id))
    }

    @Test("rows all alike, fewer rows than k, and a single list are no trouble", arguments: ListSetting.all)
    func odd(setting: ListSetting) throws {
        let same = Vectors([Float](repeating: 1, count: 100 * 8), dimension: 8, type: .float32)
        let index = try setting.index(same, nlist: 2)
        let hits = try index.search(same.picked(0..<1), k: 150, SearchOptions(nprobe: 2))
        #expect(Set(hits[0].map(\.id)).count == 100)
        let wanted: Float = setting.metric == .innerProduct ? -8 : 0
        #expect(hits[0].allSatisfy { abs($0.distance - wanted) < 0.01 })
    }
}
