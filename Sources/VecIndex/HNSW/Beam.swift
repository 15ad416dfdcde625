// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// The best rows of a walk so far, sorted, nearest first: both its results and the rows to go on from.
///
/// An entry is one number: the distance, as bits that are ordered as integers are, above the slot, whose highest bit says
/// that the walk has been there. Rows come in batches, which are sorted and merged from the end: one pass, whatever their
/// number.
struct Beam {
    /// Room for a batch too.
    private let entries: UnsafeMutablePointer<UInt64>
    private let batch: UnsafeMutablePointer<UInt64>
    private let positions: UnsafeMutablePointer<UInt32>
    let capacity: Int
    private(set) var count = 0
    /// Entries before this one have been visited.
    private var cursor = 0

    init(_ scratch: WalkScratch, capacity: Int) {
        entries = scratch.entries
        batch = scratch.batch
        positions = scratch.positions
        self.capacity = capacity
        ties = 64 &* capacity
    }

    @inline(__always)
    private static func entry(_ distance: Float, _ slot: UInt32) -> UInt64 {
        // −0 becomes 0.
        let bits = (distance + 0).bitPattern
        let key = bits ^ (UInt32(bitPattern: Int32(bitPattern: bits) >> 31) | 0x8000_0000)
        return UInt64(key) << 32 | UInt64(slot)
    }

    @inline(__always)
    private static func distance(_ entry: UInt64) -> Float {
        let key = UInt32(truncatingIfNeeded: entry >> 32)
        return Float(bitPattern: key & 0x8000_0000 != 0 ? key ^ 0x8000_0000 : ~key)
    }

    func slot(_ i: Int) -> UInt32 { UInt32(truncatingIfNeeded: entries[i]) & slotBits }
    func distance(_ i: Int) -> Float { Beam.distance(entries[i]) }

    /// Rows as near as the last that may still push one out, where there is no room left. They lead a walk across equal rows;
    /// without a bound it would go to all of them, however many there are.
    private var ties: Int

    /// Rows must be as near as this to come in.
    @inline(__always)
    private var limit: Float { count < capacity ? .infinity : Beam.distance(entries[count &- 1]) }

    /// Takes a row if it is near enough.
    mutating func take(_ distance: Float, _ slot: UInt32) {
        guard distance < limit || (distance == limit && mayTie()) else { return }
        batch[0] = Beam.entry(distance, slot)
        merge(1)
    }

    /// Takes those of some rows that are near enough.
    @inline(__always)
    mutating func take(
        _ distances: UnsafePointer<Float>, _ slots: UnsafePointer<UInt32>, _ n: Int, _ table: KernelTable
    ) {
        let limit = limit
        let found = table.select(distances, n, limit, positions)
        var taken = 0
        for f in 0..<found {
            let j = Int(positions[f])
            if distances[j] == limit && !mayTie() { continue }
            batch[taken] = Beam.entry(distances[j], slots[j])
            taken &+= 1
        }
        if taken == 0 { return }
        Beam.sort(batch, taken)
        merge(taken)
    }

    @inline(__always)
    private mutating func mayTie() -> Bool {
        ties &-= 1
        return ties >= 0
    }

    /// Shell's sort: batches are small, but for the first of a walk.
    @inline(__always)
    private static func sort(_ items: UnsafeMutablePointer<UInt64>, _ count: Int) {
        var gap = count > 40 ? 23 : (count > 12 ? 5 : 1)
        while true {
            var i = gap
            while i < count {
                let one = items[i]
                var j = i
                while j >= gap && items[j &- gap] > one {
                    items[j] = items[j &- gap]
                    j &-= gap
                }
                items[j] = one
                i &+= 1
            }
            if gap == 1 { return }
            gap = gap == 23 ? 5 : 1
        }
    }

    /// Merges `n` entries of the batch, which are sorted.
    @inline(__always)
    private mutating func merge(_ n: Int) {
        var old = count &- 1
        var new = n &- 1
        var excess = count &+ n &- capacity
        // The farthest ones have no place.
        while excess > 0 {
            let dropsNew = old < 0 || batch[max(new, 0)] > entries[max(old, 0)]
            if dropsNew { new &-= 1 } else { old &-= 1 }
            excess &-= 1
        }
        var place = old &+ new &+ 1
        count = place &+ 1
        while new >= 0 {
            let a = batch[new]
            if old >= 0 && entries[old] > a {
                entries[place] = entries[old]
                old &-= 1
            } else {
                entries[place] = a
                new &-= 1
            }
            place &-= 1
        }
        if place &+ 1 < cursor { cursor = place &+ 1 }
        if cursor > count { cursor = count }
    }

    /// Leaves out all but some rows.
    mutating func keep(_ isKept: (UInt32) -> Bool) {
        var n = 0
        for i in 0..<count where isKept(slot(i)) {
            entries[n] = entries[i]
            n &+= 1
        }
        count = n
        cursor = min(cursor, n)
    }

    /// The nearest row that the walk has not been to; nil where it has been to all.
    @inline(__always)
    mutating func next() -> UInt32? {
        while cursor < count {
            let entry = entries[cursor]
            cursor &+= 1
            if entry & UInt64(treeBit) == 0 {
                entries[cursor &- 1] = entry | UInt64(treeBit)
                return UInt32(truncatingIfNeeded: entry)
            }
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
