// Writers, searches of all kinds, and work in the background, all at once: made to run under ThreadSanitizer.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import TestSupport
import Testing
import VecIndex

@testable import VecCollection

@Suite("Collection stress")
struct CollectionStressTests {
    private static let ids = 600
    private static let rounds = 40

    /// The version of a point is in its vector and in its payload: a hit that has one of each was never there.
    private static func write(_ collection: PointCollection, _ writer: Int) throws {
        var random = Random(seed: UInt64(writer) + 1)
        for version in 1...rounds {
            let ids = (0..<30).map { _ in UInt64(2 * random.below(CollectionStressTests.ids / 2) + writer) }
            try collection.put(
                ids.map { .number($0) }, ids.map { [Float($0), Float(version), 0, 0] },
                ids.map { #"{"id":\#($0),"version":\#(version),"text":"writer\#(writer) word\#(version % 5)"}"# })
            if version % 7 == 0 { try collection.remove(ids.prefix(5).map { .number($0) }) }
            if version % 11 == 0 { try collection.changePayload(.ids([.number(ids[0])]), .merge(Array(#"{"more":1}"#.utf8))) }
        }
    }

    private static func check(_ hits: [Hit]) throws {
        for hit in hits {
            guard case .number(let id) = hit.id, let payload = hit.payload else { continue }
            let text = String(decoding: payload, as: UTF8.self)
            #expect(text.contains(#""id":\#(id),"#))
            if let vector = hit.vector, vector[0] < 50_000 {
                #expect(UInt64(vector[0]) == id)
                #expect(text.contains(#""version":\#(Int(vector[1]))"#), "\(text) \(vector)")
            }
        }
    }

    @Test func anIndexThatIsMadeWhilePayloadsAreCheckedHasThem() throws {
        let payloads = (0..<2000).map { #"{"text":"word\#($0 % 9)"}"# }
        for _ in 0..<20 {
            let directory = try TemporaryDirectory()
            let collection = try PointCollection.create(
                directory.path("points"), vectors: [VectorSettings(dimension: 1, metric: .l2Squared)],
                CollectionOptions(durability: .none))
            let failures = Failures()
            DispatchQueue.concurrentPerform(iterations: 2) { task in
                failures.run {
                    if task == 0 {
                        try collection.put((0..<2000).map { .number($0) }, (0..<2000).map { [Float($0)] }, payloads)
                    } else {
                        try collection.createPayloadIndex("text", type: .text)
                    }
                }
            }
            #expect(failures.all.isEmpty)
            try collection.verify()
        }
    }

    @Test func everythingAtOnce() throws {
        let directory = try TemporaryDirectory()
        let collection = try PointCollection.create(
            directory.path("points"), vectors: [VectorSettings(dimension: 4, metric: .l2Squared, kind: .hnsw)],
            CollectionOptions(durability: .none, indexThreads: 2))
        try collection.createPayloadIndex("text", type: .text)
        try collection.createPayloadIndex("version", type: .integer)
        // Enough of them for a graph, far from the others.
        var random = Random(seed: 9)
        try collection.put(
            (0..<2500).map { .number(100_000 + $0) },
            (0..<2500).map { _ in [Float(100_000 + random.below(1000)), Float(random.below(1000)), 0, 0] },
            (0..<2500).map { #"{"id":\#(100_000 + $0),"version":0}"# })
        let failures = Failures()
        let copy = directory.path("copy")
        DispatchQueue.concurrentPerform(iterations: 6) { task in
            failures.run {
                var random = Random(seed: UInt64(task) + 100)
                switch task {
                case 0, 1: try CollectionStressTests.write(collection, task)
                case 2:
                    for _ in 0..<CollectionStressTests.rounds {
                        try CollectionStressTests.check(
                            collection.near([Float(random.below(600)), 20, 0, 0], 20) { $0.withVector = true })
                    }
                case 3:
                    for _ in 0..<CollectionStressTests.rounds {
                        let low = random.below(30)
                        try CollectionStressTests.check(
                            collection.near(
                                [Float(random.below(600)), 20, 0, 0], 20,
                                filter: #"{"must":[{"key":"version","range":{"gte":\#(low),"lt":\#(low + 10)}}]}"#))
                        _ = try collection.count(where: Array(#"{"must":[{"key":"text","match":{"text":"word1"}}]}"#.utf8))
                    }
                case 4:
                    for _ in 0..<CollectionStressTests.rounds {
                        try CollectionStressTests.check(collection.searchText("word\(random.below(5))", k: 20, TextSearchOptions()))
                        _ = try collection.describe()
                        _ = try collection.scroll(after: .number(UInt64(random.below(600))), limit: 10, filter: nil)
                    }
                default:
                    for round in 0..<6 {
                        try collection.optimize()
                        try collection.verify()
                        if round % 2 == 0 { try collection.compact() }
                        if round == 3 { try collection.snapshot(copy) }
                    }
                }
            }
        }
        #expect(failures.all.isEmpty, "\(failures.all)")
        try collection.optimize()
        try collection.verify()
        try collection.close()
        try PointCollection.open(copy, CollectionOptions(isReadOnly: true)).verify()
    }
}
