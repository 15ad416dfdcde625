// What a query tells of what it did: held against what is known of the collection.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct ExplainTests {
    private let directory: TemporaryDirectory
    private let collection: PointCollection
    private static let dimension = 8

    init() throws {
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(
            directory.path("points"), vectors: [VectorSettings(dimension: ExplainTests.dimension, metric: .l2Squared, kind: .hnsw)],
            CollectionOptions(durability: .none))
    }

    /// Points with the numbers `from` ... `from + count - 1`; "n" has no index, "kind" has one value in ten.
    private func fill(_ from: Int, _ count: Int) throws {
        var random = Random(seed: UInt64(from + 1))
        try collection.put(
            (from..<from + count).map { .number(UInt64($0)) }, (0..<count).map { _ in random.vector(ExplainTests.dimension) },
            (from..<from + count).map { #"{"n":\#($0),"kind":"k\#($0 % 10)","text":"word\#($0 % 7)"}"# })
    }

    private let query = [Float](repeating: 0.1, count: ExplainTests.dimension)

    /// What a search tells: the value at a path of keys, as JSON.
    private func explain(
        filter: String? = nil, k: Int = 10, _ change: (inout VectorSearchOptions) -> Void = { _ in }
    ) throws -> Told {
        let trace = QueryTrace()
        _ = try collection.near(query, k, filter: filter) {
            change(&$0)
            $0.trace = trace
        }
        return try Told(trace)
    }

    private struct Told {
        let document: JSONDocument

        init(_ trace: QueryTrace) throws {
            let json = trace.json
            document = try json.withUnsafeBufferPointer { bytes throws(VecStoreError) in try checkPayload(bytes) }
        }

        func value(_ path: String) throws -> String {
            var found = "-"
            try PayloadPath(path).forEachValue(in: document.root) { value in
                var writer = JSONWriter()
                value.write(to: &writer)
                found = String(decoding: writer.bytes, as: UTF8.self)
                return true
            }
            return found
        }

        func integer(_ path: String) throws -> Int { Int(try value(path)) ?? -1 }
    }

    @Test func withoutAGraphAllRowsAreCompared() throws {
        try fill(0, 50)
        try collection.remove([.number(0)])
        let told = try explain()
        #expect(try told.value("points") == "49" && told.value("hits") == "10" && told.value("filter") == "null")
        #expect(try told.value("vector.way") == #""compare""# && told.value("vector.graph") == "null")
        #expect(try told.value("vector.compare.rows") == "49")
        #expect(try told.value("vector.compare.reason") == #""49 points have this vector: kind hnsw makes a graph from 2000 on""#)
        #expect(try told.value("milliseconds.total") != "-" && told.value("milliseconds.compare") != "-")
    }

    @Test func aGraphIsWalkedAndTheRestIsCompared() throws {
        try fill(0, 3000)
        try collection.optimize()
        var told = try explain { $0.efSearch = 40 }
        #expect(try told.value("vector.way") == #""graph""# && told.value("vector.compare") == "null")
        #expect(try told.value("vector.graph.way") == #""walk""# && told.integer("vector.graph.ef_search") == 40)
        #expect(try told.integer("vector.graph.width") == 40 && told.value("vector.graph.matching") == "null")
        #expect(try (40..<3000).contains(told.integer("vector.graph.visited")))
        #expect(try (10...told.integer("vector.graph.visited")).contains(told.integer("vector.graph.ranked")))
        try fill(3000, 5)
        told = try explain()
        #expect(try told.value("vector.way") == #""graph_and_compare""# && told.integer("vector.compare.rows") == 5)
        #expect(try told.value("vector.compare.reason") == #""the graph does not have them yet""#)
        told = try explain { $0.isExact = true }
        #expect(try told.value("vector.way") == #""compare""# && told.integer("vector.compare.rows") == 3005)
        #expect(try told.value("vector.compare.reason") == #""exact was asked for""#)
    }

    @Test func aSmallFilterIsScannedAndALargeOneIsWalked() throws {
        try fill(0, 20_000)
        try collection.optimize()
        try collection.createPayloadIndex("n", type: .integer)
        let few = try explain(filter: #"{"must":[{"key":"n","range":{"lt":300}}]}"#)
        #expect(try few.value("vector.graph.way") == #""scan""# && few.integer("vector.graph.matching") == 300)
        #expect(try few.integer("vector.graph.scanned") == 300 && few.integer("vector.graph.visited") == 0)
        #expect(try few.value("vector.graph.reason").contains("300 rows match: comparing up to"))
        let many = try explain(filter: #"{"must":[{"key":"n","range":{"lt":18000}}]}"#)
        #expect(try many.value("vector.graph.way") == #""wide_walk""# && many.integer("vector.graph.matching") == 18_000)
        #expect(try many.integer("vector.graph.width") > many.integer("vector.graph.ef_search"))
        #expect(try many.integer("vector.graph.visited") > 64 && many.integer("vector.graph.scanned") == 0)
        #expect(try many.value("vector.graph.reason").contains("90.0 percent of all"))
    }

    @Test func eachConditionTellsWhatAnsweredIt() throws {
        try fill(0, 100)
        try collection.createPayloadIndex("kind", type: .keyword)
        try collection.createPayloadIndex("text", type: .text)
        try collection.put(100, query, #"{"kind":5,"n":100}"#)
        try collection.remove([.number(4)])
        let filter = #"""
            {"must":[{"key":"kind","match":{"any":["k3","k4"]}},{"key":"n","range":{"gte":20}},{"has_id":[13,23,33,43,4]}],
             "must_not":[{"key":"text","match":{"text":"word2"}}],
             "should":[{"key":"kind","match":{"value":"k3"}},{"key":"n","match":{"value":7}}]}
            """#
        let told = try explain(filter: filter)
        func step(_ i: Int) throws -> [String] {
            try ["at", "key", "answered_by", "index", "rows", "reason"].map { try told.value("filter.conditions[\(i)].\($0)") }
        }
        // Of 20 points one is gone; the value 5 is no string, so that payload is read.
        #expect(try step(0) == [#""must[0]""#, #""kind""#, #""index""#, #""keyword""#, "19", "-"])
        #expect(try told.value("filter.conditions[0].payloads_read") == "1")
        #expect(try step(1) == [#""must[1]""#, #""n""#, #""payloads""#, "-", "-", #""the field has no index""#])
        #expect(try step(2) == [#""must[2]""#, "-", #""ids""#, "-", "4", "-"])
        #expect(try step(3) == [#""must_not[0]""#, #""text""#, #""full_text""#, #""text""#, "14", "-"])
        #expect(
            try step(4) == [
                #""should""#, "-", #""payloads""#, "-", "-",
                #""one of its conditions has to look at payloads, should[1]: the field has no index""#,
            ])
        // 13, 23, 33 and 43 are left for the payloads, less those with word2; 23 does not have it: 23 % 7 = 2.
        #expect(try told.value("filter.conditions[5]") == "-")
        #expect(try told.integer("filter.payloads_read") == 1 + 3 && told.integer("filter.matching") == 2)
        #expect(try told.value("filter.cached") == "false" && told.integer("hits") == 2)
        let again = try explain(filter: filter)
        #expect(try again.value("filter.cached") == "true" && again.value("filter.conditions") == "[]" && again.integer("filter.matching") == 2)
        let bare = try explain(filter: filter) { $0.withPayload = false }
        #expect(try bare.value("filter.cached") == "true" && bare.integer("filter.matching") == 2)
        try collection.put(101, query)
        #expect(try explain(filter: filter).value("filter.cached") == "false")
    }

    @Test func conditionsWithinConditionsHaveTheirPlace() throws {
        try fill(0, 20)
        try collection.createPayloadIndex("kind", type: .keyword)
        let told = try explain(
            filter: #"{"must":[{"must":[{"key":"kind","match":{"value":"k1"}}]},{"nested":{"key":"a","filter":{"must":[{"key":"b","match":{"value":1}}]}}},{"key":"kind","range":{"gt":1}}]}"#)
        #expect(try told.value("filter.conditions[0].at") == #""must[0].must[0]""#)
        #expect(try told.value("filter.conditions[1].reason") == #""no index knows what belongs to one element of an array""#)
        #expect(try told.value("filter.conditions[2].reason") == #""its index of type keyword does not answer this condition""#)
    }

    @Test func groupsAndDiversityTellWhatTheyLookedAt() throws {
        try fill(0, 200)
        let trace = QueryTrace()
        var options = VectorSearchOptions()
        options.trace = trace
        let groups = try query.withUnsafeBytes {
            try collection.searchGroups($0.baseAddress!, type: .float32, by: "kind", groups: 10, groupSize: 2, options)
        }
        let told = try Told(trace)
        #expect(try told.integer("groups.looked_at[0]") == 80 && told.integer("hits") == groups.reduce(0) { $0 + $1.hits.count })
        let diverse = try explain { ($0.diversity, $0.candidates) = (0.5, 30) }
        #expect(try diverse.integer("diversity.candidates") == 30 && diverse.value("milliseconds.diversity") != "-")
    }

    @Test func wordsAndBothTellTheirParts() throws {
        try fill(0, 70)
        try collection.createPayloadIndex("text", type: .text)
        let trace = QueryTrace()
        var words = TextSearchOptions()
        words.trace = trace
        words.filter = Array(#"{"must":[{"key":"n","range":{"lt":35}}]}"#.utf8)
        _ = try collection.searchText("word3 word4 nowhere", k: 100, words)
        var told = try Told(trace)
        #expect(try told.integer("text.matching") == 20 && told.integer("filter.matching") == 35 && told.integer("hits") == 10)
        #expect(try told.value("text.fields[0]") == #"{"path":"text","weight":1.0,"words":2}"# && told.value("vector") == "null")
        var both = HybridSearchOptions()
        both.vector.trace = QueryTrace()
        both.text.trace = both.vector.trace
        both.fusion = .dbsf
        _ = try query.withUnsafeBytes {
            try collection.searchHybrid($0.baseAddress!, type: .float32, text: "word3", k: 5, both)
        }
        told = try Told(#require(both.vector.trace))
        #expect(try told.value("fusion") == #"{"kind":"dbsf","vector_hits":70,"text_hits":10}"#)
        #expect(try told.integer("vector.compare.rows") == 70 && told.integer("text.matching") == 10 && told.integer("hits") == 5)
    }
}
