// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import VecIndex

/// Asks a Redis server, or the servers of a cluster. Any number of threads may use one. Whatever happens, a call ends when its
/// time-out is over.
package final class RedisClient: @unchecked Sendable {
    // Safety: `map`, `nodes` and what is known of the cluster are touched under `lock`.

    package let url: RedisURL
    package let options: RedisOptions
    let counters = RedisCounters()
    private let tls: TLSContext?
    private let owner = getpid()
    private let isClosed = Atomic<Bool>(false)

    let lock = Lock()
    let changed = Condition()
    var nodes: [RedisAddress: RedisNode] = [:]
    var kind: Kind
    var map = SlotMap()
    var isRefreshing = false
    var lastRefresh: Int64?
    /// Something went wrong that an old map would explain.
    var isMapDoubtful = false

    /// Whether the server is one of a cluster.
    enum Kind {
        case unknown, single, cluster
    }

    /// Makes a client. Nothing is sent before the first call.
    package init(_ url: RedisURL, _ options: RedisOptions = RedisOptions()) throws(VecStoreError) {
        try options.check()
        self.url = url
        self.options = options
        tls = url.isEncrypted ? try TLSContext(options.tls) : nil
        kind = options.isCluster.map { $0 ? .cluster : .single } ?? .unknown
        if options.isCluster == true { try RedisClient.checkDatabase(url) }
    }

    static func checkDatabase(_ url: RedisURL) throws(VecStoreError) {
        guard url.database == 0 else {
            throw VecStoreError(.invalidArgument, "a Redis cluster has only the database 0, and \(url) asks for \(url.database)")
        }
    }

    func checkUsable() throws(VecStoreError) {
        if isClosed.load(ordering: .acquiring) { throw VecStoreError(.invalidHandle, "the Redis client was closed") }
        guard getpid() == owner else {
            throw VecStoreError(
                .invalidHandle,
                "the Redis client was made before fork(): a child makes one for itself, connections cannot be shared")
        }
    }

    // MARK: - Asking

    /// Asks one thing. What a server refuses is thrown too.
    package func execute(_ command: RedisCommand) throws(VecStoreError) -> RedisReply {
        try run([command], until: Deadline(milliseconds: options.commandTimeout))[0].checked()
    }

    /// Sends all commands before it waits for the first reply. Each has a reply of its own, in the order of the commands; one that
    /// was refused, or got no answer, has `.error`. In a cluster, commands for several servers are with all of them at once, and
    /// order holds among the commands of one slot only, and only while that stays where it is.
    package func pipeline(_ commands: [RedisCommand]) throws(VecStoreError) -> [RedisReply] {
        try run(commands, until: Deadline(milliseconds: options.commandTimeout))
    }

    /// Runs a script, which is sent whole only to a server that does not know it.
    package func script(
        _ script: RedisScript, keys: [[UInt8]], arguments: [[UInt8]], isRepeatable: Bool
    ) throws(VecStoreError) -> RedisReply {
        try execute(RedisCommand(script, keys: keys, arguments: arguments, isRepeatable: isRepeatable))
    }

    // MARK: - State

    package var stats: RedisStats { counters.stats }

    /// What is known of one server.
    package struct ServerState: Sendable {
        package let address: RedisAddress
        package let breaker: CircuitBreaker.State
        package let connections: Int
    }

    /// The servers that were asked so far.
    package var servers: [ServerState] {
        let all = lock.withLock { Array(nodes.values) }
        return all.map { ServerState(address: $0.address, breaker: $0.breaker.state, connections: $0.pool.connections) }
            .sorted { $0.address.description < $1.address.description }
    }

    package var isCluster: Bool { lock.withLock { kind == .cluster } }

    /// Later calls are refused, and those that wait for a connection.
    package func close() {
        if isClosed.exchange(true, ordering: .acquiringAndReleasing) { return }
        guard getpid() == owner else { return }
        let all = lock.withLock { Array(nodes.values) }
        for node in all { node.pool.close() }
        changed.signalAll()
    }

    // MARK: - Servers

    /// The server at an address; one that is new is made known.
    func node(_ address: RedisAddress) -> RedisNode {
        lock.withLock { knownNode(address) }
    }

    /// The caller holds the lock.
    func knownNode(_ address: RedisAddress) -> RedisNode {
        if let node = nodes[address] { return node }
        let node = RedisNode(RedisPool(address, RedisLogin(url), tls, options, counters), options)
        nodes[address] = node
        return node
    }
}
