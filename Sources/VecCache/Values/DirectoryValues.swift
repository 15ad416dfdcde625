// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Values in an SQLite database of a directory, one for each namespace. Any number of processes of a machine may use it: SQLite lets one
/// write at a time, and the others wait.
final class DirectoryValues: ValueStore, @unchecked Sendable {
    // Safety: `file` is touched under `lock`.

    private let lock = Lock()
    /// nil: it was closed.
    private var file: ValueFile?
    private let counters: ValueCounters
    private let clock: WallClock

    init(_ path: String, _ options: ValueCacheOptions, _ counters: ValueCounters, clock: @escaping WallClock) throws(VecStoreError) {
        self.counters = counters
        self.clock = clock
        try makeDirectory(path)
        file = try ValueFile(
            "\(path)/\(ValueCatalog.fileName(options.namespace))", namespace: options.namespace, maxEntries: options.maxEntries,
            maxBytes: options.maxBytes)
    }

    private func using<R>(_ body: (ValueFile) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        try lock.withLock { () throws(VecStoreError) in
            guard let file else { throw VecStoreError(.invalidHandle, "the cache was closed") }
            return try body(file)
        }
    }

    func get(_ keys: [[UInt8]]) throws(VecStoreError) -> [[UInt8]?] {
        try using { (file) throws(VecStoreError) in try file.get(keys, now: clock()) }
    }

    func set(_ values: [NewValue], ttl: Int64?) throws(VecStoreError) {
        let now = clock()
        let gone = try using { (file) throws(VecStoreError) in
            try file.set(values, end: ttl.flatMap { SemanticCache.end(now, $0) }, now: now)
        }
        counters.expired.add(gone.expired, ordering: .relaxed)
        counters.evictions.add(gone.evicted, ordering: .relaxed)
    }

    func delete(_ keys: [[UInt8]]) throws(VecStoreError) -> Int {
        try using { (file) throws(VecStoreError) in try file.delete(keys, now: clock()) }
    }

    func clear() throws(VecStoreError) -> Int {
        try using { (file) throws(VecStoreError) in try file.clear(now: clock()) }
    }

    func size() throws(VecStoreError) -> (entries: Int, bytes: Int) {
        try using { (file) throws(VecStoreError) in try file.size(now: clock()) }
    }

    func close() throws(VecStoreError) {
        try lock.withLock { () throws(VecStoreError) in
            defer { file = nil }
            try file?.flush()
        }
    }
}
