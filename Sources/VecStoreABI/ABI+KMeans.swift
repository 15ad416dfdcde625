// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecIndex
import VecKernelTypes

/// Vectors to cluster.
private struct Rows {
    let vectors: UnsafeRawPointer
    let type: ElementType
    let count: Int
    let dimension: Int

    init(_ vectors: UnsafeRawPointer?, _ dtype: vecstore_dtype, _ n: Int, _ dim: Int) throws(VecStoreError) {
        dimension = try checkedDimension(dim)
        type = try checkedType(dtype)
        count = try checkedCount(n, "n")
        try checkedSize(count, max(type.rowSize(dimension), 4 * dimension), "vectors")
        self.vectors = try checked(vectors, "vectors", count: count)
    }
}

@_cdecl("vecstore_kmeans_train")
public func vecstore_kmeans_train(
    _ vectors: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ n: Int, _ dim: Int, _ k: Int,
    _ options: UnsafePointer<vecstore_kmeans_options>!, _ centroids: UnsafeMutablePointer<Float>!,
    _ assignments: UnsafeMutablePointer<UInt32>!, _ result: UnsafeMutablePointer<vecstore_kmeans_result>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let rows = try Rows(vectors, dtype, n, dim)
        let out = try checked(centroids, "centroids")
        let count = try checkedCount(k, "k")
        let o = try checkedOptions(options, k: count)
        if let result { try checkSize(Int(result.pointee.struct_size), MemoryLayout<vecstore_kmeans_result>.size, "vecstore_kmeans_result") }
        let isAssigned = assignments != nil || result != nil
        var kMeans = try KMeans(
            rows.vectors, rows.type, rows.count, dimension: rows.dimension, options: o.options, isAssigned: isAssigned,
            progress: o.progress)
        let found = try kMeans.train()
        var report = vecstore_kmeans_result()
        if isAssigned { report.objective = try kMeans.assign(found.table, assignments, nil) }
        try kMeans.finish()
        UnsafeMutableRawPointer(out).copyMemory(from: found.centroids.base, byteCount: 4 * count * rows.dimension)
        guard let result else { return }
        report.iterations = UInt32(clamping: found.iterations)
        report.converged = found.isConverged ? 1 : 0
        report.trained_count = UInt64(found.trainedCount)
        try write(report, to: result, "vecstore_kmeans_result")
    }
}

@_cdecl("vecstore_kmeans_assign")
public func vecstore_kmeans_assign(
    _ vectors: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ n: Int, _ dim: Int, _ centroids: UnsafePointer<Float>!,
    _ k: Int, _ metric: vecstore_metric, _ threads: UInt32, _ assignments: UnsafeMutablePointer<UInt32>!,
    _ distances: UnsafeMutablePointer<Float>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let rows = try Rows(vectors, dtype, n, dim)
        let count = try checkedCount(k, "k")
        try checkedSize(count, 4 * rows.dimension, "centroids")
        try KMeans.assign(
            rows.vectors, rows.type, rows.count, dimension: rows.dimension,
            centroids: checked(centroids, "centroids"), k: count, metric: checkedMetric(metric),
            threads: checkedThreads(threads), checked(assignments, "assignments", count: rows.count), distances)
    }
}
