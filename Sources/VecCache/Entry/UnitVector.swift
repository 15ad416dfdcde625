// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes
import VecKernels

/// Vectors of norm 1, which is what a cache compares: made once, so that the same vector is the same bits ever after.
enum UnitVector {
    /// - Throws: `.invalidArgument` for another dim, `.notFinite`, `.zeroVector` or `.tooLarge` for what has no direction.
    static func make(_ vector: [Float], dimension: Int, noun: String) throws(VecStoreError) -> [Float] {
        let inverse = 1 / Double(try squaredNorm(vector, dimension, noun)).squareRoot()
        return vector.map { Float(Double($0) * inverse) }
    }

    /// One that was made before, and was stored: it stays what it is. Made again it might be other bits, and not be found by itself.
    static func restore(_ vector: [Float], dimension: Int) throws(VecStoreError) -> [Float] {
        let square = try squaredNorm(vector, dimension, "vector")
        return abs(square - 1) <= rounding ? vector : try make(vector, dimension: dimension, noun: "vector")
    }

    /// How far the squared norm of a made vector is from 1 at most, with much to spare.
    private static let rounding: Float = 1e-5

    private static func squaredNorm(_ vector: [Float], _ dimension: Int, _ noun: String) throws(VecStoreError) -> Float {
        guard vector.count == dimension else {
            throw VecStoreError(.invalidArgument, "the \(noun) has \(vector.count) elements: the cache has dim \(dimension)")
        }
        let table = KernelTable.current
        var square: Float = 0
        try vector.withUnsafeBufferPointer { raw throws(VecStoreError) in
            guard let base = raw.baseAddress, let kernel = table.squaredNorms(.float32) else {
                throw VecStoreError(.internalError, "there is no kernel for norms")
            }
            try VectorCheck(metric: .cosine, noun: noun).check(
                base, type: .float32, count: 1, dimension: dimension, kernel: kernel, table: table, squares: &square)
        }
        return square
    }

    /// The cosine similarity of two vectors of the same dim: exactly 1 for the same bits.
    static func similarity(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ dimension: Int) -> Float {
        guard let kernels = KernelTable.current.distance(.cosine, .float32) else { return -1 }
        return similarity(distance: kernels.pair(a, b, dimension))
    }

    static func similarity(distance: Float) -> Float { max(-1, min(1, 1 - distance)) }
}
