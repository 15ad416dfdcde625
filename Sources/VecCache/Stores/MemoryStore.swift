// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Entries that live as long as the cache: the table is all there is.
final class MemoryStore: CacheStore, @unchecked Sendable {
    // Safety: `sink` is set before all else.

    private weak var sink: (any CacheSink)?

    func open(_ sink: any CacheSink) { self.sink = sink }
    func set(_ entries: [CacheEntry]) throws(VecStoreError) { _ = try sink?.put(entries) }
    func delete(_ ids: [EntryID]) -> Int { sink?.remove(ids) ?? 0 }
    func clear() throws(VecStoreError) -> Int { try sink?.clear() ?? 0 }
    func touch(_ id: EntryID, expires: Int64) {}
    func setNegatives(_ id: EntryID, _ negatives: [[Float]]) { sink?.setNegatives(id, negatives) }
    func fetch(_ ids: [EntryID]) -> [FetchedEntry?] { [] }
    func forget(_ ids: [EntryID]) {}
    func upkeep() {}
    var reasons: [HealthReport.Reason] { [] }
    func metrics() -> [CacheMetric] { [] }
    func close() {}
}
