// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecCollection
import VecIndex

/// Token buckets by keys, shared by all processes that open the same namespace of a Redis.
///
/// Nobody waits in here: who gets no tokens is told when there will be some, and sleeps, or refuses, as it likes.
package final class RateLimiter: @unchecked Sendable {
    // Safety: nothing changes but what is atomic; the parts are made for many threads.

    package let options: RateLimiterOptions
    /// nil: all buckets are in this process.
    private let client: RedisClient?
    private let prefix: [UInt8]
    private let local: LocalBuckets
    let counters = RateCounters()
    private let owner = thisProcess()
    private let isClosed = Atomic<Bool>(false)

    /// Most bytes of a key: it is a part of a name in Redis.
    package static let keyBytes = 1024

    private init(_ client: RedisClient?, _ options: RateLimiterOptions, clock: @escaping RateClock) {
        self.client = client
        self.options = options
        prefix = ValueNames.prefix(options.namespace) + Array("limit:".utf8)
        local = LocalBuckets(options, clock: clock)
    }

    deinit { close() }

    /// Opens a limiter. Nothing is sent before the first call.
    /// - Parameters:
    ///   - url: `memory:`, or where a Redis is (`RedisURL`); nil: the one that the environment says.
    ///   - clock: Of the buckets of this process.
    package static func open(
        _ url: String?, _ options: RateLimiterOptions, clock: @escaping RateClock = rateClock
    ) throws(VecStoreError) -> RateLimiter {
        try options.check()
        if url == "memory:" { return RateLimiter(nil, options, clock: clock) }
        if let url, !url.contains("://") {
            throw VecStoreError(
                .unsupported, "a rate limiter lives in memory: or in a Redis (redis://, rediss://, unix://), not in a directory")
        }
        let redis = try RedisURL.from(url)
        return RateLimiter(try RedisClient(redis, options.redis), options, clock: clock)
    }

    /// Where its buckets live, as metrics call it.
    package var storeKind: String { client == nil ? "memory" : "redis" }

    /// Takes tokens from the bucket of a key, all or none; a key that is new has a full one. One round trip.
    /// - Parameter tokens: 0 only asks.
    package func acquire(_ key: [UInt8], _ tokens: Double = 1) throws(VecStoreError) -> RateDecision {
        try checkUsable()
        guard (1...RateLimiter.keyBytes).contains(key.count) else {
            throw VecStoreError(
                key.isEmpty ? .invalidArgument : .tooLarge, "the key has \(key.count) bytes: allowed are 1 to \(RateLimiter.keyBytes)")
        }
        guard tokens >= 0 && tokens <= options.capacity else {
            throw VecStoreError(
                .invalidArgument, "\(tokens) tokens were asked for: allowed is 0 to \(options.capacity), the capacity of a bucket")
        }
        let decision = try decide(key, tokens)
        counters.note(decision)
        return decision
    }

    private func decide(_ key: [UInt8], _ tokens: Double) throws(VecStoreError) -> RateDecision {
        guard let client else { return local.take(tokens, key) }
        do throws(VecStoreError) {
            let decision = try RateScript.take(tokens, from: prefix + key, options, client)
            counters.failure.noteSuccess()
            return decision
        } catch {
            counters.failure.note(error, at: wallClock())
            guard error.code == .unavailable, options.failsOpen else { throw error }
            var decision = local.take(tokens, key)
            decision.isLocal = true
            return decision
        }
    }

    func checkUsable() throws(VecStoreError) {
        if isClosed.load(ordering: .acquiring) { throw VecStoreError(.invalidHandle, "the rate limiter was closed") }
        guard isProcess(owner) else {
            throw VecStoreError(
                .invalidHandle, "the rate limiter was opened before fork(): a child opens it for itself, connections cannot be shared")
        }
    }

    /// Later calls are refused. Buckets in Redis stay.
    package func close() {
        if isClosed.exchange(true, ordering: .acquiringAndReleasing) { return }
        client?.close()
    }

    // MARK: - State

    var storeMetrics: [CacheMetric] { client?.metrics ?? [] }

    /// The metrics of this limiter as Prometheus reads them. See `RateMetrics.text` for those of several.
    package func metrics() throws(VecStoreError) -> String { try RateMetrics.text([self]) }

    /// Whether the limiter can do its work. It answers for one that was closed, too.
    package func health() -> HealthReport {
        do throws(VecStoreError) {
            try checkUsable()
        } catch {
            return HealthReport([.init("unusable", .failed, error.message)])
        }
        guard let error = counters.failure.current else { return HealthReport([]) }
        return HealthReport([.init("redis_away", .degraded, error)])
    }
}
