// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Finds the rotation after which a product quantizer errs least (Ge, He, Ke, Sun: Optimized product quantization, 2013).
///
/// It begins with the principal axes, dealt out to the parts so that each gets about the same share of the variance (the
/// parametric solution, section 3.2 there). Then codes and rotation are made to fit each other in turns (section 3.1): the
/// best rotation for given codes is an orthogonal Procrustes problem, which a singular value decomposition solves.
struct RotationTrainer {
    private let vectors: UnsafePointer<Float>
    private let count: Int
    private let quantizer: ProductQuantizer
    private let threads: Int
    private let memory: Buffer
    private let rotated: UnsafeMutablePointer<Float>
    private let decoded: UnsafeMutablePointer<Float>
    private let sums: UnsafeMutablePointer<Float>

    static let turns = 24
    private static let firstPasses = 4
    /// What brings vectors to about 1, so that sums of products do not overflow; a power of two.
    private let scale: Float
    private static let pieces = 8

    private var dimension: Int { quantizer.dimension }

    init(
        _ vectors: UnsafePointer<Float>, _ count: Int, _ quantizer: ProductQuantizer, threads: Int
    ) throws(VecStoreError) {
        self.vectors = vectors
        self.count = count
        self.quantizer = quantizer
        self.threads = threads
        let dimension = quantizer.dimension
        guard let cells = product(count, dimension), cells < Int.max / 16 else {
            throw VecStoreError(.tooLarge, "\(count) vectors are more than there is memory for")
        }
        var largest: Float = 0
        for c in 0..<cells { largest = max(largest, abs(vectors[c])) }
        scale = largest > 0x1p-100 ? Float(sign: .plus, exponent: -largest.exponent, significand: 1) : 1
        var layout = Layout()
        let rotatedAt = layout.add(Float.self, cells)
        let decodedAt = layout.add(Float.self, cells)
        let sumsAt = layout.add(Float.self, RotationTrainer.pieces * dimension * dimension)
        memory = try allocate(UInt8.self, layout.size, for: "training a rotation")
        rotated = memory.pointer(Float.self, at: rotatedAt)
        decoded = memory.pointer(Float.self, at: decodedAt)
        sums = memory.pointer(Float.self, at: sumsAt)
    }

    func train(seed: UInt64, _ tell: Teller) throws(VecStoreError) -> Rotation {
        let rotation = try Rotation(dimension: dimension)
        try dealAxes(rotation)
        for turn in 0..<RotationTrainer.turns {
            try forEachPiece { (from, n, _) throws(VecStoreError) in
                try rotation.apply(vectors + from * dimension, n, rotated + from * dimension)
            }
            try quantizer.trainParts(
                rotated, count,
                ProductQuantizer.Training(
                    passes: turn == 0 ? RotationTrainer.firstPasses : 1, seed: seed, isWarm: turn > 0),
                threads: threads)
            // Σ decoded · vectorᵀ: the rotation nearest to it takes vectors nearest to what their codes stand for.
            try forEachPiece { (from, n, piece) throws(VecStoreError) in
                try decode(from, n)
                try BLAS.onOneThread { () throws(VecStoreError) in
                    BLAS.multiplyTransposed(
                        decoded + from * dimension, vectors + from * dimension, rows: n, left: dimension,
                        right: dimension, adds: false, sums + piece * dimension * dimension)
                }
            }
            addUp(rotation.matrix)
            try BLAS.onOneThread { () throws(VecStoreError) in
                try LAPACK.makeOrthogonal(rotation.matrix, dimension)
            }
            try tell.count(quantizer.m)
        }
        return rotation
    }

    /// The same pieces for any number of threads, so that sums are the same.
    private func forEachPiece(_ body: (Int, Int, Int) throws(VecStoreError) -> Void) throws(VecStoreError) {
        let errors = ErrorBox()
        ThreadPool.shared.run(tasks: RotationTrainer.pieces, threads: threads) { piece in
            let from = count * piece / RotationTrainer.pieces
            let end = count * (piece + 1) / RotationTrainer.pieces
            errors.run { () throws(VecStoreError) in try body(from, end - from, piece) }
        }
        try errors.rethrow()
    }

    private func addUp(_ out: UnsafeMutablePointer<Float>) {
        let cells = dimension * dimension
        out.update(from: sums, count: cells)
        for piece in 1..<RotationTrainer.pieces {
            for c in 0..<cells { out[c] += sums[piece * cells + c] }
        }
    }

    /// What the codes of rotated vectors stand for, still rotated, times `scale`.
    private func decode(_ from: Int, _ n: Int) throws(VecStoreError) {
        let room = try allocate(UInt16.self, n * quantizer.m, for: "training a rotation")
        let numbers = room.pointer(UInt16.self)
        try quantizer.number(rotated + from * dimension, n, numbers)
        for j in 0..<quantizer.m {
            let range = quantizer.range(j), part = quantizer.part(j)
            for i in 0..<n {
                let out = decoded + ((from + i) * dimension + range.lowerBound)
                let centroid = part.centroids + Int(numbers[j * n + i]) * range.count
                for d in 0..<range.count { out[d] = centroid[d] * scale }
            }
        }
    }

    // MARK: - Principal axes

    /// Sets the rows of a rotation to the principal axes of the vectors, each in a part of the quantizer that still has room
    /// and whose axes have the smallest product of variances so far.
    private func dealAxes(_ rotation: Rotation) throws(VecStoreError) {
        let axes = try allocate(Float.self, dimension * (dimension + 2), for: "principal axes")
        let matrix = axes.pointer(Float.self)
        let values = matrix + dimension * dimension, mean = values + dimension
        mean.update(repeating: 0, count: dimension)
        for i in 0..<count {
            let vector = vectors + i * dimension
            for d in 0..<dimension { mean[d] += (vector[d] - mean[d]) / Float(i + 1) }
        }
        try forEachPiece { (from, n, piece) throws(VecStoreError) in
            for i in from..<(from + n) {
                let vector = vectors + i * dimension, out = rotated + i * dimension
                for d in 0..<dimension { out[d] = (vector[d] - mean[d]) * scale }
            }
            try BLAS.onOneThread { () throws(VecStoreError) in
                BLAS.multiplyTransposed(
                    rotated + from * dimension, rotated + from * dimension, rows: n, left: dimension, right: dimension,
                    adds: false, sums + piece * dimension * dimension)
            }
        }
        addUp(matrix)
        try BLAS.onOneThread { () throws(VecStoreError) in
            try LAPACK.eigenvectors(matrix, dimension, values)
        }
        var taken = [Int](repeating: 0, count: quantizer.m)
        var products = [Float](repeating: 0, count: quantizer.m)
        let least = max(values[0] * 0x1p-40, .leastNormalMagnitude)
        for axis in 0..<dimension {
            var best = -1
            for j in 0..<quantizer.m where taken[j] < quantizer.range(j).count && (best < 0 || products[j] < products[best]) {
                best = j
            }
            let row = quantizer.range(best).lowerBound + taken[best]
            (rotation.matrix + row * dimension).update(from: matrix + axis * dimension, count: dimension)
            taken[best] += 1
            // Logarithms of variances in units of the smallest that counts, so that none is negative.
            products[best] += max(log2(values[axis] / least), 0)
        }
    }

    private func log2(_ x: Float) -> Float {
        // The exponent, and the significand as a straight line: near enough to compare by.
        guard x > 0, x.isFinite else { return 0 }
        return Float(x.exponent) + x.significand - 1
    }
}
