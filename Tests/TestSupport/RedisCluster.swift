// A real cluster for a test: three masters with a replica each.
// SPDX-License-Identifier: Apache-2.0

import Foundation

package final class RedisCluster: Sendable {
    package let servers: [RedisServer]

    package init() throws {
        var settings = RedisServer.Settings()
        settings.isCluster = true
        servers = try (0..<6).map { _ in try RedisServer(settings) }
        try run(
            "redis-cli",
            ["--cluster", "create"] + servers.map { "127.0.0.1:\($0.port)" } + ["--cluster-replicas", "1", "--cluster-yes"])
        let end = Date().addingTimeInterval(20)
        while try !isReady() {
            if Date() > end { throw RedisServer.Failure.noStart("the cluster did not come up") }
            usleep(50_000)
        }
    }

    package func remove() {
        for server in servers { server.remove() }
    }

    /// Whether all servers take part.
    package func isReady() throws -> Bool { try servers.allSatisfy(RedisCluster.isReady) }

    /// A server takes part once it knows of all slots and, as a replica, has the data of its master.
    private static func isReady(_ server: RedisServer) throws -> Bool {
        guard try server.cli("cluster", "info").contains("cluster_state:ok") else { return false }
        let role = try server.cli("role")
        return role.hasPrefix("master") || role.contains("connected")
    }

    /// The master of the slot of a key, as the cluster says.
    package func master(of key: String) throws -> RedisServer {
        let slot = try servers[0].cli("cluster", "keyslot", key)
        return try master(ofSlot: Int(slot) ?? -1)
    }

    package func master(ofSlot slot: Int) throws -> RedisServer {
        for server in servers {
            // id, host:port@bus, flags, master, ping, pong, epoch, link, slots …
            for line in try server.cli("cluster", "nodes").split(separator: "\n") {
                let parts = line.split(separator: " ")
                guard parts.count > 8, parts[2] == "myself,master" else { continue }
                for range in parts[8...] where !range.hasPrefix("[") {
                    let ends = range.split(separator: "-").compactMap { Int($0) }
                    if let first = ends.first, let last = ends.last, (first...last).contains(slot) { return server }
                }
            }
        }
        throw RedisServer.Failure.noStart("nobody has the slot \(slot)")
    }

    /// The name of a server within the cluster.
    package func id(_ server: RedisServer) throws -> String { try server.cli("cluster", "myid") }
}
