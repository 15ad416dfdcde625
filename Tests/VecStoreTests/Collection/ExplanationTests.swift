// What searches tell of what they did, in Swift.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecStore

@Suite("What searches did, in Swift")
struct ExplanationTests {
    private typealias Explanation = PointCollection.Explanation
    private let query: [Float] = [5, 0]

    /// What the one search of `body` tells; all that it tells stands in its JSON too.
    private func told(_ body: (@escaping (Explanation) -> Void) throws -> Void) throws -> Explanation {
        var told: [Explanation] = []
        try body { told.append($0) }
        let explanation = try #require(told.first)
        #expect(told.count == 1)
        let json = try #require(JSONSerialization.jsonObject(with: Data(explanation.json.utf8)) as? [String: Any])
        #expect(json["points"] as? Int == explanation.points && json["hits"] as? Int == explanation.hits)
        #expect(json["milliseconds"] as? [String: Double] == explanation.milliseconds)
        #expect(json["vector"] is NSNull == (explanation.vector == nil))
        return explanation
    }

    @Test("a search without a graph compares, and says why")
    func compared() throws {
        try withPackages { points in
            let explanation = try told { explain in _ = try points.search(query, k: 3, explain: explain) }
            #expect(explanation.points == 9 && explanation.hits == 3 && explanation.filter == nil && explanation.text == nil)
            let vector = try #require(explanation.vector)
            #expect(vector.way == .compare && vector.graph == nil && vector.name == "" && vector.queries == 1)
            #expect(vector.compare?.rows == 9 && vector.compare?.reason.isEmpty == false)
            #expect(explanation.milliseconds["total"] ?? -1 >= explanation.milliseconds["compare"] ?? .infinity)
        }
    }

    @Test("conditions of a filter say what answered them")
    func conditions() throws {
        try withPackages { points in
            try points.createPayloadIndex("section", .keyword)
            let filter = Field("section") == "net" && Field("size") > 30 && .hasID([5, 7, 8])
            let first = try told { explain in _ = try points.search(query, filter: filter, explain: explain) }
            let found = try #require(first.filter)
            #expect(!found.cached && found.matching == 2)
            let conditions = found.conditions.sorted { $0.at < $1.at }
            #expect(conditions.map(\.at) == ["must[0]", "must[1]", "must[2]"])
            #expect(conditions.map(\.answeredBy) == [.index, .payloads, .ids])
            #expect(conditions.map(\.key) == ["section", "size", nil] && conditions.map(\.index) == [.keyword, nil, nil])
            #expect(conditions[0].rows == 5 && conditions[1].reason != nil && found.payloadsRead == 2)
            let again = try told { explain in _ = try points.search(query, filter: filter, explain: explain) }
            #expect(again.filter?.cached == true && again.filter?.matching == 2)
        }
    }

    @Test("a walk over a graph tells of itself, and so does a recall")
    func walked() throws {
        try withDirectory { path in
            let points = try PointCollection(
                creating: path, vectors: [.init(dimension: TestRows.dimension, metric: .l2Squared, kind: .hnsw)], durability: .none)
            try points.upsert((0..<3000).map { PointID($0) }, TestRows.near(3000, seed: 2))
            try points.optimize()
            let near = TestRows.near(1, seed: 3)[0]
            let walk = try told { explain in _ = try points.search(near, options: .init(efSearch: 40), explain: explain) }
            let graph = try #require(walk.vector?.graph)
            #expect(walk.vector?.way == .graph && walk.vector?.compare == nil && walk.targetRecall == nil)
            #expect(graph.rows == 3000 && graph.efSearch == 40 && graph.width == 40 && graph.way == .walk && graph.matching == nil)
            #expect((40..<3000).contains(graph.visited) && (10...graph.visited).contains(graph.ranked))
            try points.upsert([5000], [near])
            let both = try told { explain in _ = try points.search(near, options: .init(targetRecall: 0.9), explain: explain) }
            #expect(both.vector?.way == .graphAndCompare && both.vector?.compare?.rows == 1)
            let recall = try #require(both.targetRecall)
            #expect(recall.target == 0.9 && recall.k == 10 && recall.measured >= 0.9 && recall.rows == 3000 && !recall.cached)
            #expect(recall.efSearch == both.vector?.graph?.efSearch)
            try points.close()
        }
    }

    @Test("searches of every kind tell of their parts")
    func kinds() throws {
        try withPackages { points in
            try points.createPayloadIndex("text", .text)
            let words = try told { explain in
                _ = try points.searchText("mail server", textOptions: .init(fields: ["text": 2]), explain: explain)
            }
            #expect(words.vector == nil && words.text?.matching == 6)
            let field = try #require(words.text?.fields.first)
            #expect(words.text?.fields.count == 1 && field.path == "text" && field.weight == 2 && field.words == 2)
            let both = try told { explain in
                _ = try points.searchHybrid(query, "mail", hybridOptions: .init(fusion: .dbsf), explain: explain)
            }
            #expect(both.fusion?.kind == .dbsf && both.fusion?.vectorHits == 9 && both.fusion?.textHits == 3 && both.hits == 9)
            let groups = try told { explain in _ = try points.searchGroups(query, by: "section", groups: 2, explain: explain) }
            #expect(groups.groups?.lookedAt == [9] && groups.hits == 6)
            let liked = try told { explain in _ = try points.recommend([5], k: 4, explain: explain) }
            #expect(liked.hits == 4 && liked.groups == nil && liked.diversity == nil)
            let diverse = try told { explain in
                _ = try points.search(query, k: 2, options: .init(diversity: 0.5, candidates: 5), explain: explain)
            }
            #expect(diverse.diversity?.candidates == 5 && diverse.hits == 2)
        }
    }

    @Test("several queries are told together, and before hits get another order")
    func together() throws {
        try withPackages { points in
            var order: [String] = []
            let queries: [[Float]] = [[1, 0], [9, 0]]
            let rerank = PointCollection.Rerank.order(candidates: 4) { hits in
                order.append("rerank")
                return hits
            }
            let hits = try points.search(queries, k: 2, rerank: rerank) { told in
                order.append("explain")
                #expect(told.vector?.queries == 2 && told.hits == 8)
            }
            #expect(order == ["explain", "rerank", "rerank"] && hits.map(\.count) == [2, 2])
        }
    }

    @Test("nothing is told of a search that is refused")
    func refused() throws {
        try withPackages { points in
            let tell = { (_: Explanation) in _ = Issue.record("it was told") }
            expect(.invalidArgument) { _ = try points.search(query, k: 0, explain: tell) }
            expect(.invalidArgument) { _ = try points.searchText("mail", explain: tell) }
            expect(.invalidArgument) { _ = try points.searchGroups(query, by: "", explain: tell) }
            expect(.invalidArgument) { _ = try points.recommend([], explain: tell) }
        }
    }
}
