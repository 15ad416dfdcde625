// One index of any type.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VecCollection

struct FieldIndexTests {
    @Test(arguments: FieldIndexType.allCases) func anIndexIsOfItsType(type: FieldIndexType) throws {
        let index = try FieldIndex.make(type)
        #expect(index?.type == (type == .text ? nil : type))
    }

    @Test func removedRowsAreGone() throws {
        guard case .integer(let numbers)? = try FieldIndex.make(.integer) else {
            Issue.record("no index of integers was made")
            return
        }
        try numbers.set(row: 3, value: 7)
        let index = FieldIndex.integer(numbers)
        try index.settle()
        #expect(try RowSet.rows(4) { numbers.addRows(equalTo: 7, to: $0) } == [3])
        index.remove(row: 3)
        #expect(try RowSet.rows(4) { numbers.addRows(equalTo: 7, to: $0) } == [])
    }
}
