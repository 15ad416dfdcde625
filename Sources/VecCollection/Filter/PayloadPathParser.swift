// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Reads a path of a payload from its text.
struct PayloadPathParser {
    private let text: String
    private let name: String
    private let bytes: [UInt8]
    private var place = 0

    /// - Parameter name: What messages call the text.
    init(_ text: String, name: String) {
        self.text = text
        self.name = name
        bytes = Array(text.utf8)
    }

    /// Whether a byte may be in a key that stands without quotes.
    static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, 0x7f, UInt8(ascii: "."), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\""),
            UInt8(ascii: "\\"):
            false
        default: true
        }
    }

    mutating func steps() throws(VecStoreError) -> [PayloadPath.Step] {
        var steps: [PayloadPath.Step] = [.key(try key())]
        while let byte = next {
            switch byte {
            case UInt8(ascii: "."):
                place += 1
                steps.append(.key(try key()))
            case UInt8(ascii: "["): steps.append(try brackets())
            default: throw error("expected '.' or '['")
            }
        }
        return steps
    }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func key() throws(VecStoreError) -> [UInt8] {
        if next == UInt8(ascii: "\"") { return try quotedKey() }
        let start = place
        while let byte = next, PayloadPathParser.isPlain(byte) { place += 1 }
        if place == start {
            throw error("expected a key, in quotes where it is empty or has one of . [ ] \" \\ or white space")
        }
        return Array(bytes[start..<place])
    }

    private mutating func quotedKey() throws(VecStoreError) -> [UInt8] {
        var key: [UInt8] = []
        place += 1
        while let byte = next {
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return key
            case UInt8(ascii: "\\"):
                guard let escaped = next, escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\") else {
                    throw error("expected \\\" or \\\\ in a key in quotes")
                }
                key.append(escaped)
                place += 1
            default: key.append(byte)
            }
        }
        throw error("expected a \" that closes the key")
    }

    private mutating func brackets() throws(VecStoreError) -> PayloadPath.Step {
        place += 1
        let start = place
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { place += 1 }
        let digits = bytes[start..<place]
        guard next == UInt8(ascii: "]") else {
            throw error("expected ']', with nothing or the number of an element before it")
        }
        if digits.isEmpty {
            place += 1
            return .elements
        }
        guard let element = Int(String(decoding: digits, as: UTF8.self)) else {
            throw error("the number of an element overflows")
        }
        place += 1
        return .element(element)
    }

    private func error(_ reason: String) -> VecStoreError {
        VecStoreError(.invalidArgument, "\(name) '\(text)': \(reason) at byte \(place)")
    }
}
