// Memory goes back to the system, not only to a free list.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecIndexReference

@testable import VecIndex

@Suite("Memory of an index")
struct MemoryTests {
    /// Bytes of memory that this process has in use.
    private static var resident: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// A process of its own: other tests take memory too.
    @Test(
        "what an index holds is what the process uses, and it goes back when all rows are removed",
        .disabled(
            if: Sanitizer.isAddress || Sanitizer.isThread,
            "sanitizers hold memory of their own, and keep what is freed for a while"))
    func resident() async {
        await #expect(processExitsWith: .success) {
            let n = 40_000, dimension = 250
            let rows = DataSet.constant.make(rows: n, queries: 0, dimension: dimension, type: .float32, seed: 411).rows
            let index = try FlatIndex(IndexOptions(dimension: dimension))
            let empty = MemoryTests.resident
            try index.add(rows)
            let held = index.stats().memoryBytes
            try #require(held > 50_000_000)
            let full = MemoryTests.resident
            // Room to grow into is held but not used yet: at most as much again.
            try #require(full - empty > held / 2 && full - empty < held + 10_000_000)
            try #require(try index.remove(index.ids()) == n)
            try #require(index.stats().memoryBytes < 10_000)
            try #require(MemoryTests.resident - empty < held / 20 + 5_000_000)
        }
    }

    @Test("a snapshot keeps its rows, and lets them go with itself")
    func snapshot() throws {
        let rows = DataSet.scattered.make(rows: 500, queries: 0, dimension: 16, type: .float32, seed: 412).rows
        let index = try FlatIndex(rows, metric: .l2Squared, table: .current)
        let segment = Weak(index.current.parts[0].segment)
        var old: FlatSnapshot? = index.current
        try index.remove(index.ids())
        #expect(segment.object != nil)
        #expect(old?.count == 500)
        old = nil
        #expect(segment.object == nil)
    }
}

/// An object that nobody here keeps.
private struct Weak<Object: AnyObject> {
    weak var object: Object?

    init(_ object: Object) { self.object = object }
}
