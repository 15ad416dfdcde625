// Metrics, health, the log, and files, as Swift programs use them.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecStore

struct OperationsTests {
    private let directory: TemporaryDirectory
    private let points: PointCollection

    init() throws {
        directory = try TemporaryDirectory()
        points = try PointCollection(creating: directory.path("points"), dimension: 2, metric: .l2Squared, durability: .normal)
        try points.upsert([1, 2], [[1, 0], [2, 0]] as [[Float]])
    }

    @Test func metricsCountCallsAndPoints() throws {
        let text = try points.metrics(name: "mine")
        #expect(text.contains("vecstore_collection_points{collection=\"mine\"} 2\n"))
        #expect(text.contains(#"calls_total{collection="mine",operation="upsert",status="ok"} 1"#))
        let both = try PointCollection.metrics(["a": points, "b": points])
        #expect(both.contains("points{collection=\"a\"} 2\nvecstore_collection_points{collection=\"b\"} 2\n"))
    }

    @Test func healthSaysWhatIsWrong() throws {
        #expect(points.health().status == .ok)
        try points.close()
        #expect(points.health().status == .failed)
        #expect(points.health().reasons.map(\.code) == ["closed"])
    }

    @Test func pointsComeBackFromFiles() throws {
        #expect(try points.exportFile(directory.path("p.jsonl"), vectorFiles: ["": directory.path("p.npy")]) == 2)
        let other = try PointCollection(creating: directory.path("other"), dimension: 2, metric: .l2Squared)
        var options = PointCollection.ImportOptions()
        options.vectorFiles = ["": directory.path("p.npy")]
        let result = try other.importFile(directory.path("p.jsonl"), options)
        #expect(result.points == 2 && result.nextLine == 3)
        #expect(try other.count() == 2)
        try other.close()
    }

    @Test func anImportThatFailsSaysHowFarItCame() throws {
        try directory.write(Array("{\"id\":7,\"vector\":[7,7]}\n{\"id\":8}\n".utf8), "p.jsonl")
        var result = PointCollection.ImportResult()
        #expect(throws: VecStoreError.self) { try points.importFile(directory.path("p.jsonl"), result: &result) }
        #expect(result.points == 1 && result.nextLine == 2)
        #expect(try points.count() == 3)
    }

    @Test func slowCallsAreToldToACallback() throws {
        final class Heard: @unchecked Sendable { var text = "" }
        let heard = Heard(), path = directory.path("points")
        try alone {
            setLogCallback(level: .warning) { level, text in
                if level == .warning && text.contains(path) { heard.text = text }
            }
            setSlowCallThreshold(.nanoseconds(1))
            _ = try points.count()
            setSlowCallThreshold(nil)
            setLogCallback(nil)
        }
        #expect(heard.text.contains("count took"))
    }
}
