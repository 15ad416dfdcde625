// Where vectors and graphs lie, how much memory that is said to be, and what a budget refuses.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct MemoryTests {
    private let directory: TemporaryDirectory
    private let path: String
    private static let count = 6000

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path("points")
        let collection = try PointCollection.create(
            path, vectors: [VectorSettings(dimension: 32, metric: .l2Squared, kind: .hnsw)], CollectionOptions(durability: .none))
        try collection.createPayloadIndex("text", type: .text)
        try collection.createPayloadIndex("n", type: .integer)
        try MemoryTests.fill(collection, 0..<MemoryTests.count)
        try collection.optimize()
        try collection.close()
    }

    private static func vector(_ n: Int) -> [Float] {
        var random = Random(seed: UInt64(n) + 1)
        return random.vector(32)
    }

    private static func fill(_ collection: PointCollection, _ range: Range<Int>) throws {
        try collection.put(
            range.map { .number(UInt64($0)) }, range.map(vector), range.map { #"{"n":\#($0),"text":"word\#($0 % 7)"}"# })
    }

    private func open(
        _ memory: MemoryMode = .mapped, budget: Int? = nil, isReadOnly: Bool = false
    ) throws -> PointCollection {
        try PointCollection.open(
            path, CollectionOptions(isReadOnly: isReadOnly, durability: .none, memory: memory, memoryBudget: budget))
    }

    private func check(_ collection: PointCollection) throws {
        for n in [0, 100, MemoryTests.count - 1] {
            #expect(try collection.near(MemoryTests.vector(n), 3).numbers.first == UInt64(n))
            #expect(try collection.near(MemoryTests.vector(n), 3) { $0.isExact = true }.numbers.first == UInt64(n))
        }
        let filter = #"{"must":[{"key":"n","range":{"lt":50}}]}"#
        #expect(try collection.count(where: Array(filter.utf8)) == 50)
        #expect(try collection.near(MemoryTests.vector(7), 1, filter: filter).numbers == [7])
    }

    @Test(arguments: MemoryMode.allCases, [false, true])
    func everyModeFindsTheSame(_ memory: MemoryMode, isReadOnly: Bool) throws {
        let collection = try open(memory, isReadOnly: isReadOnly)
        try check(collection)
        try collection.verify()
    }

    @Test func whatIsLoadedLiesInMemoryBeforeItIsSearched() throws {
        let collection = try open(.loaded)
        let bytes = MemoryTests.count * 32 * 4
        #expect(collection.residentBytes(collection.current).vectors >= bytes)
        #expect(collection.memoryUse(collection.current).graphs > MemoryTests.count * 32)
    }

    @Test func aSearchOfTheDiskLetsGoOfWhatItHasRead() throws {
        let collection = try open(.disk)
        try check(collection)
        let resident = collection.residentBytes(collection.current)
        #expect(resident.vectors == 0 && resident.graphs == 0)
        #expect(collection.memoryUse(collection.current).graphs < MemoryTests.count)
        let mapped = try open(.mapped, isReadOnly: true)
        try check(mapped)
        #expect(mapped.residentBytes(mapped.current).vectors >= MemoryTests.count * 32 * 4)
        #expect(mapped.residentBytes(mapped.current).graphs > 0)
    }

    @Test func onTheDiskAGraphIsMappedAgainAfterAChange() throws {
        let collection = try open(.disk)
        try MemoryTests.fill(collection, 6000..<7000)
        try collection.optimize()
        let vector = collection.current.vectors[0]
        #expect(vector.graph?.count == 7000 && vector.graph?.isReadOnly == true && vector.hiddenInGraph == 0)
        try check(collection)
        try collection.verify()
    }

    @Test func aDescriptionSaysWhatMemoryIsFor() throws {
        let collection = try open(budget: 1 << 30)
        try check(collection)
        _ = try collection.searchText("word1", k: 1, TextSearchOptions())
        let use = collection.memoryUse(collection.current)
        #expect(use.ids >= 8 * MemoryTests.count && use.texts >= 4 * MemoryTests.count)
        #expect(use.fields >= 8 * MemoryTests.count && use.filters >= MemoryTests.count / 8)
        let text = try collection.describe()
        #expect(text.contains(#""memory_bytes":\#(use.total),"memory":{"ids":\#(use.ids),"#))
        #expect(text.contains(#""memory_mode":"mapped","memory_budget":1073741824,"resident_bytes":{"vectors":"#))
    }

    @Test func whatAGraphKeepsOfAFilterIsCounted() throws {
        let collection = try open()
        let filter = #"{"must":[{"key":"n","range":{"lt":50}}]}"#
        #expect(try collection.count(where: Array(filter.utf8)) == 50)
        let before = collection.memoryUse(collection.current).filters
        _ = try collection.near(MemoryTests.vector(7), 1, filter: filter)
        #expect(collection.memoryUse(collection.current).filters >= before + 50 * 4)
    }

    @Test func aWriteThatDoesNotFitIsRefusedAndChangesNothing() throws {
        let used = try open(isReadOnly: true).memoryUse(try open(isReadOnly: true).current).total
        let collection = try open(budget: used + 20_000)
        try MemoryTests.fill(collection, 6000..<6500)
        #expect {
            try MemoryTests.fill(collection, 10_000..<20_000)
        } throws: { error in
            (error as? VecStoreError)?.code == .outOfMemory && "\(error)".contains("memory_budget is \(used + 20_000) bytes")
        }
        #expect(try collection.count() == 6500)
        #expect(try collection.get([.number(10_000)])[0] == nil)
        try collection.verify()
        #expect(collection.memoryUse(collection.current).total <= used + 20_000)
        // What needs no more memory goes on.
        try collection.remove([.number(6499)])
        try check(collection)
    }

    @Test func valuesOfAFieldThatDoNotFitAreReadFromPayloads() throws {
        let used = try open(isReadOnly: true).memoryUse(try open(isReadOnly: true).current).total
        let collection = try open(budget: used + 10_000)
        try check(collection)
        #expect(collection.memoryUse(collection.current).fields == 0)
        #expect { try collection.searchText("word1", k: 1, TextSearchOptions()) } throws: { ($0 as? VecStoreError)?.code == .outOfMemory }
    }

    @Test func aGraphThatDoesNotFitStaysMappedAndPointsAreCompared() throws {
        let used = try open(isReadOnly: true).memoryUse(try open(isReadOnly: true).current).total
        let collection = try open(budget: used + 200_000)
        try MemoryTests.fill(collection, 6000..<8000)
        #expect { try collection.optimize() } throws: { ($0 as? VecStoreError)?.code == .outOfMemory }
        #expect(collection.current.vectors[0].graph?.isReadOnly == true)
        #expect(try collection.near(MemoryTests.vector(7999), 1).numbers == [7999])
        try check(collection)
    }

    @Test func graphsThatAreHeldGiveWayToPoints() throws {
        let collection = try open(budget: 3_500_000)
        try MemoryTests.fill(collection, 6000..<6500)
        try collection.optimize()
        #expect(collection.current.vectors[0].graph?.isReadOnly == false)
        let held = collection.memoryUse(collection.current).graphs
        var next = 6500
        while collection.current.vectors[0].graph?.isReadOnly == false && next < 400_000 {
            let ids = next..<(next + 20_000)
            try collection.put(ids.map { .number(UInt64($0)) }, ids.map { [Float](repeating: Float($0), count: 32) })
            next += 20_000
        }
        #expect(collection.current.vectors[0].graph?.isReadOnly == true)
        #expect(collection.memoryUse(collection.current).graphs < held / 10)
        try check(collection)
    }
}
