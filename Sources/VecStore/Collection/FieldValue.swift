// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
import VecCollection

/// A type whose values fields are compared with: strings, integers, real numbers, `Bool`, `Date`, and enums that have one of these
/// as their raw value and say that they conform.
public protocol FieldValue: Sendable {
    var filterValue: FilterValue { get }
}

/// A type of which a value may be a bound of what a field has: numbers, `Date`, and `String` for a time as RFC 3339 writes it.
public protocol FieldBound: FieldValue {}

/// A value as filters write it.
public struct FilterValue: Sendable, Hashable {
    private enum Content: Hashable {
        case string(String), integer(Int64), unsigned(UInt64), number(Double), bool(Bool), time(Date)
    }

    private let content: Content

    public init(_ string: String) { content = .string(string) }
    public init(_ bool: Bool) { content = .bool(bool) }
    public init(_ number: Double) { content = .number(number) }
    public init(_ time: Date) { content = .time(time) }

    /// One that 64 bits do not hold is taken for the nearest real number.
    public init(_ integer: some BinaryInteger) {
        if let integer = Int64(exactly: integer) {
            content = .integer(integer)
        } else if let integer = UInt64(exactly: integer) {
            content = .unsigned(integer)
        } else {
            content = .number(Double(integer))
        }
    }

    /// Whether `==` means a range.
    var isCompared: Bool {
        switch content {
        case .number, .time: true
        case .string, .integer, .unsigned, .bool: false
        }
    }

    /// Whether several of one type may stand in one list.
    var isListed: Bool {
        switch content {
        case .string, .integer, .unsigned: true
        case .number, .bool, .time: false
        }
    }

    var jsonBytes: [UInt8] {
        var json = JSONWriter()
        write(to: &json)
        return json.bytes
    }

    func write(to json: inout JSONWriter) {
        switch content {
        case .string(let string): json.string(string)
        case .integer(let integer): json.integer(integer)
        case .unsigned(let integer): json.integer(integer)
        case .number(let number): json.real(number)
        case .bool(let bool): json.bool(bool)
        case .time(let time): json.string(time.filterText)
        }
    }
}

extension String: FieldBound {
    public var filterValue: FilterValue { FilterValue(self) }
}

extension Bool: FieldValue {
    public var filterValue: FilterValue { FilterValue(self) }
}

extension Date: FieldBound {
    public var filterValue: FilterValue { FilterValue(self) }
}

extension Double: FieldBound {
    public var filterValue: FilterValue { FilterValue(self) }
}

extension Float: FieldBound {
    public var filterValue: FilterValue { FilterValue(Double(self)) }
}

extension FieldValue where Self: BinaryInteger {
    public var filterValue: FilterValue { FilterValue(self) }
}

extension Int: FieldBound {}
extension Int8: FieldBound {}
extension Int16: FieldBound {}
extension Int32: FieldBound {}
extension Int64: FieldBound {}
extension UInt: FieldBound {}
extension UInt8: FieldBound {}
extension UInt16: FieldBound {}
extension UInt32: FieldBound {}
extension UInt64: FieldBound {}

extension FieldValue where Self: RawRepresentable, RawValue: FieldValue {
    public var filterValue: FilterValue { rawValue.filterValue }
}
