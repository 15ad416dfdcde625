// Vectors of texts that were encoded before.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestSupport
import Testing
import VecStore

@Suite("Embeddings cache in Swift")
struct EmbeddingsCacheTests {
    /// Gives texts that are numbers the direction of as many degrees, and tells what it was asked for.
    private final class Encoder: Sendable {
        private let asked = Mutex<[[String]]>([])

        var calls: [[String]] { asked.withLock { $0 } }

        @Sendable func encode(_ texts: [String]) -> [[Float]] {
            asked.withLock { $0.append(texts) }
            return texts.map { direction(Double($0) ?? 0) }
        }
    }

    private struct Failure: Error {}

    private func values(_ place: Place = .memory) throws -> ValueCache {
        let home = try CachePlace(place)
        return try withExtendedLifetime(home) { try ValueCache(home.url, namespace: home.namespace) }
    }

    @Test(arguments: [Place.memory, .redis])
    func aTextIsEncodedOnce(_ place: Place) throws {
        let encoder = Encoder()
        let embeddings = try EmbeddingsCache(values(place), model: "angles", encoder: encoder.encode)
        #expect(try embeddings.vectors(of: ["10", "20", "10"]) == [direction(10), direction(20), direction(10)])
        #expect(try embeddings.vectors(of: ["20", "30", "10"]) == [direction(20), direction(30), direction(10)])
        #expect(try embeddings.vector(of: "30") == direction(30))
        #expect(try embeddings.vectors(of: []) == [])
        #expect(encoder.calls == [["10", "20"], ["30"]])
    }

    @Test func whatOthersHaveEncodedIsKnown() throws {
        let home = try CachePlace(.redis)
        let first = Encoder(), second = Encoder()
        let mine = try EmbeddingsCache(ValueCache(home.url, namespace: home.namespace), model: "angles", encoder: first.encode)
        let yours = try EmbeddingsCache(ValueCache(home.url, namespace: home.namespace), model: "angles", encoder: second.encode)
        #expect(try mine.vectors(of: ["10", "20"]) == yours.vectors(of: ["10", "20"]))
        #expect(second.calls.isEmpty)
    }

    @Test func modelsAreToldApart() throws {
        let values = try values(), one = Encoder(), other = Encoder()
        _ = try EmbeddingsCache(values, model: "a", encoder: one.encode).vector(of: "10")
        _ = try EmbeddingsCache(values, model: "b", encoder: other.encode).vector(of: "10")
        #expect(one.calls.count == 1 && other.calls.count == 1)
    }

    @Test func twoWaysToWriteALetterAreTwoTexts() throws {
        let encoder = Encoder()
        let embeddings = try EmbeddingsCache(values(), model: "m", encoder: encoder.encode)
        _ = try embeddings.vectors(of: ["\u{e9}", "e\u{301}"])
        #expect(encoder.calls.first?.map { Array($0.utf8) } == [Array("\u{e9}".utf8), Array("e\u{301}".utf8)])
    }

    @Test func vectorsOfAnotherLengthAreMadeAnew() throws {
        let values = try values()
        _ = try EmbeddingsCache(values, model: "m", encoder: Encoder().encode).vectors(of: ["10", "20"])
        let three = try EmbeddingsCache(values, model: "m") { texts in texts.map { _ in [1, 2, 3] } }
        #expect(try three.vectors(of: ["10", "new"]) == [[1, 2, 3], [1, 2, 3]])
        #expect(try three.vectors(of: ["10", "20"]) == [[1, 2, 3], [1, 2, 3]])
    }

    @Test func whatIsNoVectorIsEncodedAnew() throws {
        let values = try values(), encoder = Encoder()
        let nan: [UInt8] = [0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x3f]
        try values.set(["m\0" + "10": [UInt8](), "m\0" + "20": [1, 2, 3], "m\0" + "30": nan])
        let embeddings = try EmbeddingsCache(values, model: "m", encoder: encoder.encode)
        #expect(try embeddings.vectors(of: ["10", "20", "30"]) == [direction(10), direction(20), direction(30)])
        #expect(encoder.calls == [["10", "20", "30"]])
    }

    @Test func vectorsHaveAnEnd() throws {
        let encoder = Encoder()
        let embeddings = try EmbeddingsCache(values(), model: "m", ttl: .milliseconds(50), encoder: encoder.encode)
        _ = try embeddings.vector(of: "10")
        usleep(70_000)
        _ = try embeddings.vector(of: "10")
        #expect(encoder.calls.count == 2)
    }

    @Test func itIsAnEncoderOfASemanticCache() throws {
        let encoder = Encoder()
        let embeddings = try EmbeddingsCache(values(), model: "angles", encoder: encoder.encode)
        let cache = try CachePlace(.memory).open(encoder: embeddings.vectors(of:))
        try cache.set(prompt: "10", response: "ten")
        #expect(try cache.get(prompt: "12")?.response == "ten")
        try cache.clear()
        try cache.set(["10", "12", "14"].map { .init(prompt: $0, response: "") })
        #expect(encoder.calls == [["10"], ["12"], ["14"]])
    }

    @Test func withoutItsServerAllIsEncoded() throws {
        let server = try RedisServer()
        let quick = RedisOptions(connectTimeout: .milliseconds(500), commandTimeout: .milliseconds(500))
        let encoder = Encoder()
        let values = try ValueCache(server.url, namespace: "n", options: .init(redis: quick))
        let embeddings = try EmbeddingsCache(values, model: "m", encoder: encoder.encode)
        _ = try embeddings.vector(of: "10")
        server.kill()
        #expect(try embeddings.vector(of: "10") == direction(10))
        #expect(encoder.calls.count == 2)
    }

    @Test func whatAnEncoderGivesIsChecked() throws {
        func refused(_ code: VecStoreError.Code, _ encode: @escaping @Sendable ([String]) throws -> [[Float]]) throws {
            let values = try values()
            let embeddings = try EmbeddingsCache(values, model: "m", encoder: encode)
            expect(code) { _ = try embeddings.vectors(of: ["a", "b"]) }
            #expect(try values.stats().sets == 0)
        }
        try refused(.invalidArgument) { _ in [] }
        try refused(.invalidArgument) { _ in [[1]] }
        try refused(.invalidArgument) { _ in [[1], [1, 2]] }
        try refused(.invalidArgument) { _ in [[], []] }
        try refused(.notFinite) { _ in [[1, 2], [.infinity, 1]] }
        try refused(.cancelled) { _ in throw Failure() }
        for model in ["", "a\0b"] { expect(.invalidArgument) { _ = try EmbeddingsCache(values(), model: model) { _ in [] } } }
        expect(.invalidArgument) { _ = try EmbeddingsCache(values(), model: "m", ttl: .seconds(0)) { _ in [] } }
        let embeddings = try EmbeddingsCache(values(), model: "m") { texts in texts.map { _ in [1] } }
        expect(.tooLarge) { _ = try embeddings.vector(of: String(repeating: "t", count: 1 << 20)) }
    }
}
