// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// An orthogonal matrix: it turns vectors, and changes neither their lengths nor their distances.
package final class Rotation: @unchecked Sendable {
    /// The most elements: decompositions take time in proportion to their third power.
    package static let mostDimensions = 4096

    // Safety: written by its maker before anybody else sees it.

    package let dimension: Int
    private let memory: Buffer
    /// dimension × dimension; row i makes element i.
    let matrix: UnsafeMutablePointer<Float>

    /// A matrix of zeros: its maker fills it in.
    init(dimension: Int) throws(VecStoreError) {
        guard let cells = product(dimension, dimension) else {
            throw VecStoreError(.tooLarge, "a rotation of \(dimension) elements is more than there is memory for")
        }
        self.dimension = dimension
        memory = try allocate(Float.self, cells, for: "a rotation of \(dimension) elements")
        matrix = memory.pointer(Float.self)
    }

    /// Turns vectors.
    func apply(
        _ vectors: UnsafePointer<Float>, _ count: Int, _ out: UnsafeMutablePointer<Float>
    ) throws(VecStoreError) {
        try BLAS.onOneThread { () throws(VecStoreError) in
            BLAS.innerProducts(
                queries: vectors, count: count, rows: matrix, rowCount: dimension, dimension: dimension, products: out,
                stride: dimension)
        }
    }

    /// Turns vectors back.
    func applyInverse(
        _ vectors: UnsafePointer<Float>, _ count: Int, _ out: UnsafeMutablePointer<Float>
    ) throws(VecStoreError) {
        try BLAS.onOneThread { () throws(VecStoreError) in
            BLAS.multiply(vectors, matrix, rows: count, inner: dimension, columns: dimension, out)
        }
    }
}
