// Values in a Redis: what lies there, what a process keeps of it, and what happens when the server is away.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("Values in Redis", .serialized)
struct RedisValuesTests {
    private let server: RedisServer

    init() throws { server = try RedisServer() }

    private func open(_ namespace: String = "n", _ change: (inout ValueCacheOptions) -> Void = { _ in }) throws -> ValueCache {
        var options = ValueCacheOptions(namespace: namespace)
        options.redis = .hasty
        change(&options)
        return try ValueCache.open(server.url, options)
    }

    private func calls(_ command: String) throws -> Int { try server.commandCounts()["cmdstat_\(command)"] ?? 0 }

    // MARK: - What lies there

    @Test func aShortKeyIsAPlainString() throws {
        let cache = try open()
        try cache.put("a", "1", ttl: .milliseconds(60_000))
        #expect(try server.cli("get", "vecstore:n:value:a") == "1")
        let left = try #require(Int(try server.cli("pttl", "vecstore:n:value:a")))
        #expect((50_000...60_000).contains(left))
        try cache.put("a", "1")
        #expect(try server.cli("pttl", "vecstore:n:value:a") == "-1")
        try server.cli("set", "vecstore:n:value:b", "of somebody else")
        #expect(try cache.text("b") == "of somebody else")
        try open("a:%b").put("c", "2")
        #expect(try server.cli("get", "vecstore:a%3A%25b:value:c") == "2")
    }

    @Test func aLongKeyIsNamedByItsChecksumAndComparedWhole() throws {
        let cache = try open()
        let key = String(repeating: "k", count: 65), other = String(repeating: "o", count: 65)
        try cache.put(key, "1")
        let names = try server.cli("keys", "*").split(whereSeparator: \.isNewline)
        let name = try #require(names.first.map(String.init))
        #expect(names.count == 1 && name.hasPrefix("vecstore:n:value-long:") && name.utf8.count == "vecstore:n:value-long:".utf8.count + 32)
        try cache.put(other, "2")
        // As if both had the same checksum.
        let otherName = try #require(try server.cli("keys", "*").split(whereSeparator: \.isNewline).map(String.init).first { $0 != name })
        try server.cli("rename", otherName, name)
        #expect(try cache.texts([key, other]) == [nil, nil])
        for damage in ["", "abc", "A\0\0\0", "\u{7f}\u{7f}\u{7f}\u{7f}", String(repeating: "k", count: 65)] {
            try server.cli("eval", "redis.call('SET', KEYS[1], ARGV[1])", "1", name, damage.replacingOccurrences(of: "\0", with: " "))
            #expect(try cache.text(key) == nil)
        }
    }

    @Test func whatIsNoStringIsAnError() throws {
        let cache = try open()
        try server.cli("hset", "vecstore:n:value:h", "a", "b")
        let error = expect(.io) { _ = try cache.texts(["a", "h"]) }
        #expect(error?.message.contains("WRONGTYPE") == true)
        #expect(cache.health().text.contains("WRONGTYPE"))
        try cache.put("h", "1")
        #expect(try cache.text("h") == "1" && cache.health().status == .ok)
    }

    @Test func aWipedServerIsEmpty() throws {
        let cache = try open()
        try cache.put("a", "1")
        try server.cli("flushall")
        #expect(try cache.text("a") == nil)
        try cache.put("a", "2")
        #expect(try cache.text("a") == "2")
    }

    @Test func aFullServerIsAnError() throws {
        let cache = try open()
        try cache.put("a", "1")
        try server.cli("config", "set", "maxmemory", "1")
        let error = expect(.outOfMemory) { try cache.put("b", "2") }
        #expect(error?.message.contains("OOM") == true)
        #expect(try cache.texts(["a", "b"]) == ["1", nil])
    }

    @Test func aUserNeedsFewRights() throws {
        try server.cli(
            "acl", "setuser", "values", "on", ">sesame", "resetkeys", "~vecstore:n:value:*", "~vecstore:n:value-long:*", "resetchannels", "-@all",
            "+get", "+set", "+del", "+unlink", "+scan", "+eval", "+evalsha", "+pttl")
        var options = ValueCacheOptions(namespace: "n")
        options.redis = .hasty
        for localBytes in [0, 1 << 20] {
            options.localBytes = localBytes
            let cache = try ValueCache.open("redis://values:sesame@127.0.0.1:\(server.port)", options)
            let long = String(repeating: "k", count: 100)
            for key in ["a", long] { try cache.put(key, "1", ttl: .milliseconds(60_000)) }
            #expect(try cache.texts(["a", long, "b"]) == ["1", "1", nil])
            #expect(try cache.delete([bytes("a")]) == 1 && cache.clear() == 1)
        }
        options.namespace = "other"
        let error = expect(.unsupported) { _ = try ValueCache.open("redis://values:sesame@127.0.0.1:\(server.port)", options) }
        #expect(error?.message.contains("sesame") == false)
        options.namespace = "n"
        expect(.invalidArgument) { _ = try ValueCache.open("redis://values:wrong@127.0.0.1:\(server.port)", options) }
    }

    // MARK: - What a process keeps

    @Test func aValueThatIsKeptNeedsNoRoundTrip() throws {
        let cache = try open { $0.localBytes = 1 << 20; $0.localTTL = 60_000 }
        try open().put("a", "1")
        #expect(try cache.text("a") == "1")
        try cache.put("b", "2")
        server.stop()
        #expect(try cache.texts(["a", "b", "a"]) == ["1", "2", "1"])
        server.proceed()
        let stats = try cache.stats()
        #expect(stats.localHits == 3 && stats.hits == 4 && stats.entries == 2)
    }

    @Test func manyValuesOfOneCallAreKept() throws {
        let cache = try open { $0.localBytes = 10 << 20; $0.localTTL = .max }
        let pairs = (0..<6000).map { (bytes("\($0 % 5000)"), bytes("\($0)")) }
        try cache.set(pairs)
        server.stop()
        defer { server.proceed() }
        #expect(try cache.get(pairs.map(\.0)) == (0..<6000).map { bytes("\($0 < 1000 ? $0 + 5000 : $0)") })
        #expect(try cache.stats().localHits == 6000)
    }

    @Test func aChangeOfAnotherProcessIsSeenAfterALittleWhile() throws {
        let cache = try open { $0.localBytes = 1 << 20; $0.localTTL = 100 }
        let other = try open()
        try other.put("a", "1")
        #expect(try cache.text("a") == "1")
        try other.put("a", "2")
        #expect(try cache.text("a") == "1")
        usleep(120_000)
        #expect(try cache.text("a") == "2")
        try server.cli("flushall")
        usleep(120_000)
        #expect(try cache.text("a") == nil)
    }

    @Test func itsOwnChangesAreSeenAtOnce() throws {
        let cache = try open { $0.localBytes = 1 << 20; $0.localTTL = 60_000 }
        try cache.put("a", "1")
        try cache.put("a", "2")
        #expect(try cache.text("a") == "2")
        try cache.delete([bytes("a")])
        #expect(try cache.text("a") == nil)
        try cache.put("a", "3")
        try cache.clear()
        #expect(try cache.text("a") == nil)
        let failures = Failures()
        // All are at the same keys, and each knows what it was the only one to write.
        Threads(8) { thread in
            failures.run {
                for n in 0..<200 {
                    _ = try cache.texts((0..<8).map { "key \($0)" })
                    try cache.put("key \(thread)", "\(n)")
                    let seen = try cache.text("key \(thread)")
                    if seen != "\(n)" { failures.note("\(thread) wrote \(n) and saw \(seen ?? "nothing")") }
                }
            }
        }.join()
        #expect(failures.all == [])
    }

    @Test func whatIsKeptEndsWhenTheValueDoes() throws {
        let cache = try open { $0.localBytes = 1 << 20; $0.localTTL = 60_000 }
        try cache.put("mine", "1", ttl: .milliseconds(150))
        try open().put("other", "1", ttl: .milliseconds(150))
        #expect(try cache.texts(["mine", "other"]) == ["1", "1"])
        usleep(160_000)
        #expect(try cache.texts(["mine", "other"]) == [nil, nil])
    }

    @Test func whatIsKeptHasABound() throws {
        let cache = try open { $0.localBytes = 100_000; $0.localTTL = 60_000 }
        try cache.set((0..<300).map { (bytes("\($0)"), [UInt8](repeating: 1, count: 1000)) })
        try cache.set(bytes("large"), [UInt8](repeating: 1, count: 200_000))
        let stats = try cache.stats()
        #expect(stats.bytes <= 100_000 && stats.entries > 80)
        #expect(try cache.text("0") != nil && cache.get(bytes("large"))?.count == 200_000)
    }

    // MARK: - While the server is away

    @Test func readingMissesAndWritingIsDropped() throws {
        let cache = try open()
        try cache.put("a", "1")
        server.kill()
        #expect(try cache.texts(["a", "b"]) == [nil, nil])
        try cache.put("b", "2")
        // They would come back.
        expect(.unavailable) { try cache.delete([bytes("a")]) }
        expect(.unavailable) { try cache.clear() }
        var stats = try cache.stats()
        #expect(stats.unanswered == 2 && stats.misses == 2 && stats.dropped == 1 && stats.sets == 1 && stats.storeErrors >= 3)
        #expect(stats.lastError?.message.contains("127.0.0.1") == true)
        #expect(cache.health().text.contains("redis_away"))
        try server.start()
        try eventually { try cache.put("c", "3"); return try cache.text("c") == "3" }
        #expect(cache.health().status == .ok)
        stats = try cache.stats()
        #expect(try cache.metrics().contains("result=\"unanswered\"} \(stats.unanswered)\n"))
    }

    @Test func aValueThatWasDroppedIsNotKept() throws {
        let cache = try open { $0.localBytes = 1 << 20; $0.localTTL = 60_000 }
        try cache.put("a", "1")
        try cache.put("b", "1")
        server.kill()
        try cache.put("a", "2")
        #expect(try cache.texts(["a", "b"]) == [nil, "1"])
    }

    @Test func aCacheThatFailsClosedSaysSo() throws {
        let cache = try open { $0.failsOpen = false }
        try cache.put("a", "1")
        server.kill()
        expect(.unavailable) { _ = try cache.text("a") }
        expect(.unavailable) { try cache.put("a", "2") }
        expect(.unavailable) { _ = try open { $0.failsOpen = false } }
        #expect(try open().text("a") == nil)
    }

    @Test func nobodyWaitsLongerThanTheTimeout() throws {
        let cache = try open { $0.redis.commandTimeout = 300; $0.redis.connectTimeout = 300 }
        try cache.put("a", "1")
        server.stop()
        let many = (0..<20_000).map { (bytes("key \($0)"), [UInt8](repeating: 1, count: 1000)) }
        var text: String?
        #expect(try milliseconds { text = try cache.text("a") } < 800)
        #expect(text == nil)
        #expect(try milliseconds { try cache.set(many) } < 1500)
        let time = milliseconds { expect(.unavailable) { try cache.delete([bytes("a")]) } }
        #expect(time < 800)
        let slow = Counter()
        Threads(8) { _ in
            let time = milliseconds { for _ in 0..<20 { _ = try? cache.text("a") } }
            if time > 5000 { slow.add() }
        }.join()
        #expect(slow.value == 0, "the breaker is open: nobody waits")
        server.proceed()
        try eventually { try cache.text("a") == "1" }
    }

    @Test func aServerThatComesAndGoesUnderLoadIsNoHarm() throws {
        let cache = try open { $0.localBytes = 1 << 20; $0.localTTL = 20 }
        let failures = Failures(), isOver = Counter()
        let threads = Threads(6) { thread in
            failures.run {
                var n = 0
                while isOver.value == 0 {
                    n += 1
                    try cache.put("\(thread) \(n % 50)", "\(thread) \(n % 50)")
                    if let text = try cache.text("\(thread) \(n % 50)"), text != "\(thread) \(n % 50)" { failures.note(text) }
                }
            }
        }
        for _ in 0..<3 {
            usleep(100_000)
            server.kill()
            usleep(100_000)
            try server.start()
        }
        server.stop()
        usleep(100_000)
        server.proceed()
        isOver.add()
        threads.join()
        #expect(failures.all == [])
        try eventually { try cache.put("end", "1"); return try cache.text("end") == "1" }
    }
}

@Suite("Values in a cluster", .serialized)
struct ClusterValuesTests {
    @Test func areSpreadAndOutliveAServer() throws {
        let cluster = try RedisCluster()
        defer { cluster.remove() }
        var options = ValueCacheOptions(namespace: "n")
        options.redis = .hasty
        let cache = try ValueCache.open(cluster.servers[0].url, options)
        let keys = (0..<3000).map { bytes($0 % 3 == 0 ? "key \($0) that is too long to be the name of anything in any Redis whatsoever" : "key \($0)") }
        try cache.set(keys.map { ($0, $0) })
        #expect(try cache.get(keys) == keys)
        let masters = try [0, 8000, 16383].map { try cluster.master(ofSlot: $0) }
        for master in masters { #expect(try (Int(master.cli("dbsize")) ?? 0) > 800) }
        #expect(try cache.metrics().contains("vecstore_values_store_errors_total{namespace=\"n\",store=\"redis\"} 0\n"))
        // Those of another namespace stay, on all servers.
        options.namespace = "other"
        let other = try ValueCache.open(cluster.servers[1].url, options)
        try other.set((0..<300).map { (bytes("\($0)"), bytes("\($0)")) })
        #expect(try cache.clear() == 3000)
        #expect(try cache.get(keys).allSatisfy { $0 == nil } && other.get((0..<300).map { bytes("\($0)") }).allSatisfy { $0 != nil })
        // Who may not ask which servers there are cannot know that nothing is left.
        for server in cluster.servers {
            try server.cli("acl", "setuser", "plain", "on", ">sesame", "~*", "-@all", "+get", "+set", "+del", "+scan", "+unlink")
        }
        let plain = try ValueCache.open("redis://plain:sesame@127.0.0.1:\(cluster.servers[0].port)", options)
        #expect(try plain.get((0..<300).map { bytes("\($0)") }).allSatisfy { $0 != nil })
        let error = expect(.unsupported) { try plain.clear() }
        #expect(error?.message.contains("CLUSTER SLOTS") == true)
        // What the replicas have not got yet would be lost.
        for master in masters { _ = try master.cli("wait", "1", "2000") }
        masters[0].kill()
        let answers = try other.get((0..<300).map { bytes("\($0)") })
        #expect((100..<300).contains(answers.count { $0 != nil }), "the others answer")
        try eventually(seconds: 20) { try other.get((0..<300).map { bytes("\($0)") }).allSatisfy { $0 != nil } }
        #expect(try other.clear() == 300)
    }
}
