// SPDX-License-Identifier: Apache-2.0

/// How the ranks and scores of two searches become one.
package enum Fusion: String, CaseIterable, Sendable {
    /// Reciprocal rank fusion: Σ weight / (60 + rank), ranks from 1 (Cormack, Clarke & Büttcher 2009).
    case rrf
    /// Σ weight · score, each list's scores scaled to 0 ... 1 by its least and its largest.
    case weighted
    /// Distribution-based score fusion: as `weighted`, but scaled by mean ± 3 standard deviations, which one outlier moves less.
    case dbsf

    /// The constant of reciprocal ranks.
    private static let rankOffset: Float = 60

    /// Rows of both lists with their scores, best first; those with the same score in their order.
    static func fuse(
        _ lists: [(rows: [(row: UInt32, score: Float)], weight: Float)], _ fusion: Fusion
    ) -> [(row: UInt32, score: Float)] {
        var sums: [UInt32: Float] = [:]
        for (rows, weight) in lists {
            let scale = scaling(rows.map(\.score), fusion)
            for (rank, (row, score)) in rows.enumerated() {
                let part = fusion == .rrf ? 1 / (rankOffset + Float(rank + 1)) : scale(score)
                sums[row, default: 0] += weight * part
            }
        }
        return sums.map { ($0.key, $0.value) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }

    private static func scaling(_ scores: [Float], _ fusion: Fusion) -> (Float) -> Float {
        guard let least = scores.min(), let most = scores.max() else { return { $0 } }
        var low = least, high = most
        if fusion == .dbsf {
            let count = Float(scores.count)
            let mean = scores.reduce(0, +) / count
            let variance = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(count - 1, 1)
            let spread = 3 * variance.squareRoot()
            low = mean - spread
            high = mean + spread
        }
        // All the same: none is better than another.
        guard high > low else { return { _ in 0.5 } }
        return { min(max(($0 - low) / (high - low), 0), 1) }
    }
}
