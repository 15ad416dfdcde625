// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecIndex

/// Connections for reading, each used by one call at a time.
///
/// A collection that is open for reading alone has one connection, in a transaction that goes on until the collection is refreshed:
/// so it shows the points of one moment, whatever others write. Calls take turns with it.
final class ReaderPool: @unchecked Sendable {
    // Safety: `idle` is touched under `lock`, `pinned` and `spare` under `pinLock`.

    private let path: String
    private let mode: Database.Mode
    private let lock = Lock()
    private var idle: [Database] = []
    private let isPinned: Bool
    private var pinned: Database?
    /// What becomes the pinned one when there is something new.
    private var spare: Database?
    private let pinLock = Lock()
    private let used = Atomic<Int>(0)

    /// Connections that are kept for later; a burst of calls makes more.
    private static let mostIdle = 16

    /// - Parameter first: A connection that is there already.
    init(_ path: String, _ mode: Database.Mode, first: Database) {
        self.path = path
        self.mode = mode
        idle = [first]
        isPinned = false
    }

    /// - Parameter pinned: A connection in a transaction.
    init(pinned: Database, _ mode: Database.Mode) {
        path = pinned.path
        self.mode = mode
        isPinned = true
        self.pinned = pinned
    }

    /// Calls of one thread are not within each other.
    func with<R>(_ body: (Database) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        if isPinned {
            return try pinLock.withLock { () throws(VecStoreError) in
                guard let pinned else { throw VecStoreError(.internalError, "there is no connection to '\(path)'") }
                return try use(pinned, body)
            }
        }
        let database: Database
        if let taken = lock.withLock({ idle.popLast() }) { database = taken } else { database = try Database(path, mode) }
        defer { lock.withLock { if idle.count < ReaderPool.mostIdle { idle.append(database) } } }
        return try use(database, body)
    }

    private func use<R>(_ database: Database, _ body: (Database) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        used.add(1, ordering: .relaxed)
        defer { used.subtract(1, ordering: .relaxed) }
        return try body(database)
    }

    /// Connections that calls use now, and that wait to be used.
    var counts: (used: Int, idle: Int) {
        let used = used.load(ordering: .relaxed)
        return (used, !isPinned ? lock.withLock { idle.count } : 1 - min(used, 1))
    }

    /// Calls `body` with a connection in a transaction of now, which becomes the pinned one. Where it throws, the one before stays.
    func renew<R>(_ body: (Database) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        try pinLock.withLock { () throws(VecStoreError) in
            let next: Database
            if let spare { next = spare } else { next = try Database(path, mode) }
            spare = next
            let result: R
            do throws(VecStoreError) {
                result = try OpenedCollection.retryCompacted(next) { () throws(VecStoreError) in try body(next) }
            } catch {
                next.endTransaction()
                throw error
            }
            pinned?.endTransaction()
            spare = pinned
            pinned = next
            return result
        }
    }
}
