// Damaged files: an error, never a crash, and never a wrong answer where everything was checked.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Damaged files")
struct DamageTests {
    private static let dimension = 5

    /// The bytes of a small file, its ids in order or not.
    private static func file(
        _ directory: TemporaryDirectory, _ metric: Metric = .l2Squared, ids: [UInt64] = [4, 9, 2]
    ) throws -> [UInt8] {
        let rows = DataSet.scattered.make(
            rows: ids.count, queries: 0, dimension: dimension, type: .float32, seed: 311).rows
        let index = try FlatIndex(rows, metric: metric, exactCodes: true, table: .current, ids: ids)
        try index.save(to: directory.path(), sync: false)
        return try directory.bytes()
    }

    private static func open(_ directory: TemporaryDirectory, load: Bool, verify: Bool?) throws -> FlatIndex {
        try FlatIndex.open(directory.path(), OpenOptions(load: load, verify: verify))
    }

    /// Asks an index everything; nothing may crash, whatever the answers.
    private static func useAll(_ index: FlatIndex) {
        let queries = DataSet.scattered.make(rows: 0, queries: 9, dimension: dimension, type: .float32, seed: 312).queries
        _ = try? index.search(queries, k: 3)
        _ = try? index.searchRange(queries, radius: 1)
        let ids = index.ids()
        _ = try? index.get(ids)
        _ = index.contains(ids + [0, 2, 4, 9, noID])
        _ = index.stats()
        _ = try? index.verify()
    }

    @Test("a bit changed anywhere is found where every byte is checked", arguments: [Metric.l2Squared, .cosine])
    func everyByte(metric: Metric) throws {
        let directory = try TemporaryDirectory()
        let bytes = try DamageTests.file(directory, metric)
        for i in bytes.indices {
            var damaged = bytes
            damaged[i] ^= 1 << UInt8(i % 8)
            try directory.write(damaged)
            for load in [false, true] {
                let error = #expect(throws: VecStoreError.self, "byte \(i)") {
                    _ = try DamageTests.open(directory, load: load, verify: true)
                }
                #expect(error?.code == .corrupt || error?.code == .newerVersion, "byte \(i)")
            }
        }
    }

    @Test("a bit changed anywhere does no harm where only the header is checked")
    func everyByteUnchecked() throws {
        let directory = try TemporaryDirectory()
        let bytes = try DamageTests.file(directory)
        for i in bytes.indices {
            var damaged = bytes
            damaged[i] = ~damaged[i]
            try directory.write(damaged)
            for load in [false, true] {
                guard let index = try? DamageTests.open(directory, load: load, verify: false) else { continue }
                #expect(i >= 128, "byte \(i) of the header was changed")
                DamageTests.useAll(index)
            }
        }
    }

    @Test("a file cut short, or longer than it was, is found at once")
    func wrongSize() throws {
        let directory = try TemporaryDirectory()
        let bytes = try DamageTests.file(directory)
        for damaged in bytes.indices.map({ Array(bytes[..<$0]) }) + [bytes + [0]] {
            try directory.write(damaged)
            for load in [false, true] {
                expectError(.corrupt) { _ = try DamageTests.open(directory, load: load, verify: false) }
            }
        }
    }

    @Test("rows that add would have refused are found where every byte is checked", arguments: [Float.nan, .infinity, 1e19])
    func impossibleRows(element: Float) throws {
        let directory = try TemporaryDirectory()
        let bytes = try DamageTests.file(directory)
        let damaged = try rewritten(bytes, .rows) { section in
            withUnsafeBytes(of: element) { section.replaceSubrange(8..<12, with: $0) }
        }
        try directory.write(damaged)
        for load in [false, true] {
            expectError(.corrupt) { _ = try DamageTests.open(directory, load: load, verify: true) }
            DamageTests.useAll(try DamageTests.open(directory, load: load, verify: false))
        }
    }

    /// The checksums of these files are right: only the ids make no sense.
    @Test("ids that come twice, are none, or are out of order are found", arguments: [[4, 4, 2], [4, .max, 2], [9, 4, 2]])
    func impossibleIDs(ids: [UInt64]) throws {
        let directory = try TemporaryDirectory()
        let bytes = try DamageTests.file(directory)
        let damaged = try rewritten(bytes, .ids) { section in
            section = ids.flatMap { id in withUnsafeBytes(of: id) { Array($0) } }
        }
        try directory.write(damaged)
        expectError(.corrupt) { _ = try DamageTests.open(directory, load: false, verify: true) }
        DamageTests.useAll(try DamageTests.open(directory, load: false, verify: false))
        // To be loaded, ids must be different; their order is made anew.
        if ids == [9, 4, 2] {
            #expect(try DamageTests.open(directory, load: true, verify: true).contains([2, 4, 9]) == [true, true, true])
        } else {
            expectError(.corrupt) { _ = try DamageTests.open(directory, load: true, verify: false) }
        }
    }

    @Test("an order of ids that leads out of the rows is not followed", arguments: [[3, 0, 1], [.max, .max, .max], [0, 0, 0]])
    func impossibleOrder(order: [UInt32]) throws {
        let directory = try TemporaryDirectory()
        let bytes = try DamageTests.file(directory)
        let damaged = try rewritten(bytes, .idOrder) { section in
            section = order.flatMap { position in withUnsafeBytes(of: position) { Array($0) } }
        }
        try directory.write(damaged)
        DamageTests.useAll(try DamageTests.open(directory, load: false, verify: false))
        expectError(.corrupt) { _ = try DamageTests.open(directory, load: false, verify: true) }
    }
}
