// SPDX-License-Identifier: Apache-2.0

import CVecShims

@inline(__always) private var width: Int { Int(VS_BYTES) }

/// Σ term(q, x) over the bytes of one row.
@inline(__always)
func byteSum<T: ByteTerm>(
    _: T.Type, _ query: UnsafeRawPointer, _ row: UnsafeRawPointer, _ size: Int
) -> UInt32 {
    var sum = vs_i32(repeating: 0)
    var i = 0
    while i &+ width <= size {
        sum = T.add(sum, vs_load_bytes(query + i), vs_load_bytes(row + i))
        i = i &+ width
    }
    if i < size {
        sum = T.add(sum, vs_load_bytes_partial(query + i, size &- i), vs_load_bytes_partial(row + i, size &- i))
    }
    return vs_sum_i32(sum)
}

/// Σ term(q, x) of four rows side by side. The rows `next` are prefetched, line by line as the work goes on.
@inline(__always)
func byteSumFour<T: ByteTerm>(
    _: T.Type, _ query: UnsafeRawPointer,
    _ r0: UnsafeRawPointer, _ r1: UnsafeRawPointer, _ r2: UnsafeRawPointer, _ r3: UnsafeRawPointer,
    next: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer), _ size: Int
) -> (UInt32, UInt32, UInt32, UInt32) {
    var s0 = vs_i32(repeating: 0)
    var s1 = s0, s2 = s0, s3 = s0
    var i = 0
    while i &+ width <= size {
        vs_prefetch(next.0 + i)
        vs_prefetch(next.1 + i)
        vs_prefetch(next.2 + i)
        vs_prefetch(next.3 + i)
        let q = vs_load_bytes(query + i)
        s0 = T.add(s0, q, vs_load_bytes(r0 + i))
        s1 = T.add(s1, q, vs_load_bytes(r1 + i))
        s2 = T.add(s2, q, vs_load_bytes(r2 + i))
        s3 = T.add(s3, q, vs_load_bytes(r3 + i))
        i = i &+ width
    }
    if i < size {
        let n = size &- i
        let q = vs_load_bytes_partial(query + i, n)
        s0 = T.add(s0, q, vs_load_bytes_partial(r0 + i, n))
        s1 = T.add(s1, q, vs_load_bytes_partial(r1 + i, n))
        s2 = T.add(s2, q, vs_load_bytes_partial(r2 + i, n))
        s3 = T.add(s3, q, vs_load_bytes_partial(r3 + i, n))
    }
    return (vs_sum_i32(s0), vs_sum_i32(s1), vs_sum_i32(s2), vs_sum_i32(s3))
}

@inline(__always)
private func finish<T: ByteTerm>(_: T.Type, _ sum: UInt32, _ excess: Int32) -> Float {
    T.distance(sum &- UInt32(bitPattern: excess))
}

@inline(__always)
func bytePair<T: ByteTerm>(
    _: T.Type, _ query: UnsafeRawPointer, _ row: UnsafeRawPointer, _ size: Int
) -> Float {
    finish(T.self, byteSum(T.self, query, row, size), T.excess(query, size))
}

@inline(__always)
func byteRows<T: ByteTerm>(
    _: T.Type, _ query: UnsafeRawPointer, _ rows: UnsafeRawPointer, _ stride: Int, _ count: Int, _ size: Int,
    _ out: UnsafeMutablePointer<Float>
) {
    // One row after the other, as for floats: memory is read in order.
    let excess = T.excess(query, size)
    var row = rows
    for j in 0..<count {
        out[j] = finish(T.self, byteSum(T.self, query, row, size), excess)
        row += stride
    }
}

@inline(__always)
func byteGather<T: ByteTerm, P: RowPlaces>(
    _: T.Type, _ query: UnsafeRawPointer, _ places: P, _ count: Int, _ size: Int, _ out: UnsafeMutablePointer<Float>
) {
    let excess = T.excess(query, size)
    var j = 0
    while j &+ 4 <= count {
        let n = j &+ 8 <= count ? j &+ 4 : j
        let s = byteSumFour(
            T.self, query,
            places.row(j), places.row(j &+ 1),
            places.row(j &+ 2), places.row(j &+ 3),
            next: (
                places.row(n), places.row(n &+ 1),
                places.row(n &+ 2), places.row(n &+ 3)
            ), size)
        out[j] = finish(T.self, s.0, excess)
        out[j &+ 1] = finish(T.self, s.1, excess)
        out[j &+ 2] = finish(T.self, s.2, excess)
        out[j &+ 3] = finish(T.self, s.3, excess)
        j = j &+ 4
    }
    while j < count {
        out[j] = finish(T.self, byteSum(T.self, query, places.row(j), size), excess)
        j = j &+ 1
    }
}

/// Both sums of one row in one pass.
@inline(__always)
private func byteRatio<M: ByteRatio>(
    _: M.Type, _ query: UnsafeRawPointer, _ row: UnsafeRawPointer, _ size: Int, _ excess: Int32, _ ofQuery: Float
) -> Float {
    var first = vs_i32(repeating: 0)
    var second = first
    var i = 0
    while i &+ width <= size {
        let q = vs_load_bytes(query + i), x = vs_load_bytes(row + i)
        first = M.First.add(first, q, x)
        second = M.Second.add(second, q, x)
        i = i &+ width
    }
    if i < size {
        let q = vs_load_bytes_partial(query + i, size &- i), x = vs_load_bytes_partial(row + i, size &- i)
        first = M.First.add(first, q, x)
        second = M.Second.add(second, q, x)
    }
    return M.distance(vs_sum_i32(first) &- UInt32(bitPattern: excess), vs_sum_i32(second), ofQuery)
}

@inline(__always)
func byteRatioPair<M: ByteRatio>(
    _: M.Type, _ query: UnsafeRawPointer, _ row: UnsafeRawPointer, _ size: Int
) -> Float {
    byteRatio(M.self, query, row, size, M.First.excess(query, size), M.ofQuery(query, size))
}

@inline(__always)
func byteRatioRows<M: ByteRatio>(
    _: M.Type, _ query: UnsafeRawPointer, _ rows: UnsafeRawPointer, _ stride: Int, _ count: Int, _ size: Int,
    _ out: UnsafeMutablePointer<Float>
) {
    let excess = M.First.excess(query, size), ofQuery = M.ofQuery(query, size)
    var row = rows
    for j in 0..<count {
        out[j] = byteRatio(M.self, query, row, size, excess, ofQuery)
        row += stride
    }
}

@inline(__always)
func byteRatioGather<M: ByteRatio, P: RowPlaces>(
    _: M.Type, _ query: UnsafeRawPointer, _ places: P, _ count: Int, _ size: Int, _ out: UnsafeMutablePointer<Float>
) {
    let excess = M.First.excess(query, size), ofQuery = M.ofQuery(query, size)
    for j in 0..<count {
        prefetchRow(places.row(j &+ 2 < count ? j &+ 2 : j), size)
        out[j] = byteRatio(M.self, query, places.row(j), size, excess, ofQuery)
    }
}

@inline(__always)
func byteSquaredNorms<T: ByteTerm>(
    _: T.Type, _ rows: UnsafeRawPointer, _ stride: Int, _ count: Int, _ size: Int, _ out: UnsafeMutablePointer<Float>
) {
    var row = rows
    for j in 0..<count {
        out[j] = byteSum(T.self, row, row, size).asFloat
        row += stride
    }
}
