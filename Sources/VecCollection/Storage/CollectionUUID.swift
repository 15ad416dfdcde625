// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// What all files of one collection carry, so that none of another is taken for it.
struct CollectionUUID: Equatable, Sendable {
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
}
