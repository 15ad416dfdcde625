// SPDX-License-Identifier: Apache-2.0

import CVecShims

@inline(__always) private var lanes: Int { Int(VS_LANES) }

@inline(__always)
func listCodeSums(
    _ codes: UnsafePointer<UInt8>, _ blockStride: Int, _ blocks: Int, _ groups: Int, _ tables: UnsafePointer<UInt8>,
    _ sums: UnsafeMutablePointer<Int32>
) {
    for block in 0..<blocks {
        listCodeSumsOneByOne(codes + block &* blockStride, groups, tables, sums + 32 &* block)
    }
}

/// Where the processor cannot look up many bytes at once.
@inline(__always)
private func listCodeSumsOneByOne(
    _ codes: UnsafePointer<UInt8>, _ groups: Int, _ tables: UnsafePointer<UInt8>, _ sums: UnsafeMutablePointer<Int32>
) {
    for row in 0..<16 {
        var low: Int32 = 0, high: Int32 = 0
        var at = 0
        while at < 64 &* groups {
            let code = Int(codes[at &+ row])
            low = low &+ Int32(tables[at &+ (code & 15)])
            high = high &+ Int32(tables[at &+ code &>> 4])
            at = at &+ 16
        }
        sums[row] = low
        sums[row &+ 16] = high
    }
}

@inline(__always)
func listCodeSelect(
    _ sums: UnsafePointer<Int32>, _ offsets: UnsafePointer<Float>?, _ factors: UnsafePointer<Float>?, _ count: Int,
    _ scale: Float, _ shift: Float, _ base: Float, _ limit: Float, _ positions: UnsafeMutablePointer<UInt32>,
    _ values: UnsafeMutablePointer<Float>
) -> Int {
    var found = 0
    var i = 0
    while i < count {
        let offset = base + (offsets?[i] ?? 0)
        let value = offset + (factors?[i] ?? 1) * (scale * Float(sums[i]) + shift)
        if value <= limit {
            positions[found] = UInt32(truncatingIfNeeded: i)
            values[found] = value
            found = found &+ 1
        }
        i = i &+ 1
    }
    return found
}
