// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Checked queries in the type that kernels take, with their norms. Immutable after `init`.
package final class QueryBlock: @unchecked Sendable {
    // Safety: written by init only.

    package let count: Int
    package let dimension: Int
    /// Bytes from query to query.
    package let stride: Int
    package let base: UnsafeRawPointer
    /// Σ q² of each query: for L2, inner product and cosine.
    package let squaredNorms: UnsafePointer<Float>?
    /// The queries as they came, where they and the rows are bfloat16; nil else.
    package let bfloat16: UnsafeRawPointer?
    /// Holds converted or aligned queries; nil where `base` is the caller's memory.
    private let converted: Buffer?
    private let norms: Buffer?

    /// - Parameters:
    ///   - queries: `count` vectors of `type`, any alignment.
    ///   - rowType: The element type of the rows to compare with.
    package init(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, dimension: Int, metric: Metric,
        rowType: ElementType, table: KernelTable
    ) throws(VecStoreError) {
        try checkType(type, for: rowType)
        self.count = count
        self.dimension = dimension
        stride = rowType.queryType.rowSize(dimension)
        bfloat16 = type == .bfloat16 && rowType == .bfloat16 ? queries : nil
        if rowType.isFloat && type != .float32 {
            let buffer = try allocate(Float.self, count * dimension, for: "the converted queries")
            convertToFloat32(queries, type, buffer.base, count * dimension, table)
            converted = buffer
            base = UnsafeRawPointer(buffer.base)
        } else if type == .float32 && Int(bitPattern: queries) & 3 != 0 {
            // BLAS reads whole floats.
            let buffer = try allocate(Float.self, count * dimension, for: "the aligned queries")
            buffer.base.copyMemory(from: queries, byteCount: count * stride)
            converted = buffer
            base = UnsafeRawPointer(buffer.base)
        } else {
            converted = nil
            base = queries
        }
        let what = VectorCheck(metric: metric, noun: "query")
        if let squares = try what.check(base, type: rowType.queryType, count: count, dimension: dimension, table: table) {
            norms = squares
            squaredNorms = UnsafePointer(squares.pointer(Float.self))
        } else {
            norms = nil
            squaredNorms = nil
        }
    }

    @inline(__always)
    package func query(_ i: Int) -> UnsafeRawPointer { base + i * stride }
}
