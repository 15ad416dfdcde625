// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import VecCollection

extension Date {
    /// Since 1970, rounded; nil where 64 bits do not hold it, or it is no time at all.
    var microseconds: Int64? { Int64(exactly: (timeIntervalSince1970 * 1_000_000).rounded()) }

    init(microseconds: Int64) { self.init(timeIntervalSince1970: Double(microseconds) / 1_000_000) }

    /// As payloads and filters write it. Where that is not possible, a text that filters refuse.
    var filterText: String { microseconds.map { DateTime.text(microseconds: $0) } ?? "\(timeIntervalSince1970)" }

    init?(filterText text: String) {
        guard let microseconds = DateTime.microseconds(Array(text.utf8)) else { return nil }
        self.init(microseconds: microseconds)
    }
}
