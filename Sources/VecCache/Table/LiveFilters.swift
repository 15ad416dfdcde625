// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// The filters that were used last.
final class LiveFilters: @unchecked Sendable {
    // Safety: touched under `lock`.

    private let lock = Lock()
    /// The one that was used last at the end.
    private var filters: [LiveFilter] = []
    /// Whether there are any, for writers that do not want to read metadata in vain.
    var isEmpty: Bool { lock.withLock { filters.isEmpty } }
    var count: Int { lock.withLock { filters.count } }
    let words = WordSource()

    /// The filter of a text that is kept already.
    func find(_ text: [UInt8]) -> LiveFilter? {
        lock.withLock {
            guard let place = filters.lastIndex(where: { $0.text == text }) else { return nil }
            let filter = filters[place]
            if place != filters.count - 1 { filters.append(filters.remove(at: place)) }
            return filter
        }
    }

    /// Begins to keep a filter, in the place of the one that was not used for the longest time. For the one writer.
    func add(_ filter: LiveFilter) {
        lock.withLock {
            if filters.count >= CacheLimits.liveFilters { filters.removeFirst() }
            filters.append(filter)
        }
    }

    func removeAll() { lock.withLock { filters = [] } }

    /// Entries have come: for the one writer, before anybody can see them.
    func note(_ records: [EntryRecord]) throws(VecStoreError) {
        let filters = lock.withLock { self.filters }
        if filters.isEmpty { return }
        for record in records {
            try record.withMetadata { bytes throws(VecStoreError) in
                let document = bytes.isEmpty ? nil : try Metadata.parse(bytes)
                defer { withExtendedLifetime(document) {} }
                for filter in filters { filter.note(record.number, matches: try filter.filter.matches(record.id, document?.root)) }
            }
        }
    }
}
