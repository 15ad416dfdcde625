// SPDX-License-Identifier: Apache-2.0

import CVecStore
import VecCache
import VecIndex

// Checks of what callers pass about value caches and rate limiters.

func withValueCache<R>(
    _ handle: OpaquePointer?, _ body: (ValueCache) throws(VecStoreError) -> R
) throws(VecStoreError) -> R {
    try HandleTable.shared.with(handle, .valueCache, as: ValueCache.self, body)
}

func withRateLimiter<R>(
    _ handle: OpaquePointer?, _ body: (RateLimiter) throws(VecStoreError) -> R
) throws(VecStoreError) -> R {
    try HandleTable.shared.with(handle, .rateLimiter, as: RateLimiter.self, body)
}

func checkedValueCacheOptions(_ options: UnsafePointer<vecstore_value_cache_options>?) throws(VecStoreError) -> ValueCacheOptions {
    guard let options else { throw VecStoreError(.invalidArgument, "options is NULL: name_space has no default") }
    let o = try read(options, over: vecstore_value_cache_options(), "vecstore_value_cache_options")
    var result = ValueCacheOptions(namespace: try checkedText(o.name_space, "name_space"))
    if o.ttl != 0 { result.ttl = try checkedMilliseconds(o.ttl, "ttl") }
    if o.max_entries != 0 { result.maxEntries = Int(clamping: o.max_entries) }
    if o.max_bytes != 0 { result.maxBytes = Int(clamping: o.max_bytes) }
    result.localBytes = Int(clamping: o.local_bytes)
    if o.local_ttl != 0 { result.localTTL = try checkedMilliseconds(o.local_ttl, "local_ttl") }
    result.failsOpen = try !checkedFlag(o.fail_closed, "fail_closed")
    result.redis = try checkedRedisOptions(o.redis)
    return result
}

func checkedRateLimiterOptions(
    _ options: UnsafePointer<vecstore_rate_limiter_options>?
) throws(VecStoreError) -> RateLimiterOptions {
    guard let options else {
        throw VecStoreError(.invalidArgument, "options is NULL: name_space, capacity and refill_per_second have no defaults")
    }
    let o = try read(options, over: vecstore_rate_limiter_options(), "vecstore_rate_limiter_options")
    var result = RateLimiterOptions(
        namespace: try checkedText(o.name_space, "name_space"), capacity: o.capacity, refillPerSecond: o.refill_per_second)
    result.failsOpen = try !checkedFlag(o.fail_closed, "fail_closed")
    result.redis = try checkedRedisOptions(o.redis)
    return result
}

/// Pieces of bytes: pointers, and as many sizes.
/// - Parameter most: Bytes of each, before there is memory for them.
func checkedPieces(
    _ pieces: UnsafePointer<UnsafeRawPointer?>?, _ sizes: UnsafePointer<Int>?, _ n: Int, _ name: String, most: Int
) throws(VecStoreError) -> [[UInt8]] {
    let count = try checkedCount(n, "n")
    guard count <= ValueLimits.batch else {
        throw VecStoreError(.tooLarge, "n is \(count): a call names up to \(ValueLimits.batch) keys")
    }
    let starts: UnsafePointer<UnsafeRawPointer?> = try checked(pieces, "\(name)s", count: count)
    let ends: UnsafePointer<Int> = try checked(sizes, "\(name)_sizes", count: count)
    var result: [[UInt8]] = []
    result.reserveCapacity(count)
    for i in 0..<count { result.append(try checkedPiece(starts[i], ends[i], "\(name)s[\(i)]", most: most)) }
    return result
}

func checkedPiece(
    _ start: UnsafeRawPointer?, _ size: Int, _ name: @autoclosure () -> String, most: Int
) throws(VecStoreError) -> [UInt8] {
    let count = clamped(size)
    guard count <= most else {
        throw VecStoreError(.tooLarge, "\(name()) has \(UInt(bitPattern: size)) bytes: allowed are up to \(most)")
    }
    if count == 0 { return [] }
    return [UInt8](UnsafeRawBufferPointer(start: try checked(start, name()), count: count))
}
