// Lists of an inverted file that drift, and are split one by one.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Lists that drift")
struct IVFBalanceTests {
    private static let first = make(600, around: 0, width: 1, seed: 931)
    /// Rows of another kind, which all lie in one direction from those: what comes later.
    private static let later = make(1400, around: 2, width: 0.5, seed: 932)
    private static let rows = Vectors(first.rows.floats + later.rows.floats, dimension: 40, type: .float32)
    private static let queries = Vectors(first.queries.floats + later.queries.floats, dimension: 40, type: .float32)

    private static func make(_ count: Int, around middle: Float, width: Float, seed: UInt64) -> (rows: Vectors, queries: Vectors) {
        var random = Random(seed: seed)
        // Eight directions in which rows differ: lists have something to go by.
        let axes = (0..<8).map { _ in GraphData.normal(40, &random) }
        let all = (0..<(count + 20)).flatMap { _ in
            axes.reduce([Float](repeating: middle, count: 40)) { (row, axis) in
                let share = width * random.unit()
                return zip(row, axis).map { $0 + share * $1 }
            }
        }
        let vectors = Vectors(all, dimension: 40, type: .float32)
        return (vectors.picked(0..<count), vectors.picked(count..<(count + 20)))
    }

    /// An index that is trained on the first rows, before it gets the others a few at a time.
    /// - Parameter trainsItself: Else its lists stay as they are.
    private static func index(
        _ metric: Metric, _ storage: ListStorage = .auto, assignments: Int = 1, trainsItself: Bool
    ) throws -> IVFIndex {
        let index = try IVFIndex(
            IVFOptions(dimension: 40, metric: metric, nlist: 16, storage: storage, assignments: assignments, seed: 2))
        if !trainsItself { try index.train(first.rows.bytes, type: .float32, count: 600, threads: 1, progress: nil) }
        try index.add(first.rows)
        for from in stride(from: 0, to: 1400, by: 50) { try index.add(later.rows.picked(from..<(from + 50))) }
        return index
    }

    @Test(
        "long lists are split as rows come, and the index holds each row as before",
        arguments: [Metric.l2Squared, .innerProduct, .cosine], [ListStorage.auto, .binary, .int8])
    func drift(metric: Metric, storage: ListStorage) throws {
        for assignments in 1...2 {
            let still = try IVFBalanceTests.index(metric, storage, assignments: assignments, trainsItself: false)
            let index = try IVFBalanceTests.index(metric, storage, assignments: assignments, trainsItself: true)
            try index.verify()
            #expect(index.listStats.nlist == 16 && index.listStats.trainedCount == 600)
            // Second lists alone may keep it low.
            #expect(index.listStats.imbalance < max(0.7 * still.listStats.imbalance, 2.5))
            #expect(index.ids().sorted() == (0..<2000).map { UInt64($0) })
            #expect(try index.get((0..<2000).map { UInt64($0) }) == IVFBalanceTests.rows.bytes)
            let truth = Recall.truth(IVFBalanceTests.queries, IVFBalanceTests.rows, metric, k: 10)
            let all = try index.search(IVFBalanceTests.queries, k: 10, SearchOptions(nprobe: 16, oversampling: 40))
            #expect(Recall.of(all, truth, tolerance: 1e-5) >= 0.98)
            let some = try index.search(IVFBalanceTests.queries, k: 10, SearchOptions(nprobe: 4, oversampling: 40))
            #expect(Recall.of(some, truth, tolerance: 1e-5) >= 0.7)
        }
    }

    @Test("a row lies in the list of its nearest centroid, also after lists around it were split")
    func nearestLists() throws {
        let index = try IVFBalanceTests.index(.l2Squared, trainsItself: true)
        let own = try index.search(IVFBalanceTests.rows, k: 1, SearchOptions(nprobe: 1))
        let found = own.enumerated().count { $1.first?.id == UInt64($0) }
        // Rows farther away than the eight lists around each new centroid are not looked at.
        #expect(found >= 1960)
    }

    @Test("an index that was split is saved, opened and searched like any other, and keeps its calibration")
    func files() throws {
        let index = try IVFIndex(
            IVFOptions(dimension: 40, metric: .cosine, nlist: 16, storage: .binary, assignments: 2, seed: 2))
        try index.add(IVFBalanceTests.first.rows)
        let model = try #require(index.current.model)
        _ = try index.calibrate(IVFBalanceTests.first.queries, k: 5, recall: 0.8)
        let nprobe = try #require(model.calibration.value?.nprobe)
        try index.add(IVFBalanceTests.later.rows)
        #expect(index.current.model !== model)
        #expect(index.current.model?.calibration.value?.nprobe == nprobe)
        let directory = try TemporaryDirectory()
        try index.save(to: directory.path(), sync: false)
        let wanted = try index.search(IVFBalanceTests.queries, k: 10, SearchOptions(nprobe: 5))
        for load in [false, true] {
            let opened = try IVFIndex.open(directory.path(), OpenOptions(load: load, verify: true))
            #expect(try opened.search(IVFBalanceTests.queries, k: 10, SearchOptions(nprobe: 5)) == wanted)
            try opened.verify()
        }
    }

    @Test("lists that somebody trained stay as they are")
    func trained() throws {
        let index = try IVFIndex(IVFOptions(dimension: 40, metric: .l2Squared, nlist: 16))
        try index.train(IVFBalanceTests.first.rows.bytes, type: .float32, count: 600, threads: 1, progress: nil)
        let model = index.current.model
        try index.add(IVFBalanceTests.rows)
        #expect(index.current.model === model)
    }

    @Test("rows like those that were trained on leave lists as they are, long ones too")
    func sameKind() throws {
        // Half of the rows are of the narrow kind, in as few lists as training gives them.
        let rows = IVFBalanceTests.rows.picked((0..<1200).map { $0 % 2 == 0 ? $0 / 2 : 600 + $0 })
        let index = try IVFIndex(rows.picked(0..<600), metric: .l2Squared, nlist: 8)
        let model = index.current.model
        for from in stride(from: 600, to: 1200, by: 50) { try index.add(rows.picked(from..<(from + 50))) }
        #expect(index.current.model === model)
        try index.verify()
    }

    @Test("an update drifts as additions do")
    func updates() throws {
        let index = try IVFIndex(IVFBalanceTests.rows.picked(0..<600), metric: .l2Squared, nlist: 16)
        let model = index.current.model
        let one = IVFBalanceTests.rows.picked((600..<1200).map { 600 + $0 % 40 })
        try index.update((0..<600).map { UInt64($0) }, one)
        try index.verify()
        #expect(index.current.model !== model)
        #expect(try index.get((0..<600).map { UInt64($0) }) == one.bytes)
    }

    @Test(
        "equal rows, which no split parts, are tried again only once their share has grown by half",
        arguments: [Metric.l2Squared, .innerProduct, .cosine])
    func equal(metric: Metric) throws {
        let index = try IVFIndex(IVFBalanceTests.first.rows, metric: metric, nlist: 16)
        var models = 0
        var last = index.current.model
        let row = metric == .innerProduct ? [Float](repeating: 0, count: 40) : IVFBalanceTests.first.rows.floats(7)
        for _ in 0..<100 {
            try index.add(Vectors((0..<20).flatMap { _ in row }, dimension: 40, type: .float32))
            if index.current.model !== last { models += 1 }
            last = index.current.model
        }
        try index.verify()
        #expect(models <= 7)
        #expect(index.count == 2600)
    }

    @Test("searches beside it find the rows that stay")
    func searches() throws {
        let index = try IVFIndex(IVFBalanceTests.first.rows, metric: .l2Squared, nlist: 16, storage: .binary, assignments: 2)
        let model = index.current.model
        let kept = IVFBalanceTests.first.rows.picked(0..<40)
        let lost = Shared(0)
        let isDone = Shared(false)
        onThreads(2) { thread in
            if thread == 0 {
                for from in stride(from: 0, to: 1400, by: 50) {
                    _ = try? index.add(IVFBalanceTests.later.rows.picked(from..<(from + 50)))
                }
                isDone.change { $0 = true }
            } else {
                repeat {
                    let found = (try? index.search(kept, k: 1, SearchOptions(nprobe: 16))) ?? []
                    let missing = (0..<40).count { found.count != 40 || found[$0].first?.id != UInt64($0) }
                    lost.change { $0 += missing }
                } while !isDone.current
            }
        }
        #expect(lost.current == 0)
        #expect(index.current.model !== model)
        try index.verify()
    }

    @Test("where memory runs out, lists stay as they were")
    func memory() async {
        await #expect(processExitsWith: .success) {
            let index = try IVFBalanceTests.index(.cosine, .binary, assignments: 2, trainsItself: false)
            let state = index.current
            let shares = [Float](repeating: 0.01, count: 16)
            let plan = try #require(SplitPlan(state, assignments: 2, shares: shares))
            let model = try #require(state.model)
            let failed = try failEachAllocation {
                try index.rebalance(state, model, plan, 2)
            } check: {
                try index.verify()
                try #require(index.current === state)
            }
            try #require(failed > 20)
            try index.verify()
            try #require(index.current !== state && index.count == 2000)
        }
    }
}
