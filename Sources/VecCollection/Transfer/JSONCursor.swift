// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Goes through JSON text without making a tree of it: tells where values begin and end, and reads numbers.
///
/// It finds the ends of strings, arrays and objects, and does not look into them: whoever takes a value checks it.
struct JSONCursor {
    let bytes: UnsafeBufferPointer<UInt8>
    private(set) var place: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, at place: Int = 0) {
        self.bytes = bytes
        self.place = place
    }

    /// The text of a range.
    func slice(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: bytes[range]) }

    mutating func skipSpace() {
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): place += 1
            default: return
            }
        }
    }

    /// The byte that comes next, after white space; nil at the end.
    mutating func peek() -> UInt8? {
        skipSpace()
        return place < bytes.count ? bytes[place] : nil
    }

    /// Passes over a sign, after white space, where it comes next.
    mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard let next = peek(), UInt32(next) == sign.value else { return false }
        place += 1
        return true
    }

    mutating func require(_ sign: Unicode.Scalar) throws(VecStoreError) {
        guard take(sign) else { throw failure("'\(sign)' is expected") }
    }

    func failure(_ reason: String) -> VecStoreError {
        VecStoreError(.invalidArgument, "no valid JSON near byte \(min(place, bytes.count)): \(reason)")
    }

    // MARK: - Values

    /// Passes over a string.
    /// - Returns: Where it is, with its quotes.
    mutating func string() throws(VecStoreError) -> Range<Int> {
        guard peek() == UInt8(ascii: "\"") else { throw failure("a string is expected") }
        let start = place
        place = try endOfString(start)
        return start..<place
    }

    private func endOfString(_ start: Int) throws(VecStoreError) -> Int {
        var i = start + 1
        while i < bytes.count {
            switch bytes[i] {
            case UInt8(ascii: "\""): return i + 1
            case UInt8(ascii: "\\"): i += 2
            default: i += 1
            }
        }
        throw failure("a string does not end")
    }

    /// Passes over any value.
    mutating func value() throws(VecStoreError) -> Range<Int> {
        guard let first = peek() else { throw failure("a value is expected") }
        let start = place
        switch first {
        case UInt8(ascii: "\""): place = try endOfString(start)
        case UInt8(ascii: "{"), UInt8(ascii: "["): place = try endOfBrackets(start)
        default:
            scan: while place < bytes.count {
                switch bytes[place] {
                case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ":"), UInt8(ascii: " "),
                    UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                    break scan
                default: place += 1
                }
            }
            guard place > start else { throw failure("a value is expected") }
        }
        return start..<place
    }

    private func endOfBrackets(_ start: Int) throws(VecStoreError) -> Int {
        var depth = 0
        var i = start
        while i < bytes.count {
            switch bytes[i] {
            case UInt8(ascii: "\""):
                i = try endOfString(i)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return i + 1 }
            default: break
            }
            i += 1
        }
        throw failure("an array or object does not end")
    }

    // MARK: - Numbers

    /// Reads a number as the nearest float.
    mutating func float() throws(VecStoreError) -> Float {
        skipSpace()
        let start = place
        let isNegative = next(UInt8(ascii: "-"))
        var digits: UInt64 = 0, digitCount = 0, exponent = 0
        let whole = place
        while let digit = digit() {
            digits = digits &* 10 &+ digit
            if digit != 0 || digitCount > 0 { digitCount += 1 }
        }
        guard place > whole, bytes[whole] != UInt8(ascii: "0") || place == whole + 1 else { throw failure("a number is expected") }
        if next(UInt8(ascii: ".")) {
            let fraction = place
            while let digit = digit() {
                digits = digits &* 10 &+ digit
                if digit != 0 || digitCount > 0 { digitCount += 1 }
            }
            guard place > fraction else { throw failure("a digit is expected") }
            exponent = fraction - place
        }
        var isLong = digitCount > 19
        if next(UInt8(ascii: "e")) || next(UInt8(ascii: "E")) {
            let minus = next(UInt8(ascii: "-"))
            if !minus { _ = next(UInt8(ascii: "+")) }
            let first = place
            var power = 0
            while let digit = digit() { power = min(power * 10 + Int(digit), 100_000) }
            guard place > first else { throw failure("a digit is expected") }
            exponent += minus ? -power : power
        }
        if digits > 1 << 53 || abs(exponent) >= JSONCursor.powers.count { isLong = true }
        if !isLong {
            // One rounding, by the division or the multiplication.
            let double =
                exponent < 0 ? Double(digits) / JSONCursor.powers[-exponent] : Double(digits) * JSONCursor.powers[exponent]
            // The second one is right unless the first has come to lie just between two floats, or there are fewer bits.
            let isBetween = double.bitPattern & 0x1fff_ffff == 0x1000_0000
            if double == 0 || (!isBetween && double >= 0x1p-126 && double < 0x1p127) {
                return isNegative ? -Float(double) : Float(double)
            }
        }
        guard let exact = Float(String(decoding: bytes[start..<place], as: UTF8.self)), exact.isFinite else {
            throw VecStoreError(.notFinite, "the number at byte \(start) is too large for float32")
        }
        return exact
    }

    /// Powers of ten that a double has exactly.
    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
        1e22,
    ]

    private mutating func digit() -> UInt64? {
        guard place < bytes.count, bytes[place] >= UInt8(ascii: "0"), bytes[place] <= UInt8(ascii: "9") else { return nil }
        defer { place += 1 }
        return UInt64(bytes[place] - UInt8(ascii: "0"))
    }

    private mutating func next(_ byte: UInt8) -> Bool {
        guard place < bytes.count, bytes[place] == byte else { return false }
        place += 1
        return true
    }
}
