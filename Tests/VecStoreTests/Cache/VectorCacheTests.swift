// Vectors by keys, with metadata and an end.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecStore

@Suite("Vector cache in Swift")
struct VectorCacheTests {
    private struct Document: Codable, Equatable {
        var degrees: Int
    }

    private func withVectors(_ place: Place = .memory, _ body: (VectorCache) throws -> Void) throws {
        let home = try CachePlace(place)
        let vectors = try VectorCache(home.url, namespace: home.namespace, dimension: 2)
        try withExtendedLifetime(home) { try body(vectors) }
        try vectors.close()
    }

    @Test(arguments: Place.allCases)
    func vectorsAreFoundByKeyAndByLikeness(_ place: Place) throws {
        try withVectors(place) { vectors in
            for degrees in stride(from: 0, to: 180, by: 30) {
                try vectors.store(
                    "doc_\(degrees)", direction(Double(degrees)), metadata: Payload(Document(degrees: degrees)), ttl: .seconds(60))
            }
            let found = try #require(try vectors.get("doc_30"))
            #expect(try found.key == "doc_30" && found.metadata(as: Document.self) == Document(degrees: 30))
            #expect(try found.similarity == 1 && vectors.cache.get(prompt: "doc_30")?.expires != nil)
            #expect(try vectors.get("doc_31") == nil)
            let near = try vectors.searchSimilar(direction(31), limit: 3)
            #expect(near.map(\.key) == ["doc_30", "doc_60", "doc_0"])
            #expect(abs((near.first?.similarity ?? 0) - 0.99985) < 1e-4)
            #expect(try vectors.searchSimilar(direction(31), limit: 100).count == 6)
            #expect(try vectors.searchSimilar(direction(31), threshold: .similarity(0.9)).map(\.key) == ["doc_30"])
            #expect(try vectors.searchSimilar(direction(31), filter: Field("degrees") > 100).map(\.key) == ["doc_120", "doc_150"])
            #expect(try vectors.delete("doc_30") && !vectors.delete("doc_30"))
            #expect(try vectors.count() == 5 && vectors.cache.stats().entries == 5)
        }
    }

    @Test(arguments: Place.allCases)
    func aKeyHasOneVectorWhateverItsMetadata(_ place: Place) throws {
        try withVectors(place) { vectors in
            for n in 0..<3 { try vectors.store("a", direction(Double(40 * n)), metadata: Payload(Document(degrees: n))) }
            try vectors.store("a", direction(0))
            try vectors.store("a", direction(50))
            #expect(try #require(try vectors.get("a")).metadata == nil)
            #expect(try vectors.searchSimilar(direction(50)).map(\.similarity).count == 1)
            // What is looked for here is no lookup of the caller's.
            #expect(try vectors.cache.stats().misses == 0)
        }
    }

    @Test func whoStoresOneKeyTogetherLeavesOneVector() async throws {
        let home = try CachePlace(.redis)
        let caches = try (0..<2).map { _ in try VectorCache(home.url, namespace: home.namespace, dimension: 2) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<16 {
                let vectors = caches[task % 2]
                group.addTask {
                    try await vectors.cache.run { _ in
                        for n in 0..<20 {
                            try vectors.store("a", direction(Double(n)), metadata: Payload(Document(degrees: task * 100 + n)))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        for vectors in caches {
            #expect(try vectors.count() == 1)
            try vectors.close()
        }
    }

    @Test func aKeyIsReplacedWhileItsServerIsAway() throws {
        let server = try RedisServer()
        let quick = RedisOptions(connectTimeout: .milliseconds(500), commandTimeout: .milliseconds(500))
        let vectors = try VectorCache(server.url, namespace: "n", dimension: 2, options: .init(redis: quick))
        try vectors.store("a", direction(0), metadata: Payload(Document(degrees: 0)))
        server.stop()
        try vectors.store("a", direction(40), metadata: Payload(Document(degrees: 40)))
        server.proceed()
        #expect(try vectors.cache.flush(timeout: .seconds(20)))
        try eventually("there is one") { try vectors.searchSimilar(direction(0)).map { try $0.metadata(as: Document.self)?.degrees } == [40] }
    }

    // MARK: - Beside a collection

    private func withSource(_ body: (PointCollection, VectorCache) throws -> Void) throws {
        try withCollection(metric: .cosine) { source in
            let payloads = try [0, 20, 40, 60].map { try Payload(Document(degrees: $0)) }
            try source.upsert(["d0", "d1", "d2", "d3"], [0, 20, 40, 60].map { direction($0) }, payloads: payloads)
            let home = try CachePlace(.memory)
            let vectors = try VectorCache(home.url, namespace: home.namespace, dimension: 2, ttl: .seconds(60), source: source)
            try body(source, vectors)
        }
    }

    @Test func aKeyOfTheSourceIsKeptOnceItWasAskedFor() throws {
        try withSource { source, vectors in
            #expect(try vectors.get("d3")?.metadata(as: Document.self) == Document(degrees: 60))
            #expect(try vectors.count() == 1)
            // It is not asked again: what changes behind the back of the cache is not seen before its end.
            try source.mergePayload(Payload(Document(degrees: 61)), ["d3"])
            #expect(try vectors.get("d3")?.metadata(as: Document.self) == Document(degrees: 60))
            #expect(try vectors.get("none") == nil)
        }
    }

    @Test func aKeyIsKeptNoLongerThanTheSourceHasIt() throws {
        try withSource { source, vectors in
            try source.upsert(["short"], [direction(5)], expires: [Date.now + 0.3])
            try source.upsert(["long"], [direction(5)], expires: [Date.now + 3600])
            _ = try vectors.get("short")
            _ = try vectors.get("long")
            usleep(320_000)
            #expect(try vectors.get("short") == nil)
            let end = try #require(try vectors.cache.get(prompt: "long")?.expires)
            #expect(end.timeIntervalSinceNow < 61)
        }
    }

    @Test func changesGoToBothAndTheSourceIsSearched() throws {
        try withSource { source, vectors in
            try vectors.store("d9", direction(90), metadata: Payload(Document(degrees: 90)))
            #expect(try source.get("d9")?.payload(as: Document.self) == Document(degrees: 90))
            let near = try vectors.searchSimilar(direction(61), limit: 2)
            #expect(near.map(\.key) == ["d3", "d2"])
            #expect(abs((near.first?.similarity ?? 0) - 0.99985) < 1e-4)
            #expect(try vectors.searchSimilar(direction(61), threshold: .distance(0.1)).map(\.key) == ["d3", "d2"])
            #expect(try vectors.searchSimilar(direction(241)).count == 5)
            #expect(try vectors.delete("d9") && !vectors.delete("d9") && vectors.get("d9") == nil && source.get("d9") == nil)
            #expect(try vectors.delete("d0"), "which was never asked for")
            expect(.invalidArgument) { _ = try vectors.searchSimilar(direction(0), threshold: .similarity(.nan)) }
        }
    }

    @Test func aSourceOfOtherVectorsIsRefused() throws {
        func refused(_ source: PointCollection, dimension: Int = 2) {
            expect(.invalidArgument) { _ = try VectorCache("memory:", namespace: "n", dimension: dimension, source: source) }
        }
        try withCollection(metric: .l2Squared) { refused($0) }
        try withCollection(metric: .cosine) { refused($0, dimension: 3) }
    }

    @Test func whatIsWrongIsRefused() throws {
        try withVectors { vectors in
            expect(.invalidArgument) { try vectors.store("", direction(0)) }
            expect(.invalidArgument) { try vectors.store("a", [1]) }
            expect(.notFinite) { try vectors.store("a", [.nan, 1]) }
            expect(.invalidArgument) { try vectors.store("a", direction(0), metadata: Payload(json: "[")) }
            expect(.invalidArgument) { _ = try vectors.searchSimilar(direction(0), limit: 0) }
            expect(.invalidArgument) { _ = try vectors.searchSimilar(direction(0), limit: 1001) }
            #expect(try vectors.count() == 0)
            try vectors.close()
            expect(.invalidHandle) { try vectors.store("a", direction(0)) }
            expect(.invalidHandle) { try vectors.delete("a") }
            expect(.invalidHandle) { _ = try vectors.get("a") }
        }
    }
}
