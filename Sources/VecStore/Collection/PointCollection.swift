// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Points in a directory: each with an id, one or more vectors, and a payload, which is a JSON object.
///
///     let points = try PointCollection(creating: "packages", dimension: 384, metric: .cosine)
///     try points.createPayloadIndex("section", .keyword)
///     try points.upsert([PointCollection.Point(1, vector, payload: try Payload(package))])
///     for hit in try points.search(query, k: 10, filter: Field("section") == "net") {
///         print(hit.id, hit.score, try hit.payload(as: Package.self) as Any)
///     }
///     try points.close()
///
/// Writes are atomic and, as the collection is opened by default, on the disk when they return; they are found by the next
/// search. A call that throws has changed nothing.
///
/// **Threads.** Any method may be called from any thread and task. Reads run in parallel, beside each other and beside one
/// writer; each sees the points of one moment, and every write that had returned before it began. Writes take turns. Calls block
/// their thread: they wait for the disk, or use up to `threads` threads. There are none that are `async`, because they would
/// block a thread of the cooperative pool; call long ones from a thread of your own.
///
/// **Processes.** One object writes at a time, of all processes; any number read beside it, with `readOnly: true`. A child of
/// `fork` cannot use a collection of its parent (`.invalidHandle`): it opens it for itself.
///
/// The name is not `Collection`, because that is a protocol of the standard library which a type of this name would hide from
/// every program that imports this module.
public final class PointCollection: Sendable {
    let core: VecCollection.PointCollection

    // MARK: - Beginning and end

    /// Makes a directory with an empty collection of points with one vector, whole or not at all, and opens it for writing.
    /// - Parameters:
    ///   - path: Of a directory that does not exist, or is empty.
    ///   - dimension: Elements of a vector: 1 to 65,536. `VectorOptions` has more to choose.
    ///   - metric: `.l2Squared`, `.innerProduct` or `.cosine`.
    /// - Throws: As for several vectors.
    public convenience init(
        creating path: String, dimension: Int, metric: Metric = .cosine, durability: Durability = .full, indexThreads: Int = 0,
        memory: Memory = .mapped, memoryBudget: Int? = nil
    ) throws(VecStoreError) {
        try self.init(
            creating: path, vectors: [VectorOptions(dimension: dimension, metric: metric)], durability: durability,
            indexThreads: indexThreads, memory: memory, memoryBudget: memoryBudget)
    }

    /// Makes a directory with an empty collection, whole or not at all, and opens it for writing.
    /// - Parameters:
    ///   - path: Of a directory that does not exist, or is empty.
    ///   - vectors: Those that points have: 1 to 64, each with a name of its own; a single one may have none.
    ///   - durability: When a write is safe. It is not stored.
    ///   - indexThreads: Threads that bring points into graphs in the background: 0 to 1,024; 0: as many as the process has
    ///     processors.
    ///   - memory: Where vectors and graphs lie. It is not stored.
    ///   - memoryBudget: Most bytes that the collection may ask for, without pages of SQLite and maps of files; nil: no limit. Where
    ///     it is reached caches and graphs give way, and then writes of points and searches by words throw `.outOfMemory`.
    /// - Throws: `.invalidArgument`, `.unsupported`, `.alreadyExists` (there is something in the directory), `.notFound` (no such
    ///   parent directory), `.io`, `.outOfMemory`.
    public init(
        creating path: String, vectors: [VectorOptions], durability: Durability = .full, indexThreads: Int = 0,
        memory: Memory = .mapped, memoryBudget: Int? = nil
    ) throws(VecStoreError) {
        core = try rethrow { () throws(CoreError) in
            var settings: [VectorSettings] = []
            for options in vectors { settings.append(try options.settings()) }
            return try VecCollection.PointCollection.create(
                checkedPath(path), vectors: settings,
                CollectionOptions(
                    durability: durability.internalValue, indexThreads: ThreadPool.checkedThreads(indexThreads),
                    memory: memory.internalValue, memoryBudget: try PointCollection.checkedBudget(memoryBudget)))
        }
    }

    /// Opens a collection. After a crash at any moment this needs nothing else: what was written is there.
    /// - Parameters:
    ///   - readOnly: Whether to read alone, without a lock and without permission to write.
    ///   - durability, indexThreads, memory, memoryBudget: As for a new collection.
    /// - Throws: `.invalidArgument`, `.notFound`, `.locked` (it is open for writing already), `.io`, `.corrupt`,
    ///   `.newerVersion`, `.outOfMemory`.
    /// - Complexity: O(points): some 5 ns for each where the last writer has closed or optimized it and nothing was written since,
    ///   else some 100 ns.
    public init(
        opening path: String, readOnly: Bool = false, durability: Durability = .full, indexThreads: Int = 0,
        memory: Memory = .mapped, memoryBudget: Int? = nil
    ) throws(VecStoreError) {
        core = try rethrow { () throws(CoreError) in
            try VecCollection.PointCollection.open(
                checkedPath(path),
                CollectionOptions(
                    isReadOnly: readOnly, durability: durability.internalValue, indexThreads: ThreadPool.checkedThreads(indexThreads),
                    memory: memory.internalValue, memoryBudget: try PointCollection.checkedBudget(memoryBudget)))
        }
    }

    private static func checkedBudget(_ budget: Int?) throws(CoreError) -> Int? {
        guard let budget, budget < 1 else { return budget }
        throw CoreError(.invalidArgument, "memoryBudget is \(budget): allowed are numbers of bytes from 1 on, and nil")
    }

    /// As `close`, without its errors.
    deinit { try? core.close() }

    /// Saves what was indexed, and lets go of the directory. Later calls throw `.invalidHandle`; closing twice does nothing.
    /// Points are safe without it.
    /// - Throws: `.io` where the graph could not be saved: it is made again by the next one who opens the collection.
    public func close() throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.close() }
    }

    // MARK: - What it is

    /// The directory.
    public var path: String { core.directory }
    /// Whether it was opened for reading alone.
    public var isReadOnly: Bool { core.isReadOnly }
    /// The vectors that points have.
    public var vectors: [VectorOptions] { core.settings.map { VectorOptions($0) } }
}
