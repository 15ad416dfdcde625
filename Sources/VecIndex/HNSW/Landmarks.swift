// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Rows from all over a graph, at the nearest of which walks begin.
///
/// Where rows lie in groups far apart, all links of a row may be of its own group, and a walk that begins in another group than
/// the query's does not leave it. Every row was within `radius` of a landmark when it came: one that was farther off became a
/// landmark itself. Where there is no room left, those that cover the others best stay, and the radius grows to what they leave
/// out: the doubling algorithm of Charikar et al., Incremental clustering and dynamic information retrieval (STOC 1997), with
/// the choice of Gonzalez, Clustering to minimize the maximum intercluster distance (1985).
///
/// Searches read the slots while a writer changes them: each is read and written atomically, and leads to a row of the graph
/// at any time.
final class Landmarks: @unchecked Sendable {
    // Safety: see above; writers take `lock`, or hold the gate of the index alone.

    /// Landmarks there may be, and those that stay when there is no room left.
    static let room = 256
    static let kept = 128

    private let memory: Buffer
    private let slots: UnsafeMutablePointer<Atomic<UInt32>>
    private let used = Atomic<Int>(0)
    private let radiusBits = Atomic<UInt32>((-Float.infinity).bitPattern)
    private let lock = Lock()

    init() throws(VecStoreError) {
        memory = try allocate(UInt32.self, Landmarks.room, for: "landmarks")
        slots = memory.base.assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    var count: Int { used.load(ordering: .acquiring) }

    subscript(_ i: Int) -> UInt32 { slots[i].load(ordering: .acquiring) }

    /// A new row that is farther than this from all of them is to become one. As the walk sees distances.
    var radius: Float { Float(bitPattern: radiusBits.load(ordering: .relaxed)) }

    // MARK: - Changing them

    /// Takes what a file or another store had.
    func set(_ others: [UInt32], radius: Float) {
        for (i, slot) in others.prefix(Landmarks.room).enumerated() { slots[i].store(slot, ordering: .releasing) }
        finish(min(others.count, Landmarks.room), radius)
    }

    private func finish(_ count: Int, _ radius: Float) {
        used.store(count, ordering: .releasing)
        // Rows that come when all are gone may be nearer to each other than those were.
        radiusBits.store((count == 0 ? -Float.infinity : radius).bitPattern, ordering: .relaxed)
    }

    /// Those of another store, at their places in this one; `noSlot` where a row has none.
    func take(_ others: Landmarks, places: (UInt32) -> UInt32) {
        set((0..<others.count).map { places(others[$0]) }.filter { $0 != noSlot }, radius: others.radius)
    }

    /// Adds a row that is farther than `radius` from all others.
    /// - Parameter walk: Not in use otherwise: neither its queries nor its marks.
    func add(_ slot: UInt32, _ walk: GraphWalk) {
        lock.lock()
        defer { lock.unlock() }
        if count == Landmarks.room { thin(walk) }
        let n = count
        slots[n].store(slot, ordering: .releasing)
        used.store(n + 1, ordering: .releasing)
    }

    /// Keeps those that are farthest from each other, farthest first.
    private func thin(_ walk: GraphWalk) {
        let n = count
        let all = (0..<n).map { self[$0] }
        var nearest = [Float](repeating: .infinity, count: n)
        var isKept = [Bool](repeating: false, count: n)
        var next = 0, farthest = -Float.infinity
        for i in 0..<Landmarks.kept {
            isKept[next] = true
            slots[i].store(all[next], ordering: .releasing)
            let row = walk.prepare(row: all[next])
            farthest = -.infinity
            for j in 0..<n where !isKept[j] {
                nearest[j] = min(nearest[j], walk.distance(row, all[j]))
                if nearest[j] > farthest { (farthest, next) = (nearest[j], j) }
            }
        }
        finish(Landmarks.kept, farthest)
    }

    /// Puts neighbours in the place of rows that are taken out, while their lists are what they were. With the gate alone.
    func replaceDead(_ store: GraphStore) {
        var n = 0
        for i in 0..<count {
            var slot = self[i]
            if store.isDead(slot) { slot = Landmarks.heir(of: slot, store) }
            if slot == noSlot { continue }
            slots[n].store(slot, ordering: .releasing)
            n += 1
        }
        finish(n, radius)
    }

    private static func heir(of slot: UInt32, _ store: GraphStore) -> UInt32 {
        let list = store.list(slot, 0)
        for i in 0..<list.capacity {
            let link = list[i]
            if link == noSlot { break }
            if store.isLinked(link & slotBits) { return link & slotBits }
        }
        return noSlot
    }
}
