// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// An index of vectors, each known by a 64-bit id.
///
///     let index = try Index(.flat, dimension: 384, metric: .cosine)
///     let ids = try index.add(vectors)
///     let hits = try index.search(query, k: 10)
///     try index.save(to: "packages.vecstore")
///
/// Safe to use from several threads at once: searches run in parallel, beside each other and beside a writer; writers
/// work one at a time. A search sees the index as it was when the search began.
public final class Index: Sendable {
    /// How an index finds its results.
    public enum Kind: Sendable {
        /// Exact: compares the query with every row that the filter lets through.
        case flat
    }

    private let core: FlatIndex

    // MARK: - Making and opening

    /// An empty index.
    /// - Parameters:
    ///   - dimension: Elements (for `.bits`: bits) of a vector: 1 to 65,536.
    ///   - metric: `.hamming` and `.jaccard` go with `.bits`, the others with all other types.
    ///   - elementType: How rows are stored.
    ///   - exactCodes: Whether 8-bit copies of the rows make exact search faster, for one byte more an element; nil: where
    ///     they help (`.float32` under `.l2Squared`, `.innerProduct` and `.cosine`).
    ///   - capacity: Rows to reserve memory for. The index grows past it by itself.
    public init(
        _ kind: Kind = .flat, dimension: Int, metric: Metric = .l2Squared, elementType: ElementType = .float32,
        exactCodes: Bool? = nil, capacity: Int = 0
    ) throws(IndexError) {
        guard capacity >= 0 else {
            throw IndexError(VecStoreError(.invalidArgument, "capacity is \(capacity): allowed is 0 and more"))
        }
        core = try rethrow { () throws(VecStoreError) in
            try FlatIndex(
                IndexOptions(
                    dimension: dimension, metric: metric.internalValue, type: elementType.internalValue,
                    exactCodes: exactCodes, capacity: capacity))
        }
    }

    /// Opens the file of an index.
    /// - Parameters:
    ///   - load: Whether to read it into memory, writable; else it is mapped, read-only, without copying.
    ///   - verify: Whether to check every byte; nil: where it is loaded.
    ///   - prefault: Whether to read the mapped pages in now.
    public init(opening path: String, load: Bool = false, verify: Bool? = nil, prefault: Bool = false) throws(IndexError) {
        core = try rethrow { () throws(VecStoreError) in
            try FlatIndex.open(Index.checked(path), OpenOptions(load: load, verify: verify, prefault: prefault))
        }
    }

    /// Writes the index to a file, whole or not at all.
    /// - Parameter sync: Whether to wait until the disk has it.
    public func save(to path: String, sync: Bool = true) throws(IndexError) {
        try rethrow { () throws(VecStoreError) in try core.save(to: Index.checked(path), sync: sync) }
    }

    // MARK: - What it is

    public var dimension: Int { core.shape.dimension }
    public var metric: Metric { Metric(core.shape.metric) }
    public var elementType: ElementType { ElementType(core.shape.type) }
    /// Whether this is a map of a file.
    public var isReadOnly: Bool { core.isReadOnly }
    /// The number of rows.
    public var count: Int { core.count }
    /// Memory of the process held by the index, in bytes, without the map of a file.
    public var memoryBytes: Int { core.stats().memoryBytes }

    /// The ids of all rows, in the order of storage.
    public var ids: [UInt64] {
        let room = core.count
        return [UInt64](unsafeUninitializedCapacity: room) { buffer, count in
            count = buffer.baseAddress.map { core.ids(offset: 0, capacity: room, $0) } ?? 0
        }
    }

    /// Checks the index against its own checksums and rules.
    public func verify() throws(IndexError) {
        try rethrow { () throws(VecStoreError) in try core.verify() }
    }

    // MARK: - Changing

    /// Adds vectors: all of them, or none where it throws.
    /// - Parameters:
    ///   - ids: One new id for each vector; nil: assigned, from one more than the largest id so far.
    ///   - threads: 0: as many as the process has processors.
    /// - Returns: The ids of the rows.
    @discardableResult
    public func add<E: VectorElement>(
        _ vectors: [[E]], ids: [UInt64]? = nil, threads: Int = 0
    ) throws(IndexError) -> [UInt64] {
        try add(flat: joined(vectors), ids: ids, threads: threads)
    }

    /// Adds vectors that lie one behind the other in one array.
    @discardableResult
    public func add<E: VectorElement>(
        flat elements: [E], ids: [UInt64]? = nil, threads: Int = 0
    ) throws(IndexError) -> [UInt64] {
        let count = try rows(elements)
        if let ids, ids.count != count { throw wrongCount("ids", ids.count, count) }
        var result = [UInt64](repeating: 0, count: count)
        try rethrow { () throws(VecStoreError) in
            try core.add(
                elements, type: inputType(E.self), count: count, ids: ids, outIDs: &result,
                threads: checked(threads))
        }
        return result
    }

    /// Replaces the vectors of rows that exist: all of them, or none where it throws.
    public func update<E: VectorElement>(_ ids: [UInt64], _ vectors: [[E]]) throws(IndexError) {
        let elements = try joined(vectors)
        if ids.count != vectors.count { throw wrongCount("ids", ids.count, vectors.count) }
        try rethrow { () throws(VecStoreError) in
            try core.update(ids, elements, type: inputType(E.self), count: ids.count)
        }
    }

    /// Removes rows; ids that are not there are passed over.
    /// - Returns: How many rows were removed.
    @discardableResult
    public func remove(_ ids: [UInt64]) throws(IndexError) -> Int {
        try rethrow { () throws(VecStoreError) in try core.remove(ids, ids.count) }
    }

    /// Rewrites what removed rows left behind and returns the memory.
    public func compact() throws(IndexError) {
        try rethrow { () throws(VecStoreError) in try core.compact() }
    }

    /// Reserves memory for `rows` rows altogether.
    public func reserve(_ rows: Int) throws(IndexError) {
        guard rows >= 0 else { throw IndexError(VecStoreError(.invalidArgument, "rows is \(rows): allowed is 0 and more")) }
        try rethrow { () throws(VecStoreError) in try core.reserve(rows) }
    }

    // MARK: - Reading

    public func contains(_ id: UInt64) -> Bool {
        var found: UInt8 = 0
        var id = id
        core.contains(&id, 1, &found)
        return found == 1
    }

    /// The vector of a row of floats, widened to `Float`; nil where the index has no such row.
    public func vector(_ id: UInt64) throws(IndexError) -> [Float]? {
        var vector = [Float](repeating: 0, count: dimension)
        var id = id
        do {
            try core.get(&id, 1, as: .float32, &vector)
        } catch {
            if error.code == .notFound { return nil }
            throw IndexError(error)
        }
        return vector
    }

    // MARK: - Searching

    /// The k nearest rows of a query, nearest first; fewer where the index, or the filter, has fewer.
    /// - Complexity: O(rows × dimension).
    public func search<E: VectorElement>(
        _ query: [E], k: Int = 10, filter: Filter? = nil, threads: Int = 0
    ) throws(IndexError) -> [Hit] {
        try search([query], k: k, filter: filter, threads: threads)[0]
    }

    /// The k nearest rows of each query.
    public func search<E: VectorElement>(
        _ queries: [[E]], k: Int = 10, filter: Filter? = nil, threads: Int = 0
    ) throws(IndexError) -> [[Hit]] {
        let elements = try joined(queries)
        guard k >= 1 && k <= Limits.k else {
            throw IndexError(VecStoreError(.invalidArgument, "k is \(k): allowed is 1 to \(Limits.k)"))
        }
        guard let cells = product(queries.count, k), cells < 1 << 40 else {
            throw IndexError(VecStoreError(.tooLarge, "\(queries.count) queries for k \(k) have too many results"))
        }
        return try rethrow { () throws(VecStoreError) in
            // Not arrays: for those a lack of memory is the end of the process.
            let what = "the results of \(queries.count) queries for k \(k)"
            let idMemory = try allocate(UInt64.self, cells, for: what)
            let distanceMemory = try allocate(Float.self, cells, for: what)
            let countMemory = try allocate(UInt64.self, queries.count, for: what)
            let ids = idMemory.pointer(UInt64.self), distances = distanceMemory.pointer(Float.self)
            let counts = countMemory.pointer(UInt64.self)
            try withFilter(filter) { (rows) throws(VecStoreError) in
                try core.search(
                    elements, type: inputType(E.self), count: queries.count, k: k, filter: rows,
                    threads: checked(threads), SearchOutput(ids: ids, distances: distances, counts: counts))
            }
            let hits = queries.indices.map { q in
                (0..<Int(counts[q])).map { Hit(id: ids[q * k + $0], distance: distances[q * k + $0]) }
            }
            withExtendedLifetime((idMemory, distanceMemory, countMemory)) {}
            return hits
        }
    }

    /// All rows whose distance to a query is at most `radius`, nearest first.
    public func search<E: VectorElement>(
        _ query: [E], within radius: Float, filter: Filter? = nil, threads: Int = 0
    ) throws(IndexError) -> [Hit] {
        let elements = try joined([query])
        guard !radius.isNaN else { throw IndexError(VecStoreError(.invalidArgument, "radius is NaN")) }
        return try rethrow { () throws(VecStoreError) in
            try withFilter(filter) { (rows) throws(VecStoreError) in
                let found = try core.searchRange(
                    elements, type: inputType(E.self), count: 1, radius: radius, filter: rows,
                    threads: checked(threads))
                return (0..<Int(found.offsets[1])).map { Hit(id: found.ids[$0], distance: found.distances[$0]) }
            }
        }
    }

    // MARK: - Input

    /// A number of threads, resolved.
    private func checked(_ threads: Int) throws(VecStoreError) -> Int {
        guard threads >= 0 && threads <= Limits.threads else {
            throw VecStoreError(
                .invalidArgument, "threads is \(threads): allowed is 0 (default) to \(Limits.threads)")
        }
        return ThreadPool.threads(threads)
    }

    /// A file name without an end in the middle.
    private static func checked(_ path: String) throws(VecStoreError) -> String {
        guard !path.isEmpty && !path.utf8.contains(0) else {
            throw VecStoreError(.invalidArgument, "path is empty or contains a zero byte")
        }
        return path
    }

    private func inputType<E: VectorElement>(_: E.Type) -> VecKernelTypes.ElementType {
        E.inputType(for: elementType).internalValue
    }

    /// Elements in one vector as it is given: bits come eight to a byte.
    private var inputLength: Int { elementType == .bits ? (dimension + 7) / 8 : dimension }

    private func joined<E: VectorElement>(_ vectors: [[E]]) throws(IndexError) -> [E] {
        for (i, vector) in vectors.enumerated() where vector.count != inputLength {
            throw wrongLength("vector \(i) has \(vector.count) elements", inputLength)
        }
        return vectors.flatMap { $0 }
    }

    private func rows<E: VectorElement>(_ elements: [E]) throws(IndexError) -> Int {
        guard elements.count % inputLength == 0 else {
            throw wrongLength("\(elements.count) elements are no whole vectors", inputLength)
        }
        return elements.count / inputLength
    }

    private func wrongLength(_ what: String, _ length: Int) -> IndexError {
        IndexError(VecStoreError(.invalidArgument, "\(what): each vector of this index has \(length)"))
    }

    private func wrongCount(_ what: String, _ got: Int, _ want: Int) -> IndexError {
        IndexError(VecStoreError(.invalidArgument, "there are \(got) \(what) for \(want) vectors"))
    }

    private func withFilter<R>(
        _ filter: Filter?, _ body: (RowFilter) throws(VecStoreError) -> R
    ) throws(VecStoreError) -> R {
        func withList(_ ids: [UInt64], isNegated: Bool) throws(VecStoreError) -> R {
            let memory = try allocate(UInt64.self, ids.count, for: "a filter of ids")
            let copy = memory.pointer(UInt64.self)
            for (i, id) in ids.enumerated() { copy[i] = id }
            defer { withExtendedLifetime(memory) {} }
            return try body(RowFilter(.ids(copy, count: ids.count), isNegated: isNegated))
        }
        switch filter {
        case nil: return try body(RowFilter(.none))
        case .ids(let ids): return try withList(ids, isNegated: false)
        case .excluding(let ids): return try withList(ids, isNegated: true)
        case .matching(let callback): return try body(RowFilter(.callback(callback)))
        }
    }
}
