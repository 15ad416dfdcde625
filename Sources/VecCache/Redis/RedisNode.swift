// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// One server: its connections and its breaker.
final class RedisNode: Sendable {
    let pool: RedisPool
    let breaker: CircuitBreaker

    var address: RedisAddress { pool.address }

    init(_ pool: RedisPool, _ options: RedisOptions) {
        self.pool = pool
        breaker = CircuitBreaker(failures: options.breakerFailures, openTime: options.openTime, maxOpenTime: options.maxOpenTime)
    }

    var isLeftAlone: VecStoreError {
        VecStoreError(.unavailable, "Redis at \(address) failed repeatedly and is left alone for a while: the breaker is open")
    }

    /// A connection and the right to use it; nil where the breaker lets nobody through.
    func enter(until deadline: Deadline) throws(VecStoreError) -> Visit? {
        guard let pass = breaker.enter() else { return nil }
        do throws(VecStoreError) {
            return Visit(node: self, pass: pass, connection: try pool.take(until: deadline))
        } catch {
            judge(pass, error)
            throw error
        }
    }

    struct Visit {
        let node: RedisNode
        let pass: CircuitBreaker.Pass
        let connection: RedisConnection

        /// Gives the connection back and tells the breaker how it went.
        func end(isUsable: Bool = true) {
            if let failure = connection.failure {
                node.judge(pass, failure)
            } else if node.breaker.succeed(pass) {
                let address = node.address
                Log.shared.tell(.info, "Redis at \(address) answers again")
            }
            node.pool.giveBack(connection, isUsable: isUsable)
        }
    }

    /// Only what says that the server cannot do its work counts against it.
    func judge(_ pass: CircuitBreaker.Pass, _ error: VecStoreError) {
        guard error.code == .unavailable || error.code == .io else { return breaker.abandon(pass) }
        if breaker.fail(pass) {
            Log.shared.tell(.warning, "Redis is left alone for a while: \(error.message)")
        }
    }

    /// A failure on a connection that is not the pool's.
    func report(_ error: VecStoreError) {
        if let pass = breaker.enter() { judge(pass, error) }
    }
}
