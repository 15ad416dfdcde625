// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The limits of a collection, and why they are where they are.
package enum CollectionLimits {
    /// Most bytes of a payload: as much text as a point can sensibly carry, and far below what SQLite holds in a value.
    package static let payloadBytes = 16 << 20
    /// Most bytes of a filter.
    package static let filterBytes = 1 << 20
    /// Deepest nesting of a payload: parsers below us recurse.
    package static let payloadDepth = 64
    /// Deepest nesting of a filter, counted in JSON values.
    package static let filterDepth = 32
    /// Most conditions of a filter, all levels together.
    package static let filterConditions = 10_000
    /// Most bytes of a name: of a vector, or of a field as it is written in filters.
    package static let nameBytes = 255
    /// Most bytes of a string that is an id.
    package static let idBytes = 255
    /// Most named vectors of a point.
    package static let vectors = 64
    /// Most points that one call writes, and most ids that one names.
    package static let batch = 1 << 20

    /// Refuses a list of more ids than one call takes.
    package static func checkIDs(_ count: Int) throws(VecStoreError) {
        guard count <= batch else {
            throw VecStoreError(.tooLarge, "there are \(count) ids: a call takes up to \(batch)")
        }
    }
}
