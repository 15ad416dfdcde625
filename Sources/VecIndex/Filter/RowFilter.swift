// SPDX-License-Identifier: Apache-2.0

/// Which ids may be results.
package struct RowFilter {
    package enum Kind {
        case none
        /// id matches where bit id % 8 of byte id / 8 is set and id < count.
        case bitmap(UnsafePointer<UInt8>, count: UInt64)
        case ids(UnsafePointer<UInt64>, count: Int)
        case callback((UInt64) -> Bool)
    }

    package let kind: Kind
    /// Whether the ids that do not match are wanted.
    package let isNegated: Bool
    /// Of a bitmap that is used again: what was found out about it.
    package let cache: SlotCache?

    package init(_ kind: Kind, isNegated: Bool = false, cache: SlotCache? = nil) {
        self.kind = kind
        self.isNegated = isNegated
        self.cache = cache
    }
}

/// The rows of some blocks that a filter lets through, as one bitmap for each block. Made once for a search, however many
/// queries it has.
package struct FilteredBlocks {
    package private(set) var blocks: [RowBlock]
    private var memory: [Buffer] = []

    package init(_ blocks: [RowBlock], _ filter: RowFilter) throws(VecStoreError) {
        self.blocks = blocks
        let idSet: IDSet?
        switch filter.kind {
        case .none:
            // Not matching nothing is matching nothing.
            if !filter.isNegated { return }
            idSet = nil
        case .ids(let ids, let count):
            idSet = try IDSet(ids, count)
        default:
            idSet = nil
        }
        for b in blocks.indices {
            let block = blocks[b]
            let bitmap = try allocate(UInt8.self, (block.count + 7) / 8, for: "a filter of \(block.count) rows")
            let bits = bitmap.pointer(UInt8.self)
            var count = 0
            for j in 0..<block.count where block.isWanted(j) {
                let id = block.id(j)
                let matches: Bool
                switch filter.kind {
                case .none: matches = true
                case .bitmap(let map, let size): matches = id < size && map[Int(id >> 3)] & (1 << UInt8(id & 7)) != 0
                case .ids: matches = idSet?.contains(id) ?? false
                case .callback(let callback): matches = callback(id)
                }
                if matches != filter.isNegated {
                    bits[j >> 3] |= 1 << UInt8(j & 7)
                    count += 1
                }
            }
            memory.append(bitmap)
            self.blocks[b].wanted = UnsafePointer(bits)
            self.blocks[b].wantedCount = count
        }
    }

    /// Calls `body` with the blocks, which live no longer than this value.
    package func withBlocks<R>(_ body: ([RowBlock]) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        defer { withExtendedLifetime(memory) {} }
        return try body(blocks)
    }
}

/// A set of ids, for asking often.
struct IDSet {
    private let map = IDMap()

    init(_ ids: UnsafePointer<UInt64>, _ count: Int) throws(VecStoreError) {
        try map.reserve(count)
        for i in 0..<count { map.set(ids[i], 0) }
    }

    func contains(_ id: UInt64) -> Bool { map.slot(of: id) != nil }
}
