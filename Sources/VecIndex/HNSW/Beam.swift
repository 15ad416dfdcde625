// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The best rows of a walk so far, sorted, nearest first: both its results and the rows to go on from.
///
/// An entry is one number: the distance, as bits that are ordered as integers are, above the slot, whose highest bit says
/// that the walk has been there. One array moves less memory than two heaps do.
struct Beam {
    let entries: UnsafeMutablePointer<UInt64>
    let capacity: Int
    private(set) var count = 0
    /// Entries before this one have been visited.
    private var cursor = 0

    @inline(__always)
    init(_ entries: UnsafeMutablePointer<UInt64>, capacity: Int) {
        self.entries = entries
        self.capacity = capacity
    }

    @inline(__always)
    static func key(_ distance: Float) -> UInt32 {
        // Not a number would be a defect; −0 becomes 0.
        let bits = (distance + 0).bitPattern
        return bits ^ (UInt32(bitPattern: Int32(bitPattern: bits) >> 31) | 0x8000_0000)
    }

    @inline(__always)
    static func distance(_ entry: UInt64) -> Float {
        let key = UInt32(truncatingIfNeeded: entry >> 32)
        return Float(bitPattern: key & 0x8000_0000 != 0 ? key ^ 0x8000_0000 : ~key)
    }

    @inline(__always)
    static func slot(_ entry: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: entry) & slotBits }

    func slot(_ i: Int) -> UInt32 { Beam.slot(entries[i]) }
    func distance(_ i: Int) -> Float { Beam.distance(entries[i]) }

    /// Rows must be nearer than this to come in.
    @inline(__always)
    var limit: Float { count < capacity ? .infinity : Beam.distance(entries[count &- 1]) }

    /// Takes a row if it is near enough.
    @inline(__always)
    mutating func take(_ distance: Float, _ slot: UInt32) {
        let key = UInt64(Beam.key(distance)) << 32
        if count == capacity {
            if key >= entries[count &- 1] & ~0xffff_ffff { return }
            count &-= 1
        }
        // The first entry that is farther.
        var low = 0
        var high = count
        while low < high {
            let middle = (low &+ high) &>> 1
            if entries[middle] & ~0xffff_ffff <= key { low = middle &+ 1 } else { high = middle }
        }
        memmove(entries + (low &+ 1), entries + low, (count &- low) &* 8)
        entries[low] = key | UInt64(slot)
        count &+= 1
        if low < cursor { cursor = low }
    }

    /// The nearest row that the walk has not been to; nil where it has been to all.
    @inline(__always)
    mutating func next() -> UInt32? {
        while cursor < count {
            let entry = entries[cursor]
            if entry & UInt64(treeBit) == 0 {
                entries[cursor] = entry | UInt64(treeBit)
                cursor &+= 1
                return UInt32(truncatingIfNeeded: entry)
            }
            cursor &+= 1
        }
        return nil
    }

    /// The row that `next` would give, if any.
    @inline(__always)
    var upcoming: UInt32? {
        var i = cursor
        while i < count {
            if entries[i] & UInt64(treeBit) == 0 { return UInt32(truncatingIfNeeded: entries[i]) }
            i &+= 1
        }
        return nil
    }

    /// Forgets where the walk has been, so that it can go on wider.
    mutating func restart() {
        for i in 0..<count { entries[i] &= ~UInt64(treeBit) }
        cursor = 0
    }
}
