// Points to files and back.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecIndex
import VecKernelTypes

@testable import VecCollection

struct TransferTests {
    private let directory: TemporaryDirectory
    private let collection: PointCollection

    init() throws {
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(
            directory.path("points"), vectors: [VectorSettings(dimension: 2, metric: .l2Squared)],
            CollectionOptions(durability: .none))
    }

    private func other(_ vectors: [VectorSettings]? = nil) throws -> PointCollection {
        try PointCollection.create(
            directory.path("other"), vectors: vectors ?? collection.settings, CollectionOptions(durability: .none))
    }

    @discardableResult
    private func take(
        _ text: String, into target: PointCollection? = nil, _ change: (inout ImportOptions) -> Void = { _ in }
    ) throws -> ImportResult {
        try directory.write(Array(text.utf8), "points.jsonl")
        var options = ImportOptions(), result = ImportResult()
        change(&options)
        try (target ?? collection).importFile(directory.path("points.jsonl"), options, &result)
        return result
    }

    /// How an import ends that does not come to its end.
    private func refused(
        _ text: String, _ change: (inout ImportOptions) -> Void = { _ in }
    ) throws -> (error: VecStoreError, result: ImportResult) {
        try directory.write(Array(text.utf8), "points.jsonl")
        var options = ImportOptions(), result = ImportResult()
        change(&options)
        do throws(VecStoreError) {
            try collection.importFile(directory.path("points.jsonl"), options, &result)
        } catch {
            return (error, result)
        }
        Issue.record("it was taken")
        throw VecStoreError(.internalError, "it was taken")
    }

    private func exported(_ change: (inout ExportOptions) -> Void = { _ in }) throws -> String {
        var options = ExportOptions()
        change(&options)
        try collection.exportFile(directory.path("out.jsonl"), options)
        return String(decoding: try directory.bytes("out.jsonl"), as: UTF8.self)
    }

    // MARK: - Lines

    @Test func aLineIsAPoint() throws {
        let result = try take(
            """
            {"id": 1, "vector": [0.5, -2e1], "payload": {"a": 1.0}}

            {"vector":[1,2],"expires":4102444800000000,"id":"two"}
            {"id":18446744073709551614,"vector":[3,3],"payload":null,"expires":null}

            """)
        #expect(result.points == 3 && result.skipped == 0 && result.nextLine == 5)
        #expect(try collection.get([.number(1)])[0]?.vectors[""] == [0.5, -20])
        #expect(try collection.payload(.number(1)) == #"{"a": 1.0}"#)
        #expect(try collection.get([.text("two")])[0]?.expires == 4_102_444_800_000_000)
        #expect(try collection.payload(.number(.max - 1)) == "")
        try collection.verify()
    }

    @Test func timesMayBeText() throws {
        try take(#"{"id":1,"vector":[1,1],"expires":"2100-01-01T00:00:00Z"}"#)
        #expect(try collection.get([.number(1)])[0]?.expires == 4_102_444_800_000_000)
    }

    @Test(arguments: [
        ("[1]", "'{' is expected"), ("{", "expected"), (#"{"id":1}"#, "no vector"), (#"{"vector":[1,1]}"#, "no id"),
        (#"{"id":1,"vector":[1,1]} x"#, "more behind"), (#"{"id":1,"vector":[1]}"#, "1 elements: its dim is 2"),
        (#"{"id":1,"vector":[1,1,1]}"#, "more than 2 elements"), (#"{"id":1,"vector":[1,"a"]}"#, "a number is expected"),
        (#"{"id":1,"vector":[1,1e99]}"#, "too large for float32"), (#"{"id":1,"vector":"x"}"#, "neither an array"),
        (#"{"id":1,"vector":{"x":[1,1]}}"#, "there is no vector"), (#"{"id":-1,"vector":[1,1]}"#, "negative"),
        (#"{"id":1.5,"vector":[1,1]}"#, "real number"), (#"{"id":null,"vector":[1,1]}"#, "null"), (#"{"id":"","vector":[1,1]}"#, "0 bytes"),
        (#"{"id":18446744073709551615,"vector":[1,1]}"#, "not allowed"), (#"{"id":1,"id":1,"vector":[1,1]}"#, "comes twice"),
        (#"{"id":1,"vektor":[1,1]}"#, "\"vektor\" is not expected"), (#"{"id":1,"vector":[1,1],"payload":[1]}"#, "an object is expected"),
        (#"{"id":1,"vector":[1,1],"payload":{"a":}}"#, "no valid JSON"), (#"{"id":1,"vector":[1,1],"payload":{"a":1,"a":2}}"#, "duplicate"),
        (#"{"id":1,"vector":[1,1],"payload":{},"payload_text":"{}"}"#, "both"), (#"{"id":1,"vector":[1,1],"payload_text":5}"#, "no string"),
        (#"{"id":1,"vector":[1,1],"expires":"soon"}"#, "expires"), (#"{"id":1,"vector":[1,1],"expires":1.5}"#, "expires"),
        (#"{"id" 1,"vector":[1,1]}"#, "':' is expected"), (#"{"id":1 "vector":[1,1]}"#, "'}' is expected"), (#"{"id":"a"#, "does not end"),
    ])
    func aBadLineIsToldWithItsNumber(line: String, reason: String) throws {
        let good = #"{"id":50,"vector":[5,5]}"#
        let (error, result) = try refused("\(good)\n\n\(line)\n\(good)\n")
        #expect(error.message.contains("line 3 of '"), "\(error.message)")
        #expect(error.message.contains(reason), "\(error.message)")
        // What came before is in, and the import can go on from the line.
        #expect(result.points == 1 && result.nextLine == 3)
        #expect(try collection.count() == 1)
    }

    @Test func nothingEndsTheProcessWhereverALineIsCut() throws {
        let line = Array(#"{"id":"é\u00e9","vector":[1.5e0,-2],"payload":{"a":["b\"",{}]},"expires":5000000000000000}"#.utf8)
        for end in 0..<line.count {
            _ = try? line[..<end].withUnsafeBufferPointer { bytes throws(VecStoreError) in
                let point = try PointLine(bytes)
                if let vector = point.vector { try PointLine.vectors(bytes, vector, collection.settings) { _, _ in } }
            }
        }
        for place in line.indices {
            for byte in [UInt8(0), UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "{"), UInt8(ascii: "]"), 0xff, UInt8(ascii: "9")] {
                var changed = line
                changed[place] = byte
                try directory.write(changed, "points.jsonl")
                var result = ImportResult()
                try? collection.importFile(directory.path("points.jsonl"), ImportOptions(), &result)
            }
        }
        try collection.verify()
    }

    @Test func badLinesMayBePassedOver() throws {
        let lines = (0..<50).map { i in
            switch i % 10 {
            case 3: "no point"
            case 7: #"{"id":\#(i),"vector":[1,1],"payload":{"a":tru}}"#
            default: #"{"id":\#(i),"vector":[\#(i),1],"payload":{"n":\#(i)}}"#
            }
        }
        for batchSize in [1, 7, 1000] {
            let result = try take(lines.joined(separator: "\n")) {
                $0.skipsBad = true
                $0.batchSize = batchSize
            }
            #expect(result.points == 40 && result.skipped == 10 && result.nextLine == 51)
        }
        #expect(try collection.count() == 40)
        #expect(try collection.payload(.number(48)) == #"{"n":48}"#)
    }

    @Test(arguments: [1, 3, 4, 100])
    func anImportGoesOnFromWhereItEnded(batchSize: Int) throws {
        var lines = (1...10).map { #"{"id":\#($0),"vector":[\#($0),0]}"# }
        lines[6] = #"{"id":7,"vector":[7,0],"payload":{"a"}}"#
        let (_, result) = try refused(lines.joined(separator: "\n")) { $0.batchSize = batchSize }
        #expect(result.points == 6 && result.nextLine == 7)
        #expect(try collection.count() == 6)
        lines[6] = #"{"id":7,"vector":[7,0]}"#
        let second = try take(lines.joined(separator: "\n")) { $0.startLine = result.nextLine }
        #expect(second.points == 4)
        #expect(try collection.count() == 10)
    }

    @Test func anImportCanBeCancelledAndGoOn() throws {
        let text = (1...10).map { #"{"id":\#($0),"vector":[\#($0),0]}"# }.joined(separator: "\n")
        var told: [Int] = []
        let (error, result) = try refused(text) {
            $0.batchSize = 3
            $0.progress = { done, total in
                #expect(total == text.utf8.count && done <= total)
                told.append(done)
                return told.count < 2
            }
        }
        #expect(error.code == .cancelled)
        #expect(result.points == 6 && result.nextLine == 7)
        #expect(told == told.sorted())
        #expect(try collection.count() == 6)
        try take(text) { $0.startLine = 7 }
        #expect(try collection.count() == 10)
    }

    @Test func aReaderImportsNothing() throws {
        try collection.close()
        let reader = try PointCollection.open(directory.path("points"), CollectionOptions(isReadOnly: true))
        #expect(throws: VecStoreError.self) { try take(#"{"id":1,"vector":[1,1]}"#, into: reader) }
    }

    // MARK: - There and back

    @Test func pointsComeBackAsTheyWere() throws {
        var noise = Random(seed: 3)
        let payloads = [
            "", "{}", #"{ "a" : 1.50, "b":"\u00e9\n\"", "c":[1e3, 12345678901234567890.0] }"#, "{\n  \"pretty\": [\r\n 1 ]\n}", #"{"é":"日本"}"#,
        ]
        for i in 0..<200 {
            let id: PointID = i % 3 == 0 ? .text("id \"\(i)\" é\\") : .number(i % 3 == 1 ? UInt64(i) : .max - UInt64(i) - 1)
            let bits = (0..<2).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: noise.next()) & 0x3fff_ffff) }
            try collection.put([id], [bits], [payloads[i % 5]], expires: [i % 7 == 0 ? 4_102_444_800_000_001 + Int64(i) : 0])
        }
        let back = try other()
        let text = try exported()
        try take(text, into: back)
        var ids: [PointID] = []
        for point in try collection.scroll(after: nil, limit: 1000, filter: nil, withVectors: true) {
            let found = try #require(try back.get([point.id])[0])
            #expect(found.payload == point.payload)
            #expect(found.vectors[""]?.map(\.bitPattern) == point.vectors[""]?.map(\.bitPattern))
            #expect(found.expires == point.expires)
            ids.append(point.id)
        }
        #expect(ids.count == 200)
        #expect(try back.count() == 200)
        try back.exportFile(directory.path("again.jsonl"), ExportOptions())
        #expect(try directory.bytes("again.jsonl") == Array(text.utf8))
    }

    @Test(arguments: [ElementType.float32, .float16])
    func vectorsByNameComeBackFromLinesAndFromFiles(type: ElementType) throws {
        let settings = [
            VectorSettings(name: "title", dimension: 3, metric: .l2Squared, type: type), VectorSettings(name: "b\"\\", dimension: 2, metric: .l2Squared),
        ]
        let source = try PointCollection.create(directory.path("named"), vectors: settings)
        let rows: [Float] = [0.1, 2, 3, 4, 5, 6], short: [Float] = [1.25, 0.3, 7, 8]
        try rows.withUnsafeBytes { rows in
            try short.withUnsafeBytes { short in
                let present: [[UInt8]] = [[1, 0], [1, 1]]
                try present[0].withUnsafeBufferPointer { a in
                    try source.upsert(
                        PointBatch(
                            ids: [.number(1), .number(2)],
                            vectors: [
                                PointBatch.Vectors(name: "title", rows: rows.baseAddress!, type: .float32, present: a.baseAddress),
                                PointBatch.Vectors(name: "b\"\\", rows: short.baseAddress!, type: .float32),
                            ]))
                }
            }
        }
        let wanted = try source.get([.number(1), .number(2)])
        for files in [[], [VectorFile(name: "title", path: directory.path("t.npy"))]] {
            var export = ExportOptions()
            export.vectorFiles = files
            #expect(try source.exportFile(directory.path("named.jsonl"), export) == 2)
            let back = try PointCollection.create(directory.path("back-\(files.count)"), vectors: settings)
            var options = ImportOptions(), result = ImportResult()
            options.vectorFiles = files
            try back.importFile(directory.path("named.jsonl"), options, &result)
            let found = try back.get([.number(1), .number(2)])
            #expect(found.map { $0?.vectors } == wanted.map { $0?.vectors })
            #expect(found[1]?.vectors["title"] == nil)
            try back.verify()
        }
        let npy = try NPYFile(directory.path("t.npy"))
        #expect(npy.rows == 2 && npy.dimension == 3 && npy.type == type)
    }

    @Test func onlyPointsOfAFilterAreExported() throws {
        try collection.put([.number(1), .number(2), .number(3)], [[1, 0], [2, 0], [3, 0]], [#"{"n":1}"#, #"{"n":2}"#, #"{"n":3}"#])
        try collection.remove([.number(3)])
        try collection.put([.number(4)], [[4, 0]], [#"{"n":4}"#], expires: [now() + 30_000])
        while try collection.count() == 3 { usleep(1000) }
        #expect(
            try exported { $0.filter = Array(#"{"must":[{"key":"n","range":{"gte":2}}]}"#.utf8) }
                == #"{"id":2,"vector":[2.0,0.0],"payload":{"n":2}}"# + "\n")
        #expect(try exported().split(separator: "\n").count == 2)
    }

    @Test func aCancelledExportLeavesTheFileAsItWas() throws {
        try collection.put(1, [1, 1])
        _ = try exported()
        let before = try directory.bytes("out.jsonl")
        try collection.put(2, [2, 2])
        #expect(throws: VecStoreError.self) { try exported { $0.progress = { _, _ in false } } }
        #expect(try directory.bytes("out.jsonl") == before)
        #expect(directory.names.filter { $0.hasSuffix(".tmp") } == [])
    }

    @Test func anEmptyCollectionMakesAnEmptyFile() throws {
        #expect(try exported { $0.vectorFiles = [VectorFile(name: nil, path: directory.path("v.npy"))] } == "")
        #expect(try NPYFile(directory.path("v.npy")).rows == 0)
        #expect(try take("").points == 0)
    }

    // MARK: - Files of vectors

    private func writeVectors(_ rows: Int, dimension: Int = 2) throws -> [VectorFile] {
        let data = (0..<rows * dimension).flatMap { i in withUnsafeBytes(of: Float(i)) { Array($0) } }
        try directory.write(NPYFile.header(.float32, rows: rows, dimension: dimension) + data, "v.npy")
        return [VectorFile(name: nil, path: directory.path("v.npy"))]
    }

    @Test func linesMayBePayloadsAndNothingElse() throws {
        let files = try writeVectors(3)
        let result = try take("{\"id\":\"mine\"}\n\n{\"n\":2}\n{}\n") {
            $0.vectorFiles = files
            $0.firstID = 100
        }
        #expect(result.points == 3)
        #expect(try collection.payload(.number(100)) == #"{"id":"mine"}"#)
        #expect(try collection.get([.number(102)])[0]?.vectors[""] == [4, 5])
    }

    @Test func aFileOfVectorsGoesWithItsLines() throws {
        let files = try writeVectors(3)
        let lines = (0..<3).map { #"{"id":\#($0)}"# }
        let (_, short) = try refused(lines.prefix(2).joined(separator: "\n")) { $0.vectorFiles = files }
        #expect(short.points == 2)
        let (error, _) = try refused((lines + [#"{"id":9}"#]).joined(separator: "\n")) { $0.vectorFiles = files }
        #expect(error.message.contains("there is none for line 4"), "\(error.message)")
        let (both, _) = try refused(#"{"id":1,"vector":[1,1]}"#) { $0.vectorFiles = files }
        #expect(both.message.contains("which a file has already"), "\(both.message)")
        // From the middle on, rows are still those of their lines.
        try take(lines.joined(separator: "\n")) {
            $0.vectorFiles = files
            $0.startLine = 2
        }
        #expect(try collection.get([.number(2)])[0]?.vectors[""] == [4, 5])
    }

    @Test func aFileOfOtherVectorsIsRefused() throws {
        let files = try writeVectors(1, dimension: 3)
        let (dimension, _) = try refused(#"{"id":1}"#) { $0.vectorFiles = files }
        #expect(dimension.message.contains("the dim is 2"))
        let fitting = try writeVectors(1)
        let (twice, _) = try refused(#"{"id":1}"#) { $0.vectorFiles = fitting + fitting }
        #expect(twice.message.contains("two files"))
        let (name, _) = try refused(#"{"id":1}"#) { $0.vectorFiles = [VectorFile(name: "x", path: fitting[0].path)] }
        #expect(name.message.contains("there is no vector 'x'"))
    }

    @Test(arguments: [0, -1, CollectionLimits.batch + 1])
    func aBatchHasASize(size: Int) throws {
        let (error, _) = try refused(#"{"id":1,"vector":[1,1]}"#) { $0.batchSize = size }
        #expect(error.code == .invalidArgument)
    }
}
