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

    /// Whether it comes first where values are in order: booleans, numbers, strings.
    func isBefore(_ other: PayloadValue) -> Bool {
        switch (self, other) {
        case (.bool(let a), .bool(let b)): return !a && b
        case (.string(let a), .string(let b)): return a.utf8.lexicographicallyPrecedes(b.utf8)
        case (.bool, _), (_, .string): return true
        case (_, .bool), (.string, _): return false
        default:
            guard let a = exactNumber, let b = other.exactNumber else { return false }
            return a < b
        }
    }

    private var exactNumber: VecCollection.Number? {
        switch self {
        case .integer(let integer): .integer(Int64(integer))
        case .number(let number): .real(number)
        case .string, .bool: nil
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
