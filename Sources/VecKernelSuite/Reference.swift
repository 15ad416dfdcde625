// The slow and obvious meaning of every distance and conversion, straight from its definition.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

enum Reference {
    /// The elements of a vector as double-precision numbers: exact for every type.
    static func elements(_ type: ElementType, _ bytes: [UInt8], _ dimension: Int) -> [Double] {
        func bits16(_ i: Int) -> UInt16 { UInt16(bytes[2 * i]) | UInt16(bytes[2 * i + 1]) << 8 }
        return (0..<dimension).map { i in
            switch type {
            case .float32:
                let low = UInt32(bytes[4 * i]) | UInt32(bytes[4 * i + 1]) << 8
                return Double(Float(bitPattern: low | UInt32(bytes[4 * i + 2]) << 16 | UInt32(bytes[4 * i + 3]) << 24))
            case .float16: return Double(widenFloat16(bits16(i)))
            case .bfloat16: return Double(widenBFloat16(bits16(i)))
            case .int8: return Double(Int8(bitPattern: bytes[i]))
            case .uint8: return Double(bytes[i])
            case .bits: return Double(bytes[i / 8] >> UInt8(i % 8) & 1)
            }
        }
    }

    // MARK: - Distances

    struct Distance {
        let value: Double
        /// How far a kernel may be from `value`.
        let tolerance: Double
    }

    /// The distance of two vectors in double precision, and how far a kernel may be from it.
    ///
    /// - Sums over integers are exact: a kernel gives the float nearest to the sum, and `value` is that.
    /// - Sums over floats: dim · 2^-23 · Σ|terms|, where dim counts as at least 2, because the square of a difference
    ///   has three roundings; and `least` per element, where products vanish below the smallest number.
    /// - The terms of a cosine are the 1 and the products divided by both norms; they vanish before they are divided.
    /// - The cosine of integers has exact sums, then a few roundings: 2^-22.
    /// - Jaccard has one division and one difference: 2^-23.
    static func distance(
        _ metric: Metric, _ type: ElementType, _ a: [Double], _ b: [Double], least: Float = .leastNonzeroMagnitude
    ) -> Distance {
        let dimension = Double(a.count)
        let vanished = dimension * Double(least)
        func sum(_ terms: [Double]) -> Distance {
            let value = terms.reduce(0, +)
            if !type.isFloat { return Distance(value: Double(Float(value)), tolerance: 0) }
            let magnitude = terms.reduce(0) { $0 + abs($1) }
            return Distance(value: value, tolerance: max(dimension, 2) * 0x1p-23 * magnitude + vanished)
        }
        switch metric {
        case .l2Squared: return sum(zip(a, b).map { ($0 - $1) * ($0 - $1) })
        case .innerProduct: return sum(zip(a, b).map { -$0 * $1 })
        case .l1: return sum(zip(a, b).map { abs($0 - $1) })
        case .hamming: return sum(zip(a, b).map { $0 != $1 ? 1 : 0 })
        case .jaccard:
            let both = zip(a, b).filter { $0 == 1 && $1 == 1 }.count
            let either = zip(a, b).filter { $0 == 1 || $1 == 1 }.count
            return Distance(value: either == 0 ? 0 : 1 - Double(both) / Double(either), tolerance: 0x1p-23)
        case .cosine:
            let aa = squaredNorm(a), bb = squaredNorm(b)
            let norms = aa.squareRoot() * bb.squareRoot()
            let terms = zip(a, b).map { $0 * $1 / norms }
            let value = min(max(1 - terms.reduce(0, +), 0), 2)
            if !type.isFloat { return Distance(value: value, tolerance: 0x1p-22) }
            let magnitude = terms.reduce(1) { $0 + abs($1) }
            return Distance(
                value: value,
                tolerance: max(dimension, 2) * 0x1p-23 * magnitude + vanished * (1 / aa + 1 / bb + 1 / norms))
        }
    }

    static func squaredNorm(_ a: [Double]) -> Double { a.reduce(0) { $0 + $1 * $1 } }

    /// Whether a kernel may answer `got`. No distance is −0.
    static func allows(_ got: Float, _ want: Distance) -> Bool {
        abs(Double(got) - want.value) <= want.tolerance && !(got == 0 && got.sign == .minus)
    }

    // MARK: - Conversions

    static func widenFloat16(_ bits: UInt16) -> Float { Float(Float16(bitPattern: bits)) }

    static func widenBFloat16(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

    static func narrowFloat16(_ x: Float) -> UInt16 { Float16(x).bitPattern }

    /// The nearer of the two bfloat16 numbers around x; where both are as near, the one whose last bit is 0.
    static func narrowBFloat16(_ x: Float) -> UInt16 {
        let towardsZero = UInt16(x.bitPattern >> 16)
        if !x.isFinite { return x.isNaN ? towardsZero | 0x40 : towardsZero }
        // What lies above the largest finite number counts as 2^128 when it comes to which is nearer.
        let low = Double(widenBFloat16(towardsZero)).magnitude
        let above = widenBFloat16(towardsZero + 1).magnitude
        let high = above.isFinite ? Double(above) : 0x1p128
        let magnitude = Double(x).magnitude
        if magnitude - low == high - magnitude { return towardsZero + (towardsZero & 1) }
        return magnitude - low < high - magnitude ? towardsZero : towardsZero + 1
    }
}
