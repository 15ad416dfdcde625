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

    /// Takes a row if it is near enough. Returns whether it is among the next that the walk will go to.
    @inline(__always)
    @discardableResult
    mutating func take(_ distance: Float, _ slot: UInt32) -> Bool {
        let key = UInt64(Beam.key(distance)) << 32
        if count == capacity {
            if key >= entries[count &- 1] & ~0xffff_ffff { return false }
            count &-= 1
        }
        // The first entry that is farther: halves are dropped without a branch.
        var low = 0
        var length = count
        while length > 0 {
            let half = length &>> 1
            let isNearer = entries[low &+ half] & ~0xffff_ffff <= key
            low = isNearer ? low &+ half &+ 1 : low
            length = isNearer ? length &- half &- 1 : half
        }
        memmove(entries + (low &+ 1), entries + low, (count &- low) &* 8)
        entries[low] = key | UInt64(slot)
        count &+= 1
        if low < cursor { cursor = low }
        return low < cursor &+ 2
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

    /// Calls `body` with up to `n` rows that `next` would give now.
    @inline(__always)
    func withUpcoming(_ n: Int, _ body: (UInt32) -> Void) {
        var i = cursor
        var left = n
        while i < count && left > 0 {
            if entries[i] & UInt64(treeBit) == 0 {
                body(UInt32(truncatingIfNeeded: entries[i]))
                left &-= 1
            }
            i &+= 1
        }
    }
}
