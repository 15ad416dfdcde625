// Hashes, by users of few rights.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecCollection
import VecIndex
import VecKernelTypes

@testable import VecCache

@Suite("Hashes by users of few rights")
struct RedisTransferAccessTests {
    /// The rules of a user that the documents show, but for its name and password.
    private func documentedRules(_ user: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        let text = try String(contentsOf: root.appendingPathComponent("docs/redis.md"), encoding: .utf8)
        let start = try #require(text.firstRange(of: "ACL SETUSER \(user) on >password ")).upperBound
        let end = try #require(text[start...].firstRange(of: "```")).lowerBound
        return text[start..<end].split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private func client(_ rules: String) throws -> (RedisServer, RedisClient) {
        var settings = RedisServer.Settings()
        settings.users = ["transfer on >sesame " + rules]
        let server = try RedisServer(settings)
        return (server, try server.client("redis://transfer:sesame@127.0.0.1:\(server.port)"))
    }

    @Test func theDocumentedRightsAreEnoughToImport() throws {
        let (server, client) = try client(try documentedRules("importer"))
        _ = try server.client().execute(RedisCommand("HSET", "doc:1", "embedding", blob([1, 2, 3, 4] as [Float]), "title", "x"))
        let test = try TransferTest(client: client)
        #expect(try test.importAll { $0.layout.prefix = "doc:"; $0.progress = { _, total in total == 1 } }.points == 1)
        #expect(try test.point(.number(1))?.vectors == ["": [1, 2, 3, 4]])
        let index = try FlatIndex(IndexOptions(dimension: 4))
        var options = RedisImportOptions(), result = RedisImportResult()
        options.layout.prefix = "doc:"
        try test.transfer.importRows(into: index, options, &result)
        #expect(index.count == 1)
        #expect(failure { _ = try client.execute(RedisCommand("DEL", "doc:1")) }?.code == .unsupported)
    }

    @Test func theDocumentedRightsAreEnoughToExport() throws {
        let (server, client) = try client(try documentedRules("exporter"))
        let test = try TransferTest(client: client)
        try test.upsert(.number(1), [1, 2, 3, 4], #"{"title":"x"}"#, expires: (wallClock() + 60_000) * 1000)
        #expect(try test.exportAll { $0.layout.prefix = "doc:" } == 1)
        #expect(try server.cli("hget", "doc:1", "title") == "x")
        #expect(failure { try test.exportAll { $0.layout.prefix = "other:" } }?.code == .unsupported)
    }

    @Test func whoMayNotAskWhichServersThereAreAsksTheOneThatIsAlone() throws {
        let (server, client) = try client("~* resetchannels -@all +scan +hgetall +pttl")
        _ = try server.client().execute(RedisCommand("HSET", "doc:1", "embedding", blob([1, 2, 3, 4] as [Float])))
        #expect(try TransferTest(client: client).importAll { $0.layout.prefix = "doc:" }.points == 1)
    }

    @Test func whoMayNotAskWhichServersThereAreDoesNotTakeAPartForAll() throws {
        var settings = RedisServer.Settings()
        settings.isCluster = true
        settings.users = ["transfer on >sesame ~* resetchannels -@all +scan +hgetall +pttl"]
        let server = try RedisServer(settings)
        let url = try RedisURL("redis://transfer:sesame@127.0.0.1:\(server.port)")
        let test = try TransferTest(client: try RedisClient(url, .hasty))
        let (_, error) = test.importFailing { $0.layout.prefix = "doc:" }
        #expect(error?.code == .unsupported && error?.message.contains("CLUSTER SLOTS") == true)
    }

    @Test func aClusterOfWhichAPartIsMissingIsNotTakenForAll() throws {
        var settings = RedisServer.Settings()
        settings.isCluster = true
        settings.arguments = ["--cluster-require-full-coverage", "no"]
        let server = try RedisServer(settings)
        try server.cli("cluster", "addslotsrange", "0", "16382")
        let test = try TransferTest(client: try server.client())
        let (_, error) = test.importFailing { $0.layout.prefix = "doc:" }
        #expect(error?.code == .unavailable && error?.message.contains("slot") == true)
        try server.cli("cluster", "addslots", "16383")
        eventually { (try? server.client().execute(RedisCommand("HSET", "doc:1", "embedding", blob([1, 2, 3, 4] as [Float])))) != nil }
        #expect(try test.importAll { $0.layout.prefix = "doc:" }.points == 1)
    }
}
