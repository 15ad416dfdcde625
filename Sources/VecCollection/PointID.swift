// SPDX-License-Identifier: Apache-2.0

/// The id of a point: a number, or a text such as a UUID. The number 7 and the text "7" are two ids.
package enum PointID: Hashable, Sendable {
    case number(UInt64)
    case text(String)

    // By bytes, as the database compares: Swift takes strings for equal that Unicode calls equivalent.

    package static func == (a: PointID, b: PointID) -> Bool {
        switch (a, b) {
        case (.number(let a), .number(let b)): a == b
        case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .number(let number):
            hasher.combine(0)
            hasher.combine(number)
        case .text(var text):
            hasher.combine(1)
            text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }
}

extension PointID: CustomStringConvertible {
    package var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .text(let text): "'\(text)'"
        }
    }
}
