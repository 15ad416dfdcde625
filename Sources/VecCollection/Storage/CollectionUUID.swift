// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// What all files of one collection carry, so that none of another is taken for it.
package struct CollectionUUID: Equatable, Sendable {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    static func random() -> CollectionUUID {
        var source = SystemRandomNumberGenerator()
        return CollectionUUID(high: source.next(), low: source.next())
    }

    /// As UUIDs are written: `01234567-89ab-cdef-0123-456789abcdef`.
    package var text: String {
        let digits = [high, low].map { half in
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }.joined()
        var text = ""
        for (place, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(place) { text += "-" }
            text.append(digit)
        }
        return text
    }
}
