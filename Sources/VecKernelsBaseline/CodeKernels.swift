// SPDX-License-Identifier: Apache-2.0

import CVecShims

// 8-bit codes of rows: unsigned, with 128 for zero, because the byte product of the processor takes one unsigned and one
// signed side. The query's codes are the signed side.

@inline(__always) private var lanes: Int { Int(VS_LANES) }
@inline(__always) private var width: Int { Int(VS_BYTES) }

/// Rows in a panel: two registers.
@inline(__always) var tileRows: Int { 2 &* lanes }
/// Queries in a panel: with two registers each their sums fill most of the 32 registers of AVX-512.
@inline(__always) var tileQueries: Int { 12 }

@inline(__always)
func largestMagnitude(_ row: UnsafePointer<Float>, _ dimension: Int) -> Float {
    var largest = vs_f32(repeating: 0)
    var i = 0
    while i &+ lanes <= dimension {
        largest = vs_max(largest, vs_abs(vs_load_f32(row + i)))
        i = i &+ lanes
    }
    if i < dimension { largest = vs_max(largest, vs_abs(vs_load_f32_partial(row + i, dimension &- i))) }
    var result: Float = 0
    for lane in 0..<lanes where largest[lane] > result { result = largest[lane] }
    return result
}

/// `code = round(x · multiplier) + 128`, and the sum of the squared errors. |x · multiplier| is at most 127.
@inline(__always)
func encodeRow(
    _ row: UnsafePointer<Float>, _ multiplier: Float, _ dimension: Int, _ codes: UnsafeMutablePointer<UInt8>
) -> Float {
    // Adding 1.5 · 2²³ leaves the rounded integer in the lowest bits of the sum.
    let magic: Float = 12_582_912
    let step = 1 / multiplier
    var error = vs_f32(repeating: 0)
    var i = 0
    while i < dimension {
        let n = dimension &- i < lanes ? dimension &- i : lanes
        let x = n == lanes ? vs_load_f32(row + i) : vs_load_f32_partial(row + i, n)
        let shifted = x * multiplier + magic
        vs_store_low_bytes(codes + i, vs_bits_of(shifted) &+ 128, n)
        let difference = x - (shifted - magic) * step
        error = error + difference * difference
        i = i &+ lanes
    }
    return vs_sum(error)
}

@inline(__always)
private func excess(_ query: UnsafePointer<Int8>, _ dimension: Int) -> Int32 {
    var sum: Int32 = 0
    for i in 0..<dimension { sum = sum &+ Int32(query[i]) }
    return 128 &* sum
}

@inline(__always)
func codeRows(
    _ query: UnsafePointer<Int8>, _ rows: UnsafePointer<UInt8>, _ stride: Int, _ count: Int, _ dimension: Int,
    _ out: UnsafeMutablePointer<Int32>
) {
    let tooMuch = excess(query, dimension)
    var row = UnsafeRawPointer(rows)
    for j in 0..<count {
        out[j] = Int32(bitPattern: byteSum(CodeProduct.self, query, row, dimension)) &- tooMuch
        row += stride
    }
}

private enum CodeProduct: ByteTerm {
    @inline(__always) static func add(_ sum: vs_i32, _ q: vs_bytes, _ x: vs_bytes) -> vs_i32 { vs_dot_codes(sum, x, q) }
    @inline(__always) static func excess(_: UnsafeRawPointer, _: Int) -> Int32 { 0 }
    @inline(__always) static func distance(_ sum: UInt32) -> Float { Float(sum) }
}

@inline(__always)
func packPanel(
    _ codes: UnsafePointer<UInt8>, _ stride: Int, _ count: Int, _ vectors: Int, _ dimension: Int,
    _ panel: UnsafeMutablePointer<UInt8>
) {
    let groups = (dimension &+ 3) / 4
    let whole = dimension / 4
    let out = UnsafeMutableRawPointer(panel)
    for v in 0..<vectors {
        var target = out + 4 &* v
        if v >= count {
            for _ in 0..<groups {
                target.storeBytes(of: 0, as: UInt32.self)
                target += 4 &* vectors
            }
            continue
        }
        let source = UnsafeRawPointer(codes + v &* stride)
        for g in 0..<whole {
            target.storeBytes(of: (source + 4 &* g).loadUnaligned(as: UInt32.self), as: UInt32.self)
            target += 4 &* vectors
        }
        if whole < groups {
            var last: UInt32 = 0
            for i in (4 &* whole)..<dimension {
                last |= UInt32(codes[v &* stride &+ i]) &<< UInt32(8 &* (i & 3))
            }
            target.storeBytes(of: last, as: UInt32.self)
        }
    }
}

/// Two registers of sums for one query.
private struct TileSum {
    var low: vs_i32
    var high: vs_i32

    @inline(__always) init(minus excess: Int32) {
        low = vs_i32(repeating: 0 &- excess)
        high = low
    }

    @inline(__always) mutating func add(_ a: vs_bytes, _ b: vs_bytes, _ query: UnsafeRawPointer) {
        let q = vs_broadcast_four(query)
        low = vs_dot_codes(low, a, q)
        high = vs_dot_codes(high, b, q)
    }

    @inline(__always) func store(_ out: UnsafeMutablePointer<Int32>) {
        vs_store_i32(out, low)
        vs_store_i32(out + lanes, high)
    }
}

@inline(__always)
func tileProducts(
    _ queries: UnsafePointer<UInt8>, _ rows: UnsafePointer<UInt8>, _ groups: Int, _ excess: UnsafePointer<Int32>,
    _ out: UnsafeMutablePointer<Int32>, _ stride: Int
) {
    var s0 = TileSum(minus: excess[0]), s1 = TileSum(minus: excess[1]), s2 = TileSum(minus: excess[2])
    var s3 = TileSum(minus: excess[3]), s4 = TileSum(minus: excess[4]), s5 = TileSum(minus: excess[5])
    var s6 = TileSum(minus: excess[6]), s7 = TileSum(minus: excess[7]), s8 = TileSum(minus: excess[8])
    var s9 = TileSum(minus: excess[9]), s10 = TileSum(minus: excess[10]), s11 = TileSum(minus: excess[11])
    var q = UnsafeRawPointer(queries), r = UnsafeRawPointer(rows)
    for _ in 0..<groups {
        let a = vs_load_bytes(r), b = vs_load_bytes(r + width)
        s0.add(a, b, q)
        s1.add(a, b, q + 4)
        s2.add(a, b, q + 8)
        s3.add(a, b, q + 12)
        s4.add(a, b, q + 16)
        s5.add(a, b, q + 20)
        s6.add(a, b, q + 24)
        s7.add(a, b, q + 28)
        s8.add(a, b, q + 32)
        s9.add(a, b, q + 36)
        s10.add(a, b, q + 40)
        s11.add(a, b, q + 44)
        q += 4 &* tileQueries
        r += 2 &* width
    }
    s0.store(out)
    s1.store(out + stride)
    s2.store(out + 2 &* stride)
    s3.store(out + 3 &* stride)
    s4.store(out + 4 &* stride)
    s5.store(out + 5 &* stride)
    s6.store(out + 6 &* stride)
    s7.store(out + 7 &* stride)
    s8.store(out + 8 &* stride)
    s9.store(out + 9 &* stride)
    s10.store(out + 10 &* stride)
    s11.store(out + 11 &* stride)
}

@inline(__always)
func selectCodes(
    _ products: UnsafePointer<Int32>, _ scale: UnsafePointer<Float>, _ error: UnsafePointer<Float>,
    _ offset: UnsafePointer<Float>, _ count: Int, _ errorWeight: Float, _ offsetWeight: Float, _ least: Float,
    _ positions: UnsafeMutablePointer<UInt32>
) -> Int {
    @inline(__always)
    func mask(_ i: Int) -> UInt64 {
        var value = vs_multiply_add(
            vs_float_of(vs_load_i32(products + i)), vs_load_f32(scale + i), vs_load_f32(error + i) * errorWeight)
        if offsetWeight != 0 { value = value - vs_load_f32(offset + i) * offsetWeight }
        return UInt64(vs_mask_at_most(0 - value, 0 - least))
    }
    var found = 0
    var i = 0
    // Four registers at a time: whether there is anything to write is guessed wrong once for all of them.
    while i &+ 4 &* lanes <= count {
        let low = mask(i) | mask(i &+ lanes) &<< UInt64(lanes)
        let high = mask(i &+ 2 &* lanes) | mask(i &+ 3 &* lanes) &<< UInt64(lanes)
        found = appendPositions(low | high &<< UInt64(2 &* lanes), i, positions, found)
        i = i &+ 4 &* lanes
    }
    while i &+ lanes <= count {
        found = appendPositions(mask(i), i, positions, found)
        i = i &+ lanes
    }
    while i < count {
        var value = Float(products[i]) * scale[i] + error[i] * errorWeight
        if offsetWeight != 0 { value -= offset[i] * offsetWeight }
        if value >= least {
            positions[found] = UInt32(truncatingIfNeeded: i)
            found = found &+ 1
        }
        i = i &+ 1
    }
    return found
}

/// Appends `first` + the number of each bit set.
@inline(__always)
func appendPositions(_ mask: UInt64, _ first: Int, _ positions: UnsafeMutablePointer<UInt32>, _ found: Int) -> Int {
    var mask = mask
    var found = found
    while mask != 0 {
        positions[found] = UInt32(truncatingIfNeeded: first &+ mask.trailingZeroBitCount)
        found = found &+ 1
        mask &= mask &- 1
    }
    return found
}
