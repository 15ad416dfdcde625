// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Tells microseconds, of a clock that only goes forward. Given from outside, so that nobody has to wait for tokens.
package typealias RateClock = @Sendable () -> Int64

package func rateClock() -> Int64 { ticks() / 1000 }

/// The buckets of this process.
final class LocalBuckets: @unchecked Sendable {
    // Safety: all that changes is touched under `lock`.

    private let capacity: Double
    private let rate: Double
    private let clock: RateClock
    private let lock = Lock()
    private var buckets: [[UInt8]: TokenBucket] = [:]
    private var nextSweep = LocalBuckets.leastToSweep

    private static let leastToSweep = 1024

    init(_ options: RateLimiterOptions, clock: @escaping RateClock) {
        capacity = options.capacity
        rate = options.refillPerSecond
        self.clock = clock
    }

    var count: Int { lock.withLock { buckets.count } }

    func take(_ tokens: Double, _ key: [UInt8]) -> RateDecision {
        lock.withLock {
            let now = clock()
            var bucket = buckets[key] ?? TokenBucket(tokens: capacity, time: now)
            let decision = bucket.take(tokens, now: now, capacity: capacity, rate: rate)
            // Who only asks leaves nothing behind.
            if tokens > 0 || buckets[key] != nil { buckets[key] = bucket }
            if buckets.count >= nextSweep { sweep(now) }
            return decision
        }
    }

    /// Drops buckets that are full again. Those that are not are as many as were used of late, however many keys there are.
    private func sweep(_ now: Int64) {
        buckets = buckets.filter { !$0.value.isFull(now: now, capacity: capacity, rate: rate) }
        nextSweep = max(LocalBuckets.leastToSweep, 2 * buckets.count)
    }
}
