// Sets of rows against sets of numbers.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct RowSetTests {
    static let spans = [0, 1, 2, 63, 64, 65, 127, 128, 129, 1000, 4096]

    private static func random(_ span: Int, _ random: inout Random) throws -> (RowSet, Set<Int>) {
        let set = try RowSet(span: span)
        var model: Set<Int> = []
        let density = random.below(4)
        for row in 0..<span where random.below(1 + density * 3) == 0 {
            set.insert(UInt32(row))
            model.insert(row)
        }
        return (set, model)
    }

    private static func numbers(_ set: RowSet) -> Set<Int> { Set(set.array.map { Int($0) }) }

    @Test(arguments: spans) func rowsComeAndGo(span: Int) throws {
        var random = Random(seed: UInt64(span))
        let set = try RowSet(span: span)
        var model: Set<Int> = []
        for _ in 0..<500 where span > 0 {
            let row = random.below(span)
            if random.below(2) == 0 {
                set.insert(UInt32(row))
                model.insert(row)
            } else {
                set.remove(UInt32(row))
                model.remove(row)
            }
            #expect(set.contains(UInt32(row)) == model.contains(row))
        }
        #expect(RowSetTests.numbers(set) == model)
        #expect(set.count == model.count)
        #expect(set.isEmpty == model.isEmpty)
    }

    @Test(arguments: spans) func rowsFromSpanOnAreInNoSet(span: Int) throws {
        let set = try RowSet(span: span)
        for row in [span, span + 1, span + 63, span + 64, Int(UInt32.max)] {
            set.insert(UInt32(row))
            set.remove(UInt32(row))
            #expect(!set.contains(UInt32(row)))
        }
        #expect(set.isEmpty)
        set.formComplement()
        #expect(set.array == (0..<span).map { UInt32($0) })
        set.clear()
        set.fill()
        #expect(set.array == (0..<span).map { UInt32($0) })
        #expect(try RowSet(span: span, isFull: true).count == span)
    }

    @Test(arguments: spans) func aRangeIsInserted(span: Int) throws {
        var random = Random(seed: UInt64(span))
        for _ in 0..<50 {
            let (set, model) = try RowSetTests.random(span, &random)
            let start = random.below(span + 2) - 1
            let range = start..<(start + random.below(span + 100))
            set.insert(range)
            #expect(RowSetTests.numbers(set) == model.union(range).intersection(0..<span))
        }
    }

    @Test(arguments: spans, spans) func setsAreCombined(span: Int, otherSpan: Int) throws {
        var random = Random(seed: UInt64(span * 10_000 + otherSpan))
        for _ in 0..<5 {
            let (a, first) = try RowSetTests.random(span, &random)
            let (b, second) = try RowSetTests.random(otherSpan, &random)
            #expect(a.count(in: b) == first.intersection(second).count)
            let union = try a.copy()
            union.formUnion(b)
            #expect(RowSetTests.numbers(union) == first.union(second).intersection(0..<span))
            let both = try a.copy()
            both.formIntersection(b)
            #expect(RowSetTests.numbers(both) == first.intersection(second))
            let less = try a.copy()
            less.subtract(b)
            #expect(RowSetTests.numbers(less) == first.subtracting(second))
            let others = try a.copy()
            others.formComplement()
            #expect(RowSetTests.numbers(others) == Set(0..<span).subtracting(first))
            #expect(RowSetTests.numbers(a) == first)
        }
    }

    @Test(arguments: spans) func theNextRowIsFound(span: Int) throws {
        var random = Random(seed: UInt64(span))
        let (set, model) = try RowSetTests.random(span, &random)
        let sorted = model.sorted()
        for row in -1...(span + 64) {
            #expect(set.first(from: row).map { Int($0) } == sorted.first { $0 >= row })
        }
    }

    @Test func aWalkStopsWhereItIsToldTo() throws {
        let set = try RowSet(span: 300, isFull: true)
        var seen = 0
        set.forEach { row in
            seen += 1
            return row < 99
        }
        #expect(seen == 100)
    }

    @Test func aSetGrowsWithoutNewRows() throws {
        let set = try RowSet(span: 0)
        var model: Set<Int> = []
        for span in [1, 5, 64, 65, 66, 700, 100_000] {
            set.grow(to: span, expecting: model)
            set.insert(UInt32(span - 1))
            model.insert(span - 1)
        }
        try set.grow(to: 3)
        #expect(set.span == 100_000)
    }

    @Test func itsBytesAreThoseOfAFilter() throws {
        var random = Random(seed: 1)
        let (set, model) = try RowSetTests.random(1000, &random)
        set.withBytes { bytes, count in
            #expect(count == 1000)
            for row in 0..<1000 { #expect((bytes[row / 8] & 1 << UInt8(row % 8) != 0) == model.contains(row)) }
        }
    }

    @Test func tooManyRowsAreRefused() {
        for span in [-1, RowSet.mostRows + 1, Int.max] {
            #expect(throws: VecStoreError.self) { _ = try RowSet(span: span) }
        }
    }
}

extension RowSet {
    fileprivate func grow(to span: Int, expecting model: Set<Int>) {
        #expect(throws: Never.self) { try grow(to: span) }
        #expect(self.span == span)
        #expect(Set(array.map { Int($0) }) == model)
    }
}
