// Filters: which rows may be results.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Filters")
struct FilterTests {
    private let rows: [RowBlockMaker]

    init() throws { rows = try [10, 0, 7, 64].map { try RowBlockMaker(ids: (0..<$0).map { UInt64($0 * 3) }) } }

    @Test("no filter lets every row through and makes no bitmap")
    func none() throws {
        let filtered = try FilteredBlocks(rows.map(\.block), RowFilter(.none))
        #expect(filtered.blocks.allSatisfy { $0.wanted == nil && $0.wantedCount == $0.count })
    }

    @Test("not matching no filter is matching nothing")
    func negatedNone() throws {
        #expect(try wanted(RowFilter(.none, isNegated: true)) == [[], [], [], []])
    }

    @Test("a bitmap of ids: its bits, and nothing beyond its length")
    func bitmap() throws {
        // Bits 3, 9, 12 of 13.
        let bits: [UInt8] = [0b0000_1000, 0b1111_0010]
        try bits.withUnsafeBufferPointer { bits in
            let base = try #require(bits.baseAddress)
            let got = try wanted(RowFilter(.bitmap(base, count: 13)))
            #expect(got == [[3, 9, 12], [], [3, 9, 12], [3, 9, 12]])
        }
    }

    @Test("a bitmap without a bit matches nothing")
    func emptyBitmap() throws {
        let byte: UInt8 = 0xff
        try withUnsafePointer(to: byte) { byte in
            let got = try wanted(RowFilter(.bitmap(byte, count: 0)))
            #expect(got == [[], [], [], []])
        }
    }

    @Test("a list of ids: in any order, repeated, with ids that no row has")
    func ids() throws {
        let ids: [UInt64] = [27, 3, 3, 1, .max, 9000, 189]
        try ids.withUnsafeBufferPointer { ids in
            let base = try #require(ids.baseAddress)
            let got = try wanted(RowFilter(.ids(base, count: ids.count)))
            #expect(got == [[3, 27], [], [3], [3, 27, 189]])
        }
    }

    @Test("a callback is asked once for each row, in the order of storage")
    func callback() throws {
        var asked: [UInt64] = []
        let filter = RowFilter(
            .callback { id in
                asked.append(id)
                return id % 2 == 0
            })
        #expect(try wanted(filter).map(\.count) == [5, 0, 4, 32])
        #expect(asked == rows.flatMap(\.ids))
    }

    @Test("negated, a filter lets just the others through")
    func negated() throws {
        let plain = try wanted(RowFilter(.callback { $0 % 5 == 0 }))
        let negated = try wanted(RowFilter(.callback { $0 % 5 == 0 }, isNegated: true))
        for (b, made) in rows.enumerated() {
            #expect((plain[b] + negated[b]).sorted() == made.ids)
        }
    }

    @Test("rows removed stay out, whatever the filter says, and a callback is not asked for them")
    func removed() throws {
        let made = try RowBlockMaker(ids: Array(0..<20))
        let gone = try RemovedRows(copying: nil, capacity: 20)
        for place in [0, 7, 8, 19] { gone.remove(place) }
        var block = made.block
        block.wanted = gone.live
        block.wantedCount = 16
        var asked: [UInt64] = []
        let filter = RowFilter(
            .callback { id in
                asked.append(id)
                return false
            }, isNegated: true)
        let filtered = try FilteredBlocks([block], filter)
        let live = (0..<20).filter { ![0, 7, 8, 19].contains($0) }
        #expect(FilterTests.wanted(filtered.blocks[0]) == live.map { UInt64($0) })
        #expect(filtered.blocks[0].wantedCount == 16)
        #expect(asked == live.map { UInt64($0) })
        withExtendedLifetime((gone, made, filtered)) {}
    }

    @Test("a fraction of 0.1 % to 100 % gives what sorting those rows gives", arguments: Setting.all)
    func fractions(setting: Setting) throws {
        let (rows, queries) = DataSet.clusters.make(
            rows: 3000, queries: 12, dimension: 120, type: setting.type, seed: 81)
        let index = try FlatIndex(rows, metric: setting.metric, table: setting.table)
        var random = Random(seed: 82)
        for permille in [1, 10, 124, 126, 500, 990, 1000] {
            let wanted = (0..<rows.count).map { _ in random.below(1000) < permille }
            let filter = RowFilter(.callback { wanted[Int($0)] })
            for batch in [1, 12] {
                let some = queries.picked(0..<batch)
                let expected = (0..<batch).map {
                    Reference.nearest(
                        $0, of: queries, rows, ids: index.ids(), wanted: wanted, k: 10, setting.metric, setting.table)
                }
                for threads in [1, 3] {
                    let got = try index.search(some, k: 10, filter: filter, threads: threads)
                    #expect(
                        Results.difference(got, expected) == nil,
                        "\(permille) of 1000, \(batch) queries, \(threads) threads")
                }
            }
        }
    }

    /// The ids of the rows that a filter leaves wanted, block by block.
    private func wanted(_ filter: RowFilter) throws -> [[UInt64]] {
        let filtered = try FilteredBlocks(rows.map(\.block), filter)
        return filtered.blocks.map { block in
            let ids = FilterTests.wanted(block)
            #expect(block.wantedCount == ids.count)
            return ids
        }
    }

    private static func wanted(_ block: RowBlock) -> [UInt64] {
        (0..<block.count).filter { block.isWanted($0) }.map { block.id($0) }
    }
}

/// A block with ids and no vectors.
private final class RowBlockMaker: @unchecked Sendable {
    // Safety: never written to after `init`.
    let ids: [UInt64]
    private let memory: Buffer

    init(ids: [UInt64]) throws {
        self.ids = ids
        memory = try allocate(UInt64.self, ids.count, for: "ids")
        memory.pointer(UInt64.self).update(from: ids, count: ids.count)
    }

    /// Lives no longer than this object.
    var block: RowBlock {
        var block = RowBlock(rows: UnsafeRawPointer(memory.base), stride: 8, count: ids.count)
        block.ids = UnsafePointer(memory.pointer(UInt64.self))
        return block
    }
}
