// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import VecCollection
import VecIndex

/// Responses to prompts, found by the same prompt or by one that means the same.
///
/// A store has the entries. The table of this process knows them all, so a miss never asks the store.
package final class SemanticCache: @unchecked Sendable {
    // Safety: nothing changes but what is atomic; the parts are made for many threads.

    package let options: CacheOptions
    /// What kind of place the entries live in, as metrics call it.
    package let storeKind: String
    let table: EntryTable
    let store: any CacheStore
    let counters: CacheCounters
    private let worker: Worker
    private let owner = thisProcess()
    private let isClosed = Atomic<Bool>(false)

    /// The longest that the background sleeps while entries have an end.
    private static let longestSleep: Int64 = 1000

    /// - Parameter store: Not opened yet.
    package init(
        _ store: any CacheStore, _ options: CacheOptions, kind: String, clock: @escaping WallClock = wallClock
    ) throws(VecStoreError) {
        try options.check()
        self.options = options
        storeKind = kind
        self.store = store
        let counters = CacheCounters()
        let background = Background()
        let worker = Worker { background.work() }
        let table = try EntryTable(
            dimension: options.dimension, type: options.vectorType,
            bounds: CacheBounds(entries: options.maxEntries, bytes: options.maxBytes), policy: options.eviction,
            counters: counters, clock: clock, wake: { worker.wake() })
        self.counters = counters
        self.worker = worker
        self.table = table
        background.set(table, store)
        do throws(VecStoreError) {
            try store.open(table)
        } catch {
            worker.stop()
            throw error
        }
        worker.wake()
    }

    deinit {
        guard isProcess(owner), !isClosed.load(ordering: .acquiring) else { return }
        worker.stop()
        try? store.close()
    }

    /// Opens a cache.
    /// - Parameter url: `memory:`, the path of a directory, or where a Redis is (`RedisURL`); nil: the Redis that the environment says.
    package static func open(
        _ url: String?, _ options: CacheOptions, clock: @escaping WallClock = wallClock
    ) throws(VecStoreError) -> SemanticCache {
        try options.check()
        guard let url else {
            return try SemanticCache(RedisStore(try .fromEnvironment(), options), options, kind: "redis", clock: clock)
        }
        if url == "memory:" { return try SemanticCache(MemoryStore(), options, kind: "memory", clock: clock) }
        if url.contains("://") {
            return try SemanticCache(RedisStore(try RedisURL(url), options), options, kind: "redis", clock: clock)
        }
        guard !url.isEmpty, !url.utf8.contains(0) else {
            throw VecStoreError(.invalidArgument, "the URL of a cache is memory:, redis://, rediss://, unix://, or the path of a directory")
        }
        return try SemanticCache(DirectoryStore(url, options, clock: clock), options, kind: "directory", clock: clock)
    }

    /// What the background does.
    private final class Background: @unchecked Sendable {
        // Safety: set before the thread starts.

        private weak var table: EntryTable?
        private weak var store: (any CacheStore)?

        func set(_ table: EntryTable, _ store: any CacheStore) {
            self.table = table
            self.store = store
        }

        func work() -> Worker.Next {
            guard let table else { return .sleep }
            let expired = table.sweep()
            if !expired.isEmpty { store?.forget(expired) }
            do throws(VecStoreError) {
                if try table.upkeep() { return .goOn }
            } catch {
                // Entries are found without it, by comparing them.
                return .sleepFor(milliseconds: Int(SemanticCache.longestSleep))
            }
            store?.upkeep()
            guard let end = table.nextEnd() else { return .sleep }
            return .sleepFor(milliseconds: Int(max(10, min(end, SemanticCache.longestSleep))))
        }
    }

    // MARK: - Who may do what

    func checkUsable() throws(VecStoreError) {
        if isClosed.load(ordering: .acquiring) { throw VecStoreError(.invalidHandle, "the cache was closed") }
        guard isProcess(owner) else {
            throw VecStoreError(
                .invalidHandle, "the cache was opened before fork(): a child opens it for itself, its connections cannot be shared")
        }
    }

    /// Brings all entries into the graph that are to be there, on the calling thread.
    package func settle() throws(VecStoreError) {
        try checkUsable()
        try table.settle()
    }

    /// Waits until all changes are where they are to be: those that were made while Redis was away wait for it.
    /// - Returns: Whether they are.
    package func flush(milliseconds: Int) throws(VecStoreError) -> Bool {
        try checkUsable()
        return store.flush(milliseconds: milliseconds)
    }

    /// Writes what waits, and lets go of everything. Later calls are refused.
    package func close() throws(VecStoreError) {
        if isClosed.exchange(true, ordering: .acquiringAndReleasing) { return }
        guard isProcess(owner) else { return }
        worker.stop()
        try store.close()
    }
}
