// A graph where memory runs out: every allocation of every call fails once.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Lack of memory in a graph")
struct GraphMemoryTests {
    /// Calls `body` again and again; in the n-th call the n-th allocation fails, until none does. Returns how many failed.
    /// For a process of its own: the hook is that of all threads.
    private static func failEach(_ body: () throws -> Void, check: () throws -> Void) throws -> Int {
        var n = 0
        while n < 5000 {
            // The first ones each, then one here and there: training has hundreds.
            defer { n += n < 24 ? 1 : 13 }
            let count = Shared(0)
            Buffer.isDenied = { _ in
                count.change {
                    $0 += 1
                    return $0 == n + 1
                }
            }
            defer { Buffer.isDenied = nil }
            do {
                try body()
                Buffer.isDenied = nil
                if count.current <= n { return n }
                // A call may do without some of its memory.
            } catch let error as VecStoreError {
                Buffer.isDenied = nil
                try #require(error.code == .outOfMemory, "allocation \(n): \(error)")
            }
            try check()
        }
        throw Results.UnexpectedResult(message: "there is no end of allocations")
    }

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
            let failed = try GraphMemoryTests.failEach {
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
            try #require(try GraphMemoryTests.failEach({ try index.compact() }, check: checkRows) > 10)
            try #require(try GraphMemoryTests.failEach({ try index.optimize() }, check: checkRows) > 10)
            try #require(try GraphMemoryTests.failEach({ try index.reserve(50_000) }, check: checkRows) > 5)
            try #require(
                try GraphMemoryTests.failEach({ try index.update(ids, rows.picked(ids.map { Int($0) })) }, check: checkRows) > 3)
            try #require(try GraphMemoryTests.failEach({ try index.remove([2050]) }, check: check) > 0)
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
            _ = try GraphMemoryTests.failEach({ _ = try index.search(queries, k: 10) }, check: check)
            _ = try GraphMemoryTests.failEach(
                { _ = try index.search(queries, k: 10, filter: RowFilter(.callback { $0 % 2 == 0 })) }, check: check)
            _ = try GraphMemoryTests.failEach({ _ = try index.searchRange(queries, radius: 0.5) }, check: check)
            _ = try GraphMemoryTests.failEach({ _ = try index.get([3, 5]) }, check: check)
            _ = try GraphMemoryTests.failEach({ _ = try index.calibrate(queries, k: 3, recall: 0.5) }, check: check)
            _ = try GraphMemoryTests.failEach({ try index.save(to: directory.path(), sync: false) }, check: check)
            _ = try GraphMemoryTests.failEach({ try index.verify() }, check: check)
            for load in [false, true] {
                let options = OpenOptions(load: load, verify: true)
                let failed = try GraphMemoryTests.failEach({ _ = try HNSWIndex.open(directory.path(), options) }, check: check)
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
