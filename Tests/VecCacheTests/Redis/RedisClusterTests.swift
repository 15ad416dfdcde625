// A client and a cluster of three masters with a replica each: commands find their server, also while slots move and servers die.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecIndex

@testable import VecCache

/// Setting up a cluster takes seconds, so that the tests share one. They come one after the other, and the last
/// one kills a server.
@Suite(.serialized) final class RedisClusterTests {
    private static let shared = Result {
        let cluster = try RedisCluster()
        atEnd { cluster.remove() }
        return cluster
    }
    private let cluster: RedisCluster

    init() throws { cluster = try RedisClusterTests.shared.get() }

    private func client(_ change: (inout RedisOptions) -> Void = { _ in }) throws -> RedisClient {
        try cluster.servers[0].client(nil, change)
    }

    @Test func aClientOfOneServerFindsAllOthers() throws {
        let client = try client()
        for i in 0..<100 { _ = try client.execute(RedisCommand("SET", "key\(i)", i)) }
        for i in 0..<100 { #expect(try client.execute(RedisCommand("GET", "key\(i)")).integer == Int64(i)) }
        #expect(client.isCluster && client.servers.count == 3)
        // The map told where each key is: nothing was sent to the wrong server.
        #expect(client.stats.redirects == 0 && client.stats.mapRefreshes == 1)
    }

    @Test func aPipelineAsksAllServersAtOnce() throws {
        let client = try client()
        let sets = try client.pipeline((0..<500).map { RedisCommand("SET", "p\($0)", $0) })
        #expect(sets.allSatisfy { $0 == .simple("OK") })
        let gets = try client.pipeline((0..<500).map { RedisCommand("GET", "p\($0)") })
        #expect(gets.map(\.integer) == (0..<500).map { Int64($0) })
        #expect(client.stats.redirects == 0)
    }

    @Test func keysWithTheSameBracesCanBeUsedByOneScript() throws {
        let script = RedisScript("redis.call('SET', KEYS[1], ARGV[1]) return redis.call('INCR', KEYS[2])")
        for i in 0..<20 {
            let keys = [bytes("vecstore:{ns\(i)}:a"), bytes("vecstore:{ns\(i)}:n")]
            #expect(try client().script(script, keys: keys, arguments: [bytes("x")], isRepeatable: false).integer ?? 0 > 0)
        }
    }

    @Test func aClientThatMayNotAskForTheMapFollowsRedirections() throws {
        for server in cluster.servers {
            try server.cli("acl", "setuser", "plain", "on", ">sesame", "~*", "-@all", "+get", "+set", "+asking", "+ping")
        }
        let client = try cluster.servers[0].client("redis://plain:sesame@127.0.0.1:\(cluster.servers[0].port)")
        for _ in 0..<2 {
            for i in 0..<30 { _ = try client.execute(RedisCommand("SET", "acl\(i)", i)) }
        }
        for i in 0..<30 { #expect(try client.execute(RedisCommand("GET", "acl\(i)")).integer == Int64(i)) }
        // Each key once, and never again.
        #expect(client.stats.redirects > 0 && client.stats.redirects <= 30)
    }

    @Test func aClusterHasOneDatabaseOnly() throws {
        let url = "redis://127.0.0.1:\(cluster.servers[0].port)/1"
        expect(.invalidArgument) { _ = try cluster.servers[0].client(url).execute(RedisCommand("GET", "k")) }
    }

    @Test func aDedicatedConnectionIsWithTheServerOfItsKey() throws {
        let client = try client()
        for i in 0..<9 {
            let key = "stream\(i)"
            let dedicated = try client.dedicated(key: bytes(key))
            _ = try client.execute(RedisCommand("XADD", key, "1-0", "a", "b"))
            #expect(try !dedicated.execute(RedisCommand("XREAD", "BLOCK", 1000, "STREAMS", key, "0-0", keyIndex: 4), wait: 1000).isNull)
        }
    }

    /// Follows the steps by which an operator moves a slot.
    @Test func keysAreFoundWhileTheirSlotMoves() throws {
        let client = try client(), late = try self.client()
        let key = "{moving}"
        let slot = "\(KeySlot.slot(of: bytes(key)))"
        _ = try client.execute(RedisCommand("SET", key + "old", "1"))
        #expect(try late.text(RedisCommand("GET", key + "old")) == "1")
        let source = try cluster.master(of: key)
        let masters = try [0, 8000, 16383].map { try cluster.master(ofSlot: $0) }
        let target = try #require(masters.first { $0 !== source })
        let (sourceID, targetID) = (try cluster.id(source), try cluster.id(target))
        try target.cli("cluster", "setslot", slot, "importing", sourceID)
        try source.cli("cluster", "setslot", slot, "migrating", targetID)
        // What is there is answered there; what is not may be with the other: ASK.
        #expect(try client.text(RedisCommand("GET", key + "old")) == "1")
        let before = client.stats
        _ = try client.execute(RedisCommand("SET", key + "new", "2"))
        #expect(try client.text(RedisCommand("GET", key + "new")) == "2")
        #expect(client.stats.redirects - before.redirects == 2)
        // Keys of both at once cannot be had while they are apart: TRYAGAIN, and in the end an error.
        let error = expect(.unavailable) { _ = try client.execute(RedisCommand("MGET", key + "old", key + "new")) }
        #expect(error?.message.contains("TRYAGAIN") == true)
        try source.cli("migrate", "127.0.0.1", "\(target.port)", key + "old", "0", "5000")
        for server in [target, source] { try server.cli("cluster", "setslot", slot, "node", targetID) }
        // A client that knew nothing of it is told once: MOVED.
        #expect(try late.pipeline(["old", "new", "old"].map { RedisCommand("GET", key + $0) }).map(\.text) == ["1", "2", "1"])
        let told = late.stats.redirects
        #expect(told > 0)
        #expect(try late.text(RedisCommand("GET", key + "old")) == "1")
        #expect(late.stats.redirects == told)
    }

    @Test func hashesOfAllServersBecomePointsAndPointsHashesOnAllServers() throws {
        let client = try client()
        _ = try client.pipeline(
            (0..<900).map { RedisCommand("HSET", "doc:\($0)", "embedding", blob([1, Float($0), 0, 0]), "n", "\($0)") })
        let test = try TransferTest(client: try cluster.servers[3].client())
        let result = try test.importAll {
            $0.layout.prefix = "doc:"
            $0.values = .numbers
            $0.progress = { _, total in total >= 900 }
        }
        #expect(try result.points == 900 && test.collection.count() == 900)
        for id in [0, 450, 899] { #expect(try test.payload(.number(UInt64(id))) == #"{"n":\#(id)}"#) }
        #expect(try test.exportAll { $0.layout.prefix = "copy:" } == 900)
        let lengths = try client.pipeline((0..<900).map { RedisCommand("HLEN", "copy:\($0)") })
        #expect(lengths.allSatisfy { $0 == .integer(2) })
    }

    @Test func aReplicaTakesOverFromAMasterThatHangs() throws {
        let client = try client { $0.commandTimeout = 400; $0.breakerFailures = 2 }
        _ = try client.execute(RedisCommand("SET", "h", 1))
        let victim = try cluster.master(of: "h")
        victim.stop()
        defer { victim.proceed() }
        eventually {
            var isSet = false
            let time = milliseconds { isSet = (try? client.execute(RedisCommand("SET", "h", 2))) == .simple("OK") }
            #expect(time < 2000)
            return isSet
        }
        #expect(try client.execute(RedisCommand("GET", "h")).integer == 2)
        victim.proceed()
        // Until it has heard that it is no master any more it would take what is lost then.
        try eventually { try victim.cli("role").hasPrefix("slave") && cluster.isReady() }
    }

    @Test func aReplicaTakesOverFromAMasterThatDied() throws {
        let client = try client { $0.commandTimeout = 2000 }
        for i in 0..<60 { _ = try client.execute(RedisCommand("SET", "f\(i)", i)) }
        // What masters acknowledged is not with the replicas yet, unless one waits.
        usleep(200_000)
        let victim = try cluster.master(of: "f0")
        let other = try #require((1..<60).first { try cluster.master(of: "f\($0)") !== victim })
        victim.kill()
        // The others answer all the time.
        for _ in 0..<20 { #expect(try client.execute(RedisCommand("GET", "f\(other)")).integer == Int64(other)) }
        eventually {
            var isSet = false
            let time = milliseconds { isSet = (try? client.execute(RedisCommand("SET", "f0", 1000))) == .simple("OK") }
            #expect(time < 4000)
            return isSet
        }
        #expect(try client.execute(RedisCommand("GET", "f0")).integer == 1000)
        // The other masters hear a moment later that the cluster is whole again.
        try eventually {
            let rest = try client.pipeline((1..<60).map { RedisCommand("GET", "f\($0)") })
            return rest == (1..<60).map { .bytes(bytes("\($0)")) }
        }
        #expect(!client.servers.contains { $0.address == .tcp(host: "127.0.0.1", port: victim.port) } || victim === cluster.servers[0])
    }
}
