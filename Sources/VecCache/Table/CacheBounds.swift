// SPDX-License-Identifier: Apache-2.0

/// How much there may be at most; nil: as much as comes.
struct CacheBounds: Sendable {
    var entries: Int?
    var bytes: Int?

    /// Entries that are brought in at a time: few where there may be few, so that most of them stay.
    var portion: Int { min(256, max(1, (entries ?? .max) / 16), bytes == nil ? .max : 16) }

    var isBounded: Bool { entries != nil || bytes != nil }

    func isExceeded(entries count: Int, bytes size: Int) -> Bool {
        if let entries, count > entries { return true }
        if let bytes, size > bytes { return true }
        return false
    }
}
