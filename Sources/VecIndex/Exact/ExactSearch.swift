// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Where the results of a search go: arrays of the caller's.
package struct SearchOutput {
    /// nq × k.
    package let ids: UnsafeMutablePointer<UInt64>
    /// nq × k.
    package let distances: UnsafeMutablePointer<Float>
    /// nq, or nil.
    package let counts: UnsafeMutablePointer<UInt64>?

    package init(
        ids: UnsafeMutablePointer<UInt64>, distances: UnsafeMutablePointer<Float>,
        counts: UnsafeMutablePointer<UInt64>?
    ) {
        self.ids = ids
        self.distances = distances
        self.counts = counts
    }
}

package enum ExactSearch {
    /// The k nearest rows of each query.
    package static func nearest(
        _ context: ScanContext, _ queries: QueryBlock, _ blocks: [RowBlock], k: Int, threads: Int,
        _ output: SearchOutput
    ) throws(VecStoreError) {
        guard queries.count > 0 else { return }
        let scan = ExactScan(context, queries, blocks, threads: threads)
        let n = queries.count * scan.partCount
        let sinkMemory = try allocate(TopK.self, n, for: "the results of \(queries.count) queries")
        let sinks = sinkMemory.pointer(TopK.self)
        // The first part works in the caller's arrays, the others in memory of their own.
        guard let extra = product(n - queries.count, k) else {
            throw VecStoreError(.tooLarge, "the results of \(queries.count) queries for k \(k) overflow")
        }
        let extraDistances = try allocate(Float.self, extra, for: "partial results")
        let extraIDs = try allocate(UInt64.self, extra, for: "partial results")
        for s in 0..<n {
            let inFirst = s < queries.count
            let offset = inFirst ? s * k : (s - queries.count) * k
            sinks[s] = TopK(
                distances: (inFirst ? output.distances : extraDistances.pointer(Float.self)) + offset,
                ids: (inFirst ? output.ids : extraIDs.pointer(UInt64.self)) + offset, k: k)
        }
        try scan.run(sinks)
        for i in 0..<queries.count {
            for part in 1..<max(scan.partCount, 1) { sinks[i].merge(sinks[part * queries.count + i]) }
            output.counts?[i] = UInt64(sinks[i].count)
            sinks[i].finish()
        }
    }

    /// All rows within a radius of each query.
    package static func range(
        _ context: ScanContext, _ queries: QueryBlock, _ blocks: [RowBlock], radius: Float, threads: Int
    ) throws(VecStoreError) -> RangeResult {
        let scan = ExactScan(context, queries, blocks, threads: threads)
        let n = queries.count * scan.partCount
        let sinkMemory = try allocate(RangeSink.self, n, for: "the results of \(queries.count) queries")
        let sinks = sinkMemory.pointer(RangeSink.self)
        sinks.initialize(repeating: RangeSink(limit: radius), count: n)
        defer { for s in 0..<n { sinks[s].release() } }
        if n > 0 { try scan.run(sinks) }
        return try RangeResult(sinks, queries: queries.count, parts: scan.partCount)
    }
}
