// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension IVFIndex {
    private static let pieceRows = 256

    // MARK: - Adding

    /// Adds rows: all or none. An index that was not trained is trained on them first, and again as it grows.
    package func add(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, ids: UnsafePointer<UInt64>?,
        outIDs: UnsafeMutablePointer<UInt64>?, threads: Int, progress: Progress? = nil
    ) throws(VecStoreError) {
        try checkWritable()
        try checkType(type, for: options.type)
        if count == 0 { return }
        let threads = ThreadPool.threads(threads)
        writerLock.lock()
        defer { writerLock.unlock() }
        let first = ids == nil ? try published.upcomingID(count) : 0
        if let ids { try published.with { (lookup, _, _) throws(VecStoreError) in try lookup.checkNew(ids, count) } }
        let largest = try ids.map { (ids) throws(VecStoreError) in try checkDifferentIDs(ids, count) } ?? first + UInt64(count - 1)
        let batch = try RowBatch(vectors, type, count, options, table, threads: threads)
        var state = current
        if state.model == nil {
            // Half of the work, for whoever watches: rows do not tell how long it takes.
            let half = progress.map { (tell: @escaping Progress) -> Progress in { (done, _) in tell(done / 2, count) } }
            state = IVFSnapshot(try makeModel(vectors, type, count, isOwn: true, threads, ofTraining(half, rows: count)), state.rows)
        }
        let added = try adding(batch, to: state, threads) { i in ids?[i] ?? first + UInt64(i) }
        guard progress?(count, count) ?? true else {
            throw VecStoreError(.cancelled, "adding \(count) rows was cancelled: none of them was added")
        }
        let slots = added.slots.pointer(UInt32.self)
        let before = published.with { (_, _, nextID) in nextID }
        try published.publish(added.state, nextID: nextID(after: largest, before)) { map throws(VecStoreError) in
            try map.reserve(map.count + count)
            for i in 0..<count { map.set(ids?[i] ?? first + UInt64(i), slots[i]) }
        }
        if let outIDs {
            for i in 0..<count { outIDs[i] = ids?[i] ?? first + UInt64(i) }
        }
        if !rebuildWhenGrown(threads) { rebalanceWhenDrifted(after: count, threads) }
    }

    /// A state with the rows of a batch, not published, and the slot of each of them. Rows of a list get slots one behind
    /// the other: so a search that reads the list reads them in order.
    /// - Parameter lists: Of each row, where they are known.
    func adding(
        _ batch: RowBatch, to state: IVFSnapshot, _ threads: Int, lists known: Buffer? = nil, id: (Int) -> UInt64
    ) throws(VecStoreError) -> (state: IVFSnapshot, slots: Buffer) {
        guard let model = state.model else { throw VecStoreError(.internalError, "the index has no model") }
        let count = batch.count, assignments = options.assignments
        guard state.usedSlots + count <= Limits.graphRows else {
            throw VecStoreError(
                .tooLarge, "an inverted file holds at most \(Limits.graphRows) rows, with those that were removed since it was compacted")
        }
        let assigner = ListAssigner(model: model, options: options, table: table, threads: threads)
        let listMemory = if let known { known } else { try assigner.lists(of: batch) }
        let lists = listMemory.pointer(UInt32.self)
        let groups = try ListGroups(lists, count * assignments, nlist: model.nlist)
        let slotMemory = try allocate(UInt32.self, count, for: "\(count) slots")
        let slots = slotMemory.pointer(UInt32.self)
        var next = state.usedSlots
        for g in 0..<(count * assignments) {
            let entry = Int(groups.entries[g])
            if entry % assignments != 0 { continue }
            slots[entry / assignments] = UInt32(truncatingIfNeeded: next)
            next += 1
        }
        try state.rows.reserve(next)
        try fill(state.rows, batch, slots, lists, threads, id: id)

        let touched = groups.lists
        let errors = ErrorBox()
        let changeMemory = ChangeList(touched.count)
        ThreadPool.shared.run(tasks: touched.count, threads: threads) { task in
            errors.run { () throws(VecStoreError) in
                let list = touched[task]
                let range = groups.range(task)
                let writer = try ListWriter(model, table, count: range.count)
                changeMemory[task] = try writer.append(
                    state.list(list), list, batch, groups.entries + range.lowerBound, range.count, assignments, slots)
            }
        }
        try errors.rethrow()
        var changes: [(list: Int, state: ListState)] = []
        changes.reserveCapacity(touched.count)
        for (task, list) in touched.enumerated() { changes.append((list, changeMemory[task])) }
        return (state.changing(changes, count: state.count + count, usedSlots: next), slotMemory)
    }

    /// Writes the columns of new rows.
    private func fill(
        _ rows: ListRows, _ batch: RowBatch, _ slots: UnsafePointer<UInt32>, _ lists: UnsafePointer<UInt32>, _ threads: Int,
        id: (Int) -> UInt64
    ) throws(VecStoreError) {
        let dimension = options.dimension, assignments = options.assignments
        for i in 0..<batch.count { rows.setID(slots[i], id(i)) }
        try ThreadPool.shared.runPieces(
            of: IVFIndex.pieceRows, count: batch.count, threads: threads
        ) { (from, n) throws(VecStoreError) in
            for i in from..<(from + n) {
                for a in 0..<assignments { rows.setHome(slots[i], a, lists[i * assignments + a]) }
                guard let type = rows.type, let target = rows.row(slots[i]) else { continue }
                try convertElements(batch.row(i), batch.type, target, type, dimension, table)
                if options.metric == .cosine { rows.setInverseNorm(slots[i], inverseNorm(target, type)) }
            }
        }
    }

    private func inverseNorm(_ row: UnsafeRawPointer, _ type: ElementType) -> Double {
        guard let kernel = table.squaredNorms(type) else { return 1 }
        var square: Float = 1
        kernel(row, type.rowSize(options.dimension), 1, options.dimension, &square)
        // Rounding to a narrower type may leave nothing.
        return 1 / Double(max(square, .leastNormalMagnitude)).squareRoot()
    }

    // MARK: - Updating

    /// Replaces the vectors of rows that exist: all or none.
    package func update(
        _ ids: UnsafePointer<UInt64>, _ vectors: UnsafeRawPointer, type: ElementType, count: Int
    ) throws(VecStoreError) {
        try checkWritable()
        try checkType(type, for: options.type)
        if count == 0 { return }
        writerLock.lock()
        defer { writerLock.unlock() }
        let old = try allocate(UInt32.self, count, for: "\(count) slots")
        try published.with { (lookup, _, _) throws(VecStoreError) in
            for i in 0..<count {
                guard let slot = lookup.slot(of: ids[i]) else { throw IVFIndex.notFound(ids[i]) }
                old.pointer(UInt32.self)[i] = slot
            }
        }
        _ = try checkDifferentIDs(ids, count)
        let threads = ThreadPool.defaultThreads
        let batch = try RowBatch(vectors, type, count, options, table, threads: threads)
        let smaller = try removing(old.pointer(UInt32.self), count, from: current, threads)
        let added = try adding(batch, to: smaller, threads) { ids[$0] }
        let slots = added.slots.pointer(UInt32.self)
        published.publish(added.state) { map in for i in 0..<count { map.set(ids[i], slots[i]) } }
        tidy()
        rebalanceWhenDrifted(after: count, threads)
    }

    // MARK: - Removing

    /// Removes rows; ids that are not there are passed over. Returns how many were removed.
    package func remove(_ ids: UnsafePointer<UInt64>, _ count: Int) throws(VecStoreError) -> Int {
        try checkWritable()
        if count == 0 { return 0 }
        writerLock.lock()
        defer { writerLock.unlock() }
        let memory = try allocate(UInt32.self, count, for: "\(count) slots")
        let slots = memory.pointer(UInt32.self)
        let seen = IDMap()
        try seen.reserve(count)
        let found = try published.with { (lookup, _, _) throws(VecStoreError) in
            var found = 0
            for i in 0..<count where seen.slot(of: ids[i]) == nil {
                guard let slot = lookup.slot(of: ids[i]) else { continue }
                seen.set(ids[i], 0)
                slots[found] = slot
                found += 1
            }
            return found
        }
        if found == 0 { return 0 }
        let next = try removing(slots, found, from: current, ThreadPool.defaultThreads)
        published.publish(next) { map in for i in 0..<count { map.remove(ids[i]) } }
        tidy()
        return found
    }

    /// A state without the rows in some slots, which are different.
    func removing(
        _ slots: UnsafePointer<UInt32>, _ count: Int, from state: IVFSnapshot, _ threads: Int
    ) throws(VecStoreError) -> IVFSnapshot {
        guard let model = state.model else { throw VecStoreError(.internalError, "the index has no model") }
        let assignments = options.assignments
        let memory = try allocate(UInt32.self, count * assignments, for: "the lists of \(count) rows")
        let lists = memory.pointer(UInt32.self)
        for i in 0..<count {
            for a in 0..<assignments { lists[i * assignments + a] = state.rows.home(slots[i], a) }
        }
        let groups = try ListGroups(lists, count * assignments, nlist: model.nlist)
        let touched = groups.lists
        let errors = ErrorBox()
        let changes = ChangeList(touched.count)
        ThreadPool.shared.run(tasks: touched.count, threads: threads) { task in
            errors.run { () throws(VecStoreError) in
                let range = groups.range(task)
                let gone = IDMap()
                try gone.reserve(range.count)
                for e in range { gone.set(UInt64(slots[Int(groups.entries[e]) / assignments]), 0) }
                let list = state.list(touched[task])
                var places: [Int] = []
                list.forEachSlot(model.layout) { (place, slot) in
                    if gone.slot(of: UInt64(slot)) != nil { places.append(place) }
                }
                guard places.count == range.count else {
                    throw VecStoreError(.internalError, "a list does not have the rows that it should have")
                }
                changes[task] = try list.removing(places, model.layout)
            }
        }
        try errors.rethrow()
        return state.changing(
            touched.enumerated().map { ($1, changes[$0]) }, count: state.count - count, usedSlots: state.usedSlots)
    }

    // MARK: - Keeping house

    /// Compacts where half of the slots are of rows that are gone.
    func tidy() {
        let state = current
        guard state.usedSlots >= 4096, state.count < state.usedSlots / 2 else { return }
        // It can wait where there is no memory for it.
        try? compactNow()
    }

    /// Gives the memory of removed rows back, and puts rows in the order of their lists.
    package func compact() throws(VecStoreError) {
        try checkWritable()
        writerLock.lock()
        defer { writerLock.unlock() }
        try compactNow()
    }

    func compactNow() throws(VecStoreError) {
        let (state, ids) = try compacted(current)
        published.publish(state, ids: ids) { _ in }
    }

    /// A copy of a state without the slots of removed rows, with the slots of its ids.
    func compacted(_ state: IVFSnapshot) throws(VecStoreError) -> (IVFSnapshot, IDMap) {
        let packed = try PackedLists(state, options)
        let rows = try ListRows(options)
        try rows.reserve(state.count)
        let ids = IDMap()
        try ids.reserve(state.count)
        for new in 0..<state.count {
            let slot = UInt32(truncatingIfNeeded: new)
            rows.copy(slot, from: state.rows, packed.oldSlots[new])
            ids.set(rows.id(slot), slot)
        }
        let lists = try packed.copy()
        return (IVFSnapshot(state.model, rows, lists, count: state.count, usedSlots: state.count), ids)
    }

    /// Makes room for `rows` rows in all.
    package func reserve(_ rows: Int) throws(VecStoreError) {
        try checkWritable()
        guard rows <= Limits.graphRows else {
            throw VecStoreError(.tooLarge, "capacity is \(rows): an inverted file holds at most \(Limits.graphRows) rows")
        }
        writerLock.lock()
        defer { writerLock.unlock() }
        let state = current
        try state.rows.reserve(state.usedSlots - state.count + rows)
        try published.publish(state) { map throws(VecStoreError) in try map.reserve(rows) }
    }
}

/// States of lists that tasks make side by side, each at its place.
private final class ChangeList: @unchecked Sendable {
    // Safety: each place is written by one task, and read when all are done.

    private let states: UnsafeMutableBufferPointer<ListState>

    init(_ count: Int) {
        states = .allocate(capacity: count)
        states.initialize(repeating: ListState())
    }

    deinit {
        states.deinitialize()
        states.deallocate()
    }

    subscript(_ i: Int) -> ListState {
        get { states[i] }
        set { states[i] = newValue }
    }
}

extension ListRows {
    /// Copies a row with all that is known of it.
    func copy(_ slot: UInt32, from other: ListRows, _ source: UInt32) {
        setID(slot, other.id(source))
        for a in 0..<assignments { setHome(slot, a, other.home(source, a)) }
        if let target = row(slot), let row = other.row(source) { target.copyMemory(from: row, byteCount: rowSize) }
        setInverseNorm(slot, other.inverseNorm(source))
    }
}
