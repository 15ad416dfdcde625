// SPDX-License-Identifier: Apache-2.0

/// How much there may be at most; nil: as much as comes.
struct CacheBounds: Sendable {
    var entries: Int?
    var bytes: Int?

    var isBounded: Bool { entries != nil || bytes != nil }

    func isExceeded(entries count: Int, bytes size: Int) -> Bool {
        if let entries, count > entries { return true }
        if let bytes, size > bytes { return true }
        return false
    }
}
