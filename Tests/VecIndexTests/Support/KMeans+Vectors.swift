// k-means over the vectors of a test.
// SPDX-License-Identifier: Apache-2.0

import VecIndexReference
import VecKernelTypes
import VecKernels

@testable import VecIndex

/// What k-means found.
struct Clusters {
    var centroids: [Float]
    var assignments: [UInt32]
    var distances: [Float]
    var objective: Double
    var iterations: Int
    var trainedCount: Int
    var isConverged: Bool

    init(
        _ rows: Vectors, _ options: KMeansOptions, progress: Progress? = nil, table: KernelTable = .current
    ) throws {
        var assignments = [UInt32](repeating: .max, count: rows.count)
        var distances = [Float](repeating: .nan, count: rows.count)
        let (found, objective) = try rows.bytes.withUnsafeBytes { bytes in
            var kMeans = try KMeans(
                bytes.baseAddress!, rows.type, rows.count, dimension: rows.dimension, options: options, isAssigned: true,
                progress: progress, table: table)
            let found = try kMeans.train()
            let objective = try kMeans.assign(found.table, &assignments, &distances)
            try kMeans.finish()
            return (found, objective)
        }
        self.assignments = assignments
        self.distances = distances
        self.objective = objective
        let cells = options.k * rows.dimension
        centroids = Array(UnsafeBufferPointer(start: found.centroids.pointer(Float.self), count: cells))
        iterations = found.iterations
        trainedCount = found.trainedCount
        isConverged = found.isConverged
        withExtendedLifetime(found) {}
    }

    /// Rows of each centroid.
    var sizes: [Int] {
        assignments.reduce(into: [Int](repeating: 0, count: assignments.isEmpty ? 0 : Int(assignments.max() ?? 0) + 1)) {
            $0[Int($1)] += 1
        }
    }
}
