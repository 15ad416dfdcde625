// Lookups under a filter, and entries that are deleted by one.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("Filters of a cache")
struct CacheFilterTests {
    @Test(arguments: Place.allCases)
    func aLookupSeesOnlyWhatMatches(_ place: Place) throws {
        let test = try TestCache(place)
        try test.set("prompt", "of a", at: 0, metadata: #"{"tenant":"a"}"#)
        try test.set("prompt", "of b", at: 0, metadata: #"{"tenant":"b"}"#)
        for (tenant, response) in [("a", "of a"), ("b", "of b"), ("c", nil)] {
            #expect(try test.get("prompt", filter: match("tenant", tenant)) == response)
            #expect(try test.get(at: 1, filter: match("tenant", tenant)) == response)
        }
    }

    @Test func entriesThatComeLaterAreSeenByAFilterThatWasUsed() throws {
        let test = try TestCache()
        let filter = match("tenant", "a")
        #expect(try test.get(at: 0, filter: filter) == nil)
        for i in 0..<50 {
            try test.set("\(i)", at: Double(i), metadata: #"{"tenant":"\#(i % 2 == 0 ? "a" : "b")"}"#)
            let hit = try test.hit(at: Double(i), filter: filter)
            #expect(hit?.metadata == Array(#"{"tenant":"a"}"#.utf8))
        }
    }

    @Test func filtersAgreeWithWhatMetadataSayWhileEntriesComeAndGo() throws {
        var random = Random(seed: 5)
        let test = try TestCache { $0.maxEntries = 200 }
        let filters = [
            match("kind", "1"), #"{"must_not":[{"key":"kind","match":{"value":"2"}}]}"#, #"{"must":[{"key":"n","range":{"lt":30}}]}"#,
            #"{"must":[{"is_empty":{"key":"kind"}}]}"#,
        ]
        for round in 0..<1500 {
            let n = random.below(60)
            let kind = random.below(4)
            try test.set(
                "\(round)", at: Double(random.below(360)), metadata: kind == 3 ? #"{"n":\#(n)}"# : #"{"kind":"\#(kind)","n":\#(n)}"#)
            guard round % 50 == 0 else { continue }
            if round % 200 == 0 { try test.cache.settle() }
            for filter in filters {
                let expected = try test.cache.delete(where: Array(filter.utf8), isDryRun: true)
                let found = try test.cache.find(
                    vector: direction(0), CacheQuery(threshold: -1, filter: Array(filter.utf8), k: 1000))
                #expect(found.count == expected)
            }
        }
    }

    @Test func onlyTheFiltersThatWereUsedLastAreKept() throws {
        let test = try TestCache()
        try test.set("a", at: 0, metadata: #"{"tenant":"5"}"#)
        for i in 0..<200 { #expect(try test.get("a", filter: match("tenant", "\(i)")) == (i == 5 ? "response to a" : nil)) }
        #expect(try test.cache.stats().liveFilters == CacheLimits.liveFilters)
        #expect(try test.get("a", filter: match("tenant", "5")) != nil)
    }

    @Test func moreTenantsThanFiltersAreKeptSeeTheirOwn() throws {
        var random = Random(seed: 11)
        let test = try TestCache { $0.maxEntries = 600 }
        let tenants = 3 * CacheLimits.liveFilters
        for round in 0..<3000 {
            let tenant = random.below(tenants)
            let metadata = #"{"tenant":[\#(tenant),"t\#(tenant)"],"even":\#(tenant % 2 == 0)}"#
            try test.set("\(round)", at: Double(random.below(360)), metadata: metadata)
            guard round % 10 == 0 else { continue }
            let asked = random.below(tenants)
            for filter in [
                #"{"must":[{"key":"tenant","match":{"value":\#(asked)}}]}"#, match("tenant", "t\(asked)"),
                #"{"must":[{"key":"tenant","match":{"value":\#(asked)}},{"key":"even","match":{"value":true}}]}"#,
            ] {
                let text = Array(filter.utf8)
                let found = try test.cache.find(vector: direction(0), CacheQuery(threshold: -1, filter: text, k: 1000))
                #expect(try found.count == test.cache.delete(where: text, isDryRun: true))
            }
        }
        #expect(try test.cache.stats().liveFilters == CacheLimits.liveFilters)
        try test.cache.table.tidyFilters()
        #expect(try test.cache.find(vector: direction(0), CacheQuery(threshold: -1, k: 1000)).count == 600)
    }

    @Test(arguments: ["", "[]", "{", #"{"musst":[]}"#, #"{"must":[{"key":"a","match":{"valu":1}}]}"#])
    func whatIsNoFilterIsAnErrorAndNoMiss(_ filter: String) throws {
        let test = try TestCache()
        try test.set("a", at: 0)
        #expect(failure { _ = try test.get("a", filter: filter) }?.code == .invalidArgument)
        #expect(failure { try test.cache.delete(where: Array(filter.utf8)) }?.code == .invalidArgument)
        #expect(try test.count == 1)
    }
}
