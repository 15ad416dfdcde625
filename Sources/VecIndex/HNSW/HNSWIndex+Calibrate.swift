// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension HNSWIndex {
    package var calibration: Calibration? { knowledge.current.calibration }

    /// Finds the smallest `ef_search` with which queries reach a recall, against exact search, and keeps it.
    /// - Parameter queries: nil: rows of the index, which find themselves more easily than strangers do.
    package func calibrate(
        _ queries: UnsafeRawPointer?, type: ElementType, count: Int, k: Int, recall: Float, threads: Int
    ) throws(VecStoreError) -> Calibration {
        try calibrate(
            queries, type: type, count: count, k: k, recall: recall, threads: threads, most: HNSWOptions.efRange.upperBound)
    }

    /// - Parameter most: The largest `ef_search` that is tried.
    func calibrate(
        _ queries: UnsafeRawPointer?, type: ElementType, count: Int, k: Int, recall: Float, threads: Int, most: Int
    ) throws(VecStoreError) -> Calibration {
        try checkWritable()
        let calibrator = try Calibrator(self, queries, type: type, count: count, k: k, recall: recall) {
            (queries, type, n, k, output) throws(VecStoreError) in
            try exactSearch(queries, type, n, k, threads, output)
        }
        let largest = max(min(self.count, most), calibrator.depth)
        let (ef, found) = try calibrator.least(calibrator.depth...largest) {
            (ef, queries, type, n, k, output) throws(VecStoreError) in
            try search(queries, type: type, count: n, k: k, options: SearchOptions(threads: threads, efSearch: ef), output)
        }
        guard found.recall >= recall else {
            throw VecStoreError(
                .unsupported,
                "a recall of \(recall) cannot be reached: with \(ef) rows in view it is \(found.recall); finer rows (storage, rescore) may help"
            )
        }
        var result = found
        result.efSearch = ef
        knowledge.change { $0.calibration = result }
        return result
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
}
