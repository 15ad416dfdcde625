// What people complain of about caches, and what cannot happen here.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("What cannot happen to a cache")
struct ComplaintTests {
    @Test(arguments: Place.allCases)
    func allCallsHaveOneScale(_ place: Place) throws {
        let test = try TestCache(place) { $0.similarityThreshold = 0.9 }
        try test.set("a", at: 0)
        // The cosine of 25.84 degrees is 0.9.
        for (degrees, isHit) in [(25.0, true), (25.8, true), (25.9, false), (59.0, false)] {
            #expect((try test.get(at: degrees) != nil) == isHit)
            #expect((try test.get(at: degrees, threshold: 0.9) != nil) == isHit)
            let similar = try test.cache.find(vector: direction(degrees), CacheQuery(threshold: 0.9, k: 10))
            #expect(similar.count == (isHit ? 1 : 0))
            let hit = try #require(try test.hit(at: degrees, threshold: -1))
            let similarity = Float(cos(degrees * .pi / 180))
            #expect(abs(hit.similarity - similarity) < 0.0001)
            // What a hit says is a threshold that finds it.
            #expect(try test.get(at: degrees, threshold: hit.similarity) != nil)
        }
        #expect(try test.hit("a")?.similarity == 1)
        let labels = #"{namespace="\#(test.cache.options.namespace)",store="\#(place)",le="0.5"}"#
        #expect(try test.cache.metrics().contains("vecstore_cache_similarity_bucket\(labels) 0\n"))
        _ = try test.get(at: 61)
        #expect(try test.cache.metrics().contains("vecstore_cache_similarity_bucket\(labels) 1\n"))
    }

    @Test(arguments: Place.allCases)
    func aThresholdOfZeroIsNotTakenForNone(_ place: Place) throws {
        let test = try TestCache(place)
        try test.set("a", at: 0)
        #expect(try test.get(at: 89) == nil)
        #expect(try test.get(at: 89, threshold: 0) != nil)
        #expect(try test.get(at: 91, threshold: 0) == nil)
        #expect(try test.get(at: 179, threshold: -1) != nil)
        let lenient = try TestCache(place) { $0.similarityThreshold = 0 }
        try lenient.set("a", at: 0)
        #expect(try lenient.get(at: 89) != nil)
        #expect(try lenient.get(at: 91) == nil)
    }

    @Test(arguments: Place.allCases)
    func aThresholdOfOneStillFindsTheSameVector(_ place: Place) throws {
        var random = Random(seed: 6)
        let test = try TestCache(place, dimension: 384)
        let vectors = (0..<200).map { _ in random.vector(384).map { 3 * $0 } }
        for (i, vector) in vectors.enumerated() { try test.cache.set(prompt: [UInt8(i)], response: [UInt8(i)], vector: vector) }
        if place.isDurable { try test.reopen() }
        for (i, vector) in vectors.enumerated() {
            let hit = try test.cache.get(vector: vector, CacheQuery(threshold: 1))
            #expect(hit?.response == [UInt8(i)])
            #expect(hit?.similarity == 1)
        }
    }

    @Test(arguments: [-1.01, 1.01, .nan, .infinity] as [Float])
    func aThresholdOnAnotherScaleIsNotTakenSilently(_ threshold: Float) throws {
        #expect(failure { _ = try TestCache { $0.similarityThreshold = threshold } }?.code == .invalidArgument)
        let test = try TestCache()
        #expect(failure { _ = try test.get("a", threshold: threshold) }?.code == .invalidArgument)
    }

    @Test(arguments: Place.allCases)
    func hitsDoNotKeepAStaleAnswerAlive(_ place: Place) throws {
        let test = try TestCache(place) { $0.ttl = 1000 }
        try test.set("a", at: 0)
        for _ in 0..<9 {
            test.clock.pass(100)
            #expect(try test.get("a") != nil)
            #expect(try test.get(at: 5) != nil)
        }
        test.clock.pass(100)
        #expect(try test.get("a") == nil)
        #expect(try test.get(at: 5) == nil)
    }

    @Test func aLookupDoesNotCompareAllEntries() throws {
        var random = Random(seed: 7)
        let test = try TestCache(dimension: 16)
        try test.cache.setMany(
            (0..<4000).map { NewEntry(prompt: Array("\($0)".utf8), response: [], vector: random.vector(16)) })
        try test.cache.settle()
        let layers = test.cache.table.index.current
        #expect(layers.graph?.count == 4000)
        #expect(layers.waiting == 0)
    }

    @Test(arguments: Place.allCases)
    func aFilterDeletesWhatACountShowedBefore(_ place: Place) throws {
        let test = try TestCache(place)
        for i in 0..<30 { try test.set("\(i)", at: Double(10 * i), metadata: #"{"source":"\#(i % 3)"}"#) }
        let filter = Array(match("source", "1").utf8)
        #expect(try test.cache.delete(where: filter, isDryRun: true) == 10)
        #expect(try test.count == 30)
        #expect(try test.cache.delete(where: filter) == 10)
        #expect(try test.count == 20)
        #expect(try test.get("1", at: 10, threshold: 1) == nil)
        #expect(try test.get("2") != nil)
        #expect(try test.cache.delete(where: filter) == 0)
    }

    @Test(arguments: Place.allCases)
    func whatAnOperatorHasToKnowIsNotHidden(_ place: Place) throws {
        let test = try TestCache(place)
        let text = try test.cache.metrics()
        for name in [
            "lookups_total", "refusals_total", "similarity", "lookup_duration_seconds", "evictions_total", "expired_total", "entries", "bytes",
            "store_errors_total", "last_error_timestamp_seconds", "healthy",
        ] {
            #expect(text.contains("# TYPE vecstore_cache_\(name) "))
        }
    }

    @Test(arguments: ["[]", "1", "{", #"{"a":1,"a":2}"#, "null", "\u{0}"])
    func metadataThatCannotBeFilteredAreNotStoredSilently(_ metadata: String) throws {
        let test = try TestCache()
        #expect(failure { try test.set("a", at: 0, metadata: metadata) }?.code == .invalidArgument)
        #expect(try test.count == 0)
    }

    @Test(arguments: Place.allCases)
    func aFilterOnAFieldThatNobodyDeclaredIsNotEmpty(_ place: Place) throws {
        let test = try TestCache(place)
        try test.set("a", at: 0, metadata: #"{"one":"x"}"#)
        try test.set("b", at: 90, metadata: #"{"other":{"deep":["x","y"]}}"#)
        #expect(try test.get(at: 0, filter: match("one", "x")) != nil)
        #expect(try test.get(at: 90, filter: match("other.deep", "y")) != nil)
    }

    @Test(arguments: Place.allCases)
    func aMissOfTheExactTierDoesNotHideASemanticHit(_ place: Place) throws {
        let test = try TestCache(place)
        try test.set("a", at: 0)
        #expect(try test.hit("b", at: 5)?.tier == .semantic)
        #expect(try test.hit("a", at: 5)?.tier == .exact)
    }

    @Test(arguments: Place.allCases)
    func tenantsDoNotSeeEachOthersAnswers(_ place: Place) throws {
        let test = try TestCache(place)
        for tenant in ["a", "b"] {
            for i in 0..<20 { try test.set("\(i)", "of \(tenant)", at: Double(i), metadata: #"{"tenant":"\#(tenant)"}"#) }
        }
        for i in 0..<20 {
            for tenant in ["a", "b"] {
                #expect(try test.get("\(i)", filter: match("tenant", tenant)) == "of \(tenant)")
                #expect(try test.get(at: Double(i) + 0.3, filter: match("tenant", tenant)) == "of \(tenant)")
            }
        }
        #expect(failure { _ = try TestCache { $0.namespace = "" } }?.code == .invalidArgument)
    }

    @Test(arguments: Place.allCases)
    func aLongPromptIsNotTooLongForAKey(_ place: Place) throws {
        let test = try TestCache(place)
        let prompt = String(repeating: "long ", count: 200_000)
        let id = try test.set(prompt, at: 0)
        #expect(id.text.utf8.count == 32)
        #expect(try test.get(prompt) != nil)
        #expect(try test.get(prompt + ".") == nil)
        #expect(failure { try test.set(prompt + prompt, at: 0) }?.code == .tooLarge)
    }

    @Test func vectorsOfAnotherModelAreNotComparedSilently() throws {
        let test = try TestCache(.directory) { $0.model = "all-MiniLM-L6-v2" }
        try test.set("a", at: 0)
        let model = failure { try test.reopen { $0.model = "bge-small" } }
        #expect(model?.code == .invalidArgument)
        #expect(model?.message.contains("'all-MiniLM-L6-v2'") == true)
        #expect(model?.message.contains("'bge-small'") == true)
        let dimension = failure { try test.reopen { $0.dimension = 3 } }
        #expect(dimension?.code == .invalidArgument)
        #expect(dimension?.message.contains("dim 2") == true)
        try test.reopen()
        #expect(try test.get("a") != nil)
    }

    @Test(arguments: Place.allCases)
    func aWrongHitDoesNotStayWrong(_ place: Place) throws {
        let test = try TestCache(place)
        let id = try test.set("a", at: 0)
        try test.set("b", at: 25)
        #expect(try test.get(at: 12) == "response to a")
        try test.cache.feedback(id, vector: direction(12), isWrong: true)
        #expect(try test.get(at: 12) == "response to b")
        #expect(try test.get(at: 1) == "response to a")
    }

    @Test(arguments: EvictionPolicy.allCases)
    func evictionDoesNotLoseCount(_ policy: EvictionPolicy) throws {
        var random = Random(seed: 9)
        let test = try TestCache {
            $0.maxEntries = 50
            $0.eviction = policy
        }
        for i in 0..<3000 {
            let prompt = random.below(200)
            switch random.below(6) {
            case 0: try test.cache.delete([EntryID(prompt: Array("\(prompt)".utf8), metadata: [])])
            case 1, 2: _ = try test.get("\(prompt)")
            default: try test.set("\(prompt)", at: Double(prompt), ttl: i % 5 == 0 ? .milliseconds(20) : .forever)
            }
            test.clock.pass(1)
            #expect(try test.count <= 50)
        }
        // Nothing ends while these are compared.
        test.clock.pass(20)
        _ = test.cache.table.sweep()
        #expect(try test.count == test.cache.table.ids.count)
        #expect(try test.cache.stats().evictions > 100)
        #expect(try test.cache.stats().entries >= 45)
    }

    @Test func aCacheDoesNotGrowWithoutBoundUnlessItIsTold() throws {
        #expect(CacheOptions(namespace: "a", dimension: 2).maxEntries == CacheOptions.defaultMaxEntries)
        #expect(CacheOptions(namespace: "a", dimension: 2).similarityThreshold == 0.85)
        let test = try TestCache { $0.maxEntries = 100 }
        try test.cache.setMany(
            (0..<5000).map { NewEntry(prompt: Array("\($0)".utf8), response: [], vector: direction(Double($0))) })
        #expect(try test.count == 100)
        #expect(try test.get("4999") != nil)
    }

    @Test func whatWasDearToMakeIsNotThrownAwayFirst() throws {
        let test = try TestCache {
            $0.maxEntries = 10
            $0.eviction = .cost
        }
        for i in 0..<5 { try test.set("dear \(i)", at: Double(i), cost: 1000) }
        for i in 0..<100 { try test.set("cheap \(i)", at: Double(i), cost: 1) }
        for i in 0..<5 { #expect(try test.get("dear \(i)") != nil) }
    }

    @Test func aNearPromptWithAnotherNumberIsNoFalseHit() throws {
        let test = try TestCache { $0.guardsPrompts = true }
        try test.set("weather in Paris in 2019", at: 0)
        #expect(try test.get("weather in Paris in 2020", at: 1) == nil)
        #expect(try test.get("weather in Paris in 2019, please", at: 1) != nil)
    }
}
