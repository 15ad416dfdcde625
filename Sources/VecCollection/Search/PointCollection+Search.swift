// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

extension PointCollection {
    /// The nearest points of each query, best first. Fewer than k are found where there are no more, or where points were removed
    /// while the search went on.
    package func search(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, k: Int, _ options: VectorSearchOptions
    ) throws(VecStoreError) -> [[Hit]] {
        try reading { state throws(VecStoreError) in
            let place = try vector(options.vectorName)
            guard options.diversity >= 0 && options.diversity <= 1 else {
                throw VecStoreError(.invalidArgument, "diversity is \(options.diversity): allowed is 0 to 1")
            }
            let reach = try checkedReach(k, offset: options.offset)
            let wanted = try options.filter.map { filter throws(VecStoreError) in
                try matchingRows(filter, state, place: place)
            }
            let isDiverse = options.diversity > 0
            let width = isDiverse ? max(options.candidates, reach) : reach
            let found = try NearestRows(self, state, place).find(
                queries, type: type, count: count, k: width, wanted: wanted, options)
            var results: [[Hit]] = []
            results.reserveCapacity(count)
            let metric = settings[place].metric
            for i in 0..<count {
                var hits: [Hit] = []
                let base = i * found.k, end = min(Int(found.counts[i]), found.k)
                let first = isDiverse ? 0 : min(options.offset, end)
                hits.reserveCapacity(end - first)
                for j in base + first..<base + end {
                    let distance = found.distances[j]
                    if let most = options.maxDistance, !(distance <= most) { break }
                    hits.append(
                        Hit(
                            id: .number(noID), distance: distance, score: score(distance, metric),
                            row: UInt32(truncatingIfNeeded: found.rows[j])))
                }
                if isDiverse {
                    let chosen = try Diversity(self, place, options.diversity).choose(hits, k: reach)
                    hits = Array(chosen.dropFirst(options.offset))
                }
                results.append(hits)
            }
            try complete(&results, state, place: place, withPayload: options.withPayload, withVector: options.withVector)
            return results
        }
    }
    func score(_ distance: Float, _ metric: Metric) -> Float { metric == .cosine ? 1 - distance : -distance }

    /// Gives hits their ids, and what else was asked for. Those that were removed meanwhile go.
    func complete(
        _ results: inout [[Hit]], _ state: CollectionState, place: Int?, withPayload: Bool, withVector: Bool
    ) throws(VecStoreError) {
        var needsDatabase = withPayload
        for i in results.indices {
            for j in results[i].indices {
                let id = points.id(Int(results[i][j].row))
                if id == PointTable.isText { needsDatabase = true } else { results[i][j].id = .number(id) }
            }
        }
        if withVector, let place {
            for i in results.indices {
                for j in results[i].indices { results[i][j].vector = try storedVector(results[i][j].row, place) }
            }
        }
        guard needsDatabase else { return }
        try readers.with { database throws(VecStoreError) in
            try database.reading { () throws(VecStoreError) in
                for i in results.indices {
                    var kept: [Hit] = []
                    kept.reserveCapacity(results[i].count)
                    for hit in results[i] {
                        if let full = try completed(hit, database, withPayload: withPayload) { kept.append(full) }
                    }
                    results[i] = kept
                }
            }
        }
    }

    private func completed(_ hit: Hit, _ database: Database, withPayload: Bool) throws(VecStoreError) -> Hit? {
        let select = try database.statement(
            withPayload ? "SELECT id, payload FROM points WHERE row = ?1" : "SELECT id FROM points WHERE row = ?1")
        defer { select.reset() }
        try select.bind(1, Int64(hit.row))
        guard try select.step() else { return nil }
        var hit = hit
        hit.id = PointID(select, 0)
        if withPayload { hit.payload = Array(select.bytes(1)) }
        return hit
    }

    /// The vector of a row, widened.
    func storedVector(_ row: UInt32, _ place: Int) throws(VecStoreError) -> [Float] {
        let dimension = settings[place].dimension
        let source = rowFiles[place].row(Int(row))
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
func checkedReach(_ k: Int, offset: Int) throws(VecStoreError) -> Int {
    guard k >= 1 && offset >= 0 && offset <= Limits.k && k <= Limits.k - offset else {
        throw VecStoreError(.invalidArgument, "k and offset are \(k) and \(offset): allowed together are 1 to \(Limits.k)")
    }
    return k + offset
}
