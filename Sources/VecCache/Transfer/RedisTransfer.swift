// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Brings vectors that lie in hashes of a Redis into collections and indexes, and points of collections into hashes.
package struct RedisTransfer {
    let client: RedisClient

    package init(_ client: RedisClient) { self.client = client }

    /// Writes a point for each hash, as upsert does, in batches. Keys that come, change or go meanwhile are taken as they are when their
    /// turn comes, or missed; doing it again does no harm.
    /// - Parameter result: What came of it, where this throws too.
    package func importPoints(
        into collection: PointCollection, _ options: RedisImportOptions, _ result: inout RedisImportResult
    ) throws(VecStoreError) {
        try collection.importing { () throws(VecStoreError) in
            var importer = try PointImporter(client, collection, options)
            defer { result = importer.report.result }
            try importer.run()
        }
    }

    /// Adds a row for each hash, whose id is a number, or updates the one with that id.
    /// - Parameter result: What came of it, where this throws too.
    package func importRows(
        into index: any VectorIndex, _ options: RedisImportOptions, _ result: inout RedisImportResult
    ) throws(VecStoreError) {
        var importer = try RowImporter(client, index, options)
        defer { result = importer.report.result }
        try importer.run()
    }

    /// Writes a hash for each point, in the place of the one that was there: points of one moment, while searches and writes go on.
    /// - Returns: How many there were.
    @discardableResult
    package func exportPoints(of collection: PointCollection, _ options: RedisExportOptions) throws(VecStoreError) -> Int {
        try collection.exporting { () throws(VecStoreError) in
            var exporter = try PointExporter(client, collection, options)
            return try exporter.run()
        }
    }
}

/// How messages name a key, which may be anything.
func shown(_ key: [UInt8]) -> String {
    let text = String(decoding: key.prefix(100), as: UTF8.self)
    return key.count <= 100 ? "'\(text)'" : "'\(text)…'"
}
