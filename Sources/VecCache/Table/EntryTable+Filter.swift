// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension EntryTable {
    /// Entries up to which a filter is a list of them: comparing so many takes no longer than a walk.
    private static let mostListed = 4096

    /// What a filter lets through now.
    ///
    /// Filters that were used lately are kept as bits. Where there are too many of them, those that ask for values alone go
    /// by the columns of these.
    func filterSet(_ text: [UInt8]) throws(VecStoreError) -> FilterSet {
        if let live = filters.find(text) { return .bits(try bits(live)) }
        let filter = try MetadataFilter(text, words: filters.words)
        if filters.isFull, let numbers = try numbers(filter) { return .numbers(numbers) }
        // No entry may be on its way meanwhile, which the filter would not see.
        let live = writeLock.withLock {
            if let live = filters.find(text) { return live }
            let live = LiveFilter(text, filter)
            filters.add(live)
            return live
        }
        return .bits(try bits(live))
    }

    private func bits(_ live: LiveFilter) throws(VecStoreError) -> FilterBits {
        try live.current({ () throws(VecStoreError) in try numbers(live.filter) }, { allRecords })
    }

    /// The numbers of the entries that a filter lets through which asks for values alone; nil where it asks for something
    /// else, or lets through many.
    private func numbers(_ filter: MetadataFilter) throws(VecStoreError) -> [UInt64]? {
        guard let values = filter.values else { return nil }
        var common: Set<ValueColumn.Place>?
        for (path, value) in values {
            let column = writeLock.withLock { filters.column(path) }
            guard let column else { return nil }
            let places = try column.places(of: value) { self.allRecords }
            if let before = common { common = before.intersection(places) } else { common = Set(places) }
        }
        guard let common, common.count <= 4 * EntryTable.mostListed else { return nil }
        let numbers = lock.withLock { common.filter { $0.record(in: records) != nil }.map { UInt64($0.number) } }
        return numbers.count <= EntryTable.mostListed ? numbers.sorted() : nil
    }

    /// Takes in what filters have noted. In the background, so that notes do not pile up of filters that nobody uses.
    func tidyFilters() throws(VecStoreError) {
        for filter in filters.all { _ = try bits(filter) }
        let alive = size.entries
        for column in filters.allColumns { try column.tidy(alive: alive) { self.allRecords } }
    }
}
