// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// A connection for one thread alone, for commands that wait for something to happen. Another thread can end the wait by `close`.
/// After an error that is not the server's it is of no more use: ask the client for a new one.
package final class DedicatedConnection: @unchecked Sendable {
    // Safety: one thread asks; `close` only raises the alarm, which is made to be shared.

    private let client: RedisClient
    private let node: RedisNode
    private let connection: RedisConnection
    private let alarm: Alarm

    init(_ client: RedisClient, _ node: RedisNode, _ connection: RedisConnection) throws(VecStoreError) {
        self.client = client
        self.node = node
        self.connection = connection
        alarm = try Alarm()
    }

    package var address: RedisAddress { node.address }

    /// Asks one thing. What the server refuses is thrown too.
    /// - Parameter wait: How long the command itself may wait, in milliseconds; the time-out of the client begins then.
    package func execute(_ command: RedisCommand, wait: Int = 0) throws(VecStoreError) -> RedisReply {
        try client.checkUsable()
        client.counters.add(.commands)
        let (time, overflow) = client.options.commandTimeout.addingReportingOverflow(max(wait, 0))
        do throws(VecStoreError) {
            if let failure = connection.failure { throw failure }
            let deadline = Deadline(milliseconds: overflow ? .max : time)
            let replies = try connection.ask([command], until: deadline, alarm: alarm.descriptor)
            if case .error(let failure) = replies[0], ["MOVED", "ASK", "READONLY"].contains(failure.word) {
                // The keys are elsewhere now: there is nothing to wait for here.
                client.doubtMap()
                connection.fail(failure.error)
            }
            return try replies[0].checked()
        } catch {
            client.counters.add(.errors)
            if connection.failure != nil && error.code != .cancelled { node.report(error) }
            throw error
        }
    }

    /// Ends a wait, now and ever. Any thread may call it.
    package func close() { alarm.raise() }
}

extension RedisClient {
    /// A connection of its own to the server that has a key.
    package func dedicated(key: [UInt8]) throws(VecStoreError) -> DedicatedConnection {
        try checkUsable()
        let deadline = Deadline(milliseconds: options.commandTimeout)
        prepare(until: deadline)
        let slot = KeySlot.slot(of: key)
        let first = node(route(slot))
        do throws(VecStoreError) {
            return try dedicated(first, until: deadline)
        } catch {
            guard error.code == .unavailable && isCluster else { throw error }
            refreshMap(until: deadline, avoiding: [first.address])
            let second = node(route(slot))
            if second === first { throw error }
            return try dedicated(second, until: deadline)
        }
    }

    private func dedicated(_ node: RedisNode, until deadline: Deadline) throws(VecStoreError) -> DedicatedConnection {
        guard let pass = node.breaker.enter() else { throw node.isLeftAlone }
        do throws(VecStoreError) {
            let connection = try node.pool.connect(until: deadline)
            node.breaker.succeed(pass)
            return try DedicatedConnection(self, node, connection)
        } catch {
            node.judge(pass, error)
            throw error
        }
    }
}
