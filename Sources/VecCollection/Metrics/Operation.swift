// SPDX-License-Identifier: Apache-2.0

/// What callers do with a collection, as metrics and messages name it.
package enum Operation: Int, CaseIterable, Sendable {
    case upsert, updateVectors, remove, changePayload, createPayloadIndex, dropPayloadIndex
    case get, scroll, scrollOrdered, count, facet
    case search, searchGroups, recommend, searchText, searchHybrid
    case refresh, optimize, compact, verify, repair, snapshot
    case importFile, exportFile

    package var name: String {
        switch self {
        case .upsert: "upsert"
        case .updateVectors: "update_vectors"
        case .remove: "remove"
        case .changePayload: "change_payload"
        case .createPayloadIndex: "create_payload_index"
        case .dropPayloadIndex: "drop_payload_index"
        case .get: "get"
        case .scroll: "scroll"
        case .scrollOrdered: "scroll_ordered"
        case .count: "count"
        case .facet: "facet"
        case .search: "search"
        case .searchGroups: "search_groups"
        case .recommend: "recommend"
        case .searchText: "search_text"
        case .searchHybrid: "search_hybrid"
        case .refresh: "refresh"
        case .optimize: "optimize"
        case .compact: "compact"
        case .verify: "verify"
        case .repair: "repair"
        case .snapshot: "snapshot"
        case .importFile: "import"
        case .exportFile: "export"
        }
    }
}
