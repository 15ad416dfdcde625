// SPDX-License-Identifier: Apache-2.0

import VecCollection

extension PointCollection {
    /// A point that a search found.
    public struct Hit: Sendable, Hashable {
        public let id: PointID
        /// To the query, in the units of the metric; smaller is closer. nil where it was found by words alone.
        public let distance: Float?
        /// Larger is better: 1 − distance under `.cosine` and −distance otherwise; of words BM25; of both what their fusion
        /// makes of it. With `Rerank.scores` what that says.
        public internal(set) var score: Float
        /// nil where the point has none, or nobody asked.
        public let payload: Payload?
        /// Where it was asked for, of points that have it; else nil.
        public let vector: [Float]?

        /// The payload as a value; nil where there is none.
        /// - Throws: As `Payload.decoded`.
        public func payload<Value: Decodable>(as type: Value.Type) throws(VecStoreError) -> Value? {
            try payload?.decoded(as: type)
        }
    }

    /// The best points with one value of a field.
    public struct Group: Sendable, Hashable {
        public let value: PayloadValue
        /// Best first.
        public let hits: [Hit]
    }

    /// A value of a field, and how many points have it.
    public struct Facet: Sendable, Hashable {
        public let value: PayloadValue
        public let count: Int
    }
}

extension PointCollection.Hit {
    init(_ hit: VecCollection.Hit) {
        id = PointID(hit.id)
        distance = hit.distance.isNaN ? nil : hit.distance
        score = hit.score
        payload = Payload(hit.payload)
        vector = hit.vector
    }
}
