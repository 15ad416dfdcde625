// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// One pass over JSON text, before it is parsed: what the parser below us would take too deep, and what it cannot hold.
///
/// It need not be right about text that is no JSON. Up to the first error both see the same strings, and behind that the
/// parser reads nothing.
struct JSONScan {
    /// Where there are integers from 2^63 to 2^64 − 1.
    private(set) var unsigned: [Range<Int>] = []

    private let bytes: UnsafeBufferPointer<UInt8>
    private let rules: JSONRules

    init(_ bytes: UnsafeBufferPointer<UInt8>, _ rules: JSONRules) throws(VecStoreError) {
        self.bytes = bytes
        self.rules = rules
        guard bytes.count <= rules.bytes else {
            throw VecStoreError(.tooLarge, "\(rules.noun): \(bytes.count) bytes, where at most \(rules.bytes) are allowed")
        }
        var depth = 0
        var i = 0
        while i < bytes.count {
            switch bytes[i] {
            case UInt8(ascii: "\""):
                i = try endOfString(i)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                guard depth <= rules.depth else {
                    throw VecStoreError(
                        .invalidArgument,
                        "\(rules.noun): more than \(rules.depth) arrays and objects within each other at byte \(i)")
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth = max(0, depth - 1)
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                let end = endOfNumber(i)
                if rules.takesUnsigned, isUnsigned(i..<end) { unsigned.append(i..<end) }
                i = end
                continue
            default: break
            }
            i += 1
        }
    }

    /// The place behind the string that begins at `start`.
    private func endOfString(_ start: Int) throws(VecStoreError) -> Int {
        var i = start + 1
        while i < bytes.count {
            switch bytes[i] {
            case UInt8(ascii: "\""): return i + 1
            case UInt8(ascii: "\\"):
                let escape = bytes[min(i + 1, bytes.count)..<min(i + 6, bytes.count)]
                if escape.elementsEqual("u0000".utf8) {
                    throw VecStoreError(
                        .invalidArgument, "\(rules.noun): the character U+0000 at byte \(i), which no string may have")
                }
                i += 2
            default: i += 1
            }
        }
        return bytes.count
    }

    private func endOfNumber(_ start: Int) -> Int {
        var i = start + 1
        while i < bytes.count {
            switch bytes[i] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                i += 1
            default: return i
            }
        }
        return i
    }

    /// Whether an integer is too large for Int64 and not for UInt64.
    private func isUnsigned(_ range: Range<Int>) -> Bool {
        // The least of them has 19 digits, the largest 20.
        guard range.count == 19 || range.count == 20, bytes[range.lowerBound] != UInt8(ascii: "0"),
            let number = UInt64(String(decoding: bytes[range], as: UTF8.self))
        else { return false }
        return number > UInt64(Int64.max)
    }

    // MARK: - Integers that Jansson cannot hold

    /// What stands before an integer of 64 bits in the text that Jansson gets. It gets a string, which begins with a
    /// character that no other string has: those were refused above.
    static let mark = "\"\\u0000"

    /// How much longer each of them is than it was.
    static let growth = mark.utf8.count + 1

    /// The text with strings for integers that are too large for Int64.
    func marked() -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count + unsigned.count * JSONScan.growth)
        var done = 0
        for range in unsigned {
            text += bytes[done..<range.lowerBound]
            text += JSONScan.mark.utf8
            text += bytes[range]
            text.append(UInt8(ascii: "\""))
            done = range.upperBound
        }
        text += bytes[done...]
        return text
    }

    /// The byte of the text as it was, for a byte of `marked()`.
    func place(ofMarked place: Int) -> Int {
        var result = place
        for range in unsigned where range.upperBound < result {
            result = max(range.upperBound, result - JSONScan.growth)
        }
        return result
    }
}
