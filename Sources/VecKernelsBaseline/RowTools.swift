// SPDX-License-Identifier: Apache-2.0

import CVecShims

@inline(__always) private var lanes: Int { Int(VS_LANES) }

@inline(__always)
func widen<R: FloatRows>(_: R.Type, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int) {
    var i = 0
    while i &+ lanes <= count {
        vs_store_f32(target + 4 &* i, R.load(source + R.size &* i))
        i = i &+ lanes
    }
    if i < count {
        let n = count &- i
        vs_store_f32_partial(target + 4 &* i, R.loadPartial(source + R.size &* i, n), n)
    }
}

/// How float32 becomes a 16-bit float.
protocol Narrowing {
    static func narrow(_ v: vs_f32) -> vs_half
}

enum ToFloat16: Narrowing {
    @inline(__always) static func narrow(_ v: vs_f32) -> vs_half { vs_narrow_f16(v) }
}

enum ToBFloat16: Narrowing {
    @inline(__always) static func narrow(_ v: vs_f32) -> vs_half { vs_narrow_bf16(v) }
}

@inline(__always)
func narrow<N: Narrowing>(_: N.Type, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int) {
    var i = 0
    while i &+ lanes <= count {
        vs_store_half(target + 2 &* i, N.narrow(vs_load_f32(source + 4 &* i)))
        i = i &+ lanes
    }
    if i < count {
        let n = count &- i
        vs_store_half_partial(target + 2 &* i, N.narrow(vs_load_f32_partial(source + 4 &* i, n)), n)
    }
}

/// x − x is 0 for a finite x, NaN for any other; NaN stays in a sum.
@inline(__always)
func allFinite<R: FloatRows>(_: R.Type, _ source: UnsafeRawPointer, _ count: Int) -> Bool {
    var sum = vs_f32(repeating: 0)
    var i = 0
    while i &+ lanes <= count {
        let x = R.load(source + R.size &* i)
        sum = sum + (x - x)
        i = i &+ lanes
    }
    if i < count {
        let x = R.loadPartial(source + R.size &* i, count &- i)
        sum = sum + (x - x)
    }
    return vs_sum(sum) == 0
}

@inline(__always)
func selectAtMost(
    _ values: UnsafePointer<Float>, _ count: Int, _ limit: Float, _ positions: UnsafeMutablePointer<UInt32>
) -> Int {
    var found = 0
    var i = 0
    while i &+ lanes <= count {
        found = appendPositions(UInt64(vs_mask_at_most(vs_load_f32(values + i), limit)), i, positions, found)
        i = i &+ lanes
    }
    while i < count {
        if values[i] <= limit {
            positions[found] = UInt32(truncatingIfNeeded: i)
            found = found &+ 1
        }
        i = i &+ 1
    }
    return found
}

@inline(__always)
func selectAffineAtMost(
    _ products: UnsafePointer<Float>, _ offsets: UnsafePointer<Float>, _ scales: UnsafePointer<Float>, _ count: Int,
    _ limit: Float, _ positions: UnsafeMutablePointer<UInt32>
) -> Int {
    var found = 0
    var i = 0
    while i &+ lanes <= count {
        let value = vs_multiply_add(vs_load_f32(products + i), vs_load_f32(scales + i), vs_load_f32(offsets + i))
        found = appendPositions(UInt64(vs_mask_at_most(value, limit)), i, positions, found)
        i = i &+ lanes
    }
    while i < count {
        if offsets[i] + scales[i] * products[i] <= limit {
            positions[found] = UInt32(truncatingIfNeeded: i)
            found = found &+ 1
        }
        i = i &+ 1
    }
    return found
}

@inline(__always)
func loadAll(_ source: UnsafeRawPointer, _ count: Int) -> UInt32 {
    let width = Int(VS_BYTES)
    var a = vs_zero_bytes(), b = a, c = a, d = a
    var i = 0
    while i &+ 4 &* width <= count {
        a |= vs_load_bytes(source + i)
        b |= vs_load_bytes(source + (i &+ width))
        c |= vs_load_bytes(source + (i &+ 2 &* width))
        d |= vs_load_bytes(source + (i &+ 3 &* width))
        i = i &+ 4 &* width
    }
    return vs_sum_i32(vs_popcount(vs_i32(repeating: 0), (a | b) | (c | d)))
}
