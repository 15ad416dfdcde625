// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// An index that chooses by itself how it keeps rows: an index of another kind, which it replaces by one of a third kind where
/// rows become too many for it. Rules are in `AutoPlan`.
///
/// Readers take the inner index under a lock and work on it; it stays as it is where it is replaced meanwhile. Writers share
/// `gate`, and leave it to the inner index who of them waits; what replaces it has the gate alone.
package final class AutoIndex: VectorIndex, @unchecked Sendable {
    // Safety: `state` is touched under `stateLock`, and `inner` of it replaced by whoever has the gate alone.

    let table: KernelTable
    let gate = SharedLock()
    private let stateLock = Lock()
    private var state: State

    /// The inner index, and how it was chosen.
    struct State: Sendable {
        var inner: any VectorIndex
        var options: AutoOptions
        var plan: AutoPlan
        var notes: AutoNotes
        /// Whether somebody measures.
        var isCalibrating = false
    }

    /// An empty index.
    package init(_ options: AutoOptions, table: KernelTable = .current) throws(VecStoreError) {
        try options.check()
        self.table = table
        // What nothing will fit is best known before rows come.
        do {
            _ = try AutoPlan.choose(options, rows: max(options.capacity, 1), expected: options.capacity)
        } catch {
            throw VecStoreError(.invalidArgument, error.message)
        }
        let plan = try AutoPlan.choose(options, rows: 0, expected: options.targetRecall >= 1 ? options.capacity : 0)
        state = State(
            inner: try plan.index(options, rows: max(options.capacity, 1)), options: options, plan: plan,
            notes: AutoNotes(
                memoryBudget: options.memoryBudget, capacity: options.capacity, targetRecall: options.targetRecall,
                seed: options.seed, plan: plan, chosenRows: 0))
    }

    /// What a file holds.
    init(opened inner: any VectorIndex, _ notes: AutoNotes, path: String, table: KernelTable) throws(VecStoreError) {
        let kind: IndexKind = notes.plan.isFlat ? .flat : notes.plan.isGraph ? .hnsw : .ivf
        let options = AutoOptions(
            dimension: inner.dimension, metric: inner.metric, type: inner.elementType, capacity: notes.capacity,
            memoryBudget: notes.memoryBudget, targetRecall: notes.targetRecall, seed: notes.seed)
        guard inner.kind == kind, notes.plan.isOffered(options) else {
            throw VecStoreError(.corrupt, "'\(path)' was chosen automatically, by a rule for another kind")
        }
        self.table = table
        state = State(inner: inner, options: options, plan: notes.plan, notes: notes)
    }

    // MARK: - State

    var current: State { stateLock.withLock { state } }

    /// Changes what is known of the inner index, or replaces it.
    func change(_ body: (inout State) -> Void) {
        let old = stateLock.withLock { () -> any VectorIndex in
            let old = state.inner
            body(&state)
            return old
        }
        // Released here, after the lock: freeing memory takes time.
        withExtendedLifetime(old) {}
    }

    /// Takes note that somebody measures; false: another does.
    func beginCalibration() -> Bool {
        stateLock.withLock {
            if state.isCalibrating { return false }
            state.isCalibrating = true
            return true
        }
    }

    var inner: any VectorIndex { current.inner }

    /// What it is now.
    package var kind: IndexKind { inner.kind }
    package var dimension: Int { inner.dimension }
    package var metric: Metric { inner.metric }
    package var elementType: ElementType { inner.elementType }
    package var isReadOnly: Bool { inner.isReadOnly }
    package var count: Int { inner.count }
    package var calibration: Calibration? { inner.calibration }

    // MARK: - Reading

    package func contains(_ ids: UnsafePointer<UInt64>, _ count: Int, _ found: UnsafeMutablePointer<UInt8>) {
        inner.contains(ids, count, found)
    }

    package func get(
        _ ids: UnsafePointer<UInt64>, _ count: Int, as type: ElementType, _ out: UnsafeMutableRawPointer
    ) throws(VecStoreError) {
        try inner.get(ids, count, as: type, out)
    }

    package func ids(offset: UInt64, capacity: Int, _ out: UnsafeMutablePointer<UInt64>) -> Int {
        inner.ids(offset: offset, capacity: capacity, out)
    }

    package func stats() -> IndexStats {
        var stats = inner.stats()
        stats.isAutomatic = true
        return stats
    }

    package func verify() throws(VecStoreError) { try inner.verify() }

    package func save(to path: String, sync: Bool, notes: AutoNotes?) throws(VecStoreError) {
        let state = current
        try state.inner.save(to: path, sync: sync, notes: notes ?? state.notes)
    }

    // MARK: - Searching

    package func search(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, k: Int, options: SearchOptions, _ output: SearchOutput
    ) throws(VecStoreError) {
        let state = current
        try state.inner.search(queries, type: type, count: count, k: k, options: state.settled(options, k: k), output)
    }

    package func searchRange(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, radius: Float, options: SearchOptions
    ) throws(VecStoreError) -> RangeResult {
        let state = current
        return try state.inner.searchRange(
            queries, type: type, count: count, radius: radius, options: state.settled(options, k: AutoOptions.k))
    }
}

extension AutoIndex.State {
    /// How a search is done that does not say it: as calibration found, and with more for more results.
    func settled(_ search: SearchOptions, k: Int) -> SearchOptions {
        var search = search
        if search.oversampling == nil && notes.oversampling > 0 { search.oversampling = notes.oversampling }
        guard search.efSearch == nil, search.nprobe == nil, search.targetRecall == nil else { return search }
        let extra = max(k - AutoOptions.k, 0)
        if plan.isGraph {
            let ef = inner.calibration?.efSearch ?? notes.setting
            if ef > 0 { search.efSearch = min(ef + 2 * extra, Limits.k) }
        } else if plan.isLists {
            let nprobe = inner.calibration?.nprobe ?? notes.setting
            if nprobe > 0 { search.nprobe = min(nprobe + nprobe * min(extra, 90) / 90, IVFOptions.mostLists) }
        }
        return search
    }
}
