// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A point as it is stored.
package struct Point: Sendable {
    package var id: PointID
    /// The JSON text; empty where it has none.
    package var payload: [UInt8]
    /// By the name of the vector, widened; only those that it has and that were asked for.
    package var vectors: [String: [Float]]
    /// Microseconds since 1970; nil: it has no end.
    package var expires: Int64?
}
