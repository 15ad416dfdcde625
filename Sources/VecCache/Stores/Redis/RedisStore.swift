// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Entries that live in Redis, shared by all processes that open the same namespace there: plain hashes, a sorted set and a stream; see
/// `RedisKeys`.
///
/// Changes go through `RedisWriter`, those of others come by `RedisFollower`. While the server is away lookups go on from the table,
/// and changes wait.
package final class RedisStore: CacheStore, @unchecked Sendable {
    // Safety: `parts` is set once, before all else.

    package typealias Settings = RedisNamespaceSettings

    private let namespace: RedisNamespace
    private var parts: (writer: RedisWriter, follower: RedisFollower)?

    package init(_ url: RedisURL, _ cache: CacheOptions) throws(VecStoreError) {
        namespace = try RedisNamespace(RedisClient(url, cache.redis), cache, cache.sharing)
    }

    package func open(_ sink: any CacheSink) throws(VecStoreError) {
        let doubtful = Doubt()
        let writer = RedisWriter(namespace, sink) { doubtful.follower?.doubt() }
        let follower = RedisFollower(namespace, sink) { [weak writer] in writer?.waitingIDs ?? [] }
        doubtful.follower = follower
        do throws(VecStoreError) {
            try follower.begin()
        } catch {
            // Somebody who may be away later may be away now.
            guard error.code == .unavailable, namespace.failsOpen else {
                namespace.client.close()
                throw error
            }
            follower.note(error)
        }
        parts = (writer, follower)
        follower.start()
    }

    /// The follower, for the writer, which is made before it.
    private final class Doubt: @unchecked Sendable {
        // Safety: set before anybody reads it.
        weak var follower: RedisFollower?
    }

    // MARK: - Changes

    package func set(_ entries: [CacheEntry]) throws(VecStoreError) { _ = try parts?.writer.make(entries.map { .set($0) }) }

    package func delete(_ ids: [EntryID]) throws(VecStoreError) -> Int { try parts?.writer.make(ids.map { .delete($0) }) ?? 0 }

    package func clear() throws(VecStoreError) -> Int {
        guard let parts else { return 0 }
        var count = 0
        try parts.follower.forEachID { (ids) throws(VecStoreError) in count += try delete(ids) }
        return count
    }

    package func touch(_ id: EntryID, expires: Int64) { parts?.writer.touch(id, expires: expires) }

    package func setNegatives(_ id: EntryID, _ negatives: [[Float]]) throws(VecStoreError) {
        _ = try parts?.writer.make([.setWrong(id, negatives)])
    }

    /// Redis lets entries go by itself, but not their ids.
    package func forget(_ ids: [EntryID]) {
        let now = wallClock()
        parts?.writer.makeLater(ids.map { .prune($0, now: now) })
    }

    // MARK: - Reading

    package func fetch(_ ids: [EntryID]) throws(VecStoreError) -> [FetchedEntry?] {
        let replies = try namespace.client.pipeline(ids.map { RedisEntry.readResponse(namespace.keys.entry($0)) })
        var entries: [FetchedEntry?] = []
        for reply in replies { entries.append(try RedisEntry.response(reply)) }
        return entries
    }

    package func checkReachable() throws(VecStoreError) {
        if let failure = parts?.follower.failure { throw failure }
    }

    /// Its threads do what there is to do.
    package func upkeep() {}

    // MARK: - State

    package var reasons: [HealthReport.Reason] {
        guard let parts else { return [] }
        var reasons: [HealthReport.Reason] = []
        if let failure = parts.follower.failure {
            reasons.append(.init("redis_away", .degraded, failure.message))
        }
        let queued = parts.writer.queued
        if parts.writer.isAway && queued > 0 {
            reasons.append(.init("changes_wait", .degraded, "\(queued) changes wait for Redis"))
        }
        return reasons
    }

    package func metrics() -> [CacheMetric] {
        guard let parts else { return [] }
        func counter(_ name: String, _ help: String, _ value: some BinaryInteger) -> CacheMetric {
            CacheMetric(name: name, kind: .counter, help: help, value: Double(value))
        }
        func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) -> CacheMetric {
            CacheMetric(name: name, kind: .gauge, help: help, value: Double(value))
        }
        return namespace.client.metrics + [
            gauge("redis_up", "Whether the changes of others are heard of.", parts.follower.failure == nil ? 1 : 0),
            gauge("stream_lag", "Changes that are known to be there and were not taken yet.", parts.follower.lag),
            gauge("queued_changes", "Changes that wait to be made in Redis.", parts.writer.queued),
            counter("dropped_changes_total", "Changes that were given up.", parts.writer.dropped),
            counter("syncs_total", "How often all entries were compared with those of Redis.", parts.follower.syncs),
        ]
    }

    // MARK: - The end

    /// Waits until all changes are made.
    /// - Returns: Whether they are.
    package func flush(milliseconds: Int) -> Bool { parts?.writer.flush(until: Deadline(milliseconds: milliseconds)) ?? true }

    package func close() throws(VecStoreError) {
        let lost = parts?.writer.close() ?? 0
        parts?.follower.stop()
        namespace.client.close()
        guard lost == 0 else {
            throw VecStoreError(.unavailable, "\(lost) changes that waited for Redis are lost: it did not answer until the cache was closed")
        }
    }
}
