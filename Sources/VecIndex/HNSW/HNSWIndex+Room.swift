// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

// Changes of the store as a whole: more room, other rows.
extension HNSWIndex {
    /// From so many rows on codes are trained.
    static let trainingRows = 2048
    /// The share of neighbours that codes may lose before `auto` takes finer rows.
    static let acceptedLoss: Float = 0.005

    /// The share of neighbours that sketches may lose before the walk does without them.
    static let acceptedSketchLoss: Float = 0.02

    /// Whether the storage is still to be decided.
    var isUntrained: Bool {
        (options.storage == .auto || options.storage.codeBits > 0) && options.isCodable && knowledge.current.storage == nil
    }

    /// Codes are trained anew when there are so many times the rows: those that came first may have been of another kind.
    private static let retrainingGrowth = 8

    /// Whether codes are to be trained before there are `rows` rows.
    private func needsTraining(_ rows: Int) -> Bool {
        if isUntrained { return rows >= HNSWIndex.trainingRows }
        let known = knowledge.current
        // Without finer rows there is nothing to learn from.
        return known.storage != nil && known.trainedRows > 0 && rows / HNSWIndex.retrainingGrowth >= known.trainedRows
            && store.shape.exactType != nil
    }

    /// Trains and makes room before rows are added, where that takes all writers to stand still.
    func makeReady(for batch: RowBatch, threads: Int) throws(VecStoreError) {
        guard needsChange(for: batch.count) else { return }
        gate.lockAlone()
        defer { gate.unlockAlone() }
        guard needsChange(for: batch.count) else { return }
        let rows = slotsInUse + batch.count
        if needsTraining(rows) {
            try train(with: batch, threads: threads)
        } else {
            try rebuild(store.shape, store.quantizer, store.sketcher, rows: rows, threads: threads)
        }
    }

    private var slotsInUse: Int {
        slotLock.lock()
        defer { slotLock.unlock() }
        return store.usedSlots - store.freeSlots.count
    }

    private func needsChange(for count: Int) -> Bool {
        let store = self.store
        let rows = slotsInUse + count
        if needsTraining(rows) { return true }
        return rows > store.capacity && store.shift < GraphStore.mostShift(store.shape)
    }

    package func reserve(_ rows: Int) throws(VecStoreError) {
        try checkWritable()
        guard rows <= Limits.graphRows else {
            throw VecStoreError(.tooLarge, "\(rows) rows: a graph holds at most \(Limits.graphRows)")
        }
        gate.lockAlone()
        defer { gate.unlockAlone() }
        // All at once as a trial: what cannot be is noticed before it is asked for piece by piece.
        let bytes = product(max(rows - store.capacity, 0), store.shape.bytesPerRow)
        guard let bytes, Buffer(size: bytes) != nil else {
            throw VecStoreError.outOfMemory("\(rows) rows", bytes: bytes ?? .max)
        }
        if rows > store.capacity && store.shift < GraphStore.mostShift(store.shape) {
            try rebuild(store.shape, store.quantizer, store.sketcher, rows: rows, threads: ThreadPool.defaultThreads)
        }
        let store = self.store
        try slotLock.withLock { () throws(VecStoreError) in
            while store.capacity < rows { try store.grow() }
        }
        try lookupLock.withLock { () throws(VecStoreError) in
            if case .table(let map) = lookup { try map.reserve(rows) }
        }
    }

    /// The smallest segments with which one holds so many rows.
    static func shift(_ shape: GraphShape, rows: Int) -> UInt32 {
        var shift = GraphStore.leastShift
        while shift < GraphStore.mostShift(shape) && rows > 1 << Int(shift) { shift += 1 }
        return shift
    }

    /// Copies everything into a new store, slot by slot, and takes that from now on. With the gate alone.
    func rebuild(
        _ shape: GraphShape, _ quantizer: ScalarQuantizer?, _ sketcher: ScalarQuantizer?, rows: Int, threads: Int
    ) throws(VecStoreError) {
        let old = store
        // Room for some more: rows that come one by one must not copy everything each time.
        let next = try GraphStore(
            shape, quantizer: quantizer, sketcher: sketcher, external: options.externalRows,
            shift: HNSWIndex.shift(shape, rows: max(rows, min(2 * old.usedSlots, 1 << 16))))
        while next.capacity < old.usedSlots { try next.grow() }
        while next.upper.capacity < old.usedUnits { try next.upper.grow() }
        let piece = 1024
        let errors = ErrorBox()
        ThreadPool.shared.run(tasks: (old.usedSlots + piece - 1) / piece, threads: threads) { task in
            errors.run { () throws(VecStoreError) in
                let copier = try RowCopier(from: old, to: next, self.table)
                for slot in (task * piece)..<min((task + 1) * piece, old.usedSlots) {
                    let slot = UInt32(slot)
                    copier.copy(slot, to: slot)
                    next.setLevel(slot, old.level(slot), place: old.upperPlace(slot))
                    // Rows that were taken out but are still linked to stay what they are.
                    if old.isDead(slot) { next.markDead(slot) }
                    next.setParent(slot, old.parent(slot))
                    let source = old.list(slot, 0), target = next.list(slot, 0)
                    for i in 0..<source.capacity { target[i] = source[i] }
                }
            }
        }
        try errors.rethrow()
        for unit in 0..<old.usedUnits {
            next.upper.address(UInt32(unit)).copyMemory(
                from: old.upper.address(UInt32(unit)), byteCount: old.upper.stride)
        }
        next.usedSlots = old.usedSlots
        next.usedUnits = old.usedUnits
        next.freeUnits = old.freeUnits
        next.freeSlots = old.freeSlots
        // No search has seen the new store: what waited there is free here.
        for slot in old.reclaimer.takeAll() { next.release(slot) }
        next.entry.store(old.entry.load(ordering: .acquiring), ordering: .releasing)
        next.root.store(old.root.load(ordering: .acquiring), ordering: .releasing)
        next.landmarks.take(old.landmarks) { $0 }
        replaceStore(next)
    }

    // MARK: - Training

    /// Decides how rows are stored, by those that are there and those to come. With the gate alone.
    private func train(with batch: RowBatch, threads: Int) throws(VecStoreError) {
        let sample = try sampleRows(with: batch)
        let trainer = try CodeTrainer(
            sample.rows.pointer(Float.self), sample.count, dimension: options.dimension, metric: options.metric,
            table: table, threads: threads)
        var storage = options.storage
        var result = storage == .int4 ? try trainer.trainPacked(seed: options.seed) : try trainer.train()
        if storage == .auto {
            storage = result.loss <= HNSWIndex.acceptedLoss ? .int8 : finerStorage(sample)
            // Rows lie outside so that the graph may be small: codes of half the size where they do, too.
            if options.externalRows != nil && storage == .int8 {
                let packed = try trainer.trainPacked(seed: options.seed)
                if packed.loss <= HNSWIndex.acceptedLoss {
                    storage = .int4
                    result = packed
                }
            }
        }
        var shape = HNSWIndex.shape(options, storage: storage)
        var sketch: CodeTrainer.Result?
        // Sketches cost memory: not where only codes are wanted, or the graph is to be small.
        if storage == .int8 && shape.fullType != nil && options.externalRows == nil && shape.dimension >= GraphShape.leastSketchedDimension {
            let tried = try trainer.trainSketch()
            if tried.loss <= HNSWIndex.acceptedSketchLoss { sketch = tried }
        }
        shape.isSketched = sketch != nil
        // Rows that were removed have no id by which to find what they were: nothing may lead to them any more.
        if store.external != nil && !unlinked.isEmpty { try renumber(nil) }
        try rebuild(
            shape, storage.codeBits > 0 ? result.quantizer : nil, sketch?.quantizer, rows: store.usedSlots + batch.count,
            threads: threads)
        let rows = store.usedSlots + batch.count
        knowledge.change {
            $0 = Knowledge.Values(
                storage: storage, trainedRows: rows, codeLoss: result.loss, codeError: result.error,
                sketchError: sketch?.error ?? 0, isRotated: result.quantizer.rotation != nil, calibration: $0.calibration)
        }
        scratches.empty()
    }

    /// float16 where all elements are well within its range; else the rows as they are.
    private func finerStorage(_ sample: (rows: Buffer, count: Int)) -> GraphStorage {
        guard options.type == .float32 else { return options.type == .float16 ? .float16 : .bfloat16 }
        let largest = table.codes.largest(sample.rows.pointer(Float.self), sample.count * options.dimension)
        return largest < 16_384 && largest > 0x1p-10 ? .float16 : .float32
    }

    /// Rows spread over those that are there and those to come, as float32; for cosine of norm 1.
    private func sampleRows(with batch: RowBatch) throws(VecStoreError) -> (rows: Buffer, count: Int) {
        let store = self.store
        let dimension = options.dimension
        let total = store.usedSlots + batch.count
        let wanted = min(total, CodeTrainer.mostRows)
        let memory = try allocate(Float.self, wanted * dimension, for: "a sample of \(wanted) rows")
        let rows = memory.pointer(Float.self)
        var n = 0
        for s in 0..<wanted {
            let i = s * total / wanted
            let target = rows + n * dimension
            if i < store.usedSlots {
                guard store.id(UInt32(i)) != noID, let row = store.exactRow(UInt32(i)), let type = store.shape.exactType
                else { continue }
                convertToFloat32(row, type, target, dimension, table)
            } else {
                convertToFloat32(batch.row(i - store.usedSlots), options.type, target, dimension, table)
            }
            if options.metric == .cosine, let kernel = table.squaredNorms(.float32) {
                var square: Float = 1
                kernel(target, 4 * dimension, 1, dimension, &square)
                let inverse = Float(1 / Double(max(square, .leastNormalMagnitude)).squareRoot())
                for d in 0..<dimension { target[d] *= inverse }
            }
            n += 1
        }
        return (memory, n)
    }
}

/// Copies rows from one store to another, encoding them anew where the other keeps them differently.
struct RowCopier {
    private let source: GraphStore
    private let target: GraphStore
    private let writer: RowWriter
    private let table: KernelTable
    private let isSame: Bool
    private let wide: Buffer

    init(from source: GraphStore, to target: GraphStore, _ table: KernelTable) throws(VecStoreError) {
        self.source = source
        self.target = target
        self.table = table
        writer = try RowWriter(target, table)
        wide = try allocate(Float.self, source.shape.dimension, for: "a row")
        isSame =
            source.shape == target.shape && source.quantizer === target.quantizer && source.sketcher === target.sketcher
    }

    func copy(_ slot: UInt32, to place: UInt32) {
        let id = source.id(slot)
        target.setID(place, id)
        if isSame {
            copy(source.walk, target.walk, slot, place)
            copy(source.factors, target.factors, slot, place)
            copy(source.sketches, target.sketches, slot, place)
            copy(source.sketchFactors, target.sketchFactors, slot, place)
            copy(source.full, target.full, slot, place)
            copy(source.inverseNorms, target.inverseNorms, slot, place)
        } else if let row = source.exactRow(slot), let type = source.shape.exactType {
            // Rows that were removed too, as long as links lead to them: a walk passes over them.
            encode(row, type, to: place)
        }
    }

    private func encode(_ row: UnsafeRawPointer, _ exact: ElementType, to place: UInt32) {
        let type = source.shape.type, dimension = source.shape.dimension
        var row = row
        if exact != type {
            // Finer rows are of the type of rows added, or float16 for float32.
            convertToFloat32(row, exact, wide.base, dimension, table)
            row = UnsafeRawPointer(wide.base)
        }
        guard let kernel = table.squaredNorms(type) else { return }
        var square: Float = 1
        kernel(row, type.rowSize(dimension), 1, dimension, &square)
        writer.write(row, squaredNorm: max(square, .leastNormalMagnitude), to: place)
    }

    private func copy(_ from: SegmentedColumn?, _ to: SegmentedColumn?, _ slot: UInt32, _ place: UInt32) {
        guard let from, let to else { return }
        to.address(place).copyMemory(from: from.address(slot), byteCount: from.stride)
    }
}
