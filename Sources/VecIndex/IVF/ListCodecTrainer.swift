// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Makes the codes of an inverted file from what some rows differ by from the centers of their lists.
struct ListCodecTrainer {
    private let model: IVFModel
    private let options: IVFOptions
    private let threads: Int
    private let table: KernelTable
    private let sample: UnsafePointer<Float>
    private let homes: UnsafePointer<UInt32>
    /// The rows of the sample that are used, and what they differ by.
    private let positions: Buffer
    private let memory: Buffer
    private let residuals: UnsafeMutablePointer<Float>
    private let count: Int

    /// Rows for 16 centroids of each part, and for more of them.
    private static let rows = KMeansOptions.defaultRowsPerCentroid << 4
    private static let wideRows = 4 * rows
    /// A rotation has many numbers to find.
    private static let rotatedRows = 4 * rows

    init(
        _ model: IVFModel, _ sample: UnsafePointer<Float>, _ count: Int, _ homes: UnsafePointer<UInt32>, _ options: IVFOptions,
        threads: Int, table: KernelTable
    ) throws(VecStoreError) {
        self.model = model
        self.options = options
        self.threads = threads
        self.table = table
        self.sample = sample
        self.homes = homes
        let isWide = options.storage == .pq && options.partBits > 4
        self.count = min(
            count,
            max(options.isRotated ? ListCodecTrainer.rotatedRows : ListCodecTrainer.rows, isWide ? ListCodecTrainer.wideRows : 0))
        var random = SplitMix64(seed: options.seed ^ 0x5eed)
        positions = try drawPositions(self.count, of: count, &random)
        let dimension = options.dimension
        memory = try allocate(Float.self, self.count * dimension, for: "\(self.count) vectors to train on")
        residuals = memory.pointer(Float.self)
        for i in 0..<self.count {
            let p = position(i)
            model.residual(sample + p * dimension, Int(homes[p]), residuals + i * dimension)
        }
    }

    private func position(_ i: Int) -> Int { Int(positions.pointer(UInt32.self)[i]) }

    func train() throws(VecStoreError) -> ListCodec {
        let dimension = options.dimension
        let kind: ListCodec.Kind
        switch options.storage {
        case .pq: kind = .product(try trainProduct())
        case .int8, .int4:
            kind = .scalar(
                try ElementGrid(residuals, count, dimension: dimension, bits: options.storage == .int8 ? 8 : 4))
        default:
            return ListCodec(
                .binary(
                    FastRotation(dimension: dimension, seed: options.seed, table: table),
                    GridRounder(dimension: dimension, bits: options.binaryBits, table: table)), options, error: 0, table)
        }
        return ListCodec(kind, options, error: try measure(ListCodec(kind, options, error: 0, table)), table)
    }

    private func trainProduct() throws(VecStoreError) -> ProductQuantizer {
        let dimension = options.dimension
        let quantizer = try ProductQuantizer(dimension: dimension, m: options.partCount, bits: options.partBits, table: table)
        guard options.isRotated else {
            try quantizer.trainParts(residuals, count, ProductQuantizer.Training(seed: options.seed), threads: threads)
            return quantizer
        }
        let tell = Teller(nil, total: 1, what: "training")
        let rotation = try RotationTrainer(residuals, count, quantizer, threads: threads).train(seed: options.seed, tell)
        let turnedMemory = try allocate(Float.self, count * dimension, for: "\(count) rotated vectors")
        let turned = turnedMemory.pointer(Float.self)
        try ThreadPool.shared.runPieces(of: 256, count: count, threads: threads) { (from, n) throws(VecStoreError) in
            try rotation.apply(residuals + from * dimension, n, turned + from * dimension)
        }
        // The centroids go on from where finding the rotation left them.
        try quantizer.trainParts(
            turned, count, ProductQuantizer.Training(seed: options.seed, isWarm: true), threads: threads)
        quantizer.rotation = rotation
        return quantizer
    }

    /// About what an estimate is off by, times ‖q − c‖ and the row's factor. What codes lose lies along the directions in which
    /// rows differ most, and so do queries: it is measured with other rows as queries.
    private func measure(_ codec: ListCodec) throws(VecStoreError) -> Float {
        let dimension = options.dimension
        let scratch = try ListCodec.Scratch(codec, count: count)
        codec.beginWithoutCenter(scratch)
        let otherMemory = try allocate(Float.self, (2 * scratch.rows + 1) * dimension, for: "vectors to measure codes with")
        let others = otherMemory.pointer(Float.self)
        let turned = others + scratch.rows * dimension, lost = turned + scratch.rows * dimension
        let unit: Float = options.metric == .l2Squared ? -2 : -1
        var squares: Double = 0
        var from = 0
        while from < count {
            let n = min(scratch.rows, count - from)
            for i in 0..<n {
                scratch.row(i).update(from: residuals + (from + i) * dimension, count: dimension)
                let other = sample + position(((from + i) * 7919 + count / 2) % count) * dimension
                model.residual(other, Int(homes[position(from + i)]), others + i * dimension)
            }
            try codec.encode(n, scratch)
            try codec.turn(others, n, turned)
            for i in 0..<n {
                let f = scratch.factors[i] / unit, r = scratch.turned(i), x = turned + i * dimension
                guard f != 0 else { continue }
                codec.value(scratch.numbers(i), lost)
                for d in 0..<dimension { lost[d] = r[d] / f - lost[d] }
                let product = Double(codec.product(x, lost)), length = Double(codec.product(x, x))
                if length > 0 { squares += product / length * product }
            }
            from += n
        }
        return Float((squares / Double(max(count, 1))).squareRoot())
    }
}
