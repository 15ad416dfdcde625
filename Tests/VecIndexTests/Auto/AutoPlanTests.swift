// What is chosen for which rows, budget and recall, and that it takes no more memory than was reckoned with.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("What is chosen")
struct AutoPlanTests {
    private static func plan(_ options: AutoOptions, _ rows: Int, expected: Int = 0) throws -> AutoPlan {
        try AutoPlan.choose(options, rows: rows, expected: expected)
    }

    @Test("few rows are searched exactly, many by a graph, all of them where the recall is to be 1")
    func withoutBudget() throws {
        for (metric, type) in [(Metric.cosine, ElementType.float32), (.l1, .float16), (.innerProduct, .uint8), (.hamming, .bits)] {
            var options = AutoOptions(dimension: 96, metric: metric, type: type)
            #expect(try AutoPlanTests.plan(options, 0) == .flat)
            #expect(try AutoPlanTests.plan(options, AutoPlan.flatRows) == .flat)
            #expect(try AutoPlanTests.plan(options, AutoPlan.flatRows + 1) == .graph)
            // Rows that are expected do not count before they are there.
            #expect(try AutoPlanTests.plan(options, 100, expected: 1_000_000) == .flat)
            options.targetRecall = 1
            #expect(try AutoPlanTests.plan(options, 1_000_000) == .flat)
        }
    }

    @Test("the less memory there is, the less is kept of a row")
    func ladder() throws {
        func plans(_ metric: Metric, _ type: ElementType, _ bytes: [Int]) throws -> [AutoPlan] {
            try bytes.map {
                try AutoPlanTests.plan(
                    AutoOptions(dimension: 384, metric: metric, type: type, memoryBudget: $0 * 1_000_000), 1_000_000)
            }
        }
        #expect(
            try plans(.cosine, .float32, [3000, 2000, 1200, 700, 400, 300, 200])
                == [.graph, .halfGraph, .binaryLists, .codeGraph, .scalarCodes, .productCodes, .binaryCodes])
        #expect(
            try plans(.l2Squared, .bfloat16, [2000, 1200, 700, 400, 300])
                == [.graph, .binaryLists, .codeGraph, .scalarCodes, .productCodes])
        #expect(try plans(.innerProduct, .int8, [800, 500]) == [.graph, .lists])
        #expect(try plans(.l1, .float32, [2000, 1700]) == [.graph, .plainFlat])
        #expect(try plans(.jaccard, .bits, [300, 180]) == [.graph, .plainFlat])
    }

    @Test("a budget that nothing meets is refused with the least that would do")
    func refused() throws {
        for target in [Float(0.9), 1] {
            var options = AutoOptions(dimension: 100, memoryBudget: 1 << 20, targetRecall: target)
            let message = expectError(.tooLarge) { _ = try AutoPlan.choose(options, rows: 50_000, expected: 0) }
            let least = try #require(message.split(separator: " ").compactMap { Int($0) }.last { $0 > 1 << 20 })
            options.memoryBudget = least
            #expect(try AutoPlanTests.plan(options, 50_000).fits(50_000, options))
            options.memoryBudget = least - 1
            expectError(.tooLarge) { _ = try AutoPlan.choose(options, rows: 50_000, expected: 0) }
        }
    }

    @Test("an index takes no more memory than its plan says", arguments: AutoPlan.allCases)
    func bounds(plan: AutoPlan) throws {
        for (metric, type) in [(Metric.cosine, ElementType.float32), (.l2Squared, .float16), (.innerProduct, .int8)] {
            let options = AutoOptions(dimension: 100, metric: metric, type: type)
            guard plan.isOffered(options) else { continue }
            let rows = DataSet.clusters.make(rows: 2500, queries: 0, dimension: 100, type: type, seed: 811).rows
            let index = try plan.index(options, rows: 500)
            for range in [0..<10, 10..<600, 600..<2500] {
                // An inverted file wants a row for each list to begin with.
                if plan.isLists && range.lowerBound == 0 { continue }
                try index.add(rows.picked(range))
                let bound = plan.bytes(index.count, options)
                #expect(index.stats().memoryBytes <= bound, "\(plan) \(metric) \(index.count)")
                if index.count > 2000 { #expect(index.stats().memoryBytes * 4 >= bound) }
            }
        }
    }
}
