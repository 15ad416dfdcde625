// Checks of the conversions between float32 and the 16-bit floats.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// One 16-bit float type.
private struct Half: Sendable {
    let type: ElementType
    let widen: @Sendable (UInt16) -> Float
    let narrow: @Sendable (Float) -> UInt16
    let widenKernel: @Sendable (KernelTable) -> ConvertKernel
    let narrowKernel: @Sendable (KernelTable) -> ConvertKernel
}

private let halves = [
    Half(
        type: .float16, widen: Reference.widenFloat16, narrow: Reference.narrowFloat16,
        widenKernel: { $0.widenFloat16 }, narrowKernel: { $0.narrowFloat16 }),
    Half(
        type: .bfloat16, widen: Reference.widenBFloat16, narrow: Reference.narrowBFloat16,
        widenKernel: { $0.widenBFloat16 }, narrowKernel: { $0.narrowBFloat16 }),
]

private let allPatterns = (0...UInt16.max).map { $0 }

let conversionChecks = halves.flatMap { half in
    [
        KernelCheck(name: "float32 from \(half.type.name): every one of the 65,536 patterns") { table, _ in
            var findings = Findings()
            compareWidening(half, allPatterns, half.widenKernel(table), &findings)
            return findings.failures
        },
        KernelCheck(name: "\(half.type.name) from float32: to nearest, ties to even, up to infinity, NaN stays NaN") {
            table, extent in
            var findings = Findings()
            compareNarrowing(half, edges(half), half.narrowKernel(table), &findings)
            compareNarrowing(half, anyFloats(extent.trials(200_000)), half.narrowKernel(table), &findings)
            return findings.failures
        },
        KernelCheck(name: "\(half.type.name) to float32 and back: any number of elements, at any byte") {
            table, extent in
            var findings = Findings()
            compareLengths(half, table, extent, &findings)
            return findings.failures
        },
    ]
}

private func compareWidening(
    _ half: Half, _ patterns: [UInt16], _ kernel: ConvertKernel, _ findings: inout Findings
) {
    var got = [Float](repeating: 0, count: patterns.count)
    kernel(patterns, &got, patterns.count)
    for (pattern, x) in zip(patterns, got) {
        let want = half.widen(pattern)
        // Which NaN comes out is up to the processor.
        findings.expect(
            want.isNaN ? x.isNaN : x.bitPattern == want.bitPattern, "pattern \(pattern): \(x), not \(want)")
    }
}

private func compareNarrowing(_ half: Half, _ values: [Float], _ kernel: ConvertKernel, _ findings: inout Findings) {
    var got = [UInt16](repeating: 0, count: values.count)
    kernel(values, &got, values.count)
    for (x, pattern) in zip(values, got) {
        let want = half.narrow(x)
        findings.expect(
            x.isNaN ? half.widen(pattern).isNaN : pattern == want,
            "\(x) (\(x.bitPattern)): pattern \(pattern), not \(want)")
    }
}

/// Every 16-bit number, the middle between each and the next, and the floats right below and above those: with both
/// signs, the subnormal numbers, where rounding ends in infinity, and NaN.
private func edges(_ half: Half) -> [Float] {
    let exact = allPatterns.map(half.widen)
    let positive = exact[0..<0x8000].filter { $0.isFinite }
    // After the largest number comes what it would be with one more exponent.
    let last = positive[positive.count - 1]
    let steps = zip(positive, positive.dropFirst() + [2 * last - positive[positive.count - 2]])
    let middles = steps.map { low, high in
        high.isFinite ? Float((Double(low) + Double(high)) / 2) : Float(bitPattern: low.bitPattern + 0x8000)
    }
    let around = middles.flatMap { [$0, $0.nextDown, $0.nextUp] } + [.greatestFiniteMagnitude, .leastNonzeroMagnitude]
    let nan = [0x7F80_0001, 0x7FC0_0000, 0x7FFF_FFFF, 0x7F80_FFFF].flatMap { (bits: UInt32) in
        [Float(bitPattern: bits), Float(bitPattern: bits | 1 << 31)]
    }
    return exact + around + around.map { -$0 } + nan
}

/// Any patterns at all. Seed: 6.
private func anyFloats(_ count: Int) -> [Float] {
    var random = SplitMix64(seed: 6)
    return (0..<count).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
}

/// Seed: 7.
private func compareLengths(_ half: Half, _ table: KernelTable, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 7)
    let input = FencedMemory(1 << 13, extent), output = FencedMemory(1 << 13, extent)
    for count in [0] + extent.dimensions {
        let bytes = TestVectors.random(half.type, max(count, 1), &random)
        let narrow = Array(bytes.prefix(2 * count))
        let wide = TestVectors.vector(.float32, Reference.elements(half.type, narrow, count))
        for (offset, atEnd) in [(0, true), (1, false), (2, false)] {
            let places = "\(count) elements, \(atEnd ? "at the end" : "offset \(offset)")"
            var room = GuardedOutput(output, size: 4 * count, atEnd: atEnd, offset: offset)
            half.widenKernel(table)(input.put(narrow, atEnd: atEnd, offset: offset), room.raw, count)
            findings.expect(room.values(UInt8.self, 4 * count) == wide, "\(places): wrong float32 numbers")
            findings.expect(room.isIntact, "\(places): widening writes outside its output")

            room = GuardedOutput(output, size: 2 * count, atEnd: atEnd, offset: offset)
            half.narrowKernel(table)(input.put(wide, atEnd: atEnd, offset: offset), room.raw, count)
            findings.expect(room.values(UInt8.self, 2 * count) == narrow, "\(places): wrong \(half.type.name) numbers")
            findings.expect(room.isIntact, "\(places): narrowing writes outside its output")
        }
    }
}
