// Random numbers that are the same in every run.
// SPDX-License-Identifier: Apache-2.0

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
package struct Random: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// From −1 to 1.
    package mutating func unit() -> Float { Float(Int64(bitPattern: next()) >> 40) * 0x1p-23 }

    /// 0 ..< limit.
    package mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    /// Elements from −1 to 1.
    package mutating func vector(_ dimension: Int) -> [Float] { (0..<dimension).map { _ in unit() } }
}
