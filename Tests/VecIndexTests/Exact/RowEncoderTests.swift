// The error that comes with a code is a bound on what the code is off by: exact search stands on it.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecKernelTypes
import VecKernels

@testable import VecIndex

@Suite("Codes of rows")
struct RowEncoderTests {
    @Test("the error is at least the distance from row to code", arguments: [1, 2, 3, 31, 32, 33, 384, 1000, 65_536])
    func bound(dimension: Int) {
        var random = Random(seed: 51)
        for (name, vector) in RowEncoderTests.vectors(dimension, &random) {
            for isa in KernelTable.available {
                let made = encode(vector, isa)
                #expect(made.distance <= Double(made.error), "\(name), \(isa.name)")
            }
        }
    }

    @Test("the error is small: a fraction of the norm, so that codes tell rows apart", arguments: KernelTable.available)
    func usefulBound(isa: InstructionSet) {
        var random = Random(seed: 52)
        for dimension in [32, 384, 1000] {
            let made = encode((0..<dimension).map { _ in random.unit() }, isa)
            #expect(Double(made.error) < 0.01 * made.norm, "dim \(dimension)")
        }
    }

    @Test("codes lie from 1 to 255, the largest element at an end", arguments: KernelTable.available)
    func range(isa: InstructionSet) {
        var random = Random(seed: 53)
        for (name, vector) in RowEncoderTests.vectors(100, &random) {
            let made = encode(vector, isa)
            #expect(made.codes.allSatisfy { $0 >= 1 }, "\(name)")
            if made.scale > 0 { #expect(made.codes.contains(1) || made.codes.contains(255), "\(name)") }
        }
    }

    @Test("a zero vector has no scale and no more error than the end of the range of floats")
    func zero() {
        let made = encode([Float](repeating: 0, count: 50), KernelTable.current.isa)
        #expect(made.scale == 0)
        #expect(made.error <= 0x1p-60)
        #expect(made.codes.allSatisfy { $0 == 128 })
    }

    private struct Made {
        var scale: Float
        var error: Float
        var codes: [UInt8]
        /// ‖x‖ in double precision.
        var norm: Double
        /// ‖x − scale · code‖ in double precision.
        var distance: Double
    }

    private func encode(_ vector: [Float], _ isa: InstructionSet) -> Made {
        let table = KernelTable.table(for: isa)
        // The norm as an index has it: from a sum of squares in float32.
        var square: Float = 0
        table.squaredNorms(.float32)?(vector, 4 * vector.count, 1, vector.count, &square)
        var codes = [UInt8](repeating: 0, count: vector.count)
        let made = RowEncoder(table: table, dimension: vector.count).encode(vector, norm: square.squareRoot(), &codes)
        var sum = 0.0, squares = 0.0
        for (x, code) in zip(vector, codes) {
            let difference = Double(x) - Double(made.scale) * Double(Int(code) - 128)
            sum += difference * difference
            squares += Double(x) * Double(x)
        }
        return Made(
            scale: made.scale, error: made.error, codes: codes, norm: squares.squareRoot(), distance: sum.squareRoot())
    }

    /// Random vectors and such as stand at the edges: of rounding, of the range of floats, of what counts as zero.
    private static func vectors(_ dimension: Int, _ random: inout Random) -> [(String, [Float])] {
        func each(_ element: (Int) -> Float) -> [Float] { (0..<dimension).map(element) }
        var all: [(String, [Float])] = []
        for exponent in stride(from: -140, through: 50, by: dimension > 1000 ? 38 : 10) {
            let size = Float(sign: .plus, exponent: exponent, significand: 1)
            all.append(("random times 2^\(exponent)", each { _ in random.unit() * size }))
        }
        // Every element but the largest half-way between two codes: each is off by the most there can be.
        all.append(("ties", each { $0 == 0 ? 126.999 : (Float($0 % 126) + 0.5) }))
        all.append(("negative ties", each { $0 == 0 ? -126.999 : -(Float($0 % 126) + 0.5) }))
        all.append(("one giant", each { $0 == dimension / 2 ? 1e6 : random.unit() }))
        all.append(("one giant among small", each { $0 == dimension - 1 ? -1e18 : random.unit() * 1e-18 }))
        all.append(("constant", each { _ in 0.3 }))
        all.append(("constant, negative", each { _ in -7e-5 }))
        all.append(("one element", each { $0 == 0 ? 2 : 0 }))
        all.append(("least normal", each { _ in .leastNormalMagnitude }))
        all.append(("least of all", each { _ in .leastNonzeroMagnitude }))
        all.append(("just above what counts as zero", each { _ in (0x1p-80 as Float).nextUp }))
        all.append(("what counts as zero", each { $0 == 0 ? 0x1p-80 : random.unit() * 0x1p-80 }))
        all.append(("as large as may be", each { _ in (0x1p125 / Float(dimension)).squareRoot() }))
        return all
    }
}
