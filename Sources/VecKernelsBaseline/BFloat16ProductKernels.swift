// SPDX-License-Identifier: Apache-2.0

import CVecShims

// The inner product of bfloat16 vectors by the instruction for it: no widening, twice the elements in a register.

@inline(__always) private var width: Int { Int(VS_BYTES) }

@inline(__always)
private func product(_ query: UnsafeRawPointer, _ row: UnsafeRawPointer, _ size: Int) -> Float {
    var even = vs_f32(repeating: 0)
    var odd = even
    var i = 0
    while i &+ 2 &* width <= size {
        even = vs_dot_bf16(even, vs_load_bytes(query + i), vs_load_bytes(row + i))
        odd = vs_dot_bf16(odd, vs_load_bytes(query + (i &+ width)), vs_load_bytes(row + (i &+ width)))
        i = i &+ 2 &* width
    }
    if i &+ width <= size {
        even = vs_dot_bf16(even, vs_load_bytes(query + i), vs_load_bytes(row + i))
        i = i &+ width
    }
    if i < size {
        odd = vs_dot_bf16(odd, vs_load_bytes_partial(query + i, size &- i), vs_load_bytes_partial(row + i, size &- i))
    }
    return vs_sum(even + odd)
}

@inline(__always)
func bfloat16Pair(_ query: UnsafeRawPointer, _ row: UnsafeRawPointer, _ dimension: Int) -> Float {
    0 - product(query, row, 2 &* dimension)
}

@inline(__always)
func bfloat16Rows(
    _ query: UnsafeRawPointer, _ rows: UnsafeRawPointer, _ stride: Int, _ count: Int, _ dimension: Int,
    _ out: UnsafeMutablePointer<Float>
) {
    var row = rows
    for j in 0..<count {
        out[j] = 0 - product(query, row, 2 &* dimension)
        row += stride
    }
}

@inline(__always)
func bfloat16Gather<P: RowPlaces>(
    _ query: UnsafeRawPointer, _ places: P, _ count: Int, _ dimension: Int, _ out: UnsafeMutablePointer<Float>
) {
    for j in 0..<count {
        prefetchRow(places.row(j &+ 2 < count ? j &+ 2 : j), 2 &* dimension)
        out[j] = 0 - product(query, places.row(j), 2 &* dimension)
    }
}
