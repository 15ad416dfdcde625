// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
import VecCollection

extension PointCollection {
    /// A point: an id, vectors, and a payload.
    ///
    ///     let point = PointCollection.Point(7, [0.1, 0.2, 0.3], payload: try Payload(package))
    public struct Point: Sendable, Hashable {
        public var id: PointID
        /// By name; of a collection with one vector without a name it is "". Empty where they were not asked for.
        public var vectors: [String: [Float]]
        /// nil: it has none.
        public var payload: Payload?
        /// From when on it is not found any more, to the microsecond; nil: it stays.
        public var expires: Date?
        /// The value that gave it its place in the order of a field (`scroll(orderBy:)`); else nil. It is not written.
        public var orderValue: PayloadValue?

        /// A point with the only vector that a collection has, without a name.
        public init(_ id: PointID, _ vector: [Float], payload: Payload? = nil, expires: Date? = nil) {
            self.init(id, vectors: ["": vector], payload: payload, expires: expires)
        }

        /// A point with one of the vectors of a collection or more.
        public init(_ id: PointID, vectors: [String: [Float]], payload: Payload? = nil, expires: Date? = nil) {
            self.id = id
            self.vectors = vectors
            self.payload = payload
            self.expires = expires
        }

        /// The vector, where it has just one.
        public var vector: [Float]? { vectors.count == 1 ? vectors.first?.value : nil }

        /// The payload as a value; nil where it has none.
        /// - Throws: As `Payload.decoded`.
        public func payload<Value: Decodable>(as type: Value.Type) throws(VecStoreError) -> Value? {
            try payload?.decoded(as: type)
        }
    }
}

extension PointCollection.Point {
    init(_ point: VecCollection.Point) {
        self.init(
            PointID(point.id), vectors: point.vectors, payload: Payload(point.payload),
            expires: point.expires.map { Date(microseconds: $0) })
    }

    init(_ ordered: OrderedPoint) throws(CoreError) {
        self.init(ordered.point)
        orderValue = try PayloadValue(json: ordered.value)
    }
}
