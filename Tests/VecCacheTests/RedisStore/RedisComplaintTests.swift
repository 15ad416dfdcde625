// What people complain of about caches in Redis, and what cannot happen here.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("What cannot happen to a cache in Redis", .serialized)
struct RedisComplaintTests {
    /// The rules of the user that the documents show, but for its name and password.
    private static func documentedRules() throws -> [Substring] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        let text = try String(contentsOf: root.appendingPathComponent("docs/cache.md"), encoding: .utf8)
        let begin = "ACL SETUSER cache on >password "
        let start = try #require(text.firstRange(of: begin)).upperBound
        let end = try #require(text[start...].firstRange(of: "```")).lowerBound
        return text[start..<end].split(whereSeparator: \.isWhitespace)
    }

    /// All that a cache does, by a user of few rights.
    @Test(arguments: [[], ["+info", "+cluster|slots", "+client|setname"]])
    func aUserWithTheDocumentedRightsAndNoMoreIsEnough(_ withheld: [String]) throws {
        let rules = try RedisComplaintTests.documentedRules().filter { !withheld.contains(String($0)) }
        var settings = RedisServer.Settings()
        settings.users = ["cache on >sesame " + rules.joined(separator: " ")]
        let server = try RedisServer(settings)
        try server.cli("acl", "log", "reset")
        let url = "redis://cache:sesame@127.0.0.1:\(server.port)"
        var options = RedisCaches.options("support-bot")
        options.refreshesOnHit = true
        let a = try RedisCaches.open(url, options), b = try RedisCaches.open(url, options)
        let id = try a.put(1, metadata: #"{"tenant":"x"}"#)
        for n in 3..<10 { try a.put(n) }
        try RedisCaches.eventually("all are there") { try b.entries == 8 }
        #expect(try b.response(1) == "response 1" && b.responseToVector(3) == "response 3")
        var wrong = RedisCaches.vector(1)
        wrong[0] += 0.5
        #expect(try b.feedback(id, vector: wrong, isWrong: true))
        #expect(try b.delete([id]) == 1)
        #expect(try b.delete(where: Array("{}".utf8)) == 7)
        try a.put(11)
        #expect(try b.clear() <= 1)
        try a.put(2, ttl: .milliseconds(20))
        #expect(try a.flush(milliseconds: 2000) && b.flush(milliseconds: 2000))
        try RedisCaches.eventually("the ids are gone too") { try server.cli("zcard", "vecstore:{support-bot}:ids") == "0" }
        #expect(try a.stats().storeErrors == 0 && b.stats().storeErrors == 0)
        #expect(a.health().status == .ok && b.health().status == .ok)
        for cache in [a, b] { #expect(cache.store.metrics().first { $0.name == "dropped_changes_total" }?.value == 0) }
        // What was refused all the same is what was withheld.
        let refused = try server.cli("acl", "log").split(separator: "\n").map(String.init)
        #expect(refused.isEmpty != withheld.contains("+cluster|slots"))
        #expect { _ = try RedisCaches.open(url, RedisCaches.options("others")) } throws: { ($0 as? VecStoreError)?.code == .unsupported }
        try a.close()
        try b.close()
    }

    @Test func anEntryThatEndsBetweenBeingFoundAndBeingFetchedIsAMiss() throws {
        let server = try RedisServer()
        // A cache whose clock is behind goes on finding what Redis has let go of: each entry meets the moment.
        var options = RedisCaches.options()
        options.redis = RedisCaches.redis()
        let behind: Int64 = 20
        let cache = try SemanticCache.open(server.url, options, clock: { wallClock() - behind })
        var hits = 0
        for n in 0..<150 {
            try cache.put(n, ttl: .milliseconds(behind + Int64(1 + n % 5)))
            while true {
                let hit = try cache.get(prompt: Array("prompt \(n)".utf8), vector: RedisCaches.vector(n), CacheQuery(threshold: 0.999))
                guard let hit else { break }
                #expect(hit.response == Array("response \(n)".utf8))
                hits += 1
            }
        }
        let stats = try cache.stats()
        #expect(hits > 0 && stats.gone > 0 && stats.misses == 150)
        #expect(stats.storeErrors == 0 && stats.failures == 0)
    }

    @Test func aKilledRedisDoesNotTakeTheProgramDown() throws {
        let server = try RedisServer()
        let cache = try RedisCaches.open(server.url)
        for n in 0..<20 { try cache.put(n) }
        let failures = Failures()
        let isOver = Atomic<Bool>(false), lookups = Counter()
        let readers = Threads(2) { i in
            var n = i
            while !isOver.load(ordering: .relaxed) {
                failures.run { _ = try cache.get(prompt: Array("prompt \(n % 40)".utf8), vector: RedisCaches.vector(n % 40)) }
                n += 1
                lookups.add()
            }
        }
        server.kill()
        let start = Date()
        for n in 20..<40 { failures.run { try cache.put(n) } }
        failures.run { _ = try cache.delete([EntryID(prompt: Array("prompt 1".utf8), metadata: [])]) }
        #expect(Date().timeIntervalSince(start) < 5)
        let before = lookups.value
        try RedisCaches.eventually("lookups go on") { lookups.value > before + 100 }
        try server.start()
        try RedisCaches.eventually("what was set meanwhile is there") { try cache.response(39) == "response 39" }
        isOver.store(true, ordering: .relaxed)
        readers.join()
        #expect(failures.all == [])
    }

    @Test func errorsThatNoCallTellsOfAreNotSwallowed() throws {
        let server = try RedisServer()
        var settings = RedisCaches.settings()
        settings.keepsResponses = true
        let cache = try RedisCaches.open(server.url, RedisCaches.options(), settings)
        try cache.put(1)
        try server.waitForListeners(1)
        #expect(try cache.stats().storeErrors == 0 && cache.stats().lastError == nil)
        server.kill()
        // Nobody asks for anything: the threads that listen and write find out by themselves.
        try RedisCaches.eventually("it is counted") { try cache.stats().storeErrors > 0 }
        let last = try #require(try cache.stats().lastError)
        #expect(last.message.contains("127.0.0.1") && abs(last.time - wallClock()) < 60_000)
        #expect(cache.health().status == .degraded && cache.health().reasons.map(\.code).contains("redis_away"))
        let labels = #"{namespace="tests",store="redis"}"#
        let there = ["redis_up\(labels) 0\n", "healthy\(labels) 0\n"]
        let gone = ["last_error_timestamp_seconds\(labels) 0.0\n", "redis_errors_total\(labels) 0\n"]
        try RedisCaches.eventually("metrics tell it") {
            let text = try cache.metrics()
            return there.allSatisfy { text.contains("vecstore_cache_\($0)") } && !gone.contains { text.contains("vecstore_cache_\($0)") }
        }
    }

    @Test func aChangeThatIsRefusedWhenNobodyWaitsForItIsNotSwallowed() throws {
        let server = try RedisServer()
        var options = RedisCaches.options()
        options.refreshesOnHit = true
        let cache = try RedisCaches.open(server.url, options)
        try cache.put(1)
        try server.cli("config", "set", "maxmemory", "1")
        #expect(try cache.response(1) == "response 1", "the hit is one, though its end cannot be put off")
        try RedisCaches.eventually("the refusal is told") { try cache.stats().lastError?.message.contains("OOM") ?? false }
        #expect(cache.store.metrics().first { $0.name == "dropped_changes_total" }?.value == 1)
    }
}
