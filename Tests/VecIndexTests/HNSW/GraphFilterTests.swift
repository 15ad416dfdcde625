// Searches of a graph under filters.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Filters of a graph")
struct GraphFilterTests {
    /// How what a filter lets through lies to the queries.
    enum Relation: String, CaseIterable, CustomTestStringConvertible, Sendable {
        /// All over.
        case independent
        /// The rows nearest to the query.
        case near
        /// The rows farthest from it.
        case opposed

        var testDescription: String { rawValue }
    }

    enum Form: CaseIterable, Sendable {
        case bitmap, ids, callback
    }

    static let count = 3000
    static let data = GraphData.lognormal(rows: count, queries: 20, dimension: 16, seed: 631)
    static let graph = Result { try HNSWIndex(data.rows, metric: .l2Squared, m: 12, efConstruction: 64) }
    /// The same rows, but only a hundred matching ones are compared one by one: the walks of large indexes.
    static let walkingGraph = Result {
        let index = try HNSWIndex(data.rows, metric: .l2Squared, m: 12, efConstruction: 64)
        index.scanLimit = 100
        return index
    }

    /// `wanted` rows of all, as the relation says for a query.
    private static func wanted(_ relation: Relation, _ share: Double, _ q: Int) -> [Bool] {
        let n = max(Int(share * Double(count)), 1)
        var isWanted = [Bool](repeating: false, count: count)
        switch relation {
        case .independent:
            var random = Random(seed: 632)
            for id in (0..<count).shuffled(using: &random).prefix(n) { isWanted[id] = true }
        case .near, .opposed:
            let all = Recall.truth(data.queries.picked([q]), data.rows, .l2Squared, k: count)[0]
            for hit in relation == .near ? all.prefix(n) : all.suffix(n) { isWanted[Int(hit.id)] = true }
        }
        return isWanted
    }

    /// Calls `body` with a filter for the rows wanted, in one of its forms.
    static func withFilter<R>(
        _ form: Form, _ wanted: [Bool], negated: Bool, _ body: (RowFilter) throws -> R
    ) throws -> R {
        // Negated, the filter lists those that are not wanted.
        let listed = wanted.map { $0 != negated }
        switch form {
        case .bitmap:
            var bits = [UInt8](repeating: 0, count: listed.count / 8 + 1)
            for (id, isListed) in listed.enumerated() where isListed { bits[id / 8] |= 1 << UInt8(id % 8) }
            return try bits.withUnsafeBufferPointer { bits in
                let base = try #require(bits.baseAddress)
                return try body(RowFilter(.bitmap(base, count: UInt64(listed.count)), isNegated: negated))
            }
        case .ids:
            let ids = listed.indices.filter { listed[$0] }.map { UInt64($0) } + [noID, 1 << 40]
            return try ids.withUnsafeBufferPointer { ids in
                let base = try #require(ids.baseAddress)
                return try body(RowFilter(.ids(base, count: ids.count), isNegated: negated))
            }
        case .callback:
            return try body(RowFilter(.callback { $0 < listed.count && listed[Int($0)] }, isNegated: negated))
        }
    }

    @Test(
        "the nearest of the rows let through are found, and k of them wherever there are k",
        arguments: [false, true], Relation.allCases)
    func recall(walks: Bool, relation: Relation) throws {
        for share in [0.001, 0.01, 0.05, 0.2, 0.5, 0.9] { try expectRecall(relation, share, walks: walks) }
    }

    private func expectRecall(_ relation: Relation, _ share: Double, walks: Bool) throws {
        let index = try (walks ? GraphFilterTests.walkingGraph : GraphFilterTests.graph).get()
        var got: [[Hit]] = [], truth: [[Hit]] = []
        for q in 0..<GraphFilterTests.data.queries.count {
            let query = GraphFilterTests.data.queries.picked([q])
            let wanted = GraphFilterTests.wanted(relation, share, q)
            let best = Recall.truth(query, GraphFilterTests.data.rows, .l2Squared, k: 10, wanted: wanted)[0]
            truth.append(best)
            let form = Form.allCases[q % 3]
            for negated in [false, true] {
                let hits = try GraphFilterTests.withFilter(form, wanted, negated: negated) {
                    try index.search(query, k: 10, filter: $0)[0]
                }
                #expect(hits.allSatisfy { wanted[Int($0.id)] }, "\(form), negated: \(negated)")
                #expect(hits.count == best.count, "\(share) of the rows, \(form), negated: \(negated)")
                GraphResultTests.expectInOrder(hits)
                if !negated { got.append(hits) }
            }
        }
        let recall = Recall.of(got, truth)
        #expect(recall >= 0.95, "\(share) of the rows")
    }

    @Test("all forms of a filter give the same results", arguments: [0.02, 0.5], [false, true])
    func forms(share: Double, negated: Bool) throws {
        let index = try GraphFilterTests.walkingGraph.get()
        let wanted = GraphFilterTests.wanted(.independent, share, 0)
        let results = try Form.allCases.map { form in
            try GraphFilterTests.withFilter(form, wanted, negated: negated) {
                try index.search(GraphFilterTests.data.queries, k: 20, filter: $0, threads: 2)
            }
        }
        #expect(Results.difference(results[1], results[0]) == nil)
        #expect(Results.difference(results[2], results[0]) == nil)
    }

    @Test("filters that let nothing through, or everything")
    func extremes() throws {
        let index = try GraphFilterTests.graph.get()
        let queries = GraphFilterTests.data.queries
        let none = [Bool](repeating: false, count: GraphFilterTests.count)
        let all = [Bool](repeating: true, count: GraphFilterTests.count)
        let truth = Recall.truth(queries, GraphFilterTests.data.rows, .l2Squared, k: 10)
        for form in Form.allCases {
            for negated in [false, true] {
                let nothing = try GraphFilterTests.withFilter(form, none, negated: negated) {
                    try index.search(queries, k: 10, filter: $0)
                }
                #expect(nothing.allSatisfy { $0.isEmpty })
                let everything = try GraphFilterTests.withFilter(form, all, negated: negated) {
                    try index.search(queries, k: 10, filter: $0)
                }
                #expect(everything.allSatisfy { $0.count == 10 })
                #expect(Recall.of(everything, truth) >= 0.95)
            }
        }
        #expect(try index.search(queries, k: 10, filter: RowFilter(.none, isNegated: true)).allSatisfy { $0.isEmpty })
    }

    @Test("as many as match come where k is larger", arguments: [1, 9, 500, 2000])
    func largeK(matching: Int) throws {
        let index = try GraphFilterTests.graph.get()
        let wanted = (0..<GraphFilterTests.count).map { $0 % GraphFilterTests.count < matching }
        for form in Form.allCases {
            let got = try GraphFilterTests.withFilter(form, wanted, negated: false) {
                try index.search(GraphFilterTests.data.queries, k: 2500, filter: $0)
            }
            #expect(got.allSatisfy { $0.count == matching })
        }
    }

    /// Removed rows are not what a filter lets through, nor do they take the places of those that are.
    @Test("rows that were removed take no places", arguments: Form.allCases, [false, true])
    func removed(form: Form, walks: Bool) throws {
        let (rows, queries) = DataSet.clusters.make(rows: 2600, queries: 10, dimension: 16, type: .float32, seed: 633)
        let index = try HNSWIndex(rows, metric: .l2Squared)
        if walks { index.scanLimit = 100 }
        var isGone = [Bool](repeating: false, count: rows.count)
        for q in 0..<queries.count {
            // The nearest hundred of each query, some one by one and some at once.
            let near = Recall.truth(queries.picked([q]), rows, .l2Squared, k: 100)[0].map(\.id).filter { !isGone[Int($0)] }
            if q % 2 == 0 { try index.remove(near) } else { for id in near { try index.remove([id]) } }
            for id in near { isGone[Int(id)] = true }
        }
        for step in [1, 3, 19] {
            let wanted = (0..<rows.count).map { $0 % step == 0 }
            let there = (0..<rows.count).map { wanted[$0] && !isGone[$0] }
            let truth = Recall.truth(queries, rows, .l2Squared, k: 10, wanted: there)
            for negated in [false, true] {
                let got = try GraphFilterTests.withFilter(form, wanted, negated: negated) {
                    try index.search(queries, k: 10, filter: $0)
                }
                #expect(got.map(\.count) == truth.map(\.count), "one in \(step), negated: \(negated)")
                let recall = Recall.of(got, truth)
                #expect(recall >= 0.95, "one in \(step), negated: \(negated)")
            }
        }
    }

    @Test("range searches keep to filters", arguments: Form.allCases, [false, true])
    func range(form: Form, walks: Bool) throws {
        for share in [0.03, 0.5] { try expectRange(form, share, walks: walks) }
    }

    private func expectRange(_ form: Form, _ share: Double, walks: Bool) throws {
        let index = try (walks ? GraphFilterTests.walkingGraph : GraphFilterTests.graph).get()
        let queries = GraphFilterTests.data.queries
        let wanted = GraphFilterTests.wanted(.independent, share, 0)
        var found = 0, all = 0
        for q in 0..<queries.count {
            let query = queries.picked([q])
            let truth = Recall.truth(query, GraphFilterTests.data.rows, .l2Squared, k: 60, wanted: wanted)[0]
            guard let radius = truth.last?.distance else { continue }
            let got = try GraphFilterTests.withFilter(form, wanted, negated: false) {
                try index.searchRange(query, radius: radius, filter: $0)[0]
            }
            #expect(got.allSatisfy { wanted[Int($0.id)] && $0.distance <= radius })
            GraphResultTests.expectInOrder(got)
            found += got.count
            all += truth.count
        }
        #expect(found >= all * 95 / 100 && found <= all, "\(found) of \(all), \(share) of the rows")
    }

    @Test("what is kept of a bitmap is that of the graph as it is, whatever was changed since", arguments: [0.003, 0.1])
    func cached(share: Double) throws {
        let data = GraphFilterTests.data.rows
        let index = try HNSWIndex(data.picked(Array(0..<2500)), metric: .l2Squared, m: 12, efConstruction: 64)
        let wanted = GraphFilterTests.wanted(.independent, share, 0)
        let cache = SlotCache()
        var random = Random(seed: 633)
        func expectSame() throws {
            try GraphFilterTests.withFilter(.bitmap, wanted, negated: false) { filter in
                let cached = RowFilter(filter.kind, cache: cache)
                for _ in 0..<2 {
                    let found = try index.search(GraphFilterTests.data.queries, k: 10, filter: cached)
                    let expected = try index.search(GraphFilterTests.data.queries, k: 10, filter: filter)
                    #expect(Results.difference(found, expected) == nil)
                }
            }
        }
        try expectSame()
        #expect(cache.bytes > 0, "slots were kept")
        try index.add(data.picked(Array(2500..<2800)), ids: (2500..<2800).map { UInt64($0) })
        try expectSame()
        // Others come to where these were.
        try index.remove((0..<2800).filter { _ in random.below(3) == 0 }.map { UInt64($0) })
        try expectSame()
        try index.add(data.picked(Array(2800..<3000)), ids: (2800..<3000).map { UInt64($0) })
        try expectSame()
        let moved = index.ids().filter { _ in random.below(3) == 0 }
        try index.update(moved, data.picked(moved.map { 2999 - Int($0) }))
        try expectSame()
        try index.compact()
        try expectSame()
        let other = try HNSWIndex(data, metric: .l2Squared, m: 12, efConstruction: 64, seed: 2)
        try GraphFilterTests.withFilter(.bitmap, wanted, negated: false) { filter in
            let cached = RowFilter(filter.kind, cache: cache)
            let found = try other.search(GraphFilterTests.data.queries, k: 10, filter: cached)
            #expect(Results.difference(found, try other.search(GraphFilterTests.data.queries, k: 10, filter: filter)) == nil)
        }
    }
}
