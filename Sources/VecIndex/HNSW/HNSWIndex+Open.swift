// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

extension HNSWIndex {
    /// Opens the file of a graph, whose header has been read.
    static func open(
        _ file: FileHandle, _ header: FileHeader, _ options: OpenOptions, table: KernelTable
    ) throws(VecStoreError) -> HNSWIndex {
        let map = try MappedFile(file)
        guard map.size == header.fileSize else {
            throw VecStoreError(.corrupt, "'\(file.path)' changes while it is opened")
        }
        if options.prefault && !options.load { map.prefault() }
        return try open(map, header, load: options.load, verifies: options.verify ?? options.load, external: options.externalRows, table)
    }

    /// Opens a graph in a map.
    static func open(
        _ map: MappedFile, _ header: FileHeader, load: Bool, verifies: Bool, external: ExternalRows? = nil, _ table: KernelTable
    ) throws(VecStoreError) -> HNSWIndex {
        let mapped = try HNSWIndex(map, header, external, table)
        if verifies { try mapped.verify() }
        guard load else { return mapped }
        return try mapped.inMemory(verified: verifies)
    }

    /// An index that reads from a map.
    private convenience init(
        _ map: MappedFile, _ header: FileHeader, _ external: ExternalRows?, _ table: KernelTable
    ) throws(VecStoreError) {
        guard let fields = header.graph else { throw VecStoreError(.internalError, "the file has no graph") }
        func base(_ kind: SectionKind) -> UnsafeRawPointer? { header.section(kind).map { map.base + $0.offset } }
        guard let noteBytes = base(.graphNotes), let idBytes = base(.ids) else {
            throw VecStoreError(.internalError, "the file has no notes")
        }
        let notes = try GraphNotes(noteBytes, rows: header.count, path: map.path)
        let shape = fields.shape(header.shape)
        var quantizer: ScalarQuantizer?
        if let bytes = base(.quantizer) {
            quantizer = try HNSWIndex.quantizer(
                bytes, shape, levels: shape.isPacked ? 16 : 256,
                rotation: notes.knowledge.isRotated ? FastRotation(dimension: shape.dimension, seed: notes.seed) : nil, map.path)
        }
        var sketcher: ScalarQuantizer?
        if let bytes = base(.sketcher) { sketcher = try HNSWIndex.quantizer(bytes, shape, levels: 16, map.path) }
        let store = try GraphStore(
            shape, quantizer: quantizer, sketcher: sketcher, external: external, map: map, usedSlots: header.count,
            usedUnits: fields.units, entry: fields.entry, root: fields.root
        ) { column in
            switch column {
            case .walk: base(.walkRows)
            case .factors: base(.walkFactors)
            case .sketches: base(.sketches)
            case .sketchFactors: base(.sketchFactors)
            case .full: base(.fullRows)
            case .inverseNorms: base(.inverseNorms)
            case .ids: base(.ids)
            case .links: base(.links)
            case .parents: base(.parents)
            case .levels: base(.levels)
            case .upperPlaces: base(.upperPlaces)
            case .upper: base(.upperLinks)
            }
        }
        store.landmarks.set(notes.landmarks, radius: notes.landmarkRadius)
        var made = HNSWOptions(
            dimension: shape.dimension, metric: shape.metric, type: shape.type, storage: notes.storage,
            rescore: notes.rescore, m: fields.m, efConstruction: notes.efConstruction, seed: notes.seed)
        do {
            try made.check()
        } catch {
            throw VecStoreError(.corrupt, "'\(map.path)' has a graph that cannot be: \(error.message)")
        }
        if shape.isExternal, let external {
            guard made.allowsExternalRows else {
                throw VecStoreError(.corrupt, "'\(map.path)' has a graph whose rows cannot lie outside of it")
            }
            do {
                try made.check(external)
            } catch {
                throw VecStoreError(error.code, "'\(map.path)': \(error.message)")
            }
            made.externalRows = external
        }
        // What training decided must be what the header says the rows are: who changes the index goes by either.
        let decided = notes.knowledge.storage
        let mayBeChosen = made.storage == .auto && (decided != .int4 || made.externalRows != nil)
        guard decided == nil || (made.isCodable && decided != .auto && (made.storage == decided || mayBeChosen)) else {
            throw VecStoreError(.corrupt, "'\(map.path)' has a graph with storage that was never asked for")
        }
        var wanted = decided.map { HNSWIndex.shape(made, storage: $0) } ?? HNSWIndex.shapeBeforeTraining(made)
        wanted.isSketched = shape.isSketched
        guard wanted == shape else {
            throw VecStoreError(.corrupt, "'\(map.path)' has a graph whose rows are stored otherwise than its notes say")
        }
        try self.init(
            made, table: table, map: map, store: store,
            lookup: .sorted(
                ids: idBytes.assumingMemoryBound(to: UInt64.self),
                order: base(.idOrder)?.assumingMemoryBound(to: UInt32.self), count: header.count),
            nextID: header.nextID)
        insertions = notes.insertions
        hasLostRows = insertions > UInt64(header.count)
        rowCount.store(header.count, ordering: .relaxed)
        var known = notes.knowledge
        known.trainedRows = header.count
        knowledge.set(known)
    }

    private static func quantizer(
        _ bytes: UnsafeRawPointer, _ shape: GraphShape, levels: Int, rotation: FastRotation? = nil, _ path: String
    ) throws(VecStoreError) -> ScalarQuantizer {
        let centers = bytes.assumingMemoryBound(to: Float.self)
        let steps = centers + shape.dimension
        for d in 0..<shape.dimension
        where !(abs(centers[d]) <= 0x1p63 && steps[d] > 0 && steps[d] <= 0x1p63) {
            throw VecStoreError(.corrupt, "'\(path)' has a quantizer with a range that cannot be (element \(d))")
        }
        return try ScalarQuantizer(
            dimension: shape.dimension, metric: shape.metric, levels: levels, isCentered: shape.isPacked, rotation: rotation,
            center: centers, step: steps)
    }

    /// A writable copy in memory.
    private func inMemory(verified: Bool) throws(VecStoreError) -> HNSWIndex {
        // What was not verified may hold anything: links are followed, and mended, from now on without looking.
        if !verified {
            try checkLinks(store)
            _ = try checkGraph(store)
        }
        return try copy(all: true)
    }

    /// A writable copy in memory. Nobody changes this index meanwhile.
    /// - Parameter all: Whether every slot is in use: in a file.
    func copy(all: Bool = false) throws(VecStoreError) -> HNSWIndex {
        let (copy, ids) = try compacted(nil, all: all)
        guard ids.count == count else {
            throw VecStoreError(.corrupt, "'\(map?.path ?? "")' has an id twice, or one that is none")
        }
        var next = nextID
        for slot in 0..<UInt32(copy.usedSlots) {
            let id = copy.id(slot)
            if id >= next { next = id == noID - 1 ? noID : id + 1 }
        }
        let index = try HNSWIndex(options, table: table, map: nil, store: copy, lookup: .table(ids), nextID: next)
        index.insertions = insertions
        index.hasLostRows = hasLostRows
        index.rowCount.store(count, ordering: .relaxed)
        index.knowledge.set(knowledge.current)
        return index
    }

    /// Refuses links and places that lead nowhere.
    private func checkLinks(_ store: GraphStore) throws(VecStoreError) {
        let used = UInt32(store.usedSlots)
        func corrupt(_ slot: UInt32) -> VecStoreError {
            VecStoreError(.corrupt, "'\(map?.path ?? "")' has lists of row \(slot) that lead nowhere")
        }
        for slot in 0..<used {
            let level = store.level(slot)
            guard level < GraphBuilder.mostLevels, !store.isDead(slot), store.parent(slot) < used,
                level == 0 || Int(store.upperPlace(slot)) + level <= store.usedUnits
            else { throw corrupt(slot) }
            for l in 0...level {
                let list = store.list(slot, l)
                for i in 0..<list.capacity {
                    let link = list[i]
                    if link == noSlot { break }
                    guard link & slotBits < used, store.level(link & slotBits) >= l else { throw corrupt(slot) }
                }
            }
        }
    }

    // MARK: - Maps

    /// The addresses of the map; nil of a graph in memory.
    package var mappedRange: Range<UInt>? {
        map.map { UInt(bitPattern: $0.base)..<(UInt(bitPattern: $0.base) + UInt($0.size)) }
    }

    /// Lets go of the memory of a map. What is read again comes from the file.
    package func releaseMap() { if let map { MapAdvice.release(map.base, map.size) } }

    // MARK: - Checking

    /// Checks everything that can be wrong: of a map every byte, and the graph of either.
    package func verify() throws(VecStoreError) {
        guard let map else {
            _ = try verifyGraph()
            return
        }
        try FileHeader.verify(map)
        try checkLinks(store)
        do {
            _ = try checkGraph(store)
        } catch {
            throw error.code == .corrupt ? VecStoreError(.corrupt, "'\(map.path)': \(error.message)") : error
        }
        try lookupLock.withLock { () throws(VecStoreError) in try lookup.verify(nextID: nextID, map.path) }
    }
}
