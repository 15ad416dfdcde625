// SPDX-License-Identifier: Apache-2.0

import CJansson

/// A value in a `JSONDocument`, which has to live as long as this is used.
package struct JSONValue {
    private let pointer: UnsafeMutablePointer<json_t>

    init(_ pointer: UnsafeMutablePointer<json_t>) { self.pointer = pointer }

    package enum Kind: Sendable {
        case null, bool, integer
        /// An integer from 2^63 to 2^64 − 1, where the rules take them.
        case unsigned
        case real, string, array, object

        /// As errors name it.
        package var name: String {
            switch self {
            case .null: "null"
            case .bool: "a boolean"
            case .integer: "an integer"
            case .unsigned: "an integer above 9223372036854775807"
            case .real: "a real number"
            case .string: "a string"
            case .array: "an array"
            case .object: "an object"
            }
        }
    }

    package var kind: Kind {
        switch vs_json_type(pointer) {
        case JSON_OBJECT: .object
        case JSON_ARRAY: .array
        case JSON_STRING: text.first == 0 ? .unsigned : .string
        case JSON_INTEGER: .integer
        case JSON_REAL: .real
        case JSON_TRUE, JSON_FALSE: .bool
        default: .null
        }
    }

    // MARK: - Values, nil where it is of another kind

    package var bool: Bool? {
        switch vs_json_type(pointer) {
        case JSON_TRUE: true
        case JSON_FALSE: false
        default: nil
        }
    }

    package var integer: Int64? { kind == .integer ? json_integer_value(pointer) : nil }

    /// Not of integers.
    package var real: Double? { kind == .real ? json_real_value(pointer) : nil }

    package var number: Number? {
        switch kind {
        case .integer: .integer(json_integer_value(pointer))
        case .real: .real(json_real_value(pointer))
        default: nil
        }
    }

    /// Any integer that is not negative.
    package var unsigned: UInt64? {
        switch kind {
        case .integer: UInt64(exactly: json_integer_value(pointer))
        case .unsigned: UInt64(String(decoding: text.dropFirst(), as: UTF8.self))
        default: nil
        }
    }

    /// The bytes of a string, which live as long as the document.
    package var bytes: UnsafeBufferPointer<UInt8>? { kind == .string ? text : nil }

    package var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    /// The bytes of a string, a marked number among them.
    private var text: UnsafeBufferPointer<UInt8> {
        view(json_string_value(pointer), json_string_length(pointer))
    }

    // MARK: - Elements and members

    /// How many elements or members there are. 0 for all other kinds.
    package var count: Int {
        switch vs_json_type(pointer) {
        case JSON_ARRAY: Int(clamping: json_array_size(pointer))
        case JSON_OBJECT: Int(clamping: json_object_size(pointer))
        default: 0
        }
    }

    /// An element of an array.
    package subscript(index: Int) -> JSONValue? {
        index < 0 ? nil : json_array_get(pointer, index).map(JSONValue.init)
    }

    /// A member of an object.
    package func member(_ key: some Collection<UInt8>) -> JSONValue? {
        key.withContiguousStorageIfAvailable { member($0) } ?? Array(key).withUnsafeBufferPointer { member($0) }
    }

    private func member(_ key: UnsafeBufferPointer<UInt8>) -> JSONValue? {
        key.withMemoryRebound(to: CChar.self) { key in
            guard let start = key.baseAddress else { return json_object_getn(pointer, "", 0) }
            return json_object_getn(pointer, start, key.count)
        }.map(JSONValue.init)
    }

    /// The elements of an array. None for all other kinds.
    package var elements: Elements { Elements(array: self) }

    /// The members of an object in the order of the text. None for all other kinds.
    package var members: Members { Members(object: pointer, place: json_object_iter(pointer)) }

    package struct Elements: Sequence, IteratorProtocol {
        let array: JSONValue
        private var place = 0

        init(array: JSONValue) { self.array = array }

        package mutating func next() -> JSONValue? {
            defer { place += 1 }
            return array[place]
        }
    }

    package struct Members: Sequence, IteratorProtocol {
        fileprivate let object: UnsafeMutablePointer<json_t>
        fileprivate var place: UnsafeMutableRawPointer?

        /// The bytes of the key live as long as the document.
        package mutating func next() -> (key: UnsafeBufferPointer<UInt8>, value: JSONValue)? {
            guard let member = place, let value = json_object_iter_value(member) else { return nil }
            place = json_object_iter_next(object, member)
            return (view(json_object_iter_key(member), json_object_iter_key_len(member)), JSONValue(value))
        }
    }
}

private func view(_ start: UnsafePointer<CChar>?, _ count: Int) -> UnsafeBufferPointer<UInt8> {
    guard let start else { return UnsafeBufferPointer(start: nil, count: 0) }
    return UnsafeBufferPointer(start: UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self), count: count)
}
