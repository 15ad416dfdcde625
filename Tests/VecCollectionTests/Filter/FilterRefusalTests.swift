// Filters that are wrong: each is refused with the place of what is wrong in it.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndex

@testable import VecCollection

struct FilterRefusalTests {
    /// In each: a filter, the place that the error names, and a part of the reason.
    @Test(arguments: [
        ("[]", "", "expected a filter, which is an object, found an array"),
        ("null", "", "found null"),
        (#"{"musst": []}"#, "", "unknown key 'musst': a filter has must, should, must_not, min_should"),
        (#"{"must": 1}"#, "must", "expected a condition, or an array of conditions, found an integer"),
        (#"{"must": [1]}"#, "must[0]", "expected a condition, which is an object, found an integer"),
        (#"{"must": [[]]}"#, "must[0]", "found an array"),
        (#"{"should": []}"#, "should", "no conditions"),
        (#"{"must_not": {}}"#, "must_not", "an empty condition"),
        (#"{"must": [{"has_id": [1]}, {"foo": 1}]}"#, "must[1]", "unknown key 'foo'"),
        (#"{"must": {"has_id": [1], "key": "a"}}"#, "must", "unknown key 'has_id'"),
        (#"{"must": {"has_id": [1], "has_vector": "a"}}"#, "must", "unknown key 'has_vector'"),
        (#"{"must": {"must": [], "has_id": [1]}}"#, "must", "unknown key 'has_id'"),
        (#"{"min_should": {}}"#, "min_should", "'conditions' is missing"),
        (#"{"min_should": {"conditions": [{"has_id": []}]}}"#, "min_should", "'min_count' is missing"),
        (#"{"min_should": {"conditions": [{"has_id": []}], "min_count": 0}}"#, "min_should.min_count", "from 1 to"),
        (#"{"min_should": {"conditions": [{"has_id": []}], "min_count": 2}}"#, "min_should.min_count", "conditions, 1"),
        (#"{"min_should": {"conditions": [{"has_id": []}], "min_count": 1.0}}"#, "min_should.min_count", "an integer"),
        (#"{"min_should": {"conditions": [], "min_count": 1, "x": 1}}"#, "min_should", "unknown key 'x'"),
        (#"{"min_should": {"conditions": [{"has_id": 1}], "min_count": 1}}"#, "min_should.conditions[0].has_id", "an array"),
    ])
    func clauses(_ text: String, _ place: String, _ reason: String) { expect(text, place, reason) }

    @Test(arguments: [
        (#"{"key": "a"}"#, "", "one of match, range"),
        (#"{"match": {"value": 1}}"#, "", "'key' is missing"),
        (#"{"key": 1, "match": {"value": 1}}"#, ".key", "expected a string, found an integer"),
        (#"{"key": "a..b", "match": {"value": 1}}"#, ".key", "the key 'a..b': expected a key"),
        (#"{"key": "a", "match": {"value": 1}, "range": {"gt": 1}}"#, "", "match and range together"),
        (#"{"key": "a", "mach": {"value": 1}}"#, "", "unknown key 'mach'"),
        (#"{"key": "a", "match": 1}"#, ".match", "expected match, which is an object, found an integer"),
        (#"{"key": "a", "match": {}}"#, ".match", "one of value, any"),
        (#"{"key": "a", "match": {"value": 1, "any": []}}"#, ".match", "value and any together"),
        (#"{"key": "a", "match": {"vale": 1}}"#, ".match", "unknown key 'vale'"),
        (#"{"key": "a", "match": {"value": 1.5}}"#, ".match.value", "a real number, which a range has to compare"),
        (#"{"key": "a", "match": {"value": []}}"#, ".match.value", "a string, an integer or a boolean, found an array"),
        (#"{"key": "a", "match": {"value": 9223372036854775808}}"#, ".match.value", "found an integer above"),
        (#"{"key": "a", "match": {"any": "a"}}"#, ".match.any", "expected an array, found a string"),
        (#"{"key": "a", "match": {"any": ["a", true]}}"#, ".match.any[1]", "a string or an integer, found a boolean"),
        (#"{"key": "a", "match": {"any": [1, null]}}"#, ".match.any[1]", "found null"),
        (#"{"key": "a", "match": {"except": [1, "a"]}}"#, ".match.except", "strings and integers together"),
        (#"{"key": "a", "match": {"text": 1}}"#, ".match.text", "expected a string"),
        (#"{"key": "a", "match": {"text_any": []}}"#, ".match.text_any", "expected a string"),
        (#"{"key": "a", "match": {"phrase": true}}"#, ".match.phrase", "expected a string"),
        (#"{"key": "a", "match": {"prefix": {}}}"#, ".match.prefix", "expected a string"),
    ])
    func matches(_ text: String, _ place: String, _ reason: String) { expect("{\"must\": \(text)}", "must\(place)", reason) }

    @Test(arguments: [
        (#"{"range": []}"#, ".range", "found an array"),
        (#"{"range": {}}"#, ".range", "one of gt, gte, lt, lte is missing"),
        (#"{"range": {"gt": 1, "max": 2}}"#, ".range", "unknown key 'max'"),
        (#"{"range": {"gt": true}}"#, ".range.gt", "expected a number, or a time in a string, found a boolean"),
        (#"{"range": {"gt": 9223372036854775808}}"#, ".range.gt", "found an integer above"),
        (#"{"range": {"gte": 1, "lt": "2024-01-01"}}"#, ".range.gte", "expected a time in a string"),
        (#"{"range": {"lte": "2023-02-29"}}"#, ".range.lte", "'2023-02-29' is no time"),
        (#"{"range": {"lt": "yesterday"}}"#, ".range.lt", "RFC 3339"),
        (#"{"values_count": {}}"#, ".values_count", "is missing"),
        (#"{"values_count": {"gt": -1}}"#, ".values_count.gt", "-1, where an integer of at least 0"),
        (#"{"values_count": {"lt": 1.0}}"#, ".values_count.lt", "found a real number"),
        (#"{"values_count": {"eq": 1}}"#, ".values_count", "unknown key 'eq'"),
        (#"{"geo_radius": {"radius": 1}}"#, ".geo_radius", "'center' is missing"),
        (#"{"geo_radius": {"center": {"lon": 0, "lat": 0}}}"#, ".geo_radius", "'radius' is missing"),
        (#"{"geo_radius": {"center": {"lon": 0, "lat": 0}, "radius": -1}}"#, ".geo_radius.radius", "at least 0"),
        (#"{"geo_radius": {"center": {"lon": 0, "lat": 0}, "radius": "1"}}"#, ".geo_radius.radius", "expected a number"),
        (#"{"geo_radius": {"center": {"lon": 181, "lat": 0}, "radius": 1}}"#, ".geo_radius.center", "-180 to 180"),
        (#"{"geo_radius": {"center": {"lon": 0}, "radius": 1}}"#, ".geo_radius.center", "'lat' is missing"),
        (#"{"geo_radius": {"center": {"lon": 0, "lat": "0"}, "radius": 1}}"#, ".geo_radius.center.lat", "expected a number"),
        (#"{"geo_radius": {"center": [0, 0], "radius": 1}}"#, ".geo_radius.center", "a point, which is an object"),
        (#"{"geo_bounding_box": {"top_left": {"lon": 0, "lat": 0}}}"#, ".geo_bounding_box", "'bottom_right' is missing"),
        (
            #"{"geo_bounding_box": {"top_left": {"lon": 0, "lat": 0}, "bottom_right": {"lon": 1, "lat": 1}}}"#,
            ".geo_bounding_box", "the top is south of the bottom"
        ),
        (#"{"geo_polygon": {}}"#, ".geo_polygon", "'exterior' is missing"),
        (#"{"geo_polygon": {"exterior": {"points": []}}}"#, ".geo_polygon.exterior.points", "at least 4 points"),
        (#"{"geo_polygon": {"exterior": {"points": [1]}}}"#, ".geo_polygon.exterior.points[0]", "a point, which is an object"),
        (
            #"{"geo_polygon": {"exterior": {"points": [{"lon": 0, "lat": 0}, {"lon": 1, "lat": 0}, {"lon": 1, "lat": 1}, {"lon": 0, "lat": 1}]}}}"#,
            ".geo_polygon.exterior.points", "the last is the first"
        ),
    ])
    func ranges(_ test: String, _ place: String, _ reason: String) {
        expect(#"{"must": [{"has_id": []}, {"key": "a", \#(test.dropFirst())]}"#, "must[1]\(place)", reason)
    }

    @Test(arguments: [
        (#"{"is_empty": "a"}"#, ".is_empty", "which is an object"),
        (#"{"is_empty": {}}"#, ".is_empty", "'key' is missing"),
        (#"{"is_empty": {"key": ""}}"#, ".is_empty.key", "expected a key"),
        (#"{"is_null": {"key": "a", "x": 1}}"#, ".is_null", "unknown key 'x'"),
        (#"{"is_null": {"key": "a"}, "is_empty": {"key": "a"}}"#, "", "unknown key 'is_null'"),
        (#"{"has_id": 1}"#, ".has_id", "expected an array"),
        (#"{"has_id": [1, -1]}"#, ".has_id[1]", "from 0 to 18446744073709551615, found an integer"),
        (#"{"has_id": [1.0]}"#, ".has_id[0]", "found a real number"),
        (#"{"has_id": [""]}"#, ".has_id[0]", "a string of 0 bytes, where 1 to 255 are allowed"),
        (#"{"has_vector": 1}"#, ".has_vector", "expected a string"),
        (#"{"has_vector": ""}"#, ".has_vector", "where 1 to 255 are allowed"),
        (#"{"nested": {"key": "a"}}"#, ".nested", "'filter' is missing"),
        (#"{"nested": {"filter": {}}}"#, ".nested", "'key' is missing"),
        (#"{"nested": {"key": "a", "filter": []}}"#, ".nested.filter", "which is an object"),
        (#"{"nested": {"key": "a", "filter": {"must": {"has_id": [1]}}}}"#, ".nested.filter.must.has_id", "not allowed in a nested"),
        (
            #"{"nested": {"key": "a", "filter": {"must": {"should": [{"has_vector": "x"}]}}}}"#,
            ".nested.filter.must.should[0].has_vector", "not allowed in a nested"
        ),
    ])
    func otherConditions(_ text: String, _ place: String, _ reason: String) { expect("{\"should\": [\(text)]}", "should[0]\(place)", reason) }

    private func expect(_ text: String, _ place: String, _ reason: String) {
        let message = message { () throws(VecStoreError) in try filter(text) }
        #expect(message.hasPrefix(place.isEmpty ? "filter: " : "filter at \(place): "), "\(message)")
        #expect(message.contains(reason), "\(message)")
    }

    // MARK: - Limits

    @Test func tooManyConditionsAreRefused() throws {
        let most = CollectionLimits.filterConditions
        func many(_ count: Int) -> String {
            #"{"must": ["# + Array(repeating: #"{"has_id": []}"#, count: count).joined(separator: ",") + "]}"
        }
        #expect(try filter(many(most)).must.count == most)
        expect(many(most + 1), "must[\(most)]", "more than \(most) conditions")
    }

    @Test func deepFiltersAreRefused() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: #"{"must":"#, count: depth) + "{\"has_id\": [1]}" + String(repeating: "}", count: depth)
        }
        let most = CollectionLimits.filterDepth
        #expect(try filter(nested(most - 2)).must.count == 1)
        expect(nested(most - 1), "", "within each other")
        expect(nested(100_000), "", "within each other")
    }

    @Test func tooLongFiltersAreRefused() {
        let text = #"{"must": []}"# + String(repeating: " ", count: CollectionLimits.filterBytes)
        expect(text, "", "at most \(CollectionLimits.filterBytes) are allowed")
    }

    @Test func longIdsAreRefused() {
        expect(#"{"must": {"has_id": ["\#(String(repeating: "x", count: 256))"]}}"#, "must.has_id[0]", "256 bytes")
    }

    @Test func longKeysAreCutOffInErrors() {
        let message = message { () throws(VecStoreError) in try filter(#"{"\#(String(repeating: "x", count: 1000))": 1}"#) }
        #expect(message.count < 200)
    }
}
