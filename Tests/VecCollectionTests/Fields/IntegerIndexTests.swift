// The index of whole numbers against a dictionary of rows.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import VecCollection

struct IntegerIndexTests {
    /// Small ones, which come often, and the largest that there are.
    private static func number(_ random: inout Random) -> Int64 {
        switch random.below(8) {
        case 0: [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max, 1 << 53, 1 << 53 + 1][random.below(9)]
        case 1: Int64(bitPattern: random.next())
        default: Int64(random.below(300)) - 100
        }
    }

    private static func range(_ random: inout Random) -> Bounds<Int64> {
        func bound(_ random: inout Random) -> Int64? { random.below(3) == 0 ? number(&random) : nil }
        return Bounds(gt: bound(&random), gte: bound(&random), lt: bound(&random), lte: bound(&random))
    }

    @Test(arguments: rowCounts, [false, true]) func findsWhatADictionaryFinds(rowCount: Int, hasSingles: Bool) throws {
        let index = try IntegerIndex()
        var model = RowModel<Int64>(rowCount: rowCount)
        var step = 0
        try model.change(
            seed: UInt64(rowCount), steps: rowCount * 2, mostValues: hasSingles ? 1 : 7, value: IntegerIndexTests.number,
            set: { try index.set(row: $0, values: $1) }, remove: { index.remove(row: $0) }
        ) { model, random throws in
            // Every second time all entries are sorted ones.
            step += 1
            if step % 2 == 0 { try index.sorted.settle() }
            for _ in 0..<6 {
                let values = (0..<random.below(12)).map { _ in IntegerIndexTests.number(&random) }
                #expect(try RowSet.rows(rowCount) { index.addRows(withAny: values, to: $0) } == model.rows(values.contains))
                #expect(
                    try RowSet.rows(rowCount) { index.addRows(withOtherThan: values, to: $0) }
                        == model.rows { !values.contains($0) })
                let range = IntegerIndexTests.range(&random)
                let expected = model.rows(range.contains)
                #expect(try RowSet.rows(rowCount) { index.addRows(in: range, to: $0) } == expected, "\(range)")
                // A set of fewer rows gets those that it can hold.
                #expect(
                    try RowSet.rows(rowCount / 2) { index.addRows(in: range, to: $0) }
                        == expected.filter { $0 < rowCount / 2 })
            }
        }
    }

    @Test(arguments: rowCounts, [false, true]) func rowsComeInTheOrderOfValues(rowCount: Int, isDescending: Bool) throws {
        let index = try IntegerIndex()
        var model = RowModel<Int64>(rowCount: rowCount)
        try model.change(
            seed: UInt64(rowCount) + 2, steps: rowCount * 2, value: IntegerIndexTests.number,
            set: { try index.set(row: $0, values: $1) }, remove: { index.remove(row: $0) }
        ) { model, random throws in
            var pairs = model.values.flatMap { row, values in Set(values).map { Pair(value: $0, row: row) } }.sorted()
            if isDescending { pairs.reverse() }
            for start in [nil, IntegerIndexTests.number(&random)] {
                let expected = pairs.filter { pair in start.map { isDescending ? pair.value <= $0 : pair.value >= $0 } ?? true }
                var found: [Pair] = []
                try index.forEachOrdered(from: start, isDescending: isDescending) { row, value in
                    found.append(Pair(value: value, row: row))
                    return true
                }
                #expect(found == expected)
            }
            var first: Pair?
            try index.forEachOrdered(isDescending: isDescending) { row, value in
                first = Pair(value: value, row: row)
                return false
            }
            #expect(first == pairs.first)
        }
    }

    private struct Pair: Comparable {
        var value: Int64
        var row: UInt32
        static func < (a: Pair, b: Pair) -> Bool { (a.value, a.row) < (b.value, b.row) }
    }

    /// -1, 0 or 1 where a number is below, equal to or above a bound; nil where the bound is no number.
    private static func order(_ number: Int64, _ bound: Double) -> Int? {
        if bound.isNaN { return nil }
        if bound.isInfinite { return bound > 0 ? -1 : 1 }
        let whole = bound.rounded(.down)
        if Int128(number) != Int128(whole) { return Int128(number) < Int128(whole) ? -1 : 1 }
        return whole == bound ? 0 : -1
    }

    @Test func boundsWithFractionsAreComparedExactly() throws {
        let numbers: [Int64] = [.min, .min + 1, -(1 << 53) - 1, -3, -1, 0, 1, 2, 1 << 53, 1 << 53 + 1, .max - 1, .max]
        let index = try IntegerIndex()
        for (row, number) in numbers.enumerated() { try index.set(row: UInt32(row), value: number) }
        let bounds: [Double] = [
            -.infinity, -0x1p64, -0x1p63, -0x1p53, -3, -2.5, -0.0, 0.5, 1, 0x1p53, 0x1p53 + 2, 0x1p63, 0x1p64, .infinity, .nan,
        ]
        for bound in bounds {
            let cases: [(Bounds<Double>, (Int) -> Bool)] = [
                (Bounds(gt: bound), { $0 > 0 }), (Bounds(gte: bound), { $0 >= 0 }),
                (Bounds(lt: bound), { $0 < 0 }), (Bounds(lte: bound), { $0 <= 0 }),
            ]
            for (range, matches) in cases {
                let expected = numbers.indices.filter { row in
                    IntegerIndexTests.order(numbers[row], bound).map(matches) ?? false
                }.map { UInt32($0) }
                #expect(try RowSet.rows(numbers.count) { index.addRows(in: range, to: $0) } == expected, "\(range)")
                #expect(index.countEstimate(range) >= expected.count)
            }
        }
        let both = Bounds(gt: 0.5, gte: 1.0, lt: 2.5, lte: 2.0)
        #expect(try RowSet.rows(numbers.count) { index.addRows(in: both, to: $0) } == [6, 7])
    }

    @Test func anEstimateOfSettledRowsIsExact() throws {
        let index = try IntegerIndex()
        for row in 0..<UInt32(1000) { try index.set(row: row, value: Int64(row / 10)) }
        try index.sorted.settle()
        #expect(index.countEstimate(Bounds<Int64>(gte: 10, lt: 20)) == 100)
        #expect(index.countEstimate(equalTo: 5) == 10)
        #expect(index.countEstimate(equalTo: 100) == 0)
        #expect(index.countEstimate(Bounds<Int64>(gt: 20, lt: 10)) == 0)
    }

    @Test func valuesThatAreGoneTakeNoMemory() throws {
        let index = try IntegerIndex()
        for row in 0..<UInt32(300_000) {
            try index.set(row: row, value: Int64(row % 7))
            if row >= 100 { index.remove(row: row - 100) }
        }
        try index.sorted.settle()
        #expect(index.sorted.keys.count == 100)
        #expect(index.bytes < 500_000)
    }
}
