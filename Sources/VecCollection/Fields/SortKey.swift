// SPDX-License-Identifier: Apache-2.0

/// Numbers as unsigned ones of the same order: one sorted structure, without generics, serves all of them.
enum SortKey {
    @inline(__always)
    static func key(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) ^ (1 << 63) }

    @inline(__always)
    static func int64(_ key: UInt64) -> Int64 { Int64(bitPattern: key ^ (1 << 63)) }

    /// - Parameter value: Not a NaN. Both zeros are one number.
    @inline(__always)
    static func key(_ value: Double) -> UInt64 {
        let bits = (value + 0).bitPattern
        return bits >> 63 == 0 ? bits | (1 << 63) : ~bits
    }

    @inline(__always)
    static func double(_ key: UInt64) -> Double { Double(bitPattern: key >> 63 == 0 ? ~key : key & ~(1 << 63)) }
}
