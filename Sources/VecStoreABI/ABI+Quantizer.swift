// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecIndex
import VecKernelTypes

private func withQuantizer<R>(
    _ handle: OpaquePointer?, _ body: (VectorQuantizer) throws(VecStoreError) -> R
) throws(VecStoreError) -> R {
    try HandleTable.shared.with(handle, .quantizer, as: VectorQuantizer.self) { (quantizer) throws(VecStoreError) in
        try body(quantizer)
    }
}

/// Vectors of a caller for a quantizer.
private func checkedVectors(
    _ vectors: UnsafeRawPointer?, _ dtype: vecstore_dtype, _ n: Int, _ quantizer: VectorQuantizer, _ name: String
) throws(VecStoreError) -> (pointer: UnsafeRawPointer, type: ElementType, count: Int) {
    let type = try checkedType(dtype)
    let count = try checkedCount(n, name == "queries" ? "nq" : "n")
    try checkedSize(count, max(type.rowSize(quantizer.dimension), 4 * quantizer.dimension), name)
    guard count <= Limits.rows else { throw VecStoreError(.tooLarge, "n is \(count): allowed is up to \(Limits.rows)") }
    return (try checked(vectors, name, count: count), type, count)
}

@_cdecl("vecstore_quantizer_create")
public func vecstore_quantizer_create(
    _ options: UnsafePointer<vecstore_quantizer_options>!, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        let o = try checkedOptions(try checked(options, "options"))
        result.pointee = try HandleTable.shared.make(
            VectorQuantizer(dimension: o.dimension, design: o.design), .quantizer)
    }
}

@_cdecl("vecstore_quantizer_free")
public func vecstore_quantizer_free(_ quantizer: OpaquePointer!) {
    HandleTable.shared.release(quantizer, .quantizer)
}

@_cdecl("vecstore_quantizer_train")
public func vecstore_quantizer_train(
    _ quantizer: OpaquePointer!, _ vectors: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ n: Int,
    _ options: UnsafePointer<vecstore_work_options>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withQuantizer(quantizer) { (quantizer) throws(VecStoreError) in
            let o = try checkedOptions(options)
            let rows = try checkedVectors(vectors, dtype, n, quantizer, "vectors")
            try quantizer.train(
                rows.pointer, type: rows.type, count: rows.count, threads: o.threads, progress: o.progress)
        }
    }
}

@_cdecl("vecstore_quantizer_is_trained")
public func vecstore_quantizer_is_trained(
    _ quantizer: OpaquePointer!, _ trained: UnsafeMutablePointer<Bool>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withQuantizer(quantizer) { (quantizer) throws(VecStoreError) in
            try checked(trained, "trained").pointee = quantizer.isTrained
        }
    }
}

@_cdecl("vecstore_quantizer_code_size")
public func vecstore_quantizer_code_size(
    _ quantizer: OpaquePointer!, _ size: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withQuantizer(quantizer) { (quantizer) throws(VecStoreError) in
            try checked(size, "size").pointee = quantizer.codeSize
        }
    }
}

@_cdecl("vecstore_quantizer_get_options")
public func vecstore_quantizer_get_options(
    _ quantizer: OpaquePointer!, _ options: UnsafeMutablePointer<vecstore_quantizer_options>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withQuantizer(quantizer) { (quantizer) throws(VecStoreError) in
            try write(optionsValue(quantizer), to: checked(options, "options"), "vecstore_quantizer_options")
        }
    }
}

private func optionsValue(_ quantizer: VectorQuantizer) -> vecstore_quantizer_options {
    var value = vecstore_quantizer_options()
    value.dim = UInt32(quantizer.dimension)
    switch quantizer.design {
    case .scalar(let design):
        value.kind = UInt32(VECSTORE_QUANTIZER_SCALAR)
        value.bits = UInt32(design.bits)
        value.uniform = design.isUniform ? 1 : 0
        value.quantile = design.quantile
    case .product(let design):
        value.kind = UInt32(VECSTORE_QUANTIZER_PRODUCT)
        value.bits = UInt32(design.bits)
        value.pq_m = UInt32(design.m)
        value.rotation = UInt32(design.isRotated ? VECSTORE_ROTATION_OPQ : VECSTORE_ROTATION_NONE)
        value.seed = design.seed
    case .binary(let design):
        value.kind = UInt32(VECSTORE_QUANTIZER_BINARY)
        value.bits = UInt32(design.bits)
        value.seed = design.seed
    }
    return value
}

@_cdecl("vecstore_quantizer_encode")
public func vecstore_quantizer_encode(
    _ quantizer: OpaquePointer!, _ vectors: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ n: Int, _ threads: UInt32,
    _ codes: UnsafeMutablePointer<UInt8>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withQuantizer(quantizer) { (quantizer) throws(VecStoreError) in
            let rows = try checkedVectors(vectors, dtype, n, quantizer, "vectors")
            try quantizer.encode(
                rows.pointer, type: rows.type, count: rows.count, checked(codes, "codes", count: rows.count),
                threads: checkedThreads(threads))
        }
    }
}

@_cdecl("vecstore_quantizer_decode")
public func vecstore_quantizer_decode(
    _ quantizer: OpaquePointer!, _ codes: UnsafePointer<UInt8>!, _ n: Int, _ threads: UInt32,
    _ vectors: UnsafeMutablePointer<Float>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withQuantizer(quantizer) { (quantizer) throws(VecStoreError) in
            let count = try checkedCount(n, "n")
            try checkedSize(count, max(4 * quantizer.dimension, quantizer.codeSize), "vectors")
            try quantizer.decode(
                checked(codes, "codes", count: count), count: count, checked(vectors, "vectors", count: count),
                threads: checkedThreads(threads))
        }
    }
}

@_cdecl("vecstore_quantizer_measure")
public func vecstore_quantizer_measure(
    _ quantizer: OpaquePointer!, _ vectors: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ n: Int, _ threads: UInt32,
    _ loss: UnsafeMutablePointer<vecstore_quantizer_loss>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withQuantizer(quantizer) { (quantizer) throws(VecStoreError) in
            let out = try checked(loss, "loss")
            try checkSize(
                Int(out.pointee.struct_size), MemoryLayout<vecstore_quantizer_loss>.size, "vecstore_quantizer_loss")
            let rows = try checkedVectors(vectors, dtype, n, quantizer, "vectors")
            let found = try quantizer.loss(
                rows.pointer, type: rows.type, count: rows.count, threads: checkedThreads(threads))
            var report = vecstore_quantizer_loss()
            report.mean_squared_error = found.meanSquaredError
            report.relative_error = found.relativeError
            try write(report, to: out, "vecstore_quantizer_loss")
        }
    }
}

@_cdecl("vecstore_quantizer_distances")
public func vecstore_quantizer_distances(
    _ quantizer: OpaquePointer!, _ queries: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ nq: Int,
    _ codes: UnsafePointer<UInt8>!, _ n: Int, _ metric: vecstore_metric, _ threads: UInt32,
    _ distances: UnsafeMutablePointer<Float>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withQuantizer(quantizer) { (quantizer) throws(VecStoreError) in
            let rows = try checkedVectors(queries, dtype, nq, quantizer, "queries")
            let count = try checkedCount(n, "n")
            try checkedSize(count, quantizer.codeSize, "codes")
            let cells = try checkedSize(rows.count, count, "distances")
            try checkedSize(cells, 4, "distances")
            try quantizer.distances(
                rows.pointer, type: rows.type, rows.count, checked(codes, "codes", count: count), count: count,
                metric: checkedMetric(metric), checked(distances, "distances", count: cells),
                threads: checkedThreads(threads))
        }
    }
}

@_cdecl("vecstore_quantizer_save")
public func vecstore_quantizer_save(
    _ quantizer: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_save_options>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withQuantizer(quantizer) { (quantizer) throws(VecStoreError) in
            try quantizer.save(to: checkedPath(path), sync: checkedOptions(options))
        }
    }
}

@_cdecl("vecstore_quantizer_open")
public func vecstore_quantizer_open(
    _ path: UnsafePointer<CChar>!, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        result.pointee = try HandleTable.shared.make(VectorQuantizer.open(checkedPath(path)), .quantizer)
    }
}
