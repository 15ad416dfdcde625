// SPDX-License-Identifier: Apache-2.0

/// A JSON number, compared exactly: an integer beyond 2^53 is not rounded to be compared with a real number.
package enum Number: Comparable, Sendable {
    case integer(Int64)
    /// Never NaN, which JSON has no words for.
    case real(Double)

    /// The nearest real number.
    package var rounded: Double {
        switch self {
        case .integer(let integer): Double(integer)
        case .real(let real): real
        }
    }

    package static func == (a: Number, b: Number) -> Bool { !(a < b) && !(b < a) }

    package static func < (a: Number, b: Number) -> Bool {
        switch (a, b) {
        case (.integer(let a), .integer(let b)): a < b
        case (.real(let a), .real(let b)): a < b
        case (.integer(let a), .real(let b)): sign(a, b) < 0
        case (.real(let a), .integer(let b)): sign(b, a) > 0
        }
    }

    /// −1, 0 or 1: the sign of a − b.
    private static func sign(_ a: Int64, _ b: Double) -> Int {
        if b >= 0x1p63 { return -1 }
        if b < -0x1p63 { return 1 }
        let whole = b.rounded(.towardZero)
        guard let integer = Int64(exactly: whole) else { return 0 }
        if a != integer { return a < integer ? -1 : 1 }
        return b == whole ? 0 : b > whole ? -1 : 1
    }
}
