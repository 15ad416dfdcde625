// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Takes rows out of a graph and mends the lists that led to them. The callers hold the gate alone; searches go on.
///
/// A list that loses a link is chosen anew from what is left of it and from the links of the row that went (Singh et al.,
/// FreshDiskANN, arXiv 2105.09613, algorithm 4). Lists that lead to a row are found among those of the rows around it;
/// what that misses, a sweep over all lists finds before the slot is used again.
struct GraphRepairer {
    let store: GraphStore
    private let walk: GraphWalk
    private let selector: NeighborSelector
    private let memory: Buffer
    private let candidates: UnsafeMutablePointer<Candidate>
    private let capacity: Int

    init(_ store: GraphStore, _ table: KernelTable, _ scratch: WalkScratch) throws(VecStoreError) {
        self.store = store
        walk = try GraphWalk(store, table, scratch)
        // A list whose links are all gone brings in all of theirs.
        let width = store.shape.baseLinks
        capacity = max(width * (width + 1), scratch.width) + 1
        selector = try NeighborSelector(walk, capacity: capacity)
        memory = try allocate(Candidate.self, capacity, for: "the repair of a graph")
        candidates = memory.pointer(Candidate.self)
    }

    /// Rows kept in view while the lists that lead to a row are looked for.
    static func searchWidth(_ shape: GraphShape) -> Int { 4 * shape.baseLinks }

    // MARK: - Lists

    /// Rows around `slot` whose lists on `level` lead to it.
    func referrers(of slot: UInt32, level: Int) -> [UInt32] {
        let scratch = walk.scratch
        let query = walk.prepare(row: slot)
        var beam = Beam(walk, capacity: min(GraphRepairer.searchWidth(store.shape), scratch.width))
        walk.begin(slot, walk.distance(query, slot), &beam)
        walk.run(query, level: level, &beam)
        scratch.forget()
        var found: [UInt32] = []
        for i in 0..<beam.count {
            let other = beam.slot(i)
            if other == slot || store.isDead(other) { continue }
            let list = store.list(other, level)
            for j in 0..<list.capacity {
                let link = list[j]
                if link == noSlot { break }
                if link & slotBits == slot {
                    found.append(other)
                    break
                }
            }
        }
        return found
    }

    /// Whether a list leads to rows that were taken out.
    func isBroken(_ slot: UInt32, level: Int) -> Bool {
        let list = store.list(slot, level)
        for i in 0..<list.capacity {
            let link = list[i]
            if link == noSlot { return false }
            if store.isDead(link & slotBits) { return true }
        }
        return false
    }

    /// Puts others in the place of links that lead to rows that were taken out.
    func repair(_ slot: UInt32, level: Int) {
        let scratch = walk.scratch
        let list = store.list(slot, level)
        var n = 0
        _ = scratch.visit(slot)
        for i in 0..<list.capacity {
            let link = list[i]
            if link == noSlot { break }
            let other = link & slotBits
            if !store.isDead(other) && scratch.visit(other) {
                let isChild = link & treeBit != 0
                candidates[n] = Candidate(distance: 0, slot: other, isKept: isChild, isChild: isChild)
                n += 1
            }
        }
        var gone: [UInt32] = []
        for i in 0..<list.capacity {
            let link = list[i]
            if link == noSlot { break }
            let other = link & slotBits
            if store.isDead(other) && scratch.visit(other) { gone.append(other) }
        }
        // Where a whole region went, the links of a row lead to others that went: the way goes on through those, until there
        // is something to choose from.
        let near = gone.count
        var g = 0
        while g < gone.count && (g < near || n < 2 * list.capacity) {
            let theirs = store.list(gone[g], level)
            g += 1
            for j in 0..<theirs.capacity {
                let link = theirs[j]
                if link == noSlot { break }
                let next = link & slotBits
                guard n < capacity && scratch.visit(next) else { continue }
                if store.isDead(next) {
                    gone.append(next)
                } else {
                    candidates[n] = Candidate(distance: 0, slot: next)
                    n += 1
                }
            }
        }
        scratch.forget()
        choose(slot, list, n, wanted: list.count)
    }

    private func choose(_ slot: UInt32, _ list: LinkList, _ count: Int, wanted: Int) {
        let scratch = walk.scratch
        let query = walk.fine.prepare(row: slot, scratch.rowQuery, scratch.floats)
        var from = 0
        while from < count {
            let n = min(scratch.listCapacity, count - from)
            for i in 0..<n {
                scratch.slots[i] = candidates[from + i].slot
                scratch.addresses[i] = walk.fine.address(candidates[from + i].slot)
            }
            walk.fine.measure(query, scratch.slots, scratch.addresses, n, scratch.distances)
            for i in 0..<n { candidates[from + i].distance = scratch.distances[i] }
            from += n
        }
        if count > 64 {
            var all = UnsafeMutableBufferPointer(start: candidates, count: count)
            all.sort { ($0.distance, $0.slot) < ($1.distance, $1.slot) }
        } else {
            GraphBuilder.sort(candidates, count)
        }
        // As many as before: what lies in new directions first.
        let n = selector.fill(count, chosen: selector.select(candidates, count, wanted: wanted), wanted: wanted)
        for i in 0..<n {
            let candidate = candidates[Int(selector.selected[i])]
            list[i] = candidate.isChild ? candidate.slot | treeBit : candidate.slot
        }
        for i in n..<list.capacity { list[i] = noSlot }
    }

    // MARK: - The tree

    /// Takes a row out of the tree. Its children go to rows that link to them anyway; of the others the first takes its place,
    /// and the rest go below that one.
    func leaveTree(_ slot: UInt32) {
        let list = store.list(slot, 0)
        var children: [UInt32] = []
        for i in 0..<list.capacity {
            let link = list[i]
            if link == noSlot { break }
            if link & treeBit != 0 {
                children.append(link & slotBits)
                list[i] = link & slotBits
            }
        }
        children.removeAll { findParent($0, besides: slot) }
        let parent = store.parent(slot)
        guard let heir = children.first else {
            // The parent's link stays until its list is mended, but holds nothing any more.
            if parent != slot && parent != noSlot { replace(slot, in: parent, by: slot) }
            return
        }
        if parent == slot {
            store.root.store(heir, ordering: .releasing)
            store.setParent(heir, heir)
        } else {
            replace(slot, in: parent, by: heir | treeBit)
            store.setParent(heir, parent)
        }
        var above = heir
        for child in children.dropFirst() {
            // Where the heir has no room, a child of the row does that has.
            while !adopt(child, by: above) { above = firstChild(above) ?? heir }
        }
    }

    /// Makes a row the child of a neighbour that has a link to it. Returns whether there is one that can be.
    private func findParent(_ child: UInt32, besides gone: UInt32) -> Bool {
        let list = store.list(child, 0)
        for i in 0..<list.capacity {
            let link = list[i]
            if link == noSlot { return false }
            let other = link & slotBits
            guard other != gone, store.isLinked(other), let place = freeLink(to: child, in: other), !isBelow(other, child) else {
                continue
            }
            store.list(other, 0)[place] = child | treeBit
            store.setParent(child, other)
            return true
        }
        return false
    }

    /// Where a row's list leads to another; nil where it does not, or has children enough.
    private func freeLink(to target: UInt32, in slot: UInt32) -> Int? {
        let list = store.list(slot, 0)
        var place: Int?
        var children = 0
        for i in 0..<list.capacity {
            let link = list[i]
            if link == noSlot { break }
            if link & treeBit != 0 { children += 1 }
            if link & slotBits == target { place = i }
        }
        return children < GraphBuilder.mostChildren ? place : nil
    }

    /// Whether the way up from a row leads over another, or is too long to tell.
    private func isBelow(_ slot: UInt32, _ other: UInt32) -> Bool {
        var at = slot
        for _ in 0..<GraphRepairer.longestWay {
            if at == other { return true }
            let parent = store.parent(at)
            if parent == at { return false }
            at = parent
        }
        return true
    }

    private static let longestWay = 1024

    /// Puts another link in the place of that to `slot` in the list of its parent.
    private func replace(_ slot: UInt32, in parent: UInt32, by link: UInt32) {
        let list = store.list(parent, 0)
        var place = -1
        for i in 0..<list.capacity {
            let found = list[i]
            if found == noSlot { break }
            if found & slotBits == slot { place = i }
        }
        guard place >= 0 else { return }
        list[place] = link
        // A link to the heir that was there already is one too many.
        for i in 0..<list.capacity where i != place {
            let found = list[i]
            if found == noSlot { break }
            if found & slotBits == link & slotBits {
                removeLink(list, at: i)
                break
            }
        }
    }

    private func removeLink(_ list: LinkList, at i: Int) {
        let last = list.count - 1
        list[i] = list[last]
        list[last] = noSlot
    }

    private func firstChild(_ slot: UInt32) -> UInt32? {
        let list = store.list(slot, 0)
        for i in 0..<list.capacity {
            let link = list[i]
            if link == noSlot { return nil }
            if link & treeBit != 0 { return link & slotBits }
        }
        return nil
    }

    private func adopt(_ child: UInt32, by parent: UInt32) -> Bool {
        let list = store.list(parent, 0)
        var place = -1
        var n = 0
        while n < list.capacity {
            let link = list[n]
            if link == noSlot { break }
            if link & slotBits == child {
                place = n
                break
            }
            if link & treeBit == 0 { place = n }
            n += 1
        }
        // An empty place is better than one that is taken.
        if n < list.capacity && list[n] == noSlot { place = n }
        guard place >= 0 else { return false }
        list[place] = child | treeBit
        store.setParent(child, parent)
        return true
    }
}
