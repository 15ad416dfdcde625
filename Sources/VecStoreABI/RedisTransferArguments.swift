// SPDX-License-Identifier: Apache-2.0

import CVecStore
import VecCache
import VecCollection
import VecIndex

// Checks of what callers pass about hashes in a Redis.

/// Where a Redis is: NULL stands for what the environment says.
func checkedRedisURL(_ url: UnsafePointer<CChar>?) throws(VecStoreError) -> RedisURL {
    if let text = try checkedURL(url) { return try RedisURL(text) }
    return try .fromEnvironment()
}

func checkedRedisImportOptions(
    _ options: UnsafePointer<vecstore_redis_import_options>?
) throws(VecStoreError) -> (RedisOptions, RedisImportOptions) {
    let o = try read(options, over: vecstore_redis_import_options(), "vecstore_redis_import_options")
    var result = RedisImportOptions()
    if o.batch_size != 0 { result.batchSize = Int(o.batch_size) }
    result.layout = try checkedLayout(o.prefix, o.vector_fields, o.n_vector_fields, o.blob_type, o.json_field)
    result.pattern = try checkedOptionalText(o.pattern, "pattern").map { Array($0.utf8) }
    result.payloadFields = try checkedFieldNames(o.payload_fields, o.n_payload_fields)
    guard let values = FieldValues(rawValue: o.values) else {
        throw VecStoreError(.invalidArgument, "values is \(o.values): allowed are 0 (text), 1 (numbers) and 2 (JSON)")
    }
    result.values = values
    result.skipsBad = try checkedFlag(o.skip_bad, "skip_bad")
    result.threads = try checkedThreads(o.threads)
    if let callback = o.progress {
        let payload = o.payload
        result.progress = { callback(UInt64($0), UInt64($1), payload) }
    }
    return (try checkedRedisOptions(o.redis), result)
}

func checkedRedisExportOptions(
    _ options: UnsafePointer<vecstore_redis_export_options>?
) throws(VecStoreError) -> (RedisOptions, RedisExportOptions) {
    let o = try read(options, over: vecstore_redis_export_options(), "vecstore_redis_export_options")
    var result = RedisExportOptions()
    result.layout = try checkedLayout(o.prefix, o.vector_fields, o.n_vector_fields, o.blob_type, o.json_field)
    result.filter = checkedJSON(o.filter)
    if let callback = o.progress {
        let payload = o.payload
        result.progress = { callback(UInt64($0), UInt64($1), payload) }
    }
    return (try checkedRedisOptions(o.redis), result)
}

private func checkedLayout(
    _ prefix: UnsafePointer<CChar>?, _ fields: UnsafePointer<vecstore_vector_field>?, _ n: Int, _ type: UInt32,
    _ jsonField: UnsafePointer<CChar>?
) throws(VecStoreError) -> HashLayout {
    var layout = HashLayout()
    layout.prefix = try checkedOptionalText(prefix, "prefix") ?? ""
    let count = try checkedCount(n, "n_vector_fields")
    guard count <= CollectionLimits.vectors else {
        throw VecStoreError(.invalidArgument, "n_vector_fields is \(count): allowed are up to \(CollectionLimits.vectors)")
    }
    let fields: UnsafePointer<vecstore_vector_field> = try checked(fields, "vector_fields", count: count)
    for i in 0..<count {
        layout.vectorFields.append(
            VectorField(
                try checkedText(fields[i].field, "vector_fields[\(i)].field"), vectorName: try checkedVectorName(fields[i].vector_name)))
    }
    if type != 0 {
        guard let type = BlobType(rawValue: type) else {
            throw VecStoreError(
                .invalidArgument, "blob_type is \(type): allowed are 0 and 1 (float32), 2 (float64), 3 (float16) and 4 (bfloat16)")
        }
        layout.type = type
    }
    layout.jsonField = try checkedOptionalText(jsonField, "json_field")
    return layout
}

/// - Returns: nil: all fields.
private func checkedFieldNames(
    _ names: UnsafePointer<UnsafePointer<CChar>?>?, _ n: Int
) throws(VecStoreError) -> [String]? {
    let count = try checkedCount(n, "n_payload_fields")
    guard let names else {
        guard count == 0 else { throw VecStoreError(.invalidArgument, "payload_fields is NULL, and n_payload_fields is \(count)") }
        return nil
    }
    guard count <= 65_536 else {
        throw VecStoreError(.invalidArgument, "n_payload_fields is \(count): allowed are up to 65536")
    }
    var result: [String] = []
    for i in 0..<count { result.append(try checkedText(names[i], "payload_fields[\(i)]")) }
    return result
}
