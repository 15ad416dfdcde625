// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecIndex

/// Connections for reading, each used by one call at a time.
///
/// A collection that is open for reading alone has one connection, in a transaction that goes on until the collection is refreshed:
/// so it shows the points of one moment, whatever others write. Calls take turns with it.
final class ReaderPool: @unchecked Sendable {
    // Safety: `idle` is touched under `lock`, and `pinned` is used under `pinLock`.

    private let path: String
    private let mode: Database.Mode
    private let lock = Lock()
    private var idle: [Database] = []
    private let pinned: Database?
    private let pinLock = Lock()
    private let used = Atomic<Int>(0)

    /// Connections that are kept for later; a burst of calls makes more.
    private static let mostIdle = 16

    /// - Parameter first: A connection that is there already.
    init(_ path: String, _ mode: Database.Mode, first: Database) {
        self.path = path
        self.mode = mode
        idle = [first]
        pinned = nil
    }

    /// - Parameter pinned: A connection in a transaction.
    init(pinned: Database) {
        path = pinned.path
        mode = .readOnly
        self.pinned = pinned
    }

    /// Calls of one thread are not within each other.
    func with<R>(_ body: (Database) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        if let pinned { return try pinLock.withLock { () throws(VecStoreError) in try use(pinned, body) } }
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
        return (used, pinned == nil ? lock.withLock { idle.count } : 1 - min(used, 1))
    }
}
