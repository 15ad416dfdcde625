// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecKernelTypes

extension HNSWIndex {
    /// Rows kept in view where nobody says otherwise.
    package static let defaultEFSearch = 64
    /// Queries that a thread takes at a time.
    private static let queriesAtATime = 8

    package func search(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, k: Int, options search: SearchOptions,
        _ output: SearchOutput
    ) throws(VecStoreError) {
        let ef = try efSearch(search, k: k)
        let width = max(ef, k, Int(min(Float(k) * (search.oversampling ?? 1), Float(Limits.k)).rounded(.up)))
        try withSearchers(queries, type, count, search, width: width) { (searcher, block, i) throws(VecStoreError) in
            try searcher.search(block, i, k: k, width: width, output)
        }
    }

    /// The rows to keep in view for a search.
    func efSearch(_ search: SearchOptions, k: Int) throws(VecStoreError) -> Int {
        if let ef = search.efSearch {
            guard HNSWOptions.efRange.contains(ef) else {
                throw VecStoreError(
                    .invalidArgument, "ef_search is \(ef): allowed is 1 to \(HNSWOptions.efRange.upperBound)")
            }
            return ef
        }
        guard let target = search.targetRecall else { return HNSWIndex.defaultEFSearch }
        return try Calibration.reaching(target, knowledge.current.calibration).efSearch
    }

    /// All rows within a radius that a walk finds: it goes on, wider and wider, until rows in view lie beyond the radius.
    package func searchRange(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, radius: Float, options search: SearchOptions
    ) throws(VecStoreError) -> RangeResult {
        let width = try efSearch(search, k: 1)
        let sinkMemory = try allocate(RangeSink.self, count, for: "the results of \(count) queries")
        let sinks = sinkMemory.pointer(RangeSink.self)
        sinks.initialize(repeating: RangeSink(limit: radius), count: count)
        defer { for i in 0..<count { sinks[i].release() } }
        try withSearchers(queries, type, count, search, width: width) { (searcher, block, i) throws(VecStoreError) in
            try searcher.searchRange(block, i, width: width, &sinks[i])
        }
        return try RangeResult(sinks, queries: count, parts: 1)
    }

    /// Counts a search in, with the rows that its filter lets through.
    private func begin(_ filter: RowFilter) throws(VecStoreError) -> (GraphStore, epoch: Int, MatchingRows?) {
        if case .none = filter.kind, !filter.isNegated {
            let store = self.store
            return (store, store.reclaimer.enter(), nil)
        }
        // From here until the filter is entered no row gets another slot.
        lookupLock.lock()
        defer { lookupLock.unlock() }
        let store = self.store
        let epoch = store.reclaimer.enter()
        do throws(VecStoreError) {
            let matching = try MatchingRows(filter, self, store)
            openFilters.append((matching, store))
            return (store, epoch, matching)
        } catch {
            store.reclaimer.leave(epoch)
            throw error
        }
    }

    private func end(_ store: GraphStore, _ epoch: Int, _ matching: MatchingRows?) {
        if let matching { lookupLock.withLock { openFilters.removeAll { $0.rows === matching } } }
        store.reclaimer.leave(epoch)
    }

    /// Calls `body` for each query, on several threads where there are several queries.
    private func withSearchers(
        _ queries: UnsafeRawPointer, _ type: ElementType, _ count: Int, _ search: SearchOptions, width: Int,
        _ body: (GraphSearcher, QueryBlock, Int) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        let block = try QueryBlock(
            queries, type: type, count: count, dimension: options.dimension, metric: options.metric,
            rowType: options.type, table: table)
        let (store, epoch, matching) = try begin(search.filter)
        defer { end(store, epoch, matching) }
        matching?.find()
        let plan = matching.map { FilterPlan($0, self, width: width) }
        if let plan, plan.way == .scan { _ = try plan.matching.all() }
        search.report?.change { report in
            report.way = plan?.way ?? .walk
            report.reason = plan?.reason ?? "every row may be a result: a walk over all rows with \(width) in view"
            report.width = plan?.way == .scan ? 0 : plan?.width ?? width
            report.matching = matching?.count
        }
        let scratchWidth = max(width, plan?.width ?? 0)
        let workers = min(search.threads, (count + HNSWIndex.queriesAtATime - 1) / HNSWIndex.queriesAtATime)
        let errors = ErrorBox()
        let next = SharedCounter()
        func work() throws(VecStoreError) {
            let scratch = try self.scratches.take(store.shape, rows: store.capacity, width: scratchWidth)
            defer { self.scratches.give(scratch) }
            let searcher = try GraphSearcher(self, store, scratch, search, plan)
            while true {
                let from = next.take(HNSWIndex.queriesAtATime)
                if from >= count { return }
                for i in from..<min(from + HNSWIndex.queriesAtATime, count) { try body(searcher, block, i) }
            }
        }
        if workers <= 1 {
            try work()
        } else {
            ThreadPool.shared.run(tasks: workers, threads: workers) { _ in errors.run(work) }
            try errors.rethrow()
        }
    }
}
