// Checks of the kernels that list the positions of small values.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let selectChecks = [
    KernelCheck(name: "select: the positions of the values at most the limit, in order; never NaN") { table, extent in
        var findings = Findings()
        selectValues(table.select, extent, &findings)
        return findings.failures
    },
    KernelCheck(name: "select affine: the same over offset + scale · product") { table, extent in
        var findings = Findings()
        selectAffine(table.selectAffine, extent, &findings)
        return findings.failures
    },
    KernelCheck(name: "select by codes: scale · product + error − offset at least the least") { table, extent in
        var findings = Findings()
        selectByCodes(table.codes.select, extent, &findings)
        return findings.failures
    },
]

/// The positions that one call wrote into room for `count` of them, right before a fence or 4 bytes behind one.
private func positions(
    _ memory: FencedMemory, _ count: Int, atEnd: Bool, _ what: String, _ findings: inout Findings,
    _ call: (UnsafeMutablePointer<UInt32>) -> Int
) -> [Int] {
    let room = GuardedOutput(memory, size: 4 * count, atEnd: atEnd, offset: 4)
    let found = call(room.pointer(to: UInt32.self))
    findings.expect(room.isIntact, "\(what): writes outside its output")
    findings.expect(0...count ~= found, "\(what): says that it found \(found)")
    return room.values(UInt32.self, min(max(found, 0), count)).map { Int($0) }
}

/// Seed: 9.
private func selectValues(_ kernel: SelectKernel, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 9)
    let input = FencedMemory(1 << 13, extent), output = FencedMemory(1 << 13, extent)
    let limits: [Float] = [0, -0.0, 0.25, -0.5, -2, 2, .infinity, -.infinity, .nan]
    for count in [0] + extent.dimensions {
        // Steps of an eighth, so that many values are equal to a limit.
        let values = (0..<count).map { _ -> Float in
            switch random.below(12) {
            case 0: [.nan, .infinity, -.infinity, -0.0, .leastNonzeroMagnitude][random.below(5)]
            default: Float(random.below(17) - 8) / 8
            }
        }
        for (i, limit) in limits.enumerated() {
            let atEnd = i % 3 != 0, what = "\(count) values, limit \(limit)"
            let start = input.put(values, atEnd: atEnd, offset: 4)
            let got = positions(output, count, atEnd: atEnd, what, &findings) { kernel(start, count, limit, $0) }
            let want = values.indices.filter { values[$0] <= limit }
            findings.expect(got == want, "\(what): \(got), not \(want)")
        }
    }
}

/// Compares with exact numbers; between `sure` and `possible` rounding may decide.
private func expect(
    _ got: [Int], sure: [Int], possible: [Int], _ what: String, _ findings: inout Findings
) {
    findings.expect(zip(got, got.dropFirst()).allSatisfy { $0 < $1 }, "\(what): \(got) is not in order")
    findings.expect(Set(sure).isSubset(of: got), "\(what): \(got) lacks some of \(sure)")
    findings.expect(Set(got).isSubset(of: possible), "\(what): \(got) has more than \(possible)")
}

/// Small integers, whose sums are exact, and any floats, where the kernel may round twice or once. Seed: 10.
private func selectAffine(_ kernel: SelectAffineKernel, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 10)
    let memory = (0..<3).map { _ in FencedMemory(1 << 13, extent) }, output = FencedMemory(1 << 13, extent)
    for count in [0] + extent.dimensions {
        for exact in [true, false] {
            func number() -> Float { exact ? Float(random.below(17) - 8) : Float(random.unit()) }
            var products = (0..<count).map { _ in number() }
            let offsets = (0..<count).map { _ in number() }, scales = (0..<count).map { _ in number() }
            if count > 0 { products[random.below(count)] = .nan }
            let values = (0..<count).map { i in
                Double(offsets[i]) + Double(scales[i]) * Double(products[i])
            }
            for (i, limit) in [Float(0), 0.5, 3, -3, .infinity, -.infinity].enumerated() {
                let atEnd = i % 3 != 0, what = "\(count) values\(exact ? " (integers)" : ""), limit \(limit)"
                let p = memory[0].put(products, atEnd: atEnd, offset: 4)
                let o = memory[1].put(offsets, atEnd: atEnd, offset: 8)
                let s = memory[2].put(scales, atEnd: atEnd, offset: 12)
                let got = positions(output, count, atEnd: atEnd, what, &findings) { kernel(p, o, s, count, limit, $0) }
                // Two roundings of numbers up to 2.
                let tolerance = exact ? 0 : 0x1p-22
                expect(
                    got, sure: values.indices.filter { values[$0] <= Double(limit) - tolerance },
                    possible: values.indices.filter { values[$0] <= Double(limit) + tolerance }, what, &findings)
            }
        }
    }
}

/// What the kernel compares, in double precision.
private struct CodeBounds {
    var products: [Int32]
    var scale: [Float]
    var error: [Float]
    var offset: [Float]

    func values(_ errorWeight: Float, _ offsetWeight: Float) -> [Double] {
        products.indices.map { i in
            let product = Double(scale[i]) * Double(products[i])
            return product + Double(errorWeight) * Double(error[i]) - Double(offsetWeight) * Double(offset[i])
        }
    }
}

/// As above; where the offsets count for nothing they lie in an inaccessible page. Seed: 11.
private func selectByCodes(_ kernel: CodeSelectKernel, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 11)
    for count in [0] + extent.dimensions {
        let integers = { Float(random.below(17) - 8) }
        compareCodes(
            kernel,
            CodeBounds(
                products: (0..<count).map { _ in Int32(random.below(65) - 32) },
                scale: (0..<count).map { _ in integers() },
                error: (0..<count).map { _ in integers() },
                offset: (0..<count).map { _ in integers() }),
            tolerance: 0, extent, &findings)
        // Products up to 2^29, scaled to at most 2: five roundings of numbers up to 5.
        let fractions = { Float(random.unit()) }
        compareCodes(
            kernel,
            CodeBounds(
                products: (0..<count).map { _ in Int32(truncatingIfNeeded: random.next()) >> 2 },
                scale: (0..<count).map { _ in fractions() * 0x1p-28 },
                error: (0..<count).map { _ in fractions() },
                offset: (0..<count).map { _ in fractions() }),
            tolerance: 0x1p-19, extent, &findings)
    }
}

private func compareCodes(
    _ kernel: CodeSelectKernel, _ bounds: CodeBounds, tolerance: Double, _ extent: Extent, _ findings: inout Findings
) {
    let count = bounds.products.count
    let memory = (0..<4).map { _ in FencedMemory(1 << 13, extent) }, output = FencedMemory(1 << 13, extent)
    let weights: [(error: Float, offset: Float)] = [(0, 0), (0.5, 0), (0.5, 2), (1, -1)]
    for (i, weight) in weights.enumerated() {
        let values = bounds.values(weight.error, weight.offset)
        let atEnd = i % 2 == 0
        let products = memory[0].put(bounds.products, atEnd: atEnd, offset: 4)
        let scale = memory[1].put(bounds.scale, atEnd: atEnd, offset: 8)
        let error = memory[2].put(bounds.error, atEnd: atEnd, offset: 12)
        let fence = UnsafePointer(memory[3].fence.assumingMemoryBound(to: Float.self))
        let offset = weight.offset == 0 ? fence : memory[3].put(bounds.offset, atEnd: atEnd)
        for least in [Float(0), 0.5, 4, -4, .infinity, -.infinity] {
            let what = "\(count) codes, weights \(weight), least \(least), tolerance \(tolerance)"
            let got = positions(output, count, atEnd: atEnd, what, &findings) {
                kernel(products, scale, error, offset, count, weight.error, weight.offset, least, $0)
            }
            expect(
                got, sure: values.indices.filter { values[$0] >= Double(least) + tolerance },
                possible: values.indices.filter { values[$0] >= Double(least) - tolerance }, what, &findings)
        }
    }
}
