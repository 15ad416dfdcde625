// How many values are kept in memory and in a directory, and which go.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("Bounds of a cache of values")
struct ValueBoundsTests {
    static let places: [ValuePlace] = [.memory, .directory]

    @Test(arguments: places) func theValueThatWasNotUsedForTheLongestTimeGoes(_ place: ValuePlace) throws {
        let test = try TestValues(place) { $0.maxEntries = 3 }
        for key in ["a", "b", "c"] { try test.cache.put(key, key) }
        _ = try test.cache.texts(["b", "a"])
        try test.cache.put("d", "d")
        #expect(try test.cache.texts(["a", "b", "c", "d"]) == ["a", "b", nil, "d"])
        // Now the order is a, b, d.
        try test.cache.put("a", "again")
        try test.cache.put("e", "e")
        #expect(try test.cache.texts(["a", "b", "d", "e"]) == ["again", nil, "d", "e"])
        #expect(try test.cache.stats().evictions == 2 && test.cache.stats().entries == 3)
    }

    @Test(arguments: places) func bytesAreABoundToo(_ place: ValuePlace) throws {
        let test = try TestValues(place) { $0.maxBytes = 10_000 }
        for i in 0..<100 { try test.cache.set(bytes("\(i)"), [UInt8](repeating: 1, count: 500)) }
        let stats = try test.cache.stats()
        #expect(stats.bytes <= 10_000 && stats.bytes > 9000 && stats.evictions == 100 - stats.entries)
        #expect(try test.cache.text("0") == nil && test.cache.text("99") != nil)
        expect(.tooLarge) { try test.cache.set(bytes("x"), [UInt8](repeating: 1, count: 10_000)) }
        // Of what does not fit the last is kept.
        try test.cache.set((0..<50).map { (bytes("new \($0)"), [UInt8](repeating: 2, count: 500)) })
        #expect(try test.cache.text("new 0") == nil && test.cache.text("new 49") != nil && test.cache.stats().bytes <= 10_000)
    }

    @Test(arguments: places) func valuesWhoseEndHasComeMakeRoomFirst(_ place: ValuePlace) throws {
        let test = try TestValues(place) { $0.maxEntries = 3 }
        try test.cache.put("a", "a")
        try test.cache.put("b", "b", ttl: .milliseconds(100))
        try test.cache.put("c", "c")
        test.pass(150)
        #expect(try test.cache.stats().entries == 2)
        try test.cache.put("d", "d")
        #expect(try test.cache.texts(["a", "b", "c", "d"]) == ["a", nil, "c", "d"])
        let stats = try test.cache.stats()
        #expect(stats.evictions == 0 && stats.expired == 1)
    }

    /// Against an order that is kept in the plainest way.
    @Test(arguments: places) func theOrderIsExact(_ place: ValuePlace) throws {
        let test = try TestValues(place) { $0.maxEntries = 10 }
        var random = Random(seed: 7)
        var order: [Int] = []
        for step in 0..<600 {
            let key = random.below(20)
            switch random.below(4) {
            case 0:
                #expect(try (test.cache.text("\(key)") != nil) == order.contains(key), "step \(step)")
                if order.contains(key) { order = order.filter { $0 != key } + [key] }
            case 1:
                #expect(try test.cache.delete([bytes("\(key)")]) == (order.contains(key) ? 1 : 0), "step \(step)")
                order.removeAll { $0 == key }
            default:
                try test.cache.put("\(key)", "\(step)")
                order = (order.filter { $0 != key } + [key]).suffix(10)
            }
        }
        #expect(try test.cache.stats().entries == order.count)
    }

    @Test func theOrderOfUseOutlivesTheCacheInADirectory() throws {
        let test = try TestValues(.directory) { $0.maxEntries = 3 }
        for key in ["a", "b", "c"] { try test.cache.put(key, key) }
        _ = try test.cache.text("a")
        try test.reopen()
        try test.cache.put("d", "d")
        #expect(try test.cache.texts(["a", "b", "c", "d"]) == ["a", nil, "c", "d"])
    }

    @Test func placesInMemoryAreUsedAgain() {
        let table = ValueTable(maxEntries: nil, maxBytes: nil, nil)
        for round in 0..<20_000 {
            table.put([NewValue(key: [UInt8(round % 5)], value: [])], end: 1000 + Int64(round), now: 0)
        }
        #expect(table.size.entries == 5)
        table.sweep(now: 21_000)
        #expect(table.size == (0, 0))
    }
}
