// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Writes hashes as points, in batches.
struct PointImporter {
    private let collection: PointCollection
    private let options: RedisImportOptions
    private let columns: [HashLayout.Column]
    private let payload: HashPayload
    private let scan: HashScan
    private var batch: ImportBatch
    /// Of the points of the batch.
    private var keys: [[UInt8]] = []
    private(set) var report: ImportReport

    init(_ client: RedisClient, _ collection: PointCollection, _ options: RedisImportOptions) throws(VecStoreError) {
        try options.check()
        self.collection = collection
        self.options = options
        columns = try options.layout.columns(collection.settings)
        payload = HashPayload(options, columns)
        batch = ImportBatch(collection, types: collection.settings.map { _ in .float32 })
        scan = HashScan(client, pattern: options.pattern ?? options.layout.pattern, fields: nil)
        report = ImportReport(options, total: options.progress == nil ? 0 : try scan.countKeys())
    }

    mutating func run() throws(VecStoreError) {
        let scan = scan
        try scan.forEach { (found) throws(VecStoreError) in
            for hash in found {
                do throws(VecStoreError) {
                    try add(hash)
                } catch {
                    try refuse(hash.key, error)
                }
                if batch.count >= options.batchSize || batch.bytes >= ImportBatch.mostBytes { try flush() }
            }
        }
        try flush()
    }

    /// A hash that cannot be a point: passed over, or the end.
    private mutating func refuse(_ key: [UInt8], _ reason: VecStoreError) throws(VecStoreError) {
        if options.skipsBad { return report.skip(key, reason) }
        // What came before is written, and found to be right or not.
        try flush()
        throw ImportReport.told(key, reason)
    }

    private mutating func add(_ hash: FoundHash) throws(VecStoreError) {
        let fields: [(name: [UInt8], value: [UInt8])]
        switch hash.content {
        case .fields(let found): fields = found
        case .refused(let reason): throw reason
        }
        let id = try options.layout.id(hash.key)
        var rows = [[UInt8]?](repeating: nil, count: collection.settings.count)
        for column in columns {
            guard let field = fields.first(where: { $0.name == column.field }) else { continue }
            let elements = try options.layout.type.elements(field.value, dimension: column.dimension, field: column.fieldName)
            rows[column.place] = elements.withUnsafeBytes { Array($0) }
        }
        guard rows.contains(where: { $0 != nil }) else {
            let names = columns.map { "'\($0.fieldName)'" }.joined(separator: ", ")
            throw VecStoreError(.invalidArgument, "there is no vector in it: none of the fields \(names)")
        }
        batch.add(source: keys.count, id, rows: rows, payload: try payload.make(fields), expires: hash.expires)
        keys.append(hash.key)
    }

    private mutating func flush() throws(VecStoreError) {
        defer {
            batch.clear()
            keys = []
        }
        if batch.count > 0 {
            let outcome = batch.write(skipsBad: options.skipsBad)
            report.noteWritten(outcome.written)
            for (source, reason) in outcome.refused { report.skip(keys[source], reason) }
            if let (source, reason, isAboutPoint) = outcome.end {
                throw isAboutPoint ? ImportReport.told(keys[source], reason) : reason
            }
        }
        try report.tellProgress()
    }
}
