// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A value of a field in the form that its index orders.
enum OrderKey: Equatable {
    /// See `SortKey`.
    case number(UInt64)
    case bytes([UInt8])

    static let types: [FieldIndexType] = [.float, .integer, .datetime, .keyword]

    /// The value as JSON.
    func json(_ type: FieldIndexType) -> [UInt8] {
        var writer = JSONWriter()
        switch (self, type) {
        case (.number(let key), .float): writer.real(SortKey.double(key))
        case (.number(let key), .datetime):
            let time = SortKey.int64(key)
            let text = DateTime.text(microseconds: time)
            // Where the year has not four digits there is no text that is read as this time.
            if DateTime.microseconds(text.utf8) == time { writer.string(text) } else { writer.integer(time) }
        case (.number(let key), _): writer.integer(SortKey.int64(key))
        case (.bytes(let bytes), _): writer.string(String(decoding: bytes, as: UTF8.self))
        }
        return writer.bytes
    }

    /// The first key that is not before a value in an order; nil where no key can be.
    /// - Parameter name: What messages call the value.
    static func first(
        _ json: [UInt8], _ type: FieldIndexType, isDescending: Bool, _ name: String
    ) throws(VecStoreError) -> OrderKey? {
        let document = try json.withUnsafeBufferPointer { bytes throws(VecStoreError) in
            try JSONDocument(bytes, JSONRules(noun: name, bytes: CollectionLimits.payloadBytes, depth: 1))
        }
        let value = document.root
        defer { withExtendedLifetime(document) {} }
        func refusal(_ expected: String) -> VecStoreError {
            VecStoreError(
                .invalidArgument,
                "\(name) is \(value.kind.name): in the order of an index of type \(type.rawValue) it has to be \(expected)")
        }
        switch type {
        case .float, .integer:
            guard let number = value.number else { throw refusal("a number") }
            var bounds = Bounds<Number>()
            if isDescending { bounds.lte = number } else { bounds.gte = number }
            if type == .integer {
                return bounds.integers.map { .number(SortKey.key(isDescending ? $0.upperBound : $0.lowerBound)) }
            }
            return bounds.reals.keys.map { .number(isDescending ? $0.upperBound : $0.lowerBound) }
        case .datetime:
            if let integer = value.integer { return .number(SortKey.key(integer)) }
            guard let bytes = value.bytes, let time = DateTime.microseconds(bytes) else {
                throw refusal("a string that is a time, or microseconds since 1970")
            }
            return .number(SortKey.key(time))
        default:
            guard let bytes = value.bytes else { throw refusal("a string") }
            return .bytes(Array(bytes))
        }
    }
}
