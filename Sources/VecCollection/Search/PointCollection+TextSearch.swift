// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// How a search by a vector and by words is done.
package struct HybridSearchOptions {
    package var vector = VectorSearchOptions()
    package var text = TextSearchOptions()
    package var fusion = Fusion.rrf
    package var vectorWeight: Float = 1
    package var textWeight: Float = 1
    /// Hits of each search that are fused.
    package var candidates = 100

    package init() {}

    /// Refuses numbers out of range.
    func check() throws(VecStoreError) {
        try vector.check()
        for (weight, name) in [(vectorWeight, "vector"), (textWeight, "text")] {
            guard weight.isFinite && weight >= 0 else {
                throw VecStoreError(.invalidArgument, "the weight of the \(name) is \(weight): it must be 0 or more")
            }
        }
        try checkNumber(candidates, "candidates")
    }
}

extension PointCollection {
    /// The points whose texts match best, best first.
    func findByWords(_ text: String, k: Int, _ options: TextSearchOptions) throws(VecStoreError) -> [Hit] {
        if let threshold = options.threshold, threshold.isNaN {
            throw VecStoreError(.invalidArgument, "threshold is not a number")
        }
        let reach = try checkedReach(k, offset: options.offset), trace = options.trace
        try trace.timed(.indexes) { () throws(VecStoreError) in try TextSearch.prepare(self) }
        if let filter = options.filter { try prepare(filter, trace) }
        return try moment { (state, database) throws(VecStoreError) in
            let wanted = try options.filter.map { filter throws(VecStoreError) in try matchingRows(filter, state, database, trace) }
            let found = try trace.timed(.text) { () throws(VecStoreError) in
                try TextSearch(self, state, database).find(text, k: reach, options, wanted: wanted)
            }
            let good = reaching(options.threshold, found[...])
            return try hits(good.dropFirst(options.offset), state, database, withPayload: options.withPayload, trace)
        }
    }

    /// The best points by a vector and by words.
    func findByBoth(
        _ query: UnsafeRawPointer, type: ElementType, text: String, k: Int, _ options: HybridSearchOptions
    ) throws(VecStoreError) -> [Hit] {
        try options.check()
        let count = max(options.candidates, try checkedReach(k, offset: options.vector.offset))
        let place = try vector(options.vector.vectorName)
        let near = try withRecall(options.vector, k: count, place)
        let trace = options.vector.trace
        try trace.timed(.indexes) { () throws(VecStoreError) in try TextSearch.prepare(self) }
        if let filter = options.vector.filter { try prepare(filter, trace) }
        return try moment { (state, database) throws(VecStoreError) in
            let wanted = try options.vector.filter.map { filter throws(VecStoreError) in
                try matchingRows(filter, state, database, trace)
            }
            let withVector = try wanted.map { wanted throws(VecStoreError) in try having(wanted, state, place: place) }
            let found = try NearestRows(self, state, place).find(query, type: type, count: 1, k: count, wanted: withVector, near)
            let metric = settings[place].metric
            let near = (0..<min(Int(found.counts[0]), found.k)).prefix { found.distances[$0] <= options.vector.maxDistance ?? .infinity }
            let vectors = near.map {
                (row: UInt32(truncatingIfNeeded: found.rows[$0]), score: score(found.distances[$0], metric))
            }
            let texts = try trace.timed(.text) { () throws(VecStoreError) in
                try TextSearch(self, state, database).find(text, k: count, options.text, wanted: wanted)
            }
            trace?.fusion = FusionTrace(fusion: options.fusion, vectorHits: vectors.count, textHits: texts.count)
            let fused = try trace.timed(.fusion) { () throws(VecStoreError) in
                Fusion.fuse([(vectors, options.vectorWeight), (texts, options.textWeight)], options.fusion)
            }
            var distances: [UInt32: Float] = [:]
            for i in 0..<vectors.count { distances[vectors[i].row] = found.distances[i] }
            let good = reaching(options.vector.threshold, fused[...])
            return try hits(
                good.dropFirst(options.vector.offset).prefix(k), state, database, withPayload: options.vector.withPayload,
                vectorOf: options.vector.withVector ? place : nil, trace, distances)
        }
    }

    /// Those of some rows, best first, whose scores are large enough.
    private func reaching(
        _ threshold: Float?, _ rows: ArraySlice<(row: UInt32, score: Float)>
    ) -> ArraySlice<(row: UInt32, score: Float)> {
        guard let threshold else { return rows }
        return rows.prefix { $0.score >= threshold }
    }

    /// - Parameter place: Of the vector that hits are to bring, where they have it.
    private func hits(
        _ rows: ArraySlice<(row: UInt32, score: Float)>, _ state: CollectionState, _ database: Database, withPayload: Bool,
        vectorOf place: Int? = nil, _ trace: QueryTrace?, _ distances: [UInt32: Float] = [:]
    ) throws(VecStoreError) -> [Hit] {
        var results = [
            rows.map { Hit(id: .number(noID), distance: distances[$0.row] ?? .nan, score: $0.score, row: $0.row) }
        ]
        trace?.hitCount = rows.count
        try trace.timed(.payloads) { () throws(VecStoreError) in
            try complete(&results, database, state.store, place: nil, withPayload: withPayload, withVector: false)
            guard let place else { return }
            let hidden = state.vectors[place].hidden
            for i in results[0].indices where !(hidden?.contains(results[0][i].row) ?? false) {
                results[0][i].vector = try storedVector(results[0][i].row, place, state.store)
            }
        }
        return results[0]
    }
}
