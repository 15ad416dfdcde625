// The Swift module, used as a Swift program uses it.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecStore

@Suite("An index in Swift")
struct IndexTests {
    /// Four rows with the ids 0 to 3.
    private static func small(_ metric: Metric = .cosine) throws -> Index {
        let index = try Index(dimension: 3, metric: metric)
        try index.add([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]] as [[Float]])
        return index
    }

    @Test("vectors go in, the nearest come out")
    func firstSteps() throws {
        let index = try Index(.flat, dimension: 3, metric: .cosine)
        let ids = try index.add([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]] as [[Float]])
        #expect(ids == [0, 1, 2, 3])
        let hits = try index.search([2, 1, 0] as [Float], k: 2)
        #expect(hits.map(\.id) == [3, 0])
        #expect(hits[0].distance < hits[1].distance)
        #expect(try index.search([1, 0, 0] as [Float], k: 1) == [Hit(id: 0, distance: 0)])
    }

    @Test("k is 10 where nothing is said, and fewer rows give fewer results")
    func defaults() throws {
        let index = try Index(dimension: 1)
        #expect(index.metric == .l2Squared)
        #expect(index.elementType == .float32)
        #expect(try index.search([0] as [Float]) == [])
        try index.add(flat: (0..<30).map { Float($0) })
        #expect(try index.search([0] as [Float]).map(\.id) == Array(0..<10))
        #expect(try index.search([0] as [Float], k: 100).count == 30)
    }

    @Test("many queries are answered one by one, in their order")
    func batch() throws {
        let index = try IndexTests.small()
        let queries: [[Float]] = [[0, 0, 5], [9, 0, 0], [0, 2, 0]]
        for threads in [0, 1, 2] {
            let hits = try index.search(queries, k: 1, threads: threads)
            #expect(hits.map { $0.map(\.id) } == [[2], [0], [1]])
        }
        #expect(try index.search([] as [[Float]], k: 3) == [])
    }

    @Test("vectors may lie one behind the other in one array")
    func flatInput() throws {
        let index = try Index(dimension: 2)
        #expect(try index.add(flat: [1, 2, 3, 4] as [Float], ids: [7, 8]) == [7, 8])
        #expect(try index.vector(7) == [1, 2])
        #expect(try index.vector(8) == [3, 4])
    }

    @Test("ids are given, or assigned after the largest so far")
    func ids() throws {
        let index = try Index(dimension: 1)
        #expect(try index.add([[0]] as [[Float]], ids: [41]) == [41])
        #expect(try index.add([[1], [2]] as [[Float]]) == [42, 43])
        #expect(index.ids == [41, 42, 43])
        #expect(index.count == 3)
    }

    @Test("rows are replaced, removed, and asked for")
    func changes() throws {
        let index = try IndexTests.small(.l2Squared)
        try index.update([0, 2], [[5, 5, 5], [6, 6, 6]] as [[Float]])
        #expect(try index.vector(0) == [5, 5, 5])
        #expect(try index.vector(1) == [0, 1, 0])
        #expect(try index.remove([1, 1, 99]) == 1)
        #expect(index.contains(0))
        #expect(!index.contains(1))
        #expect(try index.vector(1) == nil)
        #expect(index.count == 3)
        try index.compact()
        #expect(Set(index.ids) == [0, 2, 3])
        try index.verify()
    }

    @Test("a range search finds all within the radius, nearest first")
    func range() throws {
        let index = try Index(dimension: 1)
        try index.add(flat: (0..<10).map { Float($0) })
        let hits = try index.search([4] as [Float], within: 4)
        #expect(hits == [(4, 0), (3, 1), (5, 1), (2, 4), (6, 4)].map { Hit(id: $0.0, distance: $0.1) })
        #expect(try index.search([4] as [Float], within: -1) == [])
    }

    @Test("a filter names rows, leaves rows out, or asks a closure")
    func filters() throws {
        let index = try IndexTests.small()
        let query: [Float] = [1, 0, 0]
        #expect(try index.search(query, filter: .ids([1, 2, 77])).map(\.id) == [1, 2])
        #expect(try index.search(query, filter: .excluding([0, 3])).map(\.id) == [1, 2])
        #expect(try index.search(query, filter: .matching { $0 >= 2 }).map(\.id) == [3, 2])
        #expect(try index.search(query, filter: .ids([])) == [])
        #expect(try index.search(query, filter: .excluding([])).count == 4)
        #expect(try index.search(query, within: 0.5, filter: .excluding([0])).map(\.id) == [3])
        #expect(try index.search([query, query], k: 1, filter: .ids([2])).map { $0.map(\.id) } == [[2], [2]])
    }

    @Test(
        "every metric means what it says",
        arguments: [(Metric.l2Squared, 2), (.innerProduct, -24), (.cosine, 0.04), (.l1, 2)] as [(Metric, Float)])
    func metrics(metric: Metric, distance: Float) throws {
        let index = try Index(dimension: 2, metric: metric)
        try index.add([[3, 4]] as [[Float]])
        #expect(abs(try index.search([4, 3] as [Float])[0].distance - distance) < 1e-6)
    }

    @Test("bits are given eight to a byte")
    func bits() throws {
        let index = try Index(dimension: 12, metric: .hamming, elementType: .bits)
        try index.add([[0b1111_0000, 0b0001], [0b1111_1111, 0b1111]] as [[UInt8]])
        #expect(try index.search([0b1111_0000, 0] as [UInt8]) == [Hit(id: 0, distance: 1), Hit(id: 1, distance: 8)])
        let jaccard = try Index(dimension: 8, metric: .jaccard, elementType: .bits)
        try jaccard.add([[0b0011]] as [[UInt8]])
        #expect(try jaccard.search([0b0110] as [UInt8])[0].distance == 1 - 1 / 3 as Float)
    }

    @Test("bytes are given as they are")
    func bytes() throws {
        let signed = try Index(dimension: 2, elementType: .int8)
        try signed.add([[-128, 127]] as [[Int8]])
        #expect(try signed.search([127, -128] as [Int8])[0].distance == 130_050)
        let unsigned = try Index(dimension: 2, metric: .innerProduct, elementType: .uint8)
        try unsigned.add([[255, 255]] as [[UInt8]])
        #expect(try unsigned.search([255, 255] as [UInt8])[0].distance == -130_050)
    }

    @Test("Float and Float16 go with every index of floats", arguments: [ElementType.float32, .float16, .bfloat16])
    func floats(type: ElementType) throws {
        let index = try Index(dimension: 2, elementType: type)
        try index.add([[0.5, 2]] as [[Float]])
        try index.add([[0.25, 4]] as [[Float16]])
        #expect(try index.vector(0) == [0.5, 2])
        #expect(try index.vector(1) == [0.25, 4])
        #expect(try index.search([0.25, 4] as [Float16], k: 1) == [Hit(id: 1, distance: 0)])
        #expect(try index.search([0.25, 4] as [Float], k: 1) == [Hit(id: 1, distance: 0)])
    }

    @Test("an index says what it is")
    func properties() throws {
        let index = try Index(dimension: 384, metric: .innerProduct, elementType: .bfloat16, exactCodes: true, capacity: 1000)
        #expect(index.dimension == 384)
        #expect(index.metric == .innerProduct)
        #expect(index.elementType == .bfloat16)
        #expect(!index.isReadOnly)
        #expect(index.count == 0)
        #expect(index.ids == [])
        #expect(index.memoryBytes > 1000 * 384 * 3)
        for metric in Metric.allCases {
            let type: ElementType = metric == .hamming || metric == .jaccard ? .bits : .uint8
            let other = try Index(dimension: 8, metric: metric, elementType: type)
            #expect(other.metric == metric)
            #expect(other.elementType == type)
        }
    }

    @Test("room can be reserved: it changes nothing but memory")
    func reserve() throws {
        let index = try IndexTests.small()
        let before = index.memoryBytes
        try index.reserve(10_000)
        #expect(index.memoryBytes > before)
        #expect(index.ids == [0, 1, 2, 3])
    }

    @Test("searches run beside a writer, and see whole states")
    func concurrently() async throws {
        let index = try Index(dimension: 2)
        try index.add([[0, 0], [0, 0]] as [[Float]])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for version in 1...200 { try index.update([0, 1], [[Float(version), 0], [Float(version), 0]]) }
            }
            for _ in 0..<3 {
                group.addTask {
                    for _ in 0..<200 {
                        let hits = try index.search([0, 0] as [Float], k: 2)
                        #expect(hits.count == 2)
                        #expect(hits.first?.distance == hits.last?.distance)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try index.vector(1) == [200, 0])
    }
}
