// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// Builds an index of another plan from the rows of an index and a batch of new ones.
///
/// Some rows are added last: until then they are strangers to the index, and so the best queries to calibrate it by.
struct AutoBuilder {
    private let state: AutoIndex.State
    private let plan: AutoPlan
    private let batch: Batch?
    private let table: KernelTable
    private let threads: Int
    private let progress: Progress?

    /// Rows that are added last.
    private static let mostStrangers = 300
    /// Rows from which so many of them can be spared.
    private static let leastRows = 1000

    /// New rows, checked, with their ids.
    final class Batch {
        let rows: RowBatch
        let ids: UnsafeMutablePointer<UInt64>
        private let memory: Buffer

        init(
            _ index: AutoIndex, _ vectors: UnsafeRawPointer, _ type: ElementType, _ count: Int, _ given: UnsafePointer<UInt64>?,
            threads: Int
        ) throws(VecStoreError) {
            memory = try allocate(UInt64.self, count, for: "\(count) ids")
            ids = memory.pointer(UInt64.self)
            let inner = index.inner
            if let given {
                ids.update(from: given, count: count)
                let found = try allocate(UInt8.self, count, for: "\(count) ids")
                inner.contains(given, count, found.pointer(UInt8.self))
                try checkNewIDs(given, count) { found.pointer(UInt8.self)[$0] == 1 }
                _ = try checkDifferentIDs(given, count)
            } else {
                let first = inner.stats().nextID
                try checkAssignable(count, from: first)
                for i in 0..<count { ids[i] = first + UInt64(i) }
            }
            rows = try RowBatch(
                vectors, type, count, dimension: index.dimension, metric: index.metric, type: index.elementType,
                needsHalfRange: false, index.table, threads: ThreadPool.threads(threads))
        }
    }

    init(
        _ state: AutoIndex.State, _ plan: AutoPlan, _ batch: Batch?, table: KernelTable, threads: Int, progress: Progress?
    ) {
        self.state = state
        self.plan = plan
        self.batch = batch
        self.table = table
        self.threads = ThreadPool.threads(threads)
        self.progress = progress
    }

    /// What was built, with the recall that was measured.
    struct Result {
        let inner: any VectorIndex
        let notes: AutoNotes
        var recall: Float { inner.calibration?.recall ?? notes.recall }
    }

    func build() throws(VecStoreError) -> Result {
        let old = state.inner
        let total = old.count + (batch?.rows.count ?? 0)
        var notes = state.notes
        notes.plan = plan
        notes.chosenRows = total
        notes.calibratedRows = 0
        notes.setting = 0
        notes.oversampling = 0
        notes.recall = 0
        let strangers = plan.isFlat || total < AutoBuilder.leastRows ? 0 : min(AutoBuilder.mostStrangers, total / 10)
        let (rowMemory, idMemory) = try gather(total, last: strangers)
        let rows = UnsafeRawPointer(rowMemory.base), ids = UnsafePointer(idMemory.pointer(UInt64.self))
        let first = total - strangers
        let made = try plan.index(state.options, rows: directedRows(rows, total))
        let watched = batch?.rows.count ?? total
        let told = progress.map { (tell: @escaping Progress) -> Progress in
            { (done, _) in tell(min(max(watched - 1, 0), Int(Double(done) / Double(max(total, 1)) * Double(watched))), watched) }
        }
        try made.add(
            rows, type: old.elementType, count: first, ids: ids, outIDs: nil, threads: threads, progress: told)
        let last = rows + first * old.elementType.rowSize(old.dimension)
        let calibrator = AutoCalibration(made, plan, state.options, threads: threads)
        if strangers > 0 && plan.isCoded {
            try calibrator.run(last, strangers, amongst: rows, ids, first, &notes, table: table)
        } else if strangers > 0 {
            try calibrator.run(last, type: old.elementType, strangers, &notes)
        }
        try made.add(
            last, type: old.elementType, count: strangers, ids: ids + first, outIDs: nil, threads: threads, progress: nil)
        if strangers == 0 && !plan.isFlat && !plan.isCoded && total > 0 { try calibrator.run(nil, type: old.elementType, 0, &notes) }
        notes.calibratedRows = plan.isFlat ? 0 : total
        made.raiseNextID(to: old.stats().nextID)
        withExtendedLifetime((rowMemory, idMemory)) {}
        return Result(inner: made, notes: notes)
    }

    /// The rows that lists can lie around: under ip those of zeros have no direction.
    private func directedRows(_ rows: UnsafeRawPointer, _ count: Int) -> Int {
        let type = state.options.type, dimension = state.options.dimension
        guard plan.isLists, state.options.metric == .innerProduct, let kernel = table.squaredNorms(type) else { return count }
        let size = type.rowSize(dimension)
        return (0..<count).reduce(0) { n, i in
            var square: Float = 0
            kernel(rows + i * size, size, 1, dimension, &square)
            return square < Limits.cosineSquaredNorm ? n : n + 1
        }
    }

    /// Copies all rows with their ids; some, spread over all, come last.
    private func gather(_ total: Int, last: Int) throws(VecStoreError) -> (rows: Buffer, ids: Buffer) {
        let old = state.inner
        let kept = total - (batch?.rows.count ?? 0)
        let size = old.elementType.rowSize(old.dimension)
        guard let bytes = product(total, size) else { throw VecStoreError(.tooLarge, "\(total) rows overflow") }
        let rowMemory = try allocate(UInt8.self, bytes, for: "a copy of \(total) rows")
        let idMemory = try allocate(UInt64.self, total, for: "the ids of \(total) rows")
        let oldMemory = try allocate(UInt64.self, kept, for: "the ids of \(kept) rows")
        let ids = idMemory.pointer(UInt64.self), oldIDs = oldMemory.pointer(UInt64.self)
        guard old.ids(offset: 0, capacity: kept, oldIDs) == kept else {
            throw VecStoreError(.internalError, "the index does not list its rows, each once")
        }
        var front = 0, back = total - last
        for i in 0..<total {
            // The last of each of `last` equal shares.
            let isLast = last > 0 && (i + 1) * last / total > i * last / total
            let place = isLast ? back : front
            if isLast { back += 1 } else { front += 1 }
            let target = rowMemory.base + place * size
            if i < kept {
                ids[place] = oldIDs[i]
                try old.get(ids + place, 1, as: old.elementType, target)
            } else if let batch {
                ids[place] = batch.ids[i - kept]
                target.copyMemory(from: batch.rows.row(i - kept), byteCount: size)
            }
        }
        return (rowMemory, idMemory)
    }
}

extension VectorIndex {
    /// Lets the next row without an id have one from this on.
    fileprivate func raiseNextID(to id: UInt64) {
        if let flat = self as? FlatIndex {
            flat.published.publish(flat.current, nextID: max(id, flat.stats().nextID)) { _ in }
        } else if let lists = self as? IVFIndex {
            lists.published.publish(lists.current, nextID: max(id, lists.stats().nextID)) { _ in }
        } else if let graph = self as? HNSWIndex {
            graph.lookupLock.withLock { graph.nextID = max(id, graph.nextID) }
        }
    }
}
