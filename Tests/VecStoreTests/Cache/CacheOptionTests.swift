// What a cache is opened with, what lookups are told, and what is refused of it.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecStore

@Suite("Options of a cache in Swift")
struct CacheOptionTests {
    private func open(
        _ url: String = "memory:", namespace: String = "tests", dimension: Int = 2, threshold: SemanticCache.Threshold = .similarity(0.85),
        ttl: Duration? = nil, options: SemanticCache.Options = .init()
    ) throws {
        _ = try SemanticCache(url, namespace: namespace, dimension: dimension, threshold: threshold, ttl: ttl, options: options)
    }

    @Test func aCacheTellsWhatItIs() throws {
        let cache = try SemanticCache("memory:", namespace: "bot", dimension: 384, model: "m-1", threshold: .distance(0.25))
        #expect(cache.namespace == "bot" && cache.dimension == 384 && cache.model == "m-1")
        #expect(cache.threshold == .similarity(0.75))
    }

    @Test func thresholdsAreSimilaritiesOrDistances() throws {
        try withCache(threshold: .distance(0.01)) { cache in
            try cache.set(prompt: "p", response: "", vector: direction(0))
            #expect(try cache.get(vector: direction(10)) == nil)
            #expect(try cache.get(vector: direction(10), threshold: .similarity(0.98)) != nil)
            #expect(try cache.get(vector: direction(10), threshold: .distance(0.02)) != nil)
            #expect(try cache.get(vector: direction(10), threshold: .distance(0.015)) == nil)
        }
        #expect(SemanticCache.Threshold.distance(0.25).similarity == 0.75)
        #expect(SemanticCache.Threshold.similarity(0.75).distance == 0.25)
    }

    @Test func zeroIsAThresholdLikeOthers() throws {
        try withCache { cache in
            try cache.set(prompt: "p", response: "", vector: direction(0))
            #expect(try cache.get(vector: direction(80), threshold: .similarity(0)) != nil)
            #expect(try cache.get(vector: direction(100), threshold: .similarity(0)) == nil)
            #expect(try cache.get(vector: direction(10), threshold: .distance(0)) == nil)
            #expect(try cache.get(vector: direction(180), threshold: .distance(2)) != nil)
        }
    }

    @Test func tiersSayHowEntriesAreFound() throws {
        try withCache { cache in
            try cache.set(prompt: "p", response: "", vector: direction(0))
            #expect(try cache.get(prompt: "q", vector: direction(0), tiers: .exact) == nil)
            #expect(try cache.get(prompt: "p", vector: direction(90), tiers: .semantic) == nil)
            #expect(try cache.get(prompt: "p", vector: direction(90))?.tier == .exact)
            expect(.invalidArgument) { _ = try cache.get(prompt: "p", tiers: .semantic) }
            expect(.invalidArgument) { _ = try cache.get(vector: direction(0), tiers: .exact) }
            expect(.invalidArgument) { _ = try cache.get(prompt: "p", vector: direction(0), tiers: []) }
            expect(.invalidArgument) { _ = try cache.get(prompt: "p", vector: direction(0), tiers: .init(rawValue: 8)) }
            expect(.invalidArgument) { _ = try cache.get() }
        }
    }

    @Test(arguments: SemanticCache.Options.Eviction.allCases)
    func thereAreNoMoreEntriesThanThereMayBe(_ eviction: SemanticCache.Options.Eviction) throws {
        try withCache(options: .init(maxEntries: 10, eviction: eviction)) { cache in
            for i in 0..<50 { try cache.set(prompt: "\(i)", response: "", vector: direction(Double(i))) }
            #expect(try cache.stats().entries == 10)
            #expect(try cache.stats().evictions == 40)
        }
    }

    @Test func entriesThatTakeTooManyBytesAreRefused() throws {
        try withCache(options: .init(maxBytes: 4096, elementType: .float16)) { cache in
            try cache.set(prompt: "p", response: "r", vector: direction(0))
            expect(.tooLarge) { try cache.set(prompt: "q", response: [UInt8](repeating: 0, count: 5000), vector: direction(0)) }
        }
    }

    @Test func aHitBeginsTheTimeAnewWhereThatIsAskedFor() throws {
        for refreshes in [false, true] {
            try withCache(ttl: .milliseconds(600), options: .init(refreshesOnHit: refreshes)) { cache in
                try cache.set(prompt: "p", response: "", vector: direction(0))
                let first = try #require(try cache.get(prompt: "p")?.expires)
                usleep(50_000)
                let second = try #require(try cache.get(prompt: "p")?.expires)
                #expect((second > first) == refreshes)
            }
        }
    }

    @Test func theGuardTellsNumbersApart() throws {
        try withCache(options: .init(guardsPrompts: true)) { cache in
            try cache.set(prompt: "What is new in version 5?", response: "Much.", vector: direction(0))
            #expect(try cache.get(prompt: "What is new in version 6?", vector: direction(1)) == nil)
            #expect(try cache.get(prompt: "What's new in version 5", vector: direction(1)) != nil)
            #expect(try cache.stats().guardRefusals == 1)
        }
    }

    @Test func whatIsOutOfRangeIsRefused() {
        expect(.invalidArgument) { try open(namespace: "") }
        expect(.invalidArgument) { try open(namespace: "a {b}") }
        expect(.invalidArgument) { try open(namespace: String(repeating: "n", count: 129)) }
        for dimension in [0, -1, 65_537, .max, .min] { expect(.invalidArgument) { try open(dimension: dimension) } }
        for threshold: Float in [-1.01, 1.01, .nan, .infinity] {
            expect(.invalidArgument) { try open(threshold: .similarity(threshold)) }
        }
        for distance: Float in [-0.01, 2.01, .nan, -.infinity] { expect(.invalidArgument) { try open(threshold: .distance(distance)) } }
        for ttl: Duration in [.zero, .seconds(-1), .seconds(Int64.min)] { expect(.invalidArgument) { try open(ttl: ttl) } }
        for count in [0, -1, .max] { expect(.invalidArgument) { try open(options: .init(maxEntries: count)) } }
        expect(.invalidArgument) { try open(options: .init(maxBytes: 0)) }
        expect(.unsupported) { try open(options: .init(elementType: .int8)) }
        expect(.invalidArgument) { try open("") }
        expect(.invalidArgument) { try open("a\0b") }
    }

    @Test func optionsOfRedisOutOfRangeAreRefused() {
        let url = "redis://127.0.0.1:1"
        for time: Duration in [.zero, .seconds(-1), .seconds(86_401), .seconds(Int64.max), .seconds(Int64.min)] {
            expect(.invalidArgument) { try open(url, options: .init(redis: .init(connectTimeout: time))) }
            expect(.invalidArgument) { try open(url, options: .init(redis: .init(commandTimeout: time))) }
            expect(.invalidArgument) { try open(url, options: .init(redis: .init(breakerOpenTime: time))) }
        }
        expect(.invalidArgument) { try open(url, options: .init(redis: .init(maxConnections: 0))) }
        expect(.invalidArgument) { try open(url, options: .init(redis: .init(healthCheckAfter: .seconds(-1)))) }
        expect(.invalidArgument) { try open(url, options: .init(redis: .init(retries: 101))) }
        expect(.invalidArgument) { try open(url, options: .init(redis: .init(breakerFailures: 0))) }
        expect(.invalidArgument) { try open(url, options: .init(queueLimit: -1)) }
        expect(.invalidArgument) { try open(url, options: .init(logLength: 0)) }
        expect(.invalidArgument) { try open("rediss://127.0.0.1:1", options: .init(redis: .init(tls: .init(certificateFile: "c.pem")))) }
        expect(.invalidArgument) { try open("redis://127.0.0.1:1/2", options: .init(redis: .init(isCluster: true))) }
    }

    @Test func timesOfAllLengthsAreTimes() throws {
        try withCache { cache in
            try cache.set(prompt: "long", response: "", vector: direction(0), ttl: .seconds(Int64.max))
            try cache.set(prompt: "longer", response: "", vector: direction(0), ttl: .duration(.milliseconds(Int64.max)))
            #expect(try #require(try cache.get(prompt: "long")).expires == nil)
            #expect(try cache.get(prompt: "longer") != nil)
            expect(.invalidArgument) { try cache.set(prompt: "p", response: "", vector: direction(0), ttl: .seconds(0)) }
            expect(.invalidArgument) { try cache.set(prompt: "p", response: "", vector: direction(0), ttl: .seconds(-2.5)) }
            // Part of a millisecond is one, not none.
            try cache.set(prompt: "short", response: "", vector: direction(0), ttl: .duration(.nanoseconds(1)))
            usleep(20_000)
            #expect(try cache.get(prompt: "short") == nil)
        }
    }

    @Test(arguments: Place.allCases)
    func whatIsNoEntryIsRefusedAndNothingOfItsBatchIsWritten(_ place: Place) throws {
        try withCache(place) { cache in
            let good = SemanticCache.Entry(prompt: "good", response: "", vector: direction(0))
            func refused(_ code: VecStoreError.Code, _ change: (inout SemanticCache.Entry) -> Void) {
                var bad = good
                change(&bad)
                expect(code) { try cache.set([good, bad]) }
            }
            refused(.invalidArgument) { $0.prompt = "" }
            refused(.tooLarge) { $0.prompt = String(repeating: "p", count: 1 << 20 + 1) }
            refused(.tooLarge) { $0.response = [UInt8](repeating: 0, count: 8 << 20 + 1) }
            refused(.invalidArgument) { $0.vector = [1] }
            refused(.invalidArgument) { $0.vector = nil }
            refused(.notFinite) { $0.vector = [1, .nan] }
            refused(.zeroVector) { $0.vector = [0, 0] }
            refused(.invalidArgument) { $0.metadata = Payload(json: "[1]") }
            refused(.invalidArgument) { $0.metadata = Payload(json: "{") }
            refused(.tooLarge) { $0.metadata = Payload(json: "{\"a\":\"\(String(repeating: "m", count: 70_000))\"}") }
            refused(.invalidArgument) { $0.cost = -1 }
            refused(.invalidArgument) { $0.cost = .nan }
            refused(.invalidArgument) { $0.ttl = .milliseconds(0) }
            #expect(try cache.stats().entries == 0)
            let none = try cache.set([])
            #expect(none.isEmpty)
        }
    }

    @Test func argumentsThatMakeNoSenseAreRefused() throws {
        try withCache { cache in
            for k in [0, -1, 1001, .max] { expect(.invalidArgument) { _ = try cache.get(vector: direction(0), k: k) } }
            expect(.invalidArgument) { _ = try cache.get(vector: [1, 2, 3]) }
            expect(.zeroVector) { _ = try cache.get(vector: [0, 0]) }
            expect(.notFinite) { _ = try cache.get(vector: [.infinity, 0]) }
            expect(.invalidArgument) { _ = try cache.get(vector: direction(0), threshold: .similarity(1.5)) }
            expect(.invalidArgument) { _ = try cache.get(vector: direction(0), filter: Field("") == 1) }
            expect(.invalidArgument) { try cache.delete("not an id") }
            expect(.invalidArgument) { try cache.delete(["\0"]) }
            expect(.invalidArgument) { try cache.delete(where: Field("a[") == 1) }
            expect(.invalidArgument) { try cache.feedback(id: "", vector: nil, isWrong: true) }
            #expect(try cache.flush(timeout: .seconds(Int64.max)))
            #expect(try cache.flush(timeout: .seconds(Int64.min)))
            try cache.optimize()
        }
    }

    @Test func aMessageSaysWhichEntryAndWhatIsAllowed() throws {
        try withCache { cache in
            let entries = [direction(0), [1, 2, 3]].map { SemanticCache.Entry(prompt: "p", response: "", vector: $0) }
            let error = #expect(throws: VecStoreError.self) { try cache.set(entries) }
            #expect(error?.message == "entry 1: the vector has 3 elements: the cache has dim 2")
        }
        let error = #expect(throws: VecStoreError.self) { try open(threshold: .distance(3)) }
        #expect(error?.message == "threshold is a distance of 3.0: allowed is 0 to 2")
    }
}
