// An index by its C handle: the calls whose threading the header promises, and nothing between them and the test.
// SPDX-License-Identifier: Apache-2.0

import CVecStore
import VecStoreABI

/// A status that is not VECSTORE_OK, with the message of the thread.
struct CError: Error {
    var status: vecstore_status
    var message: String
}

struct CIndex: @unchecked Sendable {
    // Safety: a handle may be used from any thread; that is what is tested.
    let handle: OpaquePointer
    let dimension: Int

    private static func check(_ status: vecstore_status) throws {
        if status != 0 {
            throw CError(status: status, message: String(cString: VecStoreABI.vecstore_last_error()))
        }
    }

    init(dimension: Int) throws {
        var options = vecstore_index_options()
        options.struct_size = UInt32(MemoryLayout<vecstore_index_options>.size)
        options.dim = UInt32(dimension)
        var made: OpaquePointer?
        try CIndex.check(VecStoreABI.vecstore_index_create(&options, &made))
        guard let made else { throw CError(status: -1, message: "no handle") }
        handle = made
        self.dimension = dimension
    }

    init(loading path: String, dimension: Int) throws {
        var options = vecstore_open_options()
        options.struct_size = UInt32(MemoryLayout<vecstore_open_options>.size)
        options.load = 1
        var made: OpaquePointer?
        try CIndex.check(VecStoreABI.vecstore_index_open(path, &options, &made))
        guard let made else { throw CError(status: -1, message: "no handle") }
        handle = made
        self.dimension = dimension
    }

    func free() { VecStoreABI.vecstore_index_free(handle) }

    // MARK: - Writers

    @discardableResult
    func add(_ vectors: [Float], ids: [UInt64]? = nil) throws -> [UInt64] {
        let n = vectors.count / dimension
        var out = [UInt64](repeating: 0, count: n)
        let dtype = vecstore_dtype(VECSTORE_DTYPE_F32)
        if let ids {
            try CIndex.check(VecStoreABI.vecstore_index_add(handle, vectors, dtype, n, ids, nil, &out))
        } else {
            try CIndex.check(VecStoreABI.vecstore_index_add(handle, vectors, dtype, n, nil, nil, &out))
        }
        return out
    }

    func update(_ ids: [UInt64], _ vectors: [Float]) throws {
        try CIndex.check(
            VecStoreABI.vecstore_index_update(handle, ids, vectors, vecstore_dtype(VECSTORE_DTYPE_F32), ids.count))
    }

    func remove(_ ids: [UInt64]) throws -> Int {
        var removed = 0
        try CIndex.check(VecStoreABI.vecstore_index_remove(handle, ids, ids.count, &removed))
        return removed
    }

    func compact() throws { try CIndex.check(VecStoreABI.vecstore_index_compact(handle)) }

    func reserve(_ rows: UInt64) throws { try CIndex.check(VecStoreABI.vecstore_index_reserve(handle, rows)) }

    // MARK: - Readers

    /// One result: its id and its distance.
    typealias Result = (id: UInt64, distance: Float)

    /// The k nearest rows of each query; of the rows in `only`, or of all others where that is negated.
    func search(
        _ queries: [Float], k: Int, threads: UInt32, only: [UInt64]? = nil, negated: Bool = false
    ) throws -> [[Result]] {
        let nq = queries.count / dimension
        var ids = [UInt64](repeating: 0, count: nq * k)
        var distances = [Float](repeating: 0, count: nq * k)
        var counts = [UInt64](repeating: 0, count: nq)
        try withOptions(threads, only, negated) { options in
            try CIndex.check(
                VecStoreABI.vecstore_index_search(
                    handle, queries, vecstore_dtype(VECSTORE_DTYPE_F32), nq, k, options, &ids, &distances, &counts))
        }
        return (0..<nq).map { q in (0..<Int(counts[q])).map { (ids[q * k + $0], distances[q * k + $0]) } }
    }

    func searchRange(_ queries: [Float], radius: Float, threads: UInt32) throws -> [[Result]] {
        let nq = queries.count / dimension
        var result: OpaquePointer?
        try withOptions(threads, nil, false) { options in
            try CIndex.check(
                VecStoreABI.vecstore_index_search_range(
                    handle, queries, vecstore_dtype(VECSTORE_DTYPE_F32), nq, radius, options, &result))
        }
        defer { VecStoreABI.vecstore_range_result_free(result) }
        var offsets: UnsafePointer<UInt64>?, ids: UnsafePointer<UInt64>?, distances: UnsafePointer<Float>?
        try CIndex.check(VecStoreABI.vecstore_range_result_get(result, nil, &offsets, &ids, &distances))
        guard let offsets, let ids, let distances else { throw CError(status: -1, message: "no arrays") }
        return (0..<nq).map { q in (Int(offsets[q])..<Int(offsets[q + 1])).map { (ids[$0], distances[$0]) } }
    }

    private func withOptions(
        _ threads: UInt32, _ only: [UInt64]?, _ negated: Bool,
        _ body: (UnsafePointer<vecstore_search_options>) throws -> Void
    ) throws {
        var options = vecstore_search_options()
        options.struct_size = UInt32(MemoryLayout<vecstore_search_options>.size)
        options.threads = threads
        guard let only else { return try body(&options) }
        try only.withUnsafeBufferPointer { ids in
            var filter = vecstore_filter()
            filter.struct_size = UInt32(MemoryLayout<vecstore_filter>.size)
            filter.kind = vecstore_filter_kind(VECSTORE_FILTER_IDS)
            filter.ids = ids.baseAddress
            filter.ids_count = UInt64(ids.count)
            filter.negate = negated ? 1 : 0
            try withUnsafePointer(to: filter) { filter in
                options.filter = filter
                try body(&options)
            }
        }
    }

    func get(_ ids: [UInt64]) throws -> [Float] {
        var vectors = [Float](repeating: 0, count: ids.count * dimension)
        try CIndex.check(
            VecStoreABI.vecstore_index_get(handle, ids, ids.count, vecstore_dtype(VECSTORE_DTYPE_F32), &vectors))
        return vectors
    }

    func contains(_ ids: [UInt64]) throws -> [Bool] {
        var found = [UInt8](repeating: 2, count: ids.count)
        try CIndex.check(VecStoreABI.vecstore_index_contains(handle, ids, ids.count, &found))
        return found.map { $0 == 1 }
    }

    func count() throws -> Int {
        var count: UInt64 = 0
        try CIndex.check(VecStoreABI.vecstore_index_count(handle, &count))
        return Int(count)
    }

    func ids(room: Int) throws -> [UInt64] {
        var ids = [UInt64](repeating: 0, count: room)
        var written = 0
        try CIndex.check(VecStoreABI.vecstore_index_ids(handle, 0, &ids, room, &written))
        return Array(ids.prefix(written))
    }

    func stats() throws -> vecstore_index_stats {
        var stats = vecstore_index_stats()
        stats.struct_size = UInt32(MemoryLayout<vecstore_index_stats>.size)
        try CIndex.check(VecStoreABI.vecstore_index_get_stats(handle, &stats))
        return stats
    }

    func verify() throws { try CIndex.check(VecStoreABI.vecstore_index_verify(handle)) }

    func save(_ path: String) throws {
        var options = vecstore_save_options()
        options.struct_size = UInt32(MemoryLayout<vecstore_save_options>.size)
        options.no_sync = 1
        try CIndex.check(VecStoreABI.vecstore_index_save(handle, path, &options))
    }
}
