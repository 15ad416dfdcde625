// The index of true and false against a dictionary of rows.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VecCollection

struct BoolIndexTests {
    @Test(arguments: rowCounts) func findsWhatADictionaryFinds(rowCount: Int) throws {
        let index = BoolIndex()
        var model = RowModel<Bool>(rowCount: rowCount)
        try model.change(
            seed: UInt64(rowCount), steps: rowCount * 2, value: { $0.below(4) == 0 },
            set: { try index.set(row: $0, values: $1) }, remove: { index.remove(row: $0) }
        ) { model, random throws in
            let some = try RowSet(span: rowCount)
            for row in 0..<rowCount where random.below(2) == 0 { some.insert(UInt32(row)) }
            for value in [false, true] {
                let expected = model.rows { $0 == value }
                #expect(try RowSet.rows(rowCount) { index.addRows(equalTo: value, to: $0) } == expected)
                #expect(index.count(equalTo: value, among: nil) == expected.count)
                #expect(index.count(equalTo: value, among: some) == expected.filter { some.contains($0) }.count)
            }
        }
    }
}
