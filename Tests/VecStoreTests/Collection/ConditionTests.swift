// Conditions: the JSON that they make, and the points that they let through.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecStore

@Suite("Conditions in Swift")
struct ConditionTests {
    private enum Section: String, FieldValue {
        case net, doc
    }

    private static func condition(_ members: String) -> String { #"{"must":[{\#(members)}]}"# }

    @Test("a field and a value make the JSON of a filter")
    func values() {
        let field = Field("a.b")
        func expect(_ condition: Condition, _ members: String, sourceLocation: SourceLocation = #_sourceLocation) {
            #expect(condition.json == ConditionTests.condition(#""key":"a.b",\#(members)"#), sourceLocation: sourceLocation)
        }
        expect(field == "x\"y", #""match":{"value":"x\"y"}"#)
        expect(field == 7, #""match":{"value":7}"#)
        expect(field == UInt64.max, #""match":{"value":18446744073709551615}"#)
        expect(field == true, #""match":{"value":true}"#)
        expect(field == Section.net, #""match":{"value":"net"}"#)
        expect(field == 2.5, #""range":{"gte":2.5,"lte":2.5}"#)
        let time = Date(timeIntervalSince1970: 0.5)
        expect(field == time, #""range":{"gte":"1970-01-01T00:00:00.5Z","lte":"1970-01-01T00:00:00.5Z"}"#)
        expect(field < 1, #""range":{"lt":1}"#)
        expect(field <= Float(0.5), #""range":{"lte":0.5}"#)
        expect(field > "2024-01-01", #""range":{"gt":"2024-01-01"}"#)
        expect(field >= time, #""range":{"gte":"1970-01-01T00:00:00.5Z"}"#)
        expect(field.between(1..<10), #""range":{"gte":1,"lt":10}"#)
        expect(field.between(1...10), #""range":{"gte":1,"lte":10}"#)
        expect(field.anyOf(["x", "y"]), #""match":{"any":["x","y"]}"#)
        expect(field.anyOf([Section.doc]), #""match":{"any":["doc"]}"#)
        expect(field.text("a b"), #""match":{"text":"a b"}"#)
        expect(field.textAny("a b"), #""match":{"text_any":"a b"}"#)
        expect(field.phrase("a b"), #""match":{"phrase":"a b"}"#)
        expect(field.prefix("a"), #""match":{"prefix":"a"}"#)
        expect(field.count(1...3), #""values_count":{"gte":1,"lte":3}"#)
        expect(field.count(2...), #""values_count":{"gte":2}"#)
    }

    @Test("places make the JSON of a filter")
    func places() {
        let a = GeoPoint(lon: 1.5, lat: 2), b = GeoPoint(lon: 3, lat: 4)
        let first = #"{"lon":1.5,"lat":2.0}"#, second = #"{"lon":3.0,"lat":4.0}"#
        #expect(
            Field("p").near(a, radius: 100).json
                == ConditionTests.condition(#""key":"p","geo_radius":{"center":\#(first),"radius":100.0}"#))
        #expect(
            Field("p").inBox(topLeft: a, bottomRight: b).json
                == ConditionTests.condition(#""key":"p","geo_bounding_box":{"top_left":\#(first),"bottom_right":\#(second)}"#))
        let ring = #"{"points":[\#(first),\#(second)]}"#
        #expect(
            Field("p").inPolygon([a, b], interiors: [[a, b]]).json
                == ConditionTests.condition(#""key":"p","geo_polygon":{"exterior":\#(ring),"interiors":[\#(ring)]}"#))
    }

    @Test("chains of one operator make one list")
    func chains() {
        let a = Condition.hasID([1, "b"]), b = Condition.hasVector("v"), c = Field("c").isNull
        #expect(
            (a && b && c).json == #"{"must":[{"has_id":[1,"b"]},{"has_vector":"v"},{"is_null":{"key":"c"}}]}"#)
        #expect((a || b || c).json == (a || (b || c)).json)
        #expect((a && (b || c)).json == #"{"must":[{"has_id":[1,"b"]},{"should":[{"has_vector":"v"},{"is_null":{"key":"c"}}]}]}"#)
        #expect((!b).json == #"{"must_not":[{"has_vector":"v"}]}"#)
        #expect((!(!b)).json == b.json && (!(!(a && b))).json == (a && b).json)
        #expect((Field("c") != 1).json == #"{"must_not":[{"key":"c","match":{"value":1}}]}"#)
    }

    @Test("conditions let points through as they say")
    func points() throws {
        try withPackages { points in
            let payload = Payload(json: #"{"a":[{"b":1,"c":2},{"b":3}],"f":1.5,"p":{"lon":1,"lat":2}}"#)
            try points.upsert(["x"], [[1, 1]] as [[Float]], payloads: [payload])
            func ids(_ condition: Condition) throws -> [PointID] { try points.scroll(filter: condition).map(\.id) }
            #expect(try ids(Field("section") == Section.net && Field("size").between(30..<70)) == [3, 5])
            #expect(try ids(Field("size") == 10 || Field("size") > 80) == [1, 9])
            #expect(try ids(!(Field("size") > 10)) == [1, "x"])
            #expect(try ids(Field("section") != "net" && !Field("section").isEmpty) == [2, 4, 6, 8])
            #expect(try ids(Field("section").noneOf(["net", "doc"])) == ["x"])
            #expect(try ids(Field("size").anyOf([20, 40])) == [2, 4])
            #expect(try ids(Field("f").anyOf([1.5, 2])) == ["x"])
            #expect(try ids(Field("f").anyOf([Double]())).isEmpty && ids(Field("f").anyOf([String]())).isEmpty)
            #expect(try ids(Field("text").phrase("mail server")) == [3, 6, 9])
            #expect(try ids(Field("a").nested(Field("b") == 1 && Field("c") == 2)) == ["x"])
            #expect(try ids(Field("a").nested(Field("b") == 3 && Field("c") == 2)).isEmpty)
            #expect(try ids(Field("a").count(2...)) == ["x"])
            #expect(try ids(Field("p").near(GeoPoint(lon: 1, lat: 2), radius: 1)) == ["x"])
            #expect(try ids(.atLeast(2, [Field("size") < 30, Field("section") == "net", Field("text").text("web")])) == [1, 7])
            #expect(try ids(.hasID([2, "x", 77])) == [2, "x"])
            #expect(try ids(.all).count == 10)
            #expect(try ids(Condition(json: #"{"must_not":[{"key":"size","range":{"gte":20}}]}"#) && .hasID([1, 2])) == [1])
        }
    }

    @Test("times in payloads are compared with dates")
    func times() throws {
        try withCollection { points in
            let start = Date(timeIntervalSince1970: 1_700_000_000.123456)
            try points.createPayloadIndex("at", .datetime)
            try points.upsert(
                [1, 2], [[1, 2], [3, 4]] as [[Float]],
                payloads: [0.0, 60].map {
                    try Payload(Package(section: "", size: 0, text: "", at: start.addingTimeInterval($0)))
                })
            #expect(try points.count(filter: Field("at") == start) == 1)
            #expect(try points.count(filter: Field("at") > start) == 1)
            #expect(try points.count(filter: Field("at") < Date.distantFuture && Field("at") > Date.distantPast) == 2)
        }
    }

    @Test("a filter of JSON is checked when it is made, others when they are used")
    func refused() throws {
        for json in ["", "{", "[]", "{} ,", #"{"key":"a","match":{"value":1}}"#, #"{"must":[{"key":"a"}]}"#, "{}],\"must_not\":[{}"] {
            expect(.invalidArgument) { _ = try Condition(json: json) }
        }
        #expect(try Condition(json: " {} ").json == " {} ")
        try withPackages { points in
            let bad: [Condition] = [
                Field("") == 1, Field("a[") == 1, Field("size") < Double.nan, Field("size") == UInt64.max,
                Field("at") < "yesterday", Field("at") < Date(timeIntervalSince1970: .nan), Field("p").near(GeoPoint(lon: 0, lat: 91), radius: 1),
                Field("p").near(GeoPoint(lon: 0, lat: 0), radius: .infinity), .atLeast(0, [.all]), .atLeast(2, [.all]),
                Field("t").count((-1)...), Field("a").nested(.hasID([1])), .hasID([""]),
            ]
            for condition in bad {
                let error = #expect(throws: VecStoreError.self, "\(condition.json)") { try points.count(filter: condition) }
                #expect(error?.code == .invalidArgument && error?.message.hasPrefix("filter") == true)
            }
            var deep = Field("size") == 1, wide = deep, doubled = deep
            for _ in 0..<40 {
                deep = !(deep && .all)
                wide = wide || wide
                doubled = !(doubled && doubled)
            }
            expect(.invalidArgument) { _ = try points.count(filter: deep) }
            expect(.tooLarge) { _ = try points.count(filter: wide) }
            expect(.tooLarge) { _ = try points.count(filter: doubled) }
        }
    }
}
