// What a cache does from Swift, wherever its entries live.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecStore

@Suite("Semantic cache in Swift")
struct CacheTests {
    private let question = "How do I reset my password?"

    private struct Origin: Codable, Equatable {
        var tenant: String
        var page: Int
    }

    @Test(arguments: Place.allCases)
    func theSamePromptIsAHitWithoutAVector(_ place: Place) throws {
        try withCache(place) { cache in
            let before = Date.now
            let id = try cache.set(prompt: question, response: "By mail.", vector: direction(0))
            let hit = try #require(try cache.get(prompt: question))
            #expect(hit.id == id && id.count == 32)
            #expect(hit.prompt == question && hit.response == "By mail.")
            #expect(hit.tier == .exact && hit.similarity == 1)
            #expect(hit.metadata == nil && hit.expires == nil)
            #expect(abs(hit.created.timeIntervalSince(before)) < 60)
            #expect(try cache.get(prompt: "Where is my parcel?") == nil)
        }
    }

    @Test(arguments: Place.allCases)
    func aPromptThatMeansTheSameIsAHit(_ place: Place) throws {
        try withCache(place) { cache in
            try cache.set(prompt: question, response: "By mail.", vector: direction(0))
            let hit = try #require(try cache.get(prompt: "I forgot my password", vector: direction(10)))
            #expect(hit.prompt == question && hit.response == "By mail.")
            #expect(hit.tier == .semantic && abs(hit.similarity - 0.9848) < 0.0001)
            #expect(try cache.get(prompt: "Where is my parcel?", vector: direction(90)) == nil)
        }
    }

    @Test(arguments: Place.allCases)
    func responsesAreAnyBytes(_ place: Place) throws {
        try withCache(place) { cache in
            let bytes: [UInt8] = [0, 0xff, 0xfe, 10, 0]
            try cache.set(prompt: "bytes", response: bytes, vector: direction(0))
            try cache.set(prompt: "data", response: Data([1, 2]), vector: direction(90))
            try cache.set(prompt: "nothing", response: "", vector: direction(180))
            #expect(try cache.get(prompt: "bytes")?.responseBytes == bytes)
            #expect(try cache.get(prompt: "data")?.responseBytes == [1, 2])
            #expect(try cache.get(prompt: "nothing")?.response == "")
        }
    }

    @Test(arguments: Place.allCases)
    func severalHitsComeBestFirst(_ place: Place) throws {
        try withCache(place) { cache in
            try cache.set((0..<8).map { .init(prompt: "\($0)", response: "r\($0)", vector: direction(Double($0) * 5)) })
            let hits = try cache.get(prompt: "7", vector: direction(1), k: 4, threshold: .similarity(0.98))
            #expect(hits.map(\.prompt) == ["7", "0", "1", "2"])
            #expect(hits.map(\.tier) == [.exact, .semantic, .semantic, .semantic])
            #expect(try cache.get(vector: direction(1), k: 2).map(\.response) == ["r0", "r1"])
            #expect(try cache.get(vector: direction(120), k: 2).isEmpty)
        }
    }

    @Test(arguments: Place.allCases)
    func metadataComeBackAsTheyWereAndTellTenantsApart(_ place: Place) throws {
        try withCache(place) { cache in
            let mine = Origin(tenant: "a", page: 7), other = Origin(tenant: "b", page: 8)
            let ids = try cache.set([
                .init(prompt: question, response: "A", vector: direction(0), metadata: Payload(mine)),
                .init(prompt: question, response: "B", vector: direction(0), metadata: Payload(other)),
            ])
            #expect(Set(ids).count == 2)
            let hit = try #require(try cache.get(prompt: question, filter: Field("tenant") == "a"))
            #expect(hit.response == "A")
            #expect(try hit.metadata(as: Origin.self) == mine)
            #expect(try cache.get(vector: direction(3), filter: Field("tenant") == "b")?.response == "B")
            #expect(try cache.get(prompt: question, vector: direction(0), filter: Field("tenant") == "c") == nil)
            #expect(try cache.get(vector: direction(0), k: 9, filter: Field("page") >= 8).map(\.response) == ["B"])
        }
    }

    @Test func promptsAreKeysWhereThatIsSaid() throws {
        try withCache(options: .init(isOnePerPrompt: true)) { cache in
            for page in 0..<3 {
                try cache.set(prompt: question, response: "\(page)", vector: direction(0), metadata: Payload(Origin(tenant: "a", page: page)))
            }
            #expect(try cache.stats().entries == 1 && cache.get(prompt: question)?.response == "2")
        }
    }

    @Test(arguments: Place.allCases)
    func entriesEndWhenTheirTimeHasCome(_ place: Place) throws {
        try withCache(place, ttl: .seconds(3600)) { cache in
            let now = Date.now
            try cache.set(prompt: "standard", response: "", vector: direction(0))
            try cache.set(prompt: "short", response: "", vector: direction(40), ttl: .milliseconds(300))
            try cache.set(prompt: "long", response: "", vector: direction(80), ttl: .duration(.seconds(7200)))
            try cache.set(prompt: "forever", response: "", vector: direction(120), ttl: .forever)
            let end = try #require(try cache.get(prompt: "standard")?.expires)
            #expect(abs(end.timeIntervalSince(now) - 3600) < 60)
            let later = try #require(try cache.get(prompt: "long")?.expires)
            #expect(abs(later.timeIntervalSince(now) - 7200) < 60)
            #expect(try #require(try cache.get(prompt: "forever")).expires == nil)
            usleep(350_000)
            #expect(try cache.get(prompt: "short", vector: direction(40)) == nil)
        }
    }

    @Test(arguments: Place.allCases)
    func entriesAreDeletedByIdByFilterAndAllTogether(_ place: Place) throws {
        try withCache(place) { cache in
            let ids = try cache.set(
                (0..<6).map {
                    .init(prompt: "\($0)", response: "", vector: direction(Double($0) * 30), metadata: Payload(json: "{\"n\":\($0)}"))
                })
            #expect(try cache.delete(ids[0]))
            #expect(try !cache.delete(ids[0]))
            #expect(try cache.delete([ids[0], ids[1]]) == 1)
            #expect(try cache.delete(where: Field("n") >= 4, dryRun: true) == 2)
            #expect(try cache.stats().entries == 4)
            #expect(try cache.delete(where: Field("n") >= 4) == 2)
            #expect(try cache.get(prompt: "5") == nil)
            #expect(try cache.clear() == 2)
            #expect(try cache.stats().entries == 0)
        }
    }

    @Test(arguments: Place.allCases)
    func aWrongHitIsPassedOverByQueriesLikeItAndNoOthers(_ place: Place) throws {
        try withCache(place) { cache in
            try cache.set(prompt: question, response: "By mail.", vector: direction(0))
            let wrong = try #require(try cache.get(vector: direction(25)))
            #expect(try cache.feedback(wrong, isWrong: true))
            #expect(try cache.get(vector: direction(24)) == nil)
            #expect(try cache.get(vector: direction(5))?.response == "By mail.")
            #expect(try cache.feedback(wrong, isWrong: false))
            #expect(try cache.get(vector: direction(24))?.response == "By mail.")
            #expect(try cache.stats().feedbacks == 2)
        }
    }

    @Test func aWrongHitByTheSamePromptIsDeleted() throws {
        try withCache { cache in
            let id = try cache.set(prompt: question, response: "By mail.", vector: direction(0))
            let wrong = try #require(try cache.get(prompt: question))
            #expect(try cache.feedback(wrong, isWrong: true))
            #expect(try cache.stats().entries == 0)
            #expect(try !cache.feedback(id: id, vector: nil, isWrong: true))
        }
    }

    @Test(arguments: Place.allCases)
    func statsAndMetricsTellWhatWasDone(_ place: Place) throws {
        try withCache(place) { cache in
            try cache.set(prompt: question, response: "By mail.", vector: direction(0))
            _ = try cache.get(prompt: question)
            _ = try cache.get(vector: direction(5))
            _ = try cache.get(vector: direction(90))
            _ = try? cache.get(vector: [1, 2, 3])
            let stats = try cache.stats()
            #expect(stats.entries == 1 && stats.sets == 1 && stats.bytes > 0)
            #expect(stats.exactHits == 1 && stats.semanticHits == 1 && stats.misses == 1 && stats.failures == 1)
            #expect(stats.hits == 2 && abs(stats.hitRate - 2.0 / 3) < 1e-9)
            #expect(stats.storeErrors == 0 && stats.lastError == nil)
            let labels = "namespace=\"\(cache.namespace)\",store=\"\(place)\""
            #expect(try cache.metrics().contains("vecstore_cache_lookups_total{\(labels),result=\"semantic\"} 1\n"))
            #expect(cache.health().status == .ok)
        }
    }

    @Test func severalCachesHaveOneTextOfMetrics() throws {
        let homes = [try CachePlace(.memory), try CachePlace(.memory)]
        let caches = try homes.map { try $0.open() }
        let text = try SemanticCache.metrics(caches)
        for home in homes { #expect(text.contains("entries{namespace=\"\(home.namespace)\",store=\"memory\"} 0\n")) }
        #expect(text.components(separatedBy: "# TYPE vecstore_cache_entries ").count == 2)
        expect(.invalidArgument) { _ = try SemanticCache.metrics([caches[0], caches[0]]) }
    }

    @Test(arguments: [Place.directory, .redis])
    func entriesOutliveTheCache(_ place: Place) throws {
        let home = try CachePlace(place)
        let first = try home.open()
        try first.set(prompt: question, response: "By mail.", vector: direction(0))
        #expect(try first.flush(timeout: .seconds(5)))
        try first.close()
        let second = try home.open()
        #expect(try second.get(prompt: "I forgot it", vector: direction(5))?.response == "By mail.")
        if place == .directory { expect(.locked) { _ = try home.open() } }
        try second.close()
        expect(.invalidArgument) { _ = try SemanticCache(home.url, namespace: home.namespace, dimension: 3) }
        expect(.invalidArgument) { _ = try SemanticCache(home.url, namespace: home.namespace, dimension: 2, model: "m-2") }
    }

    @Test(arguments: Place.allCases)
    func aCacheThatWasClosedSaysSo(_ place: Place) throws {
        let home = try CachePlace(place)
        let cache = try home.open()
        try cache.close()
        try cache.close()
        expect(.invalidHandle) { _ = try cache.get(prompt: question) }
        expect(.invalidHandle) { try cache.set(prompt: question, response: "", vector: direction(0)) }
        expect(.invalidHandle) { try cache.clear() }
        expect(.invalidHandle) { _ = try cache.stats() }
        #expect(cache.health().status == .failed)
    }
}
