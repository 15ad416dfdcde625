// SPDX-License-Identifier: Apache-2.0

/// What searches of a graph did, for somebody who wants to know why they took as long as they did: numbers of all queries together.
package final class GraphReport: @unchecked Sendable {
    // Safety: `content` is touched under `lock`.

    /// How rows near a query are looked for.
    package enum Way: String, Sendable {
        /// From neighbour to neighbour, over all rows.
        case walk
        /// The same where only some rows match, with so many more in view that enough of them do.
        case wideWalk = "wide_walk"
        /// Over the rows that match alone.
        case matchingWalk = "matching_walk"
        /// All rows that match are compared.
        case scan
    }

    package struct Content: Sendable {
        package var way = Way.walk
        /// Why it is this way, with the numbers that decided.
        package var reason = ""
        /// Rows that a walk keeps in view; 0 where there is none.
        package var width = 0
        /// About how many rows match the filter; nil: there is none.
        package var matching: Int?
        /// Rows that walks have met, and compared by what the graph stores of them.
        package var visited = 0
        /// Rows that match and were compared by what the graph stores of them, one after the other.
        package var scanned = 0
        /// Rows that were compared in full.
        package var ranked = 0
        /// Queries whose walk found too few of the rows that match, so that all of these were compared.
        package var fallbacks = 0
        /// Walks that were done again with more rows in view, because rows in view were removed meanwhile.
        package var widenings = 0
    }

    private let lock = Lock()
    private var content = Content()

    package init() {}

    package var current: Content { lock.withLock { content } }

    func change(_ body: (inout Content) -> Void) { lock.withLock { body(&content) } }
}
