// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

extension Index {
    /// The k nearest rows of a query, nearest first; fewer where the index, or the filter, has fewer.
    ///
    /// `nprobe` is for `.ivf`, `efSearch` for `.hnsw`, `targetRecall`, `rescores` and `oversampling` for both; the others pass
    /// over them.
    /// - Parameters:
    ///   - k: 1 to 1,048,576.
    ///   - filter: nil: every row may be a result.
    ///   - nprobe: Lists that are read, the nearest first, 1 to 1,048,576: more find more and take longer. nil: what
    ///     `targetRecall` asks for, else one of 16. Where they hold, or a filter leaves, fewer than k rows, more lists are read.
    ///   - efSearch: Rows kept in view, 1 to 1,048,576: more find more and take longer; at least k are kept. nil: what
    ///     `targetRecall` asks for, else 64.
    ///   - targetRecall: Takes the `efSearch` or `nprobe` that `calibrate` found, for a recall up to the one that it was
    ///     called with. Not together with `efSearch`, and for `.ivf` not with `nprobe`.
    ///   - rescores: Whether results are ranked by finer rows, where the index has them; else by its storage alone, whose
    ///     distances are approximate where it is coarser than the element type.
    ///   - oversampling: Ranks at most oversampling × k rows by the finer rows, and keeps at least as many in view: 1 or
    ///     more. nil: as many as may be among the best (`.ivf`: at most 5 × k, or k + 32).
    ///   - threads: 0: as many as the process has processors; 1: the calling thread only; at most 1,024.
    /// - Throws: `.invalidArgument`, also for a `targetRecall` that the index is not calibrated for; `.unsupported` for
    ///   elements of the wrong type; `.notFinite`, `.zeroVector`, `.tooLarge`, `.outOfMemory`.
    /// - Complexity: `.flat`: O(rows × dimension). `.hnsw`: O(`efSearch` × `m` × dimension × log rows) or so. `.ivf`:
    ///   O((lists + rows in the lists that are read) × dimension).
    public func search<E: VectorElement>(
        _ query: [E], k: Int = 10, filter: Filter? = nil, nprobe: Int? = nil, efSearch: Int? = nil,
        targetRecall: Float? = nil, rescores: Bool = true, oversampling: Float? = nil, threads: Int = 0
    ) throws(VecStoreError) -> [Hit] {
        try search(
            [query], k: k, filter: filter, nprobe: nprobe, efSearch: efSearch, targetRecall: targetRecall,
            rescores: rescores, oversampling: oversampling, threads: threads)[0]
    }

    /// The k nearest rows of each query; else as for one.
    public func search<E: VectorElement>(
        _ queries: [[E]], k: Int = 10, filter: Filter? = nil, nprobe: Int? = nil, efSearch: Int? = nil,
        targetRecall: Float? = nil, rescores: Bool = true, oversampling: Float? = nil, threads: Int = 0
    ) throws(VecStoreError) -> [[Hit]] {
        let elements = try joined(queries)
        let options = try rethrow { () throws(CoreError) in
            _ = try checkedK(k)
            return try checkedOptions(
                nprobe: nprobe, efSearch: efSearch, targetRecall: targetRecall, rescores: rescores,
                oversampling: oversampling, threads: threads)
        }
        guard let cells = product(queries.count, k), cells < 1 << 40 else {
            throw VecStoreError(CoreError(.tooLarge, "\(queries.count) queries for k \(k) have too many results"))
        }
        return try rethrow { () throws(CoreError) in
            // Not arrays: for those a lack of memory is the end of the process.
            let what = "the results of \(queries.count) queries for k \(k)"
            let idMemory = try allocate(UInt64.self, cells, for: what)
            let distanceMemory = try allocate(Float.self, cells, for: what)
            let countMemory = try allocate(UInt64.self, queries.count, for: what)
            let ids = idMemory.pointer(UInt64.self), distances = distanceMemory.pointer(Float.self)
            let counts = countMemory.pointer(UInt64.self)
            try withFilter(filter) { (rows) throws(CoreError) in
                var options = options
                options.filter = rows
                try core.search(
                    elements, type: inputType(E.self), count: queries.count, k: k, options: options,
                    SearchOutput(ids: ids, distances: distances, counts: counts))
            }
            let hits = queries.indices.map { q in
                (0..<Int(counts[q])).map { Hit(id: ids[q * k + $0], distance: distances[q * k + $0]) }
            }
            withExtendedLifetime((idMemory, distanceMemory, countMemory)) {}
            return hits
        }
    }

    /// All rows whose distance to a query is at most `radius`, nearest first. `.hnsw` finds most of them: it widens its view,
    /// from `efSearch` on, until rows in view lie beyond the radius. `.ivf` finds those in the `nprobe` lists that it reads.
    /// - Parameter radius: In the units of the metric. Negative radii are for `.innerProduct`, where closer is more negative.
    /// - Throws: As the search for k rows; `.invalidArgument` for a radius that is NaN.
    public func search<E: VectorElement>(
        _ query: [E], within radius: Float, filter: Filter? = nil, nprobe: Int? = nil, efSearch: Int? = nil,
        targetRecall: Float? = nil, rescores: Bool = true, threads: Int = 0
    ) throws(VecStoreError) -> [Hit] {
        let elements = try joined([query])
        guard !radius.isNaN else { throw VecStoreError(CoreError(.invalidArgument, "radius is NaN")) }
        return try rethrow { () throws(CoreError) in
            let checked = try checkedOptions(
                nprobe: nprobe, efSearch: efSearch, targetRecall: targetRecall, rescores: rescores, oversampling: nil,
                threads: threads)
            return try withFilter(filter) { (rows) throws(CoreError) in
                var options = checked
                options.filter = rows
                let found = try core.searchRange(
                    elements, type: inputType(E.self), count: 1, radius: radius, options: options)
                return (0..<Int(found.offsets[1])).map { Hit(id: found.ids[$0], distance: found.distances[$0]) }
            }
        }
    }
}
