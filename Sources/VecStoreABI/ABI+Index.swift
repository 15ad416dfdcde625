// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecIndex
import VecKernelTypes

/// What a handle of an index holds: a class of its own, because asking for a protocol takes its time.
final class IndexBox: Sendable {
    let index: any VectorIndex

    init(_ index: any VectorIndex) { self.index = index }
}

/// Runs `body` with the index of a handle.
func withIndex<R>(
    _ handle: OpaquePointer?, _ body: (any VectorIndex) throws(VecStoreError) -> R
) throws(VecStoreError) -> R {
    try HandleTable.shared.with(handle, .index, as: IndexBox.self) { (box) throws(VecStoreError) in try body(box.index) }
}

/// Vectors of a caller for an index: their type goes with it, and their size does not overflow.
func checkedVectors(
    _ vectors: UnsafeRawPointer?, _ dtype: vecstore_dtype, _ n: Int, _ index: any VectorIndex, _ name: String
) throws(VecStoreError) -> (pointer: UnsafeRawPointer, type: ElementType, count: Int) {
    let type = try checkedType(dtype)
    let count = try checkedCount(n, "the number of \(name)")
    try checkedSize(count, max(type.rowSize(index.dimension), 4 * index.dimension), name)
    return (try checked(vectors, name, count: count), type, count)
}

@_cdecl("vecstore_index_create")
public func vecstore_index_create(
    _ options: UnsafePointer<vecstore_index_options>!, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        result.pointee = try HandleTable.shared.make(IndexBox(makeIndex(options)), .index)
    }
}

@_cdecl("vecstore_index_free")
public func vecstore_index_free(_ index: OpaquePointer!) {
    HandleTable.shared.release(index, .index)
}

@_cdecl("vecstore_index_train")
public func vecstore_index_train(
    _ index: OpaquePointer!, _ vectors: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ n: Int,
    _ options: UnsafePointer<vecstore_work_options>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            let o = try checkedOptions(options)
            let rows = try checkedVectors(vectors, dtype, n, index, "vectors")
            try index.train(rows.pointer, type: rows.type, count: rows.count, threads: o.threads, progress: o.progress)
        }
    }
}

@_cdecl("vecstore_index_add")
public func vecstore_index_add(
    _ index: OpaquePointer!, _ vectors: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ n: Int,
    _ ids: UnsafePointer<UInt64>!, _ options: UnsafePointer<vecstore_work_options>!,
    _ out_ids: UnsafeMutablePointer<UInt64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            let o = try checkedOptions(options)
            let rows = try checkedVectors(vectors, dtype, n, index, "vectors")
            try index.add(
                rows.pointer, type: rows.type, count: rows.count, ids: ids, outIDs: out_ids, threads: o.threads,
                progress: o.progress)
        }
    }
}

@_cdecl("vecstore_index_update")
public func vecstore_index_update(
    _ index: OpaquePointer!, _ ids: UnsafePointer<UInt64>!, _ vectors: UnsafeRawPointer!, _ dtype: vecstore_dtype,
    _ n: Int
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            let rows = try checkedVectors(vectors, dtype, n, index, "vectors")
            try index.update(checked(ids, "ids", count: rows.count), rows.pointer, type: rows.type, count: rows.count)
        }
    }
}

@_cdecl("vecstore_index_remove")
public func vecstore_index_remove(
    _ index: OpaquePointer!, _ ids: UnsafePointer<UInt64>!, _ n: Int, _ removed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            let count = try checkedCount(n, "n")
            try checkedSize(count, 8, "ids")
            let done = try index.remove(checked(ids, "ids", count: count), count)
            removed?.pointee = done
        }
    }
}

@_cdecl("vecstore_index_compact")
public func vecstore_index_compact(_ index: OpaquePointer!) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in try index.compact() }
    }
}

@_cdecl("vecstore_index_optimize")
public func vecstore_index_optimize(
    _ index: OpaquePointer!, _ options: UnsafePointer<vecstore_work_options>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            let o = try checkedOptions(options)
            try index.optimize(threads: o.threads, progress: o.progress)
        }
    }
}

@_cdecl("vecstore_index_reserve")
public func vecstore_index_reserve(_ index: OpaquePointer!, _ rows: UInt64) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            guard rows <= UInt64(Limits.rows) else {
                throw VecStoreError(.tooLarge, "rows is \(rows): an index holds at most \(Limits.rows)")
            }
            try index.reserve(Int(rows))
        }
    }
}

@_cdecl("vecstore_index_contains")
public func vecstore_index_contains(
    _ index: OpaquePointer!, _ ids: UnsafePointer<UInt64>!, _ n: Int, _ found: UnsafeMutablePointer<UInt8>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            let count = try checkedCount(n, "n")
            try checkedSize(count, 8, "ids")
            index.contains(
                try checked(ids, "ids", count: count), count, try checked(found, "found", count: count))
        }
    }
}

@_cdecl("vecstore_index_get")
public func vecstore_index_get(
    _ index: OpaquePointer!, _ ids: UnsafePointer<UInt64>!, _ n: Int, _ dtype: vecstore_dtype,
    _ vectors: UnsafeMutableRawPointer!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            let count = try checkedCount(n, "n")
            let type = try checkedType(dtype)
            try checkedSize(count, max(type.rowSize(index.dimension), 8), "vectors")
            try index.get(
                checked(ids, "ids", count: count), count, as: type, checked(vectors, "vectors", count: count))
        }
    }
}

@_cdecl("vecstore_index_count")
public func vecstore_index_count(_ index: OpaquePointer!, _ count: UnsafeMutablePointer<UInt64>!) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            try checked(count, "count").pointee = UInt64(index.count)
        }
    }
}

@_cdecl("vecstore_index_ids")
public func vecstore_index_ids(
    _ index: OpaquePointer!, _ offset: UInt64, _ ids: UnsafeMutablePointer<UInt64>!, _ capacity: Int,
    _ written: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            let room = try checkedCount(capacity, "capacity")
            let out = try checked(ids, "ids", count: room)
            try checked(written, "written").pointee = index.ids(offset: offset, capacity: room, out)
        }
    }
}

@_cdecl("vecstore_index_get_stats")
public func vecstore_index_get_stats(
    _ index: OpaquePointer!, _ stats: UnsafeMutablePointer<vecstore_index_stats>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            let out = try checked(stats, "stats")
            try write(statsValue(index), to: out, "vecstore_index_stats", firstSize: vecstore_index_stats_first_size)
        }
    }
}

private func statsValue(_ index: any VectorIndex) -> vecstore_index_stats {
    let s = index.stats()
    var value = vecstore_index_stats()
    value.kind = index.kind.rawValue
    value.dim = UInt32(index.dimension)
    value.metric = index.metric.rawValue
    value.dtype = index.elementType.rawValue
    value.read_only = index.isReadOnly ? 1 : 0
    value.count = UInt64(s.count)
    value.removed_count = UInt64(s.removedCount)
    value.memory_bytes = UInt64(s.memoryBytes)
    value.mapped_bytes = UInt64(s.mappedBytes)
    value.next_id = s.nextID
    value.exact_codes = s.keepsExactCodes ? 1 : 0
    value.automatic = s.isAutomatic ? 1 : 0
    if let lists = s.lists {
        value.storage = lists.storage.rawValue
        value.exact_dtype = lists.exactType?.rawValue ?? 0
        value.nlist = UInt32(lists.nlist)
        value.assignments = UInt32(lists.assignments)
        value.trained_count = UInt64(lists.trainedCount)
        value.bytes_per_row = UInt32(lists.bytesPerRow)
        value.longest_list = UInt32(lists.longestList)
        value.imbalance = lists.imbalance
        value.default_nprobe = UInt32(IVFIndex.defaultProbes(lists.nlist))
    }
    if let calibration = s.graph?.calibration ?? s.lists?.calibration {
        value.calibrated_k = UInt32(calibration.k)
        value.calibrated_ef_search = UInt32(calibration.efSearch)
        value.calibrated_nprobe = UInt32(calibration.nprobe)
        value.calibrated_recall = calibration.recall
        value.calibrated_target = calibration.targetRecall
        value.calibrated_by_own_rows = calibration.usesOwnRows ? 1 : 0
    }
    guard let graph = s.graph else { return value }
    value.m = UInt32(graph.m)
    value.ef_construction = UInt32(graph.efConstruction)
    value.storage = graph.storage.rawValue
    value.exact_dtype = graph.exactType?.rawValue ?? 0
    value.code_loss = graph.codeLoss ?? -1
    value.sketched = graph.isSketched ? 1 : 0
    value.levels = UInt32(graph.levels)
    return value
}

@_cdecl("vecstore_index_explain")
public func vecstore_index_explain(
    _ index: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ size: Int, _ needed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            try copy(index.explain(), to: buffer, size, needed)
        }
    }
}

@_cdecl("vecstore_index_verify")
public func vecstore_index_verify(_ index: OpaquePointer!) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in try index.verify() }
    }
}

@_cdecl("vecstore_index_save")
public func vecstore_index_save(
    _ index: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_save_options>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            try index.save(to: checkedPath(path), sync: checkedOptions(options))
        }
    }
}

@_cdecl("vecstore_index_open")
public func vecstore_index_open(
    _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_open_options>!,
    _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        result.pointee = try HandleTable.shared.make(
            IndexBox(openIndex(checkedPath(path), checkedOptions(options))), .index)
    }
}
