// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// An inverted file: rows lie in lists around centroids, and a search reads the lists nearest to its query (Sivic, Zisserman:
/// Video Google, 2003; Jégou, Douze, Schmid: Product quantization for nearest neighbor search, 2011).
///
/// What is published of lists and rows is a snapshot. A search takes it and needs no lock after that. Writers work one at a
/// time and publish a new snapshot when they are done.
package final class IVFIndex: VectorIndex, @unchecked Sendable {
    // Safety: `snapshot` is touched under `snapshotLock`, `lookup` and `nextID` under `lookupLock`, all changes under
    // `writerLock`.

    package let options: IVFOptions
    let table: KernelTable
    /// Nil for an index in memory.
    let map: MappedFile?

    let writerLock = Lock()
    private let snapshotLock = Lock()
    private var snapshot: IVFSnapshot
    let lookupLock = Lock()
    private(set) var lookup: IDLookup
    /// The id of the next row that comes without one.
    private(set) var nextID: UInt64

    /// An empty index, not trained.
    package convenience init(_ options: IVFOptions, table: KernelTable = .current) throws(VecStoreError) {
        try options.check()
        let rows = try ListRows(options)
        self.init(
            options, table: table, map: nil, snapshot: IVFSnapshot(nil, rows), lookup: .table(IDMap()), nextID: 0)
        if options.capacity > 0 { try reserve(options.capacity) }
    }

    init(
        _ options: IVFOptions, table: KernelTable, map: MappedFile?, snapshot: IVFSnapshot, lookup: IDLookup, nextID: UInt64
    ) {
        self.options = options
        self.table = table
        self.map = map
        self.snapshot = snapshot
        self.lookup = lookup
        self.nextID = nextID
    }

    // MARK: - State

    package var kind: IndexKind { .ivf }
    package var dimension: Int { options.dimension }
    package var metric: Metric { options.metric }
    package var elementType: ElementType { options.type }
    package var isReadOnly: Bool { map != nil }
    package var count: Int { current.count }

    /// The state that a reader works on.
    var current: IVFSnapshot { snapshotLock.withLock { snapshot } }

    func checkWritable() throws(VecStoreError) {
        if isReadOnly {
            throw VecStoreError(
                .readOnly, "the index is a read-only map of a file: open it with load to change it")
        }
    }

    /// Calls `body` with the lookup and the snapshot that belong together.
    func withLookup<R>(
        _ body: (IDLookup, IVFSnapshot, _ nextID: UInt64) throws(VecStoreError) -> R
    ) throws(VecStoreError) -> R {
        lookupLock.lock()
        defer { lookupLock.unlock() }
        return try body(lookup, current, nextID)
    }

    /// Publishes a new state: all or, where `change` throws, nothing. Call it under `writerLock`.
    func publish(
        _ next: IVFSnapshot, ids: IDMap? = nil, nextID: UInt64? = nil, _ change: (IDMap) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        lookupLock.lock()
        defer { lookupLock.unlock() }
        if let ids {
            lookup = .table(ids)
        } else if case .table(let ids) = lookup {
            try change(ids)
        }
        if let nextID { self.nextID = nextID }
        let old = snapshotLock.withLock {
            let old = snapshot
            snapshot = next
            return old
        }
        // Released here, after the lock: freeing memory takes time.
        withExtendedLifetime(old) {}
    }

    static func notFound(_ id: UInt64) -> VecStoreError {
        VecStoreError(.notFound, "the index has no row with the id \(id)")
    }
}
