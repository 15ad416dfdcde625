// Filters, payloads and paths that are damaged at random: they are refused or evaluated, and nothing else happens.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct FilterFuzzTests {
    private let filters = [
        #"{"must": [{"key": "a.b[].\"c d\"", "match": {"value": "net"}}, {"key": "n", "match": {"any": [1, 9007199254740993, -7]}}]}"#,
        #"{"should": [{"key": "s", "range": {"gte": -1.5e3, "lt": 9007199254740993}}, {"key": "t", "range": {"gt": "2024-02-29T10:00:00.5+02:00"}}]}"#,
        #"{"must_not": {"key": "g", "geo_radius": {"center": {"lon": 13.4, "lat": -52.5}, "radius": 5000}}, "must": {"is_empty": {"key": "x"}}}"#,
        #"{"min_should": {"conditions": [{"has_id": [1, 18446744073709551615, "uuid"]}, {"has_vector": "v"}, {"is_null": {"key": "y"}}], "min_count": 2}}"#,
        #"{"must": [{"nested": {"key": "a.b[]", "filter": {"must_not": [{"key": "c", "values_count": {"lte": 3}}]}}}]}"#,
        #"{"must": [{"key": "g", "geo_polygon": {"exterior": {"points": [{"lon": 0, "lat": 0}, {"lon": 9, "lat": 0}, {"lon": 9, "lat": 9}, {"lon": 0, "lat": 0}]}}}]}"#,
        #"{"should": [{"key": "t", "match": {"text": "Brown \u00e9\n\ud83d\ude42"}}, {"key": "t", "match": {"prefix": "a\\\""}}, {"must": [{"key": "t", "match": {"phrase": "x"}}]}]}"#,
    ]

    private let payloads = [
        #"{"a": {"b": [{"c d": "net", "c": [1, 2]}, {"c": null}]}, "n": 1, "s": 2.5, "t": "2024-03-01 10:00", "g": {"lon": 1, "lat": 1}}"#,
        #"{"t": ["brown \u00e9 \ud83d\ude42", "x"], "x": [], "y": null, "n": [-7, 1e3], "g": [{"lon": -13.4, "lat": 52.5}]}"#,
    ]

    /// Signs that mean something in JSON, numbers at the edges, and bytes that are no text.
    private let parts: [[UInt8]] =
        ["{", "}", "[", "]", "\"", "\\", ",", ":", "-", ".", "e", "0", "9", "null", "true", "1e999", "\\u0000", "\\ud800", "[[[["]
        .map { Array($0.utf8) } + [
            Array("9223372036854775808".utf8), Array("18446744073709551616".utf8), [0], [0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f],
        ]

    private func damaged(_ text: String, _ random: inout Random) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0...random.below(2) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            switch random.below(7) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(8)))
            case 2: bytes.insert(contentsOf: parts[random.below(parts.count)], at: place)
            case 3: bytes.removeLast(bytes.count - place)
            // Gentle ones, after which more is read than the first few bytes.
            case 4, 5: bytes[place] = bytes[random.below(bytes.count)]
            default:
                let end = min(bytes.count, place + random.below(20))
                bytes.insert(contentsOf: Array(bytes[place..<end]), at: random.below(bytes.count))
            }
        }
        return bytes
    }

    @Test func damagedFiltersAreRefusedOrEvaluated() throws {
        let tokenizer = try Tokenizer(.words)
        let documents = try payloads.map { try payload($0) }
        var random = Random(seed: 2024)
        var taken = 0
        for round in 0..<20_000 {
            let bytes = damaged(filters[round % filters.count], &random)
            do throws(VecStoreError) {
                let filter = try withBytes(bytes) { (bytes) throws(VecStoreError) in try Filter(json: bytes) }
                taken += 1
                for document in documents {
                    _ = try FilterEvaluator(filter) { _ in tokenizer }
                        .matches(FilterEvaluator.Point(id: .number(1), payload: document.root, vectors: ["v"]))
                }
            } catch {
                #expect(error.message.hasPrefix("filter"), "\(error.message)")
                #expect(error.code == .invalidArgument, "\(error.message)")
            }
        }
        withExtendedLifetime(documents) {}
        // Both happen often enough for this to test something.
        #expect(taken > 300 && taken < 15_000, "\(taken)")
    }

    @Test func damagedPayloadsAreRefusedOrEvaluated() throws {
        let tokenizer = try Tokenizer(.words)
        let evaluators = try filters.map { text in FilterEvaluator(try filter(text)) { _ in tokenizer } }
        var random = Random(seed: 4)
        for round in 0..<10_000 {
            let bytes = damaged(payloads[round % payloads.count], &random)
            do throws(VecStoreError) {
                let document = try withBytes(bytes) { (bytes) throws(VecStoreError) in try checkPayload(bytes) }
                for evaluator in evaluators {
                    _ = try evaluator.matches(FilterEvaluator.Point(id: .text("x"), payload: document.root, vectors: []))
                }
                withExtendedLifetime(document) {}
            } catch {
                #expect(error.message.hasPrefix("payload"), "\(error.message)")
            }
        }
    }

    @Test func damagedPathsAreRefusedOrWrittenAgain() throws {
        var random = Random(seed: 6)
        for _ in 0..<10_000 {
            let text = String(decoding: damaged(#"a.b[].c[3]."d.\"e\\"[].f-g"#, &random), as: UTF8.self)
            guard let path = try? PayloadPath(text) else { continue }
            // A canonical text may be longer than paths may be, by quotes.
            #expect(try PayloadPath(path.description) == path, "\(text)")
        }
    }
}
