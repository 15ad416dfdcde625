// Rounding to a grid: how near the direction is, whatever the length.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecKernels

@testable import VecIndex

@Suite("Rounding to a grid")
struct GridRounderTests {
    /// About normal: sums of uniform numbers.
    private static func vector(_ dimension: Int, _ random: inout Random) -> [Float] {
        (0..<dimension).map { _ in (0..<6).reduce(Float(0)) { sum, _ in sum + random.unit() } }
    }

    private func rounded(_ r: [Float], bits: Int) -> (v: [Double], product: Double, square: Double) {
        var numbers = [UInt8](repeating: 0xEE, count: r.count)
        let sums = GridRounder(dimension: r.count, bits: bits, table: .current).round(r, &numbers)
        return (numbers.map { Double($0) - Double((1 << bits) - 1) / 2 }, sums.product, sums.square)
    }

    private func product(_ a: [Double], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * Double($1.1) } }

    /// What is lost of the squares of r.
    private func loss(_ product: Double, _ square: Double, _ r: [Float]) -> Double {
        1 - product * product / square / self.product(r.map { Double($0) }, r)
    }

    @Test("the direction is about as near as that of any scale", arguments: 1...8)
    func direction(bits: Int) {
        var random = Random(seed: 871)
        let half = Double(1 << (bits - 1))
        for dimension in [40, 200] {
            var lost = 0.0, least = 0.0
            for _ in 0..<4 {
                let r = Self.vector(dimension, &random)
                let sums = rounded(r, bits: bits)
                lost += loss(sums.product, sums.square, r)
                var scale = 0.9 * half / Double(r.map { abs($0) }.max() ?? 0), best = 1.0
                for _ in 0..<120 {
                    var product = 0.0, square = 0.0
                    for x in r {
                        let v = min((abs(Double(x)) * scale).rounded(.down), half - 1) + 0.5
                        product += v * abs(Double(x))
                        square += v * v
                    }
                    best = min(best, loss(product, square, r))
                    scale *= 1.006
                }
                least += best
            }
            #expect(lost <= 1.1 * least, "dim \(dimension)")
        }
    }

    @Test("no more is lost than half a step in each element", arguments: 1...8)
    func halfSteps(bits: Int) {
        var random = Random(seed: 874)
        for dimension in [1, 2, 3, 5, 17] {
            let r = Self.vector(dimension, &random), largest = Double(r.map { abs($0) }.max() ?? 0)
            let sums = rounded(r, bits: bits)
            let step = 2 * largest / Double(1 << bits)
            let most = Double(dimension) * step * step / 4 / product(r.map { Double($0) }, r)
            #expect(loss(sums.product, sums.square, r) <= most + 1e-6, "dim \(dimension)")
        }
    }

    @Test("the sums are those of the numbers", arguments: 1...8)
    func sums(bits: Int) {
        var random = Random(seed: 872)
        for dimension in [1, 3, 16, 33, 384] {
            let r = Self.vector(dimension, &random)
            let (v, sum, square) = rounded(r, bits: bits)
            #expect(v.allSatisfy { abs($0) <= Double(1 << bits) / 2 - 0.5 })
            #expect(abs(sum - product(v, r)) <= 1e-9 * sum)
            #expect(abs(square - v.reduce(0) { $0 + $1 * $1 }) <= 1e-5 * square)
        }
    }

    @Test("the length does not matter, not even that of zeros", arguments: 1...8)
    func length(bits: Int) {
        var random = Random(seed: 873)
        let r = Self.vector(50, &random), want = rounded(r, bits: bits)
        for scale in [Float(0x1p60), 0x1p-100] {
            let sums = rounded(r.map { $0 * scale }, bits: bits)
            #expect(sums.v == want.v && abs(sums.product / Double(scale) - want.product) <= 1e-6 * want.product)
        }
        for tiny in [Float.leastNonzeroMagnitude, 0] {
            let sums = rounded([Float](repeating: tiny, count: 50), bits: bits)
            #expect(sums.v.allSatisfy { $0 == 0.5 } && sums.product == 25 * Double(tiny) && sums.square == 12.5)
        }
    }
}
