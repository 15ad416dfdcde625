// SPDX-License-Identifier: Apache-2.0

import CVecShims

// One block at a time: two would share the loads of the tables, but that measures the same in caches, and half as fast where
// codes come from memory, which the processor then fetches from two places in turn.

@inline(__always) private var lanes: Int { Int(VS_LANES) }
@inline(__always) private var width: Int { Int(VS_BYTES) }
@inline(__always) private var blockRows: Int { 32 }
@inline(__always) private var groupBytes: Int { 64 }

/// The sums of 16 rows for one query.
private struct ChosenSum {
    var first = vs_zero_bytes()
    var second = vs_zero_bytes()

    @inline(__always) init() {}

    @inline(__always) mutating func add(_ chosen: vs_bytes) {
        first = vs_add_first(first, chosen)
        second = vs_add_second(second, chosen)
    }
}

/// The sums of a block for one query.
private struct BlockSum {
    var low = ChosenSum()
    var high = ChosenSum()

    @inline(__always) init() {}

    /// - Parameter codes: In order.
    @inline(__always) mutating func add(_ codes: vs_bytes, _ tables: UnsafePointer<UInt8>) {
        let t = vs_load_bytes(tables)
        low.add(vs_lookup(t, vs_low_codes(codes)))
        high.add(vs_lookup(t, vs_high_codes(codes)))
    }

    /// What earlier tables gave is there already unless this `isFirst`.
    @inline(__always) func store(_ sums: UnsafeMutablePointer<Int32>, isFirst: Bool) {
        vs_store_row_sums(sums, low.first, low.second, isFirst ? 0 : 1)
        vs_store_row_sums(sums + 16, high.first, high.second, isFirst ? 0 : 1)
    }
}

@inline(__always)
func listCodeSums(
    _ codes: UnsafePointer<UInt8>, _ blockStride: Int, _ blocks: Int, _ groups: Int, _ tables: UnsafePointer<UInt8>,
    _ sums: UnsafeMutablePointer<Int32>
) {
    let size = groupBytes &* groups, most = groupBytes &* vs_row_sum_groups()
    var block = codes
    var out = sums
    for _ in 0..<blocks {
        if vs_has_lookup() == 0 {
            listCodeSumsOneByOne(block, size, tables, out)
        } else {
            var from = 0
            while from < size {
                let to = size &- from < most ? size : from &+ most
                var sum = BlockSum()
                var at = from
                while at < to {
                    sum.add(vs_order_codes(vs_load_bytes(block + at)), tables + at)
                    at = at &+ width
                }
                sum.store(out, isFirst: from == 0)
                from = to
            }
        }
        block += blockStride
        out += blockRows
    }
}

@inline(__always)
func listCodeSums2(
    _ codes: UnsafePointer<UInt8>, _ blockStride: Int, _ blocks: Int, _ groups: Int, _ tablesA: UnsafePointer<UInt8>,
    _ tablesB: UnsafePointer<UInt8>, _ sumsA: UnsafeMutablePointer<Int32>, _ sumsB: UnsafeMutablePointer<Int32>
) {
    let size = groupBytes &* groups, most = groupBytes &* vs_row_sum_groups()
    var block = codes
    var outA = sumsA, outB = sumsB
    for _ in 0..<blocks {
        if vs_has_lookup() == 0 {
            listCodeSumsOneByOne(block, size, tablesA, outA)
            listCodeSumsOneByOne(block, size, tablesB, outB)
        } else {
            var from = 0
            while from < size {
                let to = size &- from < most ? size : from &+ most
                var a = BlockSum(), b = BlockSum()
                var at = from
                while at < to {
                    let ordered = vs_order_codes(vs_load_bytes(block + at))
                    a.add(ordered, tablesA + at)
                    b.add(ordered, tablesB + at)
                    at = at &+ width
                }
                a.store(outA, isFirst: from == 0)
                b.store(outB, isFirst: from == 0)
                from = to
            }
        }
        block += blockStride
        outA += blockRows
        outB += blockRows
    }
}

/// The sums of one block where the processor cannot look up many bytes at once.
@inline(__always)
private func listCodeSumsOneByOne(
    _ codes: UnsafePointer<UInt8>, _ size: Int, _ tables: UnsafePointer<UInt8>, _ sums: UnsafeMutablePointer<Int32>
) {
    for row in 0..<16 {
        var low: Int32 = 0, high: Int32 = 0
        var at = 0
        while at < size {
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
    _ sums: UnsafePointer<Int32>, _ offsets: UnsafePointer<Float>?, _ factors: UnsafePointer<Float>?, _ blockStride: Int,
    _ count: Int, _ scale: Float, _ shift: Float, _ base: Float, _ limit: Float, _ positions: UnsafeMutablePointer<UInt32>,
    _ values: UnsafeMutablePointer<Float>
) -> Int {
    let offsets = offsets.map { UnsafeRawPointer($0) }, factors = factors.map { UnsafeRawPointer($0) }
    @inline(__always)
    func value(_ sum: vs_i32, _ offset: vs_f32, _ factor: vs_f32) -> vs_f32 {
        let scaled = vs_multiply_add(vs_float_of(sum), vs_f32(repeating: scale), vs_f32(repeating: shift))
        return vs_multiply_add(scaled, factor, offset + base)
    }
    /// - Parameters:
    ///   - i: The first row.
    ///   - at: Where the columns have it, in bytes.
    @inline(__always)
    func value(_ i: Int, _ at: Int) -> vs_f32 {
        var offset = vs_f32(repeating: 0), factor = vs_f32(repeating: 1)
        if let offsets { offset = vs_load_f32((offsets + at).assumingMemoryBound(to: Float.self)) }
        if let factors { factor = vs_load_f32((factors + at).assumingMemoryBound(to: Float.self)) }
        return value(vs_load_i32(sums + i), offset, factor)
    }
    var found = 0
    /// Takes four registers: whether there is anything to write is guessed wrong once for all of them.
    @inline(__always)
    func take(_ i: Int, _ a: vs_f32, _ b: vs_f32, _ c: vs_f32, _ d: vs_f32) {
        let maskA = vs_mask_at_most(a, limit), maskB = vs_mask_at_most(b, limit)
        let maskC = vs_mask_at_most(c, limit), maskD = vs_mask_at_most(d, limit)
        if maskA | maskB | maskC | maskD == 0 { return }
        found = vs_keep(positions, values, found, a, i, maskA)
        found = vs_keep(positions, values, found, b, i &+ lanes, maskB)
        found = vs_keep(positions, values, found, c, i &+ 2 &* lanes, maskC)
        found = vs_keep(positions, values, found, d, i &+ 3 &* lanes, maskD)
    }
    /// A register of the block that begins with row i, or of the one behind it.
    @inline(__always)
    func value(_ i: Int, _ at: Int, _ register: Int) -> vs_f32 {
        let row = register &* lanes
        if row < blockRows { return value(i &+ row, at &+ 4 &* row) }
        return value(i &+ row, at &+ blockStride &+ 4 &* (row &- blockRows))
    }
    let rows = 4 &* lanes > blockRows ? 4 &* lanes : blockRows
    var i = 0, at = 0
    // One block, or two where a register has half of one.
    while i &+ rows <= count {
        take(i, value(i, at, 0), value(i, at, 1), value(i, at, 2), value(i, at, 3))
        if 4 &* lanes < blockRows {
            take(i &+ 4 &* lanes, value(i, at, 4), value(i, at, 5), value(i, at, 6), value(i, at, 7))
        }
        i = i &+ rows
        at = at &+ (rows > blockRows ? 2 &* blockStride : blockStride)
    }
    while i &+ lanes <= count {
        let a = value(i, at)
        found = vs_keep(positions, values, found, a, i, vs_mask_at_most(a, limit))
        i = i &+ lanes
        at = i & (blockRows &- 1) == 0 ? at &+ 4 &* lanes &- 4 &* blockRows &+ blockStride : at &+ 4 &* lanes
    }
    if i < count {
        let n = count &- i
        var offset = vs_f32(repeating: 0), factor = vs_f32(repeating: 1)
        if let offsets { offset = vs_load_f32_partial((offsets + at).assumingMemoryBound(to: Float.self), n) }
        if let factors { factor = vs_load_f32_partial((factors + at).assumingMemoryBound(to: Float.self), n) }
        let a = value(vs_load_i32_partial(sums + i, n), offset, factor)
        let inside = (UInt32(1) &<< UInt32(truncatingIfNeeded: n)) &- 1
        found = vs_keep(positions, values, found, a, i, vs_mask_at_most(a, limit) & inside)
    }
    return found
}
