// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// How to find rows near a query among those that match a filter. Made once for a search, however many queries it has.
struct FilterPlan {
    let matching: MatchingRows
    private let preferred: GraphReport.Way
    /// Where no more rows match, all of them are compared.
    private let mostScanned: Int
    /// Rows that the walk keeps in view.
    let width: Int
    /// About which share of all rows matches.
    let share: Float
    /// Rows that match, from all over the graph: where a walk begins.
    private(set) var seeds: [UInt32] = []

    private static let seedCount = 16

    /// Comparing some thousands of rows takes no longer than a walk does; of 4-bit codes four times as many, because a walk has
    /// its fixed costs besides.
    private static func scanLimit(_ shape: GraphShape) -> Int { shape.isPacked ? 16_384 : 4096 }

    /// Rows that are compared before their exact distances are looked at.
    static let scanPiece = 256

    /// From this share of matching rows on, a walk over all rows is the shortest way.
    private static let wideShare: Float = 0.06

    init(_ matching: MatchingRows, _ index: HNSWIndex, width: Int) {
        self.matching = matching
        share = Float(matching.count) / Float(max(index.count, 1))
        // A fifth more than it takes on the average, and some: what matches is not spread evenly.
        let wide = share >= FilterPlan.wideShare ? Int(Float(width) / share * 1.2) + 16 : 0
        // A walk takes as long for each row in view as some 20 comparisons.
        mostScanned = index.scanLimit ?? max(FilterPlan.scanLimit(matching.shape), 20 * wide, 16 * width)
        if matching.count <= mostScanned {
            self.width = max(width, FilterPlan.scanPiece)
            preferred = .scan
        } else if wide > 0 {
            self.width = wide
            preferred = .wideWalk
        } else {
            seeds = FilterPlan.seeds(matching)
            // The rows that match hang together by fewer links than all rows do.
            self.width = 2 * width
            preferred = seeds.isEmpty ? .scan : .matchingWalk
        }
    }

    var way: GraphReport.Way { matching.isComplete ? preferred : .scan }

    /// Why it is this way.
    var reason: String {
        let count = matching.count
        if !matching.isComplete { return "rows that match were moved while this search began: all that match are compared" }
        let percent = "\((share * 1000).rounded() / 10) percent"
        switch preferred {
        case .scan:
            if count > mostScanned { return "\(count) rows match, and none was met at random: all that match are compared" }
            return "\(count) rows match: comparing up to \(mostScanned) takes no longer than a walk"
        case .walk, .wideWalk:
            return "\(count) rows match, more than the \(mostScanned) that would be compared, and \(percent) of all, at least "
                + "\(Int((FilterPlan.wideShare * 100).rounded())): a walk over all rows with \(width) in view meets enough of them"
        case .matchingWalk:
            return "\(count) rows match, more than the \(mostScanned) that would be compared, and \(percent) of all, below "
                + "\(Int((FilterPlan.wideShare * 100).rounded())): the walk goes over those that match alone"
        }
    }

    /// Looks for rows that match at places all over the graph.
    private static func seeds(_ matching: MatchingRows) -> [UInt32] {
        var seeds: [UInt32] = []
        var z: UInt64 = 0x9e37_79b9_7f4a_7c15
        var tries = 0
        let most = min(64 * seedCount * max(1, matching.used / max(matching.count, 1)), 1 << 16)
        while seeds.count < seedCount && tries < most {
            z = z &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let slot = UInt32((z >> 33) % UInt64(max(matching.used, 1)))
            if matching.contains(slot) && matching.isThere(slot) { seeds.append(slot) }
            tries += 1
        }
        return seeds
    }
}
