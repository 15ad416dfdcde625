// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecCache
import VecCollection
import VecIndex

@_cdecl("vecstore_cache_open")
public func vecstore_cache_open(
    _ url: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_cache_options>!,
    _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        let cache = try SemanticCache.open(checkedURL(url), checkedCacheOptions(options))
        result.pointee = try HandleTable.shared.make(cache, .cache)
    }
}

@_cdecl("vecstore_cache_close")
public func vecstore_cache_close(_ cache: OpaquePointer!) -> vecstore_status {
    status { () throws(VecStoreError) in
        guard let cache else { return }
        defer { HandleTable.shared.release(cache, .cache) }
        try withCache(cache) { (cache) throws(VecStoreError) in try cache.close() }
    }
}

// MARK: - Writing

@_cdecl("vecstore_cache_set")
public func vecstore_cache_set(
    _ cache: OpaquePointer!, _ entries: UnsafePointer<vecstore_cache_entry>!, _ n: Int, _ ids: UnsafeMutablePointer<CChar>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let set = try withCache(cache) { (cache) throws(VecStoreError) in
            try cache.setMany(checkedEntries(entries, n, cache))
        }
        guard var target = ids else { return }
        for id in set {
            for digit in id.text.utf8 {
                target.pointee = CChar(bitPattern: digit)
                target += 1
            }
            target.pointee = 0
            target += 1
        }
    }
}

@_cdecl("vecstore_cache_delete")
public func vecstore_cache_delete(
    _ cache: OpaquePointer!, _ ids: UnsafePointer<UnsafePointer<CChar>?>!, _ n: Int, _ deleted: UnsafeMutablePointer<UInt64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let count = try checkedCount(n, "n")
        guard count <= CacheLimits.batch else {
            throw VecStoreError(.tooLarge, "n is \(count): a call deletes up to \(CacheLimits.batch) entries")
        }
        let texts: UnsafePointer<UnsafePointer<CChar>?> = try checked(ids, "ids", count: count)
        var all: [EntryID] = []
        for i in 0..<count { all.append(try checkedEntryID(texts[i], "ids[\(i)]")) }
        let done = try withCache(cache) { (cache) throws(VecStoreError) in try cache.delete(all) }
        deleted?.pointee = UInt64(done)
    }
}

@_cdecl("vecstore_cache_delete_where")
public func vecstore_cache_delete_where(
    _ cache: OpaquePointer!, _ filter: UnsafePointer<CChar>!, _ dry_run: UInt32, _ deleted: UnsafeMutablePointer<UInt64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        guard let filter = checkedJSON(filter) else { throw VecStoreError(.invalidArgument, "filter is NULL") }
        let isDryRun = try checkedFlag(dry_run, "dry_run")
        let done = try withCache(cache) { (cache) throws(VecStoreError) in try cache.delete(where: filter, isDryRun: isDryRun) }
        deleted?.pointee = UInt64(done)
    }
}

@_cdecl("vecstore_cache_clear")
public func vecstore_cache_clear(_ cache: OpaquePointer!, _ deleted: UnsafeMutablePointer<UInt64>!) -> vecstore_status {
    status { () throws(VecStoreError) in
        let done = try withCache(cache) { (cache) throws(VecStoreError) in try cache.clear() }
        deleted?.pointee = UInt64(done)
    }
}

@_cdecl("vecstore_cache_feedback")
public func vecstore_cache_feedback(
    _ cache: OpaquePointer!, _ id: UnsafePointer<CChar>!, _ vector: UnsafePointer<Float>!, _ wrong: UInt32
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let entry = try checkedEntryID(id, "id")
        let isWrong = try checkedFlag(wrong, "wrong")
        let isThere = try withCache(cache) { (cache) throws(VecStoreError) in
            try cache.feedback(entry, vector: checkedVector(vector, cache), isWrong: isWrong)
        }
        guard isThere else { throw VecStoreError(.notFound, "there is no entry \(entry)") }
    }
}

@_cdecl("vecstore_cache_flush")
public func vecstore_cache_flush(_ cache: OpaquePointer!, _ timeout: UInt32) -> vecstore_status {
    status { () throws(VecStoreError) in
        let isDone = try withCache(cache) { (cache) throws(VecStoreError) in try cache.flush(milliseconds: Int(timeout)) }
        guard isDone else { throw VecStoreError(.unavailable, "after \(timeout) ms some changes still wait to be written") }
    }
}

@_cdecl("vecstore_cache_optimize")
public func vecstore_cache_optimize(_ cache: OpaquePointer!) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCache(cache) { (cache) throws(VecStoreError) in try cache.settle() }
    }
}

// MARK: - Lookups

@_cdecl("vecstore_cache_get")
public func vecstore_cache_get(
    _ cache: OpaquePointer!, _ query: UnsafePointer<vecstore_cache_query>!, _ hits: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(hits, "hits")
        result.pointee = nil
        let (q, query) = try checkedCacheQuery(query)
        let found = try withCache(cache) { (cache) throws(VecStoreError) in
            try cache.find(
                prompt: checkedBytes(q.prompt, q.prompt_size, "prompt"), vector: checkedVector(q.vector, cache), query)
        }
        // A miss costs no handle.
        if found.isEmpty { return }
        result.pointee = try HandleTable.shared.make(CacheHitsBox(found), .cacheHits)
    }
}

@_cdecl("vecstore_cache_hits_count")
public func vecstore_cache_hits_count(_ hits: OpaquePointer!, _ count: UnsafeMutablePointer<Int>!) -> vecstore_status {
    status { () throws(VecStoreError) in
        let count = try checked(count, "count")
        count.pointee = 0
        guard let hits else { return }
        count.pointee = try HandleTable.shared.with(hits, .cacheHits, as: CacheHitsBox.self) { $0.count }
    }
}

@_cdecl("vecstore_cache_hits_get")
public func vecstore_cache_hits_get(
    _ hits: OpaquePointer!, _ i: Int, _ hit: UnsafeMutablePointer<vecstore_cache_hit>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let out = try checked(hit, "hit")
        try HandleTable.shared.with(hits, .cacheHits, as: CacheHitsBox.self) { (hits) throws(VecStoreError) in
            try write(try hits.hit(i), to: out, "vecstore_cache_hit")
        }
    }
}

@_cdecl("vecstore_cache_hits_free")
public func vecstore_cache_hits_free(_ hits: OpaquePointer!) {
    HandleTable.shared.release(hits, .cacheHits)
}

// MARK: - State

@_cdecl("vecstore_cache_get_stats")
public func vecstore_cache_get_stats(
    _ cache: OpaquePointer!, _ stats: UnsafeMutablePointer<vecstore_cache_stats>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let out = try checked(stats, "stats")
        let stats = try withCache(cache) { (cache) throws(VecStoreError) in try cache.stats() }
        var value = vecstore_cache_stats()
        value.entries = UInt64(stats.entries)
        value.bytes = UInt64(stats.bytes)
        value.index_bytes = UInt64(stats.indexBytes)
        value.exact_hits = UInt64(stats.exactHits)
        value.semantic_hits = UInt64(stats.semanticHits)
        value.misses = UInt64(stats.misses)
        value.failures = UInt64(stats.failures)
        value.sets = UInt64(stats.sets)
        value.deletes = UInt64(stats.deletes)
        value.evictions = UInt64(stats.evictions)
        value.expired = UInt64(stats.expired)
        value.guard_refusals = UInt64(stats.guardRefusals)
        value.feedback_refusals = UInt64(stats.feedbackRefusals)
        value.gone = UInt64(stats.gone)
        value.feedbacks = UInt64(stats.feedbacks)
        value.store_errors = UInt64(stats.storeErrors)
        value.last_error = stats.lastError?.time ?? 0
        try write(value, to: out, "vecstore_cache_stats")
    }
}

@_cdecl("vecstore_caches_metrics")
public func vecstore_caches_metrics(
    _ caches: UnsafePointer<OpaquePointer?>!, _ n: Int, _ buffer: UnsafeMutablePointer<CChar>!, _ size: Int,
    _ needed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let count = try checkedCount(n, "n")
        let handles: UnsafePointer<OpaquePointer?> = try checked(caches, "caches", count: count)
        var all: [SemanticCache] = []
        for i in 0..<count { all.append(try withCache(handles[i]) { $0 }) }
        try copy(CacheMetrics.text(all), to: buffer, size, needed)
    }
}

@_cdecl("vecstore_cache_health")
public func vecstore_cache_health(
    _ cache: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ size: Int, _ needed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCache(cache) { (cache) throws(VecStoreError) in try copy(cache.health().text, to: buffer, size, needed) }
    }
}
