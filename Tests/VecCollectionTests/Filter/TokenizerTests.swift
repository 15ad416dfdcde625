// Words of texts: the same as those that SQLite's full-text search puts into its tables.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct TokenizerTests {
    private func words(_ text: String, _ kind: Tokenizer.Kind = .words) throws -> [String] {
        try Tokenizer(kind).tokens(of: text).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func wordsAreInLowerCaseAndWithoutMarks() throws {
        #expect(try words("The quick-brown FOX, 2nd.") == ["the", "quick", "brown", "fox", "2nd"])
        #expect(try words("Crème Brûlée, ÄÖÜ") == ["creme", "brulee", "aou"])
        #expect(try words("Привет, мир") == ["привет", "мир"])
        #expect(try words("").isEmpty && words(" ,.!").isEmpty)
    }

    @Test func stemsHaveNoEndings() throws {
        #expect(try words("running runs ran", .stems) == ["run", "run", "ran"])
    }

    @Test func trigramsAreOfCharacters() throws {
        #expect(try words("aBcdé", .trigrams) == ["abc", "bcd", "cdé"])
        #expect(try words("ab", .trigrams).isEmpty)
    }

    @Test(arguments: Tokenizer.Kind.allCases)
    func theyAreThoseOfATable(_ kind: Tokenizer.Kind) throws {
        let database = try Database(":memory:", .create)
        try database.run("CREATE VIRTUAL TABLE t USING fts5(a, tokenize = '\(kind.fts5)')")
        try database.run("CREATE VIRTUAL TABLE v USING fts5vocab(t, instance)")
        let tokenizer = try Tokenizer(kind)
        let parts = ["Häuser ", "running", " the", "é", "e\u{301}", "٣", "日本語 ", "-", "'", "x", "İ", "ß", " ", "🙂", "9", "\u{300}"]
        var random = Random(seed: 11)
        for _ in 0..<300 {
            let text = (0..<random.below(12)).map { _ in parts[random.below(parts.count)] }.joined()
            try database.run("DELETE FROM t")
            let insert = try database.statement("INSERT INTO t VALUES (?1)")
            try insert.bind(1, text)
            try insert.run()
            let select = try database.statement("SELECT term FROM v ORDER BY offset")
            var expected: [[UInt8]] = []
            while try select.step() { expected.append(Array(select.bytes(0))) }
            #expect(try tokenizer.tokens(of: text) == expected, "\(text)")
        }
    }

    @Test func longWordsAreCutAsInATable() throws {
        let tokens = try Tokenizer(.words).tokens(of: String(repeating: "x", count: 100_000))
        #expect(tokens.map(\.count) == [32_768])
    }

    @Test func threadsMayShareOne() throws {
        let tokenizer = try Tokenizer(.stems)
        let expected = try tokenizer.tokens(of: "several threads are running")
        DispatchQueue.concurrentPerform(iterations: 200) { _ in
            #expect((try? tokenizer.tokens(of: "several threads are running")) == expected)
        }
    }

    @Test func bytesThatAreNoTextDoNoHarm() throws {
        var random = Random(seed: 5)
        for kind in Tokenizer.Kind.allCases {
            let tokenizer = try Tokenizer(kind)
            for length in 0..<200 {
                let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                _ = try withBytes(bytes) { (bytes) throws(VecStoreError) in try tokenizer.tokens(of: bytes) }
            }
        }
    }
}
