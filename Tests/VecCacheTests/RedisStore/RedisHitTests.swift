// What a hit asks Redis for, and what it makes of the answer.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("Hits of a cache in Redis", .serialized)
struct RedisHitTests {
    private let server: RedisServer
    private let cache: SemanticCache

    init() throws {
        server = try RedisServer()
        cache = try RedisHitTests.open(server)
    }

    /// A cache that hears of nothing by asking for itself.
    private static func open(_ server: RedisServer, _ change: (inout CacheOptions) -> Void = { _ in }) throws -> SemanticCache {
        var options = RedisCaches.options(), settings = RedisCaches.settings()
        settings.idleCheck = 60_000
        change(&options)
        return try RedisCaches.open(server.url, options, settings)
    }

    private func key(_ id: EntryID) -> String { "vecstore:{tests}:entry:\(id)" }

    private func near(_ n: Int) -> [Float] {
        var vector = RedisCaches.vector(n)
        vector[0] += 0.02
        return vector
    }

    @Test func whatIsGoneIsNoHitAndTheNextBestIs() throws {
        let gone = try cache.put(1)
        try cache.set(prompt: Array("like 1".utf8), response: Array("next".utf8), vector: near(1))
        try server.cli("del", key(gone))
        #expect(try cache.get(vector: RedisCaches.vector(1), CacheQuery(threshold: 0.9))?.response == Array("next".utf8))
        #expect(try cache.stats().gone == 1 && cache.entries == 1)
    }

    @Test func whatEndsInRedisIsNotServed() throws {
        let id = try cache.put(1)
        let end = wallClock() + 60_000
        try server.cli("hset", key(id), "expires", "\(end)")
        #expect(try cache.get(prompt: Array("prompt 1".utf8))?.expires == end)
        try server.cli("hset", key(id), "expires", "\(wallClock() - 1)")
        #expect(try cache.response(1) == nil)
        #expect(try cache.entries == 0)
    }

    @Test func aServerThatSaysNothingIsAskedOnce() throws {
        try cache.put(1)
        try cache.set(prompt: Array("like 1".utf8), response: [], vector: near(1))
        let asked = try server.commandCounts()["cmdstat_hmget"] ?? 0
        server.stop()
        #expect(try cache.get(prompt: Array("prompt 1".utf8), vector: RedisCaches.vector(1)) == nil)
        let stats = try cache.stats()
        // The thread that follows the changes of others may have counted an error too.
        #expect(stats.misses == 1 && stats.storeErrors >= 1 && stats.entries == 2)
        server.proceed()
        #expect(try cache.response(1) == "response 1")
        #expect(try server.commandCounts()["cmdstat_hmget"] == asked + 2)
    }

    @Test func whatHadToGoAndComesAgainInTheSameBatchStays() throws {
        let cache = try RedisHitTests.open(server) { $0.maxEntries = 1 }
        try cache.setMany(
            [1, 2, 1].map { NewEntry(prompt: Array("prompt \($0)".utf8), response: Array("\($0)".utf8), vector: RedisCaches.vector($0)) })
        #expect(try cache.flush(milliseconds: 2000))
        #expect(try cache.response(1) == "1" && cache.response(2) == nil)
        try RedisCaches.eventually("Redis has the one") { try server.cli("zcard", "vecstore:{tests}:ids") == "1" }
    }
}
