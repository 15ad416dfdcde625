// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension HNSWIndex {
    /// Most queries that are taken for a calibration.
    private static let mostQueries = 1000
    private static let ownQueries = 200

    /// Finds the smallest `ef_search` with which queries reach a recall, against exact search, and keeps it.
    /// - Parameter queries: nil: rows of the index, which find themselves more easily than strangers do.
    package func calibrate(
        _ queries: UnsafeRawPointer?, type: ElementType, count: Int, k: Int, recall: Float, threads: Int
    ) throws(VecStoreError) -> Calibration {
        try checkWritable()
        guard recall > 0 && recall <= 1 else {
            throw VecStoreError(.invalidArgument, "recall is \(recall): allowed is above 0, up to 1")
        }
        guard self.count > 0 else { throw VecStoreError(.invalidArgument, "the index is empty: there is nothing to measure") }
        guard queries == nil || count > 0 else {
            throw VecStoreError(.invalidArgument, "there are no queries: pass some, or NULL for rows of the index")
        }
        var n = min(count, HNSWIndex.mostQueries)
        var source = queries
        var sourceType = type
        var own: Buffer?
        if queries == nil {
            (own, n) = try sampleOwnRows()
            source = own.map { UnsafeRawPointer($0.base) }
            sourceType = options.type
        }
        guard let source else { throw VecStoreError(.internalError, "calibration has no queries") }
        // One place more for the row itself.
        let depth = min(queries == nil ? k + 1 : k, Limits.k)
        let truth = try ResultRoom(n, depth)
        try exactSearch(source, sourceType, n, depth, threads, truth.output)
        let found = try ResultRoom(n, depth)
        func measure(_ ef: Int) throws(VecStoreError) -> Float {
            try search(
                source, type: sourceType, count: n, k: depth, options: SearchOptions(threads: threads, efSearch: ef),
                found.output)
            return found.recall(truth, isOwn: queries == nil)
        }
        var ef = depth
        var reached = try measure(ef)
        var low = 0
        let most = min(max(self.count, depth), HNSWOptions.efRange.upperBound)
        while reached < recall && ef < most {
            low = ef
            ef = min(2 * ef, most)
            reached = try measure(ef)
        }
        // Between the last that was too small and this one.
        while reached >= recall && ef - low > max(1, ef / 32) {
            let middle = (low + ef) / 2
            let value = try measure(middle)
            if value >= recall {
                ef = middle
                reached = value
            } else {
                low = middle
            }
        }
        withExtendedLifetime(own) {}
        let result = Calibration(
            k: k, efSearch: ef, targetRecall: recall, recall: reached, usesOwnRows: queries == nil)
        guard reached >= recall else {
            throw VecStoreError(
                .unsupported,
                "a recall of \(recall) cannot be reached: with every row in view it is \(reached); finer rows (storage, rescore) may help")
        }
        knowledge.change { $0.calibration = result }
        return result
    }

    /// Rows spread over the index.
    private func sampleOwnRows() throws(VecStoreError) -> (Buffer, Int) {
        let total = count
        let n = min(total, HNSWIndex.ownQueries)
        let idMemory = try allocate(UInt64.self, total, for: "a sample")
        let listed = ids(offset: 0, capacity: total, idMemory.pointer(UInt64.self))
        let wanted = min(n, listed)
        let size = options.type.rowSize(options.dimension)
        let rows = try allocate(UInt8.self, n * size, for: "a sample")
        var taken = 0
        for i in 0..<wanted {
            var id = idMemory.pointer(UInt64.self)[i * listed / max(wanted, 1)]
            do throws(VecStoreError) {
                try get(&id, 1, as: options.type, rows.base + taken * size)
                taken += 1
            } catch {
                // Another thread has removed it since.
                guard error.code == .notFound else { throw error }
            }
        }
        guard taken > 0 else {
            throw VecStoreError(.invalidArgument, "the index is empty: there is nothing to measure")
        }
        return (rows, taken)
    }

    /// The nearest rows by comparing with all.
    func exactSearch(
        _ queries: UnsafeRawPointer, _ type: ElementType, _ count: Int, _ k: Int, _ threads: Int, _ output: SearchOutput
    ) throws(VecStoreError) {
        let store = self.store
        let epoch = store.reclaimer.enter()
        defer { store.reclaimer.leave(epoch) }
        let block = try QueryBlock(
            queries, type: type, count: count, dimension: options.dimension, metric: options.metric,
            rowType: options.type, table: table)
        let errors = ErrorBox()
        let rows = store.publishedSlots
        ThreadPool.shared.run(tasks: count, threads: threads) { i in
            errors.run { () throws(VecStoreError) in
                let scratch = try self.scratches.take(store.shape, rows: store.capacity, width: 64)
                defer { self.scratches.give(scratch) }
                let searcher = try GraphSearcher(self, store, scratch, SearchOptions(), nil)
                searcher.scanAll(block, i, rows: rows, k: k, output)
            }
        }
        try errors.rethrow()
    }

    /// Memory for the results of some queries.
    private struct ResultRoom {
        let count: Int
        let k: Int
        private let memory: Buffer
        let output: SearchOutput

        init(_ count: Int, _ k: Int) throws(VecStoreError) {
            self.count = count
            self.k = k
            guard let cells = product(count, k, 12) else {
                throw VecStoreError(.tooLarge, "\(count) queries for k \(k) have too many results")
            }
            memory = try allocate(UInt8.self, cells, for: "a calibration")
            output = SearchOutput(
                ids: memory.pointer(UInt64.self), distances: memory.pointer(Float.self, at: 8 * count * k), counts: nil)
        }

        /// The share of the true results that are as near as those found, whichever of equals they are.
        func recall(_ truth: ResultRoom, isOwn: Bool) -> Float {
            var hits = 0, wanted = 0
            for i in 0..<count {
                let first = isOwn ? 1 : 0
                var last = first
                for j in first..<k where truth.output.ids[i * k + j] != noID { last = j + 1 }
                if last == first { continue }
                let limit = truth.output.distances[i * k + last - 1]
                wanted += last - first
                var near = 0
                for j in 0..<k
                where output.ids[i * k + j] != noID && output.distances[i * k + j] <= limit + abs(limit) * 1e-5 {
                    near += 1
                }
                hits += min(max(near - first, 0), last - first)
            }
            return wanted == 0 ? 1 : Float(hits) / Float(wanted)
        }
    }
}
