// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// How a search by vectors is done.
package struct VectorSearchOptions {
    package var vectorName: String?
    /// What points must be like, as JSON; nil: no matter.
    package var filter: [UInt8]?
    /// Best hits that are left out.
    package var offset = 0
    /// Hits that are farther are left out.
    package var maxDistance: Float?
    /// Hits with a smaller score are left out.
    package var threshold: Float?
    package var efSearch: Int?
    /// The share of the nearest points that is to be found; nil: no matter.
    package var targetRecall: Float?
    /// Whether all rows are compared, whatever that costs.
    package var isExact = false
    /// Why it is so, for who wants to know.
    var whyExact = "exact was asked for"
    /// 0: the nearest points; up to 1: of the nearest `candidates` those that differ from each other, the more the larger it is.
    package var diversity: Float = 0
    /// Hits that diversity chooses from.
    package var candidates = 100
    package var withPayload = true
    package var withVector = false
    /// Resolved: at least 1.
    package var threads = 1

    /// Is told what the search does; nil: nobody asks.
    package var trace: QueryTrace?

    package init() {}

    /// Refuses numbers out of range. `offset` is checked with the number of hits that are wanted.
    package func check() throws(VecStoreError) {
        if let maxDistance, maxDistance.isNaN { throw VecStoreError(.invalidArgument, "max_distance is not a number") }
        if let threshold, threshold.isNaN { throw VecStoreError(.invalidArgument, "threshold is not a number") }
        if let efSearch { try checkNumber(efSearch, "ef_search") }
        guard diversity >= 0 && diversity <= 1 else {
            throw VecStoreError(.invalidArgument, "diversity is \(diversity): allowed is 0 to 1")
        }
        if let targetRecall {
            guard targetRecall > 0 && targetRecall <= 1 else {
                throw VecStoreError(.invalidArgument, "target_recall is \(targetRecall): allowed is above 0, up to 1")
            }
            guard efSearch == nil else {
                throw VecStoreError(
                    .invalidArgument, "ef_search and target_recall both say how far a walk looks: give one of them")
            }
        }
        try checkNumber(candidates, "candidates")
    }

    /// Rows that have to be found for the best `reach` hits.
    func width(_ reach: Int) -> Int { diversity > 0 ? max(candidates, reach) : reach }
}

/// Refuses a number of points that is none, or more than any call looks at.
package func checkNumber(_ number: Int, _ name: String) throws(VecStoreError) {
    guard number >= 1 && number <= Limits.k else {
        throw VecStoreError(.invalidArgument, "\(name) is \(number): allowed is 1 to \(Limits.k)")
    }
}
