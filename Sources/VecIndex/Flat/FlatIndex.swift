// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// What a new index is made of.
package struct IndexOptions: Sendable {
    package var dimension: Int
    package var metric: Metric
    package var type: ElementType
    /// 8-bit copies of the rows for faster exact search; nil: where they help.
    package var exactCodes: Bool?
    package var capacity: Int

    package init(
        dimension: Int, metric: Metric = .l2Squared, type: ElementType = .float32, exactCodes: Bool? = nil,
        capacity: Int = 0
    ) {
        self.dimension = dimension
        self.metric = metric
        self.type = type
        self.exactCodes = exactCodes
        self.capacity = capacity
    }
}

/// An index that compares a query with every row.
///
/// Rows lie in segments that only grow; what is published of them is a snapshot. A search takes the snapshot and needs no
/// lock after that. Writers work one at a time and publish a new snapshot when they are done.
package final class FlatIndex: VectorIndex, @unchecked Sendable {
    // Safety: changes are made under `writerLock`; what readers see is published.

    package let shape: RowShape
    let table: KernelTable
    /// Nil for an index in memory.
    let map: MappedFile?

    let writerLock = Lock()
    let published: Published<FlatSnapshot>

    /// An empty index.
    package convenience init(_ options: IndexOptions, table: KernelTable = .current) throws(VecStoreError) {
        let shape = try RowShape(options)
        self.init(
            shape, table: table, map: nil, snapshot: FlatSnapshot([]), lookup: .table(IDMap()), nextID: 0)
        if options.capacity > 0 { try reserve(options.capacity) }
    }

    init(
        _ shape: RowShape, table: KernelTable, map: MappedFile?, snapshot: FlatSnapshot, lookup: IDLookup,
        nextID: UInt64
    ) {
        self.shape = shape
        self.table = table
        self.map = map
        published = Published(snapshot, lookup, nextID: nextID)
    }

    // MARK: - State

    package var kind: IndexKind { .flat }
    package var dimension: Int { shape.dimension }
    package var metric: Metric { shape.metric }
    package var elementType: ElementType { shape.type }
    package var isReadOnly: Bool { map != nil }

    package var count: Int { current.count }

    /// The state that a reader works on.
    var current: FlatSnapshot { published.current }

    func context() throws(VecStoreError) -> ScanContext {
        try ScanContext(table: table, metric: shape.metric, type: shape.type, dimension: shape.dimension)
    }

    func checkWritable() throws(VecStoreError) {
        if isReadOnly {
            throw VecStoreError(
                .readOnly, "the index is a read-only map of a file: open it with load to change it")
        }
    }

    // MARK: - Reading

    package func stats() -> IndexStats {
        published.with { (lookup, state, nextID) in
            IndexStats(
                count: state.count, removedCount: state.removedCount, memoryBytes: state.bytes + lookup.bytes,
                mappedBytes: map?.size ?? 0, nextID: nextID, keepsExactCodes: shape.keepsCodes)
        }
    }

    package func contains(
        _ ids: UnsafePointer<UInt64>, _ count: Int, _ found: UnsafeMutablePointer<UInt8>
    ) {
        published.with { (lookup, _, _) in lookup.mark(ids, count, found) }
    }

    /// Copies vectors out, as stored or widened to float32.
    package func get(
        _ ids: UnsafePointer<UInt64>, _ count: Int, as type: ElementType, _ out: UnsafeMutableRawPointer
    ) throws(VecStoreError) {
        try checkOutput(type, of: shape.type)
        let slots = try allocate(UInt32.self, count, for: "\(count) slots")
        let slot = slots.pointer(UInt32.self)
        let state = try published.with { (lookup, state, _) throws(VecStoreError) in
            for i in 0..<count {
                guard let found = lookup.slot(of: ids[i]) else { throw FlatIndex.notFound(ids[i]) }
                slot[i] = found
            }
            return state
        }
        for i in 0..<count {
            guard let p = state.part(of: Int(slot[i])) else { throw FlatIndex.notFound(ids[i]) }
            let part = state.parts[p]
            let row = part.segment.rows + (Int(slot[i]) - part.firstSlot) * shape.rowSize
            if type == shape.type {
                (out + i * shape.rowSize).copyMemory(from: row, byteCount: shape.rowSize)
            } else {
                convertToFloat32(row, shape.type, out + i * 4 * shape.dimension, shape.dimension, table)
            }
        }
    }

    static func notFound(_ id: UInt64) -> VecStoreError {
        VecStoreError(.notFound, "the index has no row with the id \(id)")
    }

    /// Copies ids in the order of storage, from row `offset` on.
    package func ids(offset: UInt64, capacity: Int, _ out: UnsafeMutablePointer<UInt64>) -> Int {
        var skip = offset
        var written = 0
        for part in current.parts {
            if skip >= UInt64(part.liveCount) {
                skip -= UInt64(part.liveCount)
                continue
            }
            for place in 0..<part.count {
                if let removed = part.removed, !removed.isLive(place) { continue }
                if skip > 0 {
                    skip -= 1
                    continue
                }
                if written == capacity { return written }
                out[written] = part.segment.ids[place]
                written += 1
            }
        }
        return written
    }

    // MARK: - Searching

    package func search(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, k: Int, options: SearchOptions,
        _ output: SearchOutput
    ) throws(VecStoreError) {
        let context = try context()
        let state = current
        let block = try QueryBlock(
            queries, type: type, count: count, dimension: shape.dimension, metric: shape.metric, rowType: shape.type,
            table: table)
        let filtered = try FilteredBlocks(state.blocks(shape), options.filter)
        try filtered.withBlocks { blocks throws(VecStoreError) in
            try ExactSearch.nearest(context, block, blocks, k: k, threads: options.threads, output)
        }
        withExtendedLifetime(state) {}
    }

    package func searchRange(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, radius: Float, options: SearchOptions
    ) throws(VecStoreError) -> RangeResult {
        let context = try context()
        let state = current
        let block = try QueryBlock(
            queries, type: type, count: count, dimension: shape.dimension, metric: shape.metric, rowType: shape.type,
            table: table)
        let filtered = try FilteredBlocks(state.blocks(shape), options.filter)
        defer { withExtendedLifetime(state) {} }
        return try filtered.withBlocks { blocks throws(VecStoreError) in
            try ExactSearch.range(context, block, blocks, radius: radius, threads: options.threads)
        }
    }
}

extension FlatIndex {
    /// Every search finds all there is.
    package func calibrate(
        _ queries: UnsafeRawPointer?, type: ElementType, count: Int, k: Int, recall: Float, threads: Int
    ) throws(VecStoreError) -> Calibration {
        throw VecStoreError(.unsupported, "a flat index is exact: there is nothing to calibrate")
    }

    /// Rows are read in order: there is no better one.
    package func optimize(threads: Int = 0, progress: Progress? = nil) throws(VecStoreError) {
        try compact()
        guard progress?(count, count) ?? true else { throw VecStoreError(.cancelled, "optimizing was cancelled at its end") }
    }
}

extension RowShape {
    /// The shape that options ask for.
    init(_ options: IndexOptions) throws(VecStoreError) {
        guard options.dimension >= 1 && options.dimension <= Limits.dimension else {
            throw VecStoreError(.invalidArgument, "dim is \(options.dimension): allowed is 1 to \(Limits.dimension)")
        }
        try checkMetric(options.metric, options.type)
        let possible = CodedRows.isPossible(options.metric, options.type)
        if options.exactCodes == true && !possible {
            throw VecStoreError(
                .unsupported,
                "exact codes exist for float types under l2sq, ip and cosine, not for \(options.type.name) under \(options.metric.name)")
        }
        let useful = options.type == .float32 && CodedRows.pays(options.metric, options.type, dimension: options.dimension)
        self.init(
            dimension: options.dimension, metric: options.metric, type: options.type,
            keepsCodes: options.exactCodes ?? useful)
    }
}
