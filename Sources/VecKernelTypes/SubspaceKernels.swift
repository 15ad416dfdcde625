// SPDX-License-Identifier: Apache-2.0

/// Finds the nearest of the centroids of one subspace for each of some short vectors.
///
/// `least` = ‖c‖²/2 − x·c, which is smallest for the nearest; of centroids that are equal the first counts.
/// - Parameters: vectors, their stride (in floats), count, dimension, panel (of the negated centroids), halves (‖c‖²/2 of
///   each; infinity for those that fill up), blocks, codes (count), least (count).
package typealias SubspaceNearestKernel = @convention(c) (
    UnsafePointer<Float>, Int, Int, Int, UnsafePointer<Float>, UnsafePointer<Float>, Int, UnsafeMutablePointer<UInt16>,
    UnsafeMutablePointer<Float>
) -> Void

/// What one short vector says to all centroids of one subspace: Σ (x − c)², or −Σ x·c.
/// - Parameters: vector, dimension, panel (of the negated centroids), blocks, values (one for each centroid of the panel).
package typealias SubspaceTableKernel = @convention(c) (
    UnsafePointer<Float>, Int, UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>
) -> Void

/// Sums of one value from each table, chosen by the codes of a row: out[i] = Σ_j tables[j · tableSize + codes[i][j]].
/// - Parameters: tables, tableSize, codes (a byte each), stride, count, number of tables, sums (count).
package typealias TableSumKernel = @convention(c) (
    UnsafePointer<Float>, Int, UnsafePointer<UInt8>, Int, Int, Int, UnsafeMutablePointer<Float>
) -> Void

/// Kernels over the centroids of one subspace of a product quantizer, which lie in a panel: for each block of `lanes`
/// centroids, element by element, the elements of all of them, negated. The last block is filled up with zeros.
package struct SubspaceKernels: Sendable {
    package let lanes: Int
    package let nearest: SubspaceNearestKernel
    package let squaredDistances: SubspaceTableKernel
    package let negatedProducts: SubspaceTableKernel
    package let sums: TableSumKernel

    package init(
        lanes: Int, nearest: @escaping SubspaceNearestKernel, squaredDistances: @escaping SubspaceTableKernel,
        negatedProducts: @escaping SubspaceTableKernel, sums: @escaping TableSumKernel
    ) {
        self.lanes = lanes
        self.nearest = nearest
        self.squaredDistances = squaredDistances
        self.negatedProducts = negatedProducts
        self.sums = sums
    }
}
