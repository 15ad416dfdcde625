// SPDX-License-Identifier: Apache-2.0

/// The limits of a cache, and why they are where they are.
package enum CacheLimits {
    /// Most bytes of a prompt: some times the longest context of a model.
    package static let promptBytes = 1 << 20
    /// Most bytes of a response: with its prompt it fits into the payload of a point, however it is written there.
    package static let responseBytes = 8 << 20
    /// Most bytes of metadata, in canonical form: each is read for every filter.
    package static let metadataBytes = 64 << 10
    /// Most bytes of a namespace.
    package static let namespaceBytes = 128
    /// Hexadecimal digits of an entry's id.
    package static let idDigits = 32
    /// Most entries that one call writes, and most ids that one names.
    package static let batch = 1 << 20
    /// Most hits of one call.
    package static let k = 1000
    /// Most vectors of wrong hits that an entry keeps; the oldest go first.
    package static let negatives = 8
    /// Filters that are kept up to date.
    package static let liveFilters = 64
    /// Paths of metadata whose values are.
    package static let valueColumns = 16
}
