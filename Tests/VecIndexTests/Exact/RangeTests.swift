// Range search: every row within a radius.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Range search")
struct RangeTests {
    @Test("it finds every row within the radius, nearest first, then by id", arguments: Setting.all)
    func all(setting: Setting) throws {
        for data in [DataSet.clusters, .duplicates] {
            // Enough work for several tasks.
            let (rows, queries) = data.make(rows: 2100, queries: 12, dimension: 168, type: setting.type, seed: 221)
            let index = try FlatIndex(rows, metric: setting.metric, table: setting.table)
            let sorted = (0..<queries.count).map {
                Reference.all($0, of: queries, rows, ids: index.ids(), setting.metric, setting.table)
            }
            // The radius is a distance that occurs: that row, and those that tie with it, are within.
            for rank in [0, 9, 300, 2099] {
                let radius = sorted[0][rank].distance
                let expected = sorted.map { $0.filter { $0.distance <= radius } }
                #expect(expected[0].count > rank)
                for (batch, threads) in [(1, 1), (12, 1), (12, 3)] {
                    let got = try index.searchRange(queries.picked(0..<batch), radius: radius, threads: threads)
                    #expect(
                        Results.difference(got, Array(expected.prefix(batch))) == nil,
                        "\(data), radius \(radius), \(batch) queries, \(threads) threads")
                }
            }
        }
    }

    @Test("an infinite radius finds every row, one below all distances none", arguments: Setting.all)
    func extremes(setting: Setting) throws {
        let (rows, queries) = DataSet.scattered.make(
            rows: 300, queries: 9, dimension: 33, type: setting.type, seed: 222)
        let index = try FlatIndex(rows, metric: setting.metric, table: setting.table)
        #expect(try index.searchRange(queries, radius: .infinity).allSatisfy { $0.count == 300 })
        #expect(try index.searchRange(queries, radius: -.infinity).allSatisfy { $0.isEmpty })
        if setting.metric != .innerProduct {
            #expect(try index.searchRange(queries, radius: -Float.leastNonzeroMagnitude).allSatisfy { $0.isEmpty })
        }
    }

    @Test("filters and removed rows count", arguments: Setting.floatPairs)
    func filtered(setting: Setting) throws {
        let (rows, queries) = DataSet.clusters.make(
            rows: 1000, queries: 10, dimension: 32, type: setting.type, seed: 223)
        let index = try FlatIndex(rows, metric: setting.metric, table: setting.table)
        try index.remove((0..<100).map { UInt64($0 * 10) })
        let wanted = (0..<1000).map { $0 % 10 != 0 && $0 % 3 == 0 }
        let sorted = (0..<10).map {
            Reference.all(
                $0, of: queries, rows, ids: (0..<1000).map { UInt64($0) }, wanted: wanted, setting.metric, setting.table)
        }
        let radius = sorted[0][20].distance
        let got = try index.searchRange(queries, radius: radius, filter: RowFilter(.callback { $0 % 3 == 0 }))
        #expect(Results.difference(got, sorted.map { $0.filter { $0.distance <= radius } }) == nil)
    }

    @Test("results of parts come together in order")
    func parts() throws {
        var random = Random(seed: 224)
        let queries = 3, parts = 4
        var sinks = [RangeSink](repeating: RangeSink(limit: 100), count: queries * parts)
        var wanted = [[Hit]](repeating: [], count: queries)
        for q in 0..<queries {
            for part in 0..<parts {
                for _ in 0..<random.below(60) {
                    let hit = Hit(id: UInt64(random.below(100_000)), distance: Float(random.below(10)))
                    sinks[part * queries + q].take(hit.distance, hit.id)
                    wanted[q].append(hit)
                }
            }
            wanted[q].sort { $0.distance < $1.distance || ($0.distance == $1.distance && $0.id < $1.id) }
        }
        let result = try RangeResult(&sinks, queries: queries, parts: parts)
        for s in sinks.indices { sinks[s].release() }
        #expect(result.hits == wanted)
    }

    @Test("results without a query, and queries without a result, have offsets all the same")
    func offsets() throws {
        var none: [RangeSink] = []
        let empty = try RangeResult(&none, queries: 0, parts: 1)
        #expect(empty.queryCount == 0)
        #expect(empty.offsets[0] == 0)
        var sinks = [RangeSink](repeating: RangeSink(limit: 1), count: 2)
        let result = try RangeResult(&sinks, queries: 2, parts: 1)
        #expect((0...2).map { result.offsets[$0] } == [0, 0, 0])
    }
}
