// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// Functions of vectors alone.
package enum VectorFunctions {
    /// The distance of two vectors.
    package static func distance(
        _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, dimension: Int, metric: Metric, type: ElementType,
        table: KernelTable = .current
    ) throws(VecStoreError) -> Float {
        try checkMetric(metric, type)
        guard let kernels = table.distance(metric, type) else {
            throw VecStoreError(.internalError, "no kernel for \(metric.name) of \(type.name)")
        }
        for (vector, name) in [(a, "a: vector"), (b, "b: vector")] {
            let check = VectorCheck(metric: metric, noun: name)
            if let kernel = table.squaredNorms(type) {
                var square: Float = 0
                try check.check(
                    vector, type: type, count: 1, dimension: dimension, kernel: kernel, table: table, squares: &square)
            } else {
                try check.check(vector, type: type, count: 1, dimension: dimension, table: table)
            }
        }
        guard type.isFloat && type != .float32 else { return kernels.pair(a, b, dimension) }
        if type == .bfloat16, metric == .innerProduct, let special = table.bfloat16Product {
            return special.pair(a, b, dimension)
        }
        let query = try allocate(Float.self, dimension, for: "a converted vector")
        convertToFloat32(a, type, query.base, dimension, table)
        return kernels.pair(query.base, b, dimension)
    }

    /// ‖x‖ of each vector.
    package static func norms(
        _ vectors: UnsafeRawPointer, count: Int, dimension: Int, type: ElementType, _ out: UnsafeMutablePointer<Float>,
        table: KernelTable = .current
    ) throws(VecStoreError) {
        guard let kernel = table.squaredNorms(type) else {
            throw VecStoreError(.unsupported, "bits have no norm")
        }
        try VectorCheck(metric: .l2Squared, noun: "vector").check(
            vectors, type: type, count: count, dimension: dimension, kernel: kernel, table: table, squares: out)
        for i in 0..<count { out[i] = out[i].squareRoot() }
    }

    /// Scales each vector to norm 1, in place; changes nothing where one cannot be scaled.
    package static func normalize(
        _ vectors: UnsafeMutableRawPointer, count: Int, dimension: Int, type: ElementType,
        table: KernelTable = .current
    ) throws(VecStoreError) {
        guard type.isFloat else {
            throw VecStoreError(
                .unsupported, "vectors of \(type.name) cannot have norm 1: allowed are float32, float16, bfloat16")
        }
        guard
            let squareMemory = try VectorCheck(metric: .cosine, noun: "vector").check(
                vectors, type: type, count: count, dimension: dimension, table: table)
        else { return }
        let row = try allocate(Float.self, dimension, for: "a vector")
        let floats = row.pointer(Float.self)
        let size = type.rowSize(dimension)
        for i in 0..<count {
            let vector = vectors + i * size
            let inverse = 1 / Double(squareMemory.pointer(Float.self)[i]).squareRoot()
            convertToFloat32(vector, type, row.base, dimension, table)
            for d in 0..<dimension { floats[d] = Float(Double(floats[d]) * inverse) }
            // None of these can fail half-way: elements of a vector of norm 1 fit every float type.
            switch type {
            case .float16: table.narrowFloat16(row.base, vector, dimension)
            case .bfloat16: table.narrowBFloat16(row.base, vector, dimension)
            default: vector.copyMemory(from: row.base, byteCount: size)
            }
        }
    }
}
