// SPDX-License-Identifier: Apache-2.0

import CVecShims

/// How rows of one float type become registers of float32.
protocol FloatRows {
    /// Bytes of one element.
    static var size: Int { get }
    /// `VS_LANES` elements.
    static func load(_ row: UnsafeRawPointer) -> vs_f32
    /// The first n < `VS_LANES` elements, the others 0.
    static func loadPartial(_ row: UnsafeRawPointer, _ n: Int) -> vs_f32
}

enum Float32Rows: FloatRows {
    @inline(__always) static var size: Int { 4 }
    @inline(__always) static func load(_ row: UnsafeRawPointer) -> vs_f32 { vs_load_f32(row) }
    @inline(__always) static func loadPartial(_ row: UnsafeRawPointer, _ n: Int) -> vs_f32 {
        vs_load_f32_partial(row, n)
    }
}

enum Float16Rows: FloatRows {
    @inline(__always) static var size: Int { 2 }
    @inline(__always) static func load(_ row: UnsafeRawPointer) -> vs_f32 { vs_widen_f16(vs_load_half(row)) }
    @inline(__always) static func loadPartial(_ row: UnsafeRawPointer, _ n: Int) -> vs_f32 {
        vs_widen_f16(vs_load_half_partial(row, n))
    }
}

enum BFloat16Rows: FloatRows {
    @inline(__always) static var size: Int { 2 }
    @inline(__always) static func load(_ row: UnsafeRawPointer) -> vs_f32 { vs_widen_bf16(vs_load_half(row)) }
    @inline(__always) static func loadPartial(_ row: UnsafeRawPointer, _ n: Int) -> vs_f32 {
        vs_widen_bf16(vs_load_half_partial(row, n))
    }
}
