// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

extension PointCollection {
    /// The points nearest to what some points have in common and others have not: to twice the mean of the positive ones less the mean
    /// of the negative ones (Qdrant's strategy "average_vector"), or to the mean of the positive ones where there are no others.
    /// The points that are named are no hits.
    func findAlike(
        positive: [PointID], negative: [PointID], k: Int, _ options: VectorSearchOptions
    ) throws(VecStoreError) -> [Hit] {
        guard !positive.isEmpty else { throw VecStoreError(.invalidArgument, "positive is empty: at least one point is needed") }
        try options.check()
        let place = try vector(options.vectorName)
        let reach = try checkedReach(k, offset: options.offset)
        let options = try withRecall(options, k: options.width(reach), place)
        return try vectorMoment(options, place) { (state, database, wanted) throws(VecStoreError) in
            let liked = try namedRows(positive, state, database, place), disliked = try namedRows(negative, state, database, place)
            var query = try mean(liked, place, state.store)
            if !negative.isEmpty {
                for (d, element) in try mean(disliked, place, state.store).enumerated() { query[d] = 2 * query[d] - element }
            }
            let named = Set(liked + disliked)
            // Those that are named would be among the nearest, and diversity would keep its distance from them.
            let width = options.width(reach)
            var hits = try nearest(query, k: min(width + named.count, Limits.k), options, state, wanted, place)
            hits.removeAll { named.contains($0.row) }
            var results = [try chosen(Array(hits.prefix(width)), reach, options, place, state.store)]
            try complete(&results, database, state.store, place: place, options)
            return results[0]
        }
    }

    /// The rows of points that have a vector.
    private func namedRows(
        _ ids: [PointID], _ state: CollectionState, _ database: Database, _ place: Int
    ) throws(VecStoreError) -> [UInt32] {
        var rows: [UInt32] = []
        for id in ids {
            guard let row = try row(id, database), state.isAlive(Int(row)) else {
                throw VecStoreError(.notFound, "there is no point \(id)")
            }
            if state.vectors[place].hidden?.contains(row) ?? false {
                throw VecStoreError(.notFound, "there is no point \(id) with this vector")
            }
            rows.append(row)
        }
        return rows
    }

    /// The mean of the vectors of some rows; under cosine of their directions.
    private func mean(_ rows: [UInt32], _ place: Int, _ store: RowStore) throws(VecStoreError) -> [Float] {
        let settings = settings[place]
        var sum = [Float](repeating: 0, count: settings.dimension)
        for row in rows {
            let vector = try storedVector(row, place, store)
            let scale = settings.metric == .cosine ? 1 / vector.reduce(0) { $0 + $1 * $1 }.squareRoot() : 1
            for d in 0..<settings.dimension { sum[d] += vector[d] * scale / Float(rows.count) }
        }
        return sum
    }

    /// The nearest rows to one query that is at hand.
    private func nearest(
        _ query: [Float], k: Int, _ options: VectorSearchOptions, _ state: CollectionState, _ wanted: RowSet?, _ place: Int
    ) throws(VecStoreError) -> [Hit] {
        var result: Result<[Hit], VecStoreError> = .success([])
        query.withUnsafeBytes { raw in
            guard let base = raw.baseAddress else { return }
            do throws(VecStoreError) {
                let vectors = QueryVectors(pointer: base, type: .float32, count: 1)
                result = .success(try nearest(vectors, k: k, options, state, wanted, place)[0])
            } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }
}
