// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension HNSWIndex {
    package func contains(
        _ ids: UnsafePointer<UInt64>, _ count: Int, _ found: UnsafeMutablePointer<UInt8>
    ) {
        lookupLock.lock()
        defer { lookupLock.unlock() }
        lookup.mark(ids, count, found)
    }

    /// Copies vectors out: as they were added, or where only codes of them are left, what these say. For cosine those have
    /// norm 1.
    package func get(
        _ ids: UnsafePointer<UInt64>, _ count: Int, as type: ElementType, _ out: UnsafeMutableRawPointer
    ) throws(VecStoreError) {
        try checkOutput(type, of: options.type)
        let slots = try allocate(UInt32.self, count, for: "\(count) slots")
        let slot = slots.pointer(UInt32.self)
        // Slots mean something in one store only, and while they are not used again.
        lookupLock.lock()
        let store = self.store
        let epoch = store.reclaimer.enter()
        var missing: UInt64?
        for i in 0..<count {
            guard let found = lookup.slot(of: ids[i]) else {
                missing = ids[i]
                break
            }
            slot[i] = found
        }
        lookupLock.unlock()
        defer { store.reclaimer.leave(epoch) }
        if let missing { throw VecStoreError(.notFound, "the index has no row with the id \(missing)") }
        let dimension = options.dimension
        let floats = try allocate(Float.self, dimension, for: "a row")
        let size = type.rowSize(dimension)
        for i in 0..<count {
            let target = out + i * size
            guard let exact = store.shape.exactType else {
                decode(store, slot[i], floats.pointer(Float.self))
                write(floats, as: type, target)
                continue
            }
            guard let row = store.exactRow(slot[i], id: ids[i]) else {
                throw VecStoreError(.corrupt, "there is no row outside of the index with the id \(ids[i])")
            }
            if exact == type {
                target.copyMemory(from: row, byteCount: size)
            } else {
                convertToFloat32(row, exact, floats.base, dimension, table)
                write(floats, as: type, target)
            }
        }
    }

    /// What the codes of a row say.
    private func decode(_ store: GraphStore, _ slot: UInt32, _ floats: UnsafeMutablePointer<Float>) {
        let codes = store.walk.address(slot).assumingMemoryBound(to: UInt8.self)
        if store.shape.isPacked {
            store.quantizer?.decode(packed: codes, store.packedFactors(slot), floats)
        } else {
            store.quantizer?.decode(codes, floats)
        }
    }

    private func write(_ floats: Buffer, as type: ElementType, _ target: UnsafeMutableRawPointer) {
        switch type {
        case .float16: table.narrowFloat16(floats.base, target, options.dimension)
        case .bfloat16: table.narrowBFloat16(floats.base, target, options.dimension)
        default: target.copyMemory(from: floats.base, byteCount: 4 * options.dimension)
        }
    }

    /// Copies ids in the order of storage, from row `offset` on.
    package func ids(offset: UInt64, capacity: Int, _ out: UnsafeMutablePointer<UInt64>) -> Int {
        let store = self.store
        var skip = offset
        var written = 0
        for slot in 0..<UInt32(store.publishedSlots) {
            let id = store.id(slot)
            if id == noID { continue }
            if skip > 0 {
                skip -= 1
                continue
            }
            if written == capacity { break }
            out[written] = id
            written += 1
        }
        return written
    }

    package func stats() -> IndexStats {
        let store = self.store
        let known = knowledge.current
        slotLock.lock()
        let bytes = store.bytes
        slotLock.unlock()
        lookupLock.lock()
        defer { lookupLock.unlock() }
        var table = 0
        if case .table(let map) = lookup { table = map.bytes }
        let entry = store.entry.load(ordering: .acquiring)
        let isOpen = isUntrained || (options.storage == .auto && known.storage == nil && options.isCodable)
        return IndexStats(
            count: count, removedCount: max(store.publishedSlots - count, 0), memoryBytes: bytes + table,
            mappedBytes: map?.size ?? 0, nextID: nextID,
            graph: GraphStats(
                m: options.m, efConstruction: options.efConstruction, storage: isOpen ? .auto : storage(of: store.shape),
                exactType: store.shape.exactType, codeLoss: known.codeLoss,
                isSketched: store.shape.isSketched,
                levels: entry == GraphStore.noEntry ? 0 : Int(entry >> 32) + 1, calibration: known.calibration))
    }

    private func storage(of shape: GraphShape) -> GraphStorage {
        if shape.isCoded { return shape.isPacked ? .int4 : .int8 }
        switch shape.walkType {
        case .float32: return .float32
        case .float16: return .float16
        case .bfloat16: return .bfloat16
        default: return .auto
        }
    }
}
