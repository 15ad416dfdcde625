// Searches of a bare block check its vectors as they come by: none that is bad gets through.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes
import VecKernels

@testable import VecIndex

@Suite("Bad vectors in a bare block")
struct BlockTests {
    private static let rows = 3000
    private static let dimension = 33

    /// The first vector, the last, and some at the ends of the pieces that scans take.
    private static let positions = [0, 255, 256, 1023, 1024, 2047, 2999]

    /// One bad vector among good ones.
    private static func block(_ position: Int, _ element: Float) -> Vectors {
        var floats = DataSet.scattered.make(
            rows: rows, queries: 0, dimension: dimension, type: .float32, seed: 231).rows.floats
        floats[position * dimension + 7] = element
        return Vectors(floats, dimension: dimension, type: .float32)
    }

    /// Few queries are compared one by one, more through products or codes.
    @Test("a search finds it, whichever way the search is done", arguments: KernelTable.available, positions)
    func nearest(isa: InstructionSet, position: Int) {
        let table = KernelTable.table(for: isa)
        let block = BlockTests.block(position, .nan)
        let queries = DataSet.scattered.make(
            rows: 70, queries: 0, dimension: BlockTests.dimension, type: .float32, seed: 232).rows
        for batch in [0, 1, 20, 70] {
            for metric in [Metric.l2Squared, .cosine] {
                let message = expectError(.notFinite) {
                    _ = try BlockKNN.nearest(
                        queries.picked(0..<batch), block, metric: metric, k: 3, threads: 2, table: table)
                }
                #expect(message.contains("base vector \(position) "), "\(batch) queries, \(metric): \(message)")
            }
        }
    }

    @Test("a search finds it even among vectors that a filter leaves out", arguments: positions)
    func filtered(position: Int) {
        let block = BlockTests.block(position, .infinity)
        let queries = block.picked([(position + 1) % BlockTests.rows])
        let filters = [
            RowFilter(.callback { $0 == 5 }), RowFilter(.callback { _ in false }), RowFilter(.none, isNegated: true),
        ]
        for filter in filters {
            expectError(.notFinite) {
                _ = try BlockKNN.nearest(queries, block, metric: .l2Squared, k: 3, filter: filter, table: .current)
            }
        }
    }

    @Test("all distances of two blocks are refused for it", arguments: positions)
    func distances(position: Int) {
        let block = BlockTests.block(position, -.infinity)
        var out = [Float](repeating: 0, count: BlockTests.rows)
        let query = block.row((position + 1) % BlockTests.rows)
        let message = expectError(.notFinite) {
            try BlockKNN.distances(
                query, 1, block.bytes, BlockTests.rows, dimension: BlockTests.dimension, metric: .innerProduct,
                type: .float32, threads: 2, &out)
        }
        #expect(message.contains("base vector \(position) "))
    }

    @Test("a zero vector is bad under cosine, a huge one under every metric of products, set unused bits under hamming")
    func otherReasons() {
        let good = DataSet.scattered.make(
            rows: 1, queries: 0, dimension: BlockTests.dimension, type: .float32, seed: 233).rows
        let zero = good.scaled(by: 0, type: .float32), huge = good.scaled(by: 1e30, type: .float32)
        let cases: [(Metric, Vectors, VecStoreError.Code)] = [
            (.cosine, zero, .zeroVector), (.cosine, huge, .tooLarge), (.l2Squared, huge, .tooLarge),
            (.innerProduct, huge, .tooLarge),
        ]
        for (metric, block, code) in cases {
            expectError(code) { _ = try BlockKNN.nearest(good, block, metric: metric, k: 1, table: .current) }
        }
        let bits = Vectors(bytes: [0xff, 0x1f], dimension: 13, type: .bits)
        let unused = Vectors(bytes: [0xff, 0x3f], dimension: 13, type: .bits)
        #expect(throws: Never.self) { try BlockKNN.nearest(bits, bits, metric: .hamming, k: 1, table: .current) }
        expectError(.invalidArgument) { _ = try BlockKNN.nearest(bits, unused, metric: .hamming, k: 1, table: .current) }
    }
}
