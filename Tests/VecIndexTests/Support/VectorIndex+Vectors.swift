// The calls of an index on whole `Vectors` and arrays, as tests want them.
// SPDX-License-Identifier: Apache-2.0

import VecIndexReference
import VecKernelTypes

@testable import VecIndex

extension FlatIndex {
    /// An index with rows in it.
    convenience init(
        _ rows: Vectors, metric: Metric, exactCodes: Bool? = nil, table: KernelTable, ids: [UInt64]? = nil
    ) throws {
        try self.init(
            IndexOptions(dimension: rows.dimension, metric: metric, type: rows.type, exactCodes: exactCodes),
            table: table)
        try add(rows, ids: ids)
    }

    /// The flat index of a file.
    static func open(_ path: String, _ options: OpenOptions, table: KernelTable = .current) throws -> FlatIndex {
        guard let index = try openIndex(path, options, table: table) as? FlatIndex else {
            throw Results.UnexpectedResult(message: "the file has an index of another kind")
        }
        return index
    }
}

extension HNSWIndex {
    /// A graph of rows.
    convenience init(
        _ rows: Vectors, metric: Metric, storage: GraphStorage = .auto, rescore: RescoreRows = .asAdded, m: Int = 8,
        efConstruction: Int = 50, seed: UInt64 = 1, table: KernelTable = .current, ids: [UInt64]? = nil,
        threads: Int = 2
    ) throws {
        try self.init(
            HNSWOptions(
                dimension: rows.dimension, metric: metric, type: rows.type, storage: storage, rescore: rescore, m: m,
                efConstruction: efConstruction, seed: seed),
            table: table)
        try add(rows, ids: ids, threads: threads)
    }

    /// The graph of a file.
    static func open(_ path: String, _ options: OpenOptions, table: KernelTable = .current) throws -> HNSWIndex {
        guard let index = try openIndex(path, options, table: table) as? HNSWIndex else {
            throw Results.UnexpectedResult(message: "the file has an index of another kind")
        }
        return index
    }

    /// What is peculiar to a graph.
    var graphStats: GraphStats { stats().graph ?? GraphStats() }
}

extension IVFIndex {
    /// An inverted file, trained on its rows.
    convenience init(
        _ rows: Vectors, metric: Metric, nlist: Int? = nil, storage: ListStorage = .auto, rescore: RescoreRows = .asAdded,
        pqM: Int? = nil, bits: Int? = nil, isRotated: Bool = false, assignments: Int = 1, seed: UInt64 = 1,
        table: KernelTable = .current, ids: [UInt64]? = nil, threads: Int = 2
    ) throws {
        try self.init(
            IVFOptions(
                dimension: rows.dimension, metric: metric, type: rows.type, nlist: nlist, storage: storage, rescore: rescore,
                pqM: pqM, bits: bits, isRotated: isRotated, assignments: assignments, seed: seed),
            table: table)
        try add(rows, ids: ids, threads: threads)
    }

    /// The inverted file of a file.
    static func open(_ path: String, _ options: OpenOptions, table: KernelTable = .current) throws -> IVFIndex {
        guard let index = try openIndex(path, options, table: table) as? IVFIndex else {
            throw Results.UnexpectedResult(message: "the file has an index of another kind")
        }
        return index
    }

    /// What is peculiar to an inverted file.
    var listStats: ListStats { stats().lists ?? ListStats() }
}

extension VectorIndex {
    @discardableResult
    func add(
        _ vectors: Vectors, ids: [UInt64]? = nil, threads: Int = 1, progress: Progress? = nil
    ) throws -> [UInt64] {
        var out = [UInt64](repeating: 0, count: vectors.count)
        if let ids {
            try add(
                vectors.bytes, type: vectors.type, count: vectors.count, ids: ids, outIDs: &out, threads: threads,
                progress: progress)
        } else {
            try add(
                vectors.bytes, type: vectors.type, count: vectors.count, ids: nil, outIDs: &out, threads: threads,
                progress: progress)
        }
        return out
    }

    func update(_ ids: [UInt64], _ vectors: Vectors) throws {
        try update(ids, vectors.bytes, type: vectors.type, count: ids.count)
    }

    @discardableResult
    func remove(_ ids: [UInt64]) throws -> Int { try remove(ids, ids.count) }

    func contains(_ ids: [UInt64]) -> [Bool] {
        var found = [UInt8](repeating: 2, count: ids.count)
        contains(ids, ids.count, &found)
        return found.map { $0 == 1 }
    }

    func contains(_ id: UInt64) -> Bool { contains([id]) == [true] }

    /// The bytes of rows, in the type that they are stored in or another.
    func get(_ ids: [UInt64], as type: ElementType? = nil) throws -> [UInt8] {
        let type = type ?? elementType
        var bytes = [UInt8](repeating: 0, count: ids.count * type.rowSize(dimension))
        try get(ids, ids.count, as: type, &bytes)
        return bytes
    }

    func ids(offset: UInt64 = 0, capacity: Int? = nil) -> [UInt64] {
        let room = capacity ?? count
        var out = [UInt64](repeating: noID, count: room)
        let written = ids(offset: offset, capacity: room, &out)
        return Array(out.prefix(written))
    }

    func search(
        _ queries: Vectors, k: Int, filter: RowFilter = RowFilter(.none), threads: Int = 1
    ) throws -> [[Hit]] {
        try search(queries, k: k, SearchOptions(filter: filter, threads: threads))
    }

    func search(_ queries: Vectors, k: Int, _ options: SearchOptions) throws -> [[Hit]] {
        try Results.collect(queries: queries.count, k: k) { (output) throws(VecStoreError) in
            try search(queries.bytes, type: queries.type, count: queries.count, k: k, options: options, output)
        }
    }

    func searchRange(
        _ queries: Vectors, radius: Float, filter: RowFilter = RowFilter(.none), threads: Int = 1, nprobe: Int? = nil
    ) throws -> [[Hit]] {
        try searchRange(
            queries.bytes, type: queries.type, count: queries.count, radius: radius,
            options: SearchOptions(filter: filter, threads: threads, nprobe: nprobe)
        ).hits
    }

    func calibrate(_ queries: Vectors, k: Int, recall: Float) throws -> Calibration {
        try calibrate(
            queries.bytes, type: queries.type, count: queries.count, k: k, recall: recall, threads: 2)
    }
}

extension BlockKNN {
    static func nearest(
        _ queries: Vectors, _ rows: Vectors, metric: Metric, k: Int, filter: RowFilter = RowFilter(.none),
        threads: Int = 1, table: KernelTable
    ) throws -> [[Hit]] {
        try Results.collect(queries: queries.count, k: k) { (output) throws(VecStoreError) in
            try nearest(
                queries.bytes, queries.count, rows.bytes, rows.count, dimension: rows.dimension, metric: metric,
                type: rows.type, k: k, filter: filter, threads: threads, output, table: table)
        }
    }
}

extension RangeResult {
    var hits: [[Hit]] {
        (0..<queryCount).map { q in
            (Int(offsets[q])..<Int(offsets[q + 1])).map { Hit(id: ids[$0], distance: distances[$0]) }
        }
    }
}

enum Results {
    /// Calls `search` with arrays for its results. Places without a result must hold `noID` at infinity.
    static func collect(
        queries: Int, k: Int, _ search: (SearchOutput) throws(VecStoreError) -> Void
    ) throws -> [[Hit]] {
        let idMemory = try allocate(UInt64.self, queries * k, for: "ids")
        let distanceMemory = try allocate(Float.self, queries * k, for: "distances")
        let countMemory = try allocate(UInt64.self, queries, for: "counts")
        let ids = idMemory.pointer(UInt64.self), distances = distanceMemory.pointer(Float.self)
        let counts = countMemory.pointer(UInt64.self)
        defer { withExtendedLifetime((idMemory, distanceMemory, countMemory)) {} }
        try search(SearchOutput(ids: ids, distances: distances, counts: counts))
        return try (0..<queries).map { q in
            let count = Int(counts[q])
            for place in (q * k + count)..<((q + 1) * k)
            where ids[place] != noID || distances[place] != .infinity {
                throw UnexpectedResult(message: "query \(q) has something behind its \(count) results")
            }
            return (0..<count).map { Hit(id: ids[q * k + $0], distance: distances[q * k + $0]) }
        }
    }

    struct UnexpectedResult: Error {
        var message: String
    }

    /// The first place where two lists of results differ; nil where they are the same, bit for bit.
    static func difference(_ got: [[Hit]], _ wanted: [[Hit]]) -> String? {
        if got.count != wanted.count { return "\(got.count) queries instead of \(wanted.count)" }
        for q in got.indices where got[q] != wanted[q] {
            if got[q].count != wanted[q].count {
                return "query \(q): \(got[q].count) results instead of \(wanted[q].count)"
            }
            for rank in got[q].indices where got[q][rank] != wanted[q][rank] {
                return "query \(q), rank \(rank): \(got[q][rank]) instead of \(wanted[q][rank])"
            }
        }
        return nil
    }
}
