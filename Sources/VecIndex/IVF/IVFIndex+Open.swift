// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

extension IVFIndex {
    /// Opens the file of an inverted file, whose header has been read.
    static func open(
        _ file: FileHandle, _ header: FileHeader, _ options: OpenOptions, table: KernelTable
    ) throws(VecStoreError) -> IVFIndex {
        let map = try MappedFile(file)
        guard map.size == header.fileSize else {
            throw VecStoreError(.corrupt, "'\(file.path)' changes while it is opened")
        }
        if options.prefault && !options.load { map.prefault() }
        let verifies = options.verify ?? options.load
        let mapped = try IVFIndex(map, header, load: options.load, verifies: verifies, table)
        if verifies { try mapped.verify() }
        guard options.load else { return mapped }
        return try mapped.inMemory()
    }

    /// An index that reads from a map.
    /// - Parameter load: Whether what training found is to be in memory whole.
    private convenience init(
        _ map: MappedFile, _ header: FileHeader, load: Bool, verifies: Bool, _ table: KernelTable
    ) throws(VecStoreError) {
        guard let fields = header.lists else { throw VecStoreError(.internalError, "the file has no lists") }
        func base(_ kind: SectionKind) -> UnsafeRawPointer? { header.section(kind).map { map.base + $0.offset } }
        guard let noteBytes = base(.listNotes), let ids = base(.ids), let homes = base(.homes) else {
            throw VecStoreError(.internalError, "the file has no notes")
        }
        let notes = try IVFNotes(noteBytes, path: map.path)
        let options = notes.options(header, fields)
        do {
            try options.check()
        } catch {
            throw VecStoreError(.corrupt, "'\(map.path)' has an inverted file that cannot be: \(error.message)")
        }
        guard options.codeShape == fields.codes, options.rowType == fields.rowType,
            fields.nlist == 0 || options.nlist == nil || options.nlist == fields.nlist, fields.nlist == 0 || notes.trainedCount > 0
        else { throw VecStoreError(.corrupt, "'\(map.path)' has an inverted file whose lists are not what its notes say") }
        let rows = try ListRows(
            options, ids: ids, homes: homes, rows: base(.fullRows), inverseNorms: base(.inverseNorms), owner: map)
        var state = IVFSnapshot(nil, rows)
        if fields.nlist > 0, let centroids = base(.centroids), let numbers = base(.listNumbers),
            let counts = base(.listCounts), let blocks = base(.listBlocks)
        {
            let model = try IVFIndex.model(
                options, notes, nlist: fields.nlist, centroids, numbers: numbers, codebooks: base(.codebooks), map.path, table)
            model.calibration.value = notes.calibration
            if let graph = header.section(.listGraph) {
                model.graph = try CentroidGraph(MappedFile(map, at: graph.offset, graph.size), model, load: load, verifies: verifies, table)
            }
            map.release(centroids, 4 * fields.nlist * options.dimension)
            let lists = try IVFIndex.lists(
                counts.assumingMemoryBound(to: UInt32.self), blocks, fields, header.count, map)
            state = IVFSnapshot(model, rows, lists, count: header.count, usedSlots: header.count)
        }
        self.init(
            options, table: table, map: map, snapshot: state,
            lookup: .sorted(
                ids: ids.assumingMemoryBound(to: UInt64.self), order: base(.idOrder)?.assumingMemoryBound(to: UInt32.self),
                count: header.count),
            nextID: header.nextID)
    }

    private static func model(
        _ options: IVFOptions, _ notes: IVFNotes, nlist: Int, _ centroids: UnsafeRawPointer, numbers: UnsafeRawPointer,
        codebooks: UnsafeRawPointer?, _ path: String, _ table: KernelTable
    ) throws(VecStoreError) -> IVFModel {
        func corrupt(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "'\(path)' has \(what)") }
        let centroidTable: CentroidTable
        do {
            centroidTable = try CentroidTable(
                centroids, k: nlist, dimension: options.dimension, metric: IVFModel.listMetric(options.metric), threads: 1,
                table: table)
        } catch {
            if error.code == .outOfMemory { throw error }
            throw corrupt("lists that cannot be: \(error.message)")
        }
        let codec = try IVFIndex.codec(options, notes, codebooks, path, table)
        return try IVFModel(
            centroidTable, metric: options.metric, codec: codec, trainedCount: notes.trainedCount, isOwn: notes.isOwn,
            meanNorm: notes.meanNorm
        ) { (radii, reaches) throws(VecStoreError) in
            for l in 0..<nlist {
                radii[l] = numbers.loadUnaligned(fromByteOffset: 4 * l, as: Float.self)
                reaches[l] = numbers.loadUnaligned(fromByteOffset: 4 * (nlist + l), as: Float.self)
                guard abs(radii[l]) <= 0x1p63 && reaches[l] >= 0 && reaches[l] <= 0x1p63 else {
                    throw corrupt("list \(l) at a distance that cannot be")
                }
            }
        }
    }

    /// How rows are coded, by what a file says; nil where lists hold none.
    private static func codec(
        _ options: IVFOptions, _ notes: IVFNotes, _ codebooks: UnsafeRawPointer?, _ path: String, _ table: KernelTable
    ) throws(VecStoreError) -> ListCodec? {
        func read(_ source: inout UnsafeRawPointer, _ count: Int, _ out: UnsafeMutablePointer<Float>) throws(VecStoreError) {
            for i in 0..<count {
                let x = source.loadUnaligned(fromByteOffset: 4 * i, as: Float.self)
                guard abs(x) <= 0x1p65 else { throw VecStoreError(.corrupt, "'\(path)' has codebooks with a number that cannot be: \(x)") }
                out[i] = x
            }
            source += 4 * count
        }
        let dimension = options.dimension
        let kind: ListCodec.Kind
        switch options.storage {
        case .auto, .float32, .float16, .bfloat16: return nil
        case .binary:
            kind = .binary(
                FastRotation(dimension: dimension, seed: options.seed, table: table),
                GridRounder(dimension: dimension, bits: options.binaryBits, table: table))
        case .pq:
            guard var source = codebooks else { return nil }
            let quantizer = try ProductQuantizer(dimension: dimension, m: options.partCount, bits: options.partBits, table: table)
            for j in 0..<quantizer.m {
                let part = quantizer.part(j)
                try read(&source, quantizer.k * part.dimension, part.centroids)
                part.refresh()
            }
            if options.isRotated {
                let rotation = try Rotation(dimension: dimension)
                try read(&source, dimension * dimension, rotation.matrix)
                quantizer.rotation = rotation
            }
            kind = .product(quantizer)
        case .int8, .int4:
            guard var source = codebooks else { return nil }
            kind = .scalar(
                try ElementGrid(dimension: dimension, bits: options.storage == .int8 ? 8 : 4) { (middle, step) throws(VecStoreError) in
                    try read(&source, dimension, middle)
                    try read(&source, dimension, step)
                    for d in 0..<dimension {
                        guard step[d] >= 0x1p-80 else { throw VecStoreError(.corrupt, "'\(path)' has a grid whose step is \(step[d])") }
                    }
                })
        }
        return ListCodec(kind, options, error: notes.codeSpread, table)
    }

    private static func lists(
        _ counts: UnsafePointer<UInt32>, _ blocks: UnsafeRawPointer, _ fields: ListFields, _ count: Int, _ map: MappedFile
    ) throws(VecStoreError) -> [ListState] {
        var lists: [ListState] = []
        lists.reserveCapacity(fields.nlist)
        var used = 0, entries = 0
        for l in 0..<fields.nlist {
            let rows = Int(counts[l]), wanted = ListLayout.blocks(rows)
            guard rows <= count, used + wanted <= fields.blocks else {
                throw VecStoreError(.corrupt, "'\(map.path)' has a list of \(rows) rows that its blocks do not hold")
            }
            lists.append(
                rows == 0
                    ? ListState() : ListState(blocks + used * fields.layout.blockSize, count: rows, fields.layout, owner: map))
            used += wanted
            entries += rows
        }
        guard used == fields.blocks && entries == count * fields.assignments else {
            throw VecStoreError(.corrupt, "'\(map.path)' has lists of \(entries) rows for \(count)")
        }
        return lists
    }

    /// A writable copy in memory.
    private func inMemory() throws(VecStoreError) -> IVFIndex {
        let state = current
        // What was not verified may hold anything; a writer goes by it from now on.
        try checkLists(state)
        let (copy, ids) = try compacted(state)
        guard ids.count == state.count else {
            throw VecStoreError(.corrupt, "'\(map?.path ?? "")' has an id twice, or one that is none")
        }
        var next = published.with { (_, _, nextID) in nextID }
        for slot in 0..<state.count {
            let id = copy.rows.id(UInt32(truncatingIfNeeded: slot))
            guard id != noID else { throw VecStoreError(.corrupt, "'\(map?.path ?? "")' has an id that is none") }
            if id >= next { next = id == noID - 1 ? noID : id + 1 }
        }
        return IVFIndex(options, table: table, map: nil, snapshot: copy, lookup: .table(ids), nextID: next)
    }

    // MARK: - Checking

    /// Checks everything that can be wrong: of a map every byte, and lists and rows of either.
    package func verify() throws(VecStoreError) {
        if let map { try FileHeader.verify(map) }
        try current.model?.graph?.verify()
        let name = map.map { "'\($0.path)'" } ?? "the index"
        try published.with { (lookup, state, nextID) throws(VecStoreError) in
            try checkLists(state)
            try checkRows(state, name)
            if let map {
                try lookup.verify(nextID: nextID, map.path)
                return
            }
            if case .table(let ids) = lookup, ids.count != state.count {
                throw VecStoreError(.corrupt, "the index has \(ids.count) ids for \(state.count) rows")
            }
            try state.forEachRow { (slot) throws(VecStoreError) in
                guard lookup.slot(of: state.rows.id(slot)) == slot else {
                    throw VecStoreError(.corrupt, "the index does not find the row with the id \(state.rows.id(slot))")
                }
            }
        }
    }

    /// Refuses lists whose rows are not where they say.
    private func checkLists(_ state: IVFSnapshot) throws(VecStoreError) {
        guard let model = state.model else { return }
        func corrupt(_ l: Int) -> VecStoreError {
            VecStoreError(.corrupt, "\(map.map { "'\($0.path)'" } ?? "the index") has a list (\(l)) whose rows are not its own")
        }
        let memory = try allocate(UInt8.self, state.usedSlots, for: "a check of \(state.count) rows")
        let seen = memory.pointer(UInt8.self)
        var entries = 0
        for l in 0..<state.listCount {
            var isRight = true
            state.list(l).forEachSlot(model.layout) { (_, slot) in
                guard Int(slot) < state.usedSlots,
                    let a = (0..<options.assignments).first(where: { state.rows.home(slot, $0) == UInt32(truncatingIfNeeded: l) }),
                    seen[Int(slot)] & (1 &<< UInt8(a)) == 0
                else {
                    isRight = false
                    return
                }
                seen[Int(slot)] |= 1 &<< UInt8(a)
                entries += 1
            }
            guard isRight else { throw corrupt(l) }
        }
        guard entries == state.count * options.assignments else { throw corrupt(0) }
    }

    /// Rows that pass the checks of `add`.
    private func checkRows(_ state: IVFSnapshot, _ name: String) throws(VecStoreError) {
        guard let type = state.rows.type, type == options.type else { return }
        let check = VectorCheck(metric: options.metric, noun: "row")
        try state.forEachRow { (slot) throws(VecStoreError) in
            guard let row = state.rows.row(slot) else { return }
            do throws(VecStoreError) {
                try check.check(
                    row, type: type, count: 1, dimension: options.dimension, table: table, firstNumber: Int(slot))
            } catch {
                if error.code == .outOfMemory { throw error }
                throw VecStoreError(.corrupt, "\(name): \(error.message)")
            }
        }
    }
}

extension IVFSnapshot {
    /// Calls `body` with the slot of each row, in the order of lists.
    func forEachRow(_ body: (UInt32) throws(VecStoreError) -> Void) throws(VecStoreError) {
        guard let layout = model?.layout else { return }
        for l in 0..<listCount {
            let list = self.list(l)
            for b in 0..<ListLayout.blocks(list.count) {
                guard let block = list.block(b, layout) else { break }
                let slots = layout.slots(block)
                for row in 0..<min(ListLayout.rows, list.count - b * ListLayout.rows) {
                    guard Int(slots[row]) < usedSlots else {
                        throw VecStoreError(.corrupt, "a list of the index has a row that does not exist")
                    }
                    if rows.home(slots[row], 0) == UInt32(truncatingIfNeeded: l) { try body(slots[row]) }
                }
            }
        }
    }
}
