// Token buckets that processes share in a Redis.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("A rate limiter in Redis", .serialized)
struct RedisRateLimiterTests {
    private let server: RedisServer

    init() throws { server = try RedisServer() }

    private func open(
        capacity: Double, perSecond: Double, namespace: String = "n", url: String? = nil, _ change: (inout RateLimiterOptions) -> Void = { _ in }
    ) throws -> RateLimiter {
        var options = RateLimiterOptions(namespace: namespace, capacity: capacity, refillPerSecond: perSecond)
        options.redis = .hasty
        change(&options)
        return try RateLimiter.open(url ?? server.url, options)
    }

    @Test func aFullBucketGivesAsManyTokensAsItHas() throws {
        let limiter = try open(capacity: 3, perSecond: 0.01)
        for left in [2.0, 1, 0] {
            let decision = try limiter.acquire(bytes("a"))
            #expect(decision.isAllowed && abs(decision.remaining - left) < 0.05 && decision.retryAfter == 0 && !decision.isLocal)
        }
        let decision = try limiter.acquire(bytes("a"))
        #expect(!decision.isAllowed && decision.remaining < 0.05 && (95_000...100_000).contains(decision.retryAfter))
        #expect(try limiter.acquire(bytes("b"), 3).isAllowed)
        #expect(try limiter.acquire(bytes("a"), 0).isAllowed)
    }

    @Test func whoWaitsAsLongAsWasToldGetsTokens() throws {
        let limiter = try open(capacity: 1, perSecond: 20)
        for _ in 0..<10 {
            let decision = try limiter.acquire(bytes("a"))
            if decision.isAllowed { continue }
            #expect((1...50).contains(decision.retryAfter))
            usleep(UInt32(decision.retryAfter) * 1000)
            #expect(try limiter.acquire(bytes("a")).isAllowed)
        }
    }

    @Test func processesNeverGetMoreThanThereIs() throws {
        let limiters = try (0..<2).map { _ in try open(capacity: 50, perSecond: 100) }
        let taken = Counter(), failures = Failures()
        let start = ticks()
        Threads(8) { thread in
            failures.run {
                while ticks() - start < 1_000_000_000 {
                    if try limiters[thread % 2].acquire(bytes("a")).isAllowed { taken.add() }
                }
            }
        }.join()
        let seconds = Double(ticks() - start) / 1e9
        #expect(failures.all == [])
        #expect(Double(taken.value) <= 50 + 100 * seconds)
        #expect(Double(taken.value) >= 50 + 90 * 1)
    }

    @Test func aBucketEndsByItselfWhenItIsFull() throws {
        let limiter = try open(capacity: 10, perSecond: 50)
        #expect(try limiter.acquire(bytes("a"), 0).isAllowed)
        #expect(try server.cli("dbsize") == "0", "who only asks leaves nothing behind")
        #expect(try limiter.acquire(bytes("a"), 5).isAllowed)
        let left = try #require(Int(try server.cli("pttl", "vecstore:n:limit:a")))
        #expect(left <= 100)
        usleep(120_000)
        #expect(try server.cli("exists", "vecstore:n:limit:a") == "0")
        #expect(try limiter.acquire(bytes("a"), 10).isAllowed)
    }

    @Test func aKeyMayHaveAnyBytes() throws {
        let limiter = try open(capacity: 1, perSecond: 0.001)
        for key in [[0], [0, 0], bytes("{a}"), bytes("a b\r\n"), (0..<256).map { UInt8($0) }, [UInt8](repeating: 255, count: 1024)] {
            #expect(try limiter.acquire(key).isAllowed)
            #expect(try !limiter.acquire(key).isAllowed)
        }
        // Another namespace is another bucket, and so is one that would be part of the key.
        #expect(try open(capacity: 1, perSecond: 1, namespace: "n:limit").acquire(bytes("a")).isAllowed)
        #expect(try limiter.acquire(bytes("limit:a")).isAllowed)
    }

    @Test func oneCallIsOneCommand() throws {
        let limiter = try open(capacity: 100, perSecond: 1)
        _ = try limiter.acquire(bytes("a"))
        let before = try server.commandCounts()
        for _ in 0..<10 { _ = try limiter.acquire(bytes("a")) }
        let after = try server.commandCounts()
        #expect((after["cmdstat_evalsha"] ?? 0) - (before["cmdstat_evalsha"] ?? 0) == 10)
        #expect(after["cmdstat_eval"] == before["cmdstat_eval"])
    }

    @Test func aUserNeedsFewRights() throws {
        try server.cli(
            "acl", "setuser", "limits", "on", ">sesame", "resetkeys", "~vecstore:n:limit:*", "resetchannels", "-@all", "+eval", "+evalsha", "+get",
            "+set", "+time")
        let limiter = try open(capacity: 1, perSecond: 0.001, url: "redis://limits:sesame@127.0.0.1:\(server.port)")
        #expect(try limiter.acquire(bytes("a")).isAllowed)
        #expect(try !limiter.acquire(bytes("a")).isAllowed)
        let wrong = try open(capacity: 1, perSecond: 1, url: "redis://limits:wrong@127.0.0.1:\(server.port)")
        let error = expect(.invalidArgument) { _ = try wrong.acquire(bytes("a")) }
        #expect(error?.message.contains("wrong@") == false && error?.message.contains("sesame") == false)
    }

    @Test(arguments: ["set vecstore:n:limit:a x", "set vecstore:n:limit:a 1", "hset vecstore:n:limit:a b c", "set vecstore:n:limit:a 1_2"])
    func whatIsNoBucketIsAnError(_ command: String) throws {
        let limiter = try open(capacity: 1, perSecond: 1)
        let words = command.split(separator: " ").map { $0.replacingOccurrences(of: "_", with: " x") }
        try run("redis-cli", ["-p", "\(server.port)"] + words)
        expect(.io) { _ = try limiter.acquire(bytes("a")) }
        #expect(try limiter.acquire(bytes("b")).isAllowed)
    }

    @Test func aBucketOfThisProcessServesWhileTheServerIsAway() throws {
        let limiter = try open(capacity: 3, perSecond: 0.01)
        #expect(try limiter.acquire(bytes("a"), 3).isAllowed)
        server.kill()
        for allowed in [true, true, true, false, false] {
            let decision = try limiter.acquire(bytes("a"))
            #expect(decision.isAllowed == allowed && decision.isLocal)
        }
        #expect(limiter.health().text.contains("redis_away"))
        #expect(try limiter.metrics().contains("vecstore_limits_local_decisions_total{namespace=\"n\",store=\"redis\"} 5\n"))
        try server.start()
        try eventually { try !limiter.acquire(bytes("b"), 0).isLocal }
        // It saved nothing: its buckets are full.
        #expect(try limiter.acquire(bytes("a"), 3) == RateDecision(isAllowed: true, remaining: 0, retryAfter: 0))
        #expect(limiter.health().status == .ok)
    }

    @Test func aLimiterThatFailsClosedSaysSo() throws {
        let limiter = try open(capacity: 3, perSecond: 1) { $0.failsOpen = false }
        #expect(try limiter.acquire(bytes("a")).isAllowed)
        server.kill()
        expect(.unavailable) { _ = try limiter.acquire(bytes("a")) }
    }

    @Test func nobodyWaitsLongerThanTheTimeout() throws {
        let limiter = try open(capacity: 3, perSecond: 1) { $0.redis.commandTimeout = 200; $0.redis.connectTimeout = 200 }
        #expect(try limiter.acquire(bytes("a")).isAllowed)
        server.stop()
        for _ in 0..<8 {
            var decision: RateDecision?
            let time = try milliseconds { decision = try limiter.acquire(bytes("a"), 0) }
            #expect(time < 700 && decision?.isLocal == true)
        }
        let time = try milliseconds { for _ in 0..<100 { _ = try limiter.acquire(bytes("a")) } }
        #expect(time < 1500, "the breaker is open")
        server.proceed()
        try eventually { try !limiter.acquire(bytes("a"), 0).isLocal }
    }

    @Test func bucketsOfAClusterAreSpread() throws {
        let cluster = try RedisCluster()
        defer { cluster.remove() }
        let limiter = try open(capacity: 1, perSecond: 0.001, url: cluster.servers[0].url)
        for i in 0..<60 { #expect(try limiter.acquire(bytes("\(i)")).isAllowed) }
        for i in 0..<60 { #expect(try !limiter.acquire(bytes("\(i)")).isAllowed) }
        for slot in [0, 8000, 16383] { #expect(try (Int(cluster.master(ofSlot: slot).cli("dbsize")) ?? 0) > 5) }
    }
}
