// SPDX-License-Identifier: Apache-2.0

import CVecShims

@inline(__always) private var lanes: Int { Int(VS_LANES) }

/// 0, 1, 2, …
@inline(__always)
private func firstPlaces() -> vs_i32 {
    var places = vs_i32(repeating: 0)
    for i in 0..<lanes { places[i] = Int32(truncatingIfNeeded: i) }
    return places
}

/// The least values so far, lane by lane, and which centroid gave each.
private struct Least {
    var values = vs_f32(repeating: .infinity)
    var places: vs_i32

    @inline(__always) init(_ places: vs_i32) { self.places = places }

    @inline(__always) mutating func take(_ v: vs_f32, _ at: vs_i32) {
        let isLess = vs_below(v, values)
        values = vs_min(v, values)
        places = vs_choose(isLess, at, places)
    }

    /// The least of all lanes goes to `value`. Returns which centroid gave it.
    @inline(__always) func finish(_ value: UnsafeMutablePointer<Float>) -> UInt16 {
        UInt16(truncatingIfNeeded: vs_least(values, places, value))
    }
}

@inline(__always)
func subspaceNearest(
    _ vectors: UnsafePointer<Float>, _ stride: Int, _ count: Int, _ dimension: Int, _ panel: UnsafePointer<Float>,
    _ halves: UnsafePointer<Float>, _ blocks: Int, _ codes: UnsafeMutablePointer<UInt16>,
    _ least: UnsafeMutablePointer<Float>
) {
    let first = firstPlaces()
    let step = vs_i32(repeating: Int32(truncatingIfNeeded: lanes))
    var i = 0
    // Four vectors at a time: each register of centroids is loaded once for all of them.
    while i &+ 4 <= count {
        let x = vectors + i &* stride
        let y = x + stride, z = y + stride, w = z + stride
        var a = Least(first), b = a, c = a, d = a
        var places = first
        var block = 0
        while block < blocks {
            let column = panel + block &* dimension &* lanes
            let half = vs_load_f32(halves + block &* lanes)
            var e = half, f = half, g = half, h = half
            var k = 0
            while k < dimension {
                let v = vs_load_f32(column + k &* lanes)
                e = vs_multiply_add(v, vs_f32(repeating: x[k]), e)
                f = vs_multiply_add(v, vs_f32(repeating: y[k]), f)
                g = vs_multiply_add(v, vs_f32(repeating: z[k]), g)
                h = vs_multiply_add(v, vs_f32(repeating: w[k]), h)
                k = k &+ 1
            }
            a.take(e, places)
            b.take(f, places)
            c.take(g, places)
            d.take(h, places)
            places = places &+ step
            block = block &+ 1
        }
        codes[i] = a.finish(least + i)
        codes[i &+ 1] = b.finish(least + (i &+ 1))
        codes[i &+ 2] = c.finish(least + (i &+ 2))
        codes[i &+ 3] = d.finish(least + (i &+ 3))
        i = i &+ 4
    }
    while i < count {
        let x = vectors + i &* stride
        var a = Least(first)
        var places = first
        var block = 0
        while block < blocks {
            let column = panel + block &* dimension &* lanes
            var e = vs_load_f32(halves + block &* lanes)
            var k = 0
            while k < dimension {
                e = vs_multiply_add(vs_load_f32(column + k &* lanes), vs_f32(repeating: x[k]), e)
                k = k &+ 1
            }
            a.take(e, places)
            places = places &+ step
            block = block &+ 1
        }
        codes[i] = a.finish(least + i)
        i = i &+ 1
    }
}

@inline(__always)
func subspaceSquaredDistances(
    _ vector: UnsafePointer<Float>, _ dimension: Int, _ panel: UnsafePointer<Float>, _ blocks: Int,
    _ values: UnsafeMutablePointer<Float>
) {
    var block = 0
    while block < blocks {
        let column = panel + block &* dimension &* lanes
        var sum = vs_f32(repeating: 0)
        var k = 0
        while k < dimension {
            let difference = vs_load_f32(column + k &* lanes) + vs_f32(repeating: vector[k])
            sum = vs_multiply_add(difference, difference, sum)
            k = k &+ 1
        }
        vs_store_f32(values + block &* lanes, sum)
        block = block &+ 1
    }
}

@inline(__always)
func subspaceNegatedProducts(
    _ vector: UnsafePointer<Float>, _ dimension: Int, _ panel: UnsafePointer<Float>, _ blocks: Int,
    _ values: UnsafeMutablePointer<Float>
) {
    var block = 0
    while block < blocks {
        let column = panel + block &* dimension &* lanes
        var sum = vs_f32(repeating: 0)
        var k = 0
        while k < dimension {
            sum = vs_multiply_add(vs_load_f32(column + k &* lanes), vs_f32(repeating: vector[k]), sum)
            k = k &+ 1
        }
        vs_store_f32(values + block &* lanes, sum)
        block = block &+ 1
    }
}

/// Four rows at a time: their sums do not wait for each other.
@inline(__always)
func tableSums(
    _ tables: UnsafePointer<Float>, _ tableSize: Int, _ codes: UnsafePointer<UInt8>, _ stride: Int, _ count: Int,
    _ tableCount: Int, _ sums: UnsafeMutablePointer<Float>
) {
    var i = 0
    while i &+ 4 <= count {
        let x = codes + i &* stride
        let y = x + stride, z = y + stride, w = z + stride
        var a: Float = 0, b: Float = 0, c: Float = 0, d: Float = 0
        var table = tables
        var j = 0
        while j < tableCount {
            a += table[Int(x[j])]
            b += table[Int(y[j])]
            c += table[Int(z[j])]
            d += table[Int(w[j])]
            table += tableSize
            j = j &+ 1
        }
        sums[i] = a
        sums[i &+ 1] = b
        sums[i &+ 2] = c
        sums[i &+ 3] = d
        i = i &+ 4
    }
    while i < count {
        let x = codes + i &* stride
        var a: Float = 0
        var table = tables
        var j = 0
        while j < tableCount {
            a += table[Int(x[j])]
            table += tableSize
            j = j &+ 1
        }
        sums[i] = a
        i = i &+ 1
    }
}
