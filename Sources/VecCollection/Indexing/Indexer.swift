// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// The thread that brings points into the graphs of a collection while it is in use, and saves these now and then.
final class Indexer: @unchecked Sendable {
    // Safety: `isAwake`, `isStopping`, `isLent`, `thread`, `failure` and `messages` are touched under `lock`, `unsaved` under
    // `work`.

    private weak var collection: PointCollection?
    private let lock = Lock()
    private let changed = Condition()
    private var isAwake = true
    private var isStopping = false
    /// Whether a call works on graphs in the place of the thread, perhaps for long.
    private var isLent = false
    private var thread: BackgroundThread?
    /// Held by whoever changes graphs: this thread, or a call that does not want to wait for it.
    private let work = Lock()
    /// Rows that came into or went out of graphs since they were saved, by place.
    private var unsaved: [Int]
    /// What went wrong last: the work is tried again with the next write.
    private var failure: VecStoreError?
    /// What is to be told once nothing is locked any more. Under `lock`.
    private var messages: [(level: LogLevel, text: String)] = []

    /// Rows that are worth a file in between: making them anew after a crash would take some seconds.
    private static let leastToSave = 32_768
    /// Rows that may wait for a graph while searches go on: comparing them takes these about as long as their walk.
    private static let mostWaiting = 1024
    /// A writer waits no longer than this for them to become fewer, whatever the reason is.
    private static let patience = (milliseconds: 10, times: 100)

    init(_ collection: PointCollection) {
        self.collection = collection
        unsaved = [Int](repeating: 0, count: collection.settings.count)
    }

    /// There may be something to do. Starts the thread where there is none.
    func wake() {
        lock.lock()
        defer { lock.unlock() }
        isAwake = true
        if thread == nil && !isStopping { start() }
        changed.signalAll()
    }

    /// Before a write: waits while searches go on and too many rows wait for the graph already. They would have to compare more and
    /// more of them if writers went faster than the graph grows.
    func holdBack(_ collection: PointCollection) {
        var patience = Indexer.patience.times
        while patience > 0 && collection.isSearched && waitingRows(collection) > Indexer.mostWaiting {
            lock.lock()
            let isHopeless = thread == nil || isStopping || isLent || failure != nil
            if !isHopeless { changed.wait(lock, milliseconds: Indexer.patience.milliseconds) }
            lock.unlock()
            if isHopeless { return }
            patience -= 1
        }
    }

    /// The most rows that wait for a graph which there is.
    private func waitingRows(_ collection: PointCollection) -> Int {
        let state = collection.current
        return state.vectors.reduce(0) { max($0, $1.graph == nil ? 0 : state.rowCount - $1.indexedRows) }
    }

    private func start() {
        // Searches and writers come first; the rest of the machine's time is enough for this.
        thread = BackgroundThread(niceness: 5) { self.run() }
        // Points are found without it, by comparing them; the next write tries again.
        if thread == nil { failure = VecStoreError(.outOfMemory, "no thread could be started to bring points into the graph") }
    }

    /// Ends the thread, after the portion that it is at.
    func stop() {
        lock.lock()
        isStopping = true
        changed.signalAll()
        let running = thread
        thread = nil
        lock.unlock()
        running?.join()
    }

    private func run() {
        while true {
            lock.lock()
            while !isAwake && !isStopping { changed.wait(lock) }
            isAwake = false
            let isOver = isStopping
            lock.unlock()
            if isOver { return }
            while true {
                guard let collection, !lock.withLock({ isStopping }) else { break }
                guard portion(collection) else { break }
            }
        }
    }

    private func portion(_ collection: PointCollection) -> Bool {
        defer { tellMessages(collection) }
        work.lock()
        defer { work.unlock() }
        do throws(VecStoreError) {
            var didAny = false
            for place in collection.settings.indices {
                let rows = try step(collection, place, isEager: false)
                if rows > 0 { didAny = true }
            }
            if !didAny, let writer = collection.writer {
                if collection.options.memory == .disk {
                    _ = try mapGraphsAlone(collection, writer)
                } else {
                    try save(collection, writer, least: Indexer.leastToSave)
                }
            }
            note(nil)
            return didAny
        } catch {
            collection.background.failures.add(1, ordering: .relaxed)
            note(error)
            return false
        }
    }

    /// Keeps how a portion has ended, lets writers know that something has changed, and keeps what is to be told: a failure once,
    /// however often it comes again.
    func note(_ end: VecStoreError?) {
        lock.lock()
        defer { lock.unlock() }
        if let end {
            if failure?.message != end.message {
                messages.append((.error, "work in the background failed, and is tried again with the next write: \(end.message)"))
            }
        } else if failure != nil {
            messages.append((.info, "work in the background goes on after a failure"))
        }
        failure = end
        changed.signalAll()
    }

    /// Tells what there is to be told: the caller holds no lock.
    func tellMessages(_ collection: PointCollection) {
        let told = lock.withLock {
            let told = messages
            messages = []
            return told
        }
        for (level, text) in told { collection.log.tell(level, "'\(collection.directory)': \(text)") }
    }

    /// Does a portion of work for one vector; the caller holds `work`.
    private func step(_ collection: PointCollection, _ place: Int, isEager: Bool) throws(VecStoreError) -> Int {
        let start = ticks()
        let rows = try GraphWork(collection, place).step(isEager: isEager)
        unsaved[place] += rows
        collection.background.notePortion(rows: rows, nanoseconds: ticks() - start)
        return rows
    }

    /// Calls `body` while nobody else changes graphs.
    func alone<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        try work.withLock { () throws(VecStoreError) in
            // After a close another process may write to the directory.
            if lock.withLock({ isStopping }) { throw VecStoreError(.invalidHandle, "the collection was closed") }
            lock.withLock { isLent = true }
            defer { lock.withLock { isLent = false } }
            return try body()
        }
    }

    /// Does all there is to do, on the calling thread.
    func finish(_ collection: PointCollection, progress: Progress?) throws(VecStoreError) {
        try alone { () throws(VecStoreError) in try finishAlone(collection, progress: progress) }
    }

    /// The same, within `alone`.
    func finishAlone(_ collection: PointCollection, progress: Progress?) throws(VecStoreError) {
        for place in collection.settings.indices {
            while true {
                if try step(collection, place, isEager: true) == 0 { break }
                let state = collection.current
                if let progress, !progress(state.vectors[place].indexedRows, state.rowCount) {
                    throw VecStoreError(.cancelled, "optimize was cancelled: what was indexed stays so")
                }
            }
        }
    }

    /// Saves all graphs that have changed.
    func save(_ collection: PointCollection, _ database: Database) throws(VecStoreError) {
        defer { tellMessages(collection) }
        work.lock()
        defer { work.unlock() }
        try saveAlone(collection, database)
    }

    /// The same, within `alone`.
    func saveAlone(_ collection: PointCollection, _ database: Database) throws(VecStoreError) {
        try save(collection, database, least: 1)
    }

    /// Saves graphs that are held in memory, and reads them from their files from then on.
    /// - Returns: Whether there were any.
    func mapGraphs(_ collection: PointCollection, _ database: Database) throws(VecStoreError) -> Bool {
        try alone { () throws(VecStoreError) in try mapGraphsAlone(collection, database) }
    }

    private func mapGraphsAlone(_ collection: PointCollection, _ database: Database) throws(VecStoreError) -> Bool {
        try saveAlone(collection, database)
        var isAny = false
        for place in collection.settings.indices {
            let state = collection.current, vector = state.vectors[place]
            guard let graph = vector.graph, !graph.isReadOnly else { continue }
            let saved = try collection.writeLock.withLock { () throws(VecStoreError) in try GraphFile.find(database, place) }
            guard let saved, saved.rows == vector.indexedRows else { continue }
            let mapped = try openIndex(
                "\(collection.directory)/\(saved.file)", OpenOptions(externalRows: state.store.files[place].external))
            collection.publish { old in old.changing(place) { $0.graph = mapped } }
            isAny = true
        }
        return isAny
    }

    /// All graphs are as their files say: within `alone`.
    func noteSaved() { for place in unsaved.indices { unsaved[place] = 0 } }

    private func save(_ collection: PointCollection, _ database: Database, least: Int) throws(VecStoreError) {
        for place in collection.settings.indices where unsaved[place] >= least {
            let vector = collection.current.vectors[place]
            guard let graph = vector.graph, !graph.isReadOnly else { continue }
            // A graph is written whole: the larger it is, the more there must be that is new in it.
            guard least == 1 || unsaved[place] >= graph.count / 4 else { continue }
            let start = ticks()
            try GraphFile.save(graph, rows: vector.indexedRows, place: place, collection, database)
            let took = milliseconds(ticks() - start), name = collection.settings[place].name
            lock.withLock {
                messages.append((.info, "saved the graph of the vector '\(name)': \(graph.count) vectors in \(took)"))
            }
            unsaved[place] = 0
            collection.background.savedGraphs.add(1, ordering: .relaxed)
        }
    }

    /// What went wrong last, where nothing has gone right since.
    var lastFailure: VecStoreError? { lock.withLock { failure } }
}
