// Rows that wait for a graph: their codes change nothing that is found, and while searches go on they stay few.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization
import TestSupport
import Testing
import VecIndex
import VecKernelTypes

@testable import VecCollection

struct WaitingRowsTests {
    private static let dimension = 40
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func make(
        _ kind: VectorIndexKind = .auto, _ metric: Metric = .cosine, _ type: ElementType = .float32
    ) throws -> PointCollection {
        try PointCollection.create(
            directory.path("points"),
            vectors: [VectorSettings(dimension: WaitingRowsTests.dimension, metric: metric, type: type, kind: kind)],
            CollectionOptions(durability: .none))
    }

    private func vectors(_ count: Int, seed: UInt64) -> [[Float]] {
        var random = Random(seed: seed)
        return (0..<count).map { _ in random.vector(WaitingRowsTests.dimension) }
    }

    private static func put(_ range: Range<Int>, _ all: [[Float]], _ collection: PointCollection) throws {
        try collection.put(
            range.map { .number(UInt64($0)) }, Array(all[range]), range.map { "{\"even\": \($0 % 2 == 0)}" })
    }

    @Test("codes change nothing of what is found", arguments: [Metric.cosine, .l2Squared, .innerProduct], [ElementType.float32, .float16])
    func sameResults(metric: Metric, type: ElementType) throws {
        var collection = try make(.auto, metric, type)
        let all = vectors(9500, seed: 1), queries = vectors(20, seed: 2)
        func results() throws -> [[Hit]] {
            try queries.flatMap { query in
                [
                    try collection.near(query), try collection.near(query, 300),
                    try collection.near(query, filter: #"{"must": {"key": "even", "match": {"value": true}}}"#),
                ]
            }
        }
        // Segments, bytes of bits and batches end at other places each.
        let ends = [0, 3, 13, 1000, 4099, 9000, 9500]
        for (from, end) in zip(ends, ends.dropFirst()) { try WaitingRowsTests.put(from..<end, all, collection) }
        try collection.remove((0..<9500).filter { $0 % 7 == 3 }.map { .number(UInt64($0)) })
        #expect(collection.current.vectors[0].waiting.rows == 0..<9500)
        let withCodes = try results()
        try collection.close()
        collection = try PointCollection.open(directory.path("points"), CollectionOptions(durability: .none))
        #expect(collection.current.vectors[0].waiting.rows.isEmpty)
        let without = try results()
        #expect(withCodes.map { $0.map(\.row) } == without.map { $0.map(\.row) })
        #expect(withCodes.map { $0.map(\.distance) } == without.map { $0.map(\.distance) })
        // Rows without codes before some with them.
        let more = vectors(200, seed: 3)
        try collection.put((0..<200).map { .number(20_000 + $0) }, more)
        #expect(collection.current.vectors[0].waiting.rows == 9500..<9700)
        for (i, vector) in more.enumerated() { #expect(try collection.near(vector, 1).numbers == [UInt64(20_000 + i)]) }
        for i in stride(from: 0, to: 9500, by: 97) where i % 7 != 3 {
            #expect(try collection.near(all[i], 1).numbers == [UInt64(i)])
        }
    }

    @Test("the blocks of any rows have each of them once, in order")
    func blocks() throws {
        let collection = try make()
        try WaitingRowsTests.put(0..<9000, vectors(9000, seed: 4), collection)
        let file = collection.current.store.files[0]
        let context = try ScanContext(
            table: collection.table, metric: .cosine, type: .float32, dimension: WaitingRowsTests.dimension)
        var random = Random(seed: 5)
        for _ in 0..<300 {
            var waiting = WaitingRows()
            let first = random.below(3000), last = first + random.below(6000)
            var row = first
            while row < last {
                let next = min(last, row + 1 + random.below(3000))
                try waiting.append(row..<next, file, context, indexedRows: random.below(row + 1))
                row = next
            }
            for isMasked in [false, true] {
                let start = isMasked ? random.below(9000) & ~63 : random.below(9000)
                let range = start..<(start + random.below(9001 - start))
                var at = range.lowerBound
                for block in waiting.blocks(range, file, isMasked: isMasked) {
                    try #require(Int(block.firstID) == at && block.count > 0)
                    try #require(!isMasked || at % 8 == 0)
                    try #require(block.rows == file.row(at))
                    at += block.count
                }
                try #require(at == range.upperBound || range.isEmpty)
            }
        }
    }

    @Test("codes are let go when the graph has their rows, and are not kept of more than there is memory for")
    func bounded() throws {
        let collection = try make()
        try WaitingRowsTests.put(0..<9000, vectors(9000, seed: 6), collection)
        let file = collection.current.store.files[0]
        let context = try ScanContext(
            table: collection.table, metric: .cosine, type: .float32, dimension: WaitingRowsTests.dimension)
        var waiting = WaitingRows()
        try waiting.append(0..<4500, file, context, indexedRows: 0)
        let bytes = waiting.bytes
        try waiting.append(4500..<9000, file, context, indexedRows: 4200)
        #expect(waiting.rows == 4096..<9000)
        #expect(waiting.bytes == bytes)
        // Rows that came without: the next have none before the graph has these.
        try waiting.append(9010..<9020, file, context, indexedRows: 8999)
        #expect(waiting.rows.upperBound == 9000)
        try waiting.append(8000..<8100, file, context, indexedRows: 9000)
        #expect(waiting.rows == 8000..<8100)
    }

    @Test func whileSearchesGoOnTheGraphKeepsUpWithWriters() throws {
        let collection = try make(.hnsw)
        let all = vectors(12_000, seed: 7)
        try WaitingRowsTests.put(0..<3000, all, collection)
        try collection.optimize()
        let failures = Failures()
        let isOver = Atomic<Bool>(false)
        DispatchQueue.concurrentPerform(iterations: 2) { task in
            failures.run {
                if task == 0 {
                    while !isOver.load(ordering: .acquiring) { _ = try collection.near(all[0]) }
                } else {
                    defer { isOver.store(true, ordering: .releasing) }
                    for from in stride(from: 3000, to: 12_000, by: 500) { try WaitingRowsTests.put(from..<(from + 500), all, collection) }
                }
            }
        }
        #expect(failures.all.isEmpty)
        let state = collection.current
        #expect(state.rowCount - state.vectors[0].indexedRows <= 1024 + 2 * 500)
    }

    @Test func writersWaitForNobodyWhereThereAreNoSearches() throws {
        let collection = try make(.hnsw)
        let all = vectors(3000, seed: 8)
        try WaitingRowsTests.put(0..<2500, all, collection)
        try collection.optimize()
        collection.indexer?.stop()
        _ = try collection.near(all[0])
        // Nor where there is nobody to wait for.
        for from in stride(from: 2500, to: 3000, by: 5) { try WaitingRowsTests.put(from..<(from + 5), all, collection) }
        #expect(try collection.count() == 3000)
    }
}
