// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// The metrics of some rate limiters as Prometheus reads them.
package enum RateMetrics {
    /// - Throws: `.invalidArgument` where two limiters have the same namespace and kind of store: their numbers would be taken for each
    ///   other's.
    package static func text(_ limiters: [RateLimiter]) throws(VecStoreError) -> String {
        var names = Set<[String]>()
        var table = MetricTable()
        for limiter in limiters {
            try limiter.checkUsable()
            let labels = [("namespace", limiter.options.namespace), ("store", limiter.storeKind)]
            guard names.insert(labels.map(\.1)).inserted else {
                throw VecStoreError(
                    .invalidArgument,
                    "two rate limiters have the namespace '\(limiter.options.namespace)': give each a namespace of its own")
            }
            add(limiter, labels, to: &table)
        }
        var text = MetricsText()
        table.write("vecstore_limits_", to: &text)
        return text.text
    }

    private static func add(_ limiter: RateLimiter, _ labels: [(name: String, value: String)], to table: inout MetricTable) {
        let counters = limiter.counters
        for (result, count) in [
            ("allowed", counters.allowed.load(ordering: .relaxed)), ("denied", counters.denied.load(ordering: .relaxed)),
        ] {
            table.counter("decisions_total", labels + [("result", result)], "Calls that asked for tokens, by what came of them.", count)
        }
        table.counter(
            "local_decisions_total", labels, "Those that a bucket of this process decided because Redis was away.",
            counters.local.load(ordering: .relaxed))
        table.counter("store_errors_total", labels, "Errors of Redis, whether they surfaced or not.", counters.failure.count)
        table.gauge(
            "last_error_timestamp_seconds", labels, "When the last error of Redis was; 0: there was none.",
            Double(counters.failure.last?.time ?? 0) / 1000)
        table.gauge("healthy", labels, "1 where the last call had no error of Redis.", limiter.health().status == .ok ? 1 : 0)
        for metric in limiter.storeMetrics { table.add(metric, labels) }
    }
}
