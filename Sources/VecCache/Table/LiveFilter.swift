// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A filter that was used, with the numbers that match it: evaluated once over all entries, and for each that comes after that.
final class LiveFilter: @unchecked Sendable {
    // Safety: `bits` is touched under `lock`, `changes` and `failure` under `changeLock`.

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
    /// - Parameter records: All entries, as they were when the filter began to take notes.
    func current(_ records: () -> [EntryRecord?]) throws(VecStoreError) -> FilterBits {
        try lock.withLock { () throws(VecStoreError) in
            if bits == nil { bits = try evaluate(records()) }
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

    private func evaluate(_ records: [EntryRecord?]) throws(VecStoreError) -> FilterBits {
        let bits = FilterBits()
        var matching: [(number: UInt32, matches: Bool)] = []
        for case let record? in records where try filter.matches(record) { matching.append((record.number, true)) }
        bits.set(matching)
        return bits
    }
}
