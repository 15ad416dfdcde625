// The table of threads for graphs, all of it at once: made to run under ThreadSanitizer.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

extension StressTests {
    /// Rows 0 ..< kept stay; writers add, change and take out others, each of them ids of its own.
    private struct Graph: Sendable {
        static let kept = 500
        /// Enough for the graph to be trained and copied on the way.
        let data = DataSet.clusters.make(rows: 3000, queries: 100, dimension: 100, type: .float32, seed: 721)
        /// Some of the queries, for searches beside writers.
        let queries: Vectors
        let index: HNSWIndex
        let complaints = Shared([String]())

        init() throws {
            queries = data.queries.picked(0..<12)
            index = try HNSWIndex(HNSWOptions(dimension: 100, metric: .l2Squared, m: 8, efConstruction: 40))
            try index.add(data.rows.picked(0..<Graph.kept), threads: 2)
        }

        /// The ids of a writer, by number.
        static func ids(_ writer: Int, _ numbers: Range<Int>) -> [UInt64] { numbers.map { UInt64(10_000 * writer + $0) } }

        func rows(_ numbers: Range<Int>) -> Vectors { data.rows.picked(numbers.map { Graph.kept + $0 % 2400 }) }

        func complain(_ text: String) { complaints.change { if $0.count < 20 { $0.append(text) } } }

        /// What any results must be.
        func expectSound(_ results: [[Hit]], k: Int, _ what: String) {
            for hits in results {
                if hits.count > k || Set(hits.map(\.id)).count != hits.count { complain("\(what): \(hits)") }
                if zip(hits, hits.dropFirst()).contains(where: { $0.distance > $1.distance }) { complain("\(what): out of order") }
            }
        }
    }

    @Test("readers and writers of a graph stand each other beside, and it is whole in the end")
    func graph() throws {
        let graph = try Graph()
        let directory = try TemporaryDirectory()
        let path = directory.path()
        let bodies: [@Sendable () throws -> Void] = [
            { try StressTests.addOneByOne(graph, 1) },
            { try StressTests.addBatches(graph, 2) },
            { try StressTests.addAndCancel(graph, 3) },
            { try StressTests.addAndTakeOut(graph, 4) },
            { try StressTests.update(graph) },
            { try StressTests.rearrangeGraph(graph) },
            { try StressTests.save(graph, to: path) },
            { try StressTests.search(graph, threads: 1) },
            { try StressTests.search(graph, threads: 2) },
            { try StressTests.searchFiltered(graph) },
            { try StressTests.searchRange(graph) },
            { try StressTests.read(graph) },
        ]
        onThreads(bodies.count) { i in
            do { try bodies[i]() } catch { graph.complain("work \(i): \(error)") }
        }
        #expect(graph.complaints.current == [])
        let index = graph.index
        try index.verify()
        // 400 and 1,500 rows were added for good.
        let ids = (0..<Graph.kept).map { UInt64($0) } + Graph.ids(1, 0..<400) + Graph.ids(2, 0..<1500)
        #expect(index.ids().sorted() == ids.sorted())
        let rows = Vectors(bytes: try index.get(ids), dimension: 100, type: .float32)
        let truth = Recall.truth(graph.data.queries, rows, .l2Squared, k: 10, ids: ids)
        let recall = Recall.of(try index.search(graph.data.queries, k: 10, SearchOptions(efSearch: 128)), truth)
        // Groups of rows far apart: who loses the way to one of the eight, loses an eighth.
        #expect(recall >= 0.95)
    }

    // MARK: - Writers

    private static func addOneByOne(_ graph: Graph, _ writer: Int) throws {
        for i in 0..<400 { try graph.index.add(graph.rows(i..<(i + 1)), ids: Graph.ids(writer, i..<(i + 1))) }
    }

    private static func addBatches(_ graph: Graph, _ writer: Int) throws {
        for i in stride(from: 0, to: 1500, by: 100) {
            try graph.index.add(graph.rows(i..<(i + 100)), ids: Graph.ids(writer, i..<(i + 100)), threads: 2)
        }
    }

    private static func addAndCancel(_ graph: Graph, _ writer: Int) throws {
        for round in 0..<20 {
            do {
                try graph.index.add(graph.rows((50 * round)..<(50 * round + 40)), ids: Graph.ids(writer, 0..<40)) { _, _ in false }
                graph.complain("a cancelled call added rows")
            } catch let error as VecStoreError where error.code == .cancelled {}
            if graph.index.contains(Graph.ids(writer, 0..<40)).contains(true) { graph.complain("a cancelled call left ids") }
        }
    }

    private static func addAndTakeOut(_ graph: Graph, _ writer: Int) throws {
        for round in 0..<20 {
            let ids = Graph.ids(writer, 0..<30)
            try graph.index.add(graph.rows((30 * round)..<(30 * round + 30)), ids: ids)
            for id in ids.prefix(5) where try graph.index.remove([id]) != 1 { graph.complain("row \(id) is not there") }
            if try graph.index.remove(ids) != 25 { graph.complain("rows of a batch are not there") }
        }
    }

    /// Rows that stay are replaced by themselves.
    private static func update(_ graph: Graph) throws {
        for round in 0..<30 {
            let numbers = (0..<(round % 3 == 0 ? 1 : 20)).map { ($0 * 23 + round) % Graph.kept }
            try graph.index.update(numbers.map { UInt64($0) }, graph.data.rows.picked(numbers))
        }
    }

    private static func rearrangeGraph(_ graph: Graph) throws {
        for round in 0..<12 {
            switch round % 3 {
            case 0: try graph.index.compact()
            case 1: try graph.index.optimize()
            default: try graph.index.reserve(3000 + 100 * round)
            }
        }
        _ = try graph.index.calibrate(graph.queries, k: 5, recall: 0.5)
    }

    private static func save(_ graph: Graph, to path: String) throws {
        for _ in 0..<6 {
            try graph.index.verify()
            try graph.index.save(to: path, sync: false)
            let saved = try HNSWIndex.open(path, OpenOptions(load: true))
            try saved.verify()
            if !saved.contains((0..<Graph.kept).map { UInt64($0) }).allSatisfy({ $0 }) { graph.complain("a row is not in the file") }
        }
    }

    // MARK: - Readers

    private static func search(_ graph: Graph, threads: Int) throws {
        let kept = graph.data.rows.picked((0..<24).map { $0 * 20 })
        for _ in 0..<60 {
            graph.expectSound(try graph.index.search(graph.queries, k: 10, threads: threads), k: 10, "search")
            let own = try graph.index.search(kept, k: 1, SearchOptions(threads: threads, efSearch: 200))
            graph.expectSound(own, k: 1, "search for rows")
            if own.contains(where: { $0.isEmpty }) { graph.complain("a search without results") }
        }
    }

    private static func searchFiltered(_ graph: Graph) throws {
        let few: [UInt64] = [3, 44, 77, 123, 499, 1_000_000]
        var bits = [UInt8](repeating: 0, count: 2000)
        for id in stride(from: 0, to: 16_000, by: 3) { bits[id / 8] |= 1 << UInt8(id % 8) }
        for _ in 0..<40 {
            try few.withUnsafeBufferPointer { few in
                guard let base = few.baseAddress else { return }
                let only = try graph.index.search(graph.queries, k: 10, filter: RowFilter(.ids(base, count: 6)))
                graph.expectSound(only, k: 5, "few ids")
                if only.contains(where: { $0.count != 5 }) { graph.complain("rows that stay are not found: \(only)") }
                let others = try graph.index.search(
                    graph.queries, k: 10, filter: RowFilter(.ids(base, count: 6), isNegated: true), threads: 2)
                graph.expectSound(others, k: 10, "other ids")
                if others.contains(where: { $0.contains { few.contains($0.id) } }) { graph.complain("a filter lets others through") }
            }
            try bits.withUnsafeBufferPointer { bits in
                guard let base = bits.baseAddress else { return }
                let third = try graph.index.search(graph.queries, k: 10, filter: RowFilter(.bitmap(base, count: 16_000)))
                graph.expectSound(third, k: 10, "a bitmap")
                if third.contains(where: { $0.contains { $0.id % 3 != 0 } }) { graph.complain("a bitmap lets others through") }
            }
            let even = try graph.index.search(graph.queries, k: 10, filter: RowFilter(.callback { $0 % 2 == 0 }))
            graph.expectSound(even, k: 10, "a callback")
        }
    }

    private static func searchRange(_ graph: Graph) throws {
        for _ in 0..<40 {
            let found = try graph.index.searchRange(graph.queries, radius: 0.2, threads: 2)
            if found.contains(where: { $0.contains { $0.distance > 0.2 } }) { graph.complain("beyond the radius") }
        }
    }

    private static func read(_ graph: Graph) throws {
        let ids = (0..<Graph.kept).map { UInt64($0) }
        let rows = graph.data.rows.picked(0..<Graph.kept).bytes
        for _ in 0..<60 {
            if graph.index.contains(ids).contains(false) { graph.complain("a row that stays is gone") }
            if try graph.index.get(ids) != rows { graph.complain("a row that stays has changed") }
            let stats = graph.index.stats()
            if stats.count < Graph.kept || stats.memoryBytes < 500 * 400 { graph.complain("\(stats)") }
            _ = graph.index.ids(offset: 0, capacity: 5000)
        }
    }
}
