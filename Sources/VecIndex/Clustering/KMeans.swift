// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// k-means: k centroids such that the sum of the distances of all rows, each to its nearest centroid, is small.
///
/// Lloyd's algorithm (Least squares quantization in PCM, 1982): each row goes to its nearest centroid, each centroid to
/// the mean of its rows, until little changes. Spherical k-means (Dhillon, Modha 2001) for cosine: rows and centroids are
/// directions. Mini-batch k-means (Sculley, Web-scale k-means clustering, 2010) for what does not fit in memory.
package struct KMeans {
    package let options: KMeansOptions
    private let source: RowSource
    let threads: Int
    let progress: Progress?
    /// Rows that have been compared, of how many at most.
    private var done = 0
    private let total: Int

    /// What training found.
    package struct Result {
        /// k × dimension; for cosine of norm 1.
        package let centroids: Buffer
        package let dimension: Int
        /// Passes over the rows that the best run made.
        package let iterations: Int
        /// Rows that were trained on.
        package let trainedCount: Int
        /// Whether it ended before it ran out of passes.
        package let isConverged: Bool
        package let table: CentroidTable
    }

    /// - Parameters:
    ///   - vectors: Checked by this.
    ///   - threads: In `options`: 0 for the default.
    ///   - isAssigned: Whether `assign` is to follow: for `progress`.
    package init(
        _ vectors: UnsafeRawPointer, _ type: ElementType, _ count: Int, dimension: Int, options: KMeansOptions,
        isAssigned: Bool = false, progress: Progress? = nil, table: KernelTable = .current
    ) throws(VecStoreError) {
        try options.check(rows: count)
        self.options = options
        threads = ThreadPool.threads(options.threads)
        self.progress = progress
        source = try RowSource(vectors, type, count, dimension: dimension, metric: options.metric, table: table)
        try source.check(threads: threads)
        let passes = product(options.iterations, options.restarts) ?? Int.max
        let inTraining = product(passes, options.batchSize == nil ? options.sampleCount(of: count) : count)
        total = max(1, inTraining.map { $0 &+ (isAssigned ? count : 0) } ?? Int.max)
    }

    /// Trains centroids.
    package mutating func train() throws(VecStoreError) -> Result {
        var best: Result?
        var least = Double.infinity
        for run in 0..<options.restarts {
            var random = SplitMix64(seed: SplitMix64.number(UInt64(run), seed: options.seed))
            let (result, objective) =
                if let batchSize = options.batchSize {
                    try miniBatch(batchSize, &random)
                } else {
                    try lloyd(&random)
                }
            if best == nil || objective < least {
                best = result
                least = objective
            }
        }
        guard let best else { throw VecStoreError(.internalError, "k-means made no run") }
        return best
    }

    /// Finds the nearest centroid of each vector. Returns the sum of the distances.
    /// - Parameters: assignments, distances: one for each vector, or nil.
    package mutating func assign(
        _ table: CentroidTable, _ assignments: UnsafeMutablePointer<UInt32>?, _ distances: UnsafeMutablePointer<Float>?
    ) throws(VecStoreError) -> Double {
        let source = self.source, threads = self.threads
        return try KMeans.assign(source, table, assignments, distances, threads: threads) { (n) throws(VecStoreError) in
            try self.tell(n)
        }
    }

    /// Tells `progress` that all is done; the last chance to cancel.
    package mutating func finish() throws(VecStoreError) {
        done = total
        try tell()
    }

    /// Finds the nearest of some centroids for each vector.
    package static func assign(
        _ vectors: UnsafeRawPointer, _ type: ElementType, _ count: Int, dimension: Int, centroids: UnsafeRawPointer,
        k: Int, metric: Metric, threads: Int, _ assignments: UnsafeMutablePointer<UInt32>,
        _ distances: UnsafeMutablePointer<Float>?, table: KernelTable = .current
    ) throws(VecStoreError) {
        try checkMetric(metric)
        guard k >= 1 && k <= Limits.rows else {
            throw VecStoreError(.invalidArgument, "k is \(k): allowed is 1 to \(Limits.rows)")
        }
        let threads = ThreadPool.threads(threads)
        let source = try RowSource(vectors, type, count, dimension: dimension, metric: metric, table: table)
        try source.check(threads: threads)
        let table = try CentroidTable(
            centroids, k: k, dimension: dimension, metric: metric, threads: threads, table: table)
        _ = try assign(source, table, assignments, distances, threads: threads) { _ in }
    }

    /// Finds the nearest centroid of each vector, piece by piece. Returns the sum of the distances.
    private static func assign(
        _ source: RowSource, _ table: CentroidTable, _ assignments: UnsafeMutablePointer<UInt32>?,
        _ distances: UnsafeMutablePointer<Float>?, threads: Int, _ tell: (Int) throws(VecStoreError) -> Void
    ) throws(VecStoreError) -> Double {
        let piece = 16_384
        let room = try allocate(
            Float.self, source.isReadable ? 0 : min(piece, source.count) * source.dimension, for: "converted vectors")
        var layout = Layout()
        let assignmentsAt = layout.add(UInt32.self, piece)
        let distancesAt = layout.add(Float.self, piece)
        let scratch = try allocate(UInt8.self, layout.size, for: "assignments")
        var objective: Double = 0
        var from = 0
        while from < source.count {
            let n = min(piece, source.count - from)
            let floats = try source.floats(from, n, room.pointer(Float.self))
            let rows = try QueryBlock(
                floats, type: .float32, count: n, dimension: source.dimension, metric: source.metric, rowType: .float32,
                table: source.table)
            let found = assignments.map { $0 + from } ?? scratch.pointer(UInt32.self, at: assignmentsAt)
            let far = distances.map { $0 + from } ?? scratch.pointer(Float.self, at: distancesAt)
            try table.assign(rows, found, far, hasPrior: false, threads: threads)
            for i in 0..<n { objective += Double(far[i]) }
            from += n
            try tell(n)
        }
        return objective
    }

    // MARK: - Lloyd

    private mutating func lloyd(_ random: inout SplitMix64) throws(VecStoreError) -> (Result, objective: Double) {
        let sample = try SampleRows(source, count: options.sampleCount(of: source.count), &random, threads: threads)
        let rows = try TrainingRows(sample, source, threads: threads)
        let table = try start(&random)
        let n = rows.count, k = options.k
        var layout = Layout()
        let assignmentsAt = layout.add(UInt32.self, n)
        let priorAt = layout.add(UInt32.self, n)
        let distancesAt = layout.add(Float.self, n)
        let memory = try allocate(UInt8.self, layout.size, for: "the centroids of \(n) rows")
        let assignments = memory.pointer(UInt32.self, at: assignmentsAt)
        let prior = memory.pointer(UInt32.self, at: priorAt)
        let distances = memory.pointer(Float.self, at: distancesAt)
        let groups = try CentroidGroups(k: k, count: n)
        let doneBefore = done

        var last = Double.infinity
        var iterations = 0
        var isConverged = false
        while iterations < options.iterations && !isConverged {
            prior.update(from: assignments, count: n)
            var objective: Double = 0
            var from = 0
            for piece in rows.pieces {
                try table.assign(
                    piece.rows, assignments + from, distances + from, hasPrior: iterations > 0, threads: threads,
                    coded: piece.coded)
                for i in from..<(from + piece.rows.count) { objective += Double(distances[i]) }
                from += piece.rows.count
                try tell(piece.rows.count)
            }
            let hasChanged = iterations == 0 || !areEqual(prior, assignments, n)
            iterations += 1
            groups.group(assignments, n)
            var sizes = (0..<k).map(groups.size)
            let moved = try fillEmptyCentroids(&sizes, assignments, distances, n, &random)
            if moved > 0 { groups.group(assignments, n) }
            isConverged =
                moved == 0 && (!hasChanged || last - objective < Double(options.tolerance) * last)
            last = objective
            if !hasChanged && moved == 0 { break }
            try groups.sum(rows, source.table.sumRows, threads: threads) { (c, count, sums) in
                setMean(table.row(c), sums, Double(count), dimension: rows.dimension, metric: options.metric)
            }
            try table.refresh(threads: threads)
        }
        skip(to: doneBefore, plus: n)
        let result = Result(
            centroids: table.memory, dimension: rows.dimension, iterations: iterations, trainedCount: n,
            isConverged: isConverged, table: table)
        return (result, last)
    }

    private func areEqual(_ a: UnsafePointer<UInt32>, _ b: UnsafePointer<UInt32>, _ n: Int) -> Bool {
        for i in 0..<n where a[i] != b[i] { return false }
        return true
    }

    // MARK: - Mini-batch

    /// Each step moves centroids towards the means of the rows of a batch that are nearest to them, the less the more rows
    /// they have seen.
    private mutating func miniBatch(
        _ batchSize: Int, _ random: inout SplitMix64
    ) throws(VecStoreError) -> (Result, objective: Double) {
        let batch = min(batchSize, source.count), k = options.k, dimension = source.dimension
        let table = try start(&random)
        let steps = max(1, source.count / batch)
        let groups = try CentroidGroups(k: k, count: batch)
        var layout = Layout()
        let assignmentsAt = layout.add(UInt32.self, batch)
        let positionsAt = layout.add(UInt32.self, batch)
        let distancesAt = layout.add(Float.self, batch)
        let seenAt = layout.add(Double.self, k)
        let memory = try allocate(UInt8.self, layout.size, for: "a batch of \(batch) rows")
        let assignments = memory.pointer(UInt32.self, at: assignmentsAt)
        let positions = memory.pointer(UInt32.self, at: positionsAt)
        var drawn = UnsafeMutableBufferPointer(start: positions, count: batch)
        let distances = memory.pointer(Float.self, at: distancesAt)
        // How many rows each centroid has seen, at all and before this pass.
        let seen = memory.pointer(Double.self, at: seenAt)
        var seenBefore = [Double](repeating: 0, count: k)
        let doneBefore = done

        var last = Double.infinity
        var iterations = 0
        var isConverged = false
        while iterations < options.iterations && !isConverged {
            var objective: Double = 0
            for step in 0..<steps {
                for i in 0..<batch { drawn[i] = UInt32(truncatingIfNeeded: random.below(source.count)) }
                // In the order in which they lie in memory.
                drawn.sort()
                let rows = try TrainingRows(
                    SampleRows(source, positions, batch, threads: threads), source, threads: threads)
                var from = 0
                for piece in rows.pieces {
                    try table.assign(
                        piece.rows, assignments + from, distances + from, hasPrior: false, threads: threads,
                        coded: piece.coded)
                    from += piece.rows.count
                }
                for i in 0..<batch { objective += Double(distances[i]) }
                groups.group(assignments, batch)
                try groups.sum(rows, source.table.sumRows, threads: threads) { (c, count, sums) in
                    let before = seen[c], now = before + Double(count)
                    let row = table.row(c), sums = UnsafeMutablePointer(mutating: sums)
                    for d in 0..<dimension { sums[d] += before * Double(row[d]) }
                    setMean(row, sums, now, dimension: dimension, metric: options.metric)
                    seen[c] = now
                }
                if step + 1 == steps {
                    // Centroids that no row came to in a whole pass move to rows that are far from theirs.
                    var idle: [Int] = []
                    for c in 0..<k where seen[c] == seenBefore[c] { idle.append(c) }
                    move(idle, to: rows, distances, table, seen, &random)
                    for c in 0..<k { seenBefore[c] = seen[c] }
                }
                try table.refresh(threads: threads)
                try tell(batch)
            }
            iterations += 1
            isConverged = last - objective < Double(options.tolerance) * last
            last = objective
        }
        skip(to: doneBefore, plus: source.count)
        let result = Result(
            centroids: table.memory, dimension: dimension, iterations: iterations, trainedCount: source.count,
            isConverged: isConverged, table: table)
        return (result, last)
    }

    /// Puts centroids on rows, drawn with a probability in proportion to their distance.
    private func move(
        _ centroids: [Int], to rows: TrainingRows, _ distances: UnsafePointer<Float>, _ table: CentroidTable,
        _ seen: UnsafeMutablePointer<Double>, _ random: inout SplitMix64
    ) {
        var total: Double = 0
        for i in 0..<rows.count { total += Double(distances[i]) }
        guard total > 0 else { return }
        for c in centroids {
            var left = total * random.uniform()
            var i = 0
            while i + 1 < rows.count && left >= Double(distances[i]) {
                left -= Double(distances[i])
                i += 1
            }
            let row = rows.base + i * rows.dimension
            let factor = rows.inverseNorms?[i] ?? 1
            for d in 0..<rows.dimension { table.row(c)[d] = row[d] * factor }
            // As one that has seen this row alone.
            seen[c] = 1
        }
    }

    // MARK: - Beginning

    /// Centroids to begin with: rows of the source.
    private func start(_ random: inout SplitMix64) throws(VecStoreError) -> CentroidTable {
        let k = options.k, dimension = source.dimension
        let table = try CentroidTable(k: k, dimension: dimension, metric: options.metric, table: source.table)
        switch options.start {
        case .random:
            let positions = try drawPositions(k, of: source.count, &random)
            try source.copy(positions.pointer(UInt32.self), k, table.rows, threads: threads)
            if options.metric == .cosine { try normalize(table.rows, k) }
        case .plusPlus:
            let n = PlusPlusStart.sampleCount(of: source.count, k: k)
            let isCopied = n < source.count || !source.isReadable || options.metric == .cosine
            let memory = try allocate(Float.self, isCopied ? n * dimension : 0, for: "\(n) rows to choose centroids from")
            if isCopied {
                let positions = try drawPositions(n, of: source.count, &random)
                try source.copy(positions.pointer(UInt32.self), n, memory.pointer(Float.self), threads: threads)
                if options.metric == .cosine { try normalize(memory.pointer(Float.self), n) }
            }
            let rows = isCopied ? UnsafePointer(memory.pointer(Float.self)) : source.vectors.assumingMemoryBound(to: Float.self)
            var next = 0
            let chooser = try PlusPlusStart(rows, n, dimension: dimension, table: source.table)
            try chooser.choose(k, &random, threads: threads) { () throws(VecStoreError) in
                try tell()
            } take: { position in
                table.row(next).update(from: rows + position * dimension, count: dimension)
                next += 1
            }
        }
        try table.refresh(threads: threads)
        return table
    }

    /// Scales rows to norm 1.
    private func normalize(_ rows: UnsafeMutablePointer<Float>, _ count: Int) throws(VecStoreError) {
        try VectorFunctions.normalize(
            UnsafeMutableRawPointer(rows), count: count, dimension: source.dimension, type: .float32, table: source.table)
    }

    // MARK: - Progress

    /// After a run: passes that it did not need count as done. A pass has `rows` rows, and `before` had been done before.
    private mutating func skip(to before: Int, plus rows: Int) {
        let (end, overflow) = (product(options.iterations, rows) ?? total).addingReportingOverflow(before)
        done = overflow ? total : min(end, total)
    }

    /// Counts rows that were compared, and asks whether to go on.
    private mutating func tell(_ rows: Int) throws(VecStoreError) {
        done = min(done &+ rows, total)
        try tell()
    }

    private func tell() throws(VecStoreError) {
        if let progress, !progress(min(done, total), total) {
            throw VecStoreError(.cancelled, "k-means was cancelled: there are no centroids")
        }
    }
}
