// The table of ids, against a dictionary.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import VecIndex

@Suite("Table of ids")
struct IDMapTests {
    /// Few ids in a small table: runs of taken places form all the time, and wrap around its end.
    @Test("it holds what a dictionary holds, through random changes", arguments: [16, 60, 1000])
    func model(ids: Int) throws {
        var random = Random(seed: 71)
        let map = IDMap()
        var model: [UInt64: UInt32] = [:]
        for step in 0..<20_000 {
            let id = UInt64(random.below(ids))
            if random.below(2) == 0 {
                try map.reserve(map.count + 1)
                map.set(id, UInt32(step))
                model[id] = UInt32(step)
            } else {
                map.remove(id)
                model[id] = nil
            }
            try #require(map.slot(of: id) == model[id])
            if step % 500 == 0 { try expect(map, model, ids) }
        }
        try expect(map, model, ids)
    }

    @Test("a table of rows that lie outside holds what a dictionary holds, as these become more")
    func modelOfRows() throws {
        var random = Random(seed: 73)
        let memory = try allocate(Float.self, 9000, for: "rows")
        let rows = try ExternalRows(memory.base, type: .float32, dimension: 1, count: 0, owner: memory)
        let map = IDMap(rows: rows)
        var model: [UInt64: UInt32] = [:]
        for step in 0..<9000 {
            try rows.grow(to: step + 1)
            let id = UInt64(random.below(step + 1))
            let changes = map.changes
            if random.below(3) > 0 {
                try map.reserve(map.count + 1)
                map.set(id, UInt32(step))
                model[id] = UInt32(step)
            } else {
                map.remove(id)
                model[id] = nil
            }
            try #require(map.slot(of: id) == model[id])
            try #require(map.changes > changes)
            if step % 1000 == 0 { try expect(map, model, step + 2) }
        }
        try expect(map, model, 9001)
        try map.shrink()
        try expect(map, model, 9001)
    }

    @Test("a number that is no row's is not entered, and not found")
    func noRow() throws {
        let memory = try allocate(Float.self, 10, for: "rows")
        let map = IDMap(rows: try ExternalRows(memory.base, type: .float32, dimension: 1, count: 10, owner: memory))
        map.set(3, 1)
        #expect(map.slot(of: 3) == nil, "there is no room yet")
        try map.reserve(1)
        for id in [UInt64.max, 1 << 40] {
            map.set(id, 1)
            map.remove(id)
            #expect(map.slot(of: id) == nil)
        }
        #expect(map.count == 0)
    }

    @Test("ids far apart, and the largest, are ids like others")
    func anyID() throws {
        let map = IDMap()
        let ids: [UInt64] = [0, 1, .max, .max - 1, 1 << 63, 1 << 32, 0xffff_ffff]
        try map.reserve(ids.count)
        for (slot, id) in ids.enumerated() { map.set(id, UInt32(slot)) }
        #expect(ids.map { map.slot(of: $0) } == ids.indices.map { UInt32($0) })
        #expect(map.slot(of: 2) == nil)
    }

    @Test("the largest slot is kept")
    func largestSlot() throws {
        let map = IDMap()
        try map.reserve(1)
        map.set(5, .max)
        #expect(map.slot(of: 5) == .max)
    }

    @Test("setting an id again replaces its slot and counts once")
    func replace() throws {
        let map = IDMap()
        try map.reserve(1)
        map.set(5, 1)
        map.set(5, 2)
        #expect(map.slot(of: 5) == 2)
        #expect(map.count == 1)
    }

    @Test("an empty table finds nothing and removes nothing")
    func empty() {
        let map = IDMap()
        map.remove(3)
        #expect(map.slot(of: 3) == nil)
        #expect(map.count == 0)
        #expect(map.bytes == 0)
    }

    @Test("a full table, emptied in any order, is empty")
    func emptied() throws {
        var random = Random(seed: 72)
        for _ in 0..<50 {
            let map = IDMap()
            let ids = (0..<100).map { _ in random.next() }
            try map.reserve(ids.count)
            for id in ids { map.set(id, 1) }
            for id in ids.shuffled(using: &random) {
                map.remove(id)
                #expect(map.slot(of: id) == nil)
            }
            #expect(map.count == 0)
        }
    }

    @Test("shrinking keeps every id and gives memory back")
    func shrink() throws {
        let map = IDMap()
        try map.reserve(10_000)
        for id in 0..<10_000 { map.set(UInt64(id), UInt32(id)) }
        let before = map.bytes
        for id in 50..<10_000 { map.remove(UInt64(id)) }
        try map.shrink()
        #expect(map.bytes * 20 < before)
        #expect(map.count == 50)
        for id in 0..<10_000 { #expect(map.slot(of: UInt64(id)) == (id < 50 ? UInt32(id) : nil)) }
    }

    @Test("shrinking does nothing where an eighth of the places or more is taken")
    func noShrink() throws {
        let map = IDMap()
        try map.reserve(1000)
        for id in 0..<1000 { map.set(UInt64(id), 0) }
        let before = map.bytes
        try map.shrink()
        #expect(map.bytes == before)
    }

    @Test("more ids than memory has room for are an error, and the table stays as it is")
    func tooMany() throws {
        let map = IDMap()
        try map.reserve(1)
        map.set(1, 2)
        let error = #expect(throws: VecStoreError.self) { try map.reserve(1 << 41) }
        #expect(error?.code == .tooLarge)
        #expect(map.slot(of: 1) == 2)
    }

    private func expect(_ map: IDMap, _ model: [UInt64: UInt32], _ ids: Int) throws {
        try #require(map.count == model.count)
        for id in 0..<UInt64(ids) { try #require(map.slot(of: id) == model[id]) }
    }
}
