// Points of a collection become hashes of a real Redis, and points again.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecCollection
import VecIndex
import VecKernelTypes

@testable import VecCache

@Suite("Points become hashes in Redis")
struct RedisExportTests {
    private let test: TransferTest

    init() throws { test = try TransferTest() }

    @Test func aPointIsAHashOfPlainFields() throws {
        try test.upsert(.number(1), [1, 2, 3, 4], #"{"title":"Ü \"x\"","n":12,"r":1.5,"b":true,"none":null,"o":{"a":[1]},"l":["x"]}"#)
        try test.upsert(.text("two"), [1, 0, 0, 0])
        #expect(try test.exportAll() == 2)
        #expect(
            try test.hash("1") == [
                "embedding": "16 bytes", "title": "Ü \"x\"", "n": "12", "r": "1.5", "b": "true", "none": "null", "o": #"{"a":[1]}"#, "l": #"["x"]"#,
            ])
        let stored = try test.client.execute(RedisCommand("HGET", test.key("1"), "embedding")).bytes
        #expect(stored == blob([1, 2, 3, 4] as [Float]))
        #expect(try test.client.execute(RedisCommand("PTTL", test.key("1"))).integer == -1)
        #expect(try test.client.execute(RedisCommand("HLEN", test.key("two"))).integer == 1)
    }

    @Test func whatIsWrittenComesBackTheSame() throws {
        var random = Random(seed: 2)
        let end = (wallClock() + 3_600_000) * 1000
        for i in 0..<1300 {
            try test.upsert(
                i % 3 == 0 ? .text("id-\(i)") : .number(UInt64(i)), random.vector(4),
                i % 5 == 0 ? "" : #"{"n":\#(i),"title":"number \#(i)","tags":["a",\#(i)],"ok":\#(i % 2 == 0),"none":null}"#,
                expires: i % 7 == 0 ? end + Int64(i) * 1_000_000 : 0)
        }
        #expect(try test.exportAll() == 1300)
        let other = try TransferTest()
        var result = RedisImportResult()
        try test.transfer.importPoints(into: other.collection, test.importOptions { $0.values = .json }, &result)
        #expect(try result.points == 1300 && other.collection.count() == 1300)
        for i in 0..<1300 {
            let id = i % 3 == 0 ? PointID.text("id-\(i)") : .number(UInt64(i))
            let before = try #require(try test.point(id)), after = try #require(try other.point(id))
            #expect(before.vectors == after.vectors)
            // Fields of a large hash have no order.
            #expect(try sorted(before.payload) == sorted(after.payload))
            #expect((before.expires == nil) == (after.expires == nil))
            // A time to live is asked for before it is taken for what it is.
            if let a = before.expires, let b = after.expires { #expect(b <= a && a - b < 5_000_000) }
        }
    }

    private func sorted(_ payload: [UInt8]) throws -> [String] {
        if payload.isEmpty { return [] }
        let document = try payload.withUnsafeBufferPointer { try checkPayload($0) }
        return withExtendedLifetime(document) {
            document.root.members.map { name, value in
                var writer = JSONWriter()
                value.write(to: &writer)
                return String(decoding: name, as: UTF8.self) + ":" + writer.text
            }.sorted()
        }
    }

    @Test func aPayloadInAFieldOfItsOwnComesBackByteForByte() throws {
        let payload = #"{ "t": "12", "n": 12.50, "deep": {"embedding": [ ]} }"#
        try test.upsert(.number(1), [1, 2, 3, 4], payload)
        try test.exportAll { $0.layout.jsonField = "payload" }
        #expect(try test.hash("1")["payload"] == payload && test.hash("1").count == 2)
        try test.collection.remove([.number(1)])
        try test.importAll { $0.layout.jsonField = "payload" }
        #expect(try test.payload(.number(1)) == payload)
    }

    @Test func exportingAgainLeavesNothingOfBefore() throws {
        try test.hset("1", ["old": bytes("x"), "embedding": blob([9, 9, 9, 9] as [Float])])
        _ = try test.client.execute(RedisCommand("PEXPIRE", test.key("1"), 3_600_000))
        try test.upsert(.number(1), [1, 2, 3, 4], #"{"new":"y"}"#)
        for _ in 0..<2 {
            try test.exportAll()
            #expect(try test.hash("1").keys.sorted() == ["embedding", "new"])
            #expect(try test.client.execute(RedisCommand("PTTL", test.key("1"))).integer == -1)
        }
    }

    @Test func anEndIsThatOfTheKey() throws {
        let end = wallClock() + 3_600_000
        try test.upsert(.number(1), [1, 2, 3, 4], expires: end * 1000 + 999)
        try test.exportAll()
        let left = try #require(try test.client.execute(RedisCommand("PTTL", test.key("1"))).integer)
        #expect(left <= 3_600_000 && left > 3_590_000)
    }

    @Test func aFilterChoosesPoints() throws {
        for i in 0..<20 { try test.upsert(.number(UInt64(i)), [1, Float(i), 0, 0], #"{"kind":\#(i % 4)}"#) }
        #expect(try test.exportAll { $0.filter = bytes(#"{"must":[{"key":"kind","match":{"value":1}}]}"#) } == 5)
        #expect(try test.hash("5")["kind"] == "1" && test.hash("6").isEmpty)
        #expect(failure { try test.exportAll { $0.filter = bytes("{") } }?.code == .invalidArgument)
    }

    @Test func fieldsAndTypesOfVectorsAreChosen() throws {
        let test = try TransferTest([VectorSettings(name: "a", dimension: 2), VectorSettings(name: "b", dimension: 2)])
        let rows: [Float] = [1, 2], others: [Float] = [3, 4]
        try rows.withUnsafeBytes { a in
            try others.withUnsafeBytes { b in
                try test.collection.upsert(
                    PointBatch(
                        ids: [.number(1)],
                        vectors: [
                            .init(name: "a", rows: try #require(a.baseAddress), type: .float32),
                            .init(name: "b", rows: try #require(b.baseAddress), type: .float32),
                        ]))
            }
        }
        try test.exportAll {
            $0.layout.vectorFields = [VectorField("first", vectorName: "a"), VectorField("second", vectorName: "b")]
            $0.layout.type = .float64
        }
        #expect(try test.client.execute(RedisCommand("HGET", test.key("1"), "second")).bytes == blob([3, 4] as [Double]))
        for type in BlobType.allCases {
            try test.exportAll { $0.layout.type = type }
            #expect(try test.client.execute(RedisCommand("HSTRLEN", test.key("1"), "a")).integer == Int64(2 * type.size))
            try test.importAll { $0.layout.type = type }
            #expect(try test.point(.number(1))?.vectors == ["a": [1, 2], "b": [3, 4]])
        }
    }

    @Test func whatIsTooLargeForATypeIsRefused() throws {
        try test.upsert(.number(1), [1e10, 0, 0, 0])
        let error = failure { try test.exportAll { $0.layout.type = .float16 } }
        #expect(error?.code == .tooLarge && error?.message.contains("the point 1:") == true)
    }

    @Test func aMemberWithTheNameOfAVectorIsRefused() throws {
        try test.upsert(.number(1), [1, 0, 0, 0], #"{"embedding":"x"}"#)
        #expect(failure { try test.exportAll() }?.message.contains("'embedding'") == true)
        #expect(try test.exportAll { $0.layout.vectorFields = [VectorField("vector")] } == 1)
        #expect(try test.hash("1")["embedding"] == "x")
    }

    @Test func whatIsNoHashIsNotOverwritten() throws {
        _ = try test.client.execute(RedisCommand("SET", test.key("1"), "precious"))
        try test.upsert(.number(1), [1, 0, 0, 0])
        let error = failure { try test.exportAll() }
        #expect(error?.message.contains("the point 1 as '\(test.key("1"))'") == true && error?.message.contains("no hash") == true)
        #expect(try test.client.text(RedisCommand("GET", test.key("1"))) == "precious")
    }

    @Test func twoIDsOfOneKeyAreNotMixedUpSilently() throws {
        try test.upsert(.number(7), [1, 0, 0, 0], #"{"kind":"number"}"#)
        try test.upsert(.text("8"), [1, 0, 0, 0])
        #expect(try test.exportAll() == 2)
        try test.upsert(.text("7"), [1, 0, 0, 0], #"{"kind":"text"}"#)
        #expect(failure { try test.exportAll() }?.code == .invalidArgument)
        #expect(try test.exportAll { $0.filter = bytes(match("kind", "text")) } == 1)
        #expect(try test.hash("7")["kind"] == "text")
    }

    @Test func aHashMayHaveThousandsOfFields() throws {
        let members = (0..<5000).map { #""f\#($0)":"\#($0)""# }.joined(separator: ",")
        try test.upsert(.number(1), [1, 0, 0, 0], "{\(members)}")
        try test.exportAll()
        #expect(try test.client.execute(RedisCommand("HLEN", test.key("1"))).integer == 5001)
        #expect(try test.client.text(RedisCommand("HGET", test.key("1"), "f4999")) == "4999")
    }

    @Test func progressIsToldAndCancels() throws {
        for i in 0..<1100 { try test.upsert(.number(UInt64(i)), [1, Float(i), 0, 0]) }
        var told: [[Int]] = []
        try test.exportAll {
            $0.progress = { done, total in
                told.append([done, total])
                return true
            }
        }
        #expect(told == [[512, 1100], [1024, 1100], [1100, 1100]])
        let error = failure { try test.exportAll { $0.progress = { _, _ in false } } }
        #expect(error?.code == .cancelled && error?.message.contains("512 points") == true)
    }
}
