// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// An index of vectors, each known by a 64-bit id.
///
///     let index = try Index(.hnsw(), dimension: 384, metric: .cosine)
///     let ids = try index.add(vectors)
///     let hits = try index.search(query, k: 10)
///     try index.save(to: "packages.vecstore")
///
/// Safe to use from several threads at once: searches run in parallel, beside each other and beside writers. `.flat`: writers
/// work one at a time, and a search sees the index as it was when the search began. `.hnsw`: several threads may add at
/// once, other writers work one at a time; a search sees each row that was there when it began and is still there when it
/// ends, and rows added or removed meanwhile or not. `.ivf`: as `.flat`.
public final class Index: Sendable {
    let core: any VectorIndex

    // MARK: - Making and opening

    /// An empty index.
    /// - Parameters:
    ///   - design: `.flat`, exact, or `.hnsw()` or `.ivf()`, approximate and fast, or `.auto()`, which chooses; all take
    ///     options.
    ///   - dimension: Elements (for `.bits`: bits) of a vector: 1 to 65,536.
    ///   - metric: `.hamming` and `.jaccard` go with `.bits`, the others with all other types.
    ///   - elementType: How rows are stored.
    ///   - exactCodes: The same as `.flat(exactCodes:)`; nil for the others.
    ///   - capacity: Rows to reserve memory for; of `.auto()` rows that are expected. The index grows past it by itself.
    /// - Throws: `.invalidArgument` for a number out of range, `.unsupported` for what does not go together, `.tooLarge`,
    ///   `.outOfMemory`.
    public init(
        _ design: Design = .flat, dimension: Int, metric: Metric = .l2Squared, elementType: ElementType = .float32,
        exactCodes: Bool? = nil, capacity: Int = 0
    ) throws(VecStoreError) {
        core = try rethrow { () throws(CoreError) in
            try makeIndex(
                design, dimension: dimension, metric: metric, elementType: elementType, exactCodes: exactCodes,
                capacity: capacity)
        }
    }

    /// Opens the file of an index, of any kind.
    /// - Parameters:
    ///   - load: Whether to read it into memory, writable; else it is mapped, read-only, without copying.
    ///   - verify: Whether to check every byte; nil: where it is loaded.
    ///   - prefault: Whether to read the mapped pages in now.
    /// - Throws: `.invalidArgument`, `.notFound`, `.io`, `.corrupt`, `.newerVersion`, `.outOfMemory`.
    /// - Complexity: O(1) for a map without `verify`, else O(bytes).
    public init(opening path: String, load: Bool = false, verify: Bool? = nil, prefault: Bool = false) throws(VecStoreError) {
        core = try rethrow { () throws(CoreError) in
            try openIndex(checkedPath(path), OpenOptions(load: load, verify: verify, prefault: prefault))
        }
    }

    /// Writes the index to a file, whole or not at all. An index that maps the file replaced stays valid.
    /// - Parameter sync: Whether to wait until the disk has it.
    /// - Throws: `.invalidArgument`, `.notFound` (no such directory), `.io`, `.outOfMemory`.
    public func save(to path: String, sync: Bool = true) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.save(to: checkedPath(path), sync: sync) }
    }

    // MARK: - What it is

    /// How it finds its results; of an `.auto` one: now.
    public var kind: Kind {
        switch core.kind {
        case .flat: .flat
        case .hnsw: .hnsw
        case .ivf: .ivf
        }
    }
    public var dimension: Int { core.dimension }
    public var metric: Metric { Metric(core.metric) }
    public var elementType: ElementType { ElementType(core.elementType) }
    /// Whether this is a map of a file.
    public var isReadOnly: Bool { core.isReadOnly }
    /// The number of rows.
    public var count: Int { core.count }
    /// What the index costs, and what its parts are like.
    public var stats: Stats { Stats(core.stats()) }
    /// Memory of the process held by the index, in bytes, without the map of a file.
    public var memoryBytes: Int { core.stats().memoryBytes }

    /// The ids of all rows, in the order of storage.
    public var ids: [UInt64] {
        let room = core.count
        // The initialiser would write its count into the storage that all empty arrays share.
        guard room > 0 else { return [] }
        return [UInt64](unsafeUninitializedCapacity: room) { buffer, count in
            count = buffer.baseAddress.map { core.ids(offset: 0, capacity: room, $0) } ?? 0
        }
    }

    /// What the index is, in words: some lines. Of an `.auto` one also what was chosen, why, what memory it was estimated to
    /// take and takes, what its calibration found, and what `optimize` would do now.
    public func explain() -> String { core.explain() }

    /// Checks the index against its own checksums and rules: of a map every byte of the file, of a graph every link, and
    /// that every row can be reached, of an inverted file that every row is in its lists.
    /// - Throws: `.corrupt` with a message that says what is wrong.
    /// - Complexity: O(bytes).
    public func verify() throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.verify() }
    }

    // MARK: - Reading

    /// Whether the index has a row.
    public func contains(_ id: UInt64) -> Bool {
        var found: UInt8 = 0
        var id = id
        core.contains(&id, 1, &found)
        return found == 1
    }

    /// The vector of a row of floats, widened to `Float`; nil where the index has no such row. An index without finer rows
    /// (`.none` of `Rescore`) has only what its storage holds of it; codes of `.ivf` hold the direction alone under `.cosine`.
    /// - Throws: `.unsupported` where rows are no floats, `.outOfMemory`; `.corrupt` where a map names no row.
    public func vector(_ id: UInt64) throws(VecStoreError) -> [Float]? {
        var vector = [Float](repeating: 0, count: dimension)
        var id = id
        do {
            try core.get(&id, 1, as: .float32, &vector)
        } catch {
            if error.code == .notFound { return nil }
            throw VecStoreError(error)
        }
        return vector
    }
}
