// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

extension SemanticCache {
    /// What there is, and what was done so far.
    package func stats() throws(VecStoreError) -> CacheStats {
        try checkUsable()
        var stats = CacheStats()
        (stats.entries, stats.bytes) = table.size
        stats.indexBytes = table.index.memoryBytes
        stats.waiting = table.index.current.waiting
        stats.exactHits = counters.exactHits.load(ordering: .relaxed)
        stats.semanticHits = counters.semanticHits.load(ordering: .relaxed)
        stats.misses = counters.misses.load(ordering: .relaxed)
        stats.failures = counters.failures.load(ordering: .relaxed)
        stats.sets = counters.sets.load(ordering: .relaxed)
        stats.deletes = counters.deletes.load(ordering: .relaxed)
        stats.evictions = counters.evictions.load(ordering: .relaxed)
        stats.expired = counters.expired.load(ordering: .relaxed)
        stats.guardRefusals = counters.guardRefusals.load(ordering: .relaxed)
        stats.feedbackRefusals = counters.feedbackRefusals.load(ordering: .relaxed)
        stats.gone = counters.gone.load(ordering: .relaxed)
        stats.feedbacks = counters.feedbacks.load(ordering: .relaxed)
        stats.storeErrors = counters.failure.count
        stats.lastError = counters.failure.last
        stats.liveFilters = table.filters.count
        return stats
    }

    /// The metrics of this cache as Prometheus reads them. See `CacheMetrics.text` for those of several.
    package func metrics() throws(VecStoreError) -> String { try CacheMetrics.text([self]) }

    /// Whether the cache can do its work. It answers for one that was closed, too.
    package func health() -> HealthReport { HealthReport(self) }
}
