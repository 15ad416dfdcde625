// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

// Rows in other places.
extension HNSWIndex {
    /// Gives back the memory of rows that were removed. Ids do not change.
    package func compact() throws(VecStoreError) {
        try checkWritable()
        gate.lockAlone()
        defer { gate.unlockAlone() }
        try renumber(nil)
    }

    /// Chooses the links of every row once more, and lays rows that are near each other side by side. Ids do not change.
    package func optimize(threads: Int = 0, progress: Progress? = nil) throws(VecStoreError) {
        try checkWritable()
        gate.lockAlone()
        defer { gate.unlockAlone() }
        try renumber(try GraphOrder.cluster(store))
        let store = self.store
        let entry = store.entry.load(ordering: .acquiring)
        guard entry != GraphStore.noEntry else { return }
        let builders = try makeBuilders(store, threads: ThreadPool.threads(threads))
        defer { self.give(back: builders) }
        let isDone = forEachRow(store.usedSlots, builders, progress) { (slot, builder) in
            builder.relink(UInt32(slot), entry: entry)
        }
        guard isDone else {
            throw VecStoreError(.cancelled, "optimizing was cancelled: some rows have new links, the others those they had")
        }
    }

    /// Takes a copy of just its size for the store from now on. With the gate alone.
    /// - Parameter order: Slots, in the order that they are to have; nil: as they are.
    func renumber(_ order: [UInt32]?) throws(VecStoreError) {
        let (next, ids) = try compacted(order)
        replaceStore(next, ids: ids)
        unlinked = []
        scratches.empty()
    }

    /// A copy of the rows of the graph, in memory, without gaps, and where their ids are in it.
    /// - Parameter all: Whether every slot is in use: in a file.
    func compacted(
        _ order: [UInt32]?, all: Bool = false
    ) throws(VecStoreError) -> (store: GraphStore, ids: IDMap) {
        let old = store
        let slots = order ?? (0..<UInt32(old.usedSlots)).filter { all || old.isLinked($0) }
        let next = try GraphStore(
            old.shape, quantizer: old.quantizer, sketcher: old.sketcher, external: options.externalRows,
            shift: HNSWIndex.shift(old.shape, rows: slots.count))
        while next.capacity < slots.count { try next.grow() }
        let mapMemory = try allocate(UInt32.self, old.usedSlots, for: "the new places of rows")
        let places = mapMemory.pointer(UInt32.self)
        places.update(repeating: noSlot, count: old.usedSlots)
        for (new, slot) in slots.enumerated() {
            places[Int(slot)] = UInt32(new)
            let level = old.level(slot)
            next.setLevel(UInt32(new), level, place: level > 0 ? try next.takeUnits(level) : 0)
        }
        let ids = IDMap(rows: options.externalRows)
        try ids.reserve(slots.count)
        let piece = 1024
        let errors = ErrorBox()
        let threads = ThreadPool.defaultThreads
        ThreadPool.shared.run(tasks: (slots.count + piece - 1) / piece, threads: threads) { task in
            errors.run { () throws(VecStoreError) in
                let copier = try RowCopier(from: old, to: next, self.table)
                for new in (task * piece)..<min((task + 1) * piece, slots.count) {
                    let slot = slots[new], place = UInt32(new)
                    copier.copy(slot, to: place)
                    next.setParent(place, places[Int(old.parent(slot))])
                    for level in 0...old.level(slot) {
                        HNSWIndex.copyLinks(old.list(slot, level), to: next.list(place, level), places)
                    }
                }
            }
        }
        try errors.rethrow()
        next.usedSlots = slots.count
        for new in slots.indices where next.id(UInt32(new)) != noID { ids.set(next.id(UInt32(new)), UInt32(new)) }
        let entry = old.entry.load(ordering: .acquiring)
        if entry != GraphStore.noEntry {
            let place = places[Int(UInt32(truncatingIfNeeded: entry))]
            next.entry.store((entry & ~0xffff_ffff) | UInt64(place), ordering: .releasing)
            next.root.store(places[Int(old.root.load(ordering: .acquiring))], ordering: .releasing)
        }
        next.landmarks.take(old.landmarks) { places[Int($0)] }
        return (next, ids)
    }

    private static func copyLinks(_ from: LinkList, to target: LinkList, _ places: UnsafePointer<UInt32>) {
        var n = 0
        for i in 0..<from.capacity {
            let link = from[i]
            if link == noSlot { break }
            let place = places[Int(link & slotBits)]
            // Rows that were taken out have no place.
            if place == noSlot { continue }
            target[n] = place | link & treeBit
            n += 1
        }
        for i in n..<target.capacity { target[i] = noSlot }
    }
}
