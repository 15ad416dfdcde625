// Bytes by exact keys from Swift, wherever they live.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecStore

@Suite("Value cache in Swift")
struct ValueCacheTests {
    /// Calls `body` with a new cache.
    private func withValues(
        _ place: Place = .memory, ttl: Duration? = nil, options: ValueCache.Options = .init(), _ body: (ValueCache) throws -> Void
    ) throws {
        let home = try CachePlace(place)
        let values = try ValueCache(home.url, namespace: home.namespace, ttl: ttl, options: options)
        try withExtendedLifetime(home) { try body(values) }
        try values.close()
    }

    @Test(arguments: Place.allCases)
    func keysAndValuesAreTextOrBytes(_ place: Place) throws {
        try withValues(place) { values in
            let raw = [UInt8](0...255)
            try values.set("a", "größer")
            try values.set(raw, raw)
            try values.set(Data([1]), Data([2, 3]))
            try values.set("part of it".prefix(4), raw[5..<7])
            try values.set("empty", "")
            #expect(try values.get("a") == Array("größer".utf8))
            #expect(try values.get("a", as: String.self) == "größer")
            #expect(try values.get(raw) == raw)
            #expect(try values.get([1] as [UInt8], as: Data.self) == Data([2, 3]))
            #expect(try values.get("part", as: ArraySlice<UInt8>.self) == [5, 6])
            #expect(try values.get("empty") == [])
            #expect(try values.get("none") == nil)
        }
    }

    @Test(arguments: Place.allCases)
    func manyGoInOneCall(_ place: Place) throws {
        try withValues(place) { values in
            let keys = (0..<500).map { "key \($0)" }
            try values.set(keys.map { (key: $0, value: "value of \($0)") })
            let found = try values.get(["none"] + keys.reversed(), as: String.self)
            #expect(found == [nil] + keys.reversed().map { "value of \($0)" })
            try values.set(["a": "1", "b": "2"])
            #expect(try values.get(["a", "b"], as: String.self) == ["1", "2"])
            try values.set([(key: "a", value: "3"), (key: "a", value: "4")])
            #expect(try values.get("a", as: String.self) == "4")
            #expect(try values.get([String]()) == [])
        }
    }

    @Test(arguments: Place.allCases)
    func aValueHasAnEnd(_ place: Place) throws {
        try withValues(place, ttl: .milliseconds(200)) { values in
            try values.set("standard", "1")
            try values.set("forever", "2", ttl: .forever)
            try values.set("long", "3", ttl: .seconds(60))
            usleep(220_000)
            #expect(try values.get(["standard", "forever", "long"], as: String.self) == [nil, "2", "3"])
        }
    }

    @Test(arguments: Place.allCases)
    func valuesAreDeletedByKeyAndAllTogether(_ place: Place) throws {
        try withValues(place) { values in
            try values.set(["a": "1", "b": "2", "c": "3", "d": "4"])
            #expect(try values.delete("a"))
            #expect(try !values.delete("a"))
            #expect(try values.delete(["a", "b"]) == 1)
            #expect(try values.clear() == 2)
            #expect(try values.get("c") == nil)
        }
    }

    @Test(arguments: Place.allCases)
    func statsMetricsAndHealthTellWhatWasDone(_ place: Place) throws {
        try withValues(place) { values in
            try values.set("a", "1")
            _ = try values.get(["a", "b"])
            let stats = try values.stats()
            #expect(stats.hits == 1 && stats.misses == 1 && stats.sets == 1 && stats.hitRate == 0.5)
            #expect(stats.storeErrors == 0 && stats.lastError == nil)
            #expect(values.health().status == .ok)
            let labels = "namespace=\"\(values.namespace)\",store=\"\(place)\""
            #expect(try values.metrics().contains("vecstore_values_lookups_total{\(labels),result=\"miss\"} 1\n"))
            expect(.invalidArgument) { _ = try ValueCache.metrics([values, values]) }
        }
    }

    @Test func whatIsUsedLeastGoesWhereThereIsABound() throws {
        try withValues(options: .init(maxEntries: 10)) { values in
            for i in 0..<50 { try values.set("\(i)", "\(i)") }
            #expect(try values.stats().entries == 10 && values.stats().evictions == 40)
        }
        try withValues(options: .init(maxBytes: 1000)) { values in
            expect(.tooLarge) { try values.set("a", [UInt8](repeating: 0, count: 1000)) }
        }
    }

    @Test func whatOthersSetIsFoundAndKeptForAWhile() throws {
        let home = try CachePlace(.redis)
        let options = ValueCache.Options(localBytes: 1 << 20, localTTL: .seconds(60))
        let mine = try ValueCache(home.url, namespace: home.namespace, options: options)
        let yours = try ValueCache(home.url, namespace: home.namespace)
        try yours.set("a", "1")
        #expect(try mine.get("a", as: String.self) == "1")
        try yours.set("a", "2")
        #expect(try mine.get("a", as: String.self) == "1")
        #expect(try mine.stats().localHits == 1)
    }

    @Test func withoutItsServerKeysAreMissedUnlessItFailsClosed() throws {
        let server = try RedisServer()
        let quick = RedisOptions(connectTimeout: .milliseconds(500), commandTimeout: .milliseconds(500))
        let open = try ValueCache(server.url, namespace: "n", options: .init(redis: quick))
        let closed = try ValueCache(server.url, namespace: "n", options: .init(failsClosed: true, redis: quick))
        try open.set("a", "1")
        server.kill()
        #expect(try open.get("a") == nil)
        try open.set("b", "2")
        expect(.unavailable) { try open.delete("a") }
        let stats = try open.stats()
        #expect(stats.unanswered == 1 && stats.dropped == 1 && stats.lastError?.message.isEmpty == false)
        #expect(open.health().reasons.map(\.code) == ["redis_away"])
        expect(.unavailable) { _ = try closed.get("a") }
        expect(.unavailable) { try closed.set("a", "2") }
    }

    @Test(arguments: Place.allCases)
    func whatIsNoKeyNoValueAndNoTimeIsRefused(_ place: Place) throws {
        try withValues(place) { values in
            expect(.invalidArgument) { _ = try values.get("") }
            expect(.invalidArgument) { try values.set(["a": "1", "": "2"]) }
            #expect(try values.get("a") == nil)
            expect(.tooLarge) { try values.delete(String(repeating: "k", count: 1 << 20 + 1)) }
            expect(.tooLarge) { try values.set("a", [UInt8](repeating: 0, count: 64 << 20 + 1)) }
            expect(.invalidArgument) { try values.set("a", "1", ttl: .seconds(0)) }
            expect(.invalidArgument) { try values.set("a", "1", ttl: .duration(.seconds(Int64.min))) }
            try values.set("a", "1", ttl: .duration(.seconds(Int64.max)))
            #expect(try values.get("a") != nil)
        }
    }

    @Test func optionsOutOfRangeAreRefused() {
        func open(_ url: String = "memory:", namespace: String = "n", ttl: Duration? = nil, options: ValueCache.Options = .init()) throws {
            _ = try ValueCache(url, namespace: namespace, ttl: ttl, options: options)
        }
        expect(.invalidArgument) { try open("") }
        expect(.invalidArgument) { try open("a\0b") }
        expect(.invalidArgument) { try open("http://host") }
        expect(.invalidArgument) { try open(namespace: "a b") }
        for ttl: Duration in [.zero, .seconds(-1), .seconds(Int64.min)] {
            expect(.invalidArgument) { try open(ttl: ttl) }
            expect(.invalidArgument) { try open(options: .init(localTTL: ttl)) }
        }
        for count in [0, -1, .max, .min] { expect(.invalidArgument) { try open(options: .init(maxEntries: count)) } }
        expect(.invalidArgument) { try open(options: .init(maxBytes: 0)) }
        expect(.invalidArgument) { try open(options: .init(localBytes: -1)) }
        expect(.invalidArgument) { try open("redis://127.0.0.1:1", options: .init(redis: .init(retries: -1))) }
    }

    @Test(arguments: Place.allCases)
    func aCacheThatWasClosedSaysSo(_ place: Place) throws {
        try withValues(place) { values in
            try values.close()
            expect(.invalidHandle) { _ = try values.get("a") }
            expect(.invalidHandle) { try values.set("a", "1") }
            expect(.invalidHandle) { try values.clear() }
            expect(.invalidHandle) { _ = try values.stats() }
            #expect(values.health().status == .failed)
        }
    }

    @Test(arguments: Place.allCases)
    func tasksFindWhatTheyHaveSet(_ place: Place) async throws {
        let home = try CachePlace(place)
        let values = try ValueCache(home.url, namespace: home.namespace)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for i in 0..<25 {
                        let found = try await values.run { values in
                            try values.set("\(task) \(i)", "\(i)")
                            return try values.get("\(task) \(i)", as: String.self)
                        }
                        #expect(found == "\(i)")
                    }
                }
            }
            try await group.waitForAll()
        }
        try values.close()
    }
}
