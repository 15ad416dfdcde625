// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecCollection
import VecIndex

/// Bytes by exact keys, with an end: what a cache of embeddings (model and text → vector) and one of results (query → hits) are made
/// of.
///
/// The values live in this process, in a directory or in Redis; what a cache does is the same everywhere.
package final class ValueCache: @unchecked Sendable {
    // Safety: nothing changes but what is atomic; the store is made for many threads.

    package let options: ValueCacheOptions
    /// What kind of place the values live in, as metrics call it.
    package let storeKind: String
    let counters: ValueCounters
    private let store: any ValueStore
    private let clock: WallClock
    private let owner = thisProcess()
    private let isClosed = Atomic<Bool>(false)

    private init(
        _ store: any ValueStore, _ options: ValueCacheOptions, _ counters: ValueCounters, kind: String, clock: @escaping WallClock
    ) {
        self.store = store
        self.options = options
        self.counters = counters
        self.clock = clock
        storeKind = kind
    }

    private var isRedis: Bool { storeKind == "redis" }

    deinit { try? close() }

    /// Opens a cache.
    /// - Parameter url: `memory:`, the path of a directory, or where a Redis is (`RedisURL`); nil: the one that the environment says.
    package static func open(
        _ url: String?, _ options: ValueCacheOptions, clock: @escaping WallClock = wallClock
    ) throws(VecStoreError) -> ValueCache {
        try options.check()
        let counters = ValueCounters()
        if url == "memory:" {
            return ValueCache(MemoryValues(options, counters, clock: clock), options, counters, kind: "memory", clock: clock)
        }
        if let url, !url.contains("://") {
            guard !url.isEmpty, !url.utf8.contains(0) else {
                throw VecStoreError(
                    .invalidArgument, "the URL of a cache is memory:, redis://, rediss://, unix://, or the path of a directory")
            }
            return ValueCache(
                try DirectoryValues(url, options, counters, clock: clock), options, counters, kind: "directory", clock: clock)
        }
        let redis = try RedisURL.from(url)
        return ValueCache(try RedisValues(redis, options, counters, clock: clock), options, counters, kind: "redis", clock: clock)
    }

    // MARK: - Calls

    /// The value of each key, in the order of the keys; nil: there is none. Of Redis all come with one round trip.
    package func get(_ keys: [[UInt8]]) throws(VecStoreError) -> [[UInt8]?] {
        try checkUsable()
        try check(keys)
        if keys.isEmpty { return [] }
        let start = ticks()
        let values = try storing { () throws(VecStoreError) in try store.get(keys) }
        counters.durations.note(Double(ticks() &- start) / 1e9)
        let hits = values.count { $0 != nil }
        counters.hits.add(hits, ordering: .relaxed)
        counters.misses.add(values.count - hits, ordering: .relaxed)
        return values
    }

    package func get(_ key: [UInt8]) throws(VecStoreError) -> [UInt8]? { try get([key])[0] }

    /// Sets values, each in the place of the one with the same key: all are checked before the first is written. An empty value is a
    /// value.
    package func set(_ pairs: [(key: [UInt8], value: [UInt8])], ttl: TimeToLive = .standard) throws(VecStoreError) {
        try checkUsable()
        try check(pairs.map(\.key))
        for (i, pair) in pairs.enumerated() {
            guard pair.value.count <= ValueLimits.valueBytes else {
                throw VecStoreError(
                    .tooLarge, "value \(i) has \(pair.value.count) bytes: allowed are up to \(ValueLimits.valueBytes)")
            }
        }
        let values = pairs.map { NewValue(key: $0.key, value: $0.value) }
        if !isRedis, let most = options.maxBytes {
            for (i, value) in values.enumerated() where value.size > most {
                throw VecStoreError(.tooLarge, "value \(i) takes \(value.size) bytes: max_bytes of the cache is \(most)")
            }
        }
        let ttl = try milliseconds(ttl)
        if values.isEmpty { return }
        try storing { () throws(VecStoreError) in try store.set(values, ttl: ttl) }
        counters.sets.add(values.count, ordering: .relaxed)
    }

    package func set(_ key: [UInt8], _ value: [UInt8], ttl: TimeToLive = .standard) throws(VecStoreError) {
        try set([(key, value)], ttl: ttl)
    }

    /// Deletes values; keys that have none are passed over.
    /// - Returns: How many there were.
    @discardableResult
    package func delete(_ keys: [[UInt8]]) throws(VecStoreError) -> Int {
        try checkUsable()
        try check(keys)
        if keys.isEmpty { return 0 }
        let count = try storing { () throws(VecStoreError) in try store.delete(keys) }
        counters.deletes.add(count, ordering: .relaxed)
        return count
    }

    /// Deletes all values of the namespace, for all processes.
    /// - Returns: How many there were.
    @discardableResult
    package func clear() throws(VecStoreError) -> Int {
        try checkUsable()
        let count = try storing { () throws(VecStoreError) in try store.clear() }
        counters.deletes.add(count, ordering: .relaxed)
        return count
    }

    /// Lets go of everything. Later calls are refused. Values in a directory and in Redis stay.
    package func close() throws(VecStoreError) {
        if isClosed.exchange(true, ordering: .acquiringAndReleasing) { return }
        guard isProcess(owner) else { return }
        try store.close()
    }

    // MARK: - Checks

    func checkUsable() throws(VecStoreError) {
        if isClosed.load(ordering: .acquiring) { throw VecStoreError(.invalidHandle, "the cache was closed") }
        guard isProcess(owner) else {
            throw VecStoreError(
                .invalidHandle, "the cache was opened before fork(): a child opens it for itself, its connections cannot be shared")
        }
    }

    private func check(_ keys: [[UInt8]]) throws(VecStoreError) {
        guard keys.count <= ValueLimits.batch else {
            throw VecStoreError(.tooLarge, "there are \(keys.count) keys: a call takes up to \(ValueLimits.batch)")
        }
        for (i, key) in keys.enumerated() where !(1...ValueLimits.keyBytes).contains(key.count) {
            throw VecStoreError(
                key.isEmpty ? .invalidArgument : .tooLarge,
                "key \(i) has \(key.count) bytes: allowed are 1 to \(ValueLimits.keyBytes)")
        }
    }

    private func milliseconds(_ ttl: TimeToLive) throws(VecStoreError) -> Int64? {
        switch ttl {
        case .standard: return options.ttl
        case .forever: return nil
        case .milliseconds(let milliseconds):
            try CacheOptions.check(ttl: milliseconds)
            return milliseconds
        }
    }

    /// Takes note of what goes wrong in the store. Redis notes it itself, because it does not always surface.
    private func storing<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        if isRedis { return try body() }
        do throws(VecStoreError) {
            let result = try body()
            counters.failure.noteSuccess()
            return result
        } catch {
            counters.failure.note(error, at: clock())
            throw error
        }
    }

    // MARK: - State

    /// What there is, and what was done so far.
    package func stats() throws(VecStoreError) -> ValueCacheStats {
        try checkUsable()
        var stats = ValueCacheStats()
        (stats.entries, stats.bytes) = try store.size()
        stats.hits = counters.hits.load(ordering: .relaxed)
        stats.localHits = counters.localHits.load(ordering: .relaxed)
        stats.misses = counters.misses.load(ordering: .relaxed)
        stats.unanswered = counters.unanswered.load(ordering: .relaxed)
        stats.dropped = counters.dropped.load(ordering: .relaxed)
        stats.sets = counters.sets.load(ordering: .relaxed) &- stats.dropped
        stats.deletes = counters.deletes.load(ordering: .relaxed)
        stats.evictions = counters.evictions.load(ordering: .relaxed)
        stats.expired = counters.expired.load(ordering: .relaxed)
        stats.storeErrors = counters.failure.count
        stats.lastError = counters.failure.last
        return stats
    }

    /// What the store has to say beside the counters.
    var storeMetrics: [CacheMetric] { store.metrics() }

    /// The metrics of this cache as Prometheus reads them. See `ValueMetrics.text` for those of several.
    package func metrics() throws(VecStoreError) -> String { try ValueMetrics.text([self]) }

    /// Whether the cache can do its work. It answers for one that was closed, too.
    package func health() -> HealthReport {
        do throws(VecStoreError) {
            try checkUsable()
        } catch {
            return HealthReport([.init("unusable", .failed, error.message)])
        }
        guard let error = counters.failure.current else { return HealthReport([]) }
        return HealthReport([.init(isRedis ? "redis_away" : "store_failing", .degraded, error)])
    }
}
