// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Trained scalar quantization: element d of a row is low[d] + step[d] · code, with a code from 0 to `levels` − 1. Immutable.
///
/// A query becomes signed codes of q[d] · step[d], so that Σ q·x is a constant of the query and a multiple of an integer
/// product. Under l2sq, and where it is asked for, rows and queries are taken relative to the middle of the ranges, which keeps
/// the numbers small.
final class ScalarQuantizer: @unchecked Sendable {
    // Safety: written by init only.

    let dimension: Int
    let metric: Metric
    /// Different codes: 256, or 16 for codes of 4 bits.
    let levels: Int
    /// Whether products are those of what rows and queries differ by from the center.
    let isCentered: Bool
    /// What rows and queries go through before they become codes of 4 bits that have to do without finer ones, if anything.
    let rotation: FastRotation?
    /// The middle of the range of each element.
    let center: UnsafePointer<Float>
    let step: UnsafePointer<Float>
    private let memory: Buffer
    /// The lower end of each range: of the elements as they are encoded, and for products (relative to the center where they
    /// are).
    let low: UnsafePointer<Float>
    let inverse: UnsafePointer<Float>
    private let productLow: UnsafePointer<Float>
    /// productLow / step
    let lowSteps: UnsafePointer<Float>
    /// A row as a query: its codes are round(alpha + beta · code), of unit `rowUnit`.
    let alpha: UnsafePointer<Float>
    let beta: UnsafePointer<Float>
    let rowUnit: Float
    /// Σ of the squares of the center.
    let centerSquares: Float
    /// The length of rows that fit ranges of 16 levels best: of elements with standard deviations for which the steps are those
    /// of the best uniform quantizer.
    let bestLength: Double

    /// - Parameters:
    ///   - center, step: `dimension` values each; steps are positive.
    init(
        dimension: Int, metric: Metric, levels: Int = 256, isCentered: Bool = false, rotation: FastRotation? = nil,
        center: UnsafePointer<Float>, step: UnsafePointer<Float>
    ) throws(VecStoreError) {
        self.dimension = dimension
        self.metric = metric
        self.levels = levels
        self.isCentered = isCentered || metric == .l2Squared
        self.rotation = rotation
        let most = Float(levels - 1)
        var layout = Layout()
        let places = (0..<8).map { _ in layout.add(Float.self, dimension) }
        memory = try allocate(UInt8.self, layout.size, for: "a quantizer")
        let columns = places.map { [memory] in memory.pointer(Float.self, at: $0) }
        var unit: Float = 0
        for d in 0..<dimension {
            columns[0][d] = center[d]
            columns[1][d] = step[d]
            columns[2][d] = center[d] - most / 2 * step[d]
            columns[3][d] = 1 / step[d]
            columns[4][d] = self.isCentered ? -most / 2 * step[d] : columns[2][d]
            let end = columns[4][d]
            unit = max(unit, abs(end * step[d]), abs((end + most * step[d]) * step[d]))
        }
        // A hair below 127, so that rounding cannot pass it.
        unit = max(unit / 126.99, .leastNormalMagnitude)
        for d in 0..<dimension {
            columns[5][d] = columns[4][d] * step[d] / unit
            columns[6][d] = step[d] * step[d] / unit
            columns[7][d] = columns[4][d] / step[d]
        }
        self.center = UnsafePointer(columns[0])
        self.step = UnsafePointer(columns[1])
        low = UnsafePointer(columns[2])
        inverse = UnsafePointer(columns[3])
        productLow = UnsafePointer(columns[4])
        alpha = UnsafePointer(columns[5])
        beta = UnsafePointer(columns[6])
        lowSteps = UnsafePointer(columns[7])
        rowUnit = unit
        var centerSquares: Double = 0, stepSquares: Double = 0
        for d in 0..<dimension {
            centerSquares += Double(center[d]) * Double(center[d])
            stepSquares += Double(step[d]) * Double(step[d])
        }
        self.centerSquares = Float(centerSquares)
        bestLength = stepSquares.squareRoot() / ScalarQuantizer.bestStep
    }

    var bytes: Int { memory.size }

    /// Encodes a row: for cosine one of norm 1. Returns what `Walk` needs of it: under l2sq Σ of the squares of the decoded row
    /// relative to the center, else 0.
    @discardableResult
    func encode(_ row: UnsafePointer<Float>, _ codes: UnsafeMutablePointer<UInt8>, _ table: KernelTable) -> Float {
        table.scalarCodes.encode(row, low, inverse, dimension, codes)
        guard metric == .l2Squared else { return 0 }
        var sum: Double = 0
        for d in 0..<dimension {
            let x = productLow[d] + step[d] * Float(codes[d])
            sum += Double(x * x)
        }
        return Float(sum)
    }

    /// Σ of the squares of a row relative to the center: what `Walk` needs of a row under l2sq, where codes are too coarse to
    /// say it.
    func squares(_ row: UnsafePointer<Float>) -> Float {
        var sum: Double = 0
        for d in 0..<dimension {
            let x = row[d] - center[d]
            sum += Double(x * x)
        }
        return Float(sum)
    }

    func decode(_ codes: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<Float>) {
        for d in 0..<dimension { row[d] = low[d] + step[d] * Float(codes[d]) }
    }

    /// What turns an integer product with a row's codes into a distance: offset + weight · product, and for l2sq the row's
    /// own squares.
    struct Scale {
        var offset: Float
        var weight: Float
    }

    /// Makes the codes of a query: for cosine one of norm 1.
    ///
    /// All of a distance comes from the rounded query, the constant part too: else what rounding takes away would come back
    /// times the offset of the codes, and distances from different queries could not be compared.
    /// - Parameter scratch: `dimension` floats.
    func encodeQuery(
        _ query: UnsafePointer<Float>, _ scratch: UnsafeMutablePointer<Float>, _ codes: UnsafeMutablePointer<Int8>,
        _ table: KernelTable
    ) -> Scale {
        let squares = metric == .l2Squared ? self.squares(query) : 0
        let product = encodeProduct(query, scratch, codes, table)
        return scale(constant: product.constant, squares: squares, unit: product.unit)
    }

    /// Makes the codes of a query: its product with a row is `constant` + `unit` · Σ code · query code.
    func encodeProduct(
        _ query: UnsafePointer<Float>, _ scratch: UnsafeMutablePointer<Float>, _ codes: UnsafeMutablePointer<Int8>,
        _ table: KernelTable
    ) -> (constant: Float, unit: Float) {
        if isCentered {
            for d in 0..<dimension { scratch[d] = (query[d] - center[d]) * step[d] }
        } else {
            for d in 0..<dimension { scratch[d] = query[d] * step[d] }
        }
        let largest = table.codes.largest(scratch, dimension)
        guard largest > 0x1p-80 else {
            codes.update(repeating: 0, count: dimension)
            return (0, 0)
        }
        let unsigned = UnsafeMutableRawPointer(codes).assumingMemoryBound(to: UInt8.self)
        let multiplier: Float = 126.999 / largest
        _ = table.codes.encode(scratch, multiplier, dimension, unsigned)
        for d in 0..<dimension { unsigned[d] ^= 0x80 }
        let unit = 1 / multiplier
        return (unit * table.scalarCodes.weigh(codes, lowSteps, dimension), unit)
    }

    /// Makes the codes of a query out of those of a row.
    /// - Parameter factor: What `encode` returned for the row.
    func encodeQuery(
        fromRow row: UnsafePointer<UInt8>, factor: Float, _ codes: UnsafeMutablePointer<Int8>, _ table: KernelTable
    ) -> Scale {
        let sum = table.scalarCodes.query(row, alpha, beta, lowSteps, dimension, codes)
        return scale(constant: rowUnit * sum, squares: factor, unit: rowUnit)
    }

    @inline(__always)
    private func scale(constant: Float, squares: Float, unit: Float) -> Scale {
        switch metric {
        case .l2Squared: Scale(offset: squares - 2 * constant, weight: -2 * unit)
        case .cosine: Scale(offset: 1 - constant, weight: -unit)
        default: Scale(offset: -constant, weight: -unit)
        }
    }
}
