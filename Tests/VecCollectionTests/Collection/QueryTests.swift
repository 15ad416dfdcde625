// Groups, facets, recommendations, diversity; named vectors; and what a reader sees of a writer.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex
import VecKernelTypes

@testable import VecCollection

struct QueryTests {
    private let directory: TemporaryDirectory
    private let collection: PointCollection

    init() throws {
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(
            directory.path("points"), vectors: [VectorSettings(dimension: 2, metric: .l2Squared)],
            CollectionOptions(durability: .none))
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func groupsHaveTheNearestOfEachValue() throws {
        try collection.put(
            (0..<60).map { .number($0) }, (0..<60).map { [Float($0), 0] },
            (0..<60).map { $0 == 0 ? #"{"other":1}"# : $0 == 2 ? #"{"color":["red","blue"]}"# : #"{"color":"\#($0 < 40 ? "red" : $0 < 50 ? "blue" : "green")"}"# })
        let query: [Float] = [0, 0]
        let groups = try query.withUnsafeBytes {
            try collection.searchGroups($0.baseAddress!, type: .float32, by: "color", groups: 3, groupSize: 2, VectorSearchOptions())
        }
        #expect(groups.map { text($0.value) } == [#""red""#, #""blue""#, #""green""#])
        #expect(groups.map { $0.hits.numbers } == [[1, 2], [2, 40], [50, 51]])
    }

    @Test("facets count the values of a field", arguments: [false, true])
    func facets(isIndexed: Bool) throws {
        try collection.put(
            (0..<30).map { .number($0) }, (0..<30).map { _ in [1, 1] },
            (0..<30).map { #"{"kind":"\#($0 % 3 == 0 ? "a" : "b")","n":\#($0),"tags":["x","x","y\#($0 % 2)"]}"# })
        if isIndexed {
            try collection.createPayloadIndex("kind", type: .keyword)
            try collection.createPayloadIndex("tags", type: .keyword)
        }
        try collection.remove([.number(0)])
        func facet(_ path: String, _ filter: String? = nil, _ limit: Int = 10) throws -> [String] {
            try collection.facet(path, filter: filter.map { Array($0.utf8) }, limit: limit).map { "\(text($0.value)) \($0.count)" }
        }
        #expect(try facet("kind") == [#""b" 20"#, #""a" 9"#])
        #expect(try facet("kind", #"{"must":[{"key":"n","range":{"lt":5}}]}"#) == [#""b" 3"#, #""a" 1"#])
        #expect(try facet("tags", nil, 2) == [#""x" 29"#, #""y1" 15"#])
        #expect(try facet("missing").isEmpty)
    }

    @Test func recommendationsAreNearTheGoodAndFarFromTheBad() throws {
        try collection.put(
            (0..<5).map { .number($0) }, [[0, 0], [2, 0], [1, 0], [1, 3], [3, -3]])
        let hits = try collection.recommend(positive: [.number(0), .number(1)], negative: [], k: 2, VectorSearchOptions())
        #expect(hits.numbers == [2, 3])
        // Away from (1, 3): to (1, -3).
        let away = try collection.recommend(positive: [.number(0), .number(1)], negative: [.number(3)], k: 2, VectorSearchOptions())
        #expect(away.numbers == [4, 2])
        #expect(throws: VecStoreError.self) {
            try collection.recommend(positive: [.number(77)], negative: [], k: 1, VectorSearchOptions())
        }
    }

    @Test func diversityKeepsNoDistanceFromPointsThatAreNamed() throws {
        // 2 and 3 lie beside each other near the mean of 0 and 1; 4 lies beside 0.
        try collection.put((0..<5).map { .number($0) }, [[0, 0], [2, 0], [1, 0.1], [1, 0.2], [0.05, 0.02]])
        let named: [PointID] = [.number(0), .number(1)]
        var options = VectorSearchOptions()
        options.diversity = 0.5
        #expect(try collection.recommend(positive: named, negative: [], k: 3, options).numbers == [2, 4, 3])
        #expect(try collection.recommend(positive: named, negative: [], k: 2, options).numbers == [2, 4])
        options.offset = 1
        #expect(try collection.recommend(positive: named, negative: [], k: 2, options).numbers == [4, 3])
        // The named ones do not count as candidates.
        options.offset = 0
        options.candidates = 2
        #expect(try collection.recommend(positive: named, negative: [], k: 2, options).numbers == [2, 3])
    }

    @Test func aPathThatIsNoneIsToldByTheNameOfItsParameter() throws {
        func message(_ body: () throws(VecStoreError) -> Void) -> String {
            do throws(VecStoreError) { try body() } catch { return error.message }
            return ""
        }
        var query: [Float] = [0, 0]
        #expect(
            message { () throws(VecStoreError) in
                _ = try collection.searchGroups(&query, type: .float32, by: "a..b", groups: 1, groupSize: 1, VectorSearchOptions())
            }.hasPrefix("group_by 'a..b': expected a key"))
        #expect(
            message { () throws(VecStoreError) in _ = try collection.facet("a[", filter: nil, limit: 1) }
                .hasPrefix("path 'a[': expected ']'"))
        let long = String(repeating: "a", count: 300)
        #expect(
            message { () throws(VecStoreError) in try collection.createPayloadIndex(long, type: .keyword) }
                == "path has 300 bytes, where at most \(CollectionLimits.nameBytes) are allowed")
    }

    @Test func diversityTakesPointsThatDiffer() throws {
        try collection.put((0..<4).map { .number($0) }, [[1, 0], [1.01, 0], [1.02, 0], [0, 1.2]])
        #expect(try collection.near([0.9, 0.3], 2).numbers == [0, 1])
        #expect(try collection.near([0.9, 0.3], 2) { $0.diversity = 0.5 }.numbers == [0, 3])
        #expect(try collection.near([0.9, 0.3], 4) { $0.diversity = 1 }.count == 4)
        #expect(throws: VecStoreError.self) { try collection.near([1, 1], 2) { $0.diversity = 1.5 } }
    }

    @Test func distanceAndOffsetLeaveHitsOut() throws {
        try collection.put((0..<5).map { .number($0) }, (0..<5).map { [Float($0), 0] })
        #expect(try collection.near([0, 0], 5) { $0.maxDistance = 4 }.numbers == [0, 1, 2])
        #expect(try collection.near([0, 0], 2) { $0.offset = 2 }.numbers == [2, 3])
        #expect(try collection.near([0, 0], 2) { $0.offset = 9 }.isEmpty)
        #expect(try collection.near([0, 0], 1) { $0.withVector = true }.first?.vector == [0, 0])
    }

    @Test func hitsBelowAThresholdAreLeftOut() throws {
        try collection.put((0..<5).map { .number($0) }, (0..<5).map { [Float($0), 0] }, (0..<5).map { #"{"n":\#($0)}"# })
        // Scores are 0, -1, -4, -9, -16.
        #expect(try collection.near([0, 0], 5) { $0.threshold = -4 }.numbers == [0, 1, 2])
        #expect(try collection.near([0, 0], 5) { ($0.threshold, $0.offset) = (-4, 1) }.numbers == [1, 2])
        #expect(try collection.near([0, 0], 5) { ($0.threshold, $0.maxDistance) = (-4, 1) }.numbers == [0, 1])
        #expect(try collection.near([0, 0], 5) { $0.threshold = -.infinity }.count == 5)
        #expect(try collection.near([0, 0], 5) { $0.threshold = 0.5 }.isEmpty)
        var options = VectorSearchOptions()
        options.threshold = -4
        #expect(try collection.recommend(positive: [.number(1)], negative: [], k: 5, options).numbers == [0, 2, 3])
        var query: [Float] = [0, 0]
        let groups = try collection.searchGroups(&query, type: .float32, by: "n", groups: 5, groupSize: 1, options)
        #expect(groups.map { $0.hits.numbers } == [[0], [1], [2]])
    }

    @Test func aReaderSeesWhatWasWrittenAfterARefresh() throws {
        try collection.put(1, [1, 1], #"{"n":1}"#)
        let reader = try PointCollection.open(directory.path("points"), CollectionOptions(isReadOnly: true))
        #expect(try !reader.refresh())
        #expect(try reader.count(where: Array(#"{"must":[{"key":"n","match":{"value":2}}]}"#.utf8)) == 0)
        try collection.put([.number(2), .text("x")], [[2, 2], [3, 3]], [#"{"n":2}"#, ""])
        try collection.remove([.number(1)])
        try collection.createPayloadIndex("n", type: .integer)
        // Until then it sees what there was.
        #expect(try reader.count() == 1)
        #expect(try reader.refresh())
        #expect(try reader.near([0, 0]).ids == [.number(2), .text("x")])
        #expect(try reader.count(where: Array(#"{"must":[{"key":"n","match":{"value":2}}]}"#.utf8)) == 1)
        #expect(try reader.payloadIndexes().map(\.path) == ["n"])
        #expect(try !reader.refresh())
    }
}

struct NamedVectorTests {
    private let directory: TemporaryDirectory
    private let collection: PointCollection

    init() throws {
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(
            directory.path("points"),
            vectors: [
                VectorSettings(name: "title", dimension: 2, metric: .l2Squared),
                VectorSettings(name: "body", dimension: 3, metric: .innerProduct, type: .float16, model: "mini", modelVersion: "2"),
            ], CollectionOptions(durability: .none))
    }

    private func put(_ ids: [UInt64], title: [Float]?, body: [Float]?, bodyPresent: [UInt8]? = nil) throws {
        var vectors: [PointBatch.Vectors] = []
        let titleRows = title ?? [], bodyRows = body ?? [], present = bodyPresent ?? []
        try titleRows.withUnsafeBytes { titleRaw in
            try bodyRows.withUnsafeBytes { bodyRaw in
                try present.withUnsafeBufferPointer { presentBytes in
                    if title != nil { vectors.append(.init(name: "title", rows: titleRaw.baseAddress!, type: .float32)) }
                    if body != nil {
                        vectors.append(
                            .init(
                                name: "body", rows: bodyRaw.baseAddress!, type: .float32,
                                present: bodyPresent == nil ? nil : presentBytes.baseAddress))
                    }
                    try collection.upsert(PointBatch(ids: ids.map { .number($0) }, vectors: vectors))
                }
            }
        }
    }

    private func near(_ name: String, _ query: [Float], _ collection: PointCollection) throws -> [UInt64] {
        try collection.near(query) { $0.vectorName = name }.numbers
    }

    @Test func pointsAreFoundByTheVectorsThatTheyHave() throws {
        try put([1, 2], title: [1, 0, 2, 0], body: [1, 0, 0, 9, 9, 9], bodyPresent: [1, 0])
        try put([3], title: nil, body: [0, 1, 0])
        #expect(try near("title", [0, 0], collection) == [1, 2])
        #expect(try near("body", [1, 1, 1], collection) == [1, 3])
        #expect(try collection.count() == 3)
        #expect(try collection.get([.number(2)])[0]?.vectors == ["title": [2, 0]])
        #expect(try collection.count(where: Array(#"{"must":[{"has_vector":"body"}]}"#.utf8)) == 2)
        try collection.verify()
        try collection.close()
        let again = try PointCollection.open(directory.path("points"))
        #expect(again.settings[1].model == "mini" && again.settings[1].modelVersion == "2")
        #expect(try near("title", [0, 0], again) == [1, 2])
        #expect(try near("body", [1, 1, 1], again) == [1, 3])
        try again.verify()
    }

    @Test func oneVectorChangesAndTheOthersStay() throws {
        try put([1, 2], title: [1, 0, 2, 0], body: [1, 0, 0, 0, 1, 0])
        let new: [Float] = [0, 0, 5]
        try new.withUnsafeBytes {
            try collection.updateVectors([.number(1)], [.init(name: "body", rows: $0.baseAddress!, type: .float32)])
        }
        #expect(try near("body", [0, 0, 1], collection).first == 1)
        #expect(try near("title", [1, 0], collection).first == 1)
        #expect(try collection.get([.number(1)])[0]?.vectors == ["title": [1, 0], "body": [0, 0, 5]])
        do throws(VecStoreError) {
            var failure: VecStoreError?
            new.withUnsafeBytes { raw in
                do throws(VecStoreError) {
                    try collection.updateVectors([.number(9)], [.init(name: "body", rows: raw.baseAddress!, type: .float32)])
                } catch { failure = error }
            }
            if let failure { throw failure }
            Issue.record("a point that is not there got a vector")
        } catch {
            #expect(error.code == .notFound)
        }
        try collection.verify()
    }

    @Test func aPointWithoutAnyVectorIsRefused() throws {
        #expect(throws: VecStoreError.self) { try put([1], title: nil, body: [0, 0, 0], bodyPresent: [0]) }
        #expect(throws: VecStoreError.self) { try put([1], title: nil, body: nil) }
        #expect(try collection.count() == 0)
        #expect(throws: VecStoreError.self) { try collection.near([1, 1]) }
        #expect(throws: VecStoreError.self) { try collection.near([1, 1]) { $0.vectorName = "none" } }
    }
}
