// SPDX-License-Identifier: Apache-2.0

/// Writes JSON text, with commas where they belong. The caller opens and closes in pairs.
package struct JSONWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    // MARK: - Arrays and objects

    package mutating func beginObject() { begin(UInt8(ascii: "{")) }
    package mutating func endObject() { bytes.append(UInt8(ascii: "}")) }
    package mutating func beginArray() { begin(UInt8(ascii: "[")) }
    package mutating func endArray() { bytes.append(UInt8(ascii: "]")) }

    private mutating func begin(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
    }

    /// The key of the value that comes next.
    package mutating func key(_ key: String) {
        string(key)
        bytes.append(UInt8(ascii: ":"))
    }

    // MARK: - Values

    package mutating func string(_ text: String) {
        separate()
        quote(text.utf8)
    }

    package mutating func integer(_ number: some BinaryInteger) {
        separate()
        bytes += "\(number)".utf8
    }

    /// The shortest text that is read as the same number; null for what is not finite, for which JSON has no words.
    package mutating func real(_ number: Double) {
        separate()
        bytes += (number.isFinite ? number.description : "null").utf8
    }

    /// The same for a float: the shortest text that is read as the same float.
    mutating func float(_ number: Float) {
        separate()
        bytes += (number.isFinite ? number.description : "null").utf8
    }

    package mutating func bool(_ value: Bool) {
        separate()
        bytes += (value ? "true" : "false").utf8
    }

    package mutating func null() {
        separate()
        bytes += "null".utf8
    }

    /// A value that is JSON text already, without white space around it.
    package mutating func raw(_ text: some Collection<UInt8>) {
        separate()
        bytes += text
    }

    // MARK: - Text

    /// Writes a comma where a value came before: what came last tells.
    private mutating func separate() {
        switch bytes.last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"): break
        default: bytes.append(UInt8(ascii: ","))
        }
    }

    private mutating func quote(_ text: some Sequence<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case UInt8(ascii: "\r"): bytes += "\\r".utf8
            case UInt8(ascii: "\t"): bytes += "\\t".utf8
            case 0..<0x20: bytes += ((byte < 0x10 ? "\\u000" : "\\u00") + String(byte, radix: 16)).utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
