// SPDX-License-Identifier: Apache-2.0

import CVecShims

// The cosine of rows whose norms nobody has kept: the product with the query and the sum of squares come from one pass
// over the row, each added in the order of `sumOne`.

@inline(__always) private var lanes: Int { Int(VS_LANES) }

/// Σ q·x and Σ x·x of one row.
@inline(__always)
func productAndSquares<R: FloatRows>(
    _: R.Type, _ query: UnsafeRawPointer, _ row: UnsafeRawPointer, _ dimension: Int
) -> (product: Float, squares: Float) {
    var product = RowSum(), squares = RowSum()
    var i = 0
    while i &+ 2 &* lanes <= dimension {
        let a = R.load(row + R.size &* i)
        let b = R.load(row + R.size &* (i &+ lanes))
        product.even = vs_multiply_add(vs_load_f32(query + 4 &* i), a, product.even)
        squares.even = vs_multiply_add(a, a, squares.even)
        product.odd = vs_multiply_add(vs_load_f32(query + 4 &* (i &+ lanes)), b, product.odd)
        squares.odd = vs_multiply_add(b, b, squares.odd)
        i = i &+ 2 &* lanes
    }
    if i &+ lanes <= dimension {
        let a = R.load(row + R.size &* i)
        product.even = vs_multiply_add(vs_load_f32(query + 4 &* i), a, product.even)
        squares.even = vs_multiply_add(a, a, squares.even)
        i = i &+ lanes
    }
    if i < dimension {
        let n = dimension &- i
        let a = R.loadPartial(row + R.size &* i, n)
        product.odd = vs_multiply_add(vs_load_f32_partial(query + 4 &* i, n), a, product.odd)
        squares.odd = vs_multiply_add(a, a, squares.odd)
    }
    return (product.total, squares.total)
}

@inline(__always)
func floatCosinePair<R: FloatRows>(
    _: R.Type, _ query: UnsafeRawPointer, _ row: UnsafeRawPointer, _ dimension: Int
) -> Float {
    let qq = sumOne(Float32Rows.self, Product.self, query, query, dimension)
    let s = productAndSquares(R.self, query, row, dimension)
    return cosineDistance(s.product, qq, s.squares)
}

@inline(__always)
func floatCosineRows<R: FloatRows>(
    _: R.Type, _ query: UnsafeRawPointer, _ rows: UnsafeRawPointer, _ stride: Int, _ count: Int,
    _ dimension: Int, _ out: UnsafeMutablePointer<Float>
) {
    let qq = sumOne(Float32Rows.self, Product.self, query, query, dimension)
    var row = rows
    for j in 0..<count {
        let s = productAndSquares(R.self, query, row, dimension)
        out[j] = cosineDistance(s.product, qq, s.squares)
        row += stride
    }
}

@inline(__always)
func floatCosineGather<R: FloatRows, P: RowPlaces>(
    _: R.Type, _ query: UnsafeRawPointer, _ places: P, _ count: Int, _ dimension: Int, _ out: UnsafeMutablePointer<Float>
) {
    let qq = sumOne(Float32Rows.self, Product.self, query, query, dimension)
    let size = R.size &* dimension
    for j in 0..<count {
        prefetchRow(places.row(j &+ 2 < count ? j &+ 2 : j), size)
        let s = productAndSquares(R.self, query, places.row(j), dimension)
        out[j] = cosineDistance(s.product, qq, s.squares)
    }
}

/// Brings every cache line of a row nearer.
@inline(__always)
func prefetchRow(_ row: UnsafeRawPointer, _ size: Int) {
    var i = 0
    while i < size {
        vs_prefetch(row + i)
        i = i &+ 64
    }
}

@inline(__always)
func floatSquaredNorms<R: FloatRows>(
    _: R.Type, _ rows: UnsafeRawPointer, _ stride: Int, _ count: Int, _ dimension: Int,
    _ out: UnsafeMutablePointer<Float>
) {
    var row = rows
    for j in 0..<count {
        // Both sides come from the row: the order of adding is that of the product.
        var sum = RowSum()
        var i = 0
        while i &+ 2 &* lanes <= dimension {
            let a = R.load(row + R.size &* i)
            let b = R.load(row + R.size &* (i &+ lanes))
            sum.even = vs_multiply_add(a, a, sum.even)
            sum.odd = vs_multiply_add(b, b, sum.odd)
            i = i &+ 2 &* lanes
        }
        if i &+ lanes <= dimension {
            let a = R.load(row + R.size &* i)
            sum.even = vs_multiply_add(a, a, sum.even)
            i = i &+ lanes
        }
        if i < dimension {
            let a = R.loadPartial(row + R.size &* i, dimension &- i)
            sum.odd = vs_multiply_add(a, a, sum.odd)
        }
        out[j] = sum.total
        row += stride
    }
}
