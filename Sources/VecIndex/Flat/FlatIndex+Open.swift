// SPDX-License-Identifier: Apache-2.0

import CVecShims
import VecKernelTypes
import VecKernels

/// How a file is opened.
package struct OpenOptions: Sendable {
    /// Into memory, writable; else mapped and read-only.
    package var load: Bool
    /// Whether every byte is checked, and not the header and its table alone; nil: where the file is loaded.
    package var verify: Bool?
    /// Whether a map's pages are read in at once.
    package var prefault: Bool
    /// The rows of a graph that lie outside of its file: given for such a file, and for no other.
    package var externalRows: ExternalRows?

    package init(load: Bool = false, verify: Bool? = nil, prefault: Bool = false, externalRows: ExternalRows? = nil) {
        self.load = load
        self.verify = verify
        self.prefault = prefault
        self.externalRows = externalRows
    }
}

extension FlatIndex {
    /// Opens the file of a flat index, whose header has been read.
    static func open(
        _ file: FileHandle, _ header: FileHeader, _ options: OpenOptions, table: KernelTable
    ) throws(VecStoreError) -> FlatIndex {
        if options.load { return try load(file, header, verify: options.verify ?? true, table) }

        let map = try MappedFile(file)
        guard map.size == header.fileSize else {
            throw VecStoreError(.corrupt, "'\(file.path)' changes while it is opened")
        }
        if options.prefault { map.prefault() }
        let places = FilePlaces(header)
        let segment = RowSegment(map, places, count: header.count)
        let ids = UnsafePointer(segment.ids)
        let order = places.idOrder.map { (map.base + $0).assumingMemoryBound(to: UInt32.self) }
        let index = FlatIndex(
            header.shape, table: table, map: map, snapshot: snapshot(segment, header.count),
            lookup: .sorted(ids: ids, order: order, count: header.count), nextID: header.nextID)
        if options.verify ?? false { try index.verifyMap(map) }
        return index
    }

    private static func snapshot(_ segment: RowSegment, _ count: Int) -> FlatSnapshot {
        FlatSnapshot(count == 0 ? [] : [FlatSnapshot.Part(segment: segment, firstSlot: 0, count: count, removed: nil)])
    }

    private static func load(
        _ file: FileHandle, _ header: FileHeader, verify: Bool, _ table: KernelTable
    ) throws(VecStoreError) -> FlatIndex {
        let segment = try RowSegment(header.shape, capacity: header.count)
        for section in header.sections {
            let column: UnsafeMutableRawPointer?
            switch section.kind {
            case .rows: column = segment.rows
            case .ids: column = UnsafeMutableRawPointer(segment.ids)
            case .squaredNorms: column = segment.squaredNorms.map { UnsafeMutableRawPointer($0) }
            case .inverseNorms: column = segment.inverseNorms.map { UnsafeMutableRawPointer($0) }
            case .codes: column = segment.codes.map { UnsafeMutableRawPointer($0) }
            case .codeScale: column = segment.codeScale.map { UnsafeMutableRawPointer($0) }
            case .codeError: column = segment.codeError.map { UnsafeMutableRawPointer($0) }
            default: column = nil
            }
            // The order of the ids is made anew; where everything is checked, so is it.
            let spare = column == nil && verify ? try allocate(UInt8.self, section.size, for: "the order of ids") : nil
            guard let target = column ?? spare?.base else { continue }
            try file.read(target, section.size, at: section.offset)
            if verify { try section.verify(target, file.path) }
            withExtendedLifetime(spare) {}
        }
        if verify {
            try header.verifyPadding(file.path) { (at, count, out) throws(VecStoreError) in
                try file.read(out, count, at: at)
            }
        }
        let ids = IDMap()
        try ids.reserve(header.count)
        var nextID = header.nextID
        for i in 0..<header.count {
            let id = segment.ids[i]
            guard id != noID, ids.slot(of: id) == nil else {
                throw VecStoreError(.corrupt, "'\(file.path)' has the id \(id) twice, or one that is none")
            }
            ids.set(id, UInt32(truncatingIfNeeded: i))
            if id >= nextID { nextID = id == noID - 1 ? noID : id + 1 }
        }
        let index = FlatIndex(
            header.shape, table: table, map: nil, snapshot: snapshot(segment, header.count), lookup: .table(ids),
            nextID: nextID)
        if verify { try index.checkRows(file.path) }
        return index
    }

    // MARK: - Checking

    /// Checks everything that can be wrong: of a map every byte, of an index in memory its rows and ids.
    package func verify() throws(VecStoreError) {
        if let map {
            try verifyMap(map)
            return
        }
        try checkRows("the index")
        try published.with { (lookup, state, _) throws(VecStoreError) in
            for part in state.parts {
                for place in 0..<part.count {
                    if let removed = part.removed, !removed.isLive(place) { continue }
                    let id = part.segment.ids[place]
                    guard lookup.slot(of: id) == UInt32(truncatingIfNeeded: part.firstSlot + place) else {
                        throw VecStoreError(.corrupt, "the index does not find the row with the id \(id)")
                    }
                }
            }
            if case .table(let ids) = lookup, ids.count != state.count {
                throw VecStoreError(.corrupt, "the index has \(ids.count) ids for \(state.count) rows")
            }
        }
    }

    private func verifyMap(_ map: MappedFile) throws(VecStoreError) {
        try FileHeader.verify(map)
        try published.with { (lookup, _, nextID) throws(VecStoreError) in
            try lookup.verify(nextID: nextID, map.path)
        }
        try checkRows(map.path)
    }

    /// Rows that pass the checks of `add`.
    private func checkRows(_ path: String) throws(VecStoreError) {
        let check = VectorCheck(metric: shape.metric, noun: "row")
        for part in current.parts {
            let piece = 4096
            var from = 0
            while from < part.count {
                let n = min(piece, part.count - from)
                do {
                    try check.check(
                        part.segment.rows + from * shape.rowSize, type: shape.type, count: n, dimension: shape.dimension,
                        table: table, firstNumber: from)
                } catch {
                    if error.code == .outOfMemory { throw error }
                    throw VecStoreError(.corrupt, "\(path): \(error.message)")
                }
                from += n
            }
        }
    }
}
