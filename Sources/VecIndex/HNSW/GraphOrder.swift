// SPDX-License-Identifier: Apache-2.0

/// Orders of the rows of a graph.
enum GraphOrder {
    /// Neighbours after each other: breadth first from the entry, over the lists of level 0. What cannot be reached so comes
    /// last.
    static func cluster(_ store: GraphStore) throws(VecStoreError) -> [UInt32] {
        var order: [UInt32] = []
        order.reserveCapacity(store.usedSlots)
        let seenMemory = try allocate(UInt8.self, store.usedSlots, for: "an order of rows")
        let seen = seenMemory.pointer(UInt8.self)
        let entry = store.entry.load(ordering: .acquiring)
        var starts: [UInt32] = []
        if entry != GraphStore.noEntry { starts.append(UInt32(truncatingIfNeeded: entry)) }
        var head = 0
        func begin(_ slot: UInt32) {
            if seen[Int(slot)] == 0 && store.isLinked(slot) {
                seen[Int(slot)] = 1
                order.append(slot)
            }
        }
        for slot in starts + Array(0..<UInt32(store.usedSlots)) {
            begin(slot)
            while head < order.count {
                let list = store.list(order[head], 0)
                head += 1
                for i in 0..<list.capacity {
                    let link = list[i]
                    if link == noSlot { break }
                    begin(link & slotBits)
                }
            }
        }
        return order
    }
}
