// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension IVFIndex {
    /// Finds centroids, and codebooks where lists hold codes. An index that has rows keeps what it was trained to.
    package func train(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, threads: Int, progress: Progress?
    ) throws(VecStoreError) {
        try checkWritable()
        try checkType(type, for: options.type)
        writerLock.lock()
        defer { writerLock.unlock() }
        let state = current
        guard state.count == 0 else {
            throw VecStoreError(
                .unsupported,
                "the index has \(state.count) rows, which lie in the lists that it was trained to: train it before rows are added, or make a new one"
            )
        }
        guard count >= 1 else {
            throw VecStoreError(.invalidArgument, "there are no vectors: training needs one for each list at least")
        }
        let model = try makeModel(vectors, type, count, isOwn: false, threads, ofTraining(progress, rows: count))
        guard progress?(count, count) ?? true else { throw VecStoreError(.cancelled, "training was cancelled at its end") }
        let empty = IVFSnapshot(model, try ListRows(options))
        published.publish(empty, ids: IDMap()) { _ in }
        listShares = []
    }

    func makeModel(
        _ vectors: UnsafeRawPointer, _ type: ElementType, _ count: Int, isOwn: Bool, _ threads: Int, _ progress: Progress?
    ) throws(VecStoreError) -> IVFModel {
        try IVFTrainer(
            vectors, type, count, options, isOwn: isOwn, threads: ThreadPool.threads(threads), progress: progress, table: table
        ).train()
    }

    // MARK: - Training again

    /// Trains on the rows that there are and puts all of them into new lists, where rows are kept; else compacts. What lists
    /// were made for may be long gone: this makes them even again.
    package func optimize(threads: Int = 0, progress: Progress? = nil) throws(VecStoreError) {
        try checkWritable()
        writerLock.lock()
        defer { writerLock.unlock() }
        let count = current.count
        try rebuild(ThreadPool.threads(threads), ofTraining(progress, rows: count)) { () throws(VecStoreError) in
            guard progress?(count, count) ?? true else {
                throw VecStoreError(.cancelled, "optimizing was cancelled: the index is as it was")
            }
        }
    }

    /// Trains again where there are so many more rows than it trained itself on that there should be four times the lists. Where
    /// there is no memory for it, it can wait. Returns whether it did.
    func rebuildWhenGrown(_ threads: Int) -> Bool {
        let state = current
        guard options.nlist == nil, let model = state.model, model.isOwn, state.rows.keepsRows,
            options.listCount(for: state.count) >= 4 * model.nlist
        else { return false }
        try? rebuild(threads, nil) {}
        return current.model !== model
    }

    /// - Parameter last: What is done before the new state is published: an error of it leaves all as it was.
    private func rebuild(
        _ threads: Int, _ progress: Progress?, _ last: () throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        let state = current
        let count = state.count
        guard let type = state.rows.type, state.model != nil, count >= max(options.nlist ?? 1, options.assignments) else {
            try last()
            return try compactNow()
        }
        let size = state.rows.rowSize
        guard let bytes = product(count, size) else { throw VecStoreError(.tooLarge, "\(count) rows overflow") }
        let rowMemory = try allocate(UInt8.self, bytes, for: "a copy of \(count) rows")
        let idMemory = try allocate(UInt64.self, count, for: "the ids of \(count) rows")
        let ids = idMemory.pointer(UInt64.self)
        var n = 0
        try state.forEachRow { (slot) throws(VecStoreError) in
            guard n < count, let row = state.rows.row(slot) else {
                throw VecStoreError(.internalError, "the lists of the index do not hold its rows, each once")
            }
            (rowMemory.base + n * size).copyMemory(from: row, byteCount: size)
            ids[n] = state.rows.id(slot)
            n += 1
        }
        guard n == count else { throw VecStoreError(.internalError, "the lists of the index do not hold its rows, each once") }
        let model = try makeModel(rowMemory.base, type, count, isOwn: true, threads, progress)
        let batch = try RowBatch(rowMemory.base, type, count, options, table, threads: threads)
        let made = try adding(batch, to: IVFSnapshot(model, try ListRows(options)), threads) { ids[$0] }
        let map = IDMap()
        try map.reserve(count)
        let slots = made.slots.pointer(UInt32.self)
        for i in 0..<count { map.set(ids[i], slots[i]) }
        try last()
        published.publish(made.state, ids: map) { _ in }
        keepShares(made.state)
        withExtendedLifetime((rowMemory, idMemory)) {}
    }
}

/// What training is to tell, where a caller counts `count` rows: shares of some of them.
func ofTraining(_ progress: Progress?, rows count: Int) -> Progress? {
    guard let progress else { return nil }
    return { (done, total) in progress(min(count, Int(Double(done) / Double(max(total, 1)) * Double(count))), count) }
}
