// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import VecKernelTypes

extension HNSWIndex {
    /// Rows handed to a thread at a time.
    private static let chunk = 16

    /// Adds rows: all or none. Searches may meet them one by one while the call goes on.
    /// - Parameters:
    ///   - ids: nil: assigned. Where rows lie outside, they are there under these ids.
    ///   - outIDs: The ids that the rows have; may be nil.
    package func add(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, ids: UnsafePointer<UInt64>?,
        outIDs: UnsafeMutablePointer<UInt64>?, threads: Int, progress: Progress? = nil
    ) throws(VecStoreError) {
        try checkWritable()
        let threads = ThreadPool.threads(threads)
        let batch = try RowBatch(vectors, type, count, options, table, threads: threads)
        if count == 0 { return }
        if let ids { try checkIDs(ids, count) }
        try checkExternalRows(ids, count)
        try makeReady(for: batch, threads: threads)
        // For the way back, which must not fail.
        var repairers: [Repairer] = []
        defer { self.give(back: repairers) }
        let cancelled = try shared { () throws(VecStoreError) -> UInt64? in
            let store = self.store
            let slots = try takeSlots(count, store)
            var builders: [GraphBuilder] = []
            defer { self.give(back: builders) }
            let first: UInt64
            do throws(VecStoreError) {
                builders = try makeBuilders(
                    store, threads: min(threads, (count + HNSWIndex.chunk - 1) / HNSWIndex.chunk))
                if progress != nil { repairers = try makeRepairers(store, threads: ThreadPool.defaultThreads) }
                try fill(store, slots, batch, threads)
                first = try register(slots, count, ids, store)
                if let outIDs {
                    for i in 0..<count { outIDs[i] = ids?[i] ?? first + UInt64(i) }
                }
            } catch {
                giveBack(slots, store)
                throw error
            }
            if link(slots, batch, builders, progress) {
                rowCount.add(count, ordering: .relaxed)
                return nil
            }
            // What was linked counts until it is withdrawn: another writer may come first, and remove some of it.
            rowCount.add(forgetUnlinked(slots, count, store), ordering: .relaxed)
            return first
        }
        // Cancelled: what was linked goes out again. By its ids, because another writer may have given it other slots.
        if let first = cancelled {
            try withdraw(count, &repairers) { i in ids?[i] ?? first + UInt64(i) }
            throw VecStoreError(.cancelled, "adding \(count) rows was cancelled: none of them was added")
        }
    }

    private func shared<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        gate.lockShared()
        defer { gate.unlockShared() }
        return try body()
    }

    /// Refuses ids that are there, that come twice, or that are none.
    private func checkIDs(_ ids: UnsafePointer<UInt64>, _ count: Int) throws(VecStoreError) {
        lookupLock.lock()
        defer { lookupLock.unlock() }
        try lookup.checkNew(ids, count)
        _ = try checkDifferentIDs(ids, count)
    }

    /// Refuses ids of which there are no rows outside, where the index has these alone.
    private func checkExternalRows(_ ids: UnsafePointer<UInt64>?, _ count: Int) throws(VecStoreError) {
        guard let external = options.externalRows else { return }
        guard let ids else {
            throw VecStoreError(.invalidArgument, "there are no ids: rows that lie outside of the index are found by them")
        }
        for i in 0..<count where external.row(ids[i]) == nil {
            throw VecStoreError(
                .invalidArgument, "vector \(i) has the id \(ids[i]): there are \(external.count) rows outside of the index")
        }
    }

    // MARK: - Slots

    /// Slots for new rows, with their levels and empty lists. Under the shared gate.
    func takeSlots(_ count: Int, _ store: GraphStore) throws(VecStoreError) -> Buffer {
        let memory = try allocate(UInt32.self, count, for: "\(count) slots")
        let slots = memory.pointer(UInt32.self)
        slotLock.lock()
        defer { slotLock.unlock() }
        for slot in store.reclaimer.reclaim() { store.release(slot) }
        let fromFree = min(count, store.freeSlots.count)
        guard store.usedSlots + count - fromFree < Limits.graphRows else {
            throw VecStoreError(.tooLarge, "a graph holds at most \(Limits.graphRows) rows")
        }
        while store.usedSlots + count - fromFree > store.capacity { try store.grow() }
        // All lists above level 0 first: there may be no memory for them.
        var places: [UInt32: UInt32] = [:]
        for i in 0..<count {
            let level = GraphBuilder.level(insertions &+ UInt64(i), seed: options.seed, m: options.m)
            guard level > 0 else { continue }
            do {
                places[UInt32(i)] = try store.takeUnits(level)
            } catch {
                for (j, place) in places {
                    store.giveUnits(place, GraphBuilder.level(insertions &+ UInt64(j), seed: options.seed, m: options.m))
                }
                throw error
            }
        }
        for i in 0..<count {
            let slot: UInt32
            if i < fromFree {
                slot = store.freeSlots.removeLast()
            } else {
                slot = UInt32(store.usedSlots)
                // Before it counts: who goes through all slots passes over those without an id.
                store.setID(slot, noID)
                store.usedSlots += 1
            }
            slots[i] = slot
            let level = GraphBuilder.level(insertions &+ UInt64(i), seed: options.seed, m: options.m)
            store.setLevel(slot, level, place: places[UInt32(i)] ?? 0)
            store.setParent(slot, noSlot)
            for l in 0...level { store.list(slot, l).clear() }
        }
        insertions = insertions &+ UInt64(count)
        return memory
    }

    /// Takes back slots that no search has ever seen.
    func giveBack(_ slots: Buffer, _ store: GraphStore) {
        let slot = slots.pointer(UInt32.self)
        slotLock.lock()
        defer { slotLock.unlock() }
        for i in 0..<(slots.size / 4) { store.release(slot[i]) }
    }

    // MARK: - Rows

    /// Writes the columns of new rows.
    func fill(_ store: GraphStore, _ slots: Buffer, _ batch: RowBatch, _ threads: Int) throws(VecStoreError) {
        let slot = slots.pointer(UInt32.self)
        let piece = 256
        let errors = ErrorBox()
        ThreadPool.shared.run(tasks: (batch.count + piece - 1) / piece, threads: threads) { task in
            errors.run { () throws(VecStoreError) in
                let writer = try RowWriter(store, self.table)
                for i in (task * piece)..<min((task + 1) * piece, batch.count) {
                    writer.write(batch.row(i), squaredNorm: batch.squaredNorm(i), to: slot[i])
                }
            }
        }
        try errors.rethrow()
    }

    /// Enters the ids of new rows: all or none. Returns the first id that was assigned.
    private func register(
        _ slots: Buffer, _ count: Int, _ ids: UnsafePointer<UInt64>?, _ store: GraphStore
    ) throws(VecStoreError) -> UInt64 {
        lookupLock.lock()
        defer { lookupLock.unlock() }
        guard case .table(let map) = lookup else { throw VecStoreError(.internalError, "an index in memory has no table of ids") }
        let slot = slots.pointer(UInt32.self)
        let first = nextID
        if let ids {
            // Another thread may have added them by now.
            for i in 0..<count where map.slot(of: ids[i]) != nil { throw VecStoreError.alreadyThere(ids[i]) }
        } else {
            try checkAssignable(count, from: first)
        }
        try map.reserve(map.count + count)
        for i in 0..<count {
            let id = ids?[i] ?? first + UInt64(i)
            map.set(id, slot[i])
            store.setID(slot[i], id)
            if id >= nextID { nextID = id == noID - 1 ? noID : id + 1 }
        }
        return first
    }

    // MARK: - Linking

    /// A builder of each thread that inserts.
    func makeBuilders(_ store: GraphStore, threads: Int) throws(VecStoreError) -> [GraphBuilder] {
        var builders: [GraphBuilder] = []
        for _ in 0..<max(threads, 1) {
            let scratch = try scratches.take(store.shape, rows: store.capacity, width: options.efConstruction)
            builders.append(
                try GraphBuilder(store, table, locks, scratch, efConstruction: options.efConstruction, fillsLists: hasLostRows))
        }
        return builders
    }

    func give(back builders: [GraphBuilder]) { for builder in builders { scratches.give(builder.walk.scratch) } }

    /// Links new rows to the graph. Returns whether it was not cancelled.
    private func link(_ slots: Buffer, _ batch: RowBatch, _ builders: [GraphBuilder], _ progress: Progress?) -> Bool {
        let slot = slots.pointer(UInt32.self)
        return forEachRow(batch.count, builders, progress) { (i, builder) in
            self.insert(slot[i], batch.row(i), squaredNorm: batch.squaredNorm(i), builder)
        }
    }

    /// Calls `body` for 0 ..< count, each builder on a thread of its own, and `progress` on this one. Returns whether it was
    /// not cancelled.
    func forEachRow(
        _ count: Int, _ builders: [GraphBuilder], _ progress: Progress?, _ body: (Int, GraphBuilder) -> Void
    ) -> Bool {
        let isCancelled = Atomic<Bool>(false)
        let next = Atomic<Int>(0)
        let done = Atomic<Int>(0)
        let caller = pthread_self()
        var told = monotonicSeconds()
        let chunk = HNSWIndex.chunk
        ThreadPool.shared.run(tasks: builders.count, threads: builders.count) { task in
            let builder = builders[task]
            while !isCancelled.load(ordering: .relaxed) {
                let from = next.add(chunk, ordering: .relaxed).oldValue
                if from >= count { break }
                let n = min(chunk, count - from)
                for i in from..<(from + n) { body(i, builder) }
                let total = done.add(n, ordering: .relaxed).newValue
                if let progress, pthread_equal(caller, pthread_self()) != 0 {
                    let now = monotonicSeconds()
                    if now - told > 0.05 {
                        told = now
                        if !progress(total, count) { isCancelled.store(true, ordering: .relaxed) }
                    }
                }
            }
        }
        if isCancelled.load(ordering: .relaxed) { return false }
        return progress?(count, count) ?? true
    }

    /// Links one row whose columns are written.
    func insert(_ slot: UInt32, _ row: UnsafeRawPointer, squaredNorm: Float, _ builder: GraphBuilder) {
        let store = builder.store
        let query = builder.prepare(row, type: options.type, squaredNorm: squaredNorm)
        let level = UInt64(store.level(slot))
        let entry = store.entry.load(ordering: .acquiring)
        if entry != GraphStore.noEntry && level <= entry >> 32 {
            builder.insert(slot, query, entry: entry)
            return
        }
        topLock.lock()
        defer { topLock.unlock() }
        let top = store.entry.load(ordering: .acquiring)
        if top == GraphStore.noEntry {
            builder.insertFirst(slot)
            return
        }
        builder.insert(slot, query, entry: top)
        if level > top >> 32 { store.entry.store(level << 32 | UInt64(slot), ordering: .releasing) }
    }
}

/// Seconds of a clock that only goes forward.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
