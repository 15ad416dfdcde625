// A graph where memory runs out: every allocation of every call fails once.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Lack of memory in a graph")
struct GraphMemoryTests {
    private static let source = DataSet.clusters.make(rows: 2600, queries: 4, dimension: 100, type: .float32, seed: 681)

    /// An index just before it is trained.
    private static func index(_ count: Int = 2000) throws -> HNSWIndex {
        try HNSWIndex(source.rows.picked(0..<count), metric: .cosine, m: 4, efConstruction: 10)
    }

    @Test("an add that runs out of memory adds nothing, whether it trains, grows or begins", arguments: [0, 255, 2000])
    func add(before: Int) async {
        await #expect(processExitsWith: .success) { [before] in
            let index = try GraphMemoryTests.index(before)
            let batch = GraphMemoryTests.source.rows.picked(before..<(before + 60))
            var count = before
            let failed = try failEachAllocation {
                try index.add(batch, threads: 2)
                count += 60
            } check: {
                try #require(index.count == count)
                try index.verifyGraph()
                try #require(index.ids().count == count)
                if count > before {
                    try index.remove(Array(index.ids().sorted().suffix(60)))
                    count -= 60
                }
            }
            try #require(failed >= 5)
            try #require(index.count == before + 60)
        }
    }

    @Test("updates, removals, and moves that run out of memory leave the index as it was")
    func otherChanges() async {
        await #expect(processExitsWith: .success) {
            let index = try GraphMemoryTests.index(2100)
            let rows = GraphMemoryTests.source.rows
            let ids = (0..<50).map { UInt64($0 * 11) }
            let before = try index.get(index.ids().sorted())
            func check() throws {
                try #require(index.count == 2100)
                try index.verifyGraph()
            }
            func checkRows() throws {
                try check()
                try #require(try index.get(index.ids().sorted()) == before)
            }
            try #require(try failEachAllocation({ try index.compact() }, check: checkRows) > 10)
            try #require(try failEachAllocation({ try index.optimize() }, check: checkRows) > 10)
            try #require(try failEachAllocation({ try index.reserve(50_000) }, check: checkRows) > 5)
            try #require(
                try failEachAllocation({ try index.update(ids, rows.picked(ids.map { Int($0) })) }, check: checkRows) > 3)
            try #require(try failEachAllocation({ try index.remove([2050]) }, check: check) > 0)
            try #require(index.count == 2099)
        }
    }

    @Test("searches, files and calibrations that run out of memory say so, and nothing else")
    func reading() async {
        await #expect(processExitsWith: .success) {
            let index = try GraphMemoryTests.index(2100)
            let queries = GraphMemoryTests.source.queries
            let directory = try TemporaryDirectory()
            let expected = try index.search(queries, k: 10)
            func check() throws { try #require(try index.search(queries, k: 10) == expected) }
            _ = try failEachAllocation({ _ = try index.search(queries, k: 10) }, check: check)
            _ = try failEachAllocation(
                { _ = try index.search(queries, k: 10, filter: RowFilter(.callback { $0 % 2 == 0 })) }, check: check)
            _ = try failEachAllocation({ _ = try index.searchRange(queries, radius: 0.5) }, check: check)
            _ = try failEachAllocation({ _ = try index.get([3, 5]) }, check: check)
            _ = try failEachAllocation({ _ = try index.calibrate(queries, k: 3, recall: 0.5) }, check: check)
            _ = try failEachAllocation({ try index.save(to: directory.path(), sync: false) }, check: check)
            _ = try failEachAllocation({ try index.verify() }, check: check)
            for load in [false, true] {
                let options = OpenOptions(load: load, verify: true)
                let failed = try failEachAllocation({ _ = try HNSWIndex.open(directory.path(), options) }, check: check)
                try #require(failed > 5)
            }
        }
    }

    /// There is no way back but one that takes memory: a call that is cancelled must not run out of it.
    @Test("a cancelled call that runs out of memory leaves the index as it was")
    func cancelled() async {
        await #expect(processExitsWith: .success) {
            let index = try GraphMemoryTests.index(500)
            let batch = GraphMemoryTests.source.rows.picked(500..<560)
            var isCancelled = false
            for n in 0..<6 {
                var left = n
                isCancelled = false
                Buffer.isDenied = { _ in
                    guard isCancelled else { return false }
                    left -= 1
                    return left < 0
                }
                var code: VecStoreError.Code?
                do {
                    try index.add(batch, threads: 1) { _, _ in
                        isCancelled = true
                        return false
                    }
                } catch let error as VecStoreError {
                    code = error.code
                }
                Buffer.isDenied = nil
                try #require(code == .cancelled)
                try #require(index.count == 500)
                try #require(index.ids().count == 500)
                try index.verifyGraph()
            }
        }
    }
}
