// What a cache says of itself.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("Metrics of a cache")
struct CacheMetricsTests {
    @Test func lookupsAreCountedByWhatCameOfThem() throws {
        let test = try TestCache()
        try test.set("a", at: 0)
        for _ in 0..<3 { _ = try test.get("a") }
        for _ in 0..<2 { _ = try test.get("b", at: 10) }
        _ = try test.get("b", at: 90)
        _ = failure { _ = try test.get("a", threshold: 2) }
        let stats = try test.cache.stats()
        #expect(stats.exactHits == 3)
        #expect(stats.semanticHits == 2)
        #expect(stats.misses == 1)
        #expect(stats.failures == 1)
        #expect(stats.hitRate == 5.0 / 6)
        let text = try test.cache.metrics()
        #expect(text.contains(#"vecstore_cache_lookups_total{namespace="test",store="memory",result="exact"} 3"#))
        #expect(text.contains(#"vecstore_cache_lookups_total{namespace="test",store="memory",result="semantic"} 2"#))
        #expect(text.contains(#"vecstore_cache_lookups_total{namespace="test",store="memory",result="miss"} 1"#))
        #expect(text.contains(#"vecstore_cache_similarity_bucket{namespace="test",store="memory",le="0.975"} 1"#))
        #expect(text.contains(#"vecstore_cache_similarity_count{namespace="test",store="memory"} 3"#))
        #expect(text.contains(#"vecstore_cache_lookup_duration_seconds_count{namespace="test",store="memory"} 6"#))
        #expect(text.contains(#"vecstore_cache_entries{namespace="test",store="memory"} 1"#))
        #expect(text.contains(#"vecstore_cache_healthy{namespace="test",store="memory"} 1"#))
    }

    @Test func aMissBeforeAnotherLookIsNotCounted() throws {
        let test = try TestCache()
        try test.set("a", at: 0)
        let first = CacheQuery(countsMiss: false)
        #expect(try test.cache.get(prompt: Array("b".utf8), first) == nil)
        #expect(try test.cache.get(prompt: Array("a".utf8), first) != nil)
        #expect(try test.cache.stats().misses == 0)
        #expect(try test.cache.stats().exactHits == 1)
        let text = try test.cache.metrics()
        #expect(text.contains(#"vecstore_cache_lookup_duration_seconds_count{namespace="test",store="memory"} 1"#))
    }

    @Test func severalCachesHaveEachFamilyOnce() throws {
        let one = try TestCache { $0.namespace = "one" }, other = try TestCache(.directory) { $0.namespace = "other" }
        let text = try CacheMetrics.text([one.cache, other.cache])
        let families = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
        #expect(Set(families).count == families.count)
        #expect(text.contains(#"vecstore_cache_entries{namespace="one",store="memory"} 0"#))
        #expect(text.contains(#"vecstore_cache_entries{namespace="other",store="directory"} 0"#))
        #expect(failure { _ = try CacheMetrics.text([one.cache, one.cache]) }?.code == .invalidArgument)
    }

    @Test func aHealthyCacheSaysSo() throws {
        for place in Place.allCases {
            let test = try TestCache(place)
            try test.set("a", at: 0)
            #expect(test.cache.health().reasons.filter { !$0.code.hasPrefix("disk") }.map(\.message) == [])
        }
    }

    @Test func bytesAreThoseOfTheEntriesThatThereAre() throws {
        let test = try TestCache()
        let id = try test.set("a", at: 0)
        let one = try test.cache.stats().bytes
        try test.set("b", at: 90)
        #expect(try test.cache.stats().bytes == 2 * one)
        try test.cache.feedback(id, vector: direction(10), isWrong: true)
        #expect(try test.cache.stats().bytes == 2 * one + 8)
        try test.cache.clear()
        #expect(try test.cache.stats().bytes == 0)
    }
}
