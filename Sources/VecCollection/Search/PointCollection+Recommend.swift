// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

extension PointCollection {
    /// The points nearest to what some points have in common and others have not: to twice the mean of the positive ones less the mean
    /// of the negative ones (Qdrant's strategy "average_vector"), or to the mean of the positive ones where there are no others.
    /// The points that are named are no hits.
    package func recommend(
        positive: [PointID], negative: [PointID], k: Int, _ options: VectorSearchOptions
    ) throws(VecStoreError) -> [Hit] {
        guard !positive.isEmpty else { throw VecStoreError(.invalidArgument, "positive is empty: at least one point is needed") }
        let place = try vector(options.vectorName)
        let liked = try mean(positive, place)
        var query = liked
        if !negative.isEmpty {
            for (d, disliked) in try mean(negative, place).enumerated() { query[d] = 2 * liked[d] - disliked }
        }
        let named = Set(positive + negative)
        let reach = try checkedReach(k, offset: options.offset)
        var wider = options
        wider.offset = 0
        let hits = try search(query, k: min(reach + named.count, Limits.k), wider)
        return Array(hits.filter { !named.contains($0.id) }.dropFirst(options.offset).prefix(k))
    }

    /// The mean of the vectors of some points; under cosine of their directions.
    private func mean(_ ids: [PointID], _ place: Int) throws(VecStoreError) -> [Float] {
        let settings = settings[place]
        var sum = [Float](repeating: 0, count: settings.dimension)
        let points = try get(ids)
        for (id, point) in zip(ids, points) {
            guard let vector = point?.vectors[settings.name] else {
                throw VecStoreError(.notFound, "there is no point \(id)\(point == nil ? "" : " with this vector")")
            }
            let scale = settings.metric == .cosine ? 1 / vector.reduce(0) { $0 + $1 * $1 }.squareRoot() : 1
            for d in 0..<settings.dimension { sum[d] += vector[d] * scale / Float(ids.count) }
        }
        return sum
    }

    /// A search with one query that is at hand.
    func search(_ query: [Float], k: Int, _ options: VectorSearchOptions) throws(VecStoreError) -> [Hit] {
        var result: Result<[Hit], VecStoreError> = .success([])
        query.withUnsafeBytes { raw in
            guard let base = raw.baseAddress else { return }
            do throws(VecStoreError) {
                result = .success(try search(base, type: .float32, count: 1, k: k, options)[0])
            } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }
}
