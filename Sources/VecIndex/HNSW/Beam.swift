// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// The best rows of a walk so far, sorted, nearest first: both its results and the rows to go on from.
///
/// An entry is one number: the distance, as bits that are ordered as integers are, above the slot, whose highest bit says
/// that the walk has been there. Rows come in batches, which are sorted and merged from the end: one pass, whatever their
/// number. All entries differ, because a walk comes to each row once.
struct Beam {
    /// Room for a batch too.
    private let entries: UnsafeMutablePointer<UInt64>
    private let batch: UnsafeMutablePointer<UInt64>
    private let positions: UnsafeMutablePointer<UInt32>
    private let room: UnsafeMutablePointer<UInt64>
    private let select: SelectKernel
    private let mergeKernel: MergeKernel
    let capacity: Int
    private(set) var count = 0
    /// Entries before this one have been visited.
    private var cursor = 0

    /// Inlined: a call would count references to all that a walk has.
    @inline(__always)
    init(_ walk: GraphWalk, capacity: Int) {
        let scratch = walk.scratch
        entries = scratch.entries
        batch = scratch.batch
        positions = scratch.positions
        room = scratch.sorted
        select = walk.coarse.table.select
        mergeKernel = walk.coarse.table.merge
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

    /// Looks at all entries.
    func contains(_ slot: UInt32) -> Bool { (0..<count).contains { self.slot($0) == slot } }

    /// Rows as near as the last that may still push one out, where there is no room left. They lead a walk across equal rows;
    /// without a bound it would go to all of them, however many there are.
    private var ties: Int

    /// Rows must be as near as this to come in.
    @inline(__always)
    var limit: Float { count < capacity ? .infinity : Beam.distance(entries[count &- 1]) }

    /// Takes a row if it is near enough.
    mutating func take(_ distance: Float, _ slot: UInt32) {
        guard distance < limit || (distance == limit && mayTie()) else { return }
        batch[0] = Beam.entry(distance, slot)
        merge(1)
    }

    /// Takes those of some rows that are near enough.
    @inline(__always)
    mutating func take(
        _ distances: UnsafePointer<Float>, _ slots: UnsafePointer<UInt32>, _ n: Int
    ) {
        let found = select(distances, n, limit, positions)
        var f = 0
        while f < found {
            // Those that came in before may have moved it.
            let limit = limit
            let end = min(f &+ KernelTable.largestMerge, found)
            var taken = 0
            while f < end {
                let j = Int(positions[f])
                f &+= 1
                if distances[j] > limit || (distances[j] == limit && !mayTie()) { continue }
                batch[taken] = Beam.entry(distances[j], slots[j])
                taken &+= 1
            }
            if taken > 0 { merge(taken) }
        }
    }

    @inline(__always)
    private mutating func mayTie() -> Bool {
        ties &-= 1
        return ties >= 0
    }

    /// Merges `n` entries of the batch.
    @inline(__always)
    private mutating func merge(_ n: Int) {
        let first = mergeKernel(entries, count, capacity, batch, n, room)
        count = min(count &+ n, capacity)
        if first < cursor { cursor = first }
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
