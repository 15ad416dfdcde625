// Entries in a directory.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecCollection
import VecIndex

@testable import VecCache

@Suite("Cache in a directory")
struct DirectoryStoreTests {
    @Test func entriesAreThereWhenItIsOpenedAgain() throws {
        let test = try TestCache(.directory)
        let id = try test.set("prompt", "response", at: 0, metadata: #"{"tenant":"a"}"#, ttl: .milliseconds(5000), cost: 3)
        let before = try #require(try test.hit("prompt"))
        try test.reopen()
        let after = try #require(try test.hit(at: 0))
        #expect(after.id == id)
        #expect(after.similarity == 1)
        #expect(after.response == before.response)
        #expect(after.metadata == before.metadata)
        #expect(after.created == before.created)
        #expect(after.expires == before.expires)
        #expect(test.cache.table.find(id)?.cost == 3)
        #expect(test.cache.table.find(id)?.ttl == 5000)
    }

    @Test func whatWasDeletedOrEndedMeanwhileDoesNotComeBack() throws {
        let test = try TestCache(.directory)
        let gone = try test.set("gone", at: 0)
        try test.set("short", at: 60, ttl: .milliseconds(10))
        try test.set("there", at: 120)
        try test.cache.delete([gone])
        test.clock.pass(10)
        try test.reopen()
        #expect(try test.count == 1)
        #expect(try test.get("there") != nil)
    }

    @Test func boundsThatAreNarrowerByNowHold() throws {
        let test = try TestCache(.directory)
        for i in 0..<50 { try test.set("\(i)", at: Double(i)) }
        try test.reopen { $0.maxEntries = 10 }
        #expect(try test.count == 10)
        try test.reopen()
        #expect(try test.count == 10)
    }

    @Test func namespacesOfADirectoryKnowNothingOfEachOther() throws {
        let directory = try TemporaryDirectory()
        let names = ["a", "A", "..", ".", "a/b", "a%2fb", "ü", String(repeating: "ß", count: 64)]
        let caches = try names.map {
            try SemanticCache.open(directory.path("cache"), CacheOptions(namespace: $0, dimension: 2))
        }
        for (name, cache) in zip(names, caches) { try cache.set(prompt: [1], response: Array(name.utf8), vector: direction(0)) }
        for (name, cache) in zip(names, caches) {
            #expect(try cache.get(prompt: [1])?.response == Array(name.utf8))
            #expect(try cache.stats().entries == 1)
            try cache.close()
        }
        #expect(directory.names == ["cache"])
    }

    @Test func aSecondProcessIsRefused() throws {
        let test = try TestCache(.directory)
        let error = failure {
            _ = try SemanticCache.open(test.directory.path("cache"), CacheOptions(namespace: "test", dimension: 2))
        }
        #expect(error?.code == .locked)
    }

    @Test func aCollectionThatIsNoCacheIsRefused() throws {
        let directory = try TemporaryDirectory()
        try PointCollection.create(directory.path("test"), vectors: [VectorSettings(dimension: 2)]).close()
        let error = failure { _ = try SemanticCache.open(directory.path(""), CacheOptions(namespace: "test", dimension: 2)) }
        #expect(error?.code == .invalidArgument)
    }

    @Test(arguments: [[], [0], [255, 1], [1, 2, 3], [4, 5, 6, 7], Array(0...255)] as [[UInt8]])
    func base64ComesBack(_ bytes: [UInt8]) {
        let text = Base64.encode(bytes)
        #expect(text.count == Base64.size(bytes.count))
        #expect(Base64.decode(text) == bytes)
    }

    @Test(arguments: ["A", "AAA", "A===", "AA=A", "AA A", "ÄÄ=="])
    func whatIsNoBase64IsSaid(_ text: String) { #expect(Base64.decode(Array(text.utf8)) == nil) }

    @Test func anOpeningThatIsRefusedLeavesTheDirectoryToTheNext() throws {
        let test = try TestCache(.directory)
        for n in 0..<50 {
            try test.set("\(n)", at: 0)
            #expect(failure { try test.reopen { $0.dimension = 3 } }?.code == .invalidArgument)
            try test.reopen()
        }
    }
}
