// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension IVFIndex {
    package func contains(_ ids: UnsafePointer<UInt64>, _ count: Int, _ found: UnsafeMutablePointer<UInt8>) {
        published.with { (lookup, _, _) in lookup.mark(ids, count, found) }
    }

    /// Copies vectors out: as they are kept, or where lists hold codes alone, what these say (for cosine of norm 1 or nearly).
    package func get(
        _ ids: UnsafePointer<UInt64>, _ count: Int, as type: ElementType, _ out: UnsafeMutableRawPointer
    ) throws(VecStoreError) {
        try checkOutput(type, of: options.type)
        let memory = try allocate(UInt32.self, count, for: "\(count) slots")
        let slots = memory.pointer(UInt32.self)
        let state = try published.with { (lookup, state, _) throws(VecStoreError) in
            for i in 0..<count {
                guard let slot = lookup.slot(of: ids[i]), Int(slot) < state.usedSlots else { throw IVFIndex.notFound(ids[i]) }
                slots[i] = slot
            }
            return state
        }
        let size = type.rowSize(options.dimension)
        let floats = try allocate(Float.self, options.dimension, for: "a row")
        let numbers = try allocate(UInt8.self, state.model?.codec?.shape.numbers ?? 0, for: "a code")
        for i in 0..<count {
            let target = out + i * size
            if let row = state.rows.row(slots[i]), let kept = state.rows.type {
                try convertElements(row, kept, target, type, options.dimension, table)
            } else {
                try decode(slots[i], ids[i], state, numbers.pointer(UInt8.self), floats.pointer(Float.self))
                try convertElements(floats.base, .float32, target, type, options.dimension, table)
            }
        }
    }

    private func decode(
        _ slot: UInt32, _ id: UInt64, _ state: IVFSnapshot, _ numbers: UnsafeMutablePointer<UInt8>,
        _ out: UnsafeMutablePointer<Float>
    ) throws(VecStoreError) {
        guard let model = state.model, let codec = model.codec else { throw IVFIndex.notFound(id) }
        let home = Int(state.rows.home(slot, 0))
        guard home < model.nlist else { throw VecStoreError(.corrupt, "the row \(id) is in a list that does not exist") }
        let list = state.list(home)
        var place: Int?
        list.forEachSlot(model.layout) { if $1 == slot { place = $0 } }
        guard let place, let block = list.block(place / ListLayout.rows, model.layout) else {
            throw VecStoreError(.corrupt, "the row \(id) is not in its list")
        }
        let row = place % ListLayout.rows
        model.layout.read(block, row, count: codec.shape.numbers, numbers)
        try codec.decode(numbers, factor: model.layout.factors(block)[row], model, home, out)
    }

    /// Copies ids in the order of storage, from row `offset` on.
    package func ids(offset: UInt64, capacity: Int, _ out: UnsafeMutablePointer<UInt64>) -> Int {
        let state = current
        guard let model = state.model else { return 0 }
        var skip = offset
        var written = 0
        for l in 0..<state.listCount {
            if written == capacity { break }
            state.list(l).forEachSlot(model.layout) { (_, slot) in
                guard written < capacity, Int(slot) < state.usedSlots,
                    state.rows.home(slot, 0) == UInt32(truncatingIfNeeded: l)
                else { return }
                if skip > 0 {
                    skip -= 1
                } else {
                    out[written] = state.rows.id(slot)
                    written += 1
                }
            }
        }
        return written
    }

    package func stats() -> IndexStats {
        let (state, ids, nextID) = published.with { (lookup, state, nextID) in (state, lookup.bytes, nextID) }
        var lists = ListStats(
            nlist: state.model?.nlist ?? options.nlist ?? 0, storage: options.storage, exactType: options.rowType,
            assignments: options.assignments, trainedCount: state.model?.trainedCount ?? 0,
            calibration: state.model?.calibration.value)
        var bytes = state.model?.bytes ?? 0
        if let model = state.model {
            lists.hasGraph = model.graph != nil
            lists.bytesPerRow = model.layout.blockSize / ListLayout.rows * options.assignments
            var squares = 0.0, entries = 0.0
            for l in 0..<model.nlist {
                let list = state.list(l)
                lists.longestList = max(lists.longestList, list.count)
                squares += Double(list.count) * Double(list.count)
                entries += Double(list.count)
                if map == nil { bytes += list.bytes(model.layout) }
            }
            if entries > 0 { lists.imbalance = Float(Double(model.nlist) * squares / (entries * entries)) }
        }
        return IndexStats(
            count: state.count, removedCount: state.usedSlots - state.count,
            memoryBytes: bytes + state.rows.bytes(state.usedSlots) + ids, mappedBytes: map?.size ?? 0, nextID: nextID,
            lists: lists)
    }
}
