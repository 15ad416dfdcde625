// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// The metrics of some caches as Prometheus reads them.
package enum CacheMetrics {
    /// - Throws: `.invalidArgument` where two caches have the same namespace and kind of store: their numbers would be taken for each
    ///   other's.
    package static func text(_ caches: [SemanticCache]) throws(VecStoreError) -> String {
        var names = Set<[String]>()
        var all: [Numbers] = []
        for cache in caches {
            let numbers = Numbers(cache: cache, stats: try cache.stats())
            guard names.insert(numbers.labels.map(\.value)).inserted else {
                throw VecStoreError(
                    .invalidArgument, "two caches have the namespace '\(cache.options.namespace)': give each a namespace of its own")
            }
            all.append(numbers)
        }
        var text = MetricsText()
        if all.isEmpty { return "" }
        writeLookups(all, &text)
        writeEntries(all, &text)
        writeStore(all, &text)
        return text.text
    }

    private struct Numbers {
        let cache: SemanticCache
        let stats: CacheStats

        var labels: [(name: String, value: String)] {
            [("namespace", cache.options.namespace), ("store", cache.storeKind)]
        }
    }

    private static func writeLookups(_ all: [Numbers], _ text: inout MetricsText) {
        let lookups = "vecstore_cache_lookups_total"
        text.family(lookups, .counter, "Lookups that have ended, by what came of them.")
        for one in all {
            let stats = one.stats
            for (result, count) in [
                ("exact", stats.exactHits), ("semantic", stats.semanticHits), ("miss", stats.misses), ("error", stats.failures),
            ] {
                text.sample(lookups, one.labels + [("result", result)], count)
            }
        }
        let refusals = "vecstore_cache_refusals_total"
        text.family(refusals, .counter, "Entries that were near enough and were passed over, by the reason.")
        for one in all {
            text.sample(refusals, one.labels + [("reason", "guard")], one.stats.guardRefusals)
            text.sample(refusals, one.labels + [("reason", "feedback")], one.stats.feedbackRefusals)
            text.sample(refusals, one.labels + [("reason", "gone")], one.stats.gone)
        }
        let similarity = "vecstore_cache_similarity"
        text.family(similarity, .histogram, "Similarity of the nearest entry of each semantic lookup, whether it was a hit or not.")
        for one in all { one.cache.counters.similarities.write(similarity, one.labels, to: &text) }
        let duration = "vecstore_cache_lookup_duration_seconds"
        text.family(duration, .histogram, "How long lookups took.")
        for one in all { one.cache.counters.durations.write(duration, one.labels, to: &text) }
    }

    private static func writeEntries(_ all: [Numbers], _ text: inout MetricsText) {
        number(all, "sets_total", .counter, "Entries that were set.", &text) { $0.sets }
        number(all, "deletes_total", .counter, "Entries that were deleted.", &text) { $0.deletes }
        number(all, "evictions_total", .counter, "Entries that had to go for others.", &text) { $0.evictions }
        number(all, "expired_total", .counter, "Entries whose end has come.", &text) { $0.expired }
        number(all, "feedbacks_total", .counter, "Hits that were said to be right or wrong.", &text) { $0.feedbacks }
        number(all, "entries", .gauge, "Entries that there are.", &text) { $0.entries }
        number(all, "bytes", .gauge, "Bytes of memory that entries take, as max_bytes counts them.", &text) { $0.bytes }
        number(all, "index_bytes", .gauge, "Bytes of memory that the index of the vectors takes.", &text) { $0.indexBytes }
        number(all, "waiting_entries", .gauge, "Entries that wait for the graph, and are compared.", &text) { $0.waiting }
        number(all, "live_filters", .gauge, "Filters that are kept up to date.", &text) { $0.liveFilters }
    }

    private static func writeStore(_ all: [Numbers], _ text: inout MetricsText) {
        number(all, "store_errors_total", .counter, "Errors of the store, whether they surfaced or not.", &text) { $0.storeErrors }
        let last = "vecstore_cache_last_error_timestamp_seconds"
        text.family(last, .gauge, "When the last error of the store was; 0: there was none.")
        for one in all { text.sample(last, one.labels, Double(one.stats.lastError?.time ?? 0) / 1000) }
        let status = "vecstore_cache_healthy"
        text.family(status, .gauge, "1 where nothing stands in the way of the cache.")
        for one in all { text.sample(status, one.labels, one.cache.health().status == .ok ? 1 : 0) }
        // Families of stores of a kind come once, whatever caches have them.
        var table = MetricTable()
        for one in all {
            for metric in one.cache.store.metrics() { table.add(metric, one.labels) }
        }
        table.write("vecstore_cache_", to: &text)
    }

    private static func number(
        _ all: [Numbers], _ name: String, _ kind: MetricsText.Kind, _ help: String, _ text: inout MetricsText,
        _ value: (CacheStats) -> Int
    ) {
        text.family("vecstore_cache_\(name)", kind, help)
        for one in all { text.sample("vecstore_cache_\(name)", one.labels, value(one.stats)) }
    }
}
