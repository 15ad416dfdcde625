// Memory that Swift does not manage, and the places of arrays in it.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import VecIndex

@Suite("Memory")
struct BufferTests {
    /// Sizes around 1 MiB: from there on memory is mapped.
    @Test("a buffer is aligned to 64 bytes, zero and writable", arguments: [0, 1, 63, 64, 65, 4096, 1_048_575, 1_048_576, 2_000_001])
    func content(size: Int) throws {
        let buffer = try #require(Buffer(size: size))
        #expect(Int(bitPattern: buffer.base) % 64 == 0)
        #expect(buffer.size == size)
        let bytes = buffer.pointer(UInt8.self)
        #expect((0..<size).allSatisfy { bytes[$0] == 0 })
        for i in 0..<size { bytes[i] = UInt8(truncatingIfNeeded: i) }
        #expect((0..<size).allSatisfy { bytes[$0] == UInt8(truncatingIfNeeded: $0) })
    }

    @Test("of a sparse buffer only pages that were used take memory")
    func sparse() throws {
        let size = 8 << 20, page = Int(getpagesize())
        let buffer = try #require(Buffer(size: size, isSparse: true))
        let bytes = buffer.pointer(UInt8.self)
        bytes[3 << 20] = 1
        var isThere = [UInt8](repeating: 0, count: size / page)
        #expect(mincore(buffer.base, size, &isThere) == 0)
        #expect(isThere.filter { $0 & 1 != 0 }.count == 1)
        #expect(bytes[size - 1] == 0)
    }

    @Test("a size that no memory has is nil", arguments: [-1, .min, .max, 1 << 60])
    func noMemory(size: Int) {
        #expect(Buffer(size: size) == nil)
    }

    @Test("a lack of memory is an error that says what for, and how much")
    func outOfMemory() {
        let error = #expect(throws: VecStoreError.self) { try allocate(UInt64.self, 1 << 57, for: "a whale") }
        #expect(error?.code == .outOfMemory)
        #expect(error?.message == "no memory for a whale (1152921504606846976 bytes)")
    }

    @Test("a size that overflows is an error", arguments: [Int.max, Int.max / 4, -1])
    func overflow(count: Int) {
        let error = #expect(throws: VecStoreError.self) { try allocate(UInt64.self, count, for: "a whale") }
        #expect(error?.code == .tooLarge)
    }

    @Test("arrays of a layout are aligned to 64 bytes and do not overlap")
    func layout() {
        var layout = Layout()
        let places = [
            (layout.add(UInt8.self, 1), 1), (layout.add(Float.self, 17), 68), (layout.add(Double.self, 0), 0),
            (layout.add(UInt64.self, 8), 64), (layout.add(UInt8.self, 65), 65),
        ]
        var end = 0
        for (offset, size) in places {
            #expect(offset % 64 == 0)
            #expect(offset >= end)
            end = offset + size
        }
        #expect(layout.size >= end)
        #expect(layout.size - end < 64)
    }

    @Test("a product of sizes is nil where it overflows or a factor is negative")
    func sizes() {
        #expect(product(3, 4, 5) == 60)
        #expect(product(0, Int.max) == 0)
        #expect(product(Int.max, 1) == Int.max)
        #expect(product(Int.max, 2) == nil)
        #expect(product(1 << 32, 1 << 31) == nil)
        #expect(product(-1, 5) == nil)
        #expect(product(0, -1) == nil)
    }
}
