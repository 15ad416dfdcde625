// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

// Walks that only some rows may be results of.
extension GraphWalk {
    /// Fills the beam with matching rows near the query. Only these are compared; from those that do not match, the walk
    /// looks at their neighbours in turn, until it has as many rows to compare as a list has links (Patel et al., ACORN,
    /// arXiv 2403.04871).
    func run(_ query: Query, matching rows: MatchingRows, _ beam: inout Beam) {
        while let current = beam.next() { expand(current, query, rows, &beam) }
    }

    /// Looks at the neighbours of one row.
    func expand(_ current: UInt32, _ query: Query, _ rows: MatchingRows, _ beam: inout Beam) {
        let slots = scratch.slots, addresses = scratch.addresses
        let list = store.list(current, 0)
        let enough = list.capacity
        // Rows that do not match wait at the end of the list of slots.
        var bridges = scratch.listCapacity
        var n = 0
        for i in 0..<list.capacity {
            let link = list[i]
            if link == noSlot { break }
            let slot = link & slotBits
            guard slot < limit && scratch.visit(slot) else { continue }
            if rows.contains(slot) {
                slots[n] = slot
                addresses[n] = coarse.address(slot)
                prefetchRow(addresses[n])
                n &+= 1
            } else {
                bridges &-= 1
                slots[bridges] = slot
            }
        }
        for j in bridges..<min(bridges &+ 8, scratch.listCapacity) { prefetchList(slots[j]) }
        var b = bridges
        while b < scratch.listCapacity && n < enough {
            let theirs = store.list(slots[b], 0)
            b &+= 1
            if b &+ 8 < scratch.listCapacity { prefetchList(slots[b &+ 8]) }
            for i in 0..<theirs.capacity {
                let link = theirs[i]
                if link == noSlot { break }
                let slot = link & slotBits
                guard slot < limit && rows.contains(slot) && scratch.visit(slot) else { continue }
                slots[n] = slot
                addresses[n] = coarse.address(slot)
                prefetchRow(addresses[n])
                n &+= 1
            }
        }
        take(query, n, &beam)
    }

    /// Compares the rows gathered and puts the near ones into the beam.
    private func take(_ query: Query, _ n: Int, _ beam: inout Beam) {
        if n == 0 { return }
        let distances = scratch.distances
        coarse.measure(query.coarse, scratch.slots, scratch.addresses, n, distances)
        beam.take(distances, scratch.slots, n)
    }
}
