// How much of the truth a search finds.
// SPDX-License-Identifier: Apache-2.0

import VecIndexReference
import VecKernelTypes
import VecKernels

enum Recall {
    /// The share of places of `truth` that `got` fills with something as near: of rows at the same distance any will do.
    /// - Parameter tolerance: What distances of the same row may differ by, as a share of them.
    static func of(_ got: [[Hit]], _ truth: [[Hit]], tolerance: Float = 0) -> Double {
        var found = 0, wanted = 0
        for (hits, best) in zip(got, truth) {
            guard let last = best.last else { continue }
            wanted += best.count
            let limit = last.distance + abs(last.distance) * tolerance
            found += min(hits.filter { $0.distance <= limit }.count, best.count)
        }
        return wanted == 0 ? 1 : Double(found) / Double(wanted)
    }

    /// The share of the ids of `truth` that `got` has: for distances that are approximate.
    static func ofIDs(_ got: [[Hit]], _ truth: [[Hit]]) -> Double {
        let found = zip(got, truth).reduce(0) { $0 + Set($1.0.map(\.id)).intersection($1.1.map(\.id)).count }
        return Double(found) / Double(max(truth.reduce(0) { $0 + $1.count }, 1))
    }

    /// The k nearest rows of each query, by comparing with all that are wanted.
    static func truth(
        _ queries: Vectors, _ rows: Vectors, _ metric: Metric, k: Int, ids: [UInt64]? = nil, wanted: [Bool]? = nil
    ) -> [[Hit]] {
        let ids = ids ?? (0..<rows.count).map { UInt64($0) }
        return (0..<queries.count).map {
            Reference.nearest($0, of: queries, rows, ids: ids, wanted: wanted, k: k, metric, .current)
        }
    }
}
