// Checks of the squared norms.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let normChecks = ElementType.allCases.filter { $0 != .bits }.map { type in
    KernelCheck(name: "squared norms \(type.name): Σ x², to the bit the product of a vector with itself") {
        table, extent in
        guard let kernel = table.squaredNorms(type),
            let product = DistanceTrial(.innerProduct, type, table, extent)
        else { return ["there is no kernel"] }
        var findings = Findings()
        compareNorms(kernel, product, extent, &findings)
        return findings.failures
    }
}

/// Seed: 5.
private func compareNorms(
    _ kernel: SquaredNormsKernel, _ product: DistanceTrial, _ extent: Extent, _ findings: inout Findings
) {
    var random = SplitMix64(seed: 5)
    let type = product.type
    let rowMemory = FencedMemory(1 << 17, extent), outputMemory = FencedMemory(1 << 12, extent)
    for dimension in extent.dimensions + (type.isFloat ? [] : [65536]) {
        let size = type.rowSize(dimension), count = dimension > 2000 ? 1 : dimension % 8
        let lowest = [Double](repeating: type == .uint8 ? 255 : -128, count: dimension)
        let rows = (0..<count).map { _ in
            dimension > 2000 ? TestVectors.vector(type, lowest) : TestVectors.random(type, dimension, &random)
        }
        let want = rows.map { row -> Float in
            0 - product.pair(TestVectors.query(equalTo: row, type, dimension), row, dimension)
        }
        for (row, norm) in zip(rows, want) {
            let elements = Reference.elements(type, row, dimension)
            let exact = Reference.distance(.innerProduct, type, elements, elements)
            findings.expect(
                Reference.allows(norm, .init(value: -exact.value, tolerance: exact.tolerance)),
                "dim \(dimension): \(norm), not \(-exact.value)")
        }
        for (gap, atEnd) in [(0, true), (1, true), (7, false)] {
            let stride = size + gap
            var block = [UInt8](repeating: 0xFF, count: max(0, stride * count - gap))
            for (j, row) in rows.enumerated() { block.replaceSubrange(j * stride..<j * stride + size, with: row) }
            let output = GuardedOutput(outputMemory, size: 4 * count, atEnd: atEnd, offset: 4)
            kernel(
                rowMemory.put(block, atEnd: atEnd, offset: 1), stride, count, dimension, output.pointer(to: Float.self))
            for (got, norm) in zip(output.values(Float.self, count), want) {
                findings.expect(
                    got.bitPattern == norm.bitPattern, "dim \(dimension), stride \(stride): \(got), not \(norm)")
            }
            findings.expect(output.isIntact, "dim \(dimension), stride \(stride): writes outside its output")
        }
    }
}
