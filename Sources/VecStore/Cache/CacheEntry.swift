// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
import VecCache

extension SemanticCache {
    /// An entry that is to be set.
    public struct Entry: Sendable, Hashable {
        /// Up to 1 MiB; not empty.
        public var prompt: String
        /// Any bytes, up to 8 MiB.
        public var response: [UInt8]
        /// As many elements as the cache has, of any norm but 0; nil: the encoder of the cache makes it.
        public var vector: [Float]?
        /// Up to 64 KiB; nil: none.
        public var metadata: Payload?
        public var ttl: TimeToLive
        /// What it takes to make the response again, in any unit, for `.cost`; 0 or more.
        public var cost: Float

        public init(
            prompt: String, response: String, vector: [Float]? = nil, metadata: Payload? = nil, ttl: TimeToLive = .standard,
            cost: Float = 1
        ) {
            self.init(prompt: prompt, response: response.utf8, vector: vector, metadata: metadata, ttl: ttl, cost: cost)
        }

        /// With a response of bytes: `Data`, `[UInt8]`, …
        public init(
            prompt: String, response: some Sequence<UInt8>, vector: [Float]? = nil, metadata: Payload? = nil,
            ttl: TimeToLive = .standard, cost: Float = 1
        ) {
            self.prompt = prompt
            self.response = Array(response)
            self.vector = vector
            self.metadata = metadata
            self.ttl = ttl
            self.cost = cost
        }
    }

    /// How an entry was found.
    public enum Tier: String, Sendable, CaseIterable {
        /// By the same prompt, word for word.
        case exact
        /// By a vector that is near enough.
        case semantic
    }

    /// An entry that was found.
    public struct Hit: Sendable, Hashable {
        /// 32 hexadecimal digits.
        public let id: String
        /// Of the entry.
        public let prompt: String
        public let responseBytes: [UInt8]
        /// Cosine similarity of the vectors, from −1 to 1; 1 where the prompt is the same.
        public let similarity: Float
        public let metadata: Payload?
        public let created: Date
        /// From when on it is not found any more; nil: it stays.
        public let expires: Date?
        public let tier: Tier
        /// That found it, for `feedback`.
        let query: [Float]?

        /// As text; what is no UTF-8 in it is replaced.
        public var response: String { String(decoding: responseBytes, as: UTF8.self) }

        /// The metadata as a value; nil where there are none.
        /// - Throws: As `Payload.decoded`.
        public func metadata<Value: Decodable>(as type: Value.Type) throws(VecStoreError) -> Value? {
            try metadata?.decoded(as: type)
        }
    }
}

extension SemanticCache.Hit {
    init(_ hit: CacheHit, query: [Float]?) {
        id = hit.id.text
        prompt = String(decoding: hit.prompt, as: UTF8.self)
        responseBytes = hit.response
        similarity = hit.similarity
        metadata = Payload(hit.metadata)
        created = Date(milliseconds: hit.created)
        expires = hit.expires.map { Date(milliseconds: $0) }
        tier = hit.tier == .exact ? .exact : .semantic
        self.query = query
    }
}

extension Date {
    init(milliseconds: Int64) { self.init(timeIntervalSince1970: Double(milliseconds) / 1000) }
}
