// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// What a scan compares by, and the direct form of the distance, which every result is given in.
package struct ScanContext {
    package let table: KernelTable
    package let metric: Metric
    package let type: ElementType
    package let dimension: Int
    package let rowSize: Int
    /// The kernels of the metric itself.
    package let kernels: DistanceKernels
    /// The kernels of the inner product; for cosine with norms that are kept.
    package let products: DistanceKernels

    package init(table: KernelTable, metric: Metric, type: ElementType, dimension: Int) throws(VecStoreError) {
        try checkMetric(metric, type)
        guard let kernels = table.distance(metric, type) else {
            throw VecStoreError(.internalError, "no kernel for \(metric.name) of \(type.name)")
        }
        self.table = table
        self.metric = metric
        self.type = type
        self.dimension = dimension
        rowSize = type.rowSize(dimension)
        self.kernels = kernels
        products = table.distance(.innerProduct, type) ?? kernels
    }

    /// A bound on the relative rounding error of a sum of `dimension` products in any order (Higham, Accuracy and
    /// Stability of Numerical Algorithms, section 3.1), with room for a few operations around it.
    package var rounding: Float { Float(dimension + 16) * 0x1p-24 }

    /// Distances of query i to rows `from` ..< `from` + `count` of a block.
    package func distances(
        _ queries: QueryBlock, _ i: Int, _ block: RowBlock, from: Int, count: Int,
        _ out: UnsafeMutablePointer<Float>
    ) {
        let rows = block.rows + from * block.stride
        if metric == .innerProduct, let special = table.bfloat16Product, let base = queries.bfloat16 {
            special.rows(base + i * rowSize, rows, block.stride, count, dimension, out)
            return
        }
        guard metric == .cosine, let inverse = block.inverseNorms, let squares = queries.squaredNorms else {
            kernels.rows(queries.query(i), rows, block.stride, count, dimension, out)
            return
        }
        products.rows(queries.query(i), rows, block.stride, count, dimension, out)
        let q = 1 / Double(squares[i]).squareRoot()
        for j in 0..<count { out[j] = cosineDistance(negatedProduct: out[j], q * inverse[from + j]) }
    }

    /// Distances of query i to the rows of a block at `positions`.
    package func distances(
        _ queries: QueryBlock, _ i: Int, _ block: RowBlock, positions: UnsafePointer<UInt32>, count: Int,
        _ out: UnsafeMutablePointer<Float>
    ) {
        if metric == .innerProduct, let special = table.bfloat16Product, let base = queries.bfloat16 {
            special.gather(base + i * rowSize, block.rows, block.stride, positions, count, dimension, out)
            return
        }
        guard metric == .cosine, let inverse = block.inverseNorms, let squares = queries.squaredNorms else {
            kernels.gather(queries.query(i), block.rows, block.stride, positions, count, dimension, out)
            return
        }
        products.gather(queries.query(i), block.rows, block.stride, positions, count, dimension, out)
        let q = 1 / Double(squares[i]).squareRoot()
        for j in 0..<count { out[j] = cosineDistance(negatedProduct: out[j], q * inverse[Int(positions[j])]) }
    }
}

/// The same arithmetic as the cosine kernels: a negated product and the product of both inverse norms.
@inline(__always)
func cosineDistance(negatedProduct: Float, _ inverse: Double) -> Float {
    let distance = 1 - Float(Double(0 - negatedProduct) * inverse)
    return distance < 0 ? 0 : (distance > 2 ? 2 : distance)
}
