// SPDX-License-Identifier: Apache-2.0

extension HNSWIndex {
    /// What is the shape of a graph.
    package struct GraphReport: Sendable {
        package var rows = 0
        package var links = 0
        package var levels = 0
    }

    /// Checks the graph: every link leads to a row of its level and none twice, every row can be reached, every id is found.
    @discardableResult
    package func verifyGraph() throws(VecStoreError) -> GraphReport {
        gate.lockAlone()
        defer { gate.unlockAlone() }
        return try checkGraph(store)
    }

    func checkGraph(_ store: GraphStore) throws(VecStoreError) -> GraphReport {
        func corrupt(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "the graph \(what)") }
        var report = GraphReport()
        let used = store.usedSlots
        let entry = store.entry.load(ordering: .acquiring)
        let root = store.root.load(ordering: .acquiring)
        let reachedMemory = try allocate(UInt8.self, used, for: "the check of a graph")
        let reached = reachedMemory.pointer(UInt8.self)
        let unitMemory = try allocate(UInt8.self, store.usedUnits, for: "the check of a graph")
        let units = unitMemory.pointer(UInt8.self)
        var top = -1
        var marked = 0
        for slot in 0..<UInt32(used) where store.isLinked(slot) {
            report.rows += 1
            let level = store.level(slot)
            guard level < GraphBuilder.mostLevels else { throw corrupt("has row \(slot) on level \(level)") }
            top = max(top, level)
            for l in 0..<level {
                let unit = Int(store.upperPlace(slot)) + l
                guard unit < store.usedUnits, units[unit] == 0 else { throw corrupt("has a list that two rows share") }
                units[unit] = 1
            }
            for l in 0...level {
                let list = store.list(slot, l)
                var links: [UInt32] = []
                var hasEnded = false
                for i in 0..<list.capacity {
                    let link = list[i]
                    if link == noSlot {
                        hasEnded = true
                        continue
                    }
                    let other = link & slotBits
                    guard !hasEnded else { throw corrupt("has a gap in a list of row \(slot)") }
                    guard Int(other) < used, other != slot else { throw corrupt("has a link from row \(slot) to \(other)") }
                    guard store.level(other) >= l else {
                        throw corrupt("has a link on level \(l) from row \(slot) to \(other), which is not there")
                    }
                    if link & treeBit != 0 {
                        guard l == 0, store.parent(other) == slot, store.isLinked(other) else {
                            throw corrupt("has a link from row \(slot) that should keep row \(other)")
                        }
                        marked += 1
                    }
                    links.append(other)
                }
                guard Set(links).count == links.count else { throw corrupt("has a link twice in a list of row \(slot)") }
                report.links += links.count
            }
        }
        report.levels = top + 1
        if report.rows == 0 {
            guard count == 0, entry == GraphStore.noEntry else { throw corrupt("has an entry and no rows") }
            return report
        }
        guard report.rows == count else { throw corrupt("has \(report.rows) rows instead of \(count)") }
        let entrySlot = UInt32(truncatingIfNeeded: entry)
        guard entry != GraphStore.noEntry, Int(entrySlot) < used, store.isLinked(entrySlot),
            store.level(entrySlot) == Int(entry >> 32), Int(entry >> 32) == top
        else { throw corrupt("has an entry that is no row of its top level") }
        guard Int(root) < used, store.isLinked(root), store.parent(root) == root, marked == report.rows - 1 else {
            throw corrupt("has \(marked) links that keep rows, for \(report.rows) rows")
        }
        for i in 0..<store.landmarks.count {
            let slot = store.landmarks[i]
            guard Int(slot) < used, store.isLinked(slot) else { throw corrupt("has landmark \(slot), which is no row") }
        }
        // From the root alone: that is what the tree promises.
        var queue: [UInt32] = [root]
        reached[Int(root)] = 1
        var head = 0
        var live = 0
        while head < queue.count {
            let slot = queue[head]
            head += 1
            if store.isLinked(slot) { live += 1 }
            let list = store.list(slot, 0)
            for i in 0..<list.capacity {
                let link = list[i]
                if link == noSlot { break }
                // By the links of the tree alone: so it reaches every row and goes in no circle.
                if link & treeBit == 0 { continue }
                let other = Int(link & slotBits)
                if reached[other] == 0 {
                    reached[other] = 1
                    queue.append(link & slotBits)
                }
            }
        }
        guard live == report.rows else { throw corrupt("has \(report.rows - live) rows that cannot be reached") }
        try checkIDs(store)
        return report
    }

    private func checkIDs(_ store: GraphStore) throws(VecStoreError) {
        lookupLock.lock()
        defer { lookupLock.unlock() }
        for slot in 0..<UInt32(store.usedSlots) where store.isLinked(slot) {
            let id = store.id(slot)
            guard id != noID, lookup.slot(of: id) == slot else {
                throw VecStoreError(.corrupt, "the graph does not find the row with the id \(id)")
            }
            if let external = options.externalRows, external.row(id) == nil {
                throw VecStoreError(
                    .corrupt, "the graph has the id \(id), of which there is no row outside: there are \(external.count)")
            }
        }
    }
}
