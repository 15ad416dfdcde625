// Hashes of a real Redis become rows of an index.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecCollection
import VecIndex
import VecKernelTypes

@testable import VecCache

@Suite("Hashes in Redis become rows of an index")
struct RedisRowImportTests {
    private let test: TransferTest

    init() throws { test = try TransferTest() }

    private func importAll(
        _ index: any VectorIndex, _ change: (inout RedisImportOptions) -> Void = { _ in }
    ) throws -> RedisImportResult {
        var result = RedisImportResult()
        try test.transfer.importRows(into: index, test.importOptions(change), &result)
        return result
    }

    private func row(_ index: any VectorIndex, _ id: UInt64) throws -> [Float] {
        var row = [Float](repeating: 0, count: index.dimension)
        try row.withUnsafeMutableBytes { out in
            try index.get([id], 1, as: .float32, try #require(out.baseAddress))
        }
        return row
    }

    private func indexes(_ metric: Metric = .cosine) throws -> [any VectorIndex] {
        [
            try FlatIndex(IndexOptions(dimension: 4, metric: metric)),
            try HNSWIndex(HNSWOptions(dimension: 4, metric: metric, type: .float32)),
        ]
    }

    @Test func newIDsAreAddedAndKnownOnesUpdated() throws {
        _ = try test.client.pipeline(
            (0..<1500).map { RedisCommand("HSET", test.key("\($0)"), "embedding", blob([1, Float($0), 0, 0]), "title", [0xff]) })
        for index in try indexes() {
            #expect(try importAll(index).points == 1500)
            #expect(index.count == 1500)
            #expect(try row(index, 1234) == [1, 1234, 0, 0])
            try test.hset("7", ["embedding": blob([5, 6, 7, 8] as [Float])])
            #expect(try importAll(index) { $0.threads = 2 }.points == 1500)
            #expect(try index.count == 1500 && row(index, 7) == [5, 6, 7, 8])
            try test.hset("7", ["embedding": blob([1, 7, 0, 0] as [Float])])
        }
    }

    @Test func whatIsNoRowIsRefusedOrPassedOver() throws {
        try test.hset("1", ["embedding": blob([1, 0, 0, 0] as [Float])])
        let flaws: [(String, KeyValuePairs<String, [UInt8]>, String)] = [
            ("text", ["embedding": blob([1, 0, 0, 0] as [Float])], "no number from 0 to 18446744073709551614"),
            ("007", ["embedding": blob([1, 0, 0, 0] as [Float])], "no number"), ("2", ["other": []], "no field 'embedding'"),
            ("3", ["embedding": [1]], "has 1 bytes"), ("4", ["embedding": blob([0, 0, 0, 0] as [Float])], "is zero"),
            ("5", ["embedding": blob([0, .nan, 0, 0] as [Float])], "NaN"),
        ]
        for (id, fields, text) in flaws {
            try test.hset(id, fields)
            let error = failure { _ = try importAll(FlatIndex(IndexOptions(dimension: 4, metric: .cosine))) }
            #expect(error?.message.contains("the key '\(test.key(id))'") == true && error?.message.contains(text) == true, "\(id)")
            _ = try test.client.execute(RedisCommand("DEL", test.key(id)))
        }
        for (id, fields, _) in flaws { try test.hset(id, fields) }
        let index = try FlatIndex(IndexOptions(dimension: 4, metric: .cosine))
        let result = try importAll(index) { $0.skipsBad = true }
        #expect(result.points == 1 && result.skipped == flaws.count && index.count == 1)
    }

    @Test func optionsThatAreForCollectionsAreRefused() throws {
        let index = try FlatIndex(IndexOptions(dimension: 4))
        #expect(failure { _ = try importAll(index) { $0.values = .json } }?.code == .invalidArgument)
        #expect(failure { _ = try importAll(index) { $0.payloadFields = [] } }?.code == .invalidArgument)
        #expect(failure { _ = try importAll(index) { $0.layout.jsonField = "x" } }?.code == .invalidArgument)
        #expect(
            failure { _ = try importAll(index) { $0.layout.vectorFields = [VectorField("v", vectorName: "a")] } }?.code == .invalidArgument)
        let bits = try FlatIndex(IndexOptions(dimension: 8, metric: .hamming, type: .bits))
        #expect(failure { _ = try importAll(bits) }?.code == .unsupported)
    }
}
