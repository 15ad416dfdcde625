// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// The metrics of some caches of values as Prometheus reads them.
package enum ValueMetrics {
    private static let prefix = "vecstore_values_"

    /// - Throws: `.invalidArgument` where two caches have the same namespace and kind of store: their numbers would be taken for each
    ///   other's.
    package static func text(_ caches: [ValueCache]) throws(VecStoreError) -> String {
        var names = Set<[String]>()
        var table = MetricTable()
        for cache in caches {
            let labels = labels(cache)
            guard names.insert(labels.map(\.value)).inserted else {
                throw VecStoreError(
                    .invalidArgument, "two caches have the namespace '\(cache.options.namespace)': give each a namespace of its own")
            }
            try add(cache, labels, to: &table)
        }
        var text = MetricsText()
        table.write(prefix, to: &text)
        if caches.isEmpty { return "" }
        let duration = prefix + "get_duration_seconds"
        text.family(duration, .histogram, "How long calls took that read values.")
        for cache in caches { cache.counters.durations.write(duration, labels(cache), to: &text) }
        return text.text
    }

    private static func labels(_ cache: ValueCache) -> [(name: String, value: String)] {
        [("namespace", cache.options.namespace), ("store", cache.storeKind)]
    }

    private static func add(
        _ cache: ValueCache, _ labels: [(name: String, value: String)], to table: inout MetricTable
    ) throws(VecStoreError) {
        let stats = try cache.stats()
        for (result, count) in [
            ("hit", stats.hits &- stats.localHits), ("local", stats.localHits), ("miss", stats.misses &- stats.unanswered),
            ("unanswered", stats.unanswered),
        ] {
            table.counter(
                "lookups_total", labels + [("result", result)],
                "Keys that were looked for, by what came of them; local: hits without a round trip; unanswered: Redis was away.", count)
        }
        table.counter("sets_total", labels, "Values that were set.", stats.sets)
        table.counter("dropped_total", labels, "Values that were not set because Redis was away.", stats.dropped)
        table.counter("deletes_total", labels, "Values that were deleted.", stats.deletes)
        table.counter("evictions_total", labels, "Values that had to go for others.", stats.evictions)
        table.counter("expired_total", labels, "Values that were removed because their end had come.", stats.expired)
        table.counter("store_errors_total", labels, "Errors of the store, whether they surfaced or not.", stats.storeErrors)
        table.gauge("entries", labels, "Values that there are; of Redis, in the memory of this process.", Double(stats.entries))
        table.gauge("bytes", labels, "Bytes that they take, as max_bytes counts them.", Double(stats.bytes))
        table.gauge(
            "last_error_timestamp_seconds", labels, "When the last error of the store was; 0: there was none.",
            Double(stats.lastError?.time ?? 0) / 1000)
        table.gauge("healthy", labels, "1 where the last call had no error of the store.", cache.health().status == .ok ? 1 : 0)
        for metric in cache.storeMetrics { table.add(metric, labels) }
    }
}
