// Search by words: against FTS5's own ranking, and what each mode finds.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct TextSearchTests {
    private let directory: TemporaryDirectory
    private let collection: PointCollection

    init() throws {
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(
            directory.path("points"), vectors: [VectorSettings(dimension: 2)], CollectionOptions(durability: .none))
    }

    private func put(_ texts: [String]) throws {
        try collection.put(
            texts.indices.map { .number(UInt64($0)) }, texts.map { _ in [1, 1] }, texts.map { #"{"text":"\#($0)"}"# })
    }

    private func find(_ text: String, _ mode: TextSearchOptions.Mode = .any, k: Int = 10, filter: String? = nil) throws -> [UInt64] {
        var options = TextSearchOptions()
        options.mode = mode
        options.filter = filter.map { Array($0.utf8) }
        return try collection.searchText(text, k: k, options).numbers
    }

    @Test("scores are those of FTS5", arguments: [Tokenizer.Kind.words, .stems])
    func scores(tokenizer: Tokenizer.Kind) throws {
        var random = Random(seed: 3)
        let words = (0..<40).map { "word\($0)s" } + ["the", "of", "a"]
        try collection.createPayloadIndex("text", type: .text, tokenizer: tokenizer)
        for part in 0..<4 {
            let texts = (0..<200).map { _ in
                (0..<1 + random.below(12)).map { _ in
                    let word = words[random.below(3) == 0 ? 40 + random.below(3) : random.below(40)]
                    return random.below(2) == 0 ? word : word.uppercased()
                }.joined(separator: " ")
            }
            try collection.put(
                texts.indices.map { .number(UInt64(100 * part + $0)) }, texts.map { _ in [1, 1] }, texts.map { #"{"text":"\#($0)"}"# })
            try collection.remove([.number(UInt64(random.below(500)))])
            for _ in 0..<10 {
                let query = (0..<1 + random.below(5)).map { _ in words[random.below(words.count)] }.joined(separator: " ")
                let ours = try collection.searchText(query, k: 1000, TextSearchOptions())
                var theirs: [PointID: Float] = [:]
                try collection.readers.with { database throws(VecStoreError) in
                    let select = try database.statement(
                        "SELECT id, bm25(text_0) FROM text_0, points WHERE text_0 MATCH ?1 AND points.row = text_0.rowid")
                    defer { select.reset() }
                    try select.bind(1, Set(query.split(separator: " ")).map { "\"\($0)\"" }.joined(separator: " OR "))
                    while try select.step() { theirs[PointID(select, 0)] = Float(-select.real(1)) }
                }
                #expect(ours.count == theirs.count)
                #expect(ours.allSatisfy { abs($0.score - (theirs[$0.id] ?? -1)) <= 1e-4 * max(1, $0.score) })
                #expect(zip(ours, ours.dropFirst()).allSatisfy { $0.score >= $1.score })
            }
        }
    }

    @Test func modesFindWhatTheySay() throws {
        try put(["red green blue", "green red", "blue", "redder greens", "red x green"])
        try collection.createPayloadIndex("text", type: .text)
        #expect(try Set(find("red green")) == [0, 1, 4])
        #expect(try Set(find("red blue", .all)) == [0])
        #expect(try find("red red", .all).count == 3)
        #expect(try find("red green", .phrase) == [0])
        #expect(try Set(find("red gre", .prefix)) == [0, 1, 4])
        #expect(try find("redd", .prefix) == [3])
        #expect(try find("violet").isEmpty)
        #expect(try find("violet red", .all).isEmpty)
    }

    @Test func signsInAQueryHaveNoMeaning() throws {
        try put(["alpha beta", #"gamma \"quoted\" delta"#])
        try collection.createPayloadIndex("text", type: .text)
        for query in [#"alpha" OR "gamma"#, "alpha AND NOT beta", "text:alpha", "alpha*", "(alpha", "-alpha", "^alpha", "NEAR(alpha)"] {
            #expect(try find(query).contains(0), "\(query)")
        }
        #expect(try find(#"""#).isEmpty && find("").isEmpty && find(" * ").isEmpty)
    }

    @Test func stemsFindOtherFormsOfAWord() throws {
        try put(["a server for files", "serving a file", "serve filed"])
        try collection.createPayloadIndex("text", type: .text, tokenizer: .stems)
        #expect(try Set(find("files")) == [0, 1, 2])
        #expect(try Set(find("relational operators generalizations")) == [])
    }

    @Test func theIndexFollowsTheTexts() throws {
        try collection.createPayloadIndex("text", type: .text)
        try put(["one two", "two three"])
        #expect(try Set(find("two")) == [0, 1])
        try collection.put(0, [1, 1], #"{"text":"four"}"#)
        #expect(try find("two") == [1] && find("four") == [0])
        try collection.changePayload(.ids([.number(1)]), .merge(Array(#"{"text":["five","six seven"]}"#.utf8)))
        #expect(try find("two").isEmpty && find("six") == [1])
        try collection.remove([.number(0)])
        #expect(try find("four").isEmpty)
        try collection.verify()
        try collection.close()
        let again = try PointCollection.open(directory.path("points"))
        #expect(try again.searchText("seven", k: 1, TextSearchOptions()).numbers == [1])
    }

    @Test func aFilterHoldsForWordsToo() throws {
        try collection.put(
            (0..<50).map { .number($0) }, (0..<50).map { _ in [1, 1] }, (0..<50).map { #"{"text":"same words","n":\#($0)}"# })
        try collection.createPayloadIndex("text", type: .text)
        #expect(try find("words", filter: #"{"must":[{"key":"n","range":{"gte":40}}]}"#) == Array(40..<50))
        #expect(try find("words", k: 3) == [0, 1, 2])
    }

    @Test func fieldsAddUpByTheirWeights() throws {
        try collection.put(
            (0..<3).map { .number($0) }, (0..<3).map { _ in [1, 1] },
            [#"{"title":"apple","body":"pear"}"#, #"{"title":"pear","body":"apple"}"#, #"{"title":"plum","body":"plum"}"#])
        try collection.createPayloadIndex("title", type: .text)
        try collection.createPayloadIndex("body", type: .text)
        var options = TextSearchOptions()
        options.fields = [("title", 3), ("body", 1)]
        #expect(try collection.searchText("apple", k: 3, options).numbers == [0, 1])
        options.fields = [("title", 1), ("body", 3)]
        #expect(try collection.searchText("apple", k: 3, options).numbers == [1, 0])
        options.fields = [("none", 1)]
        #expect(throws: VecStoreError.self) { try collection.searchText("apple", k: 3, options) }
    }

    @Test func textsBelowAThresholdAreLeftOut() throws {
        try put(["needle", "needle and a longer text", "needle needle", "straw"])
        try collection.createPayloadIndex("text", type: .text)
        let all = try collection.searchText("needle", k: 10, TextSearchOptions())
        #expect(all.count == 3 && all[1].score > all[2].score)
        var options = TextSearchOptions()
        options.threshold = all[1].score
        #expect(try collection.searchText("needle", k: 10, options).ids == Array(all.ids.prefix(2)))
        options.offset = 1
        #expect(try collection.searchText("needle", k: 10, options).ids == [all[1].id])
    }

    @Test func aThresholdForBothIsOneOfTheFusedScores() throws {
        try put(["needle", "needle needle", "straw"])
        try collection.createPayloadIndex("text", type: .text)
        func find(_ threshold: Float?) throws -> [Hit] {
            var options = HybridSearchOptions()
            options.vector.threshold = threshold
            return try [Float](arrayLiteral: 1, 0).withUnsafeBytes {
                try collection.searchHybrid($0.baseAddress!, type: .float32, text: "needle", k: 3, options)
            }
        }
        let all = try find(nil)
        #expect(all.count == 3 && all[1].score > all[2].score)
        #expect(try find(all[1].score).ids == Array(all.ids.prefix(2)))
        #expect(try find(1).isEmpty)
    }

    @Test func pointsThatAreTooFarAreFoundByTheirWordsAlone() throws {
        try collection.put(
            [.number(1), .number(2), .number(3)], [[1, 0], [0.9, 0.1], [0, 1]],
            [#"{"text":"x"}"#, #"{"text":"x"}"#, #"{"text":"needle"}"#])
        try collection.createPayloadIndex("text", type: .text)
        var options = HybridSearchOptions()
        options.vector.maxDistance = 0.5
        options.vector.withVector = true
        let hits = try [Float](arrayLiteral: 1, 0).withUnsafeBytes {
            try collection.searchHybrid($0.baseAddress!, type: .float32, text: "needle", k: 3, options)
        }
        #expect(Set(hits.ids) == [.number(1), .number(2), .number(3)])
        #expect(hits.filter { $0.distance.isNaN }.ids == [.number(3)])
        #expect(hits.first { $0.id == .number(3) }?.vector == [0, 1])
        #expect(try searchWithoutWords(options).count == 2)
    }

    private func searchWithoutWords(_ options: HybridSearchOptions) throws -> [Hit] {
        try [Float](arrayLiteral: 1, 0).withUnsafeBytes {
            try collection.searchHybrid($0.baseAddress!, type: .float32, text: "nothing", k: 3, options)
        }
    }

    @Test func bothWaysOfSearchingBecomeOneList() throws {
        try collection.put(
            [.number(1), .number(2), .number(3)], [[1, 0], [0.9, 0.1], [0, 1]],
            [#"{"text":"x"}"#, #"{"text":"needle"}"#, #"{"text":"needle"}"#])
        try collection.createPayloadIndex("text", type: .text)
        for fusion in Fusion.allCases {
            var options = HybridSearchOptions()
            options.fusion = fusion
            let hits = try [Float](arrayLiteral: 1, 0).withUnsafeBytes {
                try collection.searchHybrid($0.baseAddress!, type: .float32, text: "needle", k: 3, options)
            }
            // Second by the vector and first by words, against first and none, and last and second.
            #expect(hits.first?.id == .number(2))
            #expect(hits.count == 3)
        }
    }
}
