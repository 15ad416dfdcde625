// SPDX-License-Identifier: Apache-2.0

import CVecShims

/// One term of a sum over elements, in registers: sum + term(q, x). A term of two zeros is 0, so that partial registers
/// may be filled up with zeros.
protocol FloatTerm {
    static func add(_ sum: vs_f32, _ q: vs_f32, _ x: vs_f32) -> vs_f32
    /// The distance that the sum over all elements means.
    static func distance(_ sum: Float) -> Float
}

enum SquaredDifference: FloatTerm {
    @inline(__always) static func add(_ sum: vs_f32, _ q: vs_f32, _ x: vs_f32) -> vs_f32 {
        let d = q - x
        return vs_multiply_add(d, d, sum)
    }
    @inline(__always) static func distance(_ sum: Float) -> Float { sum }
}

enum Product: FloatTerm {
    @inline(__always) static func add(_ sum: vs_f32, _ q: vs_f32, _ x: vs_f32) -> vs_f32 {
        vs_multiply_add(q, x, sum)
    }
    /// 0 − sum, so that a product of 0 is the distance 0 and not −0.
    @inline(__always) static func distance(_ sum: Float) -> Float { 0 - sum }
}

enum AbsoluteDifference: FloatTerm {
    @inline(__always) static func add(_ sum: vs_f32, _ q: vs_f32, _ x: vs_f32) -> vs_f32 { sum + vs_abs(q - x) }
    @inline(__always) static func distance(_ sum: Float) -> Float { sum }
}

/// 1 − cos from an inner product and the two sums of squares. In double precision, then rounded before the subtraction,
/// so that a vector and itself give exactly 0.
@inline(__always)
func cosineDistance(_ dot: Float, _ qq: Float, _ xx: Float) -> Float {
    let inverse = (1 / Double(qq).squareRoot()) * (1 / Double(xx).squareRoot())
    let distance = 1 - Float(Double(dot) * inverse)
    return distance < 0 ? 0 : (distance > 2 ? 2 : distance)
}
