// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension HNSWIndex {
    /// Writes the graph as it is now to a file, whole or not at all. Writers wait meanwhile; searches do not.
    package func save(to path: String, sync: Bool, notes: AutoNotes?) throws(VecStoreError) {
        try withHeader { (header, section) throws(VecStoreError) in
            header.notes = notes
            try header.write(to: path, sync: sync, section)
        }
    }

    /// The same with other ids, which are in the same order.
    /// - Parameter id: The new id of one that there is.
    package func save(to path: String, sync: Bool, id: (UInt64) -> UInt64?) throws(VecStoreError) {
        try withHeader(id: id) { (header, section) throws(VecStoreError) in try header.write(to: path, sync: sync, section) }
    }

    /// The file of the graph as it is now, in memory.
    func image() throws(VecStoreError) -> Buffer {
        try withHeader { (header, section) throws(VecStoreError) in try header.image(section) }
    }

    /// Calls `body` with the header of a file of the graph, and what appends the sections of one, while writers wait.
    private func withHeader<R>(
        id newID: (UInt64) -> UInt64? = { $0 },
        _ body: (inout FileHeader, (SectionKind, SectionWriter) throws(VecStoreError) -> Void) throws(VecStoreError) -> R
    ) throws(VecStoreError) -> R {
        gate.lockAlone()
        defer { gate.unlockAlone() }
        let store = self.store
        // A file has no room for slots that are not in use.
        let isDense = map != nil || (rowCount.load(ordering: .relaxed) == store.usedSlots && store.freeUnits.allSatisfy { $0.isEmpty })
        let dense = isDense ? store : try compacted(nil).store
        let count = dense.usedSlots
        let idMemory = try allocate(UInt64.self, count, for: "the ids to save")
        let ids = idMemory.pointer(UInt64.self)
        for slot in 0..<count {
            let id = dense.id(UInt32(slot))
            guard let new = newID(id) else {
                throw VecStoreError(.invalidArgument, "there is no new id for \(id)")
            }
            ids[slot] = new
        }
        defer { withExtendedLifetime(idMemory) {} }
        let order = try IDOrder(ids, count)
        let shape = dense.shape
        var header = FileHeader(
            shape: RowShape(dimension: shape.dimension, metric: shape.metric, type: shape.type, keepsCodes: false),
            graph: GraphFields(
                m: shape.m, storage: shape.storage, fullType: shape.fullType, isSketched: shape.isSketched,
                isExternal: shape.isExternal, units: dense.usedUnits, entry: dense.entry.load(ordering: .acquiring),
                root: dense.root.load(ordering: .acquiring)),
            count: count, nextID: lookupLock.withLock { nextID }, idsAscend: order.ascends)
        return try body(&header) { (kind, writer) throws(VecStoreError) in try write(kind, dense, ids, order, writer) }
    }

    private func write(
        _ kind: SectionKind, _ store: GraphStore, _ ids: UnsafePointer<UInt64>, _ order: IDOrder, _ writer: SectionWriter
    ) throws(VecStoreError) {
        let count = store.usedSlots
        switch kind {
        case .ids: try writer.append(ids, 8 * count)
        case .idOrder: try writer.append(order.positions, 4 * count)
        case .inverseNorms: try HNSWIndex.write(store.inverseNorms, count, writer)
        case .graphNotes:
            let notes = GraphNotes(
                options, knowledge.current, insertions: slotLock.withLock { insertions }, store.landmarks)
            let bytes = notes.encode()
            try writer.append(bytes, bytes.count)
        case .quantizer:
            guard let quantizer = store.quantizer else { return }
            try writer.append(quantizer.center, 4 * quantizer.dimension)
            try writer.append(quantizer.step, 4 * quantizer.dimension)
        case .sketcher:
            guard let sketcher = store.sketcher else { return }
            try writer.append(sketcher.center, 4 * sketcher.dimension)
            try writer.append(sketcher.step, 4 * sketcher.dimension)
        case .sketches: try HNSWIndex.write(store.sketches, count, writer)
        case .sketchFactors: try HNSWIndex.write(store.sketchFactors, count, writer)
        case .walkRows: try HNSWIndex.write(store.walk, count, writer)
        case .walkFactors: try HNSWIndex.write(store.factors, count, writer)
        case .fullRows: try HNSWIndex.write(store.full, count, writer)
        case .links: try HNSWIndex.write(store.links, count, writer)
        case .parents: try HNSWIndex.write(store.parents, count, writer)
        case .levels: try HNSWIndex.write(store.levels, count, writer)
        case .upperPlaces: try HNSWIndex.write(store.upperPlaces, count, writer)
        case .upperLinks: try HNSWIndex.write(store.upper, store.usedUnits, writer)
        default: break
        }
    }

    private static func write(_ column: SegmentedColumn?, _ count: Int, _ writer: SectionWriter) throws(VecStoreError) {
        guard let column else { return }
        var from = 0
        while from < count {
            let n = min(count - from, (from | Int(column.mask)) + 1 - from)
            try writer.append(column.address(UInt32(from)), n * column.stride)
            from += n
        }
    }
}

extension GraphShape {
    /// How the rows of the walk are stored, as a file says it.
    var storage: GraphStorage {
        if isCoded { return isPacked ? .int4 : .int8 }
        if walkType == type { return .auto }
        return walkType == .float16 ? .float16 : .bfloat16
    }
}

/// How a graph was made, and what training and calibration found, as a section of its file.
struct GraphNotes {
    var efConstruction: Int
    var storage: GraphStorage
    var rescore: RescoreRows
    var seed: UInt64
    var insertions: UInt64
    var knowledge: HNSWIndex.Knowledge.Values
    var landmarks: [UInt32]
    var landmarkRadius: Float

    init(
        _ options: HNSWOptions, _ knowledge: HNSWIndex.Knowledge.Values, insertions: UInt64, _ landmarks: Landmarks
    ) {
        efConstruction = options.efConstruction
        storage = options.storage
        rescore = options.rescore
        seed = options.seed
        self.insertions = insertions
        self.knowledge = knowledge
        self.landmarks = (0..<landmarks.count).map { landmarks[$0] }
        landmarkRadius = landmarks.radius
    }

    func encode() -> [UInt8] {
        var bytes: [UInt8] = []
        func put<I: FixedWidthInteger>(_ value: I) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
        put(UInt32(efConstruction))
        put(storage.rawValue)
        put(rescore.rawValue)
        // 0: training has not decided yet.
        put(knowledge.storage.map { $0.rawValue + 1 } ?? 0)
        put(seed)
        put(insertions)
        put((knowledge.codeLoss ?? -1).bitPattern)
        put(knowledge.codeError.bitPattern)
        let calibration = knowledge.calibration
        put(UInt32(calibration?.k ?? 0))
        put(UInt32(calibration?.efSearch ?? 0))
        put((calibration?.targetRecall ?? 0).bitPattern)
        put((calibration?.recall ?? 0).bitPattern)
        put(UInt32(calibration?.usesOwnRows ?? false ? 1 : 0))
        put(knowledge.sketchError.bitPattern)
        put(UInt32(knowledge.isRotated ? 1 : 0))
        put(UInt32(landmarks.count))
        put(landmarkRadius.bitPattern)
        bytes += [UInt8](repeating: 0, count: GraphNotes.landmarksAt - bytes.count)
        for slot in landmarks { put(slot) }
        return bytes + [UInt8](repeating: 0, count: GraphFields.notesSize - bytes.count)
    }

    /// Where the landmarks begin.
    private static let landmarksAt = 128

    /// - Parameter rows: Of the graph.
    init(_ bytes: UnsafeRawPointer, rows: Int, path: String) throws(VecStoreError) {
        func u32(_ at: Int) -> UInt32 { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
        func u64(_ at: Int) -> UInt64 { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) }
        func corrupt(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "'\(path)' has a graph with \(what)") }
        guard HNSWOptions.efRange.contains(Int(u32(0))) else { throw corrupt("ef_construction \(u32(0))") }
        guard let storage = GraphStorage(rawValue: u32(4)), let rescore = RescoreRows(rawValue: u32(8)) else {
            throw corrupt("storage \(u32(4)) and rescore \(u32(8))")
        }
        efConstruction = Int(u32(0))
        self.storage = storage
        self.rescore = rescore
        seed = u64(16)
        guard u64(24) < 1 << 62 else { throw corrupt("\(u64(24)) insertions") }
        insertions = u64(24)
        knowledge = HNSWIndex.Knowledge.Values()
        if u32(12) > 0 {
            guard let decided = GraphStorage(rawValue: u32(12) - 1) else { throw corrupt("storage \(u32(12))") }
            knowledge.storage = decided
        }
        let loss = Float(bitPattern: u32(32)), error = Float(bitPattern: u32(36))
        if loss >= 0 && loss <= 1 { knowledge.codeLoss = loss }
        guard error >= 0 && error.isFinite else { throw corrupt("codes that are off by \(error)") }
        knowledge.codeError = error
        let sketchError = Float(bitPattern: u32(60))
        guard sketchError >= 0 && sketchError.isFinite else { throw corrupt("sketches that are off by \(sketchError)") }
        knowledge.sketchError = sketchError
        guard u32(64) <= (knowledge.storage == .int4 ? 1 : 0) else { throw corrupt("rows that are rotated in a way \(u32(64))") }
        knowledge.isRotated = u32(64) == 1
        guard u32(68) <= Landmarks.room else { throw corrupt("\(u32(68)) landmarks, more than there may be") }
        landmarks = (0..<Int(u32(68))).map { u32(GraphNotes.landmarksAt + 4 * $0) }
        guard landmarks.allSatisfy({ $0 < rows }) else { throw corrupt("a landmark that is no row") }
        landmarkRadius = Float(bitPattern: u32(72))
        guard !landmarkRadius.isNaN else { throw corrupt("landmarks without a radius") }
        if u32(40) > 0 {
            let target = Float(bitPattern: u32(48)), recall = Float(bitPattern: u32(52))
            guard HNSWOptions.efRange.contains(Int(u32(44))), Int(u32(40)) <= Limits.k, target >= 0, target <= 1, recall >= 0,
                recall <= 1
            else { throw corrupt("a calibration that cannot be") }
            knowledge.calibration = Calibration(
                k: Int(u32(40)), efSearch: Int(u32(44)), targetRecall: target, recall: recall, usesOwnRows: u32(56) != 0)
        }
    }
}
