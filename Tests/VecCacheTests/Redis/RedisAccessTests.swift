// Passwords, users, sockets in the file system, and what nobody gets to see of them.
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing
import VecIndex

@testable import VecCache

struct RedisAccessTests {
    private func server(_ change: (inout RedisServer.Settings) -> Void) throws -> RedisServer {
        var settings = RedisServer.Settings()
        change(&settings)
        return try RedisServer(settings)
    }

    private let ping = RedisCommand("PING", keyIndex: nil)

    @Test func aPasswordOpensAServerThatHasOne() throws {
        let server = try server { $0.password = "open sesame@/:%" }
        #expect(try server.client("redis://:open%20sesame%40%2F%3A%25@127.0.0.1:\(server.port)").text(ping) == "PONG")
        let missing = expect(.invalidArgument) { _ = try server.client().execute(ping) }
        #expect(missing?.message.contains("password") == true)
        let wrong = expect(.invalidArgument) { _ = try server.client("redis://:sesame1@127.0.0.1:\(server.port)").execute(ping) }
        #expect(wrong?.message.contains("WRONGPASS") == true)
    }

    /// What a cache needs, and no more: not even the name of a connection, nor what kind of server it is.
    @Test func aUserNeedsRightsForItsCommandsAlone() throws {
        let server = try server { $0.users = ["reader on >sesame ~cache:* resetchannels -@all +get"] }
        try server.cli("set", "cache:a", "1")
        let client = try server.client("redis://reader:sesame@127.0.0.1:\(server.port)")
        #expect(try client.text(RedisCommand("GET", "cache:a")) == "1")
        for command in [RedisCommand("SET", "cache:a", "2"), RedisCommand("GET", "other")] {
            let error = expect(.unsupported) { _ = try client.execute(command) }
            #expect(error?.message.contains("NOPERM") == true)
        }
        expect(.invalidArgument) { _ = try server.client("redis://nobody:sesame@127.0.0.1:\(server.port)").execute(ping) }
    }

    @Test func aPasswordForAServerThatHasNoneIsAnError() throws {
        let server = try RedisServer()
        expect(.invalidArgument) { _ = try server.client("redis://:sesame@127.0.0.1:\(server.port)").execute(ping) }
    }

    @Test func aSocketInTheFileSystemIsReached() throws {
        let server = try server { $0.hasUnixSocket = true }
        let client = try server.client("unix://\(server.unixPath)?db=1")
        _ = try client.execute(RedisCommand("SET", "k", "v"))
        #expect(try server.cli("-n", "1", "get", "k") == "v")
        expect(.unavailable) { _ = try server.client("unix://\(server.unixPath)x").execute(ping) }
        let tooLong = "unix:///" + String(repeating: "a", count: 200)
        expect(.invalidArgument) { _ = try server.client(tooLong).execute(ping) }
    }

    @Test func aServerThatHasEnoughClientsSaysSo() throws {
        let server = try server { $0.arguments = ["--maxclients", "1"] }
        let first = try server.client { $0.maxConnections = 1 }
        #expect(try first.text(ping) == "PONG")
        let error = expect(.unavailable) { _ = try server.client { $0.retries = 0 }.execute(ping) }
        #expect(error?.message.contains("as many clients") == true)
        #expect(try first.text(ping) == "PONG")
    }

    @Test func noErrorAndNoLogHasASecret() throws {
        let server = try server {
            $0.password = "sesame"
            // A server that knows no AUTH repeats what came with it.
            $0.arguments = ["--rename-command", "SHUTDOWN", ""]
        }
        let old = try self.server { $0.arguments = ["--rename-command", "AUTH", ""] }
        let good = try server.client("redis://:sesame@127.0.0.1:\(server.port)") { $0.commandTimeout = 200; $0.breakerFailures = 2 }
        #expect(try good.text(ping) == "PONG")
        let heard = Mutex<[String]>([])
        alone {
            Log.shared.set({ _, text in heard.withLock { $0.append(String(cString: text)) } }, .debug)
            defer { Log.shared.set(nil, .error) }
            var texts: [String] = []
            func collect(_ client: RedisClient) {
                do { _ = try client.execute(ping) } catch { texts += [error.message, "\(error)", String(reflecting: error)] }
                texts += ["\(client.url)", "\(client.options)", "\(client.servers)", "\(client.stats)"]
                var dumped = ""
                dump(client, to: &dumped)
                texts.append(dumped)
            }
            for url in ["redis://:sesame1@127.0.0.1:\(server.port)", "redis://user:sesame@127.0.0.1:\(server.port)"] {
                if let client = try? server.client(url) { collect(client) }
            }
            if let client = try? old.client("redis://user:sesame@127.0.0.1:\(old.port)") { collect(client) }
            server.kill()
            for _ in 0..<4 { collect(good) }
            #expect(texts.count > 20 && !texts.contains { $0.contains("sesame") })
        }
        let log = heard.withLock { $0 }
        #expect(log.contains { $0.contains("left alone") } && !log.contains { $0.contains("sesame") })
    }
}
