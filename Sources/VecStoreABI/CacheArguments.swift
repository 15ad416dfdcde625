// SPDX-License-Identifier: Apache-2.0

import CVecStore
import Glibc
import VecCache
import VecCollection
import VecIndex
import VecKernelTypes

// Checks of what callers pass about caches.

/// Runs `body` with the cache of a handle.
func withCache<R>(
    _ handle: OpaquePointer?, _ body: (SemanticCache) throws(VecStoreError) -> R
) throws(VecStoreError) -> R {
    try HandleTable.shared.with(handle, .cache, as: SemanticCache.self, body)
}

/// A URL: NULL stands for the Redis that the environment says.
func checkedURL(_ url: UnsafePointer<CChar>?) throws(VecStoreError) -> String? { try checkedOptionalText(url, "url") }

/// Bytes: a size of 0 means that they end with a zero.
/// - Returns: nil where the pointer is NULL.
func checkedBytes(_ start: UnsafePointer<CChar>?, _ size: Int, _ name: String) throws(VecStoreError) -> [UInt8]? {
    let count = try checkedCount(size, "\(name)_size")
    guard let start else {
        guard count == 0 else { throw VecStoreError(.invalidArgument, "\(name) is NULL, and \(name)_size is \(count)") }
        return nil
    }
    let bytes = UnsafeRawPointer(start)
    return [UInt8](UnsafeRawBufferPointer(start: bytes, count: count == 0 ? strlen(start) : count))
}

/// - Returns: nil: there is none. What is in its range is checked where it is used.
private func checkedThreshold(_ isThere: UInt32, _ threshold: Float) throws(VecStoreError) -> Float? {
    if try checkedFlag(isThere, "has_threshold") { return threshold }
    // Not to be passed over: it was meant.
    guard threshold == 0 else {
        throw VecStoreError(.invalidArgument, "similarity_threshold is \(threshold), and has_threshold is 0: set that to 1")
    }
    return nil
}

/// A time to live in milliseconds, which Swift keeps signed.
func checkedMilliseconds(_ value: UInt64, _ name: String) throws(VecStoreError) -> Int64 {
    guard let time = Int64(exactly: value) else {
        throw VecStoreError(.invalidArgument, "\(name) is \(value) ms: allowed are up to \(Int64.max)")
    }
    return time
}

/// How long something that is set lives.
func checkedTTL(_ ttl: Int64) throws(VecStoreError) -> TimeToLive {
    switch ttl {
    case 0: return .standard
    case Int64(VECSTORE_CACHE_TTL_NONE): return .forever
    case 1...: return .milliseconds(ttl)
    default: throw VecStoreError(.invalidArgument, "ttl is \(ttl) ms: allowed are 1 and more, 0 (that of the cache) and -1 (no end)")
    }
}

func checkedRedisOptions(_ options: UnsafePointer<vecstore_redis_options>?) throws(VecStoreError) -> RedisOptions {
    let o = try read(options, over: vecstore_redis_options(), "vecstore_redis_options")
    var result = RedisOptions()
    func take(_ value: UInt32, _ path: WritableKeyPath<RedisOptions, Int>) {
        if value != 0 { result[keyPath: path] = Int(value) }
    }
    take(o.connect_timeout, \.connectTimeout)
    take(o.command_timeout, \.commandTimeout)
    take(o.max_connections, \.maxConnections)
    take(o.health_check_after, \.healthCheckAfter)
    take(o.breaker_failures, \.breakerFailures)
    take(o.breaker_open_time, \.openTime)
    result.maxOpenTime = max(result.maxOpenTime, result.openTime)
    if try checkedFlag(o.no_retries, "no_retries") { result.retries = 0 }
    switch o.cluster {
    case 0: result.isCluster = nil
    case 1: result.isCluster = true
    case 2: result.isCluster = false
    default:
        throw VecStoreError(.invalidArgument, "cluster is \(o.cluster): allowed are 0 (ask the server), 1 (a cluster) and 2 (none)")
    }
    result.tls.verifiesServer = try !checkedFlag(o.tls_no_verify, "tls_no_verify")
    result.tls.authorityFile = try checkedOptionalText(o.tls_ca_file, "tls_ca_file")
    result.tls.authorityDirectory = try checkedOptionalText(o.tls_ca_directory, "tls_ca_directory")
    result.tls.serverName = try checkedOptionalText(o.tls_server_name, "tls_server_name")
    result.tls.certificateFile = try checkedOptionalText(o.tls_certificate_file, "tls_certificate_file")
    result.tls.keyFile = try checkedOptionalText(o.tls_key_file, "tls_key_file")
    return result
}

func checkedCacheOptions(_ options: UnsafePointer<vecstore_cache_options>?) throws(VecStoreError) -> CacheOptions {
    guard let options else {
        throw VecStoreError(.invalidArgument, "options is NULL: dim and name_space have no default")
    }
    let o = try read(options, over: vecstore_cache_options(), "vecstore_cache_options")
    let eviction: EvictionPolicy
    switch Int(o.eviction) {
    case 0, VECSTORE_CACHE_EVICTION_LRU: eviction = .lru
    case VECSTORE_CACHE_EVICTION_LFU: eviction = .lfu
    case VECSTORE_CACHE_EVICTION_COST: eviction = .cost
    default:
        throw VecStoreError(.invalidArgument, "eviction is \(o.eviction): allowed are 0 and 1 (LRU), 2 (LFU) and 3 (cost)")
    }
    var result = CacheOptions(
        namespace: try checkedText(o.name_space, "name_space"), dimension: try checkedDimension(Int(o.dim)),
        model: try checkedOptionalText(o.model, "model") ?? "")
    if let threshold = try checkedThreshold(o.has_threshold, o.similarity_threshold) { result.similarityThreshold = threshold }
    if o.ttl != 0 { result.ttl = try checkedMilliseconds(o.ttl, "ttl") }
    if o.max_entries != 0 { result.maxEntries = Int(clamping: o.max_entries) }
    if o.max_bytes != 0 { result.maxBytes = Int(clamping: o.max_bytes) }
    result.eviction = eviction
    if o.dtype != 0 { result.vectorType = try checkedType(o.dtype) }
    result.refreshesOnHit = try checkedFlag(o.refresh_on_hit, "refresh_on_hit")
    result.guardsPrompts = try checkedFlag(o.guard, "guard")
    result.failsOpen = try !checkedFlag(o.fail_closed, "fail_closed")
    result.sharing.keepsResponses = try checkedFlag(o.keep_responses, "keep_responses")
    if o.queue_limit != 0 { result.sharing.queueLimit = Int(o.queue_limit) }
    guard o.reserved == 0 else { throw VecStoreError(.invalidArgument, "vecstore_cache_options.reserved is not 0") }
    result.isOnePerPrompt = try checkedFlag(o.one_per_prompt, "one_per_prompt")
    if o.log_length != 0 { result.sharing.logLength = Int(o.log_length) }
    result.redis = try checkedRedisOptions(o.redis)
    return result
}

/// The elements of one vector; what they are is checked where they are used.
func checkedVector(_ vector: UnsafePointer<Float>?, _ cache: SemanticCache) -> [Float]? {
    vector.map { vector in
        [Float](unsafeUninitializedCapacity: cache.options.dimension) { room, count in
            // The caller's array needs no alignment.
            UnsafeMutableRawBufferPointer(room).copyMemory(
                from: UnsafeRawBufferPointer(start: UnsafeRawPointer(vector), count: 4 * room.count))
            count = room.count
        }
    }
}

func checkedEntries(
    _ entries: UnsafePointer<vecstore_cache_entry>?, _ n: Int, _ cache: SemanticCache
) throws(VecStoreError) -> [NewEntry] {
    let count = try checkedCount(n, "n")
    // Before there is memory for so many.
    guard count <= CacheLimits.batch else {
        throw VecStoreError(.tooLarge, "n is \(count): a call sets up to \(CacheLimits.batch) entries")
    }
    let first: UnsafePointer<vecstore_cache_entry> = try checked(entries, "entries", count: count)
    var result: [NewEntry] = []
    result.reserveCapacity(count)
    // The structs lie as far apart as their caller knows them to be long.
    let stride = count == 0 ? 0 : Int(first.pointee.struct_size)
    for i in 0..<count {
        let entry = UnsafeRawPointer(first).advanced(by: i &* stride).assumingMemoryBound(to: vecstore_cache_entry.self)
        guard Int(entry.pointee.struct_size) == stride else {
            throw VecStoreError(.invalidArgument, "entries[\(i)].struct_size is not that of the first")
        }
        do throws(VecStoreError) {
            result.append(try newEntry(try read(entry, over: vecstore_cache_entry(), "vecstore_cache_entry"), cache))
        } catch {
            throw count == 1 ? error : VecStoreError(error.code, "entry \(i): \(error.message)")
        }
    }
    return result
}

private func newEntry(_ e: vecstore_cache_entry, _ cache: SemanticCache) throws(VecStoreError) -> NewEntry {
    guard let prompt = try checkedBytes(e.prompt, e.prompt_size, "prompt") else {
        throw VecStoreError(.invalidArgument, "prompt is NULL")
    }
    guard let vector = checkedVector(e.vector, cache) else { throw VecStoreError(.invalidArgument, "vector is NULL") }
    return NewEntry(
        prompt: prompt, response: try checkedBytes(e.response, e.response_size, "response") ?? [], vector: vector,
        metadata: checkedJSON(e.metadata) ?? [], ttl: try checkedTTL(e.ttl), cost: e.cost == 0 ? 1 : e.cost)
}

func checkedCacheQuery(_ query: UnsafePointer<vecstore_cache_query>?) throws(VecStoreError) -> (vecstore_cache_query, CacheQuery) {
    guard let query else { throw VecStoreError(.invalidArgument, "query is NULL") }
    let q = try read(query, over: vecstore_cache_query(), "vecstore_cache_query")
    var result = CacheQuery(filter: checkedJSON(q.filter), k: q.k == 0 ? 1 : clamped(q.k))
    if q.tiers != 0 { result.tiers = CacheQuery.Tiers(rawValue: q.tiers) }
    result.threshold = try checkedThreshold(q.has_threshold, q.similarity_threshold)
    guard q.reserved == 0 else { throw VecStoreError(.invalidArgument, "vecstore_cache_query.reserved is not 0") }
    result.countsMiss = try !checkedFlag(q.uncounted_miss, "uncounted_miss")
    return (q, result)
}

/// The id of an entry as its text says it.
func checkedEntryID(_ text: UnsafePointer<CChar>?, _ name: @autoclosure () -> String) throws(VecStoreError) -> EntryID {
    let text = try checked(text, name())
    let digits = CacheLimits.idDigits
    guard strnlen(text, digits + 1) == digits, let id = EntryID(text: String(cString: text)) else {
        throw VecStoreError(.invalidArgument, "\(name()) is no id of an entry: that has \(digits) hexadecimal digits")
    }
    return id
}
