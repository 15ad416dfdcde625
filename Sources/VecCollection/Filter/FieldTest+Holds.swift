// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension FieldTest {
    /// Whether it holds of what is at a path of a payload. Without a payload nothing is there.
    func holds(_ path: PayloadPath, _ payload: JSONValue?, _ tokenizer: () -> Tokenizer) throws(VecStoreError) -> Bool {
        // All values have to be empty for one test; for the others one value is enough.
        if case .isEmpty = self {
            return try !isSome(path, payload) { $0.kind != .null && !($0.kind == .array && $0.count == 0) }
        }
        return try isSome(path, payload) { (value) throws(VecStoreError) in
            switch self {
            case .isNull: return value.kind == .null
            case .valuesCount(let bounds): return bounds.contains(FieldTest.count(value))
            default:
                guard value.kind == .array else { return try passes(value, tokenizer) }
                for element in value.elements where try passes(element, tokenizer) { return true }
                return false
            }
        }
    }

    private func isSome(
        _ path: PayloadPath, _ payload: JSONValue?, _ body: (JSONValue) throws(VecStoreError) -> Bool
    ) throws(VecStoreError) -> Bool {
        guard let payload else { return false }
        var isFound = false
        try path.forEachValue(in: payload) { (value) throws(VecStoreError) in
            isFound = try body(value)
            return isFound
        }
        return isFound
    }

    private static func count(_ value: JSONValue) -> Int64 {
        switch value.kind {
        case .null: 0
        case .array: Int64(value.count)
        default: 1
        }
    }

    /// Whether one value passes, which is no array that is to be looked into.
    private func passes(_ value: JSONValue, _ tokenizer: () -> Tokenizer) throws(VecStoreError) -> Bool {
        switch self {
        case .match(let test): try test.passes(value, tokenizer)
        case .range(let bounds): value.number.map(bounds.contains) ?? false
        case .timeRange(let bounds): value.bytes.flatMap { DateTime.microseconds($0) }.map(bounds.contains) ?? false
        case .geoRadius(let area): GeoPoint(value).map(area.contains) ?? false
        case .geoBox(let area): GeoPoint(value).map(area.contains) ?? false
        case .geoPolygon(let area): GeoPoint(value).map(area.contains) ?? false
        case .valuesCount, .isEmpty, .isNull: false
        }
    }
}

extension MatchTest {
    fileprivate func passes(_ value: JSONValue, _ tokenizer: () -> Tokenizer) throws(VecStoreError) -> Bool {
        switch self {
        case .value(.string(let text)): return value.bytes?.elementsEqual(text.utf8) ?? false
        case .value(.integer(let integer)): return value.integer == integer
        case .value(.bool(let bool)): return value.bool == bool
        case .any(let list): return list.contains(value)
        case .except(let list): return value.kind != .null && !list.contains(value)
        case .prefix(let text): return value.bytes?.starts(with: text.utf8) ?? false
        case .text(let text), .textAny(let text), .phrase(let text):
            guard let bytes = value.bytes else { return false }
            let tokenizer = tokenizer()
            let asked = try tokenizer.tokens(of: text)
            return passes(words: try tokenizer.tokens(of: bytes), asked: asked)
        }
    }

    private func passes(words: [Tokenizer.Token], asked: [Tokenizer.Token]) -> Bool {
        if asked.isEmpty { return false }
        switch self {
        case .textAny: return asked.contains { words.contains($0) }
        case .phrase: return words.indices.contains { words[$0...].starts(with: asked) }
        default: return asked.allSatisfy { words.contains($0) }
        }
    }
}

extension MatchList {
    fileprivate func contains(_ value: JSONValue) -> Bool {
        switch self {
        case .strings(let strings):
            guard let bytes = value.bytes else { return false }
            return strings.contains { bytes.elementsEqual($0.utf8) }
        case .integers(let integers):
            guard let integer = value.integer else { return false }
            return integers.contains(integer)
        }
    }
}
