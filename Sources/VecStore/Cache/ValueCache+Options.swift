// SPDX-License-Identifier: Apache-2.0

import VecCache

extension ValueCache {
    /// How a cache works. Nothing of it is stored with the values. Numbers out of range are refused where the cache is opened.
    public struct Options: Sendable, Hashable {
        /// Of memory and directories, 1 to 1,073,741,823: the values go first that were not used for the longest time. nil: no bound.
        public var maxEntries: Int?
        /// Likewise: of keys and values, and 160 for each entry; nil: no bound.
        public var maxBytes: Int?
        /// Of Redis: bytes of values that this process keeps for itself, so that they need no round trip; 0: none.
        public var localBytes: Int
        /// For how long it does, a millisecond or more: as old may a value be that another process has changed.
        public var localTTL: Duration
        /// Whether calls throw while Redis does not answer; else keys are missed, and values dropped.
        public var failsClosed: Bool
        public var redis: RedisOptions

        public init(
            maxEntries: Int? = 1_000_000, maxBytes: Int? = nil, localBytes: Int = 0, localTTL: Duration = .seconds(1),
            failsClosed: Bool = false, redis: RedisOptions = RedisOptions()
        ) {
            self.maxEntries = maxEntries
            self.maxBytes = maxBytes
            self.localBytes = localBytes
            self.localTTL = localTTL
            self.failsClosed = failsClosed
            self.redis = redis
        }
    }
}

extension ValueCache.Options {
    /// With a namespace that is still to be said.
    var internalValue: ValueCacheOptions {
        var options = ValueCacheOptions(namespace: "", maxEntries: maxEntries, maxBytes: maxBytes)
        options.localBytes = localBytes
        options.localTTL = localTTL.milliseconds
        options.failsOpen = !failsClosed
        options.redis = redis.internalValue
        return options
    }
}
