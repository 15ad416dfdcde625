// SPDX-License-Identifier: Apache-2.0

import CVecShims

@inline(__always) private var lanes: Int { Int(VS_LANES) }

/// The 16 values of a table, in one to four registers.
private struct Sixteen {
    var a: vs_f32
    var b: vs_f32
    var c: vs_f32
    var d: vs_f32

    @inline(__always) init(repeating value: Float) {
        a = vs_f32(repeating: value)
        b = a
        c = a
        d = a
    }

    /// - Parameter stride: From register to register, in floats.
    @inline(__always) init(_ p: UnsafePointer<Float>, stride: Int) {
        a = vs_load_f32(p)
        b = lanes < 16 ? vs_load_f32(p + stride) : a
        c = lanes < 8 ? vs_load_f32(p + 2 &* stride) : a
        d = lanes < 8 ? vs_load_f32(p + 3 &* stride) : a
    }

    @inline(__always) func store(_ p: UnsafeMutablePointer<Float>) {
        vs_store_f32(p, a)
        if lanes < 16 { vs_store_f32(p + lanes, b) }
        if lanes < 8 {
            vs_store_f32(p + 2 &* lanes, c)
            vs_store_f32(p + 3 &* lanes, d)
        }
    }

    @inline(__always) func map(_ f: (vs_f32) -> vs_f32) -> Sixteen {
        var result = self
        result.a = f(a)
        if lanes < 16 { result.b = f(b) }
        if lanes < 8 {
            result.c = f(c)
            result.d = f(d)
        }
        return result
    }

    /// self + other · factor.
    @inline(__always) func adding(_ other: Sixteen, times factor: vs_f32) -> Sixteen {
        var result = self
        result.a = vs_multiply_add(other.a, factor, a)
        if lanes < 16 { result.b = vs_multiply_add(other.b, factor, b) }
        if lanes < 8 {
            result.c = vs_multiply_add(other.c, factor, c)
            result.d = vs_multiply_add(other.d, factor, d)
        }
        return result
    }

    /// All in one register, each lane from those that fall on it.
    @inline(__always) func folded(_ f: (vs_f32, vs_f32) -> vs_f32) -> vs_f32 {
        lanes == 16 ? a : lanes == 8 ? f(a, b) : f(f(a, b), f(c, d))
    }
}

@inline(__always)
func signTables(_ x: UnsafePointer<Float>, _ dimension: Int, _ values: UnsafeMutablePointer<Float>) {
    /// ½ where a bit of the number is set, −½ elsewhere.
    @inline(__always) func signs(_ bit: Int32) -> Sixteen {
        var result = Sixteen(repeating: 0)
        result.a = vs_bit_signs(bit, 0) * 0.5
        result.b = vs_bit_signs(bit, 1) * 0.5
        result.c = vs_bit_signs(bit, 2) * 0.5
        result.d = vs_bit_signs(bit, 3) * 0.5
        return result
    }
    let s0 = signs(0), s1 = signs(1), s2 = signs(2), s3 = signs(3)
    @inline(__always)
    func table(_ a: Float, _ b: Float, _ c: Float, _ d: Float, _ out: UnsafeMutablePointer<Float>) {
        let first = s0.map { $0 * a }.adding(s1, times: vs_f32(repeating: b))
        first.adding(s2, times: vs_f32(repeating: c)).adding(s3, times: vs_f32(repeating: d)).store(out)
    }
    var out = values
    var i = 0
    while i &+ 4 <= dimension {
        table(x[i], x[i &+ 1], x[i &+ 2], x[i &+ 3], out)
        out += 16
        i = i &+ 4
    }
    let left = dimension &- i
    if left > 0 { table(x[i], left > 1 ? x[i &+ 1] : 0, left > 2 ? x[i &+ 2] : 0, 0, out) }
}

@inline(__always)
func productTables(
    _ x: UnsafePointer<Float>, _ starts: UnsafePointer<Int>, _ panels: UnsafePointer<UnsafePointer<Float>>, _ tables: Int,
    _ values: UnsafeMutablePointer<Float>
) {
    for t in 0..<tables {
        let from = starts[t], count = starts[t &+ 1] &- from
        let part = x + from, panel = panels[t]
        var sum = Sixteen(repeating: 0)
        var k = 0
        while k < count {
            sum = sum.adding(Sixteen(panel + k &* lanes, stride: count &* lanes), times: vs_f32(repeating: part[k]))
            k = k &+ 1
        }
        // The panel has negated centroids.
        sum.map { 0 - $0 }.store(values + 16 &* t)
    }
}

@inline(__always)
func roundTables(
    _ values: UnsafeMutablePointer<Float>, _ tables: Int, _ bytes: UnsafeMutablePointer<UInt8>,
    _ shift: UnsafeMutablePointer<Float>
) -> Float {
    @inline(__always) func table(_ t: Int) -> Sixteen { Sixteen(values + 16 &* t, stride: lanes) }
    var widest = vs_f32(repeating: 0), shifts = widest
    var rest: Float = 0
    var t = 0
    // Four tables at a time: the least of all four meet in one register.
    while t < tables {
        let n = tables &- t < 4 ? tables &- t : 4
        // What the last group lacks is the first of it again.
        let a = table(t), b = table(n > 1 ? t &+ 1 : t), c = table(n > 2 ? t &+ 2 : t), d = table(n > 3 ? t &+ 3 : t)
        let least = vs_fold_least(
            a.folded { vs_min($0, $1) }, b.folded { vs_min($0, $1) }, c.folded { vs_min($0, $1) }, d.folded { vs_min($0, $1) })
        let most = vs_fold_most(
            a.folded { vs_max($0, $1) }, b.folded { vs_max($0, $1) }, c.folded { vs_max($0, $1) }, d.folded { vs_max($0, $1) })
        widest = vs_max(widest, most - least)
        if n == 4 { shifts = shifts + least } else { for i in 0..<n { rest += least[i] } }
        let first = vs_repeat_lane(least, 0)
        a.map { $0 - first }.store(values + 16 &* t)
        if n > 1 {
            let second = vs_repeat_lane(least, 1)
            b.map { $0 - second }.store(values + 16 &* (t &+ 1))
        }
        if n > 2 {
            let third = vs_repeat_lane(least, 2)
            c.map { $0 - third }.store(values + 16 &* (t &+ 2))
        }
        if n > 3 {
            let fourth = vs_repeat_lane(least, 3)
            d.map { $0 - fourth }.store(values + 16 &* (t &+ 3))
        }
        t = t &+ 4
    }
    shift.pointee = shifts[0] + shifts[1] + shifts[2] + shifts[3] + rest
    var width: Float = 0
    for i in 0..<4 where widest[i] > width { width = widest[i] }
    let inverse = width > 0x1p-100 ? 255 / width : 0
    let factor = vs_f32(repeating: inverse), count = 16 &* tables
    var i = 0
    while i &+ 4 &* lanes <= count {
        let p = values + i
        vs_round_to_bytes(
            bytes + i, vs_load_f32(p) * factor, vs_load_f32(p + lanes) * factor, vs_load_f32(p + 2 &* lanes) * factor,
            vs_load_f32(p + 3 &* lanes) * factor)
        i = i &+ 4 &* lanes
    }
    // Up to a whole group.
    let zero = vs_f32(repeating: 0)
    @inline(__always) func register(_ i: Int) -> vs_f32 { i < count ? vs_load_f32(values + i) * factor : zero }
    while i < (count &+ 63) & ~63 {
        vs_round_to_bytes(
            bytes + i, register(i), register(i &+ lanes), register(i &+ 2 &* lanes), register(i &+ 3 &* lanes))
        i = i &+ 4 &* lanes
    }
    return width
}
