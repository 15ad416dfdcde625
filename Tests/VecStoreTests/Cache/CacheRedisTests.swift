// A cache that lives in Redis, from Swift: shared, without its server, and with its secrets kept.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecStore

@Suite("Cache in Redis in Swift")
struct CacheRedisTests {
    /// Answers soon whatever happens.
    private let redis = RedisOptions(connectTimeout: .milliseconds(500), commandTimeout: .milliseconds(500))

    private func open(_ url: String, _ options: SemanticCache.Options = .init()) throws -> SemanticCache {
        var options = options
        options.redis = redis
        return try SemanticCache(url, namespace: "tests", dimension: 2, options: options)
    }

    @Test func twoCachesSeeEachOthersEntries() throws {
        let server = try RedisServer()
        let mine = try open(server.url), yours = try open(server.url)
        let id = try mine.set(prompt: "p", response: "r", vector: direction(0))
        try eventually("the entry comes") { try yours.get(prompt: "p")?.response == "r" }
        try yours.delete(id)
        try eventually("it goes") { try mine.get(prompt: "p") == nil }
        try mine.close()
        try yours.close()
    }

    @Test func withoutItsServerLookupsAreMissesAndWritesWait() throws {
        let server = try RedisServer()
        let cache = try open(server.url)
        try cache.set(prompt: "p", response: "r", vector: direction(0))
        server.kill()
        let took = try ContinuousClock().measure {
            #expect(try cache.get(prompt: "p") == nil)
            try cache.set(prompt: "q", response: "s", vector: direction(90))
        }
        #expect(took < .seconds(5))
        let stats = try cache.stats()
        #expect(stats.storeErrors > 0 && stats.lastError != nil)
        #expect(try !cache.flush(timeout: .milliseconds(10)))
        try eventually("health tells of it") { cache.health().reasons.map(\.code).contains("redis_away") }
        #expect(cache.health().status == .degraded)
        try server.start()
        #expect(try cache.flush(timeout: .seconds(20)))
        try eventually("what waited is there") { try cache.get(prompt: "q")?.response == "s" }
        try cache.close()
    }

    @Test func responsesThatAreKeptNeedNoServer() throws {
        let server = try RedisServer()
        let cache = try open(server.url, .init(keepsResponses: true))
        try cache.set(prompt: "p", response: "r", vector: direction(0))
        server.kill()
        #expect(try cache.get(prompt: "p")?.response == "r")
    }

    @Test func aCacheThatFailsClosedThrows() throws {
        let server = try RedisServer()
        let cache = try open(server.url, .init(failsClosed: true))
        server.kill()
        try eventually("lookups throw") {
            do {
                _ = try cache.get(vector: direction(0))
                return false
            } catch let error as VecStoreError {
                return error.code == .unavailable
            }
        }
        expect(.unavailable) { _ = try open(server.url, .init(failsClosed: true)) }
    }

    @Test func theEnvironmentSaysWhereRedisIs() throws {
        let server = try RedisServer()
        try alone {
            setenv("REDIS_URL", server.url, 1)
            defer { unsetenv("REDIS_URL") }
            let cache = try SemanticCache(namespace: "tests", dimension: 2, options: .init(redis: redis))
            try cache.set(prompt: "p", response: "r", vector: direction(0))
            try cache.close()
        }
        #expect(try server.cli("keys", "vecstore:{tests}:entry:*").contains("vecstore:{tests}:entry:"))
    }

    @Test func passwordsAreInNoMessage() throws {
        var settings = RedisServer.Settings()
        settings.password = "right"
        let server = try RedisServer(settings)
        let url = "redis://:s3cr3t-w0rd@127.0.0.1:\(server.port)"
        let error = #expect(throws: VecStoreError.self) { _ = try open(url) }
        #expect(error?.message.contains("s3cr3t") == false)
        let broken = #expect(throws: VecStoreError.self) { _ = try open("redis://:s3cr3t-w0rd@127.0.0.1:port") }
        #expect(broken?.message.contains("s3cr3t") == false)
    }

    @Test func tlsTakesTheFilesThatAreNamed() throws {
        let certificates = try RedisCertificates()
        var settings = RedisServer.Settings()
        settings.certificates = certificates
        let server = try RedisServer(settings)
        let url = "rediss://127.0.0.1:\(server.port)"
        var options = SemanticCache.Options(failsClosed: true, redis: redis)
        expect(.io) { _ = try SemanticCache(url, namespace: "tests", dimension: 2, options: options) }
        options.redis.tls = .init(
            caFile: certificates.authority, certificateFile: certificates.clientCertificate, keyFile: certificates.clientKey)
        let cache = try SemanticCache(url, namespace: "tests", dimension: 2, options: options)
        try cache.set(prompt: "p", response: "r", vector: direction(0))
        #expect(try cache.get(prompt: "p")?.response == "r")
        options.redis.tls.serverName = "other.example"
        expect(.io) { _ = try SemanticCache(url, namespace: "tests", dimension: 2, options: options) }
        try cache.close()
    }
}
