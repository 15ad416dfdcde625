// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The connections to one server. A call takes one, has it for itself, and gives it back.
final class RedisPool: @unchecked Sendable {
    // Safety: all that changes is touched under `lock`.

    let address: RedisAddress
    private let login: RedisLogin
    private let tls: TLSContext?
    private let options: RedisOptions
    private let counters: RedisCounters

    private let lock = Lock()
    private let changed = Condition()
    private var idle: [RedisConnection] = []
    /// Connections that exist or are being made.
    private var count = 0
    private var isClosed = false
    /// Attempts to connect that failed in a row, and when the next may begin.
    private var failures = 0
    private var notBefore: Int64 = 0

    init(_ address: RedisAddress, _ login: RedisLogin, _ tls: TLSContext?, _ options: RedisOptions, _ counters: RedisCounters) {
        self.address = address
        self.login = login
        self.tls = tls
        self.options = options
        self.counters = counters
    }

    /// Connections that exist or are being made.
    var connections: Int { lock.withLock { count } }

    // MARK: - Taking and giving back

    /// A connection that was alive a moment ago, or is new.
    func take(until deadline: Deadline) throws(VecStoreError) -> RedisConnection {
        while true {
            if let connection = try takeIdle(until: deadline) {
                if isAlive(connection, until: deadline) { return connection }
                giveBack(connection, isUsable: false)
                continue
            }
            do throws(VecStoreError) {
                return try connect(until: deadline)
            } catch {
                leave()
                throw error
            }
        }
    }

    func giveBack(_ connection: RedisConnection, isUsable: Bool) {
        lock.lock()
        // Closed and freed after the lock.
        let isKept = isUsable && connection.failure == nil && !isClosed
        if isKept {
            connection.lastUsed = ticks()
            idle.append(connection)
        } else {
            count -= 1
        }
        lock.unlock()
        changed.signalAll()
    }

    /// Idle connections go now, those that are in use when they are given back. Who waits for one is refused.
    func close() {
        let gone = lock.withLock {
            isClosed = true
            let gone = idle
            count -= idle.count
            idle = []
            return gone
        }
        changed.signalAll()
        withExtendedLifetime(gone) {}
    }

    private func leave() {
        lock.withLock { count -= 1 }
        changed.signalAll()
    }

    /// The connection that was used last, so that others may fall idle; nil where a new one may be made, which is counted already.
    private func takeIdle(until deadline: Deadline) throws(VecStoreError) -> RedisConnection? {
        lock.lock()
        defer { lock.unlock() }
        while true {
            if isClosed { throw VecStoreError(.invalidHandle, "the Redis client was closed") }
            if let connection = idle.popLast() { return connection }
            if count < options.maxConnections {
                count += 1
                return nil
            }
            let left = deadline.remaining
            if left == 0 {
                throw VecStoreError(
                    .unavailable, "all \(options.maxConnections) connections to Redis at \(address) were in use all the time")
            }
            changed.wait(lock, milliseconds: left)
        }
    }

    private func isAlive(_ connection: RedisConnection, until deadline: Deadline) -> Bool {
        if connection.isStale { return false }
        let idleTime = (ticks() &- connection.lastUsed) / 1_000_000
        guard idleTime >= Int64(options.healthCheckAfter) else { return true }
        // Half of the time is left for a new connection.
        let limit = deadline.butAtMost(milliseconds: deadline.remaining / 2)
        let replies = try? connection.ask([RedisCommand("PING", keyIndex: nil)], until: limit)
        return replies == [.simple("PONG")]
    }

    // MARK: - Connecting

    /// A new connection, which is counted by whoever asks. After attempts that failed it waits before it tries again.
    func connect(until deadline: Deadline) throws(VecStoreError) -> RedisConnection {
        try waitForTurn(until: deadline)
        do throws(VecStoreError) {
            let limit = deadline.butAtMost(milliseconds: options.connectTimeout)
            let connection = try RedisConnection(address, tls, counters, until: limit)
            try connection.logIn(login, until: limit)
            counters.add(.connections)
            lock.withLock {
                failures = 0
                notBefore = 0
            }
            return connection
        } catch {
            counters.add(.failedConnections)
            lock.withLock {
                failures = min(failures + 1, 1000)
                notBefore = Deadline.later(options.backoff(failures: failures))
            }
            throw error
        }
    }

    private func waitForTurn(until deadline: Deadline) throws(VecStoreError) {
        lock.lock()
        defer { lock.unlock() }
        while true {
            if isClosed { throw VecStoreError(.invalidHandle, "the Redis client was closed") }
            let now = ticks()
            if notBefore <= now { return }
            let wait = Int((notBefore &- now) / 1_000_000) + 1
            let left = deadline.remaining
            if left == 0 {
                throw VecStoreError(.unavailable, "Redis at \(address) could not be reached, and is not tried again yet")
            }
            changed.wait(lock, milliseconds: min(wait, left))
        }
    }
}
