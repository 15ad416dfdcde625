// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// Codes for the rows of lists, made of numbers. Those of 4 bits each choose an entry of a table that a query makes: with 16
/// entries of a byte a table fits a register (André, Kermarrec, Le Scouarnec: Cache locality is not enough, 2015). Those of a
/// byte choose an entry of a larger table, or are multiplied with the bytes of a query.
///
/// A row x in a list with the center c has the residual r = x − c, and its code stands for r̂ = f · v. For any query q,
/// q·x = q·c + c·r + (q − c)·r, where the last product alone is estimated, as (q − c)·r̂ = q·r̂ − c·r̂. So with S = q·v, which the
/// numbers give, an estimate is base(query, list) + offset(row) + factor(row) · S:
///
///     l2sq:       ‖q − c‖² + (‖r‖² + 2·c·r̂) − 2·f·S
///     ip, cosine: −q·c (+ 1) + (c·r̂ − c·r) − f·S
///
/// The scale f = ‖r‖² / (v·r) makes the estimate right for queries along r, where those are that x is near to: v alone says
/// too little along r, the more the shorter codes are, and near rows would be estimated farther than they are.
///
/// - `pq`: v has a centroid of 16 to 256 in each part (Jégou, Douze, Schmid, 2011), where wanted after a rotation that makes codes
///   lose least (Ge, He, Ke, Sun: Optimized product quantization, 2013).
/// - `binary`: v = Rᵀ·u, where R is a random rotation and u the point of a grid of 2^bits values for each element whose
///   direction is nearest to that of R·r: so the estimate is right on average for any query (Gao, Long: RaBitQ, arXiv
///   2405.12497; for more bits: arXiv 2409.09913). A table has the bits of one weight of four elements.
/// - `int4`, `int8`: v has the nearest of 16 or 256 values in even steps for each element.
final class ListCodec: @unchecked Sendable {
    // Safety: immutable once training is done.

    enum Kind {
        /// Its rotation, if any, is the codec's.
        case product(ProductQuantizer)
        case binary(FastRotation, GridRounder)
        case scalar(ElementGrid)
    }

    let kind: Kind
    let dimension: Int
    let metric: Metric
    let table: KernelTable
    let shape: ListCodeShape
    /// An estimate is off by about this times ‖q − c‖ times the row's factor.
    let spread: Float
    /// The spread as it was measured in training; 0 for `binary`, whose spread is known.
    let error: Float

    /// Product and scalar codes are not stretched by more than this.
    private static let mostStretch: Float = 4
    /// What sums of bytes leave room for.
    static let mostTables = 16_384

    /// - Parameter error: Unused for `binary`.
    init(_ kind: Kind, _ options: IVFOptions, error: Float, _ table: KernelTable) {
        self.kind = kind
        self.error = error
        self.table = table
        dimension = options.dimension
        metric = options.metric
        shape = options.codeShape
        if case .binary(_, let rounder) = kind {
            // ‖r‖·√(1 − cos²) / cos / √n in units of f = ‖r‖ / (cos·‖u‖), with what a grid loses of normal values.
            let loss = UniformSteps.loss(bits: rounder.bits)
            spread = (loss * (1 - loss)).squareRoot() / UniformSteps.step(bits: rounder.bits)
        } else {
            spread = error
        }
    }

    var bytes: Int {
        switch kind {
        case .product(let quantizer):
            4 * quantizer.k * (dimension + quantizer.m) + (quantizer.rotation == nil ? 0 : 4 * dimension * dimension)
        case .binary: 0
        case .scalar(let grid): grid.bytes
        }
    }

    // MARK: - Turning

    /// Whether codes are of vectors that were rotated.
    var isTurned: Bool {
        switch kind {
        case .product(let quantizer): quantizer.rotation != nil
        case .binary: true
        case .scalar: false
        }
    }

    /// Writes vectors as codes are made of them: rotated, or as they are.
    func turn(_ vectors: UnsafePointer<Float>, _ count: Int, _ out: UnsafeMutablePointer<Float>) throws(VecStoreError) {
        switch kind {
        case .product(let quantizer):
            if let rotation = quantizer.rotation {
                try rotation.apply(vectors, count, out)
            } else {
                out.update(from: vectors, count: count * dimension)
            }
        case .binary(let rotation, _):
            out.update(from: vectors, count: count * dimension)
            for i in 0..<count { rotation.apply(out + i * dimension) }
        case .scalar:
            out.update(from: vectors, count: count * dimension)
        }
    }

    /// Turns one vector back.
    private func turnBack(_ vector: UnsafeMutablePointer<Float>) throws(VecStoreError) {
        switch kind {
        case .product(let quantizer):
            guard let rotation = quantizer.rotation else { return }
            let memory = try allocate(Float.self, dimension, for: "a vector")
            try rotation.applyInverse(vector, 1, memory.pointer(Float.self))
            vector.update(from: memory.pointer(Float.self), count: dimension)
        case .binary(let rotation, _): rotation.applyInverse(vector)
        case .scalar: break
        }
    }

    // MARK: - Values

    /// What the numbers of a code stand for: v, still rotated.
    func value(_ numbers: UnsafePointer<UInt8>, _ out: UnsafeMutablePointer<Float>) {
        switch kind {
        case .product(let quantizer):
            for j in 0..<quantizer.m {
                let range = quantizer.range(j)
                // A damaged file may have any bytes.
                let number = Int(numbers[j]) & (quantizer.k - 1)
                (out + range.lowerBound).update(from: quantizer.part(j).centroids + number * range.count, count: range.count)
            }
        case .binary(_, let rounder):
            let middle = Float((1 << rounder.bits) - 1) / 2
            if shape.isWide {
                for d in 0..<dimension { out[d] = Float(numbers[d]) - middle }
                return
            }
            let tables = (dimension + 3) / 4
            for d in 0..<dimension {
                var number = 0
                for bit in 0..<rounder.bits {
                    number |= Int(numbers[bit &* tables &+ d >> 2] &>> UInt8(truncatingIfNeeded: d & 3) & 1) << bit
                }
                out[d] = Float(number) - middle
            }
        case .scalar(let grid):
            for d in 0..<dimension { out[d] = grid.value(d, numbers[d]) }
        }
    }

    /// The row that a code stands for, as nearly as it says: its center and what is nearest to r along v.
    /// - Parameter factor: As it lies in the list.
    func decode(
        _ numbers: UnsafePointer<UInt8>, factor: Float, _ model: IVFModel, _ list: Int, _ out: UnsafeMutablePointer<Float>
    ) throws(VecStoreError) {
        value(numbers, out)
        if case .binary(_, let rounder) = kind {
            // As long as the residual was, but shorter by what its direction is off.
            let f = (metric == .l2Squared ? 0.5 : 1) * abs(factor)
            let scale = f * (1 - UniformSteps.loss(bits: rounder.bits))
            for d in 0..<dimension { out[d] *= scale }
        }
        try turnBack(out)
        let c = model.centroids.row(list), radius = model.radii[list]
        for d in 0..<dimension { out[d] += radius * c[d] }
    }

    /// The scale f of a code, of ‖r‖² and v·r. Where a code that was trained says little of the row, a scale that makes up for
    /// it would be noise.
    func scale(_ square: Float, _ reached: Float) -> Float {
        // A row that is the center has no direction.
        if case .binary = kind { return reached > 0x1p-60 ? square / reached : 0 }
        return reached > square / ListCodec.mostStretch ? square / reached : 1
    }
}

/// How the numbers of a row's code lie in lists.
struct ListCodeShape: Equatable {
    /// One for each table, or one for each byte; 0 without codes.
    var numbers = 0
    /// Whether numbers are bytes.
    var isWide = false
    /// The bits of numbers that are bytes and choose an entry of a table; else 0.
    var tableBits = 0

    /// Entries of such a table; else 0.
    var tableSize: Int { tableBits > 0 ? 1 << tableBits : 0 }

    /// Bytes that a query makes for its sums.
    var querySize: Int {
        guard isWide else { return 64 * layout.groups }
        return numbers * (tableBits > 0 ? 4 * tableSize : 1)
    }

    /// Floats that it takes to make them.
    var queryRoom: Int { isWide ? (tableBits > 0 ? 0 : numbers) : 16 * numbers }

    var layout: ListLayout { isWide ? ListLayout(rowBytes: numbers) : ListLayout(groups: (numbers + 3) / 4) }
}

extension IVFOptions {
    /// Bits of a number of a binary code.
    var binaryBits: Int { bits ?? 1 }

    var codeShape: ListCodeShape {
        switch storage {
        case .pq: ListCodeShape(numbers: partCount, isWide: partBits > 4, tableBits: partBits > 4 ? partBits : 0)
        case .binary:
            binaryBits == 8
                ? ListCodeShape(numbers: dimension, isWide: true)
                : ListCodeShape(numbers: binaryBits * ((dimension + 3) / 4))
        case .int4: ListCodeShape(numbers: dimension)
        case .int8: ListCodeShape(numbers: dimension, isWide: true)
        case .auto, .float32, .float16, .bfloat16: ListCodeShape()
        }
    }
}
