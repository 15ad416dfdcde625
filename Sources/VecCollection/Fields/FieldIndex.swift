// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// What kind of values of a field can be asked for. The names are those of the API.
package enum FieldIndexType: String, CaseIterable, Sendable {
    case keyword, integer, float, bool, datetime, text, geo
}

/// The index of a field. Of texts there is none here: SQLite has it.
enum FieldIndex {
    case keyword(KeywordIndex)
    case integer(IntegerIndex)
    case float(NumberIndex)
    case bool(BoolIndex)
    /// Microseconds since 1970.
    case datetime(IntegerIndex)
    case geo(GeoIndex)

    /// An empty index; nil for texts.
    static func make(_ type: FieldIndexType) throws(VecStoreError) -> FieldIndex? {
        switch type {
        case .keyword: .keyword(try KeywordIndex())
        case .integer: .integer(try IntegerIndex())
        case .float: .float(try NumberIndex())
        case .bool: .bool(BoolIndex())
        case .datetime: .datetime(try IntegerIndex())
        case .geo: .geo(try GeoIndex())
        case .text: nil
        }
    }

    /// That of a file; nil for texts.
    static func read(_ type: FieldIndexType, _ file: FieldReader) throws(VecStoreError) -> FieldIndex? {
        switch type {
        case .keyword: .keyword(try KeywordIndex(file))
        case .integer: .integer(try IntegerIndex(file))
        case .float: .float(try NumberIndex(file))
        case .bool: .bool(try BoolIndex(file))
        case .datetime: .datetime(try IntegerIndex(file))
        case .geo: .geo(try GeoIndex(file))
        case .text: nil
        }
    }

    func write(_ file: FieldFileWriter) throws(VecStoreError) {
        switch self {
        case .keyword(let index): try index.write(file)
        case .integer(let index), .datetime(let index): try index.sorted.write(file)
        case .float(let index): try index.sorted.write(file)
        case .bool(let index): try index.write(file)
        case .geo(let index): try index.write(file)
        }
    }

    var type: FieldIndexType {
        switch self {
        case .keyword: .keyword
        case .integer: .integer
        case .float: .float
        case .bool: .bool
        case .datetime: .datetime
        case .geo: .geo
        }
    }

    /// Bytes of memory held.
    var bytes: Int {
        switch self {
        case .keyword(let index): index.bytes
        case .integer(let index), .datetime(let index): index.bytes
        case .float(let index): index.bytes
        case .bool(let index): index.bytes
        case .geo(let index): index.bytes
        }
    }

    func remove(row: UInt32) {
        switch self {
        case .keyword(let index): index.remove(row: row)
        case .integer(let index), .datetime(let index): index.remove(row: row)
        case .float(let index): index.remove(row: row)
        case .bool(let index): index.remove(row: row)
        case .geo(let index): index.remove(row: row)
        }
    }

    /// Puts what came since into order: after many rows, before many questions.
    func settle() throws(VecStoreError) {
        switch self {
        case .integer(let index), .datetime(let index): try index.sorted.settle()
        case .float(let index): try index.sorted.settle()
        case .geo(let index): try index.sorted.settle()
        case .keyword, .bool: break
        }
    }
}
