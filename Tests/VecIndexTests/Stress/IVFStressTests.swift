// The table of threads for inverted files, all of it at once: made to run under ThreadSanitizer.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

extension StressTests {
    @Test("readers and writers of an inverted file stand each other beside", arguments: [ListStorage.auto, .pq, .binary])
    func lists(storage: ListStorage) throws {
        let data = DataSet.clusters.make(rows: 1500, queries: 12, dimension: 40, type: .float32, seed: 723)
        let kept = 500
        let index = try IVFIndex(
            data.rows.picked(0..<kept), metric: .cosine, nlist: 16, storage: storage, assignments: 2)
        let complaints = Shared([String]())
        @Sendable func complain(_ text: String) { complaints.change { if $0.count < 20 { $0.append(text) } } }
        @Sendable func expectSound(_ results: [[Hit]], _ what: String) {
            for hits in results {
                if Set(hits.map(\.id)).count != hits.count { complain("\(what): an id comes twice: \(hits)") }
                if zip(hits, hits.dropFirst()).contains(where: { $0.distance > $1.distance }) { complain("\(what): out of order") }
            }
        }
        let directory = try TemporaryDirectory()
        let path = directory.path()
        let bodies: [@Sendable () throws -> Void] = [
            { for i in 0..<200 { try index.add(data.rows.picked((kept + i)..<(kept + i + 1)), ids: [UInt64(10_000 + i)]) } },
            {
                for round in 0..<15 {
                    let ids = (0..<40).map { UInt64(20_000 + $0) }
                    try index.add(data.rows.picked(700..<740), ids: ids, threads: 2)
                    if round < 14, try index.remove(ids) != 40 { complain("rows of a batch are not there") }
                }
            },
            {
                for round in 0..<30 {
                    let numbers = (0..<20).map { ($0 * 23 + round) % kept }
                    try index.update(numbers.map { UInt64($0) }, data.rows.picked(numbers))
                }
            },
            { for _ in 0..<6 { try index.compact() } },
            { for _ in 0..<6 { try index.save(to: path, sync: false) } },
            { for _ in 0..<60 { expectSound(try index.search(data.queries, k: 10, SearchOptions(nprobe: 16)), "search") } },
            { for _ in 0..<60 { expectSound(try index.search(data.queries, k: 10, SearchOptions(threads: 2)), "threads") } },
            {
                for _ in 0..<40 {
                    let filter = RowFilter(.callback { $0 % 3 == 0 })
                    expectSound(try index.search(data.queries, k: 10, filter: filter), "filter")
                }
            },
            { for _ in 0..<20 { expectSound(try index.searchRange(data.queries, radius: 0.3), "range") } },
            {
                for _ in 0..<60 {
                    _ = index.stats()
                    if try index.get([1, 2, 3]).count != 3 * 160 { complain("rows that stay are not there") }
                    if index.contains((0..<UInt64(kept)).map { $0 }).contains(false) { complain("ids that stay are not there") }
                }
            },
        ]
        onThreads(bodies.count) { i in
            do { try bodies[i]() } catch { complain("work \(i): \(error)") }
        }
        #expect(complaints.current == [])
        try index.verify()
        #expect(index.count == kept + 240)
    }
}
