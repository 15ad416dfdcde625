// SPDX-License-Identifier: Apache-2.0

extension RedisClient {
    /// What the metrics of whatever uses the client say of it.
    var metrics: [CacheMetric] {
        let stats = self.stats
        let breaker = servers.map(\.breaker).max { RedisClient.rank($0) < RedisClient.rank($1) } ?? .closed
        func counter(_ name: String, _ help: String, _ value: UInt64) -> CacheMetric {
            CacheMetric(name: name, kind: .counter, help: help, value: Double(value))
        }
        return [
            counter("redis_commands_total", "Commands that were sent to Redis.", stats.commands),
            counter("redis_errors_total", "Commands that were refused, or got no answer.", stats.errors),
            counter("redis_retries_total", "Commands that were sent again.", stats.retries),
            counter("redis_timeouts_total", "Commands that got no answer in time.", stats.timeouts),
            counter("redis_connections_total", "Connections that were made.", stats.connections),
            CacheMetric(
                name: "redis_breaker_state", kind: .gauge,
                help: "0: closed; 1: half-open; 2: open, Redis is left alone. Of the worst server.", value: RedisClient.rank(breaker)),
        ]
    }

    private static func rank(_ state: CircuitBreaker.State) -> Double {
        switch state {
        case .closed: 0
        case .halfOpen: 1
        case .open: 2
        }
    }
}
