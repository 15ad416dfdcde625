// Filters from JSON: each condition becomes what it says.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndex

@testable import VecCollection

struct FilterParserTests {
    private func test(_ text: String) throws -> FieldTest {
        guard case .field(let path, let test) = try condition("{\"key\": \"a\", \(text)}"), path.description == "a" else {
            throw VecStoreError(.internalError, "no test of a")
        }
        return test
    }

    private func match(_ text: String) throws -> MatchTest {
        guard case .match(let match) = try test("\"match\": \(text)") else { throw VecStoreError(.internalError, "no match") }
        return match
    }

    @Test func anEmptyFilterIsAllPoints() throws {
        #expect(try filter("{}").isEmpty)
        #expect(try filter(#"{"must": [], "must_not": [], "should": null, "min_should": null}"#).isEmpty)
    }

    @Test func clausesAreConditionsOrListsOfThem() throws {
        let one = #"{"key": "a", "match": {"value": 1}}"#
        let result = try filter(
            #"{"must": \#(one), "should": [\#(one), \#(one)], "must_not": [\#(one)], "min_should": {"conditions": [\#(one), \#(one)], "min_count": 2}}"#)
        #expect(result.must.count == 1 && result.should.count == 2 && result.mustNot.count == 1)
        #expect(result.minShould?.conditions.count == 2 && result.minShould?.count == 2)
        #expect(!result.isEmpty)
    }

    @Test func matchHasOneValue() throws {
        guard case .value(.string("net")) = try match(#"{"value": "net"}"#) else { Issue.record("no string"); return }
        guard case .value(.integer(-3)) = try match(#"{"value": -3}"#) else { Issue.record("no integer"); return }
        guard case .value(.bool(true)) = try match(#"{"value": true}"#) else { Issue.record("no boolean"); return }
    }

    @Test func matchHasLists() throws {
        guard case .any(.strings(["a", "b"])) = try match(#"{"any": ["a", "b"]}"#) else { Issue.record("no strings"); return }
        guard case .any(.integers([1, 2])) = try match(#"{"any": [1, 2]}"#) else { Issue.record("no integers"); return }
        guard case .except(.integers([1])) = try match(#"{"except": [1]}"#) else { Issue.record("no exception"); return }
        guard case .any(.strings([])) = try match(#"{"any": []}"#) else { Issue.record("no empty list"); return }
    }

    @Test func matchHasTexts() throws {
        guard case .text("a b") = try match(#"{"text": "a b"}"#) else { Issue.record("no text"); return }
        guard case .textAny("a b") = try match(#"{"text_any": "a b"}"#) else { Issue.record("no text_any"); return }
        guard case .phrase("a b") = try match(#"{"phrase": "a b"}"#) else { Issue.record("no phrase"); return }
        guard case .prefix("a b") = try match(#"{"prefix": "a b"}"#) else { Issue.record("no prefix"); return }
    }

    @Test func rangesAreOfNumbersOrTimes() throws {
        guard case .range(let numbers) = try test(#""range": {"gt": 1, "gte": 2.5, "lt": null, "lte": -3}"#) else {
            Issue.record("no range")
            return
        }
        #expect(numbers.gt == .integer(1) && numbers.gte == .real(2.5) && numbers.lt == nil && numbers.lte == .integer(-3))
        guard case .timeRange(let times) = try test(#""range": {"gte": "1970-01-02", "lt": "1970-01-01T00:00:01Z"}"#) else {
            Issue.record("no range of times")
            return
        }
        #expect(times.gte == 86_400_000_000 && times.lt == 1_000_000 && times.gt == nil)
    }

    @Test func areasAreCirclesBoxesAndPolygons() throws {
        guard case .geoRadius(let circle) = try test(#""geo_radius": {"center": {"lon": 1, "lat": 2.5}, "radius": 100}"#) else {
            Issue.record("no circle")
            return
        }
        #expect(circle.center.lon == 1 && circle.center.lat == 2.5 && circle.radius == 100)
        guard
            case .geoBox(let box) = try test(
                #""geo_bounding_box": {"top_left": {"lon": 170, "lat": 2}, "bottom_right": {"lon": -170, "lat": 1}}"#)
        else {
            Issue.record("no box")
            return
        }
        #expect(box.west == 170 && box.south == 1)
        let ring = #"{"points": [{"lon": 0, "lat": 0}, {"lon": 1, "lat": 0}, {"lon": 1, "lat": 1}, {"lon": 0, "lat": 0}]}"#
        guard case .geoPolygon(let polygon) = try test(#""geo_polygon": {"exterior": \#(ring), "interiors": [\#(ring)]}"#) else {
            Issue.record("no polygon")
            return
        }
        #expect(polygon.exterior.count == 4 && polygon.interiors.count == 1)
    }

    @Test func valuesAreCounted() throws {
        guard case .valuesCount(let bounds) = try test(#""values_count": {"gte": 2}"#) else { Issue.record("no count"); return }
        #expect(bounds.gte == 2 && bounds.lt == nil)
    }

    @Test func emptyAndNullAreTestsOfAField() throws {
        guard case .field(let a, .isEmpty) = try condition(#"{"is_empty": {"key": "a.b"}}"#) else { Issue.record("no is_empty"); return }
        guard case .field(let b, .isNull) = try condition(#"{"is_null": {"key": "b[]"}}"#) else { Issue.record("no is_null"); return }
        #expect(a.description == "a.b" && b.description == "b[]")
    }

    @Test func idsHaveAllSixtyFourBits() throws {
        guard case .hasID(let ids) = try condition(#"{"has_id": [1, 18446744073709551615, "x", "1", 1]}"#) else {
            Issue.record("no has_id")
            return
        }
        #expect(ids == [.number(1), .number(.max), .text("x"), .text("1")])
        guard case .hasID(let none) = try condition(#"{"has_id": []}"#), none.isEmpty else { Issue.record("no empty list"); return }
    }

    @Test func vectorsHaveNames() throws {
        guard case .hasVector("image") = try condition(#"{"has_vector": "image"}"#) else { Issue.record("no has_vector"); return }
    }

    @Test func filtersAreConditions() throws {
        guard case .filter(let inner) = try condition(#"{"must_not": {"has_id": [1]}}"#), inner.mustNot.count == 1 else {
            Issue.record("no filter")
            return
        }
        guard case .nested(let path, let inner) = try condition(#"{"nested": {"key": "a[]", "filter": {"must": [{"should": {"is_null": {"key": "b"}}}]}}}"#)
        else {
            Issue.record("no nested filter")
            return
        }
        #expect(path.description == "a[]" && inner.must.count == 1)
    }
}
