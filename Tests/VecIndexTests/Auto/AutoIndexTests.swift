// An index that chooses by itself, while it changes from one kind to another. Budgets are so small that few rows do.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("An index that chooses by itself")
struct AutoIndexTests {
    private static let dimension = 64
    private static let data = DataSet.clusters.make(rows: 2400, queries: 40, dimension: dimension, type: .float32, seed: 821)
    private static var rows: Vectors { data.rows }

    /// One whose budget holds so many rows of 16 bits beside codes, and not as they are.
    private static func tight(_ rows: Int, metric: Metric = .l2Squared, target: Float = 0.9) throws -> AutoIndex {
        var options = AutoOptions(dimension: dimension, metric: metric, capacity: rows, targetRecall: target)
        options.memoryBudget = AutoPlan.productLists.bytes(rows, options)
        return try AutoIndex(options)
    }

    @Test("plain searches find what was asked for, before and after it changes, of rows that were never seen", arguments: [1, 300])
    func recall(batch: Int) throws {
        let index = try AutoIndexTests.tight(2400)
        var changes = 0, before = index.current.plan
        try index.add(AutoIndexTests.rows.picked(0..<600))
        for from in stride(from: 600, to: batch == 1 ? 700 : 2400, by: batch) {
            try index.add(AutoIndexTests.rows.picked(from..<(from + batch)))
            #expect(index.stats().memoryBytes <= index.current.options.memoryBudget)
            if index.current.plan != before { changes += 1 }
            before = index.current.plan
        }
        if batch > 1 { #expect(changes >= 1 && index.kind == .ivf) }
        let left = AutoIndexTests.rows.picked(0..<index.count)
        let truth = Recall.truth(AutoIndexTests.data.queries, left, .l2Squared, k: 10)
        // 40 queries tell a recall to some 0.02, and rows of 16 bits rank nearly the same.
        let found = try index.search(AutoIndexTests.data.queries, k: 10)
        #expect(Recall.of(found, truth, tolerance: 2e-3) >= 0.9 - 0.04)
        try index.verify()
    }

    @Test("it is calibrated by strangers where there are enough rows, else by its own")
    func strangers() throws {
        let many = try AutoIndexTests.tight(2400)
        try many.add(AutoIndexTests.rows)
        let found = try #require(many.calibration)
        #expect(!found.usesOwnRows && many.current.notes.calibratedRows == 2400)
        #expect(found.targetRecall > 0.9)
        let few = try AutoIndexTests.tight(700)
        try few.add(AutoIndexTests.rows.picked(0..<700))
        if few.kind == .ivf { #expect(try #require(few.calibration).usesOwnRows) }
    }

    @Test("all rows are there with their ids, and the next id is a new one")
    func rowsAndIDs() throws {
        let index = try AutoIndexTests.tight(2400)
        let ids = (0..<900).map { UInt64(9000 - 7 * $0) }
        try index.add(AutoIndexTests.rows.picked(0..<900), ids: ids)
        #expect(index.kind == .flat)
        try index.remove([9000, 2707])
        try index.add(AutoIndexTests.rows.picked(900..<2400))
        #expect(index.kind == .ivf && index.count == 2398)
        #expect(index.ids().sorted() == (ids.filter { $0 != 9000 && $0 != 2707 } + (9001..<10_501)).sorted())
        #expect(index.stats().nextID == 10_501)
    }

    @Test("searches go on while it changes, and see all rows before or after")
    func besideSearches() throws {
        let index = try AutoIndexTests.tight(2400)
        try index.add(AutoIndexTests.rows.picked(0..<900))
        let queries = AutoIndexTests.data.queries.picked(0..<4)
        let complaints = Shared([String]())
        let isDone = Shared(false)
        onThreads(4) { thread in
            do {
                if thread == 0 {
                    // Ids of its own: those that are assigned would come after those of thread 1.
                    try index.add(AutoIndexTests.rows.picked(900..<2000), ids: (900..<2000).map { UInt64($0) })
                    isDone.change { $0 = true }
                } else if thread == 1 {
                    for i in 0..<10 { try index.add(AutoIndexTests.rows.picked((2000 + i)..<(2001 + i)), ids: [UInt64(50_000 + i)]) }
                } else {
                    var last = 0
                    while !isDone.current {
                        let count = index.count
                        if count < last { complaints.change { $0.append("\(count) rows after \(last)") } }
                        last = count
                        let found = try index.search(queries, k: 5)
                        if found.contains(where: { $0.count != 5 }) { complaints.change { $0.append("too few results") } }
                        if index.contains([0, 5, 899]).contains(false) { complaints.change { $0.append("a row is gone") } }
                        _ = try index.get([0, 899])
                        _ = index.explain()
                    }
                }
            } catch {
                complaints.change { $0.append("thread \(thread): \(error)") }
            }
        }
        #expect(complaints.current.isEmpty, "\(complaints.current.prefix(5))")
        #expect(index.count == 2010 && index.kind == .ivf)
        try index.verify()
    }

    @Test("a file is the same after it was opened and saved again, and goes on choosing")
    func files() throws {
        let index = try AutoIndexTests.tight(2400)
        let directory = try TemporaryDirectory()
        for range in [0..<500, 500..<2000] {
            try index.add(AutoIndexTests.rows.picked(range))
            try index.save(to: directory.path("a"), sync: false)
            for options in [OpenOptions(), OpenOptions(load: true)] {
                let opened = try openIndex(directory.path("a"), options)
                #expect(opened is AutoIndex && opened.kind == index.kind && opened.stats().isAutomatic)
                #expect(opened.explain().contains("chosen automatically"))
                try opened.save(to: directory.path("b"), sync: false)
                #expect(try directory.bytes("b") == directory.bytes("a"))
            }
        }
        let opened = try openIndex(directory.path("a"), OpenOptions(load: true))
        try opened.remove((100..<2000).map { UInt64($0) })
        try opened.optimize(threads: 1, progress: nil)
        #expect(opened.kind == .flat && opened.count == 100)
    }

    @Test("where memory runs out while it changes, nothing has changed")
    func outOfMemory() async {
        await #expect(processExitsWith: .success) {
            let index = try AutoIndexTests.tight(2400)
            try index.add(AutoIndexTests.rows.picked(0..<300))
            let batch = AutoIndexTests.rows.picked(300..<2000)
            let queries = AutoIndexTests.data.queries.picked(0..<2)
            func check() throws {
                try #require((index.count == 300 && index.kind == .flat) || (index.count == 2000 && index.kind == .ivf))
                try #require(try index.search(queries, k: 3).allSatisfy { $0.count == 3 })
            }
            // Some allocations are done without, such as those of a calibration that can wait: then it has changed.
            for n in [0, 1, 2, 3, 5, 8, 13, 40, 100] {
                let left = Shared(n)
                Buffer.isDenied = { _ in left.change { $0 -= 1; return $0 == -1 } }
                do {
                    try index.add(batch)
                    Buffer.isDenied = nil
                } catch let error as VecStoreError {
                    Buffer.isDenied = nil
                    try #require(error.code == .outOfMemory)
                }
                try check()
                if index.count == 2000 { break }
            }
            try index.verify()
        }
    }
}
