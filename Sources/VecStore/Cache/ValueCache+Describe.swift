// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import VecCache

extension ValueCache {
    /// What a cache has, and what was done through this object so far.
    public struct Stats: Sendable, Hashable {
        /// In memory or in the directory; of Redis what this process keeps for itself.
        public let entries: Int
        /// Of keys and values, as `Options.maxBytes` counts them.
        public let bytes: Int
        /// Keys that were found.
        public let hits: Int
        /// Those of them that needed no round trip to Redis.
        public let localHits: Int
        /// Keys that were not found.
        public let misses: Int
        /// Those of them that were not because Redis did not answer.
        public let unanswered: Int
        /// Values that were set.
        public let sets: Int
        /// Values that were not because Redis did not answer.
        public let dropped: Int
        public let deletes: Int
        /// Values that had to go for others.
        public let evictions: Int
        /// Values whose end has come.
        public let expired: Int
        /// Whether they surfaced or not.
        public let storeErrors: Int
        /// The last of them; nil: there was none.
        public let lastError: SemanticCache.StoreError?

        /// Hits of all keys that were asked for, from 0 to 1; 0 where there were none.
        public var hitRate: Double {
            let asked = hits + misses
            return asked == 0 ? 0 : Double(hits) / Double(asked)
        }
    }

    /// What there is, and what was done so far.
    /// - Throws: `.invalidHandle`, `.io`.
    public func stats() throws(VecStoreError) -> Stats {
        Stats(try rethrow { () throws(CoreError) in try core.stats() })
    }

    /// Numbers about the cache for Prometheus, in its text format.
    /// - Throws: `.invalidHandle`, `.io`.
    public func metrics() throws(VecStoreError) -> String {
        try rethrow { () throws(CoreError) in try core.metrics() }
    }

    /// The same about several caches in one text.
    /// - Throws: `.invalidArgument` where two have the same namespace and kind of store; `.invalidHandle`, `.io`.
    public static func metrics(_ caches: [ValueCache]) throws(VecStoreError) -> String {
        try rethrow { () throws(CoreError) in try ValueMetrics.text(caches.map(\.core)) }
    }

    /// Whether the cache can do its work. Nobody is asked for it. Of one that was closed, and in a child of `fork`, it is `.failed`.
    public func health() -> Health { Health(core.health()) }
}

extension ValueCache.Stats {
    fileprivate init(_ stats: ValueCacheStats) {
        entries = stats.entries
        bytes = stats.bytes
        hits = stats.hits
        localHits = stats.localHits
        misses = stats.misses
        unanswered = stats.unanswered
        sets = stats.sets
        dropped = stats.dropped
        deletes = stats.deletes
        evictions = stats.evictions
        expired = stats.expired
        storeErrors = stats.storeErrors
        lastError = stats.lastError.map { SemanticCache.StoreError(message: $0.message, date: Date(milliseconds: $0.time)) }
    }
}
