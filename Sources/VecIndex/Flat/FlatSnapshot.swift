// SPDX-License-Identifier: Apache-2.0

/// The rows of an index at one moment. Never changes, so a search that holds it sees one state.
final class FlatSnapshot: Sendable {
    /// A segment as far as it is published.
    struct Part: Sendable {
        let segment: RowSegment
        /// The slot of place 0.
        let firstSlot: Int
        /// Places filled.
        var count: Int
        /// Rows that are not there any more; nil where all are.
        var removed: RemovedRows?

        var liveCount: Int { count - (removed?.count ?? 0) }

        /// The rows of this part for a scan.
        func block(_ shape: RowShape) -> RowBlock {
            var block = RowBlock(rows: segment.rows, stride: shape.rowSize, count: count)
            block.ids = UnsafePointer(segment.ids)
            block.squaredNorms = segment.squaredNorms.map { UnsafePointer($0) }
            block.inverseNorms = segment.inverseNorms.map { UnsafePointer($0) }
            if let codes = segment.codes, let scale = segment.codeScale, let error = segment.codeError {
                block.codes = RowCodes(
                    codes: UnsafePointer(codes), scale: UnsafePointer(scale), error: UnsafePointer(error))
            }
            if let removed {
                block.wanted = removed.live
                block.wantedCount = liveCount
            }
            return block
        }
    }

    let parts: [Part]
    let count: Int

    init(_ parts: [Part]) {
        self.parts = parts
        count = parts.reduce(0) { $0 + $1.liveCount }
    }

    var removedCount: Int { parts.reduce(0) { $0 + ($1.removed?.count ?? 0) } }

    /// Rows that there is memory for.
    var capacity: Int { parts.reduce(0) { $0 + $1.segment.capacity } }

    /// The slot after the last place.
    var nextSlot: Int { parts.last.map { $0.firstSlot + $0.segment.capacity } ?? 0 }

    /// The part that has a slot; nil where none has.
    func part(of slot: Int) -> Int? {
        var low = 0
        var high = parts.count
        while low < high {
            let middle = (low + high) / 2
            if parts[middle].firstSlot + parts[middle].segment.capacity <= slot { low = middle + 1 } else { high = middle }
        }
        guard low < parts.count, slot >= parts[low].firstSlot, slot - parts[low].firstSlot < parts[low].count else {
            return nil
        }
        return low
    }

    func blocks(_ shape: RowShape) -> [RowBlock] { parts.map { $0.block(shape) } }

    var bytes: Int { parts.reduce(0) { $0 + $1.segment.bytes + ($1.removed?.bytes ?? 0) } }
}

/// Which places of a part hold rows that were removed. Immutable once published.
final class RemovedRows: @unchecked Sendable {
    // Safety: written only before it is published.

    private let buffer: Buffer
    private(set) var count: Int

    /// Bit j set: the row at place j is there. What a scan asks.
    var live: UnsafePointer<UInt8> { UnsafePointer(buffer.pointer(UInt8.self)) }
    var bytes: Int { buffer.size }

    /// A copy of another, or nothing removed, with room for `capacity` places.
    init(copying other: RemovedRows?, capacity: Int) throws(VecStoreError) {
        buffer = try allocate(UInt8.self, (capacity + 7) / 8, for: "the marks of removed rows")
        if let other {
            buffer.base.copyMemory(from: other.buffer.base, byteCount: buffer.size)
        } else {
            buffer.pointer(UInt8.self).update(repeating: 0xff, count: buffer.size)
        }
        count = other?.count ?? 0
    }

    func remove(_ place: Int) {
        let bit = UInt8(1) << UInt8(place & 7)
        let byte = buffer.pointer(UInt8.self) + (place >> 3)
        if byte.pointee & bit != 0 {
            byte.pointee &= ~bit
            count += 1
        }
    }

    func isLive(_ place: Int) -> Bool { live[place >> 3] & (1 << UInt8(place & 7)) != 0 }
}
