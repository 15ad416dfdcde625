// SPDX-License-Identifier: Apache-2.0

/// The k best results so far: a heap with the worst on top, in arrays of somebody else. Results are ordered by distance,
/// then by id, so which ones are kept does not depend on the order in which they come.
package struct TopK: ResultSink {
    package let distances: UnsafeMutablePointer<Float>
    package let ids: UnsafeMutablePointer<UInt64>
    package let k: Int
    package private(set) var count = 0

    package init(distances: UnsafeMutablePointer<Float>, ids: UnsafeMutablePointer<UInt64>, k: Int) {
        self.distances = distances
        self.ids = ids
        self.k = k
    }

    package var limit: Float { count < k ? .infinity : distances[0] }

    /// Whether result a comes after result b.
    @inline(__always)
    private static func isWorse(_ d: Float, _ id: UInt64, _ e: Float, _ other: UInt64) -> Bool {
        d > e || (d == e && id > other)
    }

    package mutating func take(_ distance: Float, _ id: UInt64) {
        if count < k {
            var i = count
            count += 1
            while i > 0 {
                let parent = (i - 1) / 2
                if !TopK.isWorse(distance, id, distances[parent], ids[parent]) { break }
                distances[i] = distances[parent]
                ids[i] = ids[parent]
                i = parent
            }
            distances[i] = distance
            ids[i] = id
        } else if TopK.isWorse(distances[0], ids[0], distance, id) {
            sink(distance, id, count)
        }
    }

    /// Puts a result on top of the first `n` and lets it sink to its place.
    private func sink(_ distance: Float, _ id: UInt64, _ n: Int) {
        var i = 0
        while true {
            var child = 2 * i + 1
            if child >= n { break }
            if child + 1 < n, TopK.isWorse(distances[child + 1], ids[child + 1], distances[child], ids[child]) {
                child += 1
            }
            if !TopK.isWorse(distances[child], ids[child], distance, id) { break }
            distances[i] = distances[child]
            ids[i] = ids[child]
            i = child
        }
        distances[i] = distance
        ids[i] = id
    }

    /// Takes all results of another.
    package mutating func merge(_ other: TopK) {
        for i in 0..<other.count { take(other.distances[i], other.ids[i]) }
    }

    /// Sorts the results, nearest first, and fills up the rest with `noID` at infinity.
    package mutating func finish() {
        var n = count
        while n > 1 {
            n -= 1
            let distance = distances[n], id = ids[n]
            distances[n] = distances[0]
            ids[n] = ids[0]
            sink(distance, id, n)
        }
        for i in count..<k {
            distances[i] = .infinity
            ids[i] = noID
        }
    }
}
