// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// The filters that were used last, and the values that filters have asked for.
final class LiveFilters: @unchecked Sendable {
    // Safety: touched under `lock`.

    private let lock = Lock()
    /// The one that was used last at the end.
    private var filters: [LiveFilter] = []
    private var columns: [ValueColumn] = []
    var count: Int { lock.withLock { filters.count } }
    var isFull: Bool { count >= CacheLimits.liveFilters }
    var all: [LiveFilter] { lock.withLock { filters } }
    var allColumns: [ValueColumn] { lock.withLock { columns } }
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

    /// The column of a path, which is kept from now on; nil where there are too many. For the one writer.
    func column(_ path: PayloadPath) -> ValueColumn? {
        lock.withLock {
            if let column = columns.first(where: { $0.path == path }) { return column }
            guard columns.count < CacheLimits.valueColumns else { return nil }
            let column = ValueColumn(path)
            columns.append(column)
            return column
        }
    }

    func removeAll() {
        lock.withLock {
            filters = []
            columns = []
        }
    }

    /// Entries have come: for the one writer, before anybody can see them.
    func note(_ records: [EntryRecord]) throws(VecStoreError) {
        let (filters, columns) = lock.withLock { (self.filters, self.columns) }
        if filters.isEmpty && columns.isEmpty { return }
        for record in records {
            try record.withMetadata { bytes throws(VecStoreError) in
                let document = bytes.isEmpty ? nil : try Metadata.parse(bytes)
                defer { withExtendedLifetime(document) {} }
                if let document { for column in columns { column.note(record, document.root) } }
                for filter in filters { filter.note(record.number, matches: try filter.filter.matches(record.id, document?.root)) }
            }
        }
    }
}
