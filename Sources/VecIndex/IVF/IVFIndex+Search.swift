// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension IVFIndex {
    /// The lists that a search reads where nobody says otherwise: one of sixteen.
    package static func defaultProbes(_ nlist: Int) -> Int { max(1, (nlist + 15) / 16) }

    package func search(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, k: Int, options search: SearchOptions,
        _ output: SearchOutput
    ) throws(VecStoreError) {
        let block = try queryBlock(queries, type, count)
        try withSearchers(block, search, k: k) { (searcher, from, n) throws(VecStoreError) in
            try searcher.search(from, n, output)
        } whenEmpty: {
            for i in 0..<count {
                output.counts?[i] = 0
                var top = TopK(distances: output.distances + i * k, ids: output.ids + i * k, k: k)
                top.finish()
            }
        }
    }

    /// The rows within a radius that lie in the lists that are read.
    package func searchRange(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, radius: Float, options search: SearchOptions
    ) throws(VecStoreError) -> RangeResult {
        let block = try queryBlock(queries, type, count)
        let sinkMemory = try allocate(RangeSink.self, count, for: "the results of \(count) queries")
        let sinks = sinkMemory.pointer(RangeSink.self)
        sinks.initialize(repeating: RangeSink(limit: radius), count: count)
        defer { for i in 0..<count { sinks[i].release() } }
        try withSearchers(block, search, k: 0) { (searcher, from, n) throws(VecStoreError) in
            try searcher.searchRange(from, n, sinks)
        } whenEmpty: {
        }
        return try RangeResult(sinks, queries: count, parts: 1)
    }

    private func queryBlock(_ queries: UnsafeRawPointer, _ type: ElementType, _ count: Int) throws(VecStoreError) -> QueryBlock {
        try checkType(type, for: options.type)
        return try QueryBlock(
            queries, type: type, count: count, dimension: options.dimension, metric: options.metric,
            rowType: options.rowType ?? .float32, table: table)
    }

    /// The lists to read, where a search says it.
    private func probes(_ search: SearchOptions, _ state: IVFSnapshot) throws(VecStoreError) -> Int? {
        guard let target = search.targetRecall else { return search.nprobe }
        guard search.nprobe == nil else {
            throw VecStoreError(.invalidArgument, "nprobe and target_recall are both given: they say the same thing")
        }
        return try Calibration.reaching(target, state.model?.calibration.value).nprobe
    }

    private func withSearchers(
        _ block: QueryBlock, _ search: SearchOptions, k: Int,
        _ body: (ListSearcher, Int, Int) throws(VecStoreError) -> Void, whenEmpty: () -> Void
    ) throws(VecStoreError) {
        let state = current
        if let nprobe = search.nprobe, nprobe < 1 || nprobe > IVFOptions.mostLists {
            throw VecStoreError(.invalidArgument, "nprobe is \(nprobe): allowed is 1 to \(IVFOptions.mostLists)")
        }
        let asked = try probes(search, state)
        guard let model = state.model, state.count > 0 else {
            whenEmpty()
            return
        }
        let context = try ScanContext(
            table: table, metric: options.metric, type: options.rowType ?? .float32, dimension: options.dimension)
        let filter = try ListFilter(search.filter, state)
        let nprobe = asked ?? IVFIndex.defaultProbes(model.nlist)
        let ranked = ListSearcher.rankedRows(k: k, search, isCoded: model.codec != nil, count: state.count)
        let atATime = ListSearcher.queriesAtATime(
            state, model, nprobe: nprobe, ranked: ranked, count: block.count, threads: search.threads)
        let workers = min(search.threads, (block.count + atATime - 1) / atATime)
        let errors = ErrorBox()
        let next = SharedCounter()
        func work() throws(VecStoreError) {
            let searcher = try ListSearcher(self, state, model, context, block, filter, search, nprobe: nprobe, k: k, atATime: atATime)
            try BLAS.onOneThread { () throws(VecStoreError) in
                while true {
                    let from = next.take(atATime)
                    if from >= block.count { return }
                    try body(searcher, from, min(atATime, block.count - from))
                }
            }
        }
        if workers <= 1 {
            try work()
        } else {
            ThreadPool.shared.run(tasks: workers, threads: workers) { _ in errors.run(work) }
            try errors.rethrow()
        }
        withExtendedLifetime(state) {}
    }
}
