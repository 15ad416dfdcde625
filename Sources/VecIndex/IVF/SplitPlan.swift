// SPDX-License-Identifier: Apache-2.0

/// Which lists of an inverted file have become too long, and which short ones give their centroids up for them.
struct SplitPlan {
    /// A long list, and the lists that its rows are to be spread over: itself and short ones.
    typealias Split = (list: Int, parts: [Int])

    let splits: [Split]
    /// Lists of another centroid, or of other rows, than before.
    let changed: Set<Int>

    /// A list has drifted where its share of all rows is so many times what it was when its centroid was found. Lists that are
    /// longer than others from the beginning have not.
    private static let drift: Float = 1.5
    /// No shorter list has: blocks of 32 rows are read whole.
    private static let leastRows = 48
    /// Lists are split once those that drifted have this part of all rows: what a new model costs whatever it changes is shared
    /// by many new rows then.
    private static let leastPart = 20

    /// - Parameter shares: Of each list when its centroid was found.
    /// - Returns: nil where too little has drifted.
    init?(_ state: IVFSnapshot, assignments: Int, shares: [Float]) {
        let nlist = state.listCount, entries = state.count * assignments
        guard shares.count == nlist, nlist > 1 else { return nil }
        let mean = max(entries / nlist, 1)
        var long: [(list: Int, rows: Int)] = [], short: [(list: Int, rows: Int)] = []
        var drifted = 0
        for l in 0..<nlist {
            let rows = state.list(l).count
            if rows >= SplitPlan.leastRows && Float(rows) >= SplitPlan.drift * shares[l] * Float(entries) {
                long.append((l, rows))
                drifted += rows
            } else if rows < mean {
                short.append((l, rows))
            }
        }
        guard drifted >= entries / SplitPlan.leastPart, !long.isEmpty else { return nil }
        short.sort { ($0.rows, $0.list) < ($1.rows, $1.list) }
        var parts = long.map { [$0.list] }
        // A search reads a list as often as it has rows, so it costs the squares of their numbers. L rows in p parts cost L² / p,
        // and the rows of a list that gives its centroid up go to lists of about the mean.
        for (list, rows) in short {
            var best = 0, most: Float = 0
            for (i, one) in long.enumerated() {
                let gain = Float(one.rows) / Float(parts[i].count) * Float(one.rows) / Float(parts[i].count + 1)
                if gain > most { (best, most) = (i, gain) }
            }
            guard most > Float(rows) * Float(rows + 2 * mean) else { break }
            parts[best].append(list)
        }
        splits = zip(long, parts).map { ($0.list, $1) }
        changed = Set(splits.flatMap(\.parts))
    }

    /// The shares that lists have now.
    static func shares(_ state: IVFSnapshot, assignments: Int) -> [Float] {
        let entries = Float(max(state.count * assignments, 1))
        return (0..<state.listCount).map { Float(state.list($0).count) / entries }
    }
}
