// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// One way to scan, for benchmarks that compare the ways.
package enum ScanStrategy: Sendable {
    case direct
    case products

    /// Runs one scan for the 10 nearest under squared L2 on this thread.
    package static func time(
        _ strategy: ScanStrategy, _ queries: [Float], _ queryCount: Int, _ base: [Float], _ rows: Int, dimension: Int,
        table: KernelTable
    ) {
        var ids = [UInt64](repeating: 0, count: 10 * queryCount)
        var distances = [Float](repeating: 0, count: 10 * queryCount)
        queries.withUnsafeBytes { queries in
            base.withUnsafeBytes { base in
                guard let q = queries.baseAddress, let x = base.baseAddress,
                    let context = try? ScanContext(
                        table: table, metric: .l2Squared, type: .float32, dimension: dimension),
                    let block = try? QueryBlock(
                        q, type: .float32, count: queryCount, dimension: dimension, metric: .l2Squared,
                        rowType: .float32, table: table)
                else { return }
                let rowBlock = RowBlock(rows: x, stride: 4 * dimension, count: rows)
                ids.withUnsafeMutableBufferPointer { ids in
                    distances.withUnsafeMutableBufferPointer { distances in
                        guard let i = ids.baseAddress, let d = distances.baseAddress else { return }
                        var sinks = (0..<queryCount).map { TopK(distances: d + 10 * $0, ids: i + 10 * $0, k: 10) }
                        switch strategy {
                        case .direct:
                            try? DirectScan(context).scan(block, 0..<queryCount, rowBlock, 0..<rows, &sinks)
                        case .products:
                            try? BLAS.onOneThread { () throws(VecStoreError) in
                                try ProductScan(context).scan(block, 0..<queryCount, rowBlock, 0..<rows, &sinks)
                            }
                        }
                    }
                }
            }
        }
    }
}
