// SPDX-License-Identifier: Apache-2.0

/// What a cache of values has, and what it has done so far.
package struct ValueCacheStats: Sendable {
    /// In memory or in the directory; of Redis, what this process keeps for itself.
    package var entries = 0
    /// Bytes that they take, as bounds count them.
    package var bytes = 0
    package var hits = 0
    /// Those of the hits that needed no round trip to Redis.
    package var localHits = 0
    package var misses = 0
    /// Those of the misses that are some because Redis did not answer.
    package var unanswered = 0
    package var sets = 0
    /// Values that were not set because Redis did not answer.
    package var dropped = 0
    package var deletes = 0
    package var evictions = 0
    package var expired = 0
    package var storeErrors = 0
    /// The last error of the store, and when it was, in milliseconds since 1970.
    package var lastError: (message: String, time: Int64)?
}
