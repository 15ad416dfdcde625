// SPDX-License-Identifier: Apache-2.0

import CVecShims

@inline(__always) private var lanes: Int { Int(VS_LANES) }

@inline(__always)
func rotate(_ vector: UnsafeMutablePointer<Float>, _ dimension: Int, _ signs: UnsafePointer<Float>, _ rounds: Int) {
    let width = transformWidth(dimension)
    var round = 0
    while round < rounds {
        flip(vector, dimension, signs + round &* dimension)
        transform(vector + (round & 1 == 0 ? 0 : dimension &- width), width)
        if width < dimension { mix(vector, dimension) }
        round = round &+ 1
    }
}

@inline(__always)
func rotateBack(_ vector: UnsafeMutablePointer<Float>, _ dimension: Int, _ signs: UnsafePointer<Float>, _ rounds: Int) {
    let width = transformWidth(dimension)
    var round = rounds
    while round > 0 {
        round = round &- 1
        if width < dimension { mix(vector, dimension) }
        transform(vector + (round & 1 == 0 ? 0 : dimension &- width), width)
        flip(vector, dimension, signs + round &* dimension)
    }
}

@inline(__always)
private func transformWidth(_ dimension: Int) -> Int {
    var width = 1
    while 2 &* width <= dimension { width = 2 &* width }
    return width
}

@inline(__always)
private func flip(_ vector: UnsafeMutablePointer<Float>, _ dimension: Int, _ signs: UnsafePointer<Float>) {
    var i = 0
    while i &+ lanes <= dimension {
        vs_store_f32(vector + i, vs_load_f32(vector + i) * vs_load_f32(signs + i))
        i = i &+ lanes
    }
    while i < dimension {
        vector[i] *= signs[i]
        i = i &+ 1
    }
}

/// The Walsh–Hadamard transform of a power of two of elements, scaled to keep lengths.
@inline(__always)
private func transform(_ vector: UnsafeMutablePointer<Float>, _ width: Int) {
    let scale = 1 / Float(width).squareRoot()
    if width < lanes {
        transformOneByOne(vector, width, scale)
        return
    }
    // The last steps scale what they store.
    @inline(__always) func factor(_ reached: Int) -> Float { reached == width ? scale : 1 }
    // Steps within registers, and where there are four of them also those to the next and the one after that.
    var i = 0
    var step = lanes
    if 4 &* lanes <= width {
        step = 4 &* lanes
        while i < width {
            let p = vector + i
            var four = Four(p, lanes)
            four.withinRegisters()
            four.transform()
            four.store(p, lanes, factor(step))
            i = i &+ step
        }
    } else {
        while i < width {
            vs_store_f32(vector + i, vs_hadamard(vs_load_f32(vector + i)) * factor(step))
            i = i &+ lanes
        }
    }
    // Two steps at a time.
    while 4 &* step <= width {
        var block = 0
        while block < width {
            var k = 0
            while k < step {
                let p = vector + (block &+ k)
                var four = Four(p, step)
                four.transform()
                four.store(p, step, factor(4 &* step))
                k = k &+ lanes
            }
            block = block &+ 4 &* step
        }
        step = 4 &* step
    }
    if step < width {
        var k = 0
        while k < step {
            let a = vs_load_f32(vector + k), b = vs_load_f32(vector + (k &+ step))
            vs_store_f32(vector + k, (a + b) * scale)
            vs_store_f32(vector + (k &+ step), (a - b) * scale)
            k = k &+ lanes
        }
    }
}

@inline(__always)
private func transformOneByOne(_ vector: UnsafeMutablePointer<Float>, _ width: Int, _ scale: Float) {
    var step = 1
    while step < width {
        var i = 0
        while i < width {
            if i & step == 0 {
                let a = vector[i], b = vector[i &+ step]
                vector[i] = a + b
                vector[i &+ step] = a - b
            }
            i = i &+ 1
        }
        step = 2 &* step
    }
    for i in 0..<width { vector[i] *= scale }
}

/// Four registers, as far from each other as the elements that are added.
private struct Four {
    var a: vs_f32
    var b: vs_f32
    var c: vs_f32
    var d: vs_f32

    @inline(__always) init(_ p: UnsafePointer<Float>, _ step: Int) {
        a = vs_load_f32(p)
        b = vs_load_f32(p + step)
        c = vs_load_f32(p + 2 &* step)
        d = vs_load_f32(p + 3 &* step)
    }

    @inline(__always) mutating func withinRegisters() {
        a = vs_hadamard(a)
        b = vs_hadamard(b)
        c = vs_hadamard(c)
        d = vs_hadamard(d)
    }

    /// The next step and the one after that.
    @inline(__always) mutating func transform() {
        let p = a + b, q = a - b, r = c + d, s = c - d
        a = p + r
        b = q + s
        c = p - r
        d = q - s
    }

    @inline(__always) func store(_ p: UnsafeMutablePointer<Float>, _ step: Int, _ factor: Float) {
        vs_store_f32(p, a * factor)
        vs_store_f32(p + step, b * factor)
        vs_store_f32(p + 2 &* step, c * factor)
        vs_store_f32(p + 3 &* step, d * factor)
    }
}

/// Sums and differences of the first and the last half of the elements; one in the middle stays.
@inline(__always)
private func mix(_ vector: UnsafeMutablePointer<Float>, _ dimension: Int) {
    let half = dimension / 2
    let low = vector, high = vector + (dimension &- half)
    let scale = Float(0.5).squareRoot()
    var i = 0
    while i &+ lanes <= half {
        let a = vs_load_f32(low + i), b = vs_load_f32(high + i)
        vs_store_f32(low + i, (a + b) * scale)
        vs_store_f32(high + i, (a - b) * scale)
        i = i &+ lanes
    }
    while i < half {
        let a = low[i], b = high[i]
        low[i] = (a + b) * scale
        high[i] = (a - b) * scale
        i = i &+ 1
    }
}
