// SPDX-License-Identifier: Apache-2.0

import CVecShims

// Every sum has two registers of partial sums, for even and odd registers of input, whatever the number of rows taken
// side by side. So one row gives the same bits alone, in a block and in a gathered list.

@inline(__always) private var lanes: Int { Int(VS_LANES) }

/// Bytes between the rows at work and those prefetched. Four rows side by side are four streams, which the processor does
/// not foresee: without this, rows in memory come at a third of the speed.
@inline(__always) private var prefetchDistance: Int { 12 << 10 }

/// The two partial sums of one row.
struct RowSum {
    var even: vs_f32
    var odd: vs_f32

    @inline(__always) init() {
        even = vs_f32(repeating: 0)
        odd = even
    }

    @inline(__always) var total: Float { vs_sum(even + odd) }
}

/// Σ term(q, x) of one row.
@inline(__always)
func sumOne<R: FloatRows, T: FloatTerm>(
    _: R.Type, _: T.Type, _ query: UnsafeRawPointer, _ row: UnsafeRawPointer, _ dimension: Int
) -> Float {
    var sum = RowSum()
    var i = 0
    while i &+ 2 &* lanes <= dimension {
        sum.even = T.add(sum.even, vs_load_f32(query + 4 &* i), R.load(row + R.size &* i))
        sum.odd = T.add(
            sum.odd, vs_load_f32(query + 4 &* (i &+ lanes)), R.load(row + R.size &* (i &+ lanes)))
        i = i &+ 2 &* lanes
    }
    if i &+ lanes <= dimension {
        sum.even = T.add(sum.even, vs_load_f32(query + 4 &* i), R.load(row + R.size &* i))
        i = i &+ lanes
    }
    if i < dimension {
        let n = dimension &- i
        sum.odd = T.add(
            sum.odd, vs_load_f32_partial(query + 4 &* i, n), R.loadPartial(row + R.size &* i, n))
    }
    return sum.total
}

/// What to prefetch while four rows are summed up.
enum Prefetch {
    /// Four rows anywhere.
    case rows(UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer)
    /// As many bytes as the four rows have, from here on.
    case block(UnsafeRawPointer)

    /// Prefetches the part that belongs to bytes `offset` ..< `offset` + `count` of each row.
    @inline(__always)
    func issue(_ offset: Int, _ count: Int) {
        switch self {
        case .rows(let a, let b, let c, let d):
            var i = offset
            while i < offset &+ count {
                vs_prefetch(a + i)
                vs_prefetch(b + i)
                vs_prefetch(c + i)
                vs_prefetch(d + i)
                i = i &+ 64
            }
        case .block(let start):
            var i = 4 &* offset
            while i < 4 &* (offset &+ count) {
                vs_prefetch(start + i)
                i = i &+ 64
            }
        }
    }
}

/// Σ term(q, x) of four rows side by side: each register of the query is loaded once for all four.
@inline(__always)
func sumFour<R: FloatRows, T: FloatTerm>(
    _: R.Type, _: T.Type, _ query: UnsafeRawPointer,
    _ r0: UnsafeRawPointer, _ r1: UnsafeRawPointer, _ r2: UnsafeRawPointer, _ r3: UnsafeRawPointer,
    _ prefetch: Prefetch, _ dimension: Int
) -> (Float, Float, Float, Float) {
    var s0 = RowSum(), s1 = RowSum(), s2 = RowSum(), s3 = RowSum()
    var i = 0
    while i &+ 2 &* lanes <= dimension {
        let a = R.size &* i
        let b = R.size &* (i &+ lanes)
        prefetch.issue(a, 2 &* lanes &* R.size)
        let even = vs_load_f32(query + 4 &* i)
        s0.even = T.add(s0.even, even, R.load(r0 + a))
        s1.even = T.add(s1.even, even, R.load(r1 + a))
        s2.even = T.add(s2.even, even, R.load(r2 + a))
        s3.even = T.add(s3.even, even, R.load(r3 + a))
        let odd = vs_load_f32(query + 4 &* (i &+ lanes))
        s0.odd = T.add(s0.odd, odd, R.load(r0 + b))
        s1.odd = T.add(s1.odd, odd, R.load(r1 + b))
        s2.odd = T.add(s2.odd, odd, R.load(r2 + b))
        s3.odd = T.add(s3.odd, odd, R.load(r3 + b))
        i = i &+ 2 &* lanes
    }
    if i &+ lanes <= dimension {
        let a = R.size &* i
        let even = vs_load_f32(query + 4 &* i)
        s0.even = T.add(s0.even, even, R.load(r0 + a))
        s1.even = T.add(s1.even, even, R.load(r1 + a))
        s2.even = T.add(s2.even, even, R.load(r2 + a))
        s3.even = T.add(s3.even, even, R.load(r3 + a))
        i = i &+ lanes
    }
    if i < dimension {
        let n = dimension &- i
        let a = R.size &* i
        let odd = vs_load_f32_partial(query + 4 &* i, n)
        s0.odd = T.add(s0.odd, odd, R.loadPartial(r0 + a, n))
        s1.odd = T.add(s1.odd, odd, R.loadPartial(r1 + a, n))
        s2.odd = T.add(s2.odd, odd, R.loadPartial(r2 + a, n))
        s3.odd = T.add(s3.odd, odd, R.loadPartial(r3 + a, n))
    }
    return (s0.total, s1.total, s2.total, s3.total)
}

@inline(__always)
func floatPair<R: FloatRows, T: FloatTerm>(
    _: R.Type, _: T.Type, _ query: UnsafeRawPointer, _ row: UnsafeRawPointer, _ dimension: Int
) -> Float {
    T.distance(sumOne(R.self, T.self, query, row, dimension))
}

@inline(__always)
func floatRows<R: FloatRows, T: FloatTerm>(
    _: R.Type, _: T.Type, _ query: UnsafeRawPointer, _ rows: UnsafeRawPointer, _ stride: Int, _ count: Int,
    _ dimension: Int, _ out: UnsafeMutablePointer<Float>
) {
    var j = 0
    var row = rows
    while j &+ 4 <= count {
        let s = sumFour(
            R.self, T.self, query, row, row + stride, row + 2 &* stride, row + 3 &* stride,
            .block(row + (4 &* stride &+ prefetchDistance)), dimension)
        out[j] = T.distance(s.0)
        out[j &+ 1] = T.distance(s.1)
        out[j &+ 2] = T.distance(s.2)
        out[j &+ 3] = T.distance(s.3)
        j = j &+ 4
        row += 4 &* stride
    }
    while j < count {
        out[j] = T.distance(sumOne(R.self, T.self, query, row, dimension))
        j = j &+ 1
        row += stride
    }
}

@inline(__always)
func floatGather<R: FloatRows, T: FloatTerm>(
    _: R.Type, _: T.Type, _ query: UnsafeRawPointer, _ base: UnsafeRawPointer, _ stride: Int,
    _ positions: UnsafePointer<UInt32>, _ count: Int, _ dimension: Int, _ out: UnsafeMutablePointer<Float>
) {
    var j = 0
    while j &+ 4 <= count {
        // The last group prefetches itself again: no branch, no read past the list.
        let n = j &+ 8 <= count ? j &+ 4 : j
        let s = sumFour(
            R.self, T.self, query,
            base + stride &* Int(positions[j]), base + stride &* Int(positions[j &+ 1]),
            base + stride &* Int(positions[j &+ 2]), base + stride &* Int(positions[j &+ 3]),
            .rows(
                base + stride &* Int(positions[n]), base + stride &* Int(positions[n &+ 1]),
                base + stride &* Int(positions[n &+ 2]), base + stride &* Int(positions[n &+ 3])), dimension)
        out[j] = T.distance(s.0)
        out[j &+ 1] = T.distance(s.1)
        out[j &+ 2] = T.distance(s.2)
        out[j &+ 3] = T.distance(s.3)
        j = j &+ 4
    }
    while j < count {
        out[j] = T.distance(sumOne(R.self, T.self, query, base + stride &* Int(positions[j]), dimension))
        j = j &+ 1
    }
}
