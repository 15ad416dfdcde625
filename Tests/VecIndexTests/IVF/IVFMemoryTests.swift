// An inverted file where memory runs out: every allocation of every call fails once.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Lack of memory in an inverted file")
struct IVFMemoryTests {
    private static let data = DataSet.clusters.make(rows: 1200, queries: 4, dimension: 40, type: .float32, seed: 681)

    private static func index(_ storage: ListStorage) throws -> IVFIndex {
        try IVFIndex(data.rows.picked(0..<1000), metric: .cosine, nlist: 8, storage: storage, assignments: 2)
    }

    @Test("changes that run out of memory change nothing", arguments: ListStorage.memoryTested)
    func changes(storage: UInt32) async {
        await #expect(processExitsWith: .success) { [storage] in
            let index = try IVFMemoryTests.index(try #require(ListStorage(rawValue: storage)))
            let rows = IVFMemoryTests.data.rows
            let ids = (0..<50).map { UInt64($0 * 11) }
            let before = try index.get(index.ids().sorted())
            func check() throws {
                try index.verify()
                try #require(index.count == 1000)
                try #require(try index.get(index.ids().sorted()) == before)
            }
            let batch = rows.picked(1000..<1060)
            var added: [UInt64] = []
            let failed = try failEachAllocation {
                added = try index.add(batch, threads: 2)
            } check: {
                if added.isEmpty { try check() } else { try index.remove(added) }
                added = []
            }
            try #require(failed > 10)
            try index.remove(added)
            try #require(try failEachAllocation({ try index.compact() }, check: check) > 10)
            try #require(try failEachAllocation({ try index.reserve(50_000) }, check: check) > 1)
            try #require(
                try failEachAllocation({ try index.update(ids, rows.picked(ids.map { Int($0) })) }, check: check) > 10)
            try #require(try failEachAllocation({ try index.remove([900]) }, check: { try index.verify() }) > 2)
            try #require(index.count == 999)
        }
    }

    @Test("training, searches and files that run out of memory say so, and nothing else", arguments: ListStorage.memoryTested)
    func others(storage: UInt32) async {
        await #expect(processExitsWith: .success) { [storage] in
            let kind = try #require(ListStorage(rawValue: storage))
            let index = try IVFMemoryTests.index(kind)
            let queries = IVFMemoryTests.data.queries
            let directory = try TemporaryDirectory()
            let expected = try index.search(queries, k: 10)
            func check() throws { try #require(try index.search(queries, k: 10) == expected) }
            _ = try failEachAllocation({ _ = try index.search(queries, k: 10) }, check: check)
            _ = try failEachAllocation(
                { _ = try index.search(queries, k: 10, filter: RowFilter(.callback { $0 % 2 == 0 })) }, check: check)
            _ = try failEachAllocation({ _ = try index.searchRange(queries, radius: 0.5) }, check: check)
            _ = try failEachAllocation({ _ = try index.get([3, 5]) }, check: check)
            _ = try failEachAllocation({ try index.save(to: directory.path(), sync: false) }, check: check)
            _ = try failEachAllocation({ try index.verify() }, check: check)
            for load in [false, true] {
                let options = OpenOptions(load: load, verify: true)
                let failed = try failEachAllocation({ _ = try IVFIndex.open(directory.path(), options) }, check: check)
                try #require(failed > 5)
            }
            let fresh = try IVFIndex(IVFOptions(dimension: 40, metric: .cosine, nlist: 8, storage: kind))
            let rows = IVFMemoryTests.data.rows
            let failed = try failEachAllocation {
                try fresh.train(rows.bytes, type: .float32, count: 600, threads: 1, progress: nil)
            } check: {
                try #require(fresh.count == 0)
            }
            try #require(failed > 10)
        }
    }
}

extension ListStorage {
    /// Numbers, because another process runs the tests.
    fileprivate static let memoryTested = [ListStorage.auto, .pq, .binary].map(\.rawValue)
}
