// Graphs whose finer rows lie outside, in memory of somebody else.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

/// Memory for rows, which some are in.
private struct Outside: Sendable {
    let rows: ExternalRows
    private let memory: Buffer

    /// - Parameters:
    ///   - gap: Bytes between a row and the next.
    ///   - room: Rows that there is memory for; nil: as many as there are.
    init(_ vectors: Vectors, gap: Int = 0, room: Int? = nil, count: Int? = nil) throws {
        let stride = vectors.rowSize + gap
        memory = try allocate(UInt8.self, stride * max(room ?? vectors.count, 1), for: "rows")
        rows = try ExternalRows(
            memory.base, type: vectors.type, dimension: vectors.dimension, stride: stride, count: 0, owner: memory)
        try append(vectors.picked(0..<(count ?? vectors.count)))
    }

    func append(_ vectors: Vectors) throws {
        for i in 0..<vectors.count {
            let row = Array(vectors.bytes[(i * vectors.rowSize)..<((i + 1) * vectors.rowSize)])
            memory.base.advanced(by: (rows.count + i) * rows.stride).copyMemory(from: row, byteCount: row.count)
        }
        try rows.grow(to: rows.count + vectors.count)
    }
}

/// Two graphs of the same rows, one with the finer ones inside and one with them outside.
private struct Pair {
    let inside: HNSWIndex
    let outside: HNSWIndex
    let queries: Vectors
    let vectors: Vectors
    let external: Outside

    /// Adds to both, under ids in no order, of which each is the number of a vector.
    func add(_ ids: [Int]) throws {
        for index in [inside, outside] { try index.add(vectors.picked(ids), ids: ids.map { UInt64($0) }) }
    }

    /// Expects that both answer everything with the same bits.
    func expectSame(_ outside: HNSWIndex? = nil, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let outside = outside ?? self.outside
        func expectSame(_ search: (HNSWIndex) throws -> [[Hit]]) throws {
            #expect(Results.difference(try search(outside), try search(inside)) == nil, sourceLocation: sourceLocation)
        }
        try expectSame { try $0.search(queries, k: 10) }
        try expectSame { try $0.search(queries, k: 10, SearchOptions(efSearch: 30, rescores: false)) }
        try expectSame { try $0.search(queries, k: 10, SearchOptions(oversampling: 2)) }
        try expectSame { try $0.search(queries, k: 10, filter: RowFilter(.callback { $0 % 3 == 0 })) }
        try expectSame { try $0.search(queries, k: 10, filter: RowFilter(.callback { $0 % 500 == 0 })) }
        let radius = try inside.search(queries, k: 10)[0][9].distance
        try expectSame { try $0.searchRange(queries, radius: radius) }
        #expect(outside.ids() == inside.ids(), sourceLocation: sourceLocation)
        #expect(try outside.get(outside.ids()) == inside.get(inside.ids()), sourceLocation: sourceLocation)
        #expect(outside.graphStats.exactType == inside.graphStats.exactType, sourceLocation: sourceLocation)
        #expect(outside.graphStats.storage == inside.graphStats.storage, sourceLocation: sourceLocation)
    }
}

@Suite("Rows outside of a graph")
struct ExternalRowsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var metric = Metric.l2Squared
        var type = ElementType.float32
        var storage = GraphStorage.int8
        var rescore = RescoreRows.asAdded

        /// The type of the rows outside.
        var external: ElementType { rescore == .float16 ? .float16 : type }
        var testDescription: String { "\(metric.name) \(type.name) \(storage.name) \(external.name)" }
    }

    static let cases: [Case] =
        [Metric.l2Squared, .innerProduct, .cosine].flatMap { metric in
            [ElementType.float32, .float16].map { Case(metric: metric, type: $0) }
        } + [
            Case(metric: .cosine, rescore: .float16), Case(metric: .innerProduct, type: .bfloat16),
            Case(metric: .cosine, storage: .int4), Case(storage: .int4, rescore: .float16),
        ]

    private static func pair(_ one: Case, rows: Int, dimension: Int = 100, gap: Int = 0) throws -> Pair {
        let data = DataSet.clusters.make(rows: rows, queries: 20, dimension: dimension, type: one.type, seed: 721)
        return try pair(one, data, gap: gap)
    }

    private static func pair(_ one: Case, _ data: (rows: Vectors, queries: Vectors), gap: Int = 0) throws -> Pair {
        // Rounded to 16 bits as the index does it.
        let floats = data.rows.values.map { Float($0) }
        let dimension = data.rows.dimension
        let finer = one.external == one.type ? data.rows : Vectors(floats, dimension: dimension, type: one.external)
        let external = try Outside(finer, gap: gap)
        func options(_ external: ExternalRows?) -> HNSWOptions {
            HNSWOptions(
                dimension: dimension, metric: one.metric, type: one.type, storage: one.storage, rescore: one.rescore,
                m: 5, efConstruction: 16, seed: 3, externalRows: external)
        }
        return Pair(
            inside: try HNSWIndex(options(nil)), outside: try HNSWIndex(options(external.rows)), queries: data.queries,
            vectors: data.rows, external: external)
    }

    private static func shuffled(_ range: Range<Int>) -> [Int] {
        var random = Random(seed: 722)
        return range.shuffled(using: &random)
    }

    // MARK: - The same as with rows inside

    @Test("results are those of an index with rows inside, before codes are trained and after", arguments: cases)
    func sameResults(one: Case) throws {
        let pair = try ExternalRowsTests.pair(one, rows: 2300)
        try pair.add(ExternalRowsTests.shuffled(0..<400))
        try pair.expectSame()
        try pair.add(ExternalRowsTests.shuffled(400..<2200))
        #expect(pair.outside.store.external != nil, "codes were trained")
        try pair.expectSame()
        let gone = stride(from: 0, to: 2200, by: 7).map { UInt64($0) }
        for index in [pair.inside, pair.outside] { #expect(try index.remove(gone) == gone.count) }
        try pair.expectSame()
        try pair.add(ExternalRowsTests.shuffled(2200..<2300))
        for index in [pair.inside, pair.outside] { try index.compact() }
        try pair.expectSame()
        for index in [pair.inside, pair.outside] { try index.optimize(threads: 1) }
        try pair.expectSame()
        let found = try [pair.inside, pair.outside].map { try $0.calibrate(pair.queries, k: 5, recall: 0.5) }
        #expect(found[0].efSearch == found[1].efSearch && found[0].recall == found[1].recall)
        try pair.outside.verify()
    }

    @Test("rows may have gaps between them")
    func gaps() throws {
        let pair = try ExternalRowsTests.pair(Case(metric: .cosine), rows: 2100, dimension: 7, gap: 20)
        try pair.add(ExternalRowsTests.shuffled(0..<2100))
        try pair.expectSame()
    }

    @Test(
        "where codes lose too much the walk has rows of its own, and results are ranked by the finer ones",
        arguments: [ElementType.float32, .float16])
    func hardOnCodes(type: ElementType) throws {
        let data = GraphData.hardOnCodes(rows: 2160, queries: 20, dimension: 24, seed: 723)
        func cast(_ vectors: Vectors) -> Vectors {
            Vectors(vectors.values.map { Float($0) }, dimension: 24, type: type)
        }
        let pair = try ExternalRowsTests.pair(Case(type: type, storage: .auto), (cast(data.rows), cast(data.queries)))
        try pair.add(ExternalRowsTests.shuffled(0..<2160))
        #expect(pair.outside.graphStats.storage == .float16)
        // The rows of the walk are the finest themselves where they are of that type.
        #expect((pair.outside.store.external != nil) == (type == .float32))
        try pair.expectSame()
        let directory = try TemporaryDirectory()
        try pair.outside.save(to: directory.path(), sync: false)
        for load in [false, true] {
            let options = OpenOptions(load: load, verify: true, externalRows: pair.external.rows)
            try pair.expectSame(try HNSWIndex.open(directory.path(), options))
        }
    }

    @Test("codes that are trained again are those of rows outside, though rows were removed")
    func trainedAgain() throws {
        let data = DataSet.scattered.make(rows: 2400, queries: 1, dimension: 100, type: .float32, seed: 727)
        let pair = try ExternalRowsTests.pair(Case(metric: .cosine), data)
        try pair.add(ExternalRowsTests.shuffled(0..<2100))
        let codes = pair.outside.store.quantizer
        try pair.outside.remove((0..<30).map { UInt64($0 * 70) })
        #expect(!pair.outside.unlinked.isEmpty, "links lead to rows that are gone")
        pair.outside.knowledge.change { $0.trainedRows = 250 }
        let more = Array(2100..<2400)
        try pair.outside.add(pair.vectors.picked(more), ids: more.map { UInt64($0) })
        #expect(pair.outside.store.quantizer !== codes)
        #expect(pair.outside.unlinked.isEmpty, "no link leads to them any more")
        try pair.outside.verify()
        let ids = pair.outside.ids()
        #expect(ids.count == 2370)
        let rows = pair.vectors.picked(ids.map { Int($0) })
        #expect(try pair.outside.get(ids) == rows.bytes)
        let hits = try pair.outside.search(rows, k: 1, SearchOptions(efSearch: 200))
        #expect(zip(hits, ids).filter { $0.first?.id == $1 && $0.first?.distance == 0 }.count > 2350)
    }

    // MARK: - Memory and files

    @Test("neither memory nor the file has the rows", arguments: [Case(), Case(metric: .cosine, rescore: .float16)])
    func notTwice(one: Case) throws {
        let pair = try ExternalRowsTests.pair(one, rows: 2100)
        try pair.add(Array(0..<2100))
        let bytes = 2100 * one.external.rowSize(100)
        // And the table of ids is smaller.
        let saved = pair.inside.stats().memoryBytes - pair.outside.stats().memoryBytes
        #expect(saved >= bytes)
        let directory = try TemporaryDirectory()
        try pair.inside.save(to: directory.path("inside"), sync: false)
        try pair.outside.save(to: directory.path("outside"), sync: false)
        let inside = try directory.bytes("inside"), outside = try directory.bytes("outside")
        // An entry of the table is gone too, and with each section up to 63 bytes of zeros may be.
        #expect(abs(inside.count - outside.count - bytes - FileHeader.entrySize) <= FileHeader.alignment)
        #expect(inside[8] == 1 && outside[8] == 2, "an older library refuses it as newer")
        let others = try HeaderTests.decode(inside).sections.map(\.kind).filter { $0 != .fullRows }
        #expect(try HeaderTests.decode(outside).sections.map(\.kind) == others)
    }

    @Test("a file, mapped or loaded, finds the same, and is saved again byte for byte", arguments: cases)
    func opened(one: Case) throws {
        let pair = try ExternalRowsTests.pair(one, rows: 2200)
        try pair.add(ExternalRowsTests.shuffled(0..<2100))
        let directory = try TemporaryDirectory()
        try pair.outside.save(to: directory.path(), sync: false)
        for options in [
            OpenOptions(externalRows: pair.external.rows), OpenOptions(verify: true, externalRows: pair.external.rows),
            OpenOptions(load: true, externalRows: pair.external.rows),
            OpenOptions(load: true, verify: false, externalRows: pair.external.rows),
        ] {
            let opened = try HNSWIndex.open(directory.path(), options)
            try pair.expectSame(opened)
            try opened.save(to: directory.path("again"), sync: false)
            #expect(try directory.bytes("again") == directory.bytes())
        }
        let loaded = try HNSWIndex.open(directory.path(), OpenOptions(load: true, externalRows: pair.external.rows))
        let more = Array(2100..<2200)
        for index in [pair.inside, loaded] {
            try index.compact()
            try index.add(pair.vectors.picked(more), ids: more.map { UInt64($0) })
            try index.remove((0..<100).map { UInt64($0 * 5) })
        }
        try pair.expectSame(loaded)
        try loaded.verify()
    }

    @Test("a file without codes yet needs the rows too, for when there are codes")
    func grownAfterLoading() throws {
        let pair = try ExternalRowsTests.pair(Case(), rows: 2200)
        let directory = try TemporaryDirectory()
        for count in [0, 300] {
            if count > 0 { try pair.add(Array(0..<count)) }
            try pair.outside.save(to: directory.path(), sync: false)
            expectError(.invalidArgument) { _ = try HNSWIndex.open(directory.path(), OpenOptions()) }
            let mapped = try HNSWIndex.open(directory.path(), OpenOptions(externalRows: pair.external.rows))
            #expect(mapped.count == count)
        }
        let loaded = try HNSWIndex.open(directory.path(), OpenOptions(load: true, externalRows: pair.external.rows))
        let more = Array(300..<2200)
        for index in [pair.inside, loaded] { try index.add(pair.vectors.picked(more), ids: more.map { UInt64($0) }) }
        #expect(loaded.store.external != nil)
        try pair.expectSame(loaded)
    }

    // MARK: - What is refused

    @Test("a file is opened with the rows that belong to it, and with none where it has its own")
    func wrongOpens() throws {
        let pair = try ExternalRowsTests.pair(Case(rescore: .float16), rows: 2100)
        try pair.add(Array(0..<2100))
        let directory = try TemporaryDirectory()
        try pair.inside.save(to: directory.path("inside"), sync: false)
        try pair.outside.save(to: directory.path("outside"), sync: false)
        try FlatIndex(pair.vectors, metric: .l2Squared, table: .current).save(to: directory.path("flat"), sync: false)
        for load in [false, true] {
            let message = expectError(.invalidArgument) {
                _ = try openIndex(directory.path("outside"), OpenOptions(load: load))
            }
            #expect(message.contains("part of a collection"))
            for name in ["inside", "flat"] {
                expectError(.invalidArgument) {
                    _ = try openIndex(directory.path(name), OpenOptions(load: load, externalRows: pair.external.rows))
                }
            }
            for (dimension, type) in [(99, ElementType.float16), (101, .float16), (100, .float32), (100, .bfloat16)] {
                let other = DataSet.scattered.make(rows: 9, queries: 0, dimension: dimension, type: type, seed: 724)
                let rows = try Outside(other.rows).rows
                let message = expectError(.invalidArgument) {
                    _ = try openIndex(directory.path("outside"), OpenOptions(load: load, externalRows: rows))
                }
                #expect(message.contains("\(type.name) of dim \(dimension): allowed is float16 of dim 100"))
            }
        }
    }

    @Test(
        "rows lie outside only where the walk has others, and only rows of the type that results are ranked by",
        arguments: [
            (HNSWOptions(dimension: 8, storage: .float32), VecStoreError.Code.unsupported),
            (HNSWOptions(dimension: 8, storage: .float16), .unsupported),
            (HNSWOptions(dimension: 8, rescore: .none), .unsupported),
            (HNSWOptions(dimension: 8, metric: .l1), .unsupported),
            (HNSWOptions(dimension: 8, type: .int8), .unsupported),
            (HNSWOptions(dimension: 9), .invalidArgument),
            (HNSWOptions(dimension: 8, type: .float16), .invalidArgument),
            (HNSWOptions(dimension: 8, rescore: .float16), .invalidArgument),
        ])
    func wrongOptions(options: HNSWOptions, code: VecStoreError.Code) throws {
        var options = options
        options.externalRows = try Outside(Vectors([], dimension: 8, type: .float32)).rows
        expectError(code) { _ = try HNSWIndex(options) }
    }

    @Test("rows are added under ids that are there, and are not updated")
    func wrongCalls() throws {
        let pair = try ExternalRowsTests.pair(Case(), rows: 50)
        try pair.add(Array(0..<40))
        let row = pair.vectors.picked(0..<2)
        #expect(expectError(.invalidArgument) { try pair.outside.add(row) }.contains("no ids"))
        for id in [UInt64(50), 51, 1 << 40, noID - 1] {
            let message = expectError(.invalidArgument) { try pair.outside.add(row, ids: [45, id]) }
            #expect(message.contains("vector 1 has the id \(id): there are 50 rows"))
        }
        #expect(expectError(.unsupported) { try pair.outside.update([0, 1], row) }.contains("remove the id"))
        #expect(!pair.outside.contains(45))
        try pair.expectSame()
    }

    @Test("memory that cannot be that of rows is refused")
    func wrongMemory() throws {
        let memory = try allocate(UInt8.self, 100, for: "rows")
        func rows(_ offset: Int = 0, stride: Int? = nil, dimension: Int = 4, count: Int = 1) throws -> ExternalRows {
            try ExternalRows(
                memory.base + offset, type: .float32, dimension: dimension, stride: stride, count: count, owner: memory)
        }
        #expect(try rows(4).stride == 16)
        #expect(try rows(stride: 20).row(0) == UnsafeRawPointer(memory.base))
        expectError(.invalidArgument) { _ = try rows(2) }
        for stride in [0, -16, 12, 15, 18, .min, .max] {
            expectError(.invalidArgument) { _ = try rows(stride: stride) }
        }
        for dimension in [0, -1, 65_537, .max] { expectError(.invalidArgument) { _ = try rows(dimension: dimension) } }
        for count in [-1, .max, 1 << 60] { expectError(.invalidArgument) { _ = try rows(count: count) } }
    }

    // MARK: - Memory that is there

    @Test("a row is found where it is there, and nothing is where it is not; rows never become fewer")
    func lookup() throws {
        let memory = try allocate(UInt8.self, 160, for: "rows")
        let rows = try ExternalRows(memory.base, type: .float16, dimension: 5, stride: 16, count: 3, owner: memory)
        #expect(rows.row(2) == UnsafeRawPointer(memory.base + 32))
        for id in [UInt64(3), 1 << 62, 1 << 63, noID - 1, noID] { #expect(rows.row(id) == nil) }
        try rows.grow(to: 10)
        try rows.grow(to: 4)
        #expect(rows.count == 10)
        #expect(rows.row(9) == UnsafeRawPointer(memory.base + 144))
        expectError(.invalidArgument) { try rows.grow(to: .max) }
    }

    @Test("what owns the rows lives as long as the index")
    func owner() throws {
        final class Owner {}
        weak var owner: Owner?
        let vectors = DataSet.scattered.make(rows: 3, queries: 0, dimension: 4, type: .float32, seed: 725).rows
        let memory = try allocate(UInt8.self, vectors.bytes.count, for: "rows")
        func make() throws -> HNSWIndex {
            let made = Owner()
            owner = made
            return try HNSWIndex(
                HNSWOptions(
                    dimension: 4,
                    externalRows: try ExternalRows(memory.base, type: .float32, dimension: 4, count: 3, owner: made)))
        }
        var index: HNSWIndex? = try make()
        try index?.add(vectors, ids: [0, 1, 2])
        #expect(owner != nil)
        index = nil
        #expect(owner == nil)
    }

    @Test("rows are added while others search")
    func growth() throws {
        let vectors = DataSet.clusters.make(rows: 4000, queries: 20, dimension: 20, type: .float32, seed: 726)
        let external = try Outside(vectors.rows, room: 4000, count: 0)
        let index = try HNSWIndex(
            HNSWOptions(dimension: 20, storage: .int8, m: 5, efConstruction: 16, externalRows: external.rows))
        let isDone = Shared(false), problems = Shared<[String]>([])
        onThreads(3) { thread in
            do {
                if thread == 0 {
                    defer { isDone.change { $0 = true } }
                    for from in stride(from: 0, to: 4000, by: 100) {
                        let next = Array(from..<(from + 100))
                        try external.append(vectors.rows.picked(next))
                        try index.add(vectors.rows.picked(next), ids: next.map { UInt64($0) })
                        try index.remove([UInt64(from)])
                    }
                    return
                }
                while !isDone.current {
                    let hits = try index.search(vectors.queries, k: 5).joined()
                    let strange = hits.filter { $0.id >= 4000 || !$0.distance.isFinite }
                    problems.change { $0 += strange.map { "\($0)" } }
                }
            } catch {
                problems.change { $0.append("\(error)") }
            }
        }
        #expect(problems.current.isEmpty)
        try index.verify()
        #expect(index.count == 3960)
    }

    // MARK: - Damaged files

    /// Asks an index everything; nothing may crash, whatever the answers.
    private static func useAll(_ index: HNSWIndex, _ queries: Vectors) {
        _ = try? index.search(queries, k: 10)
        _ = try? index.search(queries, k: 3000)
        _ = try? index.search(queries, k: 10, SearchOptions(rescores: false))
        _ = try? index.searchRange(queries, radius: 10)
        _ = try? index.search(queries, k: 10, filter: RowFilter(.callback { $0 % 2 == 0 }))
        _ = try? index.search(queries, k: 10, filter: RowFilter(.callback { $0 % 500 == 0 }))
        for id in index.ids() { _ = try? index.get([id]) }
        _ = try? index.verify()
    }

    @Test(
        "ids of which there are no rows do no harm, and are found where every byte is checked",
        arguments: [Metric.l2Squared, .cosine])
    func strangeIDs(metric: Metric) throws {
        let pair = try ExternalRowsTests.pair(Case(metric: metric), rows: 2100)
        try pair.add(Array(0..<2100))
        let directory = try TemporaryDirectory()
        try pair.outside.save(to: directory.path(), sync: false)
        let bytes = try directory.bytes()
        func write(_ id: UInt64, at place: Int) throws {
            try directory.write(
                try rewritten(bytes, .ids) { ids in
                    ids.replaceSubrange((8 * place)..<(8 * place + 8), with: withUnsafeBytes(of: id) { Array($0) })
                })
        }
        for (id, place) in [(UInt64(2100), 2099), (1 << 45, 2099), (1 << 62, 1000), (noID - 1, 0)] {
            try write(id, at: place)
            let options = OpenOptions(verify: false, externalRows: pair.external.rows)
            let opened = try HNSWIndex.open(directory.path(), options)
            ExternalRowsTests.useAll(opened, pair.queries)
            #expect(try opened.search(pair.queries, k: 2100).allSatisfy { $0.allSatisfy { $0.id < 2100 } })
            expectError(.corrupt) { try opened.verify() }
            for load in [false, true] {
                let options = OpenOptions(load: load, verify: true, externalRows: pair.external.rows)
                expectError(.corrupt) { _ = try HNSWIndex.open(directory.path(), options) }
            }
        }
        // The ids ascend still: only that there is no such row is wrong.
        try write(2100, at: 2099)
        let options = OpenOptions(externalRows: pair.external.rows)
        let message = expectError(.corrupt) { _ = try HNSWIndex.open(directory.path(), options).get([2100]) }
        #expect(message.contains("no row outside of the index with the id 2100"))
    }

    @Test("fewer rows than the file has are found, and do no harm")
    func tooFewRows() throws {
        let pair = try ExternalRowsTests.pair(Case(metric: .cosine), rows: 2100)
        try pair.add(ExternalRowsTests.shuffled(0..<2100))
        let directory = try TemporaryDirectory()
        try pair.outside.save(to: directory.path(), sync: false)
        let few = try Outside(pair.vectors, count: 1000)
        for load in [false, true] {
            expectError(.corrupt) {
                _ = try HNSWIndex.open(directory.path(), OpenOptions(load: load, verify: true, externalRows: few.rows))
            }
        }
        let opened = try HNSWIndex.open(directory.path(), OpenOptions(externalRows: few.rows))
        ExternalRowsTests.useAll(opened, pair.queries)
        #expect(try opened.search(pair.queries, k: 10).allSatisfy { $0.count == 10 && $0.allSatisfy { $0.id < 1000 } })
        try few.append(pair.vectors.picked(1000..<2100))
        try opened.verify()
        try pair.expectSame(opened)
    }

    @Test("many bytes changed at once do no harm", arguments: 0..<4)
    func manyBytes(seed: UInt64) throws {
        let metric = seed % 2 == 0 ? Metric.cosine : .l2Squared
        let pair = try ExternalRowsTests.pair(Case(metric: metric), rows: 2060, dimension: 20)
        try pair.add(ExternalRowsTests.shuffled(0..<2060))
        let directory = try TemporaryDirectory()
        try pair.outside.save(to: directory.path(), sync: false)
        let bytes = try directory.bytes()
        let start = try HeaderTests.decode(bytes).sections[0].offset
        var random = Random(seed: 730 + seed)
        for round in 0..<6 {
            var damaged = bytes
            for _ in 0..<(1 + random.below(2000)) {
                damaged[start + random.below(bytes.count - start)] = UInt8(truncatingIfNeeded: random.next())
            }
            try directory.write(damaged)
            let options = OpenOptions(load: round % 2 == 0, verify: false, externalRows: pair.external.rows)
            guard let index = try? HNSWIndex.open(directory.path(), options) else { continue }
            ExternalRowsTests.useAll(index, pair.queries)
        }
    }

    @Test(
        "a header that says otherwise than the rest is refused",
        arguments: [(8, 1), (40, 4), (44, 4), (64, 1), (64, 97), (64, 193), (76, 0), (76, 2)] as [(Int, UInt32)])
    func forgedHeader(offset: Int, value: UInt32) throws {
        let pair = try ExternalRowsTests.pair(Case(), rows: 2060, dimension: 8)
        try pair.add(Array(0..<2060))
        let directory = try TemporaryDirectory()
        try pair.outside.save(to: directory.path(), sync: false)
        var bytes = try directory.bytes()
        #expect(bytes[64] == 64 | 1 && bytes[76] == 1)
        bytes.replaceSubrange(offset..<(offset + 4), with: withUnsafeBytes(of: value) { Array($0) })
        bytes.replaceSubrange(120..<128, with: withUnsafeBytes(of: checksum(of: Array(bytes[..<120]))) { Array($0) })
        try directory.write(bytes)
        for rows in [nil, pair.external.rows] {
            // That `full_dtype` goes with the notes is seen last.
            let error = #expect(throws: VecStoreError.self) {
                _ = try openIndex(directory.path(), OpenOptions(externalRows: rows))
            }
            #expect(error?.code == .corrupt || (rows == nil && offset == 76 && error?.code == .invalidArgument))
        }
    }
}
