// An inverted file through random changes, against a model; and its files.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Life of inverted files")
struct IVFLifeTests {
    private static let data = DataSet.clusters.make(rows: 3000, queries: 20, dimension: 40, type: .float32, seed: 91)
    private static let settings = ListSetting.all.filter { $0.metric != .innerProduct }

    @Test("an inverted file holds what it should after any changes", arguments: [ListStorage.auto, .binary, .pq], [1, 2])
    func changes(storage: ListStorage, assignments: Int) throws {
        let rows = IVFLifeTests.data.rows
        let index = try IVFIndex(
            rows.picked(0..<500), metric: .l2Squared, nlist: 16, storage: storage, assignments: assignments)
        var model = RowModel(idLimit: 4000)
        for i in 0..<500 { model.rows[UInt64(i)] = rows.row(i) }
        model.nextID = 500
        var random = Random(seed: 17)
        for step in 0..<60 {
            let change = [RowModel.Change.add, .addWithIDs, .update, .remove][random.below(4)]
            let n = random.below(60)
            let batch = rows.picked((0..<n).map { _ in random.below(3000) })
            try model.apply(change, to: index, batch, &random)
            if step % 20 == 7 { try index.compact() }
            try index.verify()
        }
        try model.requireHeld(by: index)
        let ids = model.rows.keys.sorted()
        let left = Vectors(bytes: ids.flatMap { model.rows[$0] ?? [] }, dimension: 40, type: .float32)
        let truth = Recall.truth(IVFLifeTests.data.queries, left, .l2Squared, k: 10, ids: ids)
        let found = try index.search(IVFLifeTests.data.queries, k: 10, SearchOptions(nprobe: 16, oversampling: 40))
        #expect(Recall.of(found, truth, tolerance: 1e-5) >= 0.97)
    }

    @Test("a file holds the index: mapped and in memory it gives the same results", arguments: settings)
    func files(setting: ListSetting) throws {
        let rows = IVFLifeTests.data.rows, queries = IVFLifeTests.data.queries
        let index = try setting.index(rows.picked(0..<2000), nlist: 20, ids: (0..<2000).map { UInt64(7 * (1999 - $0)) })
        try index.remove((0..<300).map { UInt64(7 * 5 * $0) })
        let wanted = try index.search(queries, k: 10, SearchOptions(nprobe: 5))
        let directory = try TemporaryDirectory()
        try index.save(to: directory.path("a"), sync: false)
        for options in [OpenOptions(), OpenOptions(verify: true), OpenOptions(load: true), OpenOptions(load: true, verify: false)] {
            let opened = try IVFIndex.open(directory.path("a"), options)
            #expect(try opened.search(queries, k: 10, SearchOptions(nprobe: 5)) == wanted)
            #expect(opened.count == index.count)
            #expect(opened.ids().sorted() == index.ids().sorted())
            let some = Array(index.ids().prefix(20))
            #expect(try opened.get(some) == index.get(some))
            #expect(opened.options.nlist == index.options.nlist && opened.options.storage == index.options.storage)
            #expect(opened.stats().nextID == index.stats().nextID)
            try opened.verify()
            try opened.save(to: directory.path("b"), sync: false)
            #expect(try directory.bytes("b") == directory.bytes("a"))
            if options.load {
                try opened.add(rows.picked(2000..<2100))
                #expect(opened.count == index.count + 100)
                try opened.verify()
            } else {
                expectError(.readOnly) { try opened.add(rows.picked(2000..<2100)) }
            }
        }
    }

    @Test("an index that was not trained can be saved, opened, and trained then")
    func untrained() throws {
        let index = try IVFIndex(IVFOptions(dimension: 40, metric: .cosine, storage: .binary))
        let directory = try TemporaryDirectory()
        try index.save(to: directory.path("a"), sync: false)
        #expect(try index.search(IVFLifeTests.data.queries, k: 3).allSatisfy { $0.isEmpty })
        let opened = try IVFIndex.open(directory.path("a"), OpenOptions(load: true))
        try opened.add(IVFLifeTests.data.rows)
        #expect(opened.count == 3000)
        #expect(opened.listStats.nlist == 64)
    }

    @Test("the same rows, options and seed on one thread give the same file", arguments: settings)
    func reproducible(setting: ListSetting) throws {
        let directory = try TemporaryDirectory()
        for name in ["a", "b"] {
            let index = try IVFIndex(
                IVFOptions(
                    dimension: 40, metric: setting.metric, nlist: 16, storage: setting.storage, rescore: setting.rescore,
                    assignments: setting.assignments, seed: 5))
            try index.add(IVFLifeTests.data.rows, threads: 1)
            try index.save(to: directory.path(name), sync: false)
        }
        #expect(try directory.bytes("a") == directory.bytes("b"))
    }
}

@Suite("Training inverted files again")
struct IVFTrainingTests {
    private static let data = DataSet.clusters.make(rows: 4000, queries: 20, dimension: 40, type: .float32, seed: 92)

    @Test("an index that began with a few rows gets more lists as it grows", arguments: [ListStorage.auto, .binary], [1, 2])
    func growth(storage: ListStorage, assignments: Int) throws {
        let rows = IVFTrainingTests.data.rows
        let index = try IVFIndex(
            IVFOptions(dimension: 40, metric: .l2Squared, storage: storage, assignments: assignments, seed: 3))
        try index.add(rows.picked(0..<100))
        #expect(index.listStats.nlist == 2)
        for from in stride(from: 100, to: 4000, by: 100) { try index.add(rows.picked(from..<(from + 100))) }
        try index.verify()
        #expect(index.listStats.nlist >= 32)
        #expect(try index.get((0..<4000).map { UInt64($0) }) == rows.bytes)
        let truth = Recall.truth(IVFTrainingTests.data.queries, rows, .l2Squared, k: 10)
        let found = try index.search(IVFTrainingTests.data.queries, k: 10, SearchOptions(nprobe: 128, oversampling: 40))
        #expect(Recall.of(found, truth, tolerance: 1e-5) >= 0.95)
    }

    @Test("an index that somebody trained, or that has a number of lists, keeps them")
    func kept() throws {
        let rows = IVFTrainingTests.data.rows
        let trained = try IVFIndex(IVFOptions(dimension: 40, metric: .l2Squared))
        try trained.train(rows.bytes, type: .float32, count: 200, threads: 1, progress: nil)
        try trained.add(rows)
        #expect(trained.listStats.trainedCount == 200)
        let asked = try IVFIndex(IVFOptions(dimension: 40, metric: .l2Squared, nlist: 4))
        try asked.add(rows.picked(0..<100))
        try asked.add(rows.picked(100..<4000))
        #expect(asked.listStats.nlist == 4 && asked.listStats.trainedCount == 100)
    }

    @Test("optimize makes lists even again that rows of another kind have filled")
    func drift() throws {
        let rows = IVFTrainingTests.data.rows
        let index = try IVFIndex(IVFOptions(dimension: 40, metric: .l2Squared, nlist: 32, storage: .binary))
        // Lists that somebody trained stay as they are until then.
        try index.train(rows.bytes, type: .float32, count: 1000, threads: 2, progress: nil)
        try index.add(rows.picked(0..<1000))
        let moved = Vectors(
            rows.picked(1000..<4000).floats.map { 0.1 * $0 + 5 }, dimension: 40, type: .float32)
        try index.add(moved)
        let before = index.listStats.imbalance
        let ids = index.ids().sorted()
        let kept = try index.get(ids)
        expectError(.cancelled) { try index.optimize(threads: 1) { done, total in done < total } }
        #expect(index.listStats.imbalance == before)
        try index.optimize(threads: 2)
        try index.verify()
        #expect(index.listStats.imbalance < 0.5 * before)
        #expect(index.ids().sorted() == ids)
        #expect(try index.get(ids) == kept)
    }
}
