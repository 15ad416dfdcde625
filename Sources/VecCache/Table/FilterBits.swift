// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Which numbers match a filter, as it was at one moment: it changes no more.
final class FilterBits: @unchecked Sendable {
    // Safety: written only while one thread has it.

    private var bits: [UInt8]
    /// What searches find out about these bits.
    private var cache = SlotCache()

    init(_ bits: [UInt8] = []) { self.bits = bits }

    func copy() -> FilterBits { FilterBits(bits) }

    /// For whoever has it alone.
    func set(_ changes: [(number: UInt32, matches: Bool)]) {
        cache = SlotCache()
        for (number, matches) in changes {
            let byte = Int(number >> 3), bit: UInt8 = 1 << UInt8(number & 7)
            if byte >= bits.count {
                if !matches { continue }
                bits += [UInt8](repeating: 0, count: max(byte + 1 - bits.count, bits.count / 2))
            }
            if matches { bits[byte] |= bit } else { bits[byte] &= ~bit }
        }
    }

    func contains(_ number: UInt32) -> Bool {
        let byte = Int(number >> 3)
        return byte < bits.count && bits[byte] & (1 << UInt8(number & 7)) != 0
    }

    /// Calls `body` with the filter that lets these numbers through.
    func withRowFilter<R>(_ body: (RowFilter) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        try bits.withUnsafeBufferPointer { bits throws(VecStoreError) in
            guard let base = bits.baseAddress else { return try body(RowFilter(.none, isNegated: true)) }
            return try body(RowFilter(.bitmap(base, count: UInt64(bits.count) * 8), cache: cache))
        }
    }
}
