// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex
import VecKernels

/// Writes the vectors of hashes as rows of an index, in batches.
struct RowImporter {
    private let index: any VectorIndex
    private let options: RedisImportOptions
    private let column: HashLayout.Column
    private let check: VectorCheck
    private let scan: HashScan
    private var ids: [UInt64] = []
    private var rows: [Float] = []
    /// Where in the batch an id is.
    private var places: [UInt64: Int] = [:]
    /// Hashes of the batch, of which some may have come twice.
    private var count = 0
    private(set) var report: ImportReport

    init(_ client: RedisClient, _ index: any VectorIndex, _ options: RedisImportOptions) throws(VecStoreError) {
        try options.check()
        guard options.payloadFields == nil, options.layout.jsonField == nil, options.values == .text else {
            throw VecStoreError(.invalidArgument, "an index has no payloads: payload_fields, json_field and values are for collections")
        }
        if index.isReadOnly { throw VecStoreError(.readOnly, "the index is open for reading alone") }
        self.index = index
        self.options = options
        column = try options.layout.column(index)
        try checkType(.float32, for: index.elementType)
        check = VectorCheck(metric: index.metric, noun: "vector")
        scan = HashScan(client, pattern: options.pattern ?? options.layout.pattern, fields: [column.field])
        report = ImportReport(options, total: options.progress == nil ? 0 : try scan.countKeys())
    }

    mutating func run() throws(VecStoreError) {
        let scan = scan
        try scan.forEach { (found) throws(VecStoreError) in
            for hash in found {
                do throws(VecStoreError) {
                    try add(hash)
                } catch {
                    if options.skipsBad {
                        report.skip(hash.key, error)
                    } else {
                        try flush()
                        throw ImportReport.told(hash.key, error)
                    }
                }
                if ids.count >= options.batchSize { try flush() }
            }
        }
        try flush()
    }

    private mutating func add(_ hash: FoundHash) throws(VecStoreError) {
        let fields: [(name: [UInt8], value: [UInt8])]
        switch hash.content {
        case .fields(let found): fields = found
        case .refused(let reason): throw reason
        }
        guard case .number(let id) = try options.layout.id(hash.key) else {
            throw VecStoreError(.invalidArgument, "what follows the prefix is no number from 0 to \(PointID.largest), as ids of an index are")
        }
        guard let blob = fields.first?.value else {
            throw VecStoreError(.invalidArgument, "there is no vector in it: no field '\(column.fieldName)'")
        }
        let elements = try options.layout.type.elements(blob, dimension: column.dimension, field: column.fieldName)
        try elements.withUnsafeBufferPointer { row throws(VecStoreError) in
            guard let row = row.baseAddress else { return }
            try check.check(row, type: .float32, count: 1, dimension: column.dimension, table: .current)
        }
        count += 1
        if let place = places[id] {
            rows.replaceSubrange(place * column.dimension..<(place + 1) * column.dimension, with: elements)
        } else {
            places[id] = ids.count
            ids.append(id)
            rows += elements
        }
    }

    /// Writes what was collected: rows of ids that are there, and new ones.
    private mutating func flush() throws(VecStoreError) {
        defer {
            ids = []
            rows = []
            places = [:]
            count = 0
        }
        if !ids.isEmpty {
            var found = [UInt8](repeating: 0, count: ids.count)
            index.contains(ids, ids.count, &found)
            for isThere in [true, false] {
                let chosen = ids.indices.filter { (found[$0] != 0) == isThere }
                if !chosen.isEmpty { try write(chosen, isUpdate: isThere) }
            }
            report.noteWritten(count)
        }
        try report.tellProgress()
    }

    private func write(_ chosen: [Int], isUpdate: Bool) throws(VecStoreError) {
        let dimension = column.dimension
        var some: [Float] = []
        some.reserveCapacity(chosen.count * dimension)
        for i in chosen { some += rows[i * dimension..<(i + 1) * dimension] }
        let someIDs = chosen.map { ids[$0] }
        try some.withUnsafeBufferPointer { rows throws(VecStoreError) in
            try someIDs.withUnsafeBufferPointer { ids throws(VecStoreError) in
                guard let rows = rows.baseAddress, let ids = ids.baseAddress else { return }
                if isUpdate {
                    try index.update(ids, rows, type: .float32, count: someIDs.count)
                } else {
                    try index.add(
                        rows, type: .float32, count: someIDs.count, ids: ids, outIDs: nil, threads: options.threads, progress: nil)
                }
            }
        }
    }
}
