// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Which `ef_search` reaches a recall, as measured: kept as long as the graph is about the one that was measured.
package final class RecallTable: @unchecked Sendable {
    // Safety: `known` is touched under `lock`.

    struct Key: Hashable {
        var place: Int
        var k: Int
        var target: Float
    }

    package struct Entry {
        /// nil: none that is worth it.
        package var efSearch: Int?
        package var recall: Float
        /// Rows that the graph had.
        package var rows: Int
    }

    private let lock = Lock()
    private var known: [Key: Entry] = [:]
    /// One measures at a time; who waits for it mostly finds his answer then.
    let measuring = Lock()

    private static let mostEntries = 256

    func entry(_ key: Key, rows: Int) -> Entry? {
        lock.withLock {
            guard let entry = known[key] else { return nil }
            // A graph that is a quarter larger, or smaller, needs another view.
            return abs(rows - entry.rows) * 4 <= entry.rows ? entry : nil
        }
    }

    func keep(_ entry: Entry, _ key: Key) {
        lock.withLock {
            if known.count >= RecallTable.mostEntries { known = [:] }
            known[key] = entry
        }
    }
}

extension PointCollection {
    /// k up to which is measured. Beyond, the view grows as k does.
    private static let mostMeasuredK = 1000

    /// The same options with what reaches the recall that they ask for: an `ef_search`, or comparing all rows.
    /// - Parameter k: Rows that are looked for.
    func withRecall(_ options: VectorSearchOptions, k: Int, _ place: Int) throws(VecStoreError) -> VectorSearchOptions {
        guard let target = options.targetRecall, !options.isExact else { return options }
        var options = options
        if target == 1 {
            options.isExact = true
            options.whyExact = "target_recall is 1"
            return options
        }
        return try reading { state throws(VecStoreError) in
            // Without a graph all rows are compared.
            guard let graph = state.vectors[place].graph else { return options }
            let measured = min(k, PointCollection.mostMeasuredK)
            let key = RecallTable.Key(place: place, k: measured, target: target)
            let entry: RecallTable.Entry, isCached: Bool
            if let known = recalls.entry(key, rows: graph.count) {
                (entry, isCached) = (known, true)
            } else {
                (entry, isCached) = try options.trace.timed(.calibration) { () throws(VecStoreError) in
                    try recalls.measuring.withLock { () throws(VecStoreError) in
                        if let known = recalls.entry(key, rows: graph.count) { return (known, true) }
                        let found = try NearestRows(self, state, place).leastEFSearch(
                            graph, k: measured, recall: target, threads: options.threads)
                        recalls.keep(found, key)
                        return (found, false)
                    }
                }
            }
            options.trace?.recall = RecallTrace(target: target, k: measured, entry: entry, isCached: isCached)
            if let ef = entry.efSearch {
                options.efSearch = k > measured ? min(ef * ((k + measured - 1) / measured), Limits.k) : ef
            } else {
                options.isExact = true
                options.whyExact = "no ef_search reaches a recall of \(target) sooner than comparing all rows does"
            }
            return options
        }
    }
}
