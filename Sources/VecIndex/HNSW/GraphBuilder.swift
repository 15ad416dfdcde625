// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import VecKernelTypes

/// Puts rows into a graph: Malkov & Yashunin, algorithm 1. One for each thread.
///
/// Beside the paper's links there is a tree: every row but the root is marked with `treeBit` in one list of level 0, that of
/// its parent, and a marked link is never dropped. So every row can be reached from the root, whatever else is pruned.
/// Only rows that are in the tree become parents, so there are no circles, however many threads insert.
struct GraphBuilder {
    let store: GraphStore
    let walk: GraphWalk
    private let locks: GraphLocks
    private let selector: NeighborSelector
    private let efConstruction: Int
    private let memory: Buffer
    private let candidates: UnsafeMutablePointer<Candidate>
    /// What a new row's lists will be, level by level.
    private let chosen: UnsafeMutablePointer<Candidate>
    private let chosenCounts: UnsafeMutablePointer<Int>
    /// Rows of a walk with their finer distances.
    private let slots: UnsafeMutablePointer<UInt32>
    private let distances: UnsafeMutablePointer<Float>
    /// A row widened to float32.
    private let wide: UnsafeMutableRawPointer
    /// Whether a new row is linked with near rows beside those in different directions. Where rows come in the place of
    /// others, fewer come after each and link to it, and what mends lists prefers rows that many lead to already: without
    /// more links of its own a new row would be harder to find than those before it.
    private let fillsLists: Bool
    /// Most children that a row gets in the tree: its other links are free to be good ones. Under inner product nearly all
    /// rows link to the few longest, and every search comes by these: filled with children, their lists would lead it astray.
    static let mostChildren = 2

    static let mostLevels = 16

    init(
        _ store: GraphStore, _ table: KernelTable, _ locks: GraphLocks, _ scratch: WalkScratch, efConstruction: Int,
        fillsLists: Bool
    ) throws(VecStoreError) {
        self.store = store
        self.fillsLists = fillsLists
        self.locks = locks
        self.efConstruction = max(efConstruction, 1)
        walk = try GraphWalk(store, table, scratch)
        let m = store.shape.m
        // What a walk found, and what a list holds.
        let capacity = scratch.width + 2 * m + 1
        selector = try NeighborSelector(walk, capacity: capacity)
        var layout = Layout()
        let candidatesAt = layout.add(Candidate.self, capacity)
        let chosenAt = layout.add(Candidate.self, GraphBuilder.mostLevels * 2 * m)
        let countsAt = layout.add(Int.self, GraphBuilder.mostLevels)
        let slotsAt = layout.add(UInt32.self, capacity)
        let distancesAt = layout.add(Float.self, capacity)
        let wideAt = layout.add(Float.self, store.shape.dimension)
        memory = try allocate(UInt8.self, layout.size, for: "the building of a graph")
        slots = memory.pointer(UInt32.self, at: slotsAt)
        distances = memory.pointer(Float.self, at: distancesAt)
        wide = memory.base + wideAt
        candidates = memory.pointer(Candidate.self, at: candidatesAt)
        chosen = memory.pointer(Candidate.self, at: chosenAt)
        chosenCounts = memory.pointer(Int.self, at: countsAt)
    }

    /// The level of the n-th row: l with probability (1 − 1/m) / m^l.
    static func level(_ n: UInt64, seed: UInt64, m: Int) -> Int {
        let uniform = SplitMix64.uniform(SplitMix64.number(n, seed: seed))
        return min(Int(-log(uniform) / log(Double(m))), mostLevels - 1)
    }

    // MARK: - Inserting

    /// Prepares a row that was added as a query.
    func prepare(_ row: UnsafeRawPointer, type: ElementType, squaredNorm: Float) -> GraphWalk.Query {
        guard type.isFloat && type != .float32 else { return walk.prepare(row, squaredNorm: squaredNorm) }
        convertToFloat32(row, type, wide, store.shape.dimension, walk.fine.table)
        return walk.prepare(wide, squaredNorm: squaredNorm)
    }

    /// Makes a row the first of the graph.
    func insertFirst(_ slot: UInt32) {
        store.setParent(slot, slot)
        store.root.store(slot, ordering: .releasing)
        store.entry.store(UInt64(store.level(slot)) << 32 | UInt64(slot), ordering: .releasing)
    }

    /// Links a row whose columns are written to the graph, which has others.
    /// - Parameters:
    ///   - query: The row.
    ///   - entry: Where to begin.
    func insert(_ slot: UInt32, _ query: GraphWalk.Query, entry: UInt64) {
        let level = store.level(slot)
        let top = Int(entry >> 32)
        let scratch = walk.scratch
        var (at, distance) = walk.start(query, entry: entry, level: min(level, top))
        var toLandmark = Float.infinity
        var l = min(level, top)
        while l >= 0 {
            if l == 0 { (at, distance, toLandmark) = walk.nearestLandmark(query, or: (at, distance)) }
            var beam = Beam(walk, capacity: min(efConstruction, scratch.width))
            _ = scratch.visit(slot)
            walk.begin(at, distance, &beam)
            walk.run(query, level: l, &beam)
            scratch.forget()
            (at, distance) = (beam.slot(0), beam.distance(0))
            let found = collect(beam, query)
            var n = selector.select(candidates, found, wanted: store.shape.m)
            if fillsLists {
                // A third more than m: measured to be as many as it takes to keep recall while all rows are replaced.
                n = selector.fill(found, chosen: n, wanted: l == 0 ? 4 * store.shape.m / 3 : store.shape.m)
            }
            chosenCounts[l] = n
            let list = store.list(slot, l)
            for i in 0..<n {
                let candidate = candidates[Int(selector.selected[i])]
                chosen[l * store.shape.baseLinks + i] = candidate
                list[i] = candidate.slot
            }
            l -= 1
        }
        // From below: a walk that comes to the row finds all its lists.
        var isInTree = false
        for l in 0...min(level, top) {
            for i in 0..<chosenCounts[l] {
                let neighbor = chosen[l * store.shape.baseLinks + i]
                connect(slot, to: neighbor.slot, level: l, isInTree: &isInTree)
            }
            if l == 0 && !isInTree {
                force(slot, near: chosenCounts[0] > 0 ? chosen[0].slot : store.root.load(ordering: .acquiring))
            }
        }
        if toLandmark > store.landmarks.radius { store.landmarks.add(slot, walk) }
    }

    // MARK: - Linking anew

    /// Chooses the links of a row on level 0 once more, now that all rows are there: those that came before it when it was
    /// inserted were few. The links that it has are candidates too.
    func relink(_ slot: UInt32, entry: UInt64) {
        let scratch = walk.scratch
        let query = walk.prepare(row: slot)
        let (at, distance, _) = walk.nearestLandmark(query, or: walk.start(query, entry: entry, level: 0))
        var beam = Beam(walk, capacity: min(efConstruction, scratch.width))
        _ = scratch.visit(slot)
        if at != slot { walk.begin(at, distance, &beam) }
        let own = store.list(slot, 0)
        for i in 0..<own.capacity {
            let link = own[i]
            if link == noSlot { break }
            if walk.visit(link & slotBits) { beam.take(walk.distance(query, link & slotBits), link & slotBits) }
        }
        walk.run(query, level: 0, &beam)
        scratch.forget()
        let found = collect(beam, query)
        var n = 0
        locks.withLock(slot) { n = chooseAnew(own, query, found) }
        var isInTree = true
        for i in 0..<n { connect(slot, to: chosen[i].slot, level: 0, isInTree: &isInTree) }
    }

    /// Chooses a list from candidates and what it holds. Returns how many rows are new to it: the first in `chosen`.
    private func chooseAnew(_ list: LinkList, _ query: GraphWalk.Query, _ found: Int) -> Int {
        var count = found
        // Children stay, wherever they are; what else is in the list was in view too, or is far.
        for i in 0..<list.capacity {
            let link = list[i]
            if link == noSlot { break }
            let slot = link & slotBits
            var place = 0
            while place < found && candidates[place].slot != slot { place &+= 1 }
            if place == found {
                slots[0] = slot
                walk.measureFine(query, slots, 1, distances)
                place = count
                candidates[count] = Candidate(distance: distances[0], slot: slot)
                count &+= 1
            }
            candidates[place].isOld = true
            if link & treeBit != 0 {
                candidates[place].isKept = true
                candidates[place].isChild = true
            }
        }
        GraphBuilder.sort(candidates, count)
        let n = selector.select(candidates, count, wanted: list.capacity)
        var fresh = 0
        for i in 0..<n {
            let candidate = candidates[Int(selector.selected[i])]
            list[i] = candidate.isChild ? candidate.slot | treeBit : candidate.slot
            if !candidate.isOld {
                chosen[fresh] = candidate
                fresh &+= 1
            }
        }
        for i in n..<list.capacity { list[i] = noSlot }
        return fresh
    }

    /// The rows of a beam that are part of the graph as candidates, nearest first. Returns how many.
    private func collect(_ beam: Beam, _ query: GraphWalk.Query) -> Int {
        var found = 0
        for i in 0..<beam.count where !store.isDead(beam.slot(i)) {
            slots[found] = beam.slot(i)
            distances[found] = beam.distance(i)
            found &+= 1
        }
        if walk.isSketched { walk.measureFine(query, slots, found, distances) }
        for i in 0..<found { candidates[i] = Candidate(distance: distances[i], slot: slots[i]) }
        if walk.isSketched { GraphBuilder.sort(candidates, found) }
        return found
    }

    /// Adds a link to `slot` to the list of `target`; a full list is chosen anew.
    private func connect(_ slot: UInt32, to target: UInt32, level: Int, isInTree: inout Bool) {
        var joined = false
        let wantsParent = level == 0 && !isInTree && store.parent(target) != noSlot
        locks.withLock(target) {
            let list = store.list(target, level)
            var n = 0
            var children = 0
            while n < list.capacity {
                let link = list[n]
                if link == noSlot { break }
                if link & slotBits == slot { return }
                if link & treeBit != 0 { children &+= 1 }
                n &+= 1
            }
            let becomesChild = wantsParent && children < GraphBuilder.mostChildren
            if n < list.capacity {
                list[n] = becomesChild ? slot | treeBit : slot
                joined = becomesChild
            } else {
                joined = choose(target, list, adding: slot, canBeChild: becomesChild)
            }
            if joined { store.setParent(slot, target) }
        }
        if joined { isInTree = true }
    }

    /// Chooses a full list anew, with one more row. Returns whether that row is in it and became a child.
    private func choose(_ target: UInt32, _ list: LinkList, adding slot: UInt32, canBeChild: Bool) -> Bool {
        let scratch = walk.scratch
        let count = list.capacity &+ 1
        for i in 0..<list.capacity {
            let link = list[i]
            let isChild = link & treeBit != 0
            candidates[i] = Candidate(distance: 0, slot: link & slotBits, isKept: isChild, isChild: isChild)
        }
        candidates[list.capacity] = Candidate(distance: 0, slot: slot)
        for i in 0..<count {
            scratch.slots[i] = candidates[i].slot
            scratch.addresses[i] = walk.fine.address(candidates[i].slot)
        }
        let query = walk.fine.prepare(row: target, scratch.rowQuery, scratch.floats)
        walk.fine.measure(query, scratch.slots, scratch.addresses, count, scratch.distances)
        for i in 0..<count { candidates[i].distance = scratch.distances[i] }
        GraphBuilder.sort(candidates, count)
        let n = selector.select(candidates, count, wanted: list.capacity)
        var joined = false
        for i in 0..<n {
            let candidate = candidates[Int(selector.selected[i])]
            let isChild = candidate.isChild || (canBeChild && candidate.slot == slot)
            if candidate.slot == slot { joined = isChild }
            list[i] = isChild ? candidate.slot | treeBit : candidate.slot
        }
        for i in n..<list.capacity { list[i] = noSlot }
        return joined
    }

    /// Finds a parent for a row that no list has taken up.
    private func force(_ slot: UInt32, near start: UInt32) {
        // Only rows of the tree: up to the root they all are.
        var target = store.parent(start) == noSlot ? store.root.load(ordering: .acquiring) : start
        var hash = slot
        while true {
            hash = hash &* 0x9e37_79b1 &+ 1
            var next = noSlot
            locks.withLock(target) { next = adopt(slot, by: target, hash) }
            if next == noSlot { return }
            target = next
        }
    }

    /// Makes a row a child of another, in an empty place or in that of a link that nothing hangs on. Where there are children
    /// enough, returns one of them, any: a way down the tree that is not always the same keeps the tree flat.
    private func adopt(_ slot: UInt32, by target: UInt32, _ hash: UInt32) -> UInt32 {
        let list = store.list(target, 0)
        var place = -1
        var hasLink = false
        var children = 0
        // Any of the children.
        var child = noSlot
        for i in 0..<list.capacity {
            let link = list[i]
            if link & treeBit != 0 && link != noSlot {
                children &+= 1
                if Int(hash >> 8) % children == 0 { child = link & slotBits }
            } else if !hasLink {
                place = i
                hasLink = link & slotBits == slot
                if link == noSlot { break }
            }
        }
        if place < 0 || children >= GraphBuilder.mostChildren { return child }
        list[place] = slot | treeBit
        store.setParent(slot, target)
        return noSlot
    }

    /// By distance, then by slot: insertion sort, for lists of some dozens that are partly in order.
    static func sort(_ candidates: UnsafeMutablePointer<Candidate>, _ count: Int) {
        for i in 1..<max(count, 1) {
            let one = candidates[i]
            var j = i
            while j > 0
                && (candidates[j &- 1].distance > one.distance
                    || (candidates[j &- 1].distance == one.distance && candidates[j &- 1].slot > one.slot))
            {
                candidates[j] = candidates[j &- 1]
                j &-= 1
            }
            candidates[j] = one
        }
    }
}
