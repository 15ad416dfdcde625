// SPDX-License-Identifier: Apache-2.0

/// How entries are looked for.
package struct CacheQuery: Sendable {
    /// Ways to find an entry.
    package struct Tiers: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// By its prompt, word for word.
        package static let exact = Tiers(rawValue: 1)
        /// By its vector.
        package static let semantic = Tiers(rawValue: 2)
        package static let all: Tiers = [.exact, .semantic]
    }

    /// The least cosine similarity of a hit; nil: that of the cache.
    package var threshold: Float?
    /// What the metadata of hits have to be like, as JSON; nil: no matter.
    package var filter: [UInt8]?
    /// Most hits.
    package var k: Int
    package var tiers: Tiers
    /// Whether a miss is counted. It is not where the caller looks again in another way: both are one lookup.
    package var countsMiss: Bool

    package init(threshold: Float? = nil, filter: [UInt8]? = nil, k: Int = 1, tiers: Tiers = .all, countsMiss: Bool = true) {
        self.threshold = threshold
        self.filter = filter
        self.k = k
        self.tiers = tiers
        self.countsMiss = countsMiss
    }
}

/// An entry that was found.
package struct CacheHit: Sendable {
    package enum Tier: String, Sendable {
        case exact, semantic
    }

    package var id: EntryID
    package var prompt: [UInt8]
    package var response: [UInt8]
    /// Cosine similarity; 1 where the prompt is the same.
    package var similarity: Float
    /// A JSON object; empty: there is none.
    package var metadata: [UInt8]
    /// Milliseconds since 1970.
    package var created: Int64
    /// Milliseconds since 1970; nil: it has no end.
    package var expires: Int64?
    package var tier: Tier
}
