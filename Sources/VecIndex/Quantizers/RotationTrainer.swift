// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Finds the rotation after which a product quantizer errs least (Ge, He, Ke, Sun: Optimized product quantization, 2013).
///
/// It begins twice: with the principal axes, dealt out to the parts so that each gets about the same share of the variance (the
/// parametric solution, section 3.2 there), and with a random rotation. Then codes and rotation are made to fit each other in
/// turns (section 3.1): the best rotation for given codes is an orthogonal Procrustes problem, which a singular value
/// decomposition solves. After some turns one of the two goes on. Codes after principal axes err less, but mostly along few
/// directions; after a random rotation errors go all ways, which queries that are unlike the vectors are better served by. So
/// principal axes have to find clearly more of the vectors' own neighbours.
struct RotationTrainer {
    private let vectors: UnsafePointer<Float>
    private let count: Int
    private let quantizer: ProductQuantizer
    private let threads: Int
    private let memory: Buffer
    private let rotated: UnsafeMutablePointer<Float>
    private let decoded: UnsafeMutablePointer<Float>
    private let sums: UnsafeMutablePointer<Float>

    /// Turns of each beginning, and of that which goes on.
    private static let firstTurns = 12
    private static let moreTurns = 36
    /// All of them.
    static let turns = 2 * firstTurns + moreTurns
    /// Passes of k-means at the beginning, and in each turn after that.
    private static let firstPasses = 4
    private static let passes = 2
    /// Vectors that are searched among to compare the beginnings, and those of them that are queries; neighbours of each.
    private static let mostSearched = 16_384
    private static let mostQueries = 1024
    private static let neighbors = 10
    private static let queriesAtATime = 16
    /// Principal axes go on where a random rotation finds less than this share of what they do.
    private static let leastShare = 0.98
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
        let rotation = try Rotation(dimension: dimension), other = try Rotation(dimension: dimension)
        let parts = try ProductQuantizer(
            dimension: dimension, m: quantizer.m, bits: quantizer.bits, table: quantizer.kernelTable)
        try dealAxes(rotation)
        try improve(rotation, quantizer, 0..<RotationTrainer.firstTurns, seed, tell)
        try randomize(other, seed)
        try improve(other, parts, 0..<RotationTrainer.firstTurns, seed, tell)
        let byAxes = try found(rotation, quantizer), byChance = try found(other, parts)
        let isOther = Double(byChance) >= RotationTrainer.leastShare * Double(byAxes)
        if isOther { quantizer.takeParts(of: parts) }
        let best = isOther ? other : rotation
        try improve(best, quantizer, RotationTrainer.firstTurns..<(RotationTrainer.firstTurns + RotationTrainer.moreTurns), seed, tell)
        return best
    }

    /// Makes codes and rotation fit each other.
    private func improve(
        _ rotation: Rotation, _ quantizer: ProductQuantizer, _ turns: Range<Int>, _ seed: UInt64, _ tell: Teller
    ) throws(VecStoreError) {
        for turn in turns {
            try forEachPiece { (from, n, _) throws(VecStoreError) in
                try rotation.apply(vectors + from * dimension, n, rotated + from * dimension)
            }
            try quantizer.trainParts(
                rotated, count,
                ProductQuantizer.Training(
                    passes: turn == 0 ? RotationTrainer.firstPasses : RotationTrainer.passes, seed: seed, isWarm: turn > 0),
                threads: threads)
            // Σ decoded · vectorᵀ: the rotation nearest to it takes vectors nearest to what their codes stand for.
            try forEachPiece { (from, n, piece) throws(VecStoreError) in
                try decode(quantizer, from..<(from + n))
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
    private func decode(_ quantizer: ProductQuantizer, _ range: Range<Int>) throws(VecStoreError) {
        let from = range.lowerBound, n = range.count
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

    // MARK: - Comparing

    /// How many of the vectors nearest to some of them codes find.
    private func found(_ rotation: Rotation, _ quantizer: ProductQuantizer) throws(VecStoreError) -> Int {
        let n = min(count, RotationTrainer.mostSearched), k = min(RotationTrainer.neighbors, n - 1)
        guard k > 0 else { return 0 }
        let gathered = try allocate(Float.self, n * dimension, for: "comparing rotations")
        let some = gathered.pointer(Float.self)
        for i in 0..<n { (some + i * dimension).update(from: vectors + i * count / n * dimension, count: dimension) }
        try rotation.apply(some, n, rotated)
        try decode(quantizer, 0..<n)
        for c in 0..<(n * dimension) { rotated[c] *= scale }
        let queries = min(n, RotationTrainer.mostQueries), atATime = RotationTrainer.queriesAtATime
        let hits = try allocate(Int.self, queries, for: "comparing rotations")
        let hit = hits.pointer(Int.self)
        try ThreadPool.shared.runPieces(of: atATime, count: queries, threads: threads) { (from, count) throws(VecStoreError) in
            let truth = try nearest(rotated, n, from..<(from + count), of: queries, k)
            let got = try nearest(decoded, n, from..<(from + count), of: queries, k)
            for i in 0..<count { hit[from + i] = truth[i].intersection(got[i]).count }
        }
        return (0..<queries).reduce(0) { $0 + hit[$1] }
    }

    /// The k of `n` rows that are nearest to some of the rotated vectors, but for themselves.
    /// - Parameter all: Queries that there are: each n / all-th vector is one.
    private func nearest(
        _ rows: UnsafePointer<Float>, _ n: Int, _ queries: Range<Int>, of all: Int, _ k: Int
    ) throws(VecStoreError) -> [Set<UInt64>] {
        var layout = Layout()
        let queriesAt = layout.add(Float.self, queries.count * dimension)
        let productsAt = layout.add(Float.self, queries.count * n)
        let squaresAt = layout.add(Float.self, n)
        let distancesAt = layout.add(Float.self, k)
        let idsAt = layout.add(UInt64.self, k)
        let memory = try allocate(UInt8.self, layout.size, for: "comparing rotations")
        let query = memory.pointer(Float.self, at: queriesAt), products = memory.pointer(Float.self, at: productsAt)
        let squares = memory.pointer(Float.self, at: squaresAt)
        guard let norms = quantizer.kernelTable.squaredNorms(.float32) else {
            throw VecStoreError(.internalError, "no kernel for the norms of float32")
        }
        norms(rows, 4 * dimension, n, dimension, squares)
        for (i, q) in queries.enumerated() {
            (query + i * dimension).update(from: rotated + q * n / all * dimension, count: dimension)
        }
        try BLAS.onOneThread {
            BLAS.innerProducts(
                queries: query, count: queries.count, rows: rows, rowCount: n, dimension: dimension, products: products, stride: n)
        }
        return queries.enumerated().map { (i, q) in
            var top = TopK(
                distances: memory.pointer(Float.self, at: distancesAt), ids: memory.pointer(UInt64.self, at: idsAt), k: k)
            for j in 0..<n where j != q * n / all {
                let distance = squares[j] - 2 * products[i * n + j]
                if distance < top.limit { top.take(distance, UInt64(j)) }
            }
            return Set((0..<top.count).map { top.ids[$0] })
        }
    }

    // MARK: - Beginning

    /// Sets a rotation to one that is drawn at random: the orthogonal matrix nearest to one of random numbers.
    private func randomize(_ rotation: Rotation, _ seed: UInt64) throws(VecStoreError) {
        var random = SplitMix64(seed: seed)
        // Sums of several numbers: nearly normal, so that no direction is preferred.
        for c in 0..<(dimension * dimension) {
            var sum = 0.0
            for _ in 0..<4 { sum += random.uniform() - 0.5 }
            rotation.matrix[c] = Float(sum)
        }
        try BLAS.onOneThread { () throws(VecStoreError) in try LAPACK.makeOrthogonal(rotation.matrix, dimension) }
    }

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
