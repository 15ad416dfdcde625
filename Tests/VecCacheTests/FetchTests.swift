// Responses that only the store has.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecCollection
import VecIndex

@testable import VecCache

/// A store of its own: it has responses in a table, and loses them, changes them, or does not answer where it is told to.
private final class KeepingStore: CacheStore, @unchecked Sendable {
    // Safety: touched by one thread at a time.

    private weak var sink: (any CacheSink)?
    private(set) var kept: [EntryID: CacheEntry] = [:]
    private(set) var fetches = 0
    private(set) var touches: [EntryID: Int64] = [:]
    var isSilent = false

    func lose(_ id: EntryID) { kept[id] = nil }
    func shorten(_ id: EntryID, to time: Int64) { kept[id]?.expires = time }

    func open(_ sink: any CacheSink) { self.sink = sink }

    func set(_ entries: [CacheEntry]) throws(VecStoreError) {
        for entry in entries { kept[entry.id] = entry }
        let gone = try sink?.put(
            entries.map {
                var shown = $0
                shown.response = nil
                return shown
            })
        for id in (gone?.evicted ?? []) + (gone?.expired ?? []) { kept[id] = nil }
    }

    func delete(_ ids: [EntryID]) -> Int {
        for id in ids { kept[id] = nil }
        return sink?.remove(ids) ?? 0
    }

    func clear() throws(VecStoreError) -> Int {
        kept = [:]
        return try sink?.clear() ?? 0
    }

    func touch(_ id: EntryID, expires: Int64) { touches[id] = expires }
    func setNegatives(_ id: EntryID, _ negatives: [[Float]]) { sink?.setNegatives(id, negatives) }

    func fetch(_ id: EntryID) throws(VecStoreError) -> FetchedEntry? {
        fetches += 1
        if isSilent { throw VecStoreError(.io, "the store does not answer") }
        return kept[id].map { FetchedEntry(response: $0.response ?? [], expires: $0.expires) }
    }

    func forget(_ ids: [EntryID]) { for id in ids { kept[id] = nil } }
    func upkeep() {}
    var reasons: [CollectionHealth.Reason] { [] }
    func metrics() -> [CacheMetric] {
        [CacheMetric(name: "kept", kind: .gauge, help: "Entries that are kept.", value: Double(kept.count))]
    }
    func close() {}
}

@Suite("Responses that the store has")
struct FetchTests {
    private let store = KeepingStore()
    private let clock = TestClock()

    private func cache(_ change: (inout CacheOptions) -> Void = { _ in }) throws -> SemanticCache {
        var options = CacheOptions(namespace: "test", dimension: 2)
        change(&options)
        let clock = clock
        return try SemanticCache(store, options, kind: "kept", clock: { clock.now })
    }

    private func set(_ cache: SemanticCache, _ prompt: String, at degrees: Double, ttl: TimeToLive = .standard) throws -> EntryID {
        try cache.set(prompt: Array(prompt.utf8), response: Array("of \(prompt)".utf8), vector: direction(degrees), ttl: ttl)
    }

    @Test func aHitAsksForOneAndAMissForNone() throws {
        let cache = try cache()
        for i in 0..<10 { _ = try set(cache, "\(i)", at: Double(20 * i)) }
        #expect(try cache.get(prompt: Array("none".utf8), vector: direction(270)) == nil)
        #expect(store.fetches == 0)
        #expect(try cache.get(vector: direction(41))?.response == Array("of 2".utf8))
        #expect(store.fetches == 1)
    }

    @Test func whatIsGoneIsNoHitAndTheNextBestIs() throws {
        let cache = try cache()
        let gone = try set(cache, "gone", at: 0)
        _ = try set(cache, "there", at: 10)
        store.lose(gone)
        #expect(try cache.get(vector: direction(1))?.response == Array("of there".utf8))
        #expect(try cache.stats().gone == 1)
        #expect(try cache.stats().entries == 1)
    }

    @Test func whatEndsInTheStoreIsNotServed() throws {
        let cache = try cache()
        let id = try set(cache, "a", at: 0, ttl: .milliseconds(1000))
        store.shorten(id, to: clock.now + 10)
        #expect(try cache.get(vector: direction(0))?.expires == clock.now + 10)
        clock.pass(10)
        #expect(try cache.get(vector: direction(0)) == nil)
    }

    @Test func aStoreThatDoesNotAnswerIsAMissAndIsAskedOnce() throws {
        let cache = try cache()
        _ = try set(cache, "a", at: 0)
        store.isSilent = true
        #expect(try cache.get(prompt: Array("a".utf8), vector: direction(0)) == nil)
        #expect(store.fetches == 1)
        let stats = try cache.stats()
        #expect(stats.misses == 1)
        #expect(stats.storeErrors == 1)
        #expect(stats.lastError?.message == "the store does not answer")
        store.isSilent = false
        #expect(try cache.get(prompt: Array("a".utf8)) != nil)
    }

    @Test func aCacheThatFailsClosedSaysSo() throws {
        let cache = try cache { $0.failsOpen = false }
        _ = try set(cache, "a", at: 0)
        store.isSilent = true
        #expect(failure { _ = try cache.get(vector: direction(0)) }?.code == .io)
    }

    @Test func whatIsEvictedGoesInTheStoreToo() throws {
        let cache = try cache { $0.maxEntries = 3 }
        for i in 0..<10 { _ = try set(cache, "\(i)", at: Double(20 * i)) }
        #expect(store.kept.count == 3)
        #expect(try cache.metrics().contains(#"vecstore_cache_kept{namespace="test",store="kept"} 3.0"#))
    }

    @Test func whatHadToGoAndComesAgainInTheSameBatchStays() throws {
        let cache = try cache { $0.maxEntries = 1 }
        let entries = ["a", "b", "a"].map {
            NewEntry(prompt: Array($0.utf8), response: Array("of \($0)".utf8), vector: direction(0))
        }
        try cache.setMany(entries)
        #expect(try cache.get(prompt: Array("a".utf8))?.response == Array("of a".utf8))
        #expect(store.kept.count == 1)
    }

    @Test func theStoreHearsOfEndsThatHitsPutOff() throws {
        let cache = try cache {
            $0.ttl = 1000
            $0.refreshesOnHit = true
        }
        let id = try set(cache, "a", at: 0)
        clock.pass(500)
        _ = try cache.get(vector: direction(0))
        #expect(store.touches[id] == clock.now + 1000)
    }
}
