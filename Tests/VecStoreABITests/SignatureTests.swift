// Proves that every exported function has just the type that the header declares: this file compiles only where it has.
// SPDX-License-Identifier: Apache-2.0

import CVecStore
import Foundation
import Testing
import VecStoreABI

/// Compiles only where both variables have the same type: `inout` allows no conversion.
private func requireSameType<T>(_: inout T, _: inout T) {}

// One block for each function of the header, in its order. The test below sees to it that none is missing.
private func checkSignatures() {
    do {
        var ours = VecStoreABI.vecstore_version_number
        var declared = CVecStore.vecstore_version_number
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_version_string
        var declared = CVecStore.vecstore_version_string
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_build_info
        var declared = CVecStore.vecstore_build_info
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_last_error
        var declared = CVecStore.vecstore_last_error
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_status_name
        var declared = CVecStore.vecstore_status_name
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_set_log_callback
        var declared = CVecStore.vecstore_set_log_callback
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_set_slow_call_threshold
        var declared = CVecStore.vecstore_set_slow_call_threshold
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_row_size
        var declared = CVecStore.vecstore_row_size
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_is_supported
        var declared = CVecStore.vecstore_is_supported
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_distance
        var declared = CVecStore.vecstore_distance
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_pairwise
        var declared = CVecStore.vecstore_pairwise
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_norms
        var declared = CVecStore.vecstore_norms
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_normalize
        var declared = CVecStore.vecstore_normalize
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_convert
        var declared = CVecStore.vecstore_convert
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_kmeans_train
        var declared = CVecStore.vecstore_kmeans_train
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_kmeans_assign
        var declared = CVecStore.vecstore_kmeans_assign
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_quantizer_create
        var declared = CVecStore.vecstore_quantizer_create
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_quantizer_free
        var declared = CVecStore.vecstore_quantizer_free
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_quantizer_train
        var declared = CVecStore.vecstore_quantizer_train
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_quantizer_is_trained
        var declared = CVecStore.vecstore_quantizer_is_trained
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_quantizer_code_size
        var declared = CVecStore.vecstore_quantizer_code_size
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_quantizer_get_options
        var declared = CVecStore.vecstore_quantizer_get_options
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_quantizer_encode
        var declared = CVecStore.vecstore_quantizer_encode
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_quantizer_decode
        var declared = CVecStore.vecstore_quantizer_decode
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_quantizer_measure
        var declared = CVecStore.vecstore_quantizer_measure
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_quantizer_distances
        var declared = CVecStore.vecstore_quantizer_distances
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_knn
        var declared = CVecStore.vecstore_knn
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_create
        var declared = CVecStore.vecstore_index_create
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_free
        var declared = CVecStore.vecstore_index_free
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_train
        var declared = CVecStore.vecstore_index_train
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_add
        var declared = CVecStore.vecstore_index_add
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_update
        var declared = CVecStore.vecstore_index_update
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_remove
        var declared = CVecStore.vecstore_index_remove
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_compact
        var declared = CVecStore.vecstore_index_compact
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_optimize
        var declared = CVecStore.vecstore_index_optimize
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_reserve
        var declared = CVecStore.vecstore_index_reserve
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_contains
        var declared = CVecStore.vecstore_index_contains
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_get
        var declared = CVecStore.vecstore_index_get
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_search
        var declared = CVecStore.vecstore_index_search
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_calibrate
        var declared = CVecStore.vecstore_index_calibrate
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_search_range
        var declared = CVecStore.vecstore_index_search_range
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_range_result_free
        var declared = CVecStore.vecstore_range_result_free
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_range_result_get
        var declared = CVecStore.vecstore_range_result_get
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_count
        var declared = CVecStore.vecstore_index_count
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_ids
        var declared = CVecStore.vecstore_index_ids
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_get_stats
        var declared = CVecStore.vecstore_index_get_stats
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_explain
        var declared = CVecStore.vecstore_index_explain
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_verify
        var declared = CVecStore.vecstore_index_verify
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_save
        var declared = CVecStore.vecstore_index_save
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_open
        var declared = CVecStore.vecstore_index_open
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_quantizer_save
        var declared = CVecStore.vecstore_quantizer_save
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_quantizer_open
        var declared = CVecStore.vecstore_quantizer_open
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_create
        var declared = CVecStore.vecstore_collection_create
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_open
        var declared = CVecStore.vecstore_collection_open
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_close
        var declared = CVecStore.vecstore_collection_close
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_upsert
        var declared = CVecStore.vecstore_collection_upsert
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_update_vectors
        var declared = CVecStore.vecstore_collection_update_vectors
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_remove
        var declared = CVecStore.vecstore_collection_remove
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_remove_matching
        var declared = CVecStore.vecstore_collection_remove_matching
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_change_payload
        var declared = CVecStore.vecstore_collection_change_payload
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_create_payload_index
        var declared = CVecStore.vecstore_collection_create_payload_index
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_drop_payload_index
        var declared = CVecStore.vecstore_collection_drop_payload_index
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_count
        var declared = CVecStore.vecstore_collection_count
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_hits_get
        var declared = CVecStore.vecstore_hits_get
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_hits_free
        var declared = CVecStore.vecstore_hits_free
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_get
        var declared = CVecStore.vecstore_collection_get
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_scroll
        var declared = CVecStore.vecstore_collection_scroll
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_scroll_ordered
        var declared = CVecStore.vecstore_collection_scroll_ordered
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_search
        var declared = CVecStore.vecstore_collection_search
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_search_groups
        var declared = CVecStore.vecstore_collection_search_groups
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_recommend
        var declared = CVecStore.vecstore_collection_recommend
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_facet
        var declared = CVecStore.vecstore_collection_facet
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_search_text
        var declared = CVecStore.vecstore_collection_search_text
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_search_hybrid
        var declared = CVecStore.vecstore_collection_search_hybrid
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_optimize
        var declared = CVecStore.vecstore_collection_optimize
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_compact
        var declared = CVecStore.vecstore_collection_compact
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_refresh
        var declared = CVecStore.vecstore_collection_refresh
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_revision
        var declared = CVecStore.vecstore_collection_revision
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_snapshot
        var declared = CVecStore.vecstore_collection_snapshot
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_restore
        var declared = CVecStore.vecstore_collection_restore
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_verify
        var declared = CVecStore.vecstore_collection_verify
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_repair
        var declared = CVecStore.vecstore_collection_repair
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_repair_report
        var declared = CVecStore.vecstore_collection_repair_report
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_describe
        var declared = CVecStore.vecstore_collection_describe
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_metrics
        var declared = CVecStore.vecstore_collection_metrics
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collections_metrics
        var declared = CVecStore.vecstore_collections_metrics
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_health
        var declared = CVecStore.vecstore_collection_health
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_import
        var declared = CVecStore.vecstore_collection_import
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_export
        var declared = CVecStore.vecstore_collection_export
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_import_redis
        var declared = CVecStore.vecstore_collection_import_redis
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_index_import_redis
        var declared = CVecStore.vecstore_index_import_redis
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_collection_export_redis
        var declared = CVecStore.vecstore_collection_export_redis
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_open
        var declared = CVecStore.vecstore_cache_open
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_close
        var declared = CVecStore.vecstore_cache_close
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_set
        var declared = CVecStore.vecstore_cache_set
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_get
        var declared = CVecStore.vecstore_cache_get
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_hits_count
        var declared = CVecStore.vecstore_cache_hits_count
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_hits_get
        var declared = CVecStore.vecstore_cache_hits_get
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_hits_free
        var declared = CVecStore.vecstore_cache_hits_free
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_delete
        var declared = CVecStore.vecstore_cache_delete
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_delete_where
        var declared = CVecStore.vecstore_cache_delete_where
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_clear
        var declared = CVecStore.vecstore_cache_clear
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_feedback
        var declared = CVecStore.vecstore_cache_feedback
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_get_stats
        var declared = CVecStore.vecstore_cache_get_stats
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_caches_metrics
        var declared = CVecStore.vecstore_caches_metrics
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_health
        var declared = CVecStore.vecstore_cache_health
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_flush
        var declared = CVecStore.vecstore_cache_flush
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_cache_optimize
        var declared = CVecStore.vecstore_cache_optimize
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_value_cache_open
        var declared = CVecStore.vecstore_value_cache_open
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_value_cache_close
        var declared = CVecStore.vecstore_value_cache_close
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_value_cache_set
        var declared = CVecStore.vecstore_value_cache_set
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_value_cache_get
        var declared = CVecStore.vecstore_value_cache_get
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_values_get
        var declared = CVecStore.vecstore_values_get
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_values_free
        var declared = CVecStore.vecstore_values_free
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_value_cache_delete
        var declared = CVecStore.vecstore_value_cache_delete
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_value_cache_clear
        var declared = CVecStore.vecstore_value_cache_clear
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_value_cache_get_stats
        var declared = CVecStore.vecstore_value_cache_get_stats
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_value_caches_metrics
        var declared = CVecStore.vecstore_value_caches_metrics
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_value_cache_health
        var declared = CVecStore.vecstore_value_cache_health
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_rate_limiter_open
        var declared = CVecStore.vecstore_rate_limiter_open
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_rate_limiter_close
        var declared = CVecStore.vecstore_rate_limiter_close
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_rate_limiter_acquire
        var declared = CVecStore.vecstore_rate_limiter_acquire
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_rate_limiters_metrics
        var declared = CVecStore.vecstore_rate_limiters_metrics
        requireSameType(&ours, &declared)
    }
    do {
        var ours = VecStoreABI.vecstore_rate_limiter_health
        var declared = CVecStore.vecstore_rate_limiter_health
        requireSameType(&ours, &declared)
    }
}

@Suite("Signatures")
struct SignatureTests {
    @Test("every function of the header is checked here, against itself")
    func everyFunctionIsChecked() throws {
        checkSignatures()
        let code = try text("Tests/VecStoreABITests/SignatureTests.swift").split(separator: "\n")
            .map { $0.drop { $0 == " " } }
        let ours = code.compactMap { $0.wholeMatch(of: #/var ours = VecStoreABI\.(\w+)/#)?.output.1 }
        let theirs = code.compactMap { $0.wholeMatch(of: #/var declared = CVecStore\.(\w+)/#)?.output.1 }
        let functions = try declared()
        #expect(functions.contains("vecstore_version_number"))
        #expect(ours.map(String.init) == functions)
        #expect(theirs.map(String.init) == functions)
        #expect(code.filter { $0 == "requireSameType(&ours, &declared)" }.count == functions.count)
    }

    @Test("the list of exports names the functions of the header")
    func exportsAreDeclared() throws {
        let exports = try text("abi/exports.txt").split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(exports.map(String.init) == (try declared()).sorted())
    }

    @Test("every exported symbol is a function of the header, under its own name")
    func everyExportIsDeclared() throws {
        let folder = "Sources/VecStoreABI"
        var symbols: [String] = []
        for file in try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path) {
            let code = try text("\(folder)/\(file)")
            let exports = code.matches(of: #/@_cdecl\("(\w+)"\)\s*public func (\w+)\(/#)
            #expect(exports.count == code.matches(of: #/@_cdecl|@c\b/#).count, "\(file) exports in another way")
            for export in exports {
                #expect(export.output.1 == export.output.2)
                symbols.append(String(export.output.1))
            }
        }
        #expect(symbols.sorted() == (try declared()).sorted())
    }

    // MARK: - Files of the project

    private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The functions that the header declares, in its order.
    private func declared() throws -> [String] {
        try text("include/libvecstore.h").matches(of: #/\nVECSTORE_API [^;(]*?(\w+)\(/#).map { String($0.output.1) }
    }
}
