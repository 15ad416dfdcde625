// The generator of all random test data: the same numbers on every machine and in every run.
// SPDX-License-Identifier: Apache-2.0

/// SplitMix64 (Steele, Lea, Flood 2014). Every check states its own seed.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// One of 0, 1, … bound − 1.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// From −1 to 1 in steps of 2^-23: exact as a float32.
    mutating func unit() -> Double { Double(Int64(next() >> 40) - (1 << 23)) * 0x1p-23 }

    mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }
}
