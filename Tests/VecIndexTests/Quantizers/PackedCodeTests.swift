// 4-bit codes that have to do without finer ones.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecKernelTypes
import VecKernels

@testable import VecIndex

@Suite("4-bit codes with factors")
struct PackedCodeTests {
    /// A quantizer whose ranges hold nearly all of some normally distributed rows, and these.
    private static func make(
        _ metric: Metric, rows: Int, dimension: Int, rotation: FastRotation? = nil
    ) throws -> (ScalarQuantizer, [[Float]]) {
        var random = Random(seed: 801)
        let center = (0..<dimension).map { Float($0 % 5) * 0.3 - 0.5 }
        let deviation = (0..<dimension).map { 0.5 + Float($0 % 3) * 0.4 }
        let quantizer = try ScalarQuantizer(
            dimension: dimension, metric: metric, levels: 16, isCentered: true, rotation: rotation, center: center,
            step: deviation.map { $0 * 0.335 })
        let made = (0..<rows).map { _ in
            var row = zip(GraphData.normal(dimension, &random), zip(center, deviation)).map { $0 * $1.1 + $1.0 }
            rotation?.applyInverse(&row)
            return row
        }
        return (quantizer, made)
    }

    private static func encode(_ quantizer: ScalarQuantizer, _ row: [Float]) -> (codes: [UInt8], factors: PackedFactors) {
        var codes = [UInt8](repeating: 0, count: row.count), scratch = row + row
        let factors = quantizer.encode(packed: row, &scratch, &codes, .current)
        return (codes, factors)
    }

    /// A distance by codes, computed in the obvious way.
    private static func distance(
        _ query: [Int8], _ scale: ScalarQuantizer.PackedScale, _ row: (codes: [UInt8], factors: PackedFactors)
    ) -> Float {
        let product = zip(query, row.codes).reduce(0) { $0 + Int($1.0) * Int($1.1) }
        return scale.base + row.factors.sum + row.factors.scale * (scale.offset + scale.weight * Float(product))
    }

    private static func distance(_ quantizer: ScalarQuantizer, _ query: [Float], _ row: [Float]) -> Float {
        var scratch = query, codes = [Int8](repeating: 0, count: query.count)
        let scale = quantizer.encodePackedQuery(&scratch, &codes, .current)
        return distance(codes, scale, encode(quantizer, row))
    }

    private static func truth(_ metric: Metric, _ query: [Float], _ row: [Float]) -> Float {
        let product = zip(query, row).reduce(0) { $0 + $1.0 * $1.1 }
        switch metric {
        case .l2Squared: return zip(query, row).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        case .cosine: return 1 - product
        default: return -product
        }
    }

    private static let metrics: [Metric] = [.l2Squared, .innerProduct, .cosine]

    @Test("a row is about as far from itself as it is, rotated or not", arguments: metrics, [1, 7, 100, 384])
    func itself(metric: Metric, dimension: Int) throws {
        for rotation in [nil, FastRotation(dimension: dimension, seed: 802)] {
            let (quantizer, rows) = try PackedCodeTests.make(metric, rows: 20, dimension: dimension, rotation: rotation)
            for row in rows {
                let square = row.reduce(0) { $0 + $1 * $1 }
                let truth = PackedCodeTests.truth(metric, row, row)
                // Outliers are stretched less than it would take. What is left is the rounding of the query.
                var turned = row
                rotation?.apply(&turned)
                let isFar = zip(turned, 0..<dimension).contains { abs($0.0 - quantizer.center[$0.1]) > 8.5 * quantizer.step[$0.1] }
                if !isFar { #expect(abs(PackedCodeTests.distance(quantizer, row, row) - truth) <= 0.02 * (square + 1)) }
            }
        }
    }

    @Test("distances are neither too large nor too small on the average", arguments: metrics)
    func withoutBias(metric: Metric) throws {
        let (quantizer, rows) = try PackedCodeTests.make(metric, rows: 400, dimension: 96)
        var error: Float = 0, size: Float = 0
        for (query, row) in zip(rows, rows.dropFirst()) {
            // A query near the row: that is where codes would fall short.
            let near = zip(query, row).map { 0.3 * $0 + 0.7 * $1 }
            error += PackedCodeTests.distance(quantizer, near, row) - PackedCodeTests.truth(metric, near, row)
            size += PackedCodeTests.truth(.l2Squared, row, Array(UnsafeBufferPointer(start: quantizer.center, count: 96)))
        }
        #expect(abs(error) <= 0.004 * size)
    }

    @Test("a row in the place of a query is as near to others as what its codes say", arguments: metrics, [5, 130])
    func rowAsQuery(metric: Metric, dimension: Int) throws {
        let (quantizer, rows) = try PackedCodeTests.make(metric, rows: 30, dimension: dimension)
        for (first, second) in zip(rows, rows.dropFirst()) {
            let one = PackedCodeTests.encode(quantizer, first), other = PackedCodeTests.encode(quantizer, second)
            var query = [Int8](repeating: 0, count: dimension)
            let scale = quantizer.encodePackedQuery(fromRow: one.codes, one.factors, &query, .current)
            // Rows of the lengths and products that the codes with their factors stand for.
            let c = (0..<dimension).map { quantizer.center[$0] }
            func stands(_ row: (codes: [UInt8], factors: PackedFactors)) -> [Float] {
                (0..<dimension).map { row.factors.scale * quantizer.step[$0] * (Float(row.codes[$0]) - 7.5) }
            }
            let product = zip(stands(one), stands(other)).reduce(0) { $0 + $1.0 * $1.1 }
            let squares = c.reduce(0) { $0 + $1 * $1 }
            let sums = one.factors.sum + other.factors.sum
            let expected =
                switch metric {
                case .l2Squared: sums - 2 * product
                case .cosine: 1 - squares + sums - product
                default: -squares + sums - product
                }
            let got = PackedCodeTests.distance(query, scale, other)
            #expect(abs(got - expected) <= 0.02 * (Float(dimension) + 1))
        }
    }

    @Test("rows of any length are encoded as well as others", arguments: [Float(0.01), 30])
    func lengths(factor: Float) throws {
        let (quantizer, rows) = try PackedCodeTests.make(.l2Squared, rows: 20, dimension: 64)
        for row in rows {
            let other = (0..<64).map { quantizer.center[$0] + factor * (row[$0] - quantizer.center[$0]) }
            let one = PackedCodeTests.encode(quantizer, row), scaled = PackedCodeTests.encode(quantizer, other)
            // But for rounding where an element lies between two codes.
            #expect(zip(one.codes, scaled.codes).allSatisfy { abs(Int($0.0) - Int($0.1)) <= 1 })
            #expect(abs(scaled.factors.scale / one.factors.scale / factor - 1) <= 0.02)
        }
    }

    @Test("rows far outside the ranges, and the center itself, have factors that can be used", arguments: metrics)
    func extremes(metric: Metric) throws {
        let (quantizer, rows) = try PackedCodeTests.make(metric, rows: 1, dimension: 64)
        let center = (0..<64).map { quantizer.center[$0] }
        var far = rows[0]
        far[3] = 1e18
        let tiny = center.map { $0 + 1e-20 }
        for row in [center, tiny, far, rows[0].map { $0 * 1e15 }] {
            let factors = PackedCodeTests.encode(quantizer, row).factors
            #expect(factors.sum.isFinite && factors.scale.isFinite && factors.scale >= 0)
            #expect(PackedCodeTests.distance(quantizer, rows[0], row).isFinite)
        }
        #expect(PackedCodeTests.encode(quantizer, center).factors.scale == 0)
    }

    @Test("packed codes say the same as those one to a byte", arguments: [1, 63, 64, 65, 127, 128, 129, 200, 384])
    func packing(dimension: Int) throws {
        let (quantizer, rows) = try PackedCodeTests.make(.l2Squared, rows: 1, dimension: dimension)
        let (codes, factors) = PackedCodeTests.encode(quantizer, rows[0])
        let size = (dimension + 127) / 128 * 64
        var packed = [UInt8](repeating: 0, count: size), unpacked = [UInt8](repeating: 99, count: 2 * size)
        KernelTable.current.scalarCodes.packNibbles(codes, dimension, &packed)
        unpackNibbles(packed, bytes: size, &unpacked)
        #expect(Array(unpacked.prefix(dimension)) == codes)
        #expect(unpacked.dropFirst(dimension).allSatisfy { $0 == 0 })
        var decoded = [Float](repeating: 0, count: dimension)
        quantizer.decode(packed: packed, factors, &decoded)
        for d in 0..<dimension {
            let expected = quantizer.center[d] + factors.scale * quantizer.step[d] * (Float(codes[d]) - 7.5)
            #expect(abs(decoded[d] - expected) <= 1e-5)
        }
    }
}
