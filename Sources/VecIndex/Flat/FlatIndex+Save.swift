// SPDX-License-Identifier: Apache-2.0

extension FlatIndex {
    /// Writes the rows as they are now to a file, whole or not at all.
    /// - Parameter sync: Whether to wait until the disk has it.
    package func save(to path: String, sync: Bool, notes: AutoNotes?) throws(VecStoreError) {
        let (state, nextID) = published.with { (_, state, nextID) in (state, nextID) }
        let order = try IDOrder(state)
        var header = FileHeader(shape: shape, count: state.count, nextID: nextID, idsAscend: order.ascends)
        header.notes = notes
        try header.write(to: path, sync: sync) { (kind, writer) throws(VecStoreError) in
            try write(kind, state, order, writer)
        }
        withExtendedLifetime(state) {}
    }

    private func write(
        _ kind: SectionKind, _ state: FlatSnapshot, _ order: IDOrder, _ writer: SectionWriter
    ) throws(VecStoreError) {
        if kind == .idOrder {
            try writer.append(order.positions, 4 * state.count)
            return
        }
        for part in state.parts {
            let segment = part.segment
            switch kind {
            case .rows: try write(segment.rows, shape.rowSize, part, writer)
            case .ids: try write(segment.ids, 8, part, writer)
            case .squaredNorms: try write(segment.squaredNorms, 4, part, writer)
            case .inverseNorms: try write(segment.inverseNorms, 8, part, writer)
            case .codes: try write(segment.codes, shape.dimension, part, writer)
            case .codeScale: try write(segment.codeScale, 4, part, writer)
            case .codeError: try write(segment.codeError, 4, part, writer)
            default: break
            }
        }
    }

    /// Writes the places of a column that hold rows.
    private func write(
        _ column: UnsafeRawPointer?, _ size: Int, _ part: FlatSnapshot.Part, _ writer: SectionWriter
    ) throws(VecStoreError) {
        guard let column else { return }
        guard let removed = part.removed else {
            if part.count > 0 { try writer.append(column, part.count * size) }
            return
        }
        for place in 0..<part.count where removed.isLive(place) { try writer.append(column + place * size, size) }
    }
}

/// The order of the ids of rows.
struct IDOrder {
    /// Whether the rows lie in it already.
    private(set) var ascends = true
    private let memory: Buffer
    /// The positions of the rows in the order of their ids.
    var positions: UnsafePointer<UInt32> { UnsafePointer(memory.pointer(UInt32.self)) }

    /// Of the rows of a snapshot.
    init(_ state: FlatSnapshot) throws(VecStoreError) {
        let idMemory = try allocate(UInt64.self, state.count, for: "the ids to save")
        let ids = idMemory.pointer(UInt64.self)
        var n = 0
        for part in state.parts {
            for place in 0..<part.count {
                if let removed = part.removed, !removed.isLive(place) { continue }
                ids[n] = part.segment.ids[place]
                n += 1
            }
        }
        try self.init(ids, n)
        withExtendedLifetime(idMemory) {}
    }

    init(_ ids: UnsafePointer<UInt64>, _ count: Int) throws(VecStoreError) {
        for i in 1..<max(count, 1) where ids[i] <= ids[i - 1] { ascends = false }
        memory = try allocate(UInt32.self, ascends ? 0 : count, for: "the order of the ids to save")
        if ascends { return }
        var positions = UnsafeMutableBufferPointer(start: memory.pointer(UInt32.self), count: count)
        for i in 0..<count { positions[i] = UInt32(truncatingIfNeeded: i) }
        positions.sort { ids[Int($0)] < ids[Int($1)] }
    }
}
