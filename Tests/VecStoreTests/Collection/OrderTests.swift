// Points in the order of a field, a page at a time, in Swift.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecStore

@Suite("Orders of points in Swift")
struct OrderTests {
    /// Pages of two, until there are no more.
    private func pages(
        _ points: PointCollection, by path: String, descending: Bool = false
    ) throws -> [PointCollection.Point] {
        var all: [PointCollection.Point] = []
        var page = try points.scroll(orderBy: path, descending: descending, limit: 2)
        while let last = page.last {
            all += page
            page = try points.scroll(orderBy: path, descending: descending, after: last, limit: 2)
        }
        return all
    }

    @Test("points come by the values of a field, those of one value by their ids")
    func ordered() throws {
        try withPackages { points in
            try points.createPayloadIndex("section", .keyword)
            let up = try pages(points, by: "section")
            #expect(up.map(\.id) == [2, 4, 6, 8, 1, 3, 5, 7, 9])
            #expect(up.map(\.orderValue) == Array(repeating: .string("doc"), count: 4) + Array(repeating: .string("net"), count: 5))
            #expect(try pages(points, by: "section", descending: true).map(\.id) == [1, 3, 5, 7, 9, 2, 4, 6, 8])
        }
    }

    @Test("an order begins at a value, and goes on behind a place that was kept")
    func places() throws {
        try withPackages { points in
            try points.createPayloadIndex("size", .integer)
            #expect(try points.scroll(orderBy: "size", startFrom: 45, limit: 2).map(\.id) == [5, 6])
            #expect(try points.scroll(orderBy: "size", descending: true, startFrom: 45.5).map(\.id) == [4, 3, 2, 1])
            let place = (value: PayloadValue.integer(60), id: PointID(6))
            #expect(try points.scroll(orderBy: "size", after: place, limit: 2).map(\.id) == [7, 8])
            try points.remove([6])
            #expect(try points.scroll(orderBy: "size", descending: true, after: place, limit: 1).map(\.orderValue) == [.integer(50)])
        }
    }

    @Test("points in an order bring what other points bring, of those that match a filter")
    func whole() throws {
        try withPackages { points in
            try points.createPayloadIndex("size", .float)
            let end = Date(timeIntervalSince1970: 4_000_000_000.25)
            var given = PointCollection.Point("end", [7, 7], payload: Payload(json: #"{"size":1.5}"#), expires: end)
            try points.upsert([given])
            given.orderValue = .number(1.5)
            #expect(try points.scroll(orderBy: "size", limit: 1, withVectors: true) == [given])
            given.orderValue = nil
            #expect(try points.scroll(filter: Field("size") < 2, withVectors: true) == [given])
            let found = try points.scroll(orderBy: "size", descending: true, filter: Field("section") == "doc" && Field("size") > 30)
            #expect(found.map(\.id) == [8, 6, 4] && found[0].vectors.isEmpty)
        }
    }

    @Test("times come in their order, and a Date says where to begin")
    func times() throws {
        try withCollection { points in
            let dates = [3, 1, 2].map { Date(timeIntervalSince1970: Double($0) * 86_400) }
            let payloads = try dates.map { try Payload(["at": $0]) }
            try points.upsert([3, 1, 2], [[1, 0], [1, 0], [1, 0]] as [[Float]], payloads: payloads)
            try points.createPayloadIndex("at", .datetime)
            #expect(try pages(points, by: "at").map(\.id) == [1, 2, 3])
            let later = try points.scroll(orderBy: "at", startFrom: dates[2])
            #expect(later.map(\.orderValue) == [.string("1970-01-03T00:00:00Z"), .string("1970-01-04T00:00:00Z")])
            #expect(try points.scroll(orderBy: "at", startFrom: "1970-01-04T00:00:00Z").map(\.id) == [3])
        }
    }

    @Test("an order that makes no sense is refused")
    func refused() throws {
        try withPackages { points in
            expect(.invalidArgument) { _ = try points.scroll(orderBy: "size") }
            try points.createPayloadIndex("size", .integer)
            try points.createPayloadIndex("section", .keyword)
            for path in ["", "a\0b", "section["] { expect(.invalidArgument) { _ = try points.scroll(orderBy: path) } }
            let bounds: [any FieldBound] = [Double.nan, Double.infinity, "forty", Date(timeIntervalSince1970: 0)]
            for bound in bounds {
                expect(.invalidArgument) { _ = try points.scroll(orderBy: "size", startFrom: bound) }
            }
            expect(.invalidArgument) { _ = try points.scroll(orderBy: "section", startFrom: 7) }
            for value in [PayloadValue.bool(true), .string("a"), .number(.nan)] {
                expect(.invalidArgument) { _ = try points.scroll(orderBy: "size", after: (value, 7)) }
            }
            expect(.invalidArgument) { _ = try points.scroll(orderBy: "size", after: (.integer(7), "")) }
            let other = try #require(try points.get(7))
            expect(.invalidArgument) { _ = try points.scroll(orderBy: "size", after: other) }
            for limit in [Int.min, -1, 0, 1_048_577, Int.max] {
                expect(.invalidArgument) { _ = try points.scroll(orderBy: "size", limit: limit) }
            }
        }
    }
}
