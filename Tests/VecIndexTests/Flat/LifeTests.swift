// The life of an index: rows come, change and go, against a dictionary.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Life of an index")
struct LifeTests {
    @Test("random changes leave what a dictionary holds", arguments: Sanitizer.isAddress ? Setting.floatPairs : Setting.all)
    func model(setting: Setting) throws {
        var random = Random(seed: 101)
        let dimension = 10
        let source = DataSet.scattered.make(
            rows: 4000, queries: 5, dimension: dimension, type: setting.type, seed: 102)
        let index = try FlatIndex(
            IndexOptions(dimension: dimension, metric: setting.metric, type: setting.type), table: setting.table)
        var model = RowModel(idLimit: 6000)
        for step in 0..<120 {
            let vectors = source.rows.picked((0..<(1 + random.below(40))).map { _ in random.below(4000) })
            switch random.below(10) {
            case 0..<3: try model.apply(.add, to: index, vectors, &random)
            case 3..<5: try model.apply(.addWithIDs, to: index, vectors, &random)
            case 5..<7: try model.apply(.update, to: index, vectors, &random)
            case 7..<9: try model.apply(.remove, to: index, vectors, &random)
            default:
                if step % 2 == 0 { try index.compact() } else { try index.reserve(model.rows.count + random.below(200)) }
            }
            try model.requireHeld(by: index)
        }
        try index.verify()
        try expectExact(index, model, source.queries, setting)
    }

    /// Searches find what sorting all rows of the model gives.
    private func expectExact(_ index: FlatIndex, _ model: RowModel, _ queries: Vectors, _ setting: Setting) throws {
        let ids = model.rows.keys.sorted()
        let rows = Vectors(
            bytes: ids.flatMap { model.rows[$0] ?? [] }, dimension: queries.dimension, type: setting.type)
        let expected = (0..<queries.count).map {
            Reference.nearest($0, of: queries, rows, ids: ids, k: 20, setting.metric, setting.table)
        }
        #expect(Results.difference(try index.search(queries, k: 20), expected) == nil)
    }

    @Test("replacing every row twice costs no memory for long, and results stay exact", arguments: Setting.floatPairs)
    func churn(setting: Setting) throws {
        let n = 6000
        let first = DataSet.clusters.make(rows: n, queries: 5, dimension: 32, type: setting.type, seed: 103)
        let index = try FlatIndex(first.rows, metric: setting.metric, table: setting.table)
        try index.compact()
        let least = index.stats().memoryBytes
        var model = RowModel(idLimit: n)
        for seed in [104, 105] as [UInt64] {
            let next = DataSet.clusters.make(rows: n, queries: 1, dimension: 32, type: setting.type, seed: seed).rows
            for from in stride(from: 0, to: n, by: 100) {
                let ids = (from..<(from + 100)).map { UInt64($0) }
                try index.update(ids, next.picked(from..<(from + 100)))
                for id in ids { model.rows[id] = next.row(Int(id)) }
                // Removed rows are at most as many as those that are there, and growth doubles.
                let stats = index.stats()
                #expect(stats.removedCount <= n)
                #expect(stats.memoryBytes < 5 * least)
            }
        }
        try expectExact(index, model, first.queries, setting)
        try index.compact()
        #expect(index.stats().memoryBytes == least)
        #expect(index.stats().removedCount == 0)
        try expectExact(index, model, first.queries, setting)
    }

    @Test("rows are rewritten by themselves once more are gone than left")
    func automaticRewriting() throws {
        let index = try LifeTests.index(10_000)
        // Every second row of each segment: no segment empties.
        for id in stride(from: 0, to: 10_000, by: 2) { try index.remove([UInt64(id)]) }
        #expect(index.stats().removedCount == 5000)
        try index.remove([1])
        #expect(index.stats().removedCount == 0)
        #expect(index.count == 4999)
        try index.verify()
    }

    @Test("removing everything gives the memory back, all but a little, at once or row by row", arguments: [1, 7, 10_000])
    func emptied(batch: Int) throws {
        let index = try LifeTests.index(10_000)
        #expect(index.stats().memoryBytes > 10_000 * 4 * 8)
        for from in stride(from: 0, to: 10_000, by: batch) {
            try index.remove((from..<min(from + batch, 10_000)).map { UInt64($0) })
        }
        #expect(index.count == 0)
        #expect(index.stats().memoryBytes < 5000)
        #expect(index.ids() == [])
    }

    @Test("compacting an empty index leaves no segment, and it can be filled again")
    func compactEmpty() throws {
        let index = try LifeTests.index(100)
        try index.remove((0..<100).map { UInt64($0) })
        try index.compact()
        #expect(index.stats().memoryBytes < 500)
        #expect(try index.add(LifeTests.rows(3)) == [100, 101, 102])
        #expect(index.count == 3)
    }

    @Test("ids are listed in the order of storage: that of adding, until rows are updated")
    func idOrder() throws {
        let index = try LifeTests.index(0)
        try index.add(LifeTests.rows(4), ids: [9, 3, 7, 1])
        #expect(index.ids() == [9, 3, 7, 1])
        try index.update([3], LifeTests.rows(1))
        #expect(index.ids() == [9, 7, 1, 3])
        try index.remove([7])
        #expect(index.ids() == [9, 1, 3])
        try index.compact()
        #expect(index.ids() == [9, 1, 3])
    }

    @Test("ids are listed from any row on, as many as asked for")
    func idPages() throws {
        let index = try LifeTests.index(1000)
        try index.remove((100..<200).map { UInt64($0) } + [0, 500, 999])
        let all = index.ids()
        #expect(all.count == 897)
        for offset in [0, 1, 63, 64, 65, 99, 100, 800, 896, 897, 898, 5000] {
            for capacity in [0, 1, 10, 897, 2000] {
                let got = index.ids(offset: UInt64(offset), capacity: capacity)
                #expect(got == Array(all.dropFirst(offset).prefix(capacity)), "from \(offset), \(capacity)")
            }
        }
        #expect(index.ids(offset: .max, capacity: 5) == [])
    }

    @Test("an id is never given twice: not after its row is removed, nor after the largest was given by hand")
    func nextID() throws {
        let index = try LifeTests.index(3)
        try index.remove([0, 1, 2])
        #expect(try index.add(LifeTests.rows(1)) == [3])
        try index.add(LifeTests.rows(1), ids: [1000])
        try index.remove([1000])
        #expect(try index.add(LifeTests.rows(2)) == [1001, 1002])
        try index.add(LifeTests.rows(1), ids: [5])
        #expect(index.stats().nextID == 1003)
    }

    @Test("the last id can be given, but after it none is assigned any more")
    func lastID() throws {
        let index = try LifeTests.index(0)
        try index.add(LifeTests.rows(1), ids: [noID - 2])
        #expect(try index.add(LifeTests.rows(1)) == [noID - 1])
        #expect(index.stats().nextID == noID)
        expectError(.tooLarge) { try index.add(LifeTests.rows(1)) }
        #expect(try index.add(LifeTests.rows(1), ids: [4]) == [4])
        #expect(index.count == 3)
    }

    @Test("adding nothing, removing nothing and updating nothing change nothing")
    func nothing() throws {
        let index = try LifeTests.index(5)
        #expect(try index.add(LifeTests.rows(0)) == [])
        #expect(try index.remove([]) == 0)
        #expect(try index.remove([77, 78]) == 0)
        try index.update([], LifeTests.rows(0))
        #expect(index.ids() == [0, 1, 2, 3, 4])
        #expect(index.stats().nextID == 5)
    }

    @Test("segments grow by doubling: few of them, whether rows come one by one or at once", arguments: [1, 63, 64, 65, 5000])
    func growth(batch: Int) throws {
        let all = LifeTests.rows(5000)
        let index = try LifeTests.index(0)
        for from in stride(from: 0, to: 5000, by: batch) { try index.add(all.picked(from..<min(from + batch, 5000))) }
        #expect(index.current.parts.count <= 9)
        #expect(index.current.parts.allSatisfy { $0.count > 0 })
        #expect(try index.get((0..<5000).map { UInt64($0) }) == all.bytes)
    }

    /// A segment is at most 64 MiB: 204 rows of this size.
    @Test("rows fill several segments of the largest size")
    func fullSegments() throws {
        let rows = DataSet.constant.make(rows: 450, queries: 1, dimension: 65_536, type: .float32, seed: 106).rows
        let index = try FlatIndex(rows, metric: .l2Squared, table: .current)
        #expect(index.current.parts.map(\.count) == [204, 204, 42])
        for id in [0, 203, 204, 407, 408, 449] as [UInt64] {
            #expect(try index.get([id]) == rows.row(Int(id)))
            #expect(try index.search(rows.picked([Int(id)]), k: 1) == [[Hit(id: id, distance: 0)]])
        }
        try index.remove((0..<204).map { UInt64($0) })
        #expect(index.current.parts.map(\.count) == [204, 42])
        try index.compact()
        #expect(index.current.parts.map(\.count) == [204, 42])
        #expect(try index.get([449]) == rows.row(449))
    }

    private static func rows(_ count: Int) -> Vectors {
        DataSet.scattered.make(rows: count, queries: 0, dimension: 8, type: .float32, seed: 107).rows
    }

    private static func index(_ count: Int) throws -> FlatIndex {
        try FlatIndex(rows(count), metric: .l2Squared, table: .current)
    }
}
