// What a cache does, wherever its entries live.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("Semantic cache")
struct SemanticCacheTests {
    @Test(arguments: Place.allCases)
    func answersTheSamePromptWithoutAVector(_ place: Place) throws {
        let test = try TestCache(place)
        try test.set("How do I reset my password?", "By mail.", at: 0)
        let hit = try #require(try test.hit("How do I reset my password?"))
        #expect(hit.tier == .exact)
        #expect(hit.similarity == 1)
        #expect(hit.response == Array("By mail.".utf8))
        #expect(try test.get("How do I reset my PIN?") == nil)
    }

    @Test(arguments: Place.allCases)
    func answersAPromptThatMeansTheSame(_ place: Place) throws {
        let test = try TestCache(place)
        let id = try test.set("How do I reset my password?", "By mail.", at: 0, metadata: #"{"b": 1, "a": "x"}"#)
        let hit = try #require(try test.hit("I forgot my password", at: 10))
        #expect(hit.tier == .semantic)
        #expect(abs(hit.similarity - 0.9848) < 0.0001)
        #expect(hit.id == id)
        #expect(hit.prompt == Array("How do I reset my password?".utf8))
        #expect(hit.response == Array("By mail.".utf8))
        #expect(hit.metadata == Array(#"{"a":"x","b":1}"#.utf8))
        #expect(hit.created == test.clock.now)
        #expect(hit.expires == nil)
        #expect(try test.get("Where is my parcel?", at: 90) == nil)
    }

    @Test(arguments: Place.allCases)
    func takesTheNearestOfSeveral(_ place: Place) throws {
        let test = try TestCache(place)
        for degrees in stride(from: 0.0, to: 60, by: 5) { try test.set("\(degrees)", at: degrees) }
        #expect(try test.get(at: 31) == "response to 30.0")
        let all = try test.cache.find(vector: direction(31), CacheQuery(threshold: 0.99, k: 10))
        #expect(all.map { String(decoding: $0.prompt, as: UTF8.self) } == ["30.0", "35.0", "25.0"])
        #expect(try test.cache.find(vector: direction(31), CacheQuery(threshold: 0.99, k: 2)).count == 2)
    }

    @Test(arguments: Place.allCases)
    func setsAPromptAgainInItsPlace(_ place: Place) throws {
        let test = try TestCache(place)
        let first = try test.set("prompt", "old", at: 0)
        let second = try test.set("prompt", "new", at: 45)
        #expect(first == second)
        #expect(try test.count == 1)
        #expect(try test.get("prompt") == "new")
        #expect(try test.get(at: 45) == "new")
        #expect(try test.get(at: 0) == nil)
    }

    @Test(arguments: Place.allCases)
    func setsManyAtOnceAndTheLastOfTheSameWins(_ place: Place) throws {
        let test = try TestCache(place)
        let entries = (0..<1000).map { i in
            NewEntry(prompt: Array("prompt \(i % 600)".utf8), response: Array("\(i)".utf8), vector: direction(Double(i % 600) / 2))
        }
        let ids = try test.cache.setMany(entries)
        #expect(ids.count == 1000)
        #expect(ids[0] == ids[600])
        #expect(try test.count == 600)
        #expect(try test.get("prompt 7") == "607")
        #expect(try test.get("prompt 500") == "500")
    }

    @Test func anEntryIsNotMissedWhileItIsSetAgain() throws {
        let test = try TestCache()
        try test.set("prompt", at: 0)
        let cache = test.cache, failures = Failures(), isOver = Atomic<Bool>(false)
        let exact = Atomic<Int>(0), semantic = Atomic<Int>(0)
        let threads = [true, false].map { isExact in
            let thread = Thread {
                while !isOver.load(ordering: .acquiring) {
                    failures.run {
                        let hit = try isExact ? cache.get(prompt: Array("prompt".utf8)) : cache.get(vector: direction(5))
                        if hit == nil { failures.note("a miss of the \(isExact ? "prompt" : "vector")") }
                    }
                    if isExact { exact.add(1, ordering: .releasing) } else { semantic.add(1, ordering: .releasing) }
                }
            }
            thread.start()
            return thread
        }
        for i in 0..<200 {
            let before = (exact.load(ordering: .acquiring), semantic.load(ordering: .acquiring))
            try test.set("prompt", "\(i)", at: 0)
            // Once for each lookup at most: whoever is overtaken by eight in a row may miss it.
            while exact.load(ordering: .acquiring) == before.0 || semantic.load(ordering: .acquiring) == before.1 { sched_yield() }
        }
        isOver.store(true, ordering: .releasing)
        while !threads.allSatisfy(\.isFinished) { usleep(1000) }
        #expect(failures.all.isEmpty)
    }

    @Test func checksAllOfABatchBeforeTheFirstIsWritten() throws {
        let test = try TestCache()
        let good = NewEntry(prompt: [1], response: [], vector: direction(0))
        let bad = NewEntry(prompt: [2], response: [], vector: [1, 2, 3])
        let error = failure { try test.cache.setMany([good, bad]) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message == "entry 1: the vector has 3 elements: the cache has dim 2")
        #expect(try test.count == 0)
    }

    @Test(arguments: Place.allCases)
    func keepsBytesThatAreNoText(_ place: Place) throws {
        let test = try TestCache(place)
        let prompt: [UInt8] = [0, 255, 10, 34, 92, 128], response = (0..<3000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        try test.cache.set(prompt: prompt, response: response, vector: direction(0))
        if place.isDurable { try test.reopen() }
        #expect(try test.cache.get(prompt: prompt)?.response == response)
        #expect(try test.cache.get(vector: direction(0))?.prompt == prompt)
    }

    @Test(arguments: Place.allCases)
    func otherMetadataMakeAnotherEntryUnlessPromptsAreKeys(_ place: Place) throws {
        for isOnePerPrompt in [false, true] {
            let test = try TestCache(place) { $0.isOnePerPrompt = isOnePerPrompt }
            for n in 0..<3 {
                try test.set("a", "\(n)", at: Double(40 * n), metadata: #"{"n": \#(n)}"#)
                // The one that was set last is told by the time.
                test.clock.pass(1)
            }
            #expect(try test.count == (isOnePerPrompt ? 1 : 3))
            if place.isDurable { try test.reopen() }
            #expect(try test.count == (isOnePerPrompt ? 1 : 3))
            #expect(try test.get("a") == "2")
            #expect(try test.get(at: 0) == (isOnePerPrompt ? nil : "0"))
        }
    }

    @Test(arguments: Place.allCases)
    func deletesByID(_ place: Place) throws {
        let test = try TestCache(place)
        let id = try test.set("a", at: 0)
        try test.set("b", at: 90)
        #expect(try test.cache.delete([id, id, EntryID(high: 1, low: 2)]) == 1)
        #expect(try test.get("a") == nil)
        #expect(try test.get(at: 0) == nil)
        #expect(try test.get("b") == "response to b")
    }

    @Test(arguments: Place.allCases)
    func clearsAll(_ place: Place) throws {
        let test = try TestCache(place)
        for i in 0..<10 { try test.set("\(i)", at: Double(10 * i)) }
        #expect(try test.cache.clear() == 10)
        #expect(try test.count == 0)
        #expect(try test.get("3", at: 30) == nil)
        try test.set("3", at: 30)
        #expect(try test.get(at: 31) == "response to 3")
    }

    @Test func asksForOneOfPromptAndVector() throws {
        let test = try TestCache()
        #expect(failure { _ = try test.get() }?.code == .invalidArgument)
        #expect(failure { _ = try test.get("prompt", tiers: .semantic) }?.code == .invalidArgument)
        #expect(failure { _ = try test.get(at: 0, tiers: .exact) }?.code == .invalidArgument)
    }

    @Test func usesOnlyTheTiersThatAreAskedFor() throws {
        let test = try TestCache()
        try test.set("a", at: 0)
        #expect(try test.get("a", at: 90, tiers: .semantic) == nil)
        #expect(try test.hit("a", at: 0, tiers: .semantic)?.tier == .semantic)
        #expect(try test.get("b", at: 0, tiers: .exact) == nil)
    }

    @Test(arguments: ["", "a b", "a{b", "a}b", "a\u{1}b", "a\u{2003}b", String(repeating: "x", count: 129)])
    func refusesNamespacesThatCannotBePartOfAKey(_ namespace: String) throws {
        #expect(failure { _ = try TestCache { $0.namespace = namespace } }?.code == .invalidArgument)
    }

    @Test func refusesVectorsWithoutADirection() throws {
        let test = try TestCache()
        #expect(failure { try test.cache.set(prompt: [1], response: [], vector: [0, 0]) }?.code == .zeroVector)
        #expect(failure { try test.cache.set(prompt: [1], response: [], vector: [.nan, 0]) }?.code == .notFinite)
        #expect(failure { _ = try test.cache.get(vector: [.infinity, 0]) }?.code == .notFinite)
        #expect(failure { _ = try test.cache.get(vector: [1]) }?.code == .invalidArgument)
    }

    @Test func refusesAllOnceItIsClosed() throws {
        let test = try TestCache()
        try test.cache.close()
        try test.cache.close()
        #expect(failure { _ = try test.get("a") }?.code == .invalidHandle)
        #expect(failure { try test.set("a", at: 0) }?.code == .invalidHandle)
        #expect(test.cache.health().status == .failed)
    }

    @Test(arguments: Place.allCases)
    func refusesAllInAChildThatWasForked(_ place: Place) throws {
        let test = try TestCache(place)
        try test.set("a", at: 0)
        let child = Fork.fork()
        if child == 0 {
            let codes = [failure { _ = try test.get("a") }?.code, failure { try test.set("b", at: 0) }?.code]
            _exit(codes == [.invalidHandle, .invalidHandle] ? 7 : 1)
        }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        #expect(status == 7 << 8)
        #expect(try test.get("a") != nil)
    }
}
