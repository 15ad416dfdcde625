// An index that chooses by itself, as a Swift program sees it.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecStore

@Suite("Indexes that choose by themselves")
struct AutoTests {
    @Test("an index begins flat, holds its rows and says what it is")
    func begins() throws {
        let index = try Index(.auto(memoryBudget: 1 << 30, targetRecall: 0.9), dimension: TestRows.dimension, capacity: 1000)
        #expect(index.kind == .flat && index.stats.isAutomatic)
        #expect(Index.Design.auto().kind == nil)
        let rows = TestRows.near(300, seed: 1)
        try index.add(rows)
        #expect(try index.search(rows[7], k: 1)[0].id == 7)
        #expect(index.explain().contains("chosen automatically: flat"))
        try index.optimize()
        #expect(index.count == 300)
        #expect(try Index(.hnsw(), dimension: 3).explain().contains("hnsw"))
    }

    @Test("a small budget makes it another kind, in its file too")
    func becomes() throws {
        let index = try Index(.auto(memoryBudget: 400_000, targetRecall: 0.9), dimension: TestRows.dimension, metric: .cosine)
        let rows = TestRows.near(2000, seed: 1)
        for from in stride(from: 0, to: 2000, by: 500) { try index.add(Array(rows[from..<(from + 500)])) }
        #expect(index.stats.memoryBytes <= 400_000 && index.count == 2000)
        #expect(try index.search(rows[7], k: 1)[0].id == 7)
        expect(.tooLarge) { try index.add(TestRows.near(20_000, seed: 2)) }
        #expect(index.count == 2000)
    }

    @Test("what cannot be is refused")
    func refused() {
        for budget in [Int.min, -1, 0, 1] {
            expect(.invalidArgument) { _ = try Index(.auto(memoryBudget: budget), dimension: TestRows.dimension, capacity: 100) }
        }
        for recall in [-1, 0, 1.1, .nan] as [Float] {
            expect(.invalidArgument) { _ = try Index(.auto(targetRecall: recall), dimension: TestRows.dimension) }
        }
        expect(.invalidArgument) { _ = try Index(.auto(), dimension: TestRows.dimension, exactCodes: true) }
        expect(.unsupported) { _ = try Index(.auto(), dimension: TestRows.dimension, metric: .hamming) }
        expect(.unsupported) { try Index(.auto(), dimension: TestRows.dimension).train([[Float](repeating: 1, count: TestRows.dimension)]) }
    }
}
