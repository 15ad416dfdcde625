// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// A random rotation of any number n of elements in O(n · log n): four rounds, each of random signs, a Walsh–Hadamard
/// transform of the largest power of two of the elements, the first ones and the last ones in turns, and where that is not
/// all, of sums and differences of both halves. Each part is orthogonal and undoes itself, but for the order.
///
/// It spreads any vector about evenly over all elements, as a rotation drawn at random does, whose product would take n²
/// multiplications (Ailon, Chazelle: The fast Johnson–Lindenstrauss transform, 2009).
struct FastRotation: Sendable {
    let dimension: Int
    /// 1 or −1 for each element of each round.
    private let signs: [Float]
    private let kernels: RotationKernels

    private static let rounds = 4

    init(dimension: Int, seed: UInt64, table: KernelTable = .current) {
        self.dimension = dimension
        kernels = table.rotation
        var random = SplitMix64(seed: seed)
        signs = (0..<(FastRotation.rounds * dimension)).map { _ in random.next() >> 63 == 0 ? 1 : -1 }
    }

    /// Rotates a vector in place.
    func apply(_ vector: UnsafeMutablePointer<Float>) { run(kernels.apply, vector) }

    /// Rotates a vector back in place.
    func applyInverse(_ vector: UnsafeMutablePointer<Float>) { run(kernels.applyInverse, vector) }

    private func run(_ kernel: RotateKernel, _ vector: UnsafeMutablePointer<Float>) {
        signs.withUnsafeBufferPointer {
            guard let signs = $0.baseAddress else { return }
            kernel(vector, dimension, signs, FastRotation.rounds)
        }
    }
}
