// Files of graphs.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Files of graphs")
struct GraphFileTests {
    /// One index of each form that a file can have.
    static let forms: [GraphRecallTests.Case] = [
        .init(metric: .l2Squared, storage: .int8), .init(metric: .cosine, storage: .int8), .init(metric: .cosine, storage: .float16),
        .init(metric: .innerProduct, storage: .bfloat16), .init(metric: .l2Squared, storage: .float32),
        .init(metric: .cosine, type: .bfloat16), .init(metric: .l2Squared, type: .uint8), .init(metric: .jaccard, type: .bits),
        .init(metric: .l2Squared, storage: .int4), .init(metric: .cosine, storage: .int4),
    ]

    private static func index(_ one: GraphRecallTests.Case, ids: [UInt64]? = nil) throws -> (HNSWIndex, Vectors) {
        let (rows, queries) = DataSet.clusters.make(
            rows: one.storage.codeBits > 0 ? 2060 : 400, queries: 20, dimension: 100, type: one.type, seed: 691)
        return (try HNSWIndex(rows, metric: one.metric, storage: one.storage, m: 5, efConstruction: 16, ids: ids), queries)
    }

    @Test("a graph that is opened, mapped or loaded, finds what the one in memory does", arguments: forms)
    func sameResults(one: GraphRecallTests.Case) throws {
        let directory = try TemporaryDirectory()
        let (index, queries) = try GraphFileTests.index(one)
        try index.remove([3, 5, 8])
        try index.save(to: directory.path(), sync: false)
        // Rows that were removed are not in the file: their places are those of others.
        try index.compact()
        let hits = try index.search(queries, k: 10)
        let near = try index.searchRange(queries, radius: hits[0][9].distance)
        let even = RowFilter(.callback { $0 % 2 == 0 })
        let filtered = try index.search(queries, k: 10, filter: even)
        for options in [OpenOptions(), OpenOptions(verify: true, prefault: true), OpenOptions(load: true), OpenOptions(load: true, verify: false)] {
            let opened = try HNSWIndex.open(directory.path(), options)
            #expect(opened.count == index.count)
            #expect(opened.isReadOnly == !options.load)
            #expect(Results.difference(try opened.search(queries, k: 10), hits) == nil)
            #expect(Results.difference(try opened.searchRange(queries, radius: hits[0][9].distance), near) == nil)
            #expect(Results.difference(try opened.search(queries, k: 10, filter: even), filtered) == nil)
            #expect(try opened.get(index.ids()) == index.get(index.ids()))
            #expect(opened.contains([0, 3, 5, 8, 9]) == [true, false, false, false, true])
            let stats = opened.graphStats, before = index.graphStats
            #expect(stats.storage == before.storage && stats.exactType == before.exactType && stats.m == 5)
            #expect(stats.efConstruction == 16 && stats.codeLoss == before.codeLoss && stats.isSketched == before.isSketched)
            #expect(opened.stats().nextID == index.stats().nextID)
            #expect(options.load ? opened.stats().mappedBytes == 0 : opened.stats().memoryBytes < 200_000)
            try opened.verify()
        }
    }

    @Test("an index that maps a file refuses every change, and goes on answering")
    func readOnly() throws {
        let directory = try TemporaryDirectory()
        let (index, queries) = try GraphFileTests.index(GraphFileTests.forms[4])
        try index.save(to: directory.path(), sync: false)
        let mapped = try HNSWIndex.open(directory.path(), OpenOptions())
        let row = DataSet.scattered.make(rows: 1, queries: 0, dimension: 100, type: .float32, seed: 692).rows
        expectError(.readOnly) { try mapped.add(row) }
        expectError(.readOnly) { try mapped.update([0], row) }
        expectError(.readOnly) { try mapped.remove([0]) }
        expectError(.readOnly) { try mapped.compact() }
        expectError(.readOnly) { try mapped.optimize() }
        expectError(.readOnly) { try mapped.reserve(1000) }
        expectError(.readOnly) { _ = try mapped.calibrate(queries, k: 3, recall: 0.5) }
        #expect(Results.difference(try mapped.search(queries, k: 5), try index.search(queries, k: 5)) == nil)
    }

    @Test("an index that was loaded changes like any other, and rows get the levels they would have had")
    func changesAfterLoading() throws {
        let directory = try TemporaryDirectory()
        let (index, queries) = try GraphFileTests.index(GraphFileTests.forms[0])
        try index.save(to: directory.path(), sync: false)
        let loaded = try HNSWIndex.open(directory.path(), OpenOptions(load: true))
        let more = DataSet.clusters.make(rows: 300, queries: 0, dimension: 100, type: .float32, seed: 693).rows
        for one in [index, loaded] {
            try one.compact()
            try one.add(more)
            try one.remove((0..<100).map { UInt64($0 * 5) })
            try one.update([7, 9], more.picked(0..<2))
            try one.verifyGraph()
        }
        #expect(Results.difference(try loaded.search(queries, k: 10), try index.search(queries, k: 10)) == nil)
    }

    @Test("a mapped index is saved again, byte for byte, over its own file too", arguments: [[false], [true]].flatMap { $0 })
    func savedAgain(shuffled: Bool) throws {
        let directory = try TemporaryDirectory()
        var random = Random(seed: 694)
        let ids = (0..<2060).map { UInt64($0) * 3 }
        let (index, queries) = try GraphFileTests.index(
            GraphFileTests.forms[0], ids: shuffled ? ids.shuffled(using: &random) : ids)
        try index.save(to: directory.path(), sync: false)
        let bytes = try directory.bytes()
        let mapped = try HNSWIndex.open(directory.path(), OpenOptions())
        try mapped.save(to: directory.path("second"), sync: false)
        #expect(try directory.bytes("second") == bytes)
        try mapped.save(to: directory.path(), sync: true)
        #expect(try directory.bytes() == bytes)
        #expect(Results.difference(try mapped.search(queries, k: 5), try index.search(queries, k: 5)) == nil)
        let loaded = try HNSWIndex.open(directory.path(), OpenOptions(load: true))
        try loaded.save(to: directory.path("third"), sync: false)
        #expect(try directory.bytes("third") == bytes)
        #expect(directory.names == ["index", "second", "third"])
    }

    @Test("an empty graph, and one of a single row, are saved and opened", arguments: [0, 1], [false, true])
    func small(count: Int, load: Bool) throws {
        let directory = try TemporaryDirectory()
        let rows = DataSet.scattered.make(rows: 1, queries: 2, dimension: 9, type: .float32, seed: 695)
        let index = try HNSWIndex(rows.rows.picked(0..<count), metric: .l2Squared)
        try index.save(to: directory.path(), sync: false)
        let opened = try HNSWIndex.open(directory.path(), OpenOptions(load: load, verify: true))
        #expect(try opened.search(rows.queries, k: 3).map(\.count) == [count, count])
        if load { #expect(try opened.add(rows.rows) == [UInt64(count)]) }
    }

    @Test("a calibration is kept in the file")
    func calibration() throws {
        let directory = try TemporaryDirectory()
        let (index, queries) = try GraphFileTests.index(GraphFileTests.forms[4])
        let found = try index.calibrate(queries, k: 7, recall: 0.9)
        try index.save(to: directory.path(), sync: false)
        for load in [false, true] {
            let opened = try HNSWIndex.open(directory.path(), OpenOptions(load: load))
            let kept = try #require(opened.graphStats.calibration)
            #expect(kept.k == 7 && kept.efSearch == found.efSearch && kept.recall == found.recall && kept.targetRecall == 0.9)
            let got = try opened.search(queries, k: 7, SearchOptions(targetRecall: 0.9))
            #expect(Results.difference(got, try index.search(queries, k: 7, SearchOptions(targetRecall: 0.9))) == nil)
        }
    }
}

@Suite("Damaged files of graphs")
struct GraphDamageTests {
    private static let dimension = 6

    /// The bytes of a small file. Codes need 2,048 rows: damage to them is done in a file of its own.
    private static func file(_ directory: TemporaryDirectory, _ metric: Metric, count: Int = 12) throws -> [UInt8] {
        let rows = DataSet.scattered.make(rows: count, queries: 0, dimension: dimension, type: .float32, seed: 701).rows
        var random = Random(seed: 702)
        let index = try HNSWIndex(
            rows, metric: metric, m: 2, efConstruction: 8, ids: (0..<count).map { UInt64($0) }.shuffled(using: &random))
        try index.save(to: directory.path(), sync: false)
        return try directory.bytes()
    }

    private static func open(_ directory: TemporaryDirectory, load: Bool, verify: Bool) throws -> HNSWIndex {
        try HNSWIndex.open(directory.path(), OpenOptions(load: load, verify: verify))
    }

    /// Asks an index everything; nothing may crash, whatever the answers.
    private static func useAll(_ index: HNSWIndex) {
        let queries = DataSet.scattered.make(rows: 0, queries: 2, dimension: index.dimension, type: .float32, seed: 703).queries
        _ = try? index.search(queries, k: 3)
        _ = try? index.search(queries, k: 50)
        _ = try? index.searchRange(queries, radius: 1)
        _ = try? index.search(queries, k: 3, filter: RowFilter(.callback { $0 % 2 == 0 }))
        let ids = index.ids()
        _ = try? index.get(ids)
        _ = index.contains(ids + [0, 2, 4, 9, noID])
        _ = index.stats()
        _ = try? index.verify()
        guard !index.isReadOnly else { return }
        let rows = DataSet.scattered.make(rows: 3, queries: 0, dimension: index.dimension, type: .float32, seed: 704).rows
        _ = try? index.add(rows, ids: [1000, 1001, 1002])
        _ = try? index.update(Array(ids.prefix(2)), rows.picked(0..<min(2, ids.count)))
        _ = try? index.remove(Array(ids.prefix(4)))
        _ = try? index.compact()
        _ = try? index.optimize()
    }

    @Test("a bit changed anywhere is found where every byte is checked", arguments: [Metric.l2Squared, .cosine])
    func everyByte(metric: Metric) throws {
        let directory = try TemporaryDirectory()
        let bytes = try GraphDamageTests.file(directory, metric)
        for i in bytes.indices {
            var damaged = bytes
            damaged[i] ^= 1 << UInt8(i % 8)
            try directory.write(damaged)
            let error = #expect(throws: VecStoreError.self, "byte \(i)") {
                _ = try GraphDamageTests.open(directory, load: i % 2 == 0, verify: true)
            }
            #expect(error?.code == .corrupt || error?.code == .newerVersion, "byte \(i)")
        }
    }

    @Test("a byte changed anywhere does no harm where only the header is checked", arguments: [UInt8(0xff), 0x80])
    func everyByteUnchecked(mask: UInt8) throws {
        let directory = try TemporaryDirectory()
        let bytes = try GraphDamageTests.file(directory, .l2Squared)
        for i in bytes.indices {
            var damaged = bytes
            damaged[i] ^= mask
            try directory.write(damaged)
            for load in [false, true] {
                guard let index = try? GraphDamageTests.open(directory, load: load, verify: false) else { continue }
                GraphDamageTests.useAll(index)
            }
        }
    }

    @Test("many bytes changed at once do no harm either", arguments: 0..<6)
    func manyBytes(seed: UInt64) throws {
        let directory = try TemporaryDirectory()
        let bytes = try GraphDamageTests.file(directory, [.l2Squared, .cosine, .innerProduct][Int(seed) % 3], count: 60)
        let start = try HeaderTests.decode(bytes).sections[0].offset
        var random = Random(seed: 710 + seed)
        for _ in 0..<60 {
            var damaged = bytes
            for _ in 0..<(1 + random.below(200)) {
                damaged[start + random.below(bytes.count - start)] = UInt8(truncatingIfNeeded: random.next())
            }
            try directory.write(damaged)
            for load in [false, true] {
                guard let index = try? GraphDamageTests.open(directory, load: load, verify: false) else { continue }
                GraphDamageTests.useAll(index)
            }
        }
    }

    @Test("codes and sketches that were changed do no harm, and are found where every byte is checked", arguments: [GraphStorage.int8, .int4])
    func codes(storage: GraphStorage) throws {
        let directory = try TemporaryDirectory()
        let rows = DataSet.clusters.make(rows: 2060, queries: 0, dimension: 100, type: .float32, seed: 705).rows
        try HNSWIndex(rows, metric: .l2Squared, storage: storage, m: 2, efConstruction: 8).save(to: directory.path(), sync: false)
        let bytes = try directory.bytes()
        var random = Random(seed: 706)
        for section in try HeaderTests.decode(bytes).sections where section.size > 0 {
            for round in 0..<3 {
                var damaged = bytes
                let n = round == 0 ? 1 : 50
                for _ in 0..<n { damaged[section.offset + random.below(section.size)] ^= UInt8(1 + random.below(255)) }
                try directory.write(damaged)
                if let index = try? GraphDamageTests.open(directory, load: round == 2, verify: false) { GraphDamageTests.useAll(index) }
                if round == 0 {
                    expectError(.corrupt) { _ = try GraphDamageTests.open(directory, load: false, verify: true) }
                }
            }
        }
    }

    @Test("a file cut short, or longer than it was, is found at once")
    func wrongSize() throws {
        let directory = try TemporaryDirectory()
        let bytes = try GraphDamageTests.file(directory, .l2Squared)
        for length in 0..<bytes.count {
            try directory.write(Array(bytes.prefix(length)))
            expectError(.corrupt) { _ = try GraphDamageTests.open(directory, load: length % 2 == 0, verify: false) }
        }
        for more in [1, 64, 4096] {
            try directory.write(bytes + [UInt8](repeating: 0, count: more))
            expectError(.corrupt) { _ = try GraphDamageTests.open(directory, load: false, verify: false) }
        }
    }
}
