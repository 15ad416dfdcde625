// What an index should hold, kept in a dictionary.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference

@testable import VecIndex

struct RowModel {
    enum Change {
        case add, addWithIDs, update, remove
    }

    /// The bytes of each row by id.
    var rows: [UInt64: [UInt8]] = [:]
    var nextID: UInt64 = 0
    /// Ids that are given are below this one.
    let idLimit: Int

    private mutating func add(_ ids: [UInt64], _ vectors: Vectors) {
        for (i, id) in ids.enumerated() {
            rows[id] = vectors.row(i)
            nextID = max(nextID, id + 1)
        }
    }

    /// Changes the index and the model alike.
    mutating func apply(
        _ change: Change, to index: some VectorIndex, _ vectors: Vectors, _ random: inout Random
    ) throws {
        let n = vectors.count
        let live = rows.keys.sorted()
        switch change {
        case .add:
            let ids = try index.add(vectors, threads: 1 + random.below(3))
            #expect(ids == (0..<n).map { nextID + UInt64($0) })
            add(ids, vectors)
        case .addWithIDs:
            let free = Set((0..<n).map { _ in UInt64(random.below(idLimit)) }).filter { rows[$0] == nil }
            let ids = free.sorted().shuffled(using: &random)
            #expect(try index.add(vectors.picked(ids.indices), ids: ids) == ids)
            add(ids, vectors)
        case .update:
            let ids = Array(live.shuffled(using: &random).prefix(n))
            try index.update(ids, vectors.picked(ids.indices))
            for (i, id) in ids.enumerated() { rows[id] = vectors.row(i) }
        case .remove:
            // Some ids that are there, some that are not, some twice.
            let ids = (0..<(2 * n)).map { _ in UInt64(random.below(idLimit)) } + live.shuffled(using: &random).prefix(n)
            let gone = Set(ids).filter { rows[$0] != nil }
            #expect(try index.remove(ids + ids.prefix(1)) == gone.count)
            for id in ids { rows[id] = nil }
        }
    }

    /// The index holds these rows and no others.
    func requireHeld(by index: some VectorIndex, _ what: String = "") throws {
        let ids = rows.keys.sorted()
        try #require(index.count == ids.count, "\(what)")
        try #require(index.ids().sorted() == ids, "\(what)")
        try #require(index.stats().nextID == nextID, "\(what)")
        try #require(index.get(ids) == ids.flatMap { rows[$0] ?? [] }, "\(what)")
        let asked = stride(from: 0, to: UInt64(idLimit), by: 23).map { $0 }
        try #require(index.contains(asked) == asked.map { rows[$0] != nil }, "\(what)")
    }
}
