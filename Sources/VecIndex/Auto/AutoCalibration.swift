// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// Finds the setting with which plain searches of an index reach its target.
///
/// A sample tells the recall of others to about two hundredths of what is missed, and rows of the index find themselves more
/// easily than strangers do. So it aims higher: at a part of what may be missed.
struct AutoCalibration {
    private let index: any VectorIndex
    private let plan: AutoPlan
    private let options: AutoOptions
    private let threads: Int

    /// The share of what may be missed that is left over, with strangers and with rows of the index as queries.
    private static let margin: Float = 0.3, ownMargin: Float = 0.5
    /// Rows in view beyond which a graph is not searched.
    private static let mostInView = 4096
    /// The same of codes alone: what these do not find with so many they do not find with more.
    private static let mostOfCodes = 1024
    /// Rows of an inverted file that are ranked for each result; nil: its own number of them.
    private static let oversamplings: [Float?] = [nil, 20, 60]

    init(_ index: any VectorIndex, _ plan: AutoPlan, _ options: AutoOptions, threads: Int) {
        self.index = index
        self.plan = plan
        self.options = options
        self.threads = ThreadPool.threads(threads)
    }

    /// - Parameter queries: nil: rows of the index.
    func run(_ queries: UnsafeRawPointer?, type: ElementType, _ count: Int, _ notes: inout AutoNotes) throws(VecStoreError) {
        let target = options.targetRecall
        let margin = queries == nil ? AutoCalibration.ownMargin : AutoCalibration.margin
        // Where the target is out of reach: what comes nearest to it.
        let goals = [1 - (1 - target) * (1 - margin), target, target - 0.02, target - 0.05, target - 0.1, target - 0.2, target / 2]
        let oversamplings: [Float?] = plan.isGraph || plan == .lists ? [nil] : AutoCalibration.oversamplings
        for goal in goals where goal > 0 {
            for oversampling in oversamplings {
                do throws(VecStoreError) {
                    try measure(queries, type, count, goal, oversampling)
                    notes.oversampling = oversampling ?? 0
                    return
                } catch {
                    guard error.code == .unsupported else { throw error }
                }
            }
        }
    }

    private func measure(
        _ queries: UnsafeRawPointer?, _ type: ElementType, _ count: Int, _ goal: Float, _ oversampling: Float?
    ) throws(VecStoreError) {
        if let graph = index as? HNSWIndex {
            _ = try graph.calibrate(
                queries, type: type, count: count, k: AutoOptions.k, recall: goal, threads: threads,
                most: AutoCalibration.mostInView)
        } else if let lists = index as? IVFIndex {
            _ = try lists.calibrate(
                queries, type: type, count: count, k: AutoOptions.k, recall: goal, threads: threads, oversampling: oversampling)
        }
    }

    /// Of codes alone, which have no rows to compare with: the rows that they were made of tell what they should find.
    func run(
        _ queries: UnsafeRawPointer, _ count: Int, amongst rows: UnsafeRawPointer, _ ids: UnsafePointer<UInt64>, _ rowCount: Int,
        _ notes: inout AutoNotes, table: KernelTable
    ) throws(VecStoreError) {
        let k = AutoOptions.k
        let memory = try allocate(UInt64.self, 4 * count * k, for: "a calibration")
        let truth = SearchOutput(
            ids: memory.pointer(UInt64.self), distances: memory.pointer(Float.self, at: 8 * count * k), counts: nil)
        let found = SearchOutput(
            ids: memory.pointer(UInt64.self, at: 16 * count * k), distances: memory.pointer(Float.self, at: 24 * count * k),
            counts: nil)
        try BlockKNN.nearest(
            queries, count, rows, rowCount, dimension: options.dimension, metric: options.metric, type: options.type, k: k,
            filter: RowFilter(.none), threads: threads, truth, table: table)
        let rowSize = options.type.rowSize(options.dimension)
        let places = IDMap()
        try places.reserve(rowCount)
        for i in 0..<rowCount { places.set(ids[i], UInt32(truncatingIfNeeded: i)) }
        guard let kernels = table.distance(options.metric, options.type) else {
            throw VecStoreError(.internalError, "\(options.metric.name) does not exist for \(options.type.name)")
        }
        let query = try allocate(Float.self, options.dimension, for: "a query")
        func measure(_ setting: Int) throws(VecStoreError) -> Float {
            let search =
                plan.isGraph ? SearchOptions(threads: threads, efSearch: setting) : SearchOptions(threads: threads, nprobe: setting)
            try index.search(queries, type: options.type, count: count, k: k, options: search, found)
            var hits = 0, wanted = 0
            for i in 0..<count {
                let there = (0..<k).reduce(0) { truth.ids[i * k + $1] == noID ? $0 : $0 + 1 }
                guard there > 0 else { continue }
                wanted += there
                // Of rows that are equally far any will do.
                let furthest = truth.distances[i * k + there - 1]
                let limit = furthest + abs(furthest) * 0x1p-16
                try convertElements(
                    queries + i * rowSize, options.type, query.base, options.type.queryType, options.dimension, table)
                for j in 0..<there {
                    guard let place = places.slot(of: found.ids[i * k + j]) else { continue }
                    if kernels.pair(query.base, rows + Int(place) * rowSize, options.dimension) <= limit { hits += 1 }
                }
            }
            return Float(hits) / Float(max(wanted, 1))
        }
        let least = plan.isGraph ? k : 1
        let most = plan.isGraph ? max(min(rowCount, AutoCalibration.mostOfCodes), k) : max(index.stats().lists?.nlist ?? 1, 1)
        let goal = 1 - (1 - options.targetRecall) * (1 - AutoCalibration.margin)
        // More does not help where codes do not tell rows apart.
        let enough = min(goal, try measure(most) * 0.99)
        var setting = least
        var recall = try measure(setting)
        while recall < enough && setting < most {
            setting = min(setting + max(1, setting / 2), most)
            recall = try measure(setting)
        }
        notes.setting = setting
        notes.recall = recall
        withExtendedLifetime(memory) {}
    }
}

extension AutoIndex {
    /// Rows of a batch from which it tells the recall of others.
    private static let leastStrangers = 200

    /// Calibrates for the rows that come, which are strangers still, where there are twice as many then as when it was done.
    func calibrate(beforeAdding vectors: UnsafeRawPointer, _ type: ElementType, _ count: Int, _ threads: Int) {
        let state = current
        let rows = state.inner.count + count
        guard count >= AutoIndex.leastStrangers, isDue(state, rows) else { return }
        calibrate(state, vectors, type, count, rows: rows, threads)
    }

    /// Calibrates by rows of the index, where what was found does not hold any more.
    func recalibrate(_ threads: Int) {
        let state = current
        let rows = state.inner.count
        guard rows > 0, isDue(state, rows) || (state.inner.calibration == nil && !state.plan.isFlat && !state.plan.isCoded) else {
            return
        }
        calibrate(state, nil, state.inner.elementType, 0, rows: rows, threads)
    }

    private func isDue(_ state: State, _ rows: Int) -> Bool {
        !state.plan.isFlat && !state.plan.isCoded && rows >= 2 * max(state.notes.calibratedRows, 1)
    }

    private func calibrate(
        _ state: State, _ queries: UnsafeRawPointer?, _ type: ElementType, _ count: Int, rows: Int, _ threads: Int
    ) {
        guard beginCalibration() else { return }
        var notes = state.notes
        // It can wait where there is no memory for it; what is wrong with vectors, adding them says.
        try? AutoCalibration(state.inner, state.plan, state.options, threads: threads).run(queries, type: type, count, &notes)
        change {
            $0.isCalibrating = false
            if $0.inner === state.inner {
                $0.notes.oversampling = notes.oversampling
                $0.notes.calibratedRows = rows
            }
        }
    }

    /// Finds the setting for a recall by the caller's queries: plain searches go by it from then on.
    package func calibrate(
        _ queries: UnsafeRawPointer?, type: ElementType, count: Int, k: Int, recall: Float, threads: Int
    ) throws(VecStoreError) -> Calibration {
        gate.lockShared()
        defer { gate.unlockShared() }
        let state = current
        let found: Calibration
        if let lists = state.inner as? IVFIndex {
            let oversampling = state.notes.oversampling
            found = try lists.calibrate(
                queries, type: type, count: count, k: k, recall: recall, threads: threads,
                oversampling: oversampling > 0 ? oversampling : nil)
        } else {
            found = try state.inner.calibrate(queries, type: type, count: count, k: k, recall: recall, threads: threads)
        }
        let rows = state.inner.count
        change { $0.notes.calibratedRows = rows }
        return found
    }
}
