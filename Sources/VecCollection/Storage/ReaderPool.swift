// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Connections for reading, each used by one call at a time.
final class ReaderPool: @unchecked Sendable {
    // Safety: `idle` is touched under `lock`.

    private let path: String
    private let mode: Database.Mode
    private let lock = Lock()
    private var idle: [Database] = []

    /// Connections that are kept for later; a burst of calls makes more.
    private static let mostIdle = 16

    /// - Parameter first: A connection that is there already.
    init(_ path: String, _ mode: Database.Mode, first: Database) {
        self.path = path
        self.mode = mode
        idle = [first]
    }

    func with<R>(_ body: (Database) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        let database: Database
        if let taken = lock.withLock({ idle.popLast() }) { database = taken } else { database = try Database(path, mode) }
        defer { lock.withLock { if idle.count < ReaderPool.mostIdle { idle.append(database) } } }
        return try body(database)
    }
}
