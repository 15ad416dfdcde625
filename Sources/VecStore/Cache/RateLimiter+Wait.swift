// SPDX-License-Identifier: Apache-2.0

extension RateLimiter {
    /// Takes tokens as soon as there are as many. Meanwhile the task sleeps, and holds no thread.
    ///
    /// Tasks that wait for one bucket have no order: who asks for few tokens may get them before who asks for many.
    /// - Parameters:
    ///   - key: 1 to 1024 bytes.
    ///   - tokens: 0 to the capacity.
    /// - Throws: As `acquire`; `CancellationError` where the task is cancelled meanwhile, which has taken none then.
    public func wait(_ key: some ByteValue, tokens: Double = 1) async throws {
        _ = try await wait(key.cacheBytes, tokens, until: nil)
    }

    /// The same for some time at most. Where the tokens cannot be there in time it does not wait in vain, and returns at once.
    /// - Parameter timeout: Zero: it only tries.
    /// - Returns: Whether they were taken.
    public func wait(_ key: some ByteValue, tokens: Double = 1, timeout: Duration) async throws -> Decision {
        try await wait(key.cacheBytes, tokens, until: .now + min(max(timeout, .zero), RateLimiter.longest))
    }

    private func wait(_ key: [UInt8], _ tokens: Double, until end: ContinuousClock.Instant?) async throws -> Decision {
        while true {
            let decision = try await decide(key, tokens)
            if decision.isAllowed { return decision }
            if let end, .now + min(decision.retryAfter, RateLimiter.longest) > end { return decision }
            // A bucket may be filled by other means meanwhile, or take longer because others took from it.
            try await Task.sleep(for: min(decision.retryAfter, RateLimiter.longestSleep))
        }
    }

    private func decide(_ key: [UInt8], _ tokens: Double) async throws -> Decision {
        // Buckets of this process need no thread that may wait.
        if core.storeKind == "redis" { return try await run { try $0.acquire(key, tokens: tokens) } }
        try Task.checkCancellation()
        return try acquire(key, tokens: tokens)
    }

    private static let longestSleep = Duration.seconds(60)
    /// What can be added to any moment.
    private static let longest = Duration.seconds(1 << 40)
}
