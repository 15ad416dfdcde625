// SPDX-License-Identifier: Apache-2.0

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
        if let pinned { return try pinLock.withLock { () throws(VecStoreError) in try body(pinned) } }
        let database: Database
        if let taken = lock.withLock({ idle.popLast() }) { database = taken } else { database = try Database(path, mode) }
        defer { lock.withLock { if idle.count < ReaderPool.mostIdle { idle.append(database) } } }
        return try body(database)
    }
}
