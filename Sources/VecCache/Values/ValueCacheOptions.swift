// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// How a cache of values is opened.
package struct ValueCacheOptions: Sendable {
    /// Part of every key: caches of different namespaces know nothing of each other.
    package var namespace: String
    /// Milliseconds that a value lives; nil: for ever.
    package var ttl: Int64?
    /// Most entries in memory or in a directory, and most bytes that they take; nil: no bound. Redis has bounds of its own.
    package var maxEntries: Int?
    package var maxBytes: Int?
    /// Of Redis: bytes of values that this process keeps for itself, so that they need no round trip; 0: none.
    package var localBytes = 0
    /// Milliseconds for which it does: as old may a value be that another process has changed since.
    package var localTTL: Int64 = ValueCacheOptions.defaultLocalTTL
    /// Whether values are missed, and dropped, while Redis is away, instead of an error.
    package var failsOpen = true
    package var redis = RedisOptions()

    package static let defaultLocalTTL: Int64 = 1000

    package init(
        namespace: String, ttl: Int64? = nil, maxEntries: Int? = CacheOptions.defaultMaxEntries, maxBytes: Int? = nil
    ) {
        self.namespace = namespace
        self.ttl = ttl
        self.maxEntries = maxEntries
        self.maxBytes = maxBytes
    }

    package func check() throws(VecStoreError) {
        try CacheOptions.check(namespace: namespace)
        if let ttl { try CacheOptions.check(ttl: ttl) }
        if let maxEntries, maxEntries < 1 || maxEntries > Limits.graphRows / 2 {
            throw VecStoreError(.invalidArgument, "max_entries is \(maxEntries): allowed is 1 to \(Limits.graphRows / 2)")
        }
        if let maxBytes, maxBytes < 1 {
            throw VecStoreError(.invalidArgument, "max_bytes is \(maxBytes): allowed is 1 and more")
        }
        guard localBytes >= 0 else {
            throw VecStoreError(.invalidArgument, "local_bytes is \(localBytes): allowed is 0 and more")
        }
        guard localTTL >= 1 else {
            throw VecStoreError(.invalidArgument, "local_ttl is \(localTTL) ms: allowed is 1 and more")
        }
    }
}
