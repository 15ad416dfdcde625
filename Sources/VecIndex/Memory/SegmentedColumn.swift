// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Items of one size in segments of 2^shift items. Segments are added and never move, so an address stays valid and a reader
/// needs no lock. The table of segments has room for all that there can be, and only the part in use takes memory.
package final class SegmentedColumn: @unchecked Sendable {
    // Safety: entries of the table are written before any slot of theirs is published.

    let stride: Int
    let shift: UInt32
    let mask: UInt32
    /// Addresses of the segments.
    let table: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private let tableMemory: Buffer
    /// Touched by whoever adds segments; others go by the count.
    private var segments: [Buffer] = []
    private let segmentCount = Atomic<Int>(0)
    private let owner: AnyObject?
    private let name: String
    private let mostSegments: Int

    /// An empty column in memory.
    /// - Parameter canGrow: Whether there will be many segments; else the column is copied into one with larger ones in time.
    package init(stride: Int, shift: UInt32, canGrow: Bool, name: String) throws(VecStoreError) {
        self.stride = stride
        self.shift = shift
        self.name = name
        mask = (1 << shift) - 1
        mostSegments = canGrow ? SegmentedColumn.mostSlots >> Int(shift) : 64
        tableMemory = try allocate(
            UnsafeMutableRawPointer.self, mostSegments, isSparse: true, for: "a table of segments")
        table = tableMemory.pointer(UnsafeMutableRawPointer.self)
        owner = nil
    }

    /// A column of somebody else's memory: one segment.
    init(stride: Int, at base: UnsafeRawPointer, owner: AnyObject) throws(VecStoreError) {
        self.stride = stride
        shift = 31
        mask = (1 << 31) - 1
        name = ""
        mostSegments = 1
        tableMemory = try allocate(UnsafeMutableRawPointer.self, 1, for: "a table of segments")
        table = tableMemory.pointer(UnsafeMutableRawPointer.self)
        table[0] = UnsafeMutableRawPointer(mutating: base)
        self.owner = owner
    }

    /// Slots of a graph have 31 bits.
    static let mostSlots = 1 << 31

    @inline(__always)
    package func address(_ i: UInt32) -> UnsafeMutableRawPointer {
        table[Int(i &>> shift)] + (Int(i & mask) &* stride)
    }

    /// What a walk needs of the column: without a reference to count.
    struct View {
        let table: UnsafeMutablePointer<UnsafeMutableRawPointer>
        let shift: UInt32
        let mask: UInt32
        let stride: Int

        @inline(__always)
        func address(_ i: UInt32) -> UnsafeMutableRawPointer {
            table[Int(i &>> shift)] + (Int(i & mask) &* stride)
        }
    }

    var view: View { View(table: table, shift: shift, mask: mask, stride: stride) }

    /// Adds a segment of memory, zeroed.
    package func grow() throws(VecStoreError) {
        let count = 1 << Int(shift)
        guard let bytes = product(count, stride), segments.count < mostSegments else {
            throw VecStoreError(.tooLarge, "\(name): there is no room for \(count) more items of \(stride) bytes")
        }
        guard let segment = Buffer(size: bytes) else { throw VecStoreError.outOfMemory(name, bytes: bytes) }
        table[segments.count] = segment.base
        segments.append(segment)
        segmentCount.store(segments.count, ordering: .releasing)
    }

    /// Takes the last segment back, which nobody uses.
    func shrink() {
        segments.removeLast()
        segmentCount.store(segments.count, ordering: .releasing)
    }

    /// Bytes of memory of the first `count` items: pages behind them have never been touched.
    package func bytes(_ count: Int) -> Int {
        let page = 4096
        return min((count * stride + page - 1) / page * page, capacity * stride)
    }

    /// Items that there is memory for. It may grow meanwhile.
    package var capacity: Int { segmentCount.load(ordering: .acquiring) << Int(shift) }
}
