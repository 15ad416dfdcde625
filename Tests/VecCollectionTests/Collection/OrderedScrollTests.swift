// Scrolling in the order of a field: against all points sorted in the slow way, and while others write.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct OrderedScrollTests {
    private let directory: TemporaryDirectory
    private let collection: PointCollection

    init() throws {
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(
            directory.path("points"), vectors: [VectorSettings(dimension: 1)], CollectionOptions(durability: .none))
    }

    private func put(_ payloads: [(PointID, String)]) throws {
        try collection.put(payloads.map(\.0), payloads.map { _ in [1] }, payloads.map(\.1))
    }

    private func put(_ id: UInt64, _ value: String) throws { try put([(.number(id), #"{"v":\#(value)}"#)]) }

    /// All pages of a scroll.
    private func scroll(
        _ order: ScrollOrder, page: Int = 100, filter: String? = nil, _ between: () throws -> Void = {}
    ) throws -> [OrderedPoint] {
        var order = order
        var points: [OrderedPoint] = []
        while true {
            let found = try collection.scroll(by: order, limit: page, filter: filter.map { Array($0.utf8) })
            points += found
            guard found.count == page, let last = found.last else { return points }
            order.after = (last.value, last.point.id)
            try between()
        }
    }

    private func order(_ isDescending: Bool = false, from start: String? = nil) -> ScrollOrder {
        var order = ScrollOrder(path: "v")
        order.isDescending = isDescending
        order.start = start.map { Array($0.utf8) }
        return order
    }

    private func shown(_ points: [OrderedPoint]) -> [String] {
        points.map { "\(String(decoding: $0.value, as: UTF8.self)) \($0.point.id)" }
    }

    private func message(_ order: ScrollOrder) -> String {
        do throws(VecStoreError) { _ = try collection.scroll(by: order, limit: 1, filter: nil) } catch {
            #expect(error.code == .invalidArgument)
            return error.message
        }
        return ""
    }

    // MARK: - Against all points, sorted

    @Test("pages are those of all points sorted", arguments: [FieldIndexType.integer, .float, .datetime, .keyword])
    func model(type: FieldIndexType) throws {
        var random = Random(seed: UInt64(type.rawValue.utf8.count))
        /// A value as it is written, and what it is sorted by.
        func value() -> (json: String, key: Double, text: [UInt8]) {
            let n = random.below(12) - 6
            switch type {
            case .integer: return ("\(n)", Double(n), [])
            case .float: return random.below(2) == 0 ? ("\(n)", Double(n), []) : ("\(Double(n) / 4)", Double(n) / 4, [])
            case .datetime:
                let second = random.below(60)
                return ("\"2024-01-01T00:00:\(second < 10 ? "0" : "")\(second)+01:00\"", Double(second), [])
            default:
                let text = String(repeating: "ä", count: random.below(2)) + "k\(n)"
                return ("\"\(text)\"", 0, Array(text.utf8))
            }
        }
        typealias Entry = (id: PointID, keys: [(Double, [UInt8])], isEven: Bool)
        var entries: [Int: Entry] = [:]
        try collection.createPayloadIndex("v", type: type)
        func precedes(_ a: (Double, [UInt8]), _ b: (Double, [UInt8])) -> Bool {
            a.0 != b.0 ? a.0 < b.0 : a.1.lexicographicallyPrecedes(b.1)
        }
        func expected(_ isDescending: Bool, evenOnly: Bool) -> [PointID] {
            var list: [(key: (Double, [UInt8]), id: PointID)] = []
            for entry in entries.values where !entry.keys.isEmpty && (!evenOnly || entry.isEven) {
                let sorted = entry.keys.sorted(by: precedes)
                if let key = isDescending ? sorted.last : sorted.first { list.append((key, entry.id)) }
            }
            list.sort { a, b in
                if precedes(a.key, b.key) { return !isDescending }
                if precedes(b.key, a.key) { return isDescending }
                switch (a.id, b.id) {
                case (.number(let a), .number(let b)): return a < b
                case (.number, .text): return true
                case (.text, .number): return false
                case (.text(let a), .text(let b)): return Array(a.utf8).lexicographicallyPrecedes(Array(b.utf8))
                }
            }
            return list.map(\.id)
        }
        for _ in 0..<12 {
            var batch: [(PointID, String)] = []
            for _ in 0..<40 {
                let number = random.below(150)
                let id: PointID = number % 3 == 0 ? .text("p\(number)") : .number(UInt64(number) << 56)
                let values = (0..<[0, 1, 1, 1, 3][random.below(5)]).map { _ in value() }
                let json = values.count == 1 ? values[0].json : "[\(values.map(\.json).joined(separator: ","))]"
                let field = random.below(10) == 0 ? #""v":{"no":"value"}"# : #""v":\#(json)"#
                entries[number] = (id, field.contains("no") ? [] : values.map { ($0.key, $0.text) }, number % 2 == 0)
                batch.append((id, #"{\#(field),"even":\#(number % 2 == 0)}"#))
            }
            try put(batch)
            let gone = random.below(150)
            if let entry = entries.removeValue(forKey: gone) { try collection.remove([entry.id]) }
            for isDescending in [false, true] {
                let page = 1 + random.below(30)
                #expect(try scroll(order(isDescending), page: page).map(\.point.id) == expected(isDescending, evenOnly: false))
                #expect(
                    try scroll(order(isDescending), page: page, filter: #"{"must":[{"key":"even","match":{"value":true}}]}"#)
                        .map(\.point.id) == expected(isDescending, evenOnly: true))
            }
        }
    }

    // MARK: - Values

    @Test func pagesBeginAtAValue() throws {
        try collection.createPayloadIndex("v", type: .integer)
        for i in 0..<6 { try put(UInt64(i), "\(10 * i)") }
        #expect(try shown(scroll(order(from: "20"))) == ["20 2", "30 3", "40 4", "50 5"])
        #expect(try shown(scroll(order(from: "20.5"))) == ["30 3", "40 4", "50 5"])
        #expect(try shown(scroll(order(true, from: "20.5"))) == ["20 2", "10 1", "0 0"])
        #expect(try shown(scroll(order(from: "1e300"))).isEmpty)
        #expect(try scroll(order(true, from: "1e300")).count == 6)
        #expect(try scroll(order(from: "-9223372036854775808")).count == 6)
    }

    @Test func ofSeveralValuesTheFirstOneCounts() throws {
        try collection.createPayloadIndex("v", type: .integer)
        try put(1, "[5, 1]")
        try put(2, "3")
        try put(3, "[2, 9]")
        #expect(try shown(scroll(order(), page: 1)) == ["1 1", "2 3", "3 2"])
        #expect(try shown(scroll(order(true), page: 1)) == ["9 3", "5 1", "3 2"])
        // 1 counts by its 1, which comes before.
        #expect(try shown(scroll(order(from: "2"))) == ["2 3", "3 2"])
        #expect(try shown(scroll(order(true, from: "5"))) == ["5 1", "3 2"])
    }

    @Test func numbersThatNoDoubleIsHaveTheirPlaceToo() throws {
        try collection.createPayloadIndex("v", type: .float)
        try put(1, "9007199254740993")
        try put(2, "1.5")
        try put(3, "1e300")
        try put(4, #"["x", -9223372036854775807, 7]"#)
        #expect(try scroll(order(), page: 1).map(\.point.id) == [.number(4), .number(2), .number(1), .number(3)])
        #expect(try scroll(order(true), page: 1).map(\.point.id) == [.number(3), .number(1), .number(4), .number(2)])
        #expect(try scroll(order(from: "2")).map(\.point.id) == [.number(1), .number(3)])
    }

    @Test func timesAreShownAsTheyAreWritten() throws {
        try collection.createPayloadIndex("v", type: .datetime)
        try put(1, #""2024-02-29T12:00:00.25+02:00""#)
        try put(2, #""1600-01-01""#)
        try put(3, #""9999-12-31T23:59:59-10:00""#)
        try put(4, #""no time""#)
        #expect(
            try shown(scroll(order(), page: 1)) == [#""1600-01-01T00:00:00Z" 2"#, #""2024-02-29T10:00:00.25Z" 1"#, "253402336799000000 3"])
        #expect(try scroll(order(from: #""2000-01-01""#)).count == 2)
        #expect(try scroll(order(from: "0")).count == 2)
    }

    // MARK: - Writes between pages

    @Test func pointsThatComeAndGoMoveNoOthers() throws {
        try collection.createPayloadIndex("v", type: .integer)
        for i in 0..<20 { try put(UInt64(i), "\(i / 5)") }
        var round: UInt64 = 0
        let seen = try scroll(order(), page: 3) {
            // Behind the page and before it; the last point of each page goes.
            try put(100 + round, "-1")
            try collection.remove([.number(3 * round + 2)])
            round += 1
        }
        #expect(seen.map(\.point.id) == (0..<20).map { .number($0) })
    }

    @Test func aPageIsThatOfOneMoment() throws {
        try collection.createPayloadIndex("v", type: .integer)
        for i in 0..<10 { try put(UInt64(i), "\(i)") }
        let reader = try PointCollection.open(directory.path("points"), CollectionOptions(isReadOnly: true))
        #expect(try reader.scroll(by: order(), limit: 100, filter: nil).count == 10)
        for i in 0..<10 { try put(UInt64(i), "\(-i)") }
        try collection.remove([.number(4)])
        #expect(try reader.scroll(by: order(), limit: 3, filter: nil).map(\.point.id) == [.number(0), .number(1), .number(2)])
        try reader.refresh()
        #expect(try reader.scroll(by: order(), limit: 3, filter: nil).map(\.point.id) == [.number(9), .number(8), .number(7)])
        #expect(try reader.scroll(by: order(), limit: 100, filter: nil).count == 9)
    }

    @Test func pointsThatHaveEndedLeaveNoGap() throws {
        try collection.createPayloadIndex("v", type: .integer)
        let soon = now() + 50_000
        try collection.put(
            (0..<6).map { .number($0) }, (0..<6).map { _ in [1] }, (0..<6).map { #"{"v":\#($0)}"# },
            expires: (0..<6).map { $0 % 2 == 0 ? soon : Int64.max })
        while now() <= soon {}
        #expect(try collection.scroll(by: order(), limit: 3, filter: nil).map(\.point.id) == [.number(1), .number(3), .number(5)])
    }

    @Test func manyPointsWithOneValueComeByTheirIds() throws {
        try collection.createPayloadIndex("v", type: .keyword)
        let ids = (0..<9000).map { PointID.text("id \($0)") } + (0..<3000).map { .number($0) }
        try put(ids.map { ($0, #"{"v":"same"}"#) })
        let all = try scroll(order(), page: 1000).map(\.point.id)
        let texts = (0..<9000).map { "id \($0)" }.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        #expect(all == (0..<3000).map { .number($0) } + texts.map { .text($0) })
    }

    // MARK: - What is refused

    @Test func aFieldWithoutAnOrderIsRefused() throws {
        #expect(message(order()).contains("order_by 'v' has no index: an order needs one of type integer, float, datetime or keyword"))
        try collection.createPayloadIndex("v", type: .geo)
        try collection.createPayloadIndex("v", type: .text)
        #expect(message(order()).contains("order_by 'v' has an index of type geo and text alone"))
        #expect(message(ScrollOrder(path: "a..b")).hasPrefix("order_by 'a..b': expected a key"))
    }

    @Test func aValueOfAnotherTypeIsRefused() throws {
        try collection.createPayloadIndex("v", type: .integer)
        #expect(message(order(from: #""5""#)).hasPrefix("start_from is a string: in the order of an index of type integer it has to be a number"))
        #expect(message(order(from: "[1]")).hasPrefix("start_from is an array"))
        #expect(message(order(from: "{")).hasPrefix("start_from: no valid JSON"))
        #expect(message(order(from: "")).hasPrefix("start_from: no valid JSON"))
        var paged = order()
        paged.after = (Array("null".utf8), .number(1))
        #expect(message(paged).hasPrefix("after_value is null"))
        paged.after = (Array("1".utf8), .text(""))
        #expect(message(paged).contains("an id has 0 bytes"))
    }
}
