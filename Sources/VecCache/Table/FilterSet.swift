// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The numbers that a filter lets through at one moment.
enum FilterSet {
    case bits(FilterBits)
    /// Few of many: in order.
    case numbers([UInt64])

    func contains(_ number: UInt32) -> Bool {
        switch self {
        case .bits(let bits): return bits.contains(number)
        case .numbers(let numbers):
            var low = 0, high = numbers.count
            while low < high {
                let middle = (low + high) / 2
                if numbers[middle] < number { low = middle + 1 } else { high = middle }
            }
            return low < numbers.count && numbers[low] == number
        }
    }

    /// Calls `body` with the filter that lets these numbers through.
    func withRowFilter<R>(_ body: (RowFilter) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        switch self {
        case .bits(let bits): return try bits.withRowFilter(body)
        case .numbers(let numbers):
            return try numbers.withUnsafeBufferPointer { numbers throws(VecStoreError) in
                guard let base = numbers.baseAddress else { return try body(RowFilter(.none, isNegated: true)) }
                return try body(RowFilter(.ids(base, count: numbers.count)))
            }
        }
    }
}
