// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// Search over a block of vectors that nobody indexed.
package enum BlockKNN {
    /// The k nearest base vectors of each query; the id of a base vector is its position.
    package static func nearest(
        _ queries: UnsafeRawPointer, _ queryCount: Int, _ base: UnsafeRawPointer, _ count: Int, dimension: Int,
        metric: Metric, type: ElementType, k: Int, filter: RowFilter, threads: Int, _ output: SearchOutput,
        table: KernelTable = .current
    ) throws(VecStoreError) {
        let context = try ScanContext(table: table, metric: metric, type: type, dimension: dimension)
        let block = try QueryBlock(
            queries, type: type, count: queryCount, dimension: dimension, metric: metric, rowType: type, table: table)
        var rows = RowBlock(rows: base, stride: context.rowSize, count: count)
        rows.check = VectorCheck(metric: metric, noun: "base vector")
        if case .none = filter.kind, !filter.isNegated, queryCount > 0 {
            // Checked as the search comes by.
        } else {
            // Rows that nobody asks for, or that are not wanted, are not looked at later.
            try checkAll(rows, context, threads: threads)
            rows.check = nil
        }
        let filtered = try FilteredBlocks([rows], filter)
        try filtered.withBlocks { blocks throws(VecStoreError) in
            try ExactSearch.nearest(context, block, blocks, k: k, threads: threads, output)
        }
    }

    private static func checkAll(
        _ rows: RowBlock, _ context: ScanContext, threads: Int
    ) throws(VecStoreError) {
        try forEachPiece(rows, context, threads: threads) { (_, _) in }
    }

    /// Checks rows piece by piece, and calls `body` with each piece that is good: its first row, and how many.
    private static func forEachPiece(
        _ rows: RowBlock, _ context: ScanContext, threads: Int, _ body: (Int, Int) -> Void
    ) throws(VecStoreError) {
        // Pieces of rows that stay in the cache.
        let piece = max(16, min(1024, (128 << 10) / max(context.rowSize, 1)))
        let errors = ErrorBox()
        ThreadPool.shared.run(tasks: (rows.count + piece - 1) / piece, threads: threads) { p in
            let from = p * piece
            let n = min(piece, rows.count - from)
            errors.run { () throws(VecStoreError) in
                try PieceReader(context, rows: n).check(rows, from, n)
                body(from, n)
            }
        }
        try errors.rethrow()
    }

    /// All distances between queries and base vectors, row-major.
    package static func distances(
        _ queries: UnsafeRawPointer, _ queryCount: Int, _ base: UnsafeRawPointer, _ count: Int, dimension: Int,
        metric: Metric, type: ElementType, threads: Int, _ out: UnsafeMutablePointer<Float>,
        table: KernelTable = .current
    ) throws(VecStoreError) {
        let context = try ScanContext(table: table, metric: metric, type: type, dimension: dimension)
        let block = try QueryBlock(
            queries, type: type, count: queryCount, dimension: dimension, metric: metric, rowType: type, table: table)
        var rows = RowBlock(rows: base, stride: context.rowSize, count: count)
        rows.check = VectorCheck(metric: metric, noun: "base vector")
        try forEachPiece(rows, context, threads: threads) { from, n in
            for i in 0..<queryCount {
                context.distances(block, i, rows, from: from, count: n, out + i * count + from)
            }
        }
    }
}
