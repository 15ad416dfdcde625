// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A field of payloads that has an index.
final class Field: @unchecked Sendable {
    // Safety: what is in memory is touched under the collection's `fieldsLock`.

    let path: PayloadPath
    let name: String
    let type: FieldIndexType
    let place: Int
    /// How texts become words.
    let tokenizer: Tokenizer.Kind
    /// What is in memory of it; nil before it is first asked for, and where the last change could not be entered.
    var loaded: LoadedField?
    /// Whether its values were found to be more than there may be in memory.
    var isTooLarge = false
    /// Of a text, likewise.
    var lengths: TextLengths?
    /// Changes of the state whose values are in a file; -1: there is none, or nobody has looked. The writer's.
    var savedChanges: Int64 = -1

    init(path: PayloadPath, type: FieldIndexType, place: Int, tokenizer: Tokenizer.Kind) {
        self.path = path
        name = path.description
        self.type = type
        self.place = place
        self.tokenizer = tokenizer
    }

    /// The table with the words of a text.
    var textTable: String { "text_\(place)" }

    /// The text that a payload has for full-text search: all strings at the path, one after the other.
    func text(_ document: JSONDocument?) -> [UInt8] {
        var text: [UInt8] = []
        guard let document else { return text }
        path.forEachValue(in: document.root) { value in
            for part in value.kind == .array ? Array(value.elements) : [value] {
                guard let bytes = part.bytes else { continue }
                if !text.isEmpty { text.append(UInt8(ascii: "\n")) }
                text.append(contentsOf: bytes)
            }
            return false
        }
        return text
    }
}

/// The values of a field by rows, in memory.
final class LoadedField {
    let index: FieldIndex?
    let presence: PresenceIndex
    /// Rows with values at the path that the index cannot hold: conditions look at their payloads.
    let others: RowSet
    private let path: PayloadPath

    init(_ field: Field) throws(VecStoreError) {
        path = field.path
        index = try FieldIndex.make(field.type)
        presence = try PresenceIndex()
        others = try RowSet(span: 0)
    }

    /// Those of a file.
    init(_ field: Field, _ file: FieldReader) throws(VecStoreError) {
        path = field.path
        presence = try PresenceIndex(file)
        others = try file.set()
        index = try FieldIndex.read(field.type, file)
        try file.finish()
    }

    func write(_ file: FieldFileWriter) throws(VecStoreError) {
        try presence.write(file)
        try file.append(others)
        try index?.write(file)
    }

    func set(_ row: UInt32, _ document: JSONDocument?) throws(VecStoreError) {
        guard let document else {
            remove(row)
            return
        }
        var values = FieldValues()
        path.forEachValue(in: document.root) { value in
            values.add(value)
            return false
        }
        try presence.set(row: row, count: values.count, isNull: values.hasNull)
        try others.grow(to: max(others.span, Int(row) + 1))
        others.remove(row)
        guard let index else { return }
        if try values.enter(index, row) < values.elementCount { others.insert(row) }
    }

    func remove(_ row: UInt32) {
        index?.remove(row: row)
        presence.remove(row: row)
        others.remove(row)
    }

    var bytes: Int { (index?.bytes ?? 0) + presence.bytes + others.bytes }
}

/// What a payload has at the path of a field.
struct FieldValues {
    private var values: [JSONValue] = []
    /// Values that are neither null nor an empty array.
    private(set) var count = 0
    private(set) var hasNull = false
    /// Values and elements of arrays that are not null.
    var elementCount: Int { values.count }

    mutating func add(_ value: JSONValue) {
        switch value.kind {
        case .null: hasNull = true
        case .array:
            if value.count > 0 { count += 1 }
            for element in value.elements where element.kind != .null { values.append(element) }
        default:
            count += 1
            values.append(value)
        }
    }

    /// Enters what the index can hold.
    /// - Returns: How many values that is.
    func enter(_ index: FieldIndex, _ row: UInt32) throws(VecStoreError) -> Int {
        switch index {
        case .keyword(let index):
            let held = values.compactMap(\.bytes)
            if held.count == 1 { try index.set(row: row, utf8: held[0]) } else { try index.set(row: row, values: values.compactMap(\.string)) }
            return held.count
        case .integer(let index):
            let held = values.compactMap(\.integer)
            try index.set(row: row, values: held)
            return held.count
        case .float(let index):
            let held = values.compactMap(FieldValues.exact)
            try index.set(row: row, values: held)
            return held.count
        case .bool(let index):
            let held = values.compactMap(\.bool)
            try index.set(row: row, values: held)
            return held.count
        case .datetime(let index):
            let held = values.compactMap(FieldValues.time)
            try index.set(row: row, values: held)
            // Strings that are no times pass no condition about times.
            return values.reduce(0) { $0 + ($1.kind == .string ? 1 : 0) }
        case .geo(let index):
            try index.set(row: row, values: values.compactMap { GeoPoint($0) })
            // What is no place passes no condition about places.
            return values.count
        }
    }

    private static func time(_ value: JSONValue) -> Int64? {
        guard let bytes = value.bytes else { return nil }
        return DateTime.microseconds(bytes)
    }

    /// A number that a `Double` has as it is.
    private static func exact(_ value: JSONValue) -> Double? {
        if let integer = value.integer { return Double(exactly: integer) }
        return value.real
    }
}
