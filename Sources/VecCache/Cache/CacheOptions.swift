// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// How a cache is opened.
package struct CacheOptions: Sendable {
    /// Part of every key: caches of different namespaces know nothing of each other.
    package var namespace: String
    package var dimension: Int
    /// The embedding model that makes the vectors; empty: not said.
    package var model: String
    /// The least cosine similarity of a hit, from −1 to 1. 0 is a value like others.
    package var similarityThreshold: Float
    /// Milliseconds that an entry lives; nil: for ever.
    package var ttl: Int64?
    /// Whether a hit begins the ttl of its entry anew.
    package var refreshesOnHit: Bool
    /// Most entries; nil: no bound.
    package var maxEntries: Int?
    /// Most bytes of memory that entries take; nil: no bound.
    package var maxBytes: Int?
    package var eviction: EvictionPolicy
    /// Whether numbers, negation and names of two prompts have to agree for a semantic hit.
    package var guardsPrompts: Bool
    /// Whether a lookup is a miss where the store does not answer, instead of an error.
    package var failsOpen: Bool
    /// How vectors are kept in memory: float32 or float16.
    package var vectorType: ElementType
    /// Whether entries are known by their prompts alone: others are by prompt and metadata.
    package var isOnePerPrompt = false
    /// How Redis is asked, and how the cache takes part in what is shared there.
    package var redis = RedisOptions()
    package var sharing = RedisNamespaceSettings()

    package static let defaultThreshold: Float = 0.85
    package static let defaultMaxEntries = 1_000_000

    package init(
        namespace: String, dimension: Int, model: String = "", similarityThreshold: Float = defaultThreshold, ttl: Int64? = nil,
        refreshesOnHit: Bool = false, maxEntries: Int? = defaultMaxEntries, maxBytes: Int? = nil, eviction: EvictionPolicy = .lru,
        guardsPrompts: Bool = false, failsOpen: Bool = true, vectorType: ElementType = .float32
    ) {
        self.namespace = namespace
        self.dimension = dimension
        self.model = model
        self.similarityThreshold = similarityThreshold
        self.ttl = ttl
        self.refreshesOnHit = refreshesOnHit
        self.maxEntries = maxEntries
        self.maxBytes = maxBytes
        self.eviction = eviction
        self.guardsPrompts = guardsPrompts
        self.failsOpen = failsOpen
        self.vectorType = vectorType
    }

    package func check() throws(VecStoreError) {
        try CacheOptions.check(namespace: namespace)
        guard dimension >= 1 && dimension <= Limits.dimension else {
            throw VecStoreError(.invalidArgument, "dim is \(dimension): allowed is 1 to \(Limits.dimension)")
        }
        guard model.utf8.count <= 255, model.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            throw VecStoreError(.invalidArgument, "model is up to 255 bytes of text without control characters")
        }
        try CacheOptions.check(threshold: similarityThreshold)
        if let ttl { try CacheOptions.check(ttl: ttl) }
        if let maxEntries, maxEntries < 1 || maxEntries > Limits.graphRows / 2 {
            throw VecStoreError(.invalidArgument, "max_entries is \(maxEntries): allowed is 1 to \(Limits.graphRows / 2)")
        }
        if let maxBytes, maxBytes < 1 {
            throw VecStoreError(.invalidArgument, "max_bytes is \(maxBytes): allowed is 1 and more")
        }
        guard vectorType == .float32 || vectorType == .float16 else {
            throw VecStoreError(.unsupported, "a cache keeps vectors of float32 or float16, not of \(vectorType.name)")
        }
    }

    static func check(threshold: Float) throws(VecStoreError) {
        guard threshold >= -1 && threshold <= 1 else {
            throw VecStoreError(
                .invalidArgument, "similarity_threshold is \(threshold): allowed is -1 to 1, a cosine similarity")
        }
    }

    static func check(ttl: Int64) throws(VecStoreError) {
        guard ttl >= 1 else { throw VecStoreError(.invalidArgument, "ttl is \(ttl) ms: allowed is 1 and more") }
    }

    /// Refuses what could not be part of a key in every store.
    package static func check(namespace: String) throws(VecStoreError) {
        let isAllowed = namespace.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .spaceSeparator, .lineSeparator, .paragraphSeparator: false
            default: scalar != "{" && scalar != "}"
            }
        }
        guard (1...CacheLimits.namespaceBytes).contains(namespace.utf8.count), isAllowed else {
            throw VecStoreError(
                .invalidArgument,
                "a namespace is 1 to \(CacheLimits.namespaceBytes) bytes of text without spaces, braces and control characters")
        }
    }

    /// Refuses to take vectors of one model for those of another.
    /// - Parameter place: Where what is stored lies, for the message.
    package func checkStored(dimension stored: Int, model storedModel: String, in place: String) throws(VecStoreError) {
        guard stored == dimension else {
            throw VecStoreError(
                .invalidArgument,
                "the namespace '\(namespace)' in \(place) has vectors of dim \(stored): dim \(dimension) was asked for; "
                    + "clear it, or use another namespace")
        }
        // What was not said on one side cannot be compared.
        guard storedModel.isEmpty || model.isEmpty || storedModel.utf8.elementsEqual(model.utf8) else {
            throw VecStoreError(
                .invalidArgument,
                "the namespace '\(namespace)' in \(place) has vectors of the model '\(storedModel)': '\(model)' was asked for; "
                    + "clear it, or use another namespace")
        }
    }
}
