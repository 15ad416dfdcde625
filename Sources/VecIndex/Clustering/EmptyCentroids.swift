// SPDX-License-Identifier: Apache-2.0

/// Gives each centroid without rows one: drawn, as k-means++ does, with a probability in proportion to its distance from the
/// centroid that it has. Returns how many were given; none where rows lie on their centroids.
/// - Parameters:
///   - sizes: Rows of each centroid; kept up to date.
///   - distances: Of each row to its centroid; 0 for a row that was given away.
func fillEmptyCentroids<I: FixedWidthInteger & UnsignedInteger>(
    _ sizes: inout [Int], _ assignments: UnsafeMutablePointer<I>, _ distances: UnsafeMutablePointer<Float>, _ n: Int,
    _ random: inout SplitMix64
) throws(VecStoreError) -> Int {
    guard sizes.contains(0) else { return 0 }
    let memory = try allocate(Double.self, n, for: "the distances of \(n) rows")
    let sums = memory.pointer(Double.self)
    var total: Double = 0
    for i in 0..<n {
        total += Double(distances[i])
        sums[i] = total
    }
    guard total > 0 else { return 0 }
    var moved = 0
    for c in sizes.indices where sizes[c] == 0 {
        // A row may have been given away already, or be the last of its centroid.
        for _ in 0..<16 {
            let i = firstPosition(sums, n, above: total * random.uniform())
            let from = Int(assignments[i])
            guard distances[i] > 0 && sizes[from] > 1 else { continue }
            sizes[from] -= 1
            sizes[c] = 1
            assignments[i] = I(truncatingIfNeeded: c)
            distances[i] = 0
            moved += 1
            break
        }
    }
    return moved
}

/// The first position of a running sum that is above `target`.
private func firstPosition(_ sums: UnsafePointer<Double>, _ n: Int, above target: Double) -> Int {
    var low = 0, high = n - 1
    while low < high {
        let middle = (low + high) / 2
        if sums[middle] > target { high = middle } else { low = middle + 1 }
    }
    return low
}
