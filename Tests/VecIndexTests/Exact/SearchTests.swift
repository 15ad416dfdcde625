// Search as callers know it, over an index or a bare block of vectors: whatever the batch, the threads, the codes and the
// rows removed, it finds what sorting all distances gives, bit for bit.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes
import VecKernels

@testable import VecIndex

@Suite("Search")
struct SearchTests {
    @Test("every batch size gives the same results, with and without codes", arguments: Setting.products)
    func batches(setting: Setting) throws {
        try compareBatches([1, 2, 7, 8, 48, 64, 130], setting)
    }

    @Test("a batch of 1000 gives the same results, with and without codes", arguments: Setting.floatPairs)
    func largeBatch(setting: Setting) throws {
        try compareBatches([1000], setting)
    }

    private func compareBatches(_ batches: [Int], _ setting: Setting) throws {
        // From 1024 rows on a bare block gets codes for a large batch.
        let (rows, queries) = DataSet.clusters.make(
            rows: 1100, queries: batches.max() ?? 0, dimension: 33, type: setting.type, seed: 201)
        let ids = (0..<rows.count).map { UInt64($0) }
        let expected = (0..<queries.count).map {
            Reference.nearest($0, of: queries, rows, ids: ids, k: 10, setting.metric, setting.table)
        }
        for batch in batches {
            let some = queries.picked(0..<batch)
            let wanted = Array(expected.prefix(batch))
            for codes in [true, false] {
                let index = try FlatIndex(rows, metric: setting.metric, exactCodes: codes, table: setting.table)
                #expect(
                    Results.difference(try index.search(some, k: 10), wanted) == nil, "\(batch) queries, codes: \(codes)")
            }
            let got = try BlockKNN.nearest(some, rows, metric: setting.metric, k: 10, table: setting.table)
            #expect(Results.difference(got, wanted) == nil, "\(batch) queries, a bare block")
        }
    }

    @Test("every number of threads gives the same results", arguments: Setting.all)
    func threads(setting: Setting) throws {
        // Few queries are cut by rows, many by queries.
        try compareThreads([9, 70], k: [1, 10], setting)
    }

    @Test("every k gives the same results, more than there are rows too", arguments: Setting.floatPairs)
    func everyK(setting: Setting) throws {
        try compareThreads([9], k: [1, 10, 100, 5000], setting)
    }

    private func compareThreads(_ batches: [Int], k: [Int], _ setting: Setting) throws {
        // Enough work for several tasks.
        let (rows, queries) = DataSet.clusters.make(
            rows: 4000, queries: batches.max() ?? 0, dimension: 120, type: setting.type, seed: 202)
        let index = try FlatIndex(rows, metric: setting.metric, table: setting.table)
        let all = (0..<queries.count).map {
            Reference.all($0, of: queries, rows, ids: index.ids(), setting.metric, setting.table)
        }
        for batch in batches {
            let some = queries.picked(0..<batch)
            for k in k {
                let wanted = all.prefix(batch).map { Array($0.prefix(k)) }
                for threads in [1, 2, 5] {
                    let what = "\(batch) queries, k \(k), \(threads) threads"
                    #expect(Results.difference(try index.search(some, k: k, threads: threads), wanted) == nil, "\(what)")
                    let got = try BlockKNN.nearest(
                        some, rows, metric: setting.metric, k: k, threads: threads, table: setting.table)
                    #expect(Results.difference(got, wanted) == nil, "\(what), a bare block")
                }
            }
        }
    }

    @Test("one query over many rows gives the same results on every number of threads", arguments: Setting.floatPairs)
    func oneQuery(setting: Setting) throws {
        let (rows, queries) = DataSet.clusters.make(
            rows: 20_000, queries: 1, dimension: 220, type: setting.type, seed: 217)
        let index = try FlatIndex(rows, metric: setting.metric, table: setting.table)
        let wanted = Reference.nearest(0, of: queries, rows, ids: index.ids(), k: 10, setting.metric, setting.table)
        for threads in [1, 2, 5] {
            #expect(Results.difference(try index.search(queries, k: 10, threads: threads), [wanted]) == nil)
        }
    }

    @Test("rows removed are never results, over segments of every size", arguments: Setting.all)
    func removedRows(setting: Setting) throws {
        let (rows, queries) = DataSet.clusters.make(
            rows: 1500, queries: 12, dimension: 34, type: setting.type, seed: 203)
        let index = try FlatIndex(
            IndexOptions(dimension: 34, metric: setting.metric, type: setting.type), table: setting.table)
        for from in stride(from: 0, to: 1500, by: 60) { try index.add(rows.picked(from..<(from + 60))) }
        var random = Random(seed: 204)
        var there = [Bool](repeating: true, count: 1500)
        for share in [0.1, 0.5, 0.85] {
            let gone = (0..<1500).filter { _ in Double(random.unit() + 1) / 2 < share }
            try index.remove(gone.map { UInt64($0) })
            for row in gone { there[row] = false }
            for batch in [1, 12] {
                let expected = (0..<batch).map {
                    Reference.nearest(
                        $0, of: queries, rows, ids: (0..<1500).map { UInt64($0) }, wanted: there, k: 10, setting.metric,
                        setting.table)
                }
                let got = try index.search(queries.picked(0..<batch), k: 10)
                #expect(Results.difference(got, expected) == nil, "\(share) removed, \(batch) queries")
            }
        }
    }

    @Test("ties resolve by the smallest id, in whatever order the rows lie", arguments: Setting.floatPairs)
    func ties(setting: Setting) throws {
        let one = DataSet.scattered.make(rows: 1, queries: 0, dimension: 32, type: setting.type, seed: 205).rows
        var random = Random(seed: 206)
        let ids = (0..<500).map { UInt64($0 * 7) }.shuffled(using: &random)
        let index = try FlatIndex(
            one.picked([Int](repeating: 0, count: 500)), metric: setting.metric, table: setting.table, ids: ids)
        for batch in [1, 20] {
            let got = try index.search(one.picked([Int](repeating: 0, count: batch)), k: 5, threads: 2)
            #expect(got.allSatisfy { $0.map(\.id) == [0, 7, 14, 21, 28] })
        }
    }

    @Test("a vector is at distance 0 to itself, and no distance is negative, under l2sq, l1 and cosine", arguments: Setting.all)
    func selfDistance(setting: Setting) throws {
        guard setting.metric != .innerProduct else { return }
        for data in DataSet.suitable(for: setting.metric, setting.type) where data != .constant {
            let rows = data.make(rows: 200, queries: 0, dimension: 50, type: setting.type, seed: 207).rows
            let index = try FlatIndex(rows, metric: setting.metric, table: setting.table)
            for batch in [1, 200] {
                let hits = try index.search(rows.picked(0..<batch), k: 200)
                for query in hits.indices {
                    #expect(hits[query].allSatisfy { $0.distance >= 0 })
                    let own = hits[query].first { $0.id == UInt64(query) }
                    #expect(own?.distance == 0, "\(data), row \(query)")
                }
            }
        }
    }

    @Test("in double precision no nearer row is left out, and every distance is right", arguments: Setting.products)
    func truth(setting: Setting) throws {
        for data in DataSet.suitable(for: setting.metric, setting.type) {
            for dimension in [3, 70] {
                let (rows, queries) = data.make(
                    rows: 300, queries: 12, dimension: dimension, type: setting.type, seed: 208)
                let index = try FlatIndex(rows, metric: setting.metric, table: setting.table)
                let hits = try index.search(queries, k: 10)
                for query in 0..<queries.count {
                    let faults = Reference.faults(hits[query], query, of: queries, rows, k: 10, setting.metric)
                    #expect(faults == [], "\(data), dim \(dimension), query \(query)")
                }
            }
        }
    }

    @Test("in double precision every other metric and type is right too", arguments: Setting.all)
    func otherTruth(setting: Setting) throws {
        for dimension in [1, 7, 8, 9, 100] {
            let (rows, queries) = DataSet.scattered.make(
                rows: 300, queries: 5, dimension: dimension, type: setting.type, seed: 209)
            // A vector of few small integers may be zero.
            if setting.metric == .cosine && dimension < 7 && !setting.type.isFloat { continue }
            let index = try FlatIndex(rows, metric: setting.metric, table: setting.table)
            let hits = try index.search(queries, k: 10)
            for query in 0..<queries.count {
                let faults = Reference.faults(hits[query], query, of: queries, rows, k: 10, setting.metric)
                #expect(faults == [], "dim \(dimension), query \(query)")
            }
        }
    }

    @Test("queries of any float type go with rows of any float type")
    func mixedTypes() throws {
        let types: [ElementType] = [.float32, .float16, .bfloat16]
        for rowType in types {
            for queryType in types {
                let rows = DataSet.clusters.make(rows: 500, queries: 0, dimension: 32, type: rowType, seed: 210).rows
                let queries = DataSet.clusters.make(rows: 20, queries: 0, dimension: 32, type: queryType, seed: 211).rows
                let index = try FlatIndex(rows, metric: .innerProduct, table: .current)
                let expected = (0..<20).map {
                    Reference.nearest($0, of: queries, rows, ids: index.ids(), k: 10, .innerProduct, .current)
                }
                #expect(Results.difference(try index.search(queries, k: 10), expected) == nil, "\(queryType), \(rowType)")
            }
        }
    }

    @Test("vectors need no alignment", arguments: Setting.all)
    func unaligned(setting: Setting) throws {
        let (rows, queries) = DataSet.clusters.make(
            rows: 1200, queries: 60, dimension: 33, type: setting.type, seed: 212)
        let ids = (0..<rows.count).map { UInt64($0) }
        for batch in [1, 9, 60] {
            let expected = (0..<batch).map {
                Reference.nearest($0, of: queries, rows, ids: ids, k: 10, setting.metric, setting.table)
            }
            for offset in 1...3 {
                let q = [UInt8](repeating: 0, count: offset) + queries.bytes
                let x = [UInt8](repeating: 0, count: offset) + rows.bytes
                let got = try q.withUnsafeBytes { q in
                    try x.withUnsafeBytes { x in
                        let q = try #require(q.baseAddress), x = try #require(x.baseAddress)
                        return try Results.collect(queries: batch, k: 10) { (output) throws(VecStoreError) in
                            try BlockKNN.nearest(
                                q + offset, batch, x + offset, rows.count, dimension: 33, metric: setting.metric,
                                type: setting.type, k: 10, filter: RowFilter(.none), threads: 1, output,
                                table: setting.table)
                        }
                    }
                }
                #expect(Results.difference(got, expected) == nil, "\(batch) queries, \(offset) bytes off")
            }
        }
    }

    @Test("without rows, or without queries, there are no results")
    func empty() throws {
        let (rows, queries) = DataSet.scattered.make(rows: 3, queries: 2, dimension: 5, type: .float32, seed: 213)
        let none = rows.picked([])
        let index = try FlatIndex(IndexOptions(dimension: 5))
        #expect(try index.search(queries, k: 3) == [[], []])
        #expect(try index.search(none, k: 3) == [])
        #expect(try index.searchRange(queries, radius: .infinity) == [[], []])
        #expect(try index.searchRange(none, radius: .infinity) == [])
        #expect(try BlockKNN.nearest(queries, none, metric: .l2Squared, k: 3, table: .current) == [[], []])
        #expect(try BlockKNN.nearest(none, rows, metric: .l2Squared, k: 3, table: .current) == [])
    }

    @Test("all distances of two blocks are those of two vectors", arguments: Setting.all)
    func distances(setting: Setting) throws {
        for (n, threads) in [(1, 1), (5, 2), (2500, 3)] {
            let (rows, queries) = DataSet.scattered.make(
                rows: n, queries: 4, dimension: 37, type: setting.type, seed: 214)
            var out = [Float](repeating: -1, count: 4 * n)
            try BlockKNN.distances(
                queries.bytes, 4, rows.bytes, n, dimension: 37, metric: setting.metric, type: setting.type,
                threads: threads, &out, table: setting.table)
            for query in 0..<4 {
                let ids = (0..<n).map { UInt64($0) }
                let hits = Reference.all(query, of: queries, rows, ids: ids, setting.metric, setting.table)
                #expect(hits.allSatisfy { $0.distance == out[query * n + Int($0.id)] }, "\(n) rows, query \(query)")
            }
        }
    }

    /// Codes of vectors that differ by a millionth are the same.
    @Test("where codes rule out too little a scan gives them up, and still finds the same", arguments: [2, 20])
    func wastedCodes(batch: Int) throws {
        let n = 50_000, dimension = 32
        let centre = DataSet.scattered.make(rows: 1, queries: 0, dimension: dimension, type: .float32, seed: 215).rows
        var random = Random(seed: 216)
        let floats = (0..<(n * dimension)).map { centre.floats[$0 % dimension] + random.unit() * 1e-6 }
        let rows = Vectors(floats, dimension: dimension, type: .float32)
        let queries = rows.picked(0..<batch)
        let index = try FlatIndex(rows, metric: .l2Squared, exactCodes: true, table: .current)
        let context = try index.context()
        let block = try QueryBlock(
            queries.bytes, type: .float32, count: batch, dimension: dimension, metric: .l2Squared, rowType: .float32,
            table: .current)
        var work = CodeScan.Work()
        let stop = try Results.firstStop(CodeScan(context, block, 0..<batch), index, queries: batch, &work)
        #expect(work.isWasted)
        #expect(stop < n)
        let expected = (0..<batch).map {
            Reference.nearest($0, of: queries, rows, ids: index.ids(), k: 10, .l2Squared, .current)
        }
        for threads in [1, 2] {
            let got = try index.search(queries, k: 10, threads: threads)
            #expect(Results.difference(got, expected) == nil, "\(threads) threads")
        }
        withExtendedLifetime(queries) {}
    }
}

extension Results {
    /// Where one scan of codes over the first part of an index stops, for 10 results.
    static func firstStop(
        _ scan: CodeScan, _ index: FlatIndex, queries: Int, _ work: inout CodeScan.Work
    ) throws -> Int {
        var ids = [UInt64](repeating: 0, count: queries * 10)
        var distances = [Float](repeating: 0, count: queries * 10)
        let state = index.current
        let block = state.blocks(index.shape)[0]
        defer { withExtendedLifetime(state) {} }
        return try ids.withUnsafeMutableBufferPointer { ids in
            try distances.withUnsafeMutableBufferPointer { distances in
                guard let i = ids.baseAddress, let d = distances.baseAddress else { return 0 }
                var sinks = (0..<queries).map { TopK(distances: d + 10 * $0, ids: i + 10 * $0, k: 10) }
                return try scan.scan(block, 0..<block.count, &sinks, &work)
            }
        }
    }
}
