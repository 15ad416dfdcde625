// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// What is kept of a row beside its 4-bit codes.
struct PackedFactors {
    /// What the row alone brings into a distance: under l2sq Σ of the squares of what it differs by from the center, else minus
    /// the product of that with the center.
    var sum: Float
    /// What products of the codes are multiplied by.
    var scale: Float
}

/// 4-bit codes, two to a byte, that have to do without finer ones.
///
/// All is about what rows and queries differ by from the center, because errors grow with the length of what is encoded. Rows
/// are encoded as if all were of one length, so that long ones stay within the ranges and short ones make use of them.
/// A factor for each row gives it its length back, in such a way that the product of the row and its codes is the square of
/// that: without it products would come out too small, because codes so coarse are shorter than what they stand for, and
/// distances of near rows too large, of each by another amount (Gao & Long, RaBitQ, arXiv 2405.12497, section 3.2).
///
/// Where there is a rotation, all is about rotated rows and queries: steps that are even cannot follow elements whose values are
/// not, and sums of many of them are about normally distributed whatever they are.
extension ScalarQuantizer {
    /// What makes distances out of the products of a query with the codes of rows:
    /// base + `PackedFactors.sum` + `PackedFactors.scale` · (offset + weight · product).
    struct PackedScale {
        var base: Float
        var offset: Float
        var weight: Float
    }

    /// How many times as long as the decoded row that fits best the factor may make it: where a few elements lie far outside
    /// the ranges, codes point elsewhere than the row does.
    private static let mostStretch = 1.25

    /// The step of the best uniform quantizer of 16 levels for a normal distribution, in standard deviations (Max, Quantizing
    /// for minimum distortion, 1960, table II).
    static let bestStep = 0.3352

    /// Encodes a row: for cosine one of norm 1. The codes, one to a byte, are from 0 to 15.
    /// - Parameter scratch: Twice `dimension` floats.
    func encode(
        packed source: UnsafePointer<Float>, _ scratch: UnsafeMutablePointer<Float>, _ codes: UnsafeMutablePointer<UInt8>,
        _ table: KernelTable
    ) -> PackedFactors {
        let row = scratch + dimension
        row.update(from: source, count: dimension)
        rotation?.apply(row)
        let squares = Double(self.squares(row))
        let length = max(squares.squareRoot(), ScalarQuantizer.leastLength * bestLength)
        let stretch = Float(bestLength / length)
        for d in 0..<dimension { scratch[d] = center[d] + (row[d] - center[d]) * stretch }
        table.scalarCodes.encode(scratch, low, inverse, dimension, codes)
        var decoded: Double = 0, product: Double = 0, along: Double = 0
        for d in 0..<dimension {
            let code = min(codes[d], UInt8(levels - 1))
            codes[d] = code
            let x = row[d] - center[d]
            let y = step[d] * (Float(code) + lowSteps[d])
            decoded += Double(y * y)
            product += Double(x * y)
            along += Double(x * center[d])
        }
        let scale = product > 0 ? min(squares / product, ScalarQuantizer.mostStretch * product / decoded) : 0
        return PackedFactors(sum: Float(metric == .l2Squared ? squares : -along), scale: Float(scale))
    }

    /// Rows that are shorter than this, as a part of the best length, are encoded as if they were so long.
    private static let leastLength = 0x1p-30

    /// What the packed codes of a row say, with its factors.
    func decode(packed: UnsafePointer<UInt8>, _ factors: PackedFactors, _ row: UnsafeMutablePointer<Float>) {
        for d in 0..<dimension {
            let byte = packed[d / 128 * 64 + d % 64]
            let code = Float(d % 128 < 64 ? byte & 15 : byte >> 4)
            row[d] = center[d] + factors.scale * step[d] * (code + lowSteps[d])
        }
        rotation?.applyInverse(row)
    }

    /// Makes the codes of a query: for cosine one of norm 1.
    /// - Parameter query: Is used up.
    func encodePackedQuery(
        _ query: UnsafeMutablePointer<Float>, _ codes: UnsafeMutablePointer<Int8>,
        _ table: KernelTable
    ) -> PackedScale {
        rotation?.apply(query)
        var sum: Float
        if metric == .l2Squared {
            sum = squares(query)
        } else {
            var along: Double = 0
            for d in 0..<dimension { along += Double((query[d] - center[d]) * center[d]) }
            sum = Float(-along)
        }
        let product = encodeProduct(query, query, codes, table)
        return packedScale(PackedFactors(sum: sum, scale: 1), constant: product.constant, unit: product.unit)
    }

    /// Makes the codes of a query out of those of a row, from 0 to 15 and one to a byte.
    /// - Parameter factors: What `encode` returned for the row.
    func encodePackedQuery(
        fromRow row: UnsafePointer<UInt8>, _ factors: PackedFactors, _ codes: UnsafeMutablePointer<Int8>, _ table: KernelTable
    ) -> PackedScale {
        let sum = table.scalarCodes.query(row, alpha, beta, lowSteps, dimension, codes)
        return packedScale(factors, constant: rowUnit * sum, unit: rowUnit)
    }

    /// - Parameter query: Its factors, as if it were a row.
    private func packedScale(_ query: PackedFactors, constant: Float, unit: Float) -> PackedScale {
        let weight = query.scale * (metric == .l2Squared ? -2 : -1)
        let base =
            switch metric {
            case .l2Squared: query.sum
            case .cosine: query.sum + (1 - centerSquares)
            default: query.sum - centerSquares
            }
        return PackedScale(base: base, offset: weight * constant, weight: weight * unit)
    }
}

/// Takes packed codes apart, one to a byte: 128 of each block of 64 bytes.
func unpackNibbles(_ packed: UnsafePointer<UInt8>, bytes: Int, _ codes: UnsafeMutablePointer<UInt8>) {
    var block = 0
    while block < bytes {
        let source = packed + block, target = codes + 2 * block
        for i in 0..<64 {
            target[i] = source[i] & 15
            target[64 + i] = source[i] >> 4
        }
        block += 64
    }
}
