// Checks of the kernels over the codes of a trained quantizer, whole and two to a byte. Their products are integers, so only
// rounding to a code and the last multiplication and addition leave room.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let scalarCodeChecks = [
    check("scalar codes: encoding rounds to nearest and stays within 0 to 255", encode),
    check("scalar codes: the codes of a row become those of a query, and weigh what they should", query),
    check("scalar codes: products with rows wherever they are are exact", list),
    check("scalar codes: codes packed two to a byte, larger ones as 15", pack),
    check("scalar codes: products with packed rows are exact", packedList),
    check("scalar codes: products at the ends of their range, dim 65,536", extremes),
]

private func check(
    _ name: String, _ body: @escaping @Sendable (ScalarCodeKernels, Extent, inout Findings) -> Void
) -> KernelCheck {
    KernelCheck(name: name) { table, extent in
        var findings = Findings()
        body(table.scalarCodes, extent, &findings)
        return findings.failures
    }
}

extension Extent {
    /// Odd dimensions up to 300 beside the usual ones.
    fileprivate var codeDimensions: [Int] {
        self == .full ? dimensions + Array(stride(from: 131, through: 299, by: 2)) : dimensions
    }
}

/// Whether a code is one of those that a number may be rounded to, where it is off by at most `tolerance`.
private func isRounded(_ code: Int, _ value: Double, _ range: ClosedRange<Double>, tolerance: Double) -> Bool {
    let least = min(max(value - tolerance, range.lowerBound), range.upperBound).rounded(.toNearestOrEven)
    let most = min(max(value + tolerance, range.lowerBound), range.upperBound).rounded(.toNearestOrEven)
    return Double(code) >= least && Double(code) <= most
}

/// Rows within the range and far outside it, elements with steps of their own; halves, all ties. Seed: 21.
private func encode(_ codes: ScalarCodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 21)
    let inputs = (0..<3).map { _ in FencedMemory(1 << 13, extent) }, output = FencedMemory(1 << 13, extent)
    for dimension in extent.codeDimensions {
        let low = (0..<dimension).map { _ in Float(random.unit()) * 100 }
        let inverse = (0..<dimension).map { _ in Float(sign: .plus, exponent: random.below(9) - 4, significand: 1) }
        // Some 30 of 100 elements are beyond the ends, a few of them by a lot.
        let row = (0..<dimension).map { d in
            let place = random.below(20) == 0 ? Float(random.unit()) * 1e30 : Float(random.unit()) * 200 + 128
            return low[d] + place / inverse[d]
        }
        let ties = (0..<dimension).map { _ in Float(random.below(256)) + 0.5 }
        let zeros = [Float](repeating: 0, count: dimension), ones = [Float](repeating: 1, count: dimension)
        for (x, a, b) in [(row, low, inverse), (ties, zeros, ones)] {
            for (offset, atEnd) in [(0, true), (1, false), (3, false)] {
                let room = GuardedOutput(output, size: dimension, atEnd: atEnd, offset: offset)
                codes.encode(
                    inputs[0].put(x, atEnd: atEnd, offset: 4 * offset), inputs[1].put(a, atEnd: atEnd, offset: 2 * offset),
                    inputs[2].put(b, atEnd: atEnd, offset: offset), dimension, room.pointer(to: UInt8.self))
                let got = room.values(UInt8.self, dimension)
                for d in 0..<dimension {
                    // One subtraction is rounded; the multiplication is by a power of two.
                    let value = (Double(x[d]) - Double(a[d])) * Double(b[d])
                    let tolerance = 0x1p-23 * abs(value)
                    findings.expect(
                        isRounded(Int(got[d]), value, 0...255, tolerance: tolerance),
                        "dim \(dimension), element \(d): \(got[d]) for \(value)")
                }
                findings.expect(room.isIntact, "dim \(dimension): writes outside its output")
            }
        }
    }
}

/// Seed: 22.
private func query(_ codes: ScalarCodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 22)
    let rowMemory = FencedMemory(1 << 13, extent), output = FencedMemory(1 << 13, extent)
    let inputs = (0..<3).map { _ in FencedMemory(1 << 13, extent) }
    for dimension in extent.codeDimensions {
        let row = (0..<dimension).map { _ in random.byte() }
        let alpha = (0..<dimension).map { _ in Float(random.unit()) * 127 }
        let beta = (0..<dimension).map { _ in Float(random.unit()) }
        let gamma = (0..<dimension).map { _ in Float(random.unit()) }
        for (offset, atEnd) in [(0, true), (1, false), (3, false)] {
            let room = GuardedOutput(output, size: dimension, atEnd: atEnd, offset: offset)
            let sum = codes.query(
                rowMemory.put(row, atEnd: atEnd, offset: offset).assumingMemoryBound(to: UInt8.self),
                inputs[0].put(alpha, atEnd: atEnd, offset: 4 * offset), inputs[1].put(beta, atEnd: atEnd, offset: 2 * offset),
                inputs[2].put(gamma, atEnd: atEnd, offset: offset), dimension, room.pointer(to: Int8.self))
            var wanted = 0.0, terms = 0.0
            let got = room.values(Int8.self, dimension)
            for d in 0..<dimension {
                let code = Double(row[d])
                // What the code is, not what it was before rounding.
                wanted += Double(gamma[d]) * Double(got[d])
                terms += abs(Double(gamma[d]) * Double(got[d]))
                let value = Double(alpha[d]) + Double(beta[d]) * code
                // Two roundings of numbers up to 382.
                findings.expect(
                    isRounded(Int(got[d]), value, -127...127, tolerance: 0x1p-14),
                    "dim \(dimension), element \(d): \(got[d]) for \(value)")
            }
            findings.expect(
                abs(Double(sum) - wanted) <= Double(max(dimension, 4)) * 0x1p-23 * terms,
                "dim \(dimension): the sum is \(sum), not \(wanted)")
            let weighed = codes.weigh(
                rowMemory.put(got.map { UInt8(bitPattern: $0) }, atEnd: atEnd, offset: offset).assumingMemoryBound(to: Int8.self),
                inputs[2].put(gamma, atEnd: atEnd, offset: offset), dimension)
            findings.expect(
                abs(Double(weighed) - wanted) <= Double(max(dimension, 4)) * 0x1p-23 * terms,
                "dim \(dimension): the codes weigh \(weighed), not \(wanted)")
            findings.expect(room.isIntact, "dim \(dimension): writes outside its output")
        }
    }
}

private func product(_ codes: [UInt8], _ query: [Int8]) -> Int {
    zip(codes, query).reduce(0) { $0 + Int($1.0) * Int($1.1) }
}

/// What a list kernel may give for an exact product: the product and the sum are rounded, or both at once.
private func allows(_ got: Float, _ product: Int, offset: Float, weight: Float) -> Bool {
    let wanted = Double(offset) + Double(weight) * Double(Float(product))
    return abs(Double(got) - wanted) <= 0x1p-23 * (abs(Double(weight) * Double(product)) + abs(wanted))
}

private let listCounts = [0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 15, 16, 17, 23, 33]

/// Rows in any order, one of them several times, the last right before a fence. Seed: 23.
private func list(_ codes: ScalarCodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 23)
    let rowMemory = FencedMemory(1 << 15, extent), queryMemory = FencedMemory(1 << 13, extent)
    let addressMemory = FencedMemory(1 << 12, extent), output = FencedMemory(1 << 12, extent)
    for dimension in extent.codeDimensions {
        let rows = (0..<9).map { _ in (0..<dimension).map { _ in random.byte() } }
        let query = (0..<dimension).map { _ in Int8(random.below(255) - 127) }
        let products = rows.map { product($0, query) }
        for (gap, atEnd) in [(0, true), (3, true), (16, false)] {
            let stride = dimension + gap
            var block = [UInt8](repeating: 0xFF, count: stride * 8 + dimension)
            for (j, row) in rows.enumerated() { block.replaceSubrange(j * stride..<j * stride + dimension, with: row) }
            let base = rowMemory.put(block, atEnd: atEnd, offset: 5), q = queryMemory.put(query, atEnd: atEnd, offset: 3)
            for count in extent == .full ? listCounts : [1, 4, 9] {
                let picked = (0..<count).map { $0 == count - 1 ? 8 : random.below(9) }
                let addresses = addressMemory.put(picked.map { base + $0 * stride }, atEnd: true)
                for (offset, weight) in [(Float(0), Float(1)), (0.75, -0.001), (-1e6, 3)] {
                    let room = GuardedOutput(output, size: 4 * count, atEnd: atEnd, offset: 4)
                    codes.list(q, addresses, count, dimension, offset, weight, room.pointer(to: Float.self))
                    let got = room.values(Float.self, count)
                    for (j, row) in picked.enumerated() {
                        findings.expect(
                            allows(got[j], products[row], offset: offset, weight: weight),
                            "dim \(dimension), \(count) rows, row \(j): \(got[j]) for \(products[row])")
                    }
                    findings.expect(room.isIntact, "dim \(dimension), \(count) rows: writes outside its output")
                }
            }
        }
    }
}

/// Codes two to a byte, by the definition.
private func packed(_ codes: [UInt8]) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: (codes.count + 127) / 128 * 64)
    for (d, code) in codes.enumerated() {
        let byte = d / 128 * 64 + d % 64
        result[byte] |= min(code, 15) << UInt8(d % 128 < 64 ? 0 : 4)
    }
    return result
}

/// Seed: 24.
private func pack(_ codes: ScalarCodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 24)
    let input = FencedMemory(1 << 13, extent), output = FencedMemory(1 << 13, extent)
    for dimension in extent.codeDimensions {
        for most in [16, 256] {
            let row = (0..<dimension).map { _ in UInt8(random.below(most)) }
            let want = packed(row)
            for (offset, atEnd) in [(0, true), (1, false), (7, false)] {
                let room = GuardedOutput(output, size: want.count, atEnd: atEnd, offset: offset)
                codes.packNibbles(
                    input.put(row, atEnd: atEnd, offset: offset).assumingMemoryBound(to: UInt8.self), dimension,
                    room.pointer(to: UInt8.self))
                findings.expect(room.values(UInt8.self, want.count) == want, "dim \(dimension): wrong codes")
                findings.expect(room.isIntact, "dim \(dimension): writes outside its output")
            }
        }
    }
}

/// Seed: 25.
private func packedList(_ codes: ScalarCodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 25)
    let rowMemory = FencedMemory(1 << 15, extent), queryMemory = FencedMemory(1 << 13, extent)
    let addressMemory = FencedMemory(1 << 12, extent), output = FencedMemory(1 << 12, extent)
    for dimension in extent.codeDimensions {
        let rows = (0..<9).map { _ in (0..<dimension).map { _ in UInt8(random.below(16)) } }
        let size = (dimension + 127) / 128 * 64
        // Zeros behind the last element, as the kernel wants it.
        let query = (0..<(2 * size)).map { $0 < dimension ? Int8(random.below(255) - 127) : 0 }
        let products = rows.map { product($0, query) }
        for (gap, atEnd) in [(0, true), (5, true), (64, false)] {
            let stride = size + gap
            var block = [UInt8](repeating: 0xFF, count: stride * 8 + size)
            for (j, row) in rows.enumerated() { block.replaceSubrange(j * stride..<j * stride + size, with: packed(row)) }
            let base = rowMemory.put(block, atEnd: atEnd, offset: 5), q = queryMemory.put(query, atEnd: atEnd, offset: 3)
            for count in extent == .full ? listCounts : [1, 4, 9, 17] {
                let picked = (0..<count).map { $0 == count - 1 ? 8 : random.below(9) }
                let addresses = addressMemory.put(picked.map { base + $0 * stride }, atEnd: true)
                for (offset, weight) in [(Float(0), Float(1)), (-3, 0.01)] {
                    let room = GuardedOutput(output, size: 4 * count, atEnd: atEnd, offset: 4)
                    codes.nibbleList(q, addresses, count, dimension, offset, weight, room.pointer(to: Float.self))
                    let got = room.values(Float.self, count)
                    for (j, row) in picked.enumerated() {
                        findings.expect(
                            allows(got[j], products[row], offset: offset, weight: weight),
                            "dim \(dimension), \(count) rows, row \(j): \(got[j]) for \(products[row])")
                    }
                    findings.expect(room.isIntact, "dim \(dimension), \(count) rows: writes outside its output")
                }
            }
        }
    }
}

/// Sums of 65,536 largest products, of either sign, and of such as cancel each other: 65,536 · 255 · 127 < 2^31.
private func extremes(_ codes: ScalarCodeKernels, _ extent: Extent, _ findings: inout Findings) {
    for dimension in extent == .full ? [65_536, 65_535] : [65_536] {
        let rowMemory = FencedMemory(dimension, extent), queryMemory = FencedMemory(dimension, extent)
        for (code, even, odd) in [(UInt8(255), Int8(127), Int8(127)), (255, -127, -127), (255, 127, -127), (0, -127, -127)] {
            let query = (0..<dimension).map { $0 % 2 == 0 ? even : odd }
            let row = [UInt8](repeating: code, count: dimension)
            let base = rowMemory.put(row, atEnd: true), q = queryMemory.put(query, atEnd: true)
            var out = [Float](repeating: .nan, count: 5)
            codes.list(q, [base, base, base, base, base], 5, dimension, 0, 1, &out)
            let want = Float(product(row, query))
            findings.expect(out.allSatisfy { $0 == want }, "dim \(dimension), codes \(code), \(even), \(odd): \(out), not \(want)")

            let small = row.map { min($0, 15) }
            let wide = query + [Int8](repeating: 0, count: (dimension + 127) / 128 * 128 - dimension)
            let packedBase = rowMemory.put(packed(small), atEnd: true), wideQuery = queryMemory.put(wide, atEnd: true)
            codes.nibbleList(wideQuery, [packedBase, packedBase, packedBase, packedBase, packedBase], 5, dimension, 0, 1, &out)
            let wantSmall = Float(product(small, query))
            findings.expect(
                out.allSatisfy { $0 == wantSmall }, "dim \(dimension), packed codes \(code): \(out), not \(wantSmall)")
        }
    }
}
