// SPDX-License-Identifier: Apache-2.0

import CVecShims
import VecKernelTypes

/// Walks over a graph: Malkov & Yashunin, Efficient and robust approximate nearest neighbor search using hierarchical
/// navigable small world graphs (arXiv 1603.09320), algorithms 2 and 5.
struct GraphWalk {
    let store: GraphStore
    let metric: WalkMetric
    let scratch: WalkScratch
    private let rowSize: Int
    /// Slots from here on are not looked at: they are newer than this walk, or a damaged file names them.
    let limit: UInt32
    private let rows: SegmentedColumn.View
    private let links: SegmentedColumn.View

    init(_ store: GraphStore, _ table: KernelTable, _ scratch: WalkScratch) throws(VecStoreError) {
        self.store = store
        self.scratch = scratch
        metric = try WalkMetric(store, table)
        limit = UInt32(truncatingIfNeeded: min(scratch.rows, store.capacity))
        rows = store.walk.view
        links = store.links.view
        let shape = store.shape
        rowSize = shape.isCoded ? shape.dimension : shape.walkType.rowSize(shape.dimension)
    }

    /// Rows whose cache lines are all asked for before the first is compared; the kernels ask for the others as they go.
    @inline(__always) private var rowsAhead: Int { 4 }

    @inline(__always)
    func prefetchRow(_ address: UnsafeRawPointer) {
        var i = 0
        while i < rowSize {
            vs_prefetch(address + i)
            i &+= 64
        }
    }

    @inline(__always)
    private func prefetchList(_ slot: UInt32) {
        let list = UnsafeRawPointer(links.address(slot))
        var i = 0
        while i < links.stride {
            vs_prefetch(list + i)
            i &+= 64
        }
    }

    @inline(__always)
    func address(_ slot: UInt32) -> UnsafeMutableRawPointer { rows.address(slot) }

    /// The distance to one row.
    func distance(_ query: WalkQuery, _ slot: UInt32) -> Float {
        scratch.slots[0] = slot
        scratch.addresses[0] = UnsafeRawPointer(rows.address(slot))
        metric.measure(query, scratch.slots, scratch.addresses, 1, scratch.distances)
        return scratch.distances[0]
    }

    /// Goes from a row to its nearest neighbour on a level as long as that is nearer to the query.
    func descend(_ query: WalkQuery, from start: UInt32, _ startDistance: Float, level: Int) -> (slot: UInt32, distance: Float) {
        var best = start
        var bestDistance = startDistance
        while true {
            let list = store.list(best, level)
            var n = 0
            for i in 0..<list.capacity {
                let link = list[i]
                if link == noSlot { break }
                let slot = link & slotBits
                guard slot < limit else { continue }
                scratch.slots[n] = slot
                scratch.addresses[n] = UnsafeRawPointer(rows.address(slot))
                if n < rowsAhead { prefetchRow(scratch.addresses[n]) }
                n &+= 1
            }
            if n == 0 { return (best, bestDistance) }
            metric.measure(query, scratch.slots, scratch.addresses, n, scratch.distances)
            let before = best
            for j in 0..<n where scratch.distances[j] < bestDistance {
                bestDistance = scratch.distances[j]
                best = scratch.slots[j]
            }
            if best == before { return (best, bestDistance) }
        }
    }

    /// Where a walk on `level` begins: the end of the descent from the top.
    func start(_ query: WalkQuery, entry: UInt64, level: Int) -> (slot: UInt32, distance: Float) {
        var slot = UInt32(truncatingIfNeeded: entry) & slotBits
        var distance = distance(query, slot)
        var at = Int(entry >> 32)
        while at > level {
            (slot, distance) = descend(query, from: slot, distance, level: at)
            at -= 1
        }
        return (slot, distance)
    }

    /// Puts a row at the start of a walk: the first one even if it is too new to be marked.
    @inline(__always)
    func begin(_ slot: UInt32, _ distance: Float, _ beam: inout Beam) {
        if slot >= limit || scratch.visit(slot) { beam.take(distance, slot) }
    }

    /// Marks a row as visited. Returns whether it was not before.
    func visit(_ slot: UInt32) -> Bool { slot < limit && scratch.visit(slot) }

    /// Fills the beam with the rows nearest to the query that can be reached from those in it.
    func run(_ query: WalkQuery, level: Int, _ beam: inout Beam) {
        let slots = scratch.slots, addresses = scratch.addresses, distances = scratch.distances
        while let current = beam.next() {
            let list = store.list(current, level)
            var n = 0
            for i in 0..<list.capacity {
                let link = list[i]
                if link == noSlot { break }
                let slot = link & slotBits
                guard slot < limit && scratch.visit(slot) else { continue }
                let address = UnsafeRawPointer(rows.address(slot))
                slots[n] = slot
                addresses[n] = address
                if n < rowsAhead { prefetchRow(address) }
                n &+= 1
            }
            if level == 0, let upcoming = beam.upcoming { prefetchList(upcoming) }
            if n == 0 { continue }
            metric.measure(query, slots, addresses, n, distances)
            var limit = beam.limit
            for j in 0..<n where distances[j] < limit {
                beam.take(distances[j], slots[j])
                limit = beam.limit
            }
        }
    }
}
