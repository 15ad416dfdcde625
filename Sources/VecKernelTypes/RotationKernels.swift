// SPDX-License-Identifier: Apache-2.0

/// Rotates a vector in place, there or back.
/// - Parameters: vector, dimension, signs (1 or −1 for each element of each round), rounds.
package typealias RotateKernel = @convention(c) (
    UnsafeMutablePointer<Float>, Int, UnsafePointer<Float>, Int
) -> Void

/// Kernels for a rotation in rounds. Each of them
///
/// 1. multiplies each element by its sign,
/// 2. takes the Walsh–Hadamard transform of `width` elements, the largest power of two of the dimension, scaled to keep lengths:
///    the first ones in even rounds, the last ones in odd rounds,
/// 3. where that is not all, takes sums and differences of the first and the last half of the elements, scaled likewise.
///
/// Every instruction set gives the same bits: additions are in one order, the steps of 1 before those of 2, and so on.
package struct RotationKernels: Sendable {
    package let apply: RotateKernel
    package let applyInverse: RotateKernel

    package init(apply: @escaping RotateKernel, applyInverse: @escaping RotateKernel) {
        self.apply = apply
        self.applyInverse = applyInverse
    }
}
