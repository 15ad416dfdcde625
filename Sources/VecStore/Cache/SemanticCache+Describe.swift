// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
import VecCache

extension SemanticCache {
    /// What a cache has, and what was done through this object so far.
    public struct Stats: Sendable, Hashable {
        public let entries: Int
        /// Of memory that entries take, as `Options.maxBytes` counts them.
        public let bytes: Int
        /// Of memory that the index of their vectors takes.
        public let indexBytes: Int
        /// Entries that are compared one by one, until the background brings them into the graph.
        public let waiting: Int
        public let exactHits: Int
        public let semanticHits: Int
        public let misses: Int
        /// Lookups that ended with an error.
        public let failures: Int
        /// Entries that were set.
        public let sets: Int
        public let deletes: Int
        /// Entries that had to go for others.
        public let evictions: Int
        /// Entries whose end has come.
        public let expired: Int
        /// Entries that were near enough, and were passed over by the guard,
        public let guardRefusals: Int
        /// by feedback,
        public let feedbackRefusals: Int
        /// or because the store did not have them any more.
        public let gone: Int
        public let feedbacks: Int
        /// Whether they surfaced or not.
        public let storeErrors: Int
        /// The last of them; nil: there was none.
        public let lastError: StoreError?

        public var hits: Int { exactHits + semanticHits }
        /// Hits of all lookups that ended well, from 0 to 1; 0 where there were none.
        public let hitRate: Double
    }

    /// An error of the place where entries live.
    public struct StoreError: Sendable, Hashable {
        public let message: String
        public let date: Date
    }

    /// What there is, and what was done so far.
    /// - Throws: `.invalidHandle`.
    public func stats() throws(VecStoreError) -> Stats {
        Stats(try rethrow { () throws(CoreError) in try core.stats() })
    }

    /// Numbers about the cache for Prometheus, in its text format: lookups by what came of them, histograms of similarities and of
    /// how long lookups took, entries, bytes, and how Redis is reached.
    /// - Throws: `.invalidHandle`.
    public func metrics() throws(VecStoreError) -> String {
        try rethrow { () throws(CoreError) in try CacheMetrics.text([core]) }
    }

    /// The same about several caches in one text.
    /// - Throws: `.invalidArgument` where two have the same namespace and kind of store; `.invalidHandle`.
    public static func metrics(_ caches: [SemanticCache]) throws(VecStoreError) -> String {
        try rethrow { () throws(CoreError) in try CacheMetrics.text(caches.map(\.core)) }
    }

    /// Whether the cache can do its work. Nobody is asked for it. Of one that was closed, and in a child of `fork`, it is `.failed`.
    public func health() -> Health { Health(core.health()) }

    // MARK: - Upkeep

    /// Waits until all changes are where entries live: those that were made while Redis was away wait for it.
    /// - Returns: Whether they are.
    /// - Throws: `.invalidHandle`.
    public func flush(timeout: Duration = .seconds(5)) throws(VecStoreError) -> Bool {
        try rethrow { () throws(CoreError) in
            try core.flush(milliseconds: Int(min(max(timeout.milliseconds, 0), Int64(Int32.max))))
        }
    }

    /// Brings all entries into the graph, on this thread. The background does it otherwise, and entries that wait are compared one
    /// by one.
    /// - Throws: `.outOfMemory`, `.invalidHandle`.
    public func optimize() throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.settle() }
    }
}

extension SemanticCache.Stats {
    fileprivate init(_ stats: CacheStats) {
        entries = stats.entries
        bytes = stats.bytes
        indexBytes = stats.indexBytes
        waiting = stats.waiting
        exactHits = stats.exactHits
        semanticHits = stats.semanticHits
        misses = stats.misses
        failures = stats.failures
        sets = stats.sets
        deletes = stats.deletes
        evictions = stats.evictions
        expired = stats.expired
        guardRefusals = stats.guardRefusals
        feedbackRefusals = stats.feedbackRefusals
        gone = stats.gone
        feedbacks = stats.feedbacks
        storeErrors = stats.storeErrors
        lastError = stats.lastError.map { SemanticCache.StoreError(message: $0.message, date: Date(milliseconds: $0.time)) }
        hitRate = stats.hitRate
    }
}
