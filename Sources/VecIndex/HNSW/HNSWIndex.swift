// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecKernelTypes
import VecKernels

/// An index that walks over a graph of near rows: Malkov & Yashunin 2018 (arXiv 1603.09320).
///
/// Searches take the store, count themselves in with the reclaimer, and hold no lock while they walk. Rows are added by many
/// threads at once (`gate` shared); what takes rows out or moves them is alone among writers (`gate` alone), beside searches
/// all the same.
package final class HNSWIndex: VectorIndex, @unchecked Sendable {
    // Safety: `store` is replaced under `storeLock` and `lookupLock`; ids under `lookupLock`; slots are handed out under
    // `slotLock`.

    package let options: HNSWOptions
    let table: KernelTable
    let map: MappedFile?

    let gate = SharedLock()
    private let storeLock = Lock()
    private var currentStore: GraphStore
    let lookupLock = Lock()
    var lookup: IDLookup
    /// The id of the next row that comes without one; under `lookupLock`.
    var nextID: UInt64
    let slotLock = Lock()
    /// Rows ever inserted: their numbers decide their levels. Under `slotLock`.
    var insertions: UInt64 = 0
    /// Rows that were taken out and whose slots may still be linked to; changed by whoever holds the gate alone.
    var unlinked: [UInt32] = []
    /// Whether rows were removed or replaced, since there were none. Set by whoever holds the gate alone.
    var hasLostRows = false
    let rowCount = Atomic<Int>(0)
    /// Odd while an update moves ids from slot to slot.
    let moves = Atomic<Int>(0)
    /// Held while ids are moved.
    let moveLock = Lock()
    /// The filters of searches that go on, which updates tell of rows that they move. Under `lookupLock`.
    var openFilters: [(rows: MatchingRows, store: GraphStore)] = []

    /// Matching rows up to which filtered searches compare all of them; nil: as `FilterPlan` says. Tests set it.
    var scanLimit: Int?

    let scratches = ScratchPool()
    let locks: GraphLocks
    /// A row that is to be above the top of the graph waits for another such.
    let topLock = Lock()
    /// What training and calibration have found.
    let knowledge = Knowledge()

    /// An empty index.
    package convenience init(_ options: HNSWOptions, table: KernelTable = .current) throws(VecStoreError) {
        try options.check()
        let shape = HNSWIndex.shapeBeforeTraining(options)
        try self.init(
            options, table: table, map: nil,
            store: GraphStore(
                shape, quantizer: nil, sketcher: nil, external: options.externalRows, shift: GraphStore.leastShift),
            lookup: .table(IDMap(rows: options.externalRows)), nextID: 0)
        if options.capacity > 0 { try reserve(options.capacity) }
    }

    init(
        _ options: HNSWOptions, table: KernelTable, map: MappedFile?, store: GraphStore, lookup: IDLookup, nextID: UInt64
    ) throws(VecStoreError) {
        self.options = options
        self.table = table
        self.map = map
        currentStore = store
        self.lookup = lookup
        self.nextID = nextID
        locks = try GraphLocks()
    }

    /// Rows are kept as they are until there are enough of them to train on.
    static func shapeBeforeTraining(_ options: HNSWOptions) -> GraphShape {
        if options.storage == .auto || options.storage.codeBits > 0 {
            return GraphShape(
                dimension: options.dimension, metric: options.metric, type: options.type, codeBits: 0,
                walkType: options.type, fullType: nil, m: options.m, isExternal: options.externalRows != nil)
        }
        return shape(options, storage: options.storage)
    }

    /// The shape for rows stored in a certain way.
    static func shape(_ options: HNSWOptions, storage: GraphStorage) -> GraphShape {
        let walkType = storage.elementType ?? options.type
        let wanted = options.finerType
        // Finer rows only where they are finer.
        let isFiner = storage.codeBits > 0 || (wanted.map { $0.rowSize(1) >= walkType.rowSize(1) && $0 != walkType } ?? false)
        return GraphShape(
            dimension: options.dimension, metric: options.metric, type: options.type, codeBits: storage.codeBits,
            walkType: walkType, fullType: isFiner ? wanted : nil, m: options.m, isExternal: options.externalRows != nil)
    }

    // MARK: - State

    package var kind: IndexKind { .hnsw }
    package var dimension: Int { options.dimension }
    package var metric: Metric { options.metric }
    package var elementType: ElementType { options.type }
    package var isReadOnly: Bool { map != nil }
    package var count: Int { rowCount.load(ordering: .relaxed) }

    var store: GraphStore {
        storeLock.lock()
        defer { storeLock.unlock() }
        return currentStore
    }

    /// Replaces the store; whoever holds the gate alone may.
    /// - Parameter ids: Where the ids are in it; nil: where they were.
    func replaceStore(_ store: GraphStore, ids: IDMap? = nil) {
        lookupLock.lock()
        if let ids { lookup = .table(ids) }
        let old = storeLock.withLock {
            let old = currentStore
            currentStore = store
            return old
        }
        lookupLock.unlock()
        withExtendedLifetime(old) {}
    }

    /// Calls `body`, which reads ids of rows, until no update moved any of them meanwhile: an id that is met in its old slot and
    /// in its new one would be there twice, or not at all. Where updates do not cease, the next of them waits.
    func undisturbed(_ body: () throws(VecStoreError) -> Void) throws(VecStoreError) {
        for _ in 0..<HNSWIndex.mostAttempts {
            let before = moves.load(ordering: .sequentiallyConsistent)
            try body()
            if before & 1 == 0 && moves.load(ordering: .sequentiallyConsistent) == before { return }
        }
        moveLock.lock()
        defer { moveLock.unlock() }
        try body()
    }

    private static let mostAttempts = 3

    func checkWritable() throws(VecStoreError) {
        if isReadOnly {
            throw VecStoreError(
                .readOnly, "the index is a read-only map of a file: open it with load to change it")
        }
    }

    /// What training and calibration have found.
    final class Knowledge: @unchecked Sendable {
        // Safety: touched under `lock`.

        private let lock = Lock()
        private var value = Values()

        struct Values {
            /// How rows are stored; nil while that is open.
            var storage: GraphStorage?
            /// Rows that there were when that was decided.
            var trainedRows = 0
            /// The share of true neighbours that codes lose, measured on a sample; nil before training.
            var codeLoss: Float?
            /// How far a code's distance is off, as a rule.
            var codeError: Float = 0
            /// The same for sketches.
            var sketchError: Float = 0
            /// Whether rows are rotated before they become 4-bit codes.
            var isRotated = false
            var calibration: Calibration?
        }

        var current: Values {
            lock.lock()
            defer { lock.unlock() }
            return value
        }

        func set(_ new: Values) { change { $0 = new } }

        /// Changes a part: training and calibration may run beside each other.
        func change(_ body: (inout Values) -> Void) {
            lock.lock()
            body(&value)
            lock.unlock()
        }
    }
}
