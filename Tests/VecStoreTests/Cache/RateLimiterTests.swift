// Buckets of tokens from Swift, and tasks that wait for them.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecStore

@Suite("Rate limiter in Swift")
struct RateLimiterTests {
    /// Buckets are in no directory.
    private static let places = [Place.memory, .redis]

    private func open(_ place: Place = .memory, capacity: Double, refillPerSecond: Double) throws -> RateLimiter {
        let home = try CachePlace(place)
        return try RateLimiter(home.url, namespace: home.namespace, capacity: capacity, refillPerSecond: refillPerSecond)
    }

    @Test(arguments: places)
    func aBucketGivesWhatItHas(_ place: Place) throws {
        let limiter = try open(place, capacity: 5, refillPerSecond: 0.001)
        #expect(try (0..<6).map { _ in try limiter.acquire("a").isAllowed } == [true, true, true, true, true, false])
        let refused = try limiter.acquire("a", tokens: 2)
        #expect(!refused.isAllowed && refused.remaining < 1 && refused.retryAfter > .seconds(1000) && refused.retryAfter <= .seconds(2000))
        let asked = try limiter.acquire("b", tokens: 0)
        #expect(asked.isAllowed && asked.remaining == 5 && asked.retryAfter == .zero && !asked.isLocal)
        #expect(try abs(limiter.acquire([98] as [UInt8], tokens: 2.5).remaining - 2.5) < 0.1)
        #expect(limiter.health().status == .ok && limiter.capacity == 5 && limiter.refillPerSecond == 0.001)
        #expect(try limiter.metrics().contains("vecstore_limits_decisions_total{namespace=\"\(limiter.namespace)\",store=\"\(place)\",result=\"denied\"} 2\n"))
        expect(.invalidArgument) { _ = try RateLimiter.metrics([limiter, limiter]) }
    }

    @Test func bucketsAreSharedThroughRedis() async throws {
        let home = try CachePlace(.redis)
        let limiters = try (0..<2).map { _ in
            try RateLimiter(home.url, namespace: home.namespace, capacity: 10, refillPerSecond: 0.001)
        }
        let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
            for i in 0..<40 { group.addTask { try await limiters[i % 2].run { try $0.acquire("a").isAllowed } } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(allowed == 10)
    }

    @Test func bucketsOfTheProcessServeWhileRedisIsAway() throws {
        let server = try RedisServer()
        let quick = RedisOptions(connectTimeout: .milliseconds(500), commandTimeout: .milliseconds(500))
        let limiter = try RateLimiter(server.url, namespace: "n", capacity: 2, refillPerSecond: 0.001, redis: quick)
        let closed = try RateLimiter(server.url, namespace: "n", capacity: 2, refillPerSecond: 0.001, failsClosed: true, redis: quick)
        #expect(try !limiter.acquire("a").isLocal)
        server.kill()
        let decision = try limiter.acquire("a")
        #expect(decision.isAllowed && decision.isLocal)
        expect(.unavailable) { _ = try closed.acquire("a") }
    }

    // MARK: - Waiting

    @Test(arguments: places)
    func whoWaitsGetsTokensAsSoonAsThereAreAny(_ place: Place) async throws {
        let limiter = try open(place, capacity: 1, refillPerSecond: 10)
        let start = ContinuousClock.now
        for _ in 0..<4 { try await limiter.wait("a") }
        // One was there, and three come in 100 ms each.
        #expect(ContinuousClock.now - start > .milliseconds(290))
    }

    @Test(arguments: places)
    func allWhoWaitGetTokensAtLast(_ place: Place) async throws {
        let limiter = try open(place, capacity: 4, refillPerSecond: 100)
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<34 { group.addTask { try await limiter.wait("a") } }
            try await group.waitForAll()
        }
        #expect(ContinuousClock.now - start > .milliseconds(290))
    }

    @Test(arguments: places)
    func whoCannotGetThemInTimeIsToldAtOnce(_ place: Place) async throws {
        let limiter = try open(place, capacity: 1, refillPerSecond: 1e-6)
        // Who waited all that time would not come back.
        let day = Duration.seconds(86_400)
        #expect(try await limiter.wait("a", timeout: day).isAllowed)
        let decision = try await limiter.wait("a", timeout: day)
        #expect(!decision.isAllowed && decision.retryAfter > day)
        for timeout: Duration in [.zero, .seconds(-1), .seconds(Int64.min)] {
            #expect(try await !limiter.wait("a", timeout: timeout).isAllowed)
            #expect(try await limiter.wait("a", tokens: 0, timeout: timeout).isAllowed)
        }
        #expect(try await limiter.wait("b", timeout: .seconds(Int64.max)).isAllowed)
    }

    @Test func whoHasTimeWaits() async throws {
        let limiter = try open(capacity: 1, refillPerSecond: 20)
        #expect(try await limiter.wait("a", timeout: .seconds(60)).isAllowed)
        #expect(try await limiter.wait("a", timeout: .seconds(60)).isAllowed)
    }

    @Test(arguments: places)
    func aTaskThatIsCancelledWaitsNoLonger(_ place: Place) async throws {
        let limiter = try open(place, capacity: 1, refillPerSecond: 1e-6)
        try await limiter.wait("a")
        let task = Task { try await limiter.wait("a") }
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func whatCannotBeIsRefusedAndNotWaitedFor() async throws {
        let limiter = try open(capacity: 1, refillPerSecond: 1)
        for tokens in [-1, 2, Double.nan, .infinity] {
            expect(.invalidArgument) { _ = try limiter.acquire("a", tokens: tokens) }
            await #expect(throws: VecStoreError.self) { try await limiter.wait("a", tokens: tokens) }
        }
        expect(.invalidArgument) { _ = try limiter.acquire("") }
        expect(.tooLarge) { _ = try limiter.acquire(String(repeating: "k", count: 1025)) }
        for bad in [0, -1, 1e13, Double.nan, .infinity] {
            expect(.invalidArgument) { _ = try open(capacity: bad, refillPerSecond: 1) }
            expect(.invalidArgument) { _ = try open(capacity: 1, refillPerSecond: bad) }
        }
        expect(.unsupported) { _ = try open(.directory, capacity: 1, refillPerSecond: 1) }
        limiter.close()
        limiter.close()
        expect(.invalidHandle) { _ = try limiter.acquire("a") }
        #expect(limiter.health().status == .failed)
    }
}
