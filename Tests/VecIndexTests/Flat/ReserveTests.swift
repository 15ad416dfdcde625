// Reserving memory for rows to come.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Reserved memory")
struct ReserveTests {
    private static func rows(_ count: Int) -> Vectors {
        DataSet.scattered.make(rows: count, queries: 0, dimension: 8, type: .float32, seed: 111).rows
    }

    private static func index(capacity: Int = 0) throws -> FlatIndex {
        try FlatIndex(IndexOptions(dimension: 8, capacity: capacity))
    }

    @Test("rows up to the reserve need no more memory")
    func noGrowth() throws {
        let index = try ReserveTests.index(capacity: 3000)
        let before = index.stats().memoryBytes
        for _ in 0..<30 { try index.add(ReserveTests.rows(100)) }
        #expect(index.stats().memoryBytes == before)
        try index.add(ReserveTests.rows(1))
        #expect(index.stats().memoryBytes > before)
    }

    @Test("rows fill the room that there was before, then the reserve")
    func order() throws {
        let index = try ReserveTests.index()
        try index.add(ReserveTests.rows(70))
        try index.reserve(500)
        let before = index.stats().memoryBytes
        try index.add(ReserveTests.rows(430))
        #expect(index.stats().memoryBytes == before)
        #expect(index.ids() == (0..<500).map { UInt64($0) })
        #expect(try index.get([0, 69, 70, 499]).count == 4 * 32)
    }

    @Test("a smaller reserve takes nothing away from a larger one")
    func smaller() throws {
        let index = try ReserveTests.index(capacity: 3000)
        let before = index.stats().memoryBytes
        try index.reserve(10)
        try index.reserve(0)
        #expect(index.stats().memoryBytes == before)
    }

    @Test("reserving more and more keeps one reserve, not all of them")
    func again() throws {
        let index = try ReserveTests.index()
        try index.add(ReserveTests.rows(10))
        for rows in stride(from: 100, through: 3000, by: 100) { try index.reserve(rows) }
        #expect(index.current.parts.count == 2)
        #expect(index.current.capacity == 3000)
        let before = index.stats().memoryBytes
        try index.add(ReserveTests.rows(2990))
        #expect(index.stats().memoryBytes == before)
    }

    @Test("removing rows leaves the reserve alone")
    func afterRemoval() throws {
        let index = try ReserveTests.index(capacity: 3000)
        try index.add(ReserveTests.rows(10))
        let before = index.stats().memoryBytes
        try index.remove([3])
        // The marks of removed rows are all that comes.
        #expect(index.stats().memoryBytes - before <= 3000 / 8)
        #expect(index.stats().memoryBytes >= before)
    }

    @Test("a reserve beyond the limit of rows is refused, and beyond memory too; the index stays as it is")
    func tooMuch() throws {
        let index = try ReserveTests.index()
        try index.add(ReserveTests.rows(2))
        let before = index.stats().memoryBytes
        expectError(.tooLarge) { try index.reserve(Limits.rows + 1) }
        let wide = try FlatIndex(IndexOptions(dimension: Limits.dimension))
        expectError(.outOfMemory) { try wide.reserve(Limits.rows) }
        #expect(index.stats().memoryBytes == before)
        #expect(wide.stats().memoryBytes == 0)
        #expect(index.ids() == [0, 1])
    }
}
