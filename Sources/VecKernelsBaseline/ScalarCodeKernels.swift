// SPDX-License-Identifier: Apache-2.0

import CVecShims

// Codes of a trained scalar quantizer: x ≈ low + step · code in each element.

@inline(__always) private var lanes: Int { Int(VS_LANES) }
@inline(__always) private var width: Int { Int(VS_BYTES) }

/// Adding 1.5 · 2²³ leaves the rounded integer in the lowest bits of the sum.
@inline(__always) private var magic: Float { 12_582_912 }

@inline(__always)
private func clamp(_ v: vs_f32, _ least: Float, _ most: Float) -> vs_f32 {
    vs_min(vs_max(v, vs_f32(repeating: least)), vs_f32(repeating: most))
}

@inline(__always)
func scalarEncode(
    _ row: UnsafePointer<Float>, _ low: UnsafePointer<Float>, _ inverse: UnsafePointer<Float>, _ dimension: Int,
    _ codes: UnsafeMutablePointer<UInt8>
) {
    var i = 0
    while i < dimension {
        let n = dimension &- i < lanes ? dimension &- i : lanes
        let x: vs_f32, a: vs_f32, b: vs_f32
        if n == lanes {
            x = vs_load_f32(row + i)
            a = vs_load_f32(low + i)
            b = vs_load_f32(inverse + i)
        } else {
            x = vs_load_f32_partial(row + i, n)
            a = vs_load_f32_partial(low + i, n)
            b = vs_load_f32_partial(inverse + i, n)
        }
        vs_store_low_bytes(codes + i, vs_bits_of(clamp((x - a) * b, 0, 255) + magic), n)
        i = i &+ lanes
    }
}

@inline(__always)
func scalarQuery(
    _ codes: UnsafePointer<UInt8>, _ alpha: UnsafePointer<Float>, _ beta: UnsafePointer<Float>,
    _ gamma: UnsafePointer<Float>, _ dimension: Int, _ query: UnsafeMutablePointer<Int8>
) -> Float {
    var sum = vs_f32(repeating: 0)
    var i = 0
    while i < dimension {
        let n = dimension &- i < lanes ? dimension &- i : lanes
        let c = vs_widen_low_bytes(codes + i, n)
        let a: vs_f32, b: vs_f32, g: vs_f32
        if n == lanes {
            a = vs_load_f32(alpha + i)
            b = vs_load_f32(beta + i)
            g = vs_load_f32(gamma + i)
        } else {
            a = vs_load_f32_partial(alpha + i, n)
            b = vs_load_f32_partial(beta + i, n)
            g = vs_load_f32_partial(gamma + i, n)
        }
        // What the code is, not what it was before rounding.
        let shifted = clamp(vs_multiply_add(b, c, a), -127, 127) + magic
        sum = vs_multiply_add(g, shifted - magic, sum)
        vs_store_low_bytes(query + i, vs_bits_of(shifted), n)
        i = i &+ lanes
    }
    return vs_sum(sum)
}

@inline(__always)
func scalarWeigh(_ query: UnsafePointer<Int8>, _ weights: UnsafePointer<Float>, _ dimension: Int) -> Float {
    var sum = vs_f32(repeating: 0)
    var i = 0
    while i < dimension {
        let n = dimension &- i < lanes ? dimension &- i : lanes
        let w = n == lanes ? vs_load_f32(weights + i) : vs_load_f32_partial(weights + i, n)
        let q = vs_widen_low_signed_bytes(query + i, n)
        sum = vs_multiply_add(w, q, sum)
        i = i &+ lanes
    }
    return vs_sum(sum)
}

@inline(__always)
func scalarList(
    _ query: UnsafePointer<Int8>, _ rows: UnsafePointer<UnsafeRawPointer>, _ count: Int, _ dimension: Int,
    _ offset: Float, _ weight: Float, _ out: UnsafeMutablePointer<Float>
) {
    var j = 0
    while j &+ 4 <= count {
        // The last group prefetches itself again: no branch, no read past the list.
        let n = j &+ 8 <= count ? j &+ 4 : j
        let s = byteSumFour(
            UnsignedCodeProduct.self, query, rows[j], rows[j &+ 1], rows[j &+ 2], rows[j &+ 3],
            next: (rows[n], rows[n &+ 1], rows[n &+ 2], rows[n &+ 3]), dimension)
        out[j] = offset + weight * Float(Int32(bitPattern: s.0))
        out[j &+ 1] = offset + weight * Float(Int32(bitPattern: s.1))
        out[j &+ 2] = offset + weight * Float(Int32(bitPattern: s.2))
        out[j &+ 3] = offset + weight * Float(Int32(bitPattern: s.3))
        j = j &+ 4
    }
    while j < count {
        let sum = byteSum(UnsignedCodeProduct.self, query, rows[j], dimension)
        out[j] = offset + weight * Float(Int32(bitPattern: sum))
        j = j &+ 1
    }
}

private enum UnsignedCodeProduct: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _ q: vs_bytes, _ x: vs_bytes) -> vs_i32 { vs_dot_codes(sum, x, q) }
    @inline(__always) static func excess(_: UnsafeRawPointer, _: Int) -> Int32 { 0 }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { Float(sum) }
}

// MARK: - Two codes to a byte

@inline(__always)
func packNibbles(_ codes: UnsafePointer<UInt8>, _ dimension: Int, _ packed: UnsafeMutablePointer<UInt8>) {
    var block = 0
    while 128 &* block < dimension {
        for i in 0..<64 {
            let low = 128 &* block &+ i, high = low &+ 64
            let a: UInt8 = low < dimension ? (codes[low] < 15 ? codes[low] : 15) : 0
            let b: UInt8 = high < dimension ? (codes[high] < 15 ? codes[high] : 15) : 0
            packed[64 &* block &+ i] = a | (b &<< 4)
        }
        block = block &+ 1
    }
}

/// One block of 64 bytes.
@inline(__always)
private func addBlock(_ sum: vs_i32, _ q: UnsafeRawPointer, _ x: UnsafeRawPointer) -> vs_i32 {
    let mask = vs_low_nibbles()
    var sum = sum
    var i = 0
    while i < 64 {
        let v = vs_load_bytes(x + i)
        sum = vs_dot_codes(sum, v & mask, vs_load_bytes(q + i))
        // What comes down from the byte above is masked out.
        sum = vs_dot_codes(sum, (v &>> 4) & mask, vs_load_bytes(q + (64 &+ i)))
        i = i &+ width
    }
    return sum
}

@inline(__always)
func nibbleList(
    _ query: UnsafePointer<Int8>, _ rows: UnsafePointer<UnsafeRawPointer>, _ count: Int, _ dimension: Int,
    _ offset: Float, _ weight: Float, _ out: UnsafeMutablePointer<Float>
) {
    let q = UnsafeRawPointer(query)
    let blocks = (dimension &+ 127) / 128
    let ahead = 12
    var j = 0
    while j &+ 4 <= count {
        if j &+ ahead &+ 4 <= count {
            for r in 0..<4 { prefetchRow(rows[j &+ ahead &+ r], 64 &* blocks) }
        }
        var s0 = vs_i32(repeating: 0)
        var s1 = s0, s2 = s0, s3 = s0
        for b in 0..<blocks {
            s0 = addBlock(s0, q + (128 &* b), rows[j] + (64 &* b))
            s1 = addBlock(s1, q + (128 &* b), rows[j &+ 1] + (64 &* b))
            s2 = addBlock(s2, q + (128 &* b), rows[j &+ 2] + (64 &* b))
            s3 = addBlock(s3, q + (128 &* b), rows[j &+ 3] + (64 &* b))
        }
        out[j] = offset + weight * Float(Int32(bitPattern: vs_sum_i32(s0)))
        out[j &+ 1] = offset + weight * Float(Int32(bitPattern: vs_sum_i32(s1)))
        out[j &+ 2] = offset + weight * Float(Int32(bitPattern: vs_sum_i32(s2)))
        out[j &+ 3] = offset + weight * Float(Int32(bitPattern: vs_sum_i32(s3)))
        j = j &+ 4
    }
    while j < count {
        var sum = vs_i32(repeating: 0)
        for b in 0..<blocks { sum = addBlock(sum, q + (128 &* b), rows[j] + (64 &* b)) }
        out[j] = offset + weight * Float(Int32(bitPattern: vs_sum_i32(sum)))
        j = j &+ 1
    }
}
