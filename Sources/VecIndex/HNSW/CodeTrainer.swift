// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Trains a scalar quantizer on a sample of rows and measures what its codes lose.
struct CodeTrainer {
    /// What came out.
    struct Result {
        var quantizer: ScalarQuantizer
        /// The share of the 10 nearest rows of a row that are not among the 20 nearest by codes.
        var loss: Float
        /// Root mean square of what the distances to near rows are off by.
        var error: Float
    }

    private let table: KernelTable
    private let metric: Metric
    private let dimension: Int
    /// Rows of float32; for cosine of norm 1.
    private let rows: UnsafePointer<Float>
    private let count: Int
    private let threads: Int

    static let mostRows = 32_768
    private static let queries = 64
    private static let k = 10
    private static let codedK = 20
    /// Ranges tried, in standard deviations: wide ones have coarse steps, narrow ones cut outliers off.
    private static let widths: [Float] = [3, 4, 5, 6, 8, 12, .infinity]

    private let moments: Moments
    private let truth: Truth

    init(
        _ rows: UnsafePointer<Float>, _ count: Int, dimension: Int, metric: Metric, table: KernelTable, threads: Int
    ) throws(VecStoreError) {
        self.rows = rows
        self.count = count
        self.dimension = dimension
        self.metric = metric
        self.table = table
        self.threads = threads
        moments = try Moments(rows, count, dimension, threads: threads)
        truth = try Truth(rows, count, dimension: dimension, metric: metric, table: table, threads: threads)
    }

    /// Trains one range for all elements, and one range for each; takes what loses less.
    func train() throws(VecStoreError) -> Result {
        var best: Result?
        for isUniform in [true, false] {
            let quantizer = try narrowest(isUniform: isUniform)
            let (loss, error) = try measure(quantizer)
            // Uneven steps must be worth it.
            if best.map({ loss < $0.loss - 0.001 }) ?? true {
                best = Result(quantizer: quantizer, loss: loss, error: error)
            }
        }
        guard let best else { throw VecStoreError(.internalError, "training found nothing") }
        return best
    }

    /// Trains 4-bit sketches and measures what they lose of the 10 nearest within the 40 nearest.
    func trainSketch() throws(VecStoreError) -> Result {
        let quantizer = try fourBits(moments)
        let (loss, error) = try measure(quantizer, codedK: 2 * CodeTrainer.codedK)
        return Result(quantizer: quantizer, loss: loss, error: error)
    }

    /// Trains 4-bit codes that are to be all that a walk has: of the rows as they are, or rotated where that loses less.
    func trainPacked(seed: UInt64) throws(VecStoreError) -> Result {
        func train(_ moments: Moments, _ rotation: FastRotation?) throws(VecStoreError) -> Result {
            let quantizer = try fourBits(moments, isCentered: true, rotation: rotation)
            let (loss, error) = try measure(quantizer, isPacked: true)
            return Result(quantizer: quantizer, loss: loss, error: error)
        }
        let plain = try train(moments, nil)
        // A rotation takes time for each query: it must be worth it.
        guard plain.loss > CodeTrainer.leastGain else { return plain }
        let rotation = FastRotation(dimension: dimension, seed: seed)
        let rotated = try train(try self.moments(rotation), rotation)
        return rotated.loss < plain.loss - CodeTrainer.leastGain ? rotated : plain
    }

    private static let leastGain: Float = 0.002
    private static let rotatedRows = 8192

    /// Those of some of the rows, rotated.
    private func moments(_ rotation: FastRotation) throws(VecStoreError) -> Moments {
        let n = min(count, CodeTrainer.rotatedRows)
        let memory = try allocate(Float.self, n * dimension, for: "training")
        let rotated = memory.pointer(Float.self)
        ThreadPool.shared.run(tasks: n, threads: threads) { i in
            let row = rotated + i * self.dimension
            row.update(from: self.rows + i * self.count / n * self.dimension, count: self.dimension)
            rotation.apply(row)
        }
        return try Moments(rotated, n, dimension, threads: threads)
    }

    /// A quantizer of 16 levels, each element by its own spread.
    private func fourBits(
        _ moments: Moments, isCentered: Bool = false, rotation: FastRotation? = nil
    ) throws(VecStoreError) -> ScalarQuantizer {
        let stepMemory = try allocate(Float.self, dimension, for: "training")
        let steps = stepMemory.pointer(Float.self)
        let best = Float(ScalarQuantizer.bestStep)
        for d in 0..<dimension { steps[d] = max(best * moments.deviation[d], moments.pooled * 0x1p-20, 0x1p-70) }
        return try ScalarQuantizer(
            dimension: dimension, metric: metric, levels: 16, isCentered: isCentered, rotation: rotation, center: moments.mean,
            step: steps)
    }

    /// Mean, spread and ends of each element.
    private struct Moments {
        let mean: UnsafeMutablePointer<Float>
        let deviation: UnsafeMutablePointer<Float>
        let largest: UnsafeMutablePointer<Float>
        var pooled: Float = 0
        private let memory: Buffer

        /// Rows summed up by a thread at a time.
        private static let piece = 2048

        init(_ rows: UnsafePointer<Float>, _ count: Int, _ dimension: Int, threads: Int) throws(VecStoreError) {
            memory = try allocate(Float.self, 3 * dimension, for: "training")
            mean = memory.pointer(Float.self)
            deviation = mean + dimension
            largest = deviation + dimension
            let pieces = (count + Moments.piece - 1) / Moments.piece
            // Of each piece: a sum, and the largest, for each element.
            let partMemory = try allocate(Double.self, max(pieces, 1) * 2 * dimension, for: "training")
            let parts = partMemory.pointer(Double.self)
            let mean = self.mean, deviation = self.deviation, largest = self.largest
            mean.update(repeating: 0, count: dimension)
            ThreadPool.shared.run(tasks: pieces, threads: threads) { task in
                let sums = parts + task * 2 * dimension
                for i in (task * Moments.piece)..<min((task + 1) * Moments.piece, count) {
                    let row = rows + i * dimension
                    for d in 0..<dimension { sums[d] += Double(row[d]) }
                }
            }
            let n = Double(max(count, 1))
            for d in 0..<dimension {
                var sum: Double = 0
                for p in 0..<pieces { sum += parts[p * 2 * dimension + d] }
                mean[d] = Float(sum / n)
            }
            parts.update(repeating: 0, count: pieces * 2 * dimension)
            ThreadPool.shared.run(tasks: pieces, threads: threads) { task in
                let sums = parts + task * 2 * dimension
                let most = sums + dimension
                for i in (task * Moments.piece)..<min((task + 1) * Moments.piece, count) {
                    let row = rows + i * dimension
                    for d in 0..<dimension {
                        let x = Double(row[d] - mean[d])
                        sums[d] += x * x
                        most[d] = max(most[d], abs(x))
                    }
                }
            }
            var total: Double = 0
            for d in 0..<dimension {
                var squares: Double = 0, most: Double = 0
                for p in 0..<pieces {
                    squares += parts[p * 2 * dimension + d]
                    most = max(most, parts[(p * 2 + 1) * dimension + d])
                }
                deviation[d] = Float((squares / n).squareRoot())
                largest[d] = Float(most)
                total += squares
            }
            pooled = Float((total / n / Double(dimension)).squareRoot())
        }
    }

    /// The quantizer whose ranges give the smallest squared error on some rows.
    private func narrowest(isUniform: Bool) throws(VecStoreError) -> ScalarQuantizer {
        let stepMemory = try allocate(Float.self, dimension, for: "training")
        let codeMemory = try allocate(UInt8.self, dimension, for: "training")
        let rowMemory = try allocate(Float.self, dimension, for: "training")
        let steps = stepMemory.pointer(Float.self), codes = codeMemory.pointer(UInt8.self)
        let decoded = rowMemory.pointer(Float.self)
        var largest: Float = 0
        for d in 0..<dimension { largest = max(largest, moments.largest[d]) }
        var best: ScalarQuantizer?
        var leastError = Double.infinity
        let tried = min(count, 512)
        for width in CodeTrainer.widths {
            for d in 0..<dimension {
                let range =
                    isUniform
                    ? min(largest, width * moments.pooled) : min(moments.largest[d], width * moments.deviation[d])
                // Elements that never change need some step all the same.
                steps[d] = max(range / 127, largest * 0x1p-20, 0x1p-70)
            }
            let quantizer = try ScalarQuantizer(
                dimension: dimension, metric: metric, center: moments.mean, step: steps)
            var error: Double = 0
            for t in 0..<tried {
                let row = rows + (t * count / tried) * dimension
                quantizer.encode(row, codes, table)
                quantizer.decode(codes, decoded)
                for d in 0..<dimension {
                    let e = Double(decoded[d] - row[d])
                    error += e * e
                }
            }
            if error < leastError {
                leastError = error
                best = quantizer
            }
        }
        guard let best else { throw VecStoreError(.internalError, "training found no range") }
        return best
    }

    // MARK: - What codes lose

    /// The true neighbours of some rows of the sample.
    private struct Truth {
        let queries: [Int]
        /// k of each query.
        let slots: Buffer
        let distances: Buffer

        init(
            _ rows: UnsafePointer<Float>, _ count: Int, dimension: Int, metric: Metric, table: KernelTable, threads: Int
        ) throws(VecStoreError) {
            // For cosine the rows have norm 1.
            guard let kernels = table.distance(metric == .cosine ? .innerProduct : metric, .float32) else {
                throw VecStoreError(.internalError, "no kernel for \(metric.name)")
            }
            let n = min(CodeTrainer.queries, count), k = CodeTrainer.k
            let queries = (0..<n).map { $0 * count / n }
            self.queries = queries
            slots = try allocate(UInt64.self, n * k, for: "training")
            distances = try allocate(Float.self, n * k, for: "training")
            let slots = slots.pointer(UInt64.self), distances = distances.pointer(Float.self)
            let errors = ErrorBox()
            ThreadPool.shared.run(tasks: n, threads: threads) { q in
                errors.run { () throws(VecStoreError) in
                    let room = try allocate(Float.self, count, for: "training")
                    let out = room.pointer(Float.self)
                    kernels.rows(rows + queries[q] * dimension, rows, 4 * dimension, count, dimension, out)
                    if metric == .cosine { for i in 0..<count { out[i] += 1 } }
                    var top = TopK(distances: distances + q * k, ids: slots + q * k, k: k)
                    for i in 0..<count where out[i] <= top.limit && i != queries[q] { top.take(out[i], UInt64(i)) }
                    top.finish()
                }
            }
            try errors.rethrow()
        }
    }

    private func measure(
        _ quantizer: ScalarQuantizer, codedK: Int = CodeTrainer.codedK, isPacked: Bool = false
    ) throws(VecStoreError) -> (loss: Float, error: Float) {
        let codeMemory = try allocate(UInt8.self, count * dimension, for: "training")
        let factorMemory = try allocate(PackedFactors.self, count, for: "training")
        let codes = codeMemory.pointer(UInt8.self), factors = factorMemory.pointer(PackedFactors.self)
        let piece = 1024, pieces = (count + piece - 1) / piece
        let roomMemory = try allocate(Float.self, pieces * 2 * dimension, for: "training")
        let room = roomMemory.pointer(Float.self)
        ThreadPool.shared.run(tasks: pieces, threads: threads) { task in
            for i in (task * piece)..<min((task + 1) * piece, self.count) {
                let row = self.rows + i * self.dimension, code = codes + i * self.dimension
                if isPacked {
                    factors[i] = quantizer.encode(packed: row, room + task * 2 * self.dimension, code, self.table)
                    continue
                }
                factors[i] = PackedFactors(sum: quantizer.encode(row, code, self.table), scale: 1)
                if quantizer.levels < 256 {
                    for d in 0..<self.dimension { code[d] = min(code[d], UInt8(quantizer.levels - 1)) }
                    factors[i].sum = quantizer.squares(row)
                }
            }
        }
        let lock = Lock()
        var missing = 0, wanted = 0, compared = 0
        var squares: Double = 0
        let errors = ErrorBox()
        ThreadPool.shared.run(tasks: truth.queries.count, threads: threads) { q in
            errors.run { () throws(VecStoreError) in
                let found = try self.compare(quantizer, q, codes, factors, codedK, isPacked: isPacked)
                lock.withLock {
                    missing += found.missing
                    wanted += found.wanted
                    squares += found.squares
                    compared += found.wanted
                }
            }
        }
        try errors.rethrow()
        let error = (squares / Double(max(compared, 1))).squareRoot()
        return (Float(missing) / Float(max(wanted, 1)), Float(error))
    }

    private func compare(
        _ quantizer: ScalarQuantizer, _ q: Int, _ codes: UnsafePointer<UInt8>,
        _ factors: UnsafePointer<PackedFactors>, _ codedK: Int, isPacked: Bool
    ) throws(VecStoreError) -> (missing: Int, wanted: Int, squares: Double) {
        let k = CodeTrainer.k
        var layout = Layout()
        let outAt = layout.add(Float.self, count)
        let addressesAt = layout.add(UnsafeRawPointer.self, count)
        let queryAt = layout.add(Int8.self, dimension)
        let floatsAt = layout.add(Float.self, dimension)
        let room = try allocate(UInt8.self, layout.size, for: "training")
        let out = room.pointer(Float.self, at: outAt)
        let addresses = room.pointer(UnsafeRawPointer.self, at: addressesAt)
        for i in 0..<count { addresses[i] = UnsafeRawPointer(codes + i * dimension) }
        let query = room.pointer(Int8.self, at: queryAt)
        let row = rows + truth.queries[q] * dimension, floats = room.pointer(Float.self, at: floatsAt)
        if isPacked {
            floats.update(from: row, count: dimension)
            let scale = quantizer.encodePackedQuery(floats, query, table)
            table.scalarCodes.list(query, addresses, count, dimension, scale.offset, scale.weight, out)
            for i in 0..<count { out[i] = scale.base + factors[i].sum + factors[i].scale * out[i] }
        } else {
            let scale = quantizer.encodeQuery(row, floats, query, table)
            table.scalarCodes.list(query, addresses, count, dimension, scale.offset, scale.weight, out)
            if metric == .l2Squared { for i in 0..<count { out[i] += factors[i].sum } }
        }
        out[truth.queries[q]] = .infinity
        let topMemory = try allocate(UInt64.self, 2 * codedK, for: "training")
        var top = TopK(
            distances: topMemory.pointer(Float.self, at: 8 * codedK), ids: topMemory.pointer(UInt64.self), k: codedK)
        for i in 0..<count where out[i] <= top.limit && i != truth.queries[q] { top.take(out[i], UInt64(i)) }
        top.finish()
        var result = (missing: 0, wanted: 0, squares: 0.0)
        let slots = truth.slots.pointer(UInt64.self) + q * k
        let distances = truth.distances.pointer(Float.self) + q * k
        for j in 0..<k where slots[j] != noID {
            result.wanted += 1
            let off = Double(out[Int(slots[j])] - distances[j])
            result.squares += off * off
            // A true neighbour counts as found where codes put it no farther than the last that they keep.
            if out[Int(slots[j])] > top.distances[codedK - 1] { result.missing += 1 }
        }
        return result
    }
}
