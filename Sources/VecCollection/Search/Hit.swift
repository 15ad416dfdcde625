// SPDX-License-Identifier: Apache-2.0

/// A point that a query found.
package struct Hit: Sendable {
    package var id: PointID
    /// Smaller is closer; NaN where the query had no vector.
    package var distance: Float
    /// Larger is better: for a vector 1 - distance under cosine and -distance otherwise, for text its BM25, for both what fusion
    /// makes of them.
    package var score: Float
    /// The JSON text; empty where the point has none, nil where nobody asked.
    package var payload: [UInt8]?
    package var vector: [Float]?
    /// Microseconds since 1970 from which on it is not found; nil: it has no end, or nobody asked.
    package var expires: Int64?
    /// Its row, for what else is asked of it.
    var row: UInt32

    package init(
        id: PointID, distance: Float, score: Float, payload: [UInt8]? = nil, vector: [Float]? = nil, expires: Int64? = nil,
        row: UInt32 = 0
    ) {
        self.id = id
        self.distance = distance
        self.score = score
        self.payload = payload
        self.vector = vector
        self.expires = expires
        self.row = row
    }
}
