// SPDX-License-Identifier: Apache-2.0

import CVecShims

@inline(__always) private var lanes: Int { Int(VS_LANES) }

/// |v| − ½ of elements with the magnitudes given.
@inline(__always)
private func steps(_ magnitudes: vs_f32, _ scale: vs_f32, _ most: vs_f32) -> vs_f32 {
    vs_truncate(vs_min(magnitudes * scale, most))
}

/// Products and squares of one scale.
private struct GridSums {
    var product = vs_f32(repeating: 0)
    var square = vs_f32(repeating: 0)

    @inline(__always) init() {}

    @inline(__always) mutating func add(_ magnitudes: vs_f32, _ scale: vs_f32, _ most: vs_f32) {
        let v = steps(magnitudes, scale, most) + 0.5
        product = vs_multiply_add(v, magnitudes, product)
        square = vs_multiply_add(v, v, square)
    }
}

@inline(__always)
func gridMeasure(
    _ r: UnsafePointer<Float>, _ dimension: Int, _ scales: UnsafePointer<Float>, _ most: Float,
    _ sums: UnsafeMutablePointer<Float>
) {
    let limit = vs_f32(repeating: most)
    let p = vs_f32(repeating: scales[0]), q = vs_f32(repeating: scales[1])
    let s = vs_f32(repeating: scales[2]), t = vs_f32(repeating: scales[3])
    var a = GridSums(), b = a, c = a, d = a
    var i = 0
    // Elements behind the last are 0: each has a square of ¼.
    var missing: Float = 0
    while i < dimension {
        let n = dimension &- i < lanes ? dimension &- i : lanes
        let x = vs_abs(n == lanes ? vs_load_f32(r + i) : vs_load_f32_partial(r + i, n))
        a.add(x, p, limit)
        b.add(x, q, limit)
        c.add(x, s, limit)
        d.add(x, t, limit)
        missing = Float(lanes &- n) / 4
        i = i &+ lanes
    }
    sums[0] = vs_sum(a.product)
    sums[1] = vs_sum(b.product)
    sums[2] = vs_sum(c.product)
    sums[3] = vs_sum(d.product)
    sums[4] = vs_sum(a.square) - missing
    sums[5] = vs_sum(b.square) - missing
    sums[6] = vs_sum(c.square) - missing
    sums[7] = vs_sum(d.square) - missing
}

@inline(__always)
func gridRound(
    _ r: UnsafePointer<Float>, _ dimension: Int, _ scale: Float, _ most: Float, _ numbers: UnsafeMutablePointer<UInt8>
) -> Double {
    let factor = vs_f32(repeating: scale), limit = vs_f32(repeating: most), zero = vs_f32(repeating: 0)
    let half = vs_i32(repeating: Int32(most) &+ 1)
    var product = vs_zero_f64()
    var i = 0
    while i < dimension {
        let n = dimension &- i < lanes ? dimension &- i : lanes
        let x = n == lanes ? vs_load_f32(r + i) : vs_load_f32_partial(r + i, n)
        let magnitudes = vs_abs(x), w = steps(magnitudes, factor, limit)
        // Below zero −1 − w, which is all bits of w turned.
        vs_store_low_bytes(numbers + i, half &+ (vs_int_of(w) ^ vs_below(x, zero)), n)
        product = vs_add_products(product, w + 0.5, magnitudes)
        i = i &+ lanes
    }
    return vs_sum_f64(product)
}
