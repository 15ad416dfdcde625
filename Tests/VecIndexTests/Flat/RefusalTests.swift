// What an index refuses, and that a refusal changes nothing.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Refusals")
struct RefusalTests {
    private static let dimension = 12

    /// Adds or updates; both refuse the same vectors.
    enum Change: CaseIterable {
        case add
        case addWithIDs
        case update
    }

    /// A batch with one vector that is bad: in the first piece of work, in a later one, and last.
    @Test("a batch with one bad vector changes nothing", arguments: Change.allCases, [5, 700, 999])
    func badVector(change: Change, position: Int) throws {
        let cases: [(Metric, Float, VecStoreError.Code)] = [
            (.l2Squared, .nan, .notFinite), (.l2Squared, -.infinity, .notFinite), (.innerProduct, 1e19, .tooLarge),
            (.cosine, 0, .zeroVector), (.cosine, .nan, .notFinite), (.l1, .infinity, .notFinite),
        ]
        for (metric, element, code) in cases {
            let index = try RefusalTests.index(metric)
            let before = State(index)
            var floats = RefusalTests.rows(1000, seed: 122).floats
            let place = position * RefusalTests.dimension
            if element == 0 {
                for d in 0..<RefusalTests.dimension { floats[place + d] = 0 }
            } else {
                floats[place + 5] = element
            }
            let bad = Vectors(floats, dimension: RefusalTests.dimension, type: .float32)
            let message = expectError(code) { try RefusalTests.make(change, bad, index) }
            #expect(message.contains("vector \(position)"), "\(message)")
            #expect(State(index) == before, "\(metric) \(element)")
            try index.verify()
        }
    }

    @Test("a value beyond float16 is refused with the number of its vector, and changes nothing", arguments: [5, 700, 999])
    func beyondFloat16(position: Int) throws {
        let index = try FlatIndex(IndexOptions(dimension: RefusalTests.dimension, type: .float16))
        var floats = RefusalTests.rows(1000, seed: 123).floats
        floats[position * RefusalTests.dimension + 3] = 70_000
        let bad = Vectors(floats, dimension: RefusalTests.dimension, type: .float32)
        let message = expectError(.tooLarge) { try index.add(bad) }
        #expect(message.contains("element 3 of vector \(position),"), "\(message)")
        #expect(index.count == 0)
    }

    @Test("an id that is there already is refused, wherever in the batch, and changes nothing")
    func idThere() throws {
        let index = try RefusalTests.index(.l2Squared)
        let before = State(index)
        let ids = (0..<999).map { UInt64($0 + 5000) } + [17]
        let message = expectError(.alreadyExists) { try index.add(RefusalTests.rows(1000, seed: 124), ids: ids) }
        #expect(message.contains("17"))
        #expect(State(index) == before)
    }

    @Test("an id twice in one batch is refused, to add and to update, and changes nothing")
    func idTwice() throws {
        let index = try RefusalTests.index(.l2Squared)
        let before = State(index)
        let new = (0..<999).map { UInt64($0 + 5000) } + [5500]
        expectError(.alreadyExists) { try index.add(RefusalTests.rows(1000, seed: 124), ids: new) }
        let there = (0..<299).map { UInt64($0) } + [150]
        expectError(.alreadyExists) { try index.update(there, RefusalTests.rows(300, seed: 125)) }
        #expect(State(index) == before)
    }

    @Test("an update of an id that is not there is refused, and changes nothing")
    func unknownID() throws {
        let index = try RefusalTests.index(.l2Squared)
        let before = State(index)
        let ids = (0..<299).map { UInt64($0) } + [9000]
        let message = expectError(.notFound) { try index.update(ids, RefusalTests.rows(300, seed: 125)) }
        #expect(message.contains("9000"))
        #expect(State(index) == before)
    }

    @Test("the id of a missing result is no id")
    func noIDGiven() throws {
        let index = try RefusalTests.index(.l2Squared)
        expectError(.invalidArgument) { try index.add(RefusalTests.rows(2, seed: 126), ids: [9000, noID]) }
        #expect(!index.contains(9000))
        #expect(!index.contains(noID))
    }

    @Test("vectors of a type that does not go with the rows are refused", arguments: ElementType.allCases)
    func wrongType(type: ElementType) throws {
        let metric: Metric = type == .bits ? .hamming : .l2Squared
        let index = try FlatIndex(IndexOptions(dimension: 16, metric: metric, type: type))
        for other in ElementType.allCases where other != type && !(other.isFloat && type.isFloat) {
            let vectors = DataSet.scattered.make(rows: 2, queries: 0, dimension: 16, type: other, seed: 127).rows
            expectError(.unsupported) { try index.add(vectors) }
            expectError(.unsupported) { try index.update([0, 1], vectors) }
            expectError(.unsupported) { _ = try index.search(vectors, k: 1) }
            expectError(.unsupported) { _ = try index.searchRange(vectors, radius: 1) }
        }
    }

    @Test("a metric that makes no sense for a type is refused", arguments: Metric.allCases)
    func wrongMetric(metric: Metric) {
        for type in ElementType.allCases where !metric.supports(type) {
            expectError(.unsupported) { _ = try FlatIndex(IndexOptions(dimension: 8, metric: metric, type: type)) }
        }
    }

    @Test("a dim outside 1 to 65,536 is refused", arguments: [Int.min, -1, 0, 65_537, Int.max])
    func wrongDimension(dimension: Int) {
        expectError(.invalidArgument) { _ = try FlatIndex(IndexOptions(dimension: dimension)) }
    }

    @Test("codes asked for where there can be none are refused")
    func wrongCodes() {
        let pairs: [(Metric, ElementType)] = [(.l1, .float32), (.l2Squared, .int8), (.cosine, .uint8), (.hamming, .bits)]
        for (metric, type) in pairs {
            expectError(.unsupported) {
                _ = try FlatIndex(IndexOptions(dimension: 64, metric: metric, type: type, exactCodes: true))
            }
        }
    }

    @Test("codes are kept by default for float32 from dim 32 on, under l2sq, ip and cosine")
    func defaultCodes() throws {
        for setting in Setting.all {
            for dimension in [31, 32] {
                let index = try FlatIndex(
                    IndexOptions(dimension: dimension, metric: setting.metric, type: setting.type))
                let wanted = setting.type == .float32 && setting.metric != .l1 && dimension == 32
                #expect(index.shape.keepsCodes == wanted, "\(setting.testDescription), dim \(dimension)")
            }
        }
    }

    @Test("bits set beyond dim are refused")
    func unusedBits() throws {
        let index = try FlatIndex(IndexOptions(dimension: 12, metric: .hamming, type: .bits))
        let bytes: [UInt8] = [0xff, 0x0f, 0xff, 0x1f]
        let message = expectError(.invalidArgument) {
            try index.add(bytes, type: .bits, count: 2, ids: nil, outIDs: nil, threads: 1)
        }
        #expect(message.contains("vector 1"))
        #expect(index.count == 0)
    }

    @Test("bad queries are refused", arguments: [Metric.l2Squared, .innerProduct, .cosine, .l1])
    func badQueries(metric: Metric) throws {
        let index = try RefusalTests.index(metric)
        var floats = RefusalTests.rows(3, seed: 128).floats
        floats[2 * RefusalTests.dimension] = .nan
        let queries = Vectors(floats, dimension: RefusalTests.dimension, type: .float32)
        let message = expectError(.notFinite) { _ = try index.search(queries, k: 3) }
        #expect(message.contains("query 2"))
        expectError(.notFinite) { _ = try index.searchRange(queries, radius: 1) }
    }

    @Test("a zero query is refused under cosine alone", arguments: [Metric.l2Squared, .innerProduct, .cosine, .l1])
    func zeroQuery(metric: Metric) throws {
        let index = try RefusalTests.index(metric)
        let zero = Vectors(
            [Float](repeating: 0, count: RefusalTests.dimension), dimension: RefusalTests.dimension, type: .float32)
        if metric == .cosine {
            expectError(.zeroVector) { _ = try index.search(zero, k: 3) }
        } else {
            #expect(try index.search(zero, k: 3)[0].count == 3)
        }
    }

    // MARK: - Support

    /// All that a reader can see of an index.
    private struct State: Equatable {
        var ids: [UInt64]
        var rows: [UInt8]
        var nextID: UInt64
        var removedCount: Int

        init(_ index: FlatIndex) {
            ids = index.ids()
            rows = (try? index.get(ids)) ?? []
            nextID = index.stats().nextID
            removedCount = index.stats().removedCount
        }
    }

    private static func rows(_ count: Int, seed: UInt64) -> Vectors {
        DataSet.scattered.make(rows: count, queries: 0, dimension: dimension, type: .float32, seed: seed).rows
    }

    /// An index with rows 0 to 1099, of which some are removed.
    private static func index(_ metric: Metric) throws -> FlatIndex {
        let index = try FlatIndex(rows(1100, seed: 121), metric: metric, table: .current)
        try index.remove([1000, 1001, 1050])
        return index
    }

    private static func make(_ change: Change, _ vectors: Vectors, _ index: FlatIndex) throws {
        switch change {
        case .add: try index.add(vectors, threads: 2)
        case .addWithIDs: try index.add(vectors, ids: (0..<vectors.count).map { UInt64(90_000 - $0) })
        case .update: try index.update((0..<vectors.count).map { UInt64($0) }, vectors)
        }
    }
}
