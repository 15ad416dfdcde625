// Hashes with vectors in a real Redis, as programs with a search module keep them, and collections to bring them to.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecCollection
import VecIndex
import VecKernelTypes

@testable import VecCache

/// A prefix of its own on the server that tests share, and a collection.
final class TransferTest {
    static let dimension = 4

    let client: RedisClient
    let prefix = "{\(SharedRedis.namespace())}:doc:"
    let directory: TemporaryDirectory
    let collection: PointCollection

    init(_ vectors: [VectorSettings] = [VectorSettings(dimension: TransferTest.dimension)], client: RedisClient? = nil) throws {
        self.client = try client ?? SharedRedis.server.get().client()
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(directory.path("points"), vectors: vectors)
    }

    deinit { try? collection.close() }

    var transfer: RedisTransfer { RedisTransfer(client) }

    func importOptions(_ change: (inout RedisImportOptions) -> Void = { _ in }) -> RedisImportOptions {
        var options = RedisImportOptions()
        options.layout.prefix = prefix
        change(&options)
        return options
    }

    @discardableResult
    func importAll(_ change: (inout RedisImportOptions) -> Void = { _ in }) throws -> RedisImportResult {
        var result = RedisImportResult()
        try transfer.importPoints(into: collection, importOptions(change), &result)
        return result
    }

    /// What came of an import that fails, and why it did.
    func importFailing(_ change: (inout RedisImportOptions) -> Void = { _ in }) -> (RedisImportResult, VecStoreError?) {
        var result = RedisImportResult()
        let error = failure { try transfer.importPoints(into: collection, importOptions(change), &result) }
        return (result, error)
    }

    @discardableResult
    func exportAll(_ change: (inout RedisExportOptions) -> Void = { _ in }) throws -> Int {
        var options = RedisExportOptions()
        options.layout.prefix = prefix
        change(&options)
        return try transfer.exportPoints(of: collection, options)
    }

    // MARK: - Redis

    func key(_ id: String) -> String { prefix + id }

    /// Writes a hash by a plain HSET.
    func hset(_ id: String, _ fields: KeyValuePairs<String, [UInt8]>) throws {
        let arguments = fields.flatMap { [Array($0.key.utf8), $0.value] }
        _ = try client.execute(RedisCommand([Array("HSET".utf8), Array(key(id).utf8)] + arguments))
    }

    /// What a hash has, with blobs as numbers of bytes where they are no text.
    func hash(_ id: String) throws -> [String: String] {
        let values = try client.execute(RedisCommand("HGETALL", key(id))).array ?? []
        var fields: [String: String] = [:]
        for i in stride(from: 0, to: values.count - 1, by: 2) {
            let value = values[i + 1].bytes ?? []
            fields[values[i].text ?? ""] = String(validating: value, as: UTF8.self) ?? "\(value.count) bytes"
        }
        return fields
    }

    // MARK: - Points

    func point(_ id: PointID) throws -> Point? { try collection.get([id])[0] }

    func payload(_ id: PointID) throws -> String? { try point(id).map { String(decoding: $0.payload, as: UTF8.self) } }

    func upsert(_ id: PointID, _ vector: [Float], _ payload: String = "", expires: Int64 = 0) throws {
        let payload = Array(payload.utf8)
        try vector.withUnsafeBytes { rows in
            try payload.withUnsafeBufferPointer { payload in
                try withUnsafePointer(to: expires) { expires in
                    let base = try #require(rows.baseAddress)
                    try collection.upsert(
                        PointBatch(
                            ids: [id], vectors: [.init(name: nil, rows: base, type: .float32)], payloads: [payload], expires: expires))
                }
            }
        }
    }
}

/// The elements of a vector as numpy's `tobytes` gives them.
func blob(_ elements: [Float]) -> [UInt8] { elements.withUnsafeBytes { Array($0) } }
func blob(_ elements: [Double]) -> [UInt8] { elements.withUnsafeBytes { Array($0) } }
func blob(_ elements: [Float16]) -> [UInt8] { elements.withUnsafeBytes { Array($0) } }
