// Replies made of bytes, commands made into bytes, and the numbers that Redis derives from keys and scripts.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCache

struct ProtocolTests {
    /// All replies in a text that arrives in pieces of some bytes.
    private func replies(_ text: String, pieces: Int = .max) throws -> [RedisReply] {
        let reader = try ReplyReader()
        let bytes = Array(text.utf8)
        var replies: [RedisReply] = []
        for start in stride(from: 0, to: bytes.count, by: min(pieces, max(bytes.count, 1))) {
            try bytes[start..<min(bytes.count, start + min(pieces, bytes.count))].withUnsafeBytes { try reader.feed($0) }
            while let reply = try reader.next() { replies.append(reply) }
        }
        return replies
    }

    @Test("each kind of reply is read, in whatever pieces it comes", arguments: [1, 2, 7, Int.max])
    func kinds(pieces: Int) throws {
        let text = "+OK\r\n:-42\r\n$5\r\na\r\nb\0\r\n$-1\r\n$0\r\n\r\n*-1\r\n*0\r\n*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*1\r\n+y\r\n$-1\r\n-ERR no\r\n"
        #expect(try replies(text, pieces: pieces) == [
            .simple("OK"), .integer(-42), .bytes(Array("a\r\nb\0".utf8)), .null, .bytes([]), .null, .array([]),
            .array([.integer(1), .array([.bytes(Array("x".utf8)), .array([.simple("y")])]), .null]),
            .error(RedisFailure(serverText: "ERR no")),
        ])
    }

    @Test("what is no reply is an error, also in the middle of one", arguments: [
        "HTTP/1.1 400 Bad Request\r\n", "*2\r\n:1\r\n?", "$-2\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        ":99999999999999999999999\r\n", "*9999999999999\r\n", "\0\0\0\0",
    ])
    func nonsense(text: String) {
        let error = #expect(throws: VecStoreError.self) { _ = try replies(text) }
        #expect(error?.code == .io)
    }

    @Test func anArrayThatIsOnlyAnnouncedTakesNoMemory() throws {
        #expect(try replies("*2000000000\r\n:1\r\n") == [])
        #expect(try replies("$500000000\r\nabc") == [])
    }

    @Test func anyBytesAreReadWithoutHarm() {
        var random = Random(seed: 7)
        for _ in 0..<5000 {
            let text = String((0..<random.below(40)).map { _ in "*$:+-0123\r\n\r\n-1x".randomElement(using: &random) ?? "*" })
            _ = try? replies(text, pieces: 1 + random.below(9))
        }
    }

    @Test func commandsAreSentByTheirLengths() {
        var bytes: [UInt8] = []
        RedisCommand("SET", "k", [0, 13, 10, 255] as [UInt8], 12).encode(into: &bytes)
        #expect(bytes == Array("*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n".utf8) + [0, 13, 10, 255] + Array("\r\n$2\r\n12\r\n".utf8))
    }

    @Test func onlyWhatChangesNothingMoreASecondTimeIsRepeated() {
        #expect(RedisCommand("get", "k").isRepeatable)
        #expect(RedisCommand("SET", "k", "v").isRepeatable)
        #expect(!RedisCommand("SET", "k", "v", "NX").isRepeatable)
        #expect(!RedisCommand("INCR", "k").isRepeatable)
        #expect(!RedisCommand("XADD", "k", "*", "a", "b").isRepeatable)
        #expect(RedisCommand("INCR", "k", isRepeatable: true).isRepeatable)
    }

    /// Its arguments may be anything.
    @Test func whatAServerRepeatsOfACommandIsNotTold() {
        let failure = RedisFailure(serverText: "ERR unknown command 'AUTH', with args beginning with: 'sesame'")
        #expect(failure.code == .unsupported && !failure.message.contains("sesame") && !"\(failure)".contains("sesame"))
    }

    @Test func scriptsHaveTheDigestThatTheServerComputes() {
        func digest(_ text: String) -> String { String(decoding: RedisScript(text).digest, as: UTF8.self) }
        #expect(digest("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        #expect(digest("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
    }

    @Test func keysHaveTheSlotsThatTheServerComputes() {
        #expect(KeySlot.slot(of: Array("123456789".utf8)) == 0x31c3)
        #expect(KeySlot.slot(of: Array("foo".utf8)) == 12182)
        // Only what is between the first braces counts, unless that is nothing.
        #expect(KeySlot.slot(of: Array("a{foo}b".utf8)) == 12182)
        #expect(KeySlot.slot(of: Array("a{foo}{bar}".utf8)) == 12182)
        #expect(KeySlot.slot(of: Array("{}foo".utf8)) != 12182)
        #expect(KeySlot.slot(of: Array("foo{".utf8)) != 12182)
        #expect(KeySlot.slot(of: []) == 0)
    }

    @Test func aMapIsMadeOfWhatCanBeUnderstood() throws {
        func host(_ name: String, _ port: Int64) -> RedisReply { .array([.bytes(Array(name.utf8)), .integer(port), .bytes([])]) }
        let origin = RedisAddress.tcp(host: "seed", port: 1)
        let map = try #require(SlotMap(.array([
            .array([.integer(0), .integer(99), host("a", 7000), host("b", 7001)]),
            .array([.integer(100), .integer(16383), host("", 7002)]),
            .array([.integer(5), .integer(16384), host("c", 1)]), .array([.integer(9), .integer(3), host("c", 1)]),
            .array([.integer(0), .integer(1), host("c", 70000)]), .array([.integer(0)]), .null, .integer(3),
        ]), from: origin))
        #expect(map.master(of: 99) == .tcp(host: "a", port: 7000))
        #expect(map.master(of: 100) == .tcp(host: "seed", port: 7002))
        #expect(map.master(of: 16384) == nil && map.master(of: -1) == nil)
        #expect(map.replicas == [.tcp(host: "b", port: 7001)])
        #expect(SlotMap(.array([]), from: origin) == nil && SlotMap(.null, from: origin) == nil)
    }

    @Test("redirections name a slot and a server", arguments: [
        ("MOVED 3999 127.0.0.1:6381", RedisAddress.tcp(host: "127.0.0.1", port: 6381)), ("ASK 1 ::1:7000", .tcp(host: "::1", port: 7000)),
        ("MOVED 1 :7000", .tcp(host: "seed", port: 7000)), ("MOVED 1", nil), ("MOVED 16384 a:1", nil), ("MOVED 1 a:0", nil),
        ("MOVED -1 a:1", nil), ("MOVED 1 a", nil), ("MOVED", nil),
    ] as [(String, RedisAddress?)])
    func redirections(text: String, address: RedisAddress?) {
        let redirection = Redirection(RedisFailure(serverText: text), from: .tcp(host: "seed", port: 1))
        #expect(redirection?.address == address)
    }
}
