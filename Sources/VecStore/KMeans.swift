// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// k-means: finds k centroids such that the sum of the distances of all vectors, each to its nearest centroid, is small.
///
/// Lloyd's algorithm, which each step takes all vectors of a sample, or mini-batch k-means (Sculley 2010). A centroid that
/// loses all its vectors takes one that is far from its own; where there are fewer different vectors than k, some centroids
/// are equal. The same vectors, settings and seed give the same centroids, on any number of threads.
public struct KMeans: Sendable {
    /// Where the centroids begin.
    public enum Start: Sendable, CaseIterable {
        /// Vectors far from each other (k-means++, Arthur & Vassilvitskii 2007), of at most `max(16 * k, 16_384)`.
        case plusPlus
        /// Vectors drawn at random.
        case random
    }

    /// What k-means found.
    public struct Clusters: Sendable {
        /// k centroids; under `.cosine` of norm 1.
        public let centroids: [[Float]]
        /// The number of the nearest centroid of each vector, the first of those that tie.
        public let assignments: [Int]
        /// The sum of the distances of all vectors, each to its nearest centroid.
        public let objective: Double
        /// Passes over the vectors that the best run made.
        public let iterations: Int
        /// Whether it ended before `maxIterations`.
        public let isConverged: Bool
    }

    /// From 1 to the number of vectors.
    public var k: Int
    /// `.l2Squared`, or `.cosine` for spherical k-means: vectors and centroids count by their direction.
    public var metric: Metric
    public var start: Start
    /// Passes over the vectors.
    public var maxIterations: Int
    /// Ends where a pass lowers the sum of the distances by less than this share; nil: only where nothing changes.
    public var tolerance: Float?
    public var seed: UInt64
    /// Trains on at most so many vectors, drawn at random, and at least k; nil: 256 for each centroid.
    public var sample: Int?
    /// Vectors of a step of mini-batch k-means, drawn at random of all; nil: each step takes the whole sample.
    public var batchSize: Int?
    /// Runs with different starts, of which the best counts.
    public var restarts: Int

    public init(
        k: Int, metric: Metric = .l2Squared, start: Start = .plusPlus, maxIterations: Int = 25, tolerance: Float? = 1e-4,
        seed: UInt64 = 0, sample: Int? = nil, batchSize: Int? = nil, restarts: Int = 1
    ) {
        self.k = k
        self.metric = metric
        self.start = start
        self.maxIterations = maxIterations
        self.tolerance = tolerance
        self.seed = seed
        self.sample = sample
        self.batchSize = batchSize
        self.restarts = restarts
    }

    /// Finds centroids of vectors that lie one behind the other in one array.
    /// - Parameters:
    ///   - elements: `Float`, `Float16`, `Int8` or `UInt8`.
    ///   - threads: 0 for the default number; at most 1024. The result is the same.
    ///   - progress: Is told now and then, on this thread, how many vectors of how many were compared, and once at the end;
    ///     false cancels.
    /// - Throws: `.invalidArgument`, `.unsupported`, `.notFinite`, `.zeroVector`, `.tooLarge`, `.outOfMemory`,
    ///   `.cancelled`.
    /// - Complexity: O(maxIterations · sample · k · dimension + n · k · dimension).
    public func clusters<E: VectorElement>(
        flat elements: [E], dimension: Int, threads: Int = 0, progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) -> Clusters {
        try rethrow { () throws(CoreError) in
            guard dimension >= 1 && dimension <= Limits.dimension else {
                throw CoreError(.invalidArgument, "dimension is \(dimension): allowed is 1 to \(Limits.dimension)")
            }
            guard elements.count % dimension == 0 else {
                throw CoreError(.invalidArgument, "\(elements.count) elements are no whole vectors of \(dimension)")
            }
            if let sample, batchSize != nil {
                throw CoreError(
                    .invalidArgument, "sample (\(sample)) and batchSize are both given: batches are drawn from all vectors")
            }
            return try elements.withUnsafeBufferPointer { (buffer) throws(CoreError) in
                guard let base = buffer.baseAddress, !buffer.isEmpty else {
                    throw CoreError(.invalidArgument, "there are no vectors: k-means needs one for each centroid at least")
                }
                return try self.clusters(
                    UnsafeRawPointer(base), E.inputType(for: .float32), buffer.count / dimension, dimension, threads, progress)
            }
        }
    }

    private func clusters(
        _ vectors: UnsafeRawPointer, _ type: ElementType, _ count: Int, _ dimension: Int, _ threads: Int,
        _ progress: ((_ done: Int, _ total: Int) -> Bool)?
    ) throws(CoreError) -> Clusters {
        var training = try VecIndex.KMeans(
            vectors, type.internalValue, count, dimension: dimension, options: options(threads), isAssigned: true,
            progress: progress)
        let found = try training.train()
        var assignments = [UInt32](repeating: 0, count: count)
        let objective = try training.assign(found.table, &assignments, nil)
        try training.finish()
        let centroids = found.centroids.pointer(Float.self)
        defer { withExtendedLifetime(found) {} }
        return Clusters(
            centroids: (0..<k).map { c in
                Array(UnsafeBufferPointer(start: centroids + c * dimension, count: dimension))
            },
            assignments: assignments.map { Int($0) }, objective: objective, iterations: found.iterations,
            isConverged: found.isConverged)
    }

    /// Finds centroids of vectors; else as `clusters(flat:dimension:threads:progress:)`.
    public func clusters<E: VectorElement>(
        _ vectors: [[E]], threads: Int = 0, progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) -> Clusters {
        let dimension = vectors.first?.count ?? 1
        for (i, vector) in vectors.enumerated() where vector.count != dimension {
            throw VecStoreError(
                CoreError(
                    .invalidArgument, "vector \(i) has \(vector.count) elements, but the first has \(dimension)"))
        }
        return try clusters(flat: vectors.flatMap { $0 }, dimension: dimension, threads: threads, progress: progress)
    }

    private func options(_ threads: Int) throws(CoreError) -> KMeansOptions {
        KMeansOptions(
            k: k, metric: metric.internalValue, start: start == .plusPlus ? .plusPlus : .random,
            iterations: maxIterations, tolerance: tolerance ?? -1, seed: seed, sample: sample, batchSize: batchSize,
            restarts: restarts, threads: try ThreadPool.checkedThreads(threads))
    }
}
