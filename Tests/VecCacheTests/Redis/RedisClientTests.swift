// One client and one server, while all is well.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecIndex

@testable import VecCache

struct RedisClientTests {
    private let server: RedisServer
    private let client: RedisClient

    init() throws {
        server = try RedisServer()
        client = try server.client()
    }

    @Test func argumentsAndRepliesMayBeAnyBytes() throws {
        let value = (0...255).map { UInt8($0) } + bytes("\r\n$5\r\n")
        #expect(try client.execute(RedisCommand("SET", [0, 10, 13] as [UInt8], value)) == .simple("OK"))
        #expect(try client.execute(RedisCommand("GET", [0, 10, 13] as [UInt8])) == .bytes(value))
        #expect(try client.execute(RedisCommand("GET", "none")) == .null)
        #expect(try client.execute(RedisCommand("STRLEN", [0, 10, 13] as [UInt8])).integer == Int64(value.count))
        #expect(!client.isCluster)
    }

    @Test func valuesOfManyMegabytesComeAndGo() throws {
        let value = [UInt8](repeating: 7, count: 20_000_000)
        _ = try client.execute(RedisCommand("SET", "big", value))
        #expect(try client.execute(RedisCommand("GET", "big")).bytes?.count == value.count)
    }

    /// Replies fill what the system keeps of them long before the last command is sent.
    @Test func aPipelineMayBeLargerThanAllBuffers() throws {
        let value = [UInt8](repeating: 1, count: 50_000)
        _ = try client.execute(RedisCommand("SET", "k", value))
        let replies = try client.pipeline((0..<600).flatMap { i in [RedisCommand("GET", "k"), RedisCommand("SET", "k\(i)", value)] })
        #expect(replies.count == 1200)
        #expect(stride(from: 0, to: 1200, by: 2).allSatisfy { replies[$0] == .bytes(value) && replies[$0 + 1] == .simple("OK") })
    }

    @Test func eachCommandOfAPipelineHasItsOwnReply() throws {
        let replies = try client.pipeline([
            RedisCommand("SET", "s", "text"), RedisCommand("INCR", "s"), RedisCommand("LPUSH", "s", "x"), RedisCommand("GET", "s"),
        ])
        #expect(replies[0] == .simple("OK") && replies[3].text == "text")
        guard case .error(let first) = replies[1], case .error(let second) = replies[2] else {
            Issue.record("\(replies)")
            return
        }
        #expect(first.code == .io && first.message.contains("not an integer"))
        #expect(second.word == "WRONGTYPE")
        #expect(try client.pipeline([]) == [])
    }

    @Test func whatTheServerRefusesIsThrown() throws {
        let error = expect(.unsupported) { _ = try client.execute(RedisCommand("NOSUCHTHING", "sesame")) }
        #expect(error?.message.contains("unknown command") == true && error?.message.contains("sesame") == false)
        #expect(client.stats.errors == 1)
        #expect(client.servers.first?.breaker == .closed)
    }

    @Test func aPipelineIsOneRoundTrip() throws {
        _ = try client.execute(RedisCommand("PING", keyIndex: nil))
        let before = client.stats
        _ = try client.pipeline((0..<500).map { RedisCommand("SET", "k\($0)", $0) })
        let after = client.stats
        #expect(after.commands - before.commands == 500 && after.connections == before.connections && after.retries == 0)
        #expect(after.bytesReceived - before.bytesReceived == 500 * 5)
    }

    @Test func scriptsAreSentWholeOnlyToAServerThatDoesNotKnowThem() throws {
        let script = RedisScript("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}" + String(repeating: " ", count: 10_000))
        func runs() throws -> RedisReply { try client.script(script, keys: [bytes("n")], arguments: [bytes("a")], isRepeatable: false) }
        #expect(try runs() == .array([.bytes(bytes("n")), .bytes(bytes("a")), .integer(1)]))
        let before = client.stats.bytesSent
        #expect(try runs().array?.last == .integer(2))
        #expect(client.stats.bytesSent - before < 200)
        try server.cli("script", "flush")
        #expect(try runs().array?.last == .integer(3))
        // In a pipeline too, beside others.
        try server.cli("script", "flush")
        let replies = try client.pipeline([
            RedisCommand("PING", keyIndex: nil), RedisCommand(script, keys: [bytes("n")], arguments: [bytes("b")], isRepeatable: false),
        ])
        #expect(replies[1].array?.last == .integer(4) && replies[0] == .simple("PONG"))
    }

    @Test func aDatabaseIsChosenOnEachConnection() throws {
        let other = try server.client(server.url + "/3")
        _ = try other.execute(RedisCommand("SET", "k", "three"))
        #expect(try client.text(RedisCommand("GET", "k")) == nil)
        #expect(try server.cli("-n", "3", "get", "k") == "three")
        let error = expect(.invalidArgument) { _ = try server.client(server.url + "/99").execute(RedisCommand("GET", "k")) }
        #expect(error?.message.contains("99") == true)
    }

    @Test func connectionsHaveANameThatOperatorsSee() throws {
        _ = try client.execute(RedisCommand("PING", keyIndex: nil))
        #expect(try server.cli("client", "list").contains("name=vecstore"))
    }

    // MARK: - The pool

    @Test func manyThreadsShareAFewConnections() throws {
        let client = try server.client { $0.maxConnections = 3 }
        let wrong = Counter()
        Threads(12) { i in
            for j in 0..<200 where (try? client.text(RedisCommand("ECHO", "\(i)-\(j)", keyIndex: nil))) != "\(i)-\(j)" {
                wrong.add()
            }
        }.join()
        #expect(wrong.value == 0)
        #expect(client.stats.connections <= 3 && (client.servers.first?.connections ?? 99) <= 3)
    }

    @Test func whoWaitsTooLongForAConnectionIsTold() throws {
        let client = try server.client { $0.maxConnections = 1 }
        _ = try client.execute(RedisCommand("PING", keyIndex: nil))
        let node = client.node(client.url.address)
        let visit = try #require(try node.enter(until: Deadline(milliseconds: 1000)))
        let error = expect(.unavailable) { _ = try client.execute(RedisCommand("PING", keyIndex: nil)) }
        #expect(error?.message.contains("in use") == true)
        visit.end()
        #expect(try client.text(RedisCommand("PING", keyIndex: nil)) == "PONG")
    }

    @Test func aConnectionThatWasIdleForLongIsAskedFirst() throws {
        let client = try server.client { $0.healthCheckAfter = 0 }
        _ = try client.execute(RedisCommand("SET", "k", "v"))
        try server.cli("config", "resetstat")
        #expect(try client.text(RedisCommand("GET", "k")) == "v")
        let calls = try server.cli("info", "commandstats")
        #expect(calls.contains("cmdstat_ping:calls=1") && calls.contains("cmdstat_get:calls=1"))
    }

    @Test func aConnectionThatTheServerClosedIsNotUsedAgain() throws {
        _ = try client.execute(RedisCommand("SET", "n", 1))
        try server.cli("client", "kill", "type", "normal")
        usleep(20_000)
        // It is not repeatable, and need not be: it is not sent on a connection that is gone.
        #expect(try client.execute(RedisCommand("INCR", "n")) == .integer(2))
        #expect(client.stats.retries == 0)
    }

    // MARK: - Dedicated connections

    @Test func aDedicatedConnectionWaitsForWhatHappens() throws {
        let dedicated = try client.dedicated(key: bytes("s"))
        let writer = Threads { [client] _ in
            usleep(50_000)
            _ = try? client.execute(RedisCommand("XADD", "s", "1-0", "op", "set"))
        }
        let reply = try dedicated.execute(RedisCommand("XREAD", "BLOCK", 5000, "STREAMS", "s", "0-0", keyIndex: 4), wait: 5000)
        #expect(reply.array?.first?.array?.first?.text == "s")
        writer.join()
        // Nothing came: that is an answer, even where the wait is longer than the time-out of commands.
        #expect(try dedicated.execute(RedisCommand("XREAD", "BLOCK", 1200, "STREAMS", "s", "1-0", keyIndex: 4), wait: 1200) == .null)
    }

    @Test func anotherThreadCanEndTheWait() throws {
        let dedicated = try client.dedicated(key: bytes("s"))
        let closer = Threads { _ in
            usleep(50_000)
            dedicated.close()
        }
        let time = milliseconds {
            expect(.cancelled) { _ = try dedicated.execute(RedisCommand("XREAD", "BLOCK", 0, "STREAMS", "s", "$", keyIndex: 4), wait: 60_000) }
        }
        #expect(time < 5000)
        closer.join()
        expect(.cancelled) { _ = try dedicated.execute(RedisCommand("PING", keyIndex: nil)) }
    }

    // MARK: - The end

    @Test func aClosedClientRefuses() throws {
        _ = try client.execute(RedisCommand("PING", keyIndex: nil))
        client.close()
        client.close()
        expect(.invalidHandle) { _ = try client.execute(RedisCommand("PING", keyIndex: nil)) }
        expect(.invalidHandle) { _ = try client.dedicated(key: bytes("k")) }
        try eventually { try !server.cli("client", "list").contains("name=vecstore") }
    }

    @Test func aChildOfForkIsRefusedAndLeavesTheConnectionsOfItsParentAlone() throws {
        _ = try client.execute(RedisCommand("SET", "k", "v"))
        // Swift offers no fork.
        let fork = unsafeBitCast(try #require(dlsym(nil, "fork")), to: (@convention(c) () -> pid_t).self)
        let child = fork()
        if child == 0 {
            do throws(VecStoreError) {
                _ = try client.execute(RedisCommand("GET", "k"))
                _exit(1)
            } catch {
                client.close()
                _exit(error.code == .invalidHandle && error.message.contains("fork") ? 0 : 2)
            }
        }
        var status: Int32 = -1
        waitpid(child, &status, 0)
        #expect(status == 0)
        #expect(try client.text(RedisCommand("GET", "k")) == "v")
        #expect(client.stats.connections == 1)
    }
}
