// When a breaker lets calls through. Its clock is set by hand.
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import VecCache

struct CircuitBreakerTests {
    private final class Clock: Sendable {
        private let time = Atomic<Int64>(0)

        var now: Int64 { time.load(ordering: .relaxed) }
        func advance(milliseconds: Int64) { time.add(milliseconds * 1_000_000, ordering: .relaxed) }
    }

    private let clock = Clock()
    private let breaker: CircuitBreaker

    init() { breaker = CircuitBreaker(failures: 3, openTime: 100, maxOpenTime: 300) { [clock] in clock.now } }

    private func fail(_ times: Int) throws {
        for _ in 0..<times { breaker.fail(try #require(breaker.enter())) }
    }

    @Test func failuresInARowOpenIt() throws {
        try fail(2)
        #expect(breaker.state == .closed)
        try fail(1)
        #expect(breaker.state == .open && breaker.enter() == nil)
    }

    @Test func successBetweenFailuresKeepsItClosed() throws {
        for _ in 0..<5 {
            try fail(2)
            breaker.succeed(try #require(breaker.enter()))
        }
        #expect(breaker.state == .closed)
    }

    @Test func afterAWhileOneCallGoesThroughAsAProbe() throws {
        try fail(3)
        clock.advance(milliseconds: 99)
        #expect(breaker.enter() == nil)
        clock.advance(milliseconds: 1)
        #expect(breaker.state == .halfOpen)
        let probe = try #require(breaker.enter())
        #expect(breaker.enter() == nil)
        #expect(breaker.succeed(probe))
        #expect(breaker.state == .closed && breaker.enter() != nil)
    }

    @Test func eachProbeThatFailsDoublesTheWaitUpToALimit() throws {
        try fail(3)
        var wait: Int64 = 100
        for next: Int64 in [200, 300, 300] {
            clock.advance(milliseconds: wait - 1)
            #expect(breaker.enter() == nil)
            clock.advance(milliseconds: 1)
            breaker.fail(try #require(breaker.enter()))
            wait = next
        }
        // Success begins anew.
        clock.advance(milliseconds: 300)
        breaker.succeed(try #require(breaker.enter()))
        try fail(3)
        clock.advance(milliseconds: 100)
        #expect(breaker.enter() != nil)
    }

    @Test func aProbeThatWasAbandonedLeavesItsPlaceToAnother() throws {
        try fail(3)
        clock.advance(milliseconds: 100)
        breaker.abandon(try #require(breaker.enter()))
        #expect(breaker.enter() != nil)
    }

    @Test func answersToCallsFromBeforeSayNothing() throws {
        let early = try #require(breaker.enter()), other = try #require(breaker.enter())
        try fail(3)
        #expect(!breaker.succeed(early) && breaker.state == .open)
        clock.advance(milliseconds: 100)
        _ = try #require(breaker.enter())
        #expect(!breaker.fail(other) && breaker.enter() == nil)
    }
}
