// The index of numbers with fractions against a dictionary of rows.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct NumberIndexTests {
    private static let special: [Double] = [
        -.infinity, -.greatestFiniteMagnitude, -1, -.leastNonzeroMagnitude, -0.0, 0.0, .leastNonzeroMagnitude, 1,
        .greatestFiniteMagnitude, .infinity,
    ]

    private static func number(_ random: inout Random) -> Double {
        random.below(4) == 0 ? special[random.below(special.count)] : Double(random.below(2000)) / 16 - 50
    }

    private static func range(_ random: inout Random) -> Bounds<Double> {
        func bound(_ random: inout Random) -> Double? { random.below(3) == 0 ? number(&random) : nil }
        return Bounds(gt: bound(&random), gte: bound(&random), lt: bound(&random), lte: bound(&random))
    }

    @Test(arguments: rowCounts) func findsWhatADictionaryFinds(rowCount: Int) throws {
        let index = try NumberIndex()
        var model = RowModel<Double>(rowCount: rowCount)
        try model.change(
            seed: UInt64(rowCount), steps: rowCount * 2, value: NumberIndexTests.number,
            set: { try index.set(row: $0, values: $1) }, remove: { index.remove(row: $0) }
        ) { model, random throws in
            for _ in 0..<20 {
                let range = NumberIndexTests.range(&random)
                #expect(
                    try RowSet.rows(rowCount) { index.addRows(in: range, to: $0) } == model.rows(range.contains), "\(range)")
            }
        }
    }

    @Test func numbersComeBackInTheirOrder() throws {
        let index = try NumberIndex()
        for (row, value) in NumberIndexTests.special.reversed().enumerated() { try index.set(row: UInt32(row), value: value) }
        var found: [Double] = []
        try index.forEachOrdered { _, value in
            found.append(value)
            return true
        }
        #expect(found == NumberIndexTests.special)
        found = []
        try index.forEachOrdered(from: 0.5, isDescending: true) { _, value in
            found.append(value)
            return found.count < 3
        }
        #expect(found == [.leastNonzeroMagnitude, 0, 0])
    }

    @Test func whatIsNoNumberIsRefused() throws {
        let index = try NumberIndex()
        try index.set(row: 0, value: 1)
        #expect(throws: VecStoreError.self) { try index.set(row: 0, value: .nan) }
        #expect(throws: VecStoreError.self) { try index.set(row: 1, values: [1, .nan]) }
        #expect(try RowSet.rows(2) { index.addRows(in: Bounds(), to: $0) } == [])
        #expect(try RowSet.rows(2) { index.addRows(in: Bounds(gte: .nan), to: $0) } == [])
    }
}
