// SPDX-License-Identifier: Apache-2.0

/// What an index shows: a state that never changes, the slots that ids have in it, and the id that the next row will get. Readers
/// take the state and need no lock after that. The one writer, who has a lock of its own, puts a new state in its place.
final class Published<State: Sendable>: @unchecked Sendable {
    // Safety: `state` is touched under `stateLock`, `lookup` and `nextID` under `lock`. Both are changed while `lock` is held.

    private let stateLock = Lock()
    private var state: State
    private let lock = Lock()
    private var lookup: IDLookup
    /// The id of the next row that comes without one.
    private var nextID: UInt64

    init(_ state: State, _ lookup: IDLookup, nextID: UInt64) {
        self.state = state
        self.lookup = lookup
        self.nextID = nextID
    }

    /// The state that a reader works on.
    var current: State { stateLock.withLock { state } }

    /// Calls `body` with what belongs together.
    func with<R, E: Error>(_ body: (IDLookup, State, _ nextID: UInt64) throws(E) -> R) throws(E) -> R {
        lock.lock()
        defer { lock.unlock() }
        return try body(lookup, current, nextID)
    }

    /// Publishes a new state: all or, where `change` throws, nothing.
    /// - Parameters:
    ///   - ids: A new table of ids; nil: `change` changes the one that there is.
    ///   - nextID: nil: as it was.
    func publish<E: Error>(
        _ next: State, ids: IDMap? = nil, nextID: UInt64? = nil, _ change: (IDMap) throws(E) -> Void
    ) throws(E) {
        lock.lock()
        defer { lock.unlock() }
        if let ids {
            lookup = .table(ids)
        } else if case .table(let ids) = lookup {
            try change(ids)
        }
        if let nextID { self.nextID = nextID }
        let old = stateLock.withLock {
            let old = state
            state = next
            return old
        }
        // Released here, after the lock: freeing memory takes time.
        withExtendedLifetime(old) {}
    }

    /// The first of the ids of the next `count` rows that come without one.
    func upcomingID(_ count: Int) throws(VecStoreError) -> UInt64 {
        let first = lock.withLock { nextID }
        try checkAssignable(count, from: first)
        return first
    }
}

/// The id that the next row will get, after those up to `largest` have come.
func nextID(after largest: UInt64, _ before: UInt64) -> UInt64 { max(before, largest == noID - 1 ? noID : largest + 1) }
