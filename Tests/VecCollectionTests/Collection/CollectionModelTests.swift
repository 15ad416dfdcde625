// A collection against a model of it that anyone can follow: a dictionary, searched by comparing everything.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct CollectionModelTests {
    private let sections = ["net", "web", "games", "libs", ""]
    private let words = ["fast", "small", "graph", "server", "tool", "editor"]

    private struct Entry: Equatable {
        var vector: [Float]
        var payload: String
    }

    /// A payload with values of all kinds, and now and then of the wrong kind, or none.
    private func payload(_ random: inout Random) -> String {
        if random.below(12) == 0 { return "" }
        var members: [String] = []
        if random.below(8) != 0 { members.append(#""section":"\#(sections[random.below(sections.count)])""#) }
        switch random.below(8) {
        case 0: members.append(#""size":null"#)
        case 1: members.append(#""size":"large""#)
        case 2: members.append(#""size":[1,\#(random.below(100)),2.5]"#)
        case 3: members.append(#""size":\#(random.below(100)).5"#)
        default: members.append(#""size":\#(random.below(100))"#)
        }
        if random.below(3) == 0 { members.append(#""free":\#(random.below(2) == 0)"#) }
        if random.below(3) == 0 { members.append(#""tags":["a\#(random.below(4))","b\#(random.below(4))"]"#) }
        if random.below(3) == 0 { members.append(#""at":"20\#(10 + random.below(15))-0\#(1 + random.below(9))-1\#(random.below(9))""#) }
        if random.below(3) == 0 { members.append(#""place":{"lon":\#(random.below(360) - 180),"lat":\#(random.below(180) - 90)}"#) }
        let text = (0..<random.below(6)).map { _ in words[random.below(words.count)] }.joined(separator: " ")
        if random.below(4) != 0 { members.append(#""text":"\#(text)""#) }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// Filters of each kind.
    private func filters(_ random: inout Random) -> [String] {
        let section = sections[random.below(sections.count)], n = random.below(100)
        return [
            #"{"must":[{"key":"section","match":{"value":"\#(section)"}}]}"#,
            #"{"must_not":[{"key":"section","match":{"any":["net","\#(section)"]}}]}"#,
            #"{"must":[{"key":"section","match":{"except":["\#(section)"]}}]}"#,
            #"{"must":[{"key":"section","match":{"prefix":"\#(section.prefix(1))"}}]}"#,
            #"{"must":[{"key":"size","range":{"gte":\#(n),"lt":\#(n + 30)}}]}"#,
            #"{"must":[{"key":"size","range":{"gt":\#(n).5}}]}"#,
            #"{"must":[{"key":"size","match":{"value":\#(n)}}],"must_not":[{"is_empty":{"key":"section"}}]}"#,
            #"{"should":[{"key":"free","match":{"value":true}},{"key":"tags","match":{"value":"a1"}}]}"#,
            #"{"min_should":{"conditions":[{"key":"free","match":{"value":false}},{"key":"tags","match":{"value":"b1"}},{"key":"size","range":{"lte":50}}],"min_count":2}}"#,
            #"{"must":[{"key":"at","range":{"gte":"2015-01-01","lt":"20\#(16 + random.below(9))-06-01T00:00:00Z"}}]}"#,
            #"{"must":[{"key":"place","geo_radius":{"center":{"lon":\#(n),"lat":20},"radius":4000000}}]}"#,
            #"{"must":[{"key":"place","geo_bounding_box":{"top_left":{"lon":150,"lat":60},"bottom_right":{"lon":-\#(n),"lat":-60}}}]}"#,
            #"{"must":[{"key":"text","match":{"text":"\#(words[random.below(6)]) \#(words[random.below(6)])"}}]}"#,
            #"{"must":[{"key":"text","match":{"phrase":"\#(words[random.below(6)]) \#(words[random.below(6)])"}}]}"#,
            #"{"must":[{"is_null":{"key":"size"}}]}"#,
            #"{"must":[{"key":"size","values_count":{"gte":2}}]}"#,
            #"{"must":[{"has_id":[1,2,3,\#(n),"t5"]}]}"#,
            #"{"must":[{"must_not":[{"key":"section","match":{"value":"web"}}]},{"key":"tags","match":{"any":["a0","b2"]}}]}"#,
        ]
    }

    private func matches(_ filter: String, _ id: PointID, _ payload: String) throws -> Bool {
        let parsed = try Array(filter.utf8).withUnsafeBufferPointer { try Filter(json: $0) }
        let tokenizer = try Tokenizer(.words)
        let document = payload.isEmpty ? nil : try Array(payload.utf8).withUnsafeBufferPointer { try checkPayload($0) }
        defer { withExtendedLifetime(document) {} }
        return try FilterEvaluator(parsed) { _ in tokenizer }
            .matches(FilterEvaluator.Point(id: id, payload: document?.root, vectors: [""]))
    }

    private func distance(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }

    private func id(_ random: inout Random) -> PointID {
        let n = random.below(150)
        return n % 5 == 0 ? .text("t\(n)") : .number(UInt64(n))
    }

    /// Asks for everything that the collection should know.
    private func compare(_ collection: PointCollection, _ model: [PointID: Entry], _ random: inout Random) throws {
        #expect(try collection.count() == model.count)
        for id in model.keys { #expect(try collection.payload(id) == model[id]?.payload) }
        let query = random.vector(3)
        func check(_ hits: [Hit], _ wanted: [PointID: Entry]) {
            let distances = wanted.values.map { distance(query, $0.vector) }.sorted()
            #expect(hits.count == min(20, wanted.count))
            #expect(hits.allSatisfy { wanted[$0.id] != nil })
            #expect(zip(hits, distances).allSatisfy { abs($0.0.distance - $0.1) <= 1e-5 * (1 + $0.1) })
        }
        check(try collection.near(query, 20), model)
        for filter in filters(&random) {
            let wanted = try model.filter { try matches(filter, $0.key, $0.value.payload) }
            check(try collection.near(query, 20, filter: filter), wanted)
            #expect(try collection.count(where: Array(filter.utf8)) == wanted.count, "\(filter)")
        }
    }

    @Test("random writes leave what a dictionary has", arguments: [1, 2, 3] as [UInt64], [false, true])
    func randomWrites(seed: UInt64, isIndexed: Bool) throws {
        var random = Random(seed: seed)
        let directory = try TemporaryDirectory()
        let path = directory.path("points")
        var collection = try PointCollection.create(
            path, vectors: [VectorSettings(dimension: 3, metric: .l2Squared)], CollectionOptions(durability: .none))
        if isIndexed {
            for (field, type) in [
                ("section", FieldIndexType.keyword), ("size", .integer), ("size", .float), ("free", .bool), ("tags", .keyword),
                ("at", .datetime), ("place", .geo), ("text", .text),
            ] { try collection.createPayloadIndex(field, type: type) }
        }
        var model: [PointID: Entry] = [:]
        for step in 0..<60 {
            switch random.below(10) {
            case 0..<5:
                let ids = (0..<1 + random.below(20)).map { _ in id(&random) }
                let vectors = ids.map { _ in random.vector(3) }
                let payloads = ids.map { _ in payload(&random) }
                try collection.put(ids, vectors, payloads)
                for (i, id) in ids.enumerated() { model[id] = Entry(vector: vectors[i], payload: payloads[i]) }
            case 5:
                let ids = Set((0..<random.below(10)).map { _ in id(&random) })
                #expect(try collection.remove(Array(ids)) == ids.filter { model[$0] != nil }.count)
                for id in ids { model[id] = nil }
            case 6:
                let filter = filters(&random)[random.below(18)]
                let gone = try model.filter { try matches(filter, $0.key, $0.value.payload) }
                if gone.count * 4 < model.count {
                    #expect(try collection.remove(where: Array(filter.utf8)) == gone.count)
                    for id in gone.keys { model[id] = nil }
                }
            case 7:
                let target = id(&random), new = payload(&random)
                try collection.changePayload(.ids([target]), .set(Array(new.utf8)))
                model[target]?.payload = new
            case 8:
                try collection.close()
                collection = try PointCollection.open(path, CollectionOptions(durability: .none))
            default: try collection.optimize()
            }
            if step % 6 == 5 { try compare(collection, model, &random) }
        }
        try collection.verify()
    }
}
