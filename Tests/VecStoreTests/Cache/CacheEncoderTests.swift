// Vectors that the cache has made of prompts, by a function of the caller's.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestSupport
import Testing
import VecStore

@Suite("Encoder of a cache in Swift")
struct CacheEncoderTests {
    /// Gives texts that begin with the same word similar vectors, and tells what it was asked for.
    private final class WordEncoder: Sendable {
        private let asked = Mutex<[[String]]>([])

        var calls: [[String]] { asked.withLock { $0 } }

        @Sendable func encode(_ texts: [String]) -> [[Float]] {
            asked.withLock { $0.append(texts) }
            return texts.map { text in
                let word = text.split(separator: " ").first.map(String.init) ?? ""
                return direction(Double(word.utf8.reduce(0) { $0 + Int($1) } * 40 % 360) + Double(text.count % 7))
            }
        }
    }

    private struct Failure: Error {}

    @Test(arguments: Place.allCases)
    func promptsAreEnoughWithAnEncoder(_ place: Place) throws {
        let encoder = WordEncoder(), home = try CachePlace(place)
        let cache = try home.open(encoder: encoder.encode)
        try cache.set(prompt: "password forgotten", response: "By mail.")
        let hit = try #require(try cache.get(prompt: "password gone"))
        #expect(hit.response == "By mail." && hit.tier == .semantic)
        #expect(try cache.get(prompt: "letter lost") == nil)
        #expect(encoder.calls == [["password forgotten"], ["password gone"], ["letter lost"]])
        try cache.close()
    }

    @Test func theSamePromptIsNotEncodedAgain() throws {
        let encoder = WordEncoder()
        let cache = try CachePlace(.memory).open(encoder: encoder.encode)
        try cache.set(prompt: "a question", response: "an answer")
        for _ in 0..<3 { #expect(try cache.get(prompt: "a question")?.tier == .exact) }
        #expect(encoder.calls.count == 1)
        let stats = try cache.stats()
        #expect(stats.exactHits == 3 && stats.misses == 0)
        // Of another tenant there is none.
        #expect(try cache.get(prompt: "a question", filter: Field("tenant") == "b") == nil)
        #expect(encoder.calls.count == 2)
        #expect(try cache.stats().misses == 1)
    }

    @Test func aBatchIsEncodedByOneCallAndVectorsThatAreThereAreTaken() throws {
        let encoder = WordEncoder()
        let cache = try CachePlace(.memory).open(encoder: encoder.encode)
        let ids = try cache.set([
            .init(prompt: "one", response: "1"), .init(prompt: "two", response: "2", vector: direction(7)),
            .init(prompt: "three", response: "3"),
        ])
        #expect(ids.count == 3)
        #expect(encoder.calls == [["one", "three"]])
        #expect(try cache.get(vector: direction(7), threshold: .similarity(0.9999))?.response == "2")
        try cache.set([.init(prompt: "four", response: "4", vector: direction(0))])
        #expect(encoder.calls.count == 1)
    }

    @Test func onlyWhatIsLookedForByVectorIsEncoded() throws {
        let encoder = WordEncoder()
        let cache = try CachePlace(.memory).open(encoder: encoder.encode)
        #expect(try cache.get(prompt: "a", tiers: .exact) == nil)
        #expect(try cache.get(prompt: "a", vector: direction(0)) == nil)
        #expect(encoder.calls.isEmpty)
        #expect(try cache.get(prompt: "a", k: 5).isEmpty)
        #expect(try cache.get(prompt: "a", tiers: .semantic) == nil)
        #expect(encoder.calls.count == 2)
    }

    @Test func aWrongHitIsPassedOverByTheVectorThatTheEncoderMade() throws {
        let cache = try CachePlace(.memory).open { texts in texts.map { direction(Double($0.utf8.first ?? 0)) } }
        try cache.set(prompt: "A", response: "for A")
        let wrong = try #require(try cache.get(prompt: "W"))
        try cache.feedback(wrong, isWrong: true)
        #expect(try cache.get(prompt: "W") == nil)
        #expect(try cache.get(prompt: "B")?.response == "for A")
    }

    @Test func whatTheEncoderThrowsEndsTheCall() throws {
        let failing = try CachePlace(.memory).open { _ in throw Failure() }
        expect(.cancelled) { _ = try failing.get(prompt: "p") }
        expect(.cancelled) { try failing.set(prompt: "p", response: "") }
        let index = try Index(dimension: 2)
        let passing = try CachePlace(.memory).open { texts in try texts.map { _ in [Float(try index.search([1, 2, 3] as [Float], k: 1).count)] } }
        expect(.invalidArgument) { _ = try passing.get(prompt: "p") }
    }

    @Test func anEncoderThatGivesTooFewOrTooLongVectorsIsTold() throws {
        let few = try CachePlace(.memory).open { _ in [] }
        let error = #expect(throws: VecStoreError.self) { _ = try few.get(prompt: "p") }
        #expect(error?.message == "encoder: there are 0 vectors for 1 texts")
        let long = try CachePlace(.memory).open { texts in texts.map { _ in [1, 2, 3] } }
        expect(.invalidArgument) { try long.set(prompt: "p", response: "") }
        expect(.invalidArgument) { _ = try long.get(prompt: "p") }
    }
}
