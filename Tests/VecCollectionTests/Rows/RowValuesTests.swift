// The values of rows against a dictionary.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VecCollection

struct RowValuesTests {
    @Test(arguments: rowCounts) func valuesAreThoseThatWereSetLast(rowCount: Int) throws {
        let values = try RowValues<UInt32>()
        var model = RowModel<UInt32>(rowCount: rowCount)
        try model.change(
            seed: UInt64(rowCount), steps: rowCount * 3, value: { UInt32(truncatingIfNeeded: $0.next()) },
            set: { row, new in try new.withUnsafeBufferPointer { try values.set(row, $0) } }, remove: { values.remove($0) }
        ) { model, _ throws in
            for row in 0..<UInt32(rowCount + 5) where Array(values[row]) != model.values[row] ?? [] {
                Issue.record("row \(row) is wrong")
            }
        }
    }

    @Test func valuesThatAreGoneTakeNoMemory() throws {
        let values = try RowValues<UInt32>()
        for value in 0..<UInt32(200_000) {
            try withUnsafePointer(to: value) { try values.set(value % 10, UnsafeBufferPointer(start: $0, count: 1)) }
        }
        #expect(values.bytes < 100_000)
        #expect(Array(values[9]) == [199_999])
    }
}
