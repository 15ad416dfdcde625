// SPDX-License-Identifier: Apache-2.0

/// Finds the slot of an id.
enum IDLookup {
    /// A hash table, for an index in memory.
    case table(IDMap)
    /// The ids of a file, with their order: nil where they ascend as they are.
    case sorted(ids: UnsafePointer<UInt64>, order: UnsafePointer<UInt32>?, count: Int)

    /// Bytes of memory held: none for a file.
    var bytes: Int { if case .table(let map) = self { map.bytes } else { 0 } }

    func slot(of id: UInt64) -> UInt32? {
        switch self {
        case .table(let map): return map.slot(of: id)
        case .sorted(let ids, let order, let count):
            var low = 0
            var high = count
            while low < high {
                let middle = (low + high) / 2
                let slot = order.map { Int($0[middle]) } ?? middle
                // A damaged file may name any slot: it must not be followed.
                guard slot < count else { return nil }
                if ids[slot] == id { return UInt32(truncatingIfNeeded: slot) }
                if ids[slot] < id { low = middle + 1 } else { high = middle }
            }
            return nil
        }
    }

    /// For each id 1 where it is there, else 0.
    func mark(_ ids: UnsafePointer<UInt64>, _ count: Int, _ found: UnsafeMutablePointer<UInt8>) {
        for i in 0..<count { found[i] = slot(of: ids[i]) == nil ? 0 : 1 }
    }

    /// Refuses ids that are there, or that are none.
    func checkNew(_ ids: UnsafePointer<UInt64>, _ count: Int) throws(VecStoreError) {
        try checkNewIDs(ids, count) { slot(of: ids[$0]) != nil }
    }

    /// Checks the ids of a file: each is there once, in order, and none will be assigned again.
    func verify(nextID: UInt64, _ path: String) throws(VecStoreError) {
        guard case .sorted(let ids, let order, let count) = self else { return }
        var before: UInt64?
        for i in 0..<count {
            let slot = order.map { Int($0[i]) } ?? i
            guard slot < count, ids[slot] != noID, before.map({ $0 < ids[slot] }) ?? true else {
                throw VecStoreError(.corrupt, "'\(path)' has ids that are out of order, twice there, or none")
            }
            before = ids[slot]
        }
        guard before.map({ nextID > $0 || nextID == noID }) ?? true else {
            throw VecStoreError(.corrupt, "'\(path)' would assign an id that it has already")
        }
    }
}
