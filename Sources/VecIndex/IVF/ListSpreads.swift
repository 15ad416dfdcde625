// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// How long the rows of each list are: along the list's centroid, and in all.
struct ListSpreads {
    /// The mean of x · c over the rows of a list under ip and cosine, else 1. Lists without rows have the mean norm of all rows.
    let radii: [Float]
    /// The mean of ‖x‖ over the rows of a list under ip, else 1; likewise.
    let reaches: [Float]
    /// The mean norm of all rows.
    let meanNorm: Float

    /// - Parameters:
    ///   - homes: The list of each row.
    ///   - centroids: k × dimension.
    init(
        _ rows: UnsafePointer<Float>, _ count: Int, homes: UnsafePointer<UInt32>, centroids: UnsafePointer<Float>, k: Int,
        dimension: Int, metric: Metric
    ) {
        var along = [Double](repeating: 0, count: k), norms = along, counts = along
        var allNorms: Double = 0
        for i in 0..<count {
            let l = Int(homes[i]), row = rows + i * dimension, c = centroids + l * dimension
            var product: Double = 0, square: Double = 0
            for d in 0..<dimension {
                product += Double(row[d]) * Double(c[d])
                square += Double(row[d]) * Double(row[d])
            }
            along[l] += product
            norms[l] += square.squareRoot()
            counts[l] += 1
            allNorms += square.squareRoot()
        }
        let meanNorm = Float(allNorms / Double(max(count, 1)))
        self.meanNorm = meanNorm
        func means(_ sums: [Double], isOne: Bool) -> [Float] {
            (0..<k).map { isOne ? 1 : counts[$0] > 0 ? Float(sums[$0] / counts[$0]) : meanNorm }
        }
        radii = means(along, isOne: metric == .l2Squared)
        reaches = means(norms, isOne: metric != .innerProduct)
    }
}

/// Writes the direction of a row, of norm 1. Returns false for rows of zeros, or nearly, which have none.
func writeDirection(of row: UnsafePointer<Float>, _ dimension: Int, to unit: UnsafeMutablePointer<Float>) -> Bool {
    var square: Double = 0
    for d in 0..<dimension { square += Double(row[d]) * Double(row[d]) }
    if Float(square) < Limits.cosineSquaredNorm { return false }
    let inverse = 1 / square.squareRoot()
    for d in 0..<dimension { unit[d] = Float(Double(row[d]) * inverse) }
    return true
}
