// Searches under filters while updates give rows other slots.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

extension StressTests {
    private struct Moving: Sendable {
        static let few: [UInt64] = [3, 44, 77, 123, 499]
        let data = DataSet.clusters.make(rows: 600, queries: 24, dimension: 32, type: .float32, seed: 781)
        let index: HNSWIndex
        let complaints = Shared([String]())
        let isDone = Shared(false)

        init() throws { index = try HNSWIndex(data.rows, metric: .l2Squared, m: 8, efConstruction: 32) }

        func complain(_ text: String) { complaints.change { if $0.count < 5 { $0.append(text) } } }

        /// Replaces rows, those of `few` among them, by themselves.
        func update(_ round: Int) throws {
            let one = Int(Moving.few[round % Moving.few.count])
            let ids = round % 2 == 0 ? [one] : (0..<20).map { ($0 * 29 + round) % 600 }
            try index.update(ids.map { UInt64($0) }, data.rows.picked(ids))
        }

        /// Searches under filters of each form that let just `few` through.
        func searchForFew() throws {
            let wanted = (0..<600).map { Moving.few.contains(UInt64($0)) }
            for round in 0..<60 {
                let form = GraphFilterTests.Form.allCases[round % 3]
                let found = try GraphFilterTests.withFilter(form, wanted, negated: round % 4 == 0) { filter in
                    round % 5 == 0
                        ? try index.searchRange(data.queries, radius: .infinity, filter: filter)
                        : try index.search(data.queries, k: 10, filter: filter, threads: 1 + round % 2)
                }
                for hits in found where hits.map(\.id).sorted() != Moving.few { complain("\(form): \(hits)") }
            }
        }

        /// Runs a search on two threads, and `work` over and over on another until they have ended.
        func beside(_ work: @escaping @Sendable () throws -> Void) {
            onThreads(3) { thread in
                do {
                    if thread > 0 { try searchForFew() } else { while !isDone.current { try work() } }
                } catch { complain("\(error)") }
                if thread == 1 { isDone.change { $0 = true } }
            }
        }
    }

    @Test("a search under a filter finds each row once, while updates give rows other slots")
    func updatesUnderFilters() throws {
        let moving = try Moving()
        let round = Shared(0)
        moving.beside { try moving.update(round.change { $0 += 1; return $0 }) }
        #expect(moving.complaints.current == [])
        #expect(moving.index.openFilters.isEmpty)
    }

    @Test("a search under a filter lets no others through, while all rows are laid out anew")
    func ordersUnderFilters() throws {
        let moving = try Moving()
        moving.beside {
            try moving.index.optimize(threads: 1)
            try moving.index.compact()
        }
        #expect(moving.complaints.current == [])
    }

    @Test("rows that are moved before a filter has found its rows are found", arguments: GraphFilterTests.Form.allCases, [false, true])
    func movedBeforeFinding(form: GraphFilterTests.Form, negated: Bool) throws {
        let moving = try Moving()
        let index = moving.index
        let wanted = (0..<600).map { Moving.few.contains(UInt64($0)) }
        try GraphFilterTests.withFilter(form, wanted, negated: negated) { filter in
            index.lookupLock.lock()
            let made = Result { try MatchingRows(filter, index, index.store) }
            if let rows = try? made.get() { index.openFilters.append((rows, index.store)) }
            index.lookupLock.unlock()
            let matching = try made.get()
            // Twice: from slot to slot to slot. And one that does not match.
            for _ in 0..<2 { try index.update([44, 45], moving.data.rows.picked([44, 45])) }
            matching.find()
            try index.update([77], moving.data.rows.picked([77]))
            let all = try matching.all()
            let ids = (0..<all.count).map { index.store.id(all.slots[$0]) }.filter { $0 != noID }
            #expect(ids.sorted() == Moving.few)
            try index.update([123], moving.data.rows.picked([123]))
            try matching.follow()
            let slots = (0..<UInt32(index.store.usedSlots)).filter { matching.contains($0) && index.store.id($0) != noID }
            #expect(slots.map { index.store.id($0) }.sorted() == Moving.few)
            index.openFilters.removeAll()
        }
    }

    @Test("a callback may update the rows that it is asked about", arguments: [false, true])
    func callbackUpdates(walks: Bool) throws {
        let moving = try Moving()
        if walks { moving.index.scanLimit = 2 }
        for first in [true, false] {
            // Row 44 moves while row 3 is asked about, before its turn, and again while row 499 is.
            let filter = RowFilter(.callback { id in
                if id == (first ? 3 : 499) { try? moving.index.update([44, 599], moving.data.rows.picked([44, 599])) }
                return Moving.few.contains(id)
            })
            for hits in try moving.index.search(moving.data.queries, k: 10, filter: filter) {
                #expect(hits.map(\.id).sorted() == Moving.few)
            }
        }
    }
}
