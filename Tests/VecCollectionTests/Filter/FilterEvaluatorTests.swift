// Which points a filter matches: clauses, ids, vectors and nested filters.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecIndex

@testable import VecCollection

struct FilterEvaluatorTests {
    private let yes = #"{"has_id": [1]}"#
    private let no = #"{"has_id": [2]}"#

    @Test func anEmptyFilterMatchesAllPoints() throws {
        #expect(try matches("{}", nil))
        #expect(try matches("{}", #"{"a": 1}"#))
    }

    @Test func allOfMustHold() throws {
        #expect(try matches(#"{"must": [\#(yes), \#(yes)]}"#, nil))
        #expect(try !matches(#"{"must": [\#(yes), \#(no)]}"#, nil))
    }

    @Test func oneOfShouldHolds() throws {
        #expect(try matches(#"{"should": [\#(no), \#(yes)]}"#, nil))
        #expect(try !matches(#"{"should": [\#(no), \#(no)]}"#, nil))
    }

    @Test func noneOfMustNotHolds() throws {
        #expect(try matches(#"{"must_not": [\#(no), \#(no)]}"#, nil))
        #expect(try !matches(#"{"must_not": [\#(no), \#(yes)]}"#, nil))
    }

    @Test func someOfMinShouldHold() throws {
        func two(_ conditions: String) throws -> Bool {
            try matches(#"{"min_should": {"conditions": [\#(conditions)], "min_count": 2}}"#, nil)
        }
        #expect(try two("\(yes), \(no), \(yes)"))
        #expect(try two("\(yes), \(yes), \(yes)"))
        #expect(try !two("\(yes), \(no), \(no)"))
    }

    @Test func allClausesHoldTogether() throws {
        #expect(try matches(#"{"must": \#(yes), "should": \#(yes), "must_not": \#(no)}"#, nil))
        #expect(try !matches(#"{"must": \#(yes), "should": \#(no)}"#, nil))
        #expect(try !matches(#"{"should": \#(yes), "must_not": \#(yes)}"#, nil))
        #expect(try matches(#"{"must": {"must_not": {"must": [\#(yes), \#(no)]}}}"#, nil))
    }

    @Test func idsAreNumbersOrTexts() throws {
        #expect(try holds(#"{"has_id": [3, "x"]}"#, nil, id: .text("x")))
        #expect(try !holds(#"{"has_id": [3]}"#, nil, id: .text("3")))
        #expect(try !holds(#"{"has_id": ["3"]}"#, nil, id: .number(3)))
        #expect(try holds(#"{"has_id": [18446744073709551615]}"#, nil, id: .number(.max)))
        #expect(try !holds(#"{"has_id": []}"#, nil))
    }

    @Test func vectorsAreAskedForByName() throws {
        #expect(try holds(#"{"has_vector": "image"}"#, nil, vectors: ["text", "image"]))
        #expect(try !holds(#"{"has_vector": "image"}"#, nil, vectors: ["text"]))
    }

    // MARK: - Nested

    private let dinosaurs = #"""
        {"diet": [{"food": "leaves", "likes": false, "when": [{"hour": 1}]}, {"food": "meat", "likes": true}, 7]}
        """#

    @Test func nestedConditionsHoldOfOneElement() throws {
        func likes(_ food: String) -> String {
            #"[{"key": "food", "match": {"value": "\#(food)"}}, {"key": "likes", "match": {"value": true}}]"#
        }
        #expect(try holds(#"{"nested": {"key": "diet", "filter": {"must": \#(likes("meat"))}}}"#, dinosaurs))
        #expect(try !holds(#"{"nested": {"key": "diet", "filter": {"must": \#(likes("leaves"))}}}"#, dinosaurs))
        // Without nesting each of them may hold of another element.
        let apart = likes("leaves").replacingOccurrences(of: "food\"", with: "diet[].food\"")
            .replacingOccurrences(of: "likes\"", with: "diet[].likes\"")
        #expect(try holds(apart, dinosaurs))
    }

    @Test func nestedFiltersLookAtObjectsInArrays() throws {
        let any = #"{"nested": {"key": "a", "filter": {}}}"#
        #expect(try holds(any, #"{"a": [{}]}"#))
        #expect(try !holds(any, #"{"a": []}"#))
        #expect(try !holds(any, #"{"a": [1, "x", []]}"#))
        #expect(try !holds(any, #"{"a": {"b": 1}}"#))
        #expect(try !holds(any, "{}"))
        #expect(try !holds(any, nil))
    }

    @Test func nestedFiltersNest() throws {
        let hour = #"{"nested": {"key": "when[]", "filter": {"must": {"key": "hour", "range": {"gte": 1}}}}}"#
        #expect(try holds(#"{"nested": {"key": "diet[]", "filter": {"must": \#(hour)}}}"#, dinosaurs))
        #expect(try !holds(#"{"nested": {"key": "diet[]", "filter": {"must_not": {"is_empty": {"key": "none"}}}}}"#, dinosaurs))
    }

    @Test func wordsInNestedFiltersAreThoseOfTheWholePath() throws {
        let document = try payload(#"{"a": [{"b": "runs"}]}"#)
        defer { withExtendedLifetime(document) {} }
        let stems = try Tokenizer(.stems)
        let words = try Tokenizer(.words)
        let evaluator = FilterEvaluator(
            try filter(#"{"must": {"nested": {"key": "a", "filter": {"must": {"key": "b", "match": {"text": "running"}}}}}}"#)
        ) { $0.description == "a[].b" ? stems : words }
        #expect(try evaluator.matches(FilterEvaluator.Point(id: .number(1), payload: document.root, vectors: [])))
    }
}
