// Filters from text, for tests, and whether points match them.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndex

@testable import VecCollection

func filter(_ text: String) throws(VecStoreError) -> Filter {
    try withBytes(text) { (bytes) throws(VecStoreError) in try Filter(json: bytes) }
}

/// The filter that has only this condition.
func condition(_ text: String) throws -> FilterCondition {
    try #require(try filter("{\"must\": [\(text)]}").must.first)
}

/// Whether a point with this payload matches a filter of one condition.
func holds(
    _ condition: String, _ text: String?, id: PointID = .number(1), vectors: [String] = [], words: Tokenizer.Kind = .words
) throws -> Bool {
    try matches("{\"must\": \(condition)}", text, id: id, vectors: vectors, words: words)
}

func matches(
    _ text: String, _ payloadText: String?, id: PointID = .number(1), vectors: [String] = [], words: Tokenizer.Kind = .words
) throws -> Bool {
    let tokenizer = try Tokenizer(words)
    let document = try payloadText.map { try payload($0) }
    defer { withExtendedLifetime(document) {} }
    return try FilterEvaluator(try filter(text)) { _ in tokenizer }
        .matches(FilterEvaluator.Point(id: id, payload: document?.root, vectors: vectors))
}
