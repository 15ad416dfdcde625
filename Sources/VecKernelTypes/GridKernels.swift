// SPDX-License-Identifier: Apache-2.0

/// What a vector r gives with each of four scales: v·r, and then ‖v‖².
/// - Parameters: r, dimension, scales (4), most, sums (the four products, then the four squares).
package typealias GridMeasureKernel = @convention(c) (
    UnsafePointer<Float>, Int, UnsafePointer<Float>, Float, UnsafeMutablePointer<Float>
) -> Void

/// The numbers of v, from 0 on: v + most + ½ each.
/// - Parameters: r, dimension, scale, most, numbers.
/// - Returns: v·r, added in double precision.
package typealias GridRoundKernel = @convention(c) (
    UnsafePointer<Float>, Int, Float, Float, UnsafeMutablePointer<UInt8>
) -> Double

/// Kernels that round a vector r to the grid of ±½, ±1½, … ±(most + ½) in each element: v = ±(⌊|r · scale|⌋ + ½), with the
/// sign of r (0 counts as positive). `most` is a whole number up to 127, scales are finite.
package struct GridKernels: Sendable {
    package let measure: GridMeasureKernel
    package let round: GridRoundKernel

    package init(measure: @escaping GridMeasureKernel, round: @escaping GridRoundKernel) {
        self.measure = measure
        self.round = round
    }
}
