// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// Rows that a search found, k places for each query: those in use come first.
struct FoundRows {
    let k: Int
    private let rowMemory: Buffer
    private let distanceMemory: Buffer
    private let countMemory: Buffer

    init(queries: Int, k: Int) throws(VecStoreError) {
        guard let places = product(queries, k) else {
            throw VecStoreError(.tooLarge, "\(queries) queries for \(k) results each are more than there is memory for")
        }
        self.k = k
        rowMemory = try allocate(UInt64.self, places, for: "the results of \(queries) queries")
        distanceMemory = try allocate(Float.self, places, for: "the results of \(queries) queries")
        countMemory = try allocate(UInt64.self, queries, for: "the results of \(queries) queries")
    }

    var rows: UnsafeMutablePointer<UInt64> { rowMemory.pointer(UInt64.self) }
    var distances: UnsafeMutablePointer<Float> { distanceMemory.pointer(Float.self) }
    var counts: UnsafeMutablePointer<UInt64> { countMemory.pointer(UInt64.self) }
    var output: SearchOutput { SearchOutput(ids: rows, distances: distances, counts: counts) }
}

/// The nearest rows of one vector in one state: those of the graph, and those that wait for it, compared one by one.
struct NearestRows {
    private let collection: PointCollection
    private let state: CollectionState
    private let place: Int

    init(_ collection: PointCollection, _ state: CollectionState, _ place: Int) {
        self.collection = collection
        self.state = state
        self.place = place
    }

    /// - Parameter wanted: Rows that may be results, none of them hidden; nil: all that are not.
    func find(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, k: Int, wanted: RowSet?, _ options: VectorSearchOptions
    ) throws(VecStoreError) -> FoundRows {
        collection.noteSearch()
        let vector = state.vectors[place]
        defer { if collection.options.memory == .disk { release(vector) } }
        // Memory goes by what can be found, not by what is asked for.
        let k = min(k, max(state.rowCount, 1))
        let found = try FoundRows(queries: count, k: k)
        let trace = options.trace
        trace?.pointCount = state.count
        trace?.vector = VectorTrace(name: collection.settings[place].name, rows: vector.count, queries: count, wanted: k)
        guard let graph = vector.graph, !options.isExact else {
            try trace.timed(.compare) { () throws(VecStoreError) in
                try compare(queries, type, count, from: 0, wanted, options, k, found.output, reason: whyWithoutGraph(options))
            }
            return found
        }
        try trace.timed(.graph) { () throws(VecStoreError) in
            let report = trace.map { _ in GraphReport() }
            try walk(graph, queries, type, count, wanted, options, report, k, found.output)
            let isRepeated = wanted == nil && hasStrangers(found, count)
            if isRepeated {
                // Rows that came into the graph after this state, or while they died, must not take the places of others.
                let alive = try RowSet(span: state.rowCount, isFull: true)
                if let hidden = vector.hidden { alive.subtract(hidden) }
                try walk(graph, queries, type, count, alive, options, report, k, found.output)
            }
            if let report {
                trace?.vector?.graph = VectorTrace.GraphPart(
                    rows: graph.count, efSearch: options.efSearch ?? HNSWIndex.defaultEFSearch, report: report.current,
                    isRepeated: isRepeated)
            }
        }
        if vector.indexedRows < state.rowCount {
            try trace.timed(.compare) { () throws(VecStoreError) in
                let waiting = try FoundRows(queries: count, k: k)
                try compare(
                    queries, type, count, from: vector.indexedRows, wanted, options, k, waiting.output,
                    reason: "the graph does not have them yet")
                for i in 0..<count { merge(waiting, into: found, i) }
            }
        }
        return found
    }

    /// The least `ef_search` with which rows of the graph, as queries, find so large a share of their nearest ones.
    func leastEFSearch(
        _ graph: any VectorIndex, k: Int, recall: Float, threads: Int
    ) throws(VecStoreError) -> RecallTable.Entry {
        let rows = graph.count
        let ids = try allocate(UInt64.self, rows, for: "the rows of a graph")
        let count = graph.ids(offset: 0, capacity: rows, ids.pointer(UInt64.self))
        // Rows that died count as long as they are in the graph: a filter of the others would make walks unlike those to come.
        let own = try RowSet(span: state.rowCount)
        for i in 0..<count { if let row = UInt32(exactly: ids.pointer(UInt64.self)[i]) { own.insert(row) } }
        if own.isEmpty { return RecallTable.Entry(efSearch: nil, recall: 1, rows: rows) }
        var options = VectorSearchOptions()
        options.threads = threads
        let found: Calibration
        do throws(VecStoreError) {
            found = try graph.leastEFSearch(k: k, recall: recall, most: rows / NearestRows.comparisonsPerView) {
                (queries, type, count, k, output) throws(VecStoreError) in
                try compare(queries, type, count, from: 0, own, options, k, output, reason: "")
            } search: { (ef, queries, type, count, k, output) throws(VecStoreError) in
                try graph.search(
                    queries, type: type, count: count, k: k, options: SearchOptions(threads: threads, efSearch: ef), output)
            }
        } catch {
            // All of its rows may have gone meanwhile.
            guard graph.count == 0 else { throw error }
            return RecallTable.Entry(efSearch: nil, recall: 1, rows: 0)
        }
        return RecallTable.Entry(efSearch: found.recall >= recall ? found.efSearch : nil, recall: found.recall, rows: rows)
    }

    /// For each row that it keeps in view a walk takes as long as some comparisons.
    private static let comparisonsPerView = 20

    private func whyWithoutGraph(_ options: VectorSearchOptions) -> String {
        if state.vectors[place].graph != nil { return options.whyExact }
        let settings = collection.settings[place]
        let count = state.vectors[place].count
        switch settings.kind {
        case .flat: return "kind is flat: there is no graph"
        case .auto, .hnsw:
            let least = settings.kind == .auto ? GraphWork.leastRowsForAuto : GraphWork.leastRowsForGraph
            return count < least
                ? "\(count) points have this vector: kind \(settings.kind.rawValue) makes a graph from \(least) on"
                : "the graph is not made yet"
        }
    }

    /// Lets go of what was read of files.
    private func release(_ vector: VectorState) {
        state.store.files[place].release(state.rowCount)
        (vector.graph as? HNSWIndex)?.releaseMap()
    }

    /// Searches the graph.
    private func walk(
        _ graph: any VectorIndex, _ queries: UnsafeRawPointer, _ type: ElementType, _ count: Int, _ wanted: RowSet?,
        _ options: VectorSearchOptions, _ report: GraphReport?, _ k: Int, _ output: SearchOutput
    ) throws(VecStoreError) {
        let vector = state.vectors[place]
        var search = SearchOptions(threads: options.threads, efSearch: options.efSearch)
        search.report = report
        if let wanted {
            try wanted.withBytes { bits, span throws(VecStoreError) in
                let cache = place < wanted.slotCaches.count ? wanted.slotCaches[place] : nil
                search.filter = RowFilter(.bitmap(bits, count: span), cache: cache)
                try graph.search(queries, type: type, count: count, k: k, options: search, output)
            }
        } else if vector.hiddenInGraph > 0, let hidden = vector.hidden {
            try hidden.withBytes { bits, span throws(VecStoreError) in
                search.filter = RowFilter(.bitmap(bits, count: span), isNegated: true)
                try graph.search(queries, type: type, count: count, k: k, options: search, output)
            }
        } else {
            try graph.search(queries, type: type, count: count, k: k, options: search, output)
        }
    }

    /// Whether rows were found that are not there in this state.
    private func hasStrangers(_ found: FoundRows, _ count: Int) -> Bool {
        let hidden = state.vectors[place].hidden
        for i in 0..<count {
            for j in 0..<min(Int(found.counts[i]), found.k) {
                let row = found.rows[i * found.k + j]
                if row >= UInt64(state.rowCount) || hidden?.contains(UInt32(truncatingIfNeeded: row)) ?? false { return true }
            }
        }
        return false
    }

    /// Compares all rows from one on.
    private func compare(
        _ queries: UnsafeRawPointer, _ type: ElementType, _ count: Int, from first: Int, _ wanted: RowSet?,
        _ options: VectorSearchOptions, _ k: Int, _ output: SearchOutput, reason: @autoclosure () -> String
    ) throws(VecStoreError) {
        let settings = collection.settings[place]
        let context = try ScanContext(
            table: collection.table, metric: settings.metric, type: settings.type, dimension: settings.dimension)
        let block = try QueryBlock(
            queries, type: type, count: count, dimension: settings.dimension, metric: settings.metric, rowType: settings.type,
            table: collection.table)
        let vector = state.vectors[place]
        let mask = try mask(from: first, wanted)
        let start = mask == nil ? first : first & ~63
        var blocks = vector.waiting.blocks(start..<state.rowCount, state.store.files[place], isMasked: mask != nil)
        if let mask {
            for b in blocks.indices {
                let from = Int(blocks[b].firstID) - start
                blocks[b].wanted = UnsafeRawPointer(mask.words).assumingMemoryBound(to: UInt8.self) + from / 8
                blocks[b].wantedCount = mask.count(in: from..<(from + blocks[b].count))
            }
        }
        if let trace = options.trace {
            trace.vector?.compared = VectorTrace.ComparedPart(rows: mask?.count ?? state.rowCount - first, reason: reason())
        }
        try ExactSearch.nearest(context, block, blocks, k: k, threads: options.threads, output)
        withExtendedLifetime((mask, vector)) {}
    }

    /// The rows from `first` on that may be results, counted from the multiple of 64 before that; nil: all of them.
    private func mask(from first: Int, _ wanted: RowSet?) throws(VecStoreError) -> RowSet? {
        let hidden = state.vectors[place].hidden
        if wanted == nil && hidden?.first(from: first) == nil { return nil }
        let start = first & ~63
        let mask: RowSet
        if let wanted {
            mask = try wanted.tail(from: start, span: state.rowCount)
        } else {
            mask = try RowSet(span: state.rowCount - start, isFull: true)
            if let hidden { mask.subtract(try hidden.tail(from: start, span: state.rowCount)) }
        }
        mask.remove(below: first - start)
        return mask
    }

    /// The k best of both, in order. A row that came into the graph meanwhile is in both.
    private func merge(_ other: FoundRows, into found: FoundRows, _ i: Int) {
        let k = found.k, base = i * k
        var merged: [(distance: Float, row: UInt64)] = []
        merged.reserveCapacity(2 * k)
        for part in [found, other] {
            for j in 0..<min(Int(part.counts[i]), k) { merged.append((part.distances[base + j], part.rows[base + j])) }
        }
        merged.sort { ($0.distance, $0.row) < ($1.distance, $1.row) }
        var kept = 0
        var last: UInt64?
        for (distance, row) in merged where kept < k && row != last && row < UInt64(state.rowCount) {
            // The same row has the same distance in both, so it comes twice in a row.
            found.rows[base + kept] = row
            found.distances[base + kept] = distance
            last = row
            kept += 1
        }
        found.counts[i] = UInt64(kept)
    }
}
