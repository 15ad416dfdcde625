// Hits in an order that the caller gives them, in Swift.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecStore

@Suite("Hits in another order in Swift")
struct RerankTests {
    private typealias Rerank = PointCollection.Rerank
    private let query: [Float] = [5, 0]

    /// What goes wrong in a function of the caller's.
    private struct Failure: Error {}

    @Test("a function puts hits in another order, and leaves some out")
    func order() throws {
        try withPackages { points throws in
            var seen: [PointID] = []
            let bySize = Rerank.order { hits in
                seen = hits.ids
                let sorted = try hits.map { ($0, try $0.payload(as: Package.self)?.size ?? 0) }.sorted { $0.1 > $1.1 }
                return sorted.map(\.0).filter { $0.id != 8 }
            }
            #expect(try points.search(query, k: 3, rerank: bySize).ids == [9, 7, 6])
            #expect(seen == [5, 4, 6, 3, 7, 2, 8, 1, 9])
            #expect(try points.search(query, k: 3, options: .init(offset: 2), rerank: bySize).ids == [6, 5, 4])
            #expect(try points.search(query, k: 3, rerank: .order { _ in [] }).isEmpty)
        }
    }

    @Test("a function gives hits other scores; those with the same one stay as they were")
    func scores() throws {
        try withPackages { points in
            let even = Rerank.scores { hits in hits.map { ($0.id.number ?? 0) % 2 == 0 ? 1 : -.infinity } }
            let hits = try points.search(query, k: 5, rerank: even)
            #expect(hits.ids == [4, 6, 2, 8, 5] && hits.map(\.score) == [1, 1, 1, 1, -.infinity])
            #expect(hits.map(\.distance) == [1, 1, 9, 9, 0])
        }
    }

    @Test("a function gets as many hits as it asks for, and as are wanted at least")
    func candidates() throws {
        try withPackages { points throws in
            var counts: [Int] = []
            let counting = { (candidates: Int) in
                Rerank.order(candidates: candidates) { hits in
                    counts.append(hits.count)
                    return hits.reversed()
                }
            }
            #expect(try points.search(query, k: 1, rerank: counting(3)).ids == [6])
            #expect(try points.search(query, k: 4, options: .init(offset: 1), rerank: counting(1)).ids == [3, 6, 4, 5])
            #expect(try points.search([[1, 0], [9, 0]] as [[Float]], k: 1, rerank: counting(2)).map(\.ids) == [[2], [8]])
            #expect(counts == [3, 5, 2, 2])
            #expect(try points.search(query, filter: Field("none") == 1, rerank: counting(3)).isEmpty)
            #expect(counts.count == 4)
        }
    }

    @Test("searches by words, and by both, have it too")
    func words() throws {
        try withPackages { points in
            try points.createPayloadIndex("text", .text)
            let last = Rerank.order { $0.reversed() }
            #expect(try points.searchText("mail", k: 1, offset: 1, rerank: last).ids == [6])
            let both = try points.searchHybrid(query, "mail", k: 20)
            #expect(try points.searchHybrid(query, "mail", k: 2, rerank: last) == Array(both.reversed().prefix(2)))
        }
    }

    @Test("what a function throws comes out of the search")
    func thrown() throws {
        try withPackages { points throws in
            expect(.cancelled) { _ = try points.search(query, rerank: .order { _ in throw Failure() }) }
            expect(.invalidArgument) {
                _ = try points.search(query, rerank: .scores { try $0.map { try $0.payload(as: Int.self).map { Float($0) } ?? 0 } })
            }
            #expect(try points.search(query, k: 1).ids == [5])
        }
    }

    @Test("orders that make no sense are refused")
    func refused() throws {
        try withPackages { points in
            let other = try points.search([9, 0] as [Float], k: 1)
            expect(.invalidArgument) { _ = try points.search(query, rerank: .order { $0 + $0 }) }
            expect(.invalidArgument) { _ = try points.search(query, k: 1, rerank: .order(candidates: 1) { _ in other }) }
            expect(.invalidArgument) { _ = try points.search(query, rerank: .scores { _ in [1] }) }
            expect(.invalidArgument) { _ = try points.search(query, rerank: .scores { $0.map { _ in .nan } }) }
            let same = { (candidates: Int) in Rerank.order(candidates: candidates) { $0 } }
            for number in [Int.min, -1, 0, 1_048_577, Int.max] {
                expect(.invalidArgument) { _ = try points.search(query, rerank: same(number)) }
                expect(.invalidArgument) { _ = try points.search(query, k: number, rerank: same(1)) }
                expect(.invalidArgument) { _ = try points.searchText("a", k: number, rerank: same(1)) }
                expect(.invalidArgument) { _ = try points.searchHybrid(query, "a", k: number, rerank: same(1)) }
            }
            expect(.invalidArgument) { _ = try points.search(query, options: .init(offset: -1), rerank: same(1)) }
            expect(.invalidArgument) { _ = try points.search(query, options: .init(offset: .max), rerank: same(1)) }
        }
    }
}
