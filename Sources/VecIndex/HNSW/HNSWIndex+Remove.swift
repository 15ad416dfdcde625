// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension HNSWIndex {
    /// Removes rows; ids that are not there are passed over. Returns how many were removed.
    package func remove(_ ids: UnsafePointer<UInt64>, _ count: Int) throws(VecStoreError) -> Int {
        try checkWritable()
        if count == 0 { return 0 }
        gate.lockAlone()
        defer { gate.unlockAlone() }
        let store = self.store
        // All memory first: from here on nothing fails.
        let threads = ThreadPool.defaultThreads
        let repairers = try makeRepairers(store, threads: count == 1 ? 1 : threads)
        defer { self.give(back: repairers) }
        var slots: [UInt32] = []
        slots.reserveCapacity(count)
        lookupLock.lock()
        if case .table(let map) = lookup {
            for i in 0..<count {
                guard let slot = map.slot(of: ids[i]) else { continue }
                map.remove(ids[i])
                store.setID(slot, noID)
                slots.append(slot)
            }
        }
        lookupLock.unlock()
        if slots.isEmpty { return 0 }
        rowCount.subtract(slots.count, ordering: .relaxed)
        unlink(slots, store, repairers)
        tidy()
        return slots.count
    }

    /// Replaces the vectors of rows that exist: all or none.
    package func update(
        _ ids: UnsafePointer<UInt64>, _ vectors: UnsafeRawPointer, type: ElementType, count: Int
    ) throws(VecStoreError) {
        try checkWritable()
        if options.externalRows != nil {
            throw VecStoreError(
                .unsupported, "rows that lie outside of the index do not change: remove the id, and add the row under another")
        }
        let threads = ThreadPool.defaultThreads
        let batch = try RowBatch(vectors, type, count, options, table, threads: threads)
        if count == 0 { return }
        _ = try checkDifferentIDs(ids, count)
        try makeReady(for: batch, threads: threads)
        gate.lockAlone()
        defer { gate.unlockAlone() }
        let store = self.store
        try lookupLock.withLock { () throws(VecStoreError) in
            for i in 0..<count where lookup.slot(of: ids[i]) == nil {
                throw VecStoreError(.notFound, "the index has no row with the id \(ids[i])")
            }
        }
        let slots = try takeSlots(count, store)
        let slot = slots.pointer(UInt32.self)
        var builders: [GraphBuilder] = []
        var repairers: [Repairer] = []
        defer {
            self.give(back: builders)
            self.give(back: repairers)
        }
        do throws(VecStoreError) {
            hasLostRows = true
            builders = try makeBuilders(store, threads: min(threads, count))
            repairers = try makeRepairers(store, threads: min(threads, count))
            try fill(store, slots, batch, threads)
        } catch {
            giveBack(slots, store)
            throw error
        }
        // The new rows are linked without an id, so that no search shows them; then all ids move at once.
        ThreadPool.shared.run(tasks: builders.count, threads: builders.count) { task in
            var i = task
            while i < count {
                self.insert(slot[i], batch.row(i), squaredNorm: batch.squaredNorm(i), builders[task])
                i += builders.count
            }
        }
        var old: [UInt32] = []
        old.reserveCapacity(count)
        moveLock.lock()
        lookupLock.lock()
        moves.add(1, ordering: .sequentiallyConsistent)
        if case .table(let map) = lookup {
            for i in 0..<count {
                guard let before = map.slot(of: ids[i]) else { continue }
                old.append(before)
                store.setID(before, noID)
                store.setID(slot[i], ids[i])
                map.set(ids[i], slot[i])
                for filter in openFilters where filter.store === store { filter.rows.moved.append((before, slot[i])) }
            }
        }
        moves.add(1, ordering: .sequentiallyConsistent)
        lookupLock.unlock()
        moveLock.unlock()
        unlink(old, store, repairers)
        tidy()
    }

    /// Takes back those rows of a cancelled batch that were not linked. Under the shared gate. Returns how many were.
    func forgetUnlinked(_ slots: Buffer, _ count: Int, _ store: GraphStore) -> Int {
        let slot = slots.pointer(UInt32.self)
        var linked = 0
        slotLock.lock()
        defer { slotLock.unlock() }
        lookupLock.lock()
        defer { lookupLock.unlock() }
        guard case .table(let map) = lookup else { return 0 }
        for i in 0..<count {
            if store.parent(slot[i]) != noSlot {
                linked += 1
                continue
            }
            map.remove(store.id(slot[i]))
            store.setID(slot[i], noID)
            store.release(slot[i])
        }
        return linked
    }

    /// Takes back the rows of a cancelled batch that were linked.
    /// - Parameter repairers: Made for the store that the rows were added to.
    func withdraw(_ count: Int, _ repairers: inout [Repairer], id: (Int) -> UInt64) throws(VecStoreError) {
        gate.lockAlone()
        defer { gate.unlockAlone() }
        let store = self.store
        // Another writer may have taken another store meanwhile, or made it larger.
        if !repairers.allSatisfy({ $0.repairer.store === store && $0.scratch.rows >= store.capacity }) || repairers.isEmpty {
            let others = try makeRepairers(store, threads: ThreadPool.defaultThreads)
            self.give(back: repairers)
            repairers = others
        }
        var linked: [UInt32] = []
        lookupLock.lock()
        if case .table(let map) = lookup {
            for i in 0..<count {
                guard let slot = map.slot(of: id(i)) else { continue }
                map.remove(id(i))
                store.setID(slot, noID)
                linked.append(slot)
            }
        }
        lookupLock.unlock()
        if linked.isEmpty { return }
        rowCount.subtract(linked.count, ordering: .relaxed)
        unlink(linked, store, repairers)
        tidy()
    }

    // MARK: - Unlinking

    /// A repairer of each thread, with its scratch.
    typealias Repairer = (repairer: GraphRepairer, scratch: WalkScratch)

    func makeRepairers(_ store: GraphStore, threads: Int) throws(VecStoreError) -> [Repairer] {
        var made: [Repairer] = []
        let width = GraphRepairer.searchWidth(store.shape)
        for _ in 0..<threads {
            let scratch = try scratches.take(store.shape, rows: store.capacity, width: width)
            made.append((try GraphRepairer(store, table, scratch), scratch))
        }
        return made
    }

    func give(back repairers: [Repairer]) { for one in repairers { scratches.give(one.scratch) } }

    /// Takes rows out of the graph whose ids are gone. With the gate alone.
    private func unlink(_ slots: [UInt32], _ store: GraphStore, _ repairers: [Repairer]) {
        for slot in slots { store.markDead(slot) }
        unlinked += slots
        hasLostRows = rowCount.load(ordering: .relaxed) > 0
        store.landmarks.replaceDead(store)
        if rowCount.load(ordering: .relaxed) == 0 {
            // Whatever there was, nothing of it is needed: `tidy` starts anew.
            store.entry.store(GraphStore.noEntry, ordering: .releasing)
            store.root.store(noSlot, ordering: .releasing)
            return
        }
        for slot in slots { repairers[0].repairer.leaveTree(slot) }
        moveEntry(store)
        if slots.count > max(64, store.usedSlots / 16) || unlinked.count > max(1024, store.usedSlots / 16) {
            sweep(store, repairers)
            return
        }
        var lists = Set<UInt64>()
        let lock = Lock()
        HNSWIndex.share(slots.count, repairers) { (i, repairer) in
            for level in 0...store.level(slots[i]) {
                let found = repairer.referrers(of: slots[i], level: level)
                lock.withLock { for other in found { lists.insert(UInt64(level) << 32 | UInt64(other)) } }
            }
        }
        // A repair reads the lists of rows that went, and writes its own: the order does not matter.
        let broken = Array(lists)
        HNSWIndex.share(broken.count, repairers) { (i, repairer) in
            repairer.repair(UInt32(truncatingIfNeeded: broken[i]), level: Int(broken[i] >> 32))
        }
    }

    /// Calls `body` for 0 ..< count, each repairer on a thread of its own.
    private static func share(_ count: Int, _ repairers: [Repairer], _ body: (Int, GraphRepairer) -> Void) {
        let next = SharedCounter()
        ThreadPool.shared.run(tasks: repairers.count, threads: repairers.count) { worker in
            while true {
                let i = next.take()
                if i >= count { return }
                body(i, repairers[worker].repairer)
            }
        }
    }

    /// Begins elsewhere where the entry was taken out.
    private func moveEntry(_ store: GraphStore) {
        let entry = store.entry.load(ordering: .acquiring)
        guard entry != GraphStore.noEntry, store.isDead(UInt32(truncatingIfNeeded: entry)) else { return }
        var best = GraphStore.noEntry
        for slot in 0..<UInt32(store.usedSlots) where store.isLinked(slot) {
            let level = UInt64(store.level(slot))
            if best == GraphStore.noEntry || level > best >> 32 { best = level << 32 | UInt64(slot) }
        }
        store.entry.store(best, ordering: .releasing)
    }

    /// Mends every list that leads to a row that was taken out. After that their slots may be used again, once no search is
    /// left that began before.
    private func sweep(_ store: GraphStore, _ repairers: [Repairer]) {
        let piece = 1024
        HNSWIndex.share((store.usedSlots + piece - 1) / piece, repairers) { (task, repairer) in
            for slot in UInt32(task * piece)..<UInt32(min((task + 1) * piece, store.usedSlots)) where store.isLinked(slot) {
                for level in 0...store.level(slot) where repairer.isBroken(slot, level: level) {
                    repairer.repair(slot, level: level)
                }
            }
        }
        store.reclaimer.retire(unlinked)
        unlinked = []
    }

    /// Gives memory back once most of it is of no use. Lack of memory for that is no error.
    private func tidy() {
        let store = self.store
        let live = rowCount.load(ordering: .relaxed)
        if live == 0 || store.usedSlots > max(2 * live, live + 4096) { try? renumber(nil) }
    }
}
