// Hits of searches that were asked for before: the same as the collection would find, and never older.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import VecStore

@Suite("Result cache in Swift")
struct ResultCacheTests {
    /// Calls `body` with a result cache of the nine points.
    private func withResults(_ place: Place = .memory, ttl: TimeToLive = .standard, _ body: (ResultCache) throws -> Void) throws {
        try withPackages { points in
            try points.createPayloadIndex("text", .text)
            let home = try CachePlace(place)
            let values = try ValueCache(home.url, namespace: home.namespace)
            try withExtendedLifetime(home) { try body(ResultCache(points, values, ttl: ttl)) }
            try values.close()
        }
    }

    private func known(_ results: ResultCache) throws -> Int { try results.cache.stats().hits }

    @Test(arguments: Place.allCases)
    func itFindsWhatTheCollectionFinds(_ place: Place) throws {
        try withResults(place) { results in
            let points = results.collection
            try points.upsert(["größer"], [[3, 0.1]] as [[Float]])
            let query: [Float] = [3, 0.3], two: [[Float]] = [[3, 0.3], [9, 0]], half = query.map { Float16($0) }
            let options = PointCollection.QueryOptions(offset: 1, withVector: true)
            for _ in 0..<2 {
                #expect(try results.search(query, k: 4) == points.search(query, k: 4))
                #expect(try results.search(half, k: 4) == points.search(half, k: 4))
                #expect(try results.search(two, k: 2, options: options) == points.search(two, k: 2, options: options))
                #expect(try results.search(query, filter: Field("size") > 70) == points.search(query, filter: Field("size") > 70))
                #expect(try results.searchText("mail", k: 2) == points.searchText("mail", k: 2))
                #expect(try results.searchHybrid(query, "web", k: 5) == points.searchHybrid(query, "web", k: 5))
            }
            #expect(try known(results) == 6)
        }
    }

    @Test func everyArgumentCounts() throws {
        try withResults { results in
            typealias Options = PointCollection.QueryOptions
            let query: [Float] = [3, 0]
            _ = try results.search(query, k: 4)
            _ = try results.search([3, 0.5] as [Float], k: 4)
            _ = try results.search([query, query], k: 4)
            _ = try results.search([3, 0] as [Float16], k: 4)
            _ = try results.search(query, k: 5)
            _ = try results.search(query, k: 4, filter: Field("section") == "net")
            _ = try results.search(query, k: 4, filter: Field("section") == "doc")
            for options: Options in [
                .init(vectorName: ""), .init(offset: 1), .init(maxDistance: 1), .init(maxDistance: 1.5), .init(threshold: -1),
                .init(efSearch: 10), .init(targetRecall: 0.9), .init(exact: true), .init(diversity: 0.5), .init(candidates: 50),
                .init(withPayload: false), .init(withVector: true),
            ] {
                _ = try results.search(query, k: 4, options: options)
            }
            _ = try results.searchText("mail server", k: 4)
            _ = try results.searchText("web server", k: 4)
            _ = try results.searchText("mail server", k: 4, offset: 1)
            _ = try results.searchText("mail server", k: 4, threshold: 0.1)
            _ = try results.searchText("mail server", k: 4, withPayload: false)
            _ = try results.searchText("mail server", k: 4, textOptions: .init(mode: .all))
            _ = try results.searchText("mail server", k: 4, textOptions: .init(fields: ["text": 2]))
            _ = try results.searchText("mail server", k: 4, textOptions: .init(fields: ["text": 3]))
            _ = try results.searchHybrid(query, "mail", k: 4)
            _ = try results.searchHybrid(query, "web", k: 4)
            for options: PointCollection.HybridOptions in [
                .init(fusion: .dbsf), .init(vectorWeight: 2), .init(textWeight: 2), .init(candidates: 50),
            ] {
                _ = try results.searchHybrid(query, "mail", k: 4, hybridOptions: options)
            }
            #expect(try known(results) == 0)
            // Hits do not depend on these.
            _ = try results.search(query, k: 4, options: .init(threads: 1))
            #expect(try known(results) == 1)
        }
    }

    @Test func aWriteIsSeenAtOnce() throws {
        try withResults { results in
            let points = results.collection, query: [Float] = [3, 0]
            let changes: [(PointCollection) throws -> Void] = [
                { try $0.upsert([20], [[3, 0]] as [[Float]]) }, { try $0.remove([3]) },
                { try $0.mergePayload(Payload(json: #"{"size": 1}"#), [20]) }, { try $0.updateVectors([20], [[2.9, 0]] as [[Float]]) },
            ]
            for change in changes {
                let before = try results.search(query, k: 2)
                try change(points)
                #expect(try results.search(query, k: 2) == points.search(query, k: 2))
                #expect(try results.search(query, k: 2) != before)
            }
        }
    }

    @Test func aPointThatHasEndedIsInNoResult() throws {
        try withResults { results in
            try results.collection.upsert([20], [[3, 0]] as [[Float]], expires: [Date.now + 0.3])
            try eventually("it ends") { try results.search([3, 0] as [Float], k: 3).ids.contains(20) == false }
            #expect(try results.search([3, 0] as [Float], k: 1).ids == [3])
        }
    }

    @Test func whoShowsTheSamePointsSharesResults() throws {
        try withResults { results in
            let query: [Float] = [3, 0], first = try results.search(query, k: 2)
            let reader = try PointCollection(opening: results.collection.path, readOnly: true)
            #expect(try reader.uuid == results.collection.uuid && reader.revision() == results.collection.revision())
            let others = try ResultCache(reader, results.cache)
            #expect(try others.search(query, k: 2) == first && known(results) == 1)
            try results.collection.remove([3])
            #expect(try results.search(query, k: 2) != first)
            // A reader has the results of what it shows.
            #expect(try others.search(query, k: 2) == first && known(results) == 2)
            #expect(try reader.refresh())
            #expect(try others.search(query, k: 2) != first && known(results) == 3)
            try reader.close()
        }
    }

    @Test func aRerankIsCalledEachTimeWithHitsOfBefore() throws {
        try withResults { results in
            var asked: [Int] = []
            let farthest = PointCollection.Rerank.scores(candidates: 5) { hits in
                asked.append(hits.count)
                return hits.map { $0.distance ?? 0 }
            }
            let query: [Float] = [3, 0], options = PointCollection.QueryOptions(offset: 1)
            let expected = try results.collection.search(query, k: 2, options: options, rerank: farthest)
            for _ in 0..<2 { #expect(try results.search(query, k: 2, options: options, rerank: farthest) == expected) }
            #expect(try asked == [5, 5, 5] && known(results) == 1)
        }
    }

    @Test func whatIsRefusedIsNotKept() throws {
        try withResults { results in
            expect(.invalidArgument) { _ = try results.search([3, 0] as [Float], k: 0) }
            expect(.invalidArgument) { _ = try results.search([1, 2, 3] as [Float]) }
            expect(.notFinite) { _ = try results.search([.nan, 0] as [Float]) }
            expect(.invalidArgument) { _ = try results.search([3, 0] as [Float], options: .init(vectorName: "x")) }
            #expect(try results.cache.stats().sets == 0)
            expect(.invalidArgument) { _ = try ResultCache(results.collection, results.cache, ttl: .seconds(0)) }
            try results.cache.close()
            expect(.invalidHandle) { _ = try results.search([3, 0] as [Float]) }
        }
        try withResults(ttl: .milliseconds(20)) { results in
            for _ in 0..<2 {
                _ = try results.search([3, 0] as [Float])
                usleep(30_000)
            }
            #expect(try known(results) == 0)
        }
    }

    @Test func searchesGoOnWhileRedisIsAway() throws {
        try withPackages { points in
            let server = try RedisServer()
            let quick = RedisOptions(connectTimeout: .milliseconds(500), commandTimeout: .milliseconds(500))
            let open = try ResultCache(points, ValueCache(server.url, namespace: "n", options: .init(redis: quick)))
            let closed = try ResultCache(points, ValueCache(server.url, namespace: "n", options: .init(failsClosed: true, redis: quick)))
            let expected = try open.search([3, 0] as [Float])
            server.kill()
            #expect(try open.search([3, 0] as [Float]) == expected)
            expect(.unavailable) { _ = try closed.search([3, 0] as [Float]) }
        }
    }

    // MARK: - What is kept

    private let hits: [[PointCollection.Hit]] = [
        [
            .init(id: 7, distance: 0.1, score: -0.0, payload: Payload(json: #"{"a": "größer"}"#), vector: [1, .leastNonzeroMagnitude]),
            .init(id: PointID(UInt64.max - 1), distance: nil, score: 3.4e38, payload: nil, vector: nil),
        ],
        [], [.init(id: "größer", distance: 2, score: 1, payload: Payload(json: "{}"), vector: [])],
    ]

    @Test func hitsComeBackAsTheyWere() {
        for found in [hits, [[]], []] { #expect(FoundHits.decode(FoundHits.encode(found)) == found) }
    }

    @Test func whatOthersWroteIsNoResult() {
        let good = FoundHits.encode(hits)
        for end in 0..<good.count { #expect(FoundHits.decode(Array(good[..<end])) == nil) }
        #expect(FoundHits.decode(good + [0]) == nil)
        var random = Random(seed: 1)
        for _ in 0..<5000 {
            // Whatever it becomes: it is read to its end, or it is none.
            var damaged = good
            for _ in 0...random.below(3) { damaged[random.below(good.count)] = UInt8(random.below(256)) }
            if let found = FoundHits.decode(damaged) { #expect(FoundHits.encode(found).count <= damaged.count) }
        }
        #expect(FoundHits.decode([UInt8](repeating: 0xff, count: 100)) == nil)
    }
}
