// Reading rows back.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Reading rows")
struct GetTests {
    private static func rows(_ type: ElementType) -> Vectors {
        DataSet.scattered.make(rows: 100, queries: 0, dimension: 19, type: type, seed: 131).rows
    }

    private static func index(_ rows: Vectors) throws -> FlatIndex {
        try FlatIndex(rows, metric: rows.type == .bits ? .hamming : .l2Squared, table: .current)
    }

    @Test("rows come out as they went in, in the order asked for, repeats too", arguments: ElementType.allCases)
    func asStored(type: ElementType) throws {
        let rows = GetTests.rows(type)
        let index = try GetTests.index(rows)
        let ids: [UInt64] = [99, 0, 50, 50, 1]
        #expect(try index.get(ids) == ids.flatMap { rows.row(Int($0)) })
        #expect(try index.get([]) == [])
    }

    @Test("16-bit floats come out as float32, exactly", arguments: [ElementType.float16, .bfloat16])
    func widened(type: ElementType) throws {
        let rows = GetTests.rows(type)
        let index = try GetTests.index(rows)
        let bytes = try index.get((0..<100).map { UInt64($0) }, as: .float32)
        let floats = bytes.withUnsafeBytes { bytes in
            (0..<(100 * 19)).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
        #expect(floats == (0..<100).flatMap { rows.floats($0) })
    }

    @Test("float32 input is rounded to the type of the rows, to nearest, ties to even", arguments: [ElementType.float16, .bfloat16])
    func narrowed(type: ElementType) throws {
        let input = GetTests.rows(.float32)
        let index = try FlatIndex(IndexOptions(dimension: 19, type: type))
        try index.add(input)
        #expect(try index.get(index.ids()) == Vectors(input.floats, dimension: 19, type: type).bytes)
    }

    @Test("other types than that of the rows, and float32 for 16-bit floats, are refused", arguments: ElementType.allCases)
    func refused(type: ElementType) throws {
        let index = try GetTests.index(GetTests.rows(type))
        for other in ElementType.allCases where other != type && !(other == .float32 && type.isFloat) {
            expectError(.unsupported) { _ = try index.get([0], as: other) }
        }
    }

    @Test("an id that is not there, or not any more, is an error that names it")
    func missing() throws {
        let index = try GetTests.index(GetTests.rows(.float32))
        try index.remove([42])
        #expect(expectError(.notFound) { _ = try index.get([1, 42]) }.contains("42"))
        expectError(.notFound) { _ = try index.get([100]) }
        expectError(.notFound) { _ = try index.get([noID]) }
    }

    @Test("contains tells for each id whether it is there")
    func contains() throws {
        let index = try GetTests.index(GetTests.rows(.float32))
        try index.remove([42])
        #expect(index.contains([0, 42, 99, 100, noID, 0]) == [true, false, true, false, false, true])
        #expect(index.contains([]) == [])
    }
}
