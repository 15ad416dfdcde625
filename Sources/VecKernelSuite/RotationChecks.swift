// Checks of the kernels that rotate vectors, against the definition, element by element: the same bits.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let rotationChecks = [
    KernelCheck(name: "rotations: the same bits as one element after the other, there and back", run: rotate)
]

/// One round, or its undoing.
private func turn(_ vector: [Float], _ signs: [Float], round: Int, isInverse: Bool) -> [Float] {
    var x = vector
    let dimension = x.count
    var width = 1
    while 2 * width <= dimension { width *= 2 }
    func flip() { for d in 0..<dimension { x[d] *= signs[round * dimension + d] } }
    /// Sums and differences of two elements.
    func pair(_ i: Int, _ j: Int, scale: Float) { (x[i], x[j]) = ((x[i] + x[j]) * scale, (x[i] - x[j]) * scale) }
    func transform() {
        let start = round % 2 == 0 ? 0 : dimension - width
        var step = 1
        while step < width {
            for i in 0..<width where i & step == 0 { pair(start + i, start + i + step, scale: 1) }
            step *= 2
        }
        for i in 0..<width { x[start + i] *= 1 / Float(width).squareRoot() }
    }
    func mix() {
        if width == dimension { return }
        let half = dimension / 2
        for i in 0..<half { pair(i, dimension - half + i, scale: Float(0.5).squareRoot()) }
    }
    for step in isInverse ? [mix, transform, flip] : [flip, transform, mix] { step() }
    return x
}

/// Seed: 63.
private func rotate(_ table: KernelTable, _ extent: Extent) -> [String] {
    var findings = Findings()
    var random = SplitMix64(seed: 63)
    let signMemory = FencedMemory(1 << 15, extent), memory = FencedMemory(1 << 13, extent)
    for dimension in extent.dimensions {
        for rounds in [1, 4] {
            let vector = (0..<dimension).map { _ in Float(random.unit()) }
            let signs = (0..<(rounds * dimension)).map { _ in Float(random.below(2) * 2 - 1) }
            for isInverse in [false, true] {
                let order = isInverse ? Array((0..<rounds).reversed()) : Array(0..<rounds)
                let want = order.reduce(vector) { turn($0, signs, round: $1, isInverse: isInverse) }
                for (offset, atEnd) in [(0, true), (4, false)] {
                    let room = GuardedOutput(memory, size: 4 * dimension, atEnd: atEnd, offset: offset)
                    for (d, x) in vector.enumerated() { room.pointer(to: Float.self)[d] = x }
                    let kernel = isInverse ? table.rotation.applyInverse : table.rotation.apply
                    kernel(room.pointer(to: Float.self), dimension, signMemory.put(signs, atEnd: atEnd, offset: 8), rounds)
                    let got = room.values(Float.self, dimension)
                    for d in 0..<dimension {
                        findings.expect(
                            got[d].bitPattern == want[d].bitPattern,
                            "dim \(dimension), \(rounds) rounds, back: \(isInverse), element \(d): \(got[d]), not \(want[d])")
                    }
                    findings.expect(room.isIntact, "dim \(dimension): writes outside its output")
                }
            }
        }
    }
    return findings.failures
}
