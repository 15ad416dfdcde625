// Hashes in a real Redis that become points and rows, and points that become hashes.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecStore

@Suite("Hashes in Redis in Swift")
struct RedisTransferTests {
    private struct Document: Codable, Equatable {
        var title: String
        var page: Int
    }

    private let server: RedisServer

    init() throws { server = try RedisServer() }

    @Test func pointsGoToRedisAndComeBack() throws {
        try withCollection { points in
            let documents = [Document(title: "router", page: 7), Document(title: "modem", page: 8)]
            let end = Date.now + 3600
            try points.upsert([1, "two"], [[1, 0.5], [-2, 3]] as [[Float]], payloads: documents.map { try Payload($0) }, expires: [nil, end])
            #expect(try points.exportRedis(server.url, .init(prefix: "doc:")) == 2)
            #expect(try server.cli("hget", "doc:1", "title") == "router")
            #expect(try server.cli("hstrlen", "doc:two", "embedding") == "8")
            try withCollection { copy in
                let result = try copy.importRedis(server.url, .init(prefix: "doc:", values: .json))
                #expect(result.points == 2 && result.skipped == 0 && result.firstReason == nil)
                let found = try copy.get([1, "two"], withVectors: true)
                #expect(try found.map { try $0?.payload?.decoded(as: Document.self) } == documents)
                #expect(found.map { $0?.vector } == [[1, 0.5], [-2, 3]])
                #expect(found[0]?.expires == nil)
                #expect(abs(try #require(found[1]?.expires).timeIntervalSince(end)) < 60)
            }
        }
    }

    @Test func fieldsAreNamedAndPointsChosen() throws {
        try withCollection { points in
            let payloads = try [0, 1, 2, 3].map { try Payload(Document(title: "t\($0)", page: $0)) }
            try points.upsert([0, 1, 2, 3], [[0, 1], [1, 1], [2, 1], [3, 1]] as [[Float]], payloads: payloads)
            let layout = RedisExportOptions(
                prefix: "d:", vectorFields: ["": "v"], blobType: .float64, jsonField: "doc", filter: Field("page") >= 2)
            #expect(try points.exportRedis(server.url, layout) == 2)
            #expect(try server.cli("hstrlen", "d:3", "v") == "16")
            #expect(try server.cli("exists", "d:0") == "0")
            try withCollection { copy in
                let options = RedisImportOptions(
                    prefix: "d:", pattern: "d:[0-3]", vectorFields: ["": "v"], blobType: .float64, payloadFields: [], jsonField: "doc")
                let result = try copy.importRedis(server.url, options)
                let found = try copy.get(3)
                #expect(result.points == 2 && found?.payload == payloads[3])
            }
        }
    }

    @Test func rowsOfAnIndexComeFromHashes() throws {
        try withCollection { points in
            try points.upsert([5, 6, 7], [[1, 0], [0, 1], [1, 1]] as [[Float]])
            try points.exportRedis(server.url, .init(prefix: "row:"))
        }
        let index = try Index(.hnsw(), dimension: 2)
        var told = 0
        let result = try index.importRedis(server.url, .init(prefix: "row:", batchSize: 2)) { done, total in
            told = done
            return done <= total
        }
        #expect(result.points == 3 && told == 3)
        #expect(try index.search([0, 1] as [Float], k: 1).map(\.id) == [6])
        expect(.invalidArgument) { try index.importRedis(server.url, .init(prefix: "row:", values: .json)) }
        expect(.invalidArgument) { try index.importRedis(server.url, .init(prefix: "row:", threads: -1)) }
        expect(.unsupported) { try Index(dimension: 2, elementType: .int8).importRedis(server.url, .init(prefix: "row:")) }
    }

    @Test func whatIsWrongIsToldByItsKeyOrPassedOver() throws {
        try withCollection { points in
            try points.upsert([1], [[1, 2]] as [[Float]])
            try points.exportRedis(server.url, .init(prefix: "doc:"))
            try server.cli("hset", "doc:bad", "embedding", "short")
            var result = RedisImportResult()
            let error = #expect(throws: VecStoreError.self) { try points.importRedis(server.url, .init(prefix: "doc:"), result: &result) }
            #expect(error?.code == .invalidArgument && error?.message.contains("doc:bad") == true)
            #expect(result.points <= 1)
            result = try points.importRedis(server.url, .init(prefix: "doc:", skipsBad: true))
            #expect(result.points == 1 && result.skipped == 1 && result.firstReason?.contains("doc:bad") == true)
        }
    }

    @Test func aTransferIsCancelledByItsProgress() throws {
        try withCollection { points in
            try points.upsert([1, 2], [[1, 2], [3, 4]] as [[Float]])
            expect(.cancelled) { try points.exportRedis(server.url) { _, _ in false } }
            try points.exportRedis(server.url)
            expect(.cancelled) { try points.importRedis(server.url) { _, _ in false } }
        }
    }

    @Test func whatCannotBeIsRefused() throws {
        try withCollection { points in
            try points.upsert([1], [[1, 2]] as [[Float]])
            expect(.invalidArgument) { try points.importRedis("http://127.0.0.1") }
            expect(.invalidArgument) { try points.exportRedis("memory:") }
            expect(.invalidArgument) { try points.importRedis(server.url, .init(batchSize: 0)) }
            expect(.invalidArgument) { try points.importRedis(server.url, .init(vectorFields: ["other": "v"])) }
            expect(.invalidArgument) { try points.exportRedis(server.url, .init(vectorFields: ["": ""])) }
            expect(.invalidArgument) { try points.importRedis(server.url, .init(redis: .init(commandTimeout: .zero))) }
            server.kill()
            expect(.unavailable) { try points.exportRedis(server.url, .init(redis: .init(commandTimeout: .milliseconds(300)))) }
        }
    }
}
