// SPDX-License-Identifier: Apache-2.0

/// A token bucket: tokens come at a steady rate until it is full, and every call takes some, or none where there are not so many.
///
/// `RateScript` does the same in Redis.
struct TokenBucket {
    var tokens: Double
    /// When there were so many, in microseconds.
    var time: Int64

    /// What fell short by rounding is there: otherwise who waits as long as was told could come in vain.
    static let rounding = 1e-12

    /// The longest that anything is said to take: some 30,000 years.
    static let longest = 1e15

    /// Takes tokens, where there are as many.
    mutating func take(_ asked: Double, now: Int64, capacity: Double, rate: Double) -> RateDecision {
        // A clock that was set back gives nothing, and takes nothing.
        let passed = Double(max(0, now &- time))
        tokens = min(capacity, tokens + passed * rate / 1e6)
        time = now
        let slack = capacity * TokenBucket.rounding
        guard tokens + slack >= asked else {
            let wait = min(TokenBucket.longest, ((asked - tokens - slack) * 1000 / rate).rounded(.up))
            return RateDecision(isAllowed: false, remaining: tokens, retryAfter: max(1, Int64(wait)))
        }
        tokens = max(0, tokens - asked)
        return RateDecision(isAllowed: true, remaining: tokens, retryAfter: 0)
    }

    /// Whether nothing tells it from a bucket that was never used.
    func isFull(now: Int64, capacity: Double, rate: Double) -> Bool {
        tokens + Double(max(0, now &- time)) * rate / 1e6 >= capacity
    }
}
