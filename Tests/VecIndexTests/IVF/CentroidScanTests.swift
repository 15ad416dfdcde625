// The lists nearest to a query, against a comparison with each centroid.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes
import VecKernels

@testable import VecIndex

@Suite("Lists found by comparing all centroids")
struct CentroidScanTests {
    private static let data = DataSet.clusters.make(rows: 3000, queries: 30, dimension: 70, type: .float32, seed: 31)

    // Of 600 lists more may be nearer than the first ones than are merged at a time.
    @Test(
        "lists come in the order of their scores, as nearly as codes can tell",
        arguments: Setting.products.filter { $0.type == .float32 }, [67, 600])
    func order(setting: Setting, nlist: Int) throws {
        let index = try IVFIndex(CentroidScanTests.data.rows, metric: setting.metric, nlist: nlist, table: setting.table)
        let model = try #require(index.current.model)
        let near = try CentroidScan(model, setting.table)
        let queries = CentroidScanTests.data.queries.floats
        for from in stride(from: 0, to: 30, by: 10) {
            for i in 0..<10 {
                for d in 0..<70 { near.query(i)[d] = queries[(from + i) * 70 + d] }
            }
            try BLAS.onOneThread { () throws(VecStoreError) in near.multiply(10) }
            for i in 0..<10 {
                func score(_ l: Int) -> Double {
                    var product = 0.0, square = 0.0
                    for d in 0..<70 {
                        let c = Double(model.centroids.row(l)[d]), q = Double(queries[(from + i) * 70 + d])
                        product += q * c
                        square += c * c
                    }
                    return setting.metric == .l2Squared ? square - 2 * product : -product * Double(model.reaches[l])
                }
                let wanted = (0..<nlist).map(score)
                let order = wanted.sorted()
                for count in [1, 5, 32, 67, 100, 700] {
                    let lists = near.nearest(i, count)
                    try #require(lists.count == min(count, nlist))
                    let found = (0..<lists.count).map { lists[$0] }
                    try #require(Set(found).count == found.count)
                    let slack = 0.05 * (order[nlist - 1] - order[0]) + 1e-5
                    for (rank, l) in found.enumerated() { try #require(wanted[l] <= order[rank] + slack) }
                }
            }
        }
    }

    @Test("a query of zeros is nearest to the shortest centroids, however long all of them are")
    func zeros() throws {
        let rows = Vectors(CentroidScanTests.data.rows.floats.map { $0 * 1e9 }, dimension: 70, type: .float32)
        let index = try IVFIndex(rows, metric: .l2Squared, nlist: 40)
        let model = try #require(index.current.model)
        let near = try CentroidScan(model, .current)
        for d in 0..<70 { near.query(0)[d] = 0 }
        try BLAS.onOneThread { () throws(VecStoreError) in near.multiply(1) }
        let lists = near.nearest(0, 40)
        #expect((0..<40).map { lists[$0] } == (0..<40).sorted { model.squares[$0] < model.squares[$1] })
    }
}
