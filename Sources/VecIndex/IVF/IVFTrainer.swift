// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// Makes the model of an inverted file from some vectors: centroids by k-means, and codebooks from what vectors differ by from
/// them.
struct IVFTrainer {
    private let options: IVFOptions
    private let nlist: Int
    private let rows: SampleRows
    private let threads: Int
    private let isOwn: Bool
    private let progress: Progress?
    private let table: KernelTable

    /// More passes than this move centroids by less than another seed does.
    private static let iterations = 10

    init(
        _ vectors: UnsafeRawPointer, _ type: ElementType, _ count: Int, _ options: IVFOptions, isOwn: Bool,
        threads: Int, progress: Progress?, table: KernelTable
    ) throws(VecStoreError) {
        self.options = options
        self.isOwn = isOwn
        self.threads = threads
        self.progress = progress
        self.table = table
        nlist = options.listCount(for: count)
        guard count >= nlist else {
            throw VecStoreError(
                .invalidArgument,
                "nlist is \(nlist), but there are \(count) rows to train on: it takes one for each list at least, and better \(IVFOptions.leastRowsPerList) or more"
            )
        }
        guard nlist >= options.assignments else {
            throw VecStoreError(
                .invalidArgument, "assignments is \(options.assignments), and \(count) rows make a single list: give more rows, or nlist")
        }
        let source = try RowSource(
            vectors, type, count, dimension: options.dimension, metric: options.metric, table: table)
        try source.check(threads: threads)
        var random = SplitMix64(seed: options.seed)
        let most = product(KMeansOptions.defaultRowsPerCentroid, nlist) ?? count
        rows = try SampleRows(source, count: max(most, 1), &random, threads: threads)
    }

    private var dimension: Int { options.dimension }

    func train() throws(VecStoreError) -> IVFModel {
        // Directions, where those decide: rows of zeros have none.
        let isDirected = options.metric != .l2Squared
        let unitMemory = try allocate(Float.self, isDirected ? rows.count * dimension : 0, for: "\(rows.count) directions")
        let units = unitMemory.pointer(Float.self)
        var unitCount = rows.count
        if isDirected { unitCount = directions(units) }
        let source = isDirected ? UnsafePointer(units) : rows.base
        guard unitCount >= nlist else {
            throw VecStoreError(
                .invalidArgument, "nlist is \(nlist), but of the rows to train on only \(unitCount) are not zero")
        }
        var means = try KMeans(
            source, .float32, unitCount, dimension: dimension,
            options: KMeansOptions(
                k: nlist, metric: isDirected ? .cosine : .l2Squared, iterations: IVFTrainer.iterations,
                seed: options.seed, threads: threads), progress: progress, table: table)
        let found = try means.train()
        let centroids = try CentroidTable(
            found.centroids.base, k: nlist, dimension: dimension, metric: IVFModel.listMetric(options.metric),
            threads: threads, table: table)
        // Under cosine the rows are their directions; under ip they are what they are.
        let sample = options.metric == .cosine ? source : rows.base
        let sampleCount = options.metric == .cosine ? unitCount : rows.count
        let homeMemory = try allocate(UInt32.self, sampleCount, for: "the lists of \(sampleCount) rows")
        let homes = homeMemory.pointer(UInt32.self)
        try assign(sample, sampleCount, centroids, homes)
        return try model(centroids, sample, sampleCount, homes, trainedCount: rows.count)
    }

    /// Writes the directions of the rows that have one. Returns how many.
    private func directions(_ units: UnsafeMutablePointer<Float>) -> Int {
        var n = 0
        for i in 0..<rows.count where writeDirection(of: rows.base + i * dimension, dimension, to: units + n * dimension) { n += 1 }
        return n
    }

    private func assign(
        _ sample: UnsafePointer<Float>, _ count: Int, _ centroids: CentroidTable, _ homes: UnsafeMutablePointer<UInt32>
    ) throws(VecStoreError) {
        let distanceMemory = try allocate(Float.self, count, for: "the distances of \(count) rows")
        let block = try QueryBlock(
            sample, type: .float32, count: count, dimension: dimension, metric: centroids.context.metric,
            rowType: .float32, table: table)
        try centroids.assign(block, homes, distanceMemory.pointer(Float.self), hasPrior: false, threads: threads)
    }

    private func model(
        _ centroids: CentroidTable, _ sample: UnsafePointer<Float>, _ count: Int, _ homes: UnsafePointer<UInt32>,
        trainedCount: Int
    ) throws(VecStoreError) -> IVFModel {
        let spreads = ListSpreads(
            sample, count, homes: homes, centroids: centroids.rows, k: nlist, dimension: dimension, metric: options.metric)
        func fill(_ radii: UnsafeMutablePointer<Float>, _ reaches: UnsafeMutablePointer<Float>) {
            radii.update(from: spreads.radii, count: nlist)
            reaches.update(from: spreads.reaches, count: nlist)
        }
        let norm = options.metric == .innerProduct ? spreads.meanNorm : 1
        // Lists first: what codes are trained on is relative to their centers.
        let plain = try IVFModel(centroids, metric: options.metric, codec: nil, trainedCount: trainedCount, isOwn: isOwn, meanNorm: norm, fill)
        var model = plain
        if let codec = try trainCodec(plain, sample, count, homes) {
            model = try IVFModel(
                centroids, metric: options.metric, codec: codec, trainedCount: trainedCount, isOwn: isOwn, meanNorm: norm, fill)
        }
        if nlist >= options.leastGraphLists { model.graph = try CentroidGraph(model, table) { [progress] in progress?(1, 1) ?? true } }
        return model
    }

    private func trainCodec(
        _ model: IVFModel, _ sample: UnsafePointer<Float>, _ count: Int, _ homes: UnsafePointer<UInt32>
    ) throws(VecStoreError) -> ListCodec? {
        guard options.storage.isCoded else { return nil }
        let trainer = try ListCodecTrainer(model, sample, count, homes, options, threads: threads, table: table)
        return try trainer.train()
    }
}
