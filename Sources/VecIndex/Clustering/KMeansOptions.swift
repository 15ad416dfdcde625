// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Where the centroids of k-means begin.
package enum CentroidStart: UInt32, Sendable, CaseIterable {
    /// Rows far from each other, drawn as k-means++ draws them.
    case plusPlus = 1
    /// Rows drawn at random.
    case random = 2

    package var name: String {
        switch self {
        case .plusPlus: "kmeans++"
        case .random: "random"
        }
    }
}

/// How k-means is run.
package struct KMeansOptions: Sendable {
    package static let defaultIterations = 25
    package static let defaultTolerance: Float = 1e-4
    /// Rows for each centroid that training takes at most, where nothing else is asked for. More move centroids by less than
    /// the next run with another seed would.
    package static let defaultRowsPerCentroid = 256

    /// The number of centroids.
    package var k: Int
    /// `.l2Squared`, or `.cosine` for spherical k-means: rows count by their direction alone.
    package var metric: Metric
    package var start: CentroidStart
    /// Passes over the rows, at least 1.
    package var iterations: Int
    /// Ends where a pass lowers the objective by less than this share; negative: only where nothing changes.
    package var tolerance: Float
    package var seed: UInt64
    /// Most rows to train on; nil: `defaultRowsPerCentroid` for each centroid.
    package var sample: Int?
    /// Rows of a step of mini-batch k-means; nil: all rows at once (Lloyd).
    package var batchSize: Int?
    /// How often to begin anew; the best run counts.
    package var restarts: Int
    package var threads: Int

    package init(
        k: Int, metric: Metric = .l2Squared, start: CentroidStart = .plusPlus,
        iterations: Int = KMeansOptions.defaultIterations, tolerance: Float = KMeansOptions.defaultTolerance,
        seed: UInt64 = 0, sample: Int? = nil, batchSize: Int? = nil, restarts: Int = 1, threads: Int = 0
    ) {
        self.k = k
        self.metric = metric
        self.start = start
        self.iterations = iterations
        self.tolerance = tolerance
        self.seed = seed
        self.sample = sample
        self.batchSize = batchSize
        self.restarts = restarts
        self.threads = threads
    }

    /// Rows that training takes of `count`.
    func sampleCount(of count: Int) -> Int {
        let most = sample ?? product(KMeansOptions.defaultRowsPerCentroid, k) ?? count
        return min(count, max(most, k))
    }

    /// Refuses what makes no sense for `count` rows.
    package func check(rows count: Int) throws(VecStoreError) {
        try KMeans.checkMetric(metric)
        guard k >= 1 else { throw VecStoreError(.invalidArgument, "k is \(k): allowed is 1 to the number of rows") }
        guard k <= count else {
            throw VecStoreError(
                .invalidArgument, "k is \(k), but there are \(count) rows: k-means needs a row for each centroid at least")
        }
        guard count <= Limits.rows else {
            throw VecStoreError(.tooLarge, "n is \(count): allowed is up to \(Limits.rows)")
        }
        guard iterations >= 1 else {
            throw VecStoreError(.invalidArgument, "max_iterations is \(iterations): allowed is 1 or more")
        }
        guard !tolerance.isNaN else { throw VecStoreError(.invalidArgument, "tolerance is not a number") }
        guard restarts >= 1 else {
            throw VecStoreError(.invalidArgument, "restarts is \(restarts): allowed is 1 or more")
        }
        if let sample, sample < k {
            throw VecStoreError(
                .invalidArgument, "sample is \(sample), but k is \(k): k-means needs a row for each centroid at least")
        }
        if let batchSize, batchSize < 1 {
            throw VecStoreError(.invalidArgument, "batch_size is \(batchSize): allowed is 1 or more")
        }
    }
}

extension KMeans {
    /// Refuses metrics by which no mean is the best centroid.
    static func checkMetric(_ metric: Metric) throws(VecStoreError) {
        guard metric == .l2Squared || metric == .cosine else {
            throw VecStoreError(
                .unsupported, "k-means by \(metric.name) is not offered: allowed are l2sq, and cosine (spherical k-means)")
        }
    }
}
