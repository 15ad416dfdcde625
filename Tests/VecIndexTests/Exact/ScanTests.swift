// The ways to scan find the same rows, at the same distances bit for bit, as sorting all distances does.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Scans")
struct ScanTests {
    /// Few queries and many: from eight on, codes are compared in tiles and matrix products are used.
    private static let batches = [3, 13]

    @Test("all agree on data made to be hard", arguments: Setting.products)
    func hardData(setting: Setting) throws {
        for data in DataSet.suitable(for: setting.metric, setting.type) {
            for dimension in [2, 32, 67] {
                try compare(setting, data, rows: 300, dimension: dimension, k: 10)
            }
        }
    }

    @Test("all agree in every dimension", arguments: Setting.products)
    func dimensions(setting: Setting) throws {
        for dimension in [1, 3, 31, 33, 384, 1000, 4099] {
            try compare(setting, .scattered, rows: 100, dimension: dimension, k: 10)
            try compare(setting, .clusters, rows: 100, dimension: dimension, k: 10)
        }
    }

    @Test("all agree for every k", arguments: Setting.floatPairs)
    func everyK(setting: Setting) throws {
        for k in [1, 2, 100, 299, 300, 301, 1000] {
            for data in [DataSet.clusters, .duplicates, .tiny]
            where DataSet.suitable(for: setting.metric, setting.type).contains(data) {
                try compare(setting, data, rows: 300, dimension: 40, k: k)
            }
        }
    }

    @Test("all agree over several pieces of rows", arguments: Setting.products)
    func pieces(setting: Setting) throws {
        for rows in [1023, 1024, 1025, 2600] { try compare(setting, .clusters, rows: rows, dimension: 8, k: 10) }
    }

    @Test("all leave out rows that a filter does not let through", arguments: Setting.floatPairs)
    func filters(setting: Setting) throws {
        let (rows, queries) = DataSet.clusters.make(
            rows: 2000, queries: 13, dimension: 40, type: setting.type, seed: 41)
        let index = try FlatIndex(rows, metric: setting.metric, exactCodes: true, table: setting.table)
        let ids = index.ids()
        for stride in [1000, 100, 9, 8, 7, 2, 1] {
            let wanted = ids.map { $0 % UInt64(stride) == 0 }
            let filter = RowFilter(.callback { $0 % UInt64(stride) == 0 })
            let expected = (0..<queries.count).map {
                Reference.nearest(
                    $0, of: queries, rows, ids: ids, wanted: wanted, k: 10, setting.metric, setting.table)
            }
            for scan in Scan.allCases {
                let got = try scan.nearest(queries, in: index, k: 10, filter: filter)
                #expect(Results.difference(got, expected) == nil, "\(scan), every \(stride)th row")
            }
        }
    }

    /// The rounding of a product depends on both sides: tiny rows do not make it tiny where a query is huge.
    @Test("all agree where queries are huge and rows tiny, under ip", arguments: [1e-18, 1e-22, 1e-25, 1e-30])
    func hugeQueries(size: Float) throws {
        for setting in Setting.products where setting.metric == .innerProduct && setting.type != .float16 {
            for data in [DataSet.scattered, .nearDuplicates] {
                let made = data.make(rows: 400, queries: 13, dimension: 48, type: .float32, seed: 42)
                let rows = made.rows.scaled(by: size, type: setting.type)
                let queries = made.queries.scaled(by: 1e17, type: setting.type)
                try compare(setting, rows, queries, k: 10, "\(data) times \(size), \(setting.isa.name)")
            }
        }
    }

    private func compare(_ setting: Setting, _ data: DataSet, rows: Int, dimension: Int, k: Int) throws {
        let most = ScanTests.batches.max() ?? 0
        let made = data.make(
            rows: rows, queries: most, dimension: dimension, type: setting.type, seed: UInt64(rows + k))
        try compare(setting, made.rows, made.queries, k: k, "\(data), \(rows) rows of dim \(dimension), k \(k)")
    }

    private func compare(_ setting: Setting, _ rows: Vectors, _ queries: Vectors, k: Int, _ what: String) throws {
        let index = try FlatIndex(rows, metric: setting.metric, exactCodes: true, table: setting.table)
        let ids = index.ids()
        let expected = (0..<queries.count).map {
            Reference.nearest($0, of: queries, rows, ids: ids, k: k, setting.metric, setting.table)
        }
        for batch in ScanTests.batches {
            for scan in Scan.allCases {
                let got = try scan.nearest(queries.picked(0..<batch), in: index, k: k)
                #expect(
                    Results.difference(got, Array(expected.prefix(batch))) == nil, "\(scan), \(batch) queries: \(what)")
            }
        }
    }
}
