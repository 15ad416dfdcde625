// The k best results, against sorting everything.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference

@testable import VecIndex

@Suite("The k best results")
struct TopKTests {
    @Test("they are the first k of all results, sorted by distance and then by id")
    func sorted() {
        var random = Random(seed: 61)
        for _ in 0..<300 {
            let k = 1 + random.below(40)
            let hits = TopKTests.hits(random.below(200), &random)
            #expect(best(k, of: [hits]) == Array(TopKTests.sorted(hits).prefix(k)), "\(hits.count) results, k \(k)")
        }
    }

    @Test("they do not depend on the order in which results come")
    func anyOrder() {
        var random = Random(seed: 62)
        let hits = TopKTests.hits(100, &random)
        let wanted = best(7, of: [hits])
        for _ in 0..<100 { #expect(best(7, of: [hits.shuffled(using: &random)]) == wanted) }
    }

    @Test("merged from parts they are those of all parts together")
    func merged() {
        var random = Random(seed: 63)
        for _ in 0..<100 {
            let parts = (0..<(1 + random.below(5))).map { _ in TopKTests.hits(random.below(50), &random) }
            let k = 1 + random.below(30)
            #expect(best(k, of: parts) == Array(TopKTests.sorted(parts.flatMap { $0 }).prefix(k)))
        }
    }

    @Test("among equal distances the smallest ids stay")
    func ties() {
        let hits = (0..<50).map { Hit(id: UInt64(($0 * 37) % 50), distance: 1) }
        #expect(best(5, of: [hits]).map(\.id) == [0, 1, 2, 3, 4])
    }

    @Test("the limit is infinite until there are k, then the worst of them, and never grows")
    func limit() {
        var random = Random(seed: 64)
        var distances = [Float](repeating: 0, count: 10), ids = [UInt64](repeating: 0, count: 10)
        distances.withUnsafeMutableBufferPointer { distances in
            ids.withUnsafeMutableBufferPointer { ids in
                guard let d = distances.baseAddress, let i = ids.baseAddress else { return }
                var top = TopK(distances: d, ids: i, k: 10)
                var taken: [Float] = []
                for id in 0..<500 {
                    let before = top.limit
                    taken.append(random.unit())
                    top.take(taken[id], UInt64(id))
                    #expect(top.limit <= before)
                    #expect(top.limit == (taken.count < 10 ? .infinity : taken.sorted()[9]))
                }
            }
        }
    }

    @Test("places without a result get no id, at infinity")
    func fill() {
        var distances = [Float](repeating: -5, count: 4), ids = [UInt64](repeating: 5, count: 4)
        distances.withUnsafeMutableBufferPointer { distances in
            ids.withUnsafeMutableBufferPointer { ids in
                guard let d = distances.baseAddress, let i = ids.baseAddress else { return }
                var top = TopK(distances: d, ids: i, k: 4)
                top.take(0.5, 9)
                top.finish()
            }
        }
        #expect(ids == [9, noID, noID, noID])
        #expect(distances == [0.5, .infinity, .infinity, .infinity])
    }

    /// Many equal distances, so that ids decide; every id once.
    private static func hits(_ count: Int, _ random: inout Random) -> [Hit] {
        (0..<count).map { Hit(id: UInt64($0), distance: Float(random.below(20))) }.shuffled(using: &random)
    }

    private static func sorted(_ hits: [Hit]) -> [Hit] {
        hits.sorted { $0.distance < $1.distance || ($0.distance == $1.distance && $0.id < $1.id) }
    }

    /// The k best of some parts, each collected apart and merged into the first.
    private func best(_ k: Int, of parts: [[Hit]]) -> [Hit] {
        let n = parts.count * k
        let distances = UnsafeMutablePointer<Float>.allocate(capacity: n)
        let ids = UnsafeMutablePointer<UInt64>.allocate(capacity: n)
        defer {
            distances.deallocate()
            ids.deallocate()
        }
        var tops = parts.indices.map { TopK(distances: distances + $0 * k, ids: ids + $0 * k, k: k) }
        for (p, part) in parts.enumerated() { for hit in part { tops[p].take(hit.distance, hit.id) } }
        for p in parts.indices.dropFirst() { tops[0].merge(tops[p]) }
        let count = tops[0].count
        tops[0].finish()
        return (0..<count).map { Hit(id: ids[$0], distance: distances[$0]) }
    }
}
