// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Reads conditions that go by the values at a path: `{"key": …, "match": …}` and the like.
enum FieldTestParser {
    static let tests = ["match", "range", "geo_radius", "geo_bounding_box", "geo_polygon", "values_count"]

    static func condition(_ node: FilterNode) throws(VecStoreError) -> FilterCondition {
        try node.checkKeys(["key"] + tests, of: "a condition with a key")
        let path = try node.member("key").path()
        let (name, test) = try only(tests, of: node)
        switch name {
        case "match": return .field(path, .match(try match(test)))
        case "range": return .field(path, try range(test))
        case "geo_radius": return .field(path, .geoRadius(try GeoParser.radius(test)))
        case "geo_bounding_box": return .field(path, .geoBox(try GeoParser.box(test)))
        case "geo_polygon": return .field(path, .geoPolygon(try GeoParser.polygon(test)))
        default: return .field(path, .valuesCount(try count(test)))
        }
    }

    /// The one member that an object has of several that it may have.
    private static func only(_ keys: [String], of node: FilterNode) throws(VecStoreError) -> (String, FilterNode) {
        let found = keys.compactMap { key in node[key].map { (key, $0) } }
        guard let first = found.first else { throw node.error("one of \(keys.joined(separator: ", ")) is missing") }
        guard found.count == 1 else {
            let names = found.map(\.0).joined(separator: " and ")
            throw node.error("\(names) together, where one is allowed: write two conditions")
        }
        return first
    }

    // MARK: - Match

    private static func match(_ node: FilterNode) throws(VecStoreError) -> MatchTest {
        let kinds = ["value", "any", "except", "text", "text_any", "phrase", "prefix"]
        try node.checkKeys(kinds, of: "match")
        let (name, member) = try only(kinds, of: node)
        switch name {
        case "value": return .value(try value(member))
        case "any": return .any(try list(member))
        case "except": return .except(try list(member))
        case "text": return .text(try member.string())
        case "text_any": return .textAny(try member.string())
        case "phrase": return .phrase(try member.string())
        default: return .prefix(try member.string())
        }
    }

    private static func value(_ node: FilterNode) throws(VecStoreError) -> MatchValue {
        if let string = node.value.string { return .string(string) }
        if let integer = node.value.integer { return .integer(integer) }
        if let bool = node.value.bool { return .bool(bool) }
        if node.value.kind == .real { throw node.error("a real number, which a range has to compare: write gte and lte") }
        throw node.expected("a string, an integer or a boolean")
    }

    private static func list(_ node: FilterNode) throws(VecStoreError) -> MatchList {
        let elements = try node.elements()
        let strings = elements.compactMap(\.value.string)
        if strings.count == elements.count { return .strings(strings) }
        let integers = elements.compactMap(\.value.integer)
        if integers.count == elements.count { return .integers(integers) }
        for element in elements where element.value.kind != .string && element.value.kind != .integer {
            throw element.expected("a string or an integer")
        }
        throw node.error("strings and integers together, where a list has one kind")
    }

    // MARK: - Bounds

    private static let bounds = ["gt", "gte", "lt", "lte"]

    private static func range(_ node: FilterNode) throws(VecStoreError) -> FieldTest {
        try node.checkKeys(bounds, of: "range")
        let given = bounds.compactMap { node[$0] }
        if given.contains(where: { $0.value.kind == .string }) {
            for bound in given where bound.value.kind != .string {
                throw bound.expected("a time in a string, as the other bound")
            }
            return .timeRange(try read(node, time))
        }
        return .range(try read(node, number))
    }

    private static func count(_ node: FilterNode) throws(VecStoreError) -> Bounds<Int64> {
        try node.checkKeys(bounds, of: "values_count")
        return try read(node, notNegative)
    }

    private static func read<Value>(
        _ node: FilterNode, _ value: (FilterNode) throws(VecStoreError) -> Value
    ) throws(VecStoreError) -> Bounds<Value> {
        guard bounds.contains(where: { node[$0] != nil }) else { throw node.error("one of gt, gte, lt, lte is missing") }
        var result = Bounds<Value>()
        if let gt = node["gt"] { result.gt = try value(gt) }
        if let gte = node["gte"] { result.gte = try value(gte) }
        if let lt = node["lt"] { result.lt = try value(lt) }
        if let lte = node["lte"] { result.lte = try value(lte) }
        return result
    }

    private static func number(_ node: FilterNode) throws(VecStoreError) -> Number {
        guard let number = node.value.number else { throw node.expected("a number, or a time in a string") }
        return number
    }

    private static func time(_ node: FilterNode) throws(VecStoreError) -> Int64 {
        let text = try node.string()
        guard let time = DateTime.microseconds(text.utf8) else {
            throw node.error("'\(text.prefix(64))' is no time: expected a date or RFC 3339, such as 2024-01-31T10:00:00Z")
        }
        return time
    }

    private static func notNegative(_ node: FilterNode) throws(VecStoreError) -> Int64 {
        guard let integer = node.value.integer else { throw node.expected("an integer of at least 0") }
        guard integer >= 0 else { throw node.error("\(integer), where an integer of at least 0 is expected") }
        return integer
    }
}
