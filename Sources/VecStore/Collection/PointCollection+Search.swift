// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

extension PointCollection {
    /// The nearest points of a query, best first; points at the same distance in the order in which they were written.
    /// - Parameters:
    ///   - query: As many elements as vectors have; `Float` or `Float16`.
    ///   - k: 1 to 1,048,576. Fewer are found where there are no more.
    ///   - filter: Which points may be hits; nil: all.
    ///   - options: All else.
    ///   - rerank: Puts hits in another order; nil: they stay in theirs.
    ///   - explain: Is told, on this thread, what the search did, and why, before `rerank` is asked.
    /// - Throws: `.invalidArgument`, for a filter that is not right too; `.unsupported`, `.notFinite`, `.zeroVector`,
    ///   `.tooLarge`, `.io`, `.corrupt`, `.outOfMemory`, `.invalidHandle`.
    /// - Complexity: O(points × dimension) where points are compared one by one; with a graph O(`efSearch` × `m` × dimension ×
    ///   log points) or so.
    public func search<E: VectorElement>(
        _ query: [E], k: Int = 10, filter: Condition? = nil, options: QueryOptions = QueryOptions(),
        rerank: Rerank? = nil, explain: ((Explanation) -> Void)? = nil
    ) throws(VecStoreError) -> [Hit] {
        try search([query], k: k, filter: filter, options: options, rerank: rerank, explain: explain)[0]
    }

    /// The nearest points of each query; else as for one.
    public func search<E: VectorElement>(
        _ queries: [[E]], k: Int = 10, filter: Condition? = nil, options: QueryOptions = QueryOptions(),
        rerank: Rerank? = nil, explain: ((Explanation) -> Void)? = nil
    ) throws(VecStoreError) -> [[Hit]] {
        try search(Vectors(queries), k: k, filter: filter, options: options, rerank: rerank, explain: explain)
    }

    /// The nearest points of each query, of queries in any form, such as one flat array, which is not copied.
    public func search(
        _ queries: Vectors, k: Int = 10, filter: Condition? = nil, options: QueryOptions = QueryOptions(),
        rerank: Rerank? = nil, explain: ((Explanation) -> Void)? = nil
    ) throws(VecStoreError) -> [[Hit]] {
        let reranking = try Reranking(rerank, k: k, offset: options.offset)
        let trace = explain.map { _ in QueryTrace() }
        var results = try rethrow { () throws(CoreError) in
            var options = try options.internalValue(filter, trace)
            options.offset = reranking.offset
            return try withQueries(queries, options.vectorName) { (rows) throws(CoreError) in
                try core.search(rows.pointer, type: rows.type, count: rows.count, k: reranking.k, options).map { $0.map { Hit($0) } }
            }
        }
        if let trace { explain?(Explanation(trace)) }
        for i in results.indices { results[i] = try reranking.chosen(results[i]) }
        return results
    }

    /// The nearest points by the values of a field: of the nearest `groups` values the nearest `groupSize` points each. A point
    /// whose field is an array is in a group for each element; one without the field is in none.
    /// - Parameters:
    ///   - path: The field, as filters write it.
    ///   - groups, groupSize: 1 or more, together up to 1,048,576.
    ///   - explain: As of `search`.
    /// - Throws: As `search`.
    public func searchGroups<E: VectorElement>(
        _ query: [E], by path: String, groups: Int = 10, groupSize: Int = 3, filter: Condition? = nil,
        options: QueryOptions = QueryOptions(), explain: ((Explanation) -> Void)? = nil
    ) throws(VecStoreError) -> [Group] {
        let trace = explain.map { _ in QueryTrace() }
        let groups = try rethrow { () throws(CoreError) in
            let options = try options.internalValue(filter, trace)
            return try withQueries(Vectors([query]), options.vectorName) { (rows) throws(CoreError) in
                let found = try core.searchGroups(
                    rows.pointer, type: rows.type, by: path, groups: groups, groupSize: groupSize, options)
                var result: [Group] = []
                for group in found {
                    result.append(Group(value: try PayloadValue(json: group.value), hits: group.hits.map { Hit($0) }))
                }
                return result
            }
        }
        if let trace { explain?(Explanation(trace)) }
        return groups
    }

    /// The points nearest to what some points have in common and others have not: to twice the mean of the vectors of the first
    /// less the mean of those of the others, or to the mean of the first where there are no others; under `.cosine` means of
    /// directions. The points that are named are no hits.
    /// - Parameters:
    ///   - positive: One or more.
    ///   - negative: May be empty.
    ///   - explain: As of `search`.
    /// - Throws: As `search`, and `.notFound` where one of the points is not there, or has no such vector.
    public func recommend(
        _ positive: [PointID], not negative: [PointID] = [], k: Int = 10, filter: Condition? = nil,
        options: QueryOptions = QueryOptions(), explain: ((Explanation) -> Void)? = nil
    ) throws(VecStoreError) -> [Hit] {
        let trace = explain.map { _ in QueryTrace() }
        let hits = try rethrow { () throws(CoreError) in
            try core.recommend(
                positive: positive.map(\.core), negative: negative.map(\.core), k: k, options.internalValue(filter, trace)
            ).map { Hit($0) }
        }
        if let trace { explain?(Explanation(trace)) }
        return hits
    }

    // MARK: - Words

    /// The points whose texts have words of `text`, best first: ranked by BM25 (k1 = 1.2, b = 0.75), summed over the fields. Words
    /// are all that counts in `text`: no sign in it has a meaning.
    /// - Parameters:
    ///   - k: 1 to 1,048,576.
    ///   - filter: Which points may be hits; nil: all.
    ///   - offset: Best hits that are left out.
    ///   - threshold: Hits whose score is smaller are left out; nil: none.
    ///   - withPayload: Whether hits bring their payloads.
    ///   - textOptions: Which texts match, and of which fields.
    ///   - rerank: Puts hits in another order; nil: they stay in theirs.
    ///   - explain: As of `search`.
    /// - Throws: `.invalidArgument`, also where a field has no index of type `.text`; `.io`, `.corrupt`, `.outOfMemory`,
    ///   `.invalidHandle`.
    public func searchText(
        _ text: String, k: Int = 10, filter: Condition? = nil, offset: Int = 0, threshold: Float? = nil,
        withPayload: Bool = true, textOptions: TextOptions = TextOptions(), rerank: Rerank? = nil,
        explain: ((Explanation) -> Void)? = nil
    ) throws(VecStoreError) -> [Hit] {
        let reranking = try Reranking(rerank, k: k, offset: offset)
        let trace = explain.map { _ in QueryTrace() }
        let options = QueryOptions(offset: reranking.offset, threshold: threshold, withPayload: withPayload)
        let hits = try rethrow { () throws(CoreError) in
            try core.searchText(text, k: reranking.k, textOptions.internalValue(options.internalValue(filter, trace))).map { Hit($0) }
        }
        if let trace { explain?(Explanation(trace)) }
        return try reranking.chosen(hits)
    }

    /// The best points by a vector and by words together.
    /// - Parameters:
    ///   - options: Of the search by the vector; offset, payloads and threshold, one of the scores that the fusion makes, are
    ///     those of the hits of both. No vectors come along; `maxDistance` and `diversity` are passed over.
    ///   - textOptions: Of the search by words.
    ///   - hybridOptions: How the two become one.
    ///   - rerank: Puts hits in another order; nil: they stay in theirs.
    ///   - explain: As of `search`.
    /// - Throws: As `search` and `searchText`.
    public func searchHybrid<E: VectorElement>(
        _ query: [E], _ text: String, k: Int = 10, filter: Condition? = nil, options: QueryOptions = QueryOptions(),
        textOptions: TextOptions = TextOptions(), hybridOptions: HybridOptions = HybridOptions(), rerank: Rerank? = nil,
        explain: ((Explanation) -> Void)? = nil
    ) throws(VecStoreError) -> [Hit] {
        let reranking = try Reranking(rerank, k: k, offset: options.offset)
        let trace = explain.map { _ in QueryTrace() }
        let hits = try rethrow { () throws(CoreError) in
            var vector = try options.internalValue(filter, trace)
            vector.offset = reranking.offset
            let hybrid = hybridOptions.internalValue(vector, textOptions.internalValue(vector))
            return try withQueries(Vectors([query]), vector.vectorName) { (rows) throws(CoreError) in
                try core.searchHybrid(rows.pointer, type: rows.type, text: text, k: reranking.k, hybrid).map { Hit($0) }
            }
        }
        if let trace { explain?(Explanation(trace)) }
        return try reranking.chosen(hits)
    }

    private func withQueries<R>(
        _ queries: Vectors, _ name: String?, _ body: (VectorRows) throws(CoreError) -> R
    ) throws(CoreError) -> R {
        try queries.withRows(dimension: core.dimension(of: name), noun: "query") { (rows) throws(CoreError) in
            guard rows.present == nil else {
                throw CoreError(.invalidArgument, "a query is nil: only points may be without a vector")
            }
            return try body(rows)
        }
    }
}
