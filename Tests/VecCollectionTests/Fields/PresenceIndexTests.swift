// The numbers of values, and nulls, against a dictionary of rows.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VecCollection

struct PresenceIndexTests {
    @Test(arguments: rowCounts) func findsWhatADictionaryFinds(rowCount: Int) throws {
        let index = try PresenceIndex()
        // The values are whether they are null.
        var model = RowModel<Bool>(rowCount: rowCount)
        try model.change(
            seed: UInt64(rowCount), steps: rowCount * 2, value: { $0.below(4) == 0 },
            set: { row, values in
                try index.set(row: row, count: values.count { !$0 }, isNull: values.contains(true))
            },
            remove: { index.remove(row: $0) }
        ) { model, random throws in
            #expect(try RowSet.rows(rowCount) { index.addPresentRows(to: $0) } == model.rows { !$0 })
            #expect(try RowSet.rows(rowCount) { index.addNullRows(to: $0) } == model.rows { $0 })
            let ranges: [Bounds<Int64>] = [
                .init(), .init(gte: 1), .init(gt: 1), .init(lt: 1), .init(lte: 2), .init(gt: 0, lt: 3), .init(gte: 8),
                .init(lt: 0), .init(gte: .max), .init(lte: .min), .init(gte: -5, lte: Int64(random.below(4))),
            ]
            for range in ranges {
                let expected = (0..<UInt32(rowCount + 70)).filter { row in
                    range.contains(Int64((model.values[row] ?? []).count { !$0 }))
                }
                #expect(try RowSet.rows(rowCount + 70) { index.addRows(withCount: range, to: $0) } == expected, "\(range)")
                #expect(
                    try RowSet.rows(rowCount / 2) { index.addRows(withCount: range, to: $0) }
                        == expected.filter { $0 < rowCount / 2 }, "\(range)")
            }
            for row in 0..<UInt32(rowCount) where index.count(row: row) != (model.values[row] ?? []).count(where: { !$0 }) {
                Issue.record("row \(row) is wrong")
            }
        }
    }
}
