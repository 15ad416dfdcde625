// Checks of the kernels that round vectors to a grid, against one element after the other.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let gridChecks = [
    check("grids: products and squares of four scales", measure),
    check("grids: numbers of one scale", round),
]

private func check(
    _ name: String, _ body: @escaping @Sendable (GridKernels, Extent, inout Findings) -> Void
) -> KernelCheck {
    KernelCheck(name: name) { table, extent in
        var findings = Findings()
        body(table.grid, extent, &findings)
        return findings.failures
    }
}

/// The element v of x. The product is rounded to float32, as all kernels round it: which whole number is below it is no
/// matter of opinion.
private func element(_ x: Float, _ scale: Float, most: Float) -> Float {
    let v = min(abs(x * scale).rounded(.down), most) + 0.5
    return x < 0 ? -v : v
}

/// Elements of all sizes, and each sort of zero. Seed: 61.
private func vector(_ dimension: Int, _ random: inout SplitMix64) -> [Float] {
    (0..<dimension).map { _ in
        switch random.below(8) {
        case 0: 0
        case 1: -0.0
        case 2: Float(random.unit()) * 0x1p60
        default: Float(random.unit())
        }
    }
}

/// Seed: 61.
private func measure(_ grid: GridKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 61)
    let input = FencedMemory(1 << 13, extent), output = FencedMemory(1 << 12, extent)
    for dimension in extent.dimensions {
        for most in [Float(0), 1, 7, 127] {
            let r = vector(dimension, &random)
            let scales = [Float(0), 1, (most + 1) * 1.3, 0x1p120]
            for (offset, atEnd) in [(0, true), (1, false)] {
                let room = GuardedOutput(output, size: 32, atEnd: atEnd, offset: offset)
                grid.measure(input.put(r, atEnd: atEnd, offset: offset), dimension, scales, most, room.pointer(to: Float.self))
                let got = room.values(Float.self, 8)
                for (i, scale) in scales.enumerated() {
                    let v = r.map { Double(element($0, scale, most: most)) }
                    let product = zip(v, r).reduce(0) { $0 + $1.0 * Double($1.1) }
                    let square = v.reduce(0) { $0 + $1 * $1 }
                    // Each term is positive, so roundings of the sum alone count.
                    let share = Double(max(dimension, 4)) * 0x1p-24
                    findings.expect(
                        abs(Double(got[i]) - product) <= share * product,
                        "dim \(dimension), most \(most), scale \(scale): v·r is \(got[i]), not \(product)")
                    findings.expect(
                        abs(Double(got[4 + i]) - square) <= share * square,
                        "dim \(dimension), most \(most), scale \(scale): ‖v‖² is \(got[4 + i]), not \(square)")
                }
                findings.expect(room.isIntact, "dim \(dimension): writes outside its output")
            }
        }
    }
}

/// Seed: 62.
private func round(_ grid: GridKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 62)
    let input = FencedMemory(1 << 13, extent), output = FencedMemory(1 << 12, extent)
    for dimension in extent.dimensions {
        for most in [Float(0), 1, 7, 127] {
            let r = vector(dimension, &random)
            for scale in [Float(0), (most + 1) * 1.3, 0x1p120] {
                for (offset, atEnd) in [(0, true), (3, false)] {
                    let room = GuardedOutput(output, size: dimension, atEnd: atEnd, offset: offset)
                    let product = grid.round(
                        input.put(r, atEnd: atEnd, offset: offset), dimension, scale, most, room.pointer(to: UInt8.self))
                    let v = r.map { element($0, scale, most: most) }
                    let want = zip(v, r).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                    findings.expect(
                        room.values(UInt8.self, dimension) == v.map { UInt8($0 + most + 0.5) },
                        "dim \(dimension), most \(most), scale \(scale): wrong numbers")
                    findings.expect(
                        abs(product - want) <= 0x1p-40 * want,
                        "dim \(dimension), most \(most), scale \(scale): v·r is \(product), not \(want)")
                    findings.expect(room.isIntact, "dim \(dimension): writes outside its output")
                }
            }
        }
    }
}
