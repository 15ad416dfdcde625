// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// Turns vectors into short codes and back: see `QuantizerDesign`. Any thread may use it; training puts new ranges or centroids
/// in the place of the old ones at its end, and calls that run go on with the old ones.
package final class VectorQuantizer: @unchecked Sendable {
    // Safety: `trained` is touched under `lock` only.

    package let dimension: Int
    package let design: QuantizerDesign
    package let codeSize: Int
    private let table: KernelTable
    private let lock = Lock()
    private var trained: (any TrainedQuantizer)?

    /// Most vectors that training takes, for each centroid of a product quantizer.
    private static let rowsPerCentroid = 256
    private static let scalarRows = 1 << 18
    /// Vectors that are converted and worked on at a time.
    private static let pieceRows = 4096

    package init(
        dimension: Int, design: QuantizerDesign, table: KernelTable = .current
    ) throws(VecStoreError) {
        guard dimension >= 1 && dimension <= Limits.dimension else {
            throw VecStoreError(.invalidArgument, "dim is \(dimension): allowed is 1 to \(Limits.dimension)")
        }
        try design.check(dimension: dimension)
        self.dimension = dimension
        self.design = design
        self.table = table
        codeSize = design.codeSize(dimension: dimension)
    }

    package var isTrained: Bool { lock.withLock { trained != nil } }

    /// What training has found.
    func current() throws(VecStoreError) -> any TrainedQuantizer {
        guard let trained = lock.withLock({ trained }) else {
            throw VecStoreError(.invalidArgument, "the quantizer is not trained: train it first")
        }
        return trained
    }

    /// Puts what was trained, or saved, in the place of what was there.
    func take(_ made: any TrainedQuantizer) { lock.withLock { trained = made } }

    // MARK: - Training

    /// Finds ranges or centroids that fit some vectors.
    package func train(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, threads: Int, progress: Progress? = nil
    ) throws(VecStoreError) {
        guard count >= 1 else {
            throw VecStoreError(.invalidArgument, "there are no vectors: training needs one at least, and better some thousand")
        }
        let threads = ThreadPool.threads(threads)
        let source = try RowSource(vectors, type, count, dimension: dimension, metric: .l2Squared, table: table)
        try source.check(threads: threads)
        var random = SplitMix64(seed: seed)
        let rows = try SampleRows(source, count: sampleCount(of: count), &random, threads: threads)
        let made: any TrainedQuantizer
        switch design {
        case .scalar(let design):
            let tell = Teller(progress, total: dimension, what: "training a quantizer")
            let quantizer = try ScalarTrainer(rows.base, rows.count, dimension: dimension)
                .train(design, table: table, threads: threads, tell)
            made = ScalarCodec(quantizer, bits: design.bits, table: table)
            try tell.finish()
        case .product(let design):
            let turns = design.isRotated ? RotationTrainer.turns : 0
            let tell = Teller(progress, total: design.m * (1 + turns), what: "training a quantizer")
            made = try trainProduct(design, rows, threads, tell)
            try tell.finish()
        case .binary(let design):
            let tell = Teller(progress, total: 1, what: "training a quantizer")
            made = try BinaryQuantizer(
                rows.base, rows.count, dimension: dimension, bits: design.bits, seed: design.seed, table: table)
            try tell.finish()
        }
        take(made)
    }

    private func trainProduct(
        _ design: QuantizerDesign.ProductDesign, _ rows: SampleRows, _ threads: Int, _ tell: Teller
    ) throws(VecStoreError) -> ProductQuantizer {
        let quantizer = try ProductQuantizer(dimension: dimension, m: design.m, bits: design.bits, table: table)
        let training = ProductQuantizer.Training(seed: design.seed)
        guard design.isRotated else {
            try quantizer.trainParts(rows.base, rows.count, training, threads: threads, tell)
            return quantizer
        }
        let rotation = try RotationTrainer(rows.base, rows.count, quantizer, threads: threads)
            .train(seed: design.seed, tell)
        let memory = try allocate(Float.self, rows.count * dimension, for: "\(rows.count) rotated vectors")
        let rotated = memory.pointer(Float.self)
        try ThreadPool.shared.runPieces(
            of: VectorQuantizer.pieceRows, count: rows.count, threads: threads
        ) { (from, n) throws(VecStoreError) in
            try rotation.apply(rows.base + from * dimension, n, rotated + from * dimension)
        }
        // The centroids go on from where finding the rotation left them.
        try quantizer.trainParts(
            rotated, rows.count,
            ProductQuantizer.Training(passes: training.passes, seed: design.seed, isWarm: true), threads: threads, tell)
        quantizer.rotation = rotation
        return quantizer
    }

    private var seed: UInt64 {
        switch design {
        case .scalar: 0
        case .product(let design): design.seed
        case .binary(let design): design.seed
        }
    }

    private func sampleCount(of count: Int) -> Int {
        switch design {
        case .scalar, .binary: min(count, VectorQuantizer.scalarRows)
        case .product(let design): min(count, VectorQuantizer.rowsPerCentroid << design.bits)
        }
    }

    // MARK: - Codes

    package func encode(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, _ codes: UnsafeMutablePointer<UInt8>, threads: Int
    ) throws(VecStoreError) {
        let quantizer = try current()
        let threads = ThreadPool.threads(threads)
        let source = try RowSource(vectors, type, count, dimension: dimension, metric: .l2Squared, table: table)
        try source.check(threads: threads)
        try forEachPiece(source) { (floats, from, n) throws(VecStoreError) in
            try quantizer.encode(floats, n, codes + from * codeSize, threads: threads)
        }
    }

    /// - Parameter vectors: count × dimension floats.
    package func decode(
        _ codes: UnsafePointer<UInt8>, count: Int, _ vectors: UnsafeMutablePointer<Float>, threads: Int
    ) throws(VecStoreError) {
        try current().decode(codes, count, vectors, threads: ThreadPool.threads(threads))
    }

    /// What codes lose of some vectors.
    package struct Loss {
        /// Mean of ‖x − x̂‖².
        package var meanSquaredError = 0.0
        /// Σ ‖x − x̂‖² / Σ ‖x‖²
        package var relativeError = 0.0
    }

    package func loss(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, threads: Int
    ) throws(VecStoreError) -> Loss {
        let quantizer = try current()
        let threads = ThreadPool.threads(threads)
        guard count > 0 else { return Loss() }
        let source = try RowSource(vectors, type, count, dimension: dimension, metric: .l2Squared, table: table)
        try source.check(threads: threads)
        let most = min(count, VectorQuantizer.pieceRows)
        let codeMemory = try allocate(UInt8.self, most * codeSize, for: "the codes of \(most) vectors")
        let vectorMemory = try allocate(Float.self, most * dimension, for: "\(most) decoded vectors")
        let codes = codeMemory.pointer(UInt8.self), decoded = vectorMemory.pointer(Float.self)
        var errors: Double = 0, squares: Double = 0
        try forEachPiece(source) { (floats, _, n) throws(VecStoreError) in
            try quantizer.encode(floats, n, codes, threads: threads)
            try quantizer.decode(codes, n, decoded, threads: threads)
            for i in 0..<(n * dimension) {
                let x = Double(floats[i]), e = x - Double(decoded[i])
                errors += e * e
                squares += x * x
            }
        }
        return Loss(meanSquaredError: errors / Double(count), relativeError: squares > 0 ? errors / squares : 0)
    }

    /// The distances of queries from the vectors that codes stand for: out[i · count + j] of query i and code j.
    package func distances(
        _ queries: UnsafeRawPointer, type: ElementType, _ queryCount: Int, _ codes: UnsafePointer<UInt8>, count: Int,
        metric: Metric, _ out: UnsafeMutablePointer<Float>, threads: Int
    ) throws(VecStoreError) {
        guard metric == .l2Squared || metric == .innerProduct else {
            throw VecStoreError(
                .unsupported,
                "distances by \(metric.name) from codes are not offered: allowed are l2sq and ip; for cosine scale vectors to norm 1 and take ip"
            )
        }
        let quantizer = try current()
        let threads = ThreadPool.threads(threads)
        let source = try RowSource(queries, type, queryCount, dimension: dimension, metric: .l2Squared, table: table)
        try source.check(threads: threads)
        try forEachPiece(source) { (floats, from, n) throws(VecStoreError) in
            let errors = ErrorBox()
            ThreadPool.shared.run(tasks: n, threads: threads) { i in
                errors.run { () throws(VecStoreError) in
                    try quantizer.distances(
                        floats + i * dimension, metric: metric, codes, count, out + (from + i) * count)
                }
            }
            try errors.rethrow()
        }
    }

    private func forEachPiece(
        _ source: RowSource, _ body: (UnsafePointer<Float>, Int, Int) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        let most = min(source.count, VectorQuantizer.pieceRows)
        let room = try allocate(Float.self, source.isReadable ? 0 : most * dimension, for: "converted vectors")
        var from = 0
        while from < source.count {
            let n = min(most, source.count - from)
            try body(source.floats(from, n, room.pointer(Float.self)), from, n)
            from += n
        }
    }
}
