// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension Filter {
    /// A filter from its text, JSON in the words of Qdrant. Errors say where in it something is wrong.
    package init(json: UnsafeBufferPointer<UInt8>) throws(VecStoreError) {
        let document = try JSONDocument(json, .filter)
        defer { withExtendedLifetime(document) {} }
        var parser = FilterParser()
        self = try parser.filter(FilterNode(root: document.root), isNested: false)
    }
}

/// Makes a filter of JSON that is not nested deeper than filters may be: so it may recurse.
private struct FilterParser {
    private var count = 0

    private static let clauses = ["must", "should", "must_not", "min_should"]

    mutating func filter(_ node: FilterNode, isNested: Bool) throws(VecStoreError) -> Filter {
        try node.checkKeys(FilterParser.clauses, of: "a filter")
        var filter = Filter()
        if let must = node["must"] { filter.must = try conditions(must, isNested) }
        if let mustNot = node["must_not"] { filter.mustNot = try conditions(mustNot, isNested) }
        if let should = node["should"] {
            filter.should = try conditions(should, isNested)
            // It could mean that all points match, or none.
            if filter.should.isEmpty {
                throw should.error("no conditions, of which one could hold: leave it out for all points")
            }
        }
        if let minShould = node["min_should"] { filter.minShould = try self.minShould(minShould, isNested) }
        return filter
    }

    private mutating func minShould(_ node: FilterNode, _ isNested: Bool) throws(VecStoreError) -> Filter.MinShould {
        try node.checkKeys(["conditions", "min_count"], of: "min_should")
        let conditions = try conditions(try node.member("conditions"), isNested)
        let least = try node.member("min_count")
        guard let count = least.value.integer, count >= 1, count <= conditions.count else {
            throw least.error("expected an integer from 1 to the number of conditions, \(conditions.count)")
        }
        return Filter.MinShould(conditions: conditions, count: Int(count))
    }

    /// A list of conditions, or one without a list around it.
    private mutating func conditions(_ node: FilterNode, _ isNested: Bool) throws(VecStoreError) -> [FilterCondition] {
        switch node.value.kind {
        case .object: return [try condition(node, isNested)]
        case .array:
            var result: [FilterCondition] = []
            for element in try node.elements() { result.append(try condition(element, isNested)) }
            return result
        default: throw node.expected("a condition, or an array of conditions")
        }
    }

    private mutating func condition(_ node: FilterNode, _ isNested: Bool) throws(VecStoreError) -> FilterCondition {
        guard node.value.kind == .object else { throw node.expected("a condition, which is an object") }
        count += 1
        guard count <= CollectionLimits.filterConditions else {
            throw node.error("more than \(CollectionLimits.filterConditions) conditions")
        }
        if (["key"] + FieldTestParser.tests).contains(where: { node[$0] != nil }) { return try FieldTestParser.condition(node) }
        if FilterParser.clauses.contains(where: { node[$0] != nil }) { return .filter(try filter(node, isNested: isNested)) }
        if let field = node["is_empty"] { return .field(try onlyKey(field, "is_empty", of: node), .isEmpty) }
        if let field = node["is_null"] { return .field(try onlyKey(field, "is_null", of: node), .isNull) }
        if let nested = node["nested"] {
            try node.checkKeys(["nested"], of: "this condition")
            try nested.checkKeys(["key", "filter"], of: "nested")
            return .nested(try nested.member("key").path(), try filter(try nested.member("filter"), isNested: true))
        }
        for key in ["has_id", "has_vector"] {
            guard let member = node[key] else { continue }
            try node.checkKeys([key], of: "this condition")
            // They are about the point, not about an element of an array.
            if isNested { throw member.error("'\(key)' is not allowed in a nested filter") }
            return key == "has_id" ? .hasID(try ids(member)) : .hasVector(try member.name(CollectionLimits.nameBytes))
        }
        let keys = ["key", "is_empty", "is_null", "has_id", "has_vector", "nested"] + FilterParser.clauses
        try node.checkKeys(keys, of: "a condition")
        throw node.error("an empty condition, which needs one of \(keys.joined(separator: ", "))")
    }

    /// The path in `{"is_empty": {"key": …}}`.
    private func onlyKey(_ node: FilterNode, _ name: String, of condition: FilterNode) throws(VecStoreError) -> PayloadPath {
        try condition.checkKeys([name], of: "this condition")
        try node.checkKeys(["key"], of: name)
        return try node.member("key").path()
    }

    private func ids(_ node: FilterNode) throws(VecStoreError) -> Set<PointID> {
        var ids: Set<PointID> = []
        for element in try node.elements() {
            if let number = element.value.unsigned {
                ids.insert(.number(number))
            } else if element.value.kind == .string {
                ids.insert(.text(try element.name(CollectionLimits.idBytes)))
            } else {
                throw element.expected("an id, which is a string or an integer from 0 to 18446744073709551615")
            }
        }
        return ids
    }
}
