// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Finds the ranges of scalar codes: from the least to the largest value, or with a share of the values left out at each end,
/// for each element by itself or for all together.
struct ScalarTrainer {
    private let vectors: UnsafePointer<Float>
    private let count: Int
    private let dimension: Int

    /// The least step between values of an element.
    static let leastStep: Float = 0x1p-70

    init(_ vectors: UnsafePointer<Float>, _ count: Int, dimension: Int) {
        self.vectors = vectors
        self.count = count
        self.dimension = dimension
    }

    func train(
        _ design: QuantizerDesign.ScalarDesign, table: KernelTable, threads: Int, _ tell: Teller
    ) throws(VecStoreError) -> ScalarQuantizer {
        let memory = try allocate(Float.self, 4 * dimension, for: "the ranges of a quantizer")
        let low = memory.pointer(Float.self), high = low + dimension, center = high + dimension
        let step = center + dimension
        let errors = ErrorBox()
        ThreadPool.shared.run(tasks: dimension, threads: threads) { d in
            errors.run { () throws(VecStoreError) in
                (low[d], high[d]) = try range(d, design.isUniform ? 0 : design.quantile)
                try tell.count(1)
            }
        }
        try errors.rethrow()
        if design.isUniform {
            let all = design.quantile > 0 ? try range(nil, design.quantile) : ends(low, high)
            low.update(repeating: all.0, count: dimension)
            high.update(repeating: all.1, count: dimension)
        }
        let levels = 1 << design.bits
        var widest: Float = 0
        for d in 0..<dimension { widest = max(widest, high[d] - low[d], abs(low[d]) * 0x1p-10) }
        for d in 0..<dimension {
            // Elements that never change need some step all the same.
            step[d] = max((high[d] - low[d]) / Float(levels - 1), widest * 0x1p-20, ScalarTrainer.leastStep)
            center[d] = low[d] + step[d] * Float(levels - 1) / 2
        }
        return try ScalarQuantizer(dimension: dimension, metric: .l2Squared, levels: levels, center: center, step: step)
    }

    private func ends(_ low: UnsafePointer<Float>, _ high: UnsafePointer<Float>) -> (Float, Float) {
        var least = low[0], most = high[0]
        for d in 1..<max(dimension, 1) {
            least = min(least, low[d])
            most = max(most, high[d])
        }
        return (least, most)
    }

    /// The range of element d, or of all elements, with a share of the values left out at each end.
    private func range(_ d: Int?, _ quantile: Float) throws(VecStoreError) -> (Float, Float) {
        let n = d == nil ? count * dimension : count
        let first = d ?? 0, stride = d == nil ? 1 : dimension
        if quantile == 0 {
            var least = Float.infinity, most = -Float.infinity
            for i in 0..<n {
                let x = vectors[first + i * stride]
                least = min(least, x)
                most = max(most, x)
            }
            return (least, most)
        }
        // Some ten thousand values tell a quantile well enough.
        let wanted = min(n, 1 << 16)
        let memory = try allocate(Float.self, wanted, for: "the values of an element")
        var values = UnsafeMutableBufferPointer(start: memory.pointer(Float.self), count: wanted)
        for i in 0..<wanted { values[i] = vectors[first + (i * n / wanted) * stride] }
        values.sort()
        let out = min(Int(Float(wanted) * quantile), (wanted - 1) / 2)
        return (values[out], values[wanted - 1 - out])
    }
}
