// SPDX-License-Identifier: Apache-2.0

import CVecShims
import Synchronization
import VecKernelTypes

/// Walks over a graph: Malkov & Yashunin, Efficient and robust approximate nearest neighbor search using hierarchical
/// navigable small world graphs (arXiv 1603.09320), algorithms 2 and 5.
struct GraphWalk {
    let store: GraphStore
    /// How the walk compares rows: by sketches, where there are any.
    let coarse: WalkMetric
    /// How rows are compared that matter more.
    let fine: WalkMetric
    let scratch: WalkScratch
    /// Slots from here on are not looked at: they are newer than this walk, or a damaged file names them.
    let limit: UInt32
    private let links: SegmentedColumn.View

    var isSketched: Bool { coarse.form == .sketch }

    init(_ store: GraphStore, _ table: KernelTable, _ scratch: WalkScratch) throws(VecStoreError) {
        self.store = store
        self.scratch = scratch
        fine = try WalkMetric(store, table, .row)
        coarse = store.shape.isSketched ? try WalkMetric(store, table, .sketch) : fine
        limit = UInt32(truncatingIfNeeded: min(scratch.rows, store.capacity))
        links = store.links.view
    }

    /// Rows whose cache lines are all asked for before the first is compared; the kernels ask for the others as they go.
    @inline(__always) private var rowsAhead: Int { coarse.isPacked ? 16 : 4 }

    /// Rows whose lists are looked at in one step. More of them make longer batches, which hide the way to memory better, at
    /// the price of some rows too many.
    @inline(__always) private var stepWidth: Int { coarse.isPacked ? 6 : 3 }

    @inline(__always)
    func prefetchRow(_ address: UnsafeRawPointer) {
        var i = 0
        while i < coarse.rowSize {
            vs_prefetch(address + i)
            i &+= 64
        }
    }

    @inline(__always)
    func prefetchList(_ slot: UInt32) {
        let list = UnsafeRawPointer(links.address(slot))
        var i = 0
        while i < links.stride {
            vs_prefetch(list + i)
            i &+= 64
        }
    }

    // MARK: - Queries

    /// A query in the two forms that a walk needs.
    struct Query {
        var coarse: WalkQuery
        var fine: WalkQuery
    }

    /// Prepares a query; see `WalkMetric`.
    func prepare(_ query: UnsafeRawPointer, squaredNorm: Float) -> Query {
        let fineQuery = fine.prepare(query, squaredNorm: squaredNorm, scratch.query, scratch.floats)
        guard isSketched else { return Query(coarse: fineQuery, fine: fineQuery) }
        return Query(
            coarse: coarse.prepare(query, squaredNorm: squaredNorm, scratch.sketchQuery, scratch.floats), fine: fineQuery)
    }

    /// Prepares a row of the graph as a query.
    func prepare(row slot: UInt32) -> Query {
        let fineQuery = fine.prepare(row: slot, scratch.query, scratch.floats)
        guard isSketched else { return Query(coarse: fineQuery, fine: fineQuery) }
        return Query(coarse: coarse.prepare(row: slot, scratch.sketchQuery, scratch.floats), fine: fineQuery)
    }

    /// The distance to one row, as the walk sees it.
    func distance(_ query: Query, _ slot: UInt32) -> Float {
        var one = slot
        var address = coarse.address(slot)
        var distance: Float = 0
        coarse.measure(query.coarse, &one, &address, 1, &distance)
        return distance
    }

    /// Compares rows in the finer form.
    func measureFine(_ query: Query, _ slots: UnsafePointer<UInt32>, _ count: Int, _ out: UnsafeMutablePointer<Float>) {
        var from = 0
        while from < count {
            let n = min(scratch.listCapacity, count - from)
            for i in 0..<n { scratch.addresses[i] = fine.address(slots[from + i]) }
            fine.measure(query.fine, slots + from, scratch.addresses, n, out + from)
            from += n
        }
    }

    // MARK: - Walking

    /// Goes from a row to its nearest neighbour on a level as long as that is nearer to the query.
    func descend(_ query: Query, from start: UInt32, _ startDistance: Float, level: Int) -> (slot: UInt32, distance: Float) {
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
                scratch.addresses[n] = coarse.address(slot)
                if n < rowsAhead { prefetchRow(scratch.addresses[n]) }
                n &+= 1
            }
            if n == 0 { return (best, bestDistance) }
            coarse.measure(query.coarse, scratch.slots, scratch.addresses, n, scratch.distances)
            let before = best
            for j in 0..<n where scratch.distances[j] < bestDistance {
                bestDistance = scratch.distances[j]
                best = scratch.slots[j]
            }
            if best == before { return (best, bestDistance) }
        }
    }

    /// Where a walk on `level` begins: the end of the descent from the top.
    func start(_ query: Query, entry: UInt64, level: Int) -> (slot: UInt32, distance: Float) {
        var slot = UInt32(truncatingIfNeeded: entry) & slotBits
        var distance = distance(query, slot)
        var at = Int(entry >> 32)
        while at > level {
            (slot, distance) = descend(query, from: slot, distance, level: at)
            at -= 1
        }
        return (slot, distance)
    }

    /// The nearest to the query of a row and of the landmarks, and how far the nearest landmark is.
    /// - Parameter most: Landmarks that are looked at: a short walk need not look at all, or they would take as long as it does.
    func nearestLandmark(
        _ query: Query, or start: (slot: UInt32, distance: Float), among most: Int = Landmarks.room
    ) -> (slot: UInt32, distance: Float, toLandmark: Float) {
        let landmarks = store.landmarks
        var n = 0
        for i in 0..<min(landmarks.count, most) {
            let slot = landmarks[i]
            guard slot < limit else { continue }
            scratch.slots[n] = slot
            scratch.addresses[n] = coarse.address(slot)
            n &+= 1
        }
        coarse.measure(query.coarse, scratch.slots, scratch.addresses, n, scratch.distances)
        var nearest = (slot: noSlot, distance: Float.infinity)
        for i in 0..<n where scratch.distances[i] < nearest.distance { nearest = (scratch.slots[i], scratch.distances[i]) }
        // In a damaged file no distance may be a number.
        let best = nearest.distance < start.distance ? nearest : start
        return (best.slot, best.distance, nearest.distance)
    }

    /// Puts a row at the start of a walk: the first one even if it is too new to be marked.
    @inline(__always)
    func begin(_ slot: UInt32, _ distance: Float, _ beam: inout Beam) {
        if slot >= limit || scratch.visit(slot) { beam.take(distance, slot) }
    }

    /// Marks a row as visited. Returns whether it was not before.
    func visit(_ slot: UInt32) -> Bool { slot < limit && scratch.visit(slot) }

    /// Fills the beam with the rows nearest to the query that can be reached from those in it.
    /// - Parameter most: Stops when so many rows have been visited; called again, it goes on.
    func run(_ query: Query, level: Int, _ beam: inout Beam, visiting most: Int = .max) {
        let addresses = scratch.addresses, distances = scratch.distances
        let step = level == 0 ? stepWidth : 1
        while scratch.visitedCount < most, let first = beam.next() {
            let before = scratch.visitedCount
            gather(first, level)
            for _ in 1..<max(step, 1) {
                guard let next = beam.next() else { break }
                gather(next, level)
            }
            let n = scratch.visitedCount &- before
            if n == 0 { continue }
            let slots = UnsafePointer(scratch.visited + before)
            for i in 0..<n {
                let address = coarse.address(slots[i])
                addresses[i] = address
                if i < rowsAhead { prefetchRow(address) }
            }
            if level == 0 { beam.withUpcoming(step) { prefetchList($0) } }
            coarse.measure(query.coarse, slots, addresses, n, distances)
            beam.take(distances, slots, n)
            if level == 0 { beam.withUpcoming(step) { prefetchList($0) } }
        }
    }

    /// Adds the neighbours of a row that have not been visited to the list of those that have.
    @inline(__always)
    private func gather(_ slot: UInt32, _ level: Int) {
        let list = store.list(slot, level)
        scratch.visitedCount = GraphWalk.gather(
            list.links, list.capacity, limit, scratch.words, scratch.visited, scratch.visitedCount)
    }

    /// Apart from the rest of the step, so that all of it stays in registers. Returns how many have been visited.
    @inline(never)
    private static func gather(
        _ links: UnsafeMutablePointer<Atomic<UInt32>>, _ capacity: Int, _ limit: UInt32, _ words: UnsafeMutablePointer<UInt64>,
        _ visited: UnsafeMutablePointer<UInt32>, _ visitedCount: Int
    ) -> Int {
        var count = visitedCount
        for i in 0..<capacity {
            let link = links[i].load(ordering: .acquiring)
            if link == noSlot { break }
            let neighbor = link & slotBits
            if neighbor >= limit { continue }
            // Without a branch: whether a row is new is a toss-up.
            let w = Int(neighbor &>> 6)
            let word = words[w]
            let isOld = (word &>> UInt64(neighbor & 63)) & 1
            words[w] = word | (1 &<< UInt64(neighbor & 63))
            visited[count] = neighbor
            count = count &+ 1 &- Int(truncatingIfNeeded: isOld)
        }
        return count
    }
}
