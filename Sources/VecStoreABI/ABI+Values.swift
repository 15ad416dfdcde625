// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecCache
import VecCollection
import VecIndex

@_cdecl("vecstore_value_cache_open")
public func vecstore_value_cache_open(
    _ url: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_value_cache_options>!,
    _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        let cache = try ValueCache.open(checkedURL(url), checkedValueCacheOptions(options))
        result.pointee = try HandleTable.shared.make(cache, .valueCache)
    }
}

@_cdecl("vecstore_value_cache_close")
public func vecstore_value_cache_close(_ cache: OpaquePointer!) -> vecstore_status {
    status { () throws(VecStoreError) in
        guard let cache else { return }
        defer { HandleTable.shared.release(cache, .valueCache) }
        try withValueCache(cache) { (cache) throws(VecStoreError) in try cache.close() }
    }
}

// MARK: - Values

@_cdecl("vecstore_value_cache_set")
public func vecstore_value_cache_set(
    _ cache: OpaquePointer!, _ keys: UnsafePointer<UnsafeRawPointer?>!, _ key_sizes: UnsafePointer<Int>!,
    _ values: UnsafePointer<UnsafeRawPointer?>!, _ value_sizes: UnsafePointer<Int>!, _ n: Int, _ ttl: Int64
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withValueCache(cache) { (cache) throws(VecStoreError) in
            let keys = try checkedPieces(keys, key_sizes, n, "key", most: ValueLimits.keyBytes)
            let values = try checkedPieces(values, value_sizes, n, "value", most: ValueLimits.valueBytes)
            try cache.set(Array(zip(keys, values)), ttl: checkedTTL(ttl))
        }
    }
}

@_cdecl("vecstore_value_cache_get")
public func vecstore_value_cache_get(
    _ cache: OpaquePointer!, _ keys: UnsafePointer<UnsafeRawPointer?>!, _ key_sizes: UnsafePointer<Int>!, _ n: Int,
    _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        let found = try withValueCache(cache) { (cache) throws(VecStoreError) in
            try cache.get(checkedPieces(keys, key_sizes, n, "key", most: ValueLimits.keyBytes))
        }
        result.pointee = try HandleTable.shared.make(ValuesBox(found), .values)
    }
}

@_cdecl("vecstore_values_get")
public func vecstore_values_get(
    _ values: OpaquePointer!, _ view: UnsafeMutablePointer<vecstore_values_view>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let out = try checked(view, "view")
        try HandleTable.shared.with(values, .values, as: ValuesBox.self) { (values) throws(VecStoreError) in
            try write(values.view, to: out, "vecstore_values_view")
        }
    }
}

@_cdecl("vecstore_values_free")
public func vecstore_values_free(_ values: OpaquePointer!) {
    HandleTable.shared.release(values, .values)
}

@_cdecl("vecstore_value_cache_delete")
public func vecstore_value_cache_delete(
    _ cache: OpaquePointer!, _ keys: UnsafePointer<UnsafeRawPointer?>!, _ key_sizes: UnsafePointer<Int>!, _ n: Int,
    _ deleted: UnsafeMutablePointer<UInt64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let done = try withValueCache(cache) { (cache) throws(VecStoreError) in
            try cache.delete(checkedPieces(keys, key_sizes, n, "key", most: ValueLimits.keyBytes))
        }
        deleted?.pointee = UInt64(done)
    }
}

@_cdecl("vecstore_value_cache_clear")
public func vecstore_value_cache_clear(_ cache: OpaquePointer!, _ deleted: UnsafeMutablePointer<UInt64>!) -> vecstore_status {
    status { () throws(VecStoreError) in
        let done = try withValueCache(cache) { (cache) throws(VecStoreError) in try cache.clear() }
        deleted?.pointee = UInt64(clamping: done)
    }
}

// MARK: - State

@_cdecl("vecstore_value_cache_get_stats")
public func vecstore_value_cache_get_stats(
    _ cache: OpaquePointer!, _ stats: UnsafeMutablePointer<vecstore_value_cache_stats>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let out = try checked(stats, "stats")
        let stats = try withValueCache(cache) { (cache) throws(VecStoreError) in try cache.stats() }
        var value = vecstore_value_cache_stats()
        value.entries = UInt64(clamping: stats.entries)
        value.bytes = UInt64(clamping: stats.bytes)
        value.hits = UInt64(clamping: stats.hits)
        value.local_hits = UInt64(clamping: stats.localHits)
        value.misses = UInt64(clamping: stats.misses)
        value.unanswered = UInt64(clamping: stats.unanswered)
        value.sets = UInt64(clamping: stats.sets)
        value.dropped = UInt64(clamping: stats.dropped)
        value.deletes = UInt64(clamping: stats.deletes)
        value.evictions = UInt64(clamping: stats.evictions)
        value.expired = UInt64(clamping: stats.expired)
        value.store_errors = UInt64(clamping: stats.storeErrors)
        value.last_error = stats.lastError?.time ?? 0
        try write(value, to: out, "vecstore_value_cache_stats")
    }
}

@_cdecl("vecstore_value_caches_metrics")
public func vecstore_value_caches_metrics(
    _ caches: UnsafePointer<OpaquePointer?>!, _ n: Int, _ buffer: UnsafeMutablePointer<CChar>!, _ size: Int,
    _ needed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let count = try checkedCount(n, "n")
        let handles: UnsafePointer<OpaquePointer?> = try checked(caches, "caches", count: count)
        var all: [ValueCache] = []
        for i in 0..<count { all.append(try withValueCache(handles[i]) { $0 }) }
        try copy(ValueMetrics.text(all), to: buffer, size, needed)
    }
}

@_cdecl("vecstore_value_cache_health")
public func vecstore_value_cache_health(
    _ cache: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ size: Int, _ needed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withValueCache(cache) { (cache) throws(VecStoreError) in try copy(cache.health().text, to: buffer, size, needed) }
    }
}
