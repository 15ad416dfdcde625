// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension AutoIndex {
    /// Times that rows become more until lists are made anew.
    private static let listGrowth = 4
    private static let onTraining = "an index of kind 4 (auto) trains itself: add rows"

    package func train(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, threads: Int, progress: Progress?
    ) throws(VecStoreError) {
        throw VecStoreError(.unsupported, AutoIndex.onTraining)
    }

    /// Adds rows: all or none. Where there are too many then for the inner index, another is built with them, and takes its
    /// place.
    package func add(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, ids: UnsafePointer<UInt64>?,
        outIDs: UnsafeMutablePointer<UInt64>?, threads: Int, progress: Progress?
    ) throws(VecStoreError) {
        if isReadOnly || count == 0 {
            return try inner.add(
                vectors, type: type, count: count, ids: ids, outIDs: outIDs, threads: threads, progress: progress)
        }
        try checkType(type, for: elementType)
        if try addToInner(vectors, type, count, ids, outIDs, threads, progress) { return }
        gate.lockAlone()
        defer { gate.unlockAlone() }
        // Another may have been here meanwhile.
        guard let plan = try planFor(count) else {
            return try inner.add(
                vectors, type: type, count: count, ids: ids, outIDs: outIDs, threads: threads, progress: progress)
        }
        let batch = try AutoBuilder.Batch(self, vectors, type, count, ids, threads: threads)
        try replace(plan, batch, threads, progress) { () throws(VecStoreError) in
            guard progress?(count, count) ?? true else {
                throw VecStoreError(.cancelled, "adding \(count) rows was cancelled: none of them was added")
            }
        }
        if let outIDs { for i in 0..<count { outIDs[i] = batch.ids[i] } }
    }

    /// Adds rows beside other writers; false: something must take the place of the inner index first.
    private func addToInner(
        _ vectors: UnsafeRawPointer, _ type: ElementType, _ count: Int, _ ids: UnsafePointer<UInt64>?,
        _ outIDs: UnsafeMutablePointer<UInt64>?, _ threads: Int, _ progress: Progress?
    ) throws(VecStoreError) -> Bool {
        gate.lockShared()
        defer { gate.unlockShared() }
        guard try planFor(count) == nil else { return false }
        calibrate(beforeAdding: vectors, type, count, threads)
        try inner.add(
            vectors, type: type, count: count, ids: ids, outIDs: outIDs, threads: threads, progress: progress)
        recalibrate(threads)
        return true
    }

    /// What must take the place of the inner index before `added` rows come; nil: nothing.
    private func planFor(_ added: Int) throws(VecStoreError) -> AutoPlan? {
        let state = current
        let rows = state.inner.count &+ added
        let isOutgrown = state.plan.isFlat && state.options.targetRecall < 1 && rows > AutoPlan.flatRows
        if !isOutgrown && state.plan.fits(rows, state.options) {
            // Longer lists than these are slow.
            let isLong = state.plan.isLists && !state.plan.isCoded && rows / AutoIndex.listGrowth >= max(state.notes.chosenRows, 1)
            return isLong ? state.plan : nil
        }
        if state.plan.isLossy {
            throw VecStoreError(
                .tooLarge,
                "memory_budget is \(state.options.memoryBudget): \(rows) rows take \(state.plan.bytes(rows, state.options)) bytes, and codes alone cannot be made smaller: say capacity when the index is made"
            )
        }
        let plan = try AutoPlan.choose(state.options, rows: rows, expected: state.options.capacity)
        return plan == state.plan ? nil : plan
    }

    /// Builds an index of the rows that there are and those of a batch, and puts it in the place of the inner one. Has the gate
    /// alone.
    /// - Parameter last: What is done before that: an error of it leaves all as it was.
    private func replace(
        _ plan: AutoPlan, _ batch: AutoBuilder.Batch?, _ threads: Int, _ progress: Progress?,
        _ last: () throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        let state = current
        func build(_ plan: AutoPlan) throws(VecStoreError) -> AutoBuilder.Result {
            try AutoBuilder(state, plan, batch, table: table, threads: threads, progress: progress).build()
        }
        var made = try build(plan)
        let rows = state.inner.count + (batch?.rows.count ?? 0)
        if let finer = plan.finer, finer.isOffered(state.options), made.recall < state.options.targetRecall, finer.fits(rows, state.options) {
            let other = try build(finer)
            if other.recall > made.recall { made = other }
        }
        try last()
        let result = made
        change {
            $0.inner = result.inner
            $0.plan = result.notes.plan
            $0.notes = result.notes
        }
    }

    package func update(
        _ ids: UnsafePointer<UInt64>, _ vectors: UnsafeRawPointer, type: ElementType, count: Int
    ) throws(VecStoreError) {
        gate.lockShared()
        defer { gate.unlockShared() }
        try inner.update(ids, vectors, type: type, count: count)
    }

    package func remove(_ ids: UnsafePointer<UInt64>, _ count: Int) throws(VecStoreError) -> Int {
        gate.lockShared()
        defer { gate.unlockShared() }
        return try inner.remove(ids, count)
    }

    package func compact() throws(VecStoreError) {
        gate.lockShared()
        defer { gate.unlockShared() }
        try inner.compact()
    }

    /// Chooses again, for the rows that there are now, and builds what was chosen; or, where that is what there is, optimizes
    /// it.
    package func optimize(threads: Int, progress: Progress?) throws(VecStoreError) {
        if isReadOnly { return try inner.optimize(threads: threads, progress: progress) }
        gate.lockAlone()
        defer { gate.unlockAlone() }
        let state = current
        let rows = state.inner.count
        let plan = try AutoIndex.bestPlan(state)
        // Lists are made anew in any case, and as many as there should be now.
        guard plan != state.plan || (plan.isLists && !plan.isCoded) else {
            try state.inner.optimize(threads: threads, progress: progress)
            change { $0.notes.chosenRows = rows }
            recalibrate(threads)
            return
        }
        try replace(plan, nil, threads, progress) { () throws(VecStoreError) in
            guard progress?(rows, rows) ?? true else {
                throw VecStoreError(.cancelled, "optimizing was cancelled: the index is as it was")
            }
        }
    }

    /// What would be chosen for the rows that there are.
    static func bestPlan(_ state: State) throws(VecStoreError) -> AutoPlan {
        // Codes are all that is known of the rows.
        if state.plan.isCoded { return state.plan }
        let plan = try AutoPlan.choose(state.options, rows: state.inner.count, expected: 0)
        // The one that is to be preferred was found too coarse.
        return plan.finer == state.plan && state.plan.fits(state.inner.count, state.options) ? state.plan : plan
    }

    /// Expects so many rows, and makes room for them where they are to go into the index that there is.
    package func reserve(_ rows: Int) throws(VecStoreError) {
        if isReadOnly { return try inner.reserve(rows) }
        gate.lockShared()
        defer { gate.unlockShared() }
        let state = current
        var options = state.options
        options.capacity = max(options.capacity, rows)
        let plan = state.plan.isLossy ? state.plan : try AutoPlan.choose(options, rows: max(rows, state.inner.count), expected: rows)
        if state.plan.isLossy && !plan.fits(rows, options) {
            throw VecStoreError(
                .tooLarge, "memory_budget is \(options.memoryBudget): \(rows) rows take \(plan.bytes(rows, options)) bytes")
        }
        if plan == state.plan { try state.inner.reserve(rows) }
        change {
            $0.options.capacity = options.capacity
            $0.notes.capacity = options.capacity
        }
    }
}
