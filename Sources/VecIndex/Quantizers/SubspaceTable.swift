// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// The centroids of one subspace of a product quantizer, and the panel of them that kernels read.
struct SubspaceTable: @unchecked Sendable {
    // Safety: a view of memory that its owner writes before anybody reads it.

    let dimension: Int
    let k: Int
    let blocks: Int
    /// k × dimension.
    let centroids: UnsafeMutablePointer<Float>
    let panel: UnsafeMutablePointer<Float>
    private let halves: UnsafeMutablePointer<Float>
    private let kernels: SubspaceKernels

    /// Floats that centroids, panel and halves take.
    static func size(dimension: Int, k: Int, _ kernels: SubspaceKernels) -> Int {
        let padded = (k + kernels.lanes - 1) / kernels.lanes * kernels.lanes
        return k * dimension + padded * (dimension + 1)
    }

    /// - Parameter memory: `size` floats.
    init(_ memory: UnsafeMutablePointer<Float>, dimension: Int, k: Int, _ kernels: SubspaceKernels) {
        self.dimension = dimension
        self.k = k
        self.kernels = kernels
        blocks = (k + kernels.lanes - 1) / kernels.lanes
        centroids = memory
        panel = memory + k * dimension
        halves = panel + blocks * kernels.lanes * dimension
    }

    /// Values of one table: k, and what fills up the last block.
    var tableSize: Int { blocks * kernels.lanes }

    /// Makes the panel anew, after centroids have changed.
    func refresh() {
        let lanes = kernels.lanes
        panel.update(repeating: 0, count: blocks * lanes * dimension)
        halves.update(repeating: .infinity, count: blocks * lanes)
        for c in 0..<k {
            var square: Float = 0
            for d in 0..<dimension {
                let x = centroids[c * dimension + d]
                panel[(c / lanes * dimension + d) * lanes + c % lanes] = 0 - x
                square += x * x
            }
            halves[c] = square / 2
        }
    }

    /// The nearest centroid of each vector; `least` is ‖c‖²/2 − x·c.
    func nearest(
        _ vectors: UnsafePointer<Float>, stride: Int, count: Int, _ codes: UnsafeMutablePointer<UInt16>,
        _ least: UnsafeMutablePointer<Float>
    ) {
        kernels.nearest(vectors, stride, count, dimension, panel, halves, blocks, codes, least)
    }

    func squaredDistances(_ vector: UnsafePointer<Float>, _ values: UnsafeMutablePointer<Float>) {
        kernels.squaredDistances(vector, dimension, panel, blocks, values)
    }

    func negatedProducts(_ vector: UnsafePointer<Float>, _ values: UnsafeMutablePointer<Float>) {
        kernels.negatedProducts(vector, dimension, panel, blocks, values)
    }
}
