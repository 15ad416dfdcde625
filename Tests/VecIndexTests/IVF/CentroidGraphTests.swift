// The graph over the centroids of an inverted file of many lists.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes
import VecKernels

@testable import VecIndex

@Suite("The graph over many centroids")
struct CentroidGraphTests {
    private static let data = DataSet.clusters.make(rows: 6000, queries: 40, dimension: 24, type: .float32, seed: 551)
    private static let metrics = [Metric.l2Squared, .innerProduct, .cosine]

    /// An index of 800 lists, trained on the first rows.
    /// - Parameter hasGraph: As if there were many more lists.
    private static func index(
        _ metric: Metric, storage: ListStorage = .auto, assignments: Int = 1, hasGraph: Bool = true, isOwn: Bool = false, count: Int = 4000,
        threads: Int = 2
    ) throws -> IVFIndex {
        var options = IVFOptions(
            dimension: 24, metric: metric, nlist: 800, storage: storage, assignments: assignments, seed: 3)
        options.leastGraphLists = hasGraph ? 64 : .max
        let index = try IVFIndex(options)
        let rows = data.rows.picked(0..<count)
        if !isOwn { try index.train(rows.bytes, type: .float32, count: count, threads: threads, progress: nil) }
        try index.add(rows, threads: threads)
        return index
    }

    private static func graph(_ index: IVFIndex) throws -> (model: IVFModel, graph: CentroidGraph) {
        let model = try #require(index.current.model)
        return (model, try #require(model.graph))
    }

    /// The lists that a graph finds for a vector.
    private static func lists(_ graph: CentroidGraph, _ vector: [Float], _ count: Int) throws -> [Int] {
        var lists = [UInt64](repeating: 0, count: count)
        var distances = [Float](repeating: 0, count: count)
        try graph.nearest(vector, count, &lists, &distances)
        return lists.map { Int($0) }
    }

    @Test("there is one from 4,096 lists on")
    func many() throws {
        for nlist in [4095, 4096] {
            let index = try IVFIndex(IVFOptions(dimension: 4, nlist: nlist))
            var random = Random(seed: 5)
            let rows = Vectors((0..<(4 * 4096)).map { _ in random.unit() }, dimension: 4, type: .float32)
            try index.add(rows)
            #expect((index.current.model?.graph != nil) == (nlist == 4096))
            #expect(index.explain().contains("with a graph over their centroids") == (nlist == 4096))
        }
    }

    @Test("a graph finds nearly all of the nearest lists", arguments: metrics)
    func nearest(metric: Metric) throws {
        let (model, graph) = try CentroidGraphTests.graph(CentroidGraphTests.index(metric))
        let queries = CentroidGraphTests.data.queries
        let all = (0..<queries.count).map { Array(queries.floats[($0 * 24)..<(($0 + 1) * 24)]) }
        #expect(try CentroidGraphTests.recall(all, model, graph) >= 0.95)
    }

    /// The share of the 25 lists nearest to each of some queries that a graph finds.
    private static func recall(_ queries: [[Float]], _ model: IVFModel, _ graph: CentroidGraph) throws -> Double {
        var found = 0
        for query in queries {
            let scores = (0..<800).map { (l) -> Float in
                let product = (0..<24).reduce(Float(0)) { $0 + query[$1] * model.centroids.row(l)[$1] }
                return model.metric == .l2Squared ? model.squares[l] - 2 * product : 0 - model.reaches[l] * product
            }
            let wanted = (0..<800).sorted { scores[$0] < scores[$1] }.prefix(25)
            let lists = try lists(graph, query, 25)
            #expect(Set(lists).count == 25)
            found += Set(lists).intersection(wanted).count
        }
        return Double(found) / Double(25 * queries.count)
    }

    @Test("searches by a graph find what those do that compare all centroids", arguments: metrics, [ListStorage.auto, .binary])
    func searches(metric: Metric, storage: ListStorage) throws {
        let queries = CentroidGraphTests.data.queries
        let plain = try CentroidGraphTests.index(metric, storage: storage, hasGraph: false)
        let index = try CentroidGraphTests.index(metric, storage: storage)
        #expect(plain.current.model?.graph == nil)
        let options = SearchOptions(nprobe: 18)
        let wanted = try plain.search(queries, k: 10, options), got = try index.search(queries, k: 10, options)
        #expect(Recall.of(got, wanted, tolerance: 1e-5) >= 0.97)
        let radius = wanted[0][9].distance
        let ranges = try index.searchRange(queries, radius: radius, nprobe: 18)
        #expect(Recall.ofIDs(ranges, try plain.searchRange(queries, radius: radius, nprobe: 18)) >= 0.95)
    }

    @Test("a query finds the same alone and among others")
    func alone() throws {
        let index = try CentroidGraphTests.index(.cosine, storage: .binary), queries = CentroidGraphTests.data.queries
        let together = try index.search(queries, k: 10, SearchOptions(threads: 2, nprobe: 10))
        for i in 0..<queries.count {
            #expect(try index.search(queries.picked(i..<(i + 1)), k: 10, SearchOptions(nprobe: 10)) == [together[i]])
        }
    }

    @Test("a filter that lets few rows through finds all of them, also behind a graph")
    func filter() throws {
        let index = try CentroidGraphTests.index(.l2Squared)
        let found = try index.search(
            CentroidGraphTests.data.queries, k: 10, SearchOptions(filter: RowFilter(.callback { $0 % 500 == 0 }), nprobe: 2))
        for hits in found { #expect(hits.map(\.id).sorted() == (0..<8).map { UInt64(500 * $0) }) }
    }

    @Test("the same vectors make the same graph, on any number of threads")
    func repeatable() throws {
        let directory = try TemporaryDirectory()
        try CentroidGraphTests.index(.cosine, threads: 1).save(to: directory.path("a"), sync: false)
        try CentroidGraphTests.index(.cosine, threads: 2).save(to: directory.path("b"), sync: false)
        #expect(try directory.bytes("a") == directory.bytes("b"))
    }

    @Test("training tells how far it is, never less than before, and can be cancelled to its end")
    func progress() throws {
        var options = IVFOptions(dimension: 24, metric: .cosine, nlist: 800)
        options.leastGraphLists = 64
        let rows = CentroidGraphTests.data.rows
        var told: [Int] = []
        let index = try IVFIndex(options)
        try index.train(rows.bytes, type: .float32, count: 4000, threads: 1) { (done, total) in
            told.append(done)
            return total == 4000
        }
        #expect(told == told.sorted() && told.last == 4000)
        expectError(.cancelled) {
            try IVFIndex(options).train(rows.bytes, type: .float32, count: 4000, threads: 1) { (done, _) in done < 4000 }
        }
        let model = try #require(index.current.model)
        let message = expectError(.cancelled) { _ = try CentroidGraph(model, .current) { false } }
        #expect(message.contains("training was cancelled"))
    }

    @Test("a file holds the graph: mapped and in memory it finds the same lists", arguments: metrics)
    func files(metric: Metric) throws {
        let index = try CentroidGraphTests.index(metric, storage: .int8)
        let queries = CentroidGraphTests.data.queries, directory = try TemporaryDirectory()
        let wanted = try index.search(queries, k: 10, SearchOptions(nprobe: 8))
        try index.save(to: directory.path("a"), sync: false)
        for options in [OpenOptions(), OpenOptions(verify: true), OpenOptions(load: true), OpenOptions(load: true, verify: false)] {
            let opened = try IVFIndex.open(directory.path("a"), options)
            #expect(opened.current.model?.graph != nil)
            #expect(try opened.search(queries, k: 10, SearchOptions(nprobe: 8)) == wanted)
            try opened.verify()
            try opened.save(to: directory.path("b"), sync: false)
            #expect(try directory.bytes("b") == directory.bytes("a"))
        }
    }

    @Test("lists that were split are found where their centroids are now", arguments: metrics)
    func drift(metric: Metric) throws {
        let index = try CentroidGraphTests.index(metric, isOwn: true, count: 2000)
        let before = try CentroidGraphTests.graph(index).graph
        var random = Random(seed: 12)
        // Rows of another kind, a few at a time.
        for _ in 0..<20 {
            try index.add(Vectors((0..<(24 * 100)).map { $0 % 24 < 3 ? 4 + random.unit() : 0.3 * random.unit() }, dimension: 24, type: .float32))
        }
        let (model, after) = try CentroidGraphTests.graph(index)
        #expect(after !== before)
        let all = stride(from: 0, to: 800, by: 32).map { (l) in (0..<24).map { model.centroids.row(l)[$0] } }
        #expect(try CentroidGraphTests.recall(all, model, after) >= 0.95)
        try index.verify()
    }

    @Test("rows go into the lists of their nearest centroids, nearly always, also where a graph finds those")
    func assignment() throws {
        var random = Random(seed: 9)
        let rows = Vectors((0..<(8 * 20_000)).map { _ in random.unit() }, dimension: 8, type: .float32)
        for assignments in 1...2 {
            let index = try IVFIndex(IVFOptions(dimension: 8, metric: .l2Squared, nlist: 16_384, assignments: assignments))
            try index.train(rows.bytes, type: .float32, count: 20_000, threads: 2, progress: nil)
            let some = rows.picked(0..<1000)
            try index.add(some)
            try index.verify()
            let state = index.current, (model, graph) = try CentroidGraphTests.graph(index)
            #expect(graph.isLarge)
            var distances = [Float](repeating: 0, count: 1000)
            var nearest = [UInt32](repeating: 0, count: 1000)
            let floats = some.floats
            try floats.withUnsafeBytes { floats in
                let block = try QueryBlock(
                    #require(floats.baseAddress), type: .float32, count: 1000, dimension: 8, metric: .l2Squared, rowType: .float32,
                    table: .current)
                try model.centroids.assign(block, &nearest, &distances, hasPrior: false, threads: 2)
            }
            // Rows lie in the order of their lists.
            let right = (0..<UInt32(1000)).count { state.rows.home($0, 0) == nearest[Int(state.rows.id($0))] }
            #expect(right >= 990)
            if assignments == 2 {
                let other = (0..<1000).count { state.rows.home(UInt32($0), 1) != state.rows.home(UInt32($0), 0) }
                #expect(other == 1000)
            }
        }
    }

    @Test("damaged graphs are errors where somebody looks, and else give wrong results at worst")
    func damage() throws {
        let directory = try TemporaryDirectory(), queries = CentroidGraphTests.data.queries
        try CentroidGraphTests.index(.l2Squared).save(to: directory.path("a"), sync: false)
        let bytes = try directory.bytes("a")
        let section = try #require(try HeaderTests.decode(bytes).section(.listGraph))
        var random = Random(seed: 8)
        for round in 0..<150 {
            // Its header and table first, then bytes from all over it.
            let at = round < 75 ? 6 * round + random.below(4) : random.below(section.size)
            let forged = try rewritten(bytes, .listGraph) { $0[at] ^= UInt8(1 << random.below(8)) }
            try directory.write(forged, "b")
            if let mapped = try? IVFIndex.open(directory.path("b"), OpenOptions()) {
                _ = try? mapped.search(queries, k: 10, SearchOptions(nprobe: 8))
                #expect(throws: VecStoreError.self) { try mapped.verify() }
            }
            if let loaded = try? IVFIndex.open(directory.path("b"), OpenOptions(load: true, verify: false)) {
                _ = try loaded.search(queries, k: 10, SearchOptions(nprobe: 8))
            }
            #expect(throws: VecStoreError.self) { _ = try IVFIndex.open(directory.path("b"), OpenOptions(load: true)) }
        }
    }

    @Test("a graph of another kind than that of the centroids is refused")
    func others() throws {
        let directory = try TemporaryDirectory()
        try CentroidGraphTests.index(.l2Squared).save(to: directory.path(), sync: false)
        let bytes = try directory.bytes()
        // The metric of the graph, in bytes 40 to 43 of its file.
        let forged = try rewritten(bytes, .listGraph) { section in
            section[40] = 2
            section.replaceSubrange(120..<128, with: withUnsafeBytes(of: checksum(of: Array(section[0..<120])).littleEndian) { Array($0) })
        }
        try directory.write(forged)
        let message = expectError(.corrupt) { _ = try IVFIndex.open(directory.path(), OpenOptions()) }
        #expect(message.contains("a graph of lists that is not of its centroids"))
    }

    @Test("a graph that names a list that there is not gives wrong lists at worst, and is refused where somebody looks")
    func strangeList() throws {
        let directory = try TemporaryDirectory()
        try CentroidGraphTests.index(.l2Squared).save(to: directory.path(), sync: false)
        let bytes = try directory.bytes()
        let section = try #require(try HeaderTests.decode(bytes).section(.listGraph))
        // The last id: they still ascend.
        let graph = try rewritten(Array(bytes[section.offset..<(section.offset + section.size)]), .ids) { $0[$0.count - 6] = 1 }
        try directory.write(try rewritten(bytes, .listGraph) { $0 = graph })
        let mapped = try IVFIndex.open(directory.path(), OpenOptions())
        _ = try mapped.search(CentroidGraphTests.data.rows, k: 1, SearchOptions(nprobe: 8))
        expectError(.corrupt) { try mapped.verify() }
        expectError(.corrupt) { _ = try IVFIndex.open(directory.path(), OpenOptions(load: true)) }
    }

    @Test("where memory runs out, nothing is lost")
    func memory() async {
        await #expect(processExitsWith: .success) {
            let index = try CentroidGraphTests.index(.cosine, count: 1500), queries = CentroidGraphTests.data.queries.picked(0..<3)
            let options = SearchOptions(nprobe: 8)
            let expected = try index.search(queries, k: 10, options)
            let directory = try TemporaryDirectory()
            func check() throws { try #require(try index.search(queries, k: 10, options) == expected) }
            _ = try failEachAllocation({ _ = try index.search(queries, k: 10, options) }, check: check)
            _ = try failEachAllocation({ try index.save(to: directory.path(), sync: false) }, check: check)
            _ = try failEachAllocation({ try index.verify() }, check: check)
            for load in [false, true] {
                _ = try failEachAllocation(
                    { _ = try IVFIndex.open(directory.path(), OpenOptions(load: load, verify: true)) }, check: check)
            }
            var small = IVFOptions(dimension: 24, metric: .l2Squared, nlist: 70)
            small.leastGraphLists = 64
            let fresh = try IVFIndex(small)
            let failed = try failEachAllocation {
                try fresh.train(CentroidGraphTests.data.rows.bytes, type: .float32, count: 300, threads: 1, progress: nil)
            } check: {
                try #require(fresh.count == 0)
            }
            try #require(failed > 10)
            try #require(fresh.current.model?.graph != nil)
        }
    }
}
