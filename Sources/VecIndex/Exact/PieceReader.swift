// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Looks at a piece of a block before it is compared: checks rows that nobody has checked, and finds their norms. The piece
/// comes into the cache here, where the comparison finds it.
struct PieceReader {
    private let context: ScanContext
    private let scratch: Buffer

    /// - Parameter rows: Most rows of a piece.
    init(_ context: ScanContext, rows: Int) throws(VecStoreError) {
        self.context = context
        scratch = try allocate(Float.self, rows, for: "the norms of \(rows) rows")
    }

    /// Refuses unchecked rows that no distance is defined for.
    func check(_ block: RowBlock, _ from: Int, _ count: Int) throws(VecStoreError) {
        if block.check != nil { _ = try squaredNorms(block, from, count) }
    }

    /// Σ x² of each row of the piece, kept or computed; nil for bits. Valid until the next call.
    func squaredNorms(
        _ block: RowBlock, _ from: Int, _ count: Int
    ) throws(VecStoreError) -> UnsafePointer<Float>? {
        if let kept = block.squaredNorms { return kept + from }
        let rows = block.rows + from * block.stride
        guard let kernel = context.table.squaredNorms(context.type) else {
            try block.check?.check(
                rows, type: context.type, count: count, dimension: context.dimension, table: context.table,
                firstNumber: from)
            return nil
        }
        let squares = scratch.pointer(Float.self)
        if let check = block.check {
            try check.check(
                rows, type: context.type, count: count, dimension: context.dimension, kernel: kernel,
                table: context.table, squares: squares, firstNumber: from)
        } else {
            kernel(rows, block.stride, count, context.dimension, squares)
        }
        return UnsafePointer(squares)
    }
}
