// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecCache
import VecCollection
import VecIndex

@_cdecl("vecstore_rate_limiter_open")
public func vecstore_rate_limiter_open(
    _ url: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_rate_limiter_options>!,
    _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        let limiter = try RateLimiter.open(checkedURL(url), checkedRateLimiterOptions(options))
        result.pointee = try HandleTable.shared.make(limiter, .rateLimiter)
    }
}

@_cdecl("vecstore_rate_limiter_close")
public func vecstore_rate_limiter_close(_ limiter: OpaquePointer!) -> vecstore_status {
    status { () throws(VecStoreError) in
        guard let limiter else { return }
        defer { HandleTable.shared.release(limiter, .rateLimiter) }
        try withRateLimiter(limiter) { $0.close() }
    }
}

@_cdecl("vecstore_rate_limiter_acquire")
public func vecstore_rate_limiter_acquire(
    _ limiter: OpaquePointer!, _ key: UnsafeRawPointer!, _ key_size: Int, _ tokens: Double,
    _ decision: UnsafeMutablePointer<vecstore_rate_decision>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let out = try checked(decision, "decision")
        // Before any token is taken.
        try checkSize(Int(UnsafeRawPointer(out).load(as: UInt32.self)), MemoryLayout<vecstore_rate_decision>.size, "vecstore_rate_decision")
        let made = try withRateLimiter(limiter) { (limiter) throws(VecStoreError) in
            try limiter.acquire(checkedPiece(key, key_size, "key", most: RateLimiter.keyBytes), tokens)
        }
        var value = vecstore_rate_decision()
        value.allowed = made.isAllowed ? 1 : 0
        value.remaining = made.remaining
        value.retry_after = made.retryAfter
        value.local = made.isLocal ? 1 : 0
        try write(value, to: out, "vecstore_rate_decision")
    }
}

@_cdecl("vecstore_rate_limiters_metrics")
public func vecstore_rate_limiters_metrics(
    _ limiters: UnsafePointer<OpaquePointer?>!, _ n: Int, _ buffer: UnsafeMutablePointer<CChar>!, _ size: Int,
    _ needed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let count = try checkedCount(n, "n")
        let handles: UnsafePointer<OpaquePointer?> = try checked(limiters, "limiters", count: count)
        var all: [RateLimiter] = []
        for i in 0..<count { all.append(try withRateLimiter(handles[i]) { $0 }) }
        try copy(RateMetrics.text(all), to: buffer, size, needed)
    }
}

@_cdecl("vecstore_rate_limiter_health")
public func vecstore_rate_limiter_health(
    _ limiter: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ size: Int, _ needed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withRateLimiter(limiter) { (limiter) throws(VecStoreError) in
            try copy(limiter.health().text, to: buffer, size, needed)
        }
    }
}
