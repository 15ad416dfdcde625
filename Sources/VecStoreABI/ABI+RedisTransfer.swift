// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecCache
import VecCollection
import VecIndex

@_cdecl("vecstore_collection_import_redis")
public func vecstore_collection_import_redis(
    _ collection: OpaquePointer!, _ url: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_redis_import_options>!,
    _ result: UnsafeMutablePointer<vecstore_redis_import_result>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try importing(result) { (found) throws(VecStoreError) in
            try withCollection(collection) { (collection) throws(VecStoreError) in
                let (client, options) = try checkedImport(url, options)
                defer { client.close() }
                try RedisTransfer(client).importPoints(into: collection, options, &found)
            }
        }
    }
}

@_cdecl("vecstore_index_import_redis")
public func vecstore_index_import_redis(
    _ index: OpaquePointer!, _ url: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_redis_import_options>!,
    _ result: UnsafeMutablePointer<vecstore_redis_import_result>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try importing(result) { (found) throws(VecStoreError) in
            try withIndex(index) { (index) throws(VecStoreError) in
                let (client, options) = try checkedImport(url, options)
                defer { client.close() }
                try RedisTransfer(client).importRows(into: index, options, &found)
            }
        }
    }
}

@_cdecl("vecstore_collection_export_redis")
public func vecstore_collection_export_redis(
    _ collection: OpaquePointer!, _ url: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_redis_export_options>!,
    _ points: UnsafeMutablePointer<UInt64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            let (redis, options) = try checkedRedisExportOptions(options)
            let client = try RedisClient(checkedRedisURL(url), redis)
            defer { client.close() }
            let count = try RedisTransfer(client).exportPoints(of: collection, options)
            points?.pointee = UInt64(count)
        }
    }
}

private func checkedImport(
    _ url: UnsafePointer<CChar>?, _ options: UnsafePointer<vecstore_redis_import_options>?
) throws(VecStoreError) -> (RedisClient, RedisImportOptions) {
    let (redis, options) = try checkedRedisImportOptions(options)
    return (try RedisClient(checkedRedisURL(url), redis), options)
}

/// Fills in what an import has come to, after an error too.
private func importing(
    _ result: UnsafeMutablePointer<vecstore_redis_import_result>?, _ body: (inout RedisImportResult) throws(VecStoreError) -> Void
) throws(VecStoreError) {
    // The least that can be said of it, where nothing else comes.
    try write(RedisImportResult(), to: result)
    var found = RedisImportResult()
    let end: VecStoreError?
    do throws(VecStoreError) {
        try body(&found)
        end = nil
    } catch {
        end = error
    }
    try write(found, to: result)
    if let end { throw end }
}

private func write(
    _ found: RedisImportResult, to result: UnsafeMutablePointer<vecstore_redis_import_result>?
) throws(VecStoreError) {
    guard let result else { return }
    var filled = vecstore_redis_import_result()
    filled.points = UInt64(found.points)
    filled.skipped = UInt64(found.skipped)
    try write(filled, to: result, "vecstore_redis_import_result")
}
