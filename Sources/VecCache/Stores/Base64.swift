// SPDX-License-Identifier: Apache-2.0

/// Bytes as text (RFC 4648, with padding), for JSON, whose strings hold no others than those of UTF-8.
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func size(_ count: Int) -> Int { (count &+ 2) / 3 &* 4 }

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(size(bytes.count))
        var place = 0
        while place < bytes.count {
            let left = bytes.count - place
            let a = UInt32(bytes[place]), b = left > 1 ? UInt32(bytes[place + 1]) : 0, c = left > 2 ? UInt32(bytes[place + 2]) : 0
            let group = a << 16 | b << 8 | c
            for shift in [18, 12, 6, 0] as [UInt32] { text.append(digits[Int(group >> shift & 63)]) }
            place += 3
        }
        for i in 0..<((3 - bytes.count % 3) % 3) { text[text.count - 1 - i] = UInt8(ascii: "=") }
        return text
    }

    /// nil where it is no such text.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var group: UInt32 = 0, filled = 0, padding = 0
        for digit in text {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = digit - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = digit - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "="):
                value = 0
                padding += 1
            default: return nil
            }
            if padding > 0 && digit != UInt8(ascii: "=") { return nil }
            group = group << 6 | UInt32(value)
            filled += 1
            if filled == 4 {
                for shift in [16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: group >> shift)) }
                group = 0
                filled = 0
            }
        }
        guard padding <= 2 else { return nil }
        bytes.removeLast(padding)
        return bytes
    }
}
