// What holds of the values at a path: matches, ranges, areas, counts, nothing.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndex

@testable import VecCollection

struct FieldTestTests {
    /// In each: the test of a, values of a of which it holds, and values of which it does not.
    @Test(arguments: [
        (#""match": {"value": "net"}"#, [#""net""#, #"["x", "net"]"#], [#""Net""#, #""net ""#, "1", #"[["net"]]"#, "{}", "null"]),
        (#""match": {"value": 3}"#, ["3", "[1, 3]"], ["3.0", #""3""#, "4", "true", "null", "[]"]),
        (#""match": {"value": 9007199254740993}"#, ["9007199254740993"], ["9007199254740992", "9007199254740992.0"]),
        (#""match": {"value": true}"#, ["true", "[false, true]"], ["false", "1", #""true""#]),
        ("\"match\": {\"value\": \"e\u{301}\"}", ["\"e\u{301}\""], ["\"\u{e9}\""]),
        (#""match": {"any": ["a", "b"]}"#, [#""a""#, #""b""#, #"["x", "b"]"#], [#""c""#, "1", "null", "[]"]),
        (#""match": {"any": [1, 2]}"#, ["1", "[3, 2]"], ["3", #""1""#, "1.0"]),
        (#""match": {"any": []}"#, [], [#""a""#, "1", "[]", "null"]),
        (#""match": {"except": ["a", "b"]}"#, [#""c""#, "1", "true", "{}", #"["a", "c"]"#, "[[]]"], [#""a""#, #"["a", "b"]"#, "null", "[]", "[null]"]),
        (#""match": {"except": [1]}"#, ["2", "1.0", #""1""#], ["1", "[1, 1]"]),
        (#""match": {"except": []}"#, ["1", #""a""#], ["null", "[]"]),
        (#""match": {"prefix": "ab"}"#, [#""ab""#, #""abc""#, #"["x", "abx"]"#], [#""a""#, #""AB""#, #""xab""#, "1"]),
        (#""match": {"prefix": ""}"#, [#""""#, #""a""#], ["1", "[]"]),
    ] as [(String, [String], [String])])
    func matches(_ test: String, _ good: [String], _ bad: [String]) throws { try check(test, good, bad) }

    @Test(arguments: [
        (#""range": {"gt": 1}"#, ["2", "1.5", "[0, 2]"], ["1", "1.0", #""2""#, "null", "true"]),
        (#""range": {"gte": 1, "lt": 3}"#, ["1", "1.0", "2.999"], ["0.999", "3", "[0, 4]"]),
        (#""range": {"lte": -0.5}"#, ["-0.5", "-1"], ["0", "-0.4999"]),
        (#""range": {"gt": 5, "lt": 3}"#, [], ["4", "2", "6", "[2, 6]"]),
        (#""range": {"gt": 9007199254740992}"#, ["9007199254740993"], ["9007199254740992", "9007199254740992.0"]),
        (#""range": {"gt": 9007199254740992.0}"#, ["9007199254740993"], ["9007199254740992"]),
        (#""range": {"lt": 9223372036854775808.0}"#, ["9223372036854775807"], ["9223372036854775808.0"]),
        (#""range": {"gte": "2024-01-31"}"#, [#""2024-01-31""#, #""2024-01-31T00:00:00Z""#, #""2024-02-01T00:59:59+01:00""#], [#""2024-01-30T23:59:59.999999Z""#, #""2024-01-31T00:00:00+00:01""#, #""soon""#, "1706659200"]),
        (#""range": {"gt": "2024-01-31T10:00:00Z", "lt": "2024-01-31T12:00:00+01:00"}"#, [#""2024-01-31 10:30""#], [#""2024-01-31 10:00:00""#, #""2024-01-31T11:00:00Z""#]),
        (#""values_count": {"gte": 2}"#, ["[1, 2]", "[null, []]"], ["[1]", "1", "null", "[]", #"{"x": 1, "y": 2}"#]),
        (#""values_count": {"lt": 1}"#, ["null", "[]"], ["1", "[1]"]),
        (#""values_count": {"gt": 0, "lte": 1}"#, ["1", "[1]", #""abc""#, "{}"], ["[1, 2]", "[]"]),
    ] as [(String, [String], [String])])
    func bounds(_ test: String, _ good: [String], _ bad: [String]) throws { try check(test, good, bad) }

    @Test(arguments: [
        (
            #""geo_radius": {"center": {"lon": 13.4, "lat": 52.5}, "radius": 5000}"#,
            [#"{"lon": 13.41, "lat": 52.51}"#, #"[{"lon": 0, "lat": 0}, {"lon": 13.4, "lat": 52.5, "x": 1}]"#],
            [#"{"lon": 13.5, "lat": 52.5}"#, #"{"lon": 13.4}"#, #"{"lon": "13.4", "lat": 52.5}"#, "[13.4, 52.5]", "{}", "1"]
        ),
        (
            #""geo_bounding_box": {"top_left": {"lon": 170, "lat": 10}, "bottom_right": {"lon": -170, "lat": -10}}"#,
            [#"{"lon": 180, "lat": 0}"#, #"{"lon": -175.5, "lat": 10}"#], [#"{"lon": 0, "lat": 0}"#, #"{"lon": 190, "lat": 0}"#]
        ),
        (
            #""geo_polygon": {"exterior": {"points": [{"lon": 0, "lat": 0}, {"lon": 4, "lat": 0}, {"lon": 0, "lat": 4}, {"lon": 0, "lat": 0}]}}"#,
            [#"{"lon": 1, "lat": 1}"#, #"[{"lon": 9, "lat": 9}, {"lon": 0, "lat": 0}]"#], [#"{"lon": 3, "lat": 3}"#]
        ),
    ] as [(String, [String], [String])])
    func areas(_ test: String, _ good: [String], _ bad: [String]) throws { try check(test, good, bad) }

    private func check(_ test: String, _ good: [String], _ bad: [String]) throws {
        let condition = "{\"key\": \"a\", \(test)}"
        for value in good { #expect(try holds(condition, "{\"a\": \(value)}"), "\(test) of \(value)") }
        for value in bad { #expect(try !holds(condition, "{\"a\": \(value)}"), "\(test) of \(value)") }
        // Where there is nothing, nothing holds of it.
        #expect(try !holds(condition, #"{"b": 1}"#), "\(test)")
        #expect(try !holds(condition, nil), "\(test)")
    }

    @Test func emptyIsMissingNullOrAnEmptyArray() throws {
        let empty = #"{"is_empty": {"key": "a"}}"#
        for text in ["{}", #"{"a": null}"#, #"{"a": []}"#] { #expect(try holds(empty, text), "\(text)") }
        for text in [#"{"a": 0}"#, #"{"a": ""}"#, #"{"a": [null]}"#, #"{"a": {}}"#] { #expect(try !holds(empty, text), "\(text)") }
        #expect(try holds(empty, nil))
        #expect(try holds(#"{"is_empty": {"key": "a[].b"}}"#, #"{"a": [{"b": null}, {"c": 1}]}"#))
        #expect(try !holds(#"{"is_empty": {"key": "a[].b"}}"#, #"{"a": [{"b": null}, {"b": 1}]}"#))
    }

    @Test func nullIsThere() throws {
        let null = #"{"is_null": {"key": "a"}}"#
        #expect(try holds(null, #"{"a": null}"#))
        for text in ["{}", #"{"a": []}"#, #"{"a": [null]}"#, #"{"a": 0}"#] { #expect(try !holds(null, text), "\(text)") }
        #expect(try !holds(null, nil))
        #expect(try holds(#"{"is_null": {"key": "a[]"}}"#, #"{"a": [1, null]}"#))
    }

    @Test func pathsLeadToTheValues() throws {
        let text = #"{"a": {"b": [{"c": [1, 2]}, {"c": 3}]}, "x.y": 4}"#
        for number in 1...3 { #expect(try holds(#"{"key": "a.b[].c", "match": {"value": \#(number)}}"#, text)) }
        #expect(try !holds(#"{"key": "a.b.c", "match": {"value": 3}}"#, text))
        #expect(try holds(#"{"key": "\"x.y\"", "match": {"value": 4}}"#, text))
        #expect(try !holds(#"{"key": "x.y", "match": {"value": 4}}"#, text))
    }

    // MARK: - Words

    private func text(_ test: String, _ value: String, _ words: Tokenizer.Kind = .words) throws -> Bool {
        try holds("{\"key\": \"a\", \"match\": {\(test)}}", "{\"a\": \(value)}", words: words)
    }

    @Test func textHasAllWords() throws {
        #expect(try text(#""text": "Brown FOX""#, #""The fox, quick and brown.""#))
        #expect(try !text(#""text": "brown fox""#, #""brown bear""#))
        #expect(try !text(#""text": "row""#, #""brown""#))
        // All of them in one value, not spread over several.
        #expect(try !text(#""text": "brown fox""#, #"["brown", "fox"]"#))
        #expect(try text(#""text": "brown fox""#, #"["bear", "fox brown"]"#))
        #expect(try !text(#""text": "1""#, "1"))
    }

    @Test func textAnyHasOneWord() throws {
        #expect(try text(#""text_any": "brown fox""#, #""brown bear""#))
        #expect(try !text(#""text_any": "brown fox""#, #""black bear""#))
    }

    @Test func aPhraseHasItsWordsInARow() throws {
        #expect(try text(#""phrase": "quick brown""#, #""a quick, BROWN fox""#))
        #expect(try !text(#""phrase": "quick brown""#, #""brown quick""#))
        #expect(try !text(#""phrase": "quick brown""#, #""quick and brown""#))
        #expect(try text(#""phrase": "a a b""#, #""a a a b""#))
        #expect(try !text(#""phrase": "brown fox""#, #""brown""#))
    }

    @Test func aTextWithoutWordsIsInNone() throws {
        for test in ["text", "text_any", "phrase"] { #expect(try !text("\"\(test)\": \"!?\"", #""a !? b""#)) }
    }

    @Test func wordsAreThoseOfTheTokenizer() throws {
        #expect(try text(#""text": "running""#, #""he runs""#, .stems))
        #expect(try !text(#""text": "running""#, #""he runs""#))
        #expect(try text(#""phrase": "rown f""#, #""brown fox""#, .trigrams))
    }
}
