// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension KeywordIndex {
    /// Calls `body` with rows in the order of their values, which are compared byte by byte: of several values of a row the one
    /// counts that comes first in that order.
    /// - Parameters:
    ///   - start: The first value; nil: from the least or the largest on. Rows whose value comes before it are passed over.
    ///   - body: Whether to go on.
    func forEachOrdered(
        from start: OrderKey?, isDescending: Bool, _ body: (UInt32, OrderKey) throws(VecStoreError) -> Bool
    ) throws(VecStoreError) {
        let order = try order.numbers(keys)
        var place = isDescending ? order.count - 1 : 0
        if case .bytes(let first) = start {
            first.withUnsafeBufferPointer { first in
                let before = firstPlace(order) { !isBefore(keys[Int($0)], first) }
                if !isDescending {
                    place = before
                } else {
                    // The last place with this key, or one before it.
                    place = firstPlace(order) { isBefore(first, keys[Int($0)]) } - 1
                }
            }
        }
        while place >= 0 && place < order.count {
            let number = order.base[place]
            place += isDescending ? -1 : 1
            if postings.base[Int(number)].count == 0 { continue }
            var rows: [UInt32] = []
            postings.base[Int(number)].forEach { row in
                if isFirst(number, row, isDescending: isDescending) { rows.append(row) }
            }
            let key = OrderKey.bytes(Array(keys[Int(number)]))
            for row in rows { guard try body(row, key) else { return } }
        }
    }

    /// Whether none of the keys of a row comes before this one.
    private func isFirst(_ number: UInt32, _ row: UInt32, isDescending: Bool) -> Bool {
        let values = keysOfRows[row]
        if values.count == 1 { return true }
        let key = keys[Int(number)]
        return !values.contains { isDescending ? isBefore(key, keys[Int($0)]) : isBefore(keys[Int($0)], key) }
    }

    /// The first place in the order whose key fulfils what all later ones do too.
    private func firstPlace(_ order: Column<UInt32>, _ holds: (UInt32) -> Bool) -> Int {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if holds(order.base[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
