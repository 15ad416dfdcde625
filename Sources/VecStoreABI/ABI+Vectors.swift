// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecIndex
import VecKernelTypes
import VecKernels

@_cdecl("vecstore_row_size")
public func vecstore_row_size(_ dtype: vecstore_dtype, _ dim: Int) -> Int {
    guard let type = ElementType(rawValue: dtype), dim >= 1, dim <= Limits.dimension else { return 0 }
    return type.rowSize(dim)
}

@_cdecl("vecstore_is_supported")
public func vecstore_is_supported(_ metric: vecstore_metric, _ dtype: vecstore_dtype) -> Bool {
    guard let metric = Metric(rawValue: metric), let type = ElementType(rawValue: dtype) else { return false }
    return metric.supports(type)
}

@_cdecl("vecstore_distance")
public func vecstore_distance(
    _ a: UnsafeRawPointer!, _ b: UnsafeRawPointer!, _ dim: Int, _ metric: vecstore_metric, _ dtype: vecstore_dtype,
    _ distance: UnsafeMutablePointer<Float>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let first = try checked(a, "a"), second = try checked(b, "b")
        let out = try checked(distance, "distance")
        out.pointee = try VectorFunctions.distance(
            first, second, dimension: checkedDimension(dim), metric: checkedMetric(metric), type: checkedType(dtype))
    }
}

/// Two blocks of vectors of one type.
private struct Blocks {
    let queries: UnsafeRawPointer
    let nq: Int
    let base: UnsafeRawPointer
    let n: Int
    let dimension: Int
    let metric: Metric
    let type: ElementType

    init(
        _ queries: UnsafeRawPointer?, _ nq: Int, _ base: UnsafeRawPointer?, _ n: Int, _ dim: Int,
        _ metric: vecstore_metric, _ dtype: vecstore_dtype
    ) throws(VecStoreError) {
        dimension = try checkedDimension(dim)
        self.metric = try checkedMetric(metric)
        type = try checkedType(dtype)
        self.nq = try checkedCount(nq, "nq")
        self.n = try checkedCount(n, "n")
        try checkedSize(nq, max(type.rowSize(dimension), 4 * dimension), "queries")
        try checkedSize(n, type.rowSize(dimension), "base")
        self.queries = try checked(queries, "queries", count: nq)
        self.base = try checked(base, "base", count: n)
        guard n <= Limits.rows else {
            throw VecStoreError(.tooLarge, "n is \(n): allowed is 0 to \(Limits.rows)")
        }
    }
}

@_cdecl("vecstore_pairwise")
public func vecstore_pairwise(
    _ queries: UnsafeRawPointer!, _ nq: Int, _ base: UnsafeRawPointer!, _ n: Int, _ dim: Int,
    _ metric: vecstore_metric, _ dtype: vecstore_dtype, _ threads: UInt32, _ distances: UnsafeMutablePointer<Float>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let blocks = try Blocks(queries, nq, base, n, dim, metric, dtype)
        let cells = try checkedSize(nq, n, "distances")
        try checkedSize(cells, 4, "distances")
        try BlockKNN.distances(
            blocks.queries, blocks.nq, blocks.base, blocks.n, dimension: blocks.dimension, metric: blocks.metric,
            type: blocks.type, threads: checkedThreads(threads), checked(distances, "distances", count: cells))
    }
}

@_cdecl("vecstore_knn")
public func vecstore_knn(
    _ queries: UnsafeRawPointer!, _ nq: Int, _ base: UnsafeRawPointer!, _ n: Int, _ dim: Int,
    _ metric: vecstore_metric, _ dtype: vecstore_dtype, _ k: Int, _ options: UnsafePointer<vecstore_search_options>!,
    _ ids: UnsafeMutablePointer<UInt64>!, _ distances: UnsafeMutablePointer<Float>!,
    _ counts: UnsafeMutablePointer<UInt64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let blocks = try Blocks(queries, nq, base, n, dim, metric, dtype)
        let o = try checkedOptions(options)
        let output = try checkedOutput(blocks.nq, k, ids, distances, counts)
        try BlockKNN.nearest(
            blocks.queries, blocks.nq, blocks.base, blocks.n, dimension: blocks.dimension, metric: blocks.metric,
            type: blocks.type, k: checkedK(k), filter: o.filter, threads: o.threads, output)
    }
}

/// Where nq × k results go.
func checkedOutput(
    _ nq: Int, _ k: Int, _ ids: UnsafeMutablePointer<UInt64>?, _ distances: UnsafeMutablePointer<Float>?,
    _ counts: UnsafeMutablePointer<UInt64>?
) throws(VecStoreError) -> SearchOutput {
    let cells = try checkedSize(nq, checkedK(k), "results")
    try checkedSize(cells, 8, "results")
    return SearchOutput(
        ids: try checked(ids, "ids", count: cells), distances: try checked(distances, "distances", count: cells),
        counts: counts)
}

@_cdecl("vecstore_norms")
public func vecstore_norms(
    _ vectors: UnsafeRawPointer!, _ n: Int, _ dim: Int, _ dtype: vecstore_dtype, _ norms: UnsafeMutablePointer<Float>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let dimension = try checkedDimension(dim), type = try checkedType(dtype)
        let count = try checkedCount(n, "n")
        try checkedSize(count, type.rowSize(dimension) + 4, "vectors")
        try VectorFunctions.norms(
            checked(vectors, "vectors", count: count), count: count, dimension: dimension, type: type,
            checked(norms, "norms", count: count))
    }
}

@_cdecl("vecstore_normalize")
public func vecstore_normalize(
    _ vectors: UnsafeMutableRawPointer!, _ n: Int, _ dim: Int, _ dtype: vecstore_dtype
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let dimension = try checkedDimension(dim), type = try checkedType(dtype)
        let count = try checkedCount(n, "n")
        try checkedSize(count, type.rowSize(dimension), "vectors")
        try VectorFunctions.normalize(
            checked(vectors, "vectors", count: count), count: count, dimension: dimension, type: type)
    }
}

@_cdecl("vecstore_convert")
public func vecstore_convert(
    _ source: UnsafeRawPointer!, _ source_dtype: vecstore_dtype, _ target: UnsafeMutableRawPointer!,
    _ target_dtype: vecstore_dtype, _ count: Int
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let from = try checkedType(source_dtype), to = try checkedType(target_dtype)
        let elements = try checkedCount(count, "count")
        try checkedSize(elements, 4, "target")
        if elements == 0 { return }
        try convertElements(
            checked(source, "source"), from, checked(target, "target"), to, elements, KernelTable.current)
    }
}
