// What a graph refuses, and that it is as it was after that.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Refusals of a graph")
struct GraphRefusalTests {
    private static func index(_ metric: Metric = .cosine) throws -> (HNSWIndex, Vectors) {
        let rows = DataSet.scattered.make(rows: 40, queries: 0, dimension: 8, type: .float32, seed: 671).rows
        return (try HNSWIndex(rows.picked(0..<30), metric: metric), rows.picked(30..<40))
    }

    private static func expectUnchanged(_ index: HNSWIndex, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(index.ids() == (0..<30).map { UInt64($0) }, sourceLocation: sourceLocation)
        #expect(index.stats().nextID == 30, sourceLocation: sourceLocation)
        #expect(index.stats().memoryBytes < 1_000_000, sourceLocation: sourceLocation)
        try index.verifyGraph()
    }

    @Test("ids that are there, come twice or are none")
    func ids() throws {
        let (index, more) = try GraphRefusalTests.index()
        let three = more.picked(0..<3)
        expectError(.alreadyExists) { try index.add(three, ids: [50, 7, 51]) }
        expectError(.alreadyExists) { try index.add(three, ids: [50, 51, 50]) }
        expectError(.invalidArgument) { try index.add(three, ids: [50, noID, 51]) }
        expectError(.notFound) { try index.update([3, 99], three) }
        expectError(.alreadyExists) { try index.update([3, 4, 3], three) }
        try GraphRefusalTests.expectUnchanged(index)
    }

    @Test("vectors with NaN, infinities, too large or zero under cosine", arguments: [Float.nan, .infinity, -.infinity, 1e30])
    func vectors(element: Float) throws {
        let (index, more) = try GraphRefusalTests.index()
        var floats = more.values.map { Float($0) }
        floats[5 * 8 + 2] = element
        let bad = Vectors(floats, dimension: 8, type: .float32)
        let ids = (0..<10).map { UInt64($0) }
        for body in [{ _ = try index.add(bad) }, { try index.update(ids, bad) }, { _ = try index.search(bad, k: 1) }] {
            let error = #expect(throws: VecStoreError.self, performing: body)
            #expect(error?.code == .notFinite || error?.code == .tooLarge)
        }
        for d in 0..<8 { floats[5 * 8 + d] = 0 }
        let zero = Vectors(floats, dimension: 8, type: .float32)
        expectError(.zeroVector) { try index.add(zero) }
        expectError(.zeroVector) { try index.update(ids, zero) }
        try GraphRefusalTests.expectUnchanged(index)
    }

    @Test("vectors of another type than the rows")
    func types() throws {
        let (index, _) = try GraphRefusalTests.index()
        let integers = DataSet.scattered.make(rows: 2, queries: 0, dimension: 8, type: .int8, seed: 672).rows
        expectError(.unsupported) { try index.add(integers) }
        expectError(.unsupported) { _ = try index.search(integers, k: 1) }
        try GraphRefusalTests.expectUnchanged(index)
    }

    @Test("ids are assigned up to the last, and never twice")
    func lastID() throws {
        let (index, more) = try GraphRefusalTests.index()
        try index.remove((0..<30).map { UInt64($0) })
        #expect(try index.add(more.picked([0])) == [30])
        try index.add(more.picked([1]), ids: [noID - 2])
        #expect(try index.add(more.picked([2])) == [noID - 1])
        expectError(.tooLarge) { try index.add(more.picked([3])) }
        #expect(try index.add(more.picked([3]), ids: [4]) == [4])
        #expect(index.count == 4)
        try index.verifyGraph()
    }

    @Test("more rows than a graph holds are refused when room is asked for")
    func tooMany() throws {
        let (index, _) = try GraphRefusalTests.index()
        expectError(.tooLarge) { try index.reserve(Limits.graphRows + 1) }
        expectError(.outOfMemory) { try index.reserve(Limits.graphRows) }
        try GraphRefusalTests.expectUnchanged(index)
    }

    // MARK: - Cancelling

    /// A call is told of its progress on the caller, now and then.
    @Test("progress comes on the calling thread, never goes back, and ends with all rows", arguments: [1, 3])
    func progress(threads: Int) throws {
        let rows = RealRows.make(700, .float32).rows
        let index = try HNSWIndex(HNSWOptions(dimension: RealRows.dimension, metric: .cosine, m: 8, efConstruction: 100))
        var told: [Int] = []
        try index.add(rows, threads: threads) { done, total in
            #expect(total == 700)
            told.append(done)
            return true
        }
        #expect(told.last == 700)
        #expect(told == told.sorted())
        #expect(index.count == 700)
    }

    @Test("a call that is cancelled, in the middle or at the end, leaves the index as it was", arguments: [1, 3], [0, 400])
    func cancelled(threads: Int, before: Int) throws {
        let rows = RealRows.make(2400, .float32).rows
        let index = try HNSWIndex(HNSWOptions(dimension: RealRows.dimension, metric: .cosine, m: 6, efConstruction: 30))
        try index.add(rows.picked(0..<before), ids: (0..<before).map { UInt64($0) * 3 })
        let known = index.ids()
        // At the first word, and at the last.
        for atEnd in [false, true] {
            let batch = atEnd ? rows.picked(before..<(before + 150)) : rows.picked(before..<2400)
            var calls = 0
            expectError(.cancelled) {
                try index.add(batch, threads: threads) { done, total in
                    calls += 1
                    return atEnd && done < total
                }
            }
            #expect(calls >= 1)
            #expect(index.count == before)
            #expect(index.ids() == known)
            try index.verifyGraph()
            if before > 0 {
                #expect(try index.get(known) == rows.picked(0..<before).bytes)
                let hits = try index.search(rows.picked(0..<before), k: 1)
                #expect(hits.filter { $0.first.map { $0.distance > 1e-6 } ?? true }.count <= before / 100)
            }
        }
        // What was cancelled can be added after all.
        try index.add(rows.picked(before..<(before + 100)))
        #expect(index.count == before + 100)
        try index.verifyGraph()
    }

    /// Between the end of a cancelled call and the taking back of its rows, others may move all rows.
    @Test("calls that are cancelled beside others that move rows take back their own, and no others")
    func cancelledBesideOthers() throws {
        let rows = DataSet.scattered.make(rows: 1500, queries: 0, dimension: 16, type: .float32, seed: 673).rows
        let kept = rows.picked(0..<300), others = rows.picked(300..<1500)
        let index = try HNSWIndex(kept, metric: .l2Squared, m: 6, efConstruction: 20)
        let complaints = Shared([String]())
        onThreads(4) { thread in
            do {
                for round in 0..<25 {
                    if thread == 3 {
                        try index.compact()
                        continue
                    }
                    let batch = others.picked((thread * 400 + round)..<(thread * 400 + round + 30))
                    do {
                        try index.add(batch, threads: 1) { done, total in false }
                        complaints.change { $0.append("not cancelled") }
                    } catch let error as VecStoreError where error.code == .cancelled {}
                }
            } catch {
                complaints.change { $0.append("\(error)") }
            }
        }
        #expect(complaints.current == [])
        #expect(index.ids().sorted() == (0..<300).map { UInt64($0) })
        #expect(try index.get((0..<300).map { UInt64($0) }) == kept.bytes)
        try index.verifyGraph()
    }
}
