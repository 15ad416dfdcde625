// SPDX-License-Identifier: Apache-2.0

import CVecShims

/// One term of a sum over bytes, in registers of 32-bit sums. Integers add up exactly, so the order does not matter.
/// A term of two zero bytes is 0.
protocol ByteTerm {
    static func add(_ sum: vs_i32, _ q: vs_bytes, _ x: vs_bytes) -> vs_i32
    /// What every sum with this query has too much of.
    static func excess(_ query: UnsafeRawPointer, _ size: Int) -> Int32
    /// The distance that the sum means.
    static func distance(_ sum: UInt32) -> Float
}

enum Int8SquaredDifference: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _ q: vs_bytes, _ x: vs_bytes) -> vs_i32 {
        let d = vs_difference_u8(vs_bias_bytes(q), vs_bias_bytes(x))
        return vs_dot_u8(sum, d, d)
    }
    @inline(__always) static func excess(_: UnsafeRawPointer, _: Int) -> Int32 { 0 }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { Float(sum) }
}

enum UInt8SquaredDifference: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _ q: vs_bytes, _ x: vs_bytes) -> vs_i32 {
        let d = vs_difference_u8(q, x)
        return vs_dot_u8(sum, d, d)
    }
    @inline(__always) static func excess(_: UnsafeRawPointer, _: Int) -> Int32 { 0 }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { Float(sum) }
}

enum Int8Product: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _ q: vs_bytes, _ x: vs_bytes) -> vs_i32 { vs_dot_i8(sum, q, x) }
    @inline(__always) static func excess(_ query: UnsafeRawPointer, _ size: Int) -> Int32 {
        let bias = vs_dot_i8_bias()
        if bias == 0 { return 0 }
        var sum: Int32 = 0
        let elements = query.assumingMemoryBound(to: Int8.self)
        for i in 0..<size { sum = sum &+ Int32(elements[i]) }
        return bias &* sum
    }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { 0 - Float(Int32(bitPattern: sum)) }
}

enum UInt8Product: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _ q: vs_bytes, _ x: vs_bytes) -> vs_i32 { vs_dot_u8(sum, q, x) }
    @inline(__always) static func excess(_: UnsafeRawPointer, _: Int) -> Int32 { 0 }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { 0 - Float(sum) }
}

enum Int8AbsoluteDifference: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _ q: vs_bytes, _ x: vs_bytes) -> vs_i32 {
        vs_l1_u8(sum, vs_bias_bytes(q), vs_bias_bytes(x))
    }
    @inline(__always) static func excess(_: UnsafeRawPointer, _: Int) -> Int32 { 0 }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { Float(sum) }
}

enum UInt8AbsoluteDifference: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _ q: vs_bytes, _ x: vs_bytes) -> vs_i32 { vs_l1_u8(sum, q, x) }
    @inline(__always) static func excess(_: UnsafeRawPointer, _: Int) -> Int32 { 0 }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { Float(sum) }
}

enum DifferentBits: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _ q: vs_bytes, _ x: vs_bytes) -> vs_i32 { vs_popcount(sum, q ^ x) }
    @inline(__always) static func excess(_: UnsafeRawPointer, _: Int) -> Int32 { 0 }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { Float(sum) }
}

/// Σ x² of signed bytes, for any query.
enum Int8Squares: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _: vs_bytes, _ x: vs_bytes) -> vs_i32 {
        let magnitude = vs_difference_u8(vs_bias_bytes(x), vs_bias_bytes(vs_zero_bytes()))
        return vs_dot_u8(sum, magnitude, magnitude)
    }
    @inline(__always) static func excess(_: UnsafeRawPointer, _: Int) -> Int32 { 0 }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { Float(sum) }
}

/// Σ x² of unsigned bytes, for any query.
enum UInt8Squares: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _: vs_bytes, _ x: vs_bytes) -> vs_i32 { vs_dot_u8(sum, x, x) }
    @inline(__always) static func excess(_: UnsafeRawPointer, _: Int) -> Int32 { 0 }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { Float(sum) }
}

enum BitsInBoth: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _ q: vs_bytes, _ x: vs_bytes) -> vs_i32 { vs_popcount(sum, q & x) }
    @inline(__always) static func excess(_: UnsafeRawPointer, _: Int) -> Int32 { 0 }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { Float(sum) }
}

enum BitsInEither: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _ q: vs_bytes, _ x: vs_bytes) -> vs_i32 { vs_popcount(sum, q | x) }
    @inline(__always) static func excess(_: UnsafeRawPointer, _: Int) -> Int32 { 0 }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { Float(sum) }
}

/// How the two sums of a byte metric of two sums become a distance.
protocol ByteRatio {
    associatedtype First: ByteTerm
    associatedtype Second: ByteTerm
    /// Of the query alone: computed once.
    static func ofQuery(_ query: UnsafeRawPointer, _ size: Int) -> Float
    static func distance(_ first: UInt32, _ second: UInt32, _ ofQuery: Float) -> Float
}

enum Int8Cosine: ByteRatio {
    typealias First = Int8Product
    typealias Second = Int8Squares
    @inline(__always) static func ofQuery(_ query: UnsafeRawPointer, _ size: Int) -> Float {
        byteSum(Int8Squares.self, query, query, size).asFloat
    }
    @inline(__always) static func distance(_ first: UInt32, _ second: UInt32, _ qq: Float) -> Float {
        cosineDistance(Float(Int32(bitPattern: first)), qq, Float(second))
    }
}

enum UInt8Cosine: ByteRatio {
    typealias First = UInt8Product
    typealias Second = UInt8Squares
    @inline(__always) static func ofQuery(_ query: UnsafeRawPointer, _ size: Int) -> Float {
        byteSum(UInt8Squares.self, query, query, size).asFloat
    }
    @inline(__always) static func distance(_ first: UInt32, _ second: UInt32, _ qq: Float) -> Float {
        cosineDistance(Float(first), qq, Float(second))
    }
}

enum BitJaccard: ByteRatio {
    typealias First = BitsInBoth
    typealias Second = BitsInEither
    @inline(__always) static func ofQuery(_: UnsafeRawPointer, _: Int) -> Float { 0 }
    @inline(__always) static func distance(_ first: UInt32, _ second: UInt32, _: Float) -> Float {
        second == 0 ? 0 : 1 - Float(first) / Float(second)
    }
}

extension UInt32 {
    @inline(__always) var asFloat: Float { Float(self) }
}
