// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A filter that was used, with the numbers that match it: evaluated once over all entries, and for each that comes after that.
final class LiveFilter: @unchecked Sendable {
    // Safety: `bits` is touched under `lock`, `changes` under `changeLock`.

    let text: [UInt8]
    let filter: MetadataFilter
    private let lock = Lock()
    private var bits: FilterBits?
    /// Held for so short that writers may.
    private let changeLock = Lock()
    private var changes: [(number: UInt32, matches: Bool)] = []

    init(_ text: [UInt8], _ filter: MetadataFilter) {
        self.text = text
        self.filter = filter
    }

    /// An entry has come.
    func note(_ number: UInt32, matches: Bool) { changeLock.withLock { changes.append((number, matches)) } }

    /// The bits of now, with all that was noted before.
    /// - Parameters:
    ///   - numbers: Those that match, where they are known otherwise; nil: they are not.
    ///   - records: All entries.
    ///   Both as they were when the filter began to take notes, or later.
    func current(
        _ numbers: () throws(VecStoreError) -> [UInt64]?, _ records: () -> [EntryRecord?]
    ) throws(VecStoreError) -> FilterBits {
        try lock.withLock { () throws(VecStoreError) in
            if bits == nil {
                let matching: [UInt32]
                if let numbers = try numbers() {
                    matching = numbers.map { UInt32(truncatingIfNeeded: $0) }
                } else {
                    matching = try evaluate(records())
                }
                let new = FilterBits()
                new.set(matching.map { ($0, true) })
                bits = new
            }
            let changes = changeLock.withLock {
                let changes = self.changes
                self.changes = []
                return changes
            }
            if !changes.isEmpty {
                // Searches that go on keep what they have.
                if !isKnownUniquelyReferenced(&bits) { bits = bits?.copy() }
                bits?.set(changes)
            }
            return bits ?? FilterBits()
        }
    }

    private func evaluate(_ records: [EntryRecord?]) throws(VecStoreError) -> [UInt32] {
        var matching: [UInt32] = []
        for case let record? in records where try filter.matches(record) { matching.append(record.number) }
        return matching
    }
}
