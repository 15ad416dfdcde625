// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// Is told how far a long call has come, on the calling thread; false cancels it.
package typealias Progress = (_ done: Int, _ total: Int) -> Bool

/// How one search is done. Kinds of index pass over what means nothing to them.
package struct SearchOptions {
    package var filter: RowFilter
    /// Resolved: at least 1.
    package var threads: Int
    /// Lists that a search reads; nil: the default.
    package var nprobe: Int?
    /// Rows that a graph search keeps in view; nil: the default.
    package var efSearch: Int?
    /// The recall that a calibrated index is to reach; nil: no matter.
    package var targetRecall: Float?
    /// Whether results are ranked by exact rows, where the index has finer ones than it searches.
    package var rescores: Bool
    /// Ranks at most so many times k rows exactly; nil: as many as can still be among the best.
    package var oversampling: Float?
    /// Is told what a search of a graph does; nil: nobody asks.
    package var report: GraphReport?

    package init(
        filter: RowFilter = RowFilter(.none), threads: Int = 1, nprobe: Int? = nil, efSearch: Int? = nil,
        targetRecall: Float? = nil, rescores: Bool = true, oversampling: Float? = nil
    ) {
        self.filter = filter
        self.threads = threads
        self.nprobe = nprobe
        self.efSearch = efSearch
        self.targetRecall = targetRecall
        self.rescores = rescores
        self.oversampling = oversampling
    }
}

/// What an index is and costs.
package struct IndexStats: Sendable {
    package var count = 0
    package var removedCount = 0
    package var memoryBytes = 0
    package var mappedBytes = 0
    package var nextID: UInt64 = 0
    package var keepsExactCodes = false
    /// Whether it was chosen by what there is to keep.
    package var isAutomatic = false
    package var graph: GraphStats?
    package var lists: ListStats?
}

/// What is peculiar to an inverted file.
package struct ListStats: Sendable {
    /// 0 before training, where it goes by the number of rows.
    package var nlist = 0
    package var storage = ListStorage.auto
    /// The type of the rows that results are ranked by; nil where there are codes alone.
    package var exactType: ElementType?
    package var assignments = 1
    /// Whether a graph over the centroids finds the nearest lists.
    package var hasGraph = false
    /// Rows that it was trained on; 0 before.
    package var trainedCount = 0
    /// Bytes that a row takes in a list, with its slot.
    package var bytesPerRow = 0
    /// Rows of the longest list.
    package var longestList = 0
    /// How much more work uneven lists make than even ones: nlist · Σ n² / (Σ n)², 1 where all are of one length.
    package var imbalance: Float = 1
    /// The setting that calibration found, and what it measured.
    package var calibration: Calibration?
}

/// What is peculiar to a graph.
package struct GraphStats: Sendable {
    package var m = 0
    package var efConstruction = 0
    /// How rows are stored that the walk compares; `.auto` while that is open.
    package var storage = GraphStorage.auto
    /// The type of the rows that results are ranked by; nil where there are codes alone.
    package var exactType: ElementType?
    /// The share of near rows that codes lose, measured in training; nil where there was none.
    package var codeLoss: Float?
    /// Whether walks read 4-bit copies first.
    package var isSketched = false
    package var levels = 0
    /// The setting that calibration found, and what it measured.
    package var calibration: Calibration?
}

/// What every kind of index can do. See the header for what the calls mean.
package protocol VectorIndex: AnyObject, Sendable {
    var kind: IndexKind { get }
    var dimension: Int { get }
    var metric: Metric { get }
    var elementType: ElementType { get }
    var isReadOnly: Bool { get }
    var count: Int { get }

    func train(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, threads: Int, progress: Progress?
    ) throws(VecStoreError)
    func add(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, ids: UnsafePointer<UInt64>?,
        outIDs: UnsafeMutablePointer<UInt64>?, threads: Int, progress: Progress?
    ) throws(VecStoreError)
    func update(
        _ ids: UnsafePointer<UInt64>, _ vectors: UnsafeRawPointer, type: ElementType, count: Int
    ) throws(VecStoreError)
    func remove(_ ids: UnsafePointer<UInt64>, _ count: Int) throws(VecStoreError) -> Int
    func compact() throws(VecStoreError)
    func optimize(threads: Int, progress: Progress?) throws(VecStoreError)
    func reserve(_ rows: Int) throws(VecStoreError)

    func contains(_ ids: UnsafePointer<UInt64>, _ count: Int, _ found: UnsafeMutablePointer<UInt8>)
    func get(
        _ ids: UnsafePointer<UInt64>, _ count: Int, as type: ElementType, _ out: UnsafeMutableRawPointer
    ) throws(VecStoreError)
    func ids(offset: UInt64, capacity: Int, _ out: UnsafeMutablePointer<UInt64>) -> Int
    func stats() -> IndexStats
    func verify() throws(VecStoreError)

    func search(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, k: Int, options: SearchOptions,
        _ output: SearchOutput
    ) throws(VecStoreError)
    func searchRange(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, radius: Float, options: SearchOptions
    ) throws(VecStoreError) -> RangeResult
    func calibrate(
        _ queries: UnsafeRawPointer?, type: ElementType, count: Int, k: Int, recall: Float, threads: Int
    ) throws(VecStoreError) -> Calibration

    /// What `calibrate` found last; nil where nothing was found, or it does not hold any more.
    var calibration: Calibration? { get }

    /// What the index is, in words.
    func explain() -> String

    /// - Parameter notes: How it was chosen, where nobody said what it is to be.
    func save(to path: String, sync: Bool, notes: AutoNotes?) throws(VecStoreError)
}

extension VectorIndex {
    package var calibration: Calibration? { nil }

    package func explain() -> String { Explanation(self).text }

    package func save(to path: String, sync: Bool) throws(VecStoreError) { try save(to: path, sync: sync, notes: nil) }

    package func train(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, threads: Int, progress: Progress?
    ) throws(VecStoreError) {
        throw VecStoreError(.unsupported, "training is for kind 3 (ivf): a graph trains its codes by itself, a flat index has none")
    }
}

/// Rows come out as they are stored; floats of any type as float32 too.
func checkOutput(_ type: ElementType, of stored: ElementType) throws(VecStoreError) {
    if type == stored || (type == .float32 && stored.isFloat) { return }
    let allowed = stored.isFloat ? "\(stored.name) or float32" : stored.name
    throw VecStoreError(.unsupported, "rows of \(stored.name) do not come out as \(type.name): allowed is \(allowed)")
}

/// The kinds of index. The raw values are those of the C header and of files: never renumber them.
package enum IndexKind: UInt32, Sendable {
    case flat = 1
    case hnsw = 2
    case ivf = 3
}

/// Opens the file of an index of any kind.
package func openIndex(
    _ path: String, _ options: OpenOptions, table: KernelTable = .current
) throws(VecStoreError) -> any VectorIndex {
    let file = try FileHandle.openForReading(path)
    let header = try FileHeader(file)
    if header.isExternal && options.externalRows == nil {
        throw VecStoreError(
            .invalidArgument, "'\(path)' is part of a collection, where the rows of its graph lie: it cannot be opened by itself")
    }
    if !header.isExternal && options.externalRows != nil {
        throw VecStoreError(.invalidArgument, "'\(path)' does not have its rows outside: none can be given")
    }
    let index: any VectorIndex
    switch header.kind {
    case .flat: index = try FlatIndex.open(file, header, options, table: table)
    case .hnsw: index = try HNSWIndex.open(file, header, options, table: table)
    case .ivf: index = try IVFIndex.open(file, header, options, table: table)
    case .quantizer:
        throw VecStoreError(
            .invalidArgument, "'\(path)' holds \(header.summary), not an index: open it as a quantizer")
    }
    guard let notes = try AutoNotes.read(file, header) else { return index }
    return try AutoIndex(opened: index, notes, path: path, table: table)
}
