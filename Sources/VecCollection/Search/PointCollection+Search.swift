// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// Queries as a caller has them.
struct QueryVectors {
    let pointer: UnsafeRawPointer
    let type: ElementType
    let count: Int
}

extension PointCollection {
    /// The nearest points of each query, best first. Fewer than k are found where there are no more.
    func findNearest(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, k: Int, _ options: VectorSearchOptions
    ) throws(VecStoreError) -> [[Hit]] {
        try options.check()
        let reach = try checkedReach(k, offset: options.offset)
        let place = try vector(options.vectorName)
        let options = try withRecall(options, k: options.width(reach), place)
        let queries = QueryVectors(pointer: queries, type: type, count: count)
        if !options.withPayload {
            // Where the database is not needed, asking it would take longer than the search.
            let results: [[Hit]]? = try reading { state throws(VecStoreError) in
                if state.hasTextIDs { return nil }
                var wanted: RowSet?
                if let filter = options.filter {
                    guard let known = filters.rows(filter, version: state.version) else { return nil }
                    wanted = try having(known, state, place: place)
                    options.trace?.filter = FilterTrace(isCached: true, matching: known.count)
                }
                return try search(queries, reach, options, state, nil, wanted, place)
            }
            if let results { return results }
        }
        return try vectorMoment(options, place) { (state, database, wanted) throws(VecStoreError) in
            try search(queries, reach, options, state, database, wanted, place)
        }
    }

    /// Calls `body` with the state of now, a connection that shows just that, and the rows that may be hits; nil: all.
    func vectorMoment<R>(
        _ options: VectorSearchOptions, _ place: Int,
        _ body: (CollectionState, Database, RowSet?) throws(VecStoreError) -> R
    ) throws(VecStoreError) -> R {
        if let filter = options.filter { try prepare(filter, options.trace) }
        return try moment { (state, database) throws(VecStoreError) in
            let wanted = try options.filter.map { filter throws(VecStoreError) in
                try having(try matchingRows(filter, state, database, options.trace), state, place: place)
            }
            return try body(state, database, wanted)
        }
    }

    /// - Parameter database: Shows the state; nil where nothing is asked of it.
    private func search(
        _ queries: QueryVectors, _ reach: Int, _ options: VectorSearchOptions, _ state: CollectionState, _ database: Database?,
        _ wanted: RowSet?, _ place: Int
    ) throws(VecStoreError) -> [[Hit]] {
        var results = try nearest(queries, k: options.width(reach), options, state, wanted, place)
        for i in results.indices { results[i] = try chosen(results[i], reach, options, place, state.store) }
        try complete(&results, database, state.store, place: place, options)
        return results
    }

    /// The nearest rows of each query as hits that have no more than their distances, scores and rows yet.
    func nearest(
        _ queries: QueryVectors, k: Int, _ options: VectorSearchOptions, _ state: CollectionState, _ wanted: RowSet?, _ place: Int
    ) throws(VecStoreError) -> [[Hit]] {
        let found = try NearestRows(self, state, place).find(
            queries.pointer, type: queries.type, count: queries.count, k: k, wanted: wanted, options)
        var results: [[Hit]] = []
        results.reserveCapacity(queries.count)
        let metric = settings[place].metric
        for i in 0..<queries.count {
            var hits: [Hit] = []
            let base = i * found.k, end = min(Int(found.counts[i]), found.k)
            hits.reserveCapacity(end)
            for j in base..<base + end {
                let distance = found.distances[j]
                let score = score(distance, metric)
                if let most = options.maxDistance, !(distance <= most) { break }
                if let least = options.threshold, !(score >= least) { break }
                hits.append(
                    Hit(id: .number(noID), distance: distance, score: score, row: UInt32(truncatingIfNeeded: found.rows[j])))
            }
            results.append(hits)
        }
        return results
    }

    /// Of the nearest rows of a query those that its options ask for.
    func chosen(
        _ hits: [Hit], _ reach: Int, _ options: VectorSearchOptions, _ place: Int, _ store: RowStore
    ) throws(VecStoreError) -> [Hit] {
        if options.diversity > 0 {
            options.trace?.diversityCandidates = hits.count
            let chosen = try options.trace.timed(.diversity) { () throws(VecStoreError) in
                try Diversity(self, store, place, options.diversity).choose(hits, k: reach)
            }
            return Array(chosen.dropFirst(options.offset))
        }
        if options.offset == 0 && hits.count <= reach { return hits }
        return Array(hits.prefix(reach).dropFirst(options.offset))
    }

    /// Gives hits what their options ask for.
    func complete(
        _ results: inout [[Hit]], _ database: Database?, _ store: RowStore, place: Int, _ options: VectorSearchOptions
    ) throws(VecStoreError) {
        options.trace?.hitCount = results.reduce(0) { $0 + $1.count }
        try options.trace.timed(.payloads) { () throws(VecStoreError) in
            try complete(
                &results, database, store, place: place, withPayload: options.withPayload, withVector: options.withVector)
        }
    }

    func score(_ distance: Float, _ metric: Metric) -> Float { metric == .cosine ? 1 - distance : -distance }

    /// Gives hits their ids, and what else was asked for.
    /// - Parameter database: nil where neither payloads nor ids that are strings are needed.
    func complete(
        _ results: inout [[Hit]], _ database: Database?, _ store: RowStore, place: Int?, withPayload: Bool, withVector: Bool
    ) throws(VecStoreError) {
        for i in results.indices {
            for j in results[i].indices { results[i][j].id = .number(store.points.id(Int(results[i][j].row))) }
        }
        if withVector, let place {
            for i in results.indices {
                for j in results[i].indices { results[i][j].vector = try storedVector(results[i][j].row, place, store) }
            }
        }
        guard let database else { return }
        for i in results.indices {
            for j in results[i].indices {
                if withPayload || results[i][j].id == .number(PointTable.isText) {
                    try complete(&results[i][j], database, withPayload: withPayload)
                }
            }
        }
    }

    private func complete(_ hit: inout Hit, _ database: Database, withPayload: Bool) throws(VecStoreError) {
        let select = try database.statement(
            withPayload ? "SELECT id, payload FROM points WHERE row = ?1" : "SELECT id FROM points WHERE row = ?1")
        defer { select.reset() }
        try select.bind(1, Int64(hit.row))
        guard try select.step() else {
            throw VecStoreError(.corrupt, "'\(directory)': the point of row \(hit.row) is not in the database")
        }
        hit.id = PointID(select, 0)
        if withPayload { hit.payload = Array(select.bytes(1)) }
    }

    /// The vector of a row, widened.
    func storedVector(_ row: UInt32, _ place: Int, _ store: RowStore) throws(VecStoreError) -> [Float] {
        let dimension = settings[place].dimension
        let file = store.files[place]
        guard Int(row) < file.external.count else {
            throw VecStoreError(.corrupt, "'\(directory)': row \(row) has no vectors: there are \(file.external.count) rows")
        }
        let source = file.row(Int(row))
        var vector = [Float](repeating: 0, count: dimension)
        var failure: VecStoreError?
        vector.withUnsafeMutableBytes { target in
            guard let base = target.baseAddress else { return }
            do throws(VecStoreError) {
                try convertElements(source, settings[place].type, base, .float32, dimension, table)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return vector
    }
}

/// How far down the list of all points a search has to look.
package func checkedReach(_ k: Int, offset: Int) throws(VecStoreError) -> Int {
    guard k >= 1 && offset >= 0 && offset <= Limits.k && k <= Limits.k - offset else {
        throw VecStoreError(.invalidArgument, "k and offset are \(k) and \(offset): allowed together are 1 to \(Limits.k)")
    }
    return k + offset
}
