// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// An inverted file: rows lie in lists around centroids, and a search reads the lists nearest to its query (Sivic, Zisserman:
/// Video Google, 2003; Jégou, Douze, Schmid: Product quantization for nearest neighbor search, 2011).
///
/// What is published of lists and rows is a snapshot. A search takes it and needs no lock after that. Writers work one at a
/// time and publish a new snapshot when they are done.
package final class IVFIndex: VectorIndex, @unchecked Sendable {
    // Safety: changes are made under `writerLock`; what readers see is published.

    package let options: IVFOptions
    let table: KernelTable
    /// Nil for an index in memory.
    let map: MappedFile?

    let writerLock = Lock()
    let published: Published<IVFSnapshot>
    /// What part of all rows each list had when its centroid was found, or the file was opened; empty before. Under `writerLock`.
    var listShares: [Float] = []
    /// Rows that came since somebody looked for lists that have drifted. Under `writerLock`.
    var unseenRows = 0

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
        published = Published(snapshot, lookup, nextID: nextID)
    }

    // MARK: - State

    package var kind: IndexKind { .ivf }
    package var dimension: Int { options.dimension }
    package var metric: Metric { options.metric }
    package var elementType: ElementType { options.type }
    package var isReadOnly: Bool { map != nil }
    package var count: Int { current.count }

    /// The state that a reader works on.
    var current: IVFSnapshot { published.current }

    func checkWritable() throws(VecStoreError) {
        if isReadOnly {
            throw VecStoreError(
                .readOnly, "the index is a read-only map of a file: open it with load to change it")
        }
    }

    static func notFound(_ id: UInt64) -> VecStoreError {
        VecStoreError(.notFound, "the index has no row with the id \(id)")
    }
}
