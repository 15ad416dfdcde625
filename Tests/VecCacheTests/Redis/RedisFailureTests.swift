// A server that dies, hangs, or is not there: every call ends in time, and all is well again when the server is back.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport
import Testing
import VecIndex

@testable import VecCache

struct RedisFailureTests {
    private let server: RedisServer

    init() throws { server = try RedisServer() }

    private let ping = RedisCommand("PING", keyIndex: nil)

    @Test func aServerThatWasKilledIsUsedAgainOnceItIsBack() throws {
        let client = try server.client()
        #expect(try client.text(ping) == "PONG")
        server.kill()
        expect(.unavailable) { _ = try client.execute(ping) }
        try server.start()
        eventually { (try? client.text(ping)) == "PONG" }
        #expect(client.servers.first?.breaker == .closed)
    }

    @Test func aCallOverlapsTheRestartOfAServer() throws {
        let client = try server.client { $0.minBackoff = 200; $0.maxBackoff = 800; $0.commandTimeout = 5000 }
        #expect(try client.text(ping) == "PONG")
        server.kill()
        let answers = Counter()
        let thread = Threads { [ping] _ in if (try? client.text(ping)) == "PONG" { answers.add() } }
        usleep(100_000)
        try server.start()
        thread.join()
        #expect(answers.value == 1)
    }

    @Test func aServerThatHangsCostsATimeoutAndNoMore() throws {
        let client = try server.client { $0.commandTimeout = 200; $0.breakerFailures = 3 }
        #expect(try client.text(ping) == "PONG")
        server.stop()
        for _ in 0..<3 {
            let time = milliseconds { expect(.unavailable) { _ = try client.execute(ping) } }
            #expect(time >= 150 && time < 2000)
        }
        // From now on nobody waits for it.
        #expect(client.servers.first?.breaker == .open)
        let error = expect(.unavailable) { _ = try client.execute(ping) }
        #expect(error?.message.contains("breaker") == true)
        server.proceed()
        eventually { (try? client.text(ping)) == "PONG" }
        #expect(client.stats.timeouts >= 3)
    }

    /// The reply to a command that timed out comes later, and must not be taken for that of another.
    @Test func aReplyThatComesTooLateBelongsToNobody() throws {
        let client = try server.client { $0.commandTimeout = 200; $0.breakerFailures = 1000 }
        _ = try client.execute(RedisCommand("SET", "k", "late"))
        server.stop()
        for _ in 0..<3 { expect(.unavailable) { _ = try client.execute(RedisCommand("GET", "k")) } }
        server.proceed()
        for i in 0..<50 {
            let text = "\(i)"
            eventually { (try? client.text(RedisCommand("ECHO", text, keyIndex: nil))).map { #expect($0 == text) } != nil }
        }
    }

    @Test func aPipelineEndsInTimeAndKeepsTheRepliesThatCame() throws {
        let client = try server.client { $0.commandTimeout = 300 }
        let replies = try client.pipeline([ping, RedisCommand("BLPOP", "never", 0), ping])
        #expect(replies[0] == .simple("PONG"))
        guard case .error(let failure) = replies[1] else {
            Issue.record("\(replies)")
            return
        }
        #expect(failure.code == .unavailable && failure.word == "")
    }

    @Test func onlyWhatIsSafeIsSentAgain() throws {
        let client = try server.client { $0.retries = 2; $0.breakerFailures = 1000 }
        // The server dies while it works on the command, so that nobody knows whether it did.
        let script = RedisScript("redis.call('SET', 'started', 1) while true do end")
        func ends(isRepeatable: Bool) throws -> UInt64 {
            _ = try client.execute(ping)
            let before = client.stats.retries
            let killer = Threads { [server] _ in
                usleep(150_000)
                server.kill()
            }
            expect(.unavailable) { _ = try client.script(script, keys: [], arguments: [], isRepeatable: isRepeatable) }
            killer.join()
            try server.start()
            return client.stats.retries - before
        }
        // A server that does not know the script asks for its source, which is one more attempt.
        #expect(try ends(isRepeatable: false) == 1)
        eventually { (try? client.text(ping)) == "PONG" }
        #expect(try ends(isRepeatable: true) == 3)
    }

    @Test func whereNobodyListensCallsEndSoon() throws {
        let client = try server.client { $0.retries = 1 }
        server.kill()
        let time = milliseconds { expect(.unavailable) { _ = try client.execute(ping) } }
        #expect(time < 1000)
        #expect(client.stats.failedConnections > 0)
        expect(.unavailable) { _ = try client.dedicated(key: bytes("k")) }
    }

    @Test func aHostWithoutAnAddressIsAnError() throws {
        let client = try server.client("redis://no-such-host.invalid:1") { $0.commandTimeout = 500; $0.retries = 0 }
        let time = milliseconds {
            let error = expect(.unavailable) { _ = try client.execute(ping) }
            #expect(error?.message.contains("no-such-host.invalid") == true)
        }
        #expect(time < 3000)
    }

    @Test func anEndOfTheServerEndsABlockingWait() throws {
        let client = try server.client()
        let dedicated = try client.dedicated(key: bytes("s"))
        let killer = Threads { [server] _ in
            usleep(100_000)
            server.kill()
        }
        let read = RedisCommand("XREAD", "BLOCK", 0, "STREAMS", "s", "$", keyIndex: 4)
        let time = milliseconds { expect(.unavailable) { _ = try dedicated.execute(read, wait: 60_000) } }
        #expect(time < 5000)
        killer.join()
        expect(.unavailable) { _ = try dedicated.execute(ping) }
        try server.start()
        eventually { (try? client.dedicated(key: bytes("s")).execute(ping)) == .simple("PONG") }
    }

    @Test func whatDoesNotSpeakRedisIsAnError() throws {
        let web = try WebServer()
        let client = try RedisClient(RedisURL("redis://127.0.0.1:\(web.port)"), .hasty)
        let error = expect(.io) { _ = try client.execute(ping) }
        #expect(error?.message.contains("not a Redis server") == true)
    }

    @Test func callsFromManyThreadsSurviveAServerThatComesAndGoes() throws {
        let client = try server.client { $0.commandTimeout = 500 }
        let isOver = Atomic<Bool>(false), answered = Counter(), refused = Counter(), wrong = Counter()
        let threads = Threads(6) { i in
            var j = 0
            while !isOver.load(ordering: .relaxed) {
                j += 1
                let text = "\(i)-\(j)"
                do {
                    if try client.text(RedisCommand("ECHO", text, keyIndex: nil)) != text { wrong.add() }
                    answered.add()
                } catch {
                    refused.add()
                    usleep(1000)
                }
            }
        }
        for _ in 0..<3 {
            usleep(100_000)
            server.kill()
            usleep(100_000)
            try server.start()
        }
        eventually { (try? client.text(ping)) == "PONG" }
        isOver.store(true, ordering: .relaxed)
        let time = milliseconds { threads.join() }
        #expect(time < 2000)
        #expect(wrong.value == 0)
        #expect(answered.value > 0 && refused.value > 0)
    }
}

/// Python's web server, which says what it thinks of requests that are none.
private final class WebServer {
    let port: UInt16
    private let process: ChildProcess

    init() throws {
        process = try ChildProcess("python3", ["-u", "-m", "http.server", "--bind", "127.0.0.1", "0"])
        // Serving HTTP on 127.0.0.1 port 36713 (http://127.0.0.1:36713/) ...
        let words = process.text().split(separator: " ")
        let place = try #require(words.firstIndex(of: "port"))
        port = try #require(UInt16(words[place + 1]))
    }

    deinit { process.kill() }
}
