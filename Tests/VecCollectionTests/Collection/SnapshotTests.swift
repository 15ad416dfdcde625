// Copies of collections: taken while points are written, whole, and checked before they are taken back.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct SnapshotTests {
    private let directory: TemporaryDirectory
    private let collection: PointCollection

    init() throws {
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(
            directory.path("points"), vectors: [VectorSettings(dimension: 8, kind: .hnsw)], CollectionOptions(durability: .none))
    }

    private func fill(_ range: Range<Int>) throws { try SnapshotTests.fill(collection, range) }

    private static func fill(_ collection: PointCollection, _ range: Range<Int>) throws {
        var random = Random(seed: UInt64(range.lowerBound) + 1)
        try collection.put(
            range.map { .number(UInt64($0)) }, range.map { _ in random.vector(8) }, range.map { #"{"n":\#($0),"text":"word\#($0 % 7)"}"# })
    }

    @Test func aSnapshotIsACollectionOfItsOwn() throws {
        try collection.createPayloadIndex("text", type: .text)
        try fill(0..<3000)
        try collection.optimize()
        try collection.snapshot(directory.path("copy"))
        try fill(0..<100)
        try collection.remove((2000..<3000).map { .number($0) })
        let copy = try PointCollection.open(directory.path("copy"), CollectionOptions(durability: .none))
        #expect(try copy.count() == 3000)
        // The graph came along.
        #expect(copy.current.vectors[0].graph?.count == 3000)
        try copy.verify()
        #expect(try copy.payload(.number(2500)) == #"{"n":2500,"text":"word1"}"#)
        #expect(try copy.searchText("word3", k: 500, TextSearchOptions()).count == 429)
        // Each is written to without the other.
        #expect(try copy.remove([.number(1)]) == 1)
        #expect(try collection.get([.number(1)])[0] != nil)
    }

    @Test func aSnapshotTakenWhilePointsAreWrittenIsWhole() throws {
        try fill(0..<500)
        let writer = Thread { [collection] in
            for part in 1..<40 { try? SnapshotTests.fill(collection, part * 500..<(part + 1) * 500) }
        }
        writer.start()
        for copy in 0..<5 {
            let path = directory.path("copy-\(copy)")
            try collection.snapshot(path)
            let opened = try PointCollection.open(path, CollectionOptions(isReadOnly: true))
            try opened.verify()
            // Batches are there whole or not at all.
            #expect(try opened.count() % 500 == 0)
        }
        while !writer.isFinished { usleep(1000) }
    }

    @Test func restoreChecksWhatItTakesBack() throws {
        try fill(0..<300)
        try collection.snapshot(directory.path("copy"))
        try PointCollection.restore(directory.path("copy"), to: directory.path("back"))
        let back = try PointCollection.open(directory.path("back"))
        #expect(try back.count() == 300)
        try back.verify()
        var bytes = try directory.bytes("copy/vectors-0.rows")
        bytes[RowFile.headerBytes + 1000] ^= 1
        try directory.write(bytes, "copy/vectors-0.rows")
        do throws(VecStoreError) {
            try PointCollection.restore(directory.path("copy"), to: directory.path("again"))
            Issue.record("a damaged snapshot was taken back")
        } catch {
            #expect(error.code == .corrupt)
        }
        #expect(!directory.names.contains { $0.hasPrefix("again") })
    }

    @Test func aSnapshotTakesNoDirectoryThatIsInUse() throws {
        do throws(VecStoreError) {
            try collection.snapshot(directory.path("points"))
            Issue.record("it wrote over itself")
        } catch {
            #expect(error.code == .alreadyExists)
        }
        #expect(directory.names == ["points"])
    }
}
