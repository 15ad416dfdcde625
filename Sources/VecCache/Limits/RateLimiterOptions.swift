// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// How a rate limiter is opened.
package struct RateLimiterOptions: Sendable {
    /// Part of every key: limiters of different namespaces know nothing of each other.
    package var namespace: String
    /// Tokens that a bucket has when it is full: as many may be taken at once.
    package var capacity: Double
    package var refillPerSecond: Double
    /// Whether buckets of this process serve while Redis is away, instead of an error.
    package var failsOpen = true
    package var redis = RedisOptions()

    package init(namespace: String, capacity: Double, refillPerSecond: Double) {
        self.namespace = namespace
        self.capacity = capacity
        self.refillPerSecond = refillPerSecond
    }

    /// Within these all arithmetic is exact to some billionths of a token.
    private static let most = 1e12
    private static let least = 1e-6

    package func check() throws(VecStoreError) {
        try CacheOptions.check(namespace: namespace)
        // Written so that no number that is none passes.
        guard capacity >= RateLimiterOptions.least && capacity <= RateLimiterOptions.most else {
            throw VecStoreError(.invalidArgument, "capacity is \(capacity) tokens: allowed is 0.000001 to 1000000000000")
        }
        guard refillPerSecond >= RateLimiterOptions.least && refillPerSecond <= RateLimiterOptions.most else {
            throw VecStoreError(
                .invalidArgument, "refill_per_second is \(refillPerSecond) tokens: allowed is 0.000001 to 1000000000000")
        }
    }
}
