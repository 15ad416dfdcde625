// SPDX-License-Identifier: Apache-2.0

/// The lists of a snapshot as they lie in a file, or in an index that was compacted: one behind the other in whole blocks, with
/// slots in the order in which rows are met.
struct PackedLists {
    private let state: IVFSnapshot
    private let layout: ListLayout
    private let slotMemory: Buffer
    private let newMemory: Buffer
    /// The slot that row `i` of the new order had.
    let oldSlots: UnsafePointer<UInt32>
    private let newSlots: UnsafePointer<UInt32>
    /// Blocks of all lists.
    let blocks: Int

    init(_ state: IVFSnapshot, _ options: IVFOptions) throws(VecStoreError) {
        self.state = state
        layout = state.model?.layout ?? ListLayout()
        slotMemory = try allocate(UInt32.self, state.count, for: "the order of \(state.count) rows")
        newMemory = try allocate(UInt32.self, state.usedSlots, for: "the order of \(state.count) rows")
        let old = slotMemory.pointer(UInt32.self), new = newMemory.pointer(UInt32.self)
        var next = 0, blocks = 0
        var isRight = true
        for l in 0..<state.listCount {
            let list = state.list(l)
            blocks += ListLayout.blocks(list.count)
            list.forEachSlot(layout) { (_, slot) in
                guard Int(slot) < state.usedSlots else {
                    isRight = false
                    return
                }
                // A row in two lists lies where its first list is.
                if state.rows.home(slot, 0) != UInt32(truncatingIfNeeded: l) { return }
                guard next < state.count else {
                    isRight = false
                    return
                }
                old[next] = slot
                new[Int(slot)] = UInt32(truncatingIfNeeded: next)
                next += 1
            }
        }
        guard isRight && next == state.count else {
            throw VecStoreError(.corrupt, "the lists of the index do not hold its rows, each once")
        }
        oldSlots = UnsafePointer(old)
        newSlots = UnsafePointer(new)
        self.blocks = blocks
    }

    /// Calls `body` with each block, its slots changed to new ones.
    func forEachBlock(_ body: (UnsafeMutableRawPointer) throws(VecStoreError) -> Void) throws(VecStoreError) {
        let room = try allocate(UInt8.self, layout.blockSize, for: "a block of a list")
        for l in 0..<state.listCount {
            let list = state.list(l)
            for i in 0..<ListLayout.blocks(list.count) {
                guard let block = list.block(i, layout) else { continue }
                room.base.copyMemory(from: block, byteCount: layout.blockSize)
                let slots = room.pointer(UInt32.self, at: layout.slotsAt)
                for row in 0..<min(ListLayout.rows, list.count - i * ListLayout.rows) {
                    guard Int(slots[row]) < state.usedSlots else {
                        throw VecStoreError(.corrupt, "a list of the index has a row that does not exist")
                    }
                    slots[row] = newSlots[Int(slots[row])]
                }
                try body(room.base)
            }
        }
    }

    /// The lists in memory of their own.
    func copy() throws(VecStoreError) -> [ListState] {
        let memory = try allocate(UInt8.self, blocks * layout.blockSize, for: "the lists of \(state.count) rows")
        var at = memory.base
        try forEachBlock { (block) throws(VecStoreError) in
            at.copyMemory(from: block, byteCount: layout.blockSize)
            at += layout.blockSize
        }
        at = memory.base
        return (0..<state.listCount).map { l in
            let count = state.list(l).count
            defer { at += ListLayout.blocks(count) * layout.blockSize }
            return count == 0 ? ListState() : ListState(at, count: count, layout, owner: memory)
        }
    }
}
