// A graph index, as a Swift program uses it.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecStore

@Suite("A graph index in Swift")
struct GraphTests {
    private static func graph(_ count: Int, _ design: Index.Design = .hnsw()) throws -> Index {
        let index = try Index(design, dimension: TestRows.dimension)
        try index.add(TestRows.near(count, seed: 2))
        return index
    }

    // MARK: - Making

    @Test("a graph has the options that it was made with, or the defaults")
    func options() throws {
        let plain = try Index(.hnsw(), dimension: 3)
        #expect(plain.kind == .hnsw)
        #expect(plain.stats.graph?.m == 16)
        #expect(plain.stats.graph?.efConstruction == 200)
        #expect(plain.stats.graph?.storage == .auto)
        #expect(plain.stats.graph?.calibration == nil)
        let other = try Index(
            .hnsw(m: 5, efConstruction: 70, storage: .float16, rescore: .none, seed: 9), dimension: 3, metric: .cosine,
            capacity: 100)
        #expect(other.stats.graph?.m == 5)
        #expect(other.stats.graph?.efConstruction == 70)
        #expect(other.stats.graph?.storage == .float16)
        #expect(other.stats.graph?.exactType == .float16)
        #expect(other.metric == .cosine)
    }

    @Test("a flat index says so, and takes its option in two places")
    func flat() throws {
        #expect(try Index(dimension: 64).kind == .flat)
        #expect(try Index(dimension: 64).stats.graph == nil)
        #expect(try Index(dimension: 64).stats.keepsExactCodes)
        #expect(try !Index(.flat(exactCodes: false), dimension: 64).stats.keepsExactCodes)
        #expect(try !Index(.flat, dimension: 64, exactCodes: false).stats.keepsExactCodes)
        #expect(try Index(.flat(exactCodes: true), dimension: 8, exactCodes: true).stats.keepsExactCodes)
        expect(.invalidArgument) { _ = try Index(.flat(exactCodes: true), dimension: 8, exactCodes: false) }
    }

    @Test("options that cannot be are refused", arguments: [Int.min, -1, 0, 1, 257, Int.max])
    func badNumbers(number: Int) {
        expect(.invalidArgument) { _ = try Index(.hnsw(m: number), dimension: 3) }
        if number < 1 || number > 1_048_576 {
            expect(.invalidArgument) { _ = try Index(.hnsw(efConstruction: number), dimension: 3) }
        }
        if number < 0 { expect(.invalidArgument) { _ = try Index(.hnsw(), dimension: 3, capacity: number) } }
    }

    @Test("options that do not go together are refused")
    func unsupported() {
        expect(.unsupported) { _ = try Index(.hnsw(storage: .int8), dimension: 3, metric: .l1) }
        expect(.unsupported) { _ = try Index(.hnsw(storage: .int4), dimension: 3, metric: .l1) }
        expect(.unsupported) { _ = try Index(.hnsw(storage: .float16), dimension: 3, elementType: .uint8) }
        expect(.unsupported) { _ = try Index(.hnsw(storage: .float32), dimension: 3, elementType: .float16) }
        expect(.unsupported) { _ = try Index(.hnsw(storage: .pq), dimension: 3) }
        expect(.unsupported) { _ = try Index(.hnsw(storage: .binary), dimension: 3) }
        expect(.unsupported) { _ = try Index(.hnsw(rescore: .float32), dimension: 3, elementType: .bfloat16) }
        expect(.unsupported) { _ = try Index(.hnsw(), dimension: 3, metric: .hamming) }
        expect(.invalidArgument) { _ = try Index(.hnsw(), dimension: 3, exactCodes: true) }
        expect(.tooLarge) { _ = try Index(.hnsw(), dimension: 3, capacity: .max) }
    }

    // MARK: - Searching

    @Test(
        "a graph finds nearly what exact search finds",
        arguments: [Index.Storage.auto, .float32, .float16, .bfloat16, .int8, .int4])
    func storages(storage: Index.Storage) throws {
        let index = try GraphTests.graph(3000, .hnsw(storage: storage))
        let exact = try GraphTests.graph(3000, .flat)
        let queries = TestRows.near(50, seed: 3)
        let truth = try exact.search(queries)
        #expect(recall(try index.search(queries), truth) > 0.9)
        #expect(recall(try index.search(queries, efSearch: 500), truth) > 0.98)
        try index.verify()
    }

    @Test("a wider view finds no less, and threads change nothing")
    func efSearch() throws {
        let index = try GraphTests.graph(3000, .hnsw(m: 4, efConstruction: 20))
        let truth = try GraphTests.graph(3000, .flat).search(TestRows.near(50, seed: 3))
        let queries = TestRows.near(50, seed: 3)
        let narrow = recall(try index.search(queries, efSearch: 10), truth)
        let wide = recall(try index.search(queries, efSearch: 1000), truth)
        #expect(narrow < wide)
        #expect(try index.search(queries, efSearch: 10, threads: 1) == index.search(queries, efSearch: 10, threads: 2))
    }

    @Test("distances are those of the vectors, unless ranking by finer rows is left out")
    func rescores() throws {
        let index = try GraphTests.graph(3000, .hnsw(storage: .int8))
        let query = TestRows.near(1, seed: 3)[0]
        func distance(_ id: UInt64) throws -> Float {
            zip(query, try index.vector(id) ?? []).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
        }
        for hit in try index.search(query) { #expect(abs(hit.distance - (try distance(hit.id))) < 1e-3) }
        let coarse = try index.search(query, rescores: false)
        #expect(try coarse.contains { try abs($0.distance - distance($0.id)) > 1e-3 })
        #expect(try index.search(query, oversampling: 3).map(\.id) == index.search(query).map(\.id))
    }

    @Test("filters hold in a graph")
    func filters() throws {
        let index = try GraphTests.graph(3000)
        let query = TestRows.near(1, seed: 3)[0]
        #expect(try index.search(query, k: 3, filter: .ids([5, 2900, 77])).count == 3)
        #expect(try index.search(query, k: 50, filter: .matching { $0 % 3 == 0 }).allSatisfy { $0.id % 3 == 0 })
        let nearest = try index.search(query, k: 20).map(\.id)
        #expect(Set(try index.search(query, k: 20, filter: .excluding(nearest)).map(\.id)).isDisjoint(with: nearest))
    }

    @Test("a range search keeps to its radius")
    func range() throws {
        let index = try GraphTests.graph(3000)
        let query = TestRows.near(1, seed: 3)[0]
        let tenth = try #require(try index.search(query).last)
        let within = try index.search(query, within: tenth.distance, efSearch: 200)
        #expect(within.count >= 10)
        #expect(within.allSatisfy { $0.distance <= tenth.distance })
    }

    @Test("settings of a search out of range are refused by either kind")
    func badSettings() throws {
        for index in [try GraphTests.graph(10), try GraphTests.graph(10, .flat)] {
            let query = TestRows.near(1, seed: 3)[0]
            for ef in [Int.min, -1, 0, 1_048_577, Int.max] {
                expect(.invalidArgument) { _ = try index.search(query, efSearch: ef) }
                expect(.invalidArgument) { _ = try index.search(query, within: 1, efSearch: ef) }
            }
            for recall in [-1, 0, 1.1, .nan, .infinity] as [Float] {
                expect(.invalidArgument) { _ = try index.search(query, targetRecall: recall) }
            }
            for factor in [-1, 0, 0.9, .nan, .infinity] as [Float] {
                expect(.invalidArgument) { _ = try index.search(query, oversampling: factor) }
            }
            expect(.invalidArgument) { _ = try index.search(query, efSearch: 10, targetRecall: 0.9) }
            #expect(try index.search(query, oversampling: .greatestFiniteMagnitude).count == 10)
        }
    }

    // MARK: - Calibrating

    @Test("a calibrated index reaches the recall that it was asked for")
    func calibrated() throws {
        let index = try GraphTests.graph(3000, .hnsw(m: 4, efConstruction: 20))
        let queries = TestRows.near(100, seed: 3)
        let found = try index.calibrate(queries: queries, recall: 0.97)
        #expect(found.k == 10)
        #expect(found.targetRecall == 0.97)
        #expect(found.recall >= 0.97)
        #expect(!found.usesOwnRows)
        #expect(index.stats.graph?.calibration == found)
        let truth = try GraphTests.graph(3000, .flat).search(queries)
        #expect(recall(try index.search(queries, targetRecall: 0.97), truth) > 0.96)
        #expect(try index.search(queries, targetRecall: 0.5) == index.search(queries, efSearch: found.efSearch))
        expect(.invalidArgument) { _ = try index.search(queries, targetRecall: 0.98) }
        #expect(try index.calibrate().usesOwnRows)
    }

    @Test("what cannot be calibrated is refused")
    func notCalibrated() throws {
        let index = try GraphTests.graph(10)
        expect(.unsupported) { try GraphTests.graph(10, .flat).calibrate() }
        expect(.invalidArgument) { try Index(.hnsw(), dimension: 3).calibrate() }
        expect(.invalidArgument) { try index.calibrate(queries: [] as [[Float]]) }
        expect(.invalidArgument) { try index.calibrate(queries: [[1]] as [[Float]]) }
        expect(.invalidArgument) { try index.calibrate(k: 0) }
        expect(.invalidArgument) { try index.calibrate(threads: -1) }
        for recall in [-1, 0, 1.1, .nan] as [Float] { expect(.invalidArgument) { try index.calibrate(recall: recall) } }
        expect(.invalidArgument) { _ = try index.search(TestRows.near(1, seed: 3)[0], targetRecall: 0.9) }
        #expect(index.stats.graph?.calibration == nil)
    }

    // MARK: - Changing

    @Test("adding tells how far it has come, and a cancelled call adds nothing")
    func progress() throws {
        let index = try GraphTests.graph(100)
        var told: [Int] = []
        try index.add(TestRows.near(50, seed: 4)) { done, total in
            #expect(total == 50)
            told.append(done)
            return true
        }
        #expect(told.last == 50)
        #expect(index.count == 150)
        expect(.cancelled) { try index.add(TestRows.near(50, seed: 5), progress: { _, _ in false }) }
        #expect(index.count == 150)
        try index.verify()
        let flat = try GraphTests.graph(10, .flat)
        expect(.cancelled) { try flat.add(TestRows.near(5, seed: 5), progress: { _, _ in false }) }
        #expect(flat.count == 10)
    }

    @Test("rows are replaced and removed; the others stay where they can be found")
    func changes() throws {
        let index = try GraphTests.graph(3000)
        let fresh = TestRows.near(10, seed: 6)
        try index.update(Array(0..<10), fresh)
        for (id, row) in zip(0..., fresh) { #expect(try index.search(row, k: 1)[0].id == UInt64(id)) }
        #expect(try index.remove(Array(10..<1510)) == 1500)
        try index.verify()
        try index.compact()
        #expect(index.stats.removedCount == 0)
        expect(.cancelled) { try index.optimize(progress: { _, _ in false }) }
        try index.optimize(threads: 2, progress: { done, total in done <= total })
        #expect(Set(index.ids) == Set(0..<10).union(1510..<3000))
        try index.verify()
        for (id, row) in zip(0..., fresh) { #expect(try index.search(row, k: 1)[0].id == UInt64(id)) }
    }

    @Test("several threads add at once")
    func concurrently() async throws {
        let index = try Index(.hnsw(), dimension: TestRows.dimension)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<4 {
                group.addTask {
                    let ids = (0..<100).map { UInt64(1000 * part + $0) }
                    try index.add(TestRows.near(100, seed: UInt64(10 + part)), ids: ids, threads: 1)
                }
            }
            try await group.waitForAll()
        }
        #expect(index.count == 400)
        try index.verify()
    }

    // MARK: - Files

    @Test("a graph is saved, mapped and loaded: the same kind, the same answers, the calibration too")
    func files() throws {
        let index = try GraphTests.graph(3000)
        let calibration = try index.calibrate(recall: 0.9)
        let queries = TestRows.near(20, seed: 3)
        try withPath { path in
            try index.save(to: path)
            for load in [false, true] {
                let opened = try Index(opening: path, load: load, verify: true)
                #expect(opened.kind == .hnsw)
                #expect(opened.isReadOnly != load)
                #expect(opened.stats.graph?.calibration == calibration)
                #expect((opened.stats.mappedBytes > 0) != load)
                #expect(try opened.search(queries) == index.search(queries))
                #expect(try opened.search(queries, targetRecall: 0.9) == index.search(queries, targetRecall: 0.9))
            }
            let mapped = try Index(opening: path)
            expect(.readOnly) { try mapped.add(TestRows.near(1, seed: 4)) }
            expect(.readOnly) { try mapped.optimize() }
            expect(.readOnly) { try mapped.calibrate() }
        }
    }

    @Test("stats count rows, removed rows and memory, and tell the next id")
    func stats() throws {
        let index = try GraphTests.graph(100)
        #expect(index.stats.count == 100)
        #expect(index.stats.nextID == 100)
        #expect(index.stats.memoryBytes == index.memoryBytes)
        #expect(try index.remove([5, 6]) == 2)
        #expect(index.stats.count == 98)
        #expect(index.stats.removedCount == 2)
        try index.add(TestRows.near(1, seed: 4), ids: [.max - 1])
        #expect(index.stats.nextID == nil)
        expect(.tooLarge) { try index.add(TestRows.near(1, seed: 4)) }
    }
}
