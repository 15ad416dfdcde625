// Finding the slots of many ids at once.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import VecIndex

@Suite("Slots of ids")
struct IDLookupTests {
    /// Which ids there are, of so many.
    enum Ids: CaseIterable, Sendable {
        case all, most, few, none

        func list(_ count: Int, _ random: inout Random) -> [UInt64] {
            (0..<UInt64(count)).filter { _ in
                switch self {
                case .all: true
                case .most: random.below(10) > 0
                case .few: random.below(50) == 0
                case .none: false
                }
            }
        }
    }

    /// Calls `body` with lookups of the ids, each in a slot of its own, in every form that there is.
    private func withLookups(_ ids: [UInt64], _ random: inout Random, _ body: (IDLookup, [UInt64: UInt32]) throws -> Void) throws {
        let order = ids.indices.map { UInt32($0) }.shuffled(using: &random)
        var slots: [UInt64: UInt32] = [:]
        var bySlot = [UInt64](repeating: 0, count: ids.count)
        for (i, slot) in order.enumerated() {
            slots[ids[i]] = slot
            bySlot[Int(slot)] = ids[i]
        }
        let map = IDMap()
        try map.reserve(ids.count)
        for (id, slot) in slots { map.set(id, slot) }
        try body(.table(map), slots)
        try bySlot.withUnsafeBufferPointer { bySlot in
            try order.withUnsafeBufferPointer { order in
                guard let base = bySlot.baseAddress, let order = order.baseAddress else { return }
                try body(.sorted(ids: base, order: order, count: ids.count), slots)
            }
        }
        try ids.withUnsafeBufferPointer { ids in
            guard let base = ids.baseAddress else { return }
            let inOrder = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($1, UInt32($0)) })
            try body(.sorted(ids: base, order: nil, count: ids.count), inOrder)
        }
    }

    @Test("the slots of a bitmap are those of its ids one by one", arguments: Ids.allCases, [1, 63, 64, 65, 1000])
    func bitmap(ids: Ids, count: Int) throws {
        var random = Random(seed: 74)
        let there = ids.list(count, &random)
        for bitCount in [0, 1, count - 1, count, count + 200] {
            for one in [1, 2, 30] {
                var bits = [UInt8](repeating: 0, count: bitCount / 8 + 9)
                var wanted: [UInt64] = []
                for bit in 0..<bits.count * 8 where random.below(one) == 0 {
                    bits[bit / 8] |= 1 << UInt8(bit % 8)
                    if bit < bitCount { wanted.append(UInt64(bit)) }
                }
                try withLookups(there, &random) { lookup, slots in
                    var found: [UInt32] = []
                    lookup.forEachSlot(bits, UInt64(bitCount)) { found.append($0) }
                    try #require(found == wanted.compactMap { slots[$0] })
                }
            }
        }
    }

    @Test("a damaged order of ids leads to no slot that there is not")
    func damaged() {
        let ids: [UInt64] = [5, 3, 3, .max, 0], order: [UInt32] = [4, .max, 9, 1, 2]
        let bits = [UInt8](repeating: 0xff, count: 64)
        ids.withUnsafeBufferPointer { ids in
            order.withUnsafeBufferPointer { order in
                guard let first = ids.baseAddress, let order = order.baseAddress else { return }
                IDLookup.sorted(ids: first, order: order, count: 5).forEachSlot(bits, 512) { #expect($0 < 5) }
            }
        }
    }
}
