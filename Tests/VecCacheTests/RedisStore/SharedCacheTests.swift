// What processes see of each other's entries.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("A cache in Redis is shared", .serialized)
struct SharedCacheTests {
    private let server: RedisServer

    init() throws { server = try RedisServer() }

    @Test func whatOneSetsTheOthersFind() throws {
        let a = try RedisCaches.open(server.url), b = try RedisCaches.open(server.url)
        try a.put(1, metadata: #"{"tenant":"x"}"#)
        try RedisCaches.eventually("the entry is there") { try b.entries == 1 }
        let hit = try #require(try b.get(vector: RedisCaches.vector(1)))
        #expect(String(decoding: hit.response, as: UTF8.self) == "response 1" && hit.tier == .semantic)
        #expect(String(decoding: hit.metadata, as: UTF8.self) == #"{"tenant":"x"}"#)
        #expect(try b.response(1) == "response 1")
        #expect(try b.response(2) == nil)
    }

    @Test func whoComesLaterFindsWhatIsThere() throws {
        let a = try RedisCaches.open(server.url)
        for n in 0..<600 { try a.put(n) }
        let b = try RedisCaches.open(server.url)
        #expect(try b.entries == 600)
        for n in stride(from: 0, to: 600, by: 50) { #expect(try b.responseToVector(n) == "response \(n)") }
    }

    @Test func whatOneSetsAgainOrDeletesTheOthersSee() throws {
        let a = try RedisCaches.open(server.url), b = try RedisCaches.open(server.url)
        let first = try a.put(1)
        try a.put(2)
        try RedisCaches.eventually("both are there") { try b.entries == 2 }
        try b.put(1, "another")
        #expect(try b.response(1) == "another")
        try RedisCaches.eventually("the other response") { try a.response(1) == "another" }
        #expect(try b.delete([first]) == 1)
        #expect(try b.delete([first]) == 0)
        try RedisCaches.eventually("it is gone") { try a.entries == 1 }
        #expect(try a.response(1) == nil && a.response(2) == "response 2")
        #expect(try a.clear() == 1)
        try RedisCaches.eventually("all are gone") { try b.entries == 0 }
        #expect(try server.cli("keys", "*entry*").isEmpty)
    }

    @Test func namespacesKnowNothingOfEachOther() throws {
        let a = try RedisCaches.open(server.url), b = try RedisCaches.open(server.url, RedisCaches.options("others"))
        try a.put(1)
        try b.put(2)
        #expect(try a.clear() == 1)
        #expect(try b.response(2) == "response 2")
        #expect(try b.entries == 1)
    }

    @Test func aMissAsksNobodyAndAHitOnce() throws {
        let a = try RedisCaches.open(server.url)
        for n in 0..<20 { try a.put(n) }
        // Nothing but the check of who hears nothing, which is switched off by a change that it waits for.
        var settings = RedisCaches.settings()
        settings.idleCheck = 60_000
        let b = try RedisCaches.open(server.url, RedisCaches.options(), settings)
        try a.close()
        try server.waitForListeners(1)
        let before = try server.commandCounts()
        for n in 100..<200 {
            #expect(try b.response(n) == nil)
            #expect(try b.get(vector: RedisCaches.vector(n), CacheQuery(threshold: 0.9999)) == nil)
        }
        #expect(try server.commandCounts() == before)
        for n in 0..<10 { #expect(try b.responseToVector(n) == "response \(n)") }
        var after = before
        after["cmdstat_hmget", default: 0] += 10
        #expect(try server.commandCounts() == after)
    }

    @Test func withResponsesInMemoryAHitAsksNobodyEither() throws {
        let a = try RedisCaches.open(server.url)
        for n in 0..<20 { try a.put(n) }
        try a.close()
        var settings = RedisCaches.settings()
        settings.idleCheck = 60_000
        settings.keepsResponses = true
        let b = try RedisCaches.open(server.url, RedisCaches.options(), settings)
        try server.waitForListeners(1)
        let before = try server.commandCounts()
        for n in 0..<20 { #expect(try b.response(n) == "response \(n)") }
        #expect(try server.commandCounts() == before)
    }

    @Test func nothingIsServedPastItsTTL() throws {
        let a = try RedisCaches.open(server.url), b = try RedisCaches.open(server.url)
        try a.put(1, ttl: .milliseconds(300))
        try a.put(2, ttl: .forever)
        try RedisCaches.eventually("both are there") { try b.entries == 2 }
        #expect(try b.response(1) == "response 1")
        let end = try #require(try b.get(prompt: Array("prompt 1".utf8))?.expires)
        while wallClock() < end { usleep(1000) }
        #expect(try a.response(1) == nil && b.response(1) == nil && b.responseToVector(1) == nil)
        try RedisCaches.eventually("its id is gone too") { try server.cli("zcard", "vecstore:{tests}:ids") == "1" }
        #expect(try b.response(2) == "response 2")
    }

    @Test func aHitPutsOffTheEndWhereThatIsWanted() throws {
        var options = RedisCaches.options()
        options.refreshesOnHit = true
        let a = try RedisCaches.open(server.url, options), b = try RedisCaches.open(server.url)
        let id = try a.put(1, ttl: .milliseconds(5000))
        try RedisCaches.eventually("it is there") { try b.entries == 1 }
        let key = "vecstore:{tests}:entry:\(id)"
        let before = try #require(Int64(try server.cli("hget", key, "expires")))
        usleep(20_000)
        #expect(try a.response(1) == "response 1")
        try RedisCaches.eventually("Redis knows") { try Int64(server.cli("hget", key, "expires")) ?? 0 > before }
        try RedisCaches.eventually("the other one knows") { try b.get(prompt: Array("prompt 1".utf8))?.expires ?? 0 > before }
        #expect(try #require(Int64(try server.cli("pttl", key))) > 4000)
    }

    @Test func aWrongHitIsOneNowhereAnyMore() throws {
        let a = try RedisCaches.open(server.url), b = try RedisCaches.open(server.url)
        let id = try a.put(1)
        try RedisCaches.eventually("it is there") { try b.entries == 1 }
        var near = RedisCaches.vector(1)
        near[0] += 0.1
        let query = CacheQuery(threshold: 0.5)
        #expect(try b.get(vector: near, query) != nil)
        #expect(try a.feedback(id, vector: near, isWrong: true))
        try RedisCaches.eventually("the other one knows") { try b.get(vector: near, query) == nil }
        #expect(try b.get(vector: RedisCaches.vector(1), query) != nil)
        let c = try RedisCaches.open(server.url)
        #expect(try c.get(vector: near, query) == nil)
    }

    @Test func whatHasNoRoomIsDeletedForAll() throws {
        var options = RedisCaches.options()
        options.maxEntries = 10
        let a = try RedisCaches.open(server.url, options), b = try RedisCaches.open(server.url)
        for n in 0..<30 { try a.put(n) }
        #expect(try a.entries == 10)
        try RedisCaches.eventually("the same ten") { try b.entries == 10 && server.cli("zcard", "vecstore:{tests}:ids") == "10" }
        #expect(try b.response(29) == "response 29" && b.response(0) == nil)
    }

    @Test func changesThatComeWhileACacheOpensAreNoReasonToReadAllAgain() throws {
        let a = try RedisCaches.open(server.url)
        for n in 0..<3 { try a.put(n) }
        let b = try RedisCaches.open(server.url)
        for n in 3..<6 { try a.put(n) }
        try RedisCaches.eventually("all are there") { try b.entries == 6 }
        for cache in [a, b] { #expect(cache.store.metrics().first { $0.name == "syncs_total" }?.value == 1) }
    }

    @Test func manyWritersAndReadersAgreeInTheEnd() throws {
        let caches = try (0..<4).map { _ in try RedisCaches.open(server.url) }
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: 4) { writer in
            var random = Random(seed: UInt64(writer) + 90)
            for i in 0..<200 {
                let n = random.below(40)
                do {
                    if random.below(4) == 0 {
                        _ = try caches[writer].delete([EntryID(prompt: Array("prompt \(n)".utf8), metadata: [])])
                    } else {
                        try caches[writer].put(n, "by \(writer), \(i)")
                    }
                    if let text = try caches[writer].response(random.below(40)), !text.hasPrefix("by ") { failures.note("read \(text)") }
                } catch {
                    failures.note("\(error)")
                }
            }
        }
        #expect(failures.all.isEmpty)
        func content(_ cache: SemanticCache) throws -> [String?] { try (0..<40).map { try cache.response($0) } }
        let truth = try content(try RedisCaches.open(server.url))
        for cache in caches {
            try RedisCaches.eventually("all are the same") { try content(cache) == truth }
            #expect(try cache.entries == truth.count { $0 != nil })
        }
    }

    @Test(.timeLimit(.minutes(2))) func entriesThatSeveralSetInBatchesAtOnceEndTheSameForAll() throws {
        var settings = RedisCaches.settings()
        settings.keepsResponses = true
        let caches = try (0..<3).map { _ in try RedisCaches.open(server.url, RedisCaches.options(), settings) }
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: 3) { writer in
            do {
                for i in 0..<20 {
                    try caches[writer].setMany(
                        (0..<800).map { place in
                            let n = (place * 7 + i) % 300
                            return NewEntry(
                                prompt: Array("prompt \(n)".utf8), response: Array("by \(writer), \(i), \(place)".utf8),
                                vector: RedisCaches.vector(n))
                        })
                    if i % 5 == writer {
                        _ = try caches[writer].delete((0..<40).map { EntryID(prompt: Array("prompt \($0)".utf8), metadata: []) })
                    }
                }
            } catch {
                failures.note("\(error)")
            }
        }
        #expect(failures.all.isEmpty)
        func content(_ cache: SemanticCache) throws -> [String?] { try (0..<300).map { try cache.response($0) } }
        let truth = try content(try RedisCaches.open(server.url))
        for cache in caches { try RedisCaches.eventually("all are the same") { try content(cache) == truth } }
    }
}
