// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Something that is not as it should be in a collection.
package struct Damage: Sendable {
    package enum Part: String, Sendable {
        /// What SQLite keeps by itself to find rows.
        case database
        /// Vectors or the payload of a point: what was written is lost.
        case point
        /// What is in memory of the ids of points.
        case ids
        case graph
        /// The words of a field.
        case text
    }

    package let part: Part
    /// Of the vector, the field, or the point.
    package let name: String
    package let message: String
    /// Whether it is as it should be by now.
    package var isRepaired: Bool
}
