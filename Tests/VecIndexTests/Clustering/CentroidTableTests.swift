// The search for the nearest centroid, against the comparison with each.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes
import VecKernels

@testable import VecIndex

@Suite("Nearest centroids")
struct CentroidTableTests {
    private static let settings = [Metric.l2Squared, .cosine].flatMap { metric in
        Sanitizer.instructionSets.map { Setting(metric: metric, type: .float32, isa: $0) }
    }

    /// Finds the nearest centroids with a table, and by comparing each row with each centroid: distances are the same bits,
    /// and of those that tie the first counts.
    private func check(
        _ setting: Setting, _ kind: DataSet, rows: Int, k: Int, dimension: Int, threads: Int = 1, prior: Bool = false
    ) throws {
        let (vectors, centroids) = kind.make(rows: rows, queries: k, dimension: dimension, type: .float32, seed: 811)
        let table = try CentroidTable(
            centroids.bytes, k: k, dimension: dimension, metric: setting.metric, threads: threads, table: setting.table)
        let block = try QueryBlock(
            vectors.bytes, type: .float32, count: rows, dimension: dimension, metric: setting.metric, rowType: .float32,
            table: setting.table)
        var assignments = (0..<rows).map { UInt32(($0 * 7) % k) }
        var distances = [Float](repeating: .nan, count: rows)
        try table.assign(block, &assignments, &distances, hasPrior: prior, threads: threads)
        let kernels = try #require(setting.table.distance(setting.metric, .float32))
        for i in 0..<rows {
            var nearest = 0
            var least = Float.infinity
            for c in 0..<k {
                let distance = vectors.bytes.withUnsafeBytes { vectors in
                    centroids.bytes.withUnsafeBytes { centroids in
                        kernels.pair(
                            vectors.baseAddress! + 4 * i * dimension, centroids.baseAddress! + 4 * c * dimension, dimension)
                    }
                }
                if distance < least {
                    least = distance
                    nearest = c
                }
            }
            try #require(Int(assignments[i]) == nearest, "row \(i)")
            try #require(distances[i] == least, "row \(i)")
        }
        withExtendedLifetime((vectors, centroids)) {}
    }

    @Test("they are those that a comparison with each finds, of any kind of data", arguments: settings, DataSet.allCases)
    func kinds(setting: Setting, kind: DataSet) throws {
        guard DataSet.suitable(for: setting.metric, .float32).contains(kind) else { return }
        try check(setting, kind, rows: 200, k: 70, dimension: 48)
    }

    @Test("of any number of rows, centroids and elements", arguments: settings)
    func sizes(setting: Setting) throws {
        for (rows, k, dimension) in [(1, 1, 1), (3, 2, 7), (47, 300, 33), (100, 1025, 64), (65, 16, 129), (600, 17, 31)] {
            try check(setting, .scattered, rows: rows, k: k, dimension: dimension)
        }
    }

    @Test("with several threads, and with a guess to begin from", arguments: settings)
    func threads(setting: Setting) throws {
        try check(setting, .clusters, rows: 1100, k: 90, dimension: 64, threads: 2)
        try check(setting, .clusters, rows: 1100, k: 90, dimension: 64, threads: 2, prior: true)
        try check(setting, .duplicates, rows: 500, k: 90, dimension: 64, prior: true)
    }
}
