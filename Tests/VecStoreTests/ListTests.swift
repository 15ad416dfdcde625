// An inverted file, as a Swift program uses it.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecStore

private let listStorages: [Index.Storage] = [.auto, .float32, .float16, .bfloat16, .pq, .binary]

@Suite("An inverted file in Swift")
struct ListTests {
    private static let dimension = TestRows.dimension

    private static func lists(_ count: Int, _ design: Index.Design = .ivf()) throws -> Index {
        let index = try Index(design, dimension: dimension)
        try index.add(TestRows.near(count, seed: 2))
        return index
    }

    private static func exact(_ count: Int) throws -> Index { try lists(count, .flat) }

    // MARK: - Making

    @Test("an inverted file has the options that it was made with, or the defaults")
    func options() throws {
        let plain = try Index(.ivf(), dimension: 30)
        #expect(plain.kind == .ivf)
        #expect(plain.stats.graph == nil)
        let defaults = try #require(plain.stats.lists)
        #expect(defaults.nlist == nil)
        #expect(defaults.defaultProbes == nil)
        #expect(defaults.storage == .auto)
        #expect(defaults.exactType == .float32)
        #expect(defaults.assignments == 1)
        #expect(defaults.trainedCount == 0)
        let other = try Index(
            .ivf(nlist: 40, storage: .pq, rescore: .float16, pqM: 5, bits: 4, assignments: 2, seed: 9), dimension: 30,
            metric: .cosine, capacity: 100)
        let made = try #require(other.stats.lists)
        #expect(made.nlist == 40)
        #expect(made.defaultProbes == 3)
        #expect(made.storage == .pq)
        #expect(made.exactType == .float16)
        #expect(made.assignments == 2)
        #expect(try Index(.ivf(storage: .binary, rescore: .none), dimension: 3).stats.lists?.exactType == nil)
        #expect(try Index(.hnsw(), dimension: 3).stats.lists == nil)
        #expect(try Index(.flat, dimension: 3).stats.lists == nil)
    }

    @Test("numbers that cannot be are refused", arguments: [Int.min, -1, 0, 1_048_577, Int.max])
    func badNumbers(number: Int) {
        expect(.invalidArgument) { _ = try Index(.ivf(nlist: number), dimension: 3) }
        expect(.invalidArgument) { _ = try Index(.ivf(assignments: number), dimension: 3) }
        expect(.invalidArgument) { _ = try Index(.ivf(storage: .pq, pqM: number), dimension: 3) }
        expect(.invalidArgument) { _ = try Index(.ivf(storage: .pq, bits: number), dimension: 3) }
        expect(.invalidArgument) { _ = try Index(.ivf(storage: .binary, bits: number), dimension: 3) }
        if number < 0 { expect(.invalidArgument) { _ = try Index(.ivf(), dimension: 3, capacity: number) } }
    }

    @Test("options that do not go together are refused")
    func unsupported() {
        expect(.unsupported) { _ = try Index(.ivf(), dimension: 3, metric: .l1) }
        expect(.unsupported) { _ = try Index(.ivf(), dimension: 3, metric: .hamming, elementType: .bits) }
        expect(.unsupported) { _ = try Index(.ivf(storage: .binary, bits: 7), dimension: 3) }
        expect(.invalidArgument) { _ = try Index(.ivf(storage: .int4, rotation: .opq), dimension: 3) }
        expect(.unsupported) { _ = try Index(.ivf(storage: .pq), dimension: 3, elementType: .int8) }
        expect(.unsupported) { _ = try Index(.ivf(storage: .float16), dimension: 3, elementType: .bfloat16) }
        expect(.unsupported) { _ = try Index(.ivf(rescore: .none), dimension: 3) }
        expect(.unsupported) { _ = try Index(.ivf(storage: .pq, rescore: .float32), dimension: 3, elementType: .float16) }
        expect(.invalidArgument) { _ = try Index(.ivf(pqM: 2), dimension: 3) }
        expect(.invalidArgument) { _ = try Index(.ivf(bits: 4), dimension: 3) }
        expect(.invalidArgument) { _ = try Index(.ivf(nlist: 1, assignments: 2), dimension: 3) }
        expect(.invalidArgument) { _ = try Index(.ivf(), dimension: 3, exactCodes: true) }
        expect(.tooLarge) { _ = try Index(.ivf(), dimension: 3, capacity: .max) }
    }

    // MARK: - Training

    @Test("training makes lists, and adding goes by them")
    func train() throws {
        let index = try Index(.ivf(nlist: 20), dimension: ListTests.dimension)
        try index.train(TestRows.near(1500, seed: 4))
        #expect(index.count == 0)
        #expect(index.stats.lists?.trainedCount == 1500)
        try index.train(flat: TestRows.near(1000, seed: 5).flatMap { $0 }, threads: 1)
        #expect(index.stats.lists?.trainedCount == 1000)
        try index.add(TestRows.near(100, seed: 2))
        #expect(index.stats.lists?.trainedCount == 1000)
        #expect(index.stats.lists?.nlist == 20)
        try index.verify()
        expect(.unsupported) { try index.train(TestRows.near(1000, seed: 5)) }
    }

    @Test("an index that was not trained is trained on the first rows")
    func trainsItself() throws {
        let index = try ListTests.lists(3000)
        let lists = try #require(index.stats.lists)
        #expect(lists.trainedCount == 3000)
        #expect(lists.nlist == 64)
        #expect(lists.defaultProbes == 4)
        #expect(lists.longestList >= 3000 / 64)
        #expect(lists.imbalance >= 1)
        #expect(lists.bytesPerRow > 0)
    }

    @Test("training tells how far it has come, and can be cancelled")
    func progress() throws {
        let index = try Index(.ivf(nlist: 20), dimension: ListTests.dimension)
        let rows = TestRows.near(1000, seed: 4)
        expect(.cancelled) { try index.train(rows, progress: { _, _ in false }) }
        #expect(index.stats.lists?.trainedCount == 0)
        var calls = 0
        try index.train(rows) { done, total in
            calls += 1
            return done <= total
        }
        #expect(calls > 0)
        #expect(index.stats.lists?.trainedCount == 1000)
    }

    @Test("what cannot be trained on is refused, and nothing changes")
    func notTrained() throws {
        let index = try Index(.ivf(nlist: 20), dimension: ListTests.dimension)
        let rows = TestRows.near(20, seed: 4)
        expect(.invalidArgument) { try index.train([] as [[Float]]) }
        expect(.invalidArgument) { try index.train(Array(rows.prefix(19))) }
        expect(.invalidArgument) { try index.train([[1]] as [[Float]]) }
        expect(.invalidArgument) { try index.train(flat: [1] as [Float]) }
        expect(.invalidArgument) { try index.train(rows, threads: -1) }
        expect(.unsupported) { try index.train(rows.map { $0.map { Int8($0) } }) }
        expect(.notFinite) { try index.train(rows.dropLast() + [[Float](repeating: .nan, count: ListTests.dimension)]) }
        expect(.invalidArgument) { try index.add(Array(rows.prefix(19))) }
        #expect(index.count == 0)
        #expect(index.stats.lists?.trainedCount == 0)
        try index.train(rows)
        expect(.unsupported) { try Index(.flat, dimension: ListTests.dimension).train(rows) }
        expect(.unsupported) { try Index(.hnsw(), dimension: ListTests.dimension).train(rows) }
    }

    // MARK: - Searching

    @Test("an inverted file that reads all lists finds what exact search finds", arguments: listStorages)
    func storages(storage: Index.Storage) throws {
        for assignments in 1...2 {
            let index = try ListTests.lists(3000, .ivf(storage: storage, assignments: assignments))
            let queries = TestRows.near(50, seed: 3)
            let truth = try ListTests.exact(3000).search(queries)
            #expect(recall(try index.search(queries), truth) > 0.7)
            #expect(recall(try index.search(queries, nprobe: 64), truth) > 0.97)
            #expect(try index.search(queries, nprobe: 1_048_576) == index.search(queries, nprobe: 64))
            try index.verify()
        }
    }

    @Test("more lists find no less, and threads change nothing")
    func nprobe() throws {
        let index = try ListTests.lists(3000)
        let queries = TestRows.near(50, seed: 3)
        let truth = try ListTests.exact(3000).search(queries)
        let narrow = recall(try index.search(queries, nprobe: 1), truth)
        let wide = recall(try index.search(queries, nprobe: 64), truth)
        #expect(narrow < wide)
        #expect(try index.search(queries, nprobe: 5, threads: 1) == index.search(queries, nprobe: 5, threads: 2))
        #expect(try index.search(queries) == index.search(queries, nprobe: 4))
    }

    @Test("distances are those of the vectors, unless ranking by finer rows is left out")
    func rescores() throws {
        let index = try ListTests.lists(3000, .ivf(storage: .pq))
        let query = TestRows.near(1, seed: 3)[0]
        func distance(_ id: UInt64) throws -> Float {
            zip(query, try index.vector(id) ?? []).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
        }
        for hit in try index.search(query) { #expect(abs(hit.distance - (try distance(hit.id))) < 1e-3) }
        let coarse = try index.search(query, rescores: false)
        #expect(try coarse.contains { try abs($0.distance - distance($0.id)) > 1e-3 })
        #expect(try index.search(query, nprobe: 64, oversampling: 300).count == 10)
    }

    @Test("vectors come back as they were, or nearly where codes are all that there is")
    func vectors() throws {
        let rows = TestRows.near(1000, seed: 2)
        #expect(try ListTests.lists(1000, .ivf(storage: .binary)).vector(77) == rows[77])
        let coded = try ListTests.lists(1000, .ivf(storage: .pq, rescore: .none))
        let back = try #require(try coded.vector(77))
        #expect(back != rows[77])
        let error = zip(back, rows[77]).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
        #expect(error < rows[77].map { $0 * $0 }.reduce(0, +) / 4)
        #expect(try coded.vector(1000) == nil)
    }

    @Test("filters hold in an inverted file, and reach rows in any list")
    func filters() throws {
        let index = try ListTests.lists(3000)
        let query = TestRows.near(1, seed: 3)[0]
        #expect(try index.search(query, k: 3, filter: .ids([5, 2900, 77]), nprobe: 1).count == 3)
        #expect(try index.search(query, k: 50, filter: .matching { $0 % 3 == 0 }).allSatisfy { $0.id % 3 == 0 })
        let nearest = try index.search(query, k: 20).map(\.id)
        #expect(Set(try index.search(query, k: 20, filter: .excluding(nearest)).map(\.id)).isDisjoint(with: nearest))
    }

    @Test("a range search keeps to its radius", arguments: listStorages)
    func range(storage: Index.Storage) throws {
        let index = try ListTests.lists(3000, .ivf(storage: storage))
        let query = TestRows.near(1, seed: 3)[0]
        let tenth = try #require(try index.search(query, nprobe: 64).last)
        let within = try index.search(query, within: tenth.distance, nprobe: 64)
        #expect(within.count >= 10)
        #expect(within.allSatisfy { $0.distance <= tenth.distance })
        #expect(try index.search(query, within: tenth.distance, nprobe: 1).count <= within.count)
    }

    @Test("an index without rows has no results")
    func empty() throws {
        let index = try Index(.ivf(), dimension: ListTests.dimension)
        let query = TestRows.near(1, seed: 3)[0]
        #expect(try index.search(query).isEmpty)
        #expect(try index.search(query, within: .infinity).isEmpty)
        try index.train(TestRows.near(100, seed: 2))
        #expect(try index.search(query).isEmpty)
    }

    @Test("settings of a search out of range are refused by every kind")
    func badSettings() throws {
        let query = TestRows.near(1, seed: 3)[0]
        for design in [.flat, .hnsw(), .ivf()] as [Index.Design] {
            let index = try ListTests.lists(10, design)
            for number in [Int.min, -1, 0, 1_048_577, Int.max] {
                expect(.invalidArgument) { _ = try index.search(query, nprobe: number) }
                expect(.invalidArgument) { _ = try index.search(query, within: 1, nprobe: number) }
            }
            #expect(try index.search(query, k: 1, nprobe: 1_048_576).count == 1)
        }
        let index = try ListTests.lists(10)
        expect(.invalidArgument) { _ = try index.search(query, targetRecall: 0.9) }
    }

    @Test("a calibrated index reads the lists that its recall needs")
    func calibrated() throws {
        let index = try ListTests.lists(3000, .ivf(nlist: 50))
        let query = TestRows.near(1, seed: 3)[0]
        let found = try index.calibrate(queries: TestRows.near(100, seed: 3), recall: 0.9)
        #expect(found.recall >= 0.9 && found.efSearch == 0 && (1...50).contains(found.nprobe))
        #expect(index.stats.lists?.calibration == found)
        #expect(try index.search(query, targetRecall: 0.9) == index.search(query, nprobe: found.nprobe))
        expect(.invalidArgument) { _ = try index.search(query, nprobe: 1, targetRecall: 0.9) }
        expect(.unsupported) { try ListTests.lists(3000, .ivf(storage: .pq, rescore: .none)).calibrate() }
    }

    // MARK: - Changing

    @Test("rows are replaced and removed; the others stay where they can be found", arguments: listStorages)
    func changes(storage: Index.Storage) throws {
        let index = try ListTests.lists(3000, .ivf(storage: storage, assignments: 2))
        let fresh = TestRows.near(10, seed: 6)
        try index.update(Array(0..<10), fresh)
        for (id, row) in zip(0..., fresh) { #expect(try index.search(row, k: 1)[0].id == UInt64(id)) }
        #expect(try index.remove(Array(10..<1510)) == 1500)
        try index.verify()
        try index.compact()
        #expect(index.stats.removedCount == 0)
        try index.optimize(progress: { done, total in done <= total })
        #expect(Set(index.ids) == Set(0..<10).union(1510..<3000))
        try index.verify()
        for (id, row) in zip(0..., fresh) { #expect(try index.search(row, k: 1)[0].id == UInt64(id)) }
    }

    @Test("searches beside writers see whole batches")
    func concurrently() async throws {
        let index = try ListTests.lists(1000)
        let more = TestRows.near(50, seed: 7), query = TestRows.near(1, seed: 3)[0]
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<20 {
                    let ids = try index.add(more, threads: 1)
                    try index.remove(ids)
                }
            }
            group.addTask {
                for _ in 0..<40 {
                    let found = try index.search(query, k: 1100, nprobe: 64, threads: 1).count
                    #expect(found == 1000 || found == 1050)
                }
            }
            try await group.waitForAll()
        }
        #expect(index.count == 1000)
        try index.verify()
    }

    // MARK: - Files

    @Test("an inverted file is saved, mapped and loaded: the same kind, the same answers", arguments: listStorages)
    func files(storage: Index.Storage) throws {
        let index = try ListTests.lists(2000, .ivf(storage: storage, assignments: 2))
        let queries = TestRows.near(20, seed: 3)
        try withPath { path in
            try index.save(to: path)
            for load in [false, true] {
                let opened = try Index(opening: path, load: load, verify: true)
                #expect(opened.kind == .ivf)
                #expect(opened.isReadOnly != load)
                #expect(opened.stats.lists == index.stats.lists)
                #expect(try opened.search(queries) == index.search(queries))
            }
            let mapped = try Index(opening: path)
            expect(.readOnly) { try mapped.add(TestRows.near(1, seed: 4)) }
            expect(.readOnly) { try mapped.train(TestRows.near(100, seed: 4)) }
            expect(.readOnly) { try mapped.compact() }
        }
    }
}
