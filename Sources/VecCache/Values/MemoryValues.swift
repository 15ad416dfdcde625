// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Values that live as long as the cache.
final class MemoryValues: ValueStore {
    private let table: ValueTable
    private let clock: WallClock

    init(_ options: ValueCacheOptions, _ counters: ValueCounters, clock: @escaping WallClock) {
        table = ValueTable(maxEntries: options.maxEntries, maxBytes: options.maxBytes, counters)
        self.clock = clock
    }

    func get(_ keys: [[UInt8]]) -> [[UInt8]?] { table.get(keys, now: clock()) }

    func set(_ values: [NewValue], ttl: Int64?) {
        let now = clock()
        table.put(values, end: ttl.flatMap { SemanticCache.end(now, $0) } ?? .max, now: now)
    }

    func delete(_ keys: [[UInt8]]) -> Int { table.remove(keys, now: clock()) }
    func clear() -> Int { table.removeAll(now: clock()) }

    func size() -> (entries: Int, bytes: Int) {
        table.sweep(now: clock())
        return table.size
    }
}
