// Caches in a cluster of six servers.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import VecCache

@Suite("A cache in a cluster", .serialized)
struct ClusterCacheTests {
    @Test func isSharedAndLivesThroughTheDeathOfAServer() throws {
        let cluster = try RedisCluster()
        let master = try cluster.master(of: "vecstore:{tests}:meta")
        // One that lives on.
        let url = try #require(try (0..<100).lazy.map { try cluster.master(of: "key \($0)").url }.first { $0 != master.url })
        var settings = RedisCaches.settings()
        settings.keepsResponses = true
        let a = try RedisCaches.open(url, RedisCaches.options(), settings), b = try RedisCaches.open(url, RedisCaches.options(), settings)
        for n in 0..<50 { try a.put(n) }
        try RedisCaches.eventually("all are there") { try b.entries == 50 }
        // What the replica has not got yet would be lost with its master.
        _ = try master.cli("wait", "1", "2000")
        master.kill()
        #expect(try b.response(3) == "response 3")
        try a.put(100)
        try RedisCaches.eventually("the replica has taken over", within: 20) { try b.response(100) == "response 100" }
        #expect(try a.entries == 51 && b.entries == 51)
        #expect(try RedisCaches.open(url).entries == 51)
    }
}
