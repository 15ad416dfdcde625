// SPDX-License-Identifier: Apache-2.0

import VecCache

extension SemanticCache {
    /// How a cache works. Nothing of it is stored with the entries. Numbers out of range are refused where the cache is opened.
    ///
    ///     SemanticCache(namespace: "support-bot", dimension: 384, options: .init(maxEntries: 50_000, eviction: .lfu))
    public struct Options: Sendable, Hashable {
        /// Which entries go where there are more than there may be.
        public enum Eviction: Sendable, CaseIterable {
            /// The one that was not used for the longest time.
            case lru
            /// The one that was used the least, with the past forgotten little by little (Arlitt et al. 2000).
            case lfu
            /// The one whose uses save the least for its size, by the cost of entries (Cherkasova 1998).
            case cost
        }

        /// 1 to 1,073,741,823; nil: no bound.
        public var maxEntries: Int?
        /// Of memory that entries take; nil: no bound.
        public var maxBytes: Int?
        public var eviction: Eviction
        /// How vectors are kept: `.float32`, or `.float16`, which takes half the memory.
        public var elementType: ElementType
        /// Whether a hit begins the ttl of its entry anew.
        public var refreshesOnHit: Bool
        /// Whether prompts whose numbers, negations or names differ are no semantic hits of each other.
        public var guardsPrompts: Bool
        /// Whether lookups throw while the store does not answer; else they are misses.
        public var failsClosed: Bool
        /// Of Redis: whether responses are in the memory of the process too. Then a hit asks nobody.
        public var keepsResponses: Bool
        /// Of Redis: changes that wait for it at most, 0 to 10,000,000. Beyond them calls that change something throw.
        public var queueLimit: Int
        /// Of Redis: about how many changes its stream keeps, 1 to 100,000,000. Who has missed more compares all entries.
        public var logLength: Int
        /// Whether an entry takes the place of the one with the same prompt, whatever its metadata: all processes of a namespace must say
        /// the same. Else other metadata make another entry.
        public var isOnePerPrompt: Bool
        public var redis: RedisOptions

        public init(
            maxEntries: Int? = 1_000_000, maxBytes: Int? = nil, eviction: Eviction = .lru, elementType: ElementType = .float32,
            refreshesOnHit: Bool = false, guardsPrompts: Bool = false, failsClosed: Bool = false, keepsResponses: Bool = false,
            queueLimit: Int = 10_000, logLength: Int = 10_000, isOnePerPrompt: Bool = false, redis: RedisOptions = RedisOptions()
        ) {
            self.maxEntries = maxEntries
            self.maxBytes = maxBytes
            self.eviction = eviction
            self.elementType = elementType
            self.refreshesOnHit = refreshesOnHit
            self.guardsPrompts = guardsPrompts
            self.failsClosed = failsClosed
            self.keepsResponses = keepsResponses
            self.queueLimit = queueLimit
            self.logLength = logLength
            self.isOnePerPrompt = isOnePerPrompt
            self.redis = redis
        }
    }
}

extension SemanticCache.Options {
    /// With a namespace and a dimension that are still to be said.
    var internalValue: CacheOptions {
        var options = CacheOptions(
            namespace: "", dimension: 0, refreshesOnHit: refreshesOnHit, maxEntries: maxEntries, maxBytes: maxBytes,
            eviction: eviction.internalValue, guardsPrompts: guardsPrompts, failsOpen: !failsClosed,
            vectorType: elementType.internalValue)
        options.isOnePerPrompt = isOnePerPrompt
        options.redis = redis.internalValue
        options.sharing.keepsResponses = keepsResponses
        options.sharing.queueLimit = queueLimit
        options.sharing.logLength = logLength
        return options
    }
}

extension SemanticCache.Options.Eviction {
    fileprivate var internalValue: EvictionPolicy {
        switch self {
        case .lru: .lru
        case .lfu: .lfu
        case .cost: .cost
        }
    }
}
