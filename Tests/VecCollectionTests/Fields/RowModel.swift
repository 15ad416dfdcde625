// Rows and their values as a dictionary: the slow, obvious version of every index of a field.
// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import VecCollection

/// Numbers of rows that are tried: around the words of a bitmap, and enough for sorted parts to be merged.
let rowCounts = [0, 1, 63, 64, 65, 700, 20_000]

struct RowModel<Value: Equatable> {
    var values: [UInt32: [Value]] = [:]
    let rowCount: Int

    /// The rows with a value that is wanted, in order.
    func rows(_ isWanted: (Value) -> Bool) -> [UInt32] {
        values.filter { $0.value.contains(where: isWanted) }.keys.sorted()
    }

    /// Changes random rows, with more new ones than others, and tells an index of each change. Calls `check` now and then and at
    /// the end.
    mutating func change(
        seed: UInt64, steps: Int, checks: Int = 6, mostValues: Int = 7,
        value: (inout Random) throws -> Value,
        set: (UInt32, [Value]) throws -> Void, remove: (UInt32) -> Void, check: (RowModel, inout Random) throws -> Void
    ) rethrows {
        var random = Random(seed: seed)
        var next: UInt32 = 0
        try check(self, &random)
        guard rowCount > 0 else { return }
        for step in 1...steps {
            let isNew = next < rowCount && random.below(3) > 0
            let row = isNew ? next : UInt32(random.below(rowCount))
            if isNew { next += 1 }
            if !isNew, random.below(2) == 0 {
                remove(row)
                values[row] = nil
            } else {
                let count = min([0, 1, 1, 1, 1, 2, 3, 7][random.below(8)], mostValues)
                let new = try (0..<count).map { _ in try value(&random) }
                try set(row, new)
                values[row] = new
            }
            if step % max(steps / checks, 1) == 0 { try check(self, &random) }
        }
        try check(self, &random)
    }
}

extension RowSet {
    var array: [UInt32] {
        var rows: [UInt32] = []
        forEach { row in
            rows.append(row)
            return true
        }
        return rows
    }

    /// The rows that `add` adds to an empty set.
    static func rows(_ span: Int, _ add: (RowSet) throws -> Void) throws -> [UInt32] {
        let set = try RowSet(span: span)
        try add(set)
        return set.array
    }
}
