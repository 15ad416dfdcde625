// SPDX-License-Identifier: Apache-2.0

import CVecShims
import VecIndex

/// The id of an entry: 128 bits of its prompt and metadata. So an entry that is set again takes its own place, however long its
/// prompt is, and the same prompt with other metadata is another entry.
package struct EntryID: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter metadata: In its canonical form.
    package init(prompt: [UInt8], metadata: [UInt8]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + prompt.count + metadata.count)
        // The length first: otherwise bytes could move from one to the other.
        withUnsafeBytes(of: UInt64(prompt.count).littleEndian) { bytes += $0 }
        bytes += prompt
        bytes += metadata
        var halves: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &halves) { halves in
            vs_checksum128(bytes, bytes.count, halves.baseAddress?.assumingMemoryBound(to: UInt64.self))
        }
        low = halves.0
        high = halves.1
    }

    /// 32 hexadecimal digits.
    package var text: String {
        var digits: [UInt8] = []
        digits.reserveCapacity(32)
        for half in [high, low] {
            for shift in stride(from: UInt64(60), through: 0, by: -4) { digits.append(EntryID.digit(half >> shift & 15)) }
        }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func digit(_ value: UInt64) -> UInt8 {
        UInt8(truncatingIfNeeded: value) &+ (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
    }

    /// The id of a text as `text` gives it; upper case is taken too. nil where it is none.
    package init?(text: some StringProtocol) {
        let utf8 = text.utf8
        guard utf8.count == 32 else { return nil }
        var halves: (UInt64, UInt64) = (0, 0)
        for byte in utf8 {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            halves.0 = halves.0 << 4 | halves.1 >> 60
            halves.1 = halves.1 << 4 | UInt64(value)
        }
        high = halves.0
        low = halves.1
    }
}

extension EntryID: CustomStringConvertible {
    package var description: String { text }
}
