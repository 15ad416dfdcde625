// Runs one way to scan over a whole index, whatever the search itself would choose.
// SPDX-License-Identifier: Apache-2.0

import VecIndexReference
import VecKernelTypes

@testable import VecIndex

enum Scan: CaseIterable {
    case direct
    case codes
    case products
    /// Over bare rows, without codes and norms: both are made on the way.
    case encoding

    /// The k nearest rows of each query in an index that keeps codes.
    func nearest(
        _ queries: Vectors, in index: FlatIndex, k: Int, filter: RowFilter = RowFilter(.none)
    ) throws -> [[Hit]] {
        let context = try index.context()
        let state = index.current
        let block = try QueryBlock(
            queries.bytes, type: queries.type, count: queries.count, dimension: queries.dimension,
            metric: context.metric, rowType: context.type, table: context.table)
        let filtered = try FilteredBlocks(state.blocks(index.shape), filter)
        defer { withExtendedLifetime((state, block, queries.bytes)) {} }
        return try Results.collect(queries: queries.count, k: k) { (output) throws(VecStoreError) in
            let sinks = UnsafeMutablePointer<TopK>.allocate(capacity: queries.count)
            defer { sinks.deallocate() }
            for q in 0..<queries.count {
                sinks[q] = TopK(distances: output.distances + q * k, ids: output.ids + q * k, k: k)
            }
            try filtered.withBlocks { (blocks) throws(VecStoreError) in
                for rows in blocks { try scan(context, block, rows, sinks) }
            }
            for q in 0..<queries.count {
                output.counts?[q] = UInt64(sinks[q].count)
                sinks[q].finish()
            }
        }
    }

    private func scan(
        _ context: ScanContext, _ queries: QueryBlock, _ rows: RowBlock, _ sinks: UnsafeMutablePointer<TopK>
    ) throws(VecStoreError) {
        let group = 0..<queries.count
        switch self {
        case .direct:
            try DirectScan(context).scan(queries, group, rows, 0..<rows.count, sinks)
        case .products:
            let scan = try ProductScan(context)
            try BLAS.onOneThread { () throws(VecStoreError) in
                try scan.scan(queries, group, rows, 0..<rows.count, sinks)
            }
        case .codes:
            try scanAll(CodeScan(context, queries, group), rows, sinks)
        case .encoding:
            var bare = rows
            bare.codes = nil
            bare.squaredNorms = nil
            bare.inverseNorms = nil
            try scanAll(CodeScan(context, queries, group, encodesRows: true), bare, sinks)
        }
    }

    /// A scan gives up where codes rule out too little: a new account of its work makes it go on.
    private func scanAll(
        _ scan: CodeScan, _ rows: RowBlock, _ sinks: UnsafeMutablePointer<TopK>
    ) throws(VecStoreError) {
        var from = 0
        while from < rows.count {
            var work = CodeScan.Work()
            from = try scan.scan(rows, from..<rows.count, sinks, &work)
        }
    }
}
