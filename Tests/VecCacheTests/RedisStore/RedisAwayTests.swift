// What becomes of a cache while its Redis is away, slow, wiped or another one.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("A cache whose Redis is away", .serialized)
struct RedisAwayTests {
    private let server: RedisServer

    init() throws { server = try RedisServer() }

    private func keeping() -> RedisNamespaceSettings {
        var settings = RedisCaches.settings()
        settings.keepsResponses = true
        return settings
    }

    @Test func goesOnFromWhatItHasAndCatchesUp() throws {
        let a = try RedisCaches.open(server.url, RedisCaches.options(), keeping())
        let b = try RedisCaches.open(server.url, RedisCaches.options(), keeping())
        for n in 0..<20 { try a.put(n) }
        try RedisCaches.eventually("all are there") { try b.entries == 20 }
        server.kill()
        #expect(try b.response(7) == "response 7")
        #expect(try b.response(77) == nil)
        try a.put(50)
        try a.put(51)
        #expect(try a.response(50) == "response 50", "this process goes by what waits")
        try RedisCaches.eventually("that is said") { !a.store.reasons.isEmpty && !b.store.reasons.isEmpty }
        try server.start()
        // It saved nothing: what it had is gone for all, and what waited is there.
        try RedisCaches.eventually("both have what waited") { try a.entries == 2 && b.entries == 2 }
        #expect(try b.response(50) == "response 50" && b.response(51) == "response 51" && b.response(7) == nil)
        try RedisCaches.eventually("all is well") { a.store.reasons.isEmpty && b.store.reasons.isEmpty }
    }

    @Test func withoutResponsesMissesUntilRedisIsBack() throws {
        let cache = try RedisCaches.open(server.url)
        try cache.put(1)
        server.stop()
        #expect(try cache.response(1) == nil)
        #expect(try cache.stats().storeErrors > 0)
        #expect(try #require(try cache.stats().lastError).message.contains("127.0.0.1"))
        server.proceed()
        try RedisCaches.eventually("it is back") { try cache.response(1) == "response 1" }
    }

    @Test func thatFailsClosedSaysSo() throws {
        var options = RedisCaches.options()
        options.failsOpen = false
        let cache = try RedisCaches.open(server.url, options)
        try cache.put(1)
        server.kill()
        try RedisCaches.eventually("it is noticed") { !cache.store.reasons.isEmpty }
        for n in [1, 2] {
            #expect { try cache.response(n) } throws: { ($0 as? VecStoreError)?.code == .unavailable }
        }
    }

    @Test func hangsNowhereWhileTheServerSaysNothing() throws {
        let cache = try RedisCaches.open(server.url, RedisCaches.options(), keeping())
        try cache.put(1)
        server.stop()
        defer { server.proceed() }
        let start = Date()
        for n in 10..<14 { try cache.put(n) }
        _ = try cache.delete([EntryID(prompt: Array("prompt 1".utf8), metadata: [])])
        // The first may take its time-out; nobody waits for a server that is known to be away.
        #expect(Date().timeIntervalSince(start) < 3)
        #expect(try cache.response(12) == "response 12" && cache.response(1) == nil)
        server.proceed()
        let other = try RedisCaches.open(server.url)
        try RedisCaches.eventually("what waited is there") { try other.entries == 4 }
    }

    @Test func saysWhenItIsClosedWhatIsLost() throws {
        let cache = try RedisCaches.open(server.url)
        try cache.put(1)
        server.kill()
        try cache.put(2)
        let error = #expect(throws: VecStoreError.self) { try cache.close() }
        #expect(error?.code == .unavailable && error?.message.hasPrefix("1 changes") == true)
        // It is closed all the same.
        try cache.close()
    }

    @Test func keepsNoMoreThanItMay() throws {
        var settings = keeping()
        settings.queueLimit = 5
        let cache = try RedisCaches.open(server.url, RedisCaches.options(), settings)
        server.kill()
        var refused = 0
        for n in 0..<12 {
            do { try cache.put(n) } catch let error as VecStoreError where error.code == .unavailable { refused += 1 }
        }
        #expect(refused == 7)
        #expect(cache.store.metrics().first { $0.name == "dropped_changes_total" }?.value == 7)
        try server.start()
        try RedisCaches.eventually("what was kept is there") { try server.cli("zcard", "vecstore:{tests}:ids") == "5" }
    }

    @Test func servesNothingOfARedisThatWasWiped() throws {
        let a = try RedisCaches.open(server.url, RedisCaches.options(), keeping())
        let b = try RedisCaches.open(server.url, RedisCaches.options(), keeping())
        for n in 0..<20 { try a.put(n) }
        try RedisCaches.eventually("all are there") { try b.entries == 20 }
        try server.cli("flushall")
        try RedisCaches.eventually("all are gone") { try a.entries == 0 && b.entries == 0 }
        try a.put(3, "new")
        try RedisCaches.eventually("the new one is there") { try b.response(3) == "new" }
    }

    @Test func writesIntoARedisThatWasWipedAtOnce() throws {
        var settings = RedisCaches.settings()
        settings.idleCheck = 60_000
        let cache = try RedisCaches.open(server.url, RedisCaches.options(), settings)
        try cache.put(1)
        try server.cli("flushall")
        try cache.put(2)
        #expect(try cache.response(2) == "response 2")
        try RedisCaches.eventually("the other one is gone") { try cache.entries == 1 }
        #expect(try RedisCaches.open(server.url).entries == 1)
    }

    @Test func meetsAnEntryThatIsGoneAsAMiss() throws {
        var settings = RedisCaches.settings()
        settings.idleCheck = 60_000
        let cache = try RedisCaches.open(server.url, RedisCaches.options(), settings)
        let id = try cache.put(1)
        try server.cli("del", "vecstore:{tests}:entry:\(id)")
        #expect(try cache.response(1) == nil)
        #expect(try cache.entries == 0 && cache.stats().gone == 1)
    }

    @Test func findsWhatItMissedOfAStreamThatWasCut() throws {
        let a = try RedisCaches.open(server.url), b = try RedisCaches.open(server.url)
        let id = try a.put(1), other = try a.put(2)
        try RedisCaches.eventually("both are there") { try b.entries == 2 }
        let syncs = b.store.metrics().first { $0.name == "syncs_total" }?.value ?? 0
        // A deletion of which the stream knows nothing any more, and a change that it knows.
        let script = """
            redis.call('DEL', KEYS[4]); redis.call('ZREM', KEYS[2], ARGV[1])
            redis.call('HINCRBY', KEYS[1], 'seq', 2)
            redis.call('XADD', KEYS[3], redis.call('HGET', KEYS[1], 'seq') .. '-0', 'op', 'set', 'id', ARGV[2], 'by', 'x', 'end', '')
            """
        let keys = ["meta", "ids", "log", "entry:\(id)"].map { "vecstore:{tests}:\($0)" }
        try server.cli("eval", script, "4", keys[0], keys[1], keys[2], keys[3], id.text, other.text)
        try RedisCaches.eventually("it is gone") { try a.entries == 1 && b.entries == 1 }
        // It is counted when it is over.
        try RedisCaches.eventually("all were compared") {
            b.store.metrics().first { $0.name == "syncs_total" }?.value ?? 0 > syncs
        }
        #expect(try b.response(2) == "response 2")
    }

    @Test func opensWithoutRedisAndFillsLater() throws {
        let filled = try RedisCaches.open(server.url)
        try filled.put(1)
        server.stop()
        let cache = try RedisCaches.open(server.url)
        #expect(try cache.entries == 0 && cache.response(1) == nil)
        server.proceed()
        try RedisCaches.eventually("it is there") { try cache.response(1) == "response 1" }
        var options = RedisCaches.options()
        options.failsOpen = false
        server.stop()
        defer { server.proceed() }
        #expect { _ = try RedisCaches.open(server.url, options) } throws: { ($0 as? VecStoreError)?.code == .unavailable }
    }

    @Test func losesNothingOfWhatWasWrittenUnderLoadAroundACrash() throws {
        // It saves every write, as a Redis does that is to lose nothing.
        var kept = RedisServer.Settings()
        kept.arguments = ["--appendonly", "yes", "--appendfsync", "always"]
        let server = try RedisServer(kept)
        let a = try RedisCaches.open(server.url, RedisCaches.options(), keeping())
        let b = try RedisCaches.open(server.url, RedisCaches.options(), keeping())
        let end = Date().addingTimeInterval(3)
        let writer = Thread {
            var n = 0
            while Date() < end {
                try? a.put(n)
                n += 1
                if n % 50 == 0 { usleep(1000) }
            }
        }
        writer.start()
        usleep(300_000)
        server.kill()
        usleep(300_000)
        try server.start()
        while !writer.isFinished { usleep(1000) }
        try RedisCaches.eventually("nothing waits", within: 10) { a.store.reasons.isEmpty && b.store.reasons.isEmpty }
        let c = try RedisCaches.open(server.url)
        try RedisCaches.eventually("all have the same", within: 10) { try a.entries == b.entries && b.entries == c.entries }
        #expect(try a.entries > 100)
    }

    // MARK: - What is refused

    @Test func refusesAnotherDimAndAnotherModel() throws {
        _ = try RedisCaches.open(server.url)
        var options = RedisCaches.options()
        options.model = "m-2"
        #expect {
            _ = try RedisCaches.open(server.url, options)
        } throws: {
            ($0 as? VecStoreError)?.code == .invalidArgument && "\($0)".contains("m-1") && "\($0)".contains("m-2")
        }
        options = RedisCaches.options()
        options.dimension = 9
        #expect {
            _ = try RedisCaches.open(server.url, options)
        } throws: {
            ($0 as? VecStoreError)?.code == .invalidArgument && "\($0)".contains("dim 8")
        }
        try server.cli("hset", "vecstore:{tests}:meta", "format", "2")
        #expect { _ = try RedisCaches.open(server.url) } throws: { ($0 as? VecStoreError)?.code == .newerVersion }
    }

    /// Anybody who may write there can write such numbers.
    @Test func numbersAtTheEndOfAllAreRefusedOrPassedOver() throws {
        let cache = try RedisCaches.open(server.url)
        try cache.put(1)
        let end = "9223372036854775807", before = "9223372036854775806"
        // A namespace whose changes cannot be counted any further.
        try server.cli("hset", "vecstore:{tests}:meta", "seq", end)
        #expect { _ = try RedisCaches.open(server.url) } throws: { ($0 as? VecStoreError)?.code == .corrupt }
        try server.cli("hset", "vecstore:{tests}:meta", "seq", before)
        let late = try RedisCaches.open(server.url)
        for event in ["\(end)-0", "\(end)-1", "18446744073709551615-1"] {
            try server.cli("xadd", "vecstore:{tests}:log", event, "op", "set", "id", "x", "by", "x", "end", end)
        }
        // Moments, and times to live, of an entry.
        let id = try #require(cache.table.ids.first).text
        for moment in [end, "-9223372036854775808"] {
            for field in ["created", "expires", "ttl"] { try server.cli("hset", "vecstore:{tests}:entry:\(id)", field, moment) }
            let reader = try RedisCaches.open(server.url)
            _ = try reader.response(1)
        }
        #expect(try late.stats().entries <= 1 && cache.stats().entries <= 1)
    }

    @Test func passesOverWhatIsNoEntry() throws {
        let a = try RedisCaches.open(server.url)
        try a.put(1)
        let id = String(repeating: "0", count: 32)
        for (i, fields) in [["prompt", "p"], ["prompt", "p", "vector", "short"], ["prompt", "", "vector", String(repeating: "a", count: 32)]]
            .enumerated()
        {
            let other = String(id.dropLast()) + "\(i)"
            try server.cli("zadd", "vecstore:{tests}:ids", "inf", other)
            _ = try run("redis-cli", ["-p", "\(server.port)", "hset", "vecstore:{tests}:entry:\(other)"] + fields)
        }
        try server.cli("zadd", "vecstore:{tests}:ids", "inf", "no id")
        let b = try RedisCaches.open(server.url)
        #expect(try b.entries == 1 && b.response(1) == "response 1")
    }
}
