// Which entries go where there are too many.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("Eviction")
struct EvictionTests {
    private func prompts(_ test: TestCache, _ names: [String]) throws -> [String] {
        try names.filter { try test.cache.table.find(EntryID(prompt: Array($0.utf8), metadata: [])) != nil }
    }

    @Test(arguments: Place.allCases)
    func theOneThatWasNotUsedForTheLongestTimeGoes(_ place: Place) throws {
        let test = try TestCache(place) { $0.maxEntries = 3 }
        for (i, name) in ["a", "b", "c"].enumerated() { try test.set(name, at: Double(60 * i)) }
        #expect(try test.get("a") != nil)
        try test.set("d", at: 180)
        #expect(try prompts(test, ["a", "b", "c", "d"]) == ["a", "c", "d"])
        #expect(try test.cache.stats().evictions == 1)
        if place.isDurable {
            try test.reopen()
            #expect(try prompts(test, ["a", "b", "c", "d"]) == ["a", "c", "d"])
        }
    }

    @Test func theOneThatWasUsedTheLeastGoes() throws {
        let test = try TestCache {
            $0.maxEntries = 3
            $0.eviction = .lfu
        }
        for (i, name) in ["a", "b", "c"].enumerated() { try test.set(name, at: Double(60 * i)) }
        for _ in 0..<3 { for name in ["a", "c"] { _ = try test.get(name) } }
        _ = try test.get("b")
        try test.set("d", at: 180)
        #expect(try prompts(test, ["a", "b", "c", "d"]) == ["a", "c", "d"])
    }

    @Test func whatWasUsedMuchLongAgoGoesInTheEnd() throws {
        let test = try TestCache {
            $0.maxEntries = 2
            $0.eviction = .lfu
        }
        try test.set("old", at: 0)
        for _ in 0..<5 { _ = try test.get("old") }
        for i in 0..<20 {
            try test.set("new \(i)", at: Double(i))
            _ = try test.get("new \(i)")
        }
        #expect(try prompts(test, ["old"]) == [])
    }

    @Test func theOneThatIsWorthTheLeastForItsSizeGoes() throws {
        let test = try TestCache {
            $0.maxEntries = 3
            $0.eviction = .cost
        }
        try test.set("dear", at: 0, cost: 100)
        try test.set("cheap", at: 60, cost: 1)
        try test.set("large", String(repeating: "x", count: 100_000), at: 120, cost: 100)
        try test.set("next", at: 180, cost: 100)
        #expect(try prompts(test, ["dear", "cheap", "large", "next"]) == ["dear", "cheap", "next"])
        try test.set("last", at: 240, cost: 100)
        #expect(try prompts(test, ["dear", "cheap", "next", "last"]) == ["dear", "next", "last"])
    }

    @Test func bytesAreABoundToo() throws {
        let test = try TestCache { $0.maxBytes = 50_000 }
        for i in 0..<100 {
            try test.set("\(i)", String(repeating: "x", count: 2000), at: Double(i))
            #expect(try test.cache.stats().bytes <= 50_000)
        }
        #expect(try test.count >= 15)
        #expect(try test.get("99") != nil)
        #expect(try test.get("0") == nil)
    }

    @Test func anEntryThatIsLargerThanAllThereMayBeIsRefused() throws {
        let test = try TestCache { $0.maxBytes = 5000 }
        try test.set("a", at: 0)
        #expect(failure { try test.set("b", String(repeating: "x", count: 5000), at: 90) }?.code == .tooLarge)
        #expect(try test.get("a") != nil)
    }

    @Test func theOrderIsThatOfASlowObviousOne() throws {
        var random = Random(seed: 4)
        let test = try TestCache { $0.maxEntries = 20 }
        var order: [Int] = []
        for _ in 0..<2000 {
            let prompt = random.below(60)
            if try test.get("\(prompt)") == nil {
                try test.set("\(prompt)", at: Double(prompt))
                #expect(!order.contains(prompt))
                order.append(prompt)
                if order.count > 20 { order.removeFirst() }
            } else {
                order.append(order.remove(at: try #require(order.firstIndex(of: prompt))))
            }
        }
        #expect(try prompts(test, (0..<60).map { "\($0)" }).count == 20)
        for prompt in order { #expect(try test.get("\(prompt)") != nil) }
    }
}
