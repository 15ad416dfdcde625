// Searches of collections in Swift: by vectors, by words, by both.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecStore

@Suite("Queries of collections in Swift")
struct QueryTests {
    private let query: [Float] = [5, 0]

    @Test("a search finds the nearest points, with what was asked for")
    func nearest() throws {
        try withPackages { points in
            let hits = try points.search(query, k: 3)
            #expect(hits.ids == [5, 4, 6] && hits.map(\.distance) == [0, 1, 1] && hits.map(\.score) == [0, -1, -1])
            #expect(try hits[0].payload(as: Package.self)?.size == 50)
            #expect(hits[0].vector == nil)
            let other = try points.search(query, k: 1, options: .init(withPayload: false, withVector: true))[0]
            #expect(other.payload == nil && other.vector == [5, 0])
            #expect(try other.payload(as: Package.self) == nil)
        }
    }

    @Test("options leave out, limit and filter")
    func options() throws {
        try withPackages { points in
            #expect(try points.search(query, k: 2, options: .init(offset: 1)).ids == [4, 6])
            #expect(try points.search(query, options: .init(maxDistance: 1)).ids == [5, 4, 6])
            #expect(try points.search(query, k: 2, filter: Field("section") == "doc").ids == [4, 6])
            #expect(try points.search(query, k: 3, options: .init(exact: true, threads: 1)).ids == [5, 4, 6])
            #expect(try points.search(query, k: 100, options: .init(efSearch: 500)).count == 9)
            let diverse = try points.search(query, k: 3, options: .init(diversity: 1, candidates: 9))
            #expect(diverse.count == 3 && diverse.ids != [5, 4, 6])
        }
    }

    @Test("hits below a threshold are left out")
    func thresholds() throws {
        try withPackages { points in
            let near = PointCollection.QueryOptions(threshold: -1)
            #expect(try points.search(query, options: near).ids == [5, 4, 6])
            let groups = try points.searchGroups(query, by: "section", options: near)
            #expect(groups.map(\.hits.ids) == [[5], [4, 6]])
            #expect(try points.recommend([5], options: near).ids == [4, 6])
            try points.createPayloadIndex("text", .text)
            let words = try points.searchText("mail server")
            #expect(try points.searchText("mail server", threshold: words[2].score).ids == [3, 6, 9])
            let both = try points.searchHybrid(query, "mail")
            #expect(try points.searchHybrid(query, "mail", options: .init(threshold: both[1].score)) == Array(both[..<2]))
            #expect(try points.search(query, options: .init(threshold: .infinity)).isEmpty)
            expect(.invalidArgument) { _ = try points.search(query, options: .init(threshold: .nan)) }
            expect(.invalidArgument) { _ = try points.searchText("mail", threshold: .nan) }
            expect(.invalidArgument) { _ = try points.searchHybrid(query, "mail", options: .init(threshold: .nan)) }
        }
    }

    @Test("a recall stands in the place of efSearch")
    func targetRecall() throws {
        try withDirectory { path in
            let points = try PointCollection(
                creating: path, vectors: [.init(dimension: TestRows.dimension, metric: .l2Squared, kind: .hnsw, m: 4)],
                durability: .none)
            let rows = TestRows.near(3000, seed: 2)
            try points.upsert((0..<3000).map { PointID($0) }, rows)
            try points.optimize()
            let queries = TestRows.near(20, seed: 3)
            let exact = try points.search(queries, options: .init(exact: true))
            #expect(try points.search(queries, options: .init(efSearch: 10)) != exact)
            #expect(try points.search(queries, options: .init(targetRecall: 1)) == exact)
            for recall in [-0.5, 0, 1.01, .nan, .infinity] as [Float] {
                expect(.invalidArgument) { _ = try points.search(queries, options: .init(targetRecall: recall)) }
            }
            expect(.invalidArgument) { _ = try points.search(queries, options: .init(efSearch: 64, targetRecall: 0.9)) }
            try points.close()
        }
    }

    @Test("several queries get a list of hits each, in any form")
    func batches() throws {
        try withPackages { points in
            let queries: [[Float]] = [[1, 0], [9, 0]]
            let hits = try points.search(queries, k: 2)
            #expect(hits.map(\.ids) == [[1, 2], [9, 8]])
            #expect(try points.search(.init(flat: [1, 0, 9, 0] as [Float16]), k: 2) == hits)
            #expect(try points.search([] as [[Float]]).isEmpty)
        }
    }

    @Test("hits come in groups by the values of a field")
    func groups() throws {
        try withPackages { points in
            try points.upsert(["f"], [[5, 1]] as [[Float]], payloads: [Payload(json: #"{"section":[2.5,true,7]}"#)])
            let groups = try points.searchGroups(query, by: "section", groups: 5, groupSize: 2)
            #expect(Set(groups.map(\.value)) == [.string("net"), .string("doc"), .number(2.5), .bool(true), .integer(7)])
            #expect(groups[0].value == .string("net") && groups[0].hits.ids == [5, 3])
            #expect("\(groups[0].value)" == "net")
            for bad in [Int.min, 0, Int.max] {
                expect(.invalidArgument) { _ = try points.searchGroups(query, by: "section", groups: bad) }
                expect(.invalidArgument) { _ = try points.searchGroups(query, by: "section", groupSize: bad) }
            }
            expect(.invalidArgument) { _ = try points.searchGroups(query, by: "") }
        }
    }

    @Test("points are recommended that are near some and far from others")
    func recommended() throws {
        try withPackages { points throws in
            #expect(try points.recommend([3, 5], k: 2).ids.first == 4)
            #expect(try points.recommend([5], not: [4], k: 2).ids == [6, 7])
            expect(.notFound) { _ = try points.recommend([77]) }
            expect(.invalidArgument) { _ = try points.recommend([]) }
        }
    }

    @Test("facets count the values of a field")
    func facets() throws {
        try withPackages { points in
            let facets = try points.facet("section")
            #expect(facets.map(\.value) == [.string("net"), .string("doc")] && facets.map(\.count) == [5, 4])
            #expect(try points.facet("size", limit: 1, filter: Field("size") > 80).map(\.value) == [.integer(90)])
            for limit in [Int.min, -1, 0, 1_048_577, Int.max] {
                expect(.invalidArgument) { _ = try points.facet("section", limit: limit) }
            }
        }
    }

    @Test("a field has different values, in order")
    func distinct() throws {
        try withPackages { points in
            #expect(try points.distinct("section") == [.string("doc"), .string("net")])
            #expect(try points.distinct("size", filter: Field("size") > 70) == [.integer(80), .integer(90)])
            let values = #"{"v":["b","A","é","z",true,9007199254740993,9007199254740992.5,-2,1.5,false,null]}"#
            try points.upsert(["a"], [[0, 0]] as [[Float]], payloads: [Payload(json: values)])
            let expected: [PayloadValue] = [
                .bool(false), .bool(true), .integer(-2), .number(1.5), .number(9_007_199_254_740_992),
                .integer(9_007_199_254_740_993), .string("A"), .string("b"), .string("z"), .string("é"),
            ]
            #expect(try points.distinct("v") == expected)
            #expect(try points.distinct("v", limit: 2).count == 2)
            #expect(try points.distinct("none").isEmpty)
            for limit in [Int.min, 0, 1_048_577] { expect(.invalidArgument) { _ = try points.distinct("v", limit: limit) } }
            expect(.invalidArgument) { _ = try points.distinct("a[") }
        }
    }

    @Test("words find texts")
    func texts() throws {
        try withPackages { points in
            expect(.invalidArgument) { _ = try points.searchText("mail") }
            try points.createPayloadIndex("text", .text, tokenizer: .stems)
            let hits = try points.searchText("mails", k: 2)
            #expect(hits.ids == [3, 6] && hits[0].distance == nil && hits[0].score > 0)
            #expect(try points.searchText("mail server", k: 2, offset: 1, withPayload: false).map(\.payload) == [nil, nil])
            #expect(try points.searchText("web server", textOptions: .init(mode: .all)).count == 3)
            #expect(try points.searchText("server web", textOptions: .init(mode: .phrase)).isEmpty)
            #expect(try points.searchText("web ser", textOptions: .init(mode: .prefix, fields: ["text": 2])).count == 3)
            #expect(try points.searchText("server", filter: Field("section") == "net").count == 4)
            for fields in [["other": 1], ["text": -1], ["text": .nan], [:]] as [[String: Float]] {
                expect(.invalidArgument) { _ = try points.searchText("mail", textOptions: .init(fields: fields)) }
            }
            expect(.invalidArgument) { _ = try points.searchText("mail", k: 0) }
            #expect(try points.searchText("\" OR * ( \0").isEmpty)
        }
    }

    @Test("a vector and words find points together", arguments: PointCollection.HybridOptions.Fusion.allCases)
    func hybrid(fusion: PointCollection.HybridOptions.Fusion) throws {
        try withPackages { points in
            try points.createPayloadIndex("text", .text)
            let both = try points.searchHybrid(
                [6, 0] as [Float], "mail", k: 3, hybridOptions: .init(fusion: fusion, candidates: 9))
            #expect(both.ids.first == 6)
            let words = try points.searchHybrid(
                [9, 0] as [Float], "web", k: 1, filter: Field("size") < 50,
                hybridOptions: .init(fusion: fusion, vectorWeight: 0, textWeight: 1))
            #expect(words.ids == [1] || words.ids == [4])
            for weight in [-1, .nan, .infinity] as [Float] {
                expect(.invalidArgument) {
                    _ = try points.searchHybrid(query, "web", hybridOptions: .init(fusion: fusion, vectorWeight: weight))
                }
            }
            for candidates in [Int.min, 0, Int.max] {
                expect(.invalidArgument) {
                    _ = try points.searchHybrid(query, "web", hybridOptions: .init(fusion: fusion, candidates: candidates))
                }
            }
        }
    }

    @Test("indexes of fields are made, listed and dropped")
    func indexes() throws {
        try withPackages { points in
            for kind in PayloadIndex.Kind.allCases { try points.createPayloadIndex("section", kind) }
            try points.createPayloadIndex("text", .text, tokenizer: .trigrams)
            let indexes = try points.payloadIndexes()
            #expect(indexes.map(\.kind) == PayloadIndex.Kind.allCases + [.text])
            #expect(indexes.last?.path == "text" && indexes.last?.tokenizer == .trigrams)
            #expect(indexes.first?.tokenizer == nil)
            #expect(try points.count(filter: Field("section") == "net") == 5)
            expect(.alreadyExists) { try points.createPayloadIndex("section", .keyword) }
            expect(.invalidArgument) { try points.createPayloadIndex("size", .integer, tokenizer: .stems) }
            expect(.invalidArgument) { try points.createPayloadIndex("a\0b", .keyword) }
            try points.dropPayloadIndex("section", .keyword)
            try points.dropPayloadIndex("section")
            #expect(try points.payloadIndexes().count == 1)
            expect(.notFound) { try points.dropPayloadIndex("section") }
        }
    }

    @Test("a query that makes no sense is refused", arguments: [Int.min, -1, 1_048_577, Int.max])
    func refused(number: Int) throws {
        try withPackages { points in
            expect(.invalidArgument) { _ = try points.search(query, k: number) }
            expect(.invalidArgument) { _ = try points.search(query, options: .init(offset: number)) }
            expect(.invalidArgument) { _ = try points.search(query, options: .init(efSearch: number)) }
            expect(.invalidArgument) { _ = try points.search(query, options: .init(candidates: number)) }
            expect(.invalidArgument) { _ = try points.search(query, options: .init(threads: number)) }
            expect(.invalidArgument) { _ = try points.search(query, options: .init(maxDistance: .nan)) }
            expect(.invalidArgument) { _ = try points.search(query, options: .init(diversity: Float(number))) }
            expect(.invalidArgument) { _ = try points.searchText("a", k: 1, offset: number) }
            expect(.invalidArgument) { _ = try points.search([1, 2, 3] as [Float]) }
            expect(.invalidArgument) { _ = try points.search(.init([nil] as [[Float]?])) }
            expect(.notFinite) { _ = try points.search([1, .nan] as [Float]) }
            expect(.unsupported) { _ = try points.search([1, 2] as [UInt8]) }
        }
    }
}
