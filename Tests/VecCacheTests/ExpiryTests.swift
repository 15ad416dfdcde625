// How long entries live.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("Expiry of entries")
struct ExpiryTests {
    @Test(arguments: Place.allCases)
    func entriesAreServedUpToTheirEndAndNoLonger(_ place: Place) throws {
        let test = try TestCache(place) { $0.ttl = 1000 }
        try test.set("a", at: 0)
        test.clock.pass(999)
        #expect(try test.get("a") != nil)
        #expect(try test.get(at: 0) != nil)
        test.clock.pass(1)
        #expect(try test.get("a") == nil)
        #expect(try test.get(at: 0) == nil)
    }

    @Test(arguments: Place.allCases)
    func anEntryMayHaveATTLOfItsOwn(_ place: Place) throws {
        let test = try TestCache(place) { $0.ttl = 1000 }
        try test.set("short", at: 0, ttl: .milliseconds(10))
        try test.set("standard", at: 60)
        try test.set("forever", at: 120, ttl: .forever)
        test.clock.pass(500)
        #expect(try test.get("short") == nil)
        #expect(try test.get("standard") != nil)
        test.clock.pass(1_000_000_000)
        #expect(try test.get("standard") == nil)
        #expect(try test.hit("forever")?.expires == nil)
    }

    @Test func aTTLBeyondAllTimeIsNoEnd() throws {
        let test = try TestCache { $0.ttl = .max }
        try test.set("a", at: 0)
        test.clock.pass(1_000_000_000_000)
        #expect(try test.get("a") != nil)
    }

    @Test(arguments: [0, -1, Int64.min])
    func aTTLIsMoreThanNothing(_ ttl: Int64) throws {
        #expect(failure { _ = try TestCache { $0.ttl = ttl } }?.code == .invalidArgument)
        let test = try TestCache()
        #expect(failure { try test.set("a", at: 0, ttl: .milliseconds(ttl)) }?.code == .invalidArgument)
    }

    @Test func endedEntriesMakeRoom() throws {
        let test = try TestCache()
        for i in 0..<100 { try test.set("\(i)", at: Double(i), ttl: .milliseconds(10)) }
        test.clock.pass(10)
        try test.set("new", at: 0)
        #expect(try test.count == 1)
        #expect(try test.cache.stats().expired == 100)
    }

    @Test func aLookupLooksBehindEndedEntries() throws {
        let test = try TestCache()
        try test.set("there", at: 20)
        for i in 0..<500 { try test.set("\(i)", at: Double(i) / 100, ttl: .milliseconds(10)) }
        test.clock.pass(10)
        #expect(try test.get(at: 0) == "response to there")
    }

    @Test(arguments: Place.allCases)
    func aHitPutsOffTheEndWhereThatIsAskedFor(_ place: Place) throws {
        let test = try TestCache(place) {
            $0.ttl = 1000
            $0.refreshesOnHit = true
        }
        try test.set("a", at: 0)
        for _ in 0..<5 {
            test.clock.pass(900)
            #expect(try test.hit("a")?.expires == test.clock.now + 1000)
            // Ends that are put off are gathered for a moment, in which little time passes.
            #expect(try test.cache.flush(milliseconds: 5000))
        }
        if place.isDurable {
            try test.reopen()
            test.clock.pass(999)
            #expect(try test.get(at: 0) != nil)
        }
        test.clock.pass(1000)
        #expect(try test.get("a") == nil)
    }
}
