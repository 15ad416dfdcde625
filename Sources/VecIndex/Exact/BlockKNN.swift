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
        let described = try DescribedRows(
            base, count, context, threads: threads, withCodes: codesPay(context, queries: queryCount, rows: count))
        let filtered = try FilteredBlocks([described.block], filter)
        try filtered.withBlocks { blocks throws(VecStoreError) in
            try ExactSearch.nearest(context, block, blocks, k: k, threads: threads, output)
        }
        withExtendedLifetime(described) {}
    }

    /// Encoding a row costs about as much as comparing it with 40 queries through codes saves.
    private static func codesPay(_ context: ScanContext, queries: Int, rows: Int) -> Bool {
        guard context.table.codes.tileIsFast, context.type.isFloat, rows >= 1024, context.dimension >= 32 else {
            return false
        }
        switch context.metric {
        case .l2Squared, .innerProduct, .cosine: return queries >= 48
        default: return false
        }
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
        let described = try DescribedRows(base, count, context, threads: threads, withCodes: false)
        // Pieces of rows that stay in the cache while all queries pass over them.
        let piece = max(16, min(1024, (128 << 10) / max(context.rowSize, 1)))
        let pieces = (count + piece - 1) / piece
        ThreadPool.shared.run(tasks: pieces, threads: threads) { p in
            let from = p * piece
            let n = min(piece, count - from)
            for i in 0..<queryCount {
                context.distances(block, i, described.block, from: from, count: n, out + i * count + from)
            }
        }
        withExtendedLifetime(described) {}
    }
}

/// A block of the caller's vectors, checked, with the columns that a scan wants.
struct DescribedRows {
    private(set) var block: RowBlock
    private var memory: [Buffer] = []

    init(
        _ base: UnsafeRawPointer, _ count: Int, _ context: ScanContext, threads: Int, withCodes: Bool
    ) throws(VecStoreError) {
        block = RowBlock(rows: base, stride: context.rowSize, count: count)
        let check = VectorCheck(metric: context.metric, noun: "base vector")
        let type = context.type, dimension = context.dimension, table = context.table
        guard let kernel = table.squaredNorms(type) else {
            try check.check(base, type: type, count: count, dimension: dimension, table: table)
            return
        }
        let squareMemory = try allocate(Float.self, count, for: "the norms of \(count) vectors")
        let squares = squareMemory.pointer(Float.self)
        memory.append(squareMemory)
        let inverseMemory = try allocate(Double.self, context.metric == .cosine ? count : 0, for: "inverse norms")
        let inverse = inverseMemory.pointer(Double.self)
        memory.append(inverseMemory)

        var columns: CodeColumns?
        if withCodes {
            let made = try? CodeColumns(rows: count, dimension: dimension)
            columns = made
            if let made { memory.append(made.memory) }
        }
        let piece = 512
        let errors = ErrorBox()
        ThreadPool.shared.run(tasks: (count + piece - 1) / piece, threads: threads) { p in
            let from = p * piece
            let n = min(piece, count - from)
            errors.run { () throws(VecStoreError) in
                try check.check(
                    base + from * context.rowSize, type: type, count: n, dimension: dimension, kernel: kernel,
                    table: table, squares: squares + from, firstNumber: from)
                if context.metric == .cosine {
                    for j in from..<(from + n) { inverse[j] = 1 / Double(squares[j]).squareRoot() }
                }
                try columns?.encode(
                    base + from * context.rowSize, at: from, count: n, context, squares: squares + from)
            }
        }
        try errors.rethrow()
        if context.metric == .cosine {
            block.inverseNorms = UnsafePointer(inverse)
        } else {
            block.squaredNorms = UnsafePointer(squares)
        }
        block.codes = columns?.codes
    }
}
