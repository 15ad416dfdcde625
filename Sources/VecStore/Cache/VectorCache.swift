// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import VecCache

/// Vectors by keys, with metadata and an end, found again by key or by vectors that are near.
///
///     let vectors = try VectorCache("redis://localhost", namespace: "documents", dimension: 384)
///     try vectors.store("doc_123", vector, metadata: Payload(Document(title: "Example")), ttl: .seconds(3600))
///     for hit in try vectors.searchSimilar(query, limit: 10) { print(hit.key, hit.similarity) }
///
/// It is a `SemanticCache` whose prompts are the keys: it lives where that may live, and what is said there of threads and processes
/// holds here too.
///
/// With a **source**, a collection that has all vectors by the same keys as ids, it keeps what was asked for, for a while
/// (cache-aside): `get` asks the source for a key that is not here and keeps it, `store` and `delete` change both, and
/// `searchSimilar` searches the source. What others change there is seen when the ttl here is over.
public final class VectorCache: Sendable {
    /// The cache where they are, for all else: `run`, `stats`, `delete(where:)`, `flush`, `health`.
    public let cache: SemanticCache
    private let source: PointCollection?

    /// - Parameters:
    ///   - url, namespace, dimension, model, ttl, options: As of `SemanticCache`; all that open a namespace are vector caches.
    ///   - source: A collection of one vector without a name, under `.cosine`, which stays the caller's to close; nil: there is none.
    /// - Throws: As `SemanticCache`; `.invalidArgument` also for another source.
    public init(
        _ url: String? = nil, namespace: String, dimension: Int, model: String = "", ttl: Duration? = nil,
        source: PointCollection? = nil, options: SemanticCache.Options = .init()
    ) throws(VecStoreError) {
        if let source { try VectorCache.check(source, dimension) }
        self.source = source
        var options = options
        options.isOnePerPrompt = true
        cache = try SemanticCache(url, namespace: namespace, dimension: dimension, model: model, ttl: ttl, options: options)
    }

    private static func check(_ source: PointCollection, _ dimension: Int) throws(VecStoreError) {
        let vectors = source.vectors
        guard vectors.count == 1, let vector = vectors.first, vector.name.isEmpty, vector.metric == .cosine, vector.dimension == dimension
        else {
            throw VecStoreError(
                CoreError(
                    .invalidArgument,
                    "source: expected a collection of one vector without a name, with \(dimension) elements, under cosine"))
        }
    }

    /// As `SemanticCache.close`.
    public func close() throws(VecStoreError) { try cache.close() }

    // MARK: - By key

    /// Sets the vector of a key, in the place of the one that it had.
    /// - Parameters:
    ///   - key: Up to 1 MiB; not empty. With a source up to 255 bytes.
    ///   - vector: As many elements as the cache has, of any norm but 0.
    ///   - metadata: Up to 64 KiB; nil: none.
    ///   - ttl: How long it lives here; in the source it has no end.
    /// - Throws: As `SemanticCache.set`, and as `PointCollection.upsert` of the source.
    public func store(
        _ key: String, _ vector: [Float], metadata: Payload? = nil, ttl: TimeToLive = .standard
    ) throws(VecStoreError) {
        try source?.upsert([PointID(key)], [vector], payloads: [metadata])
        try cache.set(prompt: key, response: "", vector: vector, metadata: metadata, ttl: ttl)
    }

    /// What there is of a key; nil: there is none.
    /// - Throws: `.invalidHandle`; where the cache fails closed also `.unavailable` and `.io`; as `PointCollection.get` of the source.
    public func get(_ key: String) throws(VecStoreError) -> Hit? {
        if let hit = try cache.get(prompt: key, tiers: .exact) { return Hit(hit) }
        guard let point = try source?.get(PointID(key), withVectors: true) else { return nil }
        keep(key, point)
        return Hit(key: key, similarity: 1, metadata: point.payload)
    }

    /// Keeps a point of the source. Where that fails it is read from the source the next time.
    private func keep(_ key: String, _ point: PointCollection.Point) {
        guard let vector = point.vector else { return }
        var ttl = TimeToLive.standard
        if let end = point.expires {
            // No longer than the point itself.
            let left = Duration.seconds(end.timeIntervalSinceNow)
            ttl = .duration(cache.ttl.map { min($0, left) } ?? left)
        }
        _ = try? cache.set(prompt: key, response: "", vector: vector, metadata: point.payload, ttl: ttl)
    }

    /// Deletes a key.
    /// - Returns: Whether it was there: in the source, where there is one.
    /// - Throws: As `SemanticCache.delete`, and as `PointCollection.remove` of the source.
    @discardableResult
    public func delete(_ key: String) throws(VecStoreError) -> Bool {
        // First the source: what is asked for in between must not come back from there.
        let wasInSource = try source.map { source throws(VecStoreError) in try source.remove([PointID(key)]) > 0 }
        let wasKept = try cache.delete(EntryID(prompt: Array(key.utf8), metadata: []).text)
        return wasInSource ?? wasKept
    }

    /// How many keys there are here.
    /// - Throws: `.invalidHandle`.
    public func count() throws(VecStoreError) -> Int { try cache.stats().entries }

    // MARK: - By likeness

    /// A vector that was found.
    public struct Hit: Sendable, Hashable {
        public let key: String
        /// Cosine similarity, from −1 to 1; 1 where it was found by its key.
        public let similarity: Float
        public let metadata: Payload?

        /// The metadata as a value; nil where there are none.
        /// - Throws: As `Payload.decoded`.
        public func metadata<Value: Decodable>(as type: Value.Type) throws(VecStoreError) -> Value? {
            try metadata?.decoded(as: type)
        }
    }

    /// The nearest vectors, nearest first.
    /// - Parameters:
    ///   - limit: Most of them, 1 to 1,000.
    ///   - threshold: How near they are at least.
    ///   - filter: What their metadata must be like; nil: any.
    /// - Throws: As `SemanticCache.get`, or `PointCollection.search` of the source.
    public func searchSimilar(
        _ vector: [Float], limit: Int = 10, threshold: SemanticCache.Threshold = .similarity(-1), filter: Condition? = nil
    ) throws(VecStoreError) -> [Hit] {
        guard let source else {
            return try cache.get(vector: vector, k: limit, threshold: threshold, filter: filter, tiers: .semantic).map { Hit($0) }
        }
        let least = try rethrow { () throws(CoreError) in try threshold.checkedSimilarity }
        return try source.search(vector, k: limit, filter: filter, options: .init(threshold: least))
            .map { Hit(key: "\($0.id)", similarity: $0.score, metadata: $0.payload) }
    }
}

extension VectorCache.Hit {
    fileprivate init(_ hit: SemanticCache.Hit) {
        self.init(key: hit.prompt, similarity: hit.similarity, metadata: hit.metadata)
    }
}
