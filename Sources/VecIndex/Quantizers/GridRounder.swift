// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Rounds vectors to a grid of 2^bits values in each element, (−2^bits + 1) / 2 … (2^bits − 1) / 2 in whole steps: finds the v
/// on it that points the same way as r as nearly as it can, or nearly so. How long r is does not matter.
///
/// v follows from the scale by which r is multiplied before it is rounded, so scales are tried, four at a time: first from
/// one that reaches the largest element on, then around the best, in steps of a third, and again. More bits leave less
/// of the largest elements to be cut off, so the best scale is nearer to the first, and the steps are smaller. Single elements
/// that are moved a step further afterwards gain less than the last third, and take longer.
struct GridRounder: Sendable {
    private let dimension: Int
    let bits: Int
    private let kernels: GridKernels
    private let largest: LargestKernel
    /// By what the scale is multiplied in each round.
    private let factors: [SIMD4<Float>]

    /// - Parameter bits: 1 to 8.
    init(dimension: Int, bits: Int, table: KernelTable) {
        self.dimension = dimension
        self.bits = bits
        kernels = table.grid
        largest = table.codes.largest
        let fine = 1 + 1 / Float(15 * bits), middle = fine * fine * fine, wide = middle * middle * middle
        func around(_ step: Float) -> SIMD4<Float> { [1 / (step * step), 1 / step, step, step * step] }
        factors = [[1 / wide, 1, wide, wide * wide], around(middle), around(fine)]
    }

    /// What v gives.
    struct Sums {
        /// v·r; 0 for an r of zeros alone.
        let product: Double
        /// ‖v‖².
        let square: Double
    }

    /// - Parameter numbers: The element v of each is number − (2^bits − 1) / 2. For 1 bit they are 1 where r is not negative.
    @discardableResult
    func round(_ r: UnsafePointer<Float>, _ numbers: UnsafeMutablePointer<UInt8>) -> Sums {
        let half = Float(1 << (bits - 1)), most = half - 1
        let reach = bits == 1 ? 0 : half / largest(r, dimension)
        // One bit has one grid. The scales of a vector too short for its inverse are not finite.
        guard reach > 0 && reach < 0x1p120 else {
            return Sums(product: kernels.round(r, dimension, 0, most, numbers), square: Double(dimension) / 4)
        }
        var scale = reach
        var best = Sums(product: 0, square: 1)
        for round in factors {
            let tried = scale * round
            let sums = measure(r, tried, most)
            for i in 0..<4 {
                let product = Double(sums[i]), square = Double(sums[4 + i])
                if product * product * best.square > best.product * best.product * square {
                    best = Sums(product: product, square: square)
                    scale = tried[i]
                }
            }
        }
        return Sums(product: kernels.round(r, dimension, scale, most, numbers), square: best.square)
    }

    /// Four products, then four squares.
    private func measure(_ r: UnsafePointer<Float>, _ scales: SIMD4<Float>, _ most: Float) -> SIMD8<Float> {
        var sums = SIMD8<Float>()
        withUnsafeBytes(of: scales) { scales in
            withUnsafeMutableBytes(of: &sums) { sums in
                guard let from = scales.baseAddress, let to = sums.baseAddress else { return }
                kernels.measure(
                    r, dimension, from.assumingMemoryBound(to: Float.self), most, to.assumingMemoryBound(to: Float.self))
            }
        }
        return sums
    }
}
