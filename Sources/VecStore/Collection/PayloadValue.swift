// SPDX-License-Identifier: Apache-2.0

import VecCollection

/// The value of a field of a payload: of a group, of a facet, or of a point in an order.
public enum PayloadValue: Hashable, Sendable {
    case string(String)
    case integer(Int)
    case number(Double)
    case bool(Bool)
}

extension PayloadValue: CustomStringConvertible {
    public var description: String {
        switch self {
        case .string(let string): string
        case .integer(let integer): "\(integer)"
        case .number(let number): "\(number)"
        case .bool(let bool): "\(bool)"
        }
    }
}

extension PayloadValue {
    init(json: [UInt8]) throws(CoreError) {
        self = try json.withUnsafeBufferPointer { (bytes) throws(CoreError) in
            let document = try JSONDocument(bytes, .payload)
            defer { withExtendedLifetime(document) {} }
            let value = document.root
            if let string = value.string { return .string(string) }
            if let integer = value.integer { return .integer(Int(integer)) }
            if let number = value.real { return .number(number) }
            if let bool = value.bool { return .bool(bool) }
            throw CoreError(.corrupt, "the value of a field is \(value.kind.name)")
        }
    }

    var jsonBytes: [UInt8] {
        var json = JSONWriter()
        switch self {
        case .string(let string): json.string(string)
        case .integer(let integer): json.integer(integer)
        case .number(let number): json.real(number)
        case .bool(let bool): json.bool(bool)
        }
        return json.bytes
    }
}
