// Token buckets in this process: what exactly is allowed, and when.
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing
import VecIndex

@testable import VecCache

/// A limiter whose time passes when the test says so.
private final class TestLimiter: Sendable {
    let limiter: RateLimiter
    private let time = Atomic<Int64>(5_000_000)

    init(capacity: Double, perSecond: Double) throws {
        let box = Box()
        limiter = try RateLimiter.open(
            "memory:", RateLimiterOptions(namespace: "n", capacity: capacity, refillPerSecond: perSecond), clock: { box.now })
        box.owner = self
    }

    func pass(_ milliseconds: Double) { time.add(Int64(milliseconds * 1000), ordering: .relaxed) }

    func take(_ tokens: Double = 1, _ key: String = "a") throws -> RateDecision { try limiter.acquire(bytes(key), tokens) }

    private final class Box: @unchecked Sendable {
        // Safety: set before anybody asks.
        weak var owner: TestLimiter?
        var now: Int64 { owner?.time.load(ordering: .relaxed) ?? 0 }
    }
}

@Suite("A rate limiter")
struct RateLimiterTests {
    @Test func aFullBucketGivesAsManyTokensAsItHas() throws {
        let test = try TestLimiter(capacity: 3, perSecond: 2)
        for left in [2.0, 1, 0] { #expect(try test.take() == RateDecision(isAllowed: true, remaining: left, retryAfter: 0)) }
        // A token comes every 500 ms.
        #expect(try test.take() == RateDecision(isAllowed: false, remaining: 0, retryAfter: 500))
        test.pass(200)
        #expect(try test.take() == RateDecision(isAllowed: false, remaining: 0.4, retryAfter: 300))
        test.pass(299)
        #expect(try test.take().isAllowed == false)
        test.pass(1)
        #expect(try test.take() == RateDecision(isAllowed: true, remaining: 0, retryAfter: 0))
    }

    @Test func tokensComeUntilTheBucketIsFull() throws {
        let test = try TestLimiter(capacity: 5, perSecond: 1)
        #expect(try test.take(5).isAllowed)
        test.pass(2000)
        #expect(try test.take(0) == RateDecision(isAllowed: true, remaining: 2, retryAfter: 0))
        test.pass(1_000_000)
        #expect(try test.take(0).remaining == 5)
    }

    @Test func allTokensAreTakenOrNone() throws {
        let test = try TestLimiter(capacity: 10, perSecond: 1)
        #expect(try test.take(7).isAllowed)
        #expect(try test.take(4) == RateDecision(isAllowed: false, remaining: 3, retryAfter: 1000))
        #expect(try test.take(3) == RateDecision(isAllowed: true, remaining: 0, retryAfter: 0))
    }

    @Test func whoAsksForNoneTakesNone() throws {
        let test = try TestLimiter(capacity: 1, perSecond: 1)
        for _ in 0..<5 { #expect(try test.take(0) == RateDecision(isAllowed: true, remaining: 1, retryAfter: 0)) }
        #expect(try test.take().isAllowed)
        #expect(try test.take(0) == RateDecision(isAllowed: true, remaining: 0, retryAfter: 0))
    }

    @Test func whoWaitsAsLongAsWasToldGetsTokens() throws {
        var random = Random(seed: 3)
        for _ in 0..<2000 {
            let capacity = Double(random.below(1_000_000) + 1) / 1000, rate = Double(random.below(1_000_000) + 1) / 777
            let test = try TestLimiter(capacity: capacity, perSecond: rate)
            #expect(try test.take(capacity).isAllowed)
            for _ in 0..<5 {
                let asked = capacity * Double(random.below(1000) + 1) / 1000
                let decision = try test.take(asked)
                if decision.isAllowed { continue }
                #expect(decision.retryAfter > 0)
                test.pass(Double(decision.retryAfter) - 1)
                if decision.retryAfter > 1 { #expect(try !test.take(asked).isAllowed, "\(capacity) \(rate) \(asked)") }
                test.pass(1)
                #expect(try test.take(asked).isAllowed, "\(capacity) \(rate) \(asked)")
            }
        }
    }

    @Test func neverMoreThanTheCapacityAndWhatHasCome() throws {
        var random = Random(seed: 4)
        let test = try TestLimiter(capacity: 20, perSecond: 7)
        var taken = 0.0, passed = 0.0
        for _ in 0..<20_000 {
            let asked = Double(random.below(2001)) / 100
            if try test.take(asked).isAllowed { taken += asked }
            #expect(taken <= 20 + passed * 7 / 1000 + 1e-6)
            let wait = Double(random.below(300))
            test.pass(wait)
            passed += wait
        }
        #expect(taken > 0.9 * passed * 7 / 1000)
    }

    @Test func aClockThatWasSetBackGivesAndTakesNothing() throws {
        let test = try TestLimiter(capacity: 2, perSecond: 1)
        #expect(try test.take(2).isAllowed)
        test.pass(-3000)
        #expect(try test.take() == RateDecision(isAllowed: false, remaining: 0, retryAfter: 1000))
        test.pass(1000)
        #expect(try test.take().isAllowed)
    }

    @Test func eachKeyHasABucketOfItsOwn() throws {
        let test = try TestLimiter(capacity: 1, perSecond: 1)
        for key in ["a", "b", "\0", "\0\0", "{a}", "a b", "ä", String(repeating: "k", count: 1024)] {
            #expect(try test.take(1, key).isAllowed)
            #expect(try !test.take(1, key).isAllowed)
        }
    }

    @Test func bucketsThatAreFullAgainTakeNoMemory() throws {
        let clock = TestClock()
        let buckets = LocalBuckets(
            RateLimiterOptions(namespace: "n", capacity: 10, refillPerSecond: 10), clock: { clock.now &* 1000 })
        for i in 0..<100_000 {
            _ = buckets.take(1, bytes("\(i)"))
            clock.pass(1)
            #expect(buckets.count <= 2048)
        }
    }

    @Test func whatCannotBeIsRefused() throws {
        let test = try TestLimiter(capacity: 5, perSecond: 1)
        for tokens in [5.1, -1, .nan, .infinity, -.infinity] { expect(.invalidArgument) { _ = try test.take(tokens) } }
        expect(.invalidArgument) { _ = try test.take(1, "") }
        expect(.tooLarge) { _ = try test.take(1, String(repeating: "k", count: 1025)) }
        #expect(try test.take(5).isAllowed)
        for number in [0, -1, .nan, .infinity, 1e-7, 1e13] {
            expect(.invalidArgument) {
                _ = try RateLimiter.open("memory:", RateLimiterOptions(namespace: "n", capacity: number, refillPerSecond: 1))
            }
            expect(.invalidArgument) {
                _ = try RateLimiter.open("memory:", RateLimiterOptions(namespace: "n", capacity: 1, refillPerSecond: number))
            }
        }
        let options = RateLimiterOptions(namespace: "n", capacity: 1, refillPerSecond: 1)
        expect(.invalidArgument) {
            _ = try RateLimiter.open("memory:", RateLimiterOptions(namespace: "a b", capacity: 1, refillPerSecond: 1))
        }
        expect(.unsupported) { _ = try RateLimiter.open("/tmp/limits", options) }
        expect(.invalidArgument) { _ = try RateLimiter.open("http://x", options) }
        test.limiter.close()
        expect(.invalidHandle) { _ = try test.take() }
        #expect(test.limiter.health().status == .failed)
    }

    @Test func theSlowestAndTheFastestBucketsAreNoCrash() throws {
        for (capacity, rate) in [(1e12, 1e-6), (1e-6, 1e12), (1e12, 1e12), (1e-6, 1e-6)] {
            let test = try TestLimiter(capacity: capacity, perSecond: rate)
            #expect(try test.take(capacity).isAllowed)
            let decision = try test.take(capacity)
            #expect(decision.retryAfter > 0 || decision.isAllowed)
        }
    }

    @Test func manyThreadsShareABucket() throws {
        let test = try TestLimiter(capacity: 1000, perSecond: 1)
        let taken = Counter()
        Threads(8) { _ in
            for _ in 0..<500 where (try? test.take())?.isAllowed == true { taken.add() }
        }.join()
        #expect(taken.value == 1000)
    }

    @Test func countsWhatItDecides() throws {
        let test = try TestLimiter(capacity: 2, perSecond: 1)
        for _ in 0..<5 { _ = try test.take() }
        let text = try test.limiter.metrics()
        #expect(text.contains("vecstore_limits_decisions_total{namespace=\"n\",store=\"memory\",result=\"allowed\"} 2\n"))
        #expect(text.contains("vecstore_limits_decisions_total{namespace=\"n\",store=\"memory\",result=\"denied\"} 3\n"))
        #expect(text.contains("vecstore_limits_healthy{namespace=\"n\",store=\"memory\"} 1\n"))
        #expect(test.limiter.health().status == .ok)
        expect(.invalidArgument) { _ = try RateMetrics.text([test.limiter, test.limiter]) }
    }
}
