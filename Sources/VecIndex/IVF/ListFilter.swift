// SPDX-License-Identifier: Apache-2.0

/// Which rows of lists may be results. Asked of those alone that a search meets and would take; a caller's function, which is
/// called on the caller's thread, is asked of all rows first.
struct ListFilter {
    private enum Kind {
        case all
        case bitmap(UnsafePointer<UInt8>, count: UInt64)
        case ids(IDSet)
        /// By slot.
        case marked(UnsafePointer<UInt8>)
    }

    private let kind: Kind
    private let isNegated: Bool
    private let memory: Buffer?

    /// Whether all rows are wanted.
    let isOpen: Bool

    init(_ filter: RowFilter, _ state: IVFSnapshot) throws(VecStoreError) {
        var memory: Buffer?
        var isOpen = false
        isNegated = filter.isNegated
        switch filter.kind {
        case .none:
            kind = .all
            isOpen = !filter.isNegated
        case .bitmap(let bits, let count):
            kind = .bitmap(bits, count: count)
        case .ids(let ids, let count):
            kind = .ids(try IDSet(ids, count))
        case .callback(let callback):
            let marks = try allocate(UInt8.self, (state.usedSlots + 7) / 8, for: "a filter of \(state.count) rows")
            let bits = marks.pointer(UInt8.self)
            if let layout = state.model?.layout {
                for l in 0..<state.listCount {
                    state.list(l).forEachSlot(layout) { (_, slot) in
                        // A row in two lists is asked for once.
                        guard Int(slot) < state.usedSlots, state.rows.home(slot, 0) == UInt32(truncatingIfNeeded: l),
                            callback(state.rows.id(slot))
                        else { return }
                        bits[Int(slot) >> 3] |= 1 &<< UInt8(truncatingIfNeeded: slot & 7)
                    }
                }
            }
            kind = .marked(UnsafePointer(bits))
            memory = marks
        }
        self.memory = memory
        self.isOpen = isOpen
    }

    @inline(__always)
    func wants(_ slot: UInt32, _ rows: ListRows) -> Bool {
        if isOpen { return true }
        let matches =
            switch kind {
            case .all: true
            case .bitmap(let bits, let count):
                rows.id(slot) < count && bits[Int(rows.id(slot) >> 3)] & (1 &<< UInt8(truncatingIfNeeded: rows.id(slot) & 7)) != 0
            case .ids(let set): set.contains(rows.id(slot))
            case .marked(let bits): bits[Int(slot) >> 3] & (1 &<< UInt8(truncatingIfNeeded: slot & 7)) != 0
            }
        return matches != isNegated
    }
}
