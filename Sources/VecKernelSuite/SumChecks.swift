// Checks of the kernel that adds rows up.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let sumChecks = [
    KernelCheck(name: "sums of rows: of any number, anywhere, with and without weights") { table, extent in
        var findings = Findings()
        sums(table.sumRows, extent, &findings)
        return findings.failures
    }
]

/// Whole numbers: every order of adding gives the same. Seed: 51.
private func sums(_ kernel: SumRowsKernel, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 51)
    let rowMemory = FencedMemory(1 << 17, extent), positionMemory = FencedMemory(1 << 13, extent)
    let weightMemory = FencedMemory(1 << 13, extent), output = FencedMemory(1 << 13, extent)
    for dimension in extent.dimensions {
        let stored = 1 + random.below(12)
        let stride = dimension + random.below(3)
        // Nothing lies behind the last row.
        let rows = (0..<(stride * (stored - 1) + dimension)).map { _ in Float(random.below(201) - 100) }
        let weights = (0..<stored).map { _ in Float(random.below(9) - 4) }
        for count in [0, 1, 2, 5, 33] {
            let positions = (0..<count).map { _ in UInt32(random.below(stored)) }
            for isWeighted in [false, true] {
                let atEnd = random.below(2) == 0
                let out = GuardedOutput(output, size: 4 * dimension, atEnd: atEnd, offset: 4)
                kernel(
                    UnsafeRawPointer(rowMemory.put(rows, atEnd: atEnd, offset: 4)), 4 * stride,
                    positionMemory.put(positions, atEnd: atEnd, offset: 4),
                    isWeighted ? weightMemory.put(weights, atEnd: atEnd, offset: 4) : nil, count, dimension,
                    out.pointer(to: Float.self))
                let want = (0..<dimension).map { d in
                    positions.reduce(Float(0)) {
                        $0 + (isWeighted ? weights[Int($1)] : 1) * rows[Int($1) * stride + d]
                    }
                }
                findings.expect(
                    out.values(Float.self, dimension) == want, "dim \(dimension), \(count) rows, weighted: \(isWeighted)")
                findings.expect(out.isIntact, "dim \(dimension): writes outside its output")
            }
        }
    }
}
