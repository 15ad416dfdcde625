// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// For each element of a vector a grid of 2^bits values in even steps, which a number chooses from: scalar quantization, as wide
/// for each element as its values spread. Immutable once its maker has filled it in.
final class ElementGrid: @unchecked Sendable {
    // Safety: written by its maker before anybody else sees it.

    let dimension: Int
    let bits: Int
    private let memory: Buffer
    /// The middle of each grid, and its step, which is above 0.
    let middle: UnsafeMutablePointer<Float>
    let step: UnsafeMutablePointer<Float>
    /// The least value, and 1 / step.
    private let low: UnsafeMutablePointer<Float>
    private let inverse: UnsafeMutablePointer<Float>

    var bytes: Int { memory.size }
    private var largest: Int { (1 << bits) - 1 }

    /// - Parameter fill: Writes middles and steps.
    init(
        dimension: Int, bits: Int,
        _ fill: (_ middle: UnsafeMutablePointer<Float>, _ step: UnsafeMutablePointer<Float>) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        self.dimension = dimension
        self.bits = bits
        memory = try allocate(Float.self, 4 * dimension, for: "the grids of \(dimension) elements")
        middle = memory.pointer(Float.self)
        step = middle + dimension
        low = step + dimension
        inverse = low + dimension
        try fill(middle, step)
        for d in 0..<dimension {
            low[d] = middle[d] - Float(largest) / 2 * step[d]
            inverse[d] = 1 / step[d]
        }
    }

    /// Grids that fit some vectors: around the mean of each element, as wide as loses least of normal values of its variance.
    convenience init(
        _ vectors: UnsafePointer<Float>, _ count: Int, dimension: Int, bits: Int
    ) throws(VecStoreError) {
        let sums = try allocate(Double.self, 2 * dimension, for: "the moments of \(dimension) elements")
        let sum = sums.pointer(Double.self), square = sum + dimension
        for i in 0..<count {
            for d in 0..<dimension {
                let x = Double(vectors[i * dimension + d])
                sum[d] += x
                square[d] += x * x
            }
        }
        let n = Double(max(count, 1))
        // A few values of 8 bits lie far out: wider steps lose nothing that anybody sees, values that are cut off do.
        let wanted = bits == 8 ? ElementGrid.wideStep : UniformSteps.step(bits: bits)
        try self.init(dimension: dimension, bits: bits) { (middle, step) throws(VecStoreError) in
            var pooled: Double = 0
            for d in 0..<dimension {
                let mean = sum[d] / n
                middle[d] = Float(mean)
                let deviation = max(square[d] / n - mean * mean, 0).squareRoot()
                pooled = max(pooled, deviation, abs(mean) * 0x1p-10)
                step[d] = Float(deviation) * wanted
            }
            // Elements that hardly change need some step all the same.
            for d in 0..<dimension { step[d] = max(step[d], Float(pooled) * 0x1p-20, 0x1p-70) }
        }
    }

    /// 256 values reach 5 deviations to each side.
    private static let wideStep: Float = 0.04

    func number(_ vector: UnsafePointer<Float>, _ numbers: UnsafeMutablePointer<UInt8>, _ table: KernelTable) {
        table.scalarCodes.encode(vector, low, inverse, dimension, numbers)
        if bits == 8 { return }
        let most = UInt8(truncatingIfNeeded: largest)
        for d in 0..<dimension { numbers[d] = min(numbers[d], most) }
    }

    /// What number i of element d stands for.
    @inline(__always)
    func value(_ d: Int, _ number: UInt8) -> Float { low[d] + step[d] * Float(number) }
}
