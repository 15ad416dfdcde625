// SPDX-License-Identifier: Apache-2.0

/// One list as a search sees it: never changes. What is added makes a new state, which shares the full blocks of the old.
struct ListState: @unchecked Sendable {
    // Safety: blocks that a state shows are only read. Blocks behind them belong to the one writer.

    private(set) var count = 0
    /// Blocks that are full, one behind the other.
    private var full: UnsafeMutableRawPointer?
    /// Blocks that there is room for where the full ones are; as many as are full where a writer must not go on there.
    private var capacity = 0
    private var fullOwner: AnyObject?
    /// The block that is not full yet, with memory of its own; nil where there is none.
    private var tail: UnsafeMutableRawPointer?
    private var tailOwner: AnyObject?

    init() {}

    /// Rows that lie in somebody else's memory, in blocks one behind the other.
    init(_ blocks: UnsafeRawPointer, count: Int, _ layout: ListLayout, owner: AnyObject) {
        self.count = count
        let base = UnsafeMutableRawPointer(mutating: blocks)
        full = base
        capacity = count / ListLayout.rows
        fullOwner = owner
        if count % ListLayout.rows != 0 {
            tail = base + capacity * layout.blockSize
            tailOwner = owner
        }
    }

    var fullBlocks: Int { count / ListLayout.rows }

    /// The full blocks, one behind the other.
    var blocks: UnsafeRawPointer? { UnsafeRawPointer(full) }
    /// The block behind them, which has `count % 32` rows.
    var lastBlock: UnsafeRawPointer? { UnsafeRawPointer(tail) }

    func block(_ i: Int, _ layout: ListLayout) -> UnsafeRawPointer? {
        i < fullBlocks ? full.map { UnsafeRawPointer($0 + i * layout.blockSize) } : UnsafeRawPointer(tail)
    }

    /// Bytes of memory that are its own, or nearly: a map's are not counted by whoever asks.
    func bytes(_ layout: ListLayout) -> Int { (capacity + (tail == nil ? 0 : 1)) * layout.blockSize }

    /// Calls `body` with each slot.
    func forEachSlot(_ layout: ListLayout, _ body: (_ place: Int, _ slot: UInt32) -> Void) {
        for i in 0..<ListLayout.blocks(count) {
            guard let block = block(i, layout) else { return }
            let slots = layout.slots(block)
            for row in 0..<min(ListLayout.rows, count - i * ListLayout.rows) { body(i * ListLayout.rows + row, slots[row]) }
        }
    }

    /// With `added` more rows, which `write` puts into their places: (block, row of the block, number of the new row).
    func appending(
        _ added: Int, _ layout: ListLayout, _ write: (UnsafeMutableRawPointer, Int, Int) throws(VecStoreError) -> Void
    ) throws(VecStoreError) -> ListState {
        var next = self
        let size = layout.blockSize, rows = ListLayout.rows
        let total = count + added, nowFull = total / rows
        if nowFull > capacity {
            // A little more room than is needed, so that rows that come one by one are not copied each time.
            let room = fullBlocks == 0 ? nowFull : max(nowFull, fullBlocks + fullBlocks / 4)
            let memory = try allocate(UInt8.self, room * size, for: "a list of \(total) rows")
            if let full { memory.base.copyMemory(from: full, byteCount: fullBlocks * size) }
            next.full = memory.base
            next.fullOwner = memory
            next.capacity = room
        }
        next.tail = nil
        next.tailOwner = nil
        if total % rows != 0 {
            let memory = try allocate(UInt8.self, size, for: "a block of a list")
            next.tail = memory.base
            next.tailOwner = memory
        }
        func place(_ i: Int) -> UnsafeMutableRawPointer? { i < nowFull ? next.full.map { $0 + i * size } : next.tail }
        if count % rows != 0, let tail, let target = place(fullBlocks) { target.copyMemory(from: tail, byteCount: size) }
        for i in 0..<added {
            let at = count + i
            guard let block = place(at / rows) else { throw VecStoreError(.internalError, "a list has no room for its rows") }
            // Room that a change which failed has left something in.
            if at % rows == 0 { block.initializeMemory(as: UInt8.self, repeating: 0, count: size) }
            try write(block, at % rows, i)
        }
        next.count = total
        return next
    }

    /// Without the rows at some places, which are different and in order. The last rows go into the places that become free.
    func removing(_ places: [Int], _ layout: ListLayout) throws(VecStoreError) -> ListState {
        let size = layout.blockSize, rows = ListLayout.rows
        let blocks = ListLayout.blocks(count)
        let memory = try allocate(UInt8.self, blocks * size, for: "a list of \(count) rows")
        for i in 0..<blocks {
            if let block = block(i, layout) { (memory.base + i * size).copyMemory(from: block, byteCount: size) }
        }
        var left = count
        for place in places.reversed() {
            left -= 1
            let last = memory.base + left / rows * size
            if place == left {
                layout.clear(last, left % rows)
            } else {
                layout.move(last, left % rows, to: memory.base + place / rows * size, place % rows)
            }
        }
        return left == 0 ? ListState() : ListState(memory.base, count: left, layout, owner: memory)
    }
}
