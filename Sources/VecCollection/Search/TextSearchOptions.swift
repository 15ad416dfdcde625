// SPDX-License-Identifier: Apache-2.0

/// How a search by words is done.
package struct TextSearchOptions {
    /// Which texts match.
    package enum Mode: String, CaseIterable, Sendable {
        /// Those with one of the words or more.
        case any
        /// Those with all words.
        case all
        /// Those with the words one after the other.
        case phrase
        /// Those with all words, of which the last may be the beginning of one: while somebody types.
        case prefix
    }

    package var mode = Mode.any
    /// The fields that are searched, with an index of type text, and what the score of each is multiplied by; nil: all, by 1.
    package var fields: [(path: String, weight: Float)]?
    /// What points must be like, as JSON; nil: no matter.
    package var filter: [UInt8]?
    package var offset = 0
    /// Hits with a smaller score are left out.
    package var threshold: Float?
    package var withPayload = true

    /// Is told what the search does; nil: nobody asks.
    package var trace: QueryTrace?

    package init() {}

    /// With what a search by vectors goes by too.
    package init(_ query: VectorSearchOptions) {
        filter = query.filter
        offset = query.offset
        threshold = query.threshold
        withPayload = query.withPayload
        trace = query.trace
    }
}
