// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecIndex
import VecKernelTypes

/// Runs `body` with the index of a handle.
func withIndex<R>(
    _ handle: OpaquePointer?, _ body: (FlatIndex) throws(VecStoreError) -> R
) throws(VecStoreError) -> R {
    try HandleTable.shared.with(handle, .index, as: FlatIndex.self, body)
}

/// Vectors of a caller for an index: their type goes with it, and their size does not overflow.
func checkedVectors(
    _ vectors: UnsafeRawPointer?, _ dtype: vecstore_dtype, _ n: Int, _ index: FlatIndex, _ name: String
) throws(VecStoreError) -> (pointer: UnsafeRawPointer, type: ElementType, count: Int) {
    let type = try checkedType(dtype)
    let count = try checkedCount(n, "the number of \(name)")
    try checkedSize(count, max(type.rowSize(index.shape.dimension), 4 * index.shape.dimension), name)
    return (try checked(vectors, name, count: count), type, count)
}

@_cdecl("vecstore_index_create")
public func vecstore_index_create(
    _ options: UnsafePointer<vecstore_index_options>!, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        result.pointee = try HandleTable.shared.make(FlatIndex(checkedOptions(options)), .index)
    }
}

@_cdecl("vecstore_index_free")
public func vecstore_index_free(_ index: OpaquePointer!) {
    HandleTable.shared.release(index, .index)
}

@_cdecl("vecstore_index_add")
public func vecstore_index_add(
    _ index: OpaquePointer!, _ vectors: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ n: Int,
    _ ids: UnsafePointer<UInt64>!, _ options: UnsafePointer<vecstore_add_options>!,
    _ out_ids: UnsafeMutablePointer<UInt64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            let threads = try checkedOptions(options)
            let rows = try checkedVectors(vectors, dtype, n, index, "vectors")
            try index.add(
                rows.pointer, type: rows.type, count: rows.count, ids: ids, outIDs: out_ids, threads: threads)
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
            try checkedSize(count, max(type.rowSize(index.shape.dimension), 8), "vectors")
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
            let s = index.stats()
            var value = vecstore_index_stats()
            value.kind = vecstore_kind(VECSTORE_KIND_FLAT)
            value.dim = UInt32(index.shape.dimension)
            value.metric = index.shape.metric.rawValue
            value.dtype = index.shape.type.rawValue
            value.read_only = index.isReadOnly ? 1 : 0
            value.count = UInt64(s.count)
            value.removed_count = UInt64(s.removedCount)
            value.memory_bytes = UInt64(s.memoryBytes)
            value.mapped_bytes = UInt64(s.mappedBytes)
            value.next_id = s.nextID
            value.exact_codes = index.shape.keepsCodes ? 1 : 0
            try write(value, to: out, "vecstore_index_stats")
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
            FlatIndex.open(checkedPath(path), checkedOptions(options)), .index)
    }
}
