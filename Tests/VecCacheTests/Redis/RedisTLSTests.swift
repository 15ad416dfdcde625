// Encrypted connections: who is trusted, and who is not.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCache

/// Making certificates takes a while, so that the tests share them and a server.
@Suite struct RedisTLSTests {
    private static let shared = Result { () -> (RedisCertificates, RedisServer) in
        let certificates = try RedisCertificates()
        var settings = RedisServer.Settings()
        settings.certificates = certificates
        settings.password = "sesame"
        let server = try RedisServer(settings)
        atEnd {
            server.remove()
            certificates.remove()
        }
        return (certificates, server)
    }

    private let certificates: RedisCertificates
    private let server: RedisServer

    init() throws { (certificates, server) = try RedisTLSTests.shared.get() }

    private let ping = RedisCommand("PING", keyIndex: nil)

    private func client(host: String = "127.0.0.1", _ change: (inout RedisOptions) -> Void = { _ in }) throws -> RedisClient {
        try server.client("rediss://:sesame@\(host):\(server.port)") {
            $0.tls.authorityFile = certificates.authority
            $0.tls.certificateFile = certificates.clientCertificate
            $0.tls.keyFile = certificates.clientKey
            change(&$0)
        }
    }

    @Test("a server that our authority vouches for is trusted, by name and by address", arguments: ["127.0.0.1", "localhost"])
    func trusted(host: String) throws {
        let client = try client(host: host)
        for _ in 0..<3 { #expect(try client.text(ping) == "PONG") }
        #expect(client.stats.connections == 1)
    }

    @Test func largePipelinesGoThrough() throws {
        let client = try client { $0.commandTimeout = 10_000 }
        let value = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let replies = try client.pipeline((0..<200).flatMap { i in [RedisCommand("SET", "k\(i)", value), RedisCommand("GET", "k\(i)")] })
        #expect(stride(from: 0, to: 400, by: 2).allSatisfy { replies[$0] == .simple("OK") && replies[$0 + 1] == .bytes(value) })
    }

    @Test func aServerOfAnotherAuthorityIsNot() throws {
        let error = expect(.io) { _ = try client { $0.tls.authorityFile = nil }.execute(ping) }
        #expect(error?.message.contains("not trusted") == true)
        #expect(try client { $0.tls.authorityFile = nil; $0.tls.verifiesServer = false }.text(ping) == "PONG")
    }

    @Test func aServerOfAnotherNameIsNot() throws {
        let error = expect(.io) { _ = try client { $0.tls.serverName = "cache.example" }.execute(ping) }
        #expect(error?.message.contains("not trusted") == true)
        expect(.io) { _ = try client { $0.tls.serverName = "127.0.0.2" }.execute(ping) }
        #expect(try client { $0.tls.serverName = "localhost" }.text(ping) == "PONG")
    }

    @Test func aClientWithoutACertificateIsRefusedWhereTheServerWantsOne() throws {
        #expect(throws: VecStoreError.self) {
            _ = try client {
                $0.tls.certificateFile = nil
                $0.tls.keyFile = nil
            }.execute(ping)
        }
    }

    @Test func filesThatCannotBeUsedAreNamed() throws {
        let error = expect(.invalidArgument) { _ = try client { $0.tls.authorityFile = "/no/such/file.pem" } }
        #expect(error?.message.contains("/no/such/file.pem") == true)
        expect(.invalidArgument) { _ = try client { $0.tls.keyFile = certificates.authority } }
        // Nobody is asked for its passphrase.
        expect(.invalidArgument) { _ = try client { $0.tls.keyFile = certificates.lockedKey } }
    }

    @Test func aServerWithoutTLSIsAnError() throws {
        let plain = try RedisServer()
        let client = try plain.client("rediss://127.0.0.1:\(plain.port)") { $0.tls.verifiesServer = false }
        let time = milliseconds { #expect(throws: VecStoreError.self) { _ = try client.execute(ping) } }
        #expect(time < 3000)
        // And the other way round.
        #expect(throws: VecStoreError.self) { _ = try server.client("redis://127.0.0.1:\(server.port)").execute(ping) }
    }

    @Test func aDedicatedConnectionIsEncryptedToo() throws {
        let client = try client()
        _ = try client.execute(RedisCommand("XADD", "s", "*", "a", "b"))
        let dedicated = try client.dedicated(key: bytes("s"))
        let read = RedisCommand("XREAD", "BLOCK", 1000, "STREAMS", "s", "0-0", keyIndex: 4)
        #expect(try dedicated.execute(read, wait: 1000).array?.count == 1)
    }

    @Test func aServerThatHangsEndsTheHandshakeInTime() throws {
        var settings = RedisServer.Settings()
        settings.certificates = certificates
        let hanging = try RedisServer(settings)
        hanging.stop()
        let client = try hanging.client("rediss://127.0.0.1:\(hanging.port)") {
            $0.connectTimeout = 200
            $0.commandTimeout = 500
            $0.tls.verifiesServer = false
        }
        let time = milliseconds { expect(.unavailable) { _ = try client.execute(ping) } }
        #expect(time < 2500)
    }
}
