// Snapshots of an index: the parts they are made of, and the rows removed from them.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Snapshots")
struct SnapshotTests {
    private static func part(
        _ firstSlot: Int, capacity: Int, count: Int, removed: RemovedRows? = nil
    ) throws -> FlatSnapshot.Part {
        let shape = RowShape(dimension: 1, metric: .l2Squared, type: .float32, keepsCodes: false)
        return FlatSnapshot.Part(
            segment: try RowSegment(shape, capacity: capacity), firstSlot: firstSlot, count: count, removed: removed)
    }

    @Test("the part of a slot is the one that has a row there, or none")
    func partOfSlot() throws {
        // Slots 0–9 of which 6 are filled; none from 10 to 19; 20–24, full; 25–29, empty.
        let snapshot = FlatSnapshot([
            try SnapshotTests.part(0, capacity: 10, count: 6), try SnapshotTests.part(20, capacity: 5, count: 5),
            try SnapshotTests.part(25, capacity: 5, count: 0),
        ])
        for slot in 0..<40 {
            let wanted: Int? = slot < 6 ? 0 : (20..<25).contains(slot) ? 1 : nil
            #expect(snapshot.part(of: slot) == wanted, "slot \(slot)")
        }
        #expect(FlatSnapshot([]).part(of: 0) == nil)
    }

    @Test("it counts rows that are there, rows removed, and the slot after the last place")
    func counts() throws {
        let removed = try RemovedRows(copying: nil, capacity: 10)
        removed.remove(2)
        removed.remove(5)
        let snapshot = FlatSnapshot([
            try SnapshotTests.part(0, capacity: 10, count: 6, removed: removed),
            try SnapshotTests.part(10, capacity: 5, count: 1),
        ])
        #expect(snapshot.count == 5)
        #expect(snapshot.removedCount == 2)
        #expect(snapshot.nextSlot == 15)
        #expect(FlatSnapshot([]).nextSlot == 0)
    }

    @Test("removing marks one row, once")
    func removedRows() throws {
        let removed = try RemovedRows(copying: nil, capacity: 20)
        #expect((0..<20).allSatisfy { removed.isLive($0) })
        removed.remove(0)
        removed.remove(19)
        removed.remove(19)
        #expect(removed.count == 2)
        #expect((0..<20).filter { !removed.isLive($0) } == [0, 19])
    }

    @Test("a copy of removed rows goes its own way")
    func copyOfRemovedRows() throws {
        let first = try RemovedRows(copying: nil, capacity: 20)
        first.remove(3)
        let second = try RemovedRows(copying: first, capacity: 20)
        second.remove(4)
        #expect(!second.isLive(3) && !second.isLive(4))
        #expect(first.isLive(4))
        #expect(first.count == 1)
        #expect(second.count == 2)
    }

    @Test("a search over an old snapshot finds the old rows, whatever a writer does meanwhile", arguments: Setting.all)
    func oldSnapshot(setting: Setting) throws {
        let (rows, queries) = DataSet.clusters.make(
            rows: 500, queries: 9, dimension: 20, type: setting.type, seed: 91)
        let other = DataSet.scattered.make(rows: 500, queries: 1, dimension: 20, type: setting.type, seed: 92).rows
        let index = try FlatIndex(rows, metric: setting.metric, table: setting.table)
        let ids = index.ids()
        let old = index.current
        let expected = try nearest(queries, in: old, of: index)
        try index.update(Array(ids.prefix(250)), other.picked(0..<250))
        #expect(Results.difference(try nearest(queries, in: old, of: index), expected) == nil)
        try index.remove(Array(ids.suffix(200)))
        #expect(Results.difference(try nearest(queries, in: old, of: index), expected) == nil)
        try index.compact()
        try index.add(other)
        try index.remove(index.ids())
        #expect(index.count == 0)
        #expect(Results.difference(try nearest(queries, in: old, of: index), expected) == nil)
    }

    private func nearest(_ queries: Vectors, in snapshot: FlatSnapshot, of index: FlatIndex) throws -> [[Hit]] {
        let context = try index.context()
        let block = try QueryBlock(
            queries.bytes, type: queries.type, count: queries.count, dimension: queries.dimension,
            metric: context.metric, rowType: context.type, table: context.table)
        return try Results.collect(queries: queries.count, k: 10) { (output) throws(VecStoreError) in
            try ExactSearch.nearest(context, block, snapshot.blocks(index.shape), k: 10, threads: 1, output)
            withExtendedLifetime((snapshot, queries.bytes)) {}
        }
    }
}
