// A process that writes batches of points and tells of each, and the end that it comes to.
// SPDX-License-Identifier: Apache-2.0
import Foundation
import Packages
import VecStore

enum Writer {
    static let batchSize = 50
    /// It is killed after so many batches, in the middle of the next.
    static let killedAfter = 20

    struct Batch: Codable {
        var batch: Int
    }

    /// Tells of each batch after the call has returned, and never ends by itself.
    static func write(to path: String) throws -> Never {
        let points = try PointCollection(opening: path)
        let dimension = points.vectors[0].dimension
        var batch = 0
        while true {
            let ids = (0..<batchSize).map { PointID(UInt64(batch * batchSize + $0)) }
            let vectors = ids.map { _ in (0..<dimension).map { _ in Float.random(in: -1...1) } }
            let payload = try Payload(Batch(batch: batch))
            try points.upsert(ids, vectors, payloads: ids.map { _ in payload })
            print(batch)
            fflush(nil)
            batch += 1
        }
    }

    /// Starts such a process, kills it, and looks for what it had told of.
    static func kill(writingTo path: String) throws {
        let writer = Process()
        writer.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        writer.arguments = ["--write", path]
        let output = Pipe()
        writer.standardOutput = output
        try writer.run()
        var told: [UInt8] = []
        while told.filter({ $0 == UInt8(ascii: "\n") }).count < killedAfter {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { throw DatasetError(message: "the writer ended by itself") }
            told += more
        }
        Foundation.kill(writer.processIdentifier, SIGKILL)
        // What it had told before the signal came is acknowledged too.
        told += output.fileHandleForReading.readDataToEndOfFile()
        writer.waitUntilExit()
        let acknowledged = told.filter { $0 == UInt8(ascii: "\n") }.count

        let points = try PointCollection(opening: path)
        try points.verify()
        let sizes = try (0...acknowledged).map { try points.count(filter: Field("batch") == $0) }
        try points.close()
        guard sizes.dropLast().allSatisfy({ $0 == batchSize }), [0, batchSize].contains(sizes[acknowledged]) else {
            throw DatasetError(
                message: "of \(acknowledged) batches that were acknowledged these points are left: \(sizes)")
        }
        print("A writer was killed while it wrote its batch \(acknowledged + 1). The collection opens, and passes its check.")
        print("The \(acknowledged) batches that were acknowledged are there, \(acknowledged * batchSize) points.")
        print("The last one is \(sizes[acknowledged] == 0 ? "not there at all" : "there whole").")
    }
}
