// The rows of a value against a set of numbers, in each of the forms that it takes.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import VecCollection

struct PostingTests {
    /// Most rows, and one of how many of them is inserted: single rows, lists, bitmaps.
    static let shapes = [(1, 1), (64, 1), (65, 2), (3000, 1), (3000, 20), (3000, 200), (100_000, 31), (100_000, 33)]

    @Test(arguments: shapes) func rowsInOrderAreKept(span: Int, step: Int) throws {
        var posting = Posting()
        var model: Set<UInt32> = []
        for row in stride(from: 0, to: span, by: step) {
            let isNew = try posting.insert(UInt32(row))
            let isNewAgain = try posting.insert(UInt32(row))
            #expect(isNew)
            #expect(!isNewAgain)
            model.insert(UInt32(row))
        }
        try check(posting, model, span)
    }

    @Test(arguments: shapes) func rowsComeAndGoInAnyOrder(span: Int, step: Int) throws {
        var random = Random(seed: UInt64(span * 1000 + step))
        var posting = Posting()
        var model: Set<UInt32> = []
        // Inserts win, then removals: it goes through its forms up and down again.
        for bias in [4, 1, 5, 0] {
            for _ in 0..<(2 * span / step) {
                let row = UInt32(random.below(span) / step * step)
                if random.below(5) < bias {
                    let isNew = try posting.insert(row)
                    #expect(isNew == model.insert(row).inserted)
                } else {
                    let wasThere = posting.remove(row)
                    #expect(wasThere == (model.remove(row) != nil))
                }
            }
            try check(posting, model, span)
        }
        for row in model {
            let wasThere = posting.remove(row)
            #expect(wasThere)
        }
        #expect(posting.count == 0)
        #expect(posting.bytes == 0)
    }

    @Test(arguments: shapes) func rowsThatComeAtOnceAreKept(span: Int, step: Int) throws {
        let rows = try Column<UInt32>("rows")
        for row in stride(from: 0, to: span, by: step) { try rows.append(UInt32(row)) }
        var posting = try Posting(rows.elements)
        var model = Set(rows.elements)
        try check(posting, model, span)
        // It changes as one that grew.
        for row in 0..<UInt32(span) where row % 3 == 0 {
            let isNew = try posting.insert(row)
            #expect(isNew == model.insert(row).inserted)
        }
        try check(posting, model, span)
        for row in model {
            let wasThere = posting.remove(row)
            #expect(wasThere)
        }
        #expect(posting.count == 0)
    }

    @Test func manyRowsTakeABitmap() throws {
        var dense = Posting()
        for row in 0..<UInt32(100_000) { _ = try dense.insert(row * 2) }
        #expect(dense.bytes < 100_000)
        // One far away does not make the bitmap reach there.
        _ = try dense.insert(4_000_000_000)
        #expect(dense.bytes < 1_000_000)
        let isThere = dense.contains(4_000_000_000)
        #expect(isThere)
        #expect(dense.count == 100_001)
    }

    private func check(_ posting: borrowing Posting, _ model: Set<UInt32>, _ span: Int) throws {
        #expect(posting.count == model.count)
        for row in 0..<UInt32(span + 70) where posting.contains(row) != model.contains(row) {
            Issue.record("row \(row) is wrong")
        }
        for targetSpan in [0, 1, span / 2, span, span + 100] {
            let others = try RowSet(span: targetSpan)
            var random = Random(seed: 9)
            for row in 0..<targetSpan where random.below(3) == 0 { others.insert(UInt32(row)) }
            let mine = model.filter { Int($0) < targetSpan }
            let theirs = Set(others.array)
            #expect(posting.count(in: others) == mine.intersection(theirs).count)
            let union = try others.copy()
            posting.add(to: union)
            #expect(union.array == mine.union(theirs).sorted())
            let both = try others.copy()
            posting.intersect(both)
            #expect(both.array == mine.intersection(theirs).sorted())
            let less = try others.copy()
            posting.subtract(from: less)
            #expect(less.array == theirs.subtracting(mine).sorted())
        }
    }
}
