// SPDX-License-Identifier: Apache-2.0

import CVecShims

@inline(__always) private var lanes: Int { Int(VS_LANES) }

/// Σ weight · row, a few registers of columns at a time: sums stay in registers while all rows pass by.
@inline(__always)
func sumRows(
    _ rows: UnsafeRawPointer, _ stride: Int, _ positions: UnsafePointer<UInt32>, _ weights: UnsafePointer<Float>?,
    _ count: Int, _ dimension: Int, _ sums: UnsafeMutablePointer<Float>
) {
    @inline(__always)
    func weight(_ i: Int) -> vs_f32 {
        guard let weights else { return vs_f32(repeating: 1) }
        return vs_f32(repeating: weights[Int(positions[i])])
    }
    var from = 0
    while from &+ 8 &* lanes <= dimension {
        var a = vs_f32(repeating: 0), b = a, c = a, d = a, e = a, f = a, g = a, h = a
        var i = 0
        while i < count {
            let row = rows + (Int(positions[i]) &* stride &+ 4 &* from)
            let w = weight(i)
            let width = 4 &* lanes
            a = vs_multiply_add(vs_load_f32(row), w, a)
            b = vs_multiply_add(vs_load_f32(row + width), w, b)
            c = vs_multiply_add(vs_load_f32(row + 2 &* width), w, c)
            d = vs_multiply_add(vs_load_f32(row + 3 &* width), w, d)
            e = vs_multiply_add(vs_load_f32(row + 4 &* width), w, e)
            f = vs_multiply_add(vs_load_f32(row + 5 &* width), w, f)
            g = vs_multiply_add(vs_load_f32(row + 6 &* width), w, g)
            h = vs_multiply_add(vs_load_f32(row + 7 &* width), w, h)
            i = i &+ 1
        }
        let out = sums + from
        vs_store_f32(out, a)
        vs_store_f32(out + lanes, b)
        vs_store_f32(out + 2 &* lanes, c)
        vs_store_f32(out + 3 &* lanes, d)
        vs_store_f32(out + 4 &* lanes, e)
        vs_store_f32(out + 5 &* lanes, f)
        vs_store_f32(out + 6 &* lanes, g)
        vs_store_f32(out + 7 &* lanes, h)
        from = from &+ 8 &* lanes
    }
    while from < dimension {
        let n = dimension &- from < lanes ? dimension &- from : lanes
        var sum = vs_f32(repeating: 0)
        var i = 0
        while i < count {
            let row = rows + (Int(positions[i]) &* stride &+ 4 &* from)
            sum = vs_multiply_add(n == lanes ? vs_load_f32(row) : vs_load_f32_partial(row, n), weight(i), sum)
            i = i &+ 1
        }
        if n == lanes { vs_store_f32(sums + from, sum) } else { vs_store_f32_partial(sums + from, sum, n) }
        from = from &+ lanes
    }
}
