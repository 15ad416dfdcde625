// Hashes of a real Redis become points of a collection.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecCollection
import VecIndex
import VecKernelTypes

@testable import VecCache

@Suite("Hashes in Redis become points")
struct RedisImportTests {
    private let test: TransferTest

    init() throws { test = try TransferTest() }

    @Test func aHashIsAPointWithItsVectorAndItsOtherFields() throws {
        try test.hset("1", ["embedding": blob([1, 2, 3, 4] as [Float]), "content": bytes("Hello"), "source": bytes("web")])
        try test.hset("two", ["content": bytes("\"ü\"\n"), "embedding": blob([0.5, 0, 0, -1] as [Float])])
        let result = try test.importAll()
        #expect(result.points == 2 && result.skipped == 0 && result.firstReason == nil)
        let one = try #require(try test.point(.number(1)))
        #expect(one.vectors == ["": [1, 2, 3, 4]] && one.expires == nil)
        #expect(one.payload == bytes(#"{"content":"Hello","source":"web"}"#))
        #expect(try test.point(.text("two"))?.vectors == ["": [0.5, 0, 0, -1]])
        #expect(try test.payload(.text("two")) == #"{"content":"\"ü\"\n"}"#)
        #expect(try test.collection.count() == 2)
    }

    @Test func moreThanABatchComesWhole() throws {
        var random = Random(seed: 1)
        let vectors = (0..<2500).map { _ in random.vector(4) }
        _ = try test.client.pipeline(
            vectors.enumerated().map { RedisCommand("HSET", test.key("\($0)"), "embedding", blob($1), "n", $0) })
        #expect(try test.importAll { $0.values = .numbers }.points == 2500)
        #expect(try test.collection.count() == 2500)
        for id in stride(from: 0, to: 2500, by: 99) {
            #expect(try test.point(.number(UInt64(id)))?.vectors[""] == vectors[id])
            #expect(try test.payload(.number(UInt64(id))) == #"{"n":\#(id)}"#)
        }
        // Doing it again changes nothing.
        #expect(try test.importAll().points == 2500)
        #expect(try test.collection.count() == 2500)
    }

    @Test(arguments: [
        ("0", PointID.number(0)), ("18446744073709551614", .number(.max - 1)), ("18446744073709551615", .text("18446744073709551615")),
        ("007", .text("007")), ("-1", .text("-1")), ("+1", .text("+1")), ("1.0", .text("1.0")), ("a:b", .text("a:b")),
    ])
    func plainDigitsBehindThePrefixAreANumber(_ text: String, _ id: PointID) throws {
        try test.hset(text, ["embedding": blob([1, 0, 0, 0] as [Float])])
        try test.importAll()
        #expect(try test.point(id) != nil)
        #expect(try test.payload(id) == "")
    }

    @Test func signsOfPatternsInAPrefixMeanThemselves() throws {
        let other = try TransferTest()
        try test.hset("x[1]?*1", ["embedding": blob([1, 0, 0, 0] as [Float])])
        try test.hset("x1ab2", ["embedding": blob([1, 0, 0, 0] as [Float])])
        try test.importAll { $0.layout.prefix = test.key("x[1]?*") }
        #expect(try test.collection.count() == 1 && test.point(.number(1)) != nil)
        _ = other
    }

    @Test func aPatternChoosesAmongKeys() throws {
        for id in ["a:1", "a:2", "b:1"] { try test.hset(id, ["embedding": blob([1, 0, 0, 0] as [Float])]) }
        #expect(try test.importAll { $0.pattern = bytes(test.key("a:*")) }.points == 2)
        #expect(try test.point(.text("a:2")) != nil && test.point(.text("b:1")) == nil)
        let (result, error) = test.importFailing {
            $0.pattern = bytes(test.key("b:*"))
            $0.layout.prefix = test.key("c:")
        }
        #expect(result.points == 0 && error?.code == .invalidArgument)
        #expect(error?.message == "the key '\(test.key("b:1"))': the key does not begin with the prefix '\(test.key("c:"))'")
    }

    // MARK: - Blobs

    @Test func elementsOfAllWidthsAreRead() throws {
        let values: [Float] = [1, -2.5, 0.125, 1000]
        let top = values.flatMap { number -> [UInt8] in
            let bits = UInt16(number.bitPattern >> 16)
            return [UInt8(truncatingIfNeeded: bits), UInt8(bits >> 8)]
        }
        let blobs: [(BlobType, [UInt8])] = [
            (.float32, blob(values)), (.float64, blob(values.map { Double($0) })), (.float16, blob(values.map { Float16($0) })),
            (.bfloat16, top),
        ]
        for (type, blob) in blobs {
            try test.hset("1", ["embedding": blob])
            try test.importAll { $0.layout.type = type }
            let found = try #require(try test.point(.number(1))?.vectors[""])
            #expect(found == (type == .bfloat16 ? [1, -2.5, 0.125, 1000] : values), "\(type)")
        }
    }

    @Test func severalVectorsComeFromTheirFields() throws {
        let test = try TransferTest([VectorSettings(name: "title", dimension: 2), VectorSettings(name: "text", dimension: 3)])
        try test.hset("1", ["title": blob([1, 2] as [Float]), "text": blob([1, 2, 3] as [Float]), "n": bytes("x")])
        try test.hset("2", ["text": blob([4, 5, 6] as [Float])])
        #expect(try test.importAll().points == 2)
        #expect(try test.point(.number(1))?.vectors == ["title": [1, 2], "text": [1, 2, 3]])
        #expect(try test.point(.number(2))?.vectors == ["text": [4, 5, 6]])
        #expect(try test.payload(.number(1)) == #"{"n":"x"}"#)
        try test.hset("3", ["v": blob([7, 8] as [Float])])
        try test.importAll {
            $0.layout.vectorFields = [VectorField("v", vectorName: "title")]
            $0.pattern = bytes(test.key("3"))
        }
        #expect(try test.point(.number(3))?.vectors == ["title": [7, 8]])
    }

    @Test func fieldsOfVectorsThatMakeNoSenseAreRefused() throws {
        let named = try TransferTest([VectorSettings(name: "a", dimension: 2), VectorSettings(name: "b", dimension: 2)])
        for fields in [
            [VectorField("v")], [VectorField("v", vectorName: "c")], [VectorField("v", vectorName: "a"), VectorField("w", vectorName: "a")],
            [VectorField("v", vectorName: "a"), VectorField("v", vectorName: "b")], [VectorField("", vectorName: "a")],
        ] {
            #expect(named.importFailing { $0.layout.vectorFields = fields }.1?.code == .invalidArgument)
        }
        #expect(test.importFailing { $0.layout.jsonField = "embedding" }.1?.code == .invalidArgument)
        #expect(test.importFailing { $0.batchSize = 0 }.1?.code == .invalidArgument)
    }

    // MARK: - Payloads

    @Test(arguments: [
        (FieldValues.text, #"{"n":"12","r":"-1.5e3","b":"true","o":"{\"a\":[1]}","z":"007","t":"x"}"#),
        (.numbers, #"{"n":12,"r":-1.5e3,"b":"true","o":"{\"a\":[1]}","z":"007","t":"x"}"#),
        (.json, #"{"n":12,"r":-1.5e3,"b":true,"o":{"a":[1]},"z":"007","t":"x"}"#),
    ])
    func valuesAreTextOrWhatTheyRead(_ values: FieldValues, _ payload: String) throws {
        try test.hset(
            "1",
            [
                "embedding": blob([1, 0, 0, 0] as [Float]), "n": bytes("12"), "r": bytes("-1.5e3"), "b": bytes("true"),
                "o": bytes(#"{"a":[1]}"#), "z": bytes("007"), "t": bytes("x"),
            ])
        try test.importAll { $0.values = values }
        #expect(try test.payload(.number(1)) == payload)
    }

    @Test(arguments: [
        "", "-", "01", "1.", ".5", "1e", "1e+", "+1", "0x1", "1 ", " 1", "NaN", "Infinity", "1e999", "9223372036854775808", "--1", "１",
    ])
    func whatJSONCallsNoNumberStaysText(_ text: String) throws {
        try test.hset("1", ["embedding": blob([1, 0, 0, 0] as [Float]), "n": bytes(text)])
        try test.importAll { $0.values = .json }
        #expect(try test.payload(.number(1)) == #"{"n":"\#(text)"}"#)
    }

    @Test(arguments: ["0", "-0", "1", "-12", "0.5", "1E5", "1e-5", "-9223372036854775808", "1e-999"])
    func whatJSONCallsANumberStaysAsItIsWritten(_ text: String) throws {
        try test.hset("1", ["embedding": blob([1, 0, 0, 0] as [Float]), "n": bytes(text)])
        try test.importAll { $0.values = .numbers }
        #expect(try test.payload(.number(1)) == #"{"n":\#(text)}"#)
    }

    @Test func anObjectInAFieldIsPartOfThePayload() throws {
        let metadata = bytes(#"{"response": "example", "type": 1, "deep": {"a": [1, 2]}}"#)
        try test.hset("1", ["embedding": blob([1, 0, 0, 0] as [Float]), "metadata": metadata])
        try test.hset("2", ["embedding": blob([1, 0, 0, 0] as [Float]), "metadata": metadata, "type": bytes("own"), "more": bytes("m")])
        try test.importAll { $0.layout.jsonField = "metadata" }
        #expect(try test.payload(.number(1)) == String(decoding: metadata, as: UTF8.self))
        #expect(try test.payload(.number(2)) == #"{"response":"example","type":"own","deep":{"a":[1,2]},"more":"m"}"#)
        try test.hset("1", ["metadata": bytes("[1]")])
        let (_, error) = test.importFailing { $0.layout.jsonField = "metadata" }
        #expect(error?.message.contains("the field 'metadata'") == true && error?.code == .invalidArgument)
    }

    @Test func onlyChosenFieldsAreInThePayload() throws {
        try test.hset(
            "1", ["embedding": blob([1, 0, 0, 0] as [Float]), "a": bytes("1"), "b": bytes("2"), "other vector": [0xff, 0xfe]])
        try test.importAll { $0.payloadFields = ["b", "c"] }
        #expect(try test.payload(.number(1)) == #"{"b":"2"}"#)
        try test.importAll { $0.payloadFields = [] }
        #expect(try test.payload(.number(1)) == "")
    }

    // MARK: - Ends

    @Test func aKeyThatEndsIsAPointThatEnds() throws {
        try test.hset("1", ["embedding": blob([1, 0, 0, 0] as [Float])])
        try test.hset("2", ["embedding": blob([1, 0, 0, 0] as [Float])])
        let end = wallClock() + 60_000
        _ = try test.client.execute(RedisCommand("PEXPIREAT", test.key("1"), end))
        try test.importAll()
        let expires = try #require(try test.point(.number(1))?.expires)
        #expect(expires <= end * 1000 && expires > (end - 5000) * 1000)
        #expect(try test.point(.number(2))?.expires == nil)
    }

    @Test func keysThatGoMeanwhileAreNoError() throws {
        for i in 0..<600 { try test.hset("\(i)", ["embedding": blob([1, 0, 0, 0] as [Float])]) }
        // Some are gone after the first batch.
        var isFirst = true
        let result = try test.importAll { options in
            options.batchSize = 10
            options.progress = { _, _ in
                if isFirst { for i in 0..<600 where i % 2 == 0 { _ = try? self.test.client.execute(RedisCommand("DEL", self.test.key("\(i)"))) } }
                isFirst = false
                return true
            }
        }
        #expect(result.skipped == 0 && (300...600).contains(result.points))
        #expect(try test.collection.count() == result.points)
    }

    // MARK: - What is wrong

    /// What is wrong with a hash, and what is said of it.
    private static let flaws: [(KeyValuePairs<String, [UInt8]>, VecStoreError.Code, String)] = [
        (["content": bytes("x")], .invalidArgument, "none of the fields 'embedding'"),
        (["embedding": []], .invalidArgument, "has 0 bytes: 4 elements of float32 have 16"),
        (["embedding": [1, 2, 3]], .invalidArgument, "has 3 bytes"),
        (["embedding": blob([1, 2, 3, 4] as [Double])], .invalidArgument, "have 16; as many elements of float64 do"),
        (["embedding": blob([1, .nan, 3, 4] as [Float])], .notFinite, "element 1 of the field 'embedding'"),
        (["embedding": blob([1, 2, 3, -.infinity] as [Float])], .notFinite, "element 3"),
        (["embedding": blob([0, 0, 0, 0] as [Float])], .zeroVector, "is zero"),
        (["embedding": blob([1, 2, 3, 4] as [Float]), "raw": [0xff]], .invalidArgument, "the field 'raw' is not UTF-8"),
        (["embedding": blob([1, 2, 3, 4] as [Float]), "a": [0]], .invalidArgument, "U+0000"),
    ]

    @Test(arguments: 0..<9)
    func aBadHashEndsTheImportAndIsNamed(_ number: Int) throws {
        let (fields, code, text) = RedisImportTests.flaws[number]
        try test.hset("bad", fields)
        let (result, error) = test.importFailing()
        #expect(result.points == 0 && error?.code == code)
        #expect(error?.message.contains("the key '\(test.key("bad"))'") == true && error?.message.contains(text) == true, "\(error?.message ?? "")")
    }

    @Test func badHashesArePassedOverWhereThatIsAskedFor() throws {
        for (i, flaw) in RedisImportTests.flaws.enumerated() { try test.hset("bad \(i)", flaw.0) }
        for i in 0..<50 { try test.hset("\(i)", ["embedding": blob([1, Float(i), 0, 0])]) }
        _ = try test.client.execute(RedisCommand("SET", test.key("text"), "no hash"))
        _ = try test.client.execute(RedisCommand("HSET", Array(test.prefix.utf8), "embedding", blob([1, 2, 3, 4] as [Float])))
        _ = try test.client.execute(RedisCommand("HSET", Array(test.prefix.utf8) + [0xff], "embedding", blob([1, 2, 3, 4] as [Float])))
        let result = try test.importAll { $0.skipsBad = true }
        #expect(result.points == 50 && result.skipped == RedisImportTests.flaws.count + 3)
        #expect(result.firstReason?.hasPrefix("the key '") == true)
        #expect(try test.collection.count() == 50)
        let (_, error) = test.importFailing { $0.pattern = bytes(test.key("text")) }
        #expect(error?.message == "the key '\(test.key("text"))': it holds no hash" && error?.code == .invalidArgument)
    }

    @Test func aNumberBeyondTheRangeOfFloat32IsRefused() throws {
        try test.hset("1", ["embedding": blob([1e300, 0, 0, 0] as [Double])])
        let (_, error) = test.importFailing { $0.layout.type = .float64 }
        #expect(error?.code == .tooLarge && error?.message.contains("element 0") == true)
    }

    @Test func progressIsToldAndCancels() throws {
        for i in 0..<300 { try test.hset("\(i)", ["embedding": blob([1, 0, 0, 0] as [Float])]) }
        var told: [Int] = [], totals: [Int] = []
        let (result, error) = test.importFailing {
            $0.batchSize = 50
            $0.progress = { done, total in
                told.append(done)
                totals.append(total)
                return told.count < 3
            }
        }
        #expect(error?.code == .cancelled && told == [50, 100, 150] && result.points == 150)
        #expect(totals.allSatisfy { $0 >= 300 })
        #expect(try test.collection.count() == 150)
    }

    @Test func aCollectionThatIsOpenForReadingAloneIsRefusedBeforeAnythingIsAsked() throws {
        try test.collection.close()
        var options = CollectionOptions()
        options.isReadOnly = true
        let collection = try PointCollection.open(test.directory.path("points"), options)
        var result = RedisImportResult()
        let before = test.client.stats.commands
        expect(.readOnly) { try test.transfer.importPoints(into: collection, test.importOptions(), &result) }
        #expect(test.client.stats.commands == before)
        try collection.close()
    }

    @Test func aServerThatIsAwayIsAnErrorAndWhatCameBeforeIsThere() throws {
        let server = try RedisServer()
        let test = try TransferTest(client: try server.client { $0.commandTimeout = 300 })
        for i in 0..<3000 { try test.hset("\(i)", ["embedding": blob([1, 0, 0, 0] as [Float])]) }
        let (result, error) = test.importFailing {
            $0.batchSize = 100
            $0.progress = { done, _ in
                if done == 500 { server.kill() }
                return true
            }
        }
        #expect(error?.code == .unavailable && result.points >= 500 && result.points < 3000)
        #expect(try test.collection.count() == result.points)
    }
}
