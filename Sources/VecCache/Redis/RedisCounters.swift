// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a client has counted since it was made.
package struct RedisStats: Sendable, Equatable {
    /// Commands that were asked for, and those of them that ended in an error.
    package var commands: UInt64 = 0
    package var errors: UInt64 = 0
    /// Commands that were sent again: after a lost connection, or because a server asked for it.
    package var retries: UInt64 = 0
    /// Commands that a cluster sent elsewhere.
    package var redirects: UInt64 = 0
    package var timeouts: UInt64 = 0
    /// Connections that were made, and attempts to make one that failed.
    package var connections: UInt64 = 0
    package var failedConnections: UInt64 = 0
    package var bytesSent: UInt64 = 0
    package var bytesReceived: UInt64 = 0
    /// Times that the map of a cluster was asked for.
    package var mapRefreshes: UInt64 = 0
}

final class RedisCounters: Sendable {
    enum Counter: Int, CaseIterable {
        case commands, errors, retries, redirects, timeouts, connections, failedConnections, bytesSent, bytesReceived, mapRefreshes
    }

    private let commands = Atomic<UInt64>(0)
    private let errors = Atomic<UInt64>(0)
    private let retries = Atomic<UInt64>(0)
    private let redirects = Atomic<UInt64>(0)
    private let timeouts = Atomic<UInt64>(0)
    private let connections = Atomic<UInt64>(0)
    private let failedConnections = Atomic<UInt64>(0)
    private let bytesSent = Atomic<UInt64>(0)
    private let bytesReceived = Atomic<UInt64>(0)
    private let mapRefreshes = Atomic<UInt64>(0)

    func add(_ counter: Counter, _ amount: Int = 1) {
        let amount = UInt64(clamping: amount)
        switch counter {
        case .commands: commands.wrappingAdd(amount, ordering: .relaxed)
        case .errors: errors.wrappingAdd(amount, ordering: .relaxed)
        case .retries: retries.wrappingAdd(amount, ordering: .relaxed)
        case .redirects: redirects.wrappingAdd(amount, ordering: .relaxed)
        case .timeouts: timeouts.wrappingAdd(amount, ordering: .relaxed)
        case .connections: connections.wrappingAdd(amount, ordering: .relaxed)
        case .failedConnections: failedConnections.wrappingAdd(amount, ordering: .relaxed)
        case .bytesSent: bytesSent.wrappingAdd(amount, ordering: .relaxed)
        case .bytesReceived: bytesReceived.wrappingAdd(amount, ordering: .relaxed)
        case .mapRefreshes: mapRefreshes.wrappingAdd(amount, ordering: .relaxed)
        }
    }

    var stats: RedisStats {
        RedisStats(
            commands: commands.load(ordering: .relaxed), errors: errors.load(ordering: .relaxed),
            retries: retries.load(ordering: .relaxed), redirects: redirects.load(ordering: .relaxed),
            timeouts: timeouts.load(ordering: .relaxed), connections: connections.load(ordering: .relaxed),
            failedConnections: failedConnections.load(ordering: .relaxed), bytesSent: bytesSent.load(ordering: .relaxed),
            bytesReceived: bytesReceived.load(ordering: .relaxed), mapRefreshes: mapRefreshes.load(ordering: .relaxed))
    }
}
