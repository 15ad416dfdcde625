// Errors in Swift: a code to decide by and a sentence to read.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecStore

@Suite("Errors in Swift")
struct ErrorTests {
    private static func index(_ metric: Metric = .l2Squared, _ type: ElementType = .float32) throws -> Index {
        try Index(dimension: 2, metric: metric, elementType: type)
    }

    private func expect(
        _ code: VecStoreError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) {
        let error = #expect(throws: VecStoreError.self, sourceLocation: sourceLocation, performing: body)
        #expect(error?.code == code, sourceLocation: sourceLocation)
        #expect(error?.message.isEmpty == false, sourceLocation: sourceLocation)
    }

    @Test("errors are typed: no cast is needed to see the code")
    func typed() throws {
        let index = try ErrorTests.index(.cosine)
        do {
            try index.add([[0, 0]] as [[Float]])
            Issue.record("a zero vector was added")
        } catch {
            #expect(error.code == .zeroVector)
            #expect(error.message.contains("vector 0"))
            #expect("\(error)" == error.message)
        }
    }

    @Test("vectors of the wrong length are refused, with the length that is right")
    func length() throws {
        let index = try ErrorTests.index()
        expect(.invalidArgument) { try index.add([[1, 2], [3]] as [[Float]]) }
        expect(.invalidArgument) { try index.add(flat: [1, 2, 3] as [Float]) }
        expect(.invalidArgument) { _ = try index.search([1] as [Float]) }
        expect(.invalidArgument) { _ = try index.search([[1, 2], []] as [[Float]]) }
        expect(.invalidArgument) { _ = try index.search([1, 2, 3] as [Float], within: 1) }
        #expect(index.count == 0)
    }

    @Test("as many ids as vectors, or it is an error")
    func idCount() throws {
        let index = try ErrorTests.index()
        expect(.invalidArgument) { try index.add([[1, 2]] as [[Float]], ids: [1, 2]) }
        expect(.invalidArgument) { try index.add(flat: [1, 2] as [Float], ids: []) }
        expect(.invalidArgument) { try index.update([1], [] as [[Float]]) }
    }

    @Test("ids that are there, or not there, are told apart")
    func ids() throws {
        let index = try ErrorTests.index()
        try index.add([[1, 2]] as [[Float]], ids: [5])
        expect(.alreadyExists) { try index.add([[1, 2]] as [[Float]], ids: [5]) }
        expect(.alreadyExists) { try index.add([[1, 2], [1, 2]] as [[Float]], ids: [6, 6]) }
        expect(.notFound) { try index.update([6], [[1, 2]] as [[Float]]) }
        expect(.invalidArgument) { try index.add([[1, 2]] as [[Float]], ids: [.max]) }
        #expect(index.ids == [5])
    }

    @Test("values that no distance is defined for are refused")
    func values() throws {
        let index = try ErrorTests.index()
        expect(.notFinite) { try index.add([[1, .nan]] as [[Float]]) }
        expect(.notFinite) { try index.add([[1, .infinity]] as [[Float16]]) }
        expect(.tooLarge) { try index.add([[1e30, 0]] as [[Float]]) }
        expect(.notFinite) { _ = try index.search([.nan, 0] as [Float]) }
        expect(.invalidArgument) { _ = try index.search([0, 0] as [Float], within: .nan) }
        let halves = try ErrorTests.index(.l2Squared, .float16)
        expect(.tooLarge) { try halves.add([[70_000, 0]] as [[Float]]) }
        expect(.zeroVector) { _ = try ErrorTests.index(.cosine).search([0, 0] as [Float]) }
    }

    @Test("elements of a type that does not go with the index are refused")
    func types() throws {
        expect(.unsupported) { try ErrorTests.index().add([[1, 2]] as [[Int8]]) }
        expect(.unsupported) { try ErrorTests.index(.l2Squared, .int8).add([[1, 2]] as [[Float]]) }
        expect(.unsupported) { try ErrorTests.index(.l2Squared, .int8).add([[1, 2]] as [[UInt8]]) }
        let bytes = try ErrorTests.index(.l2Squared, .int8)
        try bytes.add([[1, 2]] as [[Int8]])
        expect(.unsupported) { _ = try bytes.vector(0) }
    }

    @Test("an index that cannot be is refused")
    func options() {
        expect(.invalidArgument) { _ = try Index(dimension: 0) }
        expect(.invalidArgument) { _ = try Index(dimension: 65_537) }
        expect(.unsupported) { _ = try Index(dimension: 8, metric: .hamming) }
        expect(.unsupported) { _ = try Index(dimension: 8, elementType: .bits) }
        expect(.unsupported) { _ = try Index(dimension: 8, metric: .l1, exactCodes: true) }
        expect(.invalidArgument) { _ = try Index(dimension: 8, capacity: -1) }
        expect(.tooLarge) { _ = try Index(dimension: 8, capacity: .max) }
        expect(.outOfMemory) { _ = try Index(dimension: 65_536, capacity: 4_000_000_000) }
    }

    @Test("numbers out of range are refused", arguments: [Int.min, -1, Int.max])
    func ranges(number: Int) throws {
        let index = try ErrorTests.index()
        try index.add([[1, 2]] as [[Float]])
        expect(.invalidArgument) { _ = try index.search([1, 2] as [Float], k: number) }
        expect(.invalidArgument) { _ = try index.search([1, 2] as [Float], threads: number) }
        expect(.invalidArgument) { _ = try index.search([1, 2] as [Float], within: 1, threads: number) }
        expect(.invalidArgument) { try index.add([[1, 2]] as [[Float]], threads: number) }
        expect(number > 0 ? .tooLarge : .invalidArgument) { try index.reserve(number) }
        expect(.invalidArgument) { _ = try index.search([1, 2] as [Float], k: 0) }
    }

    @Test("more results than memory holds are an error, not the end of the process")
    func manyResults() throws {
        let index = try ErrorTests.index()
        let queries = [[Float]](repeating: [1, 2], count: 1_000_000)
        expect(.outOfMemory) { _ = try index.search(queries, k: 1_000_000) }
        expect(.tooLarge) { _ = try index.search(queries + queries, k: 1_048_576) }
    }
}
