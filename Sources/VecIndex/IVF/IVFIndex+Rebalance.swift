// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Lists that drift, made even one by one: a list that has become long is split in the places of short ones, whose rows go to
/// others; rows around it that are nearer to the new centroids move there (after Xu et al., SPFresh, arXiv 2410.14452).
extension IVFIndex {
    /// Lists around each new centroid whose rows may be nearer to it.
    private static let nearbyLists = 8

    /// Lists are looked at once this part of all rows has come: for each row that comes alone it would take too long.
    private static let leastUnseenPart = 64

    /// Splits lists that have drifted, where the index trained itself and enough rows lie in them. Where there is no memory for
    /// it, it can wait. Under `writerLock`.
    /// - Parameter count: Rows that have come.
    func rebalanceWhenDrifted(after count: Int, _ threads: Int) {
        let state = current
        guard let model = state.model, model.isOwn, state.rows.keepsRows else { return }
        guard listShares.count == model.nlist else { return keepShares(state) }
        unseenRows += count
        guard unseenRows >= state.count / IVFIndex.leastUnseenPart else { return }
        unseenRows = 0
        guard let plan = SplitPlan(state, assignments: options.assignments, shares: listShares) else { return }
        do throws(VecStoreError) {
            try rebalance(state, model, plan, threads)
            tidy()
        } catch {
            // Not again for each row that comes.
            keepShares(state)
        }
    }

    /// What lists have from here on is what they were made for.
    func keepShares(_ state: IVFSnapshot) {
        listShares = SplitPlan.shares(state, assignments: options.assignments)
        unseenRows = 0
    }

    func rebalance(
        _ state: IVFSnapshot, _ model: IVFModel, _ plan: SplitPlan, _ threads: Int
    ) throws(VecStoreError) {
        let next = try split(state, model, plan, threads)
        let near = try slots(around: plan, state, next)
        let around = try batch(near, state, threads)
        let lists = try ListAssigner(model: next, options: options, table: table, threads: threads).lists(of: around.rows)
        let homes = lists.pointer(UInt32.self), assignments = options.assignments
        let movedLists = try allocate(UInt32.self, near.count * assignments, for: "the lists of \(near.count) rows")
        var moved: [UInt32] = []
        for (i, slot) in near.enumerated() {
            let stays = (0..<assignments).allSatisfy { a in
                let home = state.rows.home(slot, a)
                return homes[i * assignments + a] == home && !plan.changed.contains(Int(home))
            }
            if stays { continue }
            (movedLists.pointer(UInt32.self) + moved.count * assignments).update(
                from: homes + i * assignments, count: assignments)
            moved.append(slot)
        }
        let ids = moved.map { state.rows.id($0) }
        let smaller = try moved.withUnsafeBufferPointer { (moved) throws(VecStoreError) in
            guard let base = moved.baseAddress else { return state }
            return try removing(base, moved.count, from: state, threads)
        }
        let batch = try batch(moved, state, threads)
        let added = try adding(batch.rows, to: smaller.replacing(next), threads, lists: movedLists) { ids[$0] }
        withExtendedLifetime((around, batch)) {}
        let slots = added.slots.pointer(UInt32.self)
        published.publish(added.state) { map in for i in 0..<ids.count { map.set(ids[i], slots[i]) } }
        let entries = Float(max(added.state.count * assignments, 1))
        for list in plan.changed where list < listShares.count {
            listShares[list] = Float(added.state.list(list).count) / entries
        }
    }

    /// A model with other centroids for the lists of a plan.
    private func split(
        _ state: IVFSnapshot, _ model: IVFModel, _ plan: SplitPlan, _ threads: Int
    ) throws(VecStoreError) -> IVFModel {
        let dimension = options.dimension
        let memory = try allocate(Float.self, model.nlist * dimension, for: "\(model.nlist) centroids")
        let rows = memory.pointer(Float.self)
        rows.update(from: model.centroids.rows, count: model.nlist * dimension)
        let splitter = ListSplitter(state: state, model: model, options: options, table: table, threads: threads)
        var parts: [Int: ListSplitter.Part] = [:]
        for split in plan.splits {
            // Where they cannot be parted, lists are filled again as they are.
            guard let found = try splitter.split(split.list, into: split.parts.count) else { continue }
            for (list, part) in zip(split.parts, found) {
                for d in 0..<dimension { rows[list * dimension + d] = part.centroid[d] }
                parts[list] = part
            }
        }
        let centroids = try CentroidTable(
            memory.base, k: model.nlist, dimension: dimension, metric: IVFModel.listMetric(options.metric), threads: threads,
            table: table)
        let next = try IVFModel(
            centroids, metric: options.metric, codec: model.codec, trainedCount: model.trainedCount, isOwn: model.isOwn,
            meanNorm: model.meanNorm
        ) { (radii, reaches) in
            for l in 0..<model.nlist {
                radii[l] = parts[l]?.radius ?? model.radii[l]
                reaches[l] = parts[l]?.reach ?? model.reaches[l]
            }
        }
        if let graph = model.graph { next.graph = try graph.changing(parts.keys.sorted(), next) }
        // Most lists are what they were, as where rows are added.
        next.calibration.value = model.calibration.value
        return next
    }

    /// The rows of the lists that change, and of those around the new centroids.
    private func slots(
        around plan: SplitPlan, _ state: IVFSnapshot, _ next: IVFModel
    ) throws(VecStoreError) -> [UInt32] {
        var lists = plan.changed
        let changed = plan.changed.sorted()
        let near = try NearLists(next, table, most: IVFIndex.nearbyLists + 1)
        try BLAS.onOneThread { () throws(VecStoreError) in
            for from in stride(from: 0, to: changed.count, by: NearLists.queriesAtATime) {
                let some = changed[from..<min(from + NearLists.queriesAtATime, changed.count)]
                for (i, list) in some.enumerated() {
                    near.query(i).update(from: next.centroids.row(list), count: options.dimension)
                }
                near.prepare(some.count)
                for i in 0..<some.count {
                    let found = try near.nearest(i, IVFIndex.nearbyLists + 1)
                    for j in 0..<found.count { lists.insert(found[j]) }
                }
            }
        }
        let seenMemory = try allocate(Bool.self, state.usedSlots, for: "marks of \(state.usedSlots) rows")
        let seen = seenMemory.pointer(Bool.self)
        var slots: [UInt32] = []
        for list in lists.sorted() {
            state.list(list).forEachSlot(next.layout) { (_, slot) in
                guard Int(slot) < state.usedSlots, !seen[Int(slot)] else { return }
                seen[Int(slot)] = true
                slots.append(slot)
            }
        }
        return slots
    }

    /// Copies of rows, one behind the other, and what holds them.
    private func batch(
        _ slots: [UInt32], _ state: IVFSnapshot, _ threads: Int
    ) throws(VecStoreError) -> (rows: RowBatch, memory: Buffer) {
        guard let type = state.rows.type else { throw VecStoreError(.internalError, "lists of codes alone have no rows") }
        let size = state.rows.rowSize
        guard let bytes = product(slots.count, size) else { throw VecStoreError(.tooLarge, "\(slots.count) rows overflow") }
        let memory = try allocate(UInt8.self, bytes, for: "a copy of \(slots.count) rows")
        for (i, slot) in slots.enumerated() {
            guard let row = state.rows.row(slot) else { throw VecStoreError(.internalError, "a row is not there") }
            (memory.base + i * size).copyMemory(from: row, byteCount: size)
        }
        return (try RowBatch(memory.base, type, slots.count, options, table, threads: threads), memory)
    }
}
