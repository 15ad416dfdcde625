// SPDX-License-Identifier: Apache-2.0

import VecCache
import VecCollection

/// Searches of a collection whose hits come from a value cache where the same was asked of the same points before.
///
///     let results = try ResultCache(points, try ValueCache("memory:", namespace: "results", options: .init(maxBytes: 100_000_000)))
///     let hits = try results.searchText("mail server", k: 10)
///
/// A key has the collection's `uuid` and its `revision()`: after any write, and when a point has ended, other keys are asked for. So hits
/// are those that the collection would find now, whichever process has found them, and nothing has to be deleted. What nobody asks
/// for any more goes at its end, or where the cache has no room: give it an end, or bounds.
///
/// It is for searches of a millisecond and more: by words, exact, of many queries at once. Those over a graph are quicker than a
/// round trip to a Redis. A search over a graph may find other neighbours in another process, whose graph is not the same: the hits
/// that came first stay for a revision.
///
/// What goes wrong in the directory or in the Redis of the cache is counted there, and the collection is searched; with
/// `failsClosed` of the cache `.unavailable` is thrown. Any method may be called from any thread.
public final class ResultCache: Sendable {
    public typealias Hit = PointCollection.Hit

    /// The collection that is searched. It stays the caller's to close, as the cache does.
    public let collection: PointCollection
    /// The cache that has the hits: its `stats` tell how many searches it answered.
    public let cache: ValueCache
    private let ttl: TimeToLive

    /// - Parameter ttl: How long hits are kept.
    /// - Throws: `.invalidArgument` for what is no time.
    public init(_ collection: PointCollection, _ cache: ValueCache, ttl: TimeToLive = .standard) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try ttl.internalValue.check() }
        self.collection = collection
        self.cache = cache
        self.ttl = ttl
    }

    /// As `PointCollection.search`. Hits are kept as they are before `rerank`, which is called each time.
    /// - Throws: As there; with `failsClosed` of the cache `.unavailable`.
    public func search<E: VectorElement>(
        _ query: [E], k: Int = 10, filter: Condition? = nil, options: PointCollection.QueryOptions = .init(),
        rerank: PointCollection.Rerank? = nil
    ) throws(VecStoreError) -> [Hit] {
        try search([query], k: k, filter: filter, options: options, rerank: rerank).first ?? []
    }

    /// The same of several queries, which are kept together.
    public func search<E: VectorElement>(
        _ queries: [[E]], k: Int = 10, filter: Condition? = nil, options: PointCollection.QueryOptions = .init(),
        rerank: PointCollection.Rerank? = nil
    ) throws(VecStoreError) -> [[Hit]] {
        let reranking = try Reranking(rerank, k: k, offset: options.offset)
        var options = options
        options.offset = reranking.offset
        var key = ResultKey(.vectors, k: reranking.k, filter: filter, collection: collection)
        key.add(options)
        key.add(queries)
        return try hits(key, queries.count, reranking) { () throws(VecStoreError) in
            try collection.search(queries, k: reranking.k, filter: filter, options: options)
        }
    }

    /// As `PointCollection.searchText`; else as `search`.
    public func searchText(
        _ text: String, k: Int = 10, filter: Condition? = nil, offset: Int = 0, threshold: Float? = nil, withPayload: Bool = true,
        textOptions: PointCollection.TextOptions = .init(), rerank: PointCollection.Rerank? = nil
    ) throws(VecStoreError) -> [Hit] {
        let reranking = try Reranking(rerank, k: k, offset: offset)
        var key = ResultKey(.text, k: reranking.k, filter: filter, collection: collection)
        key.add(.init(offset: reranking.offset, threshold: threshold, withPayload: withPayload))
        key.add(textOptions)
        key.add(text)
        return try hits(key, 1, reranking) { () throws(VecStoreError) in
            [
                try collection.searchText(
                    text, k: reranking.k, filter: filter, offset: reranking.offset, threshold: threshold, withPayload: withPayload,
                    textOptions: textOptions)
            ]
        }.first ?? []
    }

    /// As `PointCollection.searchHybrid`; else as `search`.
    public func searchHybrid<E: VectorElement>(
        _ query: [E], _ text: String, k: Int = 10, filter: Condition? = nil, options: PointCollection.QueryOptions = .init(),
        textOptions: PointCollection.TextOptions = .init(), hybridOptions: PointCollection.HybridOptions = .init(),
        rerank: PointCollection.Rerank? = nil
    ) throws(VecStoreError) -> [Hit] {
        let reranking = try Reranking(rerank, k: k, offset: options.offset)
        var options = options
        options.offset = reranking.offset
        var key = ResultKey(.hybrid, k: reranking.k, filter: filter, collection: collection)
        key.add(options)
        key.add(textOptions)
        key.add(hybridOptions)
        key.add(text)
        key.add([query])
        return try hits(key, 1, reranking) { () throws(VecStoreError) in
            [
                try collection.searchHybrid(
                    query, text, k: reranking.k, filter: filter, options: options, textOptions: textOptions,
                    hybridOptions: hybridOptions)
            ]
        }.first ?? []
    }

    // MARK: - What is kept

    private func hits(
        _ key: ResultKey, _ count: Int, _ reranking: Reranking, _ search: () throws(VecStoreError) -> [[Hit]]
    ) throws(VecStoreError) -> [[Hit]] {
        let revision = try collection.revision()
        let bytes = key.bytes(revision)
        var found = try known(bytes)
        if found?.count != count {
            let searched = try search()
            // Of points that came or went meanwhile nobody knows whether it saw them.
            if try collection.revision() == revision { try keep(bytes, searched) }
            found = searched
        }
        var chosen: [[Hit]] = []
        for hits in found ?? [] { chosen.append(try reranking.chosen(hits)) }
        return chosen
    }

    private func known(_ key: [UInt8]) throws(VecStoreError) -> [[Hit]]? {
        do throws(VecStoreError) {
            return try cache.get(key).flatMap { FoundHits.decode($0) }
        } catch {
            guard ResultCache.isPassedOver(error) else { throw error }
            return nil
        }
    }

    private func keep(_ key: [UInt8], _ hits: [[Hit]]) throws(VecStoreError) {
        do throws(VecStoreError) {
            try cache.set(key, FoundHits.encode(hits), ttl: ttl)
        } catch {
            guard ResultCache.isPassedOver(error) else { throw error }
        }
    }

    /// What stands between a search and its cache is no reason to fail: the cache counts it.
    private static func isPassedOver(_ error: VecStoreError) -> Bool {
        switch error.code {
        case .io, .corrupt, .locked, .outOfMemory, .tooLarge: true
        default: false
        }
    }
}
