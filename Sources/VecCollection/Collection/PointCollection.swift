// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import VecIndex
import VecKernelTypes
import VecKernels

/// A directory of points: an id, vectors, and a JSON payload each.
///
/// SQLite has the truth of ids, payloads, settings and full text; vectors lie in files that grow at their end. Each version of a
/// point has a *row*, a number that is never given again: the place of its vectors in their files, the key of its table, and
/// its id in the graphs. Graphs, indexes of fields and the table of ids are derived from that, and made anew where they are lost.
///
/// Searches work on a `CollectionState` and never wait for a writer. Writers take turns.
package final class PointCollection: @unchecked Sendable {
    // Safety: `state` is touched under `stateLock`; `writer` and what else is said to be the writer's under `writeLock`; what is
    // in memory of fields, and `graveyard`, under `fieldsLock`. The rest does not change.

    package let directory: String
    /// Copies have the one of what they were made of.
    package let uuid: CollectionUUID
    package let settings: [VectorSettings]
    package let options: CollectionOptions
    let table = KernelTable.current
    let readers: ReaderPool
    let directoryLock: DirectoryLock?
    private let owner = getpid()

    let writeLock = Lock()
    /// The connection that changes things; nil where nothing is to be changed. The writer's.
    let writer: Database?
    /// The row of the next point. The writer's: beyond what the database says where rows were lost to a write that failed.
    var nextRow: Int
    /// No point has a larger number for an id; nil: none has a number. The writer's.
    var largestID: UInt64?
    /// Whether there may be points that have an end. The writer's.
    var hasExpiries: Bool

    /// Files that compacting has left, for want of a commit that the disk is known to have. The writer's.
    var filesToRemove: [String] = []

    /// Changes of the state whose ids are in a file; -1: there is none. The writer's.
    var savedChanges: Int64

    private let stateLock = Lock()
    private var state: CollectionState
    /// States that were shown before, while a search holds them. Under `stateLock`.
    private var earlier: [WeakState] = []

    private struct WeakState { weak var state: CollectionState? }

    /// Codes of rows that wait for graphs, by vector, as the next state will have them. The writer's.
    var waiting: [WaitingRows]

    /// When points were last searched by a vector, in milliseconds of a clock that only goes forward; 0: never.
    private let lastSearch = Atomic<Int64>(0)
    /// So long after a search others are likely to come.
    private static let searchedFor: Int64 = 100

    /// When the next point ends that has an end, in microseconds since 1970.
    let nextExpiry = Atomic<Int64>(.max)

    /// Guards what is in memory of fields.
    let fieldsLock = SharedLock()
    /// Rows that died and are in indexes of fields still, for searches that began before. Under `fieldsLock`.
    var graveyard = Graveyard()

    let damagesLock = Lock()
    /// Under `damagesLock`.
    var lastDamages: [Damage] = []

    let tokenizers = TokenizerTable()
    let filters = FilterCache()
    let recalls = RecallTable()

    let log = Log.shared
    /// Calls from outside.
    let calls = CallTable()
    /// What was done in the background.
    let background = WorkCounters()

    /// When the state that a reader shows was that of the database.
    let shownSince = Atomic<Int64>(ticks())

    private(set) var indexer: Indexer?
    private let isClosed = Atomic<Bool>(false)

    init(
        _ directory: String, _ opened: OpenedCollection, _ options: CollectionOptions, lock: DirectoryLock?
    ) throws(VecStoreError) {
        self.directory = directory
        self.options = options
        uuid = opened.uuid
        settings = opened.settings
        readers = opened.readers
        writer = opened.writer
        waiting = opened.state.vectors.map(\.waiting)
        nextRow = opened.state.rowCount
        state = opened.state
        savedChanges = opened.hasSavedIDs ? opened.state.changes : -1
        largestID = opened.largestID
        hasExpiries = opened.nextExpiry != .max
        directoryLock = lock
        nextExpiry.store(opened.nextExpiry, ordering: .relaxed)
        if !options.isReadOnly { indexer = Indexer(self) }
    }

    deinit {
        // In the child of a fork its thread does not exist.
        if getpid() == owner { indexer?.stop() }
    }

    // MARK: - State

    var current: CollectionState {
        stateLock.lock()
        defer { stateLock.unlock() }
        return state
    }

    /// Puts a state in the place of the one that there is: `change` makes it of that.
    func publish(_ change: (CollectionState) -> CollectionState) {
        stateLock.lock()
        let old = state
        state = change(old)
        earlier.removeAll { $0.state == nil }
        earlier.append(WeakState(state: old))
        stateLock.unlock()
        // Released here, after the lock: freeing memory takes time.
        withExtendedLifetime(old) {}
    }

    /// Whether a search still goes by a state before this one.
    func isHeld(before state: CollectionState) -> Bool {
        stateLock.withLock { earlier.contains { ($0.state?.version ?? .max) < state.version } }
    }

    /// Notes that points are searched by a vector.
    func noteSearch() { lastSearch.store(PointCollection.clock(), ordering: .relaxed) }

    /// Whether searches by vectors go on.
    var isSearched: Bool {
        PointCollection.clock() - lastSearch.load(ordering: .relaxed) < PointCollection.searchedFor
    }

    /// Milliseconds, to some four of them.
    private static func clock() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    package var isReadOnly: Bool { options.isReadOnly }

    /// Points that there are.
    package func count() throws(VecStoreError) -> Int { try reading { $0.count } }

    /// The place of the vector of a name.
    /// - Parameter name: nil: of the only one.
    func vector(_ name: String?) throws(VecStoreError) -> Int {
        guard let name else {
            if settings.count == 1 { return 0 }
            throw VecStoreError(.invalidArgument, "vector_name is not said: the collection has \(names)")
        }
        guard let place = settings.firstIndex(where: { $0.name == name }) else {
            throw VecStoreError(.invalidArgument, "there is no vector '\(name)': the collection has \(names)")
        }
        return place
    }

    /// Elements of the vector of a name.
    package func dimension(of name: String?) throws(VecStoreError) -> Int { settings[try vector(name)].dimension }

    private var names: String { settings.map { "'\($0.name)'" }.joined(separator: ", ") }

    // MARK: - Who may do what

    /// Calls `body` with the state of now.
    func reading<R>(_ body: (CollectionState) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        try checkUsable()
        try expirePoints()
        return try body(current)
    }

    /// Calls `body` with the state of now, and a connection that shows just that. `body` does not ask for another connection.
    func moment<R>(
        _ body: (CollectionState, Database) throws(VecStoreError) -> R
    ) throws(VecStoreError) -> R {
        try checkUsable()
        try expirePoints()
        return try matching(body)
    }

    /// The same with points whose end has come.
    func matching<R>(
        _ body: (CollectionState, Database) throws(VecStoreError) -> R
    ) throws(VecStoreError) -> R {
        try readers.with { database throws(VecStoreError) in
            // Between its commit and the moment when its state is seen a write takes some microseconds.
            for attempt in 0..<PointCollection.mostAttempts {
                if let result = try attemptMoment(database, body) { return result }
                if attempt < PointCollection.quickAttempts { sched_yield() } else { writeLock.withLock {} }
            }
            throw VecStoreError(.corrupt, "'\(directory)': somebody else has changed the database while it is open for writing here")
        }
    }

    private static let quickAttempts = 100
    private static let mostAttempts = 2000

    private func attemptMoment<R>(
        _ database: Database, _ body: (CollectionState, Database) throws(VecStoreError) -> R
    ) throws(VecStoreError) -> R? {
        if isReadOnly { return try body(current, database) }
        return try database.reading { () throws(VecStoreError) in
            let changes = try Catalog.changes(database)
            let state = current
            return state.changes == changes ? try body(state, database) : nil
        }
    }

    /// Calls `body` as the only writer.
    func writing<R>(_ body: (Database) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        try checkUsable()
        guard let writer else {
            throw VecStoreError(.readOnly, "'\(directory)' is open for reading alone")
        }
        return try writeLock.withLock { () throws(VecStoreError) in
            try checkUsable()
            return try body(writer)
        }
    }

    func checkUsable() throws(VecStoreError) {
        if isClosed.load(ordering: .acquiring) { throw VecStoreError(.invalidHandle, "the collection was closed") }
        guard getpid() == owner else {
            throw VecStoreError(
                .invalidHandle, "the collection was opened before fork(): a child opens it for itself, SQLite cannot be shared")
        }
    }

    var isClosedByOwner: Bool { isClosed.load(ordering: .acquiring) }

    // MARK: - The end

    /// Saves what was indexed, and lets go of everything. Later calls are refused.
    package func close() throws(VecStoreError) {
        if isClosed.exchange(true, ordering: .acquiringAndReleasing) { return }
        guard getpid() == owner else { return }
        indexer?.stop()
        guard let writer else { return }
        defer { directoryLock?.unlock() }
        try indexer?.save(self, writer)
        try writeLock.withLock { () throws(VecStoreError) in
            // Where somebody reads for long the log stays as it is, for the next one.
            writer.setPatience(milliseconds: 200)
            saveIDs(writer)
            saveFields(writer)
            _ = try writer.number("PRAGMA wal_checkpoint(TRUNCATE)")
        }
    }
}
