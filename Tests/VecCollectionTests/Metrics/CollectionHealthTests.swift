// Whether a collection says that it is well, and what is wrong where it is not.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct CollectionHealthTests {
    private let directory: TemporaryDirectory
    private let collection: PointCollection
    private var path: String { directory.path("points") }

    init() throws {
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(
            directory.path("points"), vectors: [VectorSettings(dimension: 2, metric: .l2Squared, kind: .hnsw)],
            CollectionOptions(durability: .none))
    }

    private func codes(_ collection: PointCollection) -> [String] { HealthReport(collection).reasons.map(\.code) }

    @Test func aCollectionThatWorksIsWell() throws {
        #expect(HealthReport(collection).status == .ok)
        #expect(HealthReport(collection).text == #"{"status":"ok","reasons":[]}"#)
        let reader = try PointCollection.open(path, CollectionOptions(isReadOnly: true))
        #expect(HealthReport(reader).status == .ok)
    }

    @Test func aClosedOneHasFailed() throws {
        try collection.close()
        #expect(HealthReport(collection).status == .failed)
        #expect(codes(collection) == ["closed"])
    }

    @Test func aDirectoryThatWasMovedIsSeen() throws {
        let reader = try PointCollection.open(path, CollectionOptions(isReadOnly: true))
        #expect(rename(path, path + "-away") == 0)
        #expect(codes(collection) == ["directory_gone"])
        #expect(codes(reader) == ["directory_gone"])
        #expect(rename(path + "-away", path) == 0)
        #expect(codes(collection) == [])
    }

    @Test func aLockThatIsNoUseIsSeen() throws {
        #expect(unlink(path + "/lock") == 0)
        #expect(codes(collection) == ["lock_lost"])
        try directory.write([], "points/lock")
        #expect(codes(collection) == ["lock_lost"], "another file of that name")
        #expect(HealthReport(collection).status == .failed)
    }

    @Test func aDamagedGraphIsSeen() throws {
        try collection.put((0..<2500).map { .number($0) }, (0..<2500).map { [Float($0), 1] })
        try collection.optimize()
        try collection.close()
        let name = try #require(try fileNames(directory.path("points")).first { $0.hasPrefix("graph-") })
        var saved = try directory.bytes("points/\(name)")
        saved[20] ^= 0xff
        try directory.write(saved, "points/\(name)")
        let reader = try PointCollection.open(path, CollectionOptions(isReadOnly: true))
        #expect(codes(reader) == ["graph_damaged"])
        #expect(HealthReport(reader).status == .degraded)
        let writer = try PointCollection.open(path)
        try writer.optimize()
        #expect(codes(writer) == [], "it was made again")
        try writer.close()
    }

    @Test func aFailureInTheBackgroundIsSeen() throws {
        let indexer = try #require(collection.indexer)
        var seen: [String] = []
        // The thread that has just begun finds nothing to do, and notes that it did so well.
        for _ in 0..<1000 where seen.isEmpty {
            indexer.note(VecStoreError(.io, "no room"))
            seen = codes(collection)
        }
        #expect(seen == ["index_failing"])
        indexer.note(nil)
        #expect(codes(collection) == [])
    }

    @Test(arguments: [
        (UInt64(7 << 20), "disk_full"), (8 << 20, "disk_nearly_full"), (255 << 20, "disk_nearly_full"), (256 << 20, nil), (.max, nil),
    ])
    func roomOnTheDiskIsLookedAt(free: UInt64, code: String?) {
        #expect(HealthReport.diskReason(freeBytes: free, freeFiles: nil, "x")?.code == code)
        #expect(HealthReport.diskReason(freeBytes: .max, freeFiles: 15, "x")?.code == "disk_nearly_full")
        #expect(HealthReport.diskReason(freeBytes: .max, freeFiles: 16, "x") == nil)
    }

    @Test func aLogThatGrowsIsLookedAt() {
        let long = 256 << 20, minute: Int64 = 60_000_000_000
        #expect(HealthReport.logReason(bytes: long - 1, age: nil, "x") == nil)
        #expect(HealthReport.logReason(bytes: long, age: nil, "x")?.code == "log_long")
        #expect(HealthReport.logReason(bytes: long, age: minute - 1, "x") == nil)
        #expect(HealthReport.logReason(bytes: long, age: minute, "x")?.code == "reader_old")
    }

    @Test func theAgeOfAReaderBeginsAnewWithRefresh() throws {
        let reader = try PointCollection.open(path, CollectionOptions(isReadOnly: true))
        let before = reader.shownSince.load(ordering: .relaxed)
        try reader.refresh()
        #expect(reader.shownSince.load(ordering: .relaxed) > before)
    }
}
