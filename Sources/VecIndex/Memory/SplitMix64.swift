// SPDX-License-Identifier: Apache-2.0

/// Numbers that look random and are the same for the same seed: SplitMix64 (Steele, Lea, Flood: Fast Splittable
/// Pseudorandom Number Generators, 2014).
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= SplitMix64.step
        return SplitMix64.mixed(state)
    }

    /// Above 0 and below 1.
    mutating func uniform() -> Double { SplitMix64.uniform(next()) }

    /// 0 ..< limit, for a limit of at least 1 (Lemire, Fast Random Integer Generation in an Interval, 2019, without the
    /// rejection of the last few of 2^64 values).
    mutating func below(_ limit: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(max(limit, 1))).high) }

    /// The n-th number of a sequence, from 0 on, without those before it.
    static func number(_ n: UInt64, seed: UInt64) -> UInt64 { mixed(seed &+ (n &+ 1) &* step) }

    /// Above 0 and below 1.
    static func uniform(_ number: UInt64) -> Double { (Double(number >> 11) + 0.5) * 0x1p-53 }

    private static let step: UInt64 = 0x9e37_79b9_7f4a_7c15

    private static func mixed(_ state: UInt64) -> UInt64 {
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
