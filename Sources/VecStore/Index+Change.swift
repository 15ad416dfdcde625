// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

extension Index {
    /// Trains an `.ivf` that has no rows: finds the centers of its lists, and codebooks where lists hold codes. Where this is
    /// not called, the first vectors that are added are trained on, and lists that drift are split and merged as rows come: some
    /// calls of `add` and `update` take longer for that. Training again, before there are rows, starts anew.
    /// - Parameters:
    ///   - vectors: Vectors like those to come: as many as there are lists at least, and better 39 for each or more; up to
    ///     256 for each, drawn at random, are used.
    ///   - threads: 0: as many as the process has processors.
    ///   - progress: As in `add`. Cancelled, the index stays as it was.
    /// - Throws: `.invalidArgument` for too few vectors, `.unsupported` for another kind, an index that has rows, or elements
    ///   of the wrong type; `.notFinite`, `.zeroVector`, `.tooLarge`, `.readOnly`, `.outOfMemory`, `.cancelled`. The index
    ///   stays as it was.
    /// - Complexity: O(vectors × lists × dimension).
    public func train<E: VectorElement>(
        _ vectors: [[E]], threads: Int = 0, progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) {
        try train(flat: joined(vectors), threads: threads, progress: progress)
    }

    /// Trains on vectors that lie one behind the other in one array; else as `train(_:threads:progress:)`.
    public func train<E: VectorElement>(
        flat elements: [E], threads: Int = 0, progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) {
        let count = try rows(elements)
        try rethrow { () throws(CoreError) in
            try core.train(
                elements, type: inputType(E.self), count: count, threads: ThreadPool.checkedThreads(threads), progress: progress)
        }
    }

    /// Adds vectors: all of them, or none where it throws.
    /// - Parameters:
    ///   - ids: One new id for each vector; nil: assigned, from one more than the largest id so far.
    ///   - threads: 0: as many as the process has processors.
    ///   - progress: Is told now and then, on this thread, how many rows of how many are done, and once at the end; false
    ///     cancels the call, which then changes nothing and throws `.cancelled`. It must not use the index.
    /// - Returns: The ids of the rows.
    /// - Throws: `.invalidArgument` for lengths that do not fit, `.unsupported` for elements of the wrong type,
    ///   `.notFinite`, `.zeroVector`, `.tooLarge`, `.alreadyExists`, `.readOnly`, `.outOfMemory`, `.cancelled`.
    /// - Complexity: `.flat`: O(vectors × dimension). `.hnsw`: O(vectors × `efConstruction` × `m` × dimension × log rows)
    ///   or so. `.ivf`: O(vectors × lists × dimension).
    @discardableResult
    public func add<E: VectorElement>(
        _ vectors: [[E]], ids: [UInt64]? = nil, threads: Int = 0, progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) -> [UInt64] {
        try add(flat: joined(vectors), ids: ids, threads: threads, progress: progress)
    }

    /// Adds vectors that lie one behind the other in one array; else as `add(_:ids:threads:progress:)`.
    @discardableResult
    public func add<E: VectorElement>(
        flat elements: [E], ids: [UInt64]? = nil, threads: Int = 0,
        progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) -> [UInt64] {
        let count = try rows(elements)
        if let ids, ids.count != count { throw wrongCount("ids", ids.count, count) }
        var result = [UInt64](repeating: 0, count: count)
        try rethrow { () throws(CoreError) in
            try core.add(
                elements, type: inputType(E.self), count: count, ids: ids, outIDs: &result,
                threads: ThreadPool.checkedThreads(threads), progress: progress)
        }
        return result
    }

    /// Replaces the vectors of rows that exist: all of them, or none where it throws.
    /// - Throws: As `add`; `.notFound` where an id is not in the index, `.alreadyExists` where one comes twice.
    public func update<E: VectorElement>(_ ids: [UInt64], _ vectors: [[E]]) throws(VecStoreError) {
        let elements = try joined(vectors)
        if ids.count != vectors.count { throw wrongCount("ids", ids.count, vectors.count) }
        try rethrow { () throws(CoreError) in
            try core.update(ids, elements, type: inputType(E.self), count: ids.count)
        }
    }

    /// Removes rows; ids that are not there are passed over.
    /// - Returns: How many rows were removed.
    /// - Throws: `.readOnly`, `.outOfMemory`.
    @discardableResult
    public func remove(_ ids: [UInt64]) throws(VecStoreError) -> Int {
        try rethrow { () throws(CoreError) in try core.remove(ids, ids.count) }
    }

    /// Rewrites what removed rows left behind and returns the memory. Ids do not change.
    /// - Throws: `.readOnly`, `.outOfMemory`.
    /// - Complexity: O(rows × dimension).
    public func compact() throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.compact() }
    }

    /// Makes searches of a graph faster and lets them find more, once most rows are in: chooses the links of every row once
    /// more, lays rows that are near each other side by side, and returns the memory of removed rows. Ids do not change.
    /// Takes as much memory again while it runs. `.ivf`: trains on the rows that there are and puts all of them into new lists,
    /// where rows are kept. `.flat`, and `.ivf` of codes alone: the same as `compact()`.
    /// - Parameters:
    ///   - threads: 0: as many as the process has processors.
    ///   - progress: As in `add`. Cancelled, it leaves a whole index, part of which is optimized.
    /// - Throws: `.invalidArgument`, `.readOnly`, `.outOfMemory`, `.cancelled`.
    /// - Complexity: That of adding the rows.
    public func optimize(threads: Int = 0, progress: ((_ done: Int, _ total: Int) -> Bool)? = nil) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.optimize(threads: ThreadPool.checkedThreads(threads), progress: progress) }
    }

    /// Finds the least `efSearch` (`.hnsw`) or `nprobe` (`.ivf`) with which searches reach a recall, measured against exact
    /// search, and keeps it in the index and its file for searches with `targetRecall`. Of `.ivf` it goes with the lists that
    /// it was measured with: training anew, `optimize` too, forgets it.
    /// - Parameters:
    ///   - queries: Vectors like those that will be searched for, some hundreds; at most 1,000 are used.
    ///   - recall: The share of the `k` nearest rows that searches shall find: above 0, up to 1.
    ///   - k: 1 to 1,048,576.
    ///   - threads: 0: as many as the process has processors.
    /// - Throws: `.unsupported` for `.flat`, which is exact, for `.ivf` of codes alone, which has no rows to measure against,
    ///   and for a recall that is out of reach; `.invalidArgument`, for an empty index too; `.readOnly`; as `search`.
    /// - Complexity: O(queries × rows × dimension).
    @discardableResult
    public func calibrate<E: VectorElement>(
        queries: [[E]], recall: Float = 0.95, k: Int = 10, threads: Int = 0
    ) throws(VecStoreError) -> Calibration {
        let elements = try joined(queries)
        return try rethrow { () throws(CoreError) in
            try Calibration(
                core.calibrate(
                    elements, type: inputType(E.self), count: queries.count, k: checkedK(k), recall: recall,
                    threads: ThreadPool.checkedThreads(threads)))
        }
    }

    /// The same with 200 rows of the index as queries, which are found more easily than strangers: pass queries where you
    /// have some.
    @discardableResult
    public func calibrate(recall: Float = 0.95, k: Int = 10, threads: Int = 0) throws(VecStoreError) -> Calibration {
        try rethrow { () throws(CoreError) in
            try Calibration(
                core.calibrate(
                    nil, type: core.elementType, count: 0, k: checkedK(k), recall: recall, threads: ThreadPool.checkedThreads(threads)))
        }
    }

    /// Reserves memory for `rows` rows altogether.
    /// - Throws: `.invalidArgument` below 0, `.readOnly`, `.tooLarge`, `.outOfMemory`.
    public func reserve(_ rows: Int) throws(VecStoreError) {
        guard rows >= 0 else { throw VecStoreError(CoreError(.invalidArgument, "rows is \(rows): allowed is 0 and more")) }
        try rethrow { () throws(CoreError) in try core.reserve(rows) }
    }
}
