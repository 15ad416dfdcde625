// SPDX-License-Identifier: Apache-2.0

import VecCache

extension SemanticCache {
    /// Ways to find an entry.
    public struct Tiers: OptionSet, Sendable, Hashable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// By the same prompt, word for word.
        public static let exact = Tiers(rawValue: 1)
        /// By a vector that is near enough.
        public static let semantic = Tiers(rawValue: 2)
        public static let all: Tiers = [.exact, .semantic]
    }

    /// The best entry for a prompt: the one with the same prompt, the newest of several with different metadata, or else the one
    /// with the nearest vector, where that is near enough.
    /// - Parameters:
    ///   - prompt: nil: not known. Then nothing is found by it, and nothing guarded.
    ///   - vector: As many elements as the cache has; nil: the encoder of the cache makes it where no entry has the same prompt, and
    ///     without one nothing is found by it.
    ///   - threshold: How near the vector of a hit is at least; nil: as the cache says.
    ///   - filter: What the metadata of a hit must be like; nil: any.
    ///   - tiers: How it is looked for.
    /// - Returns: nil: a miss. So is what goes wrong in the store, unless the cache fails closed; `stats` and `health` tell of it.
    /// - Throws: `.invalidArgument`, `.notFinite`, `.zeroVector`, `.outOfMemory`, `.invalidHandle`, what the encoder throws; with
    ///   `Options.failsClosed` also `.unavailable` and `.io`.
    /// - Complexity: A miss among 100,000 entries takes some 50 microseconds.
    public func get(
        prompt: String? = nil, vector: [Float]? = nil, threshold: Threshold? = nil, filter: Condition? = nil, tiers: Tiers = .all
    ) throws(VecStoreError) -> Hit? {
        let query = try coreQuery(k: 1, threshold, filter, tiers)
        var vector = vector
        if vector == nil, let prompt, encoder != nil, tiers.contains(.semantic) {
            // A vector takes long to make, and the same prompt needs none.
            if let hit = try samePrompt(prompt, query) { return hit }
            vector = try encoded(prompt)
        }
        return try found(prompt, vector, query).first
    }

    /// The best entries, best first: the one with the same prompt, and those with the nearest vectors that are near enough.
    /// - Parameter k: Most hits, 1 to 1,000.
    /// - Returns: Empty: a miss. Else as for one.
    public func get(
        prompt: String? = nil, vector: [Float]? = nil, k: Int, threshold: Threshold? = nil, filter: Condition? = nil,
        tiers: Tiers = .all
    ) throws(VecStoreError) -> [Hit] {
        let query = try coreQuery(k: k, threshold, filter, tiers)
        var vector = vector
        if vector == nil, let prompt, tiers.contains(.semantic) { vector = try encoded(prompt) }
        return try found(prompt, vector, query)
    }

    private func coreQuery(k: Int, _ threshold: Threshold?, _ filter: Condition?, _ tiers: Tiers) throws(VecStoreError) -> CacheQuery {
        try rethrow { () throws(CoreError) in
            CacheQuery(
                threshold: try threshold?.checkedSimilarity, filter: filter?.filterBytes, k: k,
                tiers: CacheQuery.Tiers(rawValue: tiers.rawValue))
        }
    }

    private func found(_ prompt: String?, _ vector: [Float]?, _ query: CacheQuery) throws(VecStoreError) -> [Hit] {
        let hits = try rethrow { () throws(CoreError) in
            try core.find(prompt: prompt.map { Array($0.utf8) }, vector: vector, query)
        }
        return hits.map { Hit($0, query: vector) }
    }

    /// The first of two looks, which are one lookup.
    private func samePrompt(_ prompt: String, _ query: CacheQuery) throws(VecStoreError) -> Hit? {
        guard query.tiers.contains(.exact) else { return nil }
        var exact = query
        exact.tiers.remove(.semantic)
        exact.countsMiss = false
        return try found(prompt, nil, exact).first
    }

    /// nil without an encoder.
    private func encoded(_ prompt: String) throws(VecStoreError) -> [Float]? { try encoder?.vectors([prompt]).first }
}
