// Many entries: the graph, numbers that are given again, and threads.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import TestSupport
import Testing
import VecIndex
import VecKernelTypes

@testable import VecCache

@Suite("Entry table")
struct EntryTableTests {
    private static let dimension = 32

    private func fill(_ cache: SemanticCache, _ vectors: [[Float]], from first: Int = 0) throws {
        try cache.setMany(
            vectors.enumerated().map { i, vector in
                NewEntry(prompt: Array("\(first + i)".utf8), response: Array("r\(first + i)".utf8), vector: vector)
            })
    }

    @Test func theGraphFindsWhatComparingAllFinds() throws {
        var random = Random(seed: 1)
        let test = try TestCache(dimension: EntryTableTests.dimension)
        let vectors = (0..<6000).map { _ in random.vector(EntryTableTests.dimension) }
        try fill(test.cache, vectors)
        try test.cache.settle()
        #expect(test.cache.table.index.current.graph?.count == 6000)
        #expect(try test.cache.stats().waiting == 0)
        // More rows than the graph has: some wait.
        let more = (0..<500).map { _ in random.vector(EntryTableTests.dimension) }
        try fill(test.cache, more, from: 6000)
        var found = 0
        for i in stride(from: 0, to: 6500, by: 13) {
            let query = (i < 6000 ? vectors[i] : more[i - 6000]).map { $0 + 0.05 * random.unit() }
            if try test.cache.get(vector: query)?.response == Array("r\(i)".utf8) { found += 1 }
        }
        #expect(found >= 495)
    }

    @Test func numbersAreGivenAgainAndMemoryStaysBounded() throws {
        var random = Random(seed: 2)
        let test = try TestCache(dimension: EntryTableTests.dimension) { $0.maxEntries = 3000 }
        for round in 0..<10 {
            try fill(test.cache, (0..<2000).map { _ in random.vector(EntryTableTests.dimension) }, from: 2000 * round)
            try test.cache.settle()
            #expect(try test.count <= 3000)
        }
        #expect(test.cache.table.allRecords.count <= 3000 + 2 * 2000 + 256)
        #expect(test.cache.table.index.current.graph?.count == 3000)
        for i in 0..<20_000 {
            let hit = try test.cache.get(prompt: Array("\(i)".utf8))
            #expect(hit?.response == (i < 17_000 ? nil : Array("r\(i)".utf8)))
        }
    }

    @Test func fewEntriesThatComeAndGoStayFewRows() throws {
        let test = try TestCache { $0.maxEntries = 10 }
        for i in 0..<3000 {
            try test.set("\(i)", at: Double(i))
            if i % 500 == 0 { try test.cache.settle() }
        }
        try test.cache.settle()
        #expect(test.cache.table.index.current.waiting == 10)
        #expect(test.cache.table.index.current.graph == nil)
        #expect(try test.get(at: 2999, threshold: 0.9999) == "response to 2999")
    }

    @Test func halfPrecisionTakesHalfTheMemory() throws {
        var random = Random(seed: 3)
        let vectors = (0..<4000).map { _ in random.vector(256) }
        let bytes = try [ElementType.float32, .float16].map { type in
            let test = try TestCache(dimension: 256) { $0.vectorType = type }
            try fill(test.cache, vectors)
            try test.cache.settle()
            #expect(try test.cache.get(vector: vectors[7])?.response == Array("r7".utf8))
            return try test.cache.stats().indexBytes
        }
        #expect(Double(bytes[1]) < 0.75 * Double(bytes[0]))
    }

    @Test func allAtOnce() throws {
        let test = try TestCache(dimension: 8) {
            $0.maxEntries = 2500
            $0.similarityThreshold = 0.99
        }
        let cache = test.cache
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: 6) { task in
            failures.run {
                var random = Random(seed: UInt64(task) + 10)
                for round in 0..<400 {
                    switch task {
                    case 0, 1:
                        // The response and the metadata say which vector it is: a hit that has those of two entries was never
                        // there.
                        try cache.setMany(
                            (0..<20).map { _ in
                                let n = random.below(4000)
                                return NewEntry(
                                    prompt: Array("\(n)".utf8), response: Array("\(n)".utf8), vector: vector(n),
                                    metadata: Array(#"{"odd":\#(n % 2 == 1)}"#.utf8))
                            })
                    case 2, 3:
                        let n = random.below(4000)
                        let filter = Array(#"{"must":[{"key":"odd","match":{"value":true}}]}"#.utf8)
                        let hit = try cache.get(vector: vector(n), CacheQuery(filter: round % 2 == 0 ? filter : nil))
                        if let hit {
                            #expect(hit.prompt == hit.response)
                            let found = try #require(Int(String(decoding: hit.prompt, as: UTF8.self)))
                            let similarity = UnitVector.similarity(
                                try UnitVector.make(vector(n), dimension: 8, noun: "a"),
                                try UnitVector.make(vector(found), dimension: 8, noun: "b"), 8)
                            #expect(abs(similarity - hit.similarity) < 1e-5)
                            if round % 2 == 0 { #expect(found % 2 == 1) }
                        }
                    case 4:
                        let n = random.below(4000)
                        if let hit = try cache.get(prompt: Array("\(n)".utf8)) { #expect(hit.response == Array("\(n)".utf8)) }
                        if round % 10 == 0 { try cache.delete(Array(cache.table.ids.prefix(30))) }
                    default:
                        if round % 20 == 0 { try cache.settle() }
                        if round == 200 { try cache.clear() }
                        _ = try cache.stats()
                    }
                }
            }
        }
        #expect(failures.all.isEmpty, "\(failures.all)")
        #expect(try cache.stats().entries <= 2500)
    }

    private func vector(_ n: Int) -> [Float] {
        var random = Random(seed: UInt64(n) + 1000)
        return random.vector(8)
    }
}
