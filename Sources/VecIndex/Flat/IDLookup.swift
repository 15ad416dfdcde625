// SPDX-License-Identifier: Apache-2.0

/// Finds the slot of an id.
enum IDLookup {
    /// A hash table, for an index in memory.
    case table(IDMap)
    /// The ids of a file, with their order: nil where they ascend as they are.
    case sorted(ids: UnsafePointer<UInt64>, order: UnsafePointer<UInt32>?, count: Int)

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
}
