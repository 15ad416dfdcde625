// SPDX-License-Identifier: Apache-2.0

/// What a cache has, and what it has done so far.
package struct CacheStats: Sendable {
    package var entries = 0
    /// Bytes that entries take, as bounds count them.
    package var bytes = 0
    /// Bytes that the index of their vectors takes.
    package var indexBytes = 0
    /// Entries that are compared one by one, until the background brings them into the graph.
    package var waiting = 0
    package var exactHits = 0
    package var semanticHits = 0
    package var misses = 0
    /// Lookups that ended with an error.
    package var failures = 0
    package var sets = 0
    package var deletes = 0
    package var evictions = 0
    package var expired = 0
    package var guardRefusals = 0
    package var feedbackRefusals = 0
    package var gone = 0
    package var feedbacks = 0
    package var storeErrors = 0
    /// The last error of the store, and when it was, in milliseconds since 1970.
    package var lastError: (message: String, time: Int64)?
    package var liveFilters = 0

    package var hits: Int { exactHits + semanticHits }
    /// Hits of all lookups; 0 where there were none.
    package var hitRate: Double { hits + misses == 0 ? 0 : Double(hits) / Double(hits + misses) }
}
