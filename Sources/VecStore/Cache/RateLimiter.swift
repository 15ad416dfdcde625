// SPDX-License-Identifier: Apache-2.0

import VecCache

/// A bucket of tokens for each key, which processes share through a Redis.
///
///     let limiter = try RateLimiter("redis://localhost", namespace: "model", capacity: 10, refillPerSecond: 2)
///     guard try limiter.acquire(user).isAllowed else { return .tooManyRequests }
///
/// A bucket begins full, gets tokens at a steady rate until it is full, and each call takes some, or none where there are not as
/// many.
///
/// **Threads.** Any method may be called from any thread. With Redis `acquire` blocks its thread for a round trip, and for
/// `RedisOptions.commandTimeout` where it does not answer: from a task call it within `run`, or call `wait`. A child of `fork` cannot
/// use a limiter of its parent (`.invalidHandle`).
public final class RateLimiter: Sendable {
    let core: VecCache.RateLimiter
    private let threads = CallThreads()

    // MARK: - Beginning and end

    /// Opens a limiter. Nothing is sent before the first call.
    /// - Parameters:
    ///   - url: "memory:", for buckets of this process, or a Redis, as for `SemanticCache`; not a directory. nil: the Redis that the
    ///     environment says, or else that of this machine.
    ///   - namespace: Part of every key, as for `SemanticCache`.
    ///   - capacity: Tokens of a full bucket, 0.000001 to 10¹².
    ///   - refillPerSecond: Tokens, 0.000001 to 10¹².
    ///   - failsClosed: Whether calls throw while Redis does not answer; else buckets of this process serve, which begin full.
    /// - Throws: `.invalidArgument`, `.unsupported`, `.io`.
    public init(
        _ url: String? = nil, namespace: String, capacity: Double, refillPerSecond: Double, failsClosed: Bool = false,
        redis: RedisOptions = RedisOptions()
    ) throws(VecStoreError) {
        core = try rethrow { () throws(CoreError) in
            var options = RateLimiterOptions(namespace: namespace, capacity: capacity, refillPerSecond: refillPerSecond)
            options.failsOpen = !failsClosed
            options.redis = redis.internalValue
            return try VecCache.RateLimiter.open(url, options)
        }
    }

    /// Lets go of the limiter. Buckets in Redis stay. Later calls throw `.invalidHandle`; closing twice does nothing.
    public func close() { core.close() }

    public var namespace: String { core.options.namespace }
    /// Tokens of a full bucket.
    public var capacity: Double { core.options.capacity }
    public var refillPerSecond: Double { core.options.refillPerSecond }

    // MARK: - Tokens

    /// Whether tokens were taken.
    public struct Decision: Sendable, Hashable {
        public let isAllowed: Bool
        /// Tokens that are left in the bucket.
        public let remaining: Double
        /// Until there are as many as were asked for; zero where they were taken.
        public let retryAfter: Duration
        /// Whether a bucket of this process decided, because Redis does not answer.
        public let isLocal: Bool
    }

    /// Takes tokens from the bucket of a key, all or none. It does not wait for tokens.
    /// - Parameters:
    ///   - key: 1 to 1024 bytes.
    ///   - tokens: 0 to the capacity; 0 only asks.
    /// - Throws: `.invalidArgument`, `.tooLarge`, `.invalidHandle`, `.unsupported`, `.io`; `.unavailable` where it fails closed.
    public func acquire(_ key: some ByteValue, tokens: Double = 1) throws(VecStoreError) -> Decision {
        Decision(try rethrow { () throws(CoreError) in try core.acquire(key.cacheBytes, tokens) })
    }

    /// Does calls of this limiter for a task, on a thread of the limiter's own; see `SemanticCache.run`.
    @discardableResult
    public func run<Result: Sendable>(_ body: @escaping @Sendable (RateLimiter) throws -> Result) async throws -> Result {
        try await threads.call { try body(self) }
    }

    // MARK: - What it is

    /// Numbers about the limiter for Prometheus, in its text format.
    /// - Throws: `.invalidHandle`.
    public func metrics() throws(VecStoreError) -> String {
        try rethrow { () throws(CoreError) in try core.metrics() }
    }

    /// The same about several limiters in one text.
    /// - Throws: `.invalidArgument` where two have the same namespace and kind of store; `.invalidHandle`.
    public static func metrics(_ limiters: [RateLimiter]) throws(VecStoreError) -> String {
        try rethrow { () throws(CoreError) in try RateMetrics.text(limiters.map(\.core)) }
    }

    /// Whether the limiter can do its work. Nobody is asked for it. Of one that was closed, and in a child of `fork`, it is `.failed`.
    public func health() -> Health { Health(core.health()) }
}

extension RateLimiter.Decision {
    fileprivate init(_ decision: RateDecision) {
        isAllowed = decision.isAllowed
        remaining = decision.remaining
        retryAfter = .milliseconds(decision.retryAfter)
        isLocal = decision.isLocal
    }
}
